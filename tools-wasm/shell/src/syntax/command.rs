//! Lists, pipelines, and which kind of command begins here.

use std::rc::Rc;

use super::ast::{Command, CommandKind, Connector, Item, Pipeline, Program, TimeFormat};
use super::input::{Parsed, Parser};

pub(super) const RESERVED: [&str; 22] = [
    "!", "[[", "]]", "{", "}", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for",
    "function", "if", "in", "select", "then", "time", "until", "while",
];
const CLOSING: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

impl Parser<'_> {
    /// The reserved word at the current place, if there is one.
    pub(super) fn reserved(&mut self) -> Option<&'static str> {
        let mut length = 0;
        while let Some(byte) = self.peek_at(length) {
            if matches!(
                byte,
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
            ) {
                break;
            }
            length += 1;
            if length > 8 {
                return None;
            }
        }
        let word = &self.text[self.at..self.at + length];
        RESERVED.iter().find(|reserved| **reserved == word).copied()
    }

    pub(super) fn eat_reserved(&mut self, word: &str) -> bool {
        let found = self.reserved() == Some(word);
        if found {
            self.at += word.len();
        }
        found
    }

    pub(super) fn expect_reserved(&mut self, word: &str) -> Parsed<()> {
        self.skip_newlines()?;
        if self.eat_reserved(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Commands up to a closing reserved word, parenthesis or the end, none of which is passed.
    pub(super) fn compound_list(&mut self) -> Parsed<Program> {
        self.list(false)
    }

    /// The same, but there must be some.
    pub(super) fn body(&mut self) -> Parsed<Program> {
        let program = self.list(false)?;
        if program.items.is_empty() {
            Err(self.unexpected())
        } else {
            Ok(program)
        }
    }

    pub(super) fn list(&mut self, one_line: bool) -> Parsed<Program> {
        let mut program = Program::default();
        loop {
            if one_line {
                self.skip_blanks();
            } else {
                self.skip_newlines()?;
            }
            if self.list_ends(one_line && program.items.is_empty()) {
                return Ok(program);
            }
            let (first, rest) = self.and_or()?;
            self.skip_blanks();
            let mut separated = false;
            let mut background = false;
            match (
                self.peek(),
                self.peek()
                    .is_some_and(|byte| byte == b';' || byte == b'&')
                    .then(|| self.peek_at(1))
                    .flatten(),
            ) {
                (Some(b';'), next) if next != Some(b';') && next != Some(b'&') => {
                    self.at += 1;
                    separated = true;
                }
                (Some(b'&'), next) if next != Some(b'&') => {
                    self.at += 1;
                    separated = true;
                    background = true;
                }
                (Some(b'\n'), _) if !one_line => separated = true,
                _ => {}
            }
            program.items.push(Item {
                first,
                rest,
                background,
            });
            if !separated {
                return Ok(program);
            }
        }
    }

    fn list_ends(&mut self, must_begin: bool) -> bool {
        if must_begin {
            return false;
        }
        match self.peek() {
            None | Some(b')' | b'\n') => true,
            Some(b';') => true,
            Some(_) => self.reserved().is_some_and(|word| CLOSING.contains(&word)),
        }
    }

    fn and_or(&mut self) -> Parsed<(Pipeline, Vec<(Connector, Pipeline)>)> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let connector = match self.peek() {
                Some(b'&') if self.eat("&&") => Connector::And,
                Some(b'|') if self.eat("||") => Connector::Or,
                _ => return Ok((first, rest)),
            };
            self.skip_newlines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut pipeline = Pipeline {
            negated: false,
            timed: None,
            stages: Vec::new(),
        };
        let mut prefixed = false;
        loop {
            self.skip_blanks();
            self.expand_alias();
            if self.eat_reserved("!") {
                pipeline.negated = !pipeline.negated;
            } else if self.eat_reserved("time") {
                pipeline.timed = Some(TimeFormat::Bash);
                self.skip_blanks();
                if self.looking_at("-p")
                    && matches!(self.peek_at(2), None | Some(b' ' | b'\t' | b'\n' | b';'))
                {
                    self.at += 2;
                    pipeline.timed = Some(TimeFormat::Posix);
                }
            } else {
                break;
            }
            prefixed = true;
        }
        // `time` and `!` may stand alone.
        if prefixed && matches!(self.peek(), None | Some(b'\n' | b';' | b')')) {
            return Ok(pipeline);
        }
        loop {
            let mut command = self.command()?;
            self.skip_blanks();
            let next = if self.peek() == Some(b'|') {
                self.peek_at(1)
            } else {
                None
            };
            let piped = self.peek() == Some(b'|') && next != Some(b'|');
            if piped && next == Some(b'&') {
                command.pipes_stderr = true;
            }
            self.at += usize::from(piped) + usize::from(command.pipes_stderr);
            pipeline.stages.push(Rc::new(command));
            if !piped {
                return Ok(pipeline);
            }
            self.skip_newlines()?;
        }
    }

    pub(super) fn command(&mut self) -> Parsed<Command> {
        self.enter()?;
        self.skip_blanks();
        self.expand_alias();
        let line = self.line;
        let kind = match self.peek() {
            Some(b'(') => Some(self.parenthesised()?),
            Some(byte)
                if byte.is_ascii_lowercase()
                    || matches!(byte, b'{' | b'}' | b'[' | b']' | b'!') =>
            {
                match self.reserved() {
                    Some(word) => self.compound(word)?,
                    None => None,
                }
            }
            _ => None,
        };
        let command = match kind {
            Some(kind) => {
                let mut command = Command {
                    line,
                    kind,
                    redirects: Vec::new(),
                    pipes_stderr: false,
                };
                if !matches!(
                    command.kind,
                    CommandKind::Function(_) | CommandKind::Coprocess { .. }
                ) {
                    command.redirects = self.redirects()?;
                }
                command
            }
            None => self.simple()?,
        };
        self.leave();
        Ok(command)
    }

    fn parenthesised(&mut self) -> Parsed<CommandKind> {
        let opened = self.line;
        if self.peek_at(1) == Some(b'(') {
            let place = (self.at, self.line);
            self.at += 2;
            if let Ok(word) = self.word_in(super::word::Mode::Arithmetic) {
                if self.eat("))") {
                    return Ok(CommandKind::Arithmetic(word));
                }
            }
            (self.at, self.line) = place;
        }
        self.at += 1;
        let program = self.body()?;
        self.skip_newlines()?;
        if self.peek().is_none() {
            let mut error = self.unexpected();
            error.line = error.line.max(opened);
            return Err(error);
        }
        if self.eat(")") {
            Ok(CommandKind::Subshell(program))
        } else {
            Err(self.unexpected())
        }
    }
}
