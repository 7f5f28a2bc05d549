//! A session that somebody watches or that runs: what its requests and its task share.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use super::journal::Journal;
use crate::resources::environment::Environment;
use crate::resources::session::SessionAgent;
use crate::tools::Offer;

/// One session in memory. Everything that appends to its log holds `desk` meanwhile.
pub(super) struct Live {
    pub(super) id: String,
    pub(super) workspace: String,
    pub(super) hub: Arc<Hub>,
    pub(super) desk: tokio::sync::Mutex<Desk>,
}

/// What only one may have at a time.
#[derive(Default)]
pub(super) struct Desk {
    /// The folded log; none while the session rests, which then costs no memory.
    pub(super) journal: Option<Journal>,
    /// How the session is set up, loaded together with the journal.
    pub(super) setup: Option<Arc<Setup>>,
    /// Whether a task drives the session.
    pub(super) task: Task,
    /// Cancelled when an interrupt arrives, to end what the task is performing.
    pub(super) interrupt: CancellationToken,
}

/// Whether a task drives a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Task {
    #[default]
    None,
    Driving,
}

/// What a session runs with. Fixed while it runs.
pub(super) struct Setup {
    pub(super) agent: SessionAgent,
    pub(super) environment: Environment,
    pub(super) offer: Offer,
}

impl Live {
    pub(super) fn new(id: &str, workspace: &str) -> Live {
        Live {
            id: id.to_owned(),
            workspace: workspace.to_owned(),
            hub: Arc::default(),
            desk: Default::default(),
        }
    }
}

impl Desk {
    /// Forgets what is in memory; the log has it all.
    pub(super) fn clear(&mut self) {
        self.journal = None;
        self.setup = None;
    }

    /// A token that is cancelled by the next interrupt.
    pub(super) fn listen(&mut self) -> CancellationToken {
        self.interrupt = CancellationToken::new();
        self.interrupt.clone()
    }
}
