//! Traps. The kernel delivers no signal to a guest, so a signal trap runs when the shell signals itself.

use std::rc::Rc;

use crate::flow::{Flow, Interrupt};
use crate::options::Set;
use crate::shell::Shell;
use crate::syntax::ast::Command;

/// Linux's signals by number.
pub const SIGNALS: &[(u8, &str)] = &[
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (17, "CHLD"),
    (18, "CONT"),
    (19, "STOP"),
    (20, "TSTP"),
    (21, "TTIN"),
    (22, "TTOU"),
    (23, "URG"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (27, "PROF"),
    (28, "WINCH"),
    (29, "IO"),
    (30, "PWR"),
    (31, "SYS"),
    (34, "RTMIN"),
    (35, "RTMIN+1"),
    (36, "RTMIN+2"),
    (37, "RTMIN+3"),
    (38, "RTMIN+4"),
    (39, "RTMIN+5"),
    (40, "RTMIN+6"),
    (41, "RTMIN+7"),
    (42, "RTMIN+8"),
    (43, "RTMIN+9"),
    (44, "RTMIN+10"),
    (45, "RTMIN+11"),
    (46, "RTMIN+12"),
    (47, "RTMIN+13"),
    (48, "RTMIN+14"),
    (49, "RTMIN+15"),
    (50, "RTMAX-14"),
    (51, "RTMAX-13"),
    (52, "RTMAX-12"),
    (53, "RTMAX-11"),
    (54, "RTMAX-10"),
    (55, "RTMAX-9"),
    (56, "RTMAX-8"),
    (57, "RTMAX-7"),
    (58, "RTMAX-6"),
    (59, "RTMAX-5"),
    (60, "RTMAX-4"),
    (61, "RTMAX-3"),
    (62, "RTMAX-2"),
    (63, "RTMAX-1"),
    (64, "RTMAX"),
    (0, "EXIT"),
];

pub fn signal_name(number: u8) -> Option<&'static str> {
    SIGNALS
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, name)| *name)
}

/// By number or name, with or without SIG.
pub fn signal_number(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return SIGNALS
            .iter()
            .any(|(known, _)| *known == number)
            .then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(number, _)| *number)
}

/// The traps that a function does not see.
pub(crate) struct HiddenTraps(Vec<(String, String)>);

impl Shell {
    pub(crate) fn trap(&self, name: &str) -> Option<String> {
        if self.state.traps.is_empty() {
            return None;
        }
        self.state.traps.get(name).cloned()
    }

    /// Runs a trap's command; `$?` is as it was afterwards.
    pub(crate) fn run_trap(&mut self, name: &str, command: &str) -> Flow<()> {
        if command.is_empty() || self.in_trap.iter().any(|running| running == name) {
            return Ok(());
        }
        let status = self.state.status;
        let pipe_status = self.state.pipe_status.clone();
        let line = self.line;
        self.in_trap.push(name.to_owned());
        let result = self.run_text(
            command,
            line.max(1),
            &format!("{} trap: ", name.to_lowercase()),
        );
        self.in_trap.pop();
        self.line = line;
        match result {
            Ok(_) | Err(Interrupt::Discard(_)) => {
                self.state.status = status;
                self.state.pipe_status = pipe_status;
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// `$BASH_COMMAND`.
    pub(crate) fn current_text(&self) -> String {
        match (&self.current_head, &self.current_command) {
            (Some(head), _) => head.clone(),
            (None, Some(command)) => crate::syntax::command_text(command),
            (None, None) => String::new(),
        }
    }

    pub(crate) fn trap_error(&mut self, status: i32) -> Flow<()> {
        let Some(command) = self.trap("ERR") else {
            return Ok(());
        };
        self.state.status = status;
        self.run_trap("ERR", &command)
    }

    pub(crate) fn trap_return(&mut self) -> Flow<()> {
        let Some(command) = self.trap("RETURN") else {
            return Ok(());
        };
        self.run_trap("RETURN", &command)
    }

    pub(crate) fn traps_debug(&self) -> bool {
        !self.state.traps.is_empty() && self.state.traps.contains_key("DEBUG")
    }

    pub(crate) fn trap_debug(&mut self, command: &Rc<Command>) -> Flow<()> {
        if !self.traps_debug() || !self.in_trap.is_empty() {
            return Ok(());
        }
        self.current_command = Some(Rc::clone(command));
        self.current_head = None;
        let Some(command) = self.trap("DEBUG") else {
            return Ok(());
        };
        self.run_trap("DEBUG", &command)
    }

    pub(crate) fn trap_debug_text(&mut self, text: &str) -> Flow<()> {
        if !self.in_trap.is_empty() {
            return Ok(());
        }
        self.current_head = Some(text.to_owned());
        let Some(command) = self.trap("DEBUG") else {
            return Ok(());
        };
        self.run_trap("DEBUG", &command)
    }

    /// The EXIT trap, once; the status the shell ends with.
    pub(crate) fn run_exit_trap(&mut self, status: i32) -> i32 {
        let Some(command) = self.trap("EXIT") else {
            return status;
        };
        Rc::make_mut(&mut self.state.traps).remove("EXIT");
        if command.is_empty() {
            return status;
        }
        self.unchecked = 0;
        self.loops = 0;
        let line = self.line;
        self.in_trap.push("EXIT".to_owned());
        let result = self.run_text(&command, line.max(1), "exit trap: ");
        self.in_trap.pop();
        match result {
            Err(Interrupt::Exit(status)) => status,
            _ => status,
        }
    }

    /// A signal sent to the main shell from inside one of its subshells.
    pub(crate) fn signal_main(&mut self, number: u8) -> Flow<()> {
        let Some(name) = signal_name(number) else {
            return Ok(());
        };
        let trap = self
            .state
            .inherited_traps
            .as_ref()
            .and_then(|traps| traps.get(name))
            .cloned();
        match trap {
            Some(command) => {
                if !command.is_empty() {
                    self.pending_signals.push(name.to_owned());
                }
                Ok(())
            }
            None if matches!(
                name,
                "CHLD" | "CONT" | "URG" | "WINCH" | "EXIT" | "STOP" | "TSTP" | "TTIN" | "TTOU"
            ) =>
            {
                Ok(())
            }
            None => {
                self.dying = Some(number);
                Err(Interrupt::Exit(128 + i32::from(number)))
            }
        }
    }

    /// A signal this shell sent itself.
    pub(crate) fn signal_self(&mut self, number: u8) -> Flow<()> {
        let Some(name) = signal_name(number) else {
            return Ok(());
        };
        match self.trap(name) {
            Some(command) if !command.is_empty() => {
                self.pending_signals.push(name.to_owned());
                Ok(())
            }
            Some(_) => Ok(()),
            None => match name {
                "CHLD" | "CONT" | "URG" | "WINCH" | "EXIT" | "STOP" | "TSTP" | "TTIN" | "TTOU" => {
                    Ok(())
                }
                _ => {
                    if self.state.subshell_depth == 0 && number != 9 {
                        self.run_exit_trap(128 + i32::from(number));
                    }
                    Rc::make_mut(&mut self.state.traps).remove("EXIT");
                    Err(Interrupt::Exit(128 + i32::from(number)))
                }
            },
        }
    }

    pub(crate) fn run_pending_traps(&mut self) -> Flow<()> {
        while let Some(position) = self
            .pending_signals
            .iter()
            .position(|name| self.state.traps.contains_key(name))
        {
            let name = self.pending_signals.remove(position);
            if let Some(command) = self.trap(&name) {
                self.run_trap(&name, &command)?;
            }
        }
        Ok(())
    }

    /// Functions do not inherit ERR, DEBUG and RETURN unless told so.
    pub(crate) fn hide_traps(&mut self) -> HiddenTraps {
        let mut hidden = Vec::new();
        if self.state.traps.is_empty() {
            return HiddenTraps(hidden);
        }
        for (name, inherits) in [
            ("ERR", Set::Errtrace),
            ("DEBUG", Set::Functrace),
            ("RETURN", Set::Functrace),
        ] {
            if !self.is_set(inherits) && self.state.traps.contains_key(name) {
                if let Some(command) = Rc::make_mut(&mut self.state.traps).remove(name) {
                    hidden.push((name.to_owned(), command));
                }
            }
        }
        HiddenTraps(hidden)
    }

    pub(crate) fn show_traps(&mut self, hidden: HiddenTraps) {
        for (name, command) in hidden.0 {
            // What the function set itself stays.
            Rc::make_mut(&mut self.state.traps)
                .entry(name)
                .or_insert(command);
        }
    }
}
