//! What a call uses, and the moment it has used too much.
//!
//! An [`Account`] is shared by a call's tool and every process it starts; background processes have one of their own. All
//! of a sandbox's accounts hang below one that adds up memory. The first limit that is exceeded is the account's verdict: it
//! never changes, and everything that runs on the account is then killed.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use wasmtime::ResourceLimiter;

use crate::engine::{CORE_INSTANCES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX};
use crate::grant::{LimitKind, Limits};

/// Refused spawns after which a call is ended: by then it is no accident.
const REFUSED_SPAWNS_MAX: u32 = 100;

/// Why everything on an account is being killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Limit { which: LimitKind, message: String },
    Cancelled,
}

/// What one call uses.
pub(crate) struct Account {
    limits: Limits,
    life: Life,
    parent: Option<Arc<Account>>,
    memory: AtomicU64,
    memory_peak: AtomicU64,
    cpu_nanoseconds: AtomicU64,
    output: AtomicU64,
    spawned: AtomicU64,
    refused_spawns: AtomicU32,
    verdict: OnceLock<Verdict>,
    ended: Notify,
    deadline: Mutex<Deadline>,
    deadline_moved: Notify,
}

/// What an account ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// A call.
    Call,
    /// A background process and all it starts: these may outlive calls, until the sandbox ends.
    Background,
}

#[derive(Clone)]
struct Deadline {
    at: Instant,
    message: String,
}

impl Account {
    /// The account of a sandbox, or of a call below it.
    pub(crate) fn new(limits: Limits, parent: Option<Arc<Account>>) -> Arc<Account> {
        Account::with_life(limits, Life::Call, parent)
    }

    /// The account of a background process below that of a sandbox, with the limits of the call that started it.
    pub(crate) fn background(limits: Limits, sandbox: &Arc<Account>) -> Arc<Account> {
        Account::with_life(limits, Life::Background, Some(Arc::clone(sandbox)))
    }

    fn with_life(limits: Limits, life: Life, parent: Option<Arc<Account>>) -> Arc<Account> {
        let at = far_from(Instant::now(), limits.wall_time_max);
        Arc::new(Account {
            limits,
            life,
            parent,
            memory: AtomicU64::new(0),
            memory_peak: AtomicU64::new(0),
            cpu_nanoseconds: AtomicU64::new(0),
            output: AtomicU64::new(0),
            spawned: AtomicU64::new(0),
            refused_spawns: AtomicU32::new(0),
            verdict: OnceLock::new(),
            ended: Notify::new(),
            // An empty message is written when it is needed: most calls end in time.
            deadline: Mutex::new(Deadline {
                at,
                message: String::new(),
            }),
            deadline_moved: Notify::new(),
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn life(&self) -> Life {
        self.life
    }

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.get()
    }

    /// Ends everything on the account. Only the first verdict counts.
    pub(crate) fn end(&self, verdict: Verdict) {
        if self.verdict.set(verdict).is_ok() {
            self.ended.notify_waiters();
        }
    }

    fn exceed(&self, which: LimitKind, message: String) {
        self.end(Verdict::Limit { which, message });
    }

    /// Waits for a verdict, or for the deadline, which is one.
    pub(crate) async fn wait_ended(&self) {
        loop {
            let ended = self.ended.notified();
            let moved = self.deadline_moved.notified();
            if self.verdict.get().is_some() {
                return;
            }
            let Deadline { at, message } = self.lock_deadline().clone();
            tokio::select! {
                () = ended => return,
                () = moved => {}
                () = tokio::time::sleep_until(at.into()) => {
                    let message = if message.is_empty() {
                        format!("wall time limit of {} exceeded", seconds(self.limits.wall_time_max))
                    } else {
                        message
                    };
                    self.exceed(LimitKind::WallTime, message);
                    return;
                }
            }
        }
    }

    /// Waits for a verdict alone: a background process has no deadline.
    pub(crate) async fn wait_verdict(&self) {
        let ended = self.ended.notified();
        if self.verdict.get().is_none() {
            ended.await;
        }
    }

    fn lock_deadline(&self) -> std::sync::MutexGuard<'_, Deadline> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the deadline forward; never pushes it back.
    pub(crate) fn narrow_deadline(&self, from_now: Duration, message: String) {
        let at = far_from(Instant::now(), from_now);
        let mut deadline = self.lock_deadline();
        if at < deadline.at {
            *deadline = Deadline { at, message };
            drop(deadline);
            self.deadline_moved.notify_waiters();
        }
    }

    /// Takes memory if there is enough for everyone above as well.
    pub(crate) fn take_memory(&self, bytes: u64) -> bool {
        let used = self
            .memory
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        let fits = used <= self.limits.memory_bytes_max
            && self
                .parent
                .as_ref()
                .is_none_or(|parent| parent.take_memory(bytes));
        if fits {
            self.memory_peak.fetch_max(used, Ordering::Relaxed);
        } else {
            self.memory.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    pub(crate) fn give_memory(&self, bytes: u64) {
        self.memory.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(parent) = &self.parent {
            parent.give_memory(bytes);
        }
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    pub(crate) fn memory_peak(&self) -> u64 {
        self.memory_peak.load(Ordering::Relaxed)
    }

    pub(crate) fn memory_message(&self) -> String {
        format!(
            "memory limit of {} MiB exceeded",
            self.limits.memory_bytes_max >> 20
        )
    }

    pub(crate) fn add_cpu(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let used = self
            .cpu_nanoseconds
            .fetch_add(time, Ordering::Relaxed)
            .saturating_add(time);
        if u128::from(used) > self.limits.cpu_time_max.as_nanos() {
            self.exceed(
                LimitKind::CpuTime,
                format!(
                    "CPU time limit of {} exceeded",
                    seconds(self.limits.cpu_time_max)
                ),
            );
        }
    }

    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanoseconds.load(Ordering::Relaxed))
    }

    /// Counts bytes on their way to the caller.
    pub(crate) fn add_output(&self, bytes: u64) {
        let used = self
            .output
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        if used > self.limits.output_bytes_max {
            let limit = self.limits.output_bytes_max;
            let limit = if limit >= 1 << 20 {
                format!("{} MiB", limit >> 20)
            } else {
                format!("{limit} bytes")
            };
            self.exceed(
                LimitKind::Output,
                format!("output limit of {limit} exceeded"),
            );
        }
    }

    pub(crate) fn output(&self) -> u64 {
        self.output.load(Ordering::Relaxed)
    }

    pub(crate) fn count_spawn(&self) {
        self.spawned.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn spawned(&self) -> u64 {
        self.spawned.load(Ordering::Relaxed)
    }

    /// Counts a spawn that was refused for want of processes.
    pub(crate) fn refuse_spawn(&self) {
        if self.refused_spawns.fetch_add(1, Ordering::Relaxed) + 1 >= REFUSED_SPAWNS_MAX {
            self.exceed(
                LimitKind::Processes,
                format!("limit of {} processes exceeded", self.limits.processes_max),
            );
        }
    }
}

/// Ends what runs on an account when whoever waits for it goes away.
pub(crate) struct KillOnDrop(Option<Arc<Account>>);

impl KillOnDrop {
    pub(crate) fn new(account: &Arc<Account>) -> KillOnDrop {
        KillOnDrop(Some(Arc::clone(account)))
    }

    /// It is over: nothing is left to kill, and the account may still be charged for the answer.
    pub(crate) fn over(mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(account) = &self.0 {
            account.end(Verdict::Cancelled);
        }
    }
}

/// `from + time`, or as good as never where that cannot be represented.
fn far_from(from: Instant, time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    from + time.min(YEAR)
}

pub(crate) fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

/// Host memory held for a guest; given back when dropped.
pub(crate) struct Charge {
    account: Arc<Account>,
    bytes: u64,
}

impl Charge {
    pub(crate) fn none(account: Arc<Account>) -> Charge {
        Charge { account, bytes: 0 }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    #[must_use]
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let taken = self.account.take_memory(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    pub(crate) fn release(&mut self) {
        self.account.give_memory(self.bytes);
        self.bytes = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.release();
    }
}

/// What wasmtime asks before a guest's memory or tables grow.
pub(crate) struct Limiter {
    charge: Charge,
    /// Whether memory was refused: if the guest traps afterwards, that is why.
    pub(crate) refused: bool,
}

impl Limiter {
    pub(crate) fn new(account: Arc<Account>) -> Limiter {
        Limiter {
            charge: Charge::none(account),
            refused: false,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = self.charge.grow(desired.saturating_sub(current) as u64);
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            memory_bytes_max: 100,
            output_bytes_max: 10,
            cpu_time_max: Duration::from_millis(5),
            ..Limits::default()
        }
    }

    fn limit(account: &Account) -> Option<LimitKind> {
        account.verdict().map(|verdict| match verdict {
            Verdict::Limit { which, .. } => *which,
            Verdict::Cancelled => panic!("cancelled"),
        })
    }

    #[test]
    fn memory_is_refused_when_the_call_or_the_sandbox_has_none_left() {
        let sandbox = Account::new(
            Limits {
                memory_bytes_max: 150,
                ..limits()
            },
            None,
        );
        let first = Account::new(limits(), Some(sandbox.clone()));
        let second = Account::new(limits(), Some(sandbox.clone()));
        assert!(first.take_memory(100));
        assert!(!first.take_memory(1));
        assert!(!second.take_memory(51));
        assert!(second.take_memory(50));
        first.give_memory(100);
        assert_eq!(
            (first.memory(), second.memory(), sandbox.memory()),
            (0, 50, 50)
        );
        assert_eq!(first.memory_peak(), 100);
    }

    #[test]
    fn each_limit_names_itself_and_the_first_one_counts() {
        let account = Account::new(limits(), None);
        account.add_output(10);
        assert_eq!(limit(&account), None);
        account.add_output(1);
        assert_eq!(limit(&account), Some(LimitKind::Output));
        account.add_cpu(Duration::from_secs(1));
        assert_eq!(limit(&account), Some(LimitKind::Output));

        let account = Account::new(limits(), None);
        account.add_cpu(Duration::from_millis(6));
        let expected = Verdict::Limit {
            which: LimitKind::CpuTime,
            message: "CPU time limit of 5 ms exceeded".to_owned(),
        };
        assert_eq!(account.verdict(), Some(&expected));

        let account = Account::new(limits(), None);
        (0..REFUSED_SPAWNS_MAX).for_each(|_| account.refuse_spawn());
        assert_eq!(limit(&account), Some(LimitKind::Processes));
    }

    #[tokio::test]
    async fn a_deadline_only_moves_forward() {
        let account = Account::new(
            Limits {
                wall_time_max: Duration::from_secs(3600),
                ..limits()
            },
            None,
        );
        account.narrow_deadline(Duration::ZERO, "timed out".to_owned());
        account.narrow_deadline(Duration::from_secs(7200), "later".to_owned());
        account.wait_ended().await;
        let expected = Verdict::Limit {
            which: LimitKind::WallTime,
            message: "timed out".to_owned(),
        };
        assert_eq!(account.verdict(), Some(&expected));
    }
}
