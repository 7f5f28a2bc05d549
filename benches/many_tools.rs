//! Ten thousand tools in one workspace: does memory stay bounded, and does a warm tool stay as fast?
//!
//! Generates so many components that differ in a custom section, compiles each as a push does (here without the process of
//! its own, which would only add its start), and calls each once. The least recently used of those that are loaded is
//! dropped. Prints Markdown; no criterion, since nothing is repeated. `GLOVEBOX_BENCH_TOOLS` makes it fewer.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot set up has nothing to say"
)]
#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glovebox_runtime::{
    CallOptions, Compiler, Component, Engine, EngineOptions, Grant, Outcome, Sandbox,
};
use lru::LruCache;

mod least_tool;

/// Tools that stay loaded.
const LOADED_MAX: usize = 256;
/// Calls of which the median is taken.
const WARM_CALLS: usize = 2000;

/// The same tool with another digest: a custom section with a number at its end.
fn distinct(tool: &[u8], number: u32) -> Vec<u8> {
    let mut wasm = tool.to_vec();
    wasm.extend_from_slice(&[0, 7, 2, b'n', b'o']);
    wasm.extend_from_slice(&number.to_le_bytes());
    wasm
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() / 1024
}

struct Workspace {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
    sandbox: Sandbox,
    loaded: LruCache<u32, Component>,
}

impl Workspace {
    fn call(&self, component: &Component) {
        let call = self.sandbox.call(component, "{}", CallOptions::default());
        let outcome = self.runtime.block_on(call).outcome;
        assert!(matches!(outcome, Outcome::Answer(_)), "{outcome:?}");
    }

    /// The median of many calls of one tool.
    fn warm(&self, component: &Component) -> Duration {
        let mut times: Vec<Duration> = (0..WARM_CALLS)
            .map(|_| {
                let began = Instant::now();
                self.call(component);
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[WARM_CALLS / 2]
    }
}

fn main() {
    let many: u32 = std::env::var("GLOVEBOX_BENCH_TOOLS")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(10_000);
    let few = many / 10;
    let cache = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        cache_dir: Some(cache.path().join("components")),
        processes_max: 300,
        on_compile: Some(Arc::new(|_| panic!("compiled where it is called"))),
        ..EngineOptions::default()
    };
    let compiler = Compiler::new(&options).unwrap();
    let engine = Engine::new(options).unwrap();
    let mut workspace = Workspace {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        sandbox: Sandbox::new(&engine, Grant::default(), Arc::default()).unwrap(),
        engine,
        loaded: LruCache::new(NonZeroUsize::new(LOADED_MAX).unwrap()),
    };
    let tool = least_tool::component();
    let (mut compiling, mut first_calls) = (Duration::ZERO, Duration::ZERO);
    let (mut resident, mut warm) = (Vec::new(), Vec::new());
    let mut measured = None;
    for number in 0..many {
        let wasm = distinct(&tool, number);
        let began = Instant::now();
        compiler.compile(&wasm).unwrap();
        compiling += began.elapsed();
        let digest = blake3_hex(&wasm);
        let began = Instant::now();
        let component = workspace
            .engine
            .load_compiled(&format!("tool_{number}"), &digest)
            .unwrap()
            .unwrap();
        workspace.call(&component);
        first_calls += began.elapsed();
        if number == 0 {
            warm.push(workspace.warm(&component));
            measured = Some(component.clone());
        }
        workspace.loaded.put(number, component);
        if number + 1 == few || number + 1 == many {
            resident.push(resident_mib());
        }
    }
    warm.push(workspace.warm(measured.as_ref().unwrap()));

    println!("| {many} tools in one workspace, one call each | |");
    println!("|---|---:|");
    println!("| loaded at once, at most | {LOADED_MAX} |");
    println!(
        "| compiling one (the least there can be), durable | {:.2?} |",
        compiling / many
    );
    println!(
        "| loading one that was dropped, and its call | {:.1?} |",
        first_calls / many
    );
    println!("| resident after {few} | {} MiB |", resident[0]);
    println!("| resident after {many} | {} MiB |", resident[1]);
    println!("| a call of a warm tool, before | {:.1?} |", warm[0]);
    println!(
        "| a call of a warm tool, after | {:.1?} ({:.2} of before) |",
        warm[1],
        warm[1].as_secs_f64() / warm[0].as_secs_f64()
    );
}

fn blake3_hex(wasm: &[u8]) -> String {
    blake3::hash(wasm).to_hex().to_string()
}
