//! `glovebox key`: API keys of a workspace. Works while a server runs: it asks the database at each request.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::clock::{Clock, SystemClock};
use crate::ids::RandomIds;
use crate::mcp::{GrantsError, KeyGrants};
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
  glovebox key create --name editor --mcp-tools bash,read --mcp-hosts 'api.example.com,*.example.org'
                                                      what MCP clients with this key may call and reach
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
        #[command(flatten)]
        grants: Grants,
    },
    /// Shows all keys, without their secrets
    List,
    /// Makes a key useless from the next request on
    Revoke {
        /// As `list` shows it
        id: String,
    },
}

/// What MCP clients may do with the key. What is not said is: every tool, no host, no secret, files of their own.
#[derive(Debug, clap::Args)]
struct Grants {
    /// The only tools that MCP clients may call with it, by name
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    mcp_tools: Option<Vec<String>>,
    /// Hosts those tools may reach over HTTP: api.example.com, *.example.com, or '*' for all
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    mcp_hosts: Option<Vec<String>>,
    /// Secrets of the configuration those tools may use, by name
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    mcp_secrets: Option<Vec<String>>,
    /// Those tools may read files and not write any
    #[arg(long)]
    mcp_read_only: bool,
}

impl Grants {
    /// None when nothing was said.
    fn parse(self) -> Result<Option<KeyGrants>, GrantsError> {
        let mut given = Map::new();
        for (name, values) in [
            ("tools", self.mcp_tools),
            ("hosts", self.mcp_hosts),
            ("secrets", self.mcp_secrets),
        ] {
            given.extend(values.map(|values| (name.to_owned(), json!(values))));
        }
        if given.is_empty() && !self.mcp_read_only {
            return Ok(None);
        }
        let grants = KeyGrants::parse(&Value::Object(given))?;
        Ok(Some(if self.mcp_read_only {
            grants.read_only()
        } else {
            grants
        }))
    }
}

/// What the key may do over MCP, in few words.
fn summary(grants: Option<&Value>) -> String {
    let list = |name: &str, otherwise: &str| {
        let Some(names) = grants.and_then(|grants| grants[name].as_array()) else {
            return otherwise.to_owned();
        };
        if names.is_empty() {
            return "none".to_owned();
        }
        let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
        names.join(",")
    };
    let read_only = grants.is_some_and(|grants| {
        let mounts = grants["mounts"].as_array();
        mounts.is_some_and(|mounts| mounts.iter().all(|mount| mount["access"] == "read"))
    });
    let mut text = format!(
        "tools={} hosts={} secrets={}",
        list("tools", "all"),
        list("hosts", "none"),
        list("secrets", "none"),
    );
    if read_only {
        text.push_str(" read-only");
    }
    text
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
            Action::Create {
                workspace,
                name,
                grants,
            } => {
                let secret = keys::new_secret();
                let grants = grants.parse()?;
                let key = keys::NewKey {
                    workspace: &workspace,
                    name: &name,
                    secret: &secret,
                    grants: grants.as_ref(),
                };
                let row = keys::add(&store, &SystemClock, &RandomIds, key).await?;
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
                        "{}\t{}\t{}\t{}\t{}\tmcp: {}\t{state}",
                        key.id,
                        key.workspace,
                        key.hint,
                        key.created_at,
                        key.name,
                        summary(key.grants.as_ref())
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
