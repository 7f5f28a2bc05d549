//! Glob patterns: `*`, `**`, `?`, `[…]`, `{a,b}`.

/// Braces multiply; this many alternatives are enough for a person or a model.
const ALTERNATIVES_MAX: usize = 256;

/// One alternative of a pattern, split at `/`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pub(crate) segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Segment {
    /// `**`: any number of directories.
    AnyDepth,
    /// A name without wildcards.
    Literal(String),
    Wild(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Character(char),
    Any,
    Many,
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// The alternatives of `pattern`, which must be relative and stay below its root.
    pub(crate) fn parse(pattern: &str) -> Result<Vec<Self>, String> {
        if pattern.is_empty() {
            return Err("the pattern must not be empty".into());
        }
        if pattern.starts_with('/') {
            return Err(
                "absolute pattern not permitted; pass a relative pattern (and optionally path)"
                    .into(),
            );
        }
        let mut alternatives = Vec::new();
        expand_braces(String::new(), pattern, &mut alternatives)?;
        alternatives
            .iter()
            .map(|alternative| Self::of(alternative))
            .collect()
    }

    fn of(pattern: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        for name in pattern
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
        {
            let segment = match name {
                ".." => return Err("'..' is not permitted in the pattern".into()),
                "**" if segments.last() == Some(&Segment::AnyDepth) => continue,
                "**" => Segment::AnyDepth,
                _ if name.contains(['*', '?', '[', '\\']) => Segment::Wild(tokens(name)),
                _ => Segment::Literal(name.to_owned()),
            };
            segments.push(segment);
        }
        Ok(Self { segments })
    }
}

/// Writes every alternative of `prefix` + `rest` to `out`. Braces without a partner are ordinary characters.
fn expand_braces(prefix: String, rest: &str, out: &mut Vec<String>) -> Result<(), String> {
    let Some((before, alternatives, after)) = first_braces(rest) else {
        if out.len() == ALTERNATIVES_MAX {
            return Err(format!(
                "the pattern has more than {ALTERNATIVES_MAX} alternatives"
            ));
        }
        out.push(prefix + rest);
        return Ok(());
    };
    for alternative in alternatives {
        expand_braces(
            prefix.clone() + before,
            &format!("{alternative}{after}"),
            out,
        )?;
    }
    Ok(())
}

/// The text before the first braces, their alternatives, and the text after them.
fn first_braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let open = text.find('{')?;
    let (mut depth, mut start, mut alternatives) = (0, open + 1, Vec::new());
    for (at, character) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match character {
            '{' => depth += 1,
            ',' if depth == 1 => {
                alternatives.push(&text[start..at]);
                start = at + 1;
            }
            '}' if depth == 1 => {
                alternatives.push(&text[start..at]);
                return Some((&text[..open], alternatives, &text[at + 1..]));
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn tokens(name: &str) -> Vec<Token> {
    let characters: Vec<char> = name.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let token = match characters[at] {
            '*' if tokens.last() == Some(&Token::Many) => {
                at += 1;
                continue;
            }
            '*' => Token::Many,
            '?' => Token::Any,
            '\\' if at + 1 < characters.len() => {
                at += 1;
                Token::Character(characters[at])
            }
            '[' => match set(&characters[at + 1..]) {
                Some((set, length)) => {
                    at += length;
                    set
                }
                None => Token::Character('['),
            },
            character => Token::Character(character),
        };
        tokens.push(token);
        at += 1;
    }
    tokens
}

/// The set that begins behind a `[`, and how many characters it takes up to its `]`; none when it has no end.
fn set(characters: &[char]) -> Option<(Token, usize)> {
    let negated = matches!(characters.first(), Some('!' | '^'));
    let first = usize::from(negated);
    // A `]` in first place stands for itself.
    let close = (first + 1..characters.len()).find(|&at| characters[at] == ']')?;
    let mut ranges = Vec::new();
    let mut at = first;
    while at < close {
        if at + 2 < close && characters[at + 1] == '-' {
            ranges.push((characters[at], characters[at + 2]));
            at += 3;
        } else {
            ranges.push((characters[at], characters[at]));
            at += 1;
        }
    }
    Some((Token::Set { negated, ranges }, close + 1))
}

/// Whether `name` matches. Goes back only to the last `*`, so it takes no more than length times length steps.
pub(crate) fn matches(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match tokens.get(token) {
            None if at == name.len() => return true,
            Some(Token::Many) => {
                retry = Some((token + 1, at));
                token += 1;
                continue;
            }
            None => false,
            Some(wanted) => name
                .get(at)
                .is_some_and(|&character| fits(wanted, character)),
        };
        if step {
            token += 1;
            at += 1;
        } else {
            let Some((after, from)) = retry.filter(|(_, from)| *from < name.len()) else {
                return false;
            };
            retry = Some((after, from + 1));
            token = after;
            at = from + 1;
        }
    }
}

fn fits(token: &Token, character: char) -> bool {
    match token {
        Token::Character(wanted) => *wanted == character,
        Token::Any | Token::Many => true,
        Token::Set { negated, ranges } => {
            ranges
                .iter()
                .any(|&(low, high)| low <= character && character <= high)
                != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (pattern, name, expected) in [
            ("*", ".hidden", true),
            ("*.rs", "a.rs", true),
            ("*.rs", "a.rs.bak", false),
            ("a*b*c", "aXXbYYbc", true),
            ("a*b*c", "aXXbYYb", false),
            ("?", "ä", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[x", "[x", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            (
                "*a*a*a*a*a*a*b",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                false,
            ),
        ] {
            assert_eq!(
                matches(&tokens(pattern), name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn alternatives() {
        let expand = |pattern: &str| {
            let mut out = Vec::new();
            expand_braces(String::new(), pattern, &mut out).map(|()| out)
        };
        assert_eq!(expand("a{b,c{d,e}}f").unwrap(), ["abf", "acdf", "acef"]);
        assert_eq!(expand("{a,b}/{c,d}").unwrap(), ["a/c", "a/d", "b/c", "b/d"]);
        assert_eq!(expand("{a").unwrap(), ["{a"]);
        assert!(expand(&"{a,b}".repeat(20)).is_err());
    }

    #[test]
    fn what_could_leave_the_root_is_refused() {
        for pattern in ["", "/etc/*", "../x", "a/../../b", "{..,a}/x"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::parse("a..b/...").is_ok());
    }
}
