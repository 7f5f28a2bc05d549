//! What does one tool call cost, beside starting the native command?
//!
//! Each built-in tool through `Sandbox::call`, from JSON in to content out, in a fresh instance, with the limits and the
//! ledger of production; beside it the native command by fork and exec with its output read, in the same run. The floor is
//! wasmtime alone: the least component there can be, nothing granted, one call. Set-up (files, compiled code) is outside the loop.
//!
//! A custom tool goes the way of a pushed one: compiled by the program's own child process, found by its digest. It is
//! measured beside the same component as a built-in tool. The least tool that can be pushed is measured beside wasmtime alone
//! with the same component and call.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot set up has nothing to say"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use glovebox::tools::BuiltIn;
use glovebox::tools::compile::{Limits, compile_in_child};
use glovebox_guests::{Guest, Kind};
use glovebox_runtime::{
    Access, CallOptions, Component, Engine, EngineOptions, Grant, Mount, MountSource, Outcome,
    Sandbox,
};
use wasmtime::component::{Linker, ResourceTable, Val};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

mod least_tool;

fn cache_dir() -> std::path::PathBuf {
    glovebox::server::config::Config::default()
        .cache_directory()
        .unwrap()
}

/// The eight tools over one workspace, as a session has them.
struct Hands {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    tools: BTreeMap<String, Component>,
}

impl Hands {
    fn new(workspace: &Path) -> Hands {
        let engine = Engine::new(EngineOptions {
            cache_dir: Some(cache_dir()),
            ..EngineOptions::default()
        })
        .unwrap();
        let BuiltIn {
            tools,
            programs,
            usr,
        } = BuiltIn::load(&engine).unwrap();
        let grant = Grant {
            mounts: vec![
                Mount {
                    at: "/workspace".to_owned(),
                    source: MountSource::HostDirectory(workspace.to_owned()),
                    access: Access::ReadWrite,
                },
                Mount {
                    at: "/usr".to_owned(),
                    source: MountSource::Image(usr),
                    access: Access::ReadOnly,
                },
            ],
            ..Grant::default()
        };
        let sandbox = Sandbox::new(&engine, grant, programs).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Hands {
            engine,
            runtime,
            sandbox,
            tools,
        }
    }

    /// Compiles a component as a push does, and loads it under a name that no built-in tool has.
    fn push(&mut self, name: &str, wasm: Vec<u8>, cache: &Path) {
        let exe = Path::new(env!("CARGO_BIN_EXE_glovebox"));
        let digest = blake3::hash(&wasm).to_hex();
        let compile = compile_in_child(exe, cache, wasm.into(), Limits::default());
        self.runtime.block_on(compile).unwrap();
        let tool = self.engine.load_compiled(name, &digest).unwrap();
        self.tools.insert(name.to_owned(), tool.unwrap());
    }

    fn call(&self, tool: &str, input: &str) -> Outcome {
        self.runtime
            .block_on(
                self.sandbox
                    .call(&self.tools[tool], input, CallOptions::default()),
            )
            .outcome
    }

    fn bench(&self, group: &mut BenchmarkGroup<'_, WallTime>, name: &str, tool: &str, input: &str) {
        let first = self.call(tool, input);
        assert!(matches!(first, Outcome::Answer(_)), "{name}: {first:?}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(self.call(tool, input)))
        });
    }
}

fn native(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, cwd: &Path, command: &[&str]) {
    let run = || {
        Command::new(command[0])
            .args(&command[1..])
            .current_dir(cwd)
            .output()
            .unwrap()
    };
    let first = run();
    assert!(first.status.success(), "{name}: {first:?}");
    group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
}

struct Bare {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Bare {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// The least a tool can be: a memory of 17 pages, as Rust's guests have, and one function.
const LEAST: &str = r#"(component
  (core module $m (memory (export "memory") 17) (func (export "f") (result i32) i32.const 42))
  (core instance $i (instantiate $m))
  (func (export "describe") (result u32) (canon lift (core func $i "f"))))"#;

/// wasmtime alone with a tool: an instance, one call, and its answer.
fn floor_of(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, wasm: &[u8], input: &str) {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::pooling());
    let engine = wasmtime::Engine::new(&config).unwrap();
    let component = wasmtime::component::Component::new(&engine, wasm).unwrap();
    let mut linker = Linker::<Bare>::new(&engine);
    linker.define_unknown_imports_as_traps(&component).unwrap();
    let ready = linker.instantiate_pre(&component).unwrap();
    let interface = component.get_export_index(None, "glovebox:tool/tool@0.2.0");
    let call = component
        .get_export_index(interface.as_ref(), "call")
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let arguments = [Val::String(input.to_owned())];
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let state = Bare {
                    wasi: WasiCtx::builder().build(),
                    table: ResourceTable::new(),
                };
                let mut store = wasmtime::Store::new(&engine, state);
                store.set_epoch_deadline(1 << 40);
                let instance = ready.instantiate_async(&mut store).await.unwrap();
                let function = instance.get_func(&mut store, call).unwrap();
                let mut results = [Val::Bool(false)];
                function
                    .call_async(&mut store, &arguments, &mut results)
                    .await
                    .unwrap();
                assert!(matches!(&results[0], Val::Result(Ok(_))), "{results:?}");
            });
        });
    });
}

/// From bytes to a tool that can be called, as a push does: a process starts, compiles, and its code is mapped.
fn push(group: &mut BenchmarkGroup<'_, WallTime>, hands: &Hands) {
    let mebibyte = 1_i64 << 20;
    let distance = |guest: &&Guest| (guest.wasm_bytes() as i64 - mebibyte).abs();
    let guest = glovebox_guests::all().iter().min_by_key(distance).unwrap();
    let wasm = bytes::Bytes::from(guest.wasm());
    let exe = Path::new(env!("CARGO_BIN_EXE_glovebox"));
    group.bench_function("push_1MiB", |bencher| {
        bencher.iter_custom(|count| {
            let mut took = Duration::ZERO;
            for _ in 0..count {
                let folder = tempfile::tempdir().unwrap();
                let cache = folder.path().join("components");
                let engine = Engine::new(EngineOptions {
                    cache_dir: Some(cache.clone()),
                    processes_max: 1,
                    ..EngineOptions::default()
                })
                .unwrap();
                let began = std::time::Instant::now();
                let compile = compile_in_child(exe, &cache, wasm.clone(), Limits::default());
                hands.runtime.block_on(compile).unwrap();
                let loaded = engine.load_compiled("pushed", guest.digest).unwrap();
                took += began.elapsed();
                assert!(loaded.is_some());
            }
            took
        });
    });
}

/// wasmtime alone, set up as well as we know how: pooling, copy-on-write, everything resolved beforehand, epochs on.
fn floor(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::pooling());
    let engine = wasmtime::Engine::new(&config).unwrap();
    let wasm = wat::parse_str(LEAST).unwrap();
    let component = wasmtime::component::Component::new(&engine, wasm).unwrap();
    let mut linker = Linker::<Bare>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    let ready = linker.instantiate_pre(&component).unwrap();
    let (_, describe) = component.get_export(None, "describe").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let state = Bare {
                    wasi: WasiCtx::builder().build(),
                    table: ResourceTable::new(),
                };
                let mut store = wasmtime::Store::new(&engine, state);
                store.set_epoch_deadline(1 << 40);
                let instance = ready.instantiate_async(&mut store).await.unwrap();
                let function = instance.get_func(&mut store, describe).unwrap();
                let mut results = [Val::Bool(false)];
                function
                    .call_async(&mut store, &[], &mut results)
                    .await
                    .unwrap();
                black_box(results);
            });
        });
    });
}

fn dispatch(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path();
    std::fs::write(workspace.join("kib.txt"), "0123456789abcde\n".repeat(64)).unwrap();
    std::fs::write(workspace.join("edit.txt"), "one two three\n").unwrap();
    std::fs::create_dir(workspace.join("src")).unwrap();
    for index in 0..100 {
        std::fs::write(
            workspace.join(format!("src/file{index}.rs")),
            format!("fn f{index}() {{}}\n").repeat(20),
        )
        .unwrap();
    }
    let mut hands = Hands::new(workspace);
    let read = glovebox_guests::find(Kind::Tool, "read").unwrap();
    let least = least_tool::component();
    hands.push("tool_read", read.wasm(), &cache_dir());
    hands.push("tool_least", least.clone(), &cache_dir());

    let mut group = criterion.benchmark_group("tool_dispatch");
    group
        .sample_size(50)
        .measurement_time(Duration::from_secs(4));
    floor(&mut group);
    group.bench_function("instantiate", |bencher| {
        bencher.iter(|| {
            hands
                .runtime
                .block_on(hands.sandbox.describe(&hands.tools["read"]))
                .unwrap()
        });
    });

    hands.bench(
        &mut group,
        "read_1KiB",
        "read",
        r#"{"file_path": "kib.txt"}"#,
    );
    native(
        &mut group,
        "read_1KiB_native",
        workspace,
        &["/bin/cat", "kib.txt"],
    );
    hands.bench(
        &mut group,
        "custom_read_1KiB",
        "tool_read",
        r#"{"file_path": "kib.txt"}"#,
    );
    hands.bench(&mut group, "custom_answer", "tool_least", "{}");
    floor_of(&mut group, "floor_answer", &least, "{}");
    let kib = "0123456789abcde\n".repeat(64);
    let input = serde_json::json!({"file_path": "written.txt", "content": kib}).to_string();
    hands.bench(&mut group, "write_1KiB", "write", &input);
    native(
        &mut group,
        "write_1KiB_native",
        workspace,
        &["/bin/sh", "-c", "/usr/bin/tee written.txt < kib.txt"],
    );
    // Replaces a text by itself, so that every call finds it.
    hands.bench(
        &mut group,
        "edit",
        "edit",
        r#"{"file_path": "edit.txt", "old_string": "two", "new_string": "two"}"#,
    );
    native(
        &mut group,
        "edit_native",
        workspace,
        &["/bin/sed", "-i", "s/two/two/", "edit.txt"],
    );
    hands.bench(&mut group, "glob", "glob", r#"{"pattern": "src/*.rs"}"#);
    native(
        &mut group,
        "glob_native",
        workspace,
        &["/usr/bin/find", "src", "-name", "*.rs"],
    );
    hands.bench(&mut group, "grep", "grep", r#"{"pattern": "fn f42\\("}"#);
    native(
        &mut group,
        "grep_native",
        workspace,
        &["/bin/grep", "-rn", "fn f42(", "src"],
    );

    for (name, command) in [
        ("bash_echo", "echo hi"),
        ("bash_pipe", "/bin/echo hi | /bin/cat"),
        ("bash_pipe3", "seq 100 | sort -rn | head -n 1"),
        ("python", "python3 -c 'print(1)'"),
    ] {
        let input = serde_json::json!({ "command": command }).to_string();
        hands.bench(&mut group, name, "bash", &input);
        if name != "python" {
            native(
                &mut group,
                &format!("{name}_native"),
                workspace,
                &["/bin/bash", "-c", command],
            );
        }
    }
    native(
        &mut group,
        "python_native",
        workspace,
        &["/usr/bin/python3", "-c", "print(1)"],
    );
    group.sample_size(10);
    push(&mut group, &hands);
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
