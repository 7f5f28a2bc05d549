//! The sessions of one key's clients: as many as allowed, each closed when nothing is heard of it for long.

use std::time::Duration;

use futures::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, LocalSessionWorker, SessionConfig,
};
use rmcp::transport::streamable_http_server::session::{
    ServerSseMessage, SessionId, SessionManager,
};
use rmcp::transport::worker::WorkerTransport;
use tokio::sync::Mutex;

/// How long the end of an answer is kept for a client whose connection broke.
const KEPT: Duration = Duration::from_secs(10);

/// The sessions of one key.
pub(super) struct Sessions {
    local: LocalSessionManager,
    max: usize,
    /// Held while one is counted and made.
    making: Mutex<()>,
}

/// Why a session cannot go on or begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionsError {
    #[error("a key has at most {0} MCP sessions at a time")]
    TooMany(usize),
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl Sessions {
    pub(super) fn new(max: usize, idle_timeout: Duration) -> Sessions {
        let mut config = SessionConfig::default();
        config.keep_alive = Some(idle_timeout);
        config.completed_cache_ttl = KEPT;
        let mut local = LocalSessionManager::default();
        local.session_config = config;
        Sessions {
            local,
            max,
            making: Mutex::default(),
        }
    }

    /// Whether another one may begin.
    pub(super) async fn is_full(&self) -> bool {
        self.local.sessions.read().await.len() >= self.max
    }
}

type Result<T> = std::result::Result<T, SessionsError>;

impl SessionManager for Sessions {
    type Error = SessionsError;
    type Transport = WorkerTransport<LocalSessionWorker>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport)> {
        let _making = self.making.lock().await;
        if self.is_full().await {
            return Err(SessionsError::TooMany(self.max));
        }
        Ok(self.local.create_session().await?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage> {
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool> {
        Ok(self.local.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<()> {
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        Ok(self.local.create_stream(id, message).await?)
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<()> {
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        Ok(self.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        Ok(self.local.resume(id, last_event_id).await?)
    }
}
