//! The process table of a sandbox.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::limits::Account;
use crate::report::ExitStatus;
use crate::scope::Scope;

/// Statuses of ended processes that somebody may still ask for.
const REMEMBERED_MAX: usize = 256;

/// SIGKILL.
pub(crate) const SIGKILL: u8 = 9;

/// A live or ended process. Its component instance belongs to the task that runs it.
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: AtomicU32,
    pub(crate) arguments: Vec<String>,
    pub(crate) started: Instant,
    pub(crate) background: bool,
    pub(crate) sigpipe_kills: bool,
    pub(crate) account: Arc<Account>,
    /// What it may reach.
    pub(crate) scope: Arc<Scope>,
    /// The signal that is to end it; 0 while none is.
    signal: AtomicU8,
    signalled: Notify,
    status: OnceLock<ExitStatus>,
    ended: Notify,
}

/// What a process is started with.
pub(crate) struct Birth {
    pub(crate) parent: u32,
    pub(crate) arguments: Vec<String>,
    pub(crate) background: bool,
    pub(crate) sigpipe_kills: bool,
    pub(crate) account: Arc<Account>,
    pub(crate) scope: Arc<Scope>,
}

/// The guest's `child` resource.
#[expect(
    unreachable_pub,
    reason = "named by generated code, which is public in a private module"
)]
pub struct Child(pub(crate) Arc<Process>);

impl Process {
    /// Has it end as if by this signal. The first signal counts.
    pub(crate) fn kill(&self, signal: u8) {
        if self
            .signal
            .compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
        {
            self.signalled.notify_one();
        }
    }

    /// The signal that is to end it, if any.
    pub(crate) fn signal(&self) -> Option<u8> {
        Some(self.signal.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }

    /// Waits for a signal. Only the task that runs the process does.
    pub(crate) async fn wait_signal(&self) {
        if self.signal().is_none() {
            self.signalled.notified().await;
        }
    }

    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.status.get().copied()
    }

    pub(crate) async fn wait(&self) -> ExitStatus {
        loop {
            let ended = self.ended.notified();
            if let Some(status) = self.status() {
                return status;
            }
            ended.await;
        }
    }
}

/// Every live process of a sandbox, and how the last ones ended.
#[derive(Default)]
pub(crate) struct Table {
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    live: HashMap<u32, Arc<Process>>,
    /// Process, the scope it had, status.
    remembered: VecDeque<(u32, u64, ExitStatus)>,
    last_pid: u32,
    closed: bool,
}

/// Why a process cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    TooMany,
    Closed,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a process its id and enters it.
    pub(crate) fn add(&self, birth: Birth, processes_max: u32) -> Result<Arc<Process>, Full> {
        let mut shared = self.lock();
        if shared.closed {
            return Err(Full::Closed);
        }
        if shared.live.len() >= processes_max as usize {
            return Err(Full::TooMany);
        }
        // 1 is the host. Ids grow and start over long before they could collide with what is remembered.
        let pid = shared.last_pid % 4_000_000 + 1;
        shared.last_pid = pid;
        let process = Arc::new(Process {
            pid: pid + 1,
            parent: AtomicU32::new(birth.parent),
            arguments: birth.arguments,
            started: Instant::now(),
            background: birth.background,
            sigpipe_kills: birth.sigpipe_kills,
            account: birth.account,
            scope: birth.scope,
            signal: AtomicU8::new(0),
            signalled: Notify::new(),
            status: OnceLock::new(),
            ended: Notify::new(),
        });
        shared.live.insert(process.pid, Arc::clone(&process));
        Ok(process)
    }

    /// Takes out an ended process: its foreground children are killed, the others become the host's, and whoever waits for it
    /// learns how it ended.
    pub(crate) fn end(&self, process: &Process, status: ExitStatus) {
        let mut shared = self.lock();
        shared.live.remove(&process.pid);
        if shared.remembered.len() >= REMEMBERED_MAX {
            shared.remembered.pop_front();
        }
        shared
            .remembered
            .push_back((process.pid, process.scope.id, status));
        for child in shared
            .live
            .values()
            .filter(|child| child.parent.load(Ordering::Relaxed) == process.pid)
        {
            if child.background {
                child.parent.store(1, Ordering::Relaxed);
            } else {
                child.kill(SIGKILL);
            }
        }
        drop(shared);
        let _ = process.status.set(status);
        process.ended.notify_waiters();
    }

    pub(crate) fn get(&self, pid: u32) -> Option<Arc<Process>> {
        self.lock().live.get(&pid).cloned()
    }

    /// How an ended process ended, as far as that is remembered and `own` accepts the scope it had.
    pub(crate) fn remembered(&self, pid: u32, own: impl Fn(u64) -> bool) -> Option<ExitStatus> {
        self.lock()
            .remembered
            .iter()
            .rev()
            .find(|(ended, scope, _)| *ended == pid && own(*scope))
            .map(|(_, _, status)| *status)
    }

    /// All live processes, in the order of their ids.
    pub(crate) fn live(&self) -> Vec<Arc<Process>> {
        let mut live: Vec<_> = self.lock().live.values().cloned().collect();
        live.sort_by_key(|process| process.pid);
        live
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().live.len()
    }

    /// Kills every process that `choose` picks and returns them.
    pub(crate) fn kill_where(&self, choose: impl Fn(&Process) -> bool) -> Vec<Arc<Process>> {
        let chosen: Vec<_> = self
            .lock()
            .live
            .values()
            .filter(|process| choose(process))
            .cloned()
            .collect();
        for process in &chosen {
            process.kill(SIGKILL);
        }
        chosen
    }

    /// Lets no further process in.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Ledger, LedgerLimits, MountTable};
    use crate::grant::{Grant, Limits};
    use crate::scope::Scopes;

    fn birth(parent: u32, background: bool) -> Birth {
        let account = Account::new(Limits::default(), None);
        let mounts = MountTable::new(Ledger::new(LedgerLimits::UNLIMITED)).finish();
        let scopes = Scopes::new(&Grant::default(), mounts);
        Birth {
            scope: scopes.make(&Grant::default(), None),
            parent,
            arguments: vec!["x".to_owned()],
            background,
            sigpipe_kills: true,
            account,
        }
    }

    #[test]
    fn children_die_with_their_parent_unless_in_the_background() {
        let table = Table::default();
        let parent = table.add(birth(1, false), 10).unwrap();
        let child = table.add(birth(parent.pid, false), 10).unwrap();
        let daemon = table.add(birth(parent.pid, true), 10).unwrap();
        table.end(&parent, ExitStatus::Exited(3));
        assert_eq!(child.signal(), Some(SIGKILL));
        assert_eq!(daemon.signal(), None);
        assert_eq!(daemon.parent.load(Ordering::Relaxed), 1);
        assert_eq!(
            table.remembered(parent.pid, |_| true),
            Some(ExitStatus::Exited(3))
        );
        assert_eq!(table.live().len(), 2);
    }

    #[test]
    fn a_full_table_refuses_and_a_closed_one_too() {
        let table = Table::default();
        table.add(birth(1, false), 1).unwrap();
        assert_eq!(table.add(birth(1, false), 1).err(), Some(Full::TooMany));
        table.close();
        assert_eq!(table.add(birth(1, false), 9).err(), Some(Full::Closed));
    }

    #[test]
    fn the_first_signal_counts() {
        let process = Table::default().add(birth(1, false), 1).unwrap();
        process.kill(15);
        process.kill(9);
        assert_eq!(process.signal(), Some(15));
    }
}
