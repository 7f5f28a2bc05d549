//! What guests may ask about processes, descriptors and modes: `wit/process/process.wit`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wasmtime::component::Resource;

use super::bindings::glovebox::process::files::{self, FilesystemUsage};
use super::bindings::glovebox::process::process::{
    self, HostChild, HostEndpoint, HostTail, ProcessInfo, SpawnOptions,
};
use super::bindings::glovebox::process::types::{
    self, EndpointKind, Errno, OpenFlags, Status, Whence,
};
use super::buffer::{Buffer, TailBuffer};
use super::endpoint::{Description, Endpoint, Tail};
use super::file::FileDescription;
use super::run::{BrokenPipe, Exit};
use super::spawn;
use super::table::{Child, Process};
use crate::fs::OpenHow;
use crate::grant::Access;
use crate::report::ExitStatus;
use crate::state::State;

impl From<ExitStatus> for Status {
    fn from(status: ExitStatus) -> Status {
        match status {
            ExitStatus::Exited(code) => Status::Exited(code),
            ExitStatus::Signalled(signal) => Status::Signalled(signal),
        }
    }
}

/// The outer error ends the guest, the inner one it can handle.
type Answer<T> = wasmtime::Result<Result<T, Errno>>;

impl State {
    /// A handle for the guest, or `too-many-descriptors`.
    fn give<T: Send + 'static>(&mut self, resource: T) -> Result<Resource<T>, Errno> {
        self.table
            .push(resource)
            .map_err(|_| Errno::TooManyDescriptors)
    }

    /// Whether a process is this one's business: one of its own call, if it may not start just any program.
    fn sees(&self, process: &Process) -> bool {
        let scope = &self.process.scope;
        scope.sees_all_processes() || process.scope.id == scope.id
    }

    fn endpoint(&self, handle: &Resource<Endpoint>) -> wasmtime::Result<Endpoint> {
        Ok(self.table.get(handle)?.clone())
    }
}

impl types::Host for State {}

impl HostEndpoint for State {
    fn clone(&mut self, this: Resource<Endpoint>) -> wasmtime::Result<Resource<Endpoint>> {
        let endpoint = self.endpoint(&this)?;
        Ok(self.table.push(endpoint)?)
    }

    async fn read(&mut self, this: Resource<Endpoint>, max: u32) -> Answer<Vec<u8>> {
        Ok(self.endpoint(&this)?.read(max as usize).await)
    }

    async fn write(&mut self, this: Resource<Endpoint>, bytes: Vec<u8>) -> Answer<()> {
        match self.endpoint(&this)?.write(&bytes).await {
            Err(Errno::BrokenPipe) if self.process.sigpipe_kills => {
                Err(wasmtime::Error::new(BrokenPipe))
            }
            result => Ok(result),
        }
    }

    fn seek(&mut self, this: Resource<Endpoint>, offset: i64, whence: Whence) -> Answer<u64> {
        Ok(self.endpoint(&this)?.seek(offset, whence))
    }

    fn kind(&mut self, this: Resource<Endpoint>) -> wasmtime::Result<EndpointKind> {
        Ok(self.endpoint(&this)?.kind())
    }

    async fn readable(
        &mut self,
        this: Resource<Endpoint>,
        timeout_ms: u64,
    ) -> wasmtime::Result<bool> {
        let endpoint = self.endpoint(&this)?;
        let waited =
            tokio::time::timeout(Duration::from_millis(timeout_ms), endpoint.readable()).await;
        Ok(waited.is_ok())
    }

    fn drop(&mut self, this: Resource<Endpoint>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl HostChild for State {
    fn pid(&mut self, this: Resource<Child>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&this)?.0.pid)
    }

    async fn wait(&mut self, this: Resource<Child>) -> wasmtime::Result<Status> {
        let process = Arc::clone(&self.table.get(&this)?.0);
        Ok(process.wait().await.into())
    }

    fn try_wait(&mut self, this: Resource<Child>) -> wasmtime::Result<Option<Status>> {
        Ok(self.table.get(&this)?.0.status().map(Status::from))
    }

    fn drop(&mut self, this: Resource<Child>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl HostTail for State {
    fn new(&mut self, limit: u64) -> wasmtime::Result<Resource<Tail>> {
        let tail = Arc::new(TailBuffer::new(limit, &self.process.account));
        Ok(self.table.push(Tail(tail))?)
    }

    fn writer(&mut self, this: Resource<Tail>) -> wasmtime::Result<Resource<Endpoint>> {
        let tail = Arc::clone(&self.table.get(&this)?.0);
        Ok(self.table.push(Endpoint::from(Description::Tail(tail)))?)
    }

    fn take(&mut self, this: Resource<Tail>) -> wasmtime::Result<(Vec<u8>, bool)> {
        Ok(self.table.get(&this)?.0.take())
    }

    fn drop(&mut self, this: Resource<Tail>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl process::Host for State {
    fn pipe(&mut self) -> Answer<(Resource<Endpoint>, Resource<Endpoint>)> {
        let ends = Endpoint::pipe(&self.process.account);
        Ok(ends.and_then(|(reader, writer)| Ok((self.give(reader)?, self.give(writer)?))))
    }

    fn buffer(&mut self, limit: u64) -> Answer<Resource<Endpoint>> {
        let buffer = Buffer::new(limit, &self.process.account);
        Ok(self.give(Description::Buffer(buffer).into()))
    }

    fn descriptor(&mut self, fd: u32) -> wasmtime::Result<Option<Resource<Endpoint>>> {
        match self.descriptors.get(&fd).cloned() {
            Some(endpoint) => Ok(Some(self.table.push(endpoint)?)),
            None => Ok(None),
        }
    }

    fn descriptors(&mut self) -> wasmtime::Result<Vec<u32>> {
        Ok(self.descriptors.keys().copied().collect())
    }

    fn open(&mut self, path: String, how: OpenFlags, mode: u32) -> Answer<Resource<Endpoint>> {
        let has = |flag| how.contains(flag);
        let how = OpenHow {
            read: has(OpenFlags::READ),
            write: has(OpenFlags::WRITE) || has(OpenFlags::APPEND),
            append: has(OpenFlags::APPEND),
            create: has(OpenFlags::CREATE),
            exclusive: has(OpenFlags::EXCLUSIVE),
            truncate: has(OpenFlags::TRUNCATE),
            directory: has(OpenFlags::DIRECTORY),
            follow: true,
            mode: mode & 0o777 & !self.fs.umask(),
        };
        if !how.read && !how.write {
            return Ok(Err(Errno::Invalid));
        }
        if let Some(endpoint) = own_descriptor(&path).and_then(|fd| self.descriptors.get(&fd)) {
            return Ok(reopen(endpoint, &how).and_then(|endpoint| self.give(endpoint)));
        }
        let opened = self.process.scope.mounts.open(&path, how);
        Ok(opened
            .map_err(Errno::from)
            .and_then(|file| self.give(Description::File(FileDescription::new(file)).into())))
    }

    async fn spawn(&mut self, options: SpawnOptions) -> Answer<Resource<Child>> {
        let mut descriptors = std::collections::BTreeMap::new();
        for (fd, handle) in &options.descriptors {
            descriptors.insert(*fd, self.endpoint(handle)?);
        }
        let spawned = spawn::spawn(self, options, descriptors).await;
        Ok(spawned.and_then(|process| self.give(Child(process))))
    }

    fn which(&mut self, program: String) -> wasmtime::Result<Option<String>> {
        Ok(spawn::name_on_path(&program)
            .filter(|name| self.sandbox.programs.contains(name))
            .filter(|name| self.process.scope.programs.contains(name))
            .map(|name| format!("/usr/bin/{name}")))
    }

    fn programs(&mut self) -> wasmtime::Result<Vec<String>> {
        let granted = &self.process.scope.programs;
        let names = self.sandbox.programs.names();
        Ok(names
            .filter(|name| granted.contains(name))
            .map(str::to_owned)
            .collect())
    }

    fn processes(&mut self) -> wasmtime::Result<Vec<ProcessInfo>> {
        Ok(self
            .sandbox
            .table
            .live()
            .iter()
            .filter(|process| self.sees(process))
            .map(|process| info(process))
            .collect())
    }

    fn kill(&mut self, pid: u32, signal: u8) -> Answer<()> {
        let process = self.sandbox.table.get(pid);
        let Some(process) = process.filter(|process| self.sees(process)) else {
            return Ok(Err(Errno::NoSuchProcess));
        };
        match signal {
            0 => {}
            1 | 2 | 3 | 9 | 13 | 15 => process.kill(signal),
            _ => return Ok(Err(Errno::Invalid)),
        }
        Ok(Ok(()))
    }

    async fn wait_for(&mut self, pid: u32) -> wasmtime::Result<Option<Status>> {
        let status = match self.sandbox.table.get(pid) {
            Some(process) if self.sees(&process) => Some(process.wait().await),
            Some(_) => None,
            None => {
                let scope = &self.process.scope;
                let own = |id| scope.sees_all_processes() || id == scope.id;
                self.sandbox.table.remembered(pid, own)
            }
        };
        Ok(status.map(Status::from))
    }

    fn id(&mut self) -> wasmtime::Result<(u32, u32)> {
        Ok((
            self.process.pid,
            self.process.parent.load(Ordering::Relaxed),
        ))
    }

    fn exit(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Exit(code)))
    }
}

fn info(process: &Process) -> ProcessInfo {
    ProcessInfo {
        pid: process.pid,
        parent: process.parent.load(Ordering::Relaxed),
        arguments: process.arguments.clone(),
        started_ms_ago: u64::try_from(process.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        background: process.background,
    }
}

impl files::Host for State {
    fn mode(&mut self, path: String, follow: bool) -> Answer<u32> {
        let mounts = &self.process.scope.mounts;
        let stat = if follow {
            mounts.stat(&path)
        } else {
            mounts.stat_link(&path)
        };
        Ok(stat.map(|stat| stat.mode).map_err(Errno::from))
    }

    fn set_mode(&mut self, path: String, mode: u32) -> Answer<()> {
        Ok(self
            .process
            .scope
            .mounts
            .set_mode(&path, mode & 0o7777)
            .map_err(Errno::from))
    }

    fn umask(&mut self) -> wasmtime::Result<u32> {
        Ok(self.fs.umask())
    }

    fn set_umask(&mut self, mask: u32) -> wasmtime::Result<()> {
        self.fs.set_umask(mask);
        Ok(())
    }

    fn mounts(&mut self) -> wasmtime::Result<Vec<FilesystemUsage>> {
        let ledger = self.process.scope.mounts.ledger();
        let (limits, usage) = (ledger.limits(), ledger.usage());
        let describe = |mount: &Arc<crate::fs::MountInfo>| {
            let writable = mount.access == Access::ReadWrite;
            // The account is the sandbox's: all writable mounts share what is left.
            let shared = |value| if writable { value } else { 0 };
            FilesystemUsage {
                mount: mount.at.clone(),
                kind: mount.kind.to_owned(),
                bytes_total: shared(limits.disk_bytes_max),
                bytes_used: shared(usage.bytes),
                files_total: shared(limits.files_max),
                files_used: shared(usage.files),
                writable,
            }
        };
        Ok(self
            .process
            .scope
            .mounts
            .mounts()
            .iter()
            .map(describe)
            .collect())
    }
}

/// The descriptor of the asking process that a path names: `/dev/stdin`, `/dev/fd/3`. The tree of files has them too,
/// for programs; but only here can the description itself be handed on.
fn own_descriptor(path: &str) -> Option<u32> {
    match path {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        _ => path
            .strip_prefix("/dev/fd/")
            .or_else(|| path.strip_prefix("/proc/self/fd/"))?
            .parse()
            .ok(),
    }
}

/// Opens a descriptor again, as Linux does: a file gets an offset of its own, anything else is shared.
fn reopen(endpoint: &Endpoint, how: &OpenHow) -> Result<Endpoint, Errno> {
    let Description::File(file) = endpoint.description() else {
        return Ok(endpoint.clone());
    };
    let file = file.open_file();
    if how.truncate {
        file.truncate(0)?;
    }
    Ok(Description::File(FileDescription::new(file)).into())
}
