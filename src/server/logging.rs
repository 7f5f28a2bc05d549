//! Structured logs on standard error; standard output belongs to the commands.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::config::LogFormat;

/// What a server logs: everything from `info`, but not what each MCP client does wrong.
pub const FOR_A_SERVER: &str = "info,rmcp=error";
/// What a command logs beside its own output.
pub const FOR_A_COMMAND: &str = "warn,rmcp=error";

/// Starts logging. `RUST_LOG` chooses what, for example `glovebox=debug`, in place of `default`.
pub fn start(format: LogFormat, default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Fails when somebody logs already, as tests do.
    drop(match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    });
}
