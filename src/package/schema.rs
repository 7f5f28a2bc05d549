//! Whether a JSON value can be the schema of a tool's input.
//!
//! Looks at the shape of the keywords that JSON Schema 2020-12 knows, so that a mistake is found where it was made and not by
//! the model's provider. Values are not checked against schemas here.

use serde_json::Value;

/// Schemas within schemas; people write ten.
const DEPTH_MAX: usize = 64;

/// Where a schema is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct SchemaError {
    /// The path of the keyword: `properties.url.type`; empty for the whole.
    pub at: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Checks the schema of a tool's input: an object with `"type": "object"`.
pub fn check(schema: &Value) -> Result<(), SchemaError> {
    let Some(keywords) = schema.as_object() else {
        return Err(error("", "must be a JSON object"));
    };
    if keywords.get("type").and_then(Value::as_str) != Some("object") {
        return Err(error("type", "must be \"object\""));
    }
    check_at("", schema, 0)
}

fn error(at: &str, reason: impl Into<String>) -> SchemaError {
    SchemaError {
        at: at.to_owned(),
        reason: reason.into(),
    }
}

fn check_at(at: &str, schema: &Value, depth: usize) -> Result<(), SchemaError> {
    let keywords = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(keywords) => keywords,
        _ => return Err(error(at, "must be a schema: an object, true or false")),
    };
    if depth > DEPTH_MAX {
        return Err(error(
            at,
            format!("is nested deeper than {DEPTH_MAX} schemas"),
        ));
    }
    for (keyword, value) in keywords {
        let at = match at {
            "" => keyword.clone(),
            at => format!("{at}.{keyword}"),
        };
        match keyword.as_str() {
            "type" => check_type(&at, value)?,
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                let schemas = value
                    .as_object()
                    .ok_or_else(|| error(&at, "must be an object of schemas"))?;
                for (name, schema) in schemas {
                    check_at(&format!("{at}.{name}"), schema, depth + 1)?;
                }
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let schemas = value
                    .as_array()
                    .filter(|schemas| !schemas.is_empty())
                    .ok_or_else(|| error(&at, "must be a list of schemas, and not empty"))?;
                check_all(&at, schemas, depth)?;
            }
            // A list is how drafts before 2020-12 wrote `prefixItems`.
            "items" if value.is_array() => {
                check_all(&at, value.as_array().map_or(&[], Vec::as_slice), depth)?;
            }
            "items"
            | "additionalItems"
            | "additionalProperties"
            | "contains"
            | "else"
            | "if"
            | "not"
            | "propertyNames"
            | "then"
            | "unevaluatedItems"
            | "unevaluatedProperties" => {
                check_at(&at, value, depth + 1)?;
            }
            "required"
                if !value
                    .as_array()
                    .is_some_and(|names| names.iter().all(Value::is_string)) =>
            {
                return Err(error(&at, "must be a list of property names"));
            }
            "enum" if !value.is_array() => return Err(error(&at, "must be a list")),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
            | "maxProperties" | "minContains" | "maxContains"
                if value.as_u64().is_none() =>
            {
                return Err(error(&at, "must be a whole number, 0 or more"));
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
                if !value.is_number() =>
            {
                return Err(error(&at, "must be a number"));
            }
            "title" | "description" | "pattern" | "format" | "$ref" | "$schema" | "$id"
                if !value.is_string() =>
            {
                return Err(error(&at, "must be a string"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_all(at: &str, schemas: &[Value], depth: usize) -> Result<(), SchemaError> {
    for (index, schema) in schemas.iter().enumerate() {
        check_at(&format!("{at}[{index}]"), schema, depth + 1)?;
    }
    Ok(())
}

fn check_type(at: &str, value: &Value) -> Result<(), SchemaError> {
    const TYPES: [&str; 7] = [
        "array", "boolean", "integer", "null", "number", "object", "string",
    ];
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    let fits = match value {
        Value::Array(types) => !types.is_empty() && types.iter().all(known),
        value => known(value),
    };
    if fits {
        Ok(())
    } else {
        Err(error(at, format!("must be one of {}", TYPES.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_as_people_and_generators_write_them() {
        for schema in [
            json!({"type": "object"}),
            json!({"type": "object", "properties": {"type": {"type": "string"}, "required": {"type": ["null", "integer"]}}}),
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Input", "type": "object",
                   "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"], "additionalProperties": false,
                   "$defs": {"A": {"oneOf": [{"const": 1}, {"type": "array", "items": {"type": "number", "minimum": 0}}]}}}),
            json!({"type": "object", "properties": {"a": {"type": "array", "items": [{"type": "string"}]}, "b": true}}),
            json!({"type": "object", "x-anything": 3, "default": {}, "examples": [1]}),
        ] {
            assert_eq!(check(&schema), Ok(()), "{schema}");
        }
    }

    #[test]
    fn what_is_no_schema_is_named() {
        let mut deep = json!(true);
        for _ in 0..100 {
            deep = json!({"not": deep});
        }
        for (schema, at) in [
            (json!([]), ""),
            (json!("object"), ""),
            (json!({}), "type"),
            (json!({"type": "array"}), "type"),
            (json!({"type": "object", "properties": []}), "properties"),
            (
                json!({"type": "object", "properties": {"a": "string"}}),
                "properties.a",
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "str"}}}),
                "properties.a.type",
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": []}}}),
                "properties.a.type",
            ),
            (json!({"type": "object", "required": "a"}), "required"),
            (json!({"type": "object", "required": [1]}), "required"),
            (json!({"type": "object", "anyOf": []}), "anyOf"),
            (json!({"type": "object", "anyOf": [{}, 3]}), "anyOf[1]"),
            (
                json!({"type": "object", "properties": {"a": {"enum": 3}}}),
                "properties.a.enum",
            ),
            (
                json!({"type": "object", "properties": {"a": {"minLength": -1}}}),
                "properties.a.minLength",
            ),
            (
                json!({"type": "object", "properties": {"a": {"maximum": "3"}}}),
                "properties.a.maximum",
            ),
            (json!({"type": "object", "description": 3}), "description"),
            (
                json!({"type": "object", "$defs": {"a": {"items": 3}}}),
                "$defs.a.items",
            ),
        ] {
            assert_eq!(check(&schema).unwrap_err().at, at, "{schema}");
        }
        let deep = json!({"type": "object", "not": deep});
        assert!(check(&deep).unwrap_err().reason.contains("nested deeper"));
    }
}
