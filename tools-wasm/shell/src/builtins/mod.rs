//! Builtin commands: one file for each family.

mod alias;
mod arguments;
mod command;
mod complete;
mod control;
mod declare;
mod directory;
mod echo;
mod getopts;
mod history;
mod job;
mod mapfile;
mod printf;
mod process;
mod read;
mod set;
mod test;
mod trap;
mod unset;

pub(crate) use arguments::Options;

use crate::flow::Flow;
use crate::shell::Shell;
use crate::variables::assign::NewValue;

/// A builtin gets its name and operands.
pub type Builtin = fn(&mut Shell, &[String]) -> Flow;

/// An operand of `declare` and its like.
pub enum Argument {
    Text(String),
    Assignment(NamedValue),
}

pub struct NamedValue {
    pub name: String,
    pub index: Option<String>,
    pub append: bool,
    pub value: NewValue,
}

impl Argument {
    /// As `set -x` shows it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Assignment(named) => {
                let operator = if named.append { "+=" } else { "=" };
                let index = named
                    .index
                    .as_ref()
                    .map(|index| format!("[{index}]"))
                    .unwrap_or_default();
                let value = match &named.value {
                    NewValue::Text(text) => text.clone(),
                    NewValue::Array(elements) => format!(
                        "({})",
                        elements
                            .iter()
                            .map(|element| crate::expand::quoting::single(&element.value))
                            .collect::<Vec<_>>()
                            .join(" ")
                    ),
                };
                format!("{}{index}{operator}{value}", named.name)
            }
        }
    }
}

/// The builtins that POSIX calls special.
pub fn is_special(name: &str) -> bool {
    matches!(
        name,
        "break"
            | ":"
            | "."
            | "continue"
            | "eval"
            | "exec"
            | "exit"
            | "export"
            | "readonly"
            | "return"
            | "set"
            | "shift"
            | "source"
            | "times"
            | "trap"
            | "unset"
    )
}

const NAMES: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

pub fn names() -> &'static [&'static str] {
    NAMES
}

fn find(name: &str) -> Option<Builtin> {
    Some(match name {
        ":" | "true" => |_, _| Ok(0),
        "false" => |_, _| Ok(1),
        "." | "source" => Shell::builtin_source,
        "[" | "test" => Shell::builtin_test,
        "alias" => Shell::builtin_alias,
        "unalias" => Shell::builtin_unalias,
        "bg" => Shell::builtin_bg,
        "fg" => Shell::builtin_fg,
        "bind" => Shell::builtin_bind,
        "break" => Shell::builtin_break,
        "continue" => Shell::builtin_continue,
        "builtin" => Shell::builtin_builtin,
        "caller" => Shell::builtin_caller,
        "cd" => Shell::builtin_cd,
        "command" => Shell::builtin_command,
        "compgen" => Shell::builtin_compgen,
        "complete" => Shell::builtin_complete,
        "compopt" => Shell::builtin_compopt,
        "declare" | "typeset" | "local" | "export" | "readonly" => |shell, arguments| {
            shell.declare(arguments.iter().cloned().map(Argument::Text).collect())
        },
        "dirs" => Shell::builtin_dirs,
        "pushd" => Shell::builtin_pushd,
        "popd" => Shell::builtin_popd,
        "disown" => Shell::builtin_disown,
        "echo" => Shell::builtin_echo,
        "enable" => Shell::builtin_enable,
        "eval" => Shell::builtin_eval,
        "exec" => Shell::builtin_exec,
        "exit" | "logout" => Shell::builtin_exit,
        "fc" => Shell::builtin_fc,
        "history" => Shell::builtin_history,
        "getopts" => Shell::builtin_getopts,
        "hash" => Shell::builtin_hash,
        "help" => Shell::builtin_help,
        "jobs" => Shell::builtin_jobs,
        "kill" => Shell::builtin_kill,
        "let" => Shell::builtin_let,
        "mapfile" | "readarray" => Shell::builtin_mapfile,
        "printf" => Shell::builtin_printf,
        "pwd" => Shell::builtin_pwd,
        "read" => Shell::builtin_read,
        "return" => Shell::builtin_return,
        "set" => Shell::builtin_set,
        "shift" => Shell::builtin_shift,
        "shopt" => Shell::builtin_shopt,
        "suspend" => |shell, _| {
            shell.complain("suspend: cannot suspend: no job control");
            Ok(1)
        },
        "times" => Shell::builtin_times,
        "trap" => Shell::builtin_trap,
        "type" => Shell::builtin_type,
        "ulimit" => Shell::builtin_ulimit,
        "umask" => Shell::builtin_umask,
        "unset" => Shell::builtin_unset,
        "wait" => Shell::builtin_wait,
        _ => return None,
    })
}

impl Shell {
    pub(crate) fn builtin(&self, name: &str) -> Option<Builtin> {
        let found = find(name)?;
        (!self.is_disabled(name)).then_some(found)
    }

    pub(crate) fn is_builtin(&self, name: &str) -> bool {
        self.builtin(name).is_some()
    }

    /// `enable -n name`.
    fn is_disabled(&self, name: &str) -> bool {
        self.state.ordinary.iter().any(|ordinary| {
            ordinary
                .strip_prefix("enable -n ")
                .is_some_and(|disabled| disabled == name)
        })
    }

    fn builtin_enable(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "aadnpsf:");
        let (mut disable, mut print, mut all, mut special) = (false, false, false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'n' => disable = true,
                'p' => print = true,
                'a' => all = true,
                's' => special = true,
                _ => {}
            }
        }
        let operands = options.rest().to_vec();
        if operands.is_empty() || print {
            let mut listing = String::new();
            for name in NAMES {
                let disabled = self.is_disabled(name);
                if (all || disabled == disable) && (!special || is_special(name)) {
                    listing.push_str(&format!(
                        "enable {}{name}\n",
                        if disabled { "-n " } else { "" }
                    ));
                }
            }
            return Ok(self.print("enable", &listing));
        }
        let mut status = 0;
        for name in operands {
            if find(&name).is_none() {
                self.complain(&format!("enable: {name}: not a shell builtin"));
                status = 1;
                continue;
            }
            let mark = format!("enable -n {name}");
            self.state.ordinary.retain(|ordinary| *ordinary != mark);
            if disable {
                self.state.ordinary.push(mark);
            }
        }
        Ok(status)
    }

    fn builtin_help(&mut self, arguments: &[String]) -> Flow {
        let Some(name) = arguments.iter().skip(1).find(|name| !name.starts_with('-')) else {
            let listing = NAMES.join("\n") + "\n";
            return Ok(self.print("help", &listing));
        };
        let matching: Vec<_> = NAMES.iter().filter(|known| *known == name).collect();
        if matching.is_empty() {
            self.complain(&format!("help: no help topics match `{name}'.  Try `help help' or `man -k {name}' or `info {name}'."));
            return Ok(1);
        }
        Ok(self.print("help", &format!("{name}: {name}\n")))
    }
}
