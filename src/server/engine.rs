//! The engine that guests run on, as commands and the server want it: with a cache, and telling what it compiles.

use std::path::PathBuf;
use std::sync::Arc;

use glovebox_runtime::{CompileProgress, Engine, EngineError, EngineOptions};

/// Processes at once that a server has room for, in all sessions together.
pub const FOR_A_SERVER: u32 = 1000;
/// Processes at once that one command has room for: a smaller pool starts sooner.
pub const FOR_A_COMMAND: u32 = 300;

/// Opens the engine. What has to be compiled is told on standard error, a line per component. Blocking.
pub fn open(cache_dir: PathBuf, processes_max: u32) -> Result<Engine, EngineError> {
    Engine::new(EngineOptions {
        cache_dir: Some(cache_dir),
        processes_max,
        on_compile: Some(Arc::new(print)),
        ..EngineOptions::default()
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
