//! test and `[`.

use crate::flow::{Flow, Interrupt};
use crate::shell::Shell;

const UNARY: &str = "abcdefghknoprstuvwxzGLNORS";

/// A condition being read from operands.
struct Operands<'a> {
    all: &'a [String],
    at: usize,
    command: &'a str,
}

fn is_binary(text: &str) -> bool {
    matches!(
        text,
        "=" | "=="
            | "!="
            | "<"
            | ">"
            | "-eq"
            | "-ne"
            | "-lt"
            | "-le"
            | "-gt"
            | "-ge"
            | "-nt"
            | "-ot"
            | "-ef"
    )
}

fn is_unary(text: &str) -> bool {
    text.len() == 2 && text.starts_with('-') && UNARY.contains(&text[1..])
}

impl Shell {
    pub(super) fn builtin_test(&mut self, arguments: &[String]) -> Flow {
        let command = arguments[0].as_str();
        let mut operands = &arguments[1..];
        if command == "[" {
            match operands.split_last() {
                Some((last, rest)) if last == "]" => operands = rest,
                _ => {
                    self.complain("[: missing `]'");
                    return Ok(2);
                }
            }
        }
        match self.test_operands(command, operands) {
            Ok(truth) => Ok(i32::from(!truth)),
            Err(Interrupt::Discard(status)) => Ok(status),
            Err(other) => Err(other),
        }
    }

    /// POSIX decides by the number of operands up to four.
    fn test_operands(&mut self, command: &str, operands: &[String]) -> Flow<bool> {
        match operands {
            [] => Ok(false),
            [one] => Ok(!one.is_empty()),
            [not, one] if not == "!" => Ok(one.is_empty()),
            [operator, one] if is_unary(operator) => self.test_one(command, operator, one),
            [operator, _] => {
                self.test_error(&format!("{command}: {operator}: unary operator expected"))
            }
            [left, operator, right] if is_binary(operator) => {
                self.test_two(command, left, operator, right)
            }
            [left, operator, right] if operator == "-a" => {
                Ok(!left.is_empty() && !right.is_empty())
            }
            [left, operator, right] if operator == "-o" => {
                Ok(!left.is_empty() || !right.is_empty())
            }
            [not, rest @ ..] if not == "!" && operands.len() <= 4 => {
                self.test_operands(command, rest).map(|truth| !truth)
            }
            [open, one, close] if open == "(" && close == ")" => Ok(!one.is_empty()),
            [open, one, two, close] if open == "(" && close == ")" => {
                self.test_operands(command, &[one.clone(), two.clone()])
            }
            [_, operator, _] => {
                self.test_error(&format!("{command}: {operator}: binary operator expected"))
            }
            _ => {
                let mut reader = Operands {
                    all: operands,
                    at: 0,
                    command,
                };
                let truth = self.test_or(&mut reader)?;
                if reader.at < operands.len() {
                    return self.test_error(&format!("{command}: too many arguments"));
                }
                Ok(truth)
            }
        }
    }

    fn test_error<T>(&mut self, message: &str) -> Flow<T> {
        self.complain(message);
        Err(Interrupt::Discard(2))
    }

    fn test_one(&mut self, _: &str, operator: &str, operand: &str) -> Flow<bool> {
        self.test_unary(operator.chars().nth(1).unwrap_or('n'), operand)
    }

    fn test_two(&mut self, command: &str, left: &str, operator: &str, right: &str) -> Flow<bool> {
        match self.test_binary_texts(command, operator, left, right)? {
            Some(truth) => Ok(truth),
            None => self.test_error(&format!("{command}: {operator}: binary operator expected")),
        }
    }

    fn test_or(&mut self, reader: &mut Operands<'_>) -> Flow<bool> {
        let mut truth = self.test_and(reader)?;
        while reader
            .all
            .get(reader.at)
            .is_some_and(|operand| operand == "-o")
        {
            reader.at += 1;
            truth |= self.test_and(reader)?;
        }
        Ok(truth)
    }

    fn test_and(&mut self, reader: &mut Operands<'_>) -> Flow<bool> {
        let mut truth = self.test_primary_operand(reader)?;
        while reader
            .all
            .get(reader.at)
            .is_some_and(|operand| operand == "-a")
        {
            reader.at += 1;
            truth &= self.test_primary_operand(reader)?;
        }
        Ok(truth)
    }

    fn test_primary_operand(&mut self, reader: &mut Operands<'_>) -> Flow<bool> {
        let command = reader.command;
        let Some(first) = reader.all.get(reader.at) else {
            return self.test_error(&format!("{command}: argument expected"));
        };
        let second = reader.all.get(reader.at + 1);
        let third = reader.all.get(reader.at + 2);
        if let (Some(operator), Some(right)) = (second, third) {
            if is_binary(operator) {
                reader.at += 3;
                return self.test_two(command, first, operator, right);
            }
        }
        if first == "!" {
            reader.at += 1;
            return Ok(!self.test_primary_operand(reader)?);
        }
        if first == "(" {
            reader.at += 1;
            let truth = self.test_or(reader)?;
            if reader
                .all
                .get(reader.at)
                .is_none_or(|operand| operand != ")")
            {
                return self.test_error(&format!("{command}: `)' expected"));
            }
            reader.at += 1;
            return Ok(truth);
        }
        if is_unary(first) {
            if let Some(operand) = second {
                reader.at += 2;
                return self.test_one(command, first, operand);
            }
        }
        reader.at += 1;
        Ok(!first.is_empty())
    }
}
