//! Custom tools: a name, a description and a schema. The client runs the call, unless the entry names a component of this
//! server: then everything else follows from that.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component::{Components, Found, ToolComponent};
use super::input::{Fields, Invalid, check_length};
use super::toolset::BUILT_IN_TOOLS;

const NAME_CHARACTERS_MAX: usize = 128;
const PROPERTY_CHARACTERS_MAX: usize = 64;

/// A tool that is not built in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomTool {
    pub description: String,
    /// A JSON Schema whose `type` is `object`.
    pub input_schema: Value,
    pub name: String,
    /// Set when this server runs it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub component: Option<ToolComponent>,
}

impl CustomTool {
    /// A `tools` entry of type `custom`.
    pub fn parse(fields: &Fields<'_>, components: &Components) -> Result<Self, Invalid> {
        if let Some((component, found)) = ToolComponent::parse(fields, components)? {
            agrees(fields, found)?;
            return Ok(Self {
                description: found.description.clone(),
                input_schema: found.input_schema.clone(),
                name: found.name.clone(),
                component: Some(component),
            });
        }
        let name = fields.required_text("name")?;
        check_name(&fields.at("name"), name)?;
        let schema = fields.required("input_schema")?;
        check_schema(&fields.at("input_schema"), schema)?;
        refuse_references(schema, &fields.at("input_schema"))?;
        Ok(Self {
            description: fields
                .required_text_within("description", 1..=usize::MAX)?
                .to_owned(),
            input_schema: schema.clone(),
            name: name.to_owned(),
            component: None,
        })
    }

    /// Makes a reference that may mean another version tomorrow mean the one it means now.
    pub(super) fn pin(&mut self, path: &str, components: &Components) -> Result<(), Invalid> {
        let Some(component) = &mut self.component else {
            return Ok(());
        };
        let found = components.find(path, &component.component)?;
        component.component.clone_from(&found.pinned);
        component.effects.clone_from(&found.effects);
        self.name.clone_from(&found.name);
        self.description.clone_from(&found.description);
        self.input_schema.clone_from(&found.input_schema);
        Ok(())
    }
}

/// What an entry says about a tool of this server must be what the tool says of itself.
fn agrees(fields: &Fields<'_>, found: &Found) -> Result<(), Invalid> {
    let contradiction = |name: &str| {
        let problem = format!(
            "is not what the tool '{}' says; leave it out to have it filled in",
            found.name
        );
        Err(fields.refuse(name, problem))
    };
    if fields.text("name")?.is_some_and(|name| name != found.name) {
        return contradiction("name");
    }
    if fields
        .text("description")?
        .is_some_and(|text| text != found.description)
    {
        return contradiction("description");
    }
    if fields
        .given("input_schema")
        .is_some_and(|schema| *schema != found.input_schema)
    {
        return contradiction("input_schema");
    }
    Ok(())
}

/// Whether a tool that is not built in may have this name.
pub fn check_name(path: &str, name: &str) -> Result<(), Invalid> {
    check_length(path, name, 1..=NAME_CHARACTERS_MAX)?;
    let refuse = |problem: &str| Err(Invalid::new(path, problem));
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    {
        return refuse("must be letters, digits, underscores and hyphens");
    }
    if BUILT_IN_TOOLS.contains(&name) {
        return refuse(&format!("'{name}' is the name of a built-in tool"));
    }
    if name.starts_with("mcp__") || name.starts_with("ant__") {
        return refuse("must not start with 'mcp__' or 'ant__'");
    }
    Ok(())
}

/// Whether models' providers accept this as a tool's schema.
pub fn check_schema(path: &str, value: &Value) -> Result<(), Invalid> {
    let schema = Fields::of(value, path)?;
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
    Ok(())
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
