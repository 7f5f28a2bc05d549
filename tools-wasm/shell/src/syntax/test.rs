//! `[[ ... ]]`.

use super::ast::{TestExpression, Word};
use super::input::{Parsed, Parser};
use super::word::Mode;

const UNARY: &str = "abcdefghknoprstuvwxzGLNORS";
const BINARY: [&str; 15] = [
    "==", "=~", "!=", "=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "<", ">",
];

impl Parser<'_> {
    /// The expression after `[[`, with the closing `]]`.
    pub(super) fn test_expression(&mut self) -> Parsed<TestExpression> {
        // Extended patterns are always understood here.
        let extglob = std::mem::replace(&mut self.options.extglob, true);
        let expression = self.test_or();
        self.options.extglob = extglob;
        let expression = expression?;
        self.skip_newlines()?;
        if self.eat("]]") {
            Ok(expression)
        } else {
            Err(self.conditional_error())
        }
    }

    fn conditional_error(&mut self) -> super::error::SyntaxError {
        if self.peek().is_none() {
            self.unexpected()
        } else {
            self.unexpected()
        }
    }

    fn test_or(&mut self) -> Parsed<TestExpression> {
        self.enter()?;
        let mut left = self.test_and()?;
        loop {
            self.skip_newlines()?;
            if !self.eat("||") {
                self.leave();
                return Ok(left);
            }
            left = TestExpression::Or(Box::new(left), Box::new(self.test_and()?));
        }
    }

    fn test_and(&mut self) -> Parsed<TestExpression> {
        let mut left = self.test_not()?;
        loop {
            self.skip_newlines()?;
            if !self.eat("&&") {
                return Ok(left);
            }
            left = TestExpression::And(Box::new(left), Box::new(self.test_not()?));
        }
    }

    fn test_not(&mut self) -> Parsed<TestExpression> {
        self.skip_newlines()?;
        if self.eat_reserved("!") {
            return Ok(TestExpression::Not(Box::new(self.test_not()?)));
        }
        if self.eat("(") {
            let inner = self.test_or()?;
            self.skip_newlines()?;
            if !self.eat(")") {
                return Err(self.unexpected());
            }
            return Ok(TestExpression::Group(Box::new(inner)));
        }
        self.test_primary()
    }

    fn at_test_end(&mut self) -> bool {
        self.skip_blanks();
        self.reserved() == Some("]]")
            || matches!(self.peek(), None | Some(b')' | b'\n'))
            || self.looking_at("&&")
            || self.looking_at("||")
    }

    fn test_primary(&mut self) -> Parsed<TestExpression> {
        self.skip_blanks();
        if self.reserved() == Some("]]") {
            return Err(self.unexpected());
        }
        let first = self.test_word()?;
        if first.raw.is_empty() {
            return Err(self.unexpected());
        }
        if self.at_test_end() {
            return Ok(TestExpression::Word(first));
        }
        if let Some(operator) = self.binary_operator() {
            self.at += operator.len();
            self.skip_newlines()?;
            let mode = if operator == "=~" {
                Mode::Regex
            } else {
                Mode::Normal
            };
            let second = self.word_in(mode)?;
            if second.raw.is_empty() {
                return Err(self.unexpected());
            }
            return Ok(TestExpression::Binary(operator.to_owned(), first, second));
        }
        if let Some(letter) = first
            .raw
            .strip_prefix('-')
            .filter(|letter| letter.len() == 1 && UNARY.contains(letter))
        {
            let operator = letter.to_owned();
            let operand = self.test_word()?;
            if operand.raw.is_empty() {
                return Err(self.unexpected());
            }
            return Ok(TestExpression::Unary(operator, operand));
        }
        Err(self.error(&format!("conditional binary operator expected")))
    }

    fn test_word(&mut self) -> Parsed<Word> {
        self.word_in(Mode::Normal)
    }

    fn binary_operator(&mut self) -> Option<&'static str> {
        self.skip_blanks();
        BINARY.iter().copied().find(|operator| {
            self.looking_at(operator)
                && (matches!(*operator, "<" | ">")
                    || matches!(
                        self.peek_at(operator.len()),
                        None | Some(b' ' | b'\t' | b'\n' | b'"' | b'\'' | b'$')
                    ))
        })
    }
}
