//! What a session does when its model's server refuses, stalls, cuts the stream or sends garbage.

use serde_json::{Value, json};

use crate::process::{World, types};

/// A turn for messages that contain `word`, whose fault happens `times` times (or always).
fn turn(word: &str, mut fault: Value, times: Option<u32>) -> Value {
    if let Some(times) = times {
        fault["times"] = times.into();
    }
    json!({
        "when": {"user_contains": word},
        "blocks": [{"type": "text", "text": format!("answer to {word}")}],
        "fault": fault,
    })
}

fn errors(history: &[Value]) -> Vec<(&str, &str)> {
    let errors = history
        .iter()
        .filter(|event| event["type"] == "session.error")
        .map(|event| &event["error"]);
    errors
        .map(|error| {
            let status = error["retry_status"]["type"].as_str().unwrap();
            (error["type"].as_str().unwrap(), status)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_pass_are_retried_and_others_end_the_turn() {
    let status = |status: u16| json!({"kind": "status", "status": status});
    let world = World::new(json!([
        turn("OVERLOADED", status(529), Some(2)),
        turn(
            "LIMITED",
            json!({"kind": "status", "status": 429, "retry_after": 0}),
            Some(1)
        ),
        turn("BROKEN", status(500), Some(1)),
        turn(
            "STALLED",
            json!({"kind": "stall", "after_events": 5}),
            Some(1)
        ),
        turn("CUT", json!({"kind": "cut", "after_events": 5}), Some(1)),
        turn(
            "GARBAGE",
            json!({"kind": "garbage", "after_events": 5}),
            Some(1)
        ),
        turn("FOREVER", status(500), None),
        turn("UNPAID", status(402), None),
        turn("REFUSED", status(400), None),
    ]))
    .await;
    let server = world.start().await;

    for (word, kind, failures) in [
        ("OVERLOADED", "model_overloaded_error", 2),
        ("LIMITED", "model_rate_limited_error", 1),
        ("BROKEN", "model_request_failed_error", 1),
        ("STALLED", "model_request_failed_error", 1),
        ("CUT", "model_request_failed_error", 1),
        ("GARBAGE", "model_request_failed_error", 1),
    ] {
        let session = world.session(&server).await;
        world.say(&server, &session, word).await.unwrap();
        let history = world.finished(&server, &session).await;
        assert_eq!(
            errors(&history),
            vec![(kind, "retrying"); failures],
            "{word}"
        );
        let seen = types(&history);
        let count = |kind: &str| seen.iter().filter(|seen| **seen == kind).count();
        assert_eq!(
            count("session.status_rescheduled"),
            failures,
            "{word}: {seen:?}"
        );
        assert_eq!(
            count("session.status_running"),
            failures + 1,
            "{word}: {seen:?}"
        );
        // What had arrived of the failed attempts is not told twice, and every request that began has ended.
        assert_eq!(count("agent.message"), 1, "{word}: {seen:?}");
        assert_eq!(
            count("span.model_request_start"),
            failures + 1,
            "{word}: {seen:?}"
        );
        assert_eq!(
            count("span.model_request_end"),
            failures + 1,
            "{word}: {seen:?}"
        );
        let last = history.last().unwrap();
        assert_eq!(last["stop_reason"]["type"], "end_turn", "{word}: {last}");
    }

    let session = world.session(&server).await;
    world.say(&server, &session, "FOREVER").await.unwrap();
    let history = world.finished(&server, &session).await;
    let all = errors(&history);
    assert!(all.len() > 1, "{all:?}");
    assert_eq!(all.last().unwrap().1, "exhausted");
    assert!(
        all[..all.len() - 1]
            .iter()
            .all(|(_, status)| *status == "retrying"),
        "{all:?}"
    );
    assert_eq!(
        history.last().unwrap()["stop_reason"]["type"],
        "retries_exhausted"
    );
    // The session is not lost: the next message starts afresh.
    world.say(&server, &session, "LIMITED").await.unwrap();
    let history = world.finished(&server, &session).await;
    assert_eq!(history.last().unwrap()["stop_reason"]["type"], "end_turn");

    let session = world.session(&server).await;
    world.say(&server, &session, "UNPAID").await.unwrap();
    let history = world.finished(&server, &session).await;
    assert_eq!(errors(&history), [("billing_error", "exhausted")]);

    let session = world.session(&server).await;
    world.say(&server, &session, "REFUSED").await.unwrap();
    let history = world.finished(&server, &session).await;
    assert_eq!(
        errors(&history),
        [("model_request_failed_error", "terminal")]
    );
    assert_eq!(history.last().unwrap()["type"], "session.status_terminated");
}
