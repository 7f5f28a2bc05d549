//! Running commands.

mod compound;
mod function;
pub mod jobs;
mod pipeline;
mod redirect;
mod run;
mod search;
mod simple;
pub mod stage;
mod subshell;
pub(crate) mod test;
#[cfg(test)]
mod tests;
mod trap;
mod xtrace;

pub(crate) use run::read_until;
pub(crate) use search::Found;
pub use trap::{SIGNALS, signal_name, signal_number};

use std::rc::Rc;

use crate::flow::{Flow, Interrupt};
use crate::options::Set;
use crate::shell::Shell;
use crate::syntax::ast::{Command, CommandKind, Connector, Item, Program};

impl Shell {
    /// Runs a list; the status is that of its last command.
    pub fn run_program(&mut self, program: &Program) -> Flow {
        let mut status = 0;
        for item in &program.items {
            status = self.run_item(item)?;
        }
        if program.items.is_empty() {
            self.state.status = 0;
        }
        Ok(status)
    }

    fn run_item(&mut self, item: &Item) -> Flow {
        if item.background {
            return self.run_background(item);
        }
        let mut status = if item.rest.is_empty() {
            self.run_pipeline(&item.first)?
        } else {
            self.unchecked(|shell| shell.run_pipeline(&item.first))?
        };
        for (position, (connector, pipeline)) in item.rest.iter().enumerate() {
            if (*connector == Connector::And) != (status == 0) {
                continue;
            }
            // Only the last command of the list can end the shell.
            status = if position + 1 == item.rest.len() {
                self.run_pipeline(pipeline)?
            } else {
                self.unchecked(|shell| shell.run_pipeline(pipeline))?
            };
        }
        if !self.pending_signals.is_empty() {
            self.run_pending_traps()?;
        }
        Ok(status)
    }

    /// Runs something whose failure is looked at, so that `set -e` does not apply.
    pub fn unchecked<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        self.unchecked += 1;
        let result = run(self);
        self.unchecked -= 1;
        result
    }

    pub fn run_command(&mut self, command: &Rc<Command>) -> Flow {
        if self.is_set(Set::Noexec) && !self.interactive {
            return Ok(0);
        }
        match &command.kind {
            CommandKind::Simple(simple) => self.run_simple(simple, command),
            CommandKind::Function(function) => {
                self.line = command.line;
                self.define_function(function)
            }
            CommandKind::Coprocess { name, body } => self.run_coprocess(name.as_deref(), body),
            _ if command.redirects.is_empty() => self.run_compound(command),
            _ => {
                let saved = Rc::clone(&self.state.descriptors);
                let substitutions = self.process_descriptors.len();
                self.line = command.line;
                let result = match self.redirect(&command.redirects) {
                    Ok(()) => self.run_compound(command),
                    Err(interrupt) => {
                        self.restore_descriptors(saved, substitutions);
                        return match interrupt {
                            Interrupt::Discard(status) => {
                                self.state.status = status;
                                Ok(status)
                            }
                            other => Err(other),
                        };
                    }
                };
                self.restore_descriptors(saved, substitutions);
                result
            }
        }
    }

    fn run_compound(&mut self, command: &Rc<Command>) -> Flow {
        let status = match &command.kind {
            CommandKind::Group(program) => self.run_program(program)?,
            CommandKind::Subshell(program) => {
                self.line = command.line;
                self.subshell(|shell| shell.run_program(program))?
            }
            CommandKind::If { arms, otherwise } => self.run_if(arms, otherwise.as_ref())?,
            CommandKind::While {
                until,
                condition,
                body,
            } => self.run_while(*until, condition, body)?,
            CommandKind::For { name, words, body } => {
                self.run_for(name, words.as_deref(), body, command.line)?
            }
            CommandKind::Select { name, words, body } => {
                self.run_select(name, words.as_deref(), body, command.line)?
            }
            CommandKind::ArithmeticFor {
                initial,
                condition,
                step,
                body,
            } => self.run_arithmetic_for(initial, condition, step, body, command.line)?,
            CommandKind::Case { subject, arms } => self.run_case(subject, arms, command.line)?,
            CommandKind::Test(expression) => {
                self.line = command.line;
                self.trap_debug(command)?;
                if self.is_set(Set::Xtrace) {
                    self.trace_test(expression)?;
                }
                self.test_expression(expression)?
            }
            CommandKind::Arithmetic(word) => {
                self.line = command.line;
                self.trap_debug(command)?;
                let text = self.string(word)?;
                if self.is_set(Set::Xtrace) {
                    self.trace_line(&format!("(( {} ))", text.trim()))?;
                }
                match self.try_arithmetic(&text)? {
                    Ok(value) => i32::from(value == 0),
                    Err(message) => {
                        self.complain(&format!("((: {message}"));
                        1
                    }
                }
            }
            CommandKind::Simple(_) | CommandKind::Function(_) | CommandKind::Coprocess { .. } => {
                self.run_command(command)?
            }
        };
        self.state.status = status;
        Ok(status)
    }

    /// What `set -e` and the ERR trap say about a status.
    pub(crate) fn check(&mut self, status: i32) -> Flow {
        if status != 0 && self.unchecked == 0 {
            self.trap_error(status)?;
            if self.is_set(Set::Errexit) {
                return Err(Interrupt::Exit(status));
            }
        }
        Ok(status)
    }
}
