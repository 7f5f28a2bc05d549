//! The metadata bag of every resource: a few short strings by short names.

use std::collections::BTreeMap;

use serde_json::Value;

use super::input::{Fields, Invalid, check_length};

/// The bag itself.
pub type Metadata = BTreeMap<String, String>;

const PAIRS_MAX: usize = 16;
const KEY_CHARACTERS_MAX: usize = 64;
const VALUE_CHARACTERS_MAX: usize = 512;

/// What an empty string in a patch does: upstream stores it, except on environments, where it deletes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyValue {
    Stored,
    Deletes,
}

/// The metadata of a create call.
pub fn parse(fields: &Fields<'_>) -> Result<Metadata, Invalid> {
    let mut metadata = Metadata::new();
    let Some(given) = fields.object("metadata")? else {
        return Ok(metadata);
    };
    for (key, value) in given.map() {
        let text = value.as_str().ok_or_else(|| {
            invalid(Invalid::new(
                given.at(key),
                "metadata values must be strings",
            ))
        })?;
        metadata.insert(key.clone(), text.to_owned());
    }
    check(&fields.at("metadata"), &metadata)?;
    Ok(metadata)
}

/// The metadata after an update call: strings upsert, `null` deletes, an absent field changes nothing.
pub fn patched(
    fields: &Fields<'_>,
    stored: &Metadata,
    empty: EmptyValue,
) -> Result<Metadata, Invalid> {
    let mut metadata = stored.clone();
    let Some(patch) = fields.object("metadata")? else {
        return Ok(metadata);
    };
    for (key, value) in patch.map() {
        match value {
            Value::Null => {
                metadata.remove(key);
            }
            Value::String(text) if text.is_empty() && empty == EmptyValue::Deletes => {
                metadata.remove(key);
            }
            Value::String(text) => {
                metadata.insert(key.clone(), text.clone());
            }
            _ => {
                return Err(invalid(Invalid::new(
                    patch.at(key),
                    "metadata values must be strings or null",
                )));
            }
        }
    }
    check(&fields.at("metadata"), &metadata)?;
    Ok(metadata)
}

fn check(path: &str, metadata: &Metadata) -> Result<(), Invalid> {
    if metadata.len() > PAIRS_MAX {
        return Err(invalid(Invalid::new(
            path,
            format!(
                "at most {PAIRS_MAX} pairs are allowed, not {}",
                metadata.len()
            ),
        )));
    }
    for (key, value) in metadata {
        check_length(path, key, 1..=KEY_CHARACTERS_MAX).map_err(|_| {
            invalid(Invalid::new(
                path,
                format!("keys must be 1 to {KEY_CHARACTERS_MAX} characters"),
            ))
        })?;
        check_length(&format!("{path}.{key}"), value, 0..=VALUE_CHARACTERS_MAX).map_err(invalid)?;
    }
    Ok(())
}

fn invalid(refusal: Invalid) -> Invalid {
    refusal.with_code("invalid_metadata")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(body: &Value) -> Result<Metadata, String> {
        parse(&Fields::of_body(body).unwrap()).map_err(|refusal| refusal.field)
    }

    #[test]
    fn accepts_up_to_the_limits_and_refuses_beyond() {
        let pairs = |count: usize| {
            (0..count)
                .map(|n| (n.to_string(), json!("x")))
                .collect::<serde_json::Map<_, _>>()
        };
        let table = [
            (json!({}), Ok(0)),
            (json!({"metadata": null}), Ok(0)),
            (json!({"metadata": pairs(16)}), Ok(16)),
            (json!({"metadata": pairs(17)}), Err("metadata")),
            (
                json!({"metadata": {"k".repeat(64): "v".repeat(512)}}),
                Ok(1),
            ),
            (json!({"metadata": {"k".repeat(65): ""}}), Err("metadata")),
            (json!({"metadata": {"": "v"}}), Err("metadata")),
            (
                json!({"metadata": {"k": "v".repeat(513)}}),
                Err("metadata.k"),
            ),
            (json!({"metadata": {"k": 1}}), Err("metadata.k")),
            (json!({"metadata": []}), Err("metadata")),
        ];
        for (body, expected) in table {
            assert_eq!(
                parsed(&body).map(|m| m.len()),
                expected.map_err(str::to_owned),
                "{body}"
            );
        }
    }

    #[test]
    fn a_patch_upserts_deletes_and_keeps() {
        let stored = Metadata::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
        let patch = json!({"metadata": {"a": null, "c": "3", "b": ""}});
        let fields = Fields::of_body(&patch).unwrap();
        assert_eq!(
            patched(&fields, &stored, EmptyValue::Stored).unwrap(),
            Metadata::from([("b".into(), String::new()), ("c".into(), "3".into())])
        );
        assert_eq!(
            patched(&fields, &stored, EmptyValue::Deletes).unwrap(),
            Metadata::from([("c".into(), "3".into())])
        );
        let nothing = json!({});
        assert_eq!(
            patched(
                &Fields::of_body(&nothing).unwrap(),
                &stored,
                EmptyValue::Stored
            )
            .unwrap(),
            stored
        );
    }
}
