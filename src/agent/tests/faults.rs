//! Crashes at every step in turn: a scenario is played, the process dies at step N, another one takes over, and whatever
//! N was, the session finishes and nothing is lost or done twice.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::fakes::{
    Fault, Line, agents, call, message, new_session, says, text, thinking, written,
};
use super::world::{World, world};
use crate::agent::{Agents, Options, Previews};
use crate::model::ModelError;
use crate::resources::event::{SentEvent, Verdict};
use crate::session::{Event, Record, Rules, Step, decide, fold};

/// A client that works from the history alone, so that it does not care which process it talks to.
async fn client(agents: &Agents, world: &World) {
    let id = match world.session() {
        Some(id) => id,
        None => {
            let session = agents
                .create_session(new_session(&["first"]))
                .await
                .unwrap();
            session["id"].as_str().unwrap().to_owned()
        }
    };
    let mut stream = agents
        .subscribe("w", &id, Previews::default())
        .await
        .unwrap()
        .unwrap();
    loop {
        let history = world.history();
        let said = |wanted: &str| {
            history
                .iter()
                .any(|event| event["content"][0]["text"] == wanted)
        };
        let last = history.iter().rfind(|event| {
            event["type"]
                .as_str()
                .unwrap()
                .starts_with("session.status_")
        });
        let idle = last.filter(|event| event["type"] == "session.status_idle");
        match idle.map(|event| &event["stop_reason"]) {
            Some(reason) if reason["type"] == "requires_action" => {
                let open = reason["event_ids"].as_array().unwrap();
                let answered = |id: &&Value| {
                    !history.iter().any(|event| {
                        event["tool_use_id"] == **id || event["custom_tool_use_id"] == **id
                    })
                };
                if let Some(id) = open.iter().find(answered) {
                    let custom = history.iter().any(|event| {
                        event["id"] == *id && event["type"] == "agent.custom_tool_use"
                    });
                    let id_text = id.as_str().unwrap().to_owned();
                    let answer = if custom {
                        let content = Some(vec![text("42")]);
                        SentEvent::UserCustomToolResult {
                            custom_tool_use_id: id_text,
                            content,
                            is_error: None,
                        }
                    } else {
                        SentEvent::UserToolConfirmation {
                            tool_use_id: id_text,
                            result: Verdict::Allow,
                            deny_message: None,
                        }
                    };
                    agents.send("w", &id_of(world), vec![answer]).await.unwrap();
                    continue;
                }
            }
            Some(_) if !said("second") => {
                agents
                    .send("w", &id_of(world), vec![message("second")])
                    .await
                    .unwrap();
                continue;
            }
            Some(_)
                if history
                    .iter()
                    .any(|event| event["content"][0]["text"] == "bye") =>
            {
                return;
            }
            _ => {}
        }
        stream.next().await.expect("the stream goes on");
    }
}

fn id_of(world: &World) -> String {
    world.session().unwrap()
}

/// One life: until the client is content, or the fuse blows.
fn live(world: &Arc<World>, script: &[Line], life: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let agents = agents(world, script, life, Options::default());
        agents.recover().await.unwrap();
        let content = async {
            tokio::time::timeout(Duration::from_secs(20), client(&agents, world))
                .await
                .unwrap_or_else(|_| {
                    panic!("stuck at\n{}", super::transcripts::lines(&world.history()));
                });
        };
        tokio::select! {
            () = content => {}
            () = world.fuse.blown.notified() => {}
        }
    });
    // Dropping the runtime drops every task wherever it is, as a killed process would.
}

fn check(world: &World, before: &[Value]) {
    let history = world.history();
    let transcript = super::transcripts::lines(&history);
    let ids: HashSet<&str> = history
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), history.len(), "an id occurs twice");
    for event in before {
        let kept = history.iter().any(|kept| {
            kept["id"] == event["id"] && (kept == event || event["processed_at"].is_null())
        });
        assert!(kept, "lost {event}");
    }
    for text in ["first", "second"] {
        let said = history
            .iter()
            .filter(|event| event["type"] == "user.message" && event["content"][0]["text"] == text);
        assert_eq!(said.count(), 1, "{text} in\n{transcript}");
    }
    let count = |kind: &str, field: &str, id: &Value| {
        history
            .iter()
            .filter(|event| event["type"].as_str().unwrap().ends_with(kind) && event[field] == *id)
            .count()
    };
    for event in &history {
        let id = &event["id"];
        match event["type"].as_str().unwrap() {
            "span.model_request_start" => {
                assert_eq!(
                    count("model_request_end", "model_request_start_id", id),
                    1,
                    "{transcript}"
                );
            }
            "agent.tool_use" => assert_eq!(
                count("agent.tool_result", "tool_use_id", id),
                1,
                "{transcript}"
            ),
            "agent.custom_tool_use" => {
                assert_eq!(
                    count("user.custom_tool_result", "custom_tool_use_id", id),
                    1,
                    "{transcript}"
                );
            }
            _ => {}
        }
        assert!(!event["processed_at"].is_null(), "{event} still waits");
    }
    files_agree(world);
    let runs = world.runs.lock().unwrap();
    for event in history
        .iter()
        .filter(|event| event["type"] == "agent.tool_use" && event["name"] != "read")
    {
        let runs = runs
            .get(event["id"].as_str().unwrap())
            .copied()
            .unwrap_or(0);
        assert!(runs <= 1, "{} ran {runs} times", event["id"]);
    }
}

/// With each result, the files are what the calls wrote that have answered by then, and nothing of any other.
fn files_agree(world: &World) {
    let mut files = Vec::new();
    let mut answered = Vec::new();
    for entry in world.entries() {
        let record = Record::decode(entry).unwrap();
        match record.event {
            Event::Files { root, .. } => files = written(Some(&root)),
            Event::AgentToolResult {
                tool_use_id,
                content,
                ..
            } => {
                let text = content[0]["text"].as_str().unwrap();
                if text.contains(", after") && !text.starts_with("read") {
                    answered.extend(["began", "ended"].map(|what| format!("{tool_use_id}:{what}")));
                }
                assert_eq!(files, answered, "after {text}");
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn files_that_cannot_be_saved_are_as_before_the_call() {
    let world = world();
    *world.full.lock().unwrap() = true;
    let script = [
        says([call("t1", "write")]),
        says([call("t2", "read")]),
        says([call("t3", "write")]),
        says([text("bye")]),
    ];
    world.stuck.lock().unwrap().push("read");
    let agents = agents(&world, &script, 0, Options::default());
    agents
        .create_session(new_session(&["first"]))
        .await
        .unwrap();
    world.sticking.notified().await;
    // The first call is over by now, and the second has been begun twice at most.
    *world.full.lock().unwrap() = false;
    world.stuck.lock().unwrap().clear();
    agents.shutdown().await;
    let agents = self::agents(&world, &script, 1, Options::default());
    agents.recover().await.unwrap();
    let idle = || {
        let history = world.history();
        history
            .last()
            .is_some_and(|event| event["type"] == "session.status_idle")
    };
    while !idle() {
        tokio::task::yield_now().await;
    }
    let history = world.history();
    let results: Vec<&str> = history
        .iter()
        .filter(|event| event["type"] == "agent.tool_result")
        .map(|event| event["content"][0]["text"].as_str().unwrap())
        .collect();
    assert!(
        results[0].starts_with("The files could not be saved"),
        "{results:?}"
    );
    assert!(results[2].starts_with("write of \"t3\""), "{results:?}");
    files_agree(&world);
}

fn script() -> Vec<Line> {
    let calls = [
        thinking(),
        text("look"),
        call("t1", "read"),
        call("t2", "read"),
        call("t3", "write"),
        call("t4", "nothing"),
    ];
    let asks = [
        call("t5", "bash"),
        call("t6", "ask_human"),
        call("t7", "write"),
    ];
    let faults = vec![Fault::Refuse(ModelError::Overloaded), Fault::Break];
    vec![
        says(calls),
        says(asks),
        Line {
            faults,
            blocks: vec![text("half way")],
        },
        says([call("t8", "write")]),
        says([text("bye")]),
    ]
}

#[test]
fn a_crash_at_any_step_loses_nothing_and_does_nothing_twice() {
    let whole = world();
    live(&whole, &script(), 0);
    check(&whole, &[]);
    let steps = whole.fuse.steps();
    assert!(steps > 50, "{steps} steps are too few to mean anything");
    for step in 1..=steps {
        let world = world();
        world.fuse.set(step);
        live(&world, &script(), 0);
        let before = world.history();
        world.fuse.set(0);
        live(&world, &script(), 1);
        check(&world, &before);
    }
}

#[test]
fn two_crashes_are_no_worse_than_one() {
    for step in 1..=90 {
        let world = world();
        for (life, step) in [(0, step), (1, 1 + step % 13)] {
            world.fuse.set(step);
            live(&world, &script(), life);
        }
        let before = world.history();
        world.fuse.set(0);
        live(&world, &script(), 2);
        check(&world, &before);
    }
}

#[test]
fn a_call_with_effects_that_was_running_is_not_run_again_and_says_so() {
    let results: Vec<String> = (1..=12)
        .filter_map(|step| {
            let world = world();
            world.fuse.set(step);
            let script = [
                says([call("t1", "write")]),
                says([text("x")]),
                says([text("bye")]),
            ];
            live(&world, &script, 0);
            let began = world.runs.lock().unwrap().len() == 1;
            let history = world.history();
            let open = began
                && !history
                    .iter()
                    .any(|event| event["type"] == "agent.tool_result");
            world.fuse.set(0);
            live(&world, &script, 1);
            check(&world, &history);
            let result = world
                .history()
                .into_iter()
                .find(|event| event["type"] == "agent.tool_result")
                .unwrap();
            open.then(|| result["content"][0]["text"].as_str().unwrap().to_owned())
        })
        .collect();
    assert!(!results.is_empty());
    assert!(
        results.iter().all(|text| text == crate::session::LOST),
        "{results:?}"
    );
}

/// Logs of whole lives, to be cut anywhere.
fn logs() -> Vec<Vec<Value>> {
    [0, 7, 20, 33, 48, 61]
        .into_iter()
        .map(|step| {
            let world = world();
            world.fuse.set(step);
            live(&world, &script(), 0);
            world.fuse.set(0);
            live(&world, &script(), 1);
            world.entries()
        })
        .collect()
}

proptest! {
    #[test]
    fn a_log_folds_the_same_wherever_the_process_restarts(which in 0_usize..6, cut in any::<prop::sample::Index>()) {
        static LOGS: std::sync::OnceLock<Vec<Vec<Value>>> = std::sync::OnceLock::new();
        let records: Vec<Record> =
            LOGS.get_or_init(logs)[which].iter().map(|entry| Record::decode(entry.clone()).unwrap()).collect();
        let cut = 1 + cut.index(records.len());
        let whole = fold(records.clone()).unwrap();
        let mut resumed = fold(records[..cut].iter().map(|record| Record::decode(record.encode()).unwrap())).unwrap();
        for record in &records[cut..] {
            resumed.apply(record.clone());
        }
        prop_assert_eq!(&whole, &resumed);
        prop_assert_eq!(decide(&whole, &Rules::default()), Step::Rest);
    }
}
