//! Hands that are sandboxes of `glovebox-runtime`, one per session, each in its own directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use glovebox_runtime::{
    Access, CallOptions, Engine, Grant, HostPattern, Limits, Mount, MountSource, Network, Programs,
    Sandbox,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Hands, HandsError, Opening, Secrets, ToolCall, Workshop};
use crate::resources::component::ToolComponent;
use crate::resources::environment::{Environment, EnvironmentConfig, Networking};
use crate::resources::session::SessionAgent;
use crate::resources::tool::Tool;
use crate::tools::{
    BuiltIn, CallResult, Catalogue, Ending, Ready, Registry, RegistryError, result, shorten,
};

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

/// What sandboxes are made of.
pub struct SandboxesParts {
    pub engine: Engine,
    pub built_in: BuiltIn,
    /// What the built-in tools wish for.
    pub catalogue: Arc<Catalogue>,
    /// The tools that people have pushed, where there are any.
    pub registry: Option<Registry>,
    /// The operator's.
    pub secrets: Secrets,
    pub options: SandboxesOptions,
}

/// Makes sandboxes.
pub struct Sandboxes {
    engine: Engine,
    built_in: BuiltIn,
    tools: Arc<BTreeMap<String, Ready>>,
    registry: Option<Registry>,
    secrets: Secrets,
    options: SandboxesOptions,
}

impl Sandboxes {
    /// With everything that is built in.
    pub fn new(parts: SandboxesParts) -> Sandboxes {
        let wishes = |name: &str| parts.catalogue.get(name)?.wishes.clone();
        let tools = parts.built_in.tools.iter().map(|(name, component)| {
            let ready = Ready {
                component: component.clone(),
                allowance: wishes(name),
            };
            (name.clone(), ready)
        });
        Sandboxes {
            tools: Arc::new(tools.collect()),
            engine: parts.engine,
            built_in: parts.built_in,
            registry: parts.registry,
            secrets: parts.secrets,
            options: parts.options,
        }
    }

    fn session_directory(&self, session: &str) -> PathBuf {
        self.options.directory.join(session)
    }

    fn grant(&self, directory: &Path, opening: Opening<'_>) -> Grant {
        let Opening {
            workspace: owner,
            agent,
            environment,
            ..
        } = opening;
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
            secrets: self.secrets.of(owner),
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
    async fn open(&self, opening: Opening<'_>) -> Result<Box<dyn Hands>, HandsError> {
        let directory = self.session_directory(opening.session);
        let grant = self.grant(&directory, opening);
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
            tools: Arc::clone(&self.tools),
            pushed: pushed(opening.agent),
            registry: self.registry.clone(),
            workspace: opening.workspace.to_owned(),
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

/// The entries of an agent that name components of this server, by the tool's name.
fn pushed(agent: &SessionAgent) -> BTreeMap<String, ToolComponent> {
    let entries = agent.definition.tools.iter().filter_map(|tool| match tool {
        Tool::Custom(custom) => Some((custom.name.clone(), custom.component.clone()?)),
        _ => None,
    });
    entries.collect()
}

/// States of one tool that stay: the last one, and those before it that the log may still name when this process is killed.
const STATES_KEPT: usize = 4;

/// Removes what a tool left long before `latest`, so that a tool with a new state for every call does not fill the disk.
fn forget_states(latest: &Path, prefix: &str) -> std::io::Result<()> {
    let Some(folder) = latest.parent() else {
        return Ok(());
    };
    let mut states = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let digest = name.to_str().and_then(|name| name.strip_prefix(prefix));
        let is_state = |digest: &str| {
            digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if digest.is_some_and(is_state) && entry.path() != latest {
            states.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    states.sort_by(|a, b| b.cmp(a));
    for (_, path) in states.drain(..).skip(STATES_KEPT - 1) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

struct SandboxHands {
    sandbox: Sandbox,
    /// Where `web_search` runs.
    search: Option<Sandbox>,
    /// What is built in.
    tools: Arc<BTreeMap<String, Ready>>,
    /// What this session's agent has besides.
    pushed: BTreeMap<String, ToolComponent>,
    registry: Option<Registry>,
    workspace: String,
    directory: PathBuf,
}

impl SandboxHands {
    /// What a call is of. A session's agent has no pushed tool with the name of a built-in one.
    async fn ready(&self, call: &ToolCall<'_>) -> Result<Option<Ready>, RegistryError> {
        if let Some(ready) = self.tools.get(call.tool) {
            return Ok(Some(ready.clone()));
        }
        let Some(registry) = &self.registry else {
            return Ok(None);
        };
        if let Some(reference) = call.pushed {
            // There is no entry that names secrets; the call's own allowance does.
            let grants = json!({"secrets": ["*"]});
            return registry
                .ready(&self.workspace, reference, Some(&grants))
                .await;
        }
        match self.pushed.get(call.tool) {
            Some(entry) => {
                let (reference, grants) = (&entry.component, entry.grants.as_ref());
                registry.ready(&self.workspace, reference, grants).await
            }
            None => Ok(None),
        }
    }
}

#[async_trait]
impl Hands for SandboxHands {
    async fn call(&self, call: ToolCall<'_>) -> CallResult {
        let refused = |text: &str| CallResult::error(Ending::Refused, text);
        let Ready {
            component,
            allowance,
        } = match self.ready(&call).await {
            Ok(Some(ready)) => ready,
            Ok(None) => {
                let name = call.tool;
                return refused(&format!(
                    "there is no tool named {name:?} on this server any more"
                ));
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(tool = call.tool, id = call.id, %error, cause, "a tool cannot be loaded");
                return refused("the tool cannot be loaded; the server's log says why");
            }
        };
        if call.pushed.is_some() && call.allowance.is_none() {
            return refused("a tool without an entry is called with an allowance");
        }
        let mut allowance = match (allowance, call.allowance) {
            (Some(allowance), Some(narrower)) => Some(allowance.narrow(narrower)),
            (allowance, narrower) => allowance.or_else(|| narrower.cloned()),
        };
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
            .call(&component, &call.input.to_string(), options)
            .await;
        let usage = report.usage;
        let mut result = result(report.outcome);
        tracing::debug!(
            tool = call.tool,
            id = call.id,
            ending = result.ending.word(),
            wall = ?usage.wall,
            cpu = ?usage.cpu,
            memory_bytes_peak = usage.memory_bytes_peak,
            "tool called"
        );
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

    fn state_left(&self, tool: &str) -> Option<(String, Bytes)> {
        // A pushed tool is loaded under its id, which no other tool has, so that none reads another's state.
        let name = match self.pushed.get(tool) {
            Some(entry) => entry.component.split('@').next().unwrap_or_default(),
            None => tool,
        };
        let state = self.sandbox.tool_state().remove(name)?;
        Some((name.to_owned(), state))
    }

    fn set_tool_state(&self, state: BTreeMap<String, Bytes>) {
        self.sandbox.set_tool_state(state);
    }

    async fn keep(&self, name: &str, state: &Bytes) -> Result<String, HandsError> {
        use std::fmt::Write as _;
        let prefix = format!("{name}-");
        let mut name = prefix.clone();
        for byte in &Sha256::digest(state)[..16] {
            let _ = write!(name, "{byte:02x}");
        }
        let path = self.directory.join("state").join(&name);
        let bytes = state.clone();
        let written = path.clone();
        let write = move || {
            let mut file = std::fs::File::create(&written)?;
            std::io::Write::write_all(&mut file, &bytes)?;
            file.sync_all()?;
            forget_states(&written, &prefix)
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
