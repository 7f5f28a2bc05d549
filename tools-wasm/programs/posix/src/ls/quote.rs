//! Names as `--quoting-style` writes them: gnulib's `quotearg`, for names in UTF-8.

use std::fmt::Write as _;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    Literal,
    /// As a shell takes it, quoted when needed.
    Shell,
    ShellAlways,
    /// The same, with `$'\n'` for what does not print.
    ShellEscape,
    ShellEscapeAlways,
    /// `"..."`, with a C string's escapes.
    C,
    /// A C string's escapes without the quotes, and `\ `.
    Escape,
    /// `'...'`, with a C string's escapes.
    Locale,
}

impl Quoting {
    /// Whether names without quotes stand one column to the right of quotes.
    pub(super) fn aligns(self) -> bool {
        matches!(self, Quoting::Shell | Quoting::ShellEscape)
    }

    /// `name` in this style; `also` is one more character that needs quoting.
    pub(super) fn quote(self, name: &str, also: Option<char>) -> String {
        match self {
            Quoting::Literal => name.to_owned(),
            Quoting::C => format!("\"{}\"", escaped(name, &['"'])),
            Quoting::Locale => format!("'{}'", escaped(name, &['\''])),
            Quoting::Escape => match also {
                Some(also) => escaped(name, &[' ', also]),
                None => escaped(name, &[' ']),
            },
            Quoting::Shell | Quoting::ShellEscape if !needs_quotes(name, also) => name.to_owned(),
            Quoting::Shell | Quoting::ShellAlways => shell(name, false),
            Quoting::ShellEscape | Quoting::ShellEscapeAlways => shell(name, true),
        }
    }
}

/// A name in a message.
pub(super) fn always(name: &str) -> String {
    Quoting::ShellEscapeAlways.quote(name, None)
}

fn needs_quotes(name: &str, also: Option<char>) -> bool {
    let special = |letter: char| {
        letter.is_control() || " !\"$&()*;<=>?[\\^`|'".contains(letter) || also == Some(letter)
    };
    name.is_empty()
        || matches!(name, "{" | "}")
        || name.starts_with(['#', '~'])
        || name.contains(special)
}

fn shell(name: &str, escape: bool) -> String {
    let inside_double = |(at, letter): (usize, char)| match letter {
        '#' | '~' => at == 0,
        '{' | '}' => name.len() == 1,
        _ => !letter.is_control() && !"!\"$&()*;<=>?[\\^`|".contains(letter),
    };
    if name.contains('\'') && name.char_indices().all(inside_double) {
        return format!("\"{name}\"");
    }
    let mut out = String::from("'");
    let mut escaping = false;
    for letter in name.chars() {
        if letter == '\'' {
            out.push_str("'\\''");
            escaping = false;
        } else if escape && letter.is_control() {
            if !escaping {
                out.push_str("'$'");
            }
            push_escaped(&mut out, letter);
            escaping = true;
        } else {
            if escaping {
                out.push_str("''");
            }
            out.push(letter);
            escaping = false;
        }
    }
    out.push('\'');
    out
}

fn escaped(name: &str, also: &[char]) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter == '\\' || also.contains(&letter) {
            out.extend(['\\', letter]);
        } else if letter.is_control() {
            push_escaped(&mut out, letter);
        } else {
            out.push(letter);
        }
    }
    out
}

fn push_escaped(out: &mut String, letter: char) {
    match letter {
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        other => {
            for byte in other.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Quoting::{C, Escape, Literal, ShellEscape, ShellEscapeAlways};

    #[test]
    fn names_are_quoted_as_gnu_does() {
        for (style, name, quoted) in [
            (Literal, "a b\n", "a b\n"),
            (ShellEscape, "plain-1.2_x@é", "plain-1.2_x@é"),
            (ShellEscape, "a b", "'a b'"),
            (ShellEscape, "", "''"),
            (ShellEscape, "#a", "'#a'"),
            (ShellEscape, "a#", "a#"),
            (ShellEscape, "it's", "\"it's\""),
            (ShellEscape, "it's $1", r"'it'\''s $1'"),
            (ShellEscape, "a\nb", r"'a'$'\n''b'"),
            (ShellEscape, "\x01", r"''$'\001'"),
            (ShellEscapeAlways, "a", "'a'"),
            (C, "a \"b\"\t", "\"a \\\"b\\\"\\t\""),
            (Escape, "a b\\", "a\\ b\\\\"),
        ] {
            assert_eq!(style.quote(name, None), quoted, "{name:?}");
        }
        assert_eq!(ShellEscape.quote("a:b", Some(':')), "'a:b'");
    }
}
