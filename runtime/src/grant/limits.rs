//! How much a call may use.

use std::time::Duration;

/// How much one call, and the processes it starts, may use. `disk_bytes_max` and `files_max` are for the whole sandbox.
///
/// Each exceeded limit ends the call with [`crate::Outcome::Limit`], except where POSIX has an error that a program can
/// handle (a full disk, too many open files): then the program gets that error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of all live processes together. Default 1 GiB: CPython with a data set fits.
    pub memory_bytes_max: u64,
    /// Time on a processor, all processes together. Default 60 s.
    pub cpu_time_max: Duration,
    /// Time from the start of the call to its end. Default 120 s: the timeout of the bash tool.
    pub wall_time_max: Duration,
    /// Bytes of an answer, and of what is captured in host memory on the way to it. Default 16 MiB.
    pub output_bytes_max: u64,
    /// Live processes. Default 64: more than a pipeline or a build of an ordinary project needs.
    pub processes_max: u32,
    /// Host-side handles of one process (descriptors, streams, pollables). Default 1,024, as Linux.
    pub descriptors_max: u32,
    /// Bytes in all writable mounts. Default 1 GiB.
    pub disk_bytes_max: u64,
    /// Files and directories in all writable mounts. Default 200,000.
    pub files_max: u64,
    /// Bytes of one file. Default 512 MiB.
    pub file_bytes_max: u64,
    /// Bytes of the body of one HTTP response. Default 64 MiB.
    pub http_body_bytes_max: u64,
    /// Time of one HTTP request, from connecting to the last byte. Default 60 s.
    pub http_time_max: Duration,
    /// HTTP requests in flight. Default 16.
    pub http_requests_max: u32,
}

/// Which limit ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// `memory_bytes_max`.
    Memory,
    /// `cpu_time_max`.
    CpuTime,
    /// `wall_time_max`, or the tool's own deadline.
    WallTime,
    /// `output_bytes_max`.
    Output,
    /// `processes_max`: the call kept asking for more after being refused.
    Processes,
    /// `descriptors_max`.
    Descriptors,
    /// `disk_bytes_max` or `files_max`.
    Disk,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Limits {
            memory_bytes_max: 1024 * MIB,
            cpu_time_max: Duration::from_secs(60),
            wall_time_max: Duration::from_secs(120),
            output_bytes_max: 16 * MIB,
            processes_max: 64,
            descriptors_max: 1024,
            disk_bytes_max: 1024 * MIB,
            files_max: 200_000,
            file_bytes_max: 512 * MIB,
            http_body_bytes_max: 64 * MIB,
            http_time_max: Duration::from_secs(60),
            http_requests_max: 16,
        }
    }
}

impl Limits {
    /// The smaller of each.
    pub fn narrow(&self, by: &Limits) -> Limits {
        Limits {
            memory_bytes_max: self.memory_bytes_max.min(by.memory_bytes_max),
            cpu_time_max: self.cpu_time_max.min(by.cpu_time_max),
            wall_time_max: self.wall_time_max.min(by.wall_time_max),
            output_bytes_max: self.output_bytes_max.min(by.output_bytes_max),
            processes_max: self.processes_max.min(by.processes_max),
            descriptors_max: self.descriptors_max.min(by.descriptors_max),
            disk_bytes_max: self.disk_bytes_max.min(by.disk_bytes_max),
            files_max: self.files_max.min(by.files_max),
            file_bytes_max: self.file_bytes_max.min(by.file_bytes_max),
            http_body_bytes_max: self.http_body_bytes_max.min(by.http_body_bytes_max),
            http_time_max: self.http_time_max.min(by.http_time_max),
            http_requests_max: self.http_requests_max.min(by.http_requests_max),
        }
    }
}
