//! The clock that interrupts running guests.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the clock sleeps when no guest is there to be interrupted. The first tick of a guest may be that late.
const IDLE: Duration = Duration::from_millis(20);

/// A thread that advances the engine's epoch. Ends when dropped.
pub(super) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Ticks while `processes` is not 0.
    pub(super) fn start(
        engine: wasmtime::Engine,
        tick: Duration,
        processes: Arc<AtomicU32>,
    ) -> io::Result<Ticker> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let idle = processes.load(Ordering::Relaxed) == 0;
                    std::thread::park_timeout(if idle { IDLE } else { tick });
                    engine.increment_epoch();
                }
            })?;
        Ok(Ticker {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It ends within a tick by itself; joining would only hold up whoever drops the engine.
            drop(thread);
        }
    }
}
