//! What a compiler of its own leaves behind is what the engine looks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glovebox_guests as guests;
use glovebox_runtime::{CompileError, Compiler, Engine, EngineOptions, Kind};

fn options(cache: &std::path::Path, compiled: &Arc<AtomicU32>) -> EngineOptions {
    let compiled = Arc::clone(compiled);
    EngineOptions {
        cache_dir: Some(cache.join("components")),
        processes_max: 2,
        on_compile: Some(Arc::new(move |_| {
            compiled.fetch_add(1, Ordering::Relaxed);
        })),
        ..EngineOptions::default()
    }
}

#[test]
fn the_engine_finds_what_the_compiler_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let compiled = Arc::default();
    let options = options(folder.path(), &compiled);
    let engine = Engine::new(options.clone()).unwrap();
    let guest = guests::find(guests::Kind::Tool, "read").unwrap();
    assert!(matches!(
        engine.load_compiled("read", guest.digest),
        Ok(None)
    ));

    let compiler = Compiler::new(&options).unwrap();
    compiler.compile(&guest.wasm()).unwrap();
    compiler.compile(&guest.wasm()).unwrap();
    let component = engine.load_compiled("read", guest.digest).unwrap().unwrap();
    assert_eq!((component.name(), component.kind()), ("read", Kind::Tool));
    engine.load("read", &guest.wasm()).unwrap();
    assert_eq!(compiled.load(Ordering::Relaxed), 0);
    let kept = std::fs::read_dir(folder.path().join("components")).unwrap();
    assert_eq!(kept.count(), 1);
}

#[test]
fn a_broken_file_in_the_cache_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let compiled = Arc::default();
    let options = options(folder.path(), &compiled);
    let guest = guests::find(guests::Kind::Tool, "read").unwrap();
    let compiler = Compiler::new(&options).unwrap();
    compiler.compile(&guest.wasm()).unwrap();
    let kept = std::fs::read_dir(folder.path().join("components")).unwrap();
    let path = kept.last().unwrap().unwrap().path();
    std::fs::write(&path, b"cut off").unwrap();
    compiler.compile(&guest.wasm()).unwrap();
    let engine = Engine::new(options).unwrap();
    assert!(matches!(
        engine.load_compiled("read", guest.digest),
        Ok(Some(_))
    ));
    let kept = std::fs::read_dir(folder.path().join("components")).unwrap();
    assert_eq!(kept.count(), 1);
}

#[test]
fn what_is_no_component_is_refused_with_a_reason() {
    let compiler = Compiler::new(&EngineOptions::default()).unwrap();
    for wasm in [&b"hello"[..], b"\0asm\x01\0\0\0"] {
        let Err(CompileError::Invalid { message }) = compiler.compile(wasm) else {
            panic!("accepted")
        };
        assert!(!message.is_empty());
    }
}
