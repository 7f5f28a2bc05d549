//! What a running tool can ask of the host besides files and processes: `wit/tool/`, interface `context`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::Progress;
use crate::process::bindings::glovebox::tool::context::{Host, Level};
use crate::process::bindings::v0_1::glovebox::tool as v0_1;
use crate::state::State;

/// The most that a tool may leave for its next call.
const STATE_BYTES_MAX: usize = 16 << 20;

/// And all tools of one sandbox: it stays in the host's memory for as long as the sandbox does.
const STATES_BYTES_MAX: usize = 64 << 20;

/// Bytes of a message of progress, or of why a deadline ended the call.
const MESSAGE_BYTES_MAX: usize = 1024;

/// Bytes of a line of the log.
const LOG_BYTES_MAX: usize = 8192;

/// Bytes of the name of a program in the log: it is the first of its arguments, which its parent chose.
const NAME_BYTES_MAX: usize = 128;

/// What a line of the log takes besides: its time, its level, its target.
const LINE_BYTES: u64 = 100;

/// Messages of progress of one call. `wit/tool` promises it.
const PROGRESS_PER_SECOND: usize = 10;

/// What only a tool has, and a program has not.
pub(crate) struct ToolContext {
    /// Its state is kept under this name.
    pub(crate) name: String,
    pub(crate) on_progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    pub(crate) pace: Pace,
    pub(crate) cancelled: Option<CancellationToken>,
}

impl crate::process::bindings::glovebox::tool::types::Host for State {}

impl Host for State {
    fn deadline(&mut self, milliseconds: u64, message: String) -> wasmtime::Result<()> {
        if self.tool.is_some() {
            self.process.account.narrow_deadline(
                Duration::from_millis(milliseconds),
                cut(message, MESSAGE_BYTES_MAX),
            );
        }
        Ok(())
    }

    fn load_state(&mut self) -> wasmtime::Result<Option<Vec<u8>>> {
        let Some(tool) = &self.tool else {
            return Ok(None);
        };
        Ok(self
            .sandbox
            .tool_state()
            .get(&tool.name)
            .map(|state| state.to_vec()))
    }

    fn store_state(&mut self, state: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        let Some(tool) = &self.tool else {
            return Ok(Err("only a tool has state".to_owned()));
        };
        if state.len() > STATE_BYTES_MAX {
            return Ok(Err(format!(
                "state of {} bytes is over the limit of {STATE_BYTES_MAX}",
                state.len()
            )));
        }
        let mut all = self.sandbox.tool_state();
        let others = all.iter().filter(|(name, _)| **name != tool.name);
        let others: usize = others.map(|(_, state)| state.len()).sum();
        if others + state.len() > STATES_BYTES_MAX {
            return Ok(Err(format!(
                "the tools of this sandbox may leave {STATES_BYTES_MAX} bytes of state together"
            )));
        }
        all.insert(tool.name.clone(), Bytes::from(state));
        Ok(Ok(()))
    }

    fn setting(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let granted = self.tool.is_some() && self.process.scope.settings.contains(&name);
        let settings = &self.sandbox.grant.settings;
        Ok(settings.get(&name).filter(|_| granted).cloned())
    }

    fn secret(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.process.scope.stand_ins().get(&name).map(str::to_owned))
    }

    fn cancelled(&mut self) -> wasmtime::Result<bool> {
        Ok(self
            .tool
            .as_ref()
            .and_then(|tool| tool.cancelled.as_ref())
            .is_some_and(CancellationToken::is_cancelled))
    }

    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let guest = self.process.arguments.first().map_or("", String::as_str);
        let guest = one_line(&guest[..guest.floor_char_boundary(NAME_BYTES_MAX)]);
        // It takes room in the host's logs as an answer does in its memory, and a line without words takes some too.
        self.process
            .account
            .add_output((message.len() + guest.len()) as u64 + LINE_BYTES);
        let message = one_line(&cut(message, LOG_BYTES_MAX));
        match level {
            Level::Debug => tracing::debug!(target: "glovebox::guest", guest, "{message}"),
            Level::Info => tracing::info!(target: "glovebox::guest", guest, "{message}"),
            Level::Warn => tracing::warn!(target: "glovebox::guest", guest, "{message}"),
            Level::Error => tracing::error!(target: "glovebox::guest", guest, "{message}"),
        }
        Ok(())
    }

    fn progress(&mut self, message: String, fraction: Option<f64>) -> wasmtime::Result<()> {
        let Some(tool) = &mut self.tool else {
            return Ok(());
        };
        if let Some(listener) = &tool.on_progress
            && tool.pace.admits(Instant::now())
        {
            listener(Progress {
                message: cut(message, MESSAGE_BYTES_MAX),
                fraction: fraction.filter(|fraction| (0.0..=1.0).contains(fraction)),
            });
        }
        Ok(())
    }
}

/// A message that is shown to somebody, not longer than it may be.
fn cut(mut message: String, bytes_max: usize) -> String {
    message.truncate(message.floor_char_boundary(bytes_max));
    message
}

/// The text as a part of one line, so that no guest writes lines of the log that look like the host's own.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Lets so much progress through and no more.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the last ones came, the oldest first.
    let_through: VecDeque<Instant>,
}

impl Pace {
    fn admits(&mut self, now: Instant) -> bool {
        if self.let_through.len() >= PROGRESS_PER_SECOND {
            let oldest = self.let_through.front();
            if oldest.is_some_and(|oldest| now.duration_since(*oldest) < Duration::from_secs(1)) {
                return false;
            }
            self.let_through.pop_front();
        }
        self.let_through.push_back(now);
        true
    }
}

impl v0_1::types::Host for State {}

/// As the newest version, which only has more.
impl v0_1::context::Host for State {
    fn deadline(&mut self, milliseconds: u64, message: String) -> wasmtime::Result<()> {
        Host::deadline(self, milliseconds, message)
    }

    fn load_state(&mut self) -> wasmtime::Result<Option<Vec<u8>>> {
        Host::load_state(self)
    }

    fn store_state(&mut self, state: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        Host::store_state(self, state)
    }

    fn setting(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Host::setting(self, name)
    }

    fn log(&mut self, level: v0_1::context::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            v0_1::context::Level::Debug => Level::Debug,
            v0_1::context::Level::Info => Level::Info,
            v0_1::context::Level::Warn => Level::Warn,
            v0_1::context::Level::Error => Level::Error,
        };
        Host::log(self, level, message)
    }

    fn progress(&mut self, message: String, fraction: Option<f64>) -> wasmtime::Result<()> {
        Host::progress(self, message, fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_a_second_are_let_through() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let admitted = |pace: &mut Pace, from: u64| {
            (from..from + 900)
                .filter(|at| pace.admits(start + Duration::from_millis(*at)))
                .count()
        };
        assert_eq!(admitted(&mut pace, 0), PROGRESS_PER_SECOND);
        assert_eq!(admitted(&mut pace, 1000), PROGRESS_PER_SECOND);
    }

    #[test]
    fn a_message_stays_on_its_line() {
        assert_eq!(one_line("ä b"), "ä b");
        assert_eq!(
            one_line("x\n2026 ERROR \u{1b}[31mforged\r"),
            "x\\n2026 ERROR \\u{1b}[31mforged\\r"
        );
    }

    #[test]
    fn messages_are_cut_between_characters() {
        assert_eq!(cut("short".to_owned(), 1024), "short");
        assert_eq!(cut("ä".repeat(2000), 1024).len(), 1024);
        assert_eq!(cut("€".repeat(2000), 1024).len(), 1023);
    }
}
