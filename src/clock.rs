//! Time, passed in wherever it is needed, so that tests decide what time it is.

use std::time::Duration;

use async_trait::async_trait;

/// Tells the time and waits.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment. May stand still or go backwards, as computers' clocks do.
    fn now(&self) -> jiff::Timestamp;
    /// Returns after `duration`. Cancel-safe.
    async fn sleep(&self, duration: Duration);
}

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
