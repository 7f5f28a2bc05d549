//! Options of builtins, in getopt's manner and with bash's messages.

use crate::flow::{Flow, Interrupt};
use crate::shell::Shell;

pub(crate) struct Options<'a> {
    arguments: &'a [String],
    /// Letters; one with a value is followed by a colon.
    known: &'a str,
    at: usize,
    inside: usize,
}

pub(crate) struct Given {
    pub(crate) letter: char,
    pub(crate) value: String,
}

impl<'a> Options<'a> {
    pub(crate) fn new(arguments: &'a [String], known: &'a str) -> Self {
        Self {
            arguments,
            known,
            at: 1,
            inside: 0,
        }
    }

    /// The next option. A wrong one is reported and gives up the command with status 2.
    pub(crate) fn next(&mut self, shell: &Shell) -> Flow<Option<Given>> {
        let plus_known = self.known.starts_with('+');
        let Some(argument) = self.arguments.get(self.at) else {
            return Ok(None);
        };
        let plus = plus_known && argument.starts_with('+');
        if self.inside == 0 {
            if argument == "--" {
                self.at += 1;
                return Ok(None);
            }
            if argument.len() < 2 || !(argument.starts_with('-') || plus) {
                return Ok(None);
            }
            self.inside = 1;
        }
        let Some(letter) = argument[self.inside..].chars().next() else {
            return Ok(None);
        };
        let next = self.inside + letter.len_utf8();
        let place = self
            .known
            .find(letter)
            .filter(|_| letter != ':' && letter != '+');
        let Some(place) = place else {
            let name = &self.arguments[0];
            shell.complain(&format!(
                "{name}: {}{letter}: invalid option",
                if plus { '+' } else { '-' }
            ));
            let _ = shell.write(2, &format!("{name}: usage: {name} [options]\n"));
            return Err(Interrupt::Discard(2));
        };
        let takes_value = self.known[place + letter.len_utf8()..].starts_with(':');
        let mut value = String::new();
        if takes_value {
            if next < argument.len() {
                value = argument[next..].to_owned();
            } else {
                self.at += 1;
                match self.arguments.get(self.at) {
                    Some(given) => value = given.clone(),
                    None => {
                        let name = &self.arguments[0];
                        shell.complain(&format!("{name}: -{letter}: option requires an argument"));
                        return Err(Interrupt::Discard(2));
                    }
                }
            }
        }
        if takes_value || next >= argument.len() {
            self.at += 1;
            self.inside = 0;
        } else {
            self.inside = next;
        }
        Ok(Some(Given { letter, value }))
    }

    pub(crate) fn rest(&self) -> &'a [String] {
        self.arguments.get(self.at..).unwrap_or_default()
    }
}
