//! `glovebox:tool@0.2.0`, as a tool written by hand sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use glovebox_runtime::{Allowance, CallOptions, CallReport, Component, Outcome};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::kernel::{Hands, hands, probe, text, tool};
use crate::wat_tool::WatTool;

#[tokio::test]
async fn both_versions_are_served() {
    let hands = hands(|_| ());
    let newest = WatTool::default().load();
    assert_eq!(newest.contract(), Some("0.2.0"));
    let description = hands.sandbox.describe(&newest).await.unwrap();
    assert_eq!(
        (description.name.as_str(), description.text.as_str()),
        ("probe", "a probe")
    );
    assert_eq!(description.wishes, Allowance::nothing());
    assert_eq!(text(hands.call(&newest, json!({})).await), "fine");
    assert_eq!(tool("read").kind(), newest.kind());
}

#[tokio::test]
async fn wishes_are_told_and_checked() {
    let hands = hands(|_| ());
    // Hosts at 288: one, at 4096, of the text at 4112; a CPU limit at 344.
    let items = r#"(data (i32.const 288) "\00\10\00\00\01\00\00\00")
        (data (i32.const 4096) "\10\10\00\00\05\00\00\00") (data (i32.const 4112) "a.org")
        (data (i32.const 344) "\01\00\00\00\00\00\00\00\05\00\00\00\00\00\00\00")"#;
    let wishing = |items: &str| {
        WatTool {
            items,
            ..WatTool::default()
        }
        .load()
    };
    let description = hands.sandbox.describe(&wishing(items)).await.unwrap();
    let expected = json!({"hosts": ["a.org"], "limits": {"cpu_ms": 5}});
    assert_eq!(description.wishes, Allowance::parse(&expected).unwrap());
    let error = hands
        .sandbox
        .describe(&wishing(&items.replace("a.org", "a/org")))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("hosts[0]"), "{error}");
}

/// Calls it and cancels it a moment later.
async fn cancel(hands: &Hands, tool: &Component, input: &str) -> CallReport {
    let cancelled = CancellationToken::new();
    let options = CallOptions {
        cancelled: Some(cancelled.clone()),
        ..CallOptions::default()
    };
    let cancel = async {
        while hands.sandbox.live_processes() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        cancelled.cancel();
    };
    let (report, ()) = tokio::join!(hands.sandbox.call(tool, input, options), cancel);
    assert_eq!(hands.sandbox.live_processes(), 0);
    report
}

const CANCELLED: &str =
    r#"(import "glovebox:tool/context@0.2.0" "cancelled" (func $cancelled (result i32)))"#;

#[tokio::test]
async fn a_tool_that_asks_answers_with_what_it_has() {
    let hands = hands(|_| ());
    let asks = WatTool {
        imports: CANCELLED,
        call: "(loop $wait (br_if $wait (i32.eqz (call $cancelled))))
            (call $answer (i32.const 16) (i32.const 4))",
        ..WatTool::default()
    };
    let report = cancel(&hands, &asks.load(), "{}").await;
    assert_eq!(text(report.outcome), "fine");
}

#[tokio::test]
async fn a_tool_that_does_not_come_to_an_end_is_ended() {
    let hands = hands(|_| ());
    // It could ask, and does not care.
    let deaf = WatTool {
        imports: CANCELLED,
        call: "(drop (call $cancelled)) (loop $on (br $on)) unreachable",
        ..WatTool::default()
    };
    let report = cancel(&hands, &deaf.load(), "{}").await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert!(report.usage.wall >= Duration::from_secs(1), "{report:?}");
    // It could not ask.
    let report = cancel(&hands, &probe("hostile"), r#"{"do":"spin"}"#).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    let report = cancel(&hands, &probe("hostile"), r#"{"do":"sleep"}"#).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn progress_is_cut_and_slowed_down() {
    let hands = hands(|_| ());
    let talkative = WatTool {
        imports: r#"(import "glovebox:tool/context@0.2.0" "progress" (func $progress (param i32 i32 i32 f64)))"#,
        items: "(global $left (mut i32) (i32.const 10000))",
        call: "(memory.fill (i32.const 4096) (i32.const 120) (i32.const 2000))
            (loop $on
                (call $progress (i32.const 4096) (i32.const 2000) (i32.const 1) (f64.const 0.5))
                (global.set $left (i32.sub (global.get $left) (i32.const 1)))
                (br_if $on (global.get $left)))
            (call $answer (i32.const 16) (i32.const 4))",
        ..WatTool::default()
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let options = CallOptions {
        on_progress: Some(Arc::new(move |progress| {
            sink.lock().unwrap().push(progress)
        })),
        ..CallOptions::default()
    };
    let report = hands.sandbox.call(&talkative.load(), "{}", options).await;
    assert_eq!(text(report.outcome), "fine");
    let seen = seen.lock().unwrap();
    let seconds = usize::try_from(report.usage.wall.as_secs()).unwrap() + 1;
    assert!((10..=10 * seconds).contains(&seen.len()), "{}", seen.len());
    assert_eq!(seen[0].message, "x".repeat(1024));
    assert_eq!(seen[0].fraction, Some(0.5));
}
