//! One call: the stored shell is brought back, runs the command, and is stored again.

use std::rc::Rc;

use glovebox_kit::bindings::glovebox::process::process as host;
use glovebox_kit::tool::{Answer, Content, Failure, context, failed, text};
use glovebox_shell::kernel::wasi::{Wasi, from_host};
use glovebox_shell::kernel::{Kernel, OpenHow};
use glovebox_shell::{Interrupt, Saved, Shell};

use crate::output::presentable;

const TIMEOUT_MS_DEFAULT: u64 = 120_000;
const SIGKILL: u8 = 9;
/// Only this much of the end of the output is kept.
const OUTPUT_BYTES_MAX: u64 = 100 * 1024;

/// First byte of what is stored: the shell is gone, or its state follows.
const TERMINATED: u8 = 0;
const ALIVE: u8 = 1;

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// The command to run.
    command: Option<String>,
    /// Ends the session and starts a new one; the command is ignored.
    restart: Option<bool>,
    /// How long the command may take, in milliseconds. Two minutes by default.
    timeout_ms: Option<u64>,
}

/// Runs a command in a persistent bash session and returns its output (standard output and standard error together).
///
/// The working directory, variables, functions and background jobs stay from call to call. Standard input is empty. A
/// command that takes longer than timeout_ms is killed together with the session; a session that has ended has to be
/// started again with restart.
#[glovebox_kit::tool(
    name = "bash",
    effects = "external",
    hosts = ["*"],
    mounts = [("*", write)],
    programs = ["*"],
    secrets = ["*"],
    settings = ["*"]
)]
fn run(input: Input) -> Answer {
    if input.restart == Some(true) {
        return restart();
    }
    match input.command {
        Some(command) => call(&command, input.timeout_ms.filter(|timeout| *timeout > 0)),
        None => Err(failed("bash: command is required")),
    }
}

fn restart() -> Answer {
    // The background jobs of the old session end with it.
    for process in host::processes() {
        if process.background {
            let _ = host::kill(process.pid, SIGKILL);
        }
    }
    store(&[])?;
    text("bash session restarted")
}

fn store(state: &[u8]) -> Result<(), Failure> {
    context::store_state(state).map_err(|reason| {
        failed(format!(
            "bash: the session's state cannot be kept: {reason}"
        ))
    })
}

fn call(command: &str, timeout_ms: Option<u64>) -> Answer {
    let stored = context::load_state().unwrap_or_default();
    if stored.first() == Some(&TERMINATED) {
        return Err(failed("bash: bash session terminated; restart required"));
    }
    store(&[TERMINATED])?;
    let timeout_ms = timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT);
    context::deadline(
        timeout_ms,
        &format!(
            "bash: bash command timed out after {}s",
            timeout_ms as f64 / 1000.0
        ),
    );

    let tail = host::Tail::new(OUTPUT_BYTES_MAX);
    let mut shell = Shell::new(Rc::new(Wasi));
    connect(&mut shell, &tail)?;
    match stored
        .split_first()
        .and_then(|(_, saved)| Saved::from_bytes(saved))
    {
        Some(saved) => {
            saved.restore(&mut shell);
        }
        None => begin(&mut shell),
    }
    let result = shell.run_text(command, 1, "");
    let (status, alive) = match result {
        Err(Interrupt::Exit(_)) => (shell.finish(result), false),
        Ok(status) | Err(Interrupt::Return(status) | Interrupt::Discard(status)) => (status, true),
        Err(Interrupt::Break(_) | Interrupt::Continue(_)) => (0, true),
    };
    if alive {
        shell.state.status = status;
        let mut state = vec![ALIVE];
        state.extend(Saved::of(&mut shell, String::new(), 0).to_bytes());
        store(&state)?;
    }
    let (bytes, truncated) = tail.take();
    let content = vec![Content::Text(presentable(&bytes, truncated))];
    // A shell that ended has no status to tell: whatever it was, the command did not finish.
    if status == 0 && alive {
        Ok(content)
    } else {
        Err(Failure::Failed(content))
    }
}

/// Standard input is empty; output and errors go to the tail together.
fn connect(shell: &mut Shell, tail: &host::Tail) -> Result<(), Failure> {
    let null = Wasi
        .open(
            "/dev/null",
            OpenHow {
                read: true,
                ..OpenHow::default()
            },
            0,
        )
        .map_err(|errno| failed(format!("bash: /dev/null: {}", errno.text())))?;
    let writer = from_host(tail.writer());
    shell.set_descriptors(|descriptors| {
        descriptors.clear();
        descriptors.insert(0, null);
        descriptors.insert(1, Rc::clone(&writer));
        descriptors.insert(2, writer);
    });
    Ok(())
}

/// A new session: the environment without what is nobody's business, in the terms of a shell nobody types at.
fn begin(shell: &mut Shell) {
    shell.start();
    let secrets: Vec<String> = shell
        .state
        .variables
        .names()
        .into_iter()
        .filter(|name| name.starts_with("ANTHROPIC_"))
        .collect();
    for name in secrets {
        shell.state.variables.unset(&name);
    }
    for (name, value) in [("PS1", ""), ("PS2", ""), ("TERM", "dumb")] {
        shell.put(name, value);
    }
}
