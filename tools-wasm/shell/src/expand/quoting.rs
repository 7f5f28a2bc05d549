//! Text as source that reads back to itself.

/// As `printf %q` and `declare -p` of odd names: backslashes, or `$'...'` when there are control characters.
pub fn backslashed(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    if needs_ansi(text) {
        return ansi(text);
    }
    let mut out = String::with_capacity(text.len() + 4);
    for (position, character) in text.chars().enumerate() {
        let special = matches!(
            character,
            ' ' | '\''
                | '"'
                | '\\'
                | '|'
                | '&'
                | ';'
                | '('
                | ')'
                | '<'
                | '>'
                | '!'
                | '{'
                | '}'
                | '*'
                | '['
                | '?'
                | ']'
                | '^'
                | '$'
                | '`'
                | ','
        ) || (position == 0 && matches!(character, '#' | '~'));
        if special {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn needs_ansi(text: &str) -> bool {
    text.chars()
        .any(|character| character.is_control() || crate::text::byte_of_char(character).is_some())
}

/// `$'...'`.
pub fn ansi(text: &str) -> String {
    let mut out = String::from("$'");
    for character in text.chars() {
        match character {
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x1b' => out.push_str("\\E"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            other => match crate::text::byte_of_char(other) {
                Some(byte) => out.push_str(&format!("\\{byte:03o}")),
                None if other.is_control() => out.push_str(&format!("\\{:03o}", other as u32)),
                None => out.push(other),
            },
        }
    }
    out.push('\'');
    out
}

/// `'...'`, always.
pub fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// As `${name@Q}`: single quotes, or `$'...'` when there are control characters.
pub fn for_q(text: &str) -> String {
    if needs_ansi(text) {
        ansi(text)
    } else {
        single(text)
    }
}

/// As `set` and `alias` show values: bare when that is safe.
pub fn when_needed(text: &str) -> String {
    if needs_ansi(text) {
        return ansi(text);
    }
    let special = |character: char| {
        matches!(
            character,
            ' ' | '\''
                | '"'
                | '\\'
                | '|'
                | '&'
                | ';'
                | '('
                | ')'
                | '<'
                | '>'
                | '!'
                | '{'
                | '}'
                | '*'
                | '['
                | '?'
                | ']'
                | '^'
                | '$'
                | '`'
        )
    };
    if text.contains(special)
        || text.starts_with(['#', '~'])
        || text.contains(":~")
        || text.contains("=~")
    {
        single(text)
    } else {
        text.to_owned()
    }
}

/// `"..."`, as `declare -p` shows values; `$'...'` when there are control characters.
pub fn double(text: &str) -> String {
    if needs_ansi(text) {
        return ansi(text);
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

/// The key of an associative array, as `declare -p` shows it.
pub fn key(text: &str) -> String {
    let plain = !text.is_empty()
        && !needs_ansi(text)
        && !text.contains(|character: char| {
            matches!(
                character,
                ' ' | '\''
                    | '"'
                    | '\\'
                    | '|'
                    | '&'
                    | ';'
                    | '('
                    | ')'
                    | '<'
                    | '>'
                    | '!'
                    | '{'
                    | '}'
                    | '*'
                    | '['
                    | '?'
                    | ']'
                    | '^'
                    | '$'
                    | '`'
                    | '@'
            )
        })
        && !text.starts_with(['#', '~']);
    if plain { text.to_owned() } else { double(text) }
}

/// As `set -x` shows words: single quotes for what would be special, `$'...'` for the unprintable.
pub fn traced(text: &str) -> String {
    let special = |character: char| {
        matches!(
            character,
            ' ' | '\t'
                | '\n'
                | '\''
                | '"'
                | '\\'
                | '|'
                | '&'
                | ';'
                | '('
                | ')'
                | '<'
                | '>'
                | '!'
                | '{'
                | '}'
                | '*'
                | '['
                | '?'
                | ']'
                | '^'
                | '$'
                | '`'
        )
    };
    if text.is_empty() {
        "''".to_owned()
    } else if text.contains(special) || text.starts_with(['#', '~']) {
        single(text)
    } else if needs_ansi(text) {
        ansi(text)
    } else {
        text.to_owned()
    }
}
