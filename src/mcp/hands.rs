//! The hands of one client: opened at its first call, gone with everything in them when it leaves.

use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

use super::{KeyGrants, Tools};
use crate::agent::hands::{Hands, HandsError, ToolCall};
use crate::tools::CallResult;

/// Calls of one client that run at the same time; more wait for their turn.
const CALLS_MAX: usize = 16;

/// The hands of one client. Dropping them kills what runs, and removes their files soon after.
pub(super) struct ClientHands {
    id: String,
    workspace: String,
    grants: Arc<KeyGrants>,
    tools: Arc<dyn Tools>,
    opened: OnceCell<Box<dyn Hands>>,
    turns: Semaphore,
}

impl ClientHands {
    /// Nothing is made before the first call. `id` names their files and is nobody else's.
    pub(super) fn new(
        id: String,
        workspace: String,
        grants: Arc<KeyGrants>,
        tools: Arc<dyn Tools>,
    ) -> ClientHands {
        ClientHands {
            id,
            workspace,
            grants,
            tools,
            opened: OnceCell::new(),
            turns: Semaphore::new(CALLS_MAX),
        }
    }

    /// Runs one call to its end. Dropping the future kills it.
    pub(super) async fn call(&self, call: ToolCall<'_>) -> Result<CallResult, HandsError> {
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|closed| HandsError::new("waiting for a turn", closed))?;
        let open = || self.tools.open(&self.id, &self.workspace, &self.grants);
        let hands = self.opened.get_or_try_init(open).await?;
        let call = ToolCall {
            allowance: Some(&self.grants.allowance),
            ..call
        };
        Ok(hands.call(call).await)
    }

    /// Ends whatever runs and removes the files. Done when it returns.
    pub(super) async fn close(mut self) {
        if let Some(hands) = self.opened.take() {
            close(hands, &*self.tools, &self.id).await;
        }
    }
}

impl Drop for ClientHands {
    fn drop(&mut self) {
        let Some(hands) = self.opened.take() else {
            return;
        };
        let (tools, id) = (Arc::clone(&self.tools), std::mem::take(&mut self.id));
        // Without a runtime the process ends, and the next start finds what is left.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { close(hands, &*tools, &id).await });
        }
    }
}

async fn close(hands: Box<dyn Hands>, tools: &dyn Tools, id: &str) {
    hands.close().await;
    drop(hands);
    if let Err(error) = tools.discard(id).await {
        tracing::warn!(id, error = %error, "files of an MCP session are left behind");
    }
}
