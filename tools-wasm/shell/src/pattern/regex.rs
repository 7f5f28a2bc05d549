//! POSIX extended regular expressions, for `[[ text =~ expression ]]`.
//!
//! A program of small steps, run with a record of which (step, place) were seen, so that time is bounded by their
//! product. Among the matches at the leftmost place the longest wins; its groups are those found first.

use super::class::Class;

#[derive(Debug)]
enum Step {
    Char(char),
    Any,
    Class(Class),
    Start,
    End,
    WordBoundary(bool),
    WordEdge {
        begins: bool,
    },
    /// Tries the first, then the second.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Accept,
}

pub struct Regex {
    steps: Vec<Step>,
    groups: usize,
    ignore_case: bool,
}

/// Byte ranges: the whole match, then each group.
pub type Captures = Vec<Option<(usize, usize)>>;

#[derive(Debug)]
enum Node {
    Empty,
    Step(Step),
    Group(usize, Box<Node>),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
}

/// Repetitions multiply the program; this is as far as it may grow.
const STEPS_MAX: usize = 40_000;

impl Regex {
    /// None when `text` is no regular expression.
    pub fn new(text: &str, ignore_case: bool) -> Option<Self> {
        let mut parser = Parser {
            rest: text,
            groups: 0,
        };
        let node = parser.choice()?;
        if !parser.rest.is_empty() {
            return None;
        }
        let mut regex = Self {
            steps: Vec::new(),
            groups: parser.groups,
            ignore_case,
        };
        regex.compile(&node)?;
        regex.steps.push(Step::Accept);
        Some(regex)
    }

    fn compile(&mut self, node: &Node) -> Option<()> {
        if self.steps.len() > STEPS_MAX {
            return None;
        }
        match node {
            Node::Empty => {}
            Node::Step(step) => self.steps.push(match step {
                Step::Char(character) => Step::Char(*character),
                Step::Any => Step::Any,
                Step::Class(class) => Step::Class(class.clone()),
                Step::Start => Step::Start,
                Step::End => Step::End,
                Step::WordBoundary(is) => Step::WordBoundary(*is),
                Step::WordEdge { begins } => Step::WordEdge { begins: *begins },
                _ => return None,
            }),
            Node::Group(number, inner) => {
                self.steps.push(Step::Save(number * 2));
                self.compile(inner)?;
                self.steps.push(Step::Save(number * 2 + 1));
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.compile(node)?;
                }
            }
            Node::Choice(nodes) => {
                let mut jumps = Vec::new();
                for (index, node) in nodes.iter().enumerate() {
                    if index + 1 < nodes.len() {
                        let split = self.steps.len();
                        self.steps.push(Step::Split(split + 1, 0));
                        self.compile(node)?;
                        jumps.push(self.steps.len());
                        self.steps.push(Step::Jump(0));
                        self.steps[split] = Step::Split(split + 1, self.steps.len());
                    } else {
                        self.compile(node)?;
                    }
                }
                let end = self.steps.len();
                for jump in jumps {
                    self.steps[jump] = Step::Jump(end);
                }
            }
            Node::Repeat(inner, least, most) => {
                for _ in 0..*least {
                    self.compile(inner)?;
                }
                match most {
                    None => {
                        let split = self.steps.len();
                        self.steps.push(Step::Split(split + 1, 0));
                        self.compile(inner)?;
                        self.steps.push(Step::Jump(split));
                        self.steps[split] = Step::Split(split + 1, self.steps.len());
                    }
                    Some(most) => {
                        let mut splits = Vec::new();
                        for _ in *least..*most {
                            splits.push(self.steps.len());
                            self.steps.push(Step::Split(self.steps.len() + 1, 0));
                            self.compile(inner)?;
                        }
                        let end = self.steps.len();
                        for split in splits {
                            self.steps[split] = Step::Split(split + 1, end);
                        }
                    }
                }
            }
        }
        Some(())
    }

    pub fn find(&self, text: &str) -> Option<Captures> {
        let width = text.len() + 1;
        let mut seen = vec![false; width.checked_mul(self.steps.len())?];
        for start in text.char_indices().map(|(at, _)| at).chain([text.len()]) {
            let mut best: Option<(usize, Vec<Option<usize>>)> = None;
            let mut stack = vec![(0, start, vec![None; (self.groups + 1) * 2])];
            while let Some((mut step, mut at, mut saves)) = stack.pop() {
                loop {
                    // What was tried from an earlier start and failed there fails again.
                    let mark = step * width + at;
                    if seen[mark] {
                        break;
                    }
                    seen[mark] = true;
                    let next = text[at..].chars().next();
                    match &self.steps[step] {
                        Step::Accept => {
                            if best.as_ref().is_none_or(|(end, _)| at > *end) {
                                best = Some((at, saves.clone()));
                            }
                            break;
                        }
                        Step::Split(first, second) => {
                            stack.push((*second, at, saves.clone()));
                            step = *first;
                            continue;
                        }
                        Step::Jump(to) => {
                            step = *to;
                            continue;
                        }
                        Step::Save(slot) => saves[*slot] = Some(at),
                        Step::Start if at == 0 => {}
                        Step::End if at == text.len() => {}
                        Step::WordBoundary(is) if self.boundary(text, at).0 == *is => {}
                        Step::WordEdge { begins } if self.boundary(text, at) == (true, *begins) => {
                        }
                        other => match next {
                            Some(character) if self.one(other, character) => {
                                at += character.len_utf8()
                            }
                            _ => break,
                        },
                    }
                    step += 1;
                }
            }
            if let Some((end, saves)) = best {
                let mut captures = vec![Some((start, end))];
                captures.extend(
                    (1..=self.groups).map(|group| Some((saves[group * 2]?, saves[group * 2 + 1]?))),
                );
                return Some(captures);
            }
        }
        None
    }

    /// Whether a word begins or ends at `at`, and whether it begins.
    fn boundary(&self, text: &str, at: usize) -> (bool, bool) {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at..].chars().next().is_some_and(is_word);
        (before != after, after)
    }

    fn one(&self, step: &Step, character: char) -> bool {
        match step {
            Step::Char(wanted) => {
                *wanted == character
                    || (self.ignore_case && wanted.to_lowercase().eq(character.to_lowercase()))
            }
            Step::Any => true,
            Step::Class(class) => class.matches(character, self.ignore_case),
            _ => false,
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    groups: usize,
}

impl Parser<'_> {
    fn take(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn choice(&mut self) -> Option<Node> {
        let mut choices = vec![self.sequence()?];
        while self.rest.starts_with('|') {
            self.take();
            choices.push(self.sequence()?);
        }
        Some(if choices.len() == 1 {
            choices.pop()?
        } else {
            Node::Choice(choices)
        })
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        while let Some(next) = self.rest.chars().next() {
            if next == '|' || next == ')' {
                break;
            }
            let mut atom = self.atom()?;
            loop {
                let (least, most) = match self.rest.chars().next() {
                    Some('*') => (0, None),
                    Some('+') => (1, None),
                    Some('?') => (0, Some(1)),
                    Some('{') => match self.counts() {
                        Some(counts) => {
                            atom = Node::Repeat(Box::new(atom), counts.0, counts.1);
                            continue;
                        }
                        None => break,
                    },
                    _ => break,
                };
                self.take();
                atom = Node::Repeat(Box::new(atom), least, most);
            }
            nodes.push(atom);
        }
        Some(if nodes.is_empty() {
            Node::Empty
        } else {
            Node::Sequence(nodes)
        })
    }

    /// `{2}`, `{2,}`, `{2,3}`, `{,3}`.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let inner = self.rest.strip_prefix('{')?;
        let end = inner.find('}')?;
        let text = &inner[..end];
        let counts = match text.split_once(',') {
            Some((least, most)) => {
                let least = if least.is_empty() {
                    0
                } else {
                    least.parse().ok()?
                };
                (
                    least,
                    if most.is_empty() {
                        None
                    } else {
                        Some(most.parse().ok()?)
                    },
                )
            }
            None => {
                let count = text.parse().ok()?;
                (count, Some(count))
            }
        };
        if counts.0 > 1000 || counts.1.is_some_and(|most| most > 1000 || most < counts.0) {
            return None;
        }
        self.rest = &inner[end + 1..];
        Some(counts)
    }

    fn atom(&mut self) -> Option<Node> {
        Some(match self.take()? {
            '(' => {
                self.groups += 1;
                let number = self.groups;
                let inner = self.choice()?;
                if self.take()? != ')' {
                    return None;
                }
                Node::Group(number, Box::new(inner))
            }
            '[' => {
                let (class, rest) = Class::parse(self.rest, false)?;
                self.rest = rest;
                Node::Step(Step::Class(class))
            }
            '.' => Node::Step(Step::Any),
            '^' => Node::Step(Step::Start),
            '$' => Node::Step(Step::End),
            '*' | '+' | '?' => return None,
            '\\' => match self.take()? {
                'b' => Node::Step(Step::WordBoundary(true)),
                'B' => Node::Step(Step::WordBoundary(false)),
                '<' => Node::Step(Step::WordEdge { begins: true }),
                '>' => Node::Step(Step::WordEdge { begins: false }),
                'w' => class("[:alnum:]_]"),
                'W' => class("^[:alnum:]_]"),
                's' => class("[:space:]]"),
                'S' => class("^[:space:]]"),
                other => Node::Step(Step::Char(other)),
            },
            other => Node::Step(Step::Char(other)),
        })
    }
}

fn class(text: &str) -> Node {
    match Class::parse(text, false) {
        Some((class, _)) => Node::Step(Step::Class(class)),
        None => Node::Empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding() {
        for (expression, text, want) in [
            ("b+", "abbbc", Some("bbb")),
            ("^a.c$", "abc", Some("abc")),
            ("(a|ab)(c|bcd)", "abcd", Some("abcd")),
            ("x{2,3}", "xxxx", Some("xxx")),
            ("[0-9]+", "a12b", Some("12")),
            ("^$", "", Some("")),
            ("a", "b", None),
            (r"\.", "a.b", Some(".")),
            ("(a*)*", "aaa", Some("aaa")),
            ("[[:alpha:]]+", "12ab", Some("ab")),
            ("a|b|", "c", Some("")),
        ] {
            let found = Regex::new(expression, false)
                .unwrap()
                .find(text)
                .map(|captures| captures[0].unwrap());
            assert_eq!(
                found.map(|(start, end)| &text[start..end]),
                want,
                "{expression}"
            );
        }
        assert!(Regex::new("a)", false).is_none());
        assert!(Regex::new("(", false).is_none());
    }

    #[test]
    fn groups() {
        let text = "key = value";
        let captures = Regex::new("([a-z]+) *= *(x)?([a-z]+)", false)
            .unwrap()
            .find(text)
            .unwrap();
        let texts: Vec<_> = captures
            .iter()
            .map(|range| range.map(|(start, end)| &text[start..end]))
            .collect();
        assert_eq!(
            texts,
            [Some("key = value"), Some("key"), None, Some("value")]
        );
    }
}
