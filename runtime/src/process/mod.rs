//! Processes: component instances with descriptors, a parent and an end.
//!
//! The table of a sandbox knows who lives; a task per process runs its instance ([`run`]); descriptors and pipes are the host's ([`endpoint`]), so that they can be handed
//! to children. What guests may ask is `wit/process/process.wit`, answered in [`host`].

pub(crate) mod bindings;
mod buffer;
pub(crate) mod endpoint;
mod file;
mod host;
pub(crate) mod host_stream;
pub(crate) mod own;
mod pipe;
pub(crate) mod run;
pub(crate) mod spawn;
pub(crate) mod stream;
pub(crate) mod table;

pub(crate) use bindings::glovebox::process::types::Errno;
pub(crate) use buffer::TailBuffer;
pub(crate) use endpoint::{Description, Endpoint};

impl From<crate::fs::Errno> for Errno {
    fn from(error: crate::fs::Errno) -> Errno {
        use crate::fs::Errno as File;
        match error {
            File::Access => Errno::Access,
            File::Again | File::Busy => Errno::Again,
            File::BadDescriptor => Errno::BadDescriptor,
            File::BrokenPipe => Errno::BrokenPipe,
            File::CrossDevice => Errno::CrossDevice,
            File::Exist => Errno::Exist,
            File::FileTooLarge => Errno::FileTooLarge,
            File::IllegalByteSequence | File::Invalid => Errno::Invalid,
            File::Interrupted => Errno::Interrupted,
            File::IsDirectory => Errno::IsDirectory,
            File::Loop => Errno::Loop,
            File::NameTooLong => Errno::NameTooLong,
            File::NoEntry => Errno::NoEntry,
            File::NoMemory => Errno::NoMemory,
            File::NoSpace => Errno::NoSpace,
            File::NotDirectory => Errno::NotDirectory,
            File::NotEmpty => Errno::NotEmpty,
            File::NotPermitted => Errno::NotPermitted,
            File::NotSupported => Errno::NotSupported,
            File::Quota => Errno::Quota,
            File::ReadOnly => Errno::ReadOnly,
            File::SeekPipe => Errno::SeekPipe,
            File::TextBusy => Errno::TextBusy,
            File::TooManyDescriptors => Errno::TooManyDescriptors,
            File::Io | File::TooManyLinks => Errno::Io,
        }
    }
}
