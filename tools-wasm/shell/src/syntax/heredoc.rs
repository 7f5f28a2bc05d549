//! Here-documents: announced by a redirection, read after the next newline.

use std::cell::OnceCell;
use std::rc::Rc;

use super::ast::{HereDocument, Part, Word};
use super::input::{Parsed, Parser};
use super::word::Mode;

/// A here-document whose body is still to come.
pub(super) struct Pending {
    pub(super) delimiter: String,
    pub(super) quoted: bool,
    pub(super) strip_tabs: bool,
    pub(super) line: u32,
    pub(super) cell: Rc<OnceCell<HereDocument>>,
}

impl Parser<'_> {
    pub(super) fn read_here_documents(&mut self) -> Parsed<()> {
        for pending in std::mem::take(&mut self.pending) {
            let line = self.line;
            let text = self.here_text(&pending);
            let body = if pending.quoted {
                Word {
                    raw: text.clone(),
                    parts: vec![Part::Quoted(text)],
                    ..Word::default()
                }
            } else {
                let options = self.options.clone();
                let mut inner = Parser::new(&text, line, options);
                let parts = inner.parts(Mode::Here)?;
                Word {
                    raw: text,
                    parts,
                    ..Word::default()
                }
            };
            // A cell is filled once: it belongs to this redirection alone.
            let _ = pending.cell.set(HereDocument {
                body,
                delimiter: pending.delimiter,
                quoted: pending.quoted,
            });
        }
        Ok(())
    }

    fn here_text(&mut self, pending: &Pending) -> String {
        let mut text = String::new();
        let mut continued = false;
        loop {
            if self.peek().is_none() {
                self.warnings
                    .push((self.line, pending.line, pending.delimiter.clone()));
                return text;
            }
            let end = self
                .rest()
                .find('\n')
                .map_or(self.text.len(), |length| self.at + length);
            let mut line = self.text[self.at..end].to_owned();
            self.at = end;
            if self.at < self.text.len() {
                self.bump();
            }
            if pending.strip_tabs && !continued {
                line = line.trim_start_matches('\t').to_owned();
            }
            if line == pending.delimiter && !continued {
                return text;
            }
            // Inside `$( )` the closing parenthesis may follow the delimiter.
            if !continued && self.at >= self.text.len() && self.lines.is_none() {
                if let Some(rest) = line.strip_prefix(pending.delimiter.as_str()) {
                    if !pending.delimiter.is_empty() && rest.starts_with(')') && self.depth > 0 {
                        self.at = end - rest.len();
                        return text;
                    }
                }
            }
            continued = !pending.quoted && ends_in_odd_backslashes(&line);
            text.push_str(&line);
            text.push('\n');
        }
    }
}

fn ends_in_odd_backslashes(line: &str) -> bool {
    line.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1
}
