//! POSIX patterns as grep takes them, turned into the syntax of the crate `regex`.

/// How a pattern is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Syntax {
    /// `\(`, `\|`, `\{`, `\+`, `\?` are special, their plain forms are not.
    Basic,
    Extended,
    Fixed,
    /// As `regex` has it; what `-P` gets too.
    Rust,
}

/// `pattern` in the syntax of `regex`.
pub(crate) fn translate(pattern: &str, syntax: Syntax) -> String {
    match syntax {
        Syntax::Rust => pattern.to_owned(),
        Syntax::Fixed => escape(pattern),
        Syntax::Basic | Syntax::Extended => posix(pattern, syntax == Syntax::Basic),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn posix(pattern: &str, basic: bool) -> String {
    let letters: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    // Whether a repetition here would have nothing to repeat: it then stands for itself.
    let mut start = true;
    while at < letters.len() {
        let letter = letters[at];
        at += 1;
        let next = letters.get(at).copied();
        let opens = match letter {
            '\\' => {
                at += 1;
                match next {
                    None => out.push_str(r"\\"),
                    Some(special @ ('(' | ')' | '|' | '{' | '}' | '+' | '?')) if basic => {
                        if start && matches!(special, '+' | '?' | '{') {
                            out.push('\\');
                        }
                        out.push(special);
                        start = matches!(special, '(' | '|');
                        continue;
                    }
                    // GNU's own: word ends and the ends of the text.
                    Some('<') => out.push_str(r"\b{start}"),
                    Some('>') => out.push_str(r"\b{end}"),
                    Some('`') => out.push_str(r"\A"),
                    Some('\'') => out.push_str(r"\z"),
                    Some(class @ ('w' | 'W' | 's' | 'S' | 'b' | 'B')) => out.extend(['\\', class]),
                    Some(other) => out.push_str(&escape(&other.to_string())),
                }
                false
            }
            '[' => {
                at = bracket(&letters, at, &mut out);
                false
            }
            '*' if start => {
                out.push_str(r"\*");
                false
            }
            '(' | ')' | '|' | '{' | '}' | '+' | '?' if basic => {
                out.extend(['\\', letter]);
                false
            }
            '{' if !interval(&letters[at..]) => {
                out.push_str(r"\{");
                false
            }
            '+' | '?' if start => {
                out.extend(['\\', letter]);
                false
            }
            '(' | '|' => {
                out.push(letter);
                true
            }
            // In a basic pattern the anchors are special at the ends only.
            '^' if basic && !start => {
                out.push_str(r"\^");
                false
            }
            '^' => {
                out.push('^');
                true
            }
            '$' if basic
                && !(next.is_none()
                    || (next == Some('\\') && matches!(letters.get(at + 1), Some(')' | '|')))) =>
            {
                out.push_str(r"\$");
                false
            }
            '&' | '~' | '#' | '-' => {
                out.push(letter);
                false
            }
            other => {
                out.push(other);
                false
            }
        };
        start = opens;
    }
    out
}

/// Whether `{` opens `{2}`, `{2,}`, `{2,3}` or `{,3}`.
fn interval(rest: &[char]) -> bool {
    let Some(end) = rest.iter().position(|letter| *letter == '}') else {
        return false;
    };
    end > 0
        && rest[..end]
            .iter()
            .all(|letter| letter.is_ascii_digit() || *letter == ',')
        && rest[..end].iter().any(char::is_ascii_digit)
}

/// A bracket expression: backslashes are plain, and so are `[`, `&&`, `--` and `~~`. Returns where it ends.
fn bracket(letters: &[char], from: usize, out: &mut String) -> usize {
    let mut at = from;
    let mut inner = String::from("[");
    if letters.get(at) == Some(&'^') {
        inner.push('^');
        at += 1;
    }
    let first = at;
    while let Some(&letter) = letters.get(at) {
        at += 1;
        match letter {
            ']' if at > first + 1 => {
                out.push_str(&inner);
                out.push(']');
                return at;
            }
            '[' if matches!(letters.get(at), Some(':' | '.' | '=')) => {
                let mark = letters[at];
                let end = letters[at + 1..]
                    .iter()
                    .position(|letter| *letter == mark)
                    .map(|end| at + 1 + end);
                match end.filter(|end| letters.get(end + 1) == Some(&']')) {
                    Some(end) => {
                        let name: String = letters[at + 1..end].iter().collect();
                        inner.push_str(&if mark == ':' {
                            format!("[:{name}:]")
                        } else {
                            escape(&name)
                        });
                        at = end + 2;
                    }
                    None => inner.push_str(r"\["),
                }
            }
            // `[+-]`: last, so plain.
            '-' if letters.get(at) == Some(&']') || at == first + 1 => inner.push_str(r"\-"),
            '\\' | '[' | ']' | '&' | '~' | '^' => inner.extend(['\\', letter]),
            other => inner.push(other),
        }
    }
    // Never closed: the bracket stands for itself and `regex` will not see a class.
    out.push_str(r"\[");
    from
}

#[cfg(test)]
mod tests {
    use super::{Syntax, translate};

    #[test]
    fn basic_patterns_become_regex_patterns() {
        for (basic, expected) in [
            (r"a\|b", "a|b"),
            ("a|b", r"a\|b"),
            (r"\(ab\)*", "(ab)*"),
            ("(ab)", r"\(ab\)"),
            (r"a\{2,3\}", "a{2,3}"),
            ("a{2}", r"a\{2\}"),
            (r"a\+", "a+"),
            ("a+", r"a\+"),
            ("*a", r"\*a"),
            ("^*a", r"^\*a"),
            ("a^b$c$", r"a\^b\$c$"),
            (r"[]a-z\]", r"[\]a-z\\]"),
            ("[[:space:]+-]", r"[[:space:]+\-]"),
            (r"\<word\>", r"\b{start}word\b{end}"),
            (r"fn main() {", r"fn main\(\) \{"),
            (r"\.rs$", r"\.rs$"),
        ] {
            assert_eq!(translate(basic, Syntax::Basic), expected, "{basic}");
        }
    }

    #[test]
    fn extended_patterns_become_regex_patterns() {
        for (extended, expected) in [
            ("a|b", "a|b"),
            (r"\(x\)", r"\(x\)"),
            ("a{2}", "a{2}"),
            ("a{x}", r"a\{x}"),
            ("(^|,)x", "(^|,)x"),
            ("+x", r"\+x"),
            (r"[^\]", r"[^\\]"),
        ] {
            assert_eq!(
                translate(extended, Syntax::Extended),
                expected,
                "{extended}"
            );
        }
    }
}
