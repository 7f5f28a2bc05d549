//! Arithmetic where the shell meets it: trees are kept by their text, variables evaluate recursively.

use std::rc::Rc;

use crate::arithmetic::{ArithmeticError, Expression, Memory, evaluate, parse};
use crate::flow::{Flow, Interrupt};
use crate::shell::Shell;
use crate::syntax::ast::Word;
use crate::variables::assign::{NewValue, Place};

/// Trees kept; a script has far fewer expressions that stay the same.
const KEPT_MAX: usize = 512;
const DEPTH_MAX: u32 = 64;

impl Memory for Shell {
    type Error = Reported;

    fn load(&mut self, name: &str, index: Option<&str>) -> Result<i64, Reported> {
        let text = match index {
            None => match self.state.variables.get(name) {
                // The common case without copies.
                Some(variable)
                    if !variable
                        .attributes
                        .has(crate::variables::Attributes::NAMEREF) =>
                {
                    match variable.scalar() {
                        Some(text) => match text.parse::<i64>() {
                            Ok(value) if !text.starts_with('0') || text.len() == 1 => {
                                return Ok(value);
                            }
                            _ => Some(text.to_owned()),
                        },
                        None => None,
                    }
                }
                _ => self.element(name, None)?,
            },
            Some(index) => self.element(name, Some(index))?,
        };
        match text {
            Some(text) if text.trim().is_empty() => Ok(0),
            Some(text) => Ok(self.nested(&text)?),
            None if self.is_set(crate::options::Set::Nounset) => {
                self.unbound(name)?;
                Ok(0)
            }
            None => Ok(0),
        }
    }

    fn store(&mut self, name: &str, index: Option<&str>, value: i64) -> Result<(), Reported> {
        let place = Place {
            name: name.to_owned(),
            index: index.map(ToOwned::to_owned),
        };
        Ok(self.assign(&place, NewValue::Text(value.to_string()), false)?)
    }

    fn pin(&mut self, name: &str, index: &str) -> Result<String, Reported> {
        if self.is_associative(name) {
            let key = self.key(index)?;
            return Ok(crate::variables::assign::quote_key(&key));
        }
        Ok(self.nested(index)?.to_string())
    }
}

/// The error type of [`Memory`]: arithmetic errors of nested expressions carry their own text.
pub enum Reported {
    Error(ArithmeticError),
    Interrupt(Interrupt),
}

impl From<ArithmeticError> for Reported {
    fn from(error: ArithmeticError) -> Self {
        Self::Error(error)
    }
}

impl From<Interrupt> for Reported {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupt(interrupt)
    }
}

impl Shell {
    /// The value of `$(( word ))`.
    pub fn arithmetic_word(&mut self, word: &Word) -> Flow<i64> {
        let text = self.string(word)?;
        self.arithmetic_text(&text)
    }

    pub fn arithmetic_text(&mut self, text: &str) -> Flow<i64> {
        match self.try_arithmetic(text)? {
            Ok(value) => Ok(value),
            Err(message) => self.discard(&message),
        }
    }

    /// The value, or bash's message.
    pub fn try_arithmetic(&mut self, text: &str) -> Flow<Result<i64, String>> {
        match self.nested_inner(text) {
            Ok(value) => Ok(Ok(value)),
            Err(Reported::Error(ArithmeticError(message))) => {
                let shown = text.trim_start();
                Ok(Err(if message.starts_with('\u{1}') {
                    message[1..].to_owned()
                } else {
                    format!("{shown}: {message}")
                }))
            }
            Err(Reported::Interrupt(interrupt)) => Err(interrupt),
        }
    }

    fn nested(&mut self, text: &str) -> Result<i64, Reported> {
        let trimmed = text.trim();
        if let Ok(value) = trimmed.parse::<i64>() {
            if !trimmed.trim_start_matches('-').starts_with('0') || trimmed == "0" {
                return Ok(value);
            }
        }
        self.nested_inner(text).map_err(|error| match error {
            // The message names the expression it was found in, not the outer one.
            Reported::Error(ArithmeticError(message)) if !message.starts_with('\u{1}') => {
                Reported::Error(ArithmeticError(format!("\u{1}{text}: {message}")))
            }
            other => other,
        })
    }

    fn nested_inner(&mut self, text: &str) -> Result<i64, Reported> {
        if self.arithmetic_depth >= DEPTH_MAX {
            return Err(ArithmeticError(format!(
                "expression recursion level exceeded (error token is \"{text}\")"
            ))
            .into());
        }
        let tree = self.tree(text)?;
        self.arithmetic_depth += 1;
        let result = evaluate(&tree, self);
        self.arithmetic_depth -= 1;
        result
    }

    fn tree(&mut self, text: &str) -> Result<Rc<Expression>, ArithmeticError> {
        if let Some(tree) = self.arithmetic.get(text) {
            return Ok(Rc::clone(tree));
        }
        let tree = Rc::new(parse(text)?);
        if self.arithmetic.len() >= KEPT_MAX {
            self.arithmetic.clear();
        }
        self.arithmetic.insert(text.to_owned(), Rc::clone(&tree));
        Ok(tree)
    }
}
