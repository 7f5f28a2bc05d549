//! Streams over files that never wait. What is read or written is handed on as it is, on the guest's own thread.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

use crate::fs::Errno;
use crate::fs::node::File;

/// What `check-write` permits at once.
const WRITE_BYTES_MAX: usize = 1 << 20;

/// Reads a file from an offset on.
pub(super) struct ReadStream {
    file: Arc<dyn File>,
    offset: u64,
}

impl ReadStream {
    pub(super) fn new(file: Arc<dyn File>, offset: u64) -> ReadStream {
        ReadStream { file, offset }
    }
}

#[async_trait]
impl Pollable for ReadStream {
    async fn ready(&mut self) {}
}

#[async_trait]
impl InputStream for ReadStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.file.read_at(self.offset, size).map_err(failed)?;
        if bytes.is_empty() {
            return Err(StreamError::Closed);
        }
        self.offset += u64::try_from(bytes.len()).map_err(|_| StreamError::Closed)?;
        Ok(bytes)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.read(size)
    }
}

/// Where a [`WriteStream`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// From this offset on.
    At(u64),
    /// At the end, wherever that is by then.
    End,
}

/// Writes a file.
pub(super) struct WriteStream {
    file: Arc<dyn File>,
    position: Position,
    closed: bool,
}

impl WriteStream {
    pub(super) fn new(file: Arc<dyn File>, position: Position) -> WriteStream {
        WriteStream {
            file,
            position,
            closed: false,
        }
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let written = match self.position {
                Position::End => self.file.append(bytes)?,
                Position::At(offset) => {
                    let written = self.file.write_at(offset, bytes)?;
                    let more = u64::try_from(written).map_err(|_| Errno::FileTooLarge)?;
                    self.position =
                        Position::At(offset.checked_add(more).ok_or(Errno::FileTooLarge)?);
                    written
                }
            };
            if written == 0 {
                return Err(Errno::Io);
            }
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

#[async_trait]
impl Pollable for WriteStream {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for WriteStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        self.write_all(&bytes).map_err(|error| {
            self.closed = true;
            failed(error)
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        if self.closed {
            Err(StreamError::Closed)
        } else {
            Ok(())
        }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if self.closed {
            Err(StreamError::Closed)
        } else {
            Ok(WRITE_BYTES_MAX)
        }
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write(bytes)
    }
}

fn failed(errno: Errno) -> StreamError {
    StreamError::LastOperationFailed(errno.into())
}
