//! Control: leaving loops, functions and the shell; running text; `let` and `shift`.

use std::rc::Rc;

use crate::expand::read_all;
use crate::flow::{Flow, Interrupt};
use crate::kernel::{FileType, OpenHow};
use crate::options::{Set, Shopt};
use crate::shell::Shell;
use crate::text;

impl Shell {
    fn loop_levels(&mut self, arguments: &[String]) -> Flow<Option<u32>> {
        let name = &arguments[0];
        let operands = if arguments.get(1).is_some_and(|argument| argument == "--") {
            &arguments[2..]
        } else {
            &arguments[1..]
        };
        if self.loops == 0 {
            self.complain(&format!(
                "{name}: only meaningful in a `for', `while', or `until' loop"
            ));
            return Ok(None);
        }
        let Some(operand) = operands.first() else {
            return Ok(Some(1));
        };
        let Ok(levels) = operand.parse::<i64>() else {
            self.complain(&format!("{name}: {operand}: numeric argument required"));
            return Err(Interrupt::Exit(128));
        };
        if operands.len() > 1 {
            self.complain(&format!("{name}: too many arguments"));
            return Err(Interrupt::Break(self.loops));
        }
        if levels < 1 {
            self.complain(&format!("{name}: {operand}: loop count out of range"));
            return Err(Interrupt::Break(self.loops));
        }
        Ok(Some(
            u32::try_from(levels).unwrap_or(u32::MAX).min(self.loops),
        ))
    }

    pub(super) fn builtin_break(&mut self, arguments: &[String]) -> Flow {
        match self.loop_levels(arguments)? {
            Some(levels) => Err(Interrupt::Break(levels)),
            None => Ok(0),
        }
    }

    pub(super) fn builtin_continue(&mut self, arguments: &[String]) -> Flow {
        match self.loop_levels(arguments)? {
            Some(levels) => Err(Interrupt::Continue(levels)),
            None => Ok(0),
        }
    }

    /// The status operand of `return` and `exit`.
    fn status_operand(&mut self, arguments: &[String]) -> Flow<i32> {
        let name = &arguments[0];
        let operands = if arguments.get(1).is_some_and(|argument| argument == "--") {
            &arguments[2..]
        } else {
            &arguments[1..]
        };
        match operands {
            [] => Ok(self.state.status),
            [operand, rest @ ..] => match operand.trim().parse::<i64>() {
                Ok(_) if !rest.is_empty() => {
                    self.complain(&format!("{name}: too many arguments"));
                    Err(Interrupt::Discard(1))
                }
                Ok(status) => Ok((status & 0xff) as i32),
                Err(_) => {
                    self.complain(&format!("{name}: {operand}: numeric argument required"));
                    Ok(2)
                }
            },
        }
    }

    pub(super) fn builtin_return(&mut self, arguments: &[String]) -> Flow {
        if self.frames.is_empty() {
            self.complain("return: can only `return' from a function or sourced script");
            return Ok(2);
        }
        let status = self.status_operand(arguments)?;
        Err(Interrupt::Return(status))
    }

    pub(super) fn builtin_exit(&mut self, arguments: &[String]) -> Flow {
        if self.interactive && self.state.subshell_depth == 0 {
            let _ = self.write(2, "exit\n");
        }
        let status = self.status_operand(arguments)?;
        Err(Interrupt::Exit(status))
    }

    pub(super) fn builtin_eval(&mut self, arguments: &[String]) -> Flow {
        let operands = match arguments.get(1).map(String::as_str) {
            Some("--") => &arguments[2..],
            Some(option) if option.len() > 1 && option.starts_with('-') => {
                self.complain(&format!("eval: {}: invalid option", &option[..2]));
                let _ = self.write(2, "eval: usage: eval [arg ...]\n");
                return Ok(2);
            }
            _ => &arguments[1..],
        };
        let text = operands.join(" ");
        if text.trim().is_empty() {
            return Ok(0);
        }
        let line = self.line;
        let result = self.run_text(&text, line.max(1), "eval: ");
        self.line = line;
        result
    }

    pub(super) fn builtin_source(&mut self, arguments: &[String]) -> Flow {
        let operands = match arguments.get(1).map(String::as_str) {
            Some("--") => &arguments[2..],
            _ => &arguments[1..],
        };
        let Some(name) = operands.first() else {
            self.complain(&format!("{}: filename argument required", arguments[0]));
            let _ = self.write(
                2,
                &format!("{0}: usage: {0} filename [arguments]\n", arguments[0]),
            );
            return Ok(2);
        };
        let mut path = name.clone();
        if !name.contains('/') && self.shopt(Shopt::Sourcepath) {
            let search = self.text_of("PATH").unwrap_or_default();
            for directory in search.split(':').filter(|directory| !directory.is_empty()) {
                let candidate = format!("{}/{name}", directory.trim_end_matches('/'));
                if self
                    .kernel
                    .stat(&self.absolute(&candidate), true)
                    .is_ok_and(|info| info.file_type == FileType::File)
                {
                    path = candidate;
                    break;
                }
            }
        }
        let opened = self.open(
            &path,
            OpenHow {
                read: true,
                ..OpenHow::default()
            },
        );
        let is_directory = self
            .kernel
            .stat(&self.absolute(&path), true)
            .is_ok_and(|info| info.file_type == FileType::Directory);
        let endpoint = match opened {
            _ if is_directory => {
                self.complain(&format!("{}: {name}: is a directory", arguments[0]));
                return Ok(1);
            }
            Ok(endpoint) => endpoint,
            Err(errno) => {
                self.complain(&format!("{name}: {}", errno.text()));
                return if self.is_set(Set::Posix) {
                    Err(Interrupt::Exit(1))
                } else {
                    Ok(1)
                };
            }
        };
        let script = text::decode(read_all(&endpoint));
        let arguments = (operands.len() > 1).then(|| operands[1..].to_vec());
        self.source_text(&script, &path, arguments)
    }

    /// `exec` where it is not a command by itself: `command exec`.
    pub(super) fn builtin_exec(&mut self, arguments: &[String]) -> Flow {
        if arguments.len() > 1 {
            self.exec_program(arguments)
        } else {
            Ok(0)
        }
    }

    /// Runs a program in place of the shell: nothing of the shell follows it.
    pub(crate) fn exec_program(&mut self, arguments: &[String]) -> Flow {
        let mut options = super::Options::new(arguments, "cla:");
        let (mut clean, mut login, mut name) = (false, false, None);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'c' => clean = true,
                'l' => login = true,
                _ => name = Some(option.value),
            }
        }
        let mut operands = options.rest().to_vec();
        let Some(command) = operands.first().cloned() else {
            return Ok(0);
        };
        let environment = if clean {
            Vec::new()
        } else {
            self.environment()
        };
        let Some(path) = self.find_program(&command) else {
            self.complain(&format!("exec: {command}: not found"));
            return if self.shopt(Shopt::Execfail) || self.interactive {
                Ok(127)
            } else {
                Err(Interrupt::Exit(127))
            };
        };
        if let Some(name) = name {
            operands[0] = name;
        }
        if login {
            operands[0].insert(0, '-');
        }
        match self.start_file(&path, &command, &operands, &environment, false) {
            Ok(mut child) => {
                let status = child.wait().code();
                Rc::make_mut(&mut self.state.traps).remove("EXIT");
                Err(Interrupt::Exit(status))
            }
            Err(status) if self.shopt(Shopt::Execfail) || self.interactive => Ok(status),
            Err(status) => Err(Interrupt::Exit(status)),
        }
    }

    pub(super) fn builtin_let(&mut self, arguments: &[String]) -> Flow {
        if arguments.len() < 2 {
            self.complain("let: expression expected");
            return Ok(1);
        }
        let mut value = 0;
        for argument in &arguments[1..] {
            if argument == "--" {
                continue;
            }
            match self.try_arithmetic(argument)? {
                Ok(result) => value = result,
                Err(message) => {
                    self.complain(&format!("let: {message}"));
                    return Ok(1);
                }
            }
        }
        Ok(i32::from(value == 0))
    }

    pub(super) fn builtin_shift(&mut self, arguments: &[String]) -> Flow {
        let operands = if arguments.get(1).is_some_and(|argument| argument == "--") {
            &arguments[2..]
        } else {
            &arguments[1..]
        };
        let count = match operands {
            [] => 1,
            [operand] => match operand.parse::<i64>() {
                Ok(count) => count,
                Err(_) => {
                    self.complain(&format!("shift: {operand}: numeric argument required"));
                    return Ok(1);
                }
            },
            _ => {
                self.complain("shift: too many arguments");
                return Ok(1);
            }
        };
        if count < 0 {
            self.complain(&format!("shift: {count}: shift count out of range"));
            return Ok(1);
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > self.state.positional.len() {
            if self.shopt(Shopt::ShiftVerbose) {
                self.complain(&format!("shift: {count}: shift count out of range"));
            }
            return Ok(1);
        }
        Rc::make_mut(&mut self.state.positional).drain(..count);
        Ok(0)
    }

    pub(super) fn builtin_caller(&mut self, arguments: &[String]) -> Flow {
        let Some(depth) = arguments.get(1) else {
            return match self.frames.last() {
                Some(frame) => {
                    let file = self.caller_file(self.frames.len() - 1);
                    let line = format!("{} {file}\n", frame.called_at);
                    Ok(self.print("caller", &line))
                }
                None => Ok(1),
            };
        };
        let Ok(depth) = depth.parse::<usize>() else {
            self.complain(&format!("caller: {depth}: invalid number"));
            return Ok(2);
        };
        let Some(index) = self.frames.len().checked_sub(depth + 1) else {
            return Ok(1);
        };
        if index == 0 && self.started_as != 'f' {
            return Ok(1);
        }
        let function = if index == 0 {
            "main".to_owned()
        } else {
            self.frames[index - 1].function.clone()
        };
        let line = format!(
            "{} {function} {}\n",
            self.frames[index].called_at,
            self.caller_file(index)
        );
        Ok(self.print("caller", &line))
    }

    /// The file that the frame was called from.
    fn caller_file(&self, index: usize) -> String {
        match index.checked_sub(1) {
            Some(outer) => self.frames[outer].file.clone(),
            None if self.started_as == 'f' => self.name.clone(),
            None => "NULL".to_owned(),
        }
    }
}
