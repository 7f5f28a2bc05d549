//! The shell as a program: its arguments, its environment, and where its commands come from.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::exec::stage::{RESUME, STATE_DESCRIPTOR};
use crate::expand::quoting;
use crate::flow::Flow;
use crate::kernel::{Kernel, OpenHow};
use crate::options::{Set, Shopt, set_by_letter, set_by_name, shopt_by_name};
use crate::saved::Saved;
use crate::shell::{Shell, StoredFunction};
use crate::text;
use crate::variables::{Attributes, Value, Variable};

/// Runs the shell with these arguments, argv[0] first, and returns its exit status.
pub fn run(kernel: Rc<dyn Kernel>, arguments: &[String]) -> i32 {
    let mut shell = Shell::new(kernel);
    if arguments.get(1).is_some_and(|argument| argument == RESUME) {
        return resume(shell);
    }
    shell.start();
    match Command::parse(&mut shell, arguments) {
        Ok(command) => {
            let result = command.run(&mut shell);
            shell.finish(result)
        }
        Err(status) => status,
    }
}

/// A fresh instance that goes on with another shell's state.
fn resume(mut shell: Shell) -> i32 {
    let Some(endpoint) = shell.descriptor(STATE_DESCRIPTOR) else {
        return 2;
    };
    shell.set_descriptors(|descriptors| {
        descriptors.remove(&STATE_DESCRIPTOR);
    });
    let bytes = crate::expand::read_all(&endpoint);
    drop(endpoint);
    let Some(saved) = Saved::from_bytes(&bytes) else {
        return 2;
    };
    let (program, line) = saved.restore(&mut shell);
    shell.state.subshell_depth += 1;
    shell.jobs = Default::default();
    shell.reset_traps();
    shell.line = line;
    let result = shell.run_text(&program, line, "");
    shell.finish(result)
}

impl Shell {
    /// Variables from the environment, and those every shell has.
    pub fn start(&mut self) {
        for (name, value) in self.kernel.environment() {
            if let Some(function) = name
                .strip_prefix("BASH_FUNC_")
                .and_then(|name| name.strip_suffix("%%"))
            {
                self.import_function(function, &value);
                continue;
            }
            if name == "_" {
                continue;
            }
            if !crate::syntax::is_name(&name) || name == "SHELLOPTS" || name == "BASHOPTS" {
                if name == "SHELLOPTS" {
                    for option in value.split(':') {
                        if let Some(switch) = set_by_name(option) {
                            self.state.options.put(switch, true);
                        }
                    }
                }
                continue;
            }
            let mut variable = Variable::text(value);
            variable.attributes = Attributes::EXPORT;
            self.state.variables.insert_in(0, &name, variable);
        }
        // PWD is believed when it is a path; the machine has no other notion of where a process stands.
        self.state.directory = self
            .text_of("PWD")
            .filter(|path| path.starts_with('/'))
            .unwrap_or_else(|| self.working_directory());
        let directory = self.state.directory.clone();
        self.put("PWD", &directory);
        self.export("PWD");
        if self.state.variables.get("OLDPWD").is_none() {
            self.state.variables.entry("OLDPWD").attributes = Attributes::EXPORT;
        }
        let level = self
            .text_of("SHLVL")
            .and_then(|level| level.trim().parse::<i64>().ok())
            .unwrap_or(0)
            + 1;
        self.put("SHLVL", &level.to_string());
        self.export("SHLVL");
        self.put("IFS", " \t\n");
        self.state.variables.entry("IFS").attributes = Attributes::default();
        for (name, value) in [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("BASH", "/usr/bin/bash"),
            ("BASH_VERSION", "5.2.15(1)-release"),
            ("HOSTTYPE", "wasm32"),
            ("MACHTYPE", "wasm32-unknown-wasi"),
            ("OSTYPE", "linux-gnu"),
            ("OPTIND", "1"),
            ("OPTERR", "1"),
            ("PS4", "+ "),
            ("TERM", "dumb"),
        ] {
            if self.state.variables.get(name).is_none() {
                self.put(name, value);
            }
        }
        let version = ["5", "2", "15", "1", "release", "wasm32-unknown-wasi"];
        self.put_list("BASH_VERSINFO", version.map(ToOwned::to_owned).to_vec());
        self.state
            .variables
            .entry("BASH_VERSINFO")
            .attributes
            .set(Attributes::READONLY, true);
    }

    fn working_directory(&self) -> String {
        std::env::current_dir()
            .ok()
            .and_then(|path| path.into_os_string().into_string().ok())
            .unwrap_or_else(|| "/".to_owned())
    }

    fn export(&mut self, name: &str) {
        self.state
            .variables
            .entry(name)
            .attributes
            .set(Attributes::EXPORT, true);
    }

    fn import_function(&mut self, name: &str, value: &str) {
        if !value.starts_with("() ") {
            return;
        }
        let source = format!("{name} {value}");
        let stored = StoredFunction {
            source,
            line: 1,
            exported: true,
            readonly: false,
            file: "environment".to_owned(),
            tree: OnceCell::new(),
        };
        Rc::make_mut(&mut self.state.functions).insert(name.to_owned(), Rc::new(stored));
    }
}

/// Where the commands come from.
enum Source {
    Text(String),
    File(String),
    Input,
}

struct Command {
    source: Source,
}

impl Command {
    fn parse(shell: &mut Shell, arguments: &[String]) -> Result<Self, i32> {
        shell.name = arguments
            .first()
            .cloned()
            .unwrap_or_else(|| "bash".to_owned());
        if shell.name.rsplit('/').next() == Some("sh") {
            shell.state.options.put(Set::Posix, true);
        }
        let mut wants_text = false;
        let mut wants_input = false;
        let mut at = 1;
        while let Some(argument) = arguments.get(at) {
            if argument == "--" || argument == "-" {
                at += 1;
                break;
            }
            if let Some(long) = argument.strip_prefix("--") {
                match long {
                    "posix" => shell.state.options.put(Set::Posix, true),
                    "rcfile" | "init-file" => at += 1,
                    "noprofile" | "norc" | "login" | "noediting" | "verbose" | "restricted"
                    | "debugger" => {}
                    "version" => {
                        let _ = shell.write(
                            1,
                            "GNU bash, version 5.2.15(1)-release (wasm32-unknown-wasi)\n",
                        );
                        return Err(0);
                    }
                    "help" => {
                        let _ = shell.write(1, "Usage:\tbash [GNU long option] [option] ...\n\tbash [GNU long option] [option] script-file ...\n");
                        return Err(0);
                    }
                    _ => {
                        let _ = shell
                            .write(2, &format!("{}: {argument}: invalid option\n", shell.name));
                        return Err(2);
                    }
                }
                at += 1;
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
                match letter {
                    'c' => wants_text = true,
                    's' => wants_input = true,
                    'i' => {
                        shell.interactive = true;
                        shell.state.options.put_shopt(Shopt::ExpandAliases, true);
                    }
                    'l' | 'r' | 'D' => {}
                    'o' | 'O' => {
                        let name = arguments.get(at).cloned();
                        at += 1;
                        let Some(name) = name else {
                            let listing = if letter == 'o' {
                                shell.list_set_options(!on)
                            } else {
                                shell.list_shopt(!on)
                            };
                            let _ = shell.write(1, &listing);
                            continue;
                        };
                        let known = if letter == 'o' {
                            set_by_name(&name).map(|switch| shell.state.options.put(switch, on))
                        } else {
                            shopt_by_name(&name)
                                .map(|switch| shell.state.options.put_shopt(switch, on))
                        };
                        if known.is_none() {
                            let _ = shell.write(
                                2,
                                &format!(
                                    "{}: {name}: invalid {}option name\n",
                                    shell.name,
                                    if letter == 'O' { "shell " } else { "" }
                                ),
                            );
                            return Err(if letter == 'o' { 2 } else { 1 });
                        }
                    }
                    _ => match set_by_letter(letter) {
                        Some(switch) => shell.state.options.put(switch, on),
                        None => {
                            let _ = shell
                                .write(2, &format!("{}: -{letter}: invalid option\n", shell.name));
                            return Err(2);
                        }
                    },
                }
            }
        }
        let mut rest = arguments.get(at..).unwrap_or_default().to_vec();
        let source = if wants_text {
            shell.started_as = 'c';
            if rest.is_empty() {
                let _ = shell.write(
                    2,
                    &format!("{}: -c: option requires an argument\n", shell.name),
                );
                return Err(2);
            }
            let text = rest.remove(0);
            if !rest.is_empty() {
                shell.name = rest.remove(0);
            }
            shell.command_string = Some(text.clone());
            Source::Text(text)
        } else if !rest.is_empty() && !wants_input {
            shell.started_as = 'f';
            shell.name = rest.remove(0);
            Source::File(shell.name.clone())
        } else {
            shell.started_as = 's';
            Source::Input
        };
        shell.state.positional = Rc::new(rest);
        shell.state.last_argument = shell.name.clone();
        Ok(Self { source })
    }

    fn run(self, shell: &mut Shell) -> Flow {
        if self.startup_file_wanted(shell) {
            let file = shell.text_of("BASH_ENV").unwrap_or_default();
            let word = shell.parse_word(&file)?;
            let file = shell.string(&word)?;
            if let Ok(endpoint) = shell.open(
                &file,
                OpenHow {
                    read: true,
                    ..OpenHow::default()
                },
            ) {
                let script = text::decode(crate::expand::read_all(&endpoint));
                shell.source_text(&script, &file, None)?;
            }
        }
        match self.source {
            Source::Text(text) => shell.run_text(&text, 1, "-c: "),
            Source::File(name) => match shell.open(
                &name,
                OpenHow {
                    read: true,
                    ..OpenHow::default()
                },
            ) {
                Ok(endpoint) => {
                    let path = shell.absolute(&name);
                    if shell
                        .kernel
                        .stat(&path, true)
                        .is_ok_and(|info| info.file_type == crate::kernel::FileType::Directory)
                    {
                        let _ = shell.write(2, &format!("{name}: {name}: Is a directory\n"));
                        return Ok(126);
                    }
                    let bytes = crate::expand::read_all(&endpoint);
                    let start = &bytes[..bytes.len().min(80)];
                    if start
                        .split(|byte| *byte == b'\n')
                        .next()
                        .is_some_and(|line| line.contains(&0))
                    {
                        let _ = shell
                            .write(2, &format!("{name}: {name}: cannot execute binary file\n"));
                        return Ok(126);
                    }
                    let script = text::decode(bytes);
                    shell.run_text(&script, 1, "")
                }
                Err(errno) => {
                    let _ = shell.write(2, &format!("bash: {name}: {}\n", errno.text()));
                    Ok(127)
                }
            },
            Source::Input => match shell.descriptor(0) {
                Some(endpoint) => shell.run_descriptor(endpoint),
                None => Ok(0),
            },
        }
    }

    fn startup_file_wanted(&self, shell: &Shell) -> bool {
        !shell.interactive
            && !shell.is_set(Set::Posix)
            && shell
                .text_of("BASH_ENV")
                .is_some_and(|file| !file.is_empty())
    }
}

/// A variable's value as `set` lists it.
pub(crate) fn listed_value(variable: &Variable) -> Option<String> {
    match &variable.value {
        Value::Text(text) => Some(quoting::when_needed(text)),
        Value::Unset => None,
        _ => crate::expand::value_text(variable),
    }
}
