//! Components that guests made, and who compiles them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use glovebox_guests as guests;
use glovebox_runtime::{
    Access, CallOptions, CompileFound, Compiler, Engine, EngineOptions, Grant, Mount, MountSource,
    Outcome, Programs, Sandbox,
};
use serde_json::json;

use crate::kernel::{cache_dir, text};

/// A program that nobody has compiled before: it ends well and does nothing else.
fn unheard_of() -> Vec<u8> {
    let mut wasm = wat::parse_str(
        r#"(component
            (core module $code (func (export "run") (result i32) (i32.const 0)))
            (core instance $made (instantiate $code))
            (func $run (result (result)) (canon lift (core func $made "run")))
            (instance $command (export "run" (func $run)))
            (export "wasi:cli/run@0.2.0" (instance $command)))"#,
    )
    .unwrap();
    let number: [u8; 16] = rand::random();
    wasm.extend_from_slice(&[0, 21, 4, b'm', b'i', b'n', b'e']);
    wasm.extend_from_slice(&number);
    wasm
}

/// A sandbox of an engine of its own, with `mine` and `other` in its workspace, which are the same.
struct World {
    sandbox: Sandbox,
    bash: glovebox_runtime::Component,
    _workspace: tempfile::TempDir,
    wasm: Vec<u8>,
}

impl World {
    fn new(compile_found: CompileFound) -> World {
        let engine = Engine::new(EngineOptions {
            cache_dir: cache_dir(),
            processes_max: 20,
            compile_found: Some(compile_found),
            ..EngineOptions::default()
        })
        .unwrap();
        let load = |kind, name| {
            let guest = guests::find(kind, name).unwrap();
            engine.load(name, &guest.wasm()).unwrap()
        };
        let mut programs = Programs::default();
        programs.insert("cp", load(guests::Kind::Program, "coreutils"));
        let bash = load(guests::Kind::Tool, "bash");
        let workspace = tempfile::tempdir().unwrap();
        let wasm = unheard_of();
        for name in ["mine", "other"] {
            let path = workspace.path().join(name);
            std::fs::write(&path, &wasm).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let grant = Grant {
            mounts: vec![Mount {
                at: "/workspace".to_owned(),
                source: MountSource::HostDirectory(workspace.path().to_owned()),
                access: Access::ReadWrite,
            }],
            ..Grant::default()
        };
        World {
            sandbox: Sandbox::new(&engine, grant, Arc::new(programs)).unwrap(),
            bash,
            _workspace: workspace,
            wasm,
        }
    }

    async fn bash(&self, command: &str) -> Outcome {
        let input = json!({ "command": command }).to_string();
        let call = self
            .sandbox
            .call(&self.bash, &input, CallOptions::default());
        call.await.outcome
    }

    /// Compiled code of `mine` on disk.
    fn left(&self) -> Vec<PathBuf> {
        let digest = blake3::hash(&self.wasm).to_hex();
        let cache = cache_dir().unwrap();
        [cache.join("found"), cache]
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains(&digest[..]))
            .collect()
    }
}

/// As a process of its own would do it.
fn compile(wasm: &[u8], cache: &Path) {
    let compiler = Compiler::new(&EngineOptions {
        cache_dir: Some(cache.to_owned()),
        ..EngineOptions::default()
    });
    compiler.unwrap().compile(wasm).unwrap();
}

#[tokio::test]
async fn a_component_in_a_file_is_compiled_once_and_leaves_no_code_on_disk() {
    let compiled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&compiled);
    let world = World::new(Arc::new(move |wasm, cache: PathBuf| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            compile(&wasm, &cache);
            Ok(())
        }
        .boxed()
    }));
    let told = world
        .bash("./mine; echo $?; ./other; echo $?; ./mine & ./mine; wait; echo $?")
        .await;
    assert_eq!(text(told), "0\n0\n0");
    assert_eq!(compiled.load(Ordering::SeqCst), 1);
    assert_eq!(world.left(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_cannot_be_compiled_is_not_executable() {
    let world = World::new(Arc::new(|_, _| {
        async { Err("it would take for ever".into()) }.boxed()
    }));
    let told = world
        .bash("./mine 2>/dev/null; echo $?; cp mine copy; echo $?")
        .await;
    assert_eq!(text(told), "126\n0");
    assert_eq!(world.left(), Vec::<PathBuf>::new());
    // Nor does a compiler that says it is done and left nothing.
    let world = World::new(Arc::new(|_, _| async { Ok(()) }.boxed()));
    assert_eq!(text(world.bash("./mine 2>/dev/null; echo $?").await), "126");
}

#[tokio::test]
async fn who_stops_waiting_stops_the_compiler() {
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let world = World::new(Arc::new(move |_, _| {
        let running = Arc::new(());
        started.send(Arc::downgrade(&running)).unwrap();
        async move {
            let _running = running;
            std::future::pending().await
        }
        .boxed()
    }));
    let call = world.bash("./mine");
    let running = tokio::select! {
        running = starts.recv() => running.unwrap(),
        told = call => panic!("{told:?}"),
    };
    // The call was dropped.
    while running.upgrade().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
