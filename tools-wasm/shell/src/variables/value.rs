//! What a variable holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::array::Associative;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Value {
    /// Declared, or local, but without a value.
    #[default]
    Unset,
    Text(String),
    Indexed(BTreeMap<i64, String>),
    Associative(Associative),
}

/// Attributes, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(pub u16);

impl Attributes {
    pub const EXPORT: Self = Self(1);
    pub const READONLY: Self = Self(2);
    pub const INTEGER: Self = Self(4);
    pub const LOWER: Self = Self(8);
    pub const UPPER: Self = Self(16);
    pub const CAPITAL: Self = Self(32);
    pub const NAMEREF: Self = Self(64);
    pub const TRACE: Self = Self(128);
    /// An array, perhaps without a value yet.
    pub const INDEXED: Self = Self(256);
    pub const ASSOCIATIVE: Self = Self(512);

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn set(&mut self, other: Self, on: bool) {
        if on {
            self.0 |= other.0;
        } else {
            self.0 &= !other.0;
        }
    }

    /// As `declare -p` shows them, `--` when there are none.
    pub fn letters(self) -> String {
        let mut letters = String::new();
        for (attribute, letter) in [
            (Self::INDEXED, 'a'),
            (Self::ASSOCIATIVE, 'A'),
            (Self::INTEGER, 'i'),
            (Self::NAMEREF, 'n'),
            (Self::READONLY, 'r'),
            (Self::TRACE, 't'),
            (Self::EXPORT, 'x'),
            (Self::CAPITAL, 'c'),
            (Self::LOWER, 'l'),
            (Self::UPPER, 'u'),
        ] {
            if self.has(attribute) {
                letters.push(letter);
            }
        }
        letters
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Variable {
    pub value: Value,
    pub attributes: Attributes,
}

impl Variable {
    pub fn text(text: String) -> Self {
        Self {
            value: Value::Text(text),
            attributes: Attributes::default(),
        }
    }

    pub fn is_set(&self) -> bool {
        !matches!(self.value, Value::Unset)
    }

    /// What `$name` gives: the value, or element 0.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Unset => None,
            Value::Text(text) => Some(text),
            Value::Indexed(elements) => elements.get(&0).map(String::as_str),
            Value::Associative(map) => map.get("0").map(String::as_str),
        }
    }

    /// All values, as `${name[@]}`.
    pub fn values(&self) -> Vec<String> {
        match &self.value {
            Value::Unset => Vec::new(),
            Value::Text(text) => vec![text.clone()],
            Value::Indexed(elements) => elements.values().cloned().collect(),
            Value::Associative(map) => map
                .walk()
                .into_iter()
                .map(|(_, value)| value.clone())
                .collect(),
        }
    }

    /// All keys, as `${!name[@]}`.
    pub fn keys(&self) -> Vec<String> {
        match &self.value {
            Value::Unset => Vec::new(),
            Value::Text(_) => vec!["0".to_owned()],
            Value::Indexed(elements) => elements.keys().map(ToString::to_string).collect(),
            Value::Associative(map) => map.walk().into_iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    pub fn is_array(&self) -> bool {
        matches!(self.value, Value::Indexed(_) | Value::Associative(_))
            || self.attributes.has(Attributes(
                Attributes::INDEXED.0 | Attributes::ASSOCIATIVE.0,
            ))
    }

    /// The index a negative one means: counted from behind the last element.
    pub fn index_from_end(&self, index: i64) -> Option<i64> {
        if index >= 0 {
            return Some(index);
        }
        let end = match &self.value {
            Value::Indexed(elements) => elements.keys().next_back().map_or(0, |last| last + 1),
            Value::Text(_) => 1,
            _ => 0,
        };
        (end + index >= 0).then_some(end + index)
    }
}
