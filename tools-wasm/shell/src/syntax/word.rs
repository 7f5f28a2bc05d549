//! Words: text up to a blank or an operator, taken apart into what each piece means.

use std::cell::OnceCell;
use std::rc::Rc;

use super::ast::{Part, Program, Substitution, Word};
use super::braces;
use super::input::{Parsed, Parser};

/// Where a word stands, which decides what ends it and what quotes mean in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A word of a command.
    Normal,
    /// The right side of an assignment: a tilde counts after each colon.
    Assigned,
    /// Inside double quotes, up to the closing one.
    Double,
    /// The body of a here-document: all the text.
    Here,
    /// The operand of `${ }`, up to `}`.
    Operand { double: bool },
    /// The pattern of `${name/pattern/...}`, up to `/` or `}`.
    Pattern,
    /// Up to `]`.
    Subscript,
    /// `$(( ))`, up to `))`.
    Arithmetic,
    /// The offset of `${name:offset:length}`, up to `:` or `}`.
    Offset,
    /// A part of `for (( ; ; ))`, up to `;` or `))`.
    ForPart,
    /// The right side of `=~`.
    Regex,
    /// All the text, as a word whose blanks are its own.
    All,
}

impl Mode {
    /// Quotes are as in double quotes: backslash escapes few characters and `'` is itself.
    fn is_double(self) -> bool {
        matches!(
            self,
            Self::Double
                | Self::Here
                | Self::Arithmetic
                | Self::ForPart
                | Self::Offset
                | Self::Operand { double: true }
        )
    }
}

impl Parser<'_> {
    /// A word of a command. Its `raw` is empty when there is none.
    pub(super) fn word(&mut self) -> Parsed<Word> {
        let mut word = self.word_in(Mode::Normal)?;
        if word.raw.contains('{') {
            word.braces = self.brace_words(&word.raw, Mode::Normal)?;
        }
        Ok(word)
    }

    pub(super) fn word_in(&mut self, mode: Mode) -> Parsed<Word> {
        let start = self.at;
        let parts = self.parts(mode)?;
        Ok(Word {
            raw: self.text[start..self.at].to_owned(),
            parts,
            ..Word::default()
        })
    }

    pub(super) fn brace_words(&mut self, raw: &str, mode: Mode) -> Parsed<Vec<Word>> {
        let texts = braces::expand(raw);
        if texts.len() == 1 && texts[0] == raw {
            return Ok(Vec::new());
        }
        let mut words = Vec::with_capacity(texts.len());
        for text in texts {
            if text.is_empty() {
                continue;
            }
            let mut inner = Parser::new(&text, self.line, self.options.clone());
            let parts = inner.parts(if mode == Mode::Normal {
                Mode::All
            } else {
                mode
            })?;
            words.push(Word {
                raw: text,
                parts,
                ..Word::default()
            });
        }
        if words.is_empty() {
            words.push(Word::from_text(""));
        }
        Ok(words)
    }

    /// The pieces of a word up to what ends it in `mode`; the ending itself stays.
    pub(crate) fn parts(&mut self, mode: Mode) -> Parsed<Vec<Part>> {
        self.enter()?;
        let result = self.parts_inner(mode);
        self.leave();
        result
    }

    fn parts_inner(&mut self, mode: Mode) -> Parsed<Vec<Part>> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let opened = self.line;
        let start = self.at;
        // Brackets that must close before an ending counts.
        let mut nested = 0_u32;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => {
                    self.backslash(mode, &mut parts, &mut text)?;
                    continue;
                }
                b'$' => {
                    if self.dollar(mode, &mut parts, &mut text)? {
                        continue;
                    }
                    text.push('$');
                    self.at += 1;
                    continue;
                }
                b'`' => {
                    let substitution = self.backquote(mode)?;
                    flush(&mut text, &mut parts);
                    parts.push(Part::Command(substitution));
                    continue;
                }
                b'"' if mode == Mode::Double => break,
                b'"' if mode != Mode::Here => {
                    flush(&mut text, &mut parts);
                    parts.push(self.double_quoted()?);
                    continue;
                }
                b'\'' if !mode.is_double() => {
                    flush(&mut text, &mut parts);
                    parts.push(Part::Quoted(self.single_quoted()?));
                    continue;
                }
                _ => {}
            }
            if self.ends(byte, mode, nested) {
                break;
            }
            match mode {
                Mode::Normal | Mode::Assigned | Mode::Regex | Mode::All => {
                    if matches!(byte, b'<' | b'>')
                        && self.peek_at(1) == Some(b'(')
                        && mode != Mode::Regex
                    {
                        flush(&mut text, &mut parts);
                        self.at += 1;
                        let body = self.command_substitution()?;
                        parts.push(Part::Process {
                            output: byte == b'>',
                            body,
                        });
                        continue;
                    }
                    if byte == b'~' && self.tilde(mode, start, &mut parts, &mut text) {
                        continue;
                    }
                    if self.options.extglob
                        && matches!(byte, b'?' | b'*' | b'+' | b'@' | b'!')
                        && self.peek_at(1) == Some(b'(')
                    {
                        text.push(char::from(byte));
                        text.push('(');
                        self.at += 2;
                        self.extended_pattern(&mut parts, &mut text)?;
                        continue;
                    }
                    match byte {
                        b'(' if mode == Mode::Regex => nested += 1,
                        b')' if mode == Mode::Regex => nested = nested.saturating_sub(1),
                        _ => {}
                    }
                }
                Mode::Subscript => match byte {
                    b'[' => nested += 1,
                    b']' => nested -= 1,
                    _ => {}
                },
                Mode::Arithmetic | Mode::ForPart | Mode::Offset => match byte {
                    b'(' | b'?' if mode == Mode::Offset => nested += 1,
                    b')' | b':' if mode == Mode::Offset => nested = nested.saturating_sub(1),
                    b'(' => nested += 1,
                    b')' => nested -= 1,
                    _ => {}
                },
                Mode::Operand { .. } | Mode::Pattern => {
                    if byte == b'~'
                        && self.at == start
                        && mode != (Mode::Operand { double: true })
                        && self.tilde(mode, start, &mut parts, &mut text)
                    {
                        continue;
                    }
                }
                _ => {}
            }
            self.take_char(&mut text);
        }
        if self.peek().is_none() {
            let what = match mode {
                Mode::Double => Some('"'),
                Mode::Operand { .. } | Mode::Pattern | Mode::Offset => Some('}'),
                Mode::Subscript => Some(']'),
                Mode::Arithmetic | Mode::ForPart => Some(')'),
                _ => None,
            };
            if let Some(what) = what {
                return Err(self.unclosed(what, opened));
            }
        }
        flush(&mut text, &mut parts);
        Ok(parts)
    }

    fn ends(&mut self, byte: u8, mode: Mode, nested: u32) -> bool {
        match mode {
            Mode::Normal | Mode::Assigned => match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' => true,
                b'<' | b'>' => self.peek_at(1) != Some(b'('),
                _ => false,
            },
            Mode::Regex => nested == 0 && matches!(byte, b' ' | b'\t' | b'\n' | b')' | b';' | b'&'),
            Mode::Operand { .. } => byte == b'}',
            Mode::Pattern => matches!(byte, b'}' | b'/'),
            Mode::Offset => byte == b'}' || (nested == 0 && byte == b':'),
            Mode::Subscript => nested == 0 && byte == b']',
            Mode::Arithmetic => nested == 0 && byte == b')',
            Mode::ForPart => nested == 0 && matches!(byte, b')' | b';'),
            Mode::Double | Mode::Here | Mode::All => false,
        }
    }

    fn backslash(&mut self, mode: Mode, parts: &mut Vec<Part>, text: &mut String) -> Parsed<()> {
        let next = self.peek_at(1);
        if next == Some(b'\n') {
            self.at += 1;
            self.bump();
            return Ok(());
        }
        let special = match next {
            None => false,
            Some(b'$' | b'`' | b'\\') => true,
            Some(b'"') => mode != Mode::Here,
            Some(b'}') => matches!(mode, Mode::Operand { .. } | Mode::Pattern),
            Some(_) => false,
        };
        if mode.is_double() && !special {
            text.push('\\');
            self.at += 1;
            return Ok(());
        }
        self.at += 1;
        if next.is_none() {
            text.push('\\');
            return Ok(());
        }
        flush(text, parts);
        let mut quoted = String::new();
        self.take_char(&mut quoted);
        parts.push(Part::Quoted(quoted));
        Ok(())
    }

    /// A tilde where one is expanded: at the beginning, or after `=` and `:` in an assignment.
    fn tilde(
        &mut self,
        mode: Mode,
        start: usize,
        parts: &mut Vec<Part>,
        text: &mut String,
    ) -> bool {
        let before = &self.text[start..self.at];
        let assigned = mode == Mode::Assigned;
        let fits = before.is_empty()
            || (assigned && before.ends_with(':'))
            || (mode == Mode::Normal
                && before.strip_suffix('=').is_some_and(is_name)
                && !self.options.posix);
        if !fits {
            return false;
        }
        let rest = &self.rest()[1..];
        let length = rest
            .find(|character: char| {
                matches!(
                    character,
                    '/' | ' '
                        | '\t'
                        | '\n'
                        | ';'
                        | '&'
                        | '|'
                        | '<'
                        | '>'
                        | '('
                        | ')'
                        | '}'
                        | '"'
                        | '\''
                        | '\\'
                        | '$'
                        | '`'
                ) || character == ':'
            })
            .unwrap_or(rest.len());
        if rest[length..].starts_with(['"', '\'', '\\', '$', '`']) {
            return false;
        }
        let user = rest[..length].to_owned();
        self.at += 1 + length;
        flush(text, parts);
        parts.push(Part::Tilde(user));
        true
    }

    /// The rest of `@(...)` after the opening parenthesis, with the closing one.
    fn extended_pattern(&mut self, parts: &mut Vec<Part>, text: &mut String) -> Parsed<()> {
        let opened = self.line;
        let mut depth = 1;
        while depth > 0 {
            match self.peek() {
                None => return Err(self.unclosed(')', opened)),
                Some(b'\\') => self.backslash(Mode::Normal, parts, text)?,
                Some(b'$') => {
                    if !self.dollar(Mode::Normal, parts, text)? {
                        text.push('$');
                        self.at += 1;
                    }
                }
                Some(b'`') => {
                    let substitution = self.backquote(Mode::Normal)?;
                    flush(text, parts);
                    parts.push(Part::Command(substitution));
                }
                Some(b'"') => {
                    flush(text, parts);
                    parts.push(self.double_quoted()?);
                }
                Some(b'\'') => {
                    flush(text, parts);
                    parts.push(Part::Quoted(self.single_quoted()?));
                }
                Some(byte) => {
                    match byte {
                        b'(' => depth += 1,
                        b')' => depth -= 1,
                        _ => {}
                    }
                    self.take_char(text);
                }
            }
        }
        Ok(())
    }

    /// What follows `$`; false when it is only a dollar sign, which stays.
    fn dollar(&mut self, mode: Mode, parts: &mut Vec<Part>, text: &mut String) -> Parsed<bool> {
        // A line may be continued even here.
        while self.peek_at(1) == Some(b'\\') && self.peek_at(2) == Some(b'\n') {
            self.text.replace_range(self.at + 1..self.at + 3, "");
            self.line += 1;
        }
        let part = match self.peek_at(1) {
            Some(b'(') => {
                if self.peek_at(2) == Some(b'(') {
                    if let Some(word) = self.arithmetic_substitution()? {
                        flush(text, parts);
                        parts.push(Part::Arithmetic(Box::new(word)));
                        return Ok(true);
                    }
                }
                self.at += 1;
                Part::Command(self.command_substitution()?)
            }
            Some(b'[') => {
                self.at += 2;
                let word = self.word_in(Mode::Subscript)?;
                self.at += 1;
                Part::Arithmetic(Box::new(word))
            }
            Some(b'{') => Part::Parameter(Box::new(self.braced_parameter(mode.is_double())?)),
            Some(b'\'') if !mode.is_double() => {
                self.at += 1;
                Part::Quoted(self.ansi_quoted()?)
            }
            Some(b'"') if mode != Mode::Double && mode != Mode::Here => {
                self.at += 1;
                self.double_quoted()?
            }
            Some(byte)
                if byte.is_ascii_alphanumeric()
                    || matches!(byte, b'_' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') =>
            {
                Part::Parameter(Box::new(self.plain_parameter()))
            }
            _ => return Ok(false),
        };
        flush(text, parts);
        parts.push(part);
        Ok(true)
    }

    /// `$(( ))`, or none when the text turns out to be a command substitution that begins with a subshell.
    fn arithmetic_substitution(&mut self) -> Parsed<Option<Word>> {
        let place = (self.at, self.line);
        self.at += 3;
        if let Ok(word) = self.word_in(Mode::Arithmetic) {
            if self.eat("))") {
                return Ok(Some(word));
            }
        }
        (self.at, self.line) = place;
        Ok(None)
    }

    /// Commands in parentheses; the place is at the opening one.
    fn command_substitution(&mut self) -> Parsed<Rc<Substitution>> {
        let opened = self.line;
        self.at += 1;
        let start = self.at;
        let expanding = std::mem::take(&mut self.expanding);
        let program = self.commands_until_parenthesis(opened)?;
        self.expanding = expanding;
        let text = self.text[start..self.at - 1].to_owned();
        let cell = OnceCell::new();
        let _ = cell.set(Rc::new(program));
        Ok(Rc::new(Substitution {
            text,
            line: opened,
            backquoted: false,
            program: cell,
        }))
    }

    fn commands_until_parenthesis(&mut self, opened: u32) -> Parsed<Program> {
        self.enter()?;
        let program = self.compound_list()?;
        self.leave();
        self.skip_newlines()?;
        match self.peek() {
            Some(b')') => {
                self.at += 1;
                Ok(program)
            }
            None => Err(self.unclosed(')', opened)),
            Some(_) => Err(self.unexpected()),
        }
    }

    fn backquote(&mut self, mode: Mode) -> Parsed<Rc<Substitution>> {
        let opened = self.line;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.unclosed('`', opened)),
                Some(b'`') => break,
                Some(b'\\') => {
                    let next = self.peek_at(1);
                    self.at += 1;
                    match next {
                        Some(b'$' | b'`' | b'\\') => {}
                        Some(b'"') if mode == Mode::Double => {}
                        _ => text.push('\\'),
                    }
                    if next.is_some() {
                        self.take_char(&mut text);
                    }
                }
                Some(_) => self.take_char(&mut text),
            }
        }
        self.at += 1;
        Ok(Rc::new(Substitution {
            text,
            line: opened,
            backquoted: true,
            program: OnceCell::new(),
        }))
    }
}

pub(super) fn flush(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
}

/// Whether `text` could name a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
