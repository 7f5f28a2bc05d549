//! trap.

use std::rc::Rc;

use super::Options;
use crate::exec::{SIGNALS, signal_name, signal_number};
use crate::expand::quoting;
use crate::flow::Flow;
use crate::shell::Shell;

/// The key a trap is kept under, from any way to write it.
fn condition(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    if matches!(bare, "ERR" | "DEBUG" | "RETURN" | "EXIT") {
        return Some(bare.to_owned());
    }
    signal_number(text)
        .and_then(signal_name)
        .map(ToOwned::to_owned)
}

impl Shell {
    pub(super) fn builtin_trap(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "lp");
        let (mut list, mut print) = (false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'l' => list = true,
                _ => print = true,
            }
        }
        let operands = options.rest().to_vec();
        if list {
            let command = vec!["kill".to_owned(), "-l".to_owned()];
            return self.builtin_kill(&command);
        }
        if operands.is_empty() || print {
            return self.list_traps(&operands);
        }
        // A single operand, or a first one that is a number, resets.
        let (command, names) = if operands.len() == 1
            || operands[0].bytes().all(|byte| byte.is_ascii_digit()) && !operands[0].is_empty()
        {
            if operands.len() == 1 && condition(&operands[0]).is_none() {
                let _ = self.write(2, "trap: usage: trap [-lp] [[arg] signal_spec ...]\n");
                return Ok(2);
            }
            ("-", &operands[..])
        } else {
            (operands[0].as_str(), &operands[1..])
        };
        self.state.inherited_traps = None;
        let mut status = 0;
        for name in names {
            let Some(condition) = condition(name) else {
                self.complain(&format!("trap: {name}: invalid signal specification"));
                status = 1;
                continue;
            };
            let traps = Rc::make_mut(&mut self.state.traps);
            if command == "-" {
                traps.remove(&condition);
            } else {
                traps.insert(condition, command.to_owned());
            }
        }
        Ok(status)
    }

    fn list_traps(&mut self, operands: &[String]) -> Flow {
        let mut status = 0;
        let mut wanted = Vec::new();
        for operand in operands {
            match condition(operand) {
                Some(name) => wanted.push(name),
                None => {
                    self.complain(&format!("trap: {operand}: invalid signal specification"));
                    status = 1;
                }
            }
        }
        let order = |name: &str| match name {
            "EXIT" => 0,
            "DEBUG" => 1000,
            "ERR" => 1001,
            "RETURN" => 1002,
            _ => SIGNALS
                .iter()
                .find(|(_, known)| *known == name)
                .map_or(999, |(number, _)| u32::from(*number)),
        };
        let traps = self
            .state
            .inherited_traps
            .as_ref()
            .unwrap_or(&self.state.traps);
        let mut all: Vec<_> = traps
            .iter()
            .filter(|(name, _)| wanted.is_empty() && operands.is_empty() || wanted.contains(name))
            .collect();
        all.sort_by_key(|(name, _)| order(name));
        let output: String = all
            .into_iter()
            .map(|(name, command)| {
                let shown = if matches!(name.as_str(), "EXIT" | "DEBUG" | "ERR" | "RETURN") {
                    name.clone()
                } else {
                    format!("SIG{name}")
                };
                format!("trap -- {} {shown}\n", quoting::single(command))
            })
            .collect();
        let printed = self.print("trap", &output);
        Ok(if status == 0 { printed } else { status })
    }
}
