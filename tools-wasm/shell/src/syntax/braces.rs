//! Brace expansion: `a{b,c}d` and `{1..3}`, on source text, before anything else is expanded.

/// The texts that `raw` stands for; `raw` itself when it has no brace expression.
pub(super) fn expand(raw: &str) -> Vec<String> {
    let bytes = raw.as_bytes();
    let mut from = 0;
    while let Some(open) = find_open(bytes, from) {
        let Some((close, commas)) = find_close(bytes, open) else {
            from = open + 1;
            continue;
        };
        let inner = &raw[open + 1..close];
        let choices = if commas.is_empty() {
            match sequence(inner) {
                Some(choices) => choices,
                None => {
                    from = open + 1;
                    continue;
                }
            }
        } else {
            let mut choices = Vec::new();
            let mut start = open + 1;
            for end in commas.into_iter().chain([close]) {
                choices.extend(expand(&raw[start..end]));
                start = end + 1;
            }
            choices
        };
        let prefix = &raw[..open];
        let suffixes = expand(&raw[close + 1..]);
        let mut all = Vec::with_capacity(choices.len() * suffixes.len());
        for choice in &choices {
            for suffix in &suffixes {
                all.push(format!("{prefix}{choice}{suffix}"));
            }
        }
        return all;
    }
    vec![raw.to_owned()]
}

/// Where the quoted or substituted text that begins at `at` ends, if it begins there.
fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let until = |mut at: usize, quote: u8| {
        while at < bytes.len() && bytes[at] != quote {
            at += if bytes[at] == b'\\' && quote != b'\'' {
                2
            } else {
                1
            };
        }
        at + 1
    };
    match bytes[at] {
        b'\\' => Some(at + 2),
        b'$' if bytes.get(at + 1) == Some(&b'\'') => {
            let mut at = at + 2;
            while at < bytes.len() && bytes[at] != b'\'' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            Some(at + 1)
        }
        b'\'' => Some(until(at + 1, b'\'')),
        b'"' => {
            let mut at = at + 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at = match bytes[at] {
                    b'\\' => at + 2,
                    b'$' | b'`' => skip(bytes, at).unwrap_or(at + 1),
                    _ => at + 1,
                };
            }
            Some(at + 1)
        }
        b'`' => Some(until(at + 1, b'`')),
        b'$' | b'<' | b'>' if bytes.get(at + 1) == Some(&b'(') => {
            Some(balanced(bytes, at + 1, b'(', b')'))
        }
        b'$' if bytes.get(at + 1) == Some(&b'{') => Some(balanced(bytes, at + 1, b'{', b'}')),
        _ => None,
    }
}

fn balanced(bytes: &[u8], open: usize, opening: u8, closing: u8) -> usize {
    let mut depth = 0;
    let mut at = open;
    while at < bytes.len() {
        if bytes[at] == opening {
            depth += 1;
        } else if bytes[at] == closing {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        } else if let Some(end) = skip(bytes, at) {
            at = end;
            continue;
        }
        at += 1;
    }
    at
}

fn find_open(bytes: &[u8], mut at: usize) -> Option<usize> {
    while at < bytes.len() {
        match skip(bytes, at) {
            Some(end) => at = end,
            None if bytes[at] == b'{' => return Some(at),
            None => at += 1,
        }
    }
    None
}

/// The closing brace of the one at `open`, and the commas between them at the same depth.
fn find_close(bytes: &[u8], open: usize) -> Option<(usize, Vec<usize>)> {
    let mut commas = Vec::new();
    let mut depth = 0;
    let mut at = open + 1;
    while at < bytes.len() {
        if let Some(end) = skip(bytes, at) {
            at = end;
            continue;
        }
        match bytes[at] {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some((at, commas)),
            b'}' => depth -= 1,
            b',' if depth == 0 => commas.push(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// `1..9`, `a..e`, `01..10..2`.
fn sequence(inner: &str) -> Option<Vec<String>> {
    let mut pieces = inner.split("..");
    let (from, to) = (pieces.next()?, pieces.next()?);
    let step = match pieces.next() {
        Some(step) => step.parse::<i64>().ok()?,
        None => 0,
    };
    if pieces.next().is_some() {
        return None;
    }
    if let (Ok(first), Ok(last)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let padded = |text: &str| {
            text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0')
        };
        let width = if padded(from) || padded(to) {
            from.len().max(to.len())
        } else {
            0
        };
        let values = range(first, last, step)?;
        return Some(
            values
                .map(|value| {
                    if value < 0 {
                        format!("-{:0width$}", -value, width = width.saturating_sub(1))
                    } else {
                        format!("{value:0width$}")
                    }
                })
                .collect(),
        );
    }
    let mut characters = (from.chars(), to.chars());
    match (
        characters.0.next(),
        characters.0.next(),
        characters.1.next(),
        characters.1.next(),
    ) {
        (Some(first), None, Some(last), None)
            if first.is_ascii_alphabetic() && last.is_ascii_alphabetic() =>
        {
            let values = range(i64::from(first as u32), i64::from(last as u32), step)?;
            values
                .map(|value| {
                    let character = u8::try_from(value).ok().map(char::from)?;
                    // What lies between Z and a would otherwise quote or substitute.
                    Some(if character.is_ascii_alphabetic() {
                        character.to_string()
                    } else {
                        format!("\\{character}")
                    })
                })
                .collect()
        }
        _ => None,
    }
}

fn range(first: i64, last: i64, step: i64) -> Option<impl Iterator<Item = i64>> {
    let size = step.checked_abs()?.max(1);
    let count = last.checked_sub(first)?.checked_abs()? / size;
    // More than anybody means; bash would run out of memory.
    if count > 4_000_000 {
        return None;
    }
    let step = if first <= last { size } else { -size };
    Some((0..=count).map(move |index| first + index * step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions() {
        for (raw, want) in [
            ("a{b,c}d", "abd acd"),
            ("{1..3}", "1 2 3"),
            ("{03..1}", "03 02 01"),
            ("{a..e..2}", "a c e"),
            ("{a}", "{a}"),
            ("{a,b}{1,2}", "a1 a2 b1 b2"),
            ("a{b,{c,d}}", "ab ac ad"),
            ("'{a,b}'", "'{a,b}'"),
            ("${x}{a,b}", "${x}a ${x}b"),
            ("{a,b", "{a,b"),
            ("{{a,b}", "{a {b"),
            ("{-1..1}", "-1 0 1"),
        ] {
            assert_eq!(expand(raw).join(" "), want, "{raw}");
        }
    }
}
