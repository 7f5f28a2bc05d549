//! Shell patterns, as `fnmatch` takes them: `*` matches slashes too.

/// Whether all of `text` matches `pattern`.
pub fn matches(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let fold = |text: &str| -> Vec<char> {
        if ignore_case {
            text.chars().flat_map(char::to_lowercase).collect()
        } else {
            text.chars().collect()
        }
    };
    let (pattern, text) = (fold(pattern), fold(text));
    // One `*` to come back to is enough: a later one makes the earlier one's choice irrelevant.
    let (mut at, mut here, mut star) = (0, 0, None);
    while here < text.len() {
        match single(&pattern[at..], text[here]) {
            Some(length) => (at, here) = (at + length, here + 1),
            None if pattern.get(at) == Some(&'*') => {
                star = Some((at + 1, here));
                at += 1;
            }
            None => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (at, here) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// The length of the pattern's first element when it matches `letter`. `*` is none of these.
fn single(pattern: &[char], letter: char) -> Option<usize> {
    match pattern.first()? {
        '*' => None,
        '?' => Some(1),
        '\\' if pattern.len() > 1 => (pattern[1] == letter).then_some(2),
        '[' => match class(pattern, letter) {
            Some((length, true)) => Some(length),
            Some((_, false)) => None,
            None => (letter == '[').then_some(1),
        },
        other => (*other == letter).then_some(1),
    }
}

/// `[a-z]`, `[!a]`, `[[:digit:]]`: its length and whether it matches. None when it is not closed.
fn class(pattern: &[char], letter: char) -> Option<(usize, bool)> {
    let mut at = 1;
    let negated = matches!(pattern.get(at), Some('!' | '^'));
    at += usize::from(negated);
    let first = at;
    let mut found = false;
    loop {
        let start = *pattern.get(at)?;
        if start == ']' && at > first {
            return Some((at + 1, found != negated));
        }
        if start == '[' && pattern.get(at + 1) == Some(&':') {
            let end = at + 2 + pattern[at + 2..].iter().position(|letter| *letter == ':')?;
            let name: String = pattern[at + 2..end].iter().collect();
            found |= in_class(&name, letter);
            at = end + 2;
            continue;
        }
        if pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|end| *end != ']') {
            found |= (start..=pattern[at + 2]).contains(&letter);
            at += 3;
        } else {
            found |= start == letter;
            at += 1;
        }
    }
}

fn in_class(name: &str, letter: char) -> bool {
    match name {
        "alnum" => letter.is_alphanumeric(),
        "alpha" => letter.is_alphabetic(),
        "blank" => matches!(letter, ' ' | '\t'),
        "cntrl" => letter.is_control(),
        "digit" => letter.is_ascii_digit(),
        "graph" => !letter.is_control() && !letter.is_whitespace(),
        "lower" => letter.is_lowercase(),
        "print" => !letter.is_control(),
        "punct" => letter.is_ascii_punctuation(),
        "space" => letter.is_whitespace(),
        "upper" => letter.is_uppercase(),
        "xdigit" => letter.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, text, expected) in [
            ("*.rs", "main.rs", true),
            ("*.rs", "main.rsx", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("?at", "cat", true),
            ("[a-c]at", "bat", true),
            ("[!a-c]at", "bat", false),
            ("[]]", "]", true),
            ("[[:digit:]]*", "7up", true),
            ("*/src/*", "./x/src/a/b", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("[", "[", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text, false), expected, "{pattern} {text}");
        }
        assert!(matches("*.RS", "main.rs", true));
    }
}
