//! Finding programs, and starting them.

use std::rc::Rc;

use crate::kernel::{Child, Endpoint, Errno, FileType, OpenHow, Spawn};
use crate::shell::Shell;

/// What a command's name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Alias(String),
    Keyword,
    Function,
    Builtin,
    File(String),
}

impl Shell {
    /// What a program is started with: exported variables and functions.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut environment = self.state.variables.exported();
        for (name, stored) in self
            .state
            .functions
            .iter()
            .filter(|(_, stored)| stored.exported)
        {
            if let Some(function) = stored.tree() {
                let text = crate::syntax::function_text(&function);
                let body = text.split_once("() ").map_or("", |(_, body)| body);
                environment.push((
                    format!("BASH_FUNC_{name}%%"),
                    format!("() {}", body.trim_start()),
                ));
            }
        }
        environment
    }

    fn is_executable(&self, path: &str) -> bool {
        match self.kernel.stat(path, true) {
            Ok(info) if info.file_type != FileType::Directory => {
                self.kernel.mode(path).is_ok_and(|mode| mode & 0o111 != 0)
            }
            _ => false,
        }
    }

    /// All places where PATH has a program of this name.
    pub(crate) fn find_programs(&self, name: &str, all: bool) -> Vec<String> {
        let path = self.text_of("PATH").unwrap_or_default();
        self.find_programs_in(name, &path, all)
    }

    pub(crate) fn find_programs_in(&self, name: &str, path: &str, all: bool) -> Vec<String> {
        let mut found = Vec::new();
        if name.is_empty() {
            return found;
        }
        let mut not_executable = None;
        for directory in path.split(':') {
            let shown = if directory.is_empty() {
                format!("./{name}")
            } else {
                format!("{}/{name}", directory.trim_end_matches('/'))
            };
            let absolute = if directory.is_empty() {
                self.absolute(name)
            } else {
                self.absolute(&shown)
            };
            // The machine's own table is quicker than its file system.
            let known = matches!(
                directory,
                "/usr/bin" | "/bin" | "/usr/local/bin" | "/usr/sbin" | "/sbin"
            ) && self.kernel.which(name).is_some_and(|at| at == absolute);
            if known || self.is_executable(&absolute) {
                found.push(shown);
                if !all {
                    break;
                }
            } else if not_executable.is_none()
                && self
                    .kernel
                    .stat(&absolute, true)
                    .is_ok_and(|info| info.file_type == FileType::File)
            {
                not_executable = Some(shown);
            }
        }
        if found.is_empty() {
            // A file that cannot be run is better than nothing: the error will say so.
            found.extend(not_executable);
        }
        found
    }

    /// The program a simple command runs; remembered as `hash` shows it.
    pub(crate) fn find_program(&mut self, name: &str) -> Option<String> {
        if name.contains('/') {
            return Some(name.to_owned());
        }
        if let Some((path, hits)) = Rc::make_mut(&mut self.state.hashed).get_mut(name) {
            *hits += 1;
            return Some(path.clone());
        }
        let path = self.find_programs(name, false).into_iter().next()?;
        Rc::make_mut(&mut self.state.hashed).insert(name.to_owned(), (path.clone(), 1));
        Some(path)
    }

    /// Everything `name` could mean, in the order it would be tried.
    pub(crate) fn meanings(&mut self, name: &str, all: bool) -> Vec<Found> {
        let mut found = Vec::new();
        if self.shopt(crate::options::Shopt::ExpandAliases) {
            if let Some(value) = self.state.aliases.get(name) {
                found.push(Found::Alias(value.clone()));
            }
        }
        if crate::syntax::is_keyword(name) {
            found.push(Found::Keyword);
        }
        if self.state.functions.contains_key(name) {
            found.push(Found::Function);
        }
        if self.is_builtin(name) {
            found.push(Found::Builtin);
        }
        if found.is_empty() || all {
            found.extend(self.files_named(name, all).into_iter().map(Found::File));
        }
        found
    }

    pub(crate) fn files_named(&mut self, name: &str, all: bool) -> Vec<String> {
        if name.contains('/') {
            return if self.is_executable(&self.absolute(name)) {
                vec![name.to_owned()]
            } else {
                Vec::new()
            };
        }
        let mut paths = self.find_programs(name, all);
        paths.retain(|path| self.is_executable(&self.absolute(path)));
        paths
    }

    /// Starts a program found by its name. Err holds the status; the reason has been printed.
    pub(crate) fn start_program(
        &mut self,
        arguments: &[String],
        environment: &[(String, String)],
        background: bool,
    ) -> Result<Box<dyn Child>, i32> {
        let Some(name) = arguments.first().cloned() else {
            return Err(0);
        };
        let path = if let Some((_, path)) = environment
            .iter()
            .find(|(variable, _)| variable == "PATH")
            .filter(|(_, path)| Some(path) != self.text_of("PATH").as_ref())
        {
            if name.contains('/') {
                Some(name.clone())
            } else {
                self.find_programs_in(&name, path, false).into_iter().next()
            }
        } else {
            self.find_program(&name)
        };
        let Some(path) = path else {
            self.complain(&format!("{name}: command not found"));
            return Err(127);
        };
        self.start_file(&path, &name, arguments, environment, background)
    }

    pub(crate) fn start_file(
        &mut self,
        path: &str,
        name: &str,
        arguments: &[String],
        environment: &[(String, String)],
        background: bool,
    ) -> Result<Box<dyn Child>, i32> {
        let absolute = self.absolute(path);
        let descriptors: Vec<(u32, Endpoint)> = self
            .state
            .descriptors
            .iter()
            .map(|(number, endpoint)| (*number, Rc::clone(endpoint)))
            .collect();
        let spawn = |program: &str, arguments: &[String]| {
            self.kernel.spawn(&Spawn {
                program,
                arguments,
                environment,
                directory: &self.state.directory,
                descriptors: &descriptors,
                background,
            })
        };
        let mut arguments = arguments.to_vec();
        match spawn(&absolute, &arguments) {
            Ok(child) => Ok(child),
            Err(Errno::NotExecutable) => match self.interpreter(&absolute) {
                Script::Interpreted(interpreter, option) => {
                    arguments[0] = path.to_owned();
                    let mut full = vec![interpreter.clone()];
                    full.extend(option);
                    full.append(&mut arguments);
                    let started = match spawn(&interpreter, &full) {
                        // The usual places of shells and tools may be elsewhere here.
                        Err(Errno::NoEntry | Errno::NotExecutable) => {
                            let base = interpreter.rsplit('/').next().unwrap_or(&interpreter);
                            self.kernel
                                .which(base)
                                .map_or(Err(Errno::NoEntry), |known| spawn(&known, &full))
                        }
                        other => other,
                    };
                    started.map_err(|errno| {
                        self.complain(&match errno {
                            Errno::NoEntry => {
                                format!("{name}: cannot execute: required file not found")
                            }
                            other => format!("{name}: {}: {}", interpreter, other.text()),
                        });
                        if errno == Errno::NoEntry { 127 } else { 126 }
                    })
                }
                Script::Plain => {
                    arguments[0] = path.to_owned();
                    let mut full = vec!["bash".to_owned()];
                    full.append(&mut arguments);
                    spawn("bash", &full).map_err(|errno| {
                        self.complain(&format!("{name}: {}", errno.text()));
                        126
                    })
                }
                Script::Binary => {
                    self.complain(&format!(
                        "{name}: cannot execute binary file: Exec format error"
                    ));
                    Err(126)
                }
            },
            Err(errno) => {
                let info = self.kernel.stat(&absolute, true);
                let (message, status) = match (errno, &info) {
                    (_, Ok(info)) if info.file_type == FileType::Directory => {
                        ("Is a directory".to_owned(), 126)
                    }
                    (Errno::NoEntry, Ok(_)) => {
                        ("cannot execute: required file not found".to_owned(), 127)
                    }
                    (Errno::NoEntry, Err(_)) => (Errno::NoEntry.text().to_owned(), 127),
                    (Errno::NotDirectory, _) => (Errno::NotDirectory.text().to_owned(), 126),
                    (other, _) => (other.text().to_owned(), 126),
                };
                self.complain(&format!("{name}: {message}"));
                Err(status)
            }
        }
    }

    fn interpreter(&self, path: &str) -> Script {
        let Ok(endpoint) = self.kernel.open(
            path,
            OpenHow {
                read: true,
                ..OpenHow::default()
            },
            0,
        ) else {
            return Script::Binary;
        };
        let start = endpoint.read(256).unwrap_or_default();
        let line = start
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        if let Some(rest) = line.strip_prefix(b"#!") {
            let rest = crate::text::decode(rest.to_vec());
            let rest = rest.trim();
            let (interpreter, option) = match rest.split_once([' ', '\t']) {
                Some((interpreter, option)) => {
                    (interpreter.to_owned(), Some(option.trim().to_owned()))
                }
                None => (rest.to_owned(), None),
            };
            return Script::Interpreted(interpreter, option);
        }
        if line.contains(&0) {
            Script::Binary
        } else {
            Script::Plain
        }
    }
}

/// What a file is that is no component.
enum Script {
    Interpreted(String, Option<String>),
    Plain,
    Binary,
}
