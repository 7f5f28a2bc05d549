//! Parameter expansions: `$name` and `${...}`.

use super::ast::{Alternative, CaseKind, Operation, Parameter, ReplaceKind, Subscript, Word};
use super::input::{Parsed, Parser};
use super::word::Mode;

impl Parser<'_> {
    /// `$name`, `$1`, `$?`; the place is at the dollar sign and something that can follow it.
    pub(super) fn plain_parameter(&mut self) -> Parameter {
        let start = self.at;
        self.at += 1;
        let name = self.simple_name(false);
        Parameter {
            name,
            index: None,
            indirect: false,
            operation: Operation::Value,
            raw: self.text[start..self.at].to_owned(),
        }
    }

    /// A variable's name, a number, or one special character; empty when there is none.
    fn simple_name(&mut self, many_digits: bool) -> String {
        let start = self.at;
        match self.peek() {
            Some(byte) if byte.is_ascii_digit() => {
                self.at += 1;
                while many_digits && self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                    self.at += 1;
                }
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                while self
                    .peek()
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                {
                    self.at += 1;
                }
            }
            Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => self.at += 1,
            _ => {}
        }
        self.text[start..self.at].to_owned()
    }

    /// `${...}`; the place is at the dollar sign.
    pub(super) fn braced_parameter(&mut self, double: bool) -> Parsed<Parameter> {
        let start = self.at;
        let line = self.line;
        self.at += 2;
        let mut parameter = self.parameter_inside(double)?;
        if self.peek() != Some(b'}') {
            // Not a substitution: find its end, so that it can be reported when it is expanded.
            (self.at, self.line) = (start + 2, line);
            self.word_in(Mode::Operand { double })?;
            parameter.operation = Operation::Bad;
        }
        self.at += 1;
        parameter.raw = self.text[start..self.at].to_owned();
        Ok(parameter)
    }

    fn parameter_inside(&mut self, double: bool) -> Parsed<Parameter> {
        let mut parameter = Parameter {
            name: String::new(),
            index: None,
            indirect: false,
            operation: Operation::Value,
            raw: String::new(),
        };
        // `${#name}` is a length; `${#}`, `${#-word}` and the like speak of `$#`.
        if self.peek() == Some(b'#') {
            let length = match (self.peek_at(1), self.peek_at(2)) {
                (Some(b'}'), _) => false,
                (Some(b'@' | b'*' | b'?' | b'-' | b'$' | b'!' | b'#'), Some(next)) => next == b'}',
                (Some(byte), _) => byte.is_ascii_alphanumeric() || byte == b'_',
                (None, _) => false,
            };
            if length {
                self.at += 1;
                parameter.name = self.simple_name(true);
                self.index(&mut parameter)?;
                parameter.operation = Operation::Length;
                return Ok(parameter);
            }
        }
        if self.peek() == Some(b'!') {
            let indirect = match self.peek_at(1) {
                Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                    matches!(self.peek_at(2), Some(b'}')) || self.peek_at(1) == Some(b'#')
                }
                Some(byte) => byte.is_ascii_alphanumeric() || byte == b'_',
                None => false,
            };
            if indirect {
                self.at += 1;
                parameter.indirect = true;
            }
        }
        parameter.name = self.simple_name(true);
        if parameter.name.is_empty() {
            parameter.operation = Operation::Bad;
            return Ok(parameter);
        }
        if parameter.indirect
            && matches!(self.peek(), Some(b'@' | b'*'))
            && self.peek_at(1) == Some(b'}')
        {
            parameter.index = Some(if self.peek() == Some(b'@') {
                Subscript::At
            } else {
                Subscript::Star
            });
            parameter.operation = Operation::Names;
            parameter.indirect = false;
            self.at += 1;
            return Ok(parameter);
        }
        self.index(&mut parameter)?;
        if parameter.indirect
            && self.peek() == Some(b'}')
            && matches!(parameter.index, Some(Subscript::At | Subscript::Star))
        {
            parameter.indirect = false;
            parameter.operation = Operation::Keys;
            return Ok(parameter);
        }
        parameter.operation = self.operation(double)?;
        Ok(parameter)
    }

    fn index(&mut self, parameter: &mut Parameter) -> Parsed<()> {
        if self.peek() != Some(b'[') {
            return Ok(());
        }
        self.at += 1;
        parameter.index = Some(match (self.peek(), self.peek_at(1)) {
            (Some(b'@'), Some(b']')) => {
                self.at += 1;
                Subscript::At
            }
            (Some(b'*'), Some(b']')) => {
                self.at += 1;
                Subscript::Star
            }
            _ => Subscript::Expression(self.word_in(Mode::Subscript)?),
        });
        self.at += 1;
        Ok(())
    }

    fn operation(&mut self, double: bool) -> Parsed<Operation> {
        let Some(byte) = self.peek() else {
            return Ok(Operation::Value);
        };
        let colon = byte == b':' && matches!(self.peek_at(1), Some(b'-' | b'=' | b'?' | b'+'));
        let operator = if colon {
            self.peek_at(1).unwrap_or(byte)
        } else {
            byte
        };
        match operator {
            b'-' | b'=' | b'?' | b'+' => {
                self.at += if colon { 2 } else { 1 };
                let kind = match operator {
                    b'-' => Alternative::Default,
                    b'=' => Alternative::Assign,
                    b'?' => Alternative::Error,
                    _ => Alternative::Alternate,
                };
                let word = self.word_in(Mode::Operand { double })?;
                Ok(Operation::Alternative { colon, kind, word })
            }
            b':' => {
                self.at += 1;
                let offset = self.word_in(Mode::Offset)?;
                let length = if self.peek() == Some(b':') {
                    self.at += 1;
                    Some(self.word_in(Mode::Offset)?)
                } else {
                    None
                };
                Ok(Operation::Slice { offset, length })
            }
            b'#' | b'%' => {
                self.at += 1;
                let longest = self.peek() == Some(byte);
                if longest {
                    self.at += 1;
                }
                let pattern = self.word_in(Mode::Operand { double: false })?;
                Ok(Operation::Remove {
                    suffix: byte == b'%',
                    longest,
                    pattern,
                })
            }
            b'/' => self.replacement(double),
            b'^' | b',' | b'~' => {
                self.at += 1;
                let all = self.peek() == Some(byte);
                if all {
                    self.at += 1;
                }
                let kind = match byte {
                    b'^' => CaseKind::Upper,
                    b',' => CaseKind::Lower,
                    _ => CaseKind::Toggle,
                };
                let pattern = self.word_in(Mode::Operand { double: false })?;
                Ok(Operation::Case { kind, all, pattern })
            }
            b'@' => match (self.peek_at(1), self.peek_at(2)) {
                (
                    Some(
                        letter @ (b'Q' | b'E' | b'P' | b'A' | b'K' | b'k' | b'a' | b'U' | b'u'
                        | b'L'),
                    ),
                    Some(b'}'),
                ) => {
                    self.at += 2;
                    Ok(Operation::Transform(char::from(letter)))
                }
                _ => Ok(Operation::Bad),
            },
            _ => Ok(Operation::Value),
        }
    }

    fn replacement(&mut self, double: bool) -> Parsed<Operation> {
        self.at += 1;
        let kind = match self.peek() {
            Some(b'/') => ReplaceKind::All,
            Some(b'#') => ReplaceKind::Prefix,
            Some(b'%') => ReplaceKind::Suffix,
            _ => ReplaceKind::First,
        };
        if kind != ReplaceKind::First {
            self.at += 1;
        }
        // A slash right here belongs to the pattern: `${x////_}`.
        let mut pattern = Word::default();
        let start = self.at;
        if self.peek() == Some(b'/') && kind == ReplaceKind::All {
            self.at += 1;
            pattern.parts.push(super::ast::Part::Text("/".to_owned()));
        }
        pattern.parts.extend(self.parts(Mode::Pattern)?);
        pattern.raw = self.text[start..self.at].to_owned();
        let replacement = if self.peek() == Some(b'/') {
            self.at += 1;
            self.word_in(Mode::Operand { double: false })?
        } else {
            Word::default()
        };
        let _ = double;
        Ok(Operation::Replace {
            kind,
            pattern,
            replacement,
        })
    }
}
