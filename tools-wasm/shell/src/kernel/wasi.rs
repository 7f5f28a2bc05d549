//! The kernel of the sandbox, over `glovebox:process` and WASI.

use std::any::Any;
use std::fs::Metadata;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glovebox_kit::bindings::glovebox::process::files;
use glovebox_kit::bindings::glovebox::process::process as host;
use glovebox_kit::bindings::glovebox::process::types;

use super::{
    Child, Description, Endpoint, Errno, FileInfo, FileType, Kernel, Kind, OpenHow, Spawn, Status,
};

/// What `$( )` and here-documents may hold.
const BUFFER_BYTES_MAX: u64 = 64 << 20;

pub struct Wasi;

struct Open(host::Endpoint);

fn endpoint(endpoint: host::Endpoint) -> Endpoint {
    Rc::new(Open(endpoint))
}

/// An endpoint the host made, for example a tail's writer.
pub fn from_host(handle: host::Endpoint) -> Endpoint {
    endpoint(handle)
}

fn errno(errno: types::Errno) -> Errno {
    match errno {
        types::Errno::Access => Errno::Access,
        types::Errno::Again => Errno::Again,
        types::Errno::BadDescriptor => Errno::BadDescriptor,
        types::Errno::BrokenPipe => Errno::BrokenPipe,
        types::Errno::Exist => Errno::Exist,
        types::Errno::FileTooLarge => Errno::FileTooLarge,
        types::Errno::Interrupted => Errno::Interrupted,
        types::Errno::Fault | types::Errno::Invalid | types::Errno::CrossDevice => Errno::Invalid,
        types::Errno::Io => Errno::Io,
        types::Errno::IsDirectory => Errno::IsDirectory,
        types::Errno::Loop => Errno::Loop,
        types::Errno::NameTooLong => Errno::NameTooLong,
        types::Errno::NoEntry => Errno::NoEntry,
        types::Errno::NotExecutable => Errno::NotExecutable,
        types::Errno::NoChild => Errno::NoChild,
        types::Errno::NoMemory => Errno::NoMemory,
        types::Errno::NoSpace | types::Errno::Quota => Errno::NoSpace,
        types::Errno::NotDirectory => Errno::NotDirectory,
        types::Errno::NotEmpty => Errno::NotEmpty,
        types::Errno::NotPermitted => Errno::NotPermitted,
        types::Errno::NotSupported => Errno::NotSupported,
        types::Errno::NoSuchProcess => Errno::NoSuchProcess,
        types::Errno::ReadOnly => Errno::ReadOnly,
        types::Errno::SeekPipe => Errno::SeekPipe,
        types::Errno::TooManyDescriptors => Errno::TooManyDescriptors,
        types::Errno::TooManyProcesses => Errno::TooManyProcesses,
        types::Errno::TextBusy => Errno::TextBusy,
    }
}

fn status(status: types::Status) -> Status {
    match status {
        types::Status::Exited(code) => Status::Exited(code),
        types::Status::Signalled(signal) => Status::Signalled(signal),
    }
}

impl Description for Open {
    fn read(&self, max: u32) -> Result<Vec<u8>, Errno> {
        self.0.read(max.min(65536)).map_err(errno)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        self.0.write(bytes).map_err(errno)
    }

    fn seek_by(&self, delta: i64) -> Result<u64, Errno> {
        self.0.seek(delta, types::Whence::Current).map_err(errno)
    }

    fn kind(&self) -> Kind {
        match self.0.kind() {
            types::EndpointKind::File => Kind::File,
            types::EndpointKind::Directory => Kind::Directory,
            types::EndpointKind::Pipe => Kind::Pipe,
            types::EndpointKind::Buffer => Kind::Buffer,
            types::EndpointKind::Null => Kind::Null,
            types::EndpointKind::Terminal => Kind::Terminal,
            types::EndpointKind::Other => Kind::Other,
        }
    }

    fn readable(&self, timeout_ms: u64) -> bool {
        self.0.readable(timeout_ms)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct HostChild(host::Child);

impl Child for HostChild {
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn wait(&mut self) -> Status {
        status(self.0.wait())
    }

    fn try_wait(&mut self) -> Option<Status> {
        self.0.try_wait().map(status)
    }
}

fn info(metadata: &Metadata) -> FileInfo {
    let kind = metadata.file_type();
    let file_type = if kind.is_dir() {
        FileType::Directory
    } else if kind.is_symlink() {
        FileType::Symlink
    } else if kind.is_file() {
        FileType::File
    } else {
        FileType::CharacterDevice
    };
    let nanoseconds = |time: std::io::Result<SystemTime>| {
        time.ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| since.as_nanos() as i128)
    };
    FileInfo {
        file_type,
        size: metadata.len(),
        modified_ns: nanoseconds(metadata.modified()),
        accessed_ns: nanoseconds(metadata.accessed()),
        identity: None,
    }
}

impl Kernel for Wasi {
    fn pipe(&self) -> Result<(Endpoint, Endpoint), Errno> {
        host::pipe()
            .map(|(reader, writer)| (endpoint(reader), endpoint(writer)))
            .map_err(errno)
    }

    fn buffer(&self) -> Result<Endpoint, Errno> {
        host::buffer(BUFFER_BYTES_MAX).map(endpoint).map_err(errno)
    }

    fn descriptors(&self) -> Vec<(u32, Endpoint)> {
        host::descriptors()
            .into_iter()
            .filter_map(|number| Some((number, endpoint(host::descriptor(number)?))))
            .collect()
    }

    fn open(&self, path: &str, how: OpenHow, mode: u32) -> Result<Endpoint, Errno> {
        let mut flags = types::OpenFlags::empty();
        for (wanted, flag) in [
            (how.read, types::OpenFlags::READ),
            (how.write, types::OpenFlags::WRITE),
            (how.append, types::OpenFlags::APPEND),
            (how.create, types::OpenFlags::CREATE),
            (how.exclusive, types::OpenFlags::EXCLUSIVE),
            (how.truncate, types::OpenFlags::TRUNCATE),
        ] {
            if wanted {
                flags |= flag;
            }
        }
        host::open(path, flags, mode).map(endpoint).map_err(errno)
    }

    fn spawn(&self, spawn: &Spawn<'_>) -> Result<Box<dyn Child>, Errno> {
        let mut descriptors = Vec::with_capacity(spawn.descriptors.len());
        for (number, endpoint) in spawn.descriptors {
            let open = endpoint
                .as_any()
                .downcast_ref::<Open>()
                .ok_or(Errno::BadDescriptor)?;
            descriptors.push((*number, &open.0));
        }
        host::spawn(&host::SpawnOptions {
            program: spawn.program.to_owned(),
            arguments: spawn.arguments.to_vec(),
            environment: spawn.environment.to_vec(),
            cwd: spawn.directory.to_owned(),
            descriptors,
            background: spawn.background,
            sigpipe_kills: true,
        })
        .map(|child| Box::new(HostChild(child)) as Box<dyn Child>)
        .map_err(errno)
    }

    fn which(&self, program: &str) -> Option<String> {
        host::which(program)
    }

    fn kill(&self, pid: u32, signal: u8) -> Result<(), Errno> {
        host::kill(pid, signal).map_err(errno)
    }

    fn wait_for(&self, pid: u32) -> Option<Status> {
        host::wait_for(pid).map(status)
    }

    fn id(&self) -> (u32, u32) {
        host::id()
    }

    fn mode(&self, path: &str) -> Result<u32, Errno> {
        files::mode(path, true).map_err(errno)
    }

    fn umask(&self) -> u32 {
        files::umask()
    }

    fn set_umask(&self, mask: u32) {
        files::set_umask(mask);
    }

    fn stat(&self, path: &str, follow: bool) -> Result<FileInfo, Errno> {
        let metadata = if follow {
            std::fs::metadata(path)
        } else {
            std::fs::symlink_metadata(path)
        };
        metadata
            .map(|metadata| info(&metadata))
            .map_err(|error| Errno::from(&error))
    }

    fn read_directory(&self, path: &str) -> Result<Vec<String>, Errno> {
        let entries = std::fs::read_dir(path).map_err(|error| Errno::from(&error))?;
        Ok(entries
            .flatten()
            .map(|entry| crate::text::decode(entry.file_name().into_encoded_bytes()))
            .collect())
    }

    fn read_link(&self, path: &str) -> Result<String, Errno> {
        std::fs::read_link(path)
            .map(|target| target.to_string_lossy().into_owned())
            .map_err(|error| Errno::from(&error))
    }

    fn environment(&self) -> Vec<(String, String)> {
        std::env::vars_os()
            .map(|(name, value)| {
                (
                    crate::text::decode(name.into_encoded_bytes()),
                    crate::text::decode(value.into_encoded_bytes()),
                )
            })
            .collect()
    }

    fn now_ns(&self) -> u128 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos())
    }

    fn sleep_ms(&self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(milliseconds));
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher as _, Hasher as _};
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    }
}
