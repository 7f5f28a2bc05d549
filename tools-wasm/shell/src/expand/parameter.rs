//! Parameters: what `$name` and `${...}` stand for.

use super::fields::Fields;
use crate::flow::{Flow, Interrupt};
use crate::options::Set;
use crate::shell::Shell;
use crate::syntax::ast::{Operation, Parameter, Subscript};
use crate::variables::assign::parse_place;
use crate::variables::{Attributes, Value};

/// What a parameter holds.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    Unset,
    One(String),
    Many { values: Vec<String>, star: bool },
}

impl Shell {
    pub(crate) fn parameter(
        &mut self,
        parameter: &Parameter,
        quoted: bool,
        fields: &mut Fields,
    ) -> Flow<()> {
        // The common case: `$name` of an ordinary variable.
        if matches!(parameter.operation, Operation::Value)
            && parameter.index.is_none()
            && !parameter.indirect
        {
            if let Some(variable) = self.state.variables.get(&parameter.name) {
                if !variable.attributes.has(Attributes::NAMEREF) {
                    if let Some(text) = variable.scalar() {
                        fields.value(text, quoted);
                        return Ok(());
                    }
                }
            }
        }
        match &parameter.operation {
            Operation::Bad => return self.bad_substitution(parameter),
            Operation::Names => {
                let mut names: Vec<String> = self.state.variables.names();
                names.extend(
                    crate::variables::special::names()
                        .iter()
                        .filter(|name| self.is_computed(name))
                        .map(ToString::to_string),
                );
                names.retain(|name| name.starts_with(parameter.name.as_str()));
                names.sort_unstable();
                names.dedup();
                fields.list(
                    &names,
                    quoted,
                    matches!(parameter.index, Some(Subscript::Star)),
                );
                return Ok(());
            }
            Operation::Keys => {
                let keys = match self.resolve(&parameter.name) {
                    Some(place) => self
                        .lookup(&place.name)
                        .map(|variable| variable.keys())
                        .unwrap_or_default(),
                    None => Vec::new(),
                };
                fields.list(
                    &keys,
                    quoted,
                    matches!(parameter.index, Some(Subscript::Star)),
                );
                return Ok(());
            }
            _ => {}
        }
        let (name, index) = if parameter.indirect {
            match self.indirect_target(parameter)? {
                Some(target) => target,
                // `${!reference}` of a name reference is the name it refers to.
                None => {
                    let target = self
                        .state
                        .variables
                        .get(&parameter.name)
                        .and_then(|variable| variable.scalar().map(ToOwned::to_owned))
                        .unwrap_or_default();
                    fields.value(&target, quoted);
                    return Ok(());
                }
            }
        } else {
            (parameter.name.clone(), self.subscript_of(parameter)?)
        };
        let held = self.held(&name, index.as_deref())?;
        self.operate(parameter, &name, index.as_deref(), held, quoted, fields)
    }

    pub(crate) fn bad_substitution<T>(&mut self, parameter: &Parameter) -> Flow<T> {
        self.discard(&format!("{}: bad substitution", parameter.raw))
    }

    /// What `${!name}` points to; none when `name` is a name reference.
    fn indirect_target(&mut self, parameter: &Parameter) -> Flow<Option<(String, Option<String>)>> {
        if parameter.index.is_none()
            && self
                .state
                .variables
                .get(&parameter.name)
                .is_some_and(|variable| variable.attributes.has(Attributes::NAMEREF))
        {
            return Ok(None);
        }
        let index = self.subscript_of(parameter)?;
        let target = match self.held(&parameter.name, index.as_deref())? {
            Held::One(text) => text,
            Held::Many { values, .. } => values.join(" "),
            Held::Unset => {
                if matches!(parameter.operation, Operation::Alternative { .. }) {
                    String::new()
                } else {
                    return self.discard(&format!(
                        "{}: invalid indirect expansion",
                        parameter.raw.trim_start_matches("${").trim_end_matches('}')
                    ));
                }
            }
        };
        if target.is_empty() && matches!(parameter.operation, Operation::Alternative { .. }) {
            return Ok(Some((String::new(), None)));
        }
        if let Some(place) = parse_place(&target) {
            return Ok(Some((place.name, place.index)));
        }
        let special = target.len() == 1 && target.starts_with(['@', '*', '#', '?', '-', '$', '!'])
            || (!target.is_empty() && target.bytes().all(|byte| byte.is_ascii_digit()));
        if special {
            return Ok(Some((target, None)));
        }
        self.discard(&format!("{target}: invalid variable name"))
    }

    /// What a parameter holds, subscript and all.
    pub(crate) fn held(&mut self, name: &str, index: Option<&str>) -> Flow<Held> {
        if let Some(index @ ("@" | "*")) = index {
            let star = index == "*";
            let Some(place) = self.resolve(name) else {
                return Ok(Held::Unset);
            };
            if let Some(element) = &place.index {
                if !matches!(element.as_str(), "@" | "*") {
                    return Ok(match self.element(&place.name, Some(element))? {
                        Some(value) => Held::Many {
                            values: vec![value],
                            star,
                        },
                        None => Held::Many {
                            values: Vec::new(),
                            star,
                        },
                    });
                }
            }
            let values = self
                .lookup(&place.name)
                .map(|variable| variable.values())
                .unwrap_or_default();
            return Ok(Held::Many { values, star });
        }
        if index.is_some() {
            return Ok(self.element(name, index)?.map_or(Held::Unset, Held::One));
        }
        let text = match name {
            "@" | "*" => {
                return Ok(Held::Many {
                    values: self.state.positional.as_ref().clone(),
                    star: name == "*",
                });
            }
            "#" => self.state.positional.len().to_string(),
            "?" => self.state.status.to_string(),
            "-" => self.option_letters(),
            "$" => self.shell_pid.to_string(),
            "!" => match self.state.last_background {
                Some(pid) => pid.to_string(),
                None => return Ok(Held::Unset),
            },
            "0" => self.name.clone(),
            "_" => return Ok(Held::One(self.state.last_argument.clone())),
            "" => return Ok(Held::Unset),
            _ if name.as_bytes()[0].is_ascii_digit() => {
                let number: usize = name.parse().unwrap_or(usize::MAX);
                if number == 0 {
                    return Ok(Held::One(self.name.clone()));
                }
                return Ok(self
                    .state
                    .positional
                    .get(number - 1)
                    .cloned()
                    .map_or(Held::Unset, Held::One));
            }
            _ => {
                // A name reference may lead to a whole array.
                if let Some(place) = self.resolve(name) {
                    if let Some(index @ ("@" | "*")) = place.index.as_deref() {
                        let star = index == "*";
                        let values = self
                            .lookup(&place.name)
                            .map(|variable| variable.values())
                            .unwrap_or_default();
                        return Ok(Held::Many { values, star });
                    }
                }
                return Ok(self.element(name, None)?.map_or(Held::Unset, Held::One));
            }
        };
        Ok(Held::One(text))
    }

    /// `$-`.
    pub(crate) fn option_letters(&self) -> String {
        const ORDER: &str = "abefhkmnptuvxBCEHPT";
        let mut letters: String = ORDER
            .chars()
            .filter(|letter| {
                crate::options::set_by_letter(*letter).is_some_and(|switch| self.is_set(switch))
            })
            .collect();
        if self.interactive {
            letters.push('i');
        }
        if matches!(self.started_as, 'c' | 's') {
            letters.push(self.started_as);
        }
        letters
    }

    /// What an expansion that failed for good does: it ends the shell, unless somebody types at it.
    pub(crate) fn fatal(&self) -> Interrupt {
        if self.interactive && self.state.subshell_depth == 0 {
            return Interrupt::Discard(1);
        }
        let text = self.started_as == 'c' && self.state.subshell_depth == 0;
        Interrupt::Exit(if text { 127 } else { 1 })
    }

    /// The error of `set -u`.
    pub(crate) fn unbound(&mut self, name: &str) -> Flow<()> {
        self.complain(&format!("{name}: unbound variable"));
        Err(self.fatal())
    }

    pub(crate) fn check_bound(&mut self, name: &str, index: Option<&str>, held: &Held) -> Flow<()> {
        if !self.is_set(Set::Nounset) {
            return Ok(());
        }
        match held {
            Held::Unset => match index {
                Some(index) => self.unbound(&format!("{name}[{index}]")),
                None => self.unbound(if name.is_empty() { "!" } else { name }),
            },
            _ => Ok(()),
        }
    }

    /// Whether a variable is an array, for slices by index.
    pub(crate) fn indexed_elements(&mut self, name: &str) -> Option<Vec<(i64, String)>> {
        let place = self.resolve(name)?;
        match self.lookup(&place.name)?.value {
            Value::Indexed(elements) => Some(elements.into_iter().collect()),
            _ => None,
        }
    }
}
