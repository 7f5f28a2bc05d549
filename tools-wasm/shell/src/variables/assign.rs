//! Reading and assigning variables by name: name references, attributes, subscripts.

use std::collections::BTreeMap;

use super::array::Associative;
use super::value::{Attributes, Value, Variable};
use crate::flow::{Flow, Interrupt};
use crate::shell::Shell;
use crate::syntax::ast::{Parameter, Word};

/// A variable, or one element of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    /// The source of the subscript.
    pub index: Option<String>,
}

/// One element of a compound assignment.
pub struct NewElement {
    pub index: Option<String>,
    pub append: bool,
    pub value: String,
}

/// What is assigned.
pub enum NewValue {
    Text(String),
    Array(Vec<NewElement>),
}

pub(crate) use crate::syntax::is_name;

/// `name` or `name[subscript]`.
pub fn parse_place(text: &str) -> Option<Place> {
    match text.split_once('[') {
        Some((name, rest)) => {
            let index = rest.strip_suffix(']')?;
            (is_name(name) && !index.is_empty()).then(|| Place {
                name: name.to_owned(),
                index: Some(index.to_owned()),
            })
        }
        None => is_name(text).then(|| Place {
            name: text.to_owned(),
            index: None,
        }),
    }
}

impl Shell {
    /// Follows name references. None when they go in a circle.
    pub fn resolve(&self, name: &str) -> Option<Place> {
        let mut place = Place {
            name: name.to_owned(),
            index: None,
        };
        for _ in 0..16 {
            match self.state.variables.get(&place.name) {
                Some(variable) if variable.attributes.has(Attributes::NAMEREF) => {
                    match &variable.value {
                        Value::Text(target) if !target.is_empty() => match parse_place(target) {
                            Some(next) => {
                                if next.index.is_some() {
                                    return Some(next);
                                }
                                if next.name == place.name {
                                    // A local reference to its own name means the one outside.
                                    return Some(next);
                                }
                                place = next;
                            }
                            None => return Some(place),
                        },
                        _ => return Some(place),
                    }
                }
                _ => return Some(place),
            }
        }
        None
    }

    /// The variable behind `name`, computed ones included.
    pub fn lookup(&mut self, name: &str) -> Option<Variable> {
        match self.state.variables.get(name) {
            Some(variable) => Some(variable.clone()),
            None => self.computed(name),
        }
    }

    /// The text of a variable or element.
    pub fn element(&mut self, name: &str, index: Option<&str>) -> Flow<Option<String>> {
        let Some(place) = self.resolve(name) else {
            self.complain(&format!("warning: {name}: circular name reference"));
            return Ok(None);
        };
        let index = match (&place.index, index) {
            (Some(index), _) => Some(index.clone()),
            (None, index) => index.map(ToOwned::to_owned),
        };
        let Some(index) = index else {
            if let Some(variable) = self.state.variables.get(&place.name) {
                return Ok(variable.scalar().map(ToOwned::to_owned));
            }
            return Ok(self
                .computed(&place.name)
                .and_then(|variable| variable.scalar().map(ToOwned::to_owned)));
        };
        let Some(variable) = self.lookup(&place.name) else {
            if !matches!(index.as_str(), "@" | "*") {
                self.index(&index)?;
            }
            return Ok(None);
        };
        if matches!(index.as_str(), "@" | "*") {
            let values = variable.values();
            return Ok((!values.is_empty()).then(|| values.join(" ")));
        }
        match &variable.value {
            Value::Associative(map) => {
                let key = self.key(&index)?;
                Ok(map.get(&key).cloned())
            }
            _ if variable.attributes.has(Attributes::ASSOCIATIVE) => Ok(None),
            value => {
                let number = self.index(&index)?;
                let Some(number) = variable.index_from_end(number) else {
                    self.complain(&format!("{}: bad array subscript", place.name));
                    return Ok(None);
                };
                Ok(match value {
                    Value::Indexed(elements) => elements.get(&number).cloned(),
                    Value::Text(text) if number == 0 => Some(text.clone()),
                    _ => None,
                })
            }
        }
    }

    /// A subscript of an indexed array.
    pub fn index(&mut self, source: &str) -> Flow<i64> {
        if source.contains(['$', '`']) {
            // It came from a value: what it says is expanded like any subscript.
            let word = self.parse_text(source, crate::syntax::Mode::Here)?;
            let text = self.string(&word)?;
            return self.arithmetic_text(&text);
        }
        self.arithmetic_text(source)
    }

    /// A subscript of an associative array: quotes are removed and expansions made.
    pub fn key(&mut self, source: &str) -> Flow<String> {
        if !source.contains(['\'', '"', '\\', '$', '`']) {
            return Ok(source.to_owned());
        }
        let word = self.parse_word(source)?;
        self.string(&word)
    }

    /// The subscript of an assignment or expansion as source that means the same when it is read again.
    pub fn subscript(&mut self, name: &str, word: &Word) -> Flow<String> {
        let associative = self.is_associative(name);
        let text = self.string(word)?;
        if associative {
            Ok(quote_key(&text))
        } else {
            Ok(text)
        }
    }

    pub fn is_associative(&self, name: &str) -> bool {
        let Some(place) = self.resolve(name) else {
            return false;
        };
        match self.state.variables.get(&place.name) {
            Some(variable) => {
                variable.attributes.has(Attributes::ASSOCIATIVE)
                    || matches!(variable.value, Value::Associative(_))
            }
            None => matches!(place.name.as_str(), "BASH_ALIASES" | "BASH_CMDS"),
        }
    }

    pub fn subscript_of(&mut self, parameter: &Parameter) -> Flow<Option<String>> {
        match &parameter.index {
            Some(crate::syntax::ast::Subscript::Expression(word)) => {
                self.subscript(&parameter.name, word).map(Some)
            }
            Some(crate::syntax::ast::Subscript::At) => Ok(Some("@".to_owned())),
            Some(crate::syntax::ast::Subscript::Star) => Ok(Some("*".to_owned())),
            None => Ok(None),
        }
    }

    /// `name=text`.
    pub fn assign_text(&mut self, name: &str, text: &str) -> Flow<()> {
        self.assign(
            &Place {
                name: name.to_owned(),
                index: None,
            },
            NewValue::Text(text.to_owned()),
            false,
        )
    }

    /// Sets what the shell itself sets; nothing can go wrong that anybody should hear of.
    pub fn put(&mut self, name: &str, text: &str) {
        let variable = self.state.variables.entry(name);
        variable.value = Value::Text(text.to_owned());
    }

    pub fn put_list(&mut self, name: &str, items: Vec<String>) {
        let variable = self.state.variables.entry(name);
        variable.value = Value::Indexed(
            items
                .into_iter()
                .enumerate()
                .map(|(index, item)| (index as i64, item))
                .collect(),
        );
        variable.attributes.set(Attributes::INDEXED, true);
    }

    /// Assigns to a variable wherever it is visible, or to a new global one.
    pub fn assign(&mut self, place: &Place, value: NewValue, append: bool) -> Flow<()> {
        let Some(mut target) = self.resolve(&place.name) else {
            self.complain(&format!("warning: {}: circular name reference", place.name));
            return Err(Interrupt::Discard(1));
        };
        if target.index.is_none() {
            target.index = place.index.clone();
        }
        if let Some(variable) = self.state.variables.get(&target.name) {
            if variable.attributes.has(Attributes::NAMEREF) && target.index.is_none() {
                // A reference without a target yet: this names it.
                if let NewValue::Text(text) = &value {
                    if !text.is_empty() && parse_place(text).is_none() {
                        self.complain(&format!("`{text}': not a valid identifier"));
                        return Err(Interrupt::Discard(1));
                    }
                }
            }
        }
        let scope = self.state.variables.holder(&target.name).unwrap_or(0);
        self.assign_in(scope, &target, value, append)
    }

    /// Assigns in a given scope, name references not followed.
    pub fn assign_in(
        &mut self,
        scope: usize,
        target: &Place,
        value: NewValue,
        append: bool,
    ) -> Flow<()> {
        let name = target.name.as_str();
        let attributes = self
            .state
            .variables
            .get_in(scope, name)
            .map(|variable| variable.attributes)
            .unwrap_or_default();
        if attributes.has(Attributes::READONLY)
            || (self.is_computed(name)
                && matches!(name, "PPID" | "UID" | "EUID" | "SHELLOPTS" | "BASHOPTS"))
        {
            self.complain(&format!("{name}: readonly variable"));
            return Err(Interrupt::Discard(1));
        }
        if self.is_computed(name) && self.assign_computed(name, &value, target.index.as_deref())? {
            return Ok(());
        }
        let allexport = self.is_set(crate::options::Set::Allexport);
        match value {
            NewValue::Text(text) => match &target.index {
                None => {
                    let text = self.converted(attributes, text)?;
                    let integer = attributes.has(Attributes::INTEGER);
                    let old = self.state.variables.entry_in(scope, name);
                    let joined = |old: Option<&str>| match old {
                        Some(old) if append && integer => {
                            number(old).wrapping_add(number(&text)).to_string()
                        }
                        Some(old) if append => format!("{old}{text}"),
                        _ => text.clone(),
                    };
                    match &mut old.value {
                        Value::Indexed(elements) => {
                            let new = joined(elements.get(&0).map(String::as_str));
                            elements.insert(0, new);
                        }
                        Value::Associative(map) => {
                            let new = joined(map.get("0").map(String::as_str));
                            map.insert("0".to_owned(), new);
                        }
                        Value::Unset if attributes.has(Attributes::INDEXED) => {
                            old.value = Value::Indexed(BTreeMap::from([(0, joined(None))]))
                        }
                        Value::Unset if attributes.has(Attributes::ASSOCIATIVE) => {
                            let mut map = Associative::default();
                            map.insert("0".to_owned(), joined(None));
                            old.value = Value::Associative(map);
                        }
                        Value::Text(current)
                            if append
                                && !integer
                                && !attributes
                                    .has(Attributes(Attributes::LOWER.0 | Attributes::UPPER.0)) =>
                        {
                            current.push_str(&text)
                        }
                        Value::Text(current) => *current = joined(Some(current)),
                        Value::Unset => old.value = Value::Text(joined(None)),
                    }
                }
                Some(index) => {
                    let index = index.clone();
                    self.assign_element(scope, name, &index, text, append)?;
                }
            },
            NewValue::Array(elements) => {
                if target.index.is_some() {
                    self.complain(&format!(
                        "{name}[{}]: cannot assign list to array member",
                        target.index.as_deref().unwrap_or("")
                    ));
                    return Err(Interrupt::Discard(1));
                }
                self.assign_elements(scope, name, elements, append)?;
            }
        }
        if allexport && !self.state.variables.entry_in(scope, name).is_array() {
            self.state
                .variables
                .entry_in(scope, name)
                .attributes
                .set(Attributes::EXPORT, true);
        }
        if name == "IFS" || name == "PATH" {
            if name == "PATH" {
                self.state.hashed = std::rc::Rc::default();
            }
        }
        Ok(())
    }

    fn assign_elements(
        &mut self,
        scope: usize,
        name: &str,
        elements: Vec<NewElement>,
        append: bool,
    ) -> Flow<()> {
        let variable = self.state.variables.entry_in(scope, name);
        let associative = variable.attributes.has(Attributes::ASSOCIATIVE)
            || matches!(variable.value, Value::Associative(_));
        if associative {
            if !append || !variable.is_set() {
                variable.value = Value::Associative(Associative::default());
                variable.attributes.set(Attributes::ASSOCIATIVE, true);
            }
            let mut bare: Option<String> = None;
            let all_bare = elements.iter().all(|element| element.index.is_none());
            for element in elements {
                match element.index {
                    Some(index) => self.assign_element(
                        scope,
                        name,
                        &quote_key(&index),
                        element.value,
                        element.append,
                    )?,
                    None if all_bare => match bare.take() {
                        None => bare = Some(element.value),
                        Some(key) => self.assign_element(
                            scope,
                            name,
                            &quote_key(&key),
                            element.value,
                            false,
                        )?,
                    },
                    None => self.complain(&format!(
                        "{name}: {}: must use subscript when assigning associative array",
                        element.value
                    )),
                }
            }
            if let Some(key) = bare {
                self.assign_element(scope, name, &quote_key(&key), String::new(), false)?;
            }
            return Ok(());
        }
        let mut next = 0;
        // The old elements are visible to subscripts until the new ones are in.
        if append {
            match &variable.value {
                Value::Indexed(old) => next = old.keys().next_back().map_or(0, |last| last + 1),
                Value::Text(text) => {
                    let text = text.clone();
                    variable.value = Value::Indexed(BTreeMap::from([(0, text)]));
                    next = 1;
                }
                _ => variable.value = Value::Indexed(BTreeMap::new()),
            }
        } else {
            variable.value = Value::Indexed(BTreeMap::new());
        }
        variable.attributes.set(Attributes::INDEXED, true);
        let attributes = variable.attributes;
        for element in elements {
            if let Some(index) = &element.index {
                let index_value = self.index(index)?;
                let variable = self.state.variables.entry_in(scope, name);
                match variable.index_from_end(index_value) {
                    Some(index) => next = index,
                    None => {
                        self.complain(&format!("[{index}]={}: bad array subscript", element.value));
                        continue;
                    }
                }
            }
            let value = self.converted(attributes, element.value)?;
            let variable = self.state.variables.entry_in(scope, name);
            if let Value::Indexed(all) = &mut variable.value {
                let value = match all.get(&next) {
                    Some(old) if element.append && attributes.has(Attributes::INTEGER) => {
                        number(old).wrapping_add(number(&value)).to_string()
                    }
                    Some(old) if element.append => format!("{old}{value}"),
                    _ => value,
                };
                all.insert(next, value);
            }
            next += 1;
        }
        Ok(())
    }

    fn assign_element(
        &mut self,
        scope: usize,
        name: &str,
        index: &str,
        text: String,
        append: bool,
    ) -> Flow<()> {
        let (attributes, associative) = match self.state.variables.get_in(scope, name) {
            Some(variable) => (
                variable.attributes,
                variable.attributes.has(Attributes::ASSOCIATIVE)
                    || matches!(variable.value, Value::Associative(_)),
            ),
            None => (Attributes::default(), false),
        };
        let text = self.converted(attributes, text)?;
        let joined = |old: Option<&String>| match old {
            Some(old) if append && attributes.has(Attributes::INTEGER) => {
                number(old).wrapping_add(number(&text)).to_string()
            }
            Some(old) if append => format!("{old}{text}"),
            _ => text.clone(),
        };
        if associative {
            let key = self.key(index)?;
            if key.is_empty() {
                self.complain(&format!("{name}[{index}]: bad array subscript"));
                return Err(Interrupt::Discard(1));
            }
            let variable = self.state.variables.entry_in(scope, name);
            if !matches!(variable.value, Value::Associative(_)) {
                variable.value = Value::Associative(Associative::default());
            }
            if let Value::Associative(map) = &mut variable.value {
                let value = joined(map.get(&key));
                map.insert(key, value);
            }
            return Ok(());
        }
        if index.trim().is_empty() || matches!(index, "@" | "*") {
            self.complain(&format!("{name}[{index}]: bad array subscript"));
            return Err(Interrupt::Discard(1));
        }
        let number = self.index(index)?;
        let variable = self.state.variables.entry_in(scope, name);
        let Some(number) = variable.index_from_end(number) else {
            self.complain(&format!("{name}[{index}]: bad array subscript"));
            return Err(Interrupt::Discard(1));
        };
        match &mut variable.value {
            Value::Indexed(_) => {}
            Value::Text(old) => {
                let old = std::mem::take(old);
                variable.value = Value::Indexed(BTreeMap::from([(0, old)]));
            }
            _ => variable.value = Value::Indexed(BTreeMap::new()),
        }
        variable.attributes.set(Attributes::INDEXED, true);
        if let Value::Indexed(all) = &mut variable.value {
            let value = joined(all.get(&number));
            all.insert(number, value);
        }
        Ok(())
    }

    /// What the attributes make of a new value.
    pub fn converted(&mut self, attributes: Attributes, text: String) -> Flow<String> {
        if attributes.has(Attributes::INTEGER) {
            return Ok(self.arithmetic_text(&text)?.to_string());
        }
        if attributes.has(Attributes::LOWER) {
            return Ok(text.to_lowercase());
        }
        if attributes.has(Attributes::UPPER) {
            return Ok(text.to_uppercase());
        }
        if attributes.has(Attributes::CAPITAL) {
            let mut characters = text.chars();
            return Ok(characters
                .next()
                .map(|first| {
                    first
                        .to_uppercase()
                        .chain(characters.flat_map(char::to_lowercase))
                        .collect()
                })
                .unwrap_or_default());
        }
        Ok(text)
    }

    /// Assignments that the shell listens to. True when the value is not to be stored as well.
    fn assign_computed(&mut self, name: &str, value: &NewValue, index: Option<&str>) -> Flow<bool> {
        let NewValue::Text(text) = value else {
            return Ok(!matches!(name, "HOSTNAME" | "BASH_ALIASES"));
        };
        match name {
            "RANDOM" => self.state.random = self.arithmetic_text(text)? as u32,
            "SECONDS" => {
                let seconds = self.arithmetic_text(text)?;
                self.state.seconds_from_ns = (self.kernel.now_ns() as i128
                    - i128::from(seconds) * 1_000_000_000)
                    .max(0) as u128;
            }
            "BASH_ARGV0" => self.name = text.clone(),
            "HOSTNAME" | "LINENO" => return Ok(false),
            "BASH_ALIASES" => {
                if let Some(index) = index {
                    let key = self.key(index)?;
                    std::rc::Rc::make_mut(&mut self.state.aliases).insert(key, text.clone());
                }
            }
            "BASH_CMDS" => {
                if let Some(index) = index {
                    let key = self.key(index)?;
                    std::rc::Rc::make_mut(&mut self.state.hashed).insert(key, (text.clone(), 0));
                }
            }
            "DIRSTACK" => {
                if let Some(index) = index {
                    let index = self.index(index)? as usize;
                    let length = self.state.directory_stack.len();
                    if index >= 1 && index <= length {
                        self.state.directory_stack[length - index] = text.clone();
                    }
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// A key as source that reads back to itself.
pub fn quote_key(key: &str) -> String {
    if key.contains(['\'', '"', '\\', '$', '`']) {
        format!("'{}'", key.replace('\'', "'\\''"))
    } else {
        key.to_owned()
    }
}

fn number(text: &str) -> i64 {
    text.trim().parse().unwrap_or(0)
}
