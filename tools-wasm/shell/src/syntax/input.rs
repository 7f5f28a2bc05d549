//! The parser's place in its text, and where more text comes from.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{Program, Word};
use super::error::{SyntaxError, SyntaxErrorKind};
use super::heredoc::Pending;

/// Where a script comes from when it is not all there yet, for example standard input.
pub trait Lines {
    /// The next line with its newline, or none at the end.
    fn next_line(&mut self) -> Option<String>;
}

pub type Aliases = Rc<BTreeMap<String, String>>;
pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// What of the shell's state changes how text reads.
#[derive(Clone, Default)]
pub struct ParseOptions {
    pub extglob: bool,
    pub posix: bool,
    pub aliases: Option<Aliases>,
}

pub struct Parser<'a> {
    pub(super) text: String,
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) lines: Option<&'a mut dyn Lines>,
    pub(super) options: ParseOptions,
    pub(super) pending: Vec<Pending>,
    /// Aliases being expanded, each with the place in the text where its value ends.
    pub(super) expanding: Vec<(String, usize)>,
    /// The next word is looked up too, because an alias ended in a blank.
    pub(super) alias_next_at: Option<usize>,
    pub(super) depth: u32,
    /// Here-documents that ended with the text instead of their delimiter: line, delimiter.
    pub warnings: Vec<(u32, u32, String)>,
}

/// Deeper nesting than any program has; it keeps hostile text from exhausting the stack.
const DEPTH_MAX: u32 = 250;

impl<'a> Parser<'a> {
    pub fn new(text: &str, line: u32, options: ParseOptions) -> Self {
        Self {
            text: text.to_owned(),
            at: 0,
            line,
            lines: None,
            options,
            pending: Vec::new(),
            expanding: Vec::new(),
            alias_next_at: None,
            depth: 0,
            warnings: Vec::new(),
        }
    }

    /// A parser that asks `lines` for text whenever a command is not complete.
    pub fn reading(lines: &'a mut dyn Lines, line: u32, options: ParseOptions) -> Self {
        let mut parser = Self::new("", line, options);
        parser.lines = Some(lines);
        parser
    }

    pub fn set_options(&mut self, options: ParseOptions) {
        self.options = options;
    }

    /// The line the parser has reached.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Forgets what was read, after an error in a script that comes line by line.
    pub fn drop_line(&mut self) {
        self.text.clear();
        self.at = 0;
        self.pending.clear();
        self.expanding.clear();
    }

    /// The next complete command, or none at the end.
    pub fn next(&mut self) -> Parsed<Option<Program>> {
        if self.lines.is_some() && self.at > 0 {
            self.text.drain(..self.at);
            self.at = 0;
        }
        self.expanding.clear();
        self.alias_next_at = None;
        self.depth = 0;
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'\n') => self.newline()?,
                None => return Ok(None),
                Some(_) => break,
            }
        }
        let program = self.list(true)?;
        self.skip_blanks();
        match self.peek() {
            Some(b'\n') => self.newline()?,
            None => self.read_here_documents()?,
            Some(_) => return Err(self.unexpected()),
        }
        Ok(Some(program))
    }

    /// Everything up to the end as one list.
    pub fn program(&mut self) -> Parsed<Program> {
        let mut all = Program::default();
        while let Some(next) = self.next()? {
            all.items.extend(next.items);
        }
        Ok(all)
    }

    /// The byte `ahead` of the place, fetching lines as needed.
    pub(super) fn peek_at(&mut self, ahead: usize) -> Option<u8> {
        while self.at + ahead >= self.text.len() {
            if !self.fill() {
                return None;
            }
        }
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) => Some(byte),
            None => self.peek_at(0),
        }
    }

    fn fill(&mut self) -> bool {
        match self.lines.as_mut().and_then(|lines| lines.next_line()) {
            Some(line) => {
                self.text.push_str(&line);
                true
            }
            None => false,
        }
    }

    pub(super) fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    pub(super) fn looking_at(&mut self, what: &str) -> bool {
        // A newline never stands inside an operator, so more text is fetched only when the operator may go on.
        for (index, &byte) in what.as_bytes().iter().enumerate() {
            if self.peek_at(index) != Some(byte) {
                return false;
            }
        }
        true
    }

    pub(super) fn eat(&mut self, what: &str) -> bool {
        let found = self.looking_at(what);
        if found {
            self.at += what.len();
        }
        found
    }

    /// Passes one byte, counting lines.
    pub(super) fn bump(&mut self) {
        if self.text.as_bytes().get(self.at) == Some(&b'\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    /// Passes one character and appends it.
    pub(super) fn take_char(&mut self, into: &mut String) {
        if let Some(character) = self.rest().chars().next() {
            into.push(character);
            if character == '\n' {
                self.line += 1;
            }
            self.at += character.len_utf8();
        }
    }

    /// Passes blanks, comments and line continuations.
    pub(super) fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => self.at += 1,
                b'\\' if self.peek_at(1) == Some(b'\n') => {
                    self.at += 1;
                    self.bump();
                }
                b'#' => {
                    while let Some(byte) = self.text.as_bytes().get(self.at) {
                        if *byte == b'\n' {
                            break;
                        }
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
    }

    /// Passes a newline; the here-documents announced before it follow.
    pub(super) fn newline(&mut self) -> Parsed<()> {
        self.bump();
        self.read_here_documents()
    }

    pub(super) fn skip_newlines(&mut self) -> Parsed<()> {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'\n') => self.newline()?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            Err(self.error("maximum nesting level exceeded"))
        } else {
            Ok(())
        }
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn error(&self, message: &str) -> SyntaxError {
        SyntaxError {
            line: self.line,
            kind: SyntaxErrorKind::Other {
                message: message.to_owned(),
            },
        }
    }

    pub(super) fn unclosed(&self, what: char, line: u32) -> SyntaxError {
        SyntaxError {
            line,
            kind: SyntaxErrorKind::Unclosed { what },
        }
    }

    /// The error for the token at the current place.
    pub(super) fn unexpected(&mut self) -> SyntaxError {
        self.skip_blanks();
        if self.peek().is_none() {
            let line = self.line;
            return SyntaxError {
                line,
                kind: SyntaxErrorKind::UnexpectedEnd,
            };
        }
        let token = self.token_text();
        self.unexpected_token(token)
    }

    pub(super) fn unexpected_token(&self, token: String) -> SyntaxError {
        let start = self.text[..self.at.min(self.text.len())]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let text = self.text[start..].lines().next().unwrap_or("").to_owned();
        SyntaxError {
            line: self.line,
            kind: SyntaxErrorKind::Unexpected { token, text },
        }
    }

    /// The text of the token at the current place, for an error message.
    fn token_text(&mut self) -> String {
        const OPERATORS: [&str; 20] = [
            "&>>", "<<<", "<<-", ";;&", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|",
            "&>", "|&", "|", "&", ";", "(",
        ];
        if self.peek() == Some(b'\n') {
            return "newline".to_owned();
        }
        if let Some(operator) = OPERATORS
            .iter()
            .chain(&[")", "<", ">"])
            .find(|operator| self.looking_at(operator))
        {
            return (*operator).to_owned();
        }
        let place = (self.at, self.line);
        let token = match self.word() {
            Ok(Word { raw, .. }) if !raw.is_empty() => raw,
            _ => self.rest().chars().take(1).collect(),
        };
        (self.at, self.line) = place;
        token
    }
}
