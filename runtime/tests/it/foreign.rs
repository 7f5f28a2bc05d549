//! Components that nobody here made: what they may be made of, and what is said of those that cannot run.

use std::fmt::Write;

use glovebox_runtime::{Component, ExitStatus, Grant, Input, LoadError, Output, ProgramRun};
use glovebox_runtime::{Outcome, Programs, Sandbox};

use crate::kernel::engine;

/// A program that does nothing, with these definitions around it.
fn program(definitions: &str) -> Result<Component, LoadError> {
    let text = format!(
        r#"(component {definitions}
          (core module $main (func (export "run") (result i32) i32.const 0))
          (core instance $main (instantiate $main))
          (func $run (result (result)) (canon lift (core func $main "run")))
          (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#
    );
    engine().load("foreign", &wat::parse_str(text).unwrap())
}

async fn runs(component: Component) {
    let mut programs = Programs::default();
    programs.insert("foreign", component);
    let sandbox = Sandbox::new(engine(), Grant::default(), programs.into()).unwrap();
    let run = ProgramRun {
        program: "foreign".to_owned(),
        arguments: vec!["foreign".to_owned()],
        environment: Default::default(),
        cwd: "/".to_owned(),
        stdin: Input::Bytes(Default::default()),
        stdout: Output::Writer(Box::new(std::io::sink())),
        stderr: Output::Writer(Box::new(std::io::sink())),
        limits: None,
    };
    assert_eq!(sandbox.run(run).await.unwrap(), ExitStatus::Exited(0));
}

fn missing(definitions: &str) -> Vec<String> {
    match program(definitions) {
        Err(LoadError::Imports { name, missing }) => {
            assert_eq!(name, "foreign");
            missing
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_import_that_nobody_serves_is_named_with_what_would_fit() {
    let missing = missing(
        r#"
        (import "wasi:nn/graph@0.2.0" (instance (export "load" (func)) (export "get" (func))))
        (import "wasi:cli/environment@0.3.0" (instance (export "get-arguments" (func))))
        (import "wasi:cli/environment@0.2.0-rc-2023-11-10" (instance (export "get-arguments" (func))))
        (import "wasi:random/random@0.2.31" (instance
          (export "get-random-u64" (func (result u64)))
          (export "roll-dice" (func (result u32)))))
        (import "wasi:random/insecure@0.2.0" (instance (export "get-insecure-random-u64" (func (result u64)))))
        (import "wasi:made-up/types@0.2.0" (instance
          (type $number u32)
          (export "number" (type (eq $number)))))
        (import "glovebox:tool/context@0.3.0" (instance (export "log" (func))))
        (import "greet" (func))"#,
    );
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    let [graph, environment, candidate, dice, tool, greet] = missing[..] else {
        panic!("{missing:?}")
    };
    assert_eq!((graph, greet), ("wasi:nn/graph@0.2.0", "greet"));
    let served = "wasi:cli/environment@0.2.";
    assert!(environment.starts_with(&format!("wasi:cli/environment@0.3.0 ({served}")));
    assert!(
        candidate.contains(&format!("-rc-2023-11-10 ({served}")),
        "{candidate}"
    );
    assert!(dice.starts_with("wasi:random/random@0.2.31#roll-dice (wasi:random/random@0.2."));
    assert_eq!(
        tool,
        "glovebox:tool/context@0.3.0 (glovebox:tool/context@0.2.0 is served)"
    );
}

#[test]
fn a_flood_of_imports_is_counted() {
    let mut definitions = String::new();
    for index in 0..200 {
        write!(
            definitions,
            r#"(import "wasi:n{index}/graph@0.2.0" (instance (export "load" (func))))"#
        )
        .unwrap();
    }
    let missing = missing(&definitions);
    assert_eq!(missing.len(), 51);
    assert_eq!(missing[50], "and up to 150 more");
}

#[test]
fn a_function_of_another_type_is_named() {
    let missing = missing(
        r#"(import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u8)))))"#,
    );
    assert!(
        missing.len() == 1 && missing[0].contains("get-random-u64"),
        "{missing:?}"
    );
}

#[tokio::test]
async fn newer_patch_releases_of_wasi_are_served() {
    let component = program(
        r#"
        (import "wasi:random/random@0.2.31" (instance (export "get-random-u64" (func (result u64)))))
        (import "wasi:clocks/monotonic-clock@0.2.99" (instance (export "resolution" (func (result u64)))))"#,
    );
    runs(component.unwrap()).await;
}

#[tokio::test]
async fn many_instances_tables_and_memories_are_run() {
    let mut definitions = String::from(
        r#"(core module $empty)
           (core module $table (table 1000 funcref))
           (core module $tables (table 90000 funcref) (table 1 funcref))
           (core module $memory (memory 1))"#,
    );
    definitions.push_str(&"(core instance (instantiate $empty))".repeat(150));
    definitions.push_str(&"(core instance (instantiate $table))".repeat(50));
    definitions.push_str("(core instance (instantiate $tables))");
    definitions.push_str(&"(core instance (instantiate $memory))".repeat(5));
    runs(program(&definitions).unwrap()).await;
}

#[test]
fn too_many_of_them_are_refused_when_it_is_loaded() {
    for (definitions, text) in [
        (
            format!(
                "(core module $m) {}",
                "(core instance (instantiate $m))".repeat(10_000)
            ),
            "instances",
        ),
        (
            format!(
                "(core module $m) {}",
                "(core instance (instantiate $m))".repeat(900)
            ),
            "instances",
        ),
        (
            "(core module $m (table 1000000 funcref)) (core instance (instantiate $m))".to_owned(),
            "table",
        ),
        (
            format!(
                "(core module $m (memory 1)) {}",
                "(core instance (instantiate $m))".repeat(20)
            ),
            "memories",
        ),
    ] {
        let Err(LoadError::Invalid { source, .. }) = program(&definitions) else {
            panic!("loaded with too many {text}")
        };
        assert!(chain(source.as_ref()).contains(text), "{source:?}");
    }
}

/// An error and what caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|error| format!("{error}: ")).collect()
}

#[test]
fn what_is_no_component_is_invalid_and_says_why() {
    for (wasm, text) in [
        (&b"\0asm\x01\0\0\0"[..], "component"),
        (b"hello", "magic"),
        (b"", ""),
    ] {
        let Err(LoadError::Invalid { source, .. }) = engine().load("foreign", wasm) else {
            panic!("loaded")
        };
        assert!(chain(source.as_ref()).contains(text), "{source:?}");
    }
}

/// `GLOVEBOX_FOREIGN` names a folder of components that other people's tools made; without it there is nothing to look at.
/// Each is loaded; those that are tools describe themselves and are called.
#[tokio::test]
async fn components_of_other_tools_are_loaded_and_called() {
    let Some(folder) = std::env::var_os("GLOVEBOX_FOREIGN") else {
        return;
    };
    let sandbox = Sandbox::new(engine(), Grant::default(), Default::default()).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let component = engine()
            .load(name, &std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        println!("{name}: {} bytes compiled", component.compiled_bytes());
        if component.contract().is_none() {
            continue;
        }
        let said = sandbox.describe(&component).await;
        let said = said.unwrap_or_else(|error| panic!("{name}: {error}"));
        let report = sandbox
            .call(&component, r#"{"text": "hello"}"#, Default::default())
            .await;
        println!("{name}: {} {:?}", said.name, report);
        // Whatever it makes of an input that its schema may not allow.
        let answered = matches!(
            report.outcome,
            Outcome::Answer(_) | Outcome::InvalidInput(_)
        );
        assert!(answered, "{name}");
    }
}
