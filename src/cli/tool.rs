//! `glovebox tool`: one call of a tool, and what tools there are.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use glovebox_runtime::{
    Access, CallOptions, Engine, Grant, HostPattern, Mount, MountSource, Network, Sandbox,
};
use serde_json::{Value, json};

use crate::server::config::Config;
use crate::server::engine;
use crate::tools::{self, BuiltIn};

/// Runs a tool once, or lists the tools.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
  glovebox tool list
  glovebox tool run bash --input '{\"command\": \"ls -l\"}' --workspace .
  glovebox tool run read --input '{\"file_path\": \"/workspace/README.md\"}' --workspace .")]
pub(super) struct Command {
    /// Where compiled components are kept [default: ~/.cache/glovebox/components]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_CACHE", global = true)]
    cache: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Calls a tool and prints its content blocks as JSON; exits with 1 when the result is an error
    Run {
        /// As `list` shows it
        name: String,
        /// The tool's input, a JSON object
        #[arg(long, value_name = "JSON", default_value = "{}")]
        input: String,
        /// The folder mounted read-write at /workspace; without it, an empty one that is removed at the end
        #[arg(long, value_name = "DIR")]
        workspace: Option<PathBuf>,
        /// A host that may be reached over HTTP; without any, none
        #[arg(long, value_name = "HOST")]
        allow_host: Vec<HostPattern>,
    },
    /// Shows every built-in tool with the first line of its description
    List {
        /// The whole descriptions and input schemas, as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = Config {
            cache: self.cache,
            ..Config::default()
        };
        let engine = engine::open(config.cache_directory()?, engine::FOR_A_COMMAND)?;
        match self.action {
            Action::Run {
                name,
                input,
                workspace,
                allow_host,
            } => run(&engine, &name, &input, workspace, allow_host).await,
            Action::List { json } => list(&engine, json).await,
        }
    }
}

async fn run(
    engine: &Engine,
    name: &str,
    input: &str,
    workspace: Option<PathBuf>,
    allow_host: Vec<HostPattern>,
) -> anyhow::Result<ExitCode> {
    let built_in = BuiltIn::on_demand(engine, &[name])?;
    let tool = built_in.tools.get(name).with_context(|| {
        format!(
            "there is no tool {name}; there are: {}",
            BuiltIn::tool_names().join(", ")
        )
    })?;
    let scratch = tempfile::Builder::new()
        .prefix("glovebox-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let folder = |name: &str| -> anyhow::Result<PathBuf> {
        let path = scratch.path().join(name);
        std::fs::create_dir(&path)?;
        Ok(path)
    };
    let workspace = match workspace {
        Some(path) => path
            .canonicalize()
            .with_context(|| format!("cannot use {} as workspace", path.display()))?,
        None => folder("workspace")?,
    };
    let writable = |at: &str, path: PathBuf| Mount {
        at: at.into(),
        source: MountSource::HostDirectory(path),
        access: Access::ReadWrite,
    };
    let grant = Grant {
        mounts: vec![
            writable("/workspace", workspace),
            writable("/tmp", folder("tmp")?),
            writable("/home/agent", folder("home")?),
            Mount {
                at: "/usr".into(),
                source: MountSource::Image(built_in.usr.clone()),
                access: Access::ReadOnly,
            },
        ],
        network: match allow_host {
            hosts if hosts.is_empty() => Network::None,
            hosts => Network::Limited { hosts },
        },
        ..Grant::default()
    };
    let sandbox = Sandbox::new(engine, grant, built_in.programs.clone())?;
    let report = sandbox.call(tool, input, CallOptions::default()).await;
    sandbox.shutdown().await;
    let result = tools::result(report.outcome);
    super::say(&serde_json::to_string_pretty(&Value::Array(
        result.content,
    ))?)?;
    Ok(if result.is_error {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn list(engine: &Engine, full: bool) -> anyhow::Result<ExitCode> {
    let catalogue = BuiltIn::on_demand(engine, &BuiltIn::tool_names())?
        .catalogue(engine)
        .await?;
    if full {
        let all: Vec<Value> = catalogue
            .iter()
            .map(|(name, tool)| json!({"name": name, "description": tool.text, "input_schema": tool.input_schema}))
            .collect();
        super::say(&serde_json::to_string_pretty(&all)?)?;
    } else {
        for (name, tool) in catalogue.iter() {
            super::say(&format!(
                "{name:<12} {}",
                tool.text.lines().next().unwrap_or_default()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
