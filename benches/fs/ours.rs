//! The workload in a sandbox of ours.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_runtime::{
    Access, Engine, EngineOptions, ExitStatus, Files, Grant, Input, Limits, Mount, MountSource,
    Output, ProgramRun, Programs, Sandbox,
};
use glovebox_tree::{FolderBlobs, Store, StoreOptions};

use crate::{Steps, steps};

/// As a server has it: blobs in a folder, a pack beside them, 256 MiB of memory.
pub(crate) fn store(folder: &Path) -> Arc<Store> {
    let below = |name: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).unwrap();
        Dir::open_ambient_dir(path, ambient_authority()).unwrap()
    };
    let blobs = Arc::new(FolderBlobs::open(below("blobs")).unwrap());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().into();
    Store::open(StoreOptions {
        pack: Some(below("pack")),
        ..StoreOptions::new(blobs, Arc::new(now))
    })
    .unwrap()
}

pub(crate) fn on_a_tree(folder: &Path, large: usize) -> Steps {
    work(Files::new(&store(folder)).unwrap().mounts(), large)
}

pub(crate) fn on_a_directory(folder: &Path, large: usize) -> Steps {
    let mount = Mount {
        at: "/workspace".to_owned(),
        source: MountSource::HostDirectory(folder.to_owned()),
        access: Access::ReadWrite,
    };
    work(vec![mount], large)
}

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn work(mounts: Vec<Mount>, large: usize) -> Steps {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let guest = glovebox_guests::find(glovebox_guests::Kind::Probe, "workload").unwrap();
    let mut programs = Programs::default();
    programs.insert("workload", engine.load("workload", &guest.wasm()).unwrap());
    let sandbox = sandbox(&engine, mounts, Arc::new(programs));
    let arguments = ["workload", "/workspace", &large.to_string()];
    steps(&run(&sandbox, &arguments))
}

pub(crate) fn sandbox(engine: &Engine, mounts: Vec<Mount>, programs: Arc<Programs>) -> Sandbox {
    // The quota of production is counted all the same; only the bench needs as much as this.
    let hour = Duration::from_secs(3600);
    let limits = Limits {
        disk_bytes_max: 64 << 30,
        file_bytes_max: 32 << 30,
        files_max: 1_000_000,
        cpu_time_max: hour,
        wall_time_max: hour,
        ..Limits::default()
    };
    let grant = Grant {
        mounts,
        limits,
        ..Grant::default()
    };
    Sandbox::new(engine, grant, programs).unwrap()
}

/// What a program printed.
pub(crate) fn run(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let printed = Printed::default();
    let ran = sandbox.run(ProgramRun {
        program: arguments[0].to_owned(),
        arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
        environment: Default::default(),
        cwd: "/workspace".to_owned(),
        stdin: Input::Bytes(Default::default()),
        stdout: Output::Writer(Box::new(printed.clone())),
        stderr: Output::Writer(Box::new(std::io::stderr())),
        limits: None,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let status = runtime.block_on(ran).unwrap();
    assert!(matches!(status, ExitStatus::Exited(0)), "{status:?}");
    let printed = printed.0.lock().unwrap();
    String::from_utf8(printed.clone()).unwrap()
}
