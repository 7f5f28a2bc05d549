//! Bytes kept in the host's memory for guests: buffers and tails. All of it is charged to the call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Errno;
use crate::limits::{Account, Charge};

/// A nameless file in memory with separate reading and writing offsets.
pub(crate) struct Buffer {
    shared: Mutex<BufferState>,
    limit: usize,
}

struct BufferState {
    bytes: Vec<u8>,
    read: usize,
    charge: Charge,
}

impl Buffer {
    pub(crate) fn new(limit: u64, account: &Arc<Account>) -> Buffer {
        let limit =
            usize::try_from(limit.min(account.limits().output_bytes_max)).unwrap_or(usize::MAX);
        let charge = Charge::none(Arc::clone(account));
        Buffer {
            shared: Mutex::new(BufferState {
                bytes: Vec::new(),
                read: 0,
                charge,
            }),
            limit,
        }
    }

    pub(crate) fn read(&self, max: usize) -> Vec<u8> {
        let mut shared = lock(&self.shared);
        let start = shared.read;
        let end = shared.bytes.len().min(start.saturating_add(max));
        shared.read = end;
        shared.bytes[start..end].to_vec()
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let mut shared = lock(&self.shared);
        if shared.bytes.len().saturating_add(bytes.len()) > self.limit
            || !shared.charge.grow(bytes.len() as u64)
        {
            return Err(Errno::NoSpace);
        }
        shared.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// A sink that keeps the last bytes written.
pub(crate) struct TailBuffer {
    shared: Mutex<TailState>,
    limit: usize,
    account: Arc<Account>,
}

struct TailState {
    bytes: VecDeque<u8>,
    dropped: bool,
    charge: Charge,
}

impl TailBuffer {
    pub(crate) fn new(limit: u64, account: &Arc<Account>) -> TailBuffer {
        let limit =
            usize::try_from(limit.min(account.limits().output_bytes_max)).unwrap_or(usize::MAX);
        let charge = Charge::none(Arc::clone(account));
        TailBuffer {
            shared: Mutex::new(TailState {
                bytes: VecDeque::new(),
                dropped: false,
                charge,
            }),
            limit,
            account: Arc::clone(account),
        }
    }

    /// What is kept, and whether anything before it was dropped. Leaves it empty.
    pub(crate) fn take(&self) -> (Vec<u8>, bool) {
        let mut shared = lock(&self.shared);
        shared.charge.release();
        let dropped = std::mem::take(&mut shared.dropped);
        (std::mem::take(&mut shared.bytes).into(), dropped)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        self.account.add_output(bytes.len() as u64);
        let mut shared = lock(&self.shared);
        let kept = &bytes[bytes.len().saturating_sub(self.limit)..];
        let excess = (shared.bytes.len() + kept.len()).saturating_sub(self.limit);
        shared.dropped |= excess > 0 || kept.len() < bytes.len();
        shared.bytes.drain(..excess);
        let growth = (shared.bytes.len() + kept.len()) as u64;
        if growth > shared.charge.bytes() {
            let more = growth - shared.charge.bytes();
            if !shared.charge.grow(more) {
                return Err(Errno::NoMemory);
            }
        }
        shared.bytes.extend(kept);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Limits;

    fn account() -> Arc<Account> {
        Account::new(
            Limits {
                output_bytes_max: 100,
                ..Limits::default()
            },
            None,
        )
    }

    #[test]
    fn a_buffer_is_read_from_its_beginning_and_refuses_what_exceeds_its_limit() {
        let buffer = Buffer::new(8, &account());
        buffer.write(b"12345").unwrap();
        assert_eq!(buffer.read(3), b"123");
        assert_eq!(buffer.write(b"6789"), Err(Errno::NoSpace));
        buffer.write(b"678").unwrap();
        assert_eq!(buffer.read(100), b"45678");
        assert_eq!(buffer.read(100), b"");
    }

    #[test]
    fn a_tail_keeps_the_end_and_says_that_it_dropped_the_rest() {
        let tail = TailBuffer::new(4, &account());
        tail.write(b"ab").unwrap();
        assert_eq!(tail.take(), (b"ab".to_vec(), false));
        tail.write(b"abc").unwrap();
        tail.write(b"def").unwrap();
        assert_eq!(tail.take(), (b"cdef".to_vec(), true));
        tail.write(b"0123456789").unwrap();
        assert_eq!(tail.take(), (b"6789".to_vec(), true));
        assert_eq!(tail.take(), (Vec::new(), false));
    }

    #[test]
    fn what_is_kept_is_charged_and_given_back() {
        let account = account();
        let tail = TailBuffer::new(50, &account);
        tail.write(&[0; 60]).unwrap();
        assert_eq!(account.memory(), 50);
        tail.take();
        assert_eq!(account.memory(), 0);
        let buffer = Buffer::new(50, &account);
        buffer.write(&[0; 20]).unwrap();
        assert_eq!(account.memory(), 20);
        drop(buffer);
        assert_eq!(account.memory(), 0);
    }
}
