//! Endpoints: open file descriptions, as POSIX means them.
//!
//! An [`Endpoint`] is a handle; handles made by cloning share one description, and the description closes with the last of
//! them. What is behind it is a pipe's end, a buffer, a tail, a stream of the host, or nothing.

use std::sync::Arc;

use super::Errno;
use super::bindings::glovebox::process::types::{EndpointKind, Whence};
use super::buffer::{Buffer, TailBuffer};
use super::file::FileDescription;
use super::host_stream::{HostReader, HostWriter};
use super::pipe::{self, Fit};
use crate::limits::{Account, Charge};

/// No single read gives more than this.
pub(crate) const READ_BYTES_MAX: usize = 64 * 1024;

/// A handle to an open file description.
#[derive(Clone)]
#[expect(
    unreachable_pub,
    reason = "named by generated code, which is public in a private module"
)]
pub struct Endpoint(Arc<Description>);

/// What a handle stands for.
pub(crate) enum Description {
    /// Reads end of file, swallows what is written.
    Null,
    PipeReader(pipe::Reader),
    PipeWriter(pipe::Writer),
    Buffer(Buffer),
    Tail(Arc<TailBuffer>),
    File(FileDescription),
    HostReader(HostReader),
    HostWriter(HostWriter),
}

/// The guest's `tail` resource.
#[expect(
    unreachable_pub,
    reason = "named by generated code, which is public in a private module"
)]
pub struct Tail(pub(crate) Arc<TailBuffer>);

impl From<Description> for Endpoint {
    fn from(description: Description) -> Self {
        Endpoint(Arc::new(description))
    }
}

impl Endpoint {
    pub(crate) fn null() -> Endpoint {
        Description::Null.into()
    }

    /// A pipe's reading and writing end.
    pub(crate) fn pipe(account: &Arc<Account>) -> Result<(Endpoint, Endpoint), Errno> {
        let mut charge = Charge::none(Arc::clone(account));
        if !charge.grow(pipe::CAPACITY as u64) {
            return Err(Errno::NoMemory);
        }
        let (reader, writer) = pipe::pipe(Some(charge));
        Ok((
            Description::PipeReader(reader).into(),
            Description::PipeWriter(writer).into(),
        ))
    }

    pub(crate) fn description(&self) -> &Description {
        &self.0
    }

    /// At most `max` bytes without waiting. Empty means end of file, `None` that a reader has to wait.
    pub(crate) fn try_read(&self, max: usize) -> Result<Option<Vec<u8>>, Errno> {
        let max = max.min(READ_BYTES_MAX);
        match self.description() {
            Description::Null => Ok(Some(Vec::new())),
            Description::PipeReader(reader) => Ok(reader.try_read(max)),
            Description::Buffer(buffer) => Ok(Some(buffer.read(max))),
            Description::File(file) => file.read(max).map(Some),
            Description::HostReader(reader) => Ok(reader.try_read(max)),
            Description::PipeWriter(_) | Description::Tail(_) | Description::HostWriter(_) => {
                Err(Errno::BadDescriptor)
            }
        }
    }

    /// Waits until a read would not wait.
    pub(crate) async fn readable(&self) {
        match self.description() {
            Description::PipeReader(reader) => reader.ready().await,
            Description::HostReader(reader) => reader.ready().await,
            _ => {}
        }
    }

    /// At most `max` bytes, at least one unless at the end.
    pub(crate) async fn read(&self, max: usize) -> Result<Vec<u8>, Errno> {
        if max == 0 {
            return Ok(Vec::new());
        }
        loop {
            if let Some(bytes) = self.try_read(max)? {
                return Ok(bytes);
            }
            self.readable().await;
        }
    }

    /// How many bytes can be written without waiting.
    pub(crate) fn space(&self) -> Result<usize, Errno> {
        match self.description() {
            Description::PipeWriter(writer) => writer.space(),
            Description::PipeReader(_) | Description::HostReader(_) => Err(Errno::BadDescriptor),
            _ => Ok(READ_BYTES_MAX),
        }
    }

    /// Waits until something can be written.
    pub(crate) async fn writable(&self) {
        if let Description::PipeWriter(writer) = self.description() {
            writer.ready().await;
        }
    }

    /// Writes without waiting: all, whatever [`Endpoint::space`] says now.
    pub(crate) fn write_now(&self, bytes: &[u8]) -> Result<(), Errno> {
        match self.description() {
            Description::Null => Ok(()),
            Description::PipeWriter(writer) => writer.try_write(bytes, Fit::All).map(drop),
            Description::Buffer(buffer) => buffer.write(bytes),
            Description::Tail(tail) => tail.write(bytes),
            Description::File(file) => file.write(bytes),
            Description::HostWriter(writer) => writer.write(bytes),
            Description::PipeReader(_) | Description::HostReader(_) => Err(Errno::BadDescriptor),
        }
    }

    /// Writes all of it, waiting while a pipe is full.
    pub(crate) async fn write(&self, mut bytes: &[u8]) -> Result<(), Errno> {
        let Description::PipeWriter(writer) = self.description() else {
            return self.write_now(bytes);
        };
        loop {
            let taken = writer.try_write(bytes, Fit::Capacity)?;
            bytes = &bytes[taken..];
            if bytes.is_empty() {
                return Ok(());
            }
            writer.ready().await;
        }
    }

    /// Moves the offset that all handles share.
    pub(crate) fn seek(&self, by: i64, whence: Whence) -> Result<u64, Errno> {
        match self.description() {
            Description::File(file) => file.seek(by, whence),
            _ => Err(Errno::SeekPipe),
        }
    }

    pub(crate) fn kind(&self) -> EndpointKind {
        match self.description() {
            Description::Null => EndpointKind::Null,
            Description::PipeReader(_) | Description::PipeWriter(_) => EndpointKind::Pipe,
            Description::Buffer(_) | Description::Tail(_) => EndpointKind::Buffer,
            Description::File(file) => file.kind(),
            Description::HostReader(reader) if reader.terminal => EndpointKind::Terminal,
            Description::HostWriter(writer) if writer.terminal => EndpointKind::Terminal,
            Description::HostReader(_) | Description::HostWriter(_) => EndpointKind::Other,
        }
    }
}
