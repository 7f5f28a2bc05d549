//! The kernel on an ordinary Unix: for development and for the tests, which run many times faster than in the sandbox.
//! A fresh shell instance is this same binary.

use std::any::Any;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use command_fds::{CommandFdExt as _, FdMapping};

use super::{
    Child, Description, Endpoint, Errno, FileInfo, FileType, Kernel, Kind, OpenHow, Spawn, Status,
};

pub struct Native;

struct Open {
    file: File,
    is_buffer: bool,
    read_at: RefCell<u64>,
}

impl Open {
    fn endpoint(fd: OwnedFd) -> Endpoint {
        Rc::new(Self {
            file: File::from(fd),
            is_buffer: false,
            read_at: RefCell::new(0),
        })
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from(error)
}

impl Description for Open {
    fn read(&self, max: u32) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; max.min(65536) as usize];
        let read = if self.is_buffer {
            use std::os::unix::fs::FileExt as _;
            let mut at = self.read_at.borrow_mut();
            let read = self
                .file
                .read_at(&mut bytes, *at)
                .map_err(|error| errno(&error))?;
            *at += read as u64;
            read
        } else {
            loop {
                match (&self.file).read(&mut bytes) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other.map_err(|error| errno(&error))?,
                }
            }
        };
        bytes.truncate(read);
        Ok(bytes)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        (&self.file).write_all(bytes).map_err(|error| errno(&error))
    }

    fn seek_by(&self, delta: i64) -> Result<u64, Errno> {
        if self.is_buffer {
            let mut at = self.read_at.borrow_mut();
            *at = at.saturating_add_signed(delta);
            return Ok(*at);
        }
        (&self.file)
            .seek(SeekFrom::Current(delta))
            .map_err(|_| Errno::SeekPipe)
    }

    fn kind(&self) -> Kind {
        if self.is_buffer {
            return Kind::Buffer;
        }
        let Ok(metadata) = self.file.metadata() else {
            return Kind::Other;
        };
        let file_type = metadata.file_type();
        if file_type.is_file() {
            Kind::File
        } else if file_type.is_dir() {
            Kind::Directory
        } else if file_type.is_fifo() {
            Kind::Pipe
        } else if std::io::IsTerminal::is_terminal(&self.file) {
            Kind::Terminal
        } else {
            Kind::Other
        }
    }

    fn readable(&self, timeout_ms: u64) -> bool {
        let mut polled = [rustix::event::PollFd::new(
            &self.file,
            rustix::event::PollFlags::IN,
        )];
        let timeout = rustix::event::Timespec {
            tv_sec: i64::try_from(timeout_ms / 1000).unwrap_or(i64::MAX),
            tv_nsec: (timeout_ms % 1000 * 1_000_000) as _,
        };
        rustix::event::poll(&mut polled, Some(&timeout)).is_ok_and(|ready| ready > 0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct NativeChild {
    child: std::process::Child,
    ended: Option<Status>,
}

fn status(status: std::process::ExitStatus) -> Status {
    match status.signal() {
        Some(signal) => Status::Signalled(signal as u8),
        None => Status::Exited(status.code().unwrap_or(255) as u8),
    }
}

impl Child for NativeChild {
    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait(&mut self) -> Status {
        if let Some(ended) = self.ended {
            return ended;
        }
        let ended = self.child.wait().map_or(Status::Exited(127), status);
        self.ended = Some(ended);
        ended
    }

    fn try_wait(&mut self) -> Option<Status> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten().map(status);
        }
        self.ended
    }
}

impl Kernel for Native {
    fn pipe(&self) -> Result<(Endpoint, Endpoint), Errno> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|_| Errno::TooManyDescriptors)?;
        Ok((Open::endpoint(reader), Open::endpoint(writer)))
    }

    fn buffer(&self) -> Result<Endpoint, Errno> {
        let fd = rustix::fs::memfd_create("buffer", rustix::fs::MemfdFlags::CLOEXEC)
            .map_err(|_| Errno::NoMemory)?;
        rustix::fs::fcntl_setfl(&fd, rustix::fs::OFlags::APPEND | rustix::fs::OFlags::RDWR)
            .map_err(|_| Errno::Io)?;
        Ok(Rc::new(Open {
            file: File::from(fd),
            is_buffer: true,
            read_at: RefCell::new(0),
        }))
    }

    fn descriptors(&self) -> Vec<(u32, Endpoint)> {
        let mut all = Vec::new();
        let standard = [
            std::io::stdin().as_fd().try_clone_to_owned(),
            std::io::stdout().as_fd().try_clone_to_owned(),
            std::io::stderr().as_fd().try_clone_to_owned(),
        ];
        for (number, fd) in standard.into_iter().enumerate() {
            if let Ok(fd) = fd {
                all.push((number as u32, Open::endpoint(fd)));
            }
        }
        // Others are reopened through /proc: for the pipes and memory files that shells pass on this is the same.
        let passed = std::env::var("GLOVEBOX_NATIVE_DESCRIPTORS").unwrap_or_default();
        for number in passed
            .split(',')
            .filter_map(|number| number.parse::<u32>().ok())
            .filter(|number| *number > 2)
        {
            // A pipe's end must stay that end: opened for both, it would keep itself from ending.
            let access = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}"))
                .ok()
                .and_then(|info| {
                    u32::from_str_radix(info.split("flags:").nth(1)?.split_whitespace().next()?, 8)
                        .ok()
                })
                .map_or(2, |flags| flags & 3);
            let path = format!("/proc/self/fd/{number}");
            let opened = File::options()
                .read(access != 1)
                .write(access != 0)
                .open(&path);
            if let Ok(file) = opened {
                all.push((number, Open::endpoint(OwnedFd::from(file))));
            }
        }
        all
    }

    fn open(&self, path: &str, how: OpenHow, mode: u32) -> Result<Endpoint, Errno> {
        let mut options = File::options();
        options
            .read(how.read)
            .write(how.write && !how.append)
            .append(how.append)
            .truncate(how.truncate && !how.append);
        options
            .create(how.create && !how.exclusive)
            .create_new(how.exclusive)
            .mode(mode);
        let file = options.open(path).map_err(|error| errno(&error))?;
        Ok(Open::endpoint(OwnedFd::from(file)))
    }

    fn spawn(&self, spawn: &Spawn<'_>) -> Result<Box<dyn Child>, Errno> {
        let own = spawn.program == "bash" || spawn.program == "sh";
        let program = if own {
            std::env::current_exe().map_err(|error| errno(&error))?
        } else {
            spawn.program.into()
        };
        let mut command = Command::new(program);
        command
            .arg0(spawn.arguments.first().map_or("", String::as_str))
            .args(spawn.arguments.iter().skip(1))
            .env_clear()
            .current_dir(spawn.directory);
        command.envs(spawn.environment.iter().map(|(name, value)| (name, value)));
        let mut mappings = Vec::new();
        let mut passed = Vec::new();
        for (number, endpoint) in spawn.descriptors {
            let Some(open) = endpoint.as_any().downcast_ref::<Open>() else {
                return Err(Errno::BadDescriptor);
            };
            if open.is_buffer {
                (&open.file)
                    .seek(SeekFrom::Start(*open.read_at.borrow()))
                    .map_err(|error| errno(&error))?;
            }
            let fd = open
                .file
                .as_fd()
                .try_clone_to_owned()
                .map_err(|error| errno(&error))?;
            mappings.push(FdMapping {
                parent_fd: fd,
                child_fd: *number as i32,
            });
            passed.push(number.to_string());
        }
        for number in 0..3 {
            if !spawn
                .descriptors
                .iter()
                .any(|(listed, _)| *listed == number)
            {
                let null = File::options()
                    .read(true)
                    .write(true)
                    .open("/dev/null")
                    .map_err(|error| errno(&error))?;
                mappings.push(FdMapping {
                    parent_fd: OwnedFd::from(null),
                    child_fd: number as i32,
                });
            }
        }
        if own {
            command.env("GLOVEBOX_NATIVE_DESCRIPTORS", passed.join(","));
        }
        command
            .fd_mappings(mappings)
            .map_err(|_| Errno::BadDescriptor)?;
        let child = command.spawn().map_err(|error| errno(&error))?;
        Ok(Box::new(NativeChild { child, ended: None }))
    }

    fn which(&self, _: &str) -> Option<String> {
        None
    }

    fn kill(&self, pid: u32, signal: u8) -> Result<(), Errno> {
        let Some(pid) = rustix::process::Pid::from_raw(pid as i32) else {
            return Err(Errno::NoSuchProcess);
        };
        let result = if signal == 0 {
            rustix::process::test_kill_process(pid)
        } else {
            match rustix::process::Signal::from_named_raw(i32::from(signal)) {
                Some(signal) => rustix::process::kill_process(pid, signal),
                None => return Err(Errno::Invalid),
            }
        };
        result.map_err(|error| {
            if error == rustix::io::Errno::PERM {
                Errno::NotPermitted
            } else {
                Errno::NoSuchProcess
            }
        })
    }

    fn wait_for(&self, _: u32) -> Option<Status> {
        None
    }

    fn id(&self) -> (u32, u32) {
        (std::process::id(), std::os::unix::process::parent_id())
    }

    fn mode(&self, path: &str) -> Result<u32, Errno> {
        std::fs::metadata(path)
            .map(|metadata| metadata.permissions().mode() & 0o7777)
            .map_err(|error| errno(&error))
    }

    fn umask(&self) -> u32 {
        let mask = rustix::process::umask(rustix::fs::Mode::empty());
        rustix::process::umask(mask);
        mask.as_raw_mode()
    }

    fn set_umask(&self, mask: u32) {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
    }

    fn stat(&self, path: &str, follow: bool) -> Result<FileInfo, Errno> {
        let metadata = if follow {
            std::fs::metadata(path)
        } else {
            std::fs::symlink_metadata(path)
        }
        .map_err(|error| errno(&error))?;
        let kind = metadata.file_type();
        let file_type = if kind.is_dir() {
            FileType::Directory
        } else if kind.is_symlink() {
            FileType::Symlink
        } else if kind.is_fifo() {
            FileType::Fifo
        } else if kind.is_socket() {
            FileType::Socket
        } else if kind.is_block_device() {
            FileType::BlockDevice
        } else if kind.is_char_device() {
            FileType::CharacterDevice
        } else {
            FileType::File
        };
        Ok(FileInfo {
            file_type,
            size: metadata.len(),
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            accessed_ns: i128::from(metadata.atime()) * 1_000_000_000
                + i128::from(metadata.atime_nsec()),
            identity: Some((metadata.dev(), metadata.ino())),
        })
    }

    fn read_directory(&self, path: &str) -> Result<Vec<String>, Errno> {
        use std::os::unix::ffi::OsStringExt as _;
        let entries = std::fs::read_dir(path).map_err(|error| errno(&error))?;
        Ok(entries
            .flatten()
            .map(|entry| crate::text::decode(entry.file_name().into_vec()))
            .collect())
    }

    fn read_link(&self, path: &str) -> Result<String, Errno> {
        std::fs::read_link(path)
            .map(|target| target.to_string_lossy().into_owned())
            .map_err(|error| errno(&error))
    }

    fn environment(&self) -> Vec<(String, String)> {
        use std::os::unix::ffi::OsStringExt as _;
        std::env::vars_os()
            .map(|(name, value)| {
                (
                    crate::text::decode(name.into_vec()),
                    crate::text::decode(value.into_vec()),
                )
            })
            .filter(|(name, _)| name != "GLOVEBOX_NATIVE_DESCRIPTORS")
            .collect()
    }

    fn now_ns(&self) -> u128 {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
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
