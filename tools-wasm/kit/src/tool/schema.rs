//! The schema of an input, as a model's API wants it: one object, nothing referred to, nothing said twice.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The schema of `Input`, a struct with named fields.
///
/// # Panics
///
/// When it is something else: the input of a tool is an object. The tool then has no description, so it cannot be
/// packed or pushed.
pub(super) fn of<Input: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12()
        .for_deserialize()
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        });
    let mut schema = settings.into_generator().into_root_schema_for::<Input>();
    let root = schema.ensure_object();
    assert!(
        root.get("type").is_some_and(|kind| kind == "object"),
        "the input of a tool is a struct with named fields"
    );
    for key in ["title", "description"] {
        root.remove(key);
    }
    root.entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    root.entry("additionalProperties")
        .or_insert(Value::Bool(false));
    tidy_object(root);
    schema
}

/// Takes out what only matters to Rust: the width of numbers, and `null` where a field may be left out anyway.
fn tidy_object(object: &mut Map<String, Value>) {
    let required: Vec<String> = object
        .get("required")
        .and_then(Value::as_array)
        .map(|names| {
            names
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        for (name, property) in properties {
            if let Value::Object(property) = property
                && !required.contains(name)
            {
                forget_null(property);
            }
        }
    }
    if is_number(object.get("type")) {
        object.remove("format");
    }
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = unwrapped(description);
    }
    for (key, value) in object {
        match value {
            // Data, not schemas.
            _ if matches!(key.as_str(), "default" | "const" | "enum" | "examples") => {}
            // The keys are names here, which may be called like anything.
            Value::Object(named) if key == "properties" => {
                for value in named.values_mut() {
                    tidy(value);
                }
            }
            value => tidy(value),
        }
    }
}

fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => tidy_object(object),
        Value::Array(values) => values.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn forget_null(property: &mut Map<String, Value>) {
    if property.get("default") == Some(&Value::Null) {
        property.remove("default");
    }
    if let Some(Value::Array(kinds)) = property.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = &kinds[..] {
            let kind = kind.clone();
            property.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(choices)) = property.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    if let [Value::Object(choice)] = &mut choices[..] {
        let choice = std::mem::take(choice);
        property.remove("anyOf");
        for (key, value) in choice {
            // What is said of the field goes before what is said of its type.
            property.entry(key).or_insert(value);
        }
    }
}

fn is_number(kind: Option<&Value>) -> bool {
    let number = |kind: &Value| kind == "integer" || kind == "number";
    match kind {
        Some(Value::Array(kinds)) => kinds.iter().any(number),
        Some(kind) => number(kind),
        None => false,
    }
}

/// Lines that only broke because the source is narrow are joined; empty lines and lists stay.
fn unwrapped(text: &str) -> String {
    let mut joined = String::new();
    for line in text.lines().map(str::trim) {
        let paragraph = line.is_empty() || joined.is_empty() || joined.ends_with('\n');
        if !paragraph {
            joined.push(if line.starts_with("- ") { '\n' } else { ' ' });
        }
        joined.push_str(line);
        if line.is_empty() {
            joined.push_str("\n\n");
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    enum Kind {
        Bar,
        Line,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Series {
        /// What it is
        /// called.
        name: String,
        values: Vec<f64>,
    }

    /// Not for the model.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Input {
        /// Path of the file.
        path: String,
        lines: Option<u32>,
        kind: Option<Kind>,
        /// The first.
        one: Option<Series>,
        many: Vec<Series>,
        format: Option<bool>,
    }

    #[test]
    fn a_schema_is_one_object_without_references() {
        let series = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "What it is called."},
                "values": {"type": "array", "items": {"type": "number"}},
            },
            "required": ["name", "values"],
        });
        let mut one = series.clone();
        one["description"] = json!("The first.");
        let expected = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Path of the file."},
                "lines": {"type": "integer", "minimum": 0},
                "kind": {"type": "string", "enum": ["Bar", "Line"]},
                "one": one,
                "many": {"type": "array", "items": series},
                "format": {"type": "boolean"},
            },
            "required": ["path", "many"],
            "additionalProperties": false,
        });
        assert_eq!(of::<Input>().to_value(), expected);
    }

    #[test]
    #[should_panic(expected = "a struct with named fields")]
    fn a_text_is_no_input() {
        of::<String>();
    }
}
