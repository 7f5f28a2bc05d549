//! How the loop is tuned.

use std::time::Duration;

use crate::session::Rules;

/// See the fields.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a turn is stopped.
    pub rules: Rules,
    /// How long to wait between tries.
    pub backoff: Backoff,
    /// The length of one answer of the model, in tokens. Default 32,000: every current model allows it.
    pub max_tokens: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            rules: Rules::default(),
            backoff: Backoff::default(),
            max_tokens: 32_000,
        }
    }
}

/// Waiting longer each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure. Default 500 ms.
    pub first: Duration,
    /// Never longer than this, unless the model's server asks for it. Default 30 s.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            first: Duration::from_millis(500),
            max: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// Doubles with each failure.
    pub(super) fn delay(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }
}
