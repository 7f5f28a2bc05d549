//! Variables whose value the shell computes when it is asked.

use std::collections::BTreeMap;

use super::value::{Attributes, Value, Variable};
use crate::options::{SET, SHOPT};
use crate::shell::Shell;

const NAMES: &[&str] = &[
    "BASHOPTS",
    "BASHPID",
    "BASH_ARGV0",
    "BASH_COMMAND",
    "BASH_EXECUTION_STRING",
    "BASH_LINENO",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HOSTNAME",
    "LINENO",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
    "_",
    "BASH_ALIASES",
    "BASH_CMDS",
];

pub fn is_special(name: &str) -> bool {
    // Cheap for ordinary names: these all begin with one of a few capitals.
    (name == "_" || name.starts_with(|first: char| first.is_ascii_uppercase()))
        && NAMES.contains(&name)
}

pub fn names() -> &'static [&'static str] {
    NAMES
}

impl Shell {
    pub fn is_computed(&self, name: &str) -> bool {
        is_special(name) && !self.state.ordinary.iter().any(|ordinary| ordinary == name)
    }

    /// The value of a computed variable. Reading `RANDOM` moves it on.
    pub fn computed(&mut self, name: &str) -> Option<Variable> {
        if !self.is_computed(name) {
            return None;
        }
        let mut attributes = Attributes::default();
        let list = |items: Vec<String>| {
            Value::Indexed(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| (index as i64, item))
                    .collect::<BTreeMap<_, _>>(),
            )
        };
        let value = match name {
            "RANDOM" => {
                // The generator of bash: Park and Miller's, folded to 15 bits.
                let seed = if self.state.random == 0 {
                    123_459_876
                } else {
                    self.state.random
                };
                let (high, low) = (i64::from(seed) / 127_773, i64::from(seed) % 127_773);
                let mut next = 16_807 * low - 2_836 * high;
                if next < 0 {
                    next += 0x7fff_ffff;
                }
                self.state.random = next as u32;
                attributes = Attributes::INTEGER;
                Value::Text((((next >> 16) ^ (next & 65_535)) & 32_767).to_string())
            }
            "SRANDOM" => Value::Text((self.kernel.random() as u32).to_string()),
            "SECONDS" => {
                attributes = Attributes::INTEGER;
                Value::Text(
                    (self
                        .kernel
                        .now_ns()
                        .saturating_sub(self.state.seconds_from_ns)
                        / 1_000_000_000)
                        .to_string(),
                )
            }
            "EPOCHSECONDS" => Value::Text((self.kernel.now_ns() / 1_000_000_000).to_string()),
            "EPOCHREALTIME" => {
                let now = self.kernel.now_ns();
                Value::Text(format!(
                    "{}.{:06}",
                    now / 1_000_000_000,
                    now % 1_000_000_000 / 1000
                ))
            }
            "LINENO" => {
                attributes = Attributes::INTEGER;
                Value::Text(self.line.to_string())
            }
            "BASHPID" => {
                attributes = Attributes::INTEGER;
                Value::Text(self.own_pid().to_string())
            }
            "PPID" => {
                attributes = Attributes(Attributes::INTEGER.0 | Attributes::READONLY.0);
                Value::Text(self.kernel.id().1.to_string())
            }
            "UID" | "EUID" => {
                attributes = Attributes(Attributes::INTEGER.0 | Attributes::READONLY.0);
                Value::Text("1000".to_owned())
            }
            "GROUPS" => list(vec!["1000".to_owned()]),
            "HOSTNAME" => Value::Text("localhost".to_owned()),
            "BASH_SUBSHELL" => Value::Text(self.state.subshell_depth.to_string()),
            "_" => Value::Text(self.state.last_argument.clone()),
            "BASH_ARGV0" => Value::Text(self.name.clone()),
            "BASH_COMMAND" => Value::Text(self.current_text()),
            "BASH_EXECUTION_STRING" => Value::Text(self.command_string.clone()?),
            "PIPESTATUS" => list(
                self.state
                    .pipe_status
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
            "DIRSTACK" => list(
                std::iter::once(self.state.directory.clone())
                    .chain(self.state.directory_stack.iter().rev().cloned())
                    .collect(),
            ),
            "SHELLOPTS" => {
                attributes = Attributes::READONLY;
                Value::Text(
                    SET.iter()
                        .filter(|entry| self.state.options.set(entry.0))
                        .map(|entry| entry.1)
                        .collect::<Vec<_>>()
                        .join(":"),
                )
            }
            "BASHOPTS" => {
                attributes = Attributes::READONLY;
                let mut names: Vec<_> = SHOPT
                    .iter()
                    .filter(|entry| self.state.options.shopt(entry.0))
                    .map(|entry| entry.1)
                    .collect();
                names.sort_unstable();
                Value::Text(names.join(":"))
            }
            "BASH_ALIASES" | "BASH_CMDS" => {
                let mut map = super::Associative::default();
                if name == "BASH_ALIASES" {
                    for (alias, value) in self.state.aliases.iter() {
                        map.insert(alias.clone(), value.clone());
                    }
                } else {
                    for (command, (path, _)) in self.state.hashed.iter() {
                        map.insert(command.clone(), path.clone());
                    }
                }
                Value::Associative(map)
            }
            "FUNCNAME" => {
                if !self.frames.iter().any(|frame| frame.function != "source") {
                    return Some(Variable {
                        value: Value::Unset,
                        attributes: Attributes::INDEXED,
                    });
                }
                list(self.call_names())
            }
            "BASH_SOURCE" => {
                let mut files: Vec<String> = self
                    .frames
                    .iter()
                    .rev()
                    .map(|frame| frame.file.clone())
                    .collect();
                if self.started_as == 'f' {
                    files.push(self.name.clone());
                }
                list(files)
            }
            "BASH_LINENO" => {
                let mut lines: Vec<String> = self
                    .frames
                    .iter()
                    .rev()
                    .map(|frame| frame.called_at.to_string())
                    .collect();
                if self.started_as == 'f' {
                    lines.push("0".to_owned());
                }
                list(lines)
            }
            _ => return None,
        };
        match value {
            Value::Indexed(_) => attributes.set(Attributes::INDEXED, true),
            Value::Associative(_) => attributes.set(Attributes::ASSOCIATIVE, true),
            _ => {}
        }
        Some(Variable { value, attributes })
    }

    fn call_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .frames
            .iter()
            .rev()
            .map(|frame| frame.function.clone())
            .collect();
        if self.started_as == 'f' {
            names.push("main".to_owned());
        }
        names
    }

    /// `$BASHPID`: a subshell that runs inside this process has a number of its own all the same.
    pub fn own_pid(&self) -> u32 {
        let (pid, _) = self.kernel.id();
        if self.state.subshell_depth == 0 {
            pid
        } else {
            pid + self.state.subshell_depth * 100_000
        }
    }
}
