//! Reading a request's JSON, remembering where in it we are.
//!
//! Every refusal names its field the way a client would write it: `tools.0.configs.1.name`. Unknown optional keys are
//! ignored, as upstream does; a key that is `null` counts as not given unless the caller asks.

use std::fmt::Display;

use serde_json::{Map, Value};

/// A request that cannot be accepted, and which part of it is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// Dotted path of the field, for example `config.networking.allowed_hosts.0`.
    pub field: String,
    /// What is wrong with it, as a sentence fragment.
    pub problem: String,
    /// The stable code of the refusal, where the API documents one.
    pub code: Option<&'static str>,
}

impl Invalid {
    /// A refusal without a code.
    pub fn new(field: impl Into<String>, problem: impl Display) -> Self {
        Self {
            field: field.into(),
            problem: problem.to_string(),
            code: None,
        }
    }

    /// The same with the API's stable code.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}

/// What JSON calls the type of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn wrong_type(field: impl Into<String>, wanted: &str, value: &Value) -> Invalid {
    Invalid::new(field, format!("must be {wanted}, not {}", kind(value)))
}

/// The items of an array, each with its path.
pub type Items<'a> = Vec<(String, &'a Value)>;

/// The fields of one JSON object, and where that object is.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The body of a request.
    pub fn of_body(value: &'a Value) -> Result<Self, Invalid> {
        match value {
            Value::Object(map) => Ok(Self {
                path: String::new(),
                map,
            }),
            other => Err(wrong_type("body", "an object", other)),
        }
    }

    /// An object somewhere inside one.
    pub fn of(value: &'a Value, path: impl Into<String>) -> Result<Self, Invalid> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self { path, map }),
            other => Err(wrong_type(path, "an object", other)),
        }
    }

    /// The path of a field of this object.
    pub fn at(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// A refusal of one field.
    pub fn refuse(&self, name: &str, problem: impl Display) -> Invalid {
        Invalid::new(self.at(name), problem)
    }

    /// The object itself.
    pub fn map(&self) -> &'a Map<String, Value> {
        self.map
    }

    /// The field if the key is there at all, `null` included: updates tell the two apart.
    pub fn present(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// The field if it is there and not `null`.
    pub fn given(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// The field, or the refusal of a request without it.
    pub fn required(&self, name: &str) -> Result<&'a Value, Invalid> {
        self.given(name)
            .ok_or_else(|| self.refuse(name, "field required"))
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, Invalid> {
        self.given(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| wrong_type(self.at(name), "a string", value))
            })
            .transpose()
    }

    /// A string that must be there.
    pub fn required_text(&self, name: &str) -> Result<&'a str, Invalid> {
        self.required(name)?;
        Ok(self.text(name)?.unwrap_or_default())
    }

    /// A string of `characters_min..=characters_max` that must be there.
    pub fn required_text_within(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<&'a str, Invalid> {
        let text = self.required_text(name)?;
        check_length(&self.at(name), text, range)?;
        Ok(text)
    }

    /// A string of at most `characters_max`.
    pub fn text_at_most(
        &self,
        name: &str,
        characters_max: usize,
    ) -> Result<Option<&'a str>, Invalid> {
        let text = self.text(name)?;
        if let Some(text) = text {
            check_length(&self.at(name), text, 0..=characters_max)?;
        }
        Ok(text)
    }

    /// A boolean.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Invalid> {
        self.given(name)
            .map(|value| {
                value
                    .as_bool()
                    .ok_or_else(|| wrong_type(self.at(name), "a boolean", value))
            })
            .transpose()
    }

    /// A whole number that is not negative.
    pub fn integer(&self, name: &str) -> Result<Option<u64>, Invalid> {
        self.given(name)
            .map(|value| {
                value
                    .as_u64()
                    .ok_or_else(|| wrong_type(self.at(name), "a non-negative integer", value))
            })
            .transpose()
    }

    /// An array's items; none and `null` are told apart from empty by the caller through [`Fields::present`].
    pub fn list(&self, name: &str) -> Result<Option<Items<'a>>, Invalid> {
        let Some(value) = self.given(name) else {
            return Ok(None);
        };
        let Value::Array(items) = value else {
            return Err(wrong_type(self.at(name), "an array", value));
        };
        Ok(Some(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{}.{index}", self.at(name)), item))
                .collect(),
        ))
    }

    /// An array of strings.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<(String, &'a str)>>, Invalid> {
        let Some(items) = self.list(name)? else {
            return Ok(None);
        };
        items
            .into_iter()
            .map(|(path, item)| match item.as_str() {
                Some(text) => Ok((path, text)),
                None => Err(wrong_type(path, "a string", item)),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<Fields<'a>>, Invalid> {
        self.given(name)
            .map(|value| Fields::of(value, self.at(name)))
            .transpose()
    }

    /// The discriminator, which must be one of `known`.
    pub fn discriminator(&self, known: &[&'static str]) -> Result<&'static str, Invalid> {
        let found = self.required_text("type")?;
        known
            .iter()
            .copied()
            .find(|name| *name == found)
            .ok_or_else(|| {
                self.refuse(
                    "type",
                    format!("unknown type '{found}', expected one of {}", quoted(known)),
                )
            })
    }
}

/// `'a', 'b'`: for messages.
pub fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("'{name}'"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Refuses a text outside `range` characters.
pub fn check_length(
    field: &str,
    text: &str,
    range: std::ops::RangeInclusive<usize>,
) -> Result<(), Invalid> {
    let characters = text.chars().count();
    if range.contains(&characters) {
        return Ok(());
    }
    Err(if *range.start() == 1 && characters == 0 {
        Invalid::new(field, "must not be empty")
    } else {
        Invalid::new(
            field,
            format!(
                "must be {} to {} characters, not {characters}",
                range.start(),
                range.end()
            ),
        )
    })
}

/// Refuses a list of more than `items_max`.
pub fn check_count(field: &str, items: usize, items_max: usize) -> Result<(), Invalid> {
    if items <= items_max {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        format!("at most {items_max} items are allowed, not {items}"),
    ))
}

/// Refuses the second of two equal names. `names` are paths and names.
pub fn check_unique<'n>(names: impl IntoIterator<Item = (String, &'n str)>) -> Result<(), Invalid> {
    let mut seen = std::collections::BTreeSet::new();
    for (path, name) in names {
        if !seen.insert(name) {
            return Err(Invalid::new(
                path,
                format!("'{name}' is already used, names must be unique"),
            ));
        }
    }
    Ok(())
}
