//! Serving the routes on a socket, until told to stop.

use std::future::Future;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Api, router};

/// How long requests that have begun may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stop` is ready. Then running turns are left where they are (the next start goes on with them), streams
/// are ended, requests that have begun are answered, and it returns.
pub async fn serve(
    api: Api,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Small frames must not wait for each other: a stream's deltas would arrive in bunches.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let (agents, mcp) = (api.agents.clone(), api.mcp.clone());
    let (stopped, stopping) = oneshot::channel();
    let shutdown = async move {
        stop.await;
        tracing::info!("stopping");
        mcp.shutdown();
        agents.shutdown().await;
        // Nobody listens any more when the server has ended by itself.
        let _ = stopped.send(());
    };
    let clock = api.clock.clone();
    let serving = axum::serve(listener, router(api))
        .with_graceful_shutdown(shutdown)
        .into_future();
    tokio::select! {
        ended = serving => ended,
        () = async {
            if stopping.await.is_err() {
                std::future::pending::<()>().await;
            }
            clock.sleep(GRACE).await;
        } => {
            tracing::warn!("some requests were still open after {GRACE:?} and are cut off");
            Ok(())
        }
    }
}
