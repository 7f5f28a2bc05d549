//! set and shopt.

use std::rc::Rc;

use crate::flow::Flow;
use crate::options::{SET, SHOPT, Set, set_by_letter, set_by_name, shopt_by_name};
use crate::program::listed_value;
use crate::shell::Shell;
use crate::syntax::function_text;

impl Shell {
    pub(crate) fn list_set_options(&self, as_commands: bool) -> String {
        SET.iter()
            .map(|(switch, name, _, _)| {
                let on = self.is_set(*switch);
                if as_commands {
                    format!("set {}o {name}\n", if on { '-' } else { '+' })
                } else {
                    format!("{name:<15}\t{}\n", if on { "on" } else { "off" })
                }
            })
            .collect()
    }

    pub(crate) fn list_shopt(&self, as_commands: bool) -> String {
        SHOPT
            .iter()
            .map(|(switch, name, _, _)| {
                let on = self.shopt(*switch);
                if as_commands {
                    format!("shopt -{} {name}\n", if on { 's' } else { 'u' })
                } else {
                    format!("{name:<15}\t{}\n", if on { "on" } else { "off" })
                }
            })
            .collect()
    }

    fn put_option(&mut self, switch: Set, on: bool) {
        self.state.options.put(switch, on);
        match switch {
            Set::Vi if on => self.state.options.put(Set::Emacs, false),
            Set::Emacs if on => self.state.options.put(Set::Vi, false),
            Set::Posix => self
                .state
                .options
                .put_shopt(crate::options::Shopt::ExpandAliases, on || self.interactive),
            _ => {}
        }
    }

    pub(super) fn builtin_set(&mut self, arguments: &[String]) -> Flow {
        if arguments.len() == 1 {
            let mut listing = String::new();
            for name in self.state.variables.names() {
                if let Some(value) = self.state.variables.get(&name).and_then(listed_value) {
                    listing.push_str(&format!("{name}={value}\n"));
                }
            }
            if !self.is_set(Set::Posix) {
                for stored in self.state.functions.values() {
                    if let Some(function) = stored.tree() {
                        listing.push_str(&function_text(&function));
                        listing.push('\n');
                    }
                }
            }
            return Ok(self.print("set", &listing));
        }
        let mut at = 1;
        while let Some(argument) = arguments.get(at) {
            if argument == "--" {
                self.state.positional = Rc::new(arguments[at + 1..].to_vec());
                return Ok(0);
            }
            if argument == "-" {
                self.put_option(Set::Xtrace, false);
                self.put_option(Set::Verbose, false);
                if arguments.len() > at + 1 {
                    self.state.positional = Rc::new(arguments[at + 1..].to_vec());
                }
                return Ok(0);
            }
            if argument == "+" {
                at += 1;
                if at == arguments.len() {
                    return Ok(0);
                }
                continue;
            }
            let on = argument.starts_with('-');
            let Some(letters) = argument
                .strip_prefix(['-', '+'])
                .filter(|letters| !letters.is_empty())
            else {
                break;
            };
            at += 1;
            for letter in letters.chars() {
                if letter == 'o' {
                    match arguments.get(at) {
                        None => {
                            let listing = self.list_set_options(!on);
                            self.print("set", &listing);
                        }
                        Some(name) => {
                            at += 1;
                            match set_by_name(name) {
                                Some(switch) => self.put_option(switch, on),
                                None => {
                                    self.complain(&format!("set: {name}: invalid option name"));
                                    return Ok(2);
                                }
                            }
                        }
                    }
                    continue;
                }
                match set_by_letter(letter) {
                    Some(switch) => self.put_option(switch, on),
                    None => {
                        self.complain(&format!(
                            "set: {}{letter}: invalid option",
                            if on { '-' } else { '+' }
                        ));
                        let _ = self.write(2, "set: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n");
                        return Ok(2);
                    }
                }
            }
        }
        if at < arguments.len() {
            self.state.positional = Rc::new(arguments[at..].to_vec());
        }
        Ok(0)
    }

    pub(super) fn builtin_shopt(&mut self, arguments: &[String]) -> Flow {
        let mut options = super::Options::new(arguments, "psuqo");
        let (mut print, mut on, mut off, mut quiet, mut set) = (false, false, false, false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'p' => print = true,
                's' => on = true,
                'u' => off = true,
                'q' => quiet = true,
                _ => set = true,
            }
        }
        if on && off {
            self.complain("shopt: cannot set and unset shell options simultaneously");
            return Ok(1);
        }
        let operands = options.rest().to_vec();
        let names: Vec<String> = if !operands.is_empty() {
            operands.clone()
        } else if set {
            SET.iter().map(|entry| entry.1.to_owned()).collect()
        } else {
            SHOPT.iter().map(|entry| entry.1.to_owned()).collect()
        };
        let mut status = 0;
        let mut output = String::new();
        for name in names {
            let state = if set {
                set_by_name(&name).map(|switch| self.is_set(switch))
            } else {
                shopt_by_name(&name).map(|switch| self.shopt(switch))
            };
            let Some(state) = state else {
                self.complain(&format!("shopt: {name}: invalid shell option name"));
                status = 1;
                continue;
            };
            if operands.is_empty() {
                if (on && !state) || (off && state) {
                    continue;
                }
            } else if on || off {
                if set {
                    if let Some(switch) = set_by_name(&name) {
                        self.put_option(switch, on);
                    }
                } else if let Some(switch) = shopt_by_name(&name) {
                    self.state.options.put_shopt(switch, on);
                }
                continue;
            } else if !state {
                status = 1;
            }
            if !quiet {
                output.push_str(&match (print, set) {
                    (true, true) => format!("set {}o {name}\n", if state { '-' } else { '+' }),
                    (true, false) => format!("shopt -{} {name}\n", if state { 's' } else { 'u' }),
                    (false, true) => format!("{name:<15}\t{}\n", if state { "on" } else { "off" }),
                    (false, false) => format!("{name:<15}\t{}\n", if state { "on" } else { "off" }),
                });
            }
        }
        let printed = self.print("shopt", &output);
        Ok(if status == 0 { printed } else { status })
    }
}
