//! Pipelines: all stages but the last are processes of their own.

use std::rc::Rc;

use super::stage::Stage;
use crate::flow::Flow;
use crate::kernel::{Child, Endpoint};
use crate::options::{Set, Shopt};
use crate::shell::Shell;
use crate::syntax::ast::{Command, CommandKind, Item, Pipeline, TimeFormat};

/// A stage to the left of another.
enum Left {
    Process(Box<dyn Child>),
    /// It ran already, into a buffer.
    Done(i32),
}

impl Shell {
    pub(crate) fn run_pipeline(&mut self, pipeline: &Pipeline) -> Flow {
        let started = pipeline.timed.map(|_| self.kernel.now_ns());
        let status = if pipeline.negated {
            let status = self.unchecked(|shell| shell.run_stages(&pipeline.stages))?;
            i32::from(status == 0)
        } else {
            let status = self.run_stages(&pipeline.stages)?;
            if status != 0 && checked(&pipeline.stages) {
                self.check(status)?
            } else {
                status
            }
        };
        self.state.status = status;
        if let (Some(format), Some(started)) = (pipeline.timed, started) {
            self.report_time(format, started);
        }
        Ok(status)
    }

    fn run_stages(&mut self, stages: &[Rc<Command>]) -> Flow {
        match stages {
            [] => Ok(0),
            [single] => {
                let status = self.run_command(single)?;
                self.state.status = status;
                if !matches!(
                    single.kind,
                    CommandKind::If { .. }
                        | CommandKind::While { .. }
                        | CommandKind::For { .. }
                        | CommandKind::Case { .. }
                        | CommandKind::Group(_)
                ) {
                    self.state.pipe_status.clear();
                    self.state.pipe_status.push(status);
                }
                Ok(status)
            }
            several => self.run_connected(several),
        }
    }

    fn run_connected(&mut self, stages: &[Rc<Command>]) -> Flow {
        let mut lefts = Vec::with_capacity(stages.len() - 1);
        let mut input: Option<Endpoint> = None;
        for stage in &stages[..stages.len() - 1] {
            if input.is_none() {
                if let Some((status, output)) = self.run_ahead(stage)? {
                    lefts.push(Left::Done(status));
                    input = Some(output);
                    continue;
                }
            }
            let (reader, writer) = match self.kernel.pipe() {
                Ok(ends) => ends,
                Err(errno) => {
                    self.complain(&format!("pipe error: {}", errno.text()));
                    return Ok(1);
                }
            };
            let mut descriptors = (*self.state.descriptors).clone();
            if let Some(input) = input.take() {
                descriptors.insert(0, input);
            }
            if stage.pipes_stderr {
                descriptors.insert(2, Rc::clone(&writer));
            }
            descriptors.insert(1, writer);
            match self.launch_command(stage, descriptors, false)? {
                Ok(child) => lefts.push(Left::Process(child)),
                Err(status) => lefts.push(Left::Done(status)),
            }
            input = Some(reader);
        }
        let last = &stages[stages.len() - 1];
        let lastpipe = self.shopt(Shopt::Lastpipe) && !self.is_set(Set::Monitor);
        let status = if lastpipe {
            let saved = Rc::clone(&self.state.descriptors);
            if let Some(input) = input {
                self.set_descriptors(|descriptors| {
                    descriptors.insert(0, input);
                });
            }
            let result = self.run_command(last);
            self.state.descriptors = saved;
            result?
        } else {
            self.subshell(move |shell| {
                if let Some(input) = input {
                    shell.set_descriptors(|descriptors| {
                        descriptors.insert(0, input);
                    });
                }
                // Once inside, a failure ends this subshell only, and only where it would anyway.
                shell.run_command(last)
            })?
        };
        let mut statuses: Vec<i32> = lefts
            .into_iter()
            .map(|left| match left {
                Left::Process(mut child) => child.wait().code(),
                Left::Done(status) => status,
            })
            .collect();
        statuses.push(status);
        let status = if self.is_set(Set::Pipefail) {
            statuses
                .iter()
                .rev()
                .copied()
                .find(|status| *status != 0)
                .unwrap_or(0)
        } else {
            status
        };
        self.state.pipe_status = statuses;
        self.state.status = status;
        Ok(status)
    }

    /// Runs a stage at once when it only prints something and cannot wait: a process is saved.
    /// What it printed is in the returned buffer.
    fn run_ahead(&mut self, stage: &Rc<Command>) -> Flow<Option<(i32, Endpoint)>> {
        let CommandKind::Simple(simple) = &stage.kind else {
            return Ok(None);
        };
        let Some(name) = simple.words.first().and_then(|word| word.literal()) else {
            return Ok(None);
        };
        let prints = matches!(
            name,
            "echo"
                | "printf"
                | "pwd"
                | "true"
                | "false"
                | ":"
                | "type"
                | "dirs"
                | "shopt"
                | "alias"
                | "set"
                | "export"
                | "declare"
                | "jobs"
                | "test"
                | "["
                | "trap"
                | "compgen"
        );
        if !prints
            || self.state.functions.contains_key(name)
            || !stage.redirects.is_empty()
            || stage.pipes_stderr
            || !self.is_builtin(name)
        {
            return Ok(None);
        }
        let Ok(buffer) = self.kernel.buffer() else {
            return Ok(None);
        };
        let output = Rc::clone(&buffer);
        let status = self.subshell(move |shell| {
            shell.set_descriptors(|descriptors| {
                descriptors.insert(1, output);
            });
            shell.run_command(stage)
        })?;
        Ok(Some((status, buffer)))
    }

    /// `... &`.
    pub(crate) fn run_background(&mut self, item: &Item) -> Flow {
        let text = {
            let program = crate::syntax::item_text(item);
            program.strip_suffix(" &").unwrap_or(&program).to_owned()
        };
        let mut descriptors = (*self.state.descriptors).clone();
        if !self.is_set(Set::Monitor) {
            // A background command does not take the shell's input.
            if let Ok(null) = self.kernel.open(
                "/dev/null",
                crate::kernel::OpenHow {
                    read: true,
                    ..Default::default()
                },
                0,
            ) {
                descriptors.insert(0, null);
            }
        }
        let single = if item.rest.is_empty() && !item.first.negated && item.first.timed.is_none() {
            item.first.stages.as_slice()
        } else {
            &[]
        };
        let line = item
            .first
            .stages
            .first()
            .map_or(self.line, |stage| stage.line);
        let launched = match single {
            [stage] => self.launch_command(stage, descriptors, true)?,
            _ => match self.launch(Stage::Text(&text, line), descriptors, true) {
                Ok(child) => Ok(child),
                Err(errno) => {
                    self.complain(&format!("fork: {}", errno.text()));
                    Err(254)
                }
            },
        };
        match launched {
            Ok(child) => {
                self.state.last_background = Some(child.pid());
                let number = self.jobs.add(child, text);
                if self.interactive {
                    let _ = self.write(
                        2,
                        &format!("[{number}] {}\n", self.state.last_background.unwrap_or(0)),
                    );
                }
                self.state.status = 0;
            }
            Err(status) => {
                let pid = self.jobs.add_ended(status, text);
                self.state.last_background = Some(pid);
                self.state.status = 0;
            }
        }
        Ok(0)
    }

    fn report_time(&mut self, format: TimeFormat, started: u128) {
        let elapsed = self.kernel.now_ns().saturating_sub(started) / 1_000_000;
        let seconds = elapsed / 1000;
        let text = match (format, self.text_of("TIMEFORMAT")) {
            (TimeFormat::Posix, _) => format!(
                "real {}.{:02}\nuser 0.00\nsys 0.00\n",
                seconds,
                elapsed % 1000 / 10
            ),
            (_, Some(format)) if format.is_empty() => return,
            (_, Some(format)) => {
                let real = format!("{}.{:03}", seconds, elapsed % 1000);
                let mut out = String::new();
                let mut characters = format.chars();
                while let Some(character) = characters.next() {
                    if character != '%' {
                        out.push(character);
                        continue;
                    }
                    let digits: String = characters
                        .clone()
                        .take_while(|next| next.is_ascii_digit() || *next == 'l')
                        .collect();
                    for _ in 0..digits.chars().count() {
                        characters.next();
                    }
                    match characters.next() {
                        Some('R') if digits.starts_with('0') => out.push_str(&seconds.to_string()),
                        Some('R') => out.push_str(&real),
                        Some('U' | 'S') => out.push_str(if digits.starts_with('0') {
                            "0"
                        } else {
                            "0.000"
                        }),
                        Some('P') => out.push_str("0.00"),
                        Some('%') => out.push('%'),
                        other => out.extend(other),
                    }
                }
                format!("{out}\n")
            }
            _ => format!(
                "\nreal\t{}m{}.{:03}s\nuser\t0m0.000s\nsys\t0m0.000s\n",
                seconds / 60,
                seconds % 60,
                elapsed % 1000
            ),
        };
        let _ = self.write(2, &text);
    }
}

/// Whether the status of this pipeline is one that `set -e` looks at: compound commands have done so inside.
fn checked(stages: &[Rc<Command>]) -> bool {
    match stages {
        [single] => {
            matches!(
                single.kind,
                CommandKind::Simple(_)
                    | CommandKind::Subshell(_)
                    | CommandKind::Test(_)
                    | CommandKind::Arithmetic(_)
                    | CommandKind::Coprocess { .. }
                    | CommandKind::Function(_)
            ) || !single.redirects.is_empty()
        }
        _ => true,
    }
}
