//! Bracket expressions, which shell patterns and regular expressions share: `[a-z]`, `[^[:space:]]`.

#[derive(Debug, Clone)]
pub struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
    named: Vec<Named>,
}

#[derive(Debug, Clone, Copy)]
enum Named {
    Alpha,
    Digit,
    Alnum,
    Upper,
    Lower,
    Space,
    Blank,
    Punct,
    Print,
    Graph,
    Control,
    Hex,
    Ascii,
    Word,
}

impl Named {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "alpha" => Self::Alpha,
            "digit" => Self::Digit,
            "alnum" => Self::Alnum,
            "upper" => Self::Upper,
            "lower" => Self::Lower,
            "space" => Self::Space,
            "blank" => Self::Blank,
            "punct" => Self::Punct,
            "print" => Self::Print,
            "graph" => Self::Graph,
            "cntrl" => Self::Control,
            "xdigit" => Self::Hex,
            "ascii" => Self::Ascii,
            "word" => Self::Word,
            _ => return None,
        })
    }

    fn has(self, character: char) -> bool {
        match self {
            Self::Alpha => character.is_alphabetic(),
            Self::Digit => character.is_ascii_digit(),
            Self::Alnum => character.is_alphanumeric(),
            Self::Upper => character.is_uppercase(),
            Self::Lower => character.is_lowercase(),
            Self::Space => character.is_whitespace(),
            Self::Blank => matches!(character, ' ' | '\t'),
            Self::Punct => {
                character.is_ascii_punctuation()
                    || (!character.is_ascii()
                        && !character.is_alphanumeric()
                        && !character.is_whitespace()
                        && !character.is_control())
            }
            Self::Print => !character.is_control(),
            Self::Graph => !character.is_control() && !character.is_whitespace(),
            Self::Control => character.is_control(),
            Self::Hex => character.is_ascii_hexdigit(),
            Self::Ascii => character.is_ascii(),
            Self::Word => character.is_alphanumeric() || character == '_',
        }
    }
}

impl Class {
    /// Parses what follows `[` and returns the rest behind `]`; none when the bracket never closes.
    /// `escapes` says whether a backslash quotes.
    pub fn parse(text: &str, escapes: bool) -> Option<(Self, &str)> {
        let mut rest = text;
        let mut class = Self {
            negated: false,
            ranges: Vec::new(),
            named: Vec::new(),
        };
        if let Some(inner) = rest.strip_prefix(['!', '^']) {
            class.negated = true;
            rest = inner;
        }
        let mut first = true;
        loop {
            let character = rest.chars().next()?;
            if character == ']' && !first {
                return Some((class, &rest[1..]));
            }
            first = false;
            if let Some(inner) = rest.strip_prefix("[:") {
                if let Some(end) = inner.find(":]") {
                    if let Some(named) = Named::from_name(&inner[..end]) {
                        class.named.push(named);
                    }
                    rest = &inner[end + 2..];
                    continue;
                }
            }
            let (low, after) = element(rest, escapes)?;
            rest = after;
            let range = rest
                .strip_prefix('-')
                .filter(|after| !after.starts_with(']') && !after.is_empty());
            match range {
                Some(after) => {
                    let (high, after) = element(after, escapes)?;
                    rest = after;
                    class.ranges.push((low, high));
                }
                None => class.ranges.push((low, low)),
            }
        }
    }

    pub fn matches(&self, character: char, ignore_case: bool) -> bool {
        let has = |character: char| {
            self.ranges
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&character))
                || self.named.iter().any(|named| named.has(character))
        };
        let found = has(character)
            || (ignore_case
                && (character.to_lowercase().any(has) || character.to_uppercase().any(has)));
        found != self.negated
    }
}

fn element(text: &str, escapes: bool) -> Option<(char, &str)> {
    for (open, close) in [("[.", ".]"), ("[=", "=]")] {
        if let Some(inner) = text.strip_prefix(open) {
            let end = inner.find(close)?;
            let name = &inner[..end];
            let character = match name {
                "space" => ' ',
                "hyphen" => '-',
                "left-square-bracket" => '[',
                "right-square-bracket" => ']',
                _ => name.chars().next()?,
            };
            return Some((character, &inner[end + 2..]));
        }
    }
    let mut characters = text.chars();
    let mut character = characters.next()?;
    if character == '\\' && escapes {
        character = characters.next()?;
    }
    Some((character, characters.as_str()))
}
