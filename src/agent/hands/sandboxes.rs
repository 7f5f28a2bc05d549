//! Hands that are sandboxes of `glovebox-runtime`, one per session, each over a versioned tree of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use glovebox_runtime::{
    Access, CallOptions, Engine, Files, Grant, HostPattern, Limits, Mount, MountSource, Network,
    Programs, Sandbox,
};
use glovebox_tree::Snapshot;
use serde_json::{Map, Value, json};

use super::trees::{self, LONG_OUTPUTS, STATES, TreesError};
use super::{Hands, HandsError, Opening, Secrets, ToolCall, Trees, Workshop};
use crate::resources::component::ToolComponent;
use crate::resources::environment::{Environment, EnvironmentConfig, Networking};
use crate::resources::session::SessionAgent;
use crate::resources::tool::Tool;
use crate::tools::{
    BuiltIn, CallResult, Catalogue, Ending, Ready, Registry, RegistryError, result, shorten,
};

/// The tool that asks the operator's search engine, not the environment's network.
const WEB_SEARCH: &str = "web_search";

/// What the operator decides about sandboxes.
#[derive(Debug, Clone, Default)]
pub struct SandboxesOptions {
    /// A folder of the user's that every session sees at `/workspace`, in place of one of its own. It is never part of
    /// what is saved.
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
    /// Where sessions' files are.
    pub trees: Trees,
    pub options: SandboxesOptions,
}

/// Makes sandboxes.
pub struct Sandboxes {
    engine: Engine,
    built_in: BuiltIn,
    tools: Arc<BTreeMap<String, Ready>>,
    registry: Option<Registry>,
    secrets: Secrets,
    trees: Trees,
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
            trees: parts.trees,
            options: parts.options,
        }
    }

    /// What a session may reach, without the files that are its own.
    fn grant(&self, opening: Opening<'_>) -> Grant {
        let Opening {
            workspace: owner,
            agent,
            environment,
            ..
        } = opening;
        let usr = MountSource::Image(Arc::clone(&self.built_in.usr));
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Grant {
            mounts: vec![Mount {
                at: "/usr".to_owned(),
                source: usr,
                access: Access::ReadOnly,
            }],
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

/// The mounts of a session's own files. A folder of the user's takes the place of its workspace.
fn own_mounts(files: &Files, workspace: Option<PathBuf>) -> Result<Vec<Mount>, TreesError> {
    let mut mounts = files.mounts();
    if let Some(folder) = workspace
        && let Some(mount) = mounts.iter_mut().find(|mount| mount.at == "/workspace")
    {
        mount.source = MountSource::HostDirectory(folder);
    }
    let long_outputs = files.place(LONG_OUTPUTS, Access::ReadOnly);
    mounts.push(long_outputs.map_err(trees::refused(LONG_OUTPUTS))?);
    Ok(mounts)
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
        let mut grant = self.grant(opening);
        let search = self
            .options
            .search_endpoint
            .as_deref()
            .map(|endpoint| search_grant(&grant, endpoint));
        let engine = self.engine.clone();
        let programs: Arc<Programs> = Arc::clone(&self.built_in.programs);
        let (trees, saved) = (self.trees.clone(), opening.files.map(str::to_owned));
        let workspace = self.options.workspace.clone();
        let make = move || -> Result<_, HandsError> {
            let files = trees
                .files(saved.as_deref())
                .map_err(|error| HandsError::new("opening the files", error))?;
            let mounts = own_mounts(&files, workspace)
                .map_err(|error| HandsError::new("mounting the files", error))?;
            grant.mounts.extend(mounts);
            let sandbox = |grant, programs| {
                Sandbox::new(&engine, grant, programs)
                    .map_err(|error| HandsError::new("making the sandbox", error))
            };
            let search = search
                .map(|grant| sandbox(grant, Arc::default()))
                .transpose()?;
            let known = files.snapshot();
            Ok((sandbox(grant, programs)?, search, files, known))
        };
        let (sandbox, search, files, known) = tokio::task::spawn_blocking(make)
            .await
            .map_err(|error| HandsError::new("making the sandbox", error))??;
        Ok(Box::new(SandboxHands {
            sandbox,
            search,
            tools: Arc::clone(&self.tools),
            pushed: pushed(opening.agent),
            registry: self.registry.clone(),
            workspace: opening.workspace.to_owned(),
            trees: self.trees.clone(),
            files,
            known: Arc::new(Mutex::new(known)),
        }))
    }

    /// Nothing: what no log names is swept.
    async fn discard(&self, _: &str) -> Result<(), HandsError> {
        Ok(())
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
    trees: Trees,
    files: Files,
    /// The files as they were when they were last saved, or opened.
    known: Arc<Mutex<Snapshot>>,
}

impl SandboxHands {
    /// Does something to the files on a thread that may block.
    async fn with_files<T: Send + 'static>(
        &self,
        context: &'static str,
        act: impl FnOnce(&Files) -> Result<T, TreesError> + Send + 'static,
    ) -> Result<T, HandsError> {
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || act(&files))
            .await
            .map_err(|error| HandsError::new(context, error))?
            .map_err(|error| HandsError::new(context, error))
    }

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
            let write =
                move |files: &Files| trees::write(files, LONG_OUTPUTS, &name, whole.as_bytes());
            if let Err(error) = self.with_files("keeping a long output", write).await {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(id = call.id, %error, cause, "a long output is lost");
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

    async fn commit(&self) -> Result<Option<String>, HandsError> {
        let (trees, known) = (self.trees.clone(), Arc::clone(&self.known));
        let commit = move |files: &Files| {
            for damaged in files.tree().take_damage() {
                let damage = &damaged.damage;
                tracing::error!(path = damaged.path, %damage, "a file is damaged");
            }
            let now = files.snapshot();
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if now.shares_all(&known) {
                return Ok(None);
            }
            let root = trees.save(&now)?;
            *known = now;
            Ok(Some(root))
        };
        self.with_files("saving the files", commit).await
    }

    /// What a tool left before stays in the versions of the files that the log has from before.
    async fn keep(&self, name: &str, state: &Bytes) -> Result<String, HandsError> {
        let (name, state) = (name.to_owned(), state.clone());
        let kept = name.clone();
        let write = move |files: &Files| trees::write(files, STATES, &name, &state);
        self.with_files("keeping a tool's state", write).await?;
        Ok(kept)
    }

    async fn kept(&self, name: &str) -> Result<Bytes, HandsError> {
        let path = format!("{STATES}/{name}");
        let read = move |files: &Files| Ok(files.snapshot().read_file(&path, usize::MAX)?.into());
        self.with_files("reading a tool's state", read).await
    }

    async fn close(&self) {
        self.sandbox.shutdown().await;
        if let Some(search) = &self.search {
            search.shutdown().await;
        }
    }
}
