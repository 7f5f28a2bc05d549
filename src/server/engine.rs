//! The engine that guests run on, as commands and the server want it: with a cache, and telling what it compiles.

use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use glovebox_runtime::{CompileFound, CompileProgress, Engine, EngineOptions};

use crate::tools::compile::{Limits, compile_in_child};

/// Processes at once that a server has room for, in all sessions together.
pub const FOR_A_SERVER: u32 = 1000;
/// Processes at once that one command has room for: a smaller pool starts sooner.
pub const FOR_A_COMMAND: u32 = 300;

/// Opens the engine. What has to be compiled is told on standard error, a line per component. Blocking.
pub fn open(cache_dir: PathBuf, processes_max: u32) -> anyhow::Result<Engine> {
    Ok(Engine::new(EngineOptions {
        cache_dir: Some(cache_dir),
        processes_max,
        on_compile: Some(Arc::new(print)),
        compile_found: Some(compile_found(super::this_program()?)),
        ..EngineOptions::default()
    })?)
}

/// What a guest made and executes is compiled as what a stranger pushes, with half of its means.
fn compile_found(exe: PathBuf) -> CompileFound {
    let limits = Limits::default();
    let limits = Limits {
        wall: limits.wall / 2,
        cpu: limits.cpu / 2,
        memory_bytes: limits.memory_bytes / 2,
        ..limits
    };
    Arc::new(move |wasm, cache| {
        let exe = exe.clone();
        async move { Ok(compile_in_child(&exe, &cache, wasm, limits).await?) }.boxed()
    })
}

fn print(progress: CompileProgress) {
    match progress {
        CompileProgress::Started { name, wasm_bytes } => {
            eprintln!(
                "glovebox: compiling {name} ({} KiB), once for this version ...",
                wasm_bytes / 1024
            );
        }
        CompileProgress::Finished { name, took } => {
            eprintln!(
                "glovebox: {name} is ready after {:.1} s",
                took.as_secs_f32()
            );
        }
    }
}
