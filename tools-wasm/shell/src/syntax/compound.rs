//! Compound commands: if, loops, case, groups, functions, coprocesses.

use std::rc::Rc;

use super::ast::{CaseArm, CaseEnd, Command, CommandKind, Function, Program, Word};
use super::input::{Parsed, Parser};
use super::word::{Mode, is_name};

impl Parser<'_> {
    /// The compound command that `word` begins, or none when it is an ordinary word here.
    pub(super) fn compound(&mut self, word: &'static str) -> Parsed<Option<CommandKind>> {
        let kind = match word {
            "if" => {
                self.at += word.len();
                self.conditional()?
            }
            "while" | "until" => {
                self.at += word.len();
                let condition = self.body()?;
                let body = self.loop_body()?;
                CommandKind::While {
                    until: word == "until",
                    condition,
                    body,
                }
            }
            "for" => {
                self.at += word.len();
                self.for_loop()?
            }
            "select" => {
                self.at += word.len();
                let (name, words) = self.loop_head()?;
                CommandKind::Select {
                    name,
                    words,
                    body: self.loop_body()?,
                }
            }
            "case" => {
                self.at += word.len();
                self.case()?
            }
            "{" => {
                self.at += 1;
                let program = self.body()?;
                self.expect_reserved("}")?;
                CommandKind::Group(program)
            }
            "[[" => {
                self.at += 2;
                CommandKind::Test(self.test_expression()?)
            }
            "function" => {
                self.at += word.len();
                self.skip_blanks();
                let line = self.line;
                let name = self.word()?.raw;
                if name.is_empty() {
                    return Err(self.unexpected());
                }
                self.skip_blanks();
                if self.peek() == Some(b'(') {
                    let place = self.at;
                    self.at += 1;
                    self.skip_blanks();
                    if !self.eat(")") {
                        self.at = place;
                    }
                }
                self.function_body(name, line)?
            }
            "coproc" => {
                self.at += word.len();
                self.coprocess()?
            }
            "!" | "time" | "in" | "[" | "]]" => return Ok(None),
            _ => return Err(self.unexpected()),
        };
        Ok(Some(kind))
    }

    fn conditional(&mut self) -> Parsed<CommandKind> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.body()?;
            self.expect_reserved("then")?;
            arms.push((condition, self.body()?));
            self.skip_newlines()?;
            if self.eat_reserved("elif") {
                continue;
            }
            if self.eat_reserved("else") {
                otherwise = Some(self.body()?);
            }
            self.expect_reserved("fi")?;
            return Ok(CommandKind::If { arms, otherwise });
        }
    }

    /// `do ...; done` or `{ ...; }`.
    fn loop_body(&mut self) -> Parsed<Program> {
        self.skip_newlines()?;
        let end = if self.eat_reserved("{") {
            "}"
        } else {
            self.expect_reserved("do")?;
            "done"
        };
        let body = self.body()?;
        self.expect_reserved(end)?;
        Ok(body)
    }

    fn for_loop(&mut self) -> Parsed<CommandKind> {
        self.skip_blanks();
        if self.looking_at("((") {
            self.at += 2;
            let mut sections = Vec::with_capacity(3);
            for index in 0..3 {
                sections.push(self.word_in(Mode::ForPart)?);
                if index < 2 && !self.eat(";") {
                    return Err(self.unexpected());
                }
            }
            if !self.eat("))") {
                return Err(self.unexpected());
            }
            self.skip_blanks();
            if self.peek() == Some(b';') {
                self.at += 1;
            }
            let body = self.loop_body()?;
            let (Some(step), Some(condition), Some(initial)) =
                (sections.pop(), sections.pop(), sections.pop())
            else {
                return Err(self.unexpected());
            };
            return Ok(CommandKind::ArithmeticFor {
                initial,
                condition,
                step,
                body,
            });
        }
        let (name, words) = self.loop_head()?;
        Ok(CommandKind::For {
            name,
            words,
            body: self.loop_body()?,
        })
    }

    /// `name [in words]` with the separator after it.
    fn loop_head(&mut self) -> Parsed<(String, Option<Vec<Word>>)> {
        self.skip_blanks();
        let start = self.at;
        let name = self.word()?.raw;
        if name.is_empty() {
            return Err(self.unexpected());
        }
        if !is_name(&name) {
            self.at = start;
            return Err(self.error(&format!("`{name}': not a valid identifier")));
        }
        self.skip_blanks();
        if self.peek() == Some(b';') {
            self.at += 1;
            return Ok((name, None));
        }
        self.skip_newlines()?;
        if !self.eat_reserved("in") {
            return Ok((name, None));
        }
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b';') => {
                    self.at += 1;
                    break;
                }
                Some(b'\n') => {
                    self.newline()?;
                    break;
                }
                _ => {}
            }
            let word = self.word()?;
            if word.raw.is_empty() {
                return Err(self.unexpected());
            }
            words.push(word);
        }
        Ok((name, Some(words)))
    }

    fn case(&mut self) -> Parsed<CommandKind> {
        self.skip_blanks();
        let subject = self.word()?;
        if subject.raw.is_empty() {
            return Err(self.unexpected());
        }
        self.expect_reserved("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.eat_reserved("esac") {
                return Ok(CommandKind::Case { subject, arms });
            }
            let opened = self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.skip_blanks();
                if opened && self.reserved() == Some("esac") && patterns.is_empty() {
                    return Err(self.unexpected());
                }
                let pattern = self.word_in(Mode::Normal)?;
                if pattern.raw.is_empty() {
                    return Err(self.unexpected());
                }
                patterns.push(pattern);
                self.skip_blanks();
                if self.eat(")") {
                    break;
                }
                if self.looking_at("||") || !self.eat("|") {
                    return Err(self.unexpected());
                }
            }
            let body = self.compound_list()?;
            self.skip_newlines()?;
            let end = if self.eat(";;&") {
                CaseEnd::Continue
            } else if self.eat(";&") {
                CaseEnd::FallThrough
            } else if self.eat(";;") || self.reserved() == Some("esac") {
                CaseEnd::Break
            } else {
                return Err(self.unexpected());
            };
            arms.push(CaseArm {
                patterns,
                body,
                end,
            });
        }
    }

    /// The body of a function whose name and parentheses were passed.
    pub(super) fn function_body(&mut self, name: String, line: u32) -> Parsed<CommandKind> {
        self.skip_newlines()?;
        let fits = self.peek() == Some(b'(')
            || self.reserved().is_some_and(|word| {
                matches!(
                    word,
                    "{" | "if" | "while" | "until" | "for" | "case" | "select" | "[["
                )
            });
        if !fits {
            return Err(self.unexpected());
        }
        let start = self.at;
        let lines = "\n".repeat(usize::try_from(self.line.saturating_sub(line)).unwrap_or(0));
        let body = Rc::new(self.command()?);
        // A here-document that is still to come, or an alias, would be missing from the text.
        let whole = self.pending.is_empty() && self.expanding.is_empty();
        let source = whole.then(|| format!("{name} () {lines}{}", &self.text[start..self.at]));
        Ok(CommandKind::Function(Rc::new(Function {
            name,
            line,
            body,
            source,
        })))
    }

    fn coprocess(&mut self) -> Parsed<CommandKind> {
        self.skip_blanks();
        let is_compound = |parser: &mut Self| {
            parser.peek() == Some(b'(')
                || parser.reserved().is_some_and(|word| {
                    matches!(
                        word,
                        "{" | "if" | "while" | "until" | "for" | "case" | "select" | "[["
                    )
                })
        };
        if is_compound(self) {
            return Ok(CommandKind::Coprocess {
                name: None,
                body: Rc::new(self.command()?),
            });
        }
        // A name counts only before a compound command.
        let place = (self.at, self.line);
        let name = self.word()?.raw;
        self.skip_blanks();
        if is_name(&name) && is_compound(self) {
            return Ok(CommandKind::Coprocess {
                name: Some(name),
                body: Rc::new(self.command()?),
            });
        }
        (self.at, self.line) = place;
        let body: Command = self.command()?;
        Ok(CommandKind::Coprocess {
            name: None,
            body: Rc::new(body),
        })
    }
}
