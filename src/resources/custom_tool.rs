//! Custom tools: a name, a description and a schema; the client runs the call.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::{Fields, Invalid};
use super::toolset::BUILT_IN_TOOLS;

const NAME_CHARACTERS_MAX: usize = 128;
const PROPERTY_CHARACTERS_MAX: usize = 64;

/// A tool of the client's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomTool {
    pub description: String,
    /// A JSON Schema whose `type` is `object`.
    pub input_schema: Value,
    pub name: String,
}

impl CustomTool {
    /// A `tools` entry of type `custom`.
    pub fn parse(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let name = fields.required_text_within("name", 1..=NAME_CHARACTERS_MAX)?;
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        {
            return Err(fields.refuse("name", "must be letters, digits, underscores and hyphens"));
        }
        if BUILT_IN_TOOLS.contains(&name) {
            return Err(fields.refuse("name", format!("'{name}' is the name of a built-in tool")));
        }
        if name.starts_with("mcp__") || name.starts_with("ant__") {
            return Err(fields.refuse("name", "must not start with 'mcp__' or 'ant__'"));
        }
        // Without this refusal the tool would quietly become one that the client has to run.
        if fields.given("component").is_some() {
            return Err(fields.refuse("component", "no such tool component"));
        }
        Ok(Self {
            description: fields
                .required_text_within("description", 1..=usize::MAX)?
                .to_owned(),
            input_schema: schema(fields)?,
            name: name.to_owned(),
        })
    }
}

fn schema(fields: &Fields<'_>) -> Result<Value, Invalid> {
    let value = fields.required("input_schema")?;
    let schema = Fields::of(value, fields.at("input_schema"))?;
    if schema.required_text("type")? != "object" {
        return Err(schema.refuse("type", "must be 'object'"));
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        if schema.present(keyword).is_some() {
            return Err(schema.refuse(keyword, "is not allowed at the top level"));
        }
    }
    if let Some(properties) = schema.object("properties")? {
        for name in properties.map().keys() {
            let fits = (1..=PROPERTY_CHARACTERS_MAX).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
            if !fits {
                return Err(properties.refuse(
                    name,
                    format!("property names must be 1 to {PROPERTY_CHARACTERS_MAX} letters, digits, '_', '.' or '-'"),
                ));
            }
        }
    }
    schema.texts("required")?;
    refuse_references(value, &fields.at("input_schema"))?;
    Ok(value.clone())
}

fn refuse_references(value: &Value, path: &str) -> Result<(), Invalid> {
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, inner)| {
            let at = format!("{path}.{key}");
            // A property may be called `$ref`; a reference is a string.
            if key == "$ref" && inner.is_string() {
                return Err(Invalid::new(at, "references are not allowed"));
            }
            refuse_references(inner, &at)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, inner)| refuse_references(inner, &format!("{path}.{index}"))),
        _ => Ok(()),
    }
}
