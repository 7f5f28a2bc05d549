//! A clock whose waits end when a test says so.

use std::time::Duration;

use async_trait::async_trait;
use glovebox::clock::Clock;
use tokio::sync::Notify;

/// Tells the real time, but sleeps until [`PacedClock::wake`].
#[derive(Default)]
pub(crate) struct PacedClock(Notify);

impl PacedClock {
    /// Ends the sleeps that have begun.
    pub(crate) fn wake(&self) {
        self.0.notify_waiters();
    }
}

#[async_trait]
impl Clock for PacedClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    async fn sleep(&self, _: Duration) {
        self.0.notified().await;
    }
}
