//! `glovebox mcp`: the tools for one MCP client, over standard input and output.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::agent::hands::{
    Hands, HandsError, Sandboxes, SandboxesOptions, SandboxesParts, Secrets,
};
use crate::ids::RandomIds;
use crate::mcp::{self, Catalogued, KeyGrants, Tool, ToolPage, Tools, ToolsError};
use crate::server::config::{Config, LogFormat};
use crate::server::{self, engine, keys, logging};
use crate::tools::BuiltIn;

/// Serves the tools to the MCP client that started this, over standard input and output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
No server has to run. Logs go to standard error. Tools see a folder of their own, which is gone afterwards, and with
--workspace yours at /workspace; they reach no host that is not named here.

As an MCP client's configuration has it:
  {\"mcpServers\": {\"glovebox\": {\"command\": \"glovebox\", \"args\": [\"mcp\", \"--workspace\", \"/home/me/project\"]}}}

  glovebox mcp --tool bash --tool read --allow-host '*.example.com'")]
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
    /// A tool to offer; without any, all
    #[arg(long, value_name = "NAME")]
    tool: Vec<String>,
    /// Where compiled components are kept [default: ~/.cache/glovebox/components]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_CACHE")]
    cache: Option<PathBuf>,
    /// A TOML file; of what the server's has, [sandbox] counts here
    #[arg(long, value_name = "FILE", env = "GLOVEBOX_CONFIG")]
    config: Option<PathBuf>,
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        logging::start(LogFormat::Text, logging::FOR_A_COMMAND);
        let file = self.config.as_deref().map(Config::load).transpose()?;
        let config = Config {
            cache: self.cache.clone(),
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
        let grants = self.grants()?;
        let scratch = tempfile::Builder::new()
            .prefix("glovebox-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let tools = Late {
            cache: config.cache_directory()?,
            options: SandboxesOptions {
                workspace,
                ..config.sandboxes(scratch.path().to_owned())
            },
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

    fn grants(&self) -> anyhow::Result<KeyGrants> {
        let grants = KeyGrants::parse(&json!({"hosts": self.allow_host}))?;
        Ok(if self.read_only {
            grants.read_only()
        } else {
            grants
        })
    }
}

/// The tools, loaded when the client asks for them: it is not to wait for the compiler before it is greeted.
struct Late {
    cache: PathBuf,
    options: SandboxesOptions,
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
            let sandboxes = Sandboxes::new(SandboxesParts {
                engine,
                built_in,
                catalogue: Arc::clone(&catalogue),
                registry: None,
                secrets: Secrets::default(),
                options: self.options.clone(),
            });
            Ok(Catalogued::new(&catalogue, Arc::new(sandboxes)))
        };
        let loaded = self.loaded.get_or_try_init(load).await;
        loaded.map_err(|error| ToolsError::Failed(error.into()))
    }
}

fn load(cache: &Path, names: &[String]) -> anyhow::Result<(glovebox_runtime::Engine, BuiltIn)> {
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
