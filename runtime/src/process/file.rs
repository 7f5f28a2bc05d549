//! Files of the sandbox's mounts as endpoints: an open file and the offset that its handles share.

use std::sync::{Arc, Mutex, PoisonError};

use super::Errno;
use super::bindings::glovebox::process::types::{EndpointKind, Whence};
use crate::fs::{Kind, OpenFile};

pub(crate) struct FileDescription {
    file: Arc<OpenFile>,
    offset: Mutex<u64>,
}

impl FileDescription {
    pub(crate) fn new(file: Arc<OpenFile>) -> FileDescription {
        FileDescription {
            file,
            offset: Mutex::new(0),
        }
    }

    /// What is behind it, to be opened again.
    pub(super) fn open_file(&self) -> Arc<OpenFile> {
        Arc::clone(&self.file)
    }

    pub(crate) fn read(&self, max: usize) -> Result<Vec<u8>, Errno> {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = self.file.read_at(*offset, max)?;
        *offset += bytes.len() as u64;
        Ok(bytes.into())
    }

    pub(crate) fn write(&self, mut bytes: &[u8]) -> Result<(), Errno> {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        let append = self.file.how().append;
        while !bytes.is_empty() {
            let written = self.file.write_at(*offset, bytes)?;
            if written == 0 {
                return Err(Errno::Io);
            }
            *offset = if append {
                self.file.size()?
            } else {
                *offset + written as u64
            };
            bytes = &bytes[written..];
        }
        Ok(())
    }

    pub(crate) fn seek(&self, by: i64, whence: Whence) -> Result<u64, Errno> {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        let from = match whence {
            Whence::Start => 0,
            Whence::Current => *offset,
            Whence::End => self.file.size()?,
        };
        let to = from.checked_add_signed(by).ok_or(Errno::Invalid)?;
        *offset = to;
        Ok(to)
    }

    pub(crate) fn kind(&self) -> EndpointKind {
        match self.file.kind() {
            Ok(Kind::File) => EndpointKind::File,
            Ok(Kind::Directory) => EndpointKind::Directory,
            _ => EndpointKind::Other,
        }
    }
}
