//! Running text: command by command, as bash reads it.

use crate::flow::{Flow, Interrupt};
use crate::kernel::{Endpoint, Kind};
use crate::shell::Shell;
use crate::syntax::{Lines, Parser, SyntaxError};
use crate::text;

impl Shell {
    /// Runs all of `text` in this shell. `what` goes into messages about its syntax, as in `bash: eval: line 1: ...`.
    pub fn run_text(&mut self, text: &str, line: u32, what: &str) -> Flow {
        let mut parser = Parser::new(text, line, self.parse_options());
        self.run_parser(&mut parser, what)
    }

    fn run_parser(&mut self, parser: &mut Parser<'_>, what: &str) -> Flow {
        let mut status = 0;
        loop {
            parser.set_options(self.parse_options());
            let next = parser.next();
            for (line, begun, delimiter) in std::mem::take(&mut parser.warnings) {
                let _ = line;
                let name = self.error_name();
                let _ = self.write(2, &format!("{name}: line {begun}: warning: here-document at line {begun} delimited by end-of-file (wanted `{delimiter}')\n"));
            }
            match next {
                Ok(Some(program)) => match self.run_program(&program) {
                    Ok(ended) => status = ended,
                    // The line is given up; the next one runs. A subshell ends.
                    Err(Interrupt::Discard(ended)) if self.state.subshell_depth == 0 => {
                        status = ended;
                        self.state.status = ended;
                        self.unchecked = 0;
                    }
                    Err(other) => return Err(other),
                },
                Ok(None) => return Ok(status),
                Err(error) => {
                    self.syntax_error(what, &error);
                    self.state.status = 2;
                    return Ok(2);
                }
            }
        }
    }

    pub(crate) fn syntax_error(&mut self, what: &str, error: &SyntaxError) {
        let name = self.error_name();
        for message in error.messages() {
            let _ = self.write(
                2,
                &format!("{name}: {what}line {}: {message}\n", error.line),
            );
        }
    }

    /// Runs a script that comes from a descriptor, reading no further than each command needs.
    pub fn run_descriptor(&mut self, endpoint: Endpoint) -> Flow {
        let mut lines = Script {
            endpoint,
            held: Vec::new(),
            ended: false,
        };
        let mut parser = Parser::reading(&mut lines, 1, self.parse_options());
        self.run_parser(&mut parser, "")
    }

    /// The end of the shell: what is left of the script's result, with the EXIT trap.
    pub fn finish(&mut self, result: Flow) -> i32 {
        let status = match result {
            Ok(status) => status,
            Err(
                Interrupt::Exit(status) | Interrupt::Return(status) | Interrupt::Discard(status),
            ) => status,
            Err(Interrupt::Break(_) | Interrupt::Continue(_)) => 0,
        };
        self.state.status = status;
        self.run_exit_trap(status) & 0xff
    }

    /// One line of a descriptor without its newline; none at the end.
    pub(crate) fn read_line(&mut self, number: u32) -> Flow<Option<String>> {
        let Some(endpoint) = self.descriptor(number) else {
            return Ok(None);
        };
        let mut line = Vec::new();
        let mut script = Script {
            endpoint,
            held: Vec::new(),
            ended: false,
        };
        match script.line_bytes() {
            Some(bytes) => line.extend(bytes),
            None => return Ok(None),
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(Some(text::decode(line)))
    }
}

/// Lines of a description that others read from too.
struct Script {
    endpoint: Endpoint,
    held: Vec<u8>,
    ended: bool,
}

impl Script {
    fn line_bytes(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let line = read_until(&self.endpoint, b'\n', &mut self.held);
        if line.is_empty() {
            self.ended = true;
            return None;
        }
        Some(line)
    }
}

/// Reads up to and including `end`, and not one byte more of what somebody else may want.
pub(crate) fn read_until(endpoint: &Endpoint, end: u8, held: &mut Vec<u8>) -> Vec<u8> {
    let seekable = matches!(endpoint.kind(), Kind::File);
    let mut line = std::mem::take(held);
    loop {
        let chunk = match endpoint.read(if seekable { 4096 } else { 1 }) {
            Ok(chunk) if !chunk.is_empty() => chunk,
            _ => return line,
        };
        match chunk.iter().position(|byte| *byte == end) {
            Some(at) => {
                line.extend_from_slice(&chunk[..=at]);
                let surplus = chunk.len() - at - 1;
                if surplus > 0 && endpoint.seek_by(-(surplus as i64)).is_err() {
                    held.extend_from_slice(&chunk[at + 1..]);
                }
                return line;
            }
            None => line.extend_from_slice(&chunk),
        }
    }
}

impl Lines for Script {
    fn next_line(&mut self) -> Option<String> {
        self.line_bytes().map(|mut bytes| {
            bytes.retain(|byte| *byte != 0);
            text::decode(bytes)
        })
    }
}
