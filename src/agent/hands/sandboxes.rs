//! Hands that are sandboxes of `glovebox-runtime`, one per session, each in its own directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use glovebox_runtime::{
    Access, CallOptions, Component, Engine, Grant, HostPattern, Limits, Mount, MountSource,
    Network, Programs, Sandbox,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Hands, HandsError, ToolCall, Workshop};
use crate::resources::environment::{Environment, EnvironmentConfig, Networking};
use crate::resources::session::SessionAgent;
use crate::resources::tool::Tool;
use crate::tools::{BuiltIn, CallResult, result, shorten};

/// Where the sandbox shows outputs that were too long for the model.
const LONG_OUTPUTS: &str = "/mnt/session/tool_outputs";
/// The tool that asks the operator's search engine, not the environment's network.
const WEB_SEARCH: &str = "web_search";

/// What the operator decides about sandboxes.
#[derive(Debug, Clone, Default)]
pub struct SandboxesOptions {
    /// Sessions' directories are made in here.
    pub directory: PathBuf,
    /// A folder of the user's that every session sees at `/workspace`, in place of an empty one of its own.
    pub workspace: Option<PathBuf>,
    /// What each call may use.
    pub limits: Limits,
    /// Whether tools may reach private and loopback addresses. Default: no.
    pub private_addresses: bool,
    /// A SearXNG-compatible search engine, for `web_search`.
    pub search_endpoint: Option<String>,
}

/// Makes sandboxes.
pub struct Sandboxes {
    engine: Engine,
    built_in: BuiltIn,
    options: SandboxesOptions,
}

impl Sandboxes {
    /// With everything that is built in.
    pub fn new(engine: Engine, built_in: BuiltIn, options: SandboxesOptions) -> Sandboxes {
        Sandboxes {
            engine,
            built_in,
            options,
        }
    }

    fn session_directory(&self, session: &str) -> PathBuf {
        self.options.directory.join(session)
    }

    fn grant(&self, directory: &Path, agent: &SessionAgent, environment: &Environment) -> Grant {
        let mount = |at: &str, folder: &str, access| Mount {
            at: at.to_owned(),
            source: MountSource::HostDirectory(directory.join(folder)),
            access,
        };
        let usr = MountSource::Image(Arc::clone(&self.built_in.usr));
        let mut workspace = mount("/workspace", "workspace", Access::ReadWrite);
        if let Some(folder) = &self.options.workspace {
            workspace.source = MountSource::HostDirectory(folder.clone());
        }
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Grant {
            mounts: vec![
                workspace,
                mount("/tmp", "tmp", Access::ReadWrite),
                mount("/home/agent", "home", Access::ReadWrite),
                mount("/mnt/session/outputs", "outputs", Access::ReadWrite),
                mount(LONG_OUTPUTS, "tool_outputs", Access::ReadOnly),
                Mount {
                    at: "/usr".to_owned(),
                    source: usr,
                    access: Access::ReadOnly,
                },
            ],
            network: network(environment),
            private_addresses: self.options.private_addresses,
            limits: self.options.limits,
            environment: BTreeMap::from([
                variable("HOME", "/home/agent"),
                variable("USER", "agent"),
                variable("LANG", "C.UTF-8"),
                variable("TERM", "dumb"),
                variable("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ]),
            settings: settings(agent, self.options.search_endpoint.as_deref()),
            ..Grant::default()
        }
    }
}

/// What the environment's policy means here. Neither packages nor MCP servers exist, so no hosts of theirs are added.
fn network(environment: &Environment) -> Network {
    match &environment.config {
        EnvironmentConfig::Cloud {
            networking: Networking::Unrestricted {},
            ..
        } => Network::Unrestricted,
        EnvironmentConfig::Cloud {
            networking: Networking::Limited { allowed_hosts, .. },
            ..
        } => Network::Limited {
            hosts: allowed_hosts
                .iter()
                .filter_map(|host| host.parse().ok())
                .collect(),
        },
        EnvironmentConfig::SelfHosted {} => Network::None,
    }
}

/// The web tools' settings: what the agent's configuration says, and the operator's search engine.
fn settings(agent: &SessionAgent, search_endpoint: Option<&str>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for name in ["web_fetch", WEB_SEARCH] {
        let configured = agent.definition.tools.iter().find_map(|tool| match tool {
            Tool::AgentToolset(toolset) => toolset.web(name),
            _ => None,
        });
        let mut setting = match configured.map(serde_json::to_value) {
            Some(Ok(Value::Object(fields))) => fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            _ => Map::new(),
        };
        if let (WEB_SEARCH, Some(endpoint)) = (name, search_endpoint) {
            setting.insert("endpoint".to_owned(), json!(endpoint));
        }
        settings.insert(name.to_owned(), Value::Object(setting).to_string());
    }
    settings
}

/// A grant for asking the search engine, and nothing else. Its address is the operator's choice, so it may be private.
fn search_grant(grant: &Grant, endpoint: &str) -> Grant {
    let host = endpoint
        .parse::<http::Uri>()
        .ok()
        .and_then(|uri| uri.host().map(str::to_owned));
    let pattern = host.and_then(|host| host.parse::<HostPattern>().ok());
    Grant {
        mounts: Vec::new(),
        network: Network::Limited {
            hosts: pattern.into_iter().collect(),
        },
        private_addresses: true,
        ..grant.clone()
    }
}

#[async_trait]
impl Workshop for Sandboxes {
    async fn open(
        &self,
        session: &str,
        agent: &SessionAgent,
        environment: &Environment,
    ) -> Result<Box<dyn Hands>, HandsError> {
        let directory = self.session_directory(session);
        let grant = self.grant(&directory, agent, environment);
        let search = self
            .options
            .search_endpoint
            .as_deref()
            .map(|endpoint| search_grant(&grant, endpoint));
        let engine = self.engine.clone();
        let programs: Arc<Programs> = Arc::clone(&self.built_in.programs);
        let made = directory.clone();
        let make = move || -> Result<_, HandsError> {
            for folder in [
                "workspace",
                "tmp",
                "home",
                "outputs",
                "tool_outputs",
                "state",
            ] {
                let path = made.join(folder);
                std::fs::create_dir_all(&path).map_err(|error| {
                    HandsError::new(format!("making {}", path.display()), error)
                })?;
            }
            let sandbox = |grant, programs| {
                Sandbox::new(&engine, grant, programs)
                    .map_err(|error| HandsError::new("making the sandbox", error))
            };
            let search = search
                .map(|grant| sandbox(grant, Arc::default()))
                .transpose()?;
            Ok((sandbox(grant, programs)?, search))
        };
        let (sandbox, search) = tokio::task::spawn_blocking(make)
            .await
            .map_err(|error| HandsError::new("making the sandbox", error))??;
        Ok(Box::new(SandboxHands {
            sandbox,
            search,
            tools: self.built_in.tools.clone(),
            directory,
        }))
    }

    async fn discard(&self, session: &str) -> Result<(), HandsError> {
        let directory = self.session_directory(session);
        match tokio::fs::remove_dir_all(&directory).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(HandsError::new(
                format!("removing {}", directory.display()),
                error,
            )),
            _ => Ok(()),
        }
    }
}

struct SandboxHands {
    sandbox: Sandbox,
    /// Where `web_search` runs.
    search: Option<Sandbox>,
    tools: BTreeMap<String, Component>,
    directory: PathBuf,
}

#[async_trait]
impl Hands for SandboxHands {
    async fn call(&self, call: ToolCall<'_>) -> CallResult {
        let Some(component) = self.tools.get(call.tool) else {
            let text = format!(
                "there is no tool named {:?} on this server any more",
                call.tool
            );
            return CallResult {
                content: vec![json!({"type": "text", "text": text})],
                is_error: true,
            };
        };
        let mut allowance = call.allowance.cloned();
        let sandbox = match &self.search {
            Some(search) if call.tool == WEB_SEARCH => {
                // The search engine is the operator's choice, and the only host that this sandbox reaches.
                if let Some(allowance) = &mut allowance {
                    allowance.hosts = Network::Unrestricted;
                }
                search
            }
            _ => &self.sandbox,
        };
        let options = CallOptions {
            allowance,
            on_progress: call.on_progress.cloned(),
            cancelled: call.cancelled.cloned(),
            ..CallOptions::default()
        };
        let report = sandbox
            .call(component, &call.input.to_string(), options)
            .await;
        let usage = report.usage;
        tracing::debug!(tool = call.tool, id = call.id, wall = ?usage.wall, cpu = ?usage.cpu, "tool called");
        let mut result = result(report.outcome);
        let name = format!("{}.txt", call.id);
        if let Some(whole) = shorten(&mut result, &format!("{LONG_OUTPUTS}/{name}")) {
            // The guest can only read that directory, so no link of its making can lead this write astray.
            let path = self.directory.join("tool_outputs").join(name);
            if let Err(error) = tokio::fs::write(&path, whole).await {
                tracing::error!(path = %path.display(), %error, "a long output is lost");
            }
        }
        result
    }

    fn tool_state(&self) -> BTreeMap<String, Bytes> {
        self.sandbox.tool_state()
    }

    fn set_tool_state(&self, state: BTreeMap<String, Bytes>) {
        self.sandbox.set_tool_state(state);
    }

    async fn keep(&self, tool: &str, state: &Bytes) -> Result<String, HandsError> {
        use std::fmt::Write as _;
        let mut name = format!("{tool}-");
        for byte in &Sha256::digest(state)[..16] {
            let _ = write!(name, "{byte:02x}");
        }
        let path = self.directory.join("state").join(&name);
        let bytes = state.clone();
        let written = path.clone();
        let write = move || {
            let mut file = std::fs::File::create(&written)?;
            std::io::Write::write_all(&mut file, &bytes)?;
            file.sync_all()
        };
        let failed =
            |error: std::io::Error| HandsError::new(format!("writing {}", path.display()), error);
        tokio::task::spawn_blocking(write)
            .await
            .map_err(|error| failed(error.into()))?
            .map_err(failed)?;
        Ok(name)
    }

    async fn kept(&self, name: &str) -> Result<Bytes, HandsError> {
        let path = self.directory.join("state").join(name);
        let failed = |error| HandsError::new(format!("reading {}", path.display()), error);
        Ok(tokio::fs::read(&path).await.map_err(failed)?.into())
    }

    async fn close(&self) {
        self.sandbox.shutdown().await;
        if let Some(search) = &self.search {
            search.shutdown().await;
        }
    }
}
