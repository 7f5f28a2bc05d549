//! Entries of `tools` that name a component of this server: a custom tool that the server runs by itself.
//!
//! What such a reference means is found by whoever can look ([`Components`]); what follows from it is decided here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::{Fields, Invalid};
use super::permission::PermissionPolicy;

const REFERENCE_CHARACTERS_MAX: usize = 255;
/// No list of tools may be longer, so that nothing beyond is worth looking up.
const REFERENCES_MAX: usize = 256;

/// The part of a custom tool's entry that only tools of this server have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolComponent {
    /// As the client wrote it: a tool's id, `id@version` or a digest. In a session always `id@version`.
    pub component: String,
    /// `none`, `files` or `external`.
    pub effects: String,
    /// What the agent may use the tool for; what is absent is granted as wished, except secrets and settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Value>,
    pub permission_policy: PermissionPolicy,
}

/// A tool that a reference means.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// `id@version`.
    pub pinned: String,
    pub name: String,
    pub description: String,
    pub input_schema: Value,
    /// `none`, `files` or `external`.
    pub effects: String,
    pub archived: bool,
}

/// Whether a value is an entry's `grants`; if not, the field in it (none for the whole) and what is wrong with it.
pub type CheckGrants = fn(&Value) -> Result<(), (String, String)>;

/// What the references of a request mean. The default knows none.
#[derive(Debug, Clone, Default)]
pub struct Components {
    found: BTreeMap<String, Found>,
    check_grants: Option<CheckGrants>,
}

impl Components {
    /// With what was found, by reference.
    pub fn new(found: BTreeMap<String, Found>, check_grants: CheckGrants) -> Self {
        Self {
            found,
            check_grants: Some(check_grants),
        }
    }

    /// Lets these references be used even when their tools are archived: for a session that has them already.
    pub fn keep<'r>(&mut self, references: impl IntoIterator<Item = &'r str>) {
        for reference in references {
            if let Some(found) = self.found.get_mut(reference) {
                found.archived = false;
            }
        }
    }

    /// The tool that a reference means, if an agent may have it.
    pub(super) fn find(&self, path: &str, reference: &str) -> Result<&Found, Invalid> {
        match self.found.get(reference) {
            Some(found) if found.archived => Err(Invalid::new(
                path,
                format!("tool '{reference}' ({}) is archived", found.name),
            )),
            Some(found) => Ok(found),
            None => Err(Invalid::new(
                path,
                format!("no tool '{reference}' on this server"),
            )),
        }
    }
}

impl ToolComponent {
    /// The component of an entry and what it means; none when the client runs the tool.
    pub(super) fn parse<'c>(
        fields: &Fields<'_>,
        components: &'c Components,
    ) -> Result<Option<(Self, &'c Found)>, Invalid> {
        if fields.given("component").is_none() {
            // Without this refusal they would be taken for granted, and mean nothing.
            for name in ["grants", "permission_policy"] {
                if fields.given(name).is_some() {
                    return Err(fields.refuse(name, "needs a component"));
                }
            }
            return Ok(None);
        }
        let reference = fields.required_text_within("component", 1..=REFERENCE_CHARACTERS_MAX)?;
        let found = components.find(&fields.at("component"), reference)?;
        let grants = fields.given("grants").cloned();
        if let (Some(grants), Some(check)) = (&grants, components.check_grants) {
            check(grants).map_err(|(field, problem)| match field.as_str() {
                "" => fields.refuse("grants", problem),
                field => Invalid::new(format!("{}.{field}", fields.at("grants")), problem),
            })?;
        }
        let component = Self {
            component: reference.to_owned(),
            effects: found.effects.clone(),
            grants,
            permission_policy: PermissionPolicy::parse(fields)?
                .unwrap_or(PermissionPolicy::AlwaysAllow),
        };
        Ok(Some((component, found)))
    }
}

/// The references in a `tools` array as a client wrote it, so far as they can be seen before it is checked.
pub fn references(tools: &Value) -> BTreeSet<String> {
    let entries = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .take(REFERENCES_MAX)
        .filter_map(|entry| entry["component"].as_str())
        .filter(|reference| reference.len() <= REFERENCE_CHARACTERS_MAX)
        .map(str::to_owned)
        .collect()
}
