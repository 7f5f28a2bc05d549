//! Streams of the host as endpoints: for a program run on a terminal.

use std::io::{ErrorKind, Read, Write};
use std::sync::{Mutex, Once, PoisonError};

use super::Errno;
use super::pipe::{self, Fit};

/// A reader of the host, read ahead by at most a pipe's capacity on a thread of its own. The thread starts when somebody
/// first reads, so that a program that does not read leaves the host's input alone.
pub(crate) struct HostReader {
    /// Whether a person sits at the other end.
    pub(crate) terminal: bool,
    pipe: pipe::Reader,
    start: Once,
    source: Mutex<Option<(Box<dyn Read + Send>, pipe::Writer)>>,
}

impl HostReader {
    pub(crate) fn new(source: Box<dyn Read + Send>, terminal: bool) -> HostReader {
        let (pipe, writer) = pipe::pipe(None);
        HostReader {
            terminal,
            pipe,
            start: Once::new(),
            source: Mutex::new(Some((source, writer))),
        }
    }

    pub(crate) fn try_read(&self, max: usize) -> Option<Vec<u8>> {
        self.start();
        self.pipe.try_read(max)
    }

    pub(crate) async fn ready(&self) {
        self.start();
        self.pipe.ready().await;
    }

    fn start(&self) {
        self.start.call_once(|| {
            let taken = self
                .source
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            let Some((source, writer)) = taken else {
                return;
            };
            let handle = tokio::runtime::Handle::current();
            // Without a thread the stream is at its end: the writer is dropped with the closure.
            let _ = std::thread::Builder::new()
                .name("stdin".to_owned())
                .spawn(move || copy(source, &writer, &handle));
        });
    }
}

fn copy(mut source: Box<dyn Read + Send>, writer: &pipe::Writer, handle: &tokio::runtime::Handle) {
    let mut chunk = vec![0; 8192];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return,
            Ok(length) => {
                let mut rest = &chunk[..length];
                while !rest.is_empty() {
                    let Ok(taken) = writer.try_write(rest, Fit::Capacity) else {
                        return;
                    };
                    rest = &rest[taken..];
                    if !rest.is_empty() {
                        handle.block_on(writer.ready());
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// A writer of the host. Writing blocks the guest's thread, as writing to a file does.
pub(crate) struct HostWriter {
    /// Whether a person sits at the other end.
    pub(crate) terminal: bool,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl HostWriter {
    pub(crate) fn new(sink: Box<dyn Write + Send>, terminal: bool) -> HostWriter {
        HostWriter {
            terminal,
            sink: Mutex::new(sink),
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(bytes)
            .and_then(|()| sink.flush())
            .map_err(|error| match error.kind() {
                ErrorKind::BrokenPipe => Errno::BrokenPipe,
                ErrorKind::StorageFull => Errno::NoSpace,
                _ => Errno::Io,
            })
    }
}
