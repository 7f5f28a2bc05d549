//! Simple commands.

use std::rc::Rc;

use crate::builtins::{Argument, Builtin, NamedValue};
use crate::flow::{Flow, Interrupt};
use crate::options::Set;
use crate::shell::Shell;
use crate::syntax::ast::{AssignedValue, Assignment, Command, Element, Simple, Word};
use crate::variables::assign::{NewElement, NewValue, Place};
use crate::variables::{Attributes, ScopeKind};

impl Shell {
    pub(super) fn run_simple(&mut self, simple: &Simple, command: &Rc<Command>) -> Flow {
        self.line = command.line;
        if self.traps_debug() {
            self.trap_debug(command)?;
            self.line = command.line;
        }
        if self.in_trap.is_empty() {
            self.current_command = Some(Rc::clone(command));
            self.current_head = None;
        }
        self.substitution_status = None;
        let substitutions = self.process_descriptors.len();
        let result = self.run_simple_inner(simple, command);
        if self.process_descriptors.len() > substitutions {
            let saved = Rc::clone(&self.state.descriptors);
            self.restore_descriptors(saved, substitutions);
        }
        if let Ok(status) = result {
            self.state.status = status;
        }
        result
    }

    fn run_simple_inner(&mut self, simple: &Simple, command: &Rc<Command>) -> Flow {
        let declares = simple.words.iter().any(|word| word.assignment.is_some())
            && simple
                .words
                .iter()
                .filter_map(|word| word.literal())
                .find(|word| !matches!(*word, "command" | "builtin" | "--"))
                .is_some_and(|name| {
                    self.is_builtin(name) && !self.state.functions.contains_key(name)
                });
        let mut arguments = if declares {
            self.arguments(&simple.words[..position_of_assignment(&simple.words)])?
        } else {
            self.arguments(&simple.words)?
        };
        if arguments.is_empty() && !declares {
            return self.run_assignments(simple, command);
        }
        // Which command is it? Functions first, unless a special builtin in POSIX mode.
        let first = arguments.first().map_or("", String::as_str);
        let function = self.state.functions.get(first).cloned();
        let builtin = if function.is_none() {
            self.builtin(first)
        } else {
            None
        };
        if declares {
            return self.run_declaration(simple, command, arguments);
        }
        if self.is_set(Set::Xtrace) {
            self.trace_simple(&simple.assignments, &arguments)?;
        }
        if let Some(last) = arguments.last() {
            if simple.words.len() > 0 {
                self.current_argument(last.clone());
            }
        }
        if let Some(function) = function {
            arguments.remove(0);
            let name = simple_name(simple, self, &function);
            let last = self.state.last_argument.clone();
            let result = self.with_environment(simple, command, |shell| {
                shell.call_function(&name, &function, arguments)
            });
            self.state.last_argument = last;
            return result;
        }
        match builtin {
            Some(builtin) => self.run_builtin_command(simple, command, builtin, &arguments),
            None => self.run_external(simple, command, &arguments),
        }
    }

    fn current_argument(&mut self, last: String) {
        self.state.last_argument = last;
    }

    /// Assignments and redirections without a command.
    fn run_assignments(&mut self, simple: &Simple, command: &Rc<Command>) -> Flow {
        if !command.redirects.is_empty() {
            let saved = Rc::clone(&self.state.descriptors);
            let substitutions = self.process_descriptors.len();
            let result = self.redirect(&command.redirects);
            self.restore_descriptors(saved, substitutions);
            match result {
                Ok(()) => {}
                Err(Interrupt::Discard(status)) => {
                    // The assignments are made all the same.
                    for assignment in &simple.assignments {
                        self.perform(assignment)?;
                    }
                    return Ok(status);
                }
                Err(other) => return Err(other),
            }
        }
        for assignment in &simple.assignments {
            match self.perform(assignment) {
                Ok(()) => {}
                Err(other) => return Err(other),
            }
        }
        self.state.last_argument.clear();
        Ok(self.substitution_status.unwrap_or(0))
    }

    fn perform(&mut self, assignment: &Assignment) -> Flow<()> {
        let (place, value) = self.prepared(assignment)?;
        if self.is_set(Set::Xtrace) {
            self.trace_assignment(assignment, &value)?;
        }
        match self.assign(&place, value, assignment.append) {
            // A variable that refuses its value is a failed command as well.
            Err(Interrupt::Discard(status)) if self.is_set(Set::Errexit) && self.unchecked == 0 => {
                Err(Interrupt::Exit(status))
            }
            other => other,
        }
    }

    /// An assignment with its words expanded.
    fn prepared(&mut self, assignment: &Assignment) -> Flow<(Place, NewValue)> {
        let index = match &assignment.index {
            Some(word) => {
                let text = self.subscript(&assignment.name, word)?;
                if text.is_empty() && word.raw.is_empty() {
                    self.complain(&format!("{}[]: bad array subscript", assignment.name));
                    return Err(Interrupt::Discard(1));
                }
                Some(text)
            }
            None => None,
        };
        let place = Place {
            name: assignment.name.clone(),
            index,
        };
        let value = match &assignment.value {
            AssignedValue::Scalar(word) => NewValue::Text(self.string(word)?),
            AssignedValue::Array(elements) => {
                let associative = self.is_associative(&assignment.name);
                NewValue::Array(self.new_elements(elements, associative)?)
            }
        };
        Ok((place, value))
    }

    pub(crate) fn new_elements(
        &mut self,
        elements: &[Element],
        associative: bool,
    ) -> Flow<Vec<NewElement>> {
        let mut all = Vec::with_capacity(elements.len());
        for element in elements {
            match &element.index {
                Some(index) => {
                    let index = self.string(index)?;
                    let value = self.string(&element.value)?;
                    all.push(NewElement {
                        index: Some(index),
                        append: element.append,
                        value,
                    });
                }
                None if associative => {
                    // Keys and values alternate, and none of them is split.
                    let value = self.string(&element.value)?;
                    all.push(NewElement {
                        index: None,
                        append: false,
                        value,
                    });
                }
                None => {
                    let mut values = Vec::new();
                    self.word(&element.value, &mut values)?;
                    all.extend(values.into_iter().map(|value| NewElement {
                        index: None,
                        append: false,
                        value,
                    }));
                }
            }
        }
        Ok(all)
    }

    /// Runs something with the command's redirections and the assignments before it in effect.
    fn with_environment(
        &mut self,
        simple: &Simple,
        command: &Rc<Command>,
        run: impl FnOnce(&mut Self) -> Flow,
    ) -> Flow {
        let saved = if command.redirects.is_empty() {
            None
        } else {
            Some(Rc::clone(&self.state.descriptors))
        };
        let substitutions = self.process_descriptors.len();
        if saved.is_some() {
            match self.redirect(&command.redirects) {
                Ok(()) => {}
                Err(interrupt) => {
                    if let Some(saved) = saved {
                        self.restore_descriptors(saved, substitutions);
                    }
                    return match interrupt {
                        Interrupt::Discard(status) => Ok(status),
                        other => Err(other),
                    };
                }
            }
        }
        let depth = self.state.variables.depth();
        let result = match self.push_environment(simple) {
            Ok(()) => run(self),
            Err(interrupt) => Err(interrupt),
        };
        self.state.variables.truncate(depth);
        if let Some(saved) = saved {
            self.restore_descriptors(saved, substitutions);
        }
        result
    }

    /// The assignments before a command, in a scope of their own.
    fn push_environment(&mut self, simple: &Simple) -> Flow<()> {
        if simple.assignments.is_empty() {
            return Ok(());
        }
        let mut values = Vec::with_capacity(simple.assignments.len());
        self.state.variables.push(ScopeKind::Temporary);
        for assignment in &simple.assignments {
            let (place, value) = self.prepared(assignment)?;
            if self
                .state
                .variables
                .get(&place.name)
                .is_some_and(|variable| variable.attributes.has(Attributes::READONLY))
            {
                self.complain(&format!("{}: readonly variable", place.name));
                continue;
            }
            // The scope is the innermost one; what was visible gives what is appended to.
            let scope = self.state.variables.depth() - 1;
            if assignment.append || place.index.is_some() {
                if let Some(old) = self.state.variables.get(&place.name).cloned() {
                    self.state.variables.insert_in(scope, &place.name, old);
                }
            }
            if self.is_computed(&place.name) {
                self.state.variables.entry_in(scope, &place.name);
            }
            let NewValue::Text(text) = value else {
                // An array cannot be exported; bash passes its source.
                let AssignedValue::Array(elements) = &assignment.value else {
                    continue;
                };
                let raw: Vec<_> = elements
                    .iter()
                    .map(|element| element.value.raw.as_str())
                    .collect();
                let text = format!("({})", raw.join(" "));
                let variable = self.state.variables.entry_in(scope, &place.name);
                variable.value = crate::variables::Value::Text(text);
                variable.attributes.set(Attributes::EXPORT, true);
                continue;
            };
            self.assign_in(scope, &place, NewValue::Text(text), assignment.append)?;
            self.state
                .variables
                .entry_in(scope, &place.name)
                .attributes
                .set(Attributes::EXPORT, true);
            values.push(place.name);
        }
        Ok(())
    }

    fn run_builtin_command(
        &mut self,
        simple: &Simple,
        command: &Rc<Command>,
        builtin: Builtin,
        arguments: &[String],
    ) -> Flow {
        let name = arguments[0].as_str();
        if name == "exec" {
            return self.run_exec(simple, command, arguments);
        }
        let special = crate::builtins::is_special(name);
        if special && !simple.assignments.is_empty() && self.is_set(Set::Posix) {
            for assignment in &simple.assignments {
                self.perform(assignment)?;
            }
            let bare = Simple::default();
            return self.with_environment(&bare, command, |shell| builtin(shell, arguments));
        }
        self.with_environment(simple, command, |shell| builtin(shell, arguments))
    }

    /// `exec`: its redirections stay.
    fn run_exec(&mut self, simple: &Simple, command: &Rc<Command>, arguments: &[String]) -> Flow {
        let saved = Rc::clone(&self.state.descriptors);
        match self.redirect(&command.redirects) {
            Ok(()) => {}
            Err(Interrupt::Discard(status)) => {
                self.state.descriptors = saved;
                // A failing exec ends a shell that nobody types at.
                return if self.interactive || arguments.len() == 1 {
                    Ok(status)
                } else {
                    Err(Interrupt::Exit(status))
                };
            }
            Err(other) => return Err(other),
        }
        if arguments.len() > 1 {
            let depth = self.state.variables.depth();
            self.push_environment(simple)?;
            let result = self.exec_program(arguments);
            self.state.variables.truncate(depth);
            if result.is_ok() {
                self.state.descriptors = saved;
            }
            return result;
        }
        for assignment in &simple.assignments {
            self.perform(assignment)?;
        }
        // What the redirections opened belongs to the shell now.
        self.process_descriptors.clear();
        Ok(0)
    }

    fn run_external(
        &mut self,
        simple: &Simple,
        command: &Rc<Command>,
        arguments: &[String],
    ) -> Flow {
        self.with_environment(simple, command, |shell| {
            if !arguments[0].contains('/')
                && shell
                    .state
                    .functions
                    .contains_key("command_not_found_handle")
            {
                if shell.find_program(&arguments[0]).is_none() {
                    if let Some(handler) = shell
                        .state
                        .functions
                        .get("command_not_found_handle")
                        .cloned()
                    {
                        let arguments = arguments.to_vec();
                        return shell.subshell(|shell| {
                            shell.call_function("command_not_found_handle", &handler, arguments)
                        });
                    }
                }
            }
            let environment = shell.environment();
            match shell.start_program(arguments, &environment, false) {
                Ok(mut child) => Ok(child.wait().code()),
                Err(status) => Ok(status),
            }
        })
    }

    /// `declare`, `local` and their like: operands that are assignments keep their shape.
    fn run_declaration(
        &mut self,
        simple: &Simple,
        command: &Rc<Command>,
        arguments: Vec<String>,
    ) -> Flow {
        let mut all: Vec<Argument> = arguments.into_iter().map(Argument::Text).collect();
        let associative = all.iter().any(|argument| matches!(argument, Argument::Text(text) if text.starts_with('-') && text.contains('A')));
        for word in &simple.words[position_of_assignment(&simple.words)..] {
            match &word.assignment {
                Some(assignment) => {
                    let index = match &assignment.index {
                        Some(word) => Some(self.subscript(&assignment.name, word)?),
                        None => None,
                    };
                    let value = match &assignment.value {
                        AssignedValue::Scalar(word) => NewValue::Text(self.string(word)?),
                        AssignedValue::Array(elements) => {
                            let associative = associative || self.is_associative(&assignment.name);
                            NewValue::Array(self.new_elements(elements, associative)?)
                        }
                    };
                    all.push(Argument::Assignment(NamedValue {
                        name: assignment.name.clone(),
                        index,
                        append: assignment.append,
                        value,
                    }));
                }
                None => {
                    let mut texts = Vec::new();
                    self.word(word, &mut texts)?;
                    all.extend(texts.into_iter().map(Argument::Text));
                }
            }
        }
        if self.is_set(Set::Xtrace) {
            let shown: Vec<String> = all.iter().map(Argument::shown).collect();
            self.trace_simple(&simple.assignments, &shown)?;
        }
        if let Some(last) = all.last() {
            let last = match last {
                Argument::Assignment(NamedValue {
                    name,
                    value: NewValue::Array(_),
                    ..
                }) => name.clone(),
                other => other.shown(),
            };
            self.current_argument(last);
        }
        while matches!(all.first(), Some(Argument::Text(text)) if matches!(text.as_str(), "command" | "builtin" | "--"))
        {
            all.remove(0);
        }
        self.with_environment(simple, command, |shell| shell.declare(all))
    }

    pub(crate) fn restore_descriptors(
        &mut self,
        saved: Rc<std::collections::BTreeMap<u32, crate::kernel::Endpoint>>,
        substitutions: usize,
    ) {
        self.state.descriptors = saved;
        while self.process_descriptors.len() > substitutions {
            if let Some(number) = self.process_descriptors.pop() {
                self.set_descriptors(|descriptors| {
                    descriptors.remove(&number);
                });
            }
        }
    }
}

fn position_of_assignment(words: &[Word]) -> usize {
    words
        .iter()
        .position(|word| word.assignment.is_some())
        .unwrap_or(words.len())
}

fn simple_name(
    simple: &Simple,
    shell: &Shell,
    function: &Rc<crate::shell::StoredFunction>,
) -> String {
    match simple.words.first().and_then(|word| word.literal()) {
        Some(name)
            if shell
                .state
                .functions
                .get(name)
                .is_some_and(|stored| Rc::ptr_eq(stored, function)) =>
        {
            name.to_owned()
        }
        _ => shell
            .state
            .functions
            .iter()
            .find(|(_, stored)| Rc::ptr_eq(stored, function))
            .map(|(name, _)| name.clone())
            .unwrap_or_default(),
    }
}
