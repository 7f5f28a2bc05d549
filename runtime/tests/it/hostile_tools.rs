//! Tools that were built to do harm. Each ends in a clear error, and the engine goes on serving others.

use std::time::Duration;

use glovebox_guests::Kind;
use glovebox_runtime::{CallOptions, CallReport, Component, LimitKind, Limits, Outcome};
use serde_json::json;

use crate::kernel::{Hands, engine, hands, probe, text};
use crate::plain::script;
use crate::wat_tool::WatTool;

/// So that a test of a tool that never ends does.
fn short() -> Limits {
    Limits {
        cpu_time_max: Duration::from_millis(300),
        wall_time_max: Duration::from_secs(30),
        memory_bytes_max: 64 << 20,
        ..Limits::default()
    }
}

async fn call(hands: &Hands, tool: &Component) -> CallReport {
    let options = CallOptions {
        limits: Some(short()),
        ..CallOptions::default()
    };
    let report = hands.sandbox.call(tool, "{}", options).await;
    still_serving(hands).await;
    report
}

/// Nothing is left, and others are served.
async fn still_serving(hands: &Hands) {
    assert_eq!(hands.sandbox.live_processes(), 0);
    let good = WatTool::default().load();
    assert_eq!(text(hands.call(&good, json!({})).await), "fine");
}

async fn expect_limit(tool: &Component, which: LimitKind) {
    let report = call(&hands(|_| ()), tool).await;
    assert!(
        matches!(&report.outcome, Outcome::Limit { which: ended, .. } if *ended == which),
        "{report:?}"
    );
}

async fn expect_trap(tool: &Component, said: &str) {
    let report = call(&hands(|_| ()), tool).await;
    assert!(
        matches!(&report.outcome, Outcome::Trapped(message) if message.contains(said)),
        "{report:?}"
    );
}

const FOR_EVER: &str = "(loop $on (br $on)) unreachable";

#[tokio::test]
async fn descriptions_that_harm() {
    let hands = hands(|_| ());
    let large = "(i32.store (i32.const 260) (i32.const 8388608)) (i32.const 256)";
    for (describe, memory, said) in [
        (FOR_EVER, "2", "time limit of"),
        ("unreachable", "2", "aborted"),
        // The name is 8 MiB.
        (large, "200", "more bytes at once"),
        // Addresses and lengths outside the memory.
        (
            "(i32.store (i32.const 256) (i32.const -16)) (i32.const 256)",
            "2",
            "out of bounds",
        ),
        (
            "(i32.store (i32.const 268) (i32.const -1)) (i32.const 256)",
            "2",
            "out of bounds",
        ),
        (
            "(i32.store (i32.const 292) (i32.const 2147483647)) (i32.const 256)",
            "2",
            "out of bounds",
        ),
        ("(i32.const -8)", "2", "out of bounds"),
        ("(i32.const 257)", "2", "aligned"),
        // Effects of which there are none.
        (
            "(i32.store8 (i32.const 280) (i32.const 77)) (i32.const 256)",
            "2",
            "",
        ),
        // Not UTF-8, not a name, not a schema.
        (
            "(i32.store8 (i32.const 48) (i32.const 255)) (i32.const 256)",
            "2",
            "utf-8",
        ),
        (
            "(i32.store8 (i32.const 32) (i32.const 47)) (i32.const 256)",
            "2",
            "tool name",
        ),
        (
            "(i32.store8 (i32.const 64) (i32.const 47)) (i32.const 256)",
            "2",
            "no JSON",
        ),
        (
            "(i32.store8 (i32.const 74) (i32.const 47)) (i32.const 256)",
            "2",
            "must be \"object\"",
        ),
    ] {
        let tool = WatTool {
            describe,
            memory,
            ..WatTool::default()
        };
        let error = hands.sandbox.describe(&tool.load()).await.unwrap_err();
        assert!(error.to_string().contains(said), "{describe}: {error}");
        assert!(error.to_string().len() < 1000, "{describe}");
        still_serving(&hands).await;
    }
}

#[tokio::test]
async fn a_start_function_that_never_returns() {
    let tool = WatTool {
        items: "(func $never (loop $on (br $on))) (start $never)",
        ..WatTool::default()
    }
    .load();
    expect_limit(&tool, LimitKind::CpuTime).await;
    let error = hands(|_| ()).sandbox.describe(&tool).await.unwrap_err();
    assert!(error.to_string().contains("time limit of"), "{error}");
}

#[tokio::test]
async fn memory_and_tables_that_grow_without_end() {
    let memory = WatTool {
        call: "(loop $on (br_if $on (i32.ne (i32.const -1) (memory.grow (i32.const 16))))) unreachable",
        ..WatTool::default()
    };
    expect_limit(&memory.load(), LimitKind::Memory).await;
    // Does not mind being refused.
    let stubborn = WatTool {
        call: "(loop $on (drop (memory.grow (i32.const 16))) (br $on)) unreachable",
        ..WatTool::default()
    };
    expect_limit(&stubborn.load(), LimitKind::CpuTime).await;
    let table = WatTool {
        items: "(table $table 0 funcref)",
        call: "(loop $on (br_if $on (i32.ne (i32.const -1) (table.grow $table (ref.null func) (i32.const 1000))))) unreachable",
        ..WatTool::default()
    };
    expect_trap(&table.load(), "aborted").await;
    // More than there may be, from the beginning.
    let huge = WatTool {
        memory: "65536",
        ..WatTool::default()
    };
    let report = call(&hands(|_| ()), &huge.load()).await;
    assert!(
        matches!(
            report.outcome,
            Outcome::Limit {
                which: LimitKind::Memory,
                ..
            } | Outcome::Trapped(_)
        ),
        "{report:?}"
    );
}

/// The component with so many instances of a module more.
fn with_instances(mut wasm: Vec<u8>, count: u32) -> Vec<u8> {
    fn number(mut value: u32, out: &mut Vec<u8>) {
        while value > 0x7f {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).unwrap());
    }
    // Modules that are there already: top-level sections with the id 1.
    let (mut at, mut modules) = (8, 0);
    while at < wasm.len() {
        modules += u32::from(wasm[at] == 1);
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            at += 1;
            length |= usize::from(wasm[at] & 0x7f) << shift;
            shift += 7;
            if wasm[at] & 0x80 == 0 {
                break;
            }
        }
        at += 1 + length;
    }
    let mut section = |id: u8, content: &[u8]| {
        wasm.push(id);
        number(u32::try_from(content.len()).unwrap(), &mut wasm);
        wasm.extend_from_slice(content);
    };
    section(1, b"\0asm\x01\0\0\0");
    let mut instances = Vec::new();
    number(count, &mut instances);
    for _ in 0..count {
        instances.push(0);
        number(modules, &mut instances);
        instances.push(0);
    }
    section(2, &instances);
    wasm
}

#[tokio::test]
async fn thousands_of_instances_inside_one_component() {
    let hands = hands(|_| ());
    let few = engine().load("probe", &with_instances(WatTool::default().wasm(), 3));
    assert_eq!(text(call(&hands, &few.unwrap()).await.outcome), "fine");
    let many = with_instances(WatTool::default().wasm(), 10_000);
    // Refused when it is loaded or when it is called: never served.
    if let Ok(many) = engine().load("probe", &many) {
        let report = call(&hands, &many).await;
        assert!(matches!(report.outcome, Outcome::Trapped(_)), "{report:?}");
        assert!(hands.sandbox.describe(&many).await.is_err());
    }
    still_serving(&hands).await;
}

#[tokio::test]
async fn deep_recursion() {
    let tool = WatTool {
        items: "(func $deeper (call $deeper) (call $deeper))",
        call: "(call $deeper) unreachable",
        ..WatTool::default()
    };
    expect_trap(&tool.load(), "stack overflow").await;
}

#[tokio::test]
async fn gigabytes_of_output() {
    // 900 pieces of 16 MiB, all of them the same bytes.
    let fill = "(local $at i32)
        (i32.store8 (i32.const 512) (i32.const 0))
        (i32.store (i32.const 516) (i32.const 65536))
        (i32.store (i32.const 520) (i32.const 900))
        (local.set $at (i32.const 65536))
        (loop $on
            (i32.store8 (local.get $at) (i32.const 0))
            (i32.store offset=4 (local.get $at) (i32.const 1048576))
            (i32.store offset=8 (local.get $at) (i32.const 16777216))
            (local.set $at (i32.add (local.get $at) (i32.const 28)))
            (br_if $on (i32.lt_u (local.get $at) (i32.const 90736))))
        (i32.const 512)";
    let tool = WatTool {
        memory: "300",
        call: fill,
        ..WatTool::default()
    };
    expect_limit(&tool.load(), LimitKind::Output).await;
    // More pieces than anybody reads.
    let pieces = fill.replace("16777216", "0").replace("90736", "345536");
    let tool = WatTool {
        memory: "300",
        call: &pieces.replace("(i32.const 900)", "(i32.const 10000)"),
        ..WatTool::default()
    };
    expect_limit(&tool.load(), LimitKind::Output).await;
    // Into the host's logs.
    let tool = WatTool {
        imports: r#"(import "glovebox:tool/context@0.2.0" "log" (func $log (param i32 i32 i32)))"#,
        memory: "20",
        call: "(loop $on (call $log (i32.const 0) (i32.const 65536) (i32.const 1048576)) (br $on)) unreachable",
        ..WatTool::default()
    };
    expect_limit(&tool.load(), LimitKind::Output).await;
}

/// Lines without words take room in the host's logs too.
#[tokio::test]
async fn a_flood_of_empty_lines() {
    let tool = WatTool {
        imports: r#"(import "glovebox:tool/context@0.2.0" "log" (func $log (param i32 i32 i32)))"#,
        call: "(loop $on (call $log (i32.const 0) (i32.const 0) (i32.const 0)) (br $on)) unreachable",
        ..WatTool::default()
    };
    let hands = hands(|_| ());
    let options = CallOptions {
        limits: Some(Limits {
            output_bytes_max: 100_000,
            ..Limits::default()
        }),
        ..CallOptions::default()
    };
    let report = hands.sandbox.call(&tool.load(), "{}", options).await;
    assert!(
        matches!(
            report.outcome,
            Outcome::Limit {
                which: LimitKind::Output,
                ..
            }
        ),
        "{report:?}"
    );
    still_serving(&hands).await;
}

#[tokio::test]
async fn answers_that_are_none() {
    let hands = hands(|_| ());
    // Says that it is JSON.
    let json = WatTool {
        call: "(drop (call $answer (i32.const 48) (i32.const 7))) (i32.store8 (i32.const 528) (i32.const 3)) (i32.const 512)",
        ..WatTool::default()
    };
    assert_eq!(text(call(&hands, &json.load()).await.outcome), "a probe");
    for lie in [
        "(call $answer (i32.const -16) (i32.const 4096))",
        "(drop (call $answer (i32.const 16) (i32.const 4))) (i32.store (i32.const 520) (i32.const -1)) (i32.const 512)",
        "(drop (call $answer (i32.const 16) (i32.const 4))) (i32.store8 (i32.const 528) (i32.const 99)) (i32.const 512)",
        "(i32.const -4)",
    ] {
        let tool = WatTool {
            call: lie,
            ..WatTool::default()
        };
        let report = call(&hands, &tool.load()).await;
        assert!(
            matches!(report.outcome, Outcome::Trapped(_)),
            "{lie}: {report:?}"
        );
    }
    // Leads the host astray while its own input is written.
    let tool = WatTool {
        items: r#"(func (export "cabi_post_glovebox:tool/tool@0.2.0#call") (param i32) (loop $on (br $on)))"#,
        ..WatTool::default()
    };
    let report = call(&hands, &tool.load()).await;
    assert!(
        matches!(report.outcome, Outcome::Limit { .. } | Outcome::Answer(_)),
        "{report:?}"
    );
}

#[tokio::test]
async fn the_hosts_environment_is_not_there() {
    let hands = hands(|grant| drop(grant.environment.insert("MINE".to_owned(), "1".to_owned())));
    let script = script();
    let command = "env; cat /proc/self/environ /proc/1/environ";
    let options = CallOptions::default();
    let report = hands.sandbox.call(&script, command, options).await;
    let told = text(report.outcome);
    assert!(told.contains("MINE=1"), "{told}");
    for (name, value) in std::env::vars() {
        if value.len() > 8 {
            assert!(!told.contains(&value), "{name}: {told}");
        }
    }
}

#[tokio::test]
async fn state_is_a_tools_own_and_a_sandboxs_own() {
    let (one, other) = (hands(|_| ()), hands(|_| ()));
    let count = json!({"do": "count"});
    let hostile = probe("hostile");
    assert_eq!(text(one.call(&hostile, count.clone()).await), "1");
    assert_eq!(text(one.call(&hostile, count.clone()).await), "2");
    let guest = glovebox_guests::find(Kind::Probe, "hostile").unwrap();
    let namesake = engine().load("tool_other", &guest.wasm()).unwrap();
    assert_eq!(text(one.call(&namesake, count.clone()).await), "1");
    assert_eq!(text(other.call(&hostile, count).await), "1");
}

#[tokio::test]
async fn another_sessions_files_are_not_there() {
    let (one, other) = (hands(|_| ()), hands(|_| ()));
    std::fs::write(other.workspace.path().join("secret"), "theirs").unwrap();
    let theirs = other.workspace.path().display().to_string();
    let up = "../".repeat(20);
    for command in [
        format!("cat {theirs}/secret"),
        format!("cat {up}{theirs}/secret"),
        format!("ln -s {theirs} link; cat link/secret"),
        format!("ln {theirs}/secret hard; cat hard"),
        format!("cat /proc/self/root{theirs}/secret /proc/self/cwd/../..{theirs}/secret"),
    ] {
        let options = CallOptions::default();
        let report = one.sandbox.call(&script(), &command, options).await;
        let told = format!("{:?}", report.outcome);
        assert!(!told.contains("theirs"), "{command}: {told}");
    }
}
