//! `${name@Q}` and its kin.

use super::parameter::Held;
use super::quoting;
use crate::flow::Flow;
use crate::shell::Shell;
use crate::variables::{Value, Variable};

impl Shell {
    pub(crate) fn transform(
        &mut self,
        letter: char,
        name: &str,
        index: Option<&str>,
        held: Held,
    ) -> Flow<Held> {
        if matches!(letter, 'a' | 'A' | 'K' | 'k') {
            return self.describe(letter, name, index, held);
        }
        let mut change = |text: &str| -> Flow<String> {
            Ok(match letter {
                'Q' => quoting::for_q(text),
                'E' => crate::syntax::ansi(text),
                'U' => text.to_uppercase(),
                'L' => text.to_lowercase(),
                'u' => {
                    let mut characters = text.chars();
                    characters
                        .next()
                        .map(|first| first.to_uppercase().chain(characters).collect())
                        .unwrap_or_default()
                }
                _ => self.prompt(text)?,
            })
        };
        Ok(match held {
            Held::Unset => Held::Unset,
            Held::One(text) => Held::One(change(&text)?),
            Held::Many { values, star } => {
                let mut changed = Vec::with_capacity(values.len());
                for value in &values {
                    changed.push(change(value)?);
                }
                Held::Many {
                    values: changed,
                    star,
                }
            }
        })
    }

    fn describe(
        &mut self,
        letter: char,
        name: &str,
        index: Option<&str>,
        held: Held,
    ) -> Flow<Held> {
        let place = self.resolve(name);
        let variable = place.as_ref().and_then(|place| self.lookup(&place.name));
        let name = place.map_or_else(|| name.to_owned(), |place| place.name);
        let whole = matches!(index, Some("@" | "*"));
        let star = index == Some("*");
        Ok(match letter {
            'a' => {
                let Some(variable) = variable else {
                    return Ok(Held::Unset);
                };
                let letters = variable.attributes.letters();
                match (whole, held) {
                    (true, Held::Many { values, .. }) => Held::Many {
                        values: values.iter().map(|_| letters.clone()).collect(),
                        star,
                    },
                    _ => Held::One(letters),
                }
            }
            'A' => match (&name[..], held) {
                ("@" | "*", Held::Many { values, .. }) => {
                    let quoted: Vec<_> = values.iter().map(|value| quoting::for_q(value)).collect();
                    Held::One(format!("set -- {}", quoted.join(" ")))
                }
                (_, held) => {
                    let Some(variable) = variable else {
                        return Ok(Held::Unset);
                    };
                    if whole && variable.is_array() {
                        return Ok(Held::One(declaration(&name, &variable, false)));
                    }
                    let letters = variable.attributes.letters();
                    let text = match held {
                        Held::One(text) => Some(text),
                        Held::Many { values, .. } => Some(values.join(" ")),
                        Held::Unset => None,
                    };
                    Held::One(match (letters.is_empty(), text) {
                        (true, Some(text)) => format!("{name}={}", quoting::for_q(&text)),
                        (false, Some(text)) => {
                            format!("declare -{letters} {name}={}", quoting::for_q(&text))
                        }
                        (false, None) => format!("declare -{letters} {name}"),
                        (true, None) => return Ok(Held::Unset),
                    })
                }
            },
            _ => match (whole, variable) {
                (true, Some(variable)) if variable.is_array() => {
                    let pairs: Vec<(String, String)> = match &variable.value {
                        Value::Associative(map) => map
                            .walk()
                            .into_iter()
                            .map(|(key, value)| (key.clone(), value.clone()))
                            .collect(),
                        Value::Indexed(elements) => elements
                            .iter()
                            .map(|(index, value)| (index.to_string(), value.clone()))
                            .collect(),
                        _ => Vec::new(),
                    };
                    if letter == 'k' {
                        Held::Many {
                            values: pairs
                                .into_iter()
                                .flat_map(|(key, value)| [key, value])
                                .collect(),
                            star,
                        }
                    } else {
                        let associative = matches!(variable.value, Value::Associative(_));
                        let mut text: String = pairs
                            .iter()
                            .map(|(key, value)| {
                                format!("{} {}", quoting::key(key), quoting::double(value))
                            })
                            .collect::<Vec<_>>()
                            .join(" ");
                        if associative {
                            text.push(' ');
                        }
                        Held::One(text)
                    }
                }
                _ => match held {
                    Held::One(text) => Held::One(quoting::for_q(&text)),
                    Held::Many { values, star } => Held::Many {
                        values: values.iter().map(|value| quoting::for_q(value)).collect(),
                        star,
                    },
                    Held::Unset => Held::Unset,
                },
            },
        })
    }
}

/// A variable as `declare -p` shows it.
pub(crate) fn declaration(name: &str, variable: &Variable, always_flags: bool) -> String {
    let letters = variable.attributes.letters();
    let flags = if letters.is_empty() {
        if always_flags {
            "declare -- ".to_owned()
        } else {
            "declare ".to_owned()
        }
    } else {
        format!("declare -{letters} ")
    };
    match value_text(variable) {
        Some(value) => format!("{flags}{name}={value}"),
        None => format!("{flags}{name}"),
    }
}

/// The right side of a declaration.
pub(crate) fn value_text(variable: &Variable) -> Option<String> {
    Some(match &variable.value {
        Value::Unset => return None,
        Value::Text(text) => quoting::double(text),
        Value::Indexed(elements) => {
            let all: Vec<_> = elements
                .iter()
                .map(|(index, value)| format!("[{index}]={}", quoting::double(value)))
                .collect();
            format!("({})", all.join(" "))
        }
        Value::Associative(map) => {
            let all: String = map
                .walk()
                .into_iter()
                .map(|(key, value)| format!("[{}]={} ", quoting::key(key), quoting::double(value)))
                .collect();
            format!("({all})")
        }
    })
}
