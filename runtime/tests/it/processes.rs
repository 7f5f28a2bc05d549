//! Pipes, signals, exit statuses, background processes.

use std::time::Duration;

use glovebox_runtime::{ExitStatus, Limits, Outcome};
use serde_json::{Value, json};

use crate::kernel::{Hands, hands, probe, text};

async fn ask(hands: &Hands, what: Value) -> String {
    text(hands.call(&probe("hostile"), json!({ "do": what })).await)
}

fn stages(stages: &[&[&str]], sigpipe_kills: bool) -> Value {
    json!({"pipeline": {"stages": stages, "sigpipe_kills": sigpipe_kills}})
}

#[tokio::test]
async fn stages_of_a_pipeline_run_side_by_side() {
    let hands = hands(|_| ());
    let echo = stages(&[&["echo", "hi"], &["cat"], &["tr", "a-z", "A-Z"]], true);
    assert_eq!(ask(&hands, echo).await, "HI\n[0 0 0]");
    // More than a pipe holds, both ways.
    let much = stages(&[&["seq", "100000"], &["cat"], &["tail", "-n", "1"]], true);
    assert_eq!(ask(&hands, much).await, "100000\n[0 0 0]");
}

#[tokio::test]
async fn a_writer_dies_of_a_broken_pipe_or_is_told() {
    let hands = hands(|_| ());
    let yes: &[&[&str]] = &[&["yes"], &["head", "-n", "1"]];
    assert_eq!(ask(&hands, stages(yes, true)).await, "y\n[signal 13 0]");
    let told = ask(&hands, stages(yes, false)).await;
    assert!(
        told.starts_with("y\n") && !told.contains("signal"),
        "{told}"
    );
}

#[tokio::test]
async fn a_buffer_is_read_from_its_beginning_by_all_handles() {
    assert_eq!(
        ask(&hands(|_| ()), json!("read_back")).await,
        "hello| world"
    );
}

#[tokio::test]
async fn a_killed_child_ends_with_the_signal() {
    let said = ask(&hands(|_| ()), json!("kill_child")).await;
    assert!(
        said.starts_with("Ok(()) Status::Signalled(15) Err(Errno")
            && said.contains("no-such-process"),
        "{said}"
    );
}

#[tokio::test]
async fn foreground_children_end_with_the_call_and_background_ones_do_not() {
    let hands = hands(|_| ());
    ask(&hands, json!({"leave_child": {"background": false}})).await;
    assert_eq!(hands.sandbox.live_processes(), 0);

    let pid: u32 = ask(&hands, json!({"leave_child": {"background": true}}))
        .await
        .parse()
        .unwrap();
    assert_eq!(hands.sandbox.live_processes(), 1);
    assert_eq!(ask(&hands, json!("processes")).await, "sleep 3600,hostile");
    assert_eq!(ask(&hands, json!({"kill": pid})).await, "Ok(())");
    assert_eq!(
        ask(&hands, json!({"wait_for": pid})).await,
        "Some(Status::Signalled(9))"
    );
    assert_eq!(hands.sandbox.live_processes(), 0);

    ask(&hands, json!({"leave_child": {"background": true}})).await;
    hands.sandbox.shutdown().await;
    assert_eq!(hands.sandbox.live_processes(), 0);
}

#[tokio::test]
async fn a_tool_that_exits_has_not_answered() {
    let outcome = hands(|_| ())
        .call(&probe("hostile"), json!({"do": {"exit": 7}}))
        .await;
    assert_eq!(outcome, Outcome::Exited(ExitStatus::Exited(7)));
}

#[tokio::test]
async fn state_outlives_a_call_and_moves_between_sandboxes() {
    let (first, second) = (hands(|_| ()), hands(|_| ()));
    assert_eq!(ask(&first, json!("count")).await, "1");
    assert_eq!(ask(&first, json!("count")).await, "2");
    second.sandbox.set_tool_state(first.sandbox.tool_state());
    assert_eq!(ask(&second, json!("count")).await, "3");
    assert!(
        ask(&second, json!("store_too_much"))
            .await
            .contains("over the limit")
    );
    assert_eq!(ask(&second, json!("count")).await, "4");
}

#[tokio::test]
async fn settings_and_progress_reach_whom_they_should() {
    let hands = hands(|grant| drop(grant.settings.insert("key".to_owned(), "value".to_owned())));
    assert_eq!(
        ask(&hands, json!({"setting": "key"})).await,
        "Some(\"value\")"
    );
    assert_eq!(ask(&hands, json!({"setting": "other"})).await, "None");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = std::sync::Arc::clone(&seen);
    let options = glovebox_runtime::CallOptions {
        limits: Some(Limits {
            wall_time_max: Duration::from_secs(10),
            ..Limits::default()
        }),
        on_progress: Some(std::sync::Arc::new(move |progress| {
            sink.lock().unwrap().push(progress)
        })),
        ..glovebox_runtime::CallOptions::default()
    };
    hands
        .sandbox
        .call(&probe("hostile"), r#"{"do":"report"}"#, options)
        .await;
    let expected = glovebox_runtime::Progress {
        message: "half way".to_owned(),
        fraction: Some(0.5),
    };
    assert_eq!(*seen.lock().unwrap(), [expected]);
}
