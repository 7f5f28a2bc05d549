//! What a process sees of itself in `/proc`, its descriptors among it: `/dev/stdin` and `/proc/self/fd/N` lead here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::Endpoint;
use super::endpoint::Description;
use super::stream::{Input, OnBrokenPipe, Output};
use super::table::Process;
use crate::fs::node::File;
use crate::fs::{Errno, Kind, OwnProcess, Reopened, Stat, Timestamp};

pub(crate) struct Own {
    pub(crate) process: Arc<Process>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) cwd: String,
    pub(crate) descriptors: BTreeMap<u32, Endpoint>,
    pub(crate) on_broken_pipe: OnBrokenPipe,
}

impl OwnProcess for Own {
    fn id(&self) -> u32 {
        self.process.pid
    }

    fn parent(&self) -> u32 {
        self.process.parent.load(Ordering::Relaxed)
    }

    fn arguments(&self) -> Vec<String> {
        self.process.arguments.clone()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    fn cwd(&self) -> String {
        self.cwd.clone()
    }

    fn memory_bytes_max(&self) -> u64 {
        self.process.account.limits().memory_bytes_max
    }

    fn descriptors(&self) -> Vec<u32> {
        self.descriptors.keys().copied().collect()
    }

    fn descriptor(&self, fd: u32) -> Option<Arc<dyn File>> {
        let endpoint = self.descriptors.get(&fd)?;
        Some(match endpoint.description() {
            // As on Linux, a file is opened again, with an offset of its own.
            Description::File(file) => Arc::new(Reopened(file.open_file())),
            _ => Arc::new(Shared {
                fd,
                endpoint: endpoint.clone(),
                on_broken_pipe: self.on_broken_pipe,
            }),
        })
    }
}

/// What has no offset is the same description under another number.
struct Shared {
    fd: u32,
    endpoint: Endpoint,
    on_broken_pipe: OnBrokenPipe,
}

impl File for Shared {
    fn read_at(&self, _offset: u64, _length: usize) -> Result<Bytes, Errno> {
        Err(Errno::SeekPipe)
    }

    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> Result<usize, Errno> {
        Err(Errno::SeekPipe)
    }

    fn append(&self, _bytes: &[u8]) -> Result<usize, Errno> {
        Err(Errno::SeekPipe)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        let kind = match self.endpoint.description() {
            Description::PipeReader(_) | Description::PipeWriter(_) => Kind::Pipe,
            _ => Kind::CharacterDevice,
        };
        Ok(Stat {
            kind,
            mode: 0o600,
            size: 0,
            links: 1,
            inode: u64::from(self.fd) + 1000,
            device: 0,
            accessed: Timestamp::default(),
            modified: Timestamp::default(),
            changed: Timestamp::default(),
        })
    }

    fn input_stream(&self) -> Option<DynInputStream> {
        Some(Box::new(Input(self.endpoint.clone())))
    }

    fn output_stream(&self) -> Option<DynOutputStream> {
        Some(Box::new(Output {
            endpoint: self.endpoint.clone(),
            on_broken_pipe: self.on_broken_pipe,
        }))
    }
}
