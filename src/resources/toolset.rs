//! The built-in toolset `agent_toolset_20260401`: eight tools, each enabled and permitted by its own entry or by default.

use serde::{Deserialize, Serialize};

use super::domain::PathSuffix;
use super::input::{Fields, Invalid, check_unique, quoted};
use super::permission::{DefaultConfig, PermissionPolicy};
use super::web::{Domains, UrlSources, UserLocation};

/// The names of the built-in tools.
pub const BUILT_IN_TOOLS: [&str; 8] = [
    "bash",
    "read",
    "write",
    "edit",
    "glob",
    "grep",
    "web_fetch",
    "web_search",
];

/// The toolset of an agent, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentToolset {
    pub configs: Vec<ToolConfig>,
    pub default_config: DefaultConfig,
}

/// What holds for one built-in tool. On the wire `type` and `name` are the same word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolConfig {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub enabled: bool,
    pub permission_policy: PermissionPolicy,
    #[serde(flatten)]
    pub web: WebSettings,
}

/// What only the web tools' entries have. Which one it is follows from the keys, and the others have none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WebSettings {
    Fetch {
        #[serde(flatten)]
        domains: Domains,
        max_content_tokens: Option<u64>,
        #[serde(deserialize_with = "Option::deserialize")]
        url_sources: Option<UrlSources>,
    },
    Search {
        #[serde(flatten)]
        domains: Domains,
        #[serde(deserialize_with = "Option::deserialize")]
        user_location: Option<UserLocation>,
    },
    None {},
}

impl AgentToolset {
    /// A `tools` entry of type `agent_toolset_20260401`.
    pub fn parse(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let default_config = DefaultConfig::parse(fields, PermissionPolicy::AlwaysAllow)?;
        let items = fields.list("configs")?.unwrap_or_default();
        let mut configs = Vec::with_capacity(items.len());
        for (path, item) in &items {
            configs.push(ToolConfig::parse(
                &Fields::of(item, path.clone())?,
                default_config,
            )?);
        }
        check_unique(
            items
                .iter()
                .zip(&configs)
                .map(|((path, _), config)| (format!("{path}.name"), config.name.as_str())),
        )?;
        Ok(Self {
            configs,
            default_config,
        })
    }

    /// What holds for a built-in tool: its own entry, else the default.
    pub fn config(&self, name: &str) -> DefaultConfig {
        self.configs
            .iter()
            .find(|config| config.name == name)
            .map_or(self.default_config, |config| DefaultConfig {
                enabled: config.enabled,
                permission_policy: config.permission_policy,
            })
    }

    /// The web settings of a tool, if it has an entry of its own.
    pub fn web(&self, name: &str) -> Option<&WebSettings> {
        self.configs
            .iter()
            .find(|config| config.name == name)
            .map(|config| &config.web)
    }

    /// The built-in tools that are enabled.
    pub fn enabled(&self) -> impl Iterator<Item = &'static str> {
        BUILT_IN_TOOLS
            .into_iter()
            .filter(|name| self.config(name).enabled)
    }
}

impl ToolConfig {
    fn parse(fields: &Fields<'_>, default: DefaultConfig) -> Result<Self, Invalid> {
        let name = fields.required_text("name")?;
        if !BUILT_IN_TOOLS.contains(&name) {
            return Err(fields.refuse(
                "name",
                format!(
                    "unknown tool '{name}', expected one of {}",
                    quoted(&BUILT_IN_TOOLS)
                ),
            ));
        }
        if fields.text("type")?.is_some_and(|kind| kind != name) {
            return Err(fields.refuse("type", format!("must be '{name}', as the entry's name is")));
        }
        let web = match name {
            "web_fetch" => WebSettings::Fetch {
                domains: Domains::parse(fields, PathSuffix::Refused)?,
                max_content_tokens: positive(fields, "max_content_tokens")?,
                url_sources: UrlSources::parse(fields)?,
            },
            "web_search" => WebSettings::Search {
                domains: Domains::parse(fields, PathSuffix::Allowed)?,
                user_location: UserLocation::parse(fields)?,
            },
            _ => WebSettings::None {},
        };
        Ok(Self {
            kind: name.to_owned(),
            name: name.to_owned(),
            enabled: fields.boolean("enabled")?.unwrap_or(default.enabled),
            permission_policy: PermissionPolicy::parse(fields)?
                .unwrap_or(default.permission_policy),
            web,
        })
    }
}

fn positive(fields: &Fields<'_>, name: &str) -> Result<Option<u64>, Invalid> {
    match fields.integer(name)? {
        Some(0) => Err(fields.refuse(name, "must be at least 1")),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn toolset(entry: &Value) -> Result<AgentToolset, String> {
        AgentToolset::parse(&Fields::of(entry, "tools.0").unwrap()).map_err(|refusal| refusal.field)
    }

    #[test]
    fn comes_out_resolved_and_reads_back() {
        let allow = json!({"type": "always_allow"});
        let table = [
            (
                json!({}),
                json!({"configs": [], "default_config": {"enabled": true, "permission_policy": allow}}),
            ),
            (
                json!({"default_config": {"enabled": false}, "configs": [
                    {"name": "bash", "enabled": true, "permission_policy": {"type": "always_ask"}},
                    {"name": "web_fetch", "allowed_domains": ["example.com"]},
                    {"name": "web_search", "type": "web_search", "user_location": {"type": "approximate", "country": "DE"}}]}),
                json!({"configs": [
                    {"type": "bash", "name": "bash", "enabled": true, "permission_policy": {"type": "always_ask"}},
                    {"type": "web_fetch", "name": "web_fetch", "enabled": false, "permission_policy": allow,
                     "allowed_domains": ["example.com"], "blocked_domains": null, "max_content_tokens": null, "url_sources": null},
                    {"type": "web_search", "name": "web_search", "enabled": false, "permission_policy": allow,
                     "allowed_domains": null, "blocked_domains": null,
                     "user_location": {"type": "approximate", "city": null, "country": "DE", "region": null, "timezone": null}}],
                    "default_config": {"enabled": false, "permission_policy": allow}}),
            ),
        ];
        for (entry, wire) in table {
            let parsed = toolset(&entry).unwrap();
            assert_eq!(serde_json::to_value(&parsed).unwrap(), wire);
            assert_eq!(
                serde_json::from_value::<AgentToolset>(wire).unwrap(),
                parsed
            );
        }
    }

    #[test]
    fn refusals_name_the_field() {
        let table = [
            (json!({"default_config": true}), "tools.0.default_config"),
            (
                json!({"default_config": {"permission_policy": {"type": "never"}}}),
                "tools.0.default_config.permission_policy.type",
            ),
            (json!({"configs": {}}), "tools.0.configs"),
            (json!({"configs": [{}]}), "tools.0.configs.0.name"),
            (
                json!({"configs": [{"name": "python"}]}),
                "tools.0.configs.0.name",
            ),
            (
                json!({"configs": [{"name": "bash", "type": "read"}]}),
                "tools.0.configs.0.type",
            ),
            (
                json!({"configs": [{"name": "bash"}, {"name": "bash"}]}),
                "tools.0.configs.1.name",
            ),
            (
                json!({"configs": [{"name": "bash", "enabled": "yes"}]}),
                "tools.0.configs.0.enabled",
            ),
            (
                json!({"configs": [{"name": "web_fetch", "max_content_tokens": 0}]}),
                "tools.0.configs.0.max_content_tokens",
            ),
        ];
        for (entry, field) in table {
            assert_eq!(toolset(&entry), Err(field.to_owned()), "{entry}");
        }
    }

    #[test]
    fn own_entry_before_default() {
        let set = toolset(&json!({"default_config": {"enabled": false}, "configs": [{"name": "read", "enabled": true}]})).unwrap();
        assert_eq!(set.enabled().collect::<Vec<_>>(), ["read"]);
    }
}
