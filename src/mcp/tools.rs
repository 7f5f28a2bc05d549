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
use crate::tools::{Catalogue, Effects};

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
}

/// What calling a tool may do, as far as clients are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Whether it changes nothing.
    pub read_only: bool,
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

/// The tools of a catalogue, the same in every workspace.
pub struct Catalogued {
    tools: Arc<[Tool]>,
    workshop: Arc<dyn Workshop>,
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
            },
        });
        Catalogued {
            tools: tools.collect(),
            workshop,
        }
    }
}

#[async_trait]
impl Tools for Catalogued {
    async fn list(&self, _: &str, cursor: Option<&str>) -> Result<ToolPage, ToolsError> {
        match cursor {
            None => Ok(ToolPage {
                tools: self.tools.to_vec(),
                next: None,
            }),
            Some(_) => Err(ToolsError::BadCursor),
        }
    }

    async fn find(&self, _: &str, name: &str) -> Result<Option<Tool>, ToolsError> {
        Ok(self.tools.iter().find(|tool| tool.name == name).cloned())
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
    fn the_agent_has_every_built_in_tool() {
        let agent = agent().unwrap();
        assert_eq!(agent.definition.tools.len(), 1);
    }
}
