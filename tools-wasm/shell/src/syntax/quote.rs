//! Quotes: `'...'`, `"..."` and `$'...'`.

use super::ast::Part;
use super::input::{Parsed, Parser};
use super::word::Mode;
use crate::text;

impl Parser<'_> {
    /// The place is at the opening quote.
    pub(super) fn single_quoted(&mut self) -> Parsed<String> {
        let opened = self.line;
        self.at += 1;
        let mut quoted = String::new();
        loop {
            match self.peek() {
                None => return Err(self.unclosed('\'', opened)),
                Some(b'\'') => {
                    self.at += 1;
                    return Ok(quoted);
                }
                Some(_) => self.take_char(&mut quoted),
            }
        }
    }

    pub(super) fn double_quoted(&mut self) -> Parsed<Part> {
        self.at += 1;
        let parts = self.parts(Mode::Double)?;
        self.at += 1;
        Ok(Part::Double(parts))
    }

    /// The place is at the quote after the dollar sign.
    pub(super) fn ansi_quoted(&mut self) -> Parsed<String> {
        let opened = self.line;
        self.at += 1;
        let mut raw = String::new();
        loop {
            match self.peek() {
                None => return Err(self.unclosed('\'', opened)),
                Some(b'\'') => {
                    self.at += 1;
                    return Ok(ansi(&raw));
                }
                Some(b'\\') => {
                    raw.push('\\');
                    self.at += 1;
                    if self.peek().is_some() {
                        self.take_char(&mut raw);
                    }
                }
                Some(_) => self.take_char(&mut raw),
            }
        }
    }
}

/// Which dialect of backslash escapes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// `$'...'` and the format of printf: octal is `\nnn`.
    Ansi,
    /// `echo -e` and `printf %b`: octal is `\0nnn`.
    Echo,
}

/// The text of `$'raw'`.
pub(crate) fn ansi(raw: &str) -> String {
    let (text, _) = unescape(raw, Escapes::Ansi);
    // Like the C string it is in bash, it ends at a NUL.
    match text.find('\0') {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Replaces backslash escapes. The flag says that `\c` asked for nothing more to be written.
pub(crate) fn unescape(raw: &str, escapes: Escapes) -> (String, bool) {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(next) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        rest = &rest[next.len_utf8()..];
        match next {
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'e' | 'E' => out.push('\x1b'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            '\\' => out.push('\\'),
            '\'' | '"' | '?' if escapes == Escapes::Ansi => out.push(next),
            'c' if escapes == Escapes::Echo => return (text::recombine(out), true),
            'c' => {
                let Some(control) = rest.chars().next() else {
                    out.push_str("\\c");
                    break;
                };
                rest = &rest[control.len_utf8()..];
                if control == '\\' {
                    rest = rest.strip_prefix('\\').unwrap_or(rest);
                }
                let code = if control == '?' {
                    0x7f
                } else {
                    (control.to_ascii_uppercase() as u32 & 0x1f) as u8
                };
                out.push(char::from(code));
            }
            'x' => {
                let (digits, braced) = match rest.strip_prefix('{') {
                    Some(inner) if escapes == Escapes::Ansi => (inner, true),
                    _ => (rest, false),
                };
                let length = digits
                    .bytes()
                    .take(if braced { 8 } else { 2 })
                    .take_while(u8::is_ascii_hexdigit)
                    .count();
                if length == 0 {
                    out.push_str("\\x");
                    continue;
                }
                let code = u32::from_str_radix(&digits[..length], 16).unwrap_or(0);
                out.push(text::char_of_byte((code & 0xff) as u8));
                rest = &digits[length..];
                if braced {
                    rest = rest.strip_prefix('}').unwrap_or(rest);
                }
            }
            'u' | 'U' => {
                let length = rest
                    .bytes()
                    .take(if next == 'u' { 4 } else { 8 })
                    .take_while(u8::is_ascii_hexdigit)
                    .count();
                if length == 0 {
                    out.push('\\');
                    out.push(next);
                    continue;
                }
                let code = u32::from_str_radix(&rest[..length], 16).unwrap_or(0);
                push_code_point(code, &mut out);
                rest = &rest[length..];
            }
            '0'..='7' if escapes == Escapes::Ansi || next == '0' => {
                let most = if escapes == Escapes::Echo { 3 } else { 2 };
                let length = rest
                    .bytes()
                    .take(most)
                    .take_while(|byte| (b'0'..=b'7').contains(byte))
                    .count();
                let first = if escapes == Escapes::Echo {
                    0
                } else {
                    next as u32 - '0' as u32
                };
                let code = rest[..length]
                    .bytes()
                    .fold(first, |code, digit| code * 8 + u32::from(digit - b'0'));
                out.push(text::char_of_byte((code & 0xff) as u8));
                rest = &rest[length..];
            }
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out.push_str(rest);
    (text::recombine(out), false)
}

fn push_code_point(code: u32, out: &mut String) {
    match char::from_u32(code) {
        Some(character) => out.push(character),
        None => {
            // A surrogate: bash writes its three bytes all the same.
            for byte in [
                0xe0 | (code >> 12 & 0x0f),
                0x80 | (code >> 6 & 0x3f),
                0x80 | (code & 0x3f),
            ] {
                out.push(text::char_of_byte(byte as u8));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (raw, want) in [
            (r"a\tb", "a\tb"),
            (r"\x41\101", "AA"),
            (r"é", "é"),
            (r"\xe2\x82\xac", "€"),
            (r"\cA", "\x01"),
            (r"\q", "\\q"),
            (r"a\0b", "a"),
        ] {
            assert_eq!(ansi(raw), want, "{raw}");
        }
        assert_eq!(unescape(r"a\cb", Escapes::Echo), ("a".to_owned(), true));
        assert_eq!(unescape(r"\0101\101", Escapes::Echo).0, "A\\101");
    }
}
