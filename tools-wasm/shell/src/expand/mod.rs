//! Expansion: words to arguments.

mod arithmetic;
mod fields;
mod operation;
mod parameter;
pub mod prompt;
pub mod quoting;
mod substitution;
mod transform;

use std::rc::Rc;

use crate::flow::{Flow, Interrupt};
use crate::options::{Set, Shopt};
use crate::pattern::glob::{GlobOptions, glob};
use crate::pattern::{Pattern, wildcard};
use crate::shell::Shell;
use crate::syntax::ast::{Part, Word};
use crate::syntax::{Mode, Parser};

pub(crate) use fields::{Field, Fields};
pub(crate) use substitution::read_all;
pub(crate) use transform::{declaration, value_text};

impl Shell {
    /// The arguments that `words` stand for.
    pub fn arguments(&mut self, words: &[Word]) -> Flow<Vec<String>> {
        let mut arguments = Vec::with_capacity(words.len());
        for word in words {
            self.word(word, &mut arguments)?;
        }
        Ok(arguments)
    }

    pub fn word(&mut self, word: &Word, arguments: &mut Vec<String>) -> Flow<()> {
        if word.assignment.is_some() {
            // It stood behind a name like `declare`, but that is something else here.
            let plain = self.parse_word(&word.raw)?;
            return self.word(&plain, arguments);
        }
        if !word.braces.is_empty() && self.is_set(Set::Braceexpand) {
            for word in &word.braces {
                self.word(word, arguments)?;
            }
            return Ok(());
        }
        match word.parts.as_slice() {
            [Part::Text(text)] if !text.contains(['*', '?', '[', '(']) => {
                arguments.push(text.clone())
            }
            [Part::Quoted(text)] => arguments.push(text.clone()),
            parts => {
                let mut fields = Fields::splitting(self.text_of("IFS"));
                self.parts(parts, false, &mut fields)?;
                for field in fields.finish() {
                    self.paths(field, arguments)?;
                }
            }
        }
        Ok(())
    }

    /// Pathname expansion of one field.
    fn paths(&mut self, field: Field, arguments: &mut Vec<String>) -> Flow<()> {
        let extglob = self.shopt(Shopt::Extglob);
        if !field.wild || self.is_set(Set::Noglob) {
            arguments.push(field.text);
            return Ok(());
        }
        let pattern = field.pattern();
        if !wildcard::has_wildcard(&pattern, extglob) {
            arguments.push(field.text);
            return Ok(());
        }
        let ignored = self
            .text_of("GLOBIGNORE")
            .filter(|ignored| !ignored.is_empty());
        let options = GlobOptions {
            dotglob: self.shopt(Shopt::Dotglob) || ignored.is_some(),
            globstar: self.shopt(Shopt::Globstar),
            extglob,
            ignore_case: self.shopt(Shopt::Nocaseglob),
        };
        let mut found = glob(
            self.kernel.as_ref(),
            &self.state.directory,
            &pattern,
            options,
        );
        if let Some(ignored) = ignored {
            let patterns: Vec<_> = split_outside_brackets(&ignored)
                .iter()
                .map(|text| Pattern::new(text, extglob, options.ignore_case))
                .collect();
            found.retain(|path| {
                !matches!(path.as_str(), "." | "..")
                    && !patterns.iter().any(|pattern| pattern.matches(path))
            });
        }
        if !found.is_empty() {
            arguments.extend(found);
        } else if self.shopt(Shopt::Failglob) {
            return self.discard(&format!("no match: {}", field.text));
        } else if !self.shopt(Shopt::Nullglob) {
            arguments.push(field.text);
        }
        Ok(())
    }

    /// The text of a word that is not split: the right side of an assignment, a subscript, a here-document.
    pub fn string(&mut self, word: &Word) -> Flow<String> {
        match word.parts.as_slice() {
            [] => Ok(String::new()),
            [Part::Text(text) | Part::Quoted(text)] => Ok(text.clone()),
            parts => Ok(self.joined(parts)?.text),
        }
    }

    /// The text of a word as a pattern: what is quoted matches only itself.
    pub fn pattern_text(&mut self, word: &Word) -> Flow<String> {
        match word.parts.as_slice() {
            [] => Ok(String::new()),
            [Part::Text(text)] => Ok(text.clone()),
            parts => Ok(self.joined(parts)?.pattern()),
        }
    }

    pub(crate) fn joined(&mut self, parts: &[Part]) -> Flow<Field> {
        let mut fields = Fields::joining(self.text_of("IFS"));
        self.parts(parts, false, &mut fields)?;
        Ok(fields.join())
    }

    pub fn pattern(&mut self, word: &Word, ignore_case: bool) -> Flow<Pattern> {
        let text = self.pattern_text(word)?;
        Ok(Pattern::new(&text, true, ignore_case))
    }

    /// Text from outside the script, taken apart as a word.
    pub fn parse_word(&mut self, text: &str) -> Flow<Word> {
        self.parse_text(text, Mode::All)
    }

    pub fn parse_text(&mut self, text: &str, mode: Mode) -> Flow<Word> {
        let mut parser = Parser::new(text, self.line, self.parse_options());
        match parser.parts(mode) {
            Ok(parts) => Ok(Word {
                raw: text.to_owned(),
                parts,
                ..Word::default()
            }),
            Err(error) => {
                for message in error.messages() {
                    self.complain(&message);
                }
                Err(Interrupt::Discard(1))
            }
        }
    }

    pub(crate) fn parts(&mut self, parts: &[Part], quoted: bool, fields: &mut Fields) -> Flow<()> {
        for part in parts {
            match part {
                Part::Text(text) if quoted => fields.quoted(text),
                Part::Text(text) => fields.literal(text),
                Part::Quoted(text) => fields.quoted(text),
                Part::Double(inner) => {
                    if inner.is_empty() {
                        fields.quoted("");
                    }
                    self.parts(inner, true, fields)?;
                }
                Part::Tilde(user) => match self.tilde(user) {
                    Some(home) => fields.quoted(&home),
                    None => fields.literal(&format!("~{user}")),
                },
                Part::Parameter(parameter) => self.parameter(parameter, quoted, fields)?,
                Part::Command(substitution) => {
                    let output = self.substitute(substitution)?;
                    fields.value(&output, quoted);
                }
                Part::Arithmetic(word) => {
                    let value = self.arithmetic_word(word)?;
                    fields.value(&value.to_string(), quoted);
                }
                Part::Process { output, body } => {
                    let path = self.process_substitution(*output, Rc::clone(body))?;
                    fields.quoted(&path);
                }
            }
        }
        Ok(())
    }

    fn tilde(&mut self, user: &str) -> Option<String> {
        match user {
            "" => Some(
                self.text_of("HOME")
                    .unwrap_or_else(|| "/home/agent".to_owned()),
            ),
            "+" => self.text_of("PWD"),
            "-" => self.text_of("OLDPWD"),
            "root" => Some("/root".to_owned()),
            "agent" => Some("/home/agent".to_owned()),
            _ => {
                let number: usize = user.trim_start_matches(['+', '-']).parse().ok()?;
                let mut stack: Vec<String> = vec![self.state.directory.clone()];
                stack.extend(self.state.directory_stack.iter().rev().cloned());
                if user.starts_with('-') {
                    stack
                        .len()
                        .checked_sub(number + 1)
                        .and_then(|at| stack.get(at).cloned())
                } else {
                    stack.get(number).cloned()
                }
            }
        }
    }
}

/// The patterns of GLOBIGNORE: colons inside brackets do not separate.
fn split_outside_brackets(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut inside = false;
    let mut previous = ' ';
    for character in text.chars() {
        match character {
            '[' if previous != '\\' => inside = true,
            ']' => inside = false,
            ':' if !inside && previous != '\\' => {
                all.push(String::new());
                previous = character;
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(character);
        }
        previous = character;
    }
    all
}
