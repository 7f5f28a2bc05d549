//! Sessions' files over the years: what earlier versions left is moved in, and what nobody needs is swept out.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use glovebox_tree::sweep::SweepError;

use super::data::DataDirectory;
use crate::agent::Timeline;
use crate::agent::hands::Trees;
use crate::clock::Clock;
use crate::mcp;
use crate::store::Log;

/// At least so much time lies between two sweeps. A save has half of it to get into a log.
const GRACE: Duration = Duration::from_secs(3600);

/// Where earlier versions kept what is now at these places of a session's tree.
const FOLDERS: [(&str, &str); 6] = [
    ("/workspace", "workspace"),
    ("/tmp", "tmp"),
    ("/home/agent", "home"),
    ("/mnt/session/outputs", "outputs"),
    ("/mnt/session/tool_outputs", "tool_outputs"),
    ("/state", "state"),
];

/// Moves the files of sessions that earlier versions kept in folders into their trees, once and for all. A folder is
/// removed only when the session's log has its files.
pub(super) async fn move_in(
    data: &DataDirectory,
    timeline: &Timeline,
    trees: &Trees,
) -> anyhow::Result<()> {
    for (session, folder) in data.session_folders()? {
        let of_mcp = session.starts_with(&format!("{}_", mcp::SESSION_PREFIX));
        let files = async || -> anyhow::Result<String> {
            tracing::info!(session, "the files of a session are moved in");
            let (trees, folder) = (trees.clone(), folder.clone());
            Ok(tokio::task::spawn_blocking(move || {
                let folders = FOLDERS.map(|(place, name)| (place, folder.join(name)));
                let folders = folders
                    .each_ref()
                    .map(|(place, path)| (*place, path.as_path()));
                trees.move_in(&folders)
            })
            .await??)
        };
        // Nobody can go on with the MCP sessions of a server that has ended.
        let done = of_mcp || timeline.move_in(&session, files).await?;
        if done {
            let removed = tokio::fs::remove_dir_all(&folder).await;
            removed.with_context(|| format!("cannot remove {}", folder.display()))?;
        } else {
            tracing::warn!(session, folder = %folder.display(), "files of a session that does not exist are left alone");
        }
    }
    Ok(())
}

/// Sweeps now and whenever enough time has passed, for ever.
pub(super) async fn keep_swept(trees: Trees, log: Arc<dyn Log>, clock: Arc<dyn Clock>) {
    loop {
        let pause = match sweep(&trees, &*log).await {
            Ok(()) => GRACE,
            Err(error) => match error.downcast_ref() {
                Some(SweepError::TooEarly(left)) => *left,
                _ => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "unneeded files are not removed"
                    );
                    GRACE
                }
            },
        };
        clock.sleep(pause).await;
    }
}

async fn sweep(trees: &Trees, log: &dyn Log) -> anyhow::Result<()> {
    let roots = log.references().await?;
    let trees = trees.clone();
    let swept = tokio::task::spawn_blocking(move || trees.sweep(GRACE, &roots)).await??;
    tracing::debug!(swept.deleted, swept.condemned, swept.kept, "swept");
    Ok(())
}
