//! What the shell asks of the machine it runs on.
//!
//! There is no fork and no exec here: open file descriptions are values, and the only way to start anything is
//! [`Kernel::spawn`]. `wasi` answers from `glovebox:process`; `native` from an ordinary Unix, for development and tests.

#[cfg(not(target_os = "wasi"))]
pub mod native;
#[cfg(target_os = "wasi")]
pub mod wasi;

use std::any::Any;
use std::rc::Rc;

/// Why the kernel refused. The texts are C's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errno {
    Access,
    Again,
    BadDescriptor,
    BrokenPipe,
    Exist,
    Interrupted,
    Invalid,
    Io,
    IsDirectory,
    Loop,
    NameTooLong,
    NoEntry,
    NotExecutable,
    NoChild,
    NoMemory,
    NoSpace,
    NotDirectory,
    NotEmpty,
    NotPermitted,
    NotSupported,
    NoSuchProcess,
    ReadOnly,
    SeekPipe,
    TooManyDescriptors,
    TooManyProcesses,
    FileTooLarge,
    TextBusy,
}

impl Errno {
    /// What `strerror` says.
    pub fn text(self) -> &'static str {
        match self {
            Self::Access => "Permission denied",
            Self::Again => "Resource temporarily unavailable",
            Self::BadDescriptor => "Bad file descriptor",
            Self::BrokenPipe => "Broken pipe",
            Self::Exist => "File exists",
            Self::Interrupted => "Interrupted system call",
            Self::Invalid => "Invalid argument",
            Self::Io => "Input/output error",
            Self::IsDirectory => "Is a directory",
            Self::Loop => "Too many levels of symbolic links",
            Self::NameTooLong => "File name too long",
            Self::NoEntry => "No such file or directory",
            Self::NotExecutable => "Exec format error",
            Self::NoChild => "No child processes",
            Self::NoMemory => "Cannot allocate memory",
            Self::NoSpace => "No space left on device",
            Self::NotDirectory => "Not a directory",
            Self::NotEmpty => "Directory not empty",
            Self::NotPermitted => "Operation not permitted",
            Self::NotSupported => "Operation not supported",
            Self::NoSuchProcess => "No such process",
            Self::ReadOnly => "Read-only file system",
            Self::SeekPipe => "Illegal seek",
            Self::TooManyDescriptors => "Too many open files",
            Self::TooManyProcesses => "Resource temporarily unavailable",
            Self::FileTooLarge => "File too large",
            Self::TextBusy => "Text file busy",
        }
    }
}

impl From<&std::io::Error> for Errno {
    fn from(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Self::NoEntry,
            Kind::PermissionDenied => Self::Access,
            Kind::AlreadyExists => Self::Exist,
            Kind::NotADirectory => Self::NotDirectory,
            Kind::IsADirectory => Self::IsDirectory,
            Kind::BrokenPipe => Self::BrokenPipe,
            Kind::InvalidInput | Kind::InvalidFilename => Self::Invalid,
            Kind::ReadOnlyFilesystem => Self::ReadOnly,
            Kind::StorageFull => Self::NoSpace,
            Kind::DirectoryNotEmpty => Self::NotEmpty,
            Kind::ExecutableFileBusy => Self::TextBusy,
            Kind::Interrupted => Self::Interrupted,
            Kind::NotSeekable => Self::SeekPipe,
            Kind::FileTooLarge => Self::FileTooLarge,
            Kind::Unsupported => Self::NotSupported,
            _ => other_errno(error.raw_os_error()),
        }
    }
}

/// Numbers that `std` has no stable kind for: Linux's natively, WASI's in the sandbox.
fn other_errno(code: Option<i32>) -> Errno {
    match (code, cfg!(target_os = "wasi")) {
        (Some(8), false) => Errno::NotExecutable,
        (Some(40), false) | (Some(32), true) => Errno::Loop,
        (Some(36), false) | (Some(37), true) => Errno::NameTooLong,
        (Some(9), false) | (Some(8), true) => Errno::BadDescriptor,
        _ => Errno::Io,
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Exited(u8),
    Signalled(u8),
}

impl Status {
    /// What `$?` shows.
    pub fn code(self) -> i32 {
        match self {
            Self::Exited(code) => i32::from(code),
            Self::Signalled(signal) => 128 + i32::from(signal),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct OpenHow {
    pub read: bool,
    pub write: bool,
    pub append: bool,
    pub create: bool,
    pub exclusive: bool,
    pub truncate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Pipe,
    Buffer,
    Null,
    Terminal,
    Other,
}

/// An open file description.
pub trait Description: Any {
    /// At most `max` bytes, at least one unless the end is reached.
    fn read(&self, max: u32) -> Result<Vec<u8>, Errno>;
    /// All of `bytes`.
    fn write(&self, bytes: &[u8]) -> Result<(), Errno>;
    /// Moves the offset by `delta`.
    fn seek_by(&self, delta: i64) -> Result<u64, Errno>;
    fn kind(&self) -> Kind;
    /// Whether `read` would return at once, after waiting at most so long.
    fn readable(&self, timeout_ms: u64) -> bool;
    fn as_any(&self) -> &dyn Any;
}

/// A handle to an open file description; clones share it.
pub type Endpoint = Rc<dyn Description>;

pub trait Child {
    fn pid(&self) -> u32;
    fn wait(&mut self) -> Status;
    fn try_wait(&mut self) -> Option<Status>;
}

/// A program to start.
pub struct Spawn<'a> {
    pub program: &'a str,
    /// argv, beginning with argv[0].
    pub arguments: &'a [String],
    pub environment: &'a [(String, String)],
    /// An absolute path.
    pub directory: &'a str,
    pub descriptors: &'a [(u32, Endpoint)],
    pub background: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    BlockDevice,
    CharacterDevice,
}

#[derive(Debug, Clone, Copy)]
pub struct FileInfo {
    pub file_type: FileType,
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified_ns: i128,
    pub accessed_ns: i128,
    /// Device and inode, where there are such.
    pub identity: Option<(u64, u64)>,
}

pub trait Kernel {
    fn pipe(&self) -> Result<(Endpoint, Endpoint), Errno>;
    /// A nameless file in memory with separate reading and writing offsets.
    fn buffer(&self) -> Result<Endpoint, Errno>;
    fn descriptors(&self) -> Vec<(u32, Endpoint)>;
    fn open(&self, path: &str, how: OpenHow, mode: u32) -> Result<Endpoint, Errno>;
    fn spawn(&self, spawn: &Spawn<'_>) -> Result<Box<dyn Child>, Errno>;
    /// Where the program of this name stands, if the machine keeps a table of them.
    fn which(&self, program: &str) -> Option<String>;
    fn kill(&self, pid: u32, signal: u8) -> Result<(), Errno>;
    fn wait_for(&self, pid: u32) -> Option<Status>;
    /// This process and its parent.
    fn id(&self) -> (u32, u32);
    fn mode(&self, path: &str) -> Result<u32, Errno>;
    fn umask(&self) -> u32;
    fn set_umask(&self, mask: u32);
    fn stat(&self, path: &str, follow: bool) -> Result<FileInfo, Errno>;
    /// The names in a directory, without `.` and `..`.
    fn read_directory(&self, path: &str) -> Result<Vec<String>, Errno>;
    fn read_link(&self, path: &str) -> Result<String, Errno>;
    /// The environment this process was started with.
    fn environment(&self) -> Vec<(String, String)>;
    /// Nanoseconds since 1970.
    fn now_ns(&self) -> u128;
    fn sleep_ms(&self, milliseconds: u64);
    /// Numbers nobody can guess.
    fn random(&self) -> u64;
}
