//! Between the interface's types and ours.

use wasmtime::component::ResourceTableError;
use wasmtime_wasi::TrappableError;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

use super::types::{DescriptorStat, DescriptorType, ErrorCode, NewTimestamp, PathFlags};
use crate::fs::Errno;
use crate::fs::node::{Kind, NewTime, Stat, Timestamp};
use crate::fs::walk::Follow;

/// An error a guest can handle, or a trap.
pub(super) type FsError = TrappableError<ErrorCode>;
/// What most functions of the interface give.
pub(super) type FsResult<T> = Result<T, FsError>;

impl From<Errno> for ErrorCode {
    fn from(errno: Errno) -> ErrorCode {
        match errno {
            Errno::Access => ErrorCode::Access,
            Errno::Again => ErrorCode::WouldBlock,
            Errno::BadDescriptor => ErrorCode::BadDescriptor,
            Errno::BrokenPipe => ErrorCode::Pipe,
            Errno::Busy => ErrorCode::Busy,
            Errno::CrossDevice => ErrorCode::CrossDevice,
            Errno::Exist => ErrorCode::Exist,
            Errno::FileTooLarge => ErrorCode::FileTooLarge,
            Errno::IllegalByteSequence => ErrorCode::IllegalByteSequence,
            Errno::Interrupted => ErrorCode::Interrupted,
            Errno::Invalid => ErrorCode::Invalid,
            Errno::Io => ErrorCode::Io,
            Errno::IsDirectory => ErrorCode::IsDirectory,
            Errno::Loop => ErrorCode::Loop,
            Errno::NameTooLong => ErrorCode::NameTooLong,
            Errno::NoEntry => ErrorCode::NoEntry,
            Errno::NoMemory => ErrorCode::InsufficientMemory,
            Errno::NoSpace => ErrorCode::InsufficientSpace,
            Errno::NotDirectory => ErrorCode::NotDirectory,
            Errno::NotEmpty => ErrorCode::NotEmpty,
            Errno::NotPermitted => ErrorCode::NotPermitted,
            Errno::NotSupported => ErrorCode::Unsupported,
            // The interface has no EMFILE; of what it has, a limit reached says it best.
            Errno::Quota | Errno::TooManyDescriptors => ErrorCode::Quota,
            Errno::ReadOnly => ErrorCode::ReadOnly,
            Errno::SeekPipe => ErrorCode::InvalidSeek,
            Errno::TextBusy => ErrorCode::TextFileBusy,
            Errno::TooManyLinks => ErrorCode::TooManyLinks,
        }
    }
}

impl From<Errno> for FsError {
    fn from(errno: Errno) -> FsError {
        ErrorCode::from(errno).into()
    }
}

/// A handle that is not in the table is a defect of the guest's bindings, not an error it could handle.
pub(super) fn no_such_handle(error: ResourceTableError) -> FsError {
    FsError::trap(error)
}

impl From<Kind> for DescriptorType {
    fn from(kind: Kind) -> DescriptorType {
        match kind {
            Kind::File => DescriptorType::RegularFile,
            Kind::Directory => DescriptorType::Directory,
            Kind::Symlink => DescriptorType::SymbolicLink,
            Kind::CharacterDevice => DescriptorType::CharacterDevice,
            Kind::Pipe => DescriptorType::Fifo,
            Kind::Other => DescriptorType::Unknown,
        }
    }
}

impl From<Stat> for DescriptorStat {
    fn from(stat: Stat) -> DescriptorStat {
        DescriptorStat {
            type_: stat.kind.into(),
            link_count: stat.links,
            size: stat.size,
            data_access_timestamp: Some(datetime(stat.accessed)),
            data_modification_timestamp: Some(datetime(stat.modified)),
            status_change_timestamp: Some(datetime(stat.changed)),
        }
    }
}

fn datetime(moment: Timestamp) -> Datetime {
    Datetime {
        seconds: moment.seconds,
        nanoseconds: moment.nanoseconds,
    }
}

impl From<NewTimestamp> for NewTime {
    fn from(time: NewTimestamp) -> NewTime {
        match time {
            NewTimestamp::NoChange => NewTime::Keep,
            NewTimestamp::Now => NewTime::Now,
            NewTimestamp::Timestamp(Datetime {
                seconds,
                nanoseconds,
            }) => NewTime::At(Timestamp {
                seconds,
                nanoseconds,
            }),
        }
    }
}

impl From<PathFlags> for Follow {
    fn from(flags: PathFlags) -> Follow {
        if flags.contains(PathFlags::SYMLINK_FOLLOW) {
            Follow::Yes
        } else {
            Follow::No
        }
    }
}
