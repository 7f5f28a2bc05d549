//! The shell's state as bytes: for a fresh instance that runs part of a command, and from one tool call to the next.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::shell::{Frame, Shell, StoredFunction};
use crate::syntax::function_text;
use crate::variables::Variables;

#[derive(Serialize, Deserialize)]
struct SavedFunction {
    name: String,
    source: String,
    line: u32,
    exported: bool,
    readonly: bool,
    file: String,
}

#[derive(Serialize, Deserialize)]
struct SavedFrame {
    function: String,
    file: String,
    called_at: u32,
}

#[derive(Serialize, Deserialize)]
pub struct Saved {
    /// What a fresh instance runs, and the line it begins at.
    pub program: String,
    pub line: u32,
    variables: Variables,
    functions: Vec<SavedFunction>,
    aliases: BTreeMap<String, String>,
    options: Options,
    directory: String,
    directory_stack: Vec<String>,
    positional: Vec<String>,
    traps: BTreeMap<String, String>,
    inherited_traps: Option<BTreeMap<String, String>>,
    status: i32,
    pipe_status: Vec<i32>,
    last_background: Option<u32>,
    subshell_depth: u32,
    random: u32,
    seconds_from_ns: u128,
    last_argument: String,
    ordinary: Vec<String>,
    umask: Option<u32>,
    name: String,
    shell_pid: u32,
    frames: Vec<SavedFrame>,
    started_as: char,
    command_string: Option<String>,
    jobs: Vec<(u32, String)>,
    call_depth: u32,
}

impl Saved {
    pub fn of(shell: &mut Shell, program: String, line: u32) -> Self {
        let kernel = Rc::clone(&shell.kernel);
        let jobs = shell.jobs.running(kernel.as_ref());
        let state = &shell.state;
        let functions = state
            .functions
            .iter()
            .map(|(name, stored)| SavedFunction {
                name: name.clone(),
                source: match stored.tree.get() {
                    Some(Some(function)) => function
                        .source
                        .clone()
                        .unwrap_or_else(|| function_text(function)),
                    _ => stored.source.clone(),
                },
                line: stored.line,
                exported: stored.exported,
                readonly: stored.readonly,
                file: stored.file.clone(),
            })
            .collect();
        Self {
            program,
            line,
            variables: state.variables.clone(),
            functions,
            aliases: (*state.aliases).clone(),
            options: state.options,
            directory: state.directory.clone(),
            directory_stack: state.directory_stack.clone(),
            positional: (*state.positional).clone(),
            traps: (*state.traps).clone(),
            inherited_traps: state.inherited_traps.as_deref().cloned(),
            status: state.status,
            pipe_status: state.pipe_status.clone(),
            last_background: state.last_background,
            subshell_depth: state.subshell_depth,
            random: state.random,
            seconds_from_ns: state.seconds_from_ns,
            last_argument: state.last_argument.clone(),
            ordinary: state.ordinary.clone(),
            umask: shell.umask,
            name: shell.name.clone(),
            shell_pid: shell.shell_pid,
            frames: shell
                .frames
                .iter()
                .map(|frame| SavedFrame {
                    function: frame.function.clone(),
                    file: frame.file.clone(),
                    called_at: frame.called_at,
                })
                .collect(),
            started_as: shell.started_as,
            command_string: shell.command_string.clone(),
            jobs,
            call_depth: shell.call_depth,
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// Gives the state to a shell. The program to run and its line are returned.
    pub fn restore(self, shell: &mut Shell) -> (String, u32) {
        let state = &mut shell.state;
        state.variables = self.variables;
        state.functions = Rc::new(
            self.functions
                .into_iter()
                .map(|function| {
                    let stored = StoredFunction {
                        source: function.source,
                        line: function.line,
                        exported: function.exported,
                        readonly: function.readonly,
                        file: function.file,
                        tree: OnceCell::new(),
                    };
                    (function.name, Rc::new(stored))
                })
                .collect(),
        );
        state.aliases = Rc::new(self.aliases);
        state.options = self.options;
        state.directory = self.directory;
        state.directory_stack = self.directory_stack;
        state.positional = Rc::new(self.positional);
        state.traps = Rc::new(self.traps);
        state.inherited_traps = self.inherited_traps.map(Rc::new);
        state.status = self.status;
        state.pipe_status = self.pipe_status;
        state.last_background = self.last_background;
        state.subshell_depth = self.subshell_depth;
        state.random = self.random;
        state.seconds_from_ns = self.seconds_from_ns;
        state.last_argument = self.last_argument;
        state.ordinary = self.ordinary;
        shell.umask = self.umask;
        if let Some(mask) = self.umask {
            shell.kernel.set_umask(mask);
        }
        shell.name = self.name;
        shell.shell_pid = self.shell_pid;
        shell.frames = self
            .frames
            .into_iter()
            .map(|frame| Frame {
                function: frame.function,
                file: frame.file,
                called_at: frame.called_at,
                positional: None,
                options: None,
            })
            .collect();
        shell.started_as = self.started_as;
        shell.command_string = self.command_string;
        shell.call_depth = self.call_depth;
        for (pid, text) in self.jobs {
            shell.jobs.adopt(pid, text);
        }
        (self.program, self.line)
    }
}
