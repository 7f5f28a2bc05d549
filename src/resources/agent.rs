//! Agents: what a client may say about one, and what it is then.
//!
//! An agent has versions. An update that changes something makes the next version; one that changes nothing gives the
//! present one back. Sessions copy an [`AgentDefinition`] when they begin and are not touched by later versions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component::Components;
use super::input::{Fields, Invalid, check_length};
use super::mcp::{self, McpServer};
use super::metadata::{self, EmptyValue, Metadata};
use super::model_config::{ModelConfig, ModelInput};
use super::tool::{self, Tool};

const NAME_CHARACTERS_MAX: usize = 256;
const SYSTEM_CHARACTERS_MAX: usize = 100_000;
const SKILLS_MAX: usize = 500;

/// An agent as clients see it and as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "agent")]
pub struct Agent {
    pub id: String,
    pub version: u64,
    #[serde(flatten)]
    pub definition: AgentDefinition,
    pub metadata: Metadata,
    pub created_at: String,
    pub updated_at: String,
    pub archived_at: Option<String>,
}

/// The part of an agent that a session copies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentDefinition {
    pub name: String,
    pub description: Option<String>,
    pub model: ModelConfig,
    pub system: Option<String>,
    pub tools: Vec<Tool>,
    pub mcp_servers: Vec<McpServer>,
    pub skills: Vec<Skill>,
    /// Always none: agents that call agents are refused.
    pub multiagent: Option<Value>,
    pub execution_identity: ExecutionIdentity,
}

/// A skill, pinned to a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skill {
    #[serde(rename = "type")]
    pub kind: String,
    pub skill_id: String,
    pub version: String,
}

/// As whom the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ExecutionIdentity {
    ServiceAccount,
}

/// Why an agent was not updated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The client's `version` is not the present one.
    #[error("version: the agent is at version {actual}, not {expected}")]
    VersionMismatch { expected: u64, actual: u64 },
}

impl Agent {
    /// A new agent from a create call. `components` are the tools of this server that it refers to.
    pub fn create(
        body: &Value,
        id: String,
        now: &str,
        components: &Components,
    ) -> Result<Self, Invalid> {
        let fields = Fields::of_body(body)?;
        let definition = AgentDefinition {
            name: fields
                .required_text_within("name", 1..=NAME_CHARACTERS_MAX)?
                .to_owned(),
            description: cleared(fields.text("description")?),
            model: ModelInput::parse(fields.required("model")?, &fields.at("model"))?.resolve(),
            system: cleared(fields.text_at_most("system", SYSTEM_CHARACTERS_MAX)?),
            tools: tool::parse(&fields, components)?,
            mcp_servers: mcp::parse_servers(&fields)?,
            skills: parse_skills(&fields)?,
            multiagent: parse_multiagent(&fields)?,
            execution_identity: ExecutionIdentity::parse(&fields)?,
        };
        tool::check(&fields, &definition.tools, &definition.mcp_servers)?;
        Ok(Self {
            id,
            version: 1,
            definition,
            metadata: metadata::parse(&fields)?,
            created_at: now.to_owned(),
            updated_at: now.to_owned(),
            archived_at: None,
        })
    }

    /// The agent after an update call: its next version, or none when nothing changes.
    pub fn update(
        &self,
        body: &Value,
        now: &str,
        components: &Components,
    ) -> Result<Option<Self>, UpdateError> {
        let fields = Fields::of_body(body)?;
        match fields.integer("version")? {
            Some(0) => return Err(fields.refuse("version", "must be at least 1").into()),
            Some(expected) if expected != self.version => {
                return Err(UpdateError::VersionMismatch {
                    expected,
                    actual: self.version,
                });
            }
            _ => {}
        }
        if self.archived_at.is_some() {
            return Err(Invalid::new("agent", "is archived and cannot be updated").into());
        }
        let mut updated = self.clone();
        updated.definition.update(&fields, components)?;
        updated.metadata = metadata::patched(&fields, &self.metadata, EmptyValue::Stored)?;
        if updated == *self {
            return Ok(None);
        }
        updated.version += 1;
        now.clone_into(&mut updated.updated_at);
        Ok(Some(updated))
    }
}

impl AgentDefinition {
    /// Applies the fields that are there; those that are not stay as they are.
    fn update(&mut self, fields: &Fields<'_>, components: &Components) -> Result<(), Invalid> {
        if let Some(value) = fields.present("name") {
            if value.is_null() {
                return Err(fields.refuse("name", "cannot be cleared"));
            }
            self.name = fields
                .required_text_within("name", 1..=NAME_CHARACTERS_MAX)?
                .to_owned();
        }
        if let Some(value) = fields.present("model") {
            if value.is_null() {
                return Err(fields.refuse("model", "cannot be cleared"));
            }
            self.model = ModelInput::parse(value, &fields.at("model"))?.replace(&self.model);
        }
        if fields.present("description").is_some() {
            self.description = cleared(fields.text("description")?);
        }
        if fields.present("skills").is_some() {
            self.skills = parse_skills(fields)?;
        }
        if fields.present("multiagent").is_some() {
            self.multiagent = parse_multiagent(fields)?;
        }
        if fields.present("execution_identity").is_some() {
            self.execution_identity = ExecutionIdentity::parse(fields)?;
        }
        self.replace_system_and_tools(fields, components)
    }

    /// Replaces those of `system`, `tools` and `mcp_servers` that are there, then checks them together.
    pub(super) fn replace_system_and_tools(
        &mut self,
        fields: &Fields<'_>,
        components: &Components,
    ) -> Result<(), Invalid> {
        if fields.present("system").is_some() {
            self.system = cleared(fields.text_at_most("system", SYSTEM_CHARACTERS_MAX)?);
        }
        if fields.present("tools").is_some() {
            self.tools = tool::parse(fields, components)?;
        }
        if fields.present("mcp_servers").is_some() {
            self.mcp_servers = mcp::parse_servers(fields)?;
        }
        tool::check(fields, &self.tools, &self.mcp_servers)
    }
}

impl ExecutionIdentity {
    fn parse(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let Some(identity) = fields.object("execution_identity")? else {
            return Ok(Self::ServiceAccount);
        };
        match identity.discriminator(&["service_account", "aws_role"])? {
            "service_account" => Ok(Self::ServiceAccount),
            _ => Err(identity.refuse("type", "this server cannot run agents as an AWS role")),
        }
    }
}

/// An empty text counts as none.
fn cleared(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The skills of an agent. This server holds none, so that every reference to one is to an unknown one.
pub(super) fn parse_skills(fields: &Fields<'_>) -> Result<Vec<Skill>, Invalid> {
    let items = fields.list("skills")?.unwrap_or_default();
    super::input::check_count(&fields.at("skills"), items.len(), SKILLS_MAX)?;
    if let Some((path, item)) = items.first() {
        let skill = Fields::of(item, path.clone())?;
        skill.discriminator(&["anthropic", "custom"])?;
        let id = skill.required_text("skill_id")?;
        check_length(&skill.at("skill_id"), id, 1..=255)?;
        return Err(skill.refuse("skill_id", format!("no skill '{id}' on this server")));
    }
    Ok(Vec::new())
}

fn parse_multiagent(fields: &Fields<'_>) -> Result<Option<Value>, Invalid> {
    match fields.object("multiagent")? {
        None => Ok(None),
        Some(multiagent) => {
            multiagent.discriminator(&["coordinator", "multiagent_20261001"])?;
            Err(fields.refuse(
                "multiagent",
                "this server does not run several agents in one session",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const T0: &str = "2026-01-01T00:00:00Z";
    const T1: &str = "2026-01-02T00:00:00Z";

    fn agent() -> Agent {
        let body = json!({"name": "a", "model": {"id": "m", "effort": "low"}, "system": "s", "description": "d",
            "tools": [{"type": "agent_toolset_20260401"}], "metadata": {"k": "v"}});
        Agent::create(&body, "agent_1".into(), T0, &Components::default()).unwrap()
    }

    #[test]
    fn the_smallest_agent_comes_out_complete() {
        let agent = Agent::create(
            &json!({"name": "a", "model": "m"}),
            "agent_1".into(),
            T0,
            &Components::default(),
        )
        .unwrap();
        let wire = json!({"type": "agent", "id": "agent_1", "version": 1, "name": "a", "description": null,
            "model": {"id": "m", "effort": {"type": "high"}, "inference_geo": null, "speed": "standard"},
            "system": null, "tools": [], "mcp_servers": [], "skills": [], "multiagent": null,
            "execution_identity": {"type": "service_account"}, "metadata": {},
            "created_at": T0, "updated_at": T0, "archived_at": null});
        assert_eq!(serde_json::to_value(&agent).unwrap(), wire);
        assert_eq!(serde_json::from_value::<Agent>(wire).unwrap(), agent);
    }

    #[test]
    fn refusals_of_create_name_the_field() {
        let table = [
            (json!([]), "body"),
            (json!({"model": "m"}), "name"),
            (json!({"name": "", "model": "m"}), "name"),
            (json!({"name": 1, "model": "m"}), "name"),
            (json!({"name": "a"}), "model"),
            (
                json!({"name": "a", "model": "m", "system": "x".repeat(100_001)}),
                "system",
            ),
            (
                json!({"name": "a", "model": "m", "system": ["x"]}),
                "system",
            ),
            (
                json!({"name": "a", "model": "m", "skills": [{"type": "custom", "skill_id": "skill_1"}]}),
                "skills.0.skill_id",
            ),
            (
                json!({"name": "a", "model": "m", "skills": [{"type": "other"}]}),
                "skills.0.type",
            ),
            (
                json!({"name": "a", "model": "m", "multiagent": {"type": "swarm"}}),
                "multiagent.type",
            ),
            (
                json!({"name": "a", "model": "m", "multiagent": {"type": "coordinator", "agents": []}}),
                "multiagent",
            ),
            (
                json!({"name": "a", "model": "m", "execution_identity": {"type": "root"}}),
                "execution_identity.type",
            ),
        ];
        for (body, field) in table {
            assert_eq!(
                Agent::create(&body, "agent_1".into(), T0, &Components::default())
                    .map_err(|r| r.field),
                Err(field.to_owned()),
                "{body}"
            );
        }
        let long = json!({"name": "a", "model": "m", "system": "\u{fc}".repeat(100_000)});
        assert!(
            Agent::create(&long, "agent_1".into(), T0, &Components::default()).is_ok(),
            "characters are counted, not bytes"
        );
    }

    #[test]
    fn a_real_change_makes_a_version_and_nothing_else_does() {
        let unchanged = [
            json!({}),
            json!({"name": "a"}),
            json!({"version": 1}),
            json!({"model": "m"}),
            json!({"metadata": {"k": "v", "absent": null}}),
            json!({"tools": [{"type": "agent_toolset_20260401", "default_config": {"enabled": true}}]}),
            json!({"skills": null, "mcp_servers": [], "multiagent": null, "execution_identity": null}),
        ];
        for body in unchanged {
            assert_eq!(
                agent().update(&body, T1, &Components::default()).unwrap(),
                None,
                "{body}"
            );
        }
        let updated = agent()
            .update(
                &json!({"name": "b", "version": 1}),
                T1,
                &Components::default(),
            )
            .unwrap()
            .unwrap();
        assert_eq!(
            (
                updated.version,
                updated.updated_at.as_str(),
                updated.created_at.as_str()
            ),
            (2, T1, T0)
        );
        assert_eq!(updated.definition.name, "b");
    }

    #[test]
    fn omitted_keeps_null_and_empty_clear() {
        let updated = |body: Value| {
            agent()
                .update(&body, T1, &Components::default())
                .unwrap()
                .unwrap()
        };
        assert_eq!(updated(json!({"system": null})).definition.system, None);
        assert_eq!(updated(json!({"system": ""})).definition.system, None);
        assert_eq!(
            updated(json!({"description": ""})).definition.description,
            None
        );
        assert_eq!(updated(json!({"tools": null})).definition.tools, []);
        assert_eq!(updated(json!({"tools": []})).definition.tools, []);
        assert_eq!(
            updated(json!({"metadata": {"k": null}})).metadata,
            Metadata::new()
        );
        let renamed = updated(json!({"name": "b"}));
        assert_eq!(renamed.definition.system.as_deref(), Some("s"));
        assert_eq!(renamed.definition.tools, agent().definition.tools);
    }

    #[test]
    fn updates_that_are_refused() {
        let field =
            |agent: &Agent, body: Value| match agent.update(&body, T1, &Components::default()) {
                Err(UpdateError::Invalid(refusal)) => refusal.field,
                other => panic!("{other:?}"),
            };
        assert_eq!(field(&agent(), json!({"name": null})), "name");
        assert_eq!(field(&agent(), json!({"name": ""})), "name");
        assert_eq!(field(&agent(), json!({"model": null})), "model");
        assert_eq!(field(&agent(), json!({"version": 0})), "version");
        assert_eq!(field(&agent(), json!({"version": "1"})), "version");
        assert_eq!(
            field(
                &agent(),
                json!({"mcp_servers": [{"type": "url", "name": "s", "url": "https://s"}]})
            ),
            "mcp_servers.0.name"
        );
        let archived = Agent {
            archived_at: Some(T0.into()),
            ..agent()
        };
        assert_eq!(field(&archived, json!({"name": "b"})), "agent");
        assert_eq!(
            agent().update(&json!({"version": 3}), T1, &Components::default()),
            Err(UpdateError::VersionMismatch {
                expected: 3,
                actual: 1
            }),
            "even though nothing else is asked for"
        );
    }
}
