//! `glovebox key`: API keys of a workspace. Works while a server runs: it asks the database at each request.

use std::path::PathBuf;

use crate::clock::{Clock, SystemClock};
use crate::ids::RandomIds;
use crate::server::config::Config;
use crate::server::data::DataDirectory;
use crate::server::keys;
use crate::store::Keys;
use crate::store::sqlite::{self, Sqlite};

/// Creates, lists and revokes API keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
  glovebox key create --name laptop                   prints the key, once
  glovebox key create --workspace research            what one workspace has made, another never sees
  glovebox key list
  glovebox key revoke apikey_01...")]
pub(super) struct Command {
    /// The server's data directory [default: ~/.local/share/glovebox]
    #[arg(long, value_name = "DIR", global = true, env = "GLOVEBOX_DATA")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes a key and prints it; it cannot be shown again
    Create {
        /// Whose objects it gives access to
        #[arg(long, default_value = keys::DEFAULT_WORKSPACE)]
        workspace: String,
        /// What it is for
        #[arg(long, default_value = "unnamed")]
        name: String,
    },
    /// Shows all keys, without their secrets
    List,
    /// Makes a key useless from the next request on
    Revoke {
        /// As `list` shows it
        id: String,
    },
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = Config {
            data: self.data,
            ..Config::default()
        };
        let data = DataDirectory::open(&config.data_directory()?)?;
        let store = Sqlite::open(&data.database(), &sqlite::Options::default())?;
        match self.action {
            Action::Create { workspace, name } => {
                let secret = keys::new_secret();
                let row =
                    keys::add(&store, &SystemClock, &RandomIds, &workspace, &name, &secret).await?;
                eprintln!(
                    "{} for workspace {}; it cannot be shown again:",
                    row.id, row.workspace
                );
                super::say(&secret)?;
            }
            Action::List => {
                for key in store.all().await? {
                    let state = key
                        .revoked_at
                        .map_or("active".into(), |at| format!("revoked {at}"));
                    super::say(&format!(
                        "{}\t{}\t{}\t{}\t{}\t{state}",
                        key.id, key.workspace, key.hint, key.created_at, key.name
                    ))?;
                }
            }
            Action::Revoke { id } => {
                let known = store.revoke(&id, &SystemClock.now().to_string()).await?;
                anyhow::ensure!(known, "there is no key {id}: see `glovebox key list`");
            }
        }
        Ok(())
    }
}
