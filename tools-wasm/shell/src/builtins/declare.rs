//! declare, typeset, local, export, readonly.

use std::rc::Rc;

use super::{Argument, NamedValue};
use crate::expand::declaration;
use crate::flow::{Flow, Interrupt};
use crate::options::Shopt;
use crate::program::listed_value;
use crate::shell::Shell;
use crate::syntax::{Parser, function_text, is_name};
use crate::variables::assign::{NewValue, Place, parse_place};
use crate::variables::{Associative, Attributes, Value, Variable};

#[derive(Default)]
struct Wanted {
    command: String,
    on: Attributes,
    off: Attributes,
    print: bool,
    functions: bool,
    names_only: bool,
    global: bool,
    inherit: bool,
    unexport: bool,
}

impl Shell {
    pub(crate) fn declare(&mut self, arguments: Vec<Argument>) -> Flow {
        let mut arguments = arguments.into_iter().peekable();
        let mut wanted = Wanted::default();
        if let Some(Argument::Text(name)) = arguments.next() {
            wanted.command = name;
        }
        match wanted.command.as_str() {
            "export" => wanted.on.set(Attributes::EXPORT, true),
            "readonly" => wanted.on.set(Attributes::READONLY, true),
            _ => {}
        }
        let mut operands = Vec::new();
        while let Some(argument) = arguments.next() {
            match argument {
                Argument::Text(text) if operands.is_empty() && text == "--" => {
                    operands.extend(arguments.by_ref());
                    break;
                }
                Argument::Text(text)
                    if operands.is_empty() && text.len() > 1 && text.starts_with(['-', '+']) =>
                {
                    if let Some(status) = self.declare_option(&text, &mut wanted) {
                        return Ok(status);
                    }
                }
                other => operands.push(other),
            }
        }
        if wanted.command == "local" {
            if self.state.variables.function_scope().is_none() {
                self.complain("local: can only be used in a function");
                return Ok(1);
            }
        }
        if wanted.functions {
            return self.declare_functions(&wanted, &operands);
        }
        if operands.is_empty() {
            return self.list_declarations(&wanted);
        }
        let mut status = 0;
        for operand in operands {
            let one = match operand {
                Argument::Text(text)
                    if wanted.print
                        && !matches!(wanted.command.as_str(), "export" | "readonly") =>
                {
                    self.print_declaration(&wanted, &text)
                }
                Argument::Text(text) if text == "-" && wanted.command == "local" => {
                    let options = self.state.options;
                    if let Some(frame) = self
                        .frames
                        .iter_mut()
                        .rev()
                        .find(|frame| frame.function != "source")
                    {
                        frame.options.get_or_insert(options);
                    }
                    Ok(0)
                }
                Argument::Text(text) => match self.parse_operand(&wanted, text)? {
                    Some(named) => self.declare_one(&wanted, named.0, named.1),
                    None => Ok(1),
                },
                Argument::Assignment(NamedValue {
                    name,
                    index: None,
                    append,
                    value: NewValue::Text(text),
                }) if text.starts_with('(') && text.ends_with(')') && is_array(&wanted) => {
                    let operator = if append { "+=" } else { "=" };
                    match self.parse_operand(&wanted, format!("{name}{operator}{text}"))? {
                        Some(named) => self.declare_one(&wanted, named.0, named.1),
                        None => Ok(1),
                    }
                }
                Argument::Assignment(named) => self.declare_one(
                    &wanted,
                    Place {
                        name: named.name.clone(),
                        index: named.index.clone(),
                    },
                    Some(named),
                ),
            };
            match one {
                Ok(0) => {}
                Ok(failed) | Err(Interrupt::Discard(failed)) => status = failed,
                Err(other) => return Err(other),
            }
        }
        Ok(status)
    }

    fn declare_option(&mut self, text: &str, wanted: &mut Wanted) -> Option<i32> {
        let on = text.starts_with('-');
        for letter in text[1..].chars() {
            let attribute = match (wanted.command.as_str(), letter) {
                (_, 'p') => {
                    wanted.print = true;
                    continue;
                }
                (_, 'f') => {
                    wanted.functions = true;
                    continue;
                }
                ("export", 'n') => {
                    wanted.unexport = true;
                    wanted.on.set(Attributes::EXPORT, false);
                    continue;
                }
                (_, 'a') => Attributes::INDEXED,
                (_, 'A') => Attributes::ASSOCIATIVE,
                ("export" | "readonly", _) => {
                    return Some(self.invalid_declare_option(wanted, letter, on));
                }
                (_, 'F') => {
                    (wanted.functions, wanted.names_only) = (true, true);
                    continue;
                }
                (_, 'g') => {
                    wanted.global = true;
                    continue;
                }
                (_, 'I') => {
                    wanted.inherit = true;
                    continue;
                }
                (_, 'i') => Attributes::INTEGER,
                (_, 'l') => Attributes::LOWER,
                (_, 'u') => Attributes::UPPER,
                (_, 'c') => Attributes::CAPITAL,
                (_, 'n') => Attributes::NAMEREF,
                (_, 'r') => Attributes::READONLY,
                (_, 't') => Attributes::TRACE,
                (_, 'x') => Attributes::EXPORT,
                _ => return Some(self.invalid_declare_option(wanted, letter, on)),
            };
            if on {
                wanted.on.set(attribute, true)
            } else {
                wanted.off.set(attribute, true)
            }
        }
        None
    }

    fn invalid_declare_option(&mut self, wanted: &Wanted, letter: char, on: bool) -> i32 {
        let command = &wanted.command;
        self.complain(&format!(
            "{command}: {}{letter}: invalid option",
            if on { '-' } else { '+' }
        ));
        let usage = match command.as_str() {
            "export" => "export [-fn] [name[=value] ...] or export -p",
            "readonly" => "readonly [-aAf] [name[=value] ...] or readonly -p",
            "local" => "local [option] name[=value] ...",
            "typeset" => {
                "typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]"
            }
            _ => {
                "declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]"
            }
        };
        let _ = self.write(2, &format!("{command}: usage: {usage}\n"));
        2
    }

    /// An operand that was not written as an assignment but may have expanded to one.
    fn parse_operand(
        &mut self,
        wanted: &Wanted,
        text: String,
    ) -> Flow<Option<(Place, Option<NamedValue>)>> {
        let (left, value) = match text.find('=') {
            Some(at)
                if !text[..at].contains('[') || text[..at].trim_end_matches('+').ends_with(']') =>
            {
                (text[..at].to_owned(), Some(text[at + 1..].to_owned()))
            }
            _ => (text.clone(), None),
        };
        let (left, append) = match left.strip_suffix('+') {
            Some(left) if value.is_some() => (left.to_owned(), true),
            _ => (left, false),
        };
        let Some(place) = parse_place(&left) else {
            self.complain(&format!(
                "{}: `{text}': not a valid identifier",
                wanted.command
            ));
            return Ok(None);
        };
        let Some(value) = value else {
            return Ok(Some((place, None)));
        };
        // `declare -a "$x"` with parentheses in the value means the elements.
        let array = value.starts_with('(')
            && value.ends_with(')')
            && (wanted.on.has(Attributes::INDEXED)
                || wanted.on.has(Attributes::ASSOCIATIVE)
                || self
                    .state
                    .variables
                    .get(&place.name)
                    .is_some_and(Variable::is_array))
            && place.index.is_none();
        let value = if array {
            let mut parser = Parser::new(&value[1..], self.line, self.parse_options());
            match parser.elements() {
                Ok(elements) => {
                    let associative =
                        wanted.on.has(Attributes::ASSOCIATIVE) || self.is_associative(&place.name);
                    NewValue::Array(self.new_elements(&elements, associative)?)
                }
                Err(_) => NewValue::Text(value),
            }
        } else {
            NewValue::Text(value)
        };
        let named = NamedValue {
            name: place.name.clone(),
            index: place.index.clone(),
            append,
            value,
        };
        Ok(Some((place, Some(named))))
    }

    fn declare_one(&mut self, wanted: &Wanted, place: Place, value: Option<NamedValue>) -> Flow {
        let command = wanted.command.as_str();
        let sets_reference = wanted.on.has(Attributes::NAMEREF);
        let function = self.state.variables.function_scope();
        let local =
            !wanted.global && function.is_some() && !matches!(command, "export" | "readonly");
        // Whose variable: a new local one, the global one, or the visible one behind its references.
        let (scope, name, index) = if local {
            let scope = function.unwrap_or(0);
            let mut name = place.name.clone();
            if self
                .state
                .variables
                .get_in(scope, &name)
                .is_some_and(|variable| variable.attributes.has(Attributes::NAMEREF))
                && !sets_reference
                && !wanted.off.has(Attributes::NAMEREF)
                && command != "local"
            {
                if let Some(target) = self.resolve(&name) {
                    name = target.name;
                }
            }
            (scope, name, place.index.clone())
        } else if wanted.global {
            (0, place.name.clone(), place.index.clone())
        } else {
            let target = if sets_reference || wanted.off.has(Attributes::NAMEREF) {
                place.clone()
            } else {
                self.resolve(&place.name).unwrap_or_else(|| place.clone())
            };
            let scope = self.state.variables.holder(&target.name).unwrap_or(0);
            (scope, target.name, target.index.or(place.index.clone()))
        };
        if wanted.off.has(Attributes(
            Attributes::INDEXED.0 | Attributes::ASSOCIATIVE.0,
        )) && self
            .state
            .variables
            .get_in(scope, &name)
            .is_some_and(Variable::is_array)
        {
            self.complain(&format!(
                "{command}: {name}: cannot destroy array variables in this way"
            ));
            return Ok(1);
        }
        if local && self.state.variables.get_in(scope, &name).is_none() {
            let outer = self.state.variables.get(&name).cloned();
            if outer
                .as_ref()
                .is_some_and(|outer| outer.attributes.has(Attributes::READONLY))
            {
                self.complain(&format!("{command}: {name}: readonly variable"));
                return Ok(1);
            }
            // A variable given to the function in front of its call is local already.
            let temporary = self.state.variables.holder(&name).filter(|&holder| {
                holder > 0
                    && holder + 1 == scope
                    && self.state.variables.scope(holder).kind
                        == crate::variables::ScopeKind::Temporary
            });
            let inherits =
                wanted.inherit || self.shopt(Shopt::LocalvarInherit) || temporary.is_some();
            let variable = match outer {
                Some(outer) if inherits => outer,
                _ => Variable::default(),
            };
            self.state.variables.insert_in(scope, &name, variable);
        }
        if self.state.variables.get_in(scope, &name).is_none()
            && self.is_computed(&name)
            && value.is_none()
        {
            return Ok(0);
        }
        let variable = self.state.variables.entry_in(scope, &name);
        let readonly = variable.attributes.has(Attributes::READONLY);
        if readonly && (value.is_some() || wanted.off.has(Attributes::READONLY)) {
            let shown = if command == "declare" || command == "typeset" || command == "local" {
                format!("{command}: ")
            } else {
                String::new()
            };
            self.complain(&format!("{shown}{name}: readonly variable"));
            return Ok(1);
        }
        if wanted.on.has(Attributes::ASSOCIATIVE)
            && (matches!(variable.value, Value::Indexed(_))
                || variable.attributes.has(Attributes::INDEXED))
        {
            self.complain(&format!(
                "{command}: {name}: cannot convert indexed to associative array"
            ));
            return Ok(1);
        }
        if wanted.on.has(Attributes::INDEXED)
            && (matches!(variable.value, Value::Associative(_))
                || variable.attributes.has(Attributes::ASSOCIATIVE))
        {
            self.complain(&format!(
                "{command}: {name}: cannot convert associative to indexed array"
            ));
            return Ok(1);
        }
        let mut on = wanted.on;
        on.set(Attributes::READONLY, false);
        if sets_reference {
            return self.declare_reference(wanted, scope, &name, value);
        }
        let variable = self.state.variables.entry_in(scope, &name);
        for (given, others) in [
            (
                Attributes::LOWER,
                Attributes(Attributes::UPPER.0 | Attributes::CAPITAL.0),
            ),
            (
                Attributes::UPPER,
                Attributes(Attributes::LOWER.0 | Attributes::CAPITAL.0),
            ),
            (
                Attributes::CAPITAL,
                Attributes(Attributes::LOWER.0 | Attributes::UPPER.0),
            ),
        ] {
            if on.has(given) {
                variable.attributes.set(others, false);
            }
        }
        variable.attributes.set(on, true);
        variable.attributes.set(wanted.off, false);
        if wanted.unexport {
            variable.attributes.set(Attributes::EXPORT, false);
        }
        // A scalar that becomes an array keeps its value as element 0.
        let old = match &variable.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        if let Some(old) = old {
            if on.has(Attributes::INDEXED) {
                variable.value = Value::Indexed(std::collections::BTreeMap::from([(0, old)]));
            } else if on.has(Attributes::ASSOCIATIVE) {
                let mut map = Associative::default();
                map.insert("0".to_owned(), old);
                variable.value = Value::Associative(map);
            }
        }
        if let Some(named) = value {
            let index = index.or(named.index);
            self.assign_in(
                scope,
                &Place {
                    name: name.clone(),
                    index,
                },
                named.value,
                named.append,
            )?;
        } else if index.is_some() && !wanted.on.has(Attributes::ASSOCIATIVE) {
            self.state
                .variables
                .entry_in(scope, &name)
                .attributes
                .set(Attributes::INDEXED, true);
        }
        if wanted.on.has(Attributes::READONLY) {
            self.state
                .variables
                .entry_in(scope, &name)
                .attributes
                .set(Attributes::READONLY, true);
        }
        Ok(0)
    }

    fn declare_reference(
        &mut self,
        wanted: &Wanted,
        scope: usize,
        name: &str,
        value: Option<NamedValue>,
    ) -> Flow {
        let command = wanted.command.as_str();
        let target = match &value {
            Some(NamedValue {
                value: NewValue::Text(text),
                append,
                ..
            }) => Some(if *append {
                format!(
                    "{}{text}",
                    self.state
                        .variables
                        .get_in(scope, name)
                        .and_then(Variable::scalar)
                        .unwrap_or("")
                )
            } else {
                text.clone()
            }),
            Some(_) => {
                self.complain(&format!(
                    "{command}: {name}: reference variable cannot be an array"
                ));
                return Ok(1);
            }
            None => self
                .state
                .variables
                .get_in(scope, name)
                .and_then(|variable| variable.scalar().map(ToOwned::to_owned)),
        };
        if self
            .state
            .variables
            .get_in(scope, name)
            .is_some_and(Variable::is_array)
        {
            self.complain(&format!(
                "{command}: {name}: reference variable cannot be an array"
            ));
            return Ok(1);
        }
        if let Some(target) = &target {
            if parse_place(target).is_none() && !(target.is_empty() && value.is_none()) {
                self.complain(&format!(
                    "{command}: `{target}': invalid variable name for name reference"
                ));
                if value.is_none()
                    || self
                        .state
                        .variables
                        .get_in(scope, name)
                        .is_some_and(|variable| {
                            !variable.is_set() && variable.attributes == Attributes::default()
                        })
                {
                    if value.is_some() && scope == 0 {
                        self.state.variables.unset(name);
                    }
                }
                return Ok(1);
            }
            if target == name && scope == 0 {
                self.complain(&format!(
                    "{command}: {name}: nameref variable self references not allowed"
                ));
                return Ok(1);
            }
            if target == name {
                self.complain(&format!("warning: {name}: circular name reference"));
            }
        }
        let variable = self.state.variables.entry_in(scope, name);
        variable.attributes.set(Attributes::NAMEREF, true);
        variable.attributes.set(wanted.on, true);
        if let Some(target) = target {
            variable.value = Value::Text(target);
        }
        Ok(0)
    }

    fn print_declaration(&mut self, wanted: &Wanted, name: &str) -> Flow {
        let variable = self
            .state
            .variables
            .get(name)
            .cloned()
            .or_else(|| self.computed(name));
        let visible = match wanted.command.as_str() {
            "local" => self
                .state
                .variables
                .function_scope()
                .is_some_and(|scope| self.state.variables.get_in(scope, name).is_some()),
            _ => variable.is_some(),
        };
        match variable.filter(|variable| {
            visible
                && (variable.is_set()
                    || variable.attributes != Attributes::default()
                    || self
                        .state
                        .variables
                        .holder(name)
                        .is_some_and(|scope| scope > 0))
        }) {
            Some(variable) => {
                let line = declaration(name, &variable, true) + "\n";
                Ok(self.print(&wanted.command, &line))
            }
            None => {
                self.complain(&format!("{}: {name}: not found", wanted.command));
                Ok(1)
            }
        }
    }

    fn list_declarations(&mut self, wanted: &Wanted) -> Flow {
        let mut listing = String::new();
        let any = wanted.on != Attributes::default();
        let with_attributes =
            any || wanted.print || matches!(wanted.command.as_str(), "export" | "readonly");
        let names = match wanted.command.as_str() {
            "local" => {
                let scope = self.state.variables.function_scope().unwrap_or(0);
                let mut names: Vec<String> = self
                    .state
                    .variables
                    .scope(scope)
                    .map
                    .keys()
                    .cloned()
                    .collect();
                names.sort_unstable();
                names
            }
            _ => self.state.variables.names(),
        };
        for name in names {
            let Some(variable) = self.state.variables.get(&name) else {
                continue;
            };
            if any && variable.attributes.0 & wanted.on.0 != wanted.on.0 {
                continue;
            }
            if with_attributes {
                if !variable.is_set() && variable.attributes == Attributes::default() {
                    continue;
                }
                listing.push_str(&declaration(&name, variable, true));
                listing.push('\n');
            } else if let Some(value) = listed_value(variable) {
                listing.push_str(&format!("{name}={value}\n"));
            }
        }
        if !with_attributes && matches!(wanted.command.as_str(), "declare" | "typeset") {
            for stored in self.state.functions.values() {
                if let Some(function) = stored.tree() {
                    listing.push_str(&function_text(&function));
                    listing.push('\n');
                }
            }
        }
        Ok(self.print(&wanted.command, &listing))
    }

    fn declare_functions(&mut self, wanted: &Wanted, operands: &[Argument]) -> Flow {
        let mut status = 0;
        let mut listing = String::new();
        if operands.is_empty() {
            for (name, stored) in self.state.functions.iter() {
                let exported = stored.exported;
                if wanted.command == "export" && !exported
                    || wanted.on.has(Attributes::READONLY) && !stored.readonly
                    || wanted.on.has(Attributes::EXPORT) && !exported
                {
                    continue;
                }
                if wanted.names_only || wanted.command == "export" && !wanted.print {
                    let flags = if exported { "-fx" } else { "-f" };
                    listing.push_str(&format!("declare {flags} {name}\n"));
                } else if let Some(function) = stored.tree() {
                    listing.push_str(&function_text(&function));
                    listing.push('\n');
                }
            }
            return Ok(self.print(&wanted.command, &listing));
        }
        for operand in operands {
            let Argument::Text(name) = operand else {
                if let Argument::Assignment(named) = operand {
                    self.complain(&format!(
                        "{}: cannot use `-f' to make functions",
                        wanted.command
                    ));
                    let _ = named;
                }
                status = 1;
                continue;
            };
            let Some(stored) = self.state.functions.get(name).cloned() else {
                if wanted.command == "export" {
                    self.complain(&format!("{}: {name}: not a function", wanted.command));
                }
                status = 1;
                continue;
            };
            let changes = matches!(wanted.command.as_str(), "export" | "readonly")
                || wanted.on.has(Attributes::READONLY)
                || wanted.on.has(Attributes::EXPORT)
                || wanted.on.has(Attributes::TRACE)
                || wanted.off != Attributes::default();
            if changes {
                let exported = (stored.exported || wanted.on.has(Attributes::EXPORT))
                    && !wanted.unexport
                    && !wanted.off.has(Attributes::EXPORT);
                let changed = crate::shell::StoredFunction {
                    source: stored.source.clone(),
                    line: stored.line,
                    exported,
                    readonly: stored.readonly || wanted.on.has(Attributes::READONLY),
                    file: stored.file.clone(),
                    tree: stored.tree.clone(),
                };
                Rc::make_mut(&mut self.state.functions).insert(name.clone(), Rc::new(changed));
            } else if wanted.names_only {
                if self.shopt(Shopt::Extdebug) {
                    listing.push_str(&format!("{name} {} {}\n", stored.line, stored.file));
                } else {
                    listing.push_str(&format!("{name}\n"));
                }
            } else if let Some(function) = stored.tree() {
                listing.push_str(&function_text(&function));
                listing.push('\n');
            }
        }
        let printed = self.print(&wanted.command, &listing);
        Ok(if status == 0 { printed } else { status })
    }

    /// Whether an operand names a variable.
    pub(crate) fn valid_name(&mut self, command: &str, name: &str) -> bool {
        let valid = is_name(name);
        if !valid {
            self.complain(&format!("{command}: `{name}': not a valid identifier"));
        }
        valid
    }
}

fn is_array(wanted: &Wanted) -> bool {
    wanted.on.has(Attributes::INDEXED) || wanted.on.has(Attributes::ASSOCIATIVE)
}
