//! A sandbox: one session's hands.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use glovebox_tree::Snapshot;

use crate::fs::{Ledger, LedgerLimits, MountError, Mounts, own_tree};
use crate::grant::Grant;
use crate::limits::{Account, Verdict};
use crate::process::table::Table;
use crate::programs::Programs;
use crate::scope::Scopes;
use crate::{Engine, Files};

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A mount cannot be made.
    #[error("cannot make the mounts")]
    Mount(#[from] MountError),
}

/// One session's hands. Dropping it kills whatever still runs in it.
///
/// Between calls it holds no instance; what is left are its mounts, what tools asked to keep, and background processes.
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
}

/// What the processes of a sandbox share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) grant: Grant,
    pub(crate) programs: Arc<Programs>,
    mounts: Arc<Mounts>,
    files: Option<Files>,
    pub(crate) scopes: Scopes,
    pub(crate) table: Table,
    /// Above the accounts of all calls and background processes: adds up their memory.
    pub(crate) account: Arc<Account>,
    tool_state: Mutex<BTreeMap<String, Bytes>>,
}

impl Shared {
    pub(crate) fn tool_state(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.tool_state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Makes the grant so. Blocks for as long as opening the mounted directories takes.
    pub fn new(
        engine: &Engine,
        grant: Grant,
        programs: Arc<Programs>,
    ) -> Result<Sandbox, SandboxError> {
        let limits = &grant.limits;
        let ledger = Ledger::new(LedgerLimits {
            disk_bytes_max: limits.disk_bytes_max,
            files_max: limits.files_max,
            file_bytes_max: limits.file_bytes_max,
            descriptors_max: u64::from(limits.descriptors_max) * u64::from(limits.processes_max),
        });
        let mounts = Mounts::from_grant(&grant.mounts, ledger)?;
        let files = own_tree(&grant.mounts)?.map(Files::of);
        Ok(Sandbox {
            shared: Arc::new(Shared {
                engine: engine.clone(),
                programs,
                scopes: Scopes::new(&grant, Arc::clone(&mounts)),
                mounts,
                files,
                table: Table::default(),
                account: Account::new(grant.limits, None),
                tool_state: Mutex::default(),
                grant,
            }),
        })
    }

    /// What it may do.
    pub fn grant(&self) -> &Grant {
        &self.shared.grant
    }

    /// The programs it can start by name.
    pub fn programs(&self) -> &Programs {
        &self.shared.programs
    }

    /// Its files, for the host: uploads, outputs. Goes the same way as a guest's paths and is stopped by the same limits.
    pub fn mounts(&self) -> &Mounts {
        &self.shared.mounts
    }

    /// The versioned tree that it can change, if its grant mounts one.
    pub fn files(&self) -> Option<&Files> {
        self.shared.files.as_ref()
    }

    /// What is in that tree at this moment, in constant time. Processes that are running see nothing of it.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.files().map(Files::snapshot)
    }

    /// What tools left for their next calls, by the tool's name.
    pub fn tool_state(&self) -> BTreeMap<String, Bytes> {
        self.shared.tool_state().clone()
    }

    /// Puts back what [`Sandbox::tool_state`] gave.
    pub fn set_tool_state(&self, state: BTreeMap<String, Bytes>) {
        *self.shared.tool_state() = state;
    }

    /// Processes that are running now, tools included.
    pub fn live_processes(&self) -> usize {
        self.shared.table.len()
    }

    /// Kills whatever still runs, lets nothing further start, and waits until all of it is gone.
    pub async fn shutdown(&self) {
        for process in self.end() {
            process.wait().await;
        }
    }

    /// Kills background processes and waits until they are gone. Calls go on.
    pub async fn shutdown_background(&self) {
        for process in self.shared.table.kill_where(|process| process.background) {
            process.wait().await;
        }
    }

    fn end(&self) -> Vec<Arc<crate::process::table::Process>> {
        self.shared.table.close();
        let processes = self.shared.table.kill_where(|_| true);
        for process in &processes {
            process.account.end(Verdict::Cancelled);
        }
        processes
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("grant", &self.shared.grant)
            .finish_non_exhaustive()
    }
}
