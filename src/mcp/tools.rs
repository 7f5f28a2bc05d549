//! What tools a workspace has, and how a client of theirs gets hands.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::KeyGrants;
use crate::agent::hands::{Hands, HandsError, Network, Opening, Workshop};
use crate::resources::agent::{Agent, AgentDefinition};
use crate::resources::component::Components;
use crate::resources::environment::{Environment, EnvironmentConfig, Networking, Packages, Scope};
use crate::resources::metadata::Metadata;
use crate::resources::session::SessionAgent;
use crate::store::{DocumentQuery, ListError};
use crate::tools::{Catalogue, Effects, Registry};

/// Pushed tools in one part of a listing.
const PAGE: usize = 50;

/// A tool as clients see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: String,
    /// What the model reads.
    pub text: String,
    /// JSON Schema of the input.
    pub input_schema: Value,
    /// What calling it may do.
    pub reach: Reach,
    /// `id@version` of one that was pushed; none is built in.
    pub pushed: Option<String>,
}

/// What calling a tool may do, as far as it says so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Whether it changes nothing.
    pub read_only: bool,
    /// Whether it wants to reach anything outside the sandbox, where known.
    pub open_world: Option<bool>,
}

/// A part of a listing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolPage {
    pub tools: Vec<Tool>,
    /// Where the next part begins; none after the last.
    pub next: Option<String>,
}

/// Why there are no tools.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// What was to follow a part of a listing does not come from one.
    #[error("cursor: not one of this listing")]
    BadCursor,
    /// Not the client's fault.
    #[error("the tools cannot be listed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The tools of workspaces.
#[async_trait]
pub trait Tools: Send + Sync {
    /// The tools of a workspace, from `cursor` on, which an earlier part named.
    async fn list(&self, workspace: &str, cursor: Option<&str>) -> Result<ToolPage, ToolsError>;
    /// The tool of this name.
    async fn find(&self, workspace: &str, name: &str) -> Result<Option<Tool>, ToolsError>;
    /// Hands for a new client. `session` is theirs alone.
    async fn open(
        &self,
        session: &str,
        workspace: &str,
        grants: &KeyGrants,
    ) -> Result<Box<dyn Hands>, HandsError>;
    /// Removes whatever the hands have left.
    async fn discard(&self, session: &str) -> Result<(), HandsError>;
}

/// The tools of a catalogue, the same in every workspace, and those that were pushed.
pub struct Catalogued {
    tools: Arc<[Tool]>,
    workshop: Arc<dyn Workshop>,
    registry: Option<Registry>,
}

impl Catalogued {
    /// With the workshop that runs what is in the catalogue.
    pub fn new(catalogue: &Catalogue, workshop: Arc<dyn Workshop>) -> Catalogued {
        let tools = catalogue.iter().map(|(name, description)| Tool {
            name: name.to_owned(),
            text: description.text.clone(),
            input_schema: description.input_schema.clone(),
            reach: Reach {
                read_only: description.effects == Effects::None,
                open_world: description
                    .wishes
                    .as_ref()
                    .map(|wishes| wishes.hosts != Network::None),
            },
            pushed: None,
        });
        Catalogued {
            tools: tools.collect(),
            workshop,
            registry: None,
        }
    }

    /// And with the tools that were pushed, for each workspace its own.
    #[must_use]
    pub fn with_pushed(self, registry: Registry) -> Catalogued {
        Catalogued {
            registry: Some(registry),
            ..self
        }
    }
}

/// A pushed tool, from the object of the API.
fn pushed(tool: &Value) -> Tool {
    let text = |name: &str| tool[name].as_str().unwrap_or_default().to_owned();
    let wished = tool["wishes"]["hosts"].as_array();
    Tool {
        name: text("name"),
        text: text("description"),
        input_schema: tool["input_schema"].clone(),
        reach: Reach {
            read_only: tool["effects"] == "none",
            open_world: Some(
                tool["effects"] == "external" || wished.is_some_and(|hosts| !hosts.is_empty()),
            ),
        },
        pushed: Some(format!("{}@{}", text("id"), tool["version"])),
    }
}

#[async_trait]
impl Tools for Catalogued {
    async fn list(&self, workspace: &str, cursor: Option<&str>) -> Result<ToolPage, ToolsError> {
        let mut page = ToolPage::default();
        if cursor.is_none() {
            page.tools = self.tools.to_vec();
        }
        let Some(registry) = &self.registry else {
            return match cursor {
                None => Ok(page),
                Some(_) => Err(ToolsError::BadCursor),
            };
        };
        let query = DocumentQuery {
            limit: PAGE,
            ascending: true,
            page: cursor.map(str::to_owned),
            ..DocumentQuery::default()
        };
        let found = registry.list(workspace, query).await;
        let found = found.map_err(|error| match error {
            ListError::BadPage => ToolsError::BadCursor,
            failed => ToolsError::Failed(failed.into()),
        })?;
        page.tools.extend(found.data.iter().map(pushed));
        page.next = found.next;
        Ok(page)
    }

    async fn find(&self, workspace: &str, name: &str) -> Result<Option<Tool>, ToolsError> {
        if let Some(tool) = self.tools.iter().find(|tool| tool.name == name) {
            return Ok(Some(tool.clone()));
        }
        let Some(registry) = &self.registry else {
            return Ok(None);
        };
        let found = registry.named(workspace, name).await;
        let found = found.map_err(|error| ToolsError::Failed(error.into()))?;
        Ok(found.map(|tool| pushed(&tool.to_value())))
    }

    async fn open(
        &self,
        session: &str,
        workspace: &str,
        grants: &KeyGrants,
    ) -> Result<Box<dyn Hands>, HandsError> {
        let opening = Opening {
            workspace,
            session,
            agent: &agent()?,
            environment: &environment(grants),
            files: None,
        };
        self.workshop.open(opening).await
    }

    async fn discard(&self, session: &str) -> Result<(), HandsError> {
        self.workshop.discard(session).await
    }
}

/// The agent that a client's hands are made for: it has every built-in tool, and no model is ever asked.
fn agent() -> Result<SessionAgent, HandsError> {
    let definition = json!({
        "name": "mcp",
        "model": "none",
        "tools": [{"type": "agent_toolset_20260401"}],
    });
    let agent: AgentDefinition =
        Agent::create(&definition, String::new(), "", &Components::default())
            .map_err(|error| HandsError::new("describing the hands", error))?
            .definition;
    Ok(SessionAgent {
        id: "agent_mcp".to_owned(),
        version: 1,
        definition: agent,
    })
}

/// The environment that follows from the grants: their hosts and no others.
fn environment(grants: &KeyGrants) -> Environment {
    let limited = |allowed_hosts| Networking::Limited {
        allow_mcp_servers: false,
        allow_package_managers: false,
        allowed_hosts,
    };
    let networking = match &grants.allowance.hosts {
        Network::Unrestricted => Networking::Unrestricted {},
        Network::None => limited(Vec::new()),
        Network::Limited { hosts } => limited(hosts.iter().map(ToString::to_string).collect()),
    };
    Environment {
        id: "env_mcp".to_owned(),
        name: "mcp".to_owned(),
        description: None,
        config: EnvironmentConfig::Cloud {
            networking,
            packages: Packages::default(),
        },
        metadata: Metadata::default(),
        scope: Scope::Organization,
        created_at: String::new(),
        updated_at: String::new(),
        archived_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_the_hosts_of_the_grants() {
        let network = |grants: Value| environment(&KeyGrants::parse(&grants).unwrap()).config;
        let limited = |hosts: &[&str]| EnvironmentConfig::Cloud {
            networking: Networking::Limited {
                allow_mcp_servers: false,
                allow_package_managers: false,
                allowed_hosts: hosts.iter().map(ToString::to_string).collect(),
            },
            packages: Packages::default(),
        };
        assert_eq!(network(json!({})), limited(&[]));
        assert_eq!(
            network(json!({"hosts": ["*.b.example"]})),
            limited(&["*.b.example"])
        );
        let open = EnvironmentConfig::Cloud {
            networking: Networking::Unrestricted {},
            packages: Packages::default(),
        };
        assert_eq!(network(json!({"hosts": ["*"]})), open);
    }

    #[test]
    fn a_pushed_tool_says_what_it_may_do() {
        let tool = |effects: &str, hosts: Value| {
            pushed(&json!({
                "id": "tool_1", "version": 3, "name": "n", "description": "d", "effects": effects,
                "input_schema": {"type": "object"}, "wishes": {"hosts": hosts},
            }))
        };
        let none = tool("none", json!([]));
        assert_eq!(none.pushed.as_deref(), Some("tool_1@3"));
        let reach = |tool: Tool| (tool.reach.read_only, tool.reach.open_world);
        assert_eq!(reach(none), (true, Some(false)));
        assert_eq!(reach(tool("none", json!(["*"]))), (true, Some(true)));
        assert_eq!(reach(tool("files", json!([]))), (false, Some(false)));
        assert_eq!(reach(tool("external", json!([]))), (false, Some(true)));
    }

    #[test]
    fn the_agent_has_every_built_in_tool() {
        let agent = agent().unwrap();
        assert_eq!(agent.definition.tools.len(), 1);
    }
}
