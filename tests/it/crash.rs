//! `kill -9` at random moments of a running turn: nothing is lost, nothing happens twice, the session finishes.

use std::collections::HashSet;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{World, types};

/// Kills per run. Each costs a start of the server.
const KILLS: usize = 8;

/// Eight rounds of tools, then a last word. Slow enough that a kill may strike anywhere in it.
fn turns() -> Value {
    let mut turns: Vec<Value> = (0..8)
        .map(|n| {
            let command = format!("echo {n} >> rounds.txt; sleep 0.02; wc -l < rounds.txt");
            json!({
                "delta_delay_ms": 3,
                "blocks": [
                    {"type": "text", "text": format!("This is round {n} of eight, written in some small pieces.")},
                    {"type": "tool_use", "name": "bash", "input": {"command": command}},
                    {"type": "tool_use", "name": "glob", "input": {"pattern": "*"}},
                ],
            })
        })
        .collect();
    // Whatever more the user says gets the last word as well.
    turns.push(
        json!({"when": {"answers": 8}, "blocks": [{"type": "text", "text": "That was all."}]}),
    );
    turns.push(json!({"when": {"answers": 9}, "blocks": [{"type": "text", "text": "Really."}]}));
    turns.push(json!({"when": {"answers": 10}, "blocks": [{"type": "text", "text": "Really."}]}));
    Value::Array(turns)
}

fn ids(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect()
}

/// What is settled: the events that have been processed. Those that wait are listed after them.
fn settled(events: &[Value]) -> &[Value] {
    let count = events
        .iter()
        .take_while(|event| !event["processed_at"].is_null())
        .count();
    &events[..count]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_goes_on_where_it_was() {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let world = World::new(turns()).await;
    let mut server = world.start().await;
    let session = world.session(&server).await;
    let echo = world.say(&server, &session, "Go.").await.unwrap();
    let mut accepted = vec![echo["data"][0]["id"].as_str().unwrap().to_owned()];
    let mut seen: Vec<Value> = Vec::new();

    for kill in 0..KILLS {
        if kill == KILLS / 2 {
            let echo = world.say(&server, &session, "And more.").await.unwrap();
            accepted.push(echo["data"][0]["id"].as_str().unwrap().to_owned());
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..150))).await;
        let before = world.history(&server, &session).await.unwrap();
        // A last look just before, so that the kill often strikes between two appends.
        server.kill();
        server = world.start().await;
        let after = world.history(&server, &session).await.unwrap();
        let before = settled(&before);
        assert_eq!(
            ids(&after)[..before.len().min(after.len())],
            ids(before),
            "kill {kill}: history has changed"
        );
        assert!(
            before.iter().zip(&after).all(|(old, new)| old == new),
            "kill {kill}: an event has changed"
        );
        assert!(
            seen.iter().zip(&after).all(|(old, new)| old == new),
            "kill {kill}: an older event has changed"
        );
        seen = before.to_vec();
    }

    let history = world.finished(&server, &session).await;
    let all: HashSet<&str> = ids(&history).into_iter().collect();
    assert_eq!(all.len(), history.len(), "an event is there twice");
    for id in &accepted {
        assert!(all.contains(id.as_str()), "an accepted message is lost");
    }
    let of = |kind: &str| {
        history
            .iter()
            .filter(|event| event["type"] == kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("user.message").len(), accepted.len());
    let (uses, results) = (of("agent.tool_use"), of("agent.tool_result"));
    assert_eq!(uses.len(), 16, "{:?}", types(&history));
    for call in &uses {
        let answers = results
            .iter()
            .filter(|result| result["tool_use_id"] == call["id"])
            .count();
        assert_eq!(answers, 1, "a call has {answers} results: {call}");
    }
    assert_eq!(
        of("span.model_request_start").len(),
        of("span.model_request_end").len()
    );
    let last = history.last().unwrap();
    assert_eq!(last["stop_reason"]["type"], "end_turn", "{last}");
    let times: Vec<&str> = history
        .iter()
        .map(|event| event["processed_at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");

    let path = format!("/v1/sessions/{session}");
    let session = world.ask(&server, Method::GET, &path, None).await;
    assert_eq!(session["status"], "idle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_leaves_running_turns_to_the_next() {
    let world = World::new(turns()).await;
    let server = world.start().await;
    let session = world.session(&server).await;
    world.say(&server, &session, "Go.").await.unwrap();
    let before = world.history(&server, &session).await.unwrap();
    assert!(server.terminate().success());
    let server = world.start().await;
    let history = world.finished(&server, &session).await;
    assert_eq!(
        ids(&history)[..settled(&before).len()],
        ids(settled(&before))
    );
    assert_eq!(history.last().unwrap()["stop_reason"]["type"], "end_turn");
}
