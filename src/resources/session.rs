//! Sessions: what a client asks for when it begins or changes one, and the agent it then runs.
//!
//! What happens *in* a session is not here: that is its log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::agent::{Agent, AgentDefinition, parse_skills};
use super::component::Components;
use super::event::{self, SentEvent};
use super::input::{Fields, Invalid, check_count};
use super::metadata::{self, EmptyValue, Metadata};
use super::model_config::ModelInput;
use super::tool;

const INITIAL_EVENTS_MAX: usize = 50;
const RESOURCES_MAX: usize = 508;
const VAULTS_MAX: usize = 50;
const TITLE_CHARACTERS_MAX: usize = 1024;

/// The agent as it was when the session began, with the session's own changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "agent")]
pub struct SessionAgent {
    pub id: String,
    pub version: u64,
    #[serde(flatten)]
    pub definition: AgentDefinition,
}

/// Which agent a session is to run.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentReference {
    pub id: String,
    /// None is the latest.
    pub version: Option<u64>,
    overrides: Option<Value>,
}

/// A create call, checked as far as its own words go.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRequest {
    pub agent: AgentReference,
    pub environment_id: String,
    pub title: Option<String>,
    pub metadata: Metadata,
    pub initial_events: Vec<SentEvent>,
}

impl AgentReference {
    fn parse(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let value = fields.required("agent")?;
        if let Value::String(id) = value {
            return Ok(Self {
                id: id.clone(),
                version: None,
                overrides: None,
            });
        }
        if !value.is_object() {
            return Err(fields.refuse("agent", "must be an agent's id or an object"));
        }
        let given = Fields::of(value, fields.at("agent"))?;
        let kind = given.discriminator(&["agent", "agent_with_overrides"])?;
        let version = given.integer("version")?;
        if version == Some(0) {
            return Err(given.refuse("version", "must be at least 1"));
        }
        Ok(Self {
            id: given.required_text_within("id", 1..=255)?.to_owned(),
            version,
            overrides: (kind == "agent_with_overrides").then(|| value.clone()),
        })
    }

    /// The `tools` that the session has in place of the agent's, as the client wrote them.
    pub fn tools(&self) -> Option<&Value> {
        self.overrides.as_ref()?.get("tools")
    }

    /// The agent this session runs: a copy of `agent`, with the overrides applied. Tools of this server stay at the version
    /// that `components` says is theirs now.
    pub fn resolve(&self, agent: &Agent, components: &Components) -> Result<SessionAgent, Invalid> {
        let mut definition = agent.definition.clone();
        if let Some(overrides) = &self.overrides {
            let fields = Fields::of(overrides, "agent")?;
            if let Some(value) = fields.present("model") {
                if value.is_null() {
                    return Err(fields
                        .refuse("model", "a session needs a model")
                        .with_code("agent_model_required"));
                }
                definition.model =
                    ModelInput::parse(value, &fields.at("model"))?.resolve_override();
            }
            if fields.present("skills").is_some() {
                definition.skills = parse_skills(&fields)?;
            }
            definition.replace_system_and_tools(&fields, components)?;
        }
        tool::pin(&mut definition.tools, "agent.tools", components)?;
        Ok(SessionAgent {
            id: agent.id.clone(),
            version: agent.version,
            definition,
        })
    }
}

impl SessionRequest {
    /// Reads a create call.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let fields = Fields::of_body(body)?;
        refuse_resources(&fields)?;
        let vaults = fields.texts("vault_ids")?.unwrap_or_default();
        check_count(&fields.at("vault_ids"), vaults.len(), VAULTS_MAX)?;
        if let Some((path, id)) = vaults.first() {
            return Err(Invalid::new(
                path,
                format!("no vault '{id}' on this server"),
            ));
        }
        if fields.given("budget").is_some() {
            return Err(not_budgetable(&fields));
        }
        let events = fields.list("initial_events")?.unwrap_or_default();
        check_count(
            &fields.at("initial_events"),
            events.len(),
            INITIAL_EVENTS_MAX,
        )?;
        Ok(Self {
            agent: AgentReference::parse(&fields)?,
            environment_id: fields.required_text("environment_id")?.to_owned(),
            title: fields
                .text_at_most("title", TITLE_CHARACTERS_MAX)?
                .map(str::to_owned),
            metadata: metadata::parse(&fields)?,
            initial_events: event::parse_initial(events)?,
        })
    }
}

/// A fork call, as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForkRequest {
    /// The last event of the copy; without it, the last there is.
    pub event_id: Option<String>,
}

impl ForkRequest {
    /// Reads a fork call.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let fields = Fields::of_body(body)?;
        let event_id = match fields.given("event_id") {
            Some(_) => Some(fields.required_text_within("event_id", 1..=255)?.to_owned()),
            None => None,
        };
        Ok(Self { event_id })
    }
}

/// What an update call changes. None is: nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionPatch {
    pub title: Option<Option<String>>,
    /// The whole bag, after the patch.
    pub metadata: Option<Metadata>,
    /// The whole agent, with its tools or MCP servers replaced.
    pub agent: Option<SessionAgent>,
}

impl SessionPatch {
    /// Reads an update call on a session that runs `agent` and has `metadata`.
    pub fn parse(
        body: &Value,
        agent: &SessionAgent,
        metadata: &Metadata,
        components: &Components,
    ) -> Result<Self, Invalid> {
        let fields = Fields::of_body(body)?;
        if fields.present("vault_ids").is_some() {
            return Err(fields.refuse("vault_ids", "cannot be changed"));
        }
        if fields.given("budget").is_some() {
            let problem = "cannot be added to a session that was created without one";
            return Err(fields
                .refuse("budget", problem)
                .with_code("budget_create_only"));
        }
        let mut patch = Self::default();
        if fields.present("title").is_some() {
            let title = fields.text_at_most("title", TITLE_CHARACTERS_MAX)?;
            patch.title = Some(title.map(str::to_owned));
        }
        let patched = metadata::patched(&fields, metadata, EmptyValue::Stored)?;
        patch.metadata = (patched != *metadata).then_some(patched);
        if let Some(given) = fields.object("agent")? {
            let known = ["tools", "mcp_servers"];
            if let Some(other) = given
                .map()
                .keys()
                .find(|key| !known.contains(&key.as_str()))
            {
                return Err(given.refuse(
                    other,
                    "only tools and mcp_servers can be changed in a session",
                ));
            }
            let mut changed = agent.clone();
            changed
                .definition
                .replace_system_and_tools(&given, components)?;
            if given.present("tools").is_some() {
                tool::pin(&mut changed.definition.tools, "agent.tools", components)?;
            }
            patch.agent = Some(changed);
        }
        Ok(patch)
    }
}

/// Files, repositories and memory stores are not on this server: each reference is to an unknown one.
fn refuse_resources(fields: &Fields<'_>) -> Result<(), Invalid> {
    let items = fields.list("resources")?.unwrap_or_default();
    check_count(&fields.at("resources"), items.len(), RESOURCES_MAX)?;
    let Some((path, item)) = items.first() else {
        return Ok(());
    };
    let resource = Fields::of(item, path.clone())?;
    match resource.discriminator(&["file", "github_repository", "memory_store"])? {
        "file" => {
            let id = resource.required_text("file_id")?;
            Err(resource.refuse("file_id", format!("no file '{id}' on this server")))
        }
        "memory_store" => {
            let id = resource.required_text("memory_store_id")?;
            Err(resource.refuse(
                "memory_store_id",
                format!("no memory store '{id}' on this server"),
            ))
        }
        _ => Err(resource.refuse("type", "this server does not mount repositories")),
    }
}

/// Checks a budget's shape, then refuses it: the server knows no prices, so it could not keep to one.
fn not_budgetable(fields: &Fields<'_>) -> Invalid {
    let shape = || {
        let Some(budget) = fields.object("budget")? else {
            return Ok(());
        };
        budget.discriminator(&["limit"])?;
        budget.required("max_list_cost")?;
        let Some(cost) = budget.object("max_list_cost")? else {
            return Ok(());
        };
        let amount = cost.required_text("amount")?;
        if amount.is_empty()
            || amount.starts_with('0')
            || !amount.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(cost.refuse(
                "amount",
                "must be a whole number of cents greater than 0, as a string",
            ));
        }
        match cost.required_text("currency")? {
            "USD" => Ok(()),
            _ => Err(cost.refuse("currency", "must be 'USD'")),
        }
    };
    shape().err().unwrap_or_else(|| {
        fields
            .refuse("budget", "the model has no list price on this server")
            .with_code("model_not_budgetable")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const T0: &str = "2026-01-01T00:00:00Z";

    fn agent() -> Agent {
        let body = json!({"name": "a", "model": {"id": "m", "effort": "low"}, "system": "s",
            "tools": [{"type": "agent_toolset_20260401"}, {"type": "mcp_toolset", "mcp_server_name": "s"}],
            "mcp_servers": [{"type": "url", "name": "s", "url": "https://s.example"}]});
        Agent::create(&body, "agent_1".into(), T0, &Components::default()).unwrap()
    }

    fn resolved(reference: Value) -> Result<SessionAgent, Invalid> {
        SessionRequest::parse(&json!({"agent": reference, "environment_id": "env_1"}))?
            .agent
            .resolve(&agent(), &Components::default())
    }

    fn session_agent() -> SessionAgent {
        resolved(json!("agent_1")).unwrap()
    }

    #[test]
    fn a_session_copies_its_agent() {
        let wire = serde_json::to_value(session_agent()).unwrap();
        assert_eq!(
            (&wire["type"], &wire["id"], &wire["version"]),
            (&json!("agent"), &json!("agent_1"), &json!(1))
        );
        for absent in ["metadata", "created_at", "updated_at", "archived_at"] {
            assert!(wire.get(absent).is_none(), "{absent}");
        }
        assert_eq!(
            serde_json::from_value::<SessionAgent>(wire).unwrap(),
            session_agent()
        );
    }

    #[test]
    fn overrides_replace_inherit_and_clear() {
        let with = |overrides: Value| {
            let mut reference = json!({"type": "agent_with_overrides", "id": "agent_1"});
            reference
                .as_object_mut()
                .unwrap()
                .extend(overrides.as_object().unwrap().clone());
            resolved(reference)
        };
        assert_eq!(with(json!({})).unwrap().definition, agent().definition);
        assert_eq!(
            with(json!({"system": null})).unwrap().definition.system,
            None
        );
        assert_eq!(
            with(json!({"system": "t"}))
                .unwrap()
                .definition
                .system
                .as_deref(),
            Some("t")
        );
        assert_eq!(
            with(json!({"tools": [], "mcp_servers": null}))
                .unwrap()
                .definition
                .tools,
            []
        );
        let model = with(json!({"model": {"id": "m", "effort": "max"}}))
            .unwrap()
            .definition
            .model;
        assert_eq!(
            serde_json::to_value(model).unwrap()["effort"],
            json!({"type": "high"}),
            "an override's effort is ignored"
        );
        assert_eq!(
            with(json!({"model": null})).unwrap_err().code,
            Some("agent_model_required")
        );
        assert_eq!(
            with(json!({"mcp_servers": []})).unwrap_err().field,
            "agent.tools.1.mcp_server_name"
        );
        assert_eq!(
            with(json!({"tools": [{"type": "x"}]})).unwrap_err().field,
            "agent.tools.0.type"
        );
    }

    #[test]
    fn refusals_of_create_name_the_field() {
        let with = |key: &str, value: Value| {
            let mut body = json!({"agent": "agent_1", "environment_id": "env_1"});
            body[key] = value;
            body
        };
        let message = json!({"type": "user.message", "content": [{"type": "text", "text": "hi"}]});
        let table = [
            (json!({"environment_id": "env_1"}), "agent"),
            (json!({"agent": "agent_1"}), "environment_id"),
            (with("agent", json!(1)), "agent"),
            (with("agent", json!({"id": "agent_1"})), "agent.type"),
            (with("agent", json!({"type": "agent"})), "agent.id"),
            (
                with(
                    "agent",
                    json!({"type": "agent", "id": "agent_1", "version": 0}),
                ),
                "agent.version",
            ),
            (with("environment_id", json!(1)), "environment_id"),
            (with("title", json!(1)), "title"),
            (with("vault_ids", json!(["vlt_1"])), "vault_ids.0"),
            (with("vault_ids", json!("vlt_1")), "vault_ids"),
            (
                with("resources", json!([{"type": "file", "file_id": "file_1"}])),
                "resources.0.file_id",
            ),
            (
                with("resources", json!([{"type": "disk"}])),
                "resources.0.type",
            ),
            (
                with(
                    "budget",
                    json!({"type": "limit", "max_list_cost": {"amount": "010", "currency": "USD"}}),
                ),
                "budget.max_list_cost.amount",
            ),
            (
                with(
                    "budget",
                    json!({"type": "limit", "max_list_cost": {"amount": "10", "currency": "USD"}}),
                ),
                "budget",
            ),
            (
                with("initial_events", json!([{"type": "user.interrupt"}])),
                "initial_events.0.type",
            ),
            (
                with("initial_events", json!(vec![message; 51])),
                "initial_events",
            ),
        ];
        for (body, field) in table {
            assert_eq!(
                SessionRequest::parse(&body).map_err(|r| r.field),
                Err(field.to_owned()),
                "{body}"
            );
        }
        assert!(SessionRequest::parse(&with("initial_events", json!([]))).is_ok());
    }

    #[test]
    fn updates_give_what_changes() {
        let metadata = Metadata::from([("k".into(), "v".into())]);
        let update = |body: Value| {
            SessionPatch::parse(&body, &session_agent(), &metadata, &Components::default())
        };
        assert_eq!(update(json!({})), Ok(SessionPatch::default()));
        assert_eq!(
            update(json!({"budget": null, "metadata": {"x": null}})),
            Ok(SessionPatch::default())
        );
        assert_eq!(
            update(json!({"title": "t"})).unwrap().title,
            Some(Some("t".into()))
        );
        assert_eq!(update(json!({"title": null})).unwrap().title, Some(None));
        assert_eq!(
            update(json!({"metadata": {"k": null}})).unwrap().metadata,
            Some(Metadata::new())
        );
        let cleared = update(json!({"agent": {"tools": [], "mcp_servers": []}}))
            .unwrap()
            .agent
            .unwrap();
        assert_eq!(cleared.definition.tools, []);

        let field = |body: Value| update(body).unwrap_err().field;
        assert_eq!(field(json!({"title": 1})), "title");
        assert_eq!(field(json!({"metadata": {"k": 1}})), "metadata.k");
        assert_eq!(field(json!({"vault_ids": []})), "vault_ids");
        assert_eq!(field(json!({"agent": {"system": "x"}})), "agent.system");
        assert_eq!(
            field(json!({"agent": {"mcp_servers": []}})),
            "agent.tools.1.mcp_server_name"
        );
        assert_eq!(
            update(json!({"budget": {"type": "limit"}}))
                .unwrap_err()
                .code,
            Some("budget_create_only")
        );
    }
}
