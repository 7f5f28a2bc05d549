//! Background commands.

use crate::flow::Flow;
use crate::kernel::{Child, Kernel, Status};
use crate::shell::Shell;

/// A background process: started here, or by an earlier shell of the same session.
enum Process {
    Own(Box<dyn Child>),
    Adopted,
    /// A job of the shell around this subshell: it can be listed and killed, but not waited for.
    Seen,
    Ended,
}

pub struct Job {
    pub number: u32,
    pub pid: u32,
    pub text: String,
    process: Process,
    pub status: Option<Status>,
    /// Process substitutions are waited for but never listed.
    hidden: bool,
    pub disowned: bool,
}

#[derive(Default)]
pub struct Jobs {
    all: Vec<Job>,
    /// Statuses of jobs that were waited for or cleared, which `wait PID` may still ask about.
    remembered: Vec<(u32, i32)>,
    next_fake: u32,
}

const REMEMBERED_MAX: usize = 256;

impl Job {
    /// How it ended, without waiting.
    fn poll(&mut self, kernel: &dyn Kernel) -> Option<Status> {
        if self.status.is_none() {
            self.status = match &mut self.process {
                Process::Own(child) => child.try_wait(),
                Process::Adopted | Process::Seen => match kernel.kill(self.pid, 0) {
                    Ok(()) => None,
                    Err(_) => Some(kernel.wait_for(self.pid).unwrap_or(Status::Exited(0))),
                },
                Process::Ended => Some(Status::Exited(0)),
            };
        }
        self.status
    }

    fn wait(&mut self, kernel: &dyn Kernel) -> Status {
        if let Some(status) = self.status {
            return status;
        }
        let status = match &mut self.process {
            Process::Own(child) => child.wait(),
            Process::Adopted | Process::Seen => {
                kernel.wait_for(self.pid).unwrap_or(Status::Exited(127))
            }
            Process::Ended => Status::Exited(0),
        };
        self.status = Some(status);
        status
    }
}

impl Jobs {
    /// Adds a job and returns its number.
    pub fn add(&mut self, child: Box<dyn Child>, text: String) -> u32 {
        let pid = child.pid();
        self.push(pid, text, Process::Own(child), None, false)
    }

    pub fn add_hidden(&mut self, child: Box<dyn Child>) {
        let pid = child.pid();
        self.push(pid, String::new(), Process::Own(child), None, true);
    }

    /// A job that could not be started; it gets a number of its own to be asked about.
    pub fn add_ended(&mut self, status: i32, text: String) -> u32 {
        self.next_fake += 1;
        let pid = 4_000_000 + self.next_fake;
        self.push(
            pid,
            text,
            Process::Ended,
            Some(Status::Exited(status as u8)),
            false,
        );
        pid
    }

    /// A job that an earlier shell started.
    pub fn adopt(&mut self, pid: u32, text: String) {
        self.push(pid, text, Process::Adopted, None, false);
    }

    fn push(
        &mut self,
        pid: u32,
        text: String,
        process: Process,
        status: Option<Status>,
        hidden: bool,
    ) -> u32 {
        let number = self
            .all
            .iter()
            .filter(|job| !job.hidden)
            .map(|job| job.number)
            .max()
            .unwrap_or(0)
            + 1;
        self.all.push(Job {
            number: if hidden { 0 } else { number },
            pid,
            text,
            process,
            status,
            hidden,
            disowned: false,
        });
        number
    }

    pub fn count(&self) -> usize {
        self.listed().count()
    }

    pub fn listed(&self) -> impl Iterator<Item = &Job> {
        self.all.iter().filter(|job| !job.hidden)
    }

    /// Those that another shell may adopt: pid and text.
    pub fn running(&mut self, kernel: &dyn Kernel) -> Vec<(u32, String)> {
        self.poll_all(kernel);
        self.listed()
            .filter(|job| job.status.is_none())
            .map(|job| (job.pid, job.text.clone()))
            .collect()
    }

    pub fn poll_all(&mut self, kernel: &dyn Kernel) {
        for job in &mut self.all {
            job.poll(kernel);
        }
    }

    /// Forgets the job but remembers how it ended.
    pub fn forget(&mut self, pid: u32) {
        if let Some(at) = self.all.iter().position(|job| job.pid == pid) {
            let job = self.all.remove(at);
            if let Some(status) = job.status {
                self.remembered.push((pid, status.code()));
                if self.remembered.len() > REMEMBERED_MAX {
                    self.remembered.remove(0);
                }
            }
        }
    }

    pub fn disown(&mut self, pid: u32) {
        self.all.retain(|job| job.pid != pid);
    }

    /// The job that `%1`, `%+`, `%-`, `%name` or `%?text` names.
    pub fn find(&self, specification: &str) -> Option<u32> {
        let name = specification.strip_prefix('%')?;
        let listed: Vec<&Job> = self.listed().collect();
        let job = match name {
            "" | "+" | "%" => listed.last().copied(),
            "-" => listed
                .len()
                .checked_sub(2)
                .and_then(|at| listed.get(at).copied())
                .or_else(|| listed.last().copied()),
            _ => match name.parse::<u32>() {
                Ok(number) => listed.into_iter().find(|job| job.number == number),
                Err(_) => match name.strip_prefix('?') {
                    Some(part) => listed.into_iter().find(|job| job.text.contains(part)),
                    None => listed.into_iter().find(|job| job.text.starts_with(name)),
                },
            },
        };
        job.map(|job| job.pid)
    }

    /// Puts the jobs aside; the subshell sees them, but they are not its own.
    pub fn enter_subshell(&mut self) -> Self {
        let outer = std::mem::take(self);
        for job in outer.listed() {
            self.all.push(Job {
                number: job.number,
                pid: job.pid,
                text: job.text.clone(),
                process: Process::Seen,
                status: job.status,
                hidden: false,
                disowned: false,
            });
        }
        outer
    }

    pub fn leave_subshell(&mut self, outer: Self) {
        let inner = std::mem::replace(self, outer);
        // Children that still run stay known, so that nobody kills them by dropping their handle.
        for mut job in inner
            .all
            .into_iter()
            .filter(|job| !matches!(job.process, Process::Seen))
        {
            job.hidden = true;
            self.all.push(job);
        }
    }
}

impl Shell {
    /// Waits for one job; none when there is no such child.
    pub(crate) fn wait_for_job(&mut self, pid: u32) -> Option<i32> {
        let kernel = std::rc::Rc::clone(&self.kernel);
        if let Some(job) = self.jobs.all.iter_mut().find(|job| job.pid == pid) {
            let status = job.wait(kernel.as_ref()).code();
            self.jobs.forget(pid);
            return Some(status);
        }
        self.jobs
            .remembered
            .iter()
            .rev()
            .find(|(remembered, _)| *remembered == pid)
            .map(|(_, status)| *status)
    }

    /// `wait` without operands.
    pub(crate) fn wait_for_all(&mut self) {
        let kernel = std::rc::Rc::clone(&self.kernel);
        let own = self
            .jobs
            .all
            .iter()
            .filter(|job| !matches!(job.process, Process::Seen));
        let pids: Vec<u32> = own.map(|job| job.pid).collect();
        for pid in pids {
            if let Some(job) = self.jobs.all.iter_mut().find(|job| job.pid == pid) {
                job.wait(kernel.as_ref());
                self.jobs.forget(pid);
            }
        }
        self.jobs.remembered.clear();
    }

    /// `wait -n`: the first to end among `pids`, or among all.
    pub(crate) fn wait_for_next(&mut self, pids: &[u32]) -> Option<(u32, i32)> {
        let kernel = std::rc::Rc::clone(&self.kernel);
        let mut pause = 0;
        loop {
            let mut any = false;
            for job in self
                .jobs
                .all
                .iter_mut()
                .filter(|job| !job.hidden && (pids.is_empty() || pids.contains(&job.pid)))
            {
                any = true;
                if let Some(status) = job.poll(kernel.as_ref()) {
                    let pid = job.pid;
                    self.jobs.forget(pid);
                    return Some((pid, status.code()));
                }
            }
            if !any {
                return None;
            }
            kernel.sleep_ms(pause);
            pause = (pause + 1).min(10);
        }
    }

    /// At the end of `$( )`: background commands inside may still write to its output.
    pub(crate) fn wait_for_writers(&mut self) {
        let kernel = std::rc::Rc::clone(&self.kernel);
        for job in self
            .jobs
            .all
            .iter_mut()
            .filter(|job| !matches!(job.process, Process::Seen))
        {
            job.wait(kernel.as_ref());
        }
    }

    /// `coproc`.
    pub(crate) fn run_coprocess(
        &mut self,
        name: Option<&str>,
        body: &std::rc::Rc<crate::syntax::ast::Command>,
    ) -> Flow {
        let name = name.unwrap_or("COPROC");
        let (Ok((their_input, our_output)), Ok((our_input, their_output))) =
            (self.kernel.pipe(), self.kernel.pipe())
        else {
            return self.discard("coproc: cannot make pipes");
        };
        let mut descriptors = (*self.state.descriptors).clone();
        descriptors.insert(0, their_input);
        descriptors.insert(1, their_output);
        let text = crate::syntax::command_text(body);
        match self.launch_command(body, descriptors, true)? {
            Ok(child) => {
                let pid = child.pid();
                self.state.last_background = Some(pid);
                self.jobs.add(child, text);
                let (input, output) = (63, 60);
                self.set_descriptors(|descriptors| {
                    descriptors.insert(input, our_input);
                    descriptors.insert(output, our_output);
                });
                self.put_list(name, vec![input.to_string(), output.to_string()]);
                self.put(&format!("{name}_PID"), &pid.to_string());
                Ok(0)
            }
            Err(status) => Ok(status),
        }
    }
}
