//! The operations of `${name...}`: defaults, slices, removal, replacement, case.

use super::fields::Fields;
use super::parameter::Held;
use crate::flow::Flow;
use crate::options::Shopt;
use crate::pattern::Pattern;
use crate::shell::Shell;
use crate::syntax::ast::{Alternative, CaseKind, Operation, Parameter, Part, ReplaceKind, Word};
use crate::variables::assign::{NewValue, Place};

impl Shell {
    pub(crate) fn operate(
        &mut self,
        parameter: &Parameter,
        name: &str,
        index: Option<&str>,
        held: Held,
        quoted: bool,
        fields: &mut Fields,
    ) -> Flow<()> {
        let held = match &parameter.operation {
            Operation::Alternative { colon, kind, word } => {
                return self.alternative(*colon, *kind, word, name, index, held, quoted, fields);
            }
            Operation::Length => {
                let length = match &held {
                    Held::Many { values, .. } => values.len(),
                    Held::One(text) => text.chars().count(),
                    Held::Unset => {
                        self.check_bound(name, index, &held)?;
                        0
                    }
                };
                fields.value(&length.to_string(), quoted);
                return Ok(());
            }
            Operation::Slice { offset, length } => {
                self.check_bound(name, index, &held)?;
                self.slice(name, index, held, offset, length.as_ref())?
            }
            Operation::Transform(letter) => {
                if matches!(held, Held::Unset) && !matches!(letter, 'a' | 'A') {
                    self.check_bound(name, index, &held)?;
                }
                self.transform(*letter, name, index, held)?
            }
            operation => {
                self.check_bound(name, index, &held)?;
                match operation {
                    Operation::Remove {
                        suffix,
                        longest,
                        pattern,
                    } => {
                        let pattern = self.pattern(pattern, false)?;
                        each(held, |text| remove(&pattern, text, *suffix, *longest))
                    }
                    Operation::Replace {
                        kind,
                        pattern,
                        replacement,
                    } => {
                        let pattern = self.pattern(pattern, self.shopt(Shopt::Nocasematch))?;
                        let replacement = self.replacement(replacement)?;
                        each(held, |text| replace(&pattern, text, *kind, &replacement))
                    }
                    Operation::Case { kind, all, pattern } => {
                        let pattern = if pattern.parts.is_empty() {
                            None
                        } else {
                            Some(self.pattern(pattern, false)?)
                        };
                        each(held, |text| {
                            change_case(text, *kind, *all, pattern.as_ref())
                        })
                    }
                    _ => held,
                }
            }
        };
        match held {
            Held::Unset if quoted => fields.quoted(""),
            Held::Unset => fields.value("", false),
            Held::One(text) => fields.value(&text, quoted),
            Held::Many { values, star } => fields.list(&values, quoted, star),
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one expression")]
    fn alternative(
        &mut self,
        colon: bool,
        kind: Alternative,
        word: &Word,
        name: &str,
        index: Option<&str>,
        held: Held,
        quoted: bool,
        fields: &mut Fields,
    ) -> Flow<()> {
        let present = match &held {
            Held::Unset => false,
            Held::One(text) => !colon || !text.is_empty(),
            Held::Many { values, .. } => {
                !values.is_empty() && (!colon || values.len() > 1 || !values[0].is_empty())
            }
        };
        match (kind, present) {
            (Alternative::Alternate, false) => {
                if quoted {
                    // `"${@+...}"` of nothing is nothing; of an ordinary parameter an empty string.
                    if !matches!(held, Held::Many { .. }) {
                        fields.quoted("");
                    }
                }
                return Ok(());
            }
            (Alternative::Alternate, true) | (Alternative::Default, false) => {
                return self.alternative_word(word, quoted, fields);
            }
            (Alternative::Assign, false) => {
                if name.is_empty()
                    || !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                {
                    return self.discard(&format!("${name}: cannot assign in this way"));
                }
                let mut inner = Fields::joining(self.text_of("IFS"));
                self.parts(&word.parts, quoted, &mut inner)?;
                let text = inner.join().text;
                let place = Place {
                    name: name.to_owned(),
                    index: index.map(ToOwned::to_owned),
                };
                self.assign(&place, NewValue::Text(text), false)?;
                let text = self.element(name, index)?.unwrap_or_default();
                fields.value(&text, quoted);
                return Ok(());
            }
            (Alternative::Error, false) => {
                let message = self.string(word)?;
                let shown = match index {
                    Some(index) => format!("{name}[{index}]"),
                    None => name.to_owned(),
                };
                let message = match (message.is_empty() && word.parts.is_empty(), colon) {
                    (false, _) => message,
                    (true, true) => "parameter null or not set".to_owned(),
                    (true, false) => "parameter not set".to_owned(),
                };
                self.complain(&format!("{shown}: {message}"));
                return Err(self.fatal());
            }
            _ => {}
        }
        match held {
            Held::Unset => {}
            Held::One(text) => fields.value(&text, quoted),
            Held::Many { values, star } => fields.list(&values, quoted, star),
        }
        Ok(())
    }

    fn alternative_word(&mut self, word: &Word, quoted: bool, fields: &mut Fields) -> Flow<()> {
        if word.parts.is_empty() && quoted {
            fields.quoted("");
        }
        if quoted || !fields.splits() {
            return self.parts(&word.parts, quoted, fields);
        }
        // Outside quotes the text of the word is split as well.
        for part in &word.parts {
            match part {
                Part::Text(text) => fields.value(text, false),
                other => self.parts(std::slice::from_ref(other), false, fields)?,
            }
        }
        Ok(())
    }

    fn slice(
        &mut self,
        name: &str,
        index: Option<&str>,
        held: Held,
        offset: &Word,
        length: Option<&Word>,
    ) -> Flow<Held> {
        let offset_text = self.string(offset)?;
        let offset = self.arithmetic_text(&offset_text)?;
        let length = match length {
            Some(word) => {
                let text = self.string(word)?;
                Some((self.arithmetic_text(&text)?, text))
            }
            None => None,
        };
        match held {
            Held::Unset => Ok(Held::Unset),
            Held::One(text) => {
                let characters: Vec<char> = text.chars().collect();
                let size = characters.len() as i64;
                let start = if offset < 0 { offset + size } else { offset };
                if start < 0 || start > size {
                    return Ok(Held::One(String::new()));
                }
                let end = match length {
                    None => size,
                    Some((length, _)) if length >= 0 => size.min(start.saturating_add(length)),
                    Some((length, shown)) => {
                        if size + length < start {
                            return self
                                .discard(&format!("{}: substring expression < 0", shown.trim()));
                        }
                        size + length
                    }
                };
                Ok(Held::One(
                    characters[start as usize..end as usize].iter().collect(),
                ))
            }
            Held::Many { values, star } => {
                if let Some((length, shown)) = &length {
                    if *length < 0 {
                        return self
                            .discard(&format!("{}: substring expression < 0", shown.trim()));
                    }
                }
                let take = length.map_or(usize::MAX, |(length, _)| length as usize);
                let values = match (name, index) {
                    ("@" | "*", None) => {
                        let mut all = vec![self.name.clone()];
                        all.extend(values);
                        let size = all.len() as i64;
                        let start = if offset < 0 { offset + size } else { offset };
                        if start < 0 {
                            Vec::new()
                        } else {
                            all.into_iter().skip(start as usize).take(take).collect()
                        }
                    }
                    _ => match self.indexed_elements(name) {
                        Some(elements) => {
                            let end = elements.last().map_or(0, |(last, _)| last + 1);
                            let start = if offset < 0 { offset + end } else { offset };
                            if start < 0 {
                                Vec::new()
                            } else {
                                elements
                                    .into_iter()
                                    .filter(|(index, _)| *index >= start)
                                    .map(|(_, value)| value)
                                    .take(take)
                                    .collect()
                            }
                        }
                        None => {
                            let size = values.len() as i64;
                            // The elements of an associative array count from one here.
                            let start = if offset < 0 {
                                offset + size
                            } else {
                                (offset - 1).max(0)
                            };
                            let start = if self.is_associative(name) {
                                start
                            } else {
                                offset
                            };
                            if start < 0 {
                                Vec::new()
                            } else {
                                values.into_iter().skip(start as usize).take(take).collect()
                            }
                        }
                    },
                };
                Ok(Held::Many { values, star })
            }
        }
    }

    /// The replacement of `${name/pattern/...}`, with the places where `&` stands for what matched.
    fn replacement(&mut self, word: &Word) -> Flow<Vec<Option<String>>> {
        let field = self.joined(&word.parts)?;
        if !self.shopt(Shopt::PatsubReplacement) || !field.text.contains('&') {
            return Ok(vec![Some(field.text)]);
        }
        // In the pattern form quoted ampersands stay bare but for the quoting of special characters; mark them apart.
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut escaped = false;
        for (character, quoted) in field.marked() {
            match character {
                '&' if !quoted && !escaped => {
                    pieces.push(Some(std::mem::take(&mut text)));
                    pieces.push(None);
                }
                '&' => {
                    if escaped {
                        text.pop();
                    }
                    text.push('&');
                }
                other => text.push(other),
            }
            escaped = character == '\\' && !quoted && !escaped;
        }
        pieces.push(Some(text));
        Ok(pieces)
    }
}

fn each(held: Held, change: impl Fn(&str) -> String) -> Held {
    match held {
        Held::Unset => Held::Unset,
        Held::One(text) => Held::One(change(&text)),
        Held::Many { values, star } => Held::Many {
            values: values.iter().map(|value| change(value)).collect(),
            star,
        },
    }
}

pub(crate) fn remove(pattern: &Pattern, text: &str, suffix: bool, longest: bool) -> String {
    if let Some(literal) = pattern.literal() {
        let rest = if suffix {
            text.strip_suffix(literal.as_str())
        } else {
            text.strip_prefix(literal.as_str())
        };
        return rest.unwrap_or(text).to_owned();
    }
    let rest = if suffix {
        pattern.suffix(text, longest).map(|start| &text[..start])
    } else {
        pattern.prefix(text, longest).map(|end| &text[end..])
    };
    rest.unwrap_or(text).to_owned()
}

fn fill(replacement: &[Option<String>], matched: &str, out: &mut String) {
    for piece in replacement {
        out.push_str(piece.as_deref().unwrap_or(matched));
    }
}

pub(crate) fn replace(
    pattern: &Pattern,
    text: &str,
    kind: ReplaceKind,
    replacement: &[Option<String>],
) -> String {
    let mut out = String::with_capacity(text.len());
    match kind {
        ReplaceKind::Prefix => match pattern.prefix(text, true) {
            Some(end) => {
                fill(replacement, &text[..end], &mut out);
                out.push_str(&text[end..]);
            }
            None => out.push_str(text),
        },
        ReplaceKind::Suffix => match pattern.suffix(text, true) {
            Some(start) => {
                out.push_str(&text[..start]);
                fill(replacement, &text[start..], &mut out);
            }
            None => out.push_str(text),
        },
        ReplaceKind::First | ReplaceKind::All => {
            if let (Some(literal), [Some(with)]) = (pattern.literal(), replacement) {
                if literal.is_empty() {
                    return text.to_owned();
                }
                return if kind == ReplaceKind::All {
                    text.replace(&literal, with)
                } else {
                    text.replacen(&literal, with, 1)
                };
            }
            let mut rest = text;
            if rest.is_empty() && pattern.matches("") {
                fill(replacement, "", &mut out);
            }
            while let Some(character) = rest.chars().next() {
                match pattern.prefix(rest, true) {
                    Some(end) if end > 0 => {
                        fill(replacement, &rest[..end], &mut out);
                        rest = &rest[end..];
                        if kind == ReplaceKind::First {
                            break;
                        }
                    }
                    _ => {
                        out.push(character);
                        rest = &rest[character.len_utf8()..];
                    }
                }
            }
            out.push_str(rest);
        }
    }
    out
}

fn change_case(text: &str, kind: CaseKind, all: bool, pattern: Option<&Pattern>) -> String {
    let mut out = String::with_capacity(text.len());
    for (position, character) in text.chars().enumerate() {
        let wanted = (all || position == 0)
            && pattern.is_none_or(|pattern| pattern.matches(character.encode_utf8(&mut [0; 4])));
        if !wanted {
            out.push(character);
            continue;
        }
        let upper = match kind {
            CaseKind::Upper => true,
            CaseKind::Lower => false,
            CaseKind::Toggle => !character.is_uppercase(),
        };
        if upper {
            out.extend(character.to_uppercase());
        } else {
            out.extend(character.to_lowercase());
        }
    }
    out
}
