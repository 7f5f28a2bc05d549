//! Fields under construction: word splitting, and which text was quoted.

use crate::pattern::wildcard;

/// One field. `quoted` are the byte ranges of its text that came from quotes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Field {
    pub(crate) text: String,
    quoted: Vec<(usize, usize)>,
    /// Unquoted text has a character of patterns.
    pub(crate) wild: bool,
}

impl Field {
    /// The text as a pattern, quoted text made literal.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.text.len() + 8);
        let mut at = 0;
        for &(start, end) in &self.quoted {
            pattern.push_str(&self.text[at..start]);
            wildcard::quote_into(&self.text[start..end], &mut pattern);
            at = end;
        }
        pattern.push_str(&self.text[at..]);
        pattern
    }

    /// The text as a regular expression, quoted text made literal.
    pub(crate) fn regex(&self) -> String {
        let mut regex = String::with_capacity(self.text.len() + 8);
        let mut at = 0;
        for &(start, end) in &self.quoted {
            regex.push_str(&self.text[at..start]);
            // Inside a bracket expression a backslash would be itself.
            let bracketed = inside_bracket(&regex);
            for character in self.text[start..end].chars() {
                if !bracketed
                    && matches!(
                        character,
                        '\\' | '^'
                            | '$'
                            | '.'
                            | '['
                            | ']'
                            | '|'
                            | '('
                            | ')'
                            | '*'
                            | '+'
                            | '?'
                            | '{'
                            | '}'
                    )
                {
                    regex.push('\\');
                }
                regex.push(character);
            }
            at = end;
        }
        regex.push_str(&self.text[at..]);
        regex
    }

    /// Each character, and whether it was quoted.
    pub(crate) fn marked(&self) -> impl Iterator<Item = (char, bool)> + '_ {
        self.text.char_indices().map(|(at, character)| {
            (
                character,
                self.quoted
                    .iter()
                    .any(|(start, end)| (*start..*end).contains(&at)),
            )
        })
    }

    fn push(&mut self, text: &str, quoted: bool) {
        let start = self.text.len();
        self.text.push_str(text);
        if quoted {
            if start < self.text.len() {
                match self.quoted.last_mut() {
                    Some(last) if last.1 == start => last.1 = self.text.len(),
                    _ => self.quoted.push((start, self.text.len())),
                }
            }
        } else if !self.wild {
            self.wild = text.contains(['*', '?', '[', '(']);
        }
    }
}

fn inside_bracket(regex: &str) -> bool {
    let mut inside = false;
    let mut escaped = false;
    for byte in regex.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if !inside => escaped = true,
            b'[' => inside = true,
            b']' => inside = false,
            _ => {}
        }
    }
    inside
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing yet.
    Start,
    InField,
    AfterBlank,
    AfterDelimiter,
}

pub(crate) struct Fields {
    done: Vec<Field>,
    current: Field,
    place: Place,
    ifs: String,
    splits: bool,
    /// How `$*` joins.
    joiner: String,
}

impl Fields {
    pub(crate) fn splitting(ifs: Option<String>) -> Self {
        Self::new(ifs, true)
    }

    /// No splitting: everything becomes one field.
    pub(crate) fn joining(ifs: Option<String>) -> Self {
        Self::new(ifs, false)
    }

    fn new(ifs: Option<String>, splits: bool) -> Self {
        let ifs = ifs.unwrap_or_else(|| " \t\n".to_owned());
        let joiner = ifs.chars().next().map(String::from).unwrap_or_default();
        Self {
            done: Vec::new(),
            current: Field::default(),
            place: Place::Start,
            ifs,
            splits,
            joiner,
        }
    }

    pub(crate) fn splits(&self) -> bool {
        self.splits
    }

    /// Text of the script outside quotes.
    pub(crate) fn literal(&mut self, text: &str) {
        self.current.push(text, false);
        self.place = Place::InField;
    }

    /// Text inside quotes; a field even when it is empty.
    pub(crate) fn quoted(&mut self, text: &str) {
        self.current.push(text, true);
        self.place = Place::InField;
    }

    /// The value of an expansion.
    pub(crate) fn value(&mut self, text: &str, quoted: bool) {
        if quoted {
            self.quoted(text);
        } else if !self.splits {
            self.current.push(text, false);
            self.place = Place::InField;
        } else {
            self.split(text);
        }
    }

    fn split(&mut self, text: &str) {
        if self.ifs.is_empty() || !text.contains(|character| self.ifs.contains(character)) {
            if !text.is_empty() {
                self.literal(text);
            }
            return;
        }
        let mut start = 0;
        for (at, character) in text.char_indices() {
            if !self.ifs.contains(character) {
                continue;
            }
            if start < at {
                self.literal_piece(&text[start..at]);
            }
            start = at + character.len_utf8();
            let blank = matches!(character, ' ' | '\t' | '\n');
            match (self.place, blank) {
                (Place::InField, _) => {
                    self.close();
                    self.place = if blank {
                        Place::AfterBlank
                    } else {
                        Place::AfterDelimiter
                    };
                }
                (_, true) => {}
                (Place::AfterBlank, false) => self.place = Place::AfterDelimiter,
                (Place::Start | Place::AfterDelimiter, false) => {
                    self.close();
                    self.place = Place::AfterDelimiter;
                }
            }
        }
        if start < text.len() {
            self.literal_piece(&text[start..]);
        }
    }

    fn literal_piece(&mut self, text: &str) {
        self.current.push(text, false);
        self.place = Place::InField;
    }

    fn close(&mut self) {
        self.done.push(std::mem::take(&mut self.current));
    }

    /// Several values, as of `$@`: each begins a field of its own.
    pub(crate) fn list(&mut self, values: &[String], quoted: bool, star: bool) {
        if !self.splits || (quoted && star) {
            let joiner = if star {
                self.joiner.clone()
            } else {
                " ".to_owned()
            };
            let text = values.join(&joiner);
            if quoted && !values.is_empty() || quoted && star {
                self.quoted(&text);
            } else {
                self.current.push(&text, quoted);
                if !values.is_empty() {
                    self.place = Place::InField;
                }
            }
            return;
        }
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.separate();
            }
            if quoted {
                self.quoted(value);
            } else {
                self.split(value);
            }
        }
    }

    /// Ends the current field, if there is one.
    pub(crate) fn separate(&mut self) {
        if self.place == Place::InField {
            self.close();
        }
        self.place = Place::Start;
    }

    pub(crate) fn finish(mut self) -> Vec<Field> {
        if self.place == Place::InField {
            self.close();
        }
        self.done
    }

    pub(crate) fn join(self) -> Field {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(ifs: &str, values: &[&str]) -> Vec<String> {
        let mut fields = Fields::splitting(Some(ifs.to_owned()));
        for value in values {
            fields.value(value, false);
        }
        fields
            .finish()
            .into_iter()
            .map(|field| field.text)
            .collect()
    }

    #[test]
    fn splitting() {
        for (ifs, values, want) in [
            (" ", &["a b"][..], "a|b"),
            (" ", &[" a  b "], "a|b"),
            (":", &["a::b"], "a||b"),
            (":", &["a:"], "a"),
            (":", &[":a"], "|a"),
            (" :", &["a : b"], "a|b"),
            (" :", &[" :a"], "|a"),
            (":", &["a:", ":b"], "a||b"),
            ("", &["a b"], "a b"),
            (" ", &["a ", "b"], "a|b"),
            (" ", &[""], ""),
        ] {
            assert_eq!(split(ifs, values).join("|"), want, "{ifs:?} {values:?}");
        }
    }
}
