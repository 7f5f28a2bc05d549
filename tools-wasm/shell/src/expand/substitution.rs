//! `$( )`, `<( )` and `>( )`.

use std::rc::Rc;

use crate::exec::stage::Stage;
use crate::flow::{Flow, Interrupt};
use crate::kernel::{Endpoint, OpenHow};
use crate::options::{Set, Shopt};
use crate::shell::Shell;
use crate::syntax::Parser;
use crate::syntax::ast::{CommandKind, Program, RedirectKind, RedirectTarget, Substitution};
use crate::text;

impl Shell {
    /// The output of a command substitution without its trailing newlines.
    pub(crate) fn substitute(&mut self, substitution: &Substitution) -> Flow<String> {
        let program = self.substitution_program(substitution)?;
        if let Some(text) = self.file_contents(&program)? {
            return Ok(trimmed(text));
        }
        if program.items.is_empty() {
            self.substitution_status = Some(0);
            return Ok(String::new());
        }
        let buffer = match self.kernel.buffer() {
            Ok(buffer) => buffer,
            Err(errno) => {
                return self.discard(&format!(
                    "cannot make pipe for command substitution: {}",
                    errno.text()
                ));
            }
        };
        let output = Rc::clone(&buffer);
        let status = self.subshell(move |shell| {
            if !shell.shopt(Shopt::InheritErrexit) && !shell.is_set(Set::Posix) {
                shell.state.options.put(Set::Errexit, false);
            }
            shell.set_descriptors(|descriptors| {
                descriptors.insert(1, output);
            });
            let result = shell.run_program(&program);
            // Whoever still writes to the buffer belongs to the output.
            shell.wait_for_writers();
            result
        })?;
        self.substitution_status = Some(status);
        Ok(trimmed(read_all(&buffer)))
    }

    fn substitution_program(&mut self, substitution: &Substitution) -> Flow<Rc<Program>> {
        if let Some(program) = substitution.program.get() {
            return Ok(Rc::clone(program));
        }
        let mut parser = Parser::new(&substitution.text, substitution.line, self.parse_options());
        match parser.program() {
            Ok(program) => {
                let program = Rc::new(program);
                let _ = substitution.program.set(Rc::clone(&program));
                Ok(program)
            }
            Err(error) => {
                self.syntax_error("command substitution: ", &error);
                self.substitution_status = Some(2);
                Ok(Rc::default())
            }
        }
    }

    /// `$(< file)`.
    fn file_contents(&mut self, program: &Program) -> Flow<Option<Vec<u8>>> {
        let [item] = program.items.as_slice() else {
            return Ok(None);
        };
        let (true, [stage]) = (
            item.rest.is_empty() && !item.background && !item.first.negated,
            item.first.stages.as_slice(),
        ) else {
            return Ok(None);
        };
        let (CommandKind::Simple(simple), [redirect]) = (&stage.kind, stage.redirects.as_slice())
        else {
            return Ok(None);
        };
        let plain = simple.words.is_empty()
            && simple.assignments.is_empty()
            && redirect.kind == RedirectKind::Read
            && matches!(redirect.target, RedirectTarget::Default);
        if !plain {
            return Ok(None);
        }
        let mut names = Vec::new();
        self.word(&redirect.word, &mut names)?;
        let [name] = names.as_slice() else {
            self.complain(&format!("{}: ambiguous redirect", redirect.word.raw));
            self.substitution_status = Some(1);
            return Ok(Some(Vec::new()));
        };
        let opened = self.open(
            name,
            OpenHow {
                read: true,
                ..OpenHow::default()
            },
        );
        match opened {
            Ok(endpoint) => {
                self.substitution_status = Some(0);
                Ok(Some(read_all(&endpoint)))
            }
            Err(errno) => {
                self.complain(&format!("{name}: {}", errno.text()));
                self.substitution_status = Some(1);
                Ok(Some(Vec::new()))
            }
        }
    }

    /// Starts the commands of `<( )` or `>( )` and returns the path of the pipe's other end.
    pub(crate) fn process_substitution(
        &mut self,
        output: bool,
        body: Rc<Substitution>,
    ) -> Flow<String> {
        let program = self.substitution_program(&body)?;
        let (reader, writer) = match self.kernel.pipe() {
            Ok(ends) => ends,
            Err(errno) => {
                return self.discard(&format!(
                    "cannot make pipe for process substitution: {}",
                    errno.text()
                ));
            }
        };
        let mut descriptors = (*self.state.descriptors).clone();
        let (theirs, ours): (Endpoint, Endpoint) = if output {
            (reader, writer)
        } else {
            (writer, reader)
        };
        descriptors.insert(u32::from(!output), theirs);
        match self.launch(Stage::Program(&program, body.line), descriptors, true) {
            Ok(child) => {
                self.state.last_background = Some(child.pid());
                self.jobs.add_hidden(child);
            }
            Err(errno) => {
                self.complain(&format!("process substitution: {}", errno.text()));
                return Err(Interrupt::Discard(1));
            }
        }
        let mut number = 63;
        while self.state.descriptors.contains_key(&number) {
            number -= 1;
        }
        self.set_descriptors(|descriptors| {
            descriptors.insert(number, ours);
        });
        self.process_descriptors.push(number);
        Ok(format!("/dev/fd/{number}"))
    }
}

/// Everything up to the end.
pub(crate) fn read_all(endpoint: &Endpoint) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(bytes) = endpoint.read(65_536) {
        if bytes.is_empty() {
            break;
        }
        if all.is_empty() {
            all = bytes;
        } else {
            all.extend_from_slice(&bytes);
        }
    }
    all
}

fn trimmed(mut bytes: Vec<u8>) -> String {
    while bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    // A string cannot hold NULs; bash drops them.
    if bytes.contains(&0) {
        bytes.retain(|byte| *byte != 0);
        while bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
    }
    text::decode(bytes)
}
