//! A component that is built to exhaust the compiler exhausts a process of its own, and nothing is left of it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use glovebox::tools::compile::{CompileError, Limits, Which, compile_in_child};
use glovebox_runtime::{Engine, EngineOptions};

use crate::support::wasm::section;

fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_glovebox"))
}

fn cache() -> tempfile::TempDir {
    tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .tempdir()
        .unwrap()
}

/// What the folder holds.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The living process that compiles into `cache`, by its command line.
fn compiling_into(cache: &Path) -> Option<PathBuf> {
    let cache = cache.to_str().unwrap();
    let mut processes = fs::read_dir("/proc").unwrap().flatten();
    let found = processes.find(|process| {
        fs::read(process.path().join("cmdline")).is_ok_and(|line| {
            let mut words = line.split(|byte| *byte == 0);
            words.nth(1) == Some(b"compile") && words.any(|word| word == cache.as_bytes())
        })
    })?;
    Some(found.path())
}

async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "never came");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A component around a core module that has these fields.
fn component(fields: &str) -> Bytes {
    let text = format!("(component (core module {fields}))");
    wat::parse_str(text).unwrap().into()
}

/// Fifty thousand functions, each with something to do.
fn crowd() -> Bytes {
    let mut fields = String::new();
    for index in 0..50_000 {
        write!(
            fields,
            "(func (param i64 i64) (result i64)
               local.get 0 i64.const {index} i64.mul local.get 1 i64.xor
               local.get 0 i64.popcnt i64.rotl i64.const {index} i64.div_u)"
        )
        .unwrap();
    }
    component(&fields)
}

/// One function: blocks within blocks, each left by a table of jumps to all around it, with locals that all of them change.
fn maze(depth: usize, locals: usize) -> Bytes {
    let mut body = format!("(func (param i32) (local {})", "i64 ".repeat(locals));
    body.push_str(&"block ".repeat(depth));
    for level in 0..depth {
        let local = level % locals + 1;
        write!(
            body,
            "local.get {local} local.get 0 i64.extend_i32_u i64.add local.set {local} "
        )
        .unwrap();
        write!(
            body,
            "local.get 0 i32.const {level} i32.eq if local.get 0 br_table "
        )
        .unwrap();
        for target in 0..=(depth - level) {
            write!(body, "{target} ").unwrap();
        }
        body.push_str("end end ");
    }
    body.push(')');
    component(&body)
}

fn killed(result: Result<(), CompileError>) -> (Which, String) {
    match result {
        Err(error @ CompileError::Killed { which, .. }) => (which, error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_compiled_in_a_process_of_its_own_is_found() {
    let cache = cache();
    let wasm = component("(func (export \"f\"))");
    compile_in_child(exe(), cache.path(), wasm.clone(), Limits::default())
        .await
        .unwrap();
    let kept = names(cache.path());
    assert!(kept.len() == 1 && kept[0].ends_with(".cwasm"), "{kept:?}");
    let engine = Engine::new(EngineOptions {
        cache_dir: Some(cache.path().to_owned()),
        processes_max: 1,
        on_compile: Some(std::sync::Arc::new(|_| panic!("compiled again"))),
        ..EngineOptions::default()
    })
    .unwrap();
    // It exports nothing that can be called, which is seen when it was loaded.
    let error = engine.load("least", &wasm).unwrap_err();
    assert!(error.to_string().contains("exports neither"), "{error}");
}

#[tokio::test]
async fn each_limit_ends_it_says_so_and_leaves_nothing() {
    let cache = cache();
    let try_with =
        |wasm: Bytes, limits: Limits| compile_in_child(exe(), cache.path(), wasm, limits);
    let usual = Limits::default();

    let limits = Limits {
        memory_bytes: 96 << 20,
        ..usual
    };
    let (which, text) = killed(try_with(crowd(), limits).await);
    assert_eq!(which, Which::Memory);
    assert_eq!(
        text,
        "compiling the component takes more than 96 MiB of memory"
    );

    let limits = Limits {
        cpu: Duration::from_secs(1),
        ..usual
    };
    let (which, text) = killed(try_with(maze(1800, 1_000), limits).await);
    assert_eq!(which, Which::Cpu);
    assert_eq!(
        text,
        "compiling the component takes more than 1 s on a processor"
    );

    let limits = Limits {
        wall: Duration::from_millis(300),
        ..usual
    };
    let (which, text) = killed(try_with(maze(1800, 1_000), limits).await);
    assert_eq!(which, Which::Wall);
    assert_eq!(text, "compiling the component takes more than 0.3 s");

    let limits = Limits {
        file_bytes: 1 << 20,
        ..usual
    };
    let (which, text) = killed(try_with(crowd(), limits).await);
    assert_eq!(which, Which::File);
    assert_eq!(
        text,
        "compiling the component takes more than 1 MiB of compiled code"
    );

    assert_eq!(names(cache.path()), Vec::<String>::new());
    assert_eq!(compiling_into(cache.path()), None);
}

/// Small files: what is large is what they mean.
#[tokio::test]
async fn what_multiplies_or_nests_ends_it() {
    let header = b"\0asm\x0d\0\x01\0";
    // Each component makes two of the one before it: a quarter of a billion instances.
    let mut twins = [
        &header[..],
        &section(1, b"\0asm\x01\0\0\0"),
        &section(2, &[1, 0, 0, 0]),
    ]
    .concat();
    for _ in 0..28 {
        let two = section(5, &[2, 0, 0, 0, 0, 0, 0]);
        twins = [&header[..], &section(4, &twins), &two].concat();
    }
    assert!(twins.len() < 1000);
    let mut types = vec![1];
    types.extend([0x41, 1, 1].repeat(300_000));
    types.extend([0x41, 0]);
    let nested = [&header[..], &section(7, &types)].concat();
    let cache = cache();
    let limits = Limits {
        memory_bytes: 512 << 20,
        ..Limits::default()
    };
    for (wasm, by) in [(twins, Which::Memory), (nested, Which::Stack)] {
        let result = compile_in_child(exe(), cache.path(), wasm.into(), limits).await;
        assert_eq!(killed(result).0, by);
    }
    assert_eq!(names(cache.path()), Vec::<String>::new());
}

#[tokio::test]
async fn what_exhausts_the_compiler_does_not_exhaust_the_server() {
    let cache = cache();
    for wasm in [crowd(), maze(1000, 10_000)] {
        let before = resident_bytes();
        match compile_in_child(exe(), cache.path(), wasm, Limits::default()).await {
            Ok(()) | Err(CompileError::Killed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 32 << 20, "the server grew by {grown} bytes");
    }
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn it_gets_its_limits_and_nothing_of_the_environment_and_ends_when_nobody_waits() {
    let cache = cache();
    let compile = compile_in_child(exe(), cache.path(), maze(1800, 1_000), Limits::default());
    let look = async {
        let process = until(|| compiling_into(cache.path())).await;
        assert_eq!(fs::read(process.join("environ")).unwrap(), b"");
        let line = |name: &str| {
            let limits = fs::read_to_string(process.join("limits")).ok()?;
            let line = limits.lines().find(|line| line.starts_with(name))?;
            let words = line[name.len()..].split_whitespace();
            words
                .take(2)
                .map(|word| word.parse::<u64>().ok())
                .collect::<Option<Vec<_>>>()
        };
        for (name, value) in [
            ("Max core file size", 0),
            ("Max data size", 2 << 30),
            ("Max cpu time", 240),
            ("Max file size", 512 << 20),
        ] {
            until(|| line(name).filter(|set| set[0] == value)).await;
        }
    };
    tokio::select! {
        ended = compile => panic!("too quick for this test: {ended:?}"),
        () = look => {}
    }
    until(|| compiling_into(cache.path()).is_none().then_some(())).await;
    assert_eq!(names(cache.path()), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_component_is_said_to_be_none() {
    let cache = cache();
    for wasm in [
        &b""[..],
        b"#!/bin/sh\necho hello\n",
        b"\0asm\x01\0\0\0",
        b"\0asm\x0d\0\x01\0\xff\xff",
    ] {
        let wasm = Bytes::from_static(wasm);
        let result = compile_in_child(exe(), cache.path(), wasm, Limits::default()).await;
        let Err(CompileError::Invalid { message }) = result else {
            panic!("{result:?}")
        };
        assert!(!message.is_empty() && message.len() < 1000, "{message}");
    }
    assert_eq!(names(cache.path()), Vec::<String>::new());
    // No limit and no argument of ours: only a program that is not there.
    let nowhere = Path::new("/nowhere/glovebox");
    let result = compile_in_child(nowhere, cache.path(), Bytes::new(), Limits::default()).await;
    assert!(matches!(result, Err(CompileError::Start(_))), "{result:?}");
}
