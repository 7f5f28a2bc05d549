//! The shell's patterns. A backslash quotes the next character: that is how expansion marks what was quoted.

use super::class::Class;

#[derive(Debug, Clone)]
pub struct Pattern {
    nodes: Vec<Node>,
    ignore_case: bool,
    extended: bool,
}

#[derive(Debug, Clone)]
enum Node {
    Char(char),
    Any,
    Star,
    Class(Class),
    Extended(Repeat, Vec<Vec<Node>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Optional,
    Any,
    Some,
    Once,
    Not,
}

/// Whether text has a character that could make it a pattern.
pub fn has_wildcard(text: &str, extglob: bool) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'*' | b'?' => return true,
            b'[' if bytes[at + 1..].contains(&b']') => return true,
            b'+' | b'@' | b'!' if extglob && bytes.get(at + 1) == Some(&b'(') => return true,
            _ => {}
        }
        at += 1;
    }
    false
}

/// `text` with everything quoted that could mean something in a pattern.
pub fn quote_into(text: &str, out: &mut String) {
    for character in text.chars() {
        if matches!(
            character,
            '*' | '?'
                | '['
                | ']'
                | '\\'
                | '('
                | ')'
                | '|'
                | '!'
                | '@'
                | '+'
                | '-'
                | '^'
                | ':'
                | '.'
                | '='
        ) {
            out.push('\\');
        }
        out.push(character);
    }
}

impl Pattern {
    pub fn new(text: &str, extglob: bool, ignore_case: bool) -> Self {
        let mut rest = text;
        let mut nodes = Vec::new();
        let mut extended = false;
        while !rest.is_empty() {
            let (mut more, after) = sequence(rest, extglob, &mut extended, false);
            nodes.append(&mut more);
            rest = after;
        }
        Self {
            nodes,
            ignore_case,
            extended,
        }
    }

    /// The text that is the only match, if there is one.
    pub fn literal(&self) -> Option<String> {
        if self.ignore_case {
            return None;
        }
        self.nodes
            .iter()
            .map(|node| {
                if let Node::Char(character) = node {
                    Some(*character)
                } else {
                    None
                }
            })
            .collect()
    }

    pub fn starts_with_dot(&self) -> bool {
        fn dotted(nodes: &[Node]) -> bool {
            match nodes.first() {
                Some(Node::Char('.')) => true,
                Some(Node::Extended(
                    Repeat::Once | Repeat::Some | Repeat::Optional | Repeat::Any,
                    choices,
                )) => choices.iter().any(|choice| dotted(choice)),
                _ => false,
            }
        }
        dotted(&self.nodes)
    }

    pub fn matches(&self, text: &str) -> bool {
        if self.extended {
            self.match_extended(&self.nodes, text, &mut |rest| rest.is_empty())
        } else {
            self.match_simple(text)
        }
    }

    /// The number of characters every match has, if it is fixed.
    fn fixed(&self) -> Option<usize> {
        self.nodes
            .iter()
            .all(|node| matches!(node, Node::Char(_) | Node::Any | Node::Class(_)))
            .then_some(self.nodes.len())
    }

    /// How many bytes at the beginning of `text` match, the most or the fewest.
    pub fn prefix(&self, text: &str, longest: bool) -> Option<usize> {
        if let Some(count) = self.fixed() {
            let end = text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .nth(count)?;
            return self.matches(&text[..end]).then_some(end);
        }
        let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        if longest {
            ends.rev().find(|end| self.matches(&text[..*end]))
        } else {
            ends.find(|end| self.matches(&text[..*end]))
        }
    }

    /// Where the match that ends `text` begins, the longest or the shortest one.
    pub fn suffix(&self, text: &str, longest: bool) -> Option<usize> {
        let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        if longest {
            starts.find(|start| self.matches(&text[*start..]))
        } else {
            starts.rev().find(|start| self.matches(&text[*start..]))
        }
    }

    fn one(&self, node: &Node, character: char) -> bool {
        match node {
            Node::Char(wanted) => {
                *wanted == character
                    || (self.ignore_case && wanted.to_lowercase().eq(character.to_lowercase()))
            }
            Node::Any => true,
            Node::Class(class) => class.matches(character, self.ignore_case),
            Node::Star | Node::Extended(..) => false,
        }
    }

    /// Without extended patterns only the last star can have to give something back.
    fn match_simple(&self, text: &str) -> bool {
        let (mut node, mut rest) = (0, text);
        let mut retry: Option<(usize, &str)> = None;
        loop {
            match self.nodes.get(node) {
                None if rest.is_empty() => return true,
                Some(Node::Star) => {
                    node += 1;
                    if node == self.nodes.len() {
                        return true;
                    }
                    retry = Some((node, rest));
                    continue;
                }
                Some(wanted) => {
                    if let Some(character) = rest.chars().next() {
                        if self.one(wanted, character) {
                            node += 1;
                            rest = &rest[character.len_utf8()..];
                            continue;
                        }
                    }
                }
                None => {}
            }
            let Some((star, from)) = retry else {
                return false;
            };
            let Some(skipped) = from.chars().next() else {
                return false;
            };
            let from = &from[skipped.len_utf8()..];
            retry = Some((star, from));
            (node, rest) = (star, from);
        }
    }

    fn match_extended(
        &self,
        nodes: &[Node],
        text: &str,
        end: &mut dyn FnMut(&str) -> bool,
    ) -> bool {
        let Some((node, following)) = nodes.split_first() else {
            return end(text);
        };
        match node {
            Node::Star => {
                if following.is_empty() {
                    // Shortest first would do as well; the end decides.
                    return text
                        .char_indices()
                        .map(|(at, _)| at)
                        .chain([text.len()])
                        .rev()
                        .any(|at| end(&text[at..]));
                }
                text.char_indices()
                    .map(|(at, _)| at)
                    .chain([text.len()])
                    .any(|at| self.match_extended(following, &text[at..], end))
            }
            Node::Extended(repeat, choices) => {
                self.match_choices(*repeat, choices, following, text, end)
            }
            single => match text.chars().next() {
                Some(character) if self.one(single, character) => {
                    self.match_extended(following, &text[character.len_utf8()..], end)
                }
                _ => false,
            },
        }
    }

    fn match_choices(
        &self,
        repeat: Repeat,
        choices: &[Vec<Node>],
        following: &[Node],
        text: &str,
        end: &mut dyn FnMut(&str) -> bool,
    ) -> bool {
        match repeat {
            Repeat::Not => text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| {
                    let taken = &text[..at];
                    !choices.iter().any(|choice| {
                        self.match_extended(choice, taken, &mut |rest| rest.is_empty())
                    }) && self.match_extended(following, &text[at..], end)
                }),
            Repeat::Once => choices.iter().any(|choice| {
                self.match_extended(choice, text, &mut |rest| {
                    self.match_extended(following, rest, end)
                })
            }),
            Repeat::Optional => {
                choices.iter().any(|choice| {
                    self.match_extended(choice, text, &mut |rest| {
                        self.match_extended(following, rest, end)
                    })
                }) || self.match_extended(following, text, end)
            }
            Repeat::Some => self.match_again(choices, following, text, end),
            Repeat::Any => {
                self.match_again(choices, following, text, end)
                    || self.match_extended(following, text, end)
            }
        }
    }

    fn match_again(
        &self,
        choices: &[Vec<Node>],
        following: &[Node],
        text: &str,
        end: &mut dyn FnMut(&str) -> bool,
    ) -> bool {
        choices.iter().any(|choice| {
            self.match_extended(choice, text, &mut |rest| {
                // A choice that matched nothing would repeat for ever.
                (rest.len() < text.len() && self.match_again(choices, following, rest, end))
                    || self.match_extended(following, rest, end)
            })
        })
    }
}

/// Nodes up to the end, or inside parentheses up to `|` or `)`.
fn sequence<'a>(
    text: &'a str,
    extglob: bool,
    extended: &mut bool,
    inside: bool,
) -> (Vec<Node>, &'a str) {
    let mut nodes = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        if inside && matches!(character, '|' | ')') {
            break;
        }
        if extglob && after.starts_with('(') {
            let repeat = match character {
                '?' => Some(Repeat::Optional),
                '*' => Some(Repeat::Any),
                '+' => Some(Repeat::Some),
                '@' => Some(Repeat::Once),
                '!' => Some(Repeat::Not),
                _ => None,
            };
            if let Some(repeat) = repeat {
                if let Some((choices, after)) = choices(&after[1..], extended) {
                    *extended = true;
                    nodes.push(Node::Extended(repeat, choices));
                    rest = after;
                    continue;
                }
            }
        }
        rest = after;
        match character {
            '*' => {
                if !matches!(nodes.last(), Some(Node::Star)) {
                    nodes.push(Node::Star);
                }
            }
            '?' => nodes.push(Node::Any),
            '[' => match Class::parse(rest, true) {
                Some((class, after)) => {
                    nodes.push(Node::Class(class));
                    rest = after;
                }
                None => nodes.push(Node::Char('[')),
            },
            '\\' => match rest.chars().next() {
                Some(quoted) => {
                    nodes.push(Node::Char(quoted));
                    rest = &rest[quoted.len_utf8()..];
                }
                None => nodes.push(Node::Char('\\')),
            },
            other => nodes.push(Node::Char(other)),
        }
    }
    (nodes, rest)
}

fn choices<'a>(text: &'a str, extended: &mut bool) -> Option<(Vec<Vec<Node>>, &'a str)> {
    let mut choices = Vec::new();
    let mut rest = text;
    loop {
        let (nodes, after) = sequence(rest, true, extended, true);
        choices.push(nodes);
        match after.chars().next()? {
            '|' => rest = &after[1..],
            _ => return Some((choices, &after[1..])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching() {
        for (pattern, text, want) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txd", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[[:digit:]]*", "1abc", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("@(a|b)c", "bc", true),
            ("!(a|b)", "c", true),
            ("!(a|b)", "a", false),
            ("+(ab)", "ababab", true),
            ("*(ab)c", "c", true),
            ("?(x)y", "y", true),
            ("a*b*c", "aXbYbZc", true),
            ("[]a]", "]", true),
            ("[a", "[a", true),
            ("", "", true),
            ("*", "", true),
            ("!(*.txt)", "a.txt", false),
        ] {
            assert_eq!(
                Pattern::new(pattern, true, false).matches(text),
                want,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn ends() {
        let star = Pattern::new("*.", false, false);
        assert_eq!(
            (star.prefix("a.b.c", false), star.prefix("a.b.c", true)),
            (Some(2), Some(4))
        );
        let dot = Pattern::new(".*", false, false);
        assert_eq!(
            (dot.suffix("a.b.c", false), dot.suffix("a.b.c", true)),
            (Some(3), Some(1))
        );
    }
}
