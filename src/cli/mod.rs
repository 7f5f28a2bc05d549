//! The command line: one file per command.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

mod compile;
mod key;
mod mcp;
pub mod scripted_model;
mod serve;
mod session;
mod sh;
mod tool;

/// A self-hosted server for Claude Managed Agents whose every tool is a WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = "glovebox", version, max_term_width = 110)]
#[command(after_help = "\
A first look:
  glovebox sh -c 'echo hello from the sandbox'        a shell that cannot leave its folder
  ANTHROPIC_API_KEY=... glovebox serve                the server; prints an API key at its first start
  glovebox COMMAND --help                             more about each command")]
enum Command {
    Serve(serve::Command),
    Sh(sh::Command),
    Tool(tool::Command),
    Key(key::Command),
    Session(session::Command),
    Mcp(mcp::Command),
    ScriptedModel(scripted_model::Command),
    Compile(compile::Command),
}

/// Runs the command that the arguments name and says how it ended.
pub fn main() -> ExitCode {
    let command = match Command::parse() {
        // Alone in its process, and in none of the others' runtime.
        Command::Compile(command) => {
            return command.run().unwrap_or_else(|error| complain(&error));
        }
        command => command,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into()),
    };
    let done = |result: anyhow::Result<()>| result.map(|()| ExitCode::SUCCESS);
    let result = runtime.block_on(async {
        match command {
            Command::Serve(command) => done(command.run().await),
            Command::Sh(command) => command.run().await,
            Command::Tool(command) => command.run().await,
            Command::Key(command) => done(command.run().await),
            Command::Session(command) => done(command.run().await),
            Command::Mcp(command) => done(command.run().await),
            Command::ScriptedModel(command) => done(command.run().await),
            Command::Compile(command) => command.run(),
        }
    });
    // Threads that still wait, for example for a terminal, are not waited for.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| complain(&error))
}

/// An error with all its causes, on one line of standard error. Who reads only the beginning of what is printed has it: that
/// is no error.
fn complain(error: &anyhow::Error) -> ExitCode {
    let written = error.downcast_ref::<std::io::Error>();
    if written.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("glovebox: {error:#}");
    ExitCode::FAILURE
}

/// A line for whoever reads our standard output, at once.
fn say(line: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
