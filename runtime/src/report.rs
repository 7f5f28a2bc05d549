//! How a call ended, and what a tool says about itself: the data that leaves the kernel.

use std::time::Duration;

use bytes::Bytes;

use crate::grant::{Allowance, LimitKind};

/// How one call ended.
#[derive(Debug, Clone, PartialEq)]
pub struct CallReport {
    /// The answer, or why there is none.
    pub outcome: Outcome,
    /// What the call used.
    pub usage: Usage,
}

/// The answer of a call, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The tool answered.
    Answer(Vec<Content>),
    /// The input is not what the tool's schema asks for; the text names the field.
    InvalidInput(String),
    /// The tool ran and failed; the content says how.
    Failed(Vec<Content>),
    /// A limit ended the call.
    Limit {
        /// Which one.
        which: LimitKind,
        /// Names the limit and its value, for the model to read: `wall time limit of 120 s exceeded`.
        message: String,
    },
    /// The guest crashed. The text is for the model and says what the guest did, without addresses.
    Trapped(String),
    /// The tool ended itself with a status instead of answering.
    Exited(ExitStatus),
    /// The call was killed from outside: its future was dropped or the sandbox shut down.
    Cancelled,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// PNG, JPEG, GIF or WebP.
    Image {
        /// For example `image/png`.
        media_type: String,
        /// The file's bytes.
        data: Bytes,
    },
    /// PDF.
    Document {
        /// For example `application/pdf`.
        media_type: String,
        /// The file's bytes.
        data: Bytes,
    },
    /// Any JSON value.
    Json(serde_json::Value),
    /// One hit of a search.
    SearchResult {
        /// Where it was found.
        source: String,
        /// Its title.
        title: String,
        /// The text found.
        text: String,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It returned or called `exit`.
    Exited(u8),
    /// A signal ended it (Linux numbers).
    Signalled(u8),
}

impl ExitStatus {
    /// As a shell shows it: the code, or 128 and the signal's number.
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Exited(code) => code,
            ExitStatus::Signalled(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// From start to end.
    pub wall: Duration,
    /// Time on a processor, of all its processes.
    pub cpu: Duration,
    /// The most linear memory its sandbox had at once during the call.
    pub memory_bytes_peak: u64,
    /// Bytes of the answer.
    pub output_bytes: u64,
    /// Processes started, the tool itself not counted.
    pub processes: u64,
}

/// What a tool says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// 1 to 128 of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// What the model reads.
    pub text: String,
    /// JSON Schema of the input.
    pub input_schema: serde_json::Value,
    /// What running it may change.
    pub effects: Effects,
    /// What it would like to reach. A wish is no grant.
    pub wishes: Allowance,
}

/// What running a tool may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effects {
    /// Nothing: running it twice is the same as once.
    None,
    /// Files of the sandbox.
    Files,
    /// Files, and things outside the sandbox.
    External,
}
