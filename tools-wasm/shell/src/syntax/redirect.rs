//! Redirections.

use std::cell::OnceCell;
use std::rc::Rc;

use super::ast::{Part, Redirect, RedirectKind, RedirectTarget, Word};
use super::heredoc::Pending;
use super::input::{Parsed, Parser};
use super::word::is_name;

/// Longer operators first.
const OPERATORS: [(&str, RedirectKind); 12] = [
    ("&>>", RedirectKind::AppendBoth),
    ("&>", RedirectKind::WriteBoth),
    ("<<<", RedirectKind::HereString),
    ("<<-", RedirectKind::HereDocument { strip_tabs: true }),
    ("<<", RedirectKind::HereDocument { strip_tabs: false }),
    ("<&", RedirectKind::DuplicateIn),
    ("<>", RedirectKind::ReadWrite),
    (">>", RedirectKind::Append),
    (">&", RedirectKind::DuplicateOut),
    (">|", RedirectKind::Clobber),
    ("<", RedirectKind::Read),
    (">", RedirectKind::Write),
];

impl Parser<'_> {
    pub(super) fn redirects(&mut self) -> Parsed<Vec<Redirect>> {
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(redirects),
            }
        }
    }

    pub(super) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let mut ahead = 0;
        let target = match self.peek() {
            Some(b'<' | b'>') => RedirectTarget::Default,
            Some(b'&') if self.peek_at(1) == Some(b'>') => RedirectTarget::Default,
            Some(byte) if byte.is_ascii_digit() => {
                while self
                    .peek_at(ahead)
                    .is_some_and(|byte| byte.is_ascii_digit())
                {
                    ahead += 1;
                }
                match self.text[self.at..self.at + ahead].parse() {
                    Ok(number) => RedirectTarget::Number(number),
                    Err(_) => return Ok(None),
                }
            }
            Some(b'{') => {
                ahead = 1;
                while self.peek_at(ahead).is_some_and(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'[' | b']')
                }) {
                    ahead += 1;
                }
                let name = self.text[self.at + 1..self.at + ahead].to_owned();
                if self.peek_at(ahead) != Some(b'}')
                    || !is_name(name.split('[').next().unwrap_or(""))
                {
                    return Ok(None);
                }
                ahead += 1;
                RedirectTarget::Variable(name)
            }
            _ => return Ok(None),
        };
        if !matches!(target, RedirectTarget::Default)
            && !matches!(self.peek_at(ahead), Some(b'<' | b'>'))
        {
            return Ok(None);
        }
        // A process substitution is a word.
        if matches!(self.peek_at(ahead), Some(b'<' | b'>')) && self.peek_at(ahead + 1) == Some(b'(')
        {
            return Ok(None);
        }
        let start = self.at;
        self.at += ahead;
        let Some((operator, kind)) = OPERATORS
            .iter()
            .find(|(operator, _)| self.looking_at(operator))
        else {
            self.at = start;
            return Ok(None);
        };
        self.at += operator.len();
        let line = self.line;
        self.skip_blanks();
        let word = self.word()?;
        if word.raw.is_empty() {
            return Err(self.unexpected());
        }
        let mut redirect = Redirect {
            target,
            kind: *kind,
            word,
            here: None,
        };
        if let RedirectKind::HereDocument { strip_tabs } = *kind {
            let (delimiter, quoted) = delimiter(&redirect.word);
            let cell = Rc::new(OnceCell::new());
            redirect.here = Some(Rc::clone(&cell));
            self.pending.push(Pending {
                delimiter,
                quoted,
                strip_tabs,
                line,
                cell,
            });
        }
        Ok(Some(redirect))
    }
}

/// The delimiter without its quotes, and whether it had any. Nothing in it is expanded.
fn delimiter(word: &Word) -> (String, bool) {
    fn collect(parts: &[Part], text: &mut String, quoted: &mut bool) -> bool {
        parts.iter().all(|part| match part {
            Part::Text(piece) => {
                text.push_str(piece);
                true
            }
            Part::Quoted(piece) => {
                *quoted = true;
                text.push_str(piece);
                true
            }
            Part::Tilde(user) => {
                text.push('~');
                text.push_str(user);
                true
            }
            Part::Double(parts) => {
                *quoted = true;
                collect(parts, text, quoted)
            }
            _ => false,
        })
    }
    let mut text = String::new();
    let mut quoted = false;
    if collect(&word.parts, &mut text, &mut quoted) {
        return (text, quoted);
    }
    // It looks like an expansion: its text is the delimiter as it stands.
    let bare: String = word
        .raw
        .chars()
        .filter(|character| !matches!(character, '"' | '\'' | '\\'))
        .collect();
    let quoted = bare.len() != word.raw.len();
    (bare, quoted)
}
