//! Commands that run as processes of their own: external programs directly, anything else in a fresh shell instance
//! that is handed this shell's state.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::flow::{Flow, Interrupt};
use crate::kernel::{Child, Endpoint, Errno, Spawn};
use crate::saved::Saved;
use crate::shell::Shell;
use crate::syntax::ast::{Command, CommandKind, Program};
use crate::syntax::{command_text, program_text};

/// The number under which a fresh instance finds the state.
pub const STATE_DESCRIPTOR: u32 = 1000;
/// The argument that makes a shell such an instance.
pub const RESUME: &str = "--glovebox-resume";

/// What a fresh instance is to run, and the line it starts at.
pub enum Stage<'a> {
    Program(&'a Program, u32),
    Command(&'a Command),
    Text(&'a str, u32),
}

impl Shell {
    /// Starts a fresh shell instance.
    pub(crate) fn launch(
        &mut self,
        stage: Stage<'_>,
        mut descriptors: BTreeMap<u32, Endpoint>,
        background: bool,
    ) -> Result<Box<dyn Child>, Errno> {
        let (text, line) = match stage {
            Stage::Program(program, line) => (program_text(program), line),
            Stage::Command(command) => (command_text(command), command.line),
            Stage::Text(text, line) => (text.to_owned(), line),
        };
        let saved = Saved::of(self, text, line);
        let buffer = self.kernel.buffer()?;
        buffer.write(&saved.to_bytes())?;
        descriptors.insert(STATE_DESCRIPTOR, buffer);
        let environment = self.state.variables.exported();
        let descriptors: Vec<(u32, Endpoint)> = descriptors.into_iter().collect();
        self.kernel.spawn(&Spawn {
            program: "bash",
            arguments: &["bash".to_owned(), RESUME.to_owned()],
            environment: &environment,
            directory: &self.state.directory,
            descriptors: &descriptors,
            background,
        })
    }

    /// Starts a command. Err holds the status of one that could not be started; it has been reported.
    pub(crate) fn launch_command(
        &mut self,
        command: &Rc<Command>,
        descriptors: BTreeMap<u32, Endpoint>,
        background: bool,
    ) -> Flow<Result<Box<dyn Child>, i32>> {
        if self.is_external(command) {
            return self.launch_external(command, descriptors, background);
        }
        Ok(
            match self.launch(Stage::Command(command), descriptors, background) {
                Ok(child) => Ok(child),
                Err(errno) => {
                    self.complain(&format!("fork: {}", errno.text()));
                    Err(254)
                }
            },
        )
    }

    /// Whether the command is one program and nothing else.
    fn is_external(&self, command: &Command) -> bool {
        let CommandKind::Simple(simple) = &command.kind else {
            return false;
        };
        let Some(name) = simple.words.first().and_then(|word| word.literal()) else {
            return false;
        };
        let quiet = !self.is_set(crate::options::Set::Xtrace) && !self.traps_debug();
        !name.is_empty()
            && quiet
            && simple.assignments.is_empty()
            && !self.state.functions.contains_key(name)
            && !self.is_builtin(name)
    }

    /// Expands and starts a program without leaving a trace in this shell.
    fn launch_external(
        &mut self,
        command: &Rc<Command>,
        descriptors: BTreeMap<u32, Endpoint>,
        background: bool,
    ) -> Flow<Result<Box<dyn Child>, i32>> {
        let CommandKind::Simple(simple) = &command.kind else {
            return Ok(Err(1));
        };
        let mut started = Err(1);
        self.subshell(|shell| {
            shell.state.descriptors = Rc::new(descriptors);
            shell.line = command.line;
            let arguments = shell.arguments(&simple.words)?;
            match shell.redirect(&command.redirects) {
                Ok(()) => {}
                Err(Interrupt::Discard(status)) => {
                    started = Err(status);
                    return Ok(status);
                }
                Err(other) => return Err(other),
            }
            let environment = shell.environment();
            started = shell.start_program(&arguments, &environment, background);
            Ok(0)
        })?;
        Ok(started)
    }
}
