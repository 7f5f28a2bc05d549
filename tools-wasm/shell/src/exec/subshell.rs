//! Subshells that run in this process: state is saved, changed, and put back.

use std::rc::Rc;

use crate::flow::{Flow, Interrupt};
use crate::shell::Shell;

impl Shell {
    /// Runs something as a subshell would; only its status comes out.
    pub(crate) fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let saved = self.state.clone();
        let loops = std::mem::take(&mut self.loops);
        let jobs = self.jobs.enter_subshell();
        let frames = self.frames.clone();
        let umask = self.umask;
        let line = self.line;
        let name = self.name.clone();
        let processes = std::mem::take(&mut self.process_descriptors);
        self.state.subshell_depth += 1;
        self.reset_traps();
        let result = run(self);
        let status = self.end_subshell(result);
        self.jobs.leave_subshell(jobs);
        if self.umask != umask {
            if let Some(mask) = umask.or(self.initial_umask()) {
                self.kernel.set_umask(mask);
            }
            self.umask = umask;
        }
        self.process_descriptors = processes;
        self.loops = loops;
        self.frames = frames;
        self.line = line;
        self.name = name;
        let random = self.state.random;
        self.state = saved;
        self.state.random = random;
        self.state.status = status;
        match self.dying {
            Some(signal) => Err(Interrupt::Exit(128 + i32::from(signal))),
            None => Ok(status),
        }
    }

    /// Its EXIT trap, and what its end means.
    fn end_subshell(&mut self, result: Flow) -> i32 {
        let status = match result {
            Ok(status) => status,
            Err(
                Interrupt::Exit(status) | Interrupt::Return(status) | Interrupt::Discard(status),
            ) => status,
            Err(Interrupt::Break(_) | Interrupt::Continue(_)) => 0,
        };
        self.state.status = status;
        self.run_exit_trap(status)
    }

    fn initial_umask(&self) -> Option<u32> {
        None
    }

    /// A subshell keeps what is ignored and forgets the other traps, though `trap` still shows them until it sets one.
    pub(crate) fn reset_traps(&mut self) {
        if self.state.traps.is_empty() {
            return;
        }
        if self.state.inherited_traps.is_none() {
            self.state.inherited_traps = Some(Rc::clone(&self.state.traps));
        }
        let functrace = self.is_set(crate::options::Set::Functrace);
        let errtrace = self.is_set(crate::options::Set::Errtrace);
        let traps = Rc::make_mut(&mut self.state.traps);
        traps.retain(|name, command| {
            command.is_empty()
                || (name == "ERR" && errtrace)
                || (matches!(name.as_str(), "DEBUG" | "RETURN") && functrace)
        });
    }
}
