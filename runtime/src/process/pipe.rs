//! Pipes: 64 KiB between a writing and a reading end.
//!
//! A full pipe makes its writers wait and an empty one its readers; when the last handle of one end is gone, the other sees
//! end of file or `broken-pipe`. Any number of processes may share an end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Errno;
use crate::limits::Charge;

/// As Linux.
pub(crate) const CAPACITY: usize = 64 * 1024;

struct Pipe {
    shared: Mutex<Shared>,
    readable: Notify,
    writable: Notify,
    /// A guest's pipe takes its capacity from the guest's memory, full or not: it can be filled at any time.
    _charge: Option<Charge>,
}

struct Shared {
    bytes: VecDeque<u8>,
    reader_open: bool,
    writer_open: bool,
}

/// The reading end. Dropping it closes it.
pub(crate) struct Reader(Arc<Pipe>);

/// The writing end. Dropping it closes it.
pub(crate) struct Writer(Arc<Pipe>);

pub(crate) fn pipe(charge: Option<Charge>) -> (Reader, Writer) {
    let pipe = Arc::new(Pipe {
        shared: Mutex::new(Shared {
            bytes: VecDeque::new(),
            reader_open: true,
            writer_open: true,
        }),
        readable: Notify::new(),
        writable: Notify::new(),
        _charge: charge,
    });
    (Reader(Arc::clone(&pipe)), Writer(pipe))
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// What is there, at most `max` bytes. Empty means end of file, `None` that nothing is there yet.
    pub(crate) fn try_read(&self, max: usize) -> Option<Vec<u8>> {
        let mut shared = self.0.lock();
        if shared.bytes.is_empty() {
            return if shared.writer_open {
                None
            } else {
                Some(Vec::new())
            };
        }
        let was_full = shared.bytes.len() >= CAPACITY;
        let bytes = if max >= shared.bytes.len() {
            std::mem::take(&mut shared.bytes).into()
        } else {
            shared.bytes.drain(..max).collect()
        };
        drop(shared);
        if was_full {
            self.0.writable.notify_waiters();
        }
        Some(bytes)
    }

    /// Waits until [`Reader::try_read`] has something to say.
    pub(crate) async fn ready(&self) {
        loop {
            let notified = self.0.readable.notified();
            {
                let shared = self.0.lock();
                if !shared.bytes.is_empty() || !shared.writer_open {
                    return;
                }
            }
            // `notified` counts wake-ups from the moment it was made, so none between the look and here is lost.
            notified.await;
        }
    }
}

impl Writer {
    /// How many bytes fit now.
    pub(crate) fn space(&self) -> Result<usize, Errno> {
        let shared = self.0.lock();
        if shared.reader_open {
            Ok(CAPACITY.saturating_sub(shared.bytes.len()))
        } else {
            Err(Errno::BrokenPipe)
        }
    }

    /// Writes as much of `bytes` as fits and says how much that was. With `Fit::All` everything goes in: for writers that
    /// asked for [`Writer::space`] first, several of which may have been told the same.
    pub(crate) fn try_write(&self, bytes: &[u8], fit: Fit) -> Result<usize, Errno> {
        let mut shared = self.0.lock();
        if !shared.reader_open {
            return Err(Errno::BrokenPipe);
        }
        let space = match fit {
            Fit::Capacity => CAPACITY.saturating_sub(shared.bytes.len()),
            Fit::All => bytes.len(),
        };
        let taken = space.min(bytes.len());
        let was_empty = shared.bytes.is_empty();
        shared.bytes.extend(&bytes[..taken]);
        drop(shared);
        if was_empty && taken > 0 {
            self.0.readable.notify_waiters();
        }
        Ok(taken)
    }

    /// Waits until there is space, or nobody to read.
    pub(crate) async fn ready(&self) {
        loop {
            let notified = self.0.writable.notified();
            {
                let shared = self.0.lock();
                if shared.bytes.len() < CAPACITY || !shared.reader_open {
                    return;
                }
            }
            notified.await;
        }
    }
}

/// How much of a write goes into a pipe.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    Capacity,
    All,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut shared = self.0.lock();
        shared.reader_open = false;
        shared.bytes = VecDeque::new();
        drop(shared);
        self.0.writable.notify_waiters();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.lock().writer_open = false;
        self.0.readable.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_holds_64_kib_and_then_makes_the_writer_wait() {
        let (reader, writer) = pipe(None);
        let chunk = vec![7; CAPACITY + 1];
        assert_eq!(writer.try_write(&chunk, Fit::Capacity), Ok(CAPACITY));
        assert_eq!(writer.space(), Ok(0));
        assert_eq!(writer.try_write(b"x", Fit::Capacity), Ok(0));
        assert_eq!(reader.try_read(10).unwrap().len(), 10);
        assert_eq!(writer.space(), Ok(10));
    }

    #[test]
    fn closing_either_end_is_seen_by_the_other() {
        let (reader, writer) = pipe(None);
        assert_eq!(reader.try_read(1), None);
        writer.try_write(b"ab", Fit::Capacity).unwrap();
        drop(writer);
        assert_eq!(reader.try_read(1), Some(b"a".to_vec()));
        assert_eq!(reader.try_read(9), Some(b"b".to_vec()));
        assert_eq!(reader.try_read(9), Some(Vec::new()));

        let (reader, writer) = pipe(None);
        drop(reader);
        assert_eq!(
            writer.try_write(b"x", Fit::Capacity),
            Err(Errno::BrokenPipe)
        );
        assert_eq!(writer.space(), Err(Errno::BrokenPipe));
    }

    #[tokio::test]
    async fn waiters_wake_when_the_other_end_moves_or_goes() {
        let (reader, writer) = pipe(None);
        let waiting = tokio::spawn(async move {
            reader.ready().await;
            reader.try_read(100).unwrap()
        });
        tokio::task::yield_now().await;
        writer.try_write(b"hello", Fit::Capacity).unwrap();
        assert_eq!(waiting.await.unwrap(), b"hello");

        let (reader, writer) = pipe(None);
        writer.try_write(&vec![0; CAPACITY], Fit::Capacity).unwrap();
        let waiting = tokio::spawn(async move {
            writer.ready().await;
            writer.space()
        });
        tokio::task::yield_now().await;
        drop(reader);
        assert_eq!(waiting.await.unwrap(), Err(Errno::BrokenPipe));
    }
}
