//! What a tool says about itself, checked: a stranger wrote it, and a model will read it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::grant::{Allowance, Limits};
use crate::process::bindings::glovebox::tool::types as wit;
use crate::report::{Description, Effects};

/// Bytes of a description's text, and of its schema as text. `wit/tool` promises these.
const TEXT_BYTES_MAX: usize = 65_536;
const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// Bytes of all of it: what is more is not even copied.
pub(crate) const BYTES_MAX: usize = 1 << 20;

/// Objects and lists inside each other in a schema. Written schemas have about ten.
const SCHEMA_DEPTH_MAX: usize = 64;

/// Of anything in it. Whoever keeps it puts it into other objects, and JSON is read back 128 deep.
const DEPTH_MAX: usize = 100;

/// A tool that cannot say what it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DescribeError(pub(crate) String);

/// What describing may use. An interpreter has to start for it, so it is not little memory.
pub(crate) fn limits(grant: &Limits) -> Limits {
    grant.narrow(&Limits {
        memory_bytes_max: 512 << 20,
        cpu_time_max: Duration::from_secs(2),
        wall_time_max: Duration::from_secs(5),
        output_bytes_max: BYTES_MAX as u64,
        processes_max: u32::MAX,
        ..Limits::default()
    })
}

/// The description, if it is one.
pub(crate) fn checked(said: wit::Description) -> Result<Description, DescribeError> {
    if said.input_schema.len() > SCHEMA_BYTES_MAX {
        return Err(DescribeError(format!(
            "input schema of {:?} has {} bytes, more than {SCHEMA_BYTES_MAX}",
            shortened(&said.name),
            said.input_schema.len()
        )));
    }
    let input_schema = serde_json::from_str(&said.input_schema).map_err(|error| {
        DescribeError(format!(
            "input schema of {:?} is no JSON: {error}",
            shortened(&said.name)
        ))
    })?;
    let wishes = Allowance::parse(&wishes(&said.wishes)).map_err(|error| {
        DescribeError(format!("wishes of {:?}: {error}", shortened(&said.name)))
    })?;
    let description = Description {
        name: said.name,
        text: said.text,
        input_schema,
        effects: match said.effects {
            wit::Effects::None => Effects::None,
            wit::Effects::Files => Effects::Files,
            wit::Effects::External => Effects::External,
        },
        wishes,
    };
    description.check()?;
    Ok(description)
}

impl Description {
    /// Whether it keeps the promises of `wit/tool`: a name that a model can call, a text, a JSON Schema of an object.
    pub fn check(&self) -> Result<(), DescribeError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let name = &self.name;
        if !(1..=128).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(DescribeError(format!(
                "tool name {:?} is not 1 to 128 of A-Z a-z 0-9 _ -",
                shortened(name)
            )));
        }
        if self.text.trim().is_empty() || self.text.len() > TEXT_BYTES_MAX {
            return Err(DescribeError(format!(
                "description of {name} has {} bytes of text, not 1 to {TEXT_BYTES_MAX}",
                self.text.trim().len()
            )));
        }
        let schema = |reason: String| DescribeError(format!("input schema of {name}: {reason}"));
        if self.input_schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(schema("\"type\" must be \"object\"".to_owned()));
        }
        // Counted without its text being made: a manifest's schema did not come as text.
        if size(&self.input_schema) > SCHEMA_BYTES_MAX {
            return Err(schema(format!("has more than {SCHEMA_BYTES_MAX} bytes")));
        }
        if depth(&self.input_schema) > DEPTH_MAX {
            return Err(schema(format!("is nested deeper than {DEPTH_MAX}")));
        }
        schema_shape(&self.input_schema, "", 0).map_err(schema)
    }
}

fn shortened(name: &str) -> &str {
    name.get(..name.floor_char_boundary(140)).unwrap_or(name)
}

/// The record as the API's JSON, which has the one parser.
fn wishes(said: &wit::Wishes) -> Value {
    let mounts: Vec<_> = said
        .mounts
        .iter()
        .map(|mount| {
            let access = match mount.access {
                wit::Access::Read => "read",
                wit::Access::Write => "write",
            };
            json!({"path": mount.path, "access": access})
        })
        .collect();
    json!({
        "hosts": said.hosts,
        "mounts": mounts,
        "programs": said.programs,
        "secrets": said.secrets,
        "settings": said.settings,
        "limits": {
            "memory_bytes": said.limits.memory_bytes,
            "cpu_ms": said.limits.cpu_ms,
            "wall_ms": said.limits.wall_ms,
            "output_bytes": said.limits.output_bytes,
        },
    })
}

/// About the bytes of a value's text, at least a byte for each part.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(values) => 2 + values.iter().map(|value| size(value) + 1).sum::<usize>(),
        Value::Object(fields) => {
            2 + fields
                .iter()
                .map(|(name, value)| name.len() + 4 + size(value))
                .sum::<usize>()
        }
        _ => 4,
    }
}

/// Objects and lists inside each other.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether keywords of JSON Schema have the shape that they must have, as far down as schemas are nested. Unknown keywords
/// are annotations, as the specification says.
fn schema_shape(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    if depth > SCHEMA_DEPTH_MAX {
        return Err(format!("is nested deeper than {SCHEMA_DEPTH_MAX}"));
    }
    let fields = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(fields) => fields,
        _ => return Err(format!("{at:?} is no schema")),
    };
    for (keyword, value) in fields {
        let here = format!("{at}/{keyword}");
        match keyword.as_str() {
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                let schemas = value
                    .as_object()
                    .ok_or_else(|| format!("{here:?} must be an object"))?;
                for (name, schema) in schemas {
                    schema_shape(schema, &format!("{here}/{name}"), depth + 1)?;
                }
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let schemas = value
                    .as_array()
                    .ok_or_else(|| format!("{here:?} must be a list"))?;
                for (index, schema) in schemas.iter().enumerate() {
                    schema_shape(schema, &format!("{here}/{index}"), depth + 1)?;
                }
            }
            // Older drafts allow a list of schemas here.
            "items" if value.is_array() => {
                for (index, schema) in value.as_array().into_iter().flatten().enumerate() {
                    schema_shape(schema, &format!("{here}/{index}"), depth + 1)?;
                }
            }
            "items"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "additionalItems" => {
                schema_shape(value, &here, depth + 1)?;
            }
            "type" => schema_type(value, &here)?,
            "required" => {
                let names = value.as_array();
                if !names.is_some_and(|names| names.iter().all(Value::is_string)) {
                    return Err(format!("{here:?} must be a list of strings"));
                }
            }
            "enum" if !value.is_array() => return Err(format!("{here:?} must be a list")),
            "description" | "title" | "pattern" | "format" | "$ref" | "$schema" | "$id"
                if !value.is_string() =>
            {
                return Err(format!("{here:?} must be a string"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn schema_type(value: &Value, at: &str) -> Result<(), String> {
    const TYPES: [&str; 7] = [
        "object", "array", "string", "number", "integer", "boolean", "null",
    ];
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    let fits = match value {
        Value::Array(types) => !types.is_empty() && types.iter().all(known),
        one => known(one),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{at:?} must be a type of JSON, or a list of them"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(input_schema: Value) -> Description {
        Description {
            name: "a".to_owned(),
            text: "b".to_owned(),
            input_schema,
            effects: Effects::None,
            wishes: Allowance::nothing(),
        }
    }

    #[test]
    fn schemas_that_are_ones() {
        for schema in [
            json!({"type": "object"}),
            json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": true}, "required": ["a"]}),
            json!({"type": "object", "$defs": {"x": {"items": [{}, {}]}}, "anyOf": [{}], "x-mine": 3}),
        ] {
            description(schema.clone())
                .check()
                .unwrap_or_else(|error| panic!("{schema}: {error}"));
        }
    }

    #[test]
    fn schemas_that_are_none() {
        let mut deep = json!({"type": "string"});
        (0..100).for_each(|_| deep = json!({"type": "object", "properties": {"a": deep.take()}}));
        for (schema, said) in [
            (json!({}), "\"type\" must be"),
            (json!([]), "\"type\" must be"),
            (json!({"type": "string"}), "\"type\" must be"),
            (
                json!({"type": "object", "properties": []}),
                "\"/properties\" must be an object",
            ),
            (
                json!({"type": "object", "properties": {"a": 3}}),
                "\"/properties/a\" is no schema",
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "str"}}}),
                "\"/properties/a/type\"",
            ),
            (json!({"type": "object", "required": "a"}), "\"/required\""),
            (json!({"type": "object", "allOf": {}}), "\"/allOf\""),
            (
                json!({"type": "object", "description": "x".repeat(300_000)}),
                "more than",
            ),
            (deep, "nested deeper"),
        ] {
            let error = description(schema).check().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn names_and_texts_have_bounds() {
        let good = description(json!({"type": "object"}));
        for name in ["", "a b", "ä", &"x".repeat(129)] {
            let bad = Description {
                name: name.to_owned(),
                ..good.clone()
            };
            assert!(bad.check().is_err(), "{name}");
        }
        for text in ["", "  ", &"x".repeat(65_537)] {
            let bad = Description {
                text: text.to_owned(),
                ..good.clone()
            };
            assert!(bad.check().is_err());
        }
    }
}
