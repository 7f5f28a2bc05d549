//! What the owner of a key may do over MCP.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::agent::hands::{Access, Allowance, MountNames, Names, Network};

/// Which tools a key calls, and what they reach.
///
/// As JSON it is an allowance (`hosts`, `mounts`, `programs`, `secrets`, `settings`, `limits`) with `tools` beside it, a
/// list of names. A pushed tool has no settings over MCP. Defaults, each for itself:
/// * every tool,
/// * no host,
/// * no secret,
/// * all files of the client's own sandbox, all programs, all settings.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyGrants {
    /// None is: every tool.
    pub tools: Option<BTreeSet<String>>,
    /// What each of them reaches, at most.
    pub allowance: Allowance,
}

/// Grants that nobody understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("grants of the key: {0}")]
pub struct GrantsError(String);

impl Default for KeyGrants {
    fn default() -> Self {
        KeyGrants {
            tools: None,
            allowance: Allowance {
                hosts: Network::None,
                secrets: Names::default(),
                ..Allowance::everything()
            },
        }
    }
}

impl KeyGrants {
    /// From JSON, whatever is absent by default.
    pub fn parse(value: &Value) -> Result<KeyGrants, GrantsError> {
        let mut fields = value
            .as_object()
            .ok_or_else(|| GrantsError("must be an object".to_owned()))?
            .clone();
        let tools = fields
            .remove("tools")
            .map(serde_json::from_value)
            .transpose()
            .map_err(|_| GrantsError("tools: must be a list of names".to_owned()))?;
        fields.entry("hosts").or_insert_with(|| json!([]));
        fields.entry("settings").or_insert_with(|| json!(["*"]));
        let allowance = Allowance::parse_grants(&Value::Object(fields))
            .map_err(|error| GrantsError(error.to_string()))?;
        Ok(KeyGrants { tools, allowance })
    }

    /// As [`KeyGrants::parse`] reads it.
    pub fn to_value(&self) -> Value {
        let mut fields = match self.allowance.to_value() {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        if let Some(tools) = &self.tools {
            fields.insert("tools".to_owned(), json!(tools));
        }
        Value::Object(fields)
    }

    /// The same, with files that can only be read.
    #[must_use]
    pub fn read_only(mut self) -> KeyGrants {
        self.allowance.mounts = self.allowance.mounts.narrow(&MountNames {
            all: Some(Access::ReadOnly),
            ..MountNames::default()
        });
        self
    }

    /// Whether the key may call this tool.
    pub fn allows_tool(&self, name: &str) -> bool {
        self.tools.as_ref().is_none_or(|names| names.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_by_default() {
        let all = KeyGrants::parse(&json!({})).unwrap();
        assert_eq!(all, KeyGrants::default());
        assert!(all.allows_tool("bash"));
        assert_eq!(all.allowance.hosts, Network::None);
        assert!(all.allowance.secrets.is_empty());
        assert_eq!(all.allowance.mounts, MountNames::everything());

        let some = json!({"tools": ["read"], "hosts": ["a.example"]});
        let some = KeyGrants::parse(&some).unwrap();
        assert!(some.allows_tool("read") && !some.allows_tool("bash"));
        assert!(some.allowance.hosts.check("a.example").is_ok());
        assert_eq!(some.allowance.programs, Names::All);
    }

    #[test]
    fn grants_survive_being_stored() {
        let given = json!({"tools": ["read"], "secrets": ["KEY"], "hosts": ["*.a.example"]});
        let grants = KeyGrants::parse(&given).unwrap().read_only();
        assert_eq!(KeyGrants::parse(&grants.to_value()), Ok(grants.clone()));
        assert_eq!(
            grants.to_value()["mounts"],
            json!([{"path": "*", "access": "read"}])
        );
    }

    #[test]
    fn what_nobody_understands_is_refused_by_name() {
        for (grants, names) in [
            (json!([]), "object"),
            (json!({"tools": "bash"}), "tools"),
            (json!({"host": []}), "host"),
            (json!({"hosts": ["https://a"]}), "hosts[0]"),
        ] {
            let error = KeyGrants::parse(&grants).unwrap_err().to_string();
            assert!(error.contains(names), "{error}");
        }
    }
}
