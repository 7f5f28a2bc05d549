//! if, loops, case.

use std::fmt::Write as _;

use crate::flow::{Flow, Interrupt};
use crate::kernel::Kind;
use crate::options::{Set, Shopt};
use crate::shell::Shell;
use crate::syntax::ast::{CaseArm, CaseEnd, Program, Word};

/// What a loop does after its body ran.
enum Next {
    Again,
    Leave,
}

impl Shell {
    pub(super) fn run_if(
        &mut self,
        arms: &[(Program, Program)],
        otherwise: Option<&Program>,
    ) -> Flow {
        for (condition, body) in arms {
            if self.unchecked(|shell| shell.run_program(condition))? == 0 {
                return self.run_program(body);
            }
        }
        match otherwise {
            Some(body) => self.run_program(body),
            None => Ok(0),
        }
    }

    /// Runs a body and takes the `break` and `continue` that are meant for this loop.
    fn body(&mut self, body: &Program, status: &mut i32) -> Flow<Next> {
        self.loop_part(status, |shell| shell.run_program(body))
    }

    fn loop_part(&mut self, status: &mut i32, run: impl FnOnce(&mut Self) -> Flow) -> Flow<Next> {
        self.loops += 1;
        let result = run(self);
        self.loops -= 1;
        match result {
            Ok(ended) => {
                *status = ended;
                Ok(Next::Again)
            }
            Err(Interrupt::Break(levels)) => {
                *status = 0;
                if levels > 1 {
                    Err(Interrupt::Break(levels - 1))
                } else {
                    Ok(Next::Leave)
                }
            }
            Err(Interrupt::Continue(levels)) => {
                *status = 0;
                if levels > 1 {
                    Err(Interrupt::Continue(levels - 1))
                } else {
                    Ok(Next::Again)
                }
            }
            Err(other) => Err(other),
        }
    }

    pub(super) fn run_while(&mut self, until: bool, condition: &Program, body: &Program) -> Flow {
        let mut status = 0;
        loop {
            let mut tested = 0;
            let mut continued = true;
            let next = self.loop_part(&mut tested, |shell| {
                let result = shell.unchecked(|shell| shell.run_program(condition));
                continued = result.is_err();
                result
            })?;
            match next {
                Next::Leave => return Ok(0),
                Next::Again if continued => continue,
                Next::Again => {}
            }
            if (tested == 0) == until {
                return Ok(status);
            }
            if let Next::Leave = self.body(body, &mut status)? {
                return Ok(status);
            }
        }
    }

    fn loop_words(&mut self, words: Option<&[Word]>) -> Flow<Vec<String>> {
        match words {
            Some(words) => self.arguments(words),
            None => Ok(self.state.positional.as_ref().clone()),
        }
    }

    pub(super) fn run_for(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &Program,
        line: u32,
    ) -> Flow {
        self.line = line;
        let values = self.loop_words(words)?;
        let mut status = 0;
        let header = words.map(|words| {
            words
                .iter()
                .map(|word| word.raw.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        });
        for value in values {
            self.line = line;
            if self.traps_debug() {
                self.trap_debug_text(&format!(
                    "for {name} in {}",
                    header.as_deref().unwrap_or("\"$@\"")
                ))?;
            }
            if self.is_set(Set::Xtrace) {
                self.trace_line(&format!(
                    "for {name} in {}",
                    header.as_deref().unwrap_or("\"$@\"")
                ))?;
            }
            self.set_loop_variable(name, value)?;
            if let Next::Leave = self.body(body, &mut status)? {
                break;
            }
        }
        Ok(status)
    }

    fn set_loop_variable(&mut self, name: &str, value: String) -> Flow<()> {
        // The variable of a loop that is a name reference is pointed at each word in turn.
        if let Some(variable) = self.state.variables.get_mut(name) {
            if variable
                .attributes
                .has(crate::variables::Attributes::NAMEREF)
            {
                variable.value = crate::variables::Value::Text(value);
                return Ok(());
            }
        }
        self.assign_text(name, &value)
    }

    pub(super) fn run_arithmetic_for(
        &mut self,
        initial: &Word,
        condition: &Word,
        step: &Word,
        body: &Program,
        line: u32,
    ) -> Flow {
        self.line = line;
        let mut status = 0;
        if !self.for_part(initial, 1)?.0 {
            return Ok(1);
        }
        loop {
            self.line = line;
            match self.for_part(condition, 1)? {
                (false, _) => return Ok(1),
                (true, 0) => return Ok(status),
                _ => {}
            }
            if let Next::Leave = self.body(body, &mut status)? {
                return Ok(status);
            }
            self.line = line;
            if !self.for_part(step, 1)?.0 {
                return Ok(1);
            }
        }
    }

    /// One of the three expressions; whether it had a value, and which. A blank one has the value `blank`.
    fn for_part(&mut self, word: &Word, blank: i64) -> Flow<(bool, i64)> {
        let text = self.string(word)?;
        if text.trim().is_empty() {
            return Ok((true, blank));
        }
        if self.is_set(Set::Xtrace) {
            self.trace_line(&format!("(( {} ))", text.trim()))?;
        }
        match self.try_arithmetic(&text)? {
            Ok(value) => Ok((true, value)),
            Err(message) => {
                self.complain(&format!("((: {message}"));
                Ok((false, 0))
            }
        }
    }

    pub(super) fn run_case(&mut self, subject: &Word, arms: &[CaseArm], line: u32) -> Flow {
        self.line = line;
        if self.traps_debug() {
            self.trap_debug_text(&format!("case {} in ", subject.raw))?;
        }
        let text = self.string(subject)?;
        if self.is_set(Set::Xtrace) {
            self.trace_line(&format!(
                "case {} in",
                crate::expand::quoting::when_needed(&text)
            ))?;
        }
        let ignore_case = self.shopt(Shopt::Nocasematch);
        let mut status = 0;
        let mut falls = false;
        for arm in arms {
            let mut matched = falls;
            for pattern in &arm.patterns {
                if matched {
                    break;
                }
                matched = match pattern.literal() {
                    Some(literal) if !ignore_case && !literal.contains(['*', '?', '[', '(']) => {
                        literal == text
                    }
                    _ => {
                        let pattern_text = self.pattern_text(pattern)?;
                        crate::pattern::Pattern::new(
                            &pattern_text,
                            self.shopt(Shopt::Extglob),
                            ignore_case,
                        )
                        .matches(&text)
                    }
                };
            }
            if !matched {
                continue;
            }
            status = self.run_program(&arm.body)?;
            match arm.end {
                CaseEnd::Break => return Ok(status),
                CaseEnd::FallThrough => falls = true,
                CaseEnd::Continue => falls = false,
            }
        }
        Ok(status)
    }

    pub(super) fn run_select(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &Program,
        line: u32,
    ) -> Flow {
        self.line = line;
        let values = self.loop_words(words)?;
        if values.is_empty() {
            return Ok(0);
        }
        let mut status = 0;
        let mut show = true;
        loop {
            if show {
                let menu = menu(&values);
                let _ = self.write(2, &menu);
            }
            let prompt = self.text_of("PS3").unwrap_or_else(|| "#? ".to_owned());
            let _ = self.write(2, &prompt);
            let Some(answer) = self.read_line(0)? else {
                if self
                    .descriptor(0)
                    .is_some_and(|endpoint| endpoint.kind() != Kind::Terminal)
                {
                    let _ = self.write(1, "\n");
                }
                return Ok(1);
            };
            self.put("REPLY", &answer);
            show = answer.is_empty();
            if show {
                continue;
            }
            let chosen = answer
                .trim()
                .parse::<usize>()
                .ok()
                .and_then(|number| values.get(number.checked_sub(1)?))
                .cloned()
                .unwrap_or_default();
            self.assign_text(name, &chosen)?;
            if let Next::Leave = self.body(body, &mut status)? {
                return Ok(status);
            }
            show = self.text_of("REPLY").is_none_or(|reply| reply.is_empty());
        }
    }
}

fn menu(values: &[String]) -> String {
    let width = values.len().to_string().len();
    let mut text = String::new();
    for (index, value) in values.iter().enumerate() {
        let _ = writeln!(text, "{:width$}) {value}", index + 1);
    }
    text
}
