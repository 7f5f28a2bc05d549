//! POSIX error numbers by name, as the file system reports them.
//!
//! One type serves `wasi:filesystem`, `glovebox:process` and the host's own opens, so that a guest sees the same
//! error whichever way it asked.

use rustix::io::Errno as HostErrno;

/// Why an operation on a file failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Errno {
    /// EACCES
    #[error("permission denied")]
    Access,
    /// EAGAIN
    #[error("resource temporarily unavailable")]
    Again,
    /// EBADF
    #[error("bad file descriptor")]
    BadDescriptor,
    /// EPIPE
    #[error("broken pipe")]
    BrokenPipe,
    /// EBUSY
    #[error("device or resource busy")]
    Busy,
    /// EXDEV
    #[error("invalid cross-device link")]
    CrossDevice,
    /// EEXIST
    #[error("file exists")]
    Exist,
    /// EFBIG
    #[error("file too large")]
    FileTooLarge,
    /// EILSEQ
    #[error("invalid byte sequence in name")]
    IllegalByteSequence,
    /// EINTR
    #[error("interrupted")]
    Interrupted,
    /// EINVAL
    #[error("invalid argument")]
    Invalid,
    /// EIO
    #[error("input/output error")]
    Io,
    /// EISDIR
    #[error("is a directory")]
    IsDirectory,
    /// ELOOP
    #[error("too many levels of symbolic links")]
    Loop,
    /// ENAMETOOLONG
    #[error("file name too long")]
    NameTooLong,
    /// ENOENT
    #[error("no such file or directory")]
    NoEntry,
    /// ENOMEM
    #[error("out of memory")]
    NoMemory,
    /// ENOSPC
    #[error("no space left on device")]
    NoSpace,
    /// ENOTDIR
    #[error("not a directory")]
    NotDirectory,
    /// ENOTEMPTY
    #[error("directory not empty")]
    NotEmpty,
    /// EPERM
    #[error("operation not permitted")]
    NotPermitted,
    /// ENOTSUP
    #[error("operation not supported")]
    NotSupported,
    /// EDQUOT
    #[error("quota exceeded")]
    Quota,
    /// EROFS
    #[error("read-only file system")]
    ReadOnly,
    /// ESPIPE
    #[error("illegal seek")]
    SeekPipe,
    /// ETXTBSY
    #[error("text file busy")]
    TextBusy,
    /// EMFILE
    #[error("too many open files")]
    TooManyDescriptors,
    /// EMLINK
    #[error("too many links")]
    TooManyLinks,
}

impl From<HostErrno> for Errno {
    fn from(errno: HostErrno) -> Errno {
        match errno {
            HostErrno::ACCESS => Errno::Access,
            HostErrno::AGAIN => Errno::Again,
            HostErrno::BADF => Errno::BadDescriptor,
            HostErrno::PIPE => Errno::BrokenPipe,
            HostErrno::BUSY => Errno::Busy,
            HostErrno::XDEV => Errno::CrossDevice,
            HostErrno::EXIST => Errno::Exist,
            HostErrno::FBIG => Errno::FileTooLarge,
            HostErrno::ILSEQ => Errno::IllegalByteSequence,
            HostErrno::INTR => Errno::Interrupted,
            HostErrno::INVAL => Errno::Invalid,
            HostErrno::ISDIR => Errno::IsDirectory,
            HostErrno::LOOP => Errno::Loop,
            HostErrno::NAMETOOLONG => Errno::NameTooLong,
            HostErrno::NOENT => Errno::NoEntry,
            HostErrno::NOMEM => Errno::NoMemory,
            HostErrno::NOSPC => Errno::NoSpace,
            HostErrno::NOTDIR => Errno::NotDirectory,
            HostErrno::NOTEMPTY => Errno::NotEmpty,
            HostErrno::PERM => Errno::NotPermitted,
            HostErrno::OPNOTSUPP | HostErrno::NOSYS => Errno::NotSupported,
            HostErrno::DQUOT => Errno::Quota,
            HostErrno::ROFS => Errno::ReadOnly,
            HostErrno::SPIPE => Errno::SeekPipe,
            HostErrno::TXTBSY => Errno::TextBusy,
            HostErrno::MFILE | HostErrno::NFILE => Errno::TooManyDescriptors,
            HostErrno::MLINK => Errno::TooManyLinks,
            _ => Errno::Io,
        }
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Errno {
        HostErrno::from_io_error(&error).map_or(Errno::Io, Errno::from)
    }
}
