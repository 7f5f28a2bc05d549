//! How a program gives up.

use std::fmt::Display;

/// A message for standard error and an exit status.
pub struct Failure {
    pub status: u8,
    pub message: String,
}

impl Failure {
    pub fn new(status: u8, message: impl Display) -> Self {
        Failure {
            status,
            message: message.to_string(),
        }
    }
}

/// Wrong usage, as most programs answer it.
impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Failure::new(1, error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::new(1, plain(&error))
    }
}

/// The error without Rust's ` (os error 44)`.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
