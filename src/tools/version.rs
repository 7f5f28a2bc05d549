//! A version of a pushed tool: what it says about itself, and which bytes it is.

use glovebox_runtime::{Allowance, Description, Effects};
use serde_json::{Value, json};

use crate::package::Digest;

/// One version of a tool of a workspace. Of a version nothing ever changes but `archived_at`, which is the tool's.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolVersion {
    /// The tool's, the same for all its versions.
    pub id: String,
    /// Counts up from 1.
    pub version: u64,
    /// What its component is found by.
    pub digest: Digest,
    /// What it says about itself. The name is the same for all versions.
    pub description: Description,
    /// How it is called.
    pub contract: Contract,
    /// Of the component.
    pub size_bytes: u64,
    /// When the tool was first pushed.
    pub created_at: String,
    /// When this version was pushed.
    pub updated_at: String,
    /// Since when nothing new may use the tool.
    pub archived_at: Option<String>,
}

/// How a tool is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contract {
    /// It exports `glovebox:tool/tool` of this version.
    Tool(String),
    /// It is a command that came with a manifest.
    Plain,
}

impl Contract {
    /// The API's word: a version, or `plain`.
    pub fn as_str(&self) -> &str {
        match self {
            Contract::Tool(version) => version,
            Contract::Plain => "plain",
        }
    }
}

/// A stored tool cannot be read. A defect of this server, or of whoever wrote to its database.
#[derive(Debug, thiserror::Error)]
#[error("the stored tool has no valid {0}")]
pub struct Unreadable(pub(super) &'static str);

impl ToolVersion {
    /// `id@version`: this version and no other.
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// The object of the API, which is also what is stored.
    pub fn to_value(&self) -> Value {
        json!({
            "id": self.id,
            "type": "tool",
            "name": self.description.name,
            "version": self.version,
            "digest": self.digest.to_string(),
            "description": self.description.text,
            "input_schema": self.description.input_schema,
            "effects": effects_word(self.description.effects),
            "wishes": self.description.wishes,
            "contract": self.contract.as_str(),
            "size_bytes": self.size_bytes,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "archived_at": self.archived_at,
        })
    }

    /// What [`ToolVersion::to_value`] gave.
    pub fn from_value(value: &Value) -> Result<ToolVersion, Unreadable> {
        let text = |name: &'static str| value[name].as_str().ok_or(Unreadable(name));
        let number = |name: &'static str| value[name].as_u64().ok_or(Unreadable(name));
        Ok(ToolVersion {
            id: text("id")?.to_owned(),
            version: number("version")?,
            digest: text("digest")?.parse().map_err(|_| Unreadable("digest"))?,
            description: Description {
                name: text("name")?.to_owned(),
                text: text("description")?.to_owned(),
                input_schema: value["input_schema"].clone(),
                effects: match text("effects")? {
                    "none" => Effects::None,
                    "files" => Effects::Files,
                    "external" => Effects::External,
                    _ => return Err(Unreadable("effects")),
                },
                wishes: Allowance::parse(&value["wishes"]).map_err(|_| Unreadable("wishes"))?,
            },
            contract: match text("contract")? {
                "plain" => Contract::Plain,
                version => Contract::Tool(version.to_owned()),
            },
            size_bytes: number("size_bytes")?,
            created_at: text("created_at")?.to_owned(),
            updated_at: text("updated_at")?.to_owned(),
            archived_at: value["archived_at"].as_str().map(str::to_owned),
        })
    }
}

/// The API's word for what a tool may change.
pub(super) fn effects_word(effects: Effects) -> &'static str {
    match effects {
        Effects::None => "none",
        Effects::Files => "files",
        Effects::External => "external",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::digest;

    #[test]
    fn what_is_stored_is_what_is_shown() {
        for (contract, effects) in [
            (Contract::Plain, Effects::None),
            (Contract::Tool("0.2.0".into()), Effects::External),
        ] {
            let version = ToolVersion {
                id: "tool_1".into(),
                version: 3,
                digest: digest(b"x"),
                description: Description {
                    name: "lookup".into(),
                    text: "Looks up.".into(),
                    input_schema: json!({"type": "object"}),
                    effects,
                    wishes: Allowance::everything(),
                },
                contract,
                size_bytes: 1,
                created_at: "2026-01-01T00:00:00.000000Z".into(),
                updated_at: "2026-01-02T00:00:00.000000Z".into(),
                archived_at: None,
            };
            assert_eq!(
                ToolVersion::from_value(&version.to_value()).unwrap(),
                version
            );
        }
        assert!(ToolVersion::from_value(&json!({"id": "tool_1"})).is_err());
    }
}
