//! `glovebox mcp`: the tools for one MCP client, over standard input and output.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use glovebox_runtime::Engine;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::agent::hands::{
    Hands, HandsError, Sandboxes, SandboxesOptions, SandboxesParts, Secrets, Trees,
};
use crate::blobs::Folder;
use crate::clock::SystemClock;
use crate::ids::RandomIds;
use crate::mcp::{self, Catalogued, KeyGrants, Tool, ToolPage, Tools, ToolsError};
use crate::server::config::{Config, LogFormat};
use crate::server::data::DataDirectory;
use crate::server::secrets::SecretConfig;
use crate::server::{self, engine, keys, logging};
use crate::store::sqlite::{self, Sqlite};
use crate::tools::{BuiltIn, Compiling, LoadedMax, Registry, RegistryParts, compile};

/// Serves the tools to the MCP client that started this, over standard input and output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
No server has to run. Logs go to standard error. Tools see a folder of their own, which is gone afterwards, and with
--workspace yours at /workspace; they reach no host that is not named here.

As an MCP client's configuration has it:
  {\"mcpServers\": {\"glovebox\": {\"command\": \"glovebox\", \"args\": [\"mcp\", \"--workspace\", \"/home/me/project\"]}}}

  glovebox mcp --tool bash --tool read --allow-host '*.example.com'
  glovebox mcp --allow-host api.example.com --secret API_KEY=env:EXAMPLE_KEY@api.example.com")]
pub(super) struct Command {
    /// The folder mounted read-write at /workspace; without it, an empty one that is removed at the end
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Files can be read and not written
    #[arg(long)]
    read_only: bool,
    /// A host that may be reached over HTTP, for example api.example.com or *.example.com; without any, none
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// A tool to offer, built in or pushed; without any, all
    #[arg(long, value_name = "NAME")]
    tool: Vec<String>,
    /// A secret that tools may use and never see: its name, the variable that holds it, and the host it is meant for
    #[arg(long, value_name = "NAME=env:VARIABLE@HOST")]
    secret: Vec<String>,
    /// The data directory of a server, whose pushed tools are offered too [default: ~/.local/share/glovebox, if it is there]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_DATA")]
    data: Option<PathBuf>,
    /// Where compiled components are kept [default: ~/.cache/glovebox/components]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_CACHE")]
    cache: Option<PathBuf>,
    /// A TOML file; of what the server's has, [sandbox] and [tools] count here
    #[arg(long, value_name = "FILE", env = "GLOVEBOX_CONFIG")]
    config: Option<PathBuf>,
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        logging::start(LogFormat::Text, logging::FOR_A_COMMAND);
        let file = self.config.as_deref().map(Config::load).transpose()?;
        let config = Config {
            cache: self.cache.clone(),
            data: self.data.clone(),
            ..file.unwrap_or_default()
        };
        let workspace = self
            .workspace
            .as_deref()
            .map(|path| {
                path.canonicalize()
                    .with_context(|| format!("cannot use {} as workspace", path.display()))
            })
            .transpose()?;
        let secrets = secrets(&self.secret)?;
        let grants = self.grants(secrets.keys())?;
        let scratch = tempfile::Builder::new()
            .prefix("glovebox-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let tools = Late {
            cache: config.cache_directory()?,
            trees: Trees::scratch(scratch.path(), Arc::new(SystemClock))?,
            options: SandboxesOptions {
                workspace,
                ..config.sandboxes()
            },
            pushed: self.pushed(&config)?,
            secrets: server::secrets::read(&secrets)?,
            loaded_max: config.tools.loaded(),
            names: self.tool,
            loaded: OnceCell::new(),
        };
        mcp::serve_stdio(
            Arc::new(tools),
            keys::DEFAULT_WORKSPACE,
            grants,
            Arc::new(RandomIds),
            server::stop_signal(),
        )
        .await?;
        Ok(())
    }

    /// The server's database and components, where there are any.
    fn pushed(&self, config: &Config) -> anyhow::Result<Option<(Sqlite, Folder)>> {
        let data = match config.data_directory() {
            Ok(path) => DataDirectory::at(&path),
            Err(_) => return Ok(None),
        };
        if self.data.is_none() && !data.database().exists() {
            return Ok(None);
        }
        match Sqlite::open_read_only(&data.database(), &sqlite::Options::default()) {
            Ok(store) => Ok(Some((store, Folder::open_read_only(&data.blobs())))),
            Err(error) if self.data.is_some() => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "only the built-in tools are offered");
                Ok(None)
            }
        }
    }

    fn grants<'s>(&self, secrets: impl Iterator<Item = &'s String>) -> anyhow::Result<KeyGrants> {
        let secrets: Vec<_> = secrets.collect();
        let mut given = json!({"hosts": self.allow_host, "secrets": secrets});
        if !self.tool.is_empty() {
            given["tools"] = json!(self.tool);
        }
        let grants = KeyGrants::parse(&given)?;
        Ok(if self.read_only {
            grants.read_only()
        } else {
            grants
        })
    }
}

/// What `--secret` says, as the configuration would. A name that is given twice is for both hosts.
fn secrets(given: &[String]) -> anyhow::Result<BTreeMap<String, SecretConfig>> {
    let mut secrets: BTreeMap<String, SecretConfig> = BTreeMap::new();
    for text in given {
        let parts = text.split_once("=env:").and_then(|(name, rest)| {
            let (variable, host) = rest.split_once('@')?;
            Some((name, variable, host))
        });
        let (name, variable, host) =
            parts.with_context(|| format!("--secret {text}: is not NAME=env:VARIABLE@HOST"))?;
        let secret = secrets.entry(name.to_owned()).or_insert(SecretConfig {
            hosts: Vec::new(),
            value: None,
            env: Some(variable.to_owned()),
            file: None,
            workspace: None,
        });
        anyhow::ensure!(
            secret.env.as_deref() == Some(variable),
            "--secret {name}: two different variables hold it"
        );
        secret.hosts.push(host.to_owned());
    }
    Ok(secrets)
}

/// The tools, loaded when the client asks for them: it is not to wait for the compiler before it is greeted.
struct Late {
    cache: PathBuf,
    trees: Trees,
    options: SandboxesOptions,
    pushed: Option<(Sqlite, Folder)>,
    secrets: Secrets,
    loaded_max: LoadedMax,
    /// The only tools, or all.
    names: Vec<String>,
    loaded: OnceCell<Catalogued>,
}

impl Late {
    async fn loaded(&self) -> Result<&Catalogued, ToolsError> {
        let load = async || -> anyhow::Result<Catalogued> {
            let names = self.names.clone();
            let cache = self.cache.clone();
            let load = move || load(&cache, &names);
            let (engine, built_in) = tokio::task::spawn_blocking(load).await??;
            let catalogue = Arc::new(built_in.catalogue(&engine).await?);
            let registry = self.registry(&engine)?;
            if registry.is_none()
                && let Some(name) = self.names.iter().find(|name| catalogue.get(name).is_none())
            {
                anyhow::bail!("there is no tool {name}");
            }
            let sandboxes = Sandboxes::new(SandboxesParts {
                engine,
                built_in,
                catalogue: Arc::clone(&catalogue),
                registry: registry.clone(),
                secrets: self.secrets.clone(),
                trees: self.trees.clone(),
                options: self.options.clone(),
            });
            let tools = Catalogued::new(&catalogue, Arc::new(sandboxes));
            Ok(match registry {
                Some(registry) => tools.with_pushed(registry),
                None => tools,
            })
        };
        let loaded = self.loaded.get_or_try_init(load).await;
        loaded.map_err(|error| ToolsError::Failed(error.into()))
    }

    fn registry(&self, engine: &Engine) -> std::io::Result<Option<Registry>> {
        let Some((store, blobs)) = &self.pushed else {
            return Ok(None);
        };
        Ok(Some(Registry::new(RegistryParts {
            documents: Arc::new(store.clone()),
            blobs: Arc::new(blobs.clone()),
            engine: engine.clone(),
            compiling: Compiling {
                exe: server::this_program()?,
                cache: self.cache.clone(),
                limits: compile::Limits::default(),
            },
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            loaded_max: self.loaded_max,
        })))
    }
}

fn load(cache: &Path, names: &[String]) -> anyhow::Result<(Engine, BuiltIn)> {
    let engine = engine::open(cache.to_owned(), engine::FOR_A_COMMAND)?;
    let known = BuiltIn::tool_names();
    let wanted: Vec<&str> = if names.is_empty() {
        known
    } else {
        names.iter().map(String::as_str).collect()
    };
    let built_in = BuiltIn::on_demand(&engine, &wanted)?;
    Ok((engine, built_in))
}

#[async_trait]
impl Tools for Late {
    async fn list(&self, workspace: &str, cursor: Option<&str>) -> Result<ToolPage, ToolsError> {
        self.loaded().await?.list(workspace, cursor).await
    }

    async fn find(&self, workspace: &str, name: &str) -> Result<Option<Tool>, ToolsError> {
        self.loaded().await?.find(workspace, name).await
    }

    async fn open(
        &self,
        session: &str,
        workspace: &str,
        grants: &KeyGrants,
    ) -> Result<Box<dyn Hands>, HandsError> {
        let loaded = self.loaded().await;
        let loaded = loaded.map_err(|error| HandsError::new("loading the tools", error))?;
        loaded.open(session, workspace, grants).await
    }

    async fn discard(&self, session: &str) -> Result<(), HandsError> {
        match self.loaded.get() {
            Some(loaded) => loaded.discard(session).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_names_its_variable_and_its_hosts() {
        let given =
            |texts: &[&str]| secrets(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        let read = given(&[
            "A=env:X@a.example",
            "A=env:X@*.b.example",
            "B=env:Y@c.example",
        ])
        .unwrap();
        assert_eq!(read["A"].hosts, ["a.example", "*.b.example"]);
        assert_eq!(read["B"].env.as_deref(), Some("Y"));
        for wrong in [
            &["A=X@a"][..],
            &["A=env:X"],
            &["A"],
            &["A=env:X@a", "A=env:Y@b"],
        ] {
            assert!(given(wrong).is_err(), "{wrong:?}");
        }
    }
}
