//! Endpoints as WASI streams: a process's standard input, output and error.
//!
//! Nothing is buffered here and nothing read ahead: an endpoint is shared with other processes, and what one of them does
//! not ask for belongs to the next.

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

use super::Errno;
use super::bindings::glovebox::process::types::EndpointKind;
use super::endpoint::Endpoint;
use super::run::BrokenPipe;

/// What happens to a process that writes where nobody reads any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnBrokenPipe {
    Kill,
    Error,
}

/// One of a process's standard descriptors.
pub(crate) struct Standard {
    pub(crate) endpoint: Endpoint,
    pub(crate) on_broken_pipe: OnBrokenPipe,
}

impl IsTerminal for Standard {
    fn is_terminal(&self) -> bool {
        self.endpoint.kind() == EndpointKind::Terminal
    }
}

impl StdinStream for Standard {
    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(Input(self.endpoint.clone()))
    }

    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }
}

impl StdoutStream for Standard {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Output {
            endpoint: self.endpoint.clone(),
            on_broken_pipe: self.on_broken_pipe,
        })
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

pub(super) struct Input(pub(super) Endpoint);

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        self.0.readable().await;
    }
}

#[async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match self.0.try_read(size) {
            Ok(None) => Ok(Bytes::new()),
            Ok(Some(bytes)) if bytes.is_empty() && size > 0 => Err(StreamError::Closed),
            Ok(Some(bytes)) => Ok(bytes.into()),
            Err(error) => Err(failed(error)),
        }
    }

    // The provided one gives up after some wake-ups that brought nothing, which is normal when several processes read.
    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        let bytes = self.0.read(size).await.map_err(failed)?;
        if bytes.is_empty() && size > 0 {
            Err(StreamError::Closed)
        } else {
            Ok(bytes.into())
        }
    }
}

pub(super) struct Output {
    pub(super) endpoint: Endpoint,
    pub(super) on_broken_pipe: OnBrokenPipe,
}

impl Output {
    fn failed(&self, error: Errno) -> StreamError {
        match (error, self.on_broken_pipe) {
            (Errno::BrokenPipe, OnBrokenPipe::Kill) => {
                StreamError::Trap(wasmtime::Error::new(BrokenPipe))
            }
            (Errno::BrokenPipe, OnBrokenPipe::Error) => StreamError::Closed,
            _ => failed(error),
        }
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        self.endpoint.writable().await;
    }
}

#[async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.endpoint
            .write_now(&bytes)
            .map_err(|error| self.failed(error))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.endpoint.space().map_err(|error| self.failed(error))
    }

    async fn write_ready(&mut self) -> StreamResult<usize> {
        loop {
            let space = self.check_write()?;
            if space > 0 {
                return Ok(space);
            }
            self.endpoint.writable().await;
        }
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.endpoint
            .write(&bytes)
            .await
            .map_err(|error| self.failed(error))
    }
}

/// An error that `wasi:filesystem`'s `filesystem-error-code` can name to the guest.
fn failed(error: Errno) -> StreamError {
    use crate::fs::Errno as File;
    let error = match error {
        Errno::NoSpace => File::NoSpace,
        Errno::NoMemory => File::NoMemory,
        Errno::FileTooLarge => File::FileTooLarge,
        Errno::BadDescriptor => File::BadDescriptor,
        Errno::IsDirectory => File::IsDirectory,
        Errno::Quota => File::Quota,
        Errno::ReadOnly => File::ReadOnly,
        _ => File::Io,
    };
    StreamError::LastOperationFailed(wasmtime::Error::new(error))
}
