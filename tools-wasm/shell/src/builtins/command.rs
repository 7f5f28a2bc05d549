//! type, command, builtin, hash.

use std::rc::Rc;

use super::Options;
use crate::exec::Found;
use crate::expand::quoting;
use crate::flow::{Flow, Interrupt};
use crate::shell::Shell;
use crate::syntax::function_text;

const STANDARD_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

impl Shell {
    pub(super) fn builtin_type(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "afptP");
        let (mut all, mut no_functions, mut path_only, mut kind_only, mut force_path) =
            (false, false, false, false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'a' => all = true,
                'f' => no_functions = true,
                'p' => path_only = true,
                't' => kind_only = true,
                _ => force_path = true,
            }
        }
        let mut status = 0;
        let mut output = String::new();
        for name in options.rest().to_vec() {
            let mut found = if force_path {
                self.files_named(&name, all)
                    .into_iter()
                    .map(Found::File)
                    .collect()
            } else {
                self.meanings(&name, all)
            };
            if no_functions {
                found.retain(|meaning| *meaning != Found::Function);
                if found.is_empty() {
                    found = self
                        .files_named(&name, all)
                        .into_iter()
                        .map(Found::File)
                        .collect();
                }
            }
            if found.is_empty() {
                if !kind_only && !path_only && !force_path {
                    self.complain(&format!("type: {name}: not found"));
                }
                status = 1;
            }
            if !all {
                found.truncate(1);
            }
            for meaning in found {
                if kind_only {
                    output.push_str(match meaning {
                        Found::Alias(_) => "alias\n",
                        Found::Keyword => "keyword\n",
                        Found::Function => "function\n",
                        Found::Builtin => "builtin\n",
                        Found::File(_) => "file\n",
                    });
                } else if path_only || force_path {
                    if let Found::File(path) = meaning {
                        output.push_str(&format!("{path}\n"));
                    }
                } else {
                    let described = self.described(&name, &meaning);
                    output.push_str(&described);
                }
            }
        }
        let printed = self.print("type", &output);
        Ok(if status == 0 { printed } else { status })
    }

    fn described(&mut self, name: &str, meaning: &Found) -> String {
        match meaning {
            Found::Alias(value) => format!("{name} is aliased to `{value}'\n"),
            Found::Keyword => format!("{name} is a shell keyword\n"),
            Found::Function => {
                let text = self
                    .state
                    .functions
                    .get(name)
                    .and_then(|stored| stored.tree())
                    .map(|function| function_text(&function))
                    .unwrap_or_default();
                format!("{name} is a function\n{text}\n")
            }
            Found::Builtin => format!(
                "{name} is a {}shell builtin\n",
                if self.is_set(crate::options::Set::Posix) && super::is_special(name) {
                    "special "
                } else {
                    ""
                }
            ),
            Found::File(path) => match self.state.hashed.get(name) {
                Some((hashed, _)) if hashed == path => format!("{name} is hashed ({path})\n"),
                _ => format!("{name} is {path}\n"),
            },
        }
    }

    pub(super) fn builtin_command(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "pvV");
        let (mut standard, mut short, mut long) = (false, false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'p' => standard = true,
                'v' => short = true,
                _ => long = true,
            }
        }
        let operands = options.rest().to_vec();
        if short || long {
            let mut status = if operands.is_empty() { 0 } else { 1 };
            for name in &operands {
                let Some(meaning) = self.meanings(name, false).into_iter().next() else {
                    if long {
                        self.complain(&format!("command: {name}: not found"));
                    }
                    continue;
                };
                status = 0;
                let line = if long {
                    self.described(name, &meaning)
                } else {
                    match meaning {
                        Found::Alias(value) => {
                            format!("alias {name}={}\n", quoting::single(&value))
                        }
                        Found::File(path) => format!("{path}\n"),
                        _ => format!("{name}\n"),
                    }
                };
                self.print("command", &line);
            }
            return Ok(status);
        }
        let Some(name) = operands.first() else {
            return Ok(0);
        };
        if let Some(builtin) = self.builtin(name) {
            // Without the function of the same name, and without what makes a builtin special.
            return match builtin(self, &operands) {
                Err(Interrupt::Discard(status)) => Ok(status),
                other => other,
            };
        }
        let mut environment = self.environment();
        if standard {
            environment.retain(|(name, _)| name != "PATH");
            environment.push(("PATH".to_owned(), STANDARD_PATH.to_owned()));
        }
        match self.start_program(&operands, &environment, false) {
            Ok(mut child) => Ok(child.wait().code()),
            Err(status) => Ok(status),
        }
    }

    pub(super) fn builtin_builtin(&mut self, arguments: &[String]) -> Flow {
        let operands = if arguments.get(1).is_some_and(|argument| argument == "--") {
            &arguments[2..]
        } else {
            &arguments[1..]
        };
        let Some(name) = operands.first() else {
            return Ok(0);
        };
        match self.builtin(name) {
            Some(builtin) => builtin(self, operands),
            None => {
                self.complain(&format!("builtin: {name}: not a shell builtin"));
                Ok(1)
            }
        }
    }

    pub(super) fn builtin_hash(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "rp:dtl");
        let (mut path, mut delete, mut show, mut list) = (None, false, false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'r' => self.state.hashed = Rc::default(),
                'p' => path = Some(option.value),
                'd' => delete = true,
                't' => show = true,
                _ => list = true,
            }
        }
        let operands = options.rest().to_vec();
        if operands.is_empty() {
            if arguments.len() == 1 || list {
                if self.state.hashed.is_empty() {
                    if !list {
                        return Ok(self.print("hash", "hash: hash table empty\n"));
                    }
                    return Ok(0);
                }
                let mut listing = if list {
                    String::new()
                } else {
                    "hits\tcommand\n".to_owned()
                };
                for (name, (path, hits)) in self.state.hashed.iter() {
                    listing.push_str(&if list {
                        format!("builtin hash -p {path} {name}\n")
                    } else {
                        format!("{hits:4}\t{path}\n")
                    });
                }
                return Ok(self.print("hash", &listing));
            }
            return Ok(0);
        }
        let mut status = 0;
        for name in &operands {
            if delete {
                if Rc::make_mut(&mut self.state.hashed).remove(name).is_none() {
                    self.complain(&format!("hash: {name}: not found"));
                    status = 1;
                }
            } else if show {
                match self.state.hashed.get(name).cloned() {
                    Some((path, _)) if list => {
                        self.print("hash", &format!("builtin hash -p {path} {name}\n"));
                    }
                    Some((path, _)) => {
                        let line = if operands.len() > 1 {
                            format!("{name}\t{path}\n")
                        } else {
                            format!("{path}\n")
                        };
                        self.print("hash", &line);
                    }
                    None => {
                        self.complain(&format!("hash: {name}: not found"));
                        status = 1;
                    }
                }
            } else if let Some(path) = &path {
                Rc::make_mut(&mut self.state.hashed).insert(name.clone(), (path.clone(), 0));
            } else if name.contains('/')
                || self.is_builtin(name)
                || self.state.functions.contains_key(name)
            {
                continue;
            } else {
                Rc::make_mut(&mut self.state.hashed).remove(name);
                match self.files_named(name, false).into_iter().next() {
                    Some(found) => {
                        Rc::make_mut(&mut self.state.hashed).insert(name.clone(), (found, 0));
                    }
                    None => {
                        self.complain(&format!("hash: {name}: not found"));
                        status = 1;
                    }
                }
            }
        }
        Ok(status)
    }
}
