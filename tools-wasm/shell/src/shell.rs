//! The shell itself: what it knows, and where its messages go.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::arithmetic::Expression;
use crate::exec::jobs::Jobs;
use crate::flow::Interrupt;
use crate::kernel::{Endpoint, Errno, Kernel};
use crate::options::{Options, Set, Shopt};
use crate::syntax::ast::Function;
use crate::syntax::{Aliases, ParseOptions, Parser};
use crate::text;
use crate::variables::Variables;

/// A function: its tree, or the source to make it from when it is first called.
pub struct StoredFunction {
    pub source: String,
    pub line: u32,
    pub exported: bool,
    pub readonly: bool,
    /// The file it was defined in.
    pub file: String,
    pub tree: OnceCell<Option<Rc<Function>>>,
}

impl StoredFunction {
    pub fn tree(&self) -> Option<Rc<Function>> {
        self.tree
            .get_or_init(|| {
                let mut parser = Parser::new(
                    &self.source,
                    self.line,
                    ParseOptions {
                        extglob: true,
                        ..ParseOptions::default()
                    },
                );
                let program = parser.next().ok()??;
                let command = program.items.first()?.first.stages.first()?;
                match &command.kind {
                    crate::syntax::ast::CommandKind::Function(function) => {
                        Some(Rc::clone(function))
                    }
                    _ => None,
                }
            })
            .clone()
    }
}

/// Everything a subshell gets a copy of. Cloning is cheap: what is large is shared until it is written.
#[derive(Clone)]
pub struct State {
    pub variables: Variables,
    pub functions: Rc<BTreeMap<String, Rc<StoredFunction>>>,
    pub aliases: Aliases,
    pub options: Options,
    pub directory: String,
    pub directory_stack: Vec<String>,
    pub positional: Rc<Vec<String>>,
    pub descriptors: Rc<BTreeMap<u32, Endpoint>>,
    /// By name without SIG: the command, empty to ignore.
    pub traps: Rc<BTreeMap<String, String>>,
    /// In a subshell that has set no trap yet: its parent's, which `trap` shows.
    pub inherited_traps: Option<Rc<BTreeMap<String, String>>>,
    pub status: i32,
    pub pipe_status: Vec<i32>,
    pub last_background: Option<u32>,
    pub subshell_depth: u32,
    pub random: u32,
    pub seconds_from_ns: u128,
    pub getopts_offset: usize,
    pub last_argument: String,
    /// Variables the shell computes until somebody unsets them.
    pub ordinary: Vec<String>,
    /// Paths that commands were found at.
    pub hashed: Rc<BTreeMap<String, (String, u32)>>,
}

/// A running function or sourced file.
#[derive(Clone)]
pub struct Frame {
    /// `source` for a file.
    pub function: String,
    pub file: String,
    pub called_at: u32,
    pub positional: Option<Rc<Vec<String>>>,
    /// Options to put back, because of `local -`.
    pub options: Option<Options>,
}

pub struct Shell {
    pub kernel: Rc<dyn Kernel>,
    pub state: State,
    /// `$0`.
    pub name: String,
    pub shell_pid: u32,
    pub line: u32,
    pub frames: Vec<Frame>,
    pub loops: u32,
    /// While positive, a failing command does not end the shell.
    pub unchecked: u32,
    pub jobs: Jobs,
    pub substitution_status: Option<i32>,
    pub arithmetic: HashMap<String, Rc<Expression>>,
    pub arithmetic_depth: u32,
    pub interactive: bool,
    /// How the shell was started, for `$-`.
    pub started_as: char,
    pub command_string: Option<String>,
    /// The command being run, for `$BASH_COMMAND`.
    pub current_command: Option<Rc<crate::syntax::ast::Command>>,
    /// What `$BASH_COMMAND` shows where that is not a whole command: the head of a loop.
    pub current_head: Option<String>,
    pub pending_signals: Vec<String>,
    pub in_trap: Vec<String>,
    /// The signal that is ending the whole shell from inside a subshell.
    pub dying: Option<u8>,
    /// Directories of `>( )` and `<( )`: descriptors to close after the command.
    pub process_descriptors: Vec<u32>,
    pub here_temporary: u32,
    pub call_depth: u32,
    pub umask: Option<u32>,
    /// What reading commands gave up on: syntax error or late end.
    pub exiting: bool,
}

pub const FUNCTION_DEPTH_MAX: u32 = 400;

impl Shell {
    pub fn new(kernel: Rc<dyn Kernel>) -> Self {
        let descriptors = kernel.descriptors().into_iter().collect();
        let now = kernel.now_ns();
        let (pid, _) = kernel.id();
        let state = State {
            variables: Variables::default(),
            functions: Rc::default(),
            aliases: Rc::default(),
            options: Options::default(),
            directory: "/".to_owned(),
            directory_stack: Vec::new(),
            positional: Rc::default(),
            descriptors: Rc::new(descriptors),
            traps: Rc::default(),
            inherited_traps: None,
            status: 0,
            pipe_status: Vec::new(),
            last_background: None,
            subshell_depth: 0,
            random: (now as u32) ^ pid,
            seconds_from_ns: now,
            getopts_offset: 0,
            last_argument: String::new(),
            ordinary: Vec::new(),
            hashed: Rc::default(),
        };
        Self {
            kernel,
            state,
            name: "bash".to_owned(),
            shell_pid: pid,
            line: 0,
            frames: Vec::new(),
            loops: 0,
            unchecked: 0,
            jobs: Jobs::default(),
            substitution_status: None,
            arithmetic: HashMap::new(),
            arithmetic_depth: 0,
            interactive: false,
            started_as: 's',
            command_string: None,
            current_command: None,
            current_head: None,
            pending_signals: Vec::new(),
            in_trap: Vec::new(),
            dying: None,
            process_descriptors: Vec::new(),
            here_temporary: 0,
            call_depth: 0,
            umask: None,
            exiting: false,
        }
    }

    pub fn is_set(&self, switch: Set) -> bool {
        self.state.options.set(switch)
    }

    pub fn shopt(&self, switch: Shopt) -> bool {
        self.state.options.shopt(switch)
    }

    pub fn parse_options(&self) -> ParseOptions {
        ParseOptions {
            extglob: self.shopt(Shopt::Extglob),
            posix: self.is_set(Set::Posix),
            aliases: (self.shopt(Shopt::ExpandAliases) && !self.state.aliases.is_empty())
                .then(|| Rc::clone(&self.state.aliases)),
        }
    }

    pub fn descriptor(&self, number: u32) -> Option<Endpoint> {
        self.state.descriptors.get(&number).cloned()
    }

    /// Writes to a descriptor of the shell.
    pub fn write(&self, number: u32, bytes: &str) -> Result<(), Errno> {
        let endpoint = self
            .state
            .descriptors
            .get(&number)
            .ok_or(Errno::BadDescriptor)?;
        endpoint.write(&text::encode(bytes))
    }

    /// Writes a builtin's output; the status says whether that worked.
    pub fn print(&mut self, builtin: &str, output: &str) -> i32 {
        if output.is_empty() {
            return 0;
        }
        match self.write(1, output) {
            Ok(()) => 0,
            Err(errno) => {
                self.complain(&format!("{builtin}: write error: {}", errno.text()));
                1
            }
        }
    }

    /// A message on standard error, with the shell's name and the line.
    pub fn complain(&self, message: &str) {
        let name = self.error_name();
        let line = self.line.max(1);
        let _ = self.write(2, &format!("{name}: line {line}: {message}\n"));
    }

    pub fn error_name(&self) -> String {
        match self
            .frames
            .iter()
            .rev()
            .find(|frame| frame.function == "source")
        {
            Some(frame) => frame.file.clone(),
            None => self.name.clone(),
        }
    }

    /// Reports and gives up the line, as after a bad substitution.
    pub fn discard<T>(&self, message: &str) -> Result<T, Interrupt> {
        self.complain(message);
        Err(Interrupt::Discard(1))
    }

    /// A path as the kernel wants it.
    pub fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else if path.is_empty() {
            String::new()
        } else {
            format!("{}/{path}", self.state.directory.trim_end_matches('/'))
        }
    }

    /// The variable's text, if it is set.
    pub fn text_of(&self, name: &str) -> Option<String> {
        self.state
            .variables
            .get(name)
            .and_then(|variable| variable.scalar().map(ToOwned::to_owned))
    }

    pub fn set_descriptors(&mut self, change: impl FnOnce(&mut BTreeMap<u32, Endpoint>)) {
        change(Rc::make_mut(&mut self.state.descriptors));
    }

    /// A descriptor number from 10 up that is free.
    pub fn free_descriptor(&self, from: u32) -> u32 {
        (from..)
            .find(|number| !self.state.descriptors.contains_key(number))
            .unwrap_or(from)
    }
}
