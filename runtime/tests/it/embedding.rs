//! For programs that embed the runtime: functions of their own that components import, and code that was compiled before.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glovebox_runtime::wasmtime::component::{HasSelf, bindgen};
use glovebox_runtime::{
    Compiler, Component, Engine, EngineOptions, ExitStatus, Grant, Input, LoadError, Output,
    Process, ProgramRun, Programs, Sandbox,
};

bindgen!({
    inline: "
        package example:queue@1.0.0;
        interface tickets { next: func() -> u32; }
        world offered { import tickets; }",
    world: "example:queue/offered",
    wasmtime_crate: glovebox_runtime::wasmtime,
});

/// What the embedder keeps for one sandbox.
struct Queue(AtomicU32);

impl example::queue::tickets::Host for Process {
    fn next(&mut self) -> u32 {
        self.host::<Queue>()
            .map_or(0, |queue| queue.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Succeeds when the next ticket is the seventh.
const SEVENTH: &str = r#"(component
  (import "example:queue/tickets@1.0.0" (instance $tickets (export "next" (func (result u32)))))
  (core func $next (canon lower (func $tickets "next")))
  (core module $m
    (import "tickets" "next" (func $next (result i32)))
    (func (export "run") (result i32) call $next i32.const 7 i32.ne))
  (core instance $i (instantiate $m (with "tickets" (instance (export "next" (func $next))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;

fn options() -> EngineOptions {
    EngineOptions {
        processes_max: 4,
        imports: vec![Arc::new(|linker| {
            Offered::add_to_linker::<_, HasSelf<_>>(linker, |process| process)
        })],
        ..EngineOptions::default()
    }
}

async fn run(sandbox: &Sandbox) -> ExitStatus {
    let run = ProgramRun {
        program: "seventh".to_owned(),
        arguments: vec!["seventh".to_owned()],
        environment: Default::default(),
        cwd: "/".to_owned(),
        stdin: Input::Bytes(Default::default()),
        stdout: Output::Writer(Box::new(std::io::sink())),
        stderr: Output::Writer(Box::new(std::io::sink())),
        limits: None,
    };
    sandbox.run(run).await.unwrap()
}

fn sandbox(engine: &Engine, component: Component, queue: Option<u32>) -> Sandbox {
    let mut programs = Programs::default();
    programs.insert("seventh", component);
    let grant = Grant {
        host: queue.map(|next| Arc::new(Queue(next.into())) as _),
        ..Grant::default()
    };
    Sandbox::new(engine, grant, Arc::new(programs)).unwrap()
}

#[tokio::test]
async fn a_component_calls_a_function_of_the_embedder_as_its_grant_allows() {
    let engine = Engine::new(options()).unwrap();
    let wasm = wat::parse_str(SEVENTH).unwrap();
    let component = engine.load("seventh", &wasm).unwrap();
    assert!(component.compiled_bytes() > 1000);
    // Two sandboxes of one engine, each with a queue of its own, and one without.
    let (six, seven) = (
        sandbox(&engine, component.clone(), Some(6)),
        sandbox(&engine, component.clone(), Some(7)),
    );
    let none = sandbox(&engine, component, None);
    let ended = |code| ExitStatus::Exited(code);
    assert_eq!(run(&six).await, ended(1));
    assert_eq!(run(&seven).await, ended(0));
    assert_eq!(run(&none).await, ended(1));
    assert_eq!(run(&six).await, ended(0));
    assert_eq!(run(&seven).await, ended(1));
}

#[test]
fn an_engine_that_does_not_offer_it_says_so() {
    let engine = Engine::new(EngineOptions {
        imports: Vec::new(),
        ..options()
    })
    .unwrap();
    let wasm = wat::parse_str(SEVENTH).unwrap();
    let Err(LoadError::Imports { missing, .. }) = engine.load("seventh", &wasm) else {
        panic!("loaded")
    };
    assert_eq!(missing, ["example:queue/tickets@1.0.0"]);
}

#[expect(
    unsafe_code,
    reason = "the tests write the files themselves, into folders of their own"
)]
fn load_precompiled(engine: &Engine, path: &Path) -> Result<Component, LoadError> {
    // SAFETY: what is no compiled code is refused; what is was written by the test a moment ago.
    unsafe { engine.load_precompiled("seventh", path) }
}

#[tokio::test]
async fn compiled_code_is_loaded_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seventh.cwasm");
    let wasm = wat::parse_str(SEVENTH).unwrap();
    let code = Compiler::new(&options())
        .unwrap()
        .compile_to_bytes(&wasm)
        .unwrap();
    std::fs::write(&path, &code).unwrap();
    let engine = Engine::new(EngineOptions {
        on_compile: Some(Arc::new(|_| panic!("compiled again"))),
        ..options()
    })
    .unwrap();
    let component = load_precompiled(&engine, &path).unwrap();
    assert_eq!(component.digest(), *blake3::hash(&code).as_bytes());
    assert_eq!(
        run(&sandbox(&engine, component, Some(7))).await,
        ExitStatus::Exited(0)
    );
}

#[test]
fn what_is_no_code_of_this_engine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new(options()).unwrap();
    let wasm = wat::parse_str(SEVENTH).unwrap();
    let other = EngineOptions {
        memory_bytes_max: 1 << 20,
        ..options()
    };
    let other = Compiler::new(&other)
        .unwrap()
        .compile_to_bytes(&wasm)
        .unwrap();
    for (name, bytes) in [
        ("wasm", &wasm),
        ("other options", &other),
        ("empty", &Vec::new()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let loaded = load_precompiled(&engine, &path);
        assert!(matches!(loaded, Err(LoadError::Invalid { .. })), "{name}");
    }
    let loaded = load_precompiled(&engine, &folder.path().join("nothing"));
    assert!(matches!(loaded, Err(LoadError::Invalid { .. })));
}
