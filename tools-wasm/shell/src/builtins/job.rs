//! jobs, wait, kill, fg, bg, disown.

use super::Options;
use crate::exec::{SIGNALS, signal_name, signal_number};
use crate::flow::Flow;
use crate::kernel::{Errno, Status};
use crate::options::Set;
use crate::shell::Shell;
use crate::variables::assign::{NewValue, parse_place};

impl Shell {
    pub(super) fn builtin_jobs(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "lnprsx");
        let (mut long, mut pids, mut running, mut stopped) = (false, false, false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'l' => long = true,
                'p' => pids = true,
                'r' => running = true,
                's' => stopped = true,
                _ => {}
            }
        }
        let kernel = std::rc::Rc::clone(&self.kernel);
        self.jobs.poll_all(kernel.as_ref());
        let mut chosen = Vec::new();
        for operand in options.rest() {
            match self.jobs.find(operand).or_else(|| {
                operand
                    .parse()
                    .ok()
                    .filter(|pid| self.jobs.listed().any(|job| job.pid == *pid))
            }) {
                Some(pid) => chosen.push(pid),
                None => {
                    self.complain(&format!("jobs: {operand}: no such job"));
                    return Ok(1);
                }
            }
        }
        let mut output = String::new();
        let mut ended = Vec::new();
        let numbers: Vec<u32> = self.jobs.listed().map(|job| job.number).collect();
        for job in self.jobs.listed() {
            if !chosen.is_empty() && !chosen.contains(&job.pid)
                || stopped
                || (running && job.status.is_some())
            {
                continue;
            }
            if job.status.is_some() {
                ended.push(job.pid);
            }
            if pids {
                output.push_str(&format!("{}\n", job.pid));
                continue;
            }
            let mark = match numbers
                .iter()
                .rev()
                .position(|number| *number == job.number)
            {
                Some(0) => '+',
                Some(1) => '-',
                _ => ' ',
            };
            let state = match job.status {
                None => "Running".to_owned(),
                Some(Status::Exited(0)) => "Done".to_owned(),
                Some(Status::Exited(code)) => format!("Exit {code}"),
                Some(Status::Signalled(15)) => "Terminated".to_owned(),
                Some(Status::Signalled(9)) => "Killed".to_owned(),
                Some(Status::Signalled(signal)) => format!("Signal {signal}"),
            };
            let pid = if long {
                format!("{} ", job.pid)
            } else {
                String::new()
            };
            let ampersand = if job.status.is_none() { " &" } else { "" };
            output.push_str(&format!(
                "[{}]{mark}  {pid}{state:<24}{}{ampersand}\n",
                job.number, job.text
            ));
        }
        for pid in ended {
            self.jobs.forget(pid);
        }
        Ok(self.print("jobs", &output))
    }

    pub(super) fn builtin_wait(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "nfp:");
        let (mut next, mut variable) = (false, None);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'n' => next = true,
                'p' => {
                    if parse_place(&option.value).is_none() {
                        self.complain(&format!("wait: `{}': not a valid identifier", option.value));
                        return Ok(1);
                    }
                    self.state.variables.unset(&option.value);
                    variable = parse_place(&option.value);
                }
                _ => {}
            }
        }
        let operands = options.rest().to_vec();
        let mut pids = Vec::new();
        for operand in &operands {
            if operand.starts_with('%') {
                match self.jobs.find(operand) {
                    Some(pid) => pids.push(pid),
                    None => {
                        self.complain(&format!("wait: {operand}: no such job"));
                        return Ok(127);
                    }
                }
            } else {
                match operand.parse() {
                    Ok(pid) => pids.push(pid),
                    Err(_) => {
                        self.complain(&format!("wait: `{operand}': not a pid or valid job spec"));
                        return Ok(1);
                    }
                }
            }
        }
        if next {
            return match self.wait_for_next(&pids) {
                Some((pid, status)) => {
                    if let Some(place) = variable {
                        self.assign(&place, NewValue::Text(pid.to_string()), false)?;
                    }
                    Ok(status)
                }
                None => Ok(127),
            };
        }
        if pids.is_empty() {
            self.wait_for_all();
            return Ok(0);
        }
        let mut status = 0;
        for pid in pids {
            status = match self.wait_for_job(pid) {
                Some(status) => {
                    if let Some(place) = &variable {
                        self.assign(place, NewValue::Text(pid.to_string()), false)?;
                    }
                    status
                }
                None => {
                    self.complain(&format!("wait: pid {pid} is not a child of this shell"));
                    127
                }
            };
        }
        Ok(status)
    }

    pub(super) fn builtin_kill(&mut self, arguments: &[String]) -> Flow {
        let mut signal = 15;
        let mut at = 1;
        match arguments.get(1).map(String::as_str) {
            Some("-l" | "-L") => return self.list_signals(&arguments[2..]),
            Some("-s" | "-n") => {
                let Some(name) = arguments.get(2) else {
                    self.complain(&format!(
                        "kill: {}: option requires an argument",
                        arguments[1]
                    ));
                    return Ok(1);
                };
                match signal_number(name) {
                    Some(number) => signal = number,
                    None => {
                        self.complain(&format!("kill: {name}: invalid signal specification"));
                        return Ok(1);
                    }
                }
                at = 3;
            }
            Some("--") => at = 2,
            Some(option) if option.len() > 1 && option.starts_with('-') => {
                match signal_number(&option[1..]) {
                    Some(number) => signal = number,
                    None => {
                        self.complain(&format!(
                            "kill: {}: invalid signal specification",
                            &option[1..]
                        ));
                        return Ok(1);
                    }
                }
                at = 2;
            }
            _ => {}
        }
        if arguments.get(at).is_some_and(|argument| argument == "--") {
            at += 1;
        }
        if at >= arguments.len() {
            let _ = self.write(2, "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n");
            return Ok(2);
        }
        let mut status = 0;
        for target in &arguments[at..] {
            let pid = if target.starts_with('%') {
                match self.jobs.find(target) {
                    Some(pid) => i64::from(pid),
                    None => {
                        self.complain(&format!("kill: {target}: no such job"));
                        status = 1;
                        continue;
                    }
                }
            } else {
                match target.parse::<i64>() {
                    Ok(pid) => pid,
                    Err(_) => {
                        self.complain(&format!(
                            "kill: {target}: arguments must be process or job IDs"
                        ));
                        status = 1;
                        continue;
                    }
                }
            };
            let own = i64::from(self.own_pid());
            if pid == own || pid == i64::from(self.kernel.id().0) || pid == 0 {
                if signal != 0 {
                    if pid != own
                        && self.state.subshell_depth > 0
                        && self.shell_pid == self.kernel.id().0
                    {
                        self.signal_main(signal)?;
                    } else {
                        self.signal_self(signal)?;
                        if self.in_trap.is_empty() {
                            self.run_pending_traps()?;
                        }
                    }
                }
                continue;
            }
            let pid = u32::try_from(pid.unsigned_abs()).unwrap_or(u32::MAX);
            if let Err(errno) = self.kernel.kill(pid, signal) {
                let text = if errno == Errno::NoSuchProcess {
                    Errno::NoSuchProcess
                } else {
                    errno
                };
                self.complain(&format!("kill: ({target}) - {}", text.text()));
                status = 1;
            }
        }
        Ok(status)
    }

    fn list_signals(&mut self, operands: &[String]) -> Flow {
        let mut output = String::new();
        if operands.is_empty() {
            for (position, (number, name)) in
                SIGNALS.iter().filter(|(number, _)| *number > 0).enumerate()
            {
                output.push_str(&format!("{number:2}) SIG{name}"));
                output.push_str(if position % 5 == 4 { "\n" } else { "\t" });
            }
            if !output.ends_with('\n') {
                output.push('\n');
            }
        }
        let mut status = 0;
        for operand in operands {
            match operand.parse::<u32>() {
                Ok(number) => match signal_name((number & 0x7f) as u8).filter(|_| number < 256) {
                    Some(name) => output.push_str(&format!("{name}\n")),
                    None => {
                        self.complain(&format!("kill: {operand}: invalid signal specification"));
                        status = 1;
                    }
                },
                Err(_) => match signal_number(operand) {
                    Some(number) => output.push_str(&format!("{number}\n")),
                    None => {
                        self.complain(&format!("kill: {operand}: invalid signal specification"));
                        status = 1;
                    }
                },
            }
        }
        let printed = self.print("kill", &output);
        Ok(if status == 0 { printed } else { status })
    }

    fn named_job(&mut self, command: &str, arguments: &[String]) -> Result<u32, i32> {
        let operand = arguments.get(1).cloned().unwrap_or_else(|| "%+".to_owned());
        let with_percent = if operand.starts_with('%') {
            operand.clone()
        } else {
            format!("%{operand}")
        };
        match self.jobs.find(&with_percent) {
            Some(pid) => Ok(pid),
            None => {
                let shown = if arguments.len() > 1 {
                    operand
                } else {
                    "current".to_owned()
                };
                self.complain(&format!("{command}: {shown}: no such job"));
                Err(1)
            }
        }
    }

    pub(super) fn builtin_fg(&mut self, arguments: &[String]) -> Flow {
        if !self.is_set(Set::Monitor) {
            self.complain("fg: no job control");
            return Ok(1);
        }
        match self.named_job("fg", arguments) {
            Ok(pid) => {
                let text = self
                    .jobs
                    .listed()
                    .find(|job| job.pid == pid)
                    .map(|job| format!("{}\n", job.text))
                    .unwrap_or_default();
                self.print("fg", &text);
                Ok(self.wait_for_job(pid).unwrap_or(1))
            }
            Err(status) => Ok(status),
        }
    }

    pub(super) fn builtin_bg(&mut self, arguments: &[String]) -> Flow {
        if !self.is_set(Set::Monitor) {
            self.complain("bg: no job control");
            return Ok(1);
        }
        match self.named_job("bg", arguments) {
            Ok(_) => Ok(0),
            Err(status) => Ok(status),
        }
    }

    pub(super) fn builtin_disown(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "ahr");
        let (mut all, mut keep) = (false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'h' => keep = true,
                _ => all = true,
            }
        }
        let mut pids: Vec<u32> = Vec::new();
        for operand in options.rest() {
            match self.jobs.find(operand).or_else(|| {
                operand
                    .parse()
                    .ok()
                    .filter(|pid| self.jobs.listed().any(|job| job.pid == *pid))
            }) {
                Some(pid) => pids.push(pid),
                None => {
                    self.complain(&format!("disown: {operand}: no such job"));
                    return Ok(1);
                }
            }
        }
        if pids.is_empty() {
            match (all, self.jobs.find("%+")) {
                (true, _) => pids = self.jobs.listed().map(|job| job.pid).collect(),
                (false, Some(pid)) => pids.push(pid),
                (false, None) => {
                    self.complain("disown: current: no such job");
                    return Ok(1);
                }
            }
        }
        if !keep {
            for pid in pids {
                self.jobs.disown(pid);
            }
        }
        Ok(0)
    }
}
