//! Simple commands: assignments, words, redirections; aliases; and function definitions, which begin alike.

use super::ast::{AssignedValue, Assignment, Command, CommandKind, Element, Simple, Word};
use super::input::{Parsed, Parser};
use super::word::Mode;

impl Parser<'_> {
    pub(super) fn simple(&mut self) -> Parsed<Command> {
        let line = self.line;
        let mut simple = Simple::default();
        let mut redirects = Vec::new();
        let mut declares = false;
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if simple.words.is_empty() {
                if let Some(assignment) = self.assignment()? {
                    simple.assignments.push(assignment);
                    continue;
                }
                if !simple.assignments.is_empty() || !redirects.is_empty() {
                    self.expand_alias();
                }
            } else if self.alias_follows() {
                self.expand_alias();
            }
            let start = self.at;
            if declares {
                if let Some(assignment) = self.assignment()? {
                    let raw = self.text[start..self.at].to_owned();
                    simple.words.push(Word {
                        raw,
                        assignment: Some(Box::new(assignment)),
                        ..Word::default()
                    });
                    continue;
                }
            }
            let word = self.word()?;
            if word.raw.is_empty() {
                break;
            }
            let first = simple.words.is_empty();
            if let Some(text) = word.literal() {
                declares = match text {
                    "declare" | "typeset" | "local" | "export" | "readonly" | "alias"
                        if first || declares_next(&simple.words) =>
                    {
                        text != "alias"
                    }
                    _ => declares,
                };
            }
            if first
                && simple.assignments.is_empty()
                && redirects.is_empty()
                && self.function_follows()
            {
                let name = word.raw;
                return Ok(Command {
                    line,
                    kind: self.function_body(name, line)?,
                    redirects,
                    pipes_stderr: false,
                });
            }
            simple.words.push(word);
            if self.peek() == Some(b'(') {
                return Err(self.unexpected());
            }
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command {
            line,
            kind: CommandKind::Simple(simple),
            redirects,
            pipes_stderr: false,
        })
    }

    /// Passes `( )` after the name of a function.
    fn function_follows(&mut self) -> bool {
        let place = self.at;
        self.skip_blanks();
        if self.peek() == Some(b'(') {
            self.at += 1;
            self.skip_blanks();
            if self.eat(")") {
                return true;
            }
        }
        self.at = place;
        false
    }

    /// `name=value`, `name+=value`, `name[index]=value` or `name=(...)`, if that is what stands here.
    fn assignment(&mut self) -> Parsed<Option<Assignment>> {
        let start = self.at;
        let line = self.line;
        if !self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        {
            return Ok(None);
        }
        let mut length = 0;
        while self
            .peek_at(length)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            length += 1;
        }
        if !matches!(self.peek_at(length), Some(b'=' | b'[' | b'+')) {
            return Ok(None);
        }
        let name = self.text[start..start + length].to_owned();
        self.at += length;
        let mut index = None;
        if self.peek() == Some(b'[') {
            self.at += 1;
            match self.word_in(Mode::Subscript) {
                Ok(word) if self.peek() == Some(b']') => index = Some(word),
                _ => {
                    (self.at, self.line) = (start, line);
                    return Ok(None);
                }
            }
            self.at += 1;
        }
        let append = self.eat("+=");
        if !append && !self.eat("=") {
            (self.at, self.line) = (start, line);
            return Ok(None);
        }
        let value = if self.peek() == Some(b'(') {
            self.at += 1;
            AssignedValue::Array(self.elements()?)
        } else {
            AssignedValue::Scalar(self.word_in(Mode::Assigned)?)
        };
        Ok(Some(Assignment {
            name,
            index,
            append,
            value,
        }))
    }

    /// The elements of an array up to the closing parenthesis.
    pub(crate) fn elements(&mut self) -> Parsed<Vec<Element>> {
        let opened = self.line;
        let mut elements = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.eat(")") {
                return Ok(elements);
            }
            if self.peek().is_none() {
                return Err(self.unclosed(')', opened));
            }
            if let Some(element) = self.indexed_element()? {
                elements.push(element);
                continue;
            }
            let value = self.word()?;
            if value.raw.is_empty() {
                return Err(self.unexpected());
            }
            elements.push(Element {
                index: None,
                append: false,
                value,
            });
        }
    }

    fn indexed_element(&mut self) -> Parsed<Option<Element>> {
        if self.peek() != Some(b'[') {
            return Ok(None);
        }
        let place = (self.at, self.line);
        self.at += 1;
        if let Ok(index) = self.word_in(Mode::Subscript) {
            if self.eat("]") {
                let append = self.eat("+=");
                if append || self.eat("=") {
                    let value = self.word_in(Mode::Assigned)?;
                    return Ok(Some(Element {
                        index: Some(index),
                        append,
                        value,
                    }));
                }
            }
        }
        (self.at, self.line) = place;
        Ok(None)
    }

    fn alias_follows(&self) -> bool {
        self.alias_next_at.is_some_and(|end| {
            end <= self.at && self.text[end..self.at].trim_matches([' ', '\t']).is_empty()
        })
    }

    /// Replaces the word here by its alias, again and again while there is one.
    pub(super) fn expand_alias(&mut self) {
        let Some(aliases) = self.options.aliases.clone() else {
            return;
        };
        loop {
            self.skip_blanks();
            let mut length = 0;
            while let Some(byte) = self.peek_at(length) {
                match byte {
                    b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => break,
                    b'\\' | b'\'' | b'"' | b'$' | b'`' => return,
                    _ => length += 1,
                }
            }
            let name = &self.text[self.at..self.at + length];
            let Some(value) = aliases.get(name) else {
                return;
            };
            let at = self.at;
            self.expanding.retain(|(_, end)| at < *end);
            if self.expanding.iter().any(|(expanded, _)| expanded == name) {
                return;
            }
            let name = name.to_owned();
            self.text.replace_range(at..at + length, value);
            for (_, end) in &mut self.expanding {
                *end = *end + value.len() - length;
            }
            let end = at + value.len();
            self.expanding.push((name, end));
            if value.ends_with([' ', '\t']) {
                self.alias_next_at = Some(end);
            }
        }
    }
}

/// Whether what came before leaves the next word in the command's place: `command export x=$y`.
fn declares_next(words: &[Word]) -> bool {
    words
        .iter()
        .all(|word| matches!(word.literal(), Some("command" | "builtin" | "--")))
}
