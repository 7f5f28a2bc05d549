//! What clients see of typical turns, event by event, previews included.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::fakes::{Fault, Line, agents, call, message, new_session, says, text, thinking};
use super::world::{World, world};
use crate::agent::{Agents, Backoff, Options, Previews, Subscription};
use crate::model::ModelError;
use crate::resources::event::{SentEvent, Verdict};

/// A session with somebody who watches it.
struct Watched {
    world: Arc<World>,
    agents: Agents,
    id: String,
    stream: Subscription,
    seen: Vec<Value>,
}

impl Watched {
    async fn begin(script: &[Line]) -> Watched {
        Self::begin_with(script, Options::default()).await
    }

    async fn begin_with(script: &[Line], options: Options) -> Watched {
        let world = world();
        let agents = agents(&world, script, 0, options);
        let session = agents.create_session(new_session(&[])).await.unwrap();
        let id = session["id"].as_str().unwrap().to_owned();
        let previews = Previews {
            messages: true,
            thinking: true,
        };
        let stream = agents.subscribe("w", &id, previews).await.unwrap().unwrap();
        Watched {
            world,
            agents,
            id,
            stream,
            seen: Vec::new(),
        }
    }

    async fn send(&self, events: Vec<SentEvent>) -> Vec<Value> {
        self.agents.send("w", &self.id, events).await.unwrap()
    }

    async fn refused(&self, event: SentEvent) -> String {
        self.agents
            .send("w", &self.id, vec![event])
            .await
            .unwrap_err()
            .to_string()
    }

    /// Reads until an event of this type.
    async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(10), self.stream.next()).await;
            let frame = frame
                .unwrap_or_else(|_| panic!("no {kind} after {:#?}", self.seen))
                .expect("the stream goes on");
            let event: Value = serde_json::from_str(&frame.data).unwrap();
            assert_eq!(event["type"].as_str(), frame.event_type.as_deref());
            self.seen.push(event.clone());
            if event["type"] == kind {
                return event;
            }
        }
    }

    async fn until_idle(&mut self) -> Value {
        self.until("session.status_idle").await
    }

    /// What was seen, one event a line, ids numbered in order of appearance. Also checks it against the history.
    fn transcript(&self) -> String {
        let persisted: Vec<&Value> = self
            .seen
            .iter()
            .filter(|event| event.get("processed_at").is_some())
            .collect();
        let history = self.world.history();
        assert_eq!(
            persisted,
            history.iter().collect::<Vec<_>>(),
            "the stream and the history are the same"
        );
        lines(&self.seen)
    }
}

/// One event a line.
pub(super) fn lines(events: &[Value]) -> String {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut last = String::new();
    let mut lines = Vec::new();
    for event in events {
        let mut event = event.clone();
        if let Some(at) = event["processed_at"].as_str() {
            assert!(at > last.as_str(), "{at} is not after {last}");
            last = at.to_owned();
        }
        let kind = event["type"].as_str().unwrap().to_owned();
        let object = event.as_object_mut().unwrap();
        for dull in [
            "type",
            "processed_at",
            "agent_name",
            "session_thread_id",
            "budget",
        ] {
            object.shift_remove(dull);
        }
        if let Some(usage) = object.get_mut("usage") {
            *usage = json!({"input_tokens": usage["input_tokens"], "output_tokens": usage["output_tokens"]});
        }
        if let Some(usage) = object.get_mut("model_usage") {
            *usage = json!(usage["output_tokens"]);
        }
        let mut line = format!("{kind} {}", Value::Object(object.clone()));
        let ids: Vec<String> = line
            .match_indices("sevt_")
            .map(|(at, _)| line[at..at + 10].to_owned())
            .collect();
        for id in ids {
            let next = format!("e{}", names.len() + 1);
            let name = names.entry(id.clone()).or_insert(next);
            line = line.replace(&id, name);
        }
        lines.push(line.replace('"', ""));
    }
    lines.join("\n")
}

fn confirm(id: &Value, result: Verdict, deny_message: Option<&str>) -> SentEvent {
    let tool_use_id = id.as_str().unwrap().to_owned();
    SentEvent::UserToolConfirmation {
        tool_use_id,
        result,
        deny_message: deny_message.map(str::to_owned),
    }
}

fn human(id: &Value, answer: &str) -> SentEvent {
    let custom_tool_use_id = id.as_str().unwrap().to_owned();
    SentEvent::UserCustomToolResult {
        custom_tool_use_id,
        content: Some(vec![text(answer)]),
        is_error: None,
    }
}

#[tokio::test]
async fn a_plain_turn() {
    let mut session = Watched::begin(&[
        says([thinking(), text("hel"), text("lo")]),
        says([text("again")]),
    ])
    .await;
    let echoes = session.send(vec![message("hi")]).await;
    assert_eq!(echoes[0]["processed_at"], Value::Null);
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
    session.seen.clear();
    session.send(vec![message("again")]).await;
    session.until_idle().await;
    let wire = session
        .agents
        .session("w", &session.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (&wire["status"], &wire["usage"]["input_tokens"]),
        (&json!("idle"), &json!(20))
    );
}

#[tokio::test]
async fn a_tool_round() {
    let calls = [
        text("let me see"),
        call("t1", "read"),
        call("t2", "read"),
        call("t3", "write"),
        call("t4", "nothing"),
    ];
    let mut session = Watched::begin(&[says(calls), says([text("done")])]).await;
    session.send(vec![message("work")]).await;
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn ask_and_allow() {
    let mut session = Watched::begin(&[says([call("t1", "bash")]), says([text("done")])]).await;
    session.send(vec![message("work")]).await;
    let idle = session.until_idle().await;
    let id = idle["stop_reason"]["event_ids"][0].clone();
    let unknown = confirm(&json!("sevt_x"), Verdict::Allow, None);
    assert_eq!(
        session.refused(unknown).await,
        "events.0.tool_use_id: no tool call 'sevt_x' waits for an answer"
    );
    assert!(
        session
            .refused(human(&id, "?"))
            .await
            .ends_with("is not the call of a custom tool")
    );
    session.send(vec![confirm(&id, Verdict::Allow, None)]).await;
    session.until_idle().await;
    assert!(
        session
            .refused(confirm(&id, Verdict::Allow, None))
            .await
            .ends_with("waits for an answer")
    );
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn ask_and_deny() {
    let mut session = Watched::begin(&[
        says([call("t1", "bash"), call("t2", "grep")]),
        says([text("a pity")]),
    ])
    .await;
    session.send(vec![message("work")]).await;
    let ids = session.until_idle().await["stop_reason"]["event_ids"].clone();
    session
        .send(vec![confirm(&ids[0], Verdict::Deny, Some("not here"))])
        .await;
    session.until_idle().await;
    session
        .send(vec![confirm(&ids[1], Verdict::Deny, None)])
        .await;
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn a_custom_tool() {
    let mut session = Watched::begin(&[
        says([call("t1", "ask_human"), call("t2", "write")]),
        says([text("done")]),
    ])
    .await;
    session.send(vec![message("work")]).await;
    let id = session.until_idle().await["stop_reason"]["event_ids"][0].clone();
    // A message does not end the pause.
    session.send(vec![message("hurry")]).await;
    assert!(
        session
            .refused(confirm(&id, Verdict::Allow, None))
            .await
            .ends_with("does not ask for a confirmation")
    );
    session.send(vec![human(&id, "42")]).await;
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn an_interrupt_cuts_the_model() {
    let cut = Line {
        faults: vec![Fault::Hang],
        blocks: vec![text("a long story")],
    };
    let mut session = Watched::begin(&[cut]).await;
    session.send(vec![message("tell")]).await;
    session.until("event_delta").await;
    session
        .send(vec![
            message("no"),
            SentEvent::UserInterrupt {
                session_thread_id: None,
            },
            message("stop"),
        ])
        .await;
    session.until_idle().await;
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn an_interrupt_closes_what_waits_for_the_user() {
    let mut session = Watched::begin(&[says([call("t1", "bash"), call("t2", "ask_human")])]).await;
    session.send(vec![message("work")]).await;
    session.until_idle().await;
    session
        .send(vec![SentEvent::UserInterrupt {
            session_thread_id: None,
        }])
        .await;
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn a_transient_failure_is_tried_again() {
    let faults = vec![Fault::Refuse(ModelError::Overloaded), Fault::Break];
    let mut session = Watched::begin(&[Line {
        faults,
        blocks: vec![text("at last")],
    }])
    .await;
    session.send(vec![message("hi")]).await;
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn retries_run_out() {
    let faults = vec![Fault::Refuse(ModelError::RateLimited { retry_after: None }); 3];
    let mut options = Options::default();
    options.rules.retries_max = 2;
    let script = [Line {
        faults,
        blocks: vec![text("fresh")],
    }];
    let mut session = Watched::begin_with(&script, options).await;
    session.send(vec![message("hi")]).await;
    session.until_idle().await;
    session.send(vec![message("and now?")]).await;
    session.until_idle().await;
    insta::assert_snapshot!(session.transcript());
}

#[tokio::test]
async fn a_rejected_request_ends_the_session() {
    let faults = vec![Fault::Refuse(ModelError::Rejected {
        status: 400,
        message: "no such thing".into(),
    })];
    let mut session = Watched::begin(&[Line {
        faults,
        blocks: vec![],
    }])
    .await;
    session.send(vec![message("hi")]).await;
    session.until("session.status_terminated").await;
    insta::assert_snapshot!(session.transcript());
    assert_eq!(
        session.refused(message("hello?")).await,
        "events: the session is terminated and accepts no events"
    );
}

#[tokio::test]
async fn an_interrupt_ends_a_running_tool() {
    let mut session = Watched::begin(&[says([call("t1", "write"), call("t2", "write")])]).await;
    session.world.stuck.lock().unwrap().push("write");
    session.send(vec![message("work")]).await;
    session.world.sticking.notified().await;
    session
        .send(vec![SentEvent::UserInterrupt {
            session_thread_id: None,
        }])
        .await;
    session.until_idle().await;
    let results = session
        .seen
        .iter()
        .filter(|event| event["type"] == "agent.tool_result");
    let texts: Vec<&Value> = results.map(|event| &event["content"][0]["text"]).collect();
    assert_eq!(texts, [crate::session::INTERRUPTED; 2]);
    session.transcript();
}

#[tokio::test]
async fn an_interrupt_ends_the_wait_for_the_next_try() {
    let faults = vec![Fault::Refuse(ModelError::Overloaded)];
    let mut session = Watched::begin(&[Line {
        faults,
        blocks: vec![text("never said")],
    }])
    .await;
    session.world.stuck.lock().unwrap().push("clock");
    session.send(vec![message("hi")]).await;
    session.world.sticking.notified().await;
    let wire = session
        .agents
        .session("w", &session.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(wire["status"], "rescheduling");
    session
        .send(vec![SentEvent::UserInterrupt {
            session_thread_id: None,
        }])
        .await;
    assert_eq!(
        session.until_idle().await["stop_reason"]["type"],
        "end_turn"
    );
    session.transcript();
}

#[tokio::test]
async fn an_interrupt_of_an_idle_session_changes_nothing() {
    let mut session = Watched::begin(&[]).await;
    session
        .send(vec![SentEvent::UserInterrupt {
            session_thread_id: None,
        }])
        .await;
    session.until("user.interrupt").await;
    assert_eq!(session.world.history().len(), 1);
}

#[tokio::test]
async fn who_loses_an_append_folds_again_and_goes_on() {
    let mut session = Watched::begin(&[says([call("t1", "write")]), says([text("done")])]).await;
    session.world.stuck.lock().unwrap().push("write");
    session.send(vec![message("work")]).await;
    session.world.sticking.notified().await;
    let foreign = session.world.entries().last().cloned().unwrap();
    session.world.stuck.lock().unwrap().clear();
    // As if another server had written: nothing of ours may be appended after it unseen.
    session.world.intrude(json!({"id": "sevt_99999", "at": foreign["at"], "type": "log.consumed", "event_id": "none"}));
    session.send(vec![message("more")]).await;
    session
        .send(vec![SentEvent::UserInterrupt {
            session_thread_id: None,
        }])
        .await;
    session.until_idle().await;
    session.transcript();
}

#[tokio::test]
async fn what_a_tool_leaves_is_there_after_a_pause() {
    let script = [
        says([call("t1", "write")]),
        says([text("one")]),
        says([call("t2", "write")]),
        says([text("two")]),
    ];
    let mut session = Watched::begin(&script).await;
    for text in ["one", "two"] {
        session.send(vec![message(text)]).await;
        session.until_idle().await;
    }
    let results = session
        .seen
        .iter()
        .filter(|event| event["type"] == "agent.tool_result");
    let texts: Vec<&Value> = results.map(|event| &event["content"][0]["text"]).collect();
    assert_eq!(
        texts,
        [r#"write of "t1", after 0"#, r#"write of "t2", after 1"#]
    );
}

#[tokio::test]
async fn a_session_that_rests_is_not_in_memory() {
    let mut session = Watched::begin(&[says([text("hello")])]).await;
    session.send(vec![message("hi")]).await;
    session.until_idle().await;
    let Watched { agents, stream, .. } = session;
    drop(stream);
    agents.shutdown().await;
    assert_eq!(agents.in_memory(), 0);
}

#[test]
fn waiting_takes_longer_each_time() {
    let default = Backoff::default();
    assert_eq!(
        [1, 2, 3, 40].map(|n| default.delay(n).as_millis()),
        [500, 1000, 2000, 30_000]
    );
}

#[tokio::test]
async fn a_session_can_be_changed_archived_and_deleted_but_not_while_it_runs() {
    let hang = Line {
        faults: vec![Fault::Hang],
        blocks: vec![text("…")],
    };
    let mut session = Watched::begin(&[hang]).await;
    session.send(vec![message("hi")]).await;
    session.until("event_delta").await;
    assert!(
        session
            .agents
            .archive_session("w", &session.id)
            .await
            .unwrap_err()
            .to_string()
            .contains("interrupt it first")
    );
    assert!(
        session
            .agents
            .delete_session("w", &session.id)
            .await
            .unwrap_err()
            .to_string()
            .contains("interrupt it first")
    );
    session
        .send(vec![SentEvent::UserInterrupt {
            session_thread_id: None,
        }])
        .await;
    session.until_idle().await;
    let patch = crate::resources::session::SessionPatch {
        title: Some(Some("t".into())),
        metadata: None,
        agent: None,
    };
    let wire = session
        .agents
        .update_session("w", &session.id, patch.clone())
        .await
        .unwrap();
    assert_eq!(wire["title"], "t");
    session
        .agents
        .update_session("w", &session.id, patch)
        .await
        .unwrap();
    assert_eq!(session.until("session.updated").await["title"], "t");
    let wire = session
        .agents
        .archive_session("w", &session.id)
        .await
        .unwrap();
    assert_eq!(
        (&wire["status"], wire["archived_at"].is_string()),
        (&json!("terminated"), true)
    );
    session.until("session.status_terminated").await;
    assert!(
        session
            .agents
            .session("other", &session.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        session
            .agents
            .delete_session("other", &session.id)
            .await
            .is_err()
    );
    session
        .agents
        .delete_session("w", &session.id)
        .await
        .unwrap();
    session.until("session.deleted").await;
    assert!(session.stream.next().await.is_none());
}
