//! One client on standard input and output: the one that started us.

use std::future::Future;
use std::sync::Arc;

use rmcp::service::{QuitReason, serve_server_with_ct};
use tokio_util::sync::CancellationToken;

use super::handler::{Client, Handler};
use super::{KeyGrants, Tools};
use crate::ids::Ids;

/// How long calls that were cut off get to end.
const GRACE: std::time::Duration = std::time::Duration::from_secs(10);

/// Serves until the client closes its end, or `stop` is done. Whatever the client's tools have left is gone when it returns,
/// except in a folder of the user's.
pub async fn serve_stdio(
    tools: Arc<dyn Tools>,
    workspace: &str,
    grants: KeyGrants,
    ids: Arc<dyn Ids>,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let client = Client {
        tools,
        workspace: workspace.to_owned(),
        grants: Arc::new(grants),
        ids,
    };
    let handler = Arc::new(Handler::new(Arc::new(client)));
    let token = CancellationToken::new();
    let serving = async {
        let transport = rmcp::transport::io::stdio();
        match serve_server_with_ct(Arc::clone(&handler), transport, token.clone()).await {
            Ok(service) => match service.waiting().await {
                Ok(QuitReason::JoinError(error)) | Err(error) => Err(std::io::Error::other(error)),
                Ok(_) => Ok(()),
            },
            // A client that leaves before it has said anything has done nothing wrong.
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(std::io::Error::other(error)),
        }
    };
    let ended = {
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            ended = &mut serving => ended,
            () = stop => {
                token.cancel();
                serving.await
            }
        }
    };
    // Calls that were cancelled let go of the handler when they have ended.
    let closed = async {
        let mut handler = handler;
        loop {
            match Arc::try_unwrap(handler) {
                Ok(handler) => break handler.into_hands(),
                Err(shared) => handler = shared,
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    if let Ok(Some(hands)) = tokio::time::timeout(GRACE, closed).await {
        hands.close().await;
    }
    ended
}
