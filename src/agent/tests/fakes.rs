//! A model that plays a script, hands that count, a clock that never waits, ids that count.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};

use super::world::World;
use crate::agent::hands::{Hands, HandsError, Opening, ToolCall, Workshop};
use crate::agent::{Agents, NewSession, Options, Parts};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::model::{
    BlockKind, Model, ModelError, ModelEvent, Request, ResponseStream, Role, StopReason, Usage,
};
use crate::resources::component::Components;
use crate::resources::environment::Environment;
use crate::resources::event::SentEvent;
use crate::resources::session::SessionAgent;
use crate::tools::{CallResult, Catalogue, Description, Effects, Ending};

/// One answer of the script.
#[derive(Clone)]
pub(super) struct Line {
    /// What goes wrong first, once each in the life of the world.
    pub(super) faults: Vec<Fault>,
    pub(super) blocks: Vec<Value>,
}

#[derive(Clone)]
pub(super) enum Fault {
    /// The request fails at once.
    Refuse(ModelError),
    /// The first block arrives, then the stream breaks.
    Break,
    /// The first block arrives, then nothing.
    Hang,
}

pub(super) fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

pub(super) fn thinking() -> Value {
    json!({"type": "thinking", "thinking": "hm", "signature": "s"})
}

pub(super) fn call(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {"of": id}})
}

pub(super) fn says(blocks: impl Into<Vec<Value>>) -> Line {
    Line {
        faults: Vec::new(),
        blocks: blocks.into(),
    }
}

/// Answers by how often it has spoken in the conversation, so that asking again gives the same answer.
pub(super) struct ScriptedModel {
    pub(super) script: Vec<Line>,
    pub(super) faults_played: Mutex<BTreeMap<usize, usize>>,
    pub(super) world: Arc<World>,
}

#[async_trait]
impl Model for ScriptedModel {
    async fn stream(&self, request: Request) -> Result<ResponseStream, ModelError> {
        self.world.fuse.step().await;
        check(&request);
        let line = request
            .messages
            .iter()
            .filter(|message| message.role == Role::Assistant)
            .count();
        let Line { faults, blocks } = self.script[line].clone();
        let fault = {
            let mut played = self.faults_played.lock().unwrap();
            let played = played.entry(line).or_default();
            *played += 1;
            faults.get(*played - 1).cloned()
        };
        let usage = Usage {
            input_tokens: 10,
            output_tokens: 5,
            ..Usage::default()
        };
        let begin = |index: usize, block: &Value| {
            let kind = match block["type"].as_str().unwrap() {
                "text" => BlockKind::Text,
                "thinking" => BlockKind::Thinking,
                _ => BlockKind::ToolUse {
                    id: block["id"].to_string(),
                    name: block["name"].to_string(),
                },
            };
            let delta = block["text"].as_str().map(|text| ModelEvent::TextDelta {
                index,
                text: text.to_owned(),
            });
            [Some(ModelEvent::BlockStart { index, kind }), delta]
                .into_iter()
                .flatten()
        };
        let start = ModelEvent::MessageStart {
            id: "msg".into(),
            model: request.model,
            usage: Usage::default(),
        };
        let mut events = vec![Ok(start)];
        match fault {
            Some(Fault::Refuse(error)) => return Err(error),
            Some(Fault::Break) => {
                events.extend(begin(0, &blocks[0]).map(Ok));
                events.push(Err(ModelError::Transient {
                    message: "the connection broke".into(),
                }));
                Ok(stream::iter(events).boxed())
            }
            Some(Fault::Hang) => {
                events.extend(begin(0, &blocks[0]).map(Ok));
                Ok(stream::iter(events).chain(stream::pending()).boxed())
            }
            None => {
                for (index, block) in blocks.iter().enumerate() {
                    events.extend(begin(index, block).map(Ok));
                    events.push(Ok(ModelEvent::BlockStop {
                        index,
                        block: block.clone(),
                    }));
                }
                let calls = blocks.iter().any(|block| block["type"] == "tool_use");
                let stop_reason = if calls {
                    StopReason::ToolUse
                } else {
                    StopReason::EndTurn
                };
                events.push(Ok(ModelEvent::MessageStop {
                    stop_reason,
                    stop_details: Value::Null,
                    usage,
                }));
                Ok(stream::iter(events).boxed())
            }
        }
    }
}

/// What the Messages API demands of a conversation.
fn check(request: &Request) {
    let messages = &request.messages;
    assert_eq!(messages[0].role, Role::User);
    for pair in messages.windows(2) {
        assert_ne!(pair[0].role, pair[1].role, "turns alternate");
        let called = |block: &&Value| block["type"] == "tool_use";
        let called: Vec<&Value> = pair[0]
            .content
            .iter()
            .filter(called)
            .map(|block| &block["id"])
            .collect();
        let answered = |block: &&Value| block["type"] == "tool_result";
        let answered: Vec<&Value> = pair[1]
            .content
            .iter()
            .take_while(answered)
            .map(|block| &block["tool_use_id"])
            .collect();
        assert_eq!(
            called, answered,
            "every call has its result, at the beginning of the next turn"
        );
    }
}

/// Gives hands that count how often each call has begun.
pub(super) struct CountingWorkshop(pub(super) Arc<World>);

struct CountingHands {
    world: Arc<World>,
    left: Mutex<BTreeMap<String, Bytes>>,
    /// What calls have written: each when it begins, and when it ends.
    files: Mutex<Vec<String>>,
    saved: Mutex<Vec<String>>,
}

/// The files that a root stands for, in these tests.
pub(super) fn written(root: Option<&str>) -> Vec<String> {
    root.map_or(Vec::new(), |root| {
        root.split(' ').map(str::to_owned).collect()
    })
}

#[async_trait]
impl Workshop for CountingWorkshop {
    async fn open(&self, opening: Opening<'_>) -> Result<Box<dyn Hands>, HandsError> {
        let files = written(opening.files);
        Ok(Box::new(CountingHands {
            world: Arc::clone(&self.0),
            left: Mutex::default(),
            saved: Mutex::new(files.clone()),
            files: Mutex::new(files),
        }))
    }

    async fn discard(&self, _: &str) -> Result<(), HandsError> {
        Ok(())
    }
}

#[async_trait]
impl Hands for CountingHands {
    async fn call(&self, call: ToolCall<'_>) -> CallResult {
        self.world.fuse.step().await;
        *self
            .world
            .runs
            .lock()
            .unwrap()
            .entry(call.id.to_owned())
            .or_default() += 1;
        let write = |what: &str| {
            if call.tool != "read" {
                let line = format!("{}:{what}", call.id);
                self.files.lock().unwrap().push(line);
            }
        };
        write("began");
        self.world.fuse.step().await;
        self.world.stick(call.tool).await;
        write("ended");
        let mut left = self.left.lock().unwrap();
        let before = left.get(call.tool).map_or(0, |state| state.len());
        left.insert(call.tool.to_owned(), Bytes::from(vec![b'x'; before + 1]));
        CallResult {
            content: vec![text(&format!(
                "{} of {}, after {before}",
                call.tool, call.input["of"]
            ))],
            is_error: false,
            ending: Ending::Answered,
        }
    }

    fn state_left(&self, tool: &str) -> Option<(String, Bytes)> {
        let left = self.left.lock().unwrap().get(tool).cloned();
        Some((tool.to_owned(), left?))
    }

    fn set_tool_state(&self, state: BTreeMap<String, Bytes>) {
        *self.left.lock().unwrap() = state;
    }

    async fn commit(&self) -> Result<Option<String>, HandsError> {
        self.world.fuse.step().await;
        let files = self.files.lock().unwrap().clone();
        if *self.world.full.lock().unwrap() {
            return Err(HandsError::new("saving", "the disk is full"));
        }
        let mut saved = self.saved.lock().unwrap();
        if *saved == files {
            return Ok(None);
        }
        saved.clone_from(&files);
        Ok(Some(files.join(" ")))
    }

    async fn keep(&self, _: &str, _: &Bytes) -> Result<String, HandsError> {
        Ok("kept".into())
    }

    async fn kept(&self, _: &str) -> Result<Bytes, HandsError> {
        Ok(Bytes::new())
    }

    async fn close(&self) {}
}

/// A millisecond passes each time somebody looks, and waiting is a step.
pub(super) struct SteppingClock {
    pub(super) milliseconds: AtomicI64,
    pub(super) world: Arc<World>,
}

#[async_trait]
impl Clock for SteppingClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.milliseconds.fetch_add(1, Ordering::SeqCst)).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        assert!(duration > Duration::ZERO);
        self.world.fuse.step().await;
        self.world.stick("clock").await;
    }
}

pub(super) struct CountingIds(pub(super) AtomicU64);

impl Ids for CountingIds {
    fn next(&self, prefix: &str) -> String {
        format!("{prefix}_{:05}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A process over a world. `life` counts the processes before it.
pub(super) fn agents(world: &Arc<World>, script: &[Line], life: u64, options: Options) -> Agents {
    let model = ScriptedModel {
        script: script.to_vec(),
        faults_played: Mutex::default(),
        world: Arc::clone(world),
    };
    let mut catalogue = Catalogue::default();
    for (name, effects) in [
        ("read", Effects::None),
        ("write", Effects::Some),
        ("bash", Effects::Some),
        ("grep", Effects::Some),
    ] {
        let input_schema = json!({"type": "object"});
        catalogue.insert(
            name,
            Description {
                text: name.into(),
                input_schema,
                effects,
                wishes: None,
            },
        );
    }
    Agents::new(Parts {
        log: Arc::clone(world) as _,
        documents: Arc::clone(world) as _,
        model: Arc::new(model),
        workshop: Arc::new(CountingWorkshop(Arc::clone(world))),
        catalogue: Arc::new(catalogue),
        clock: Arc::new(SteppingClock {
            milliseconds: AtomicI64::new(1_000_000 * i64::try_from(life).unwrap()),
            world: Arc::clone(world),
        }),
        ids: Arc::new(CountingIds(AtomicU64::new(life * 10_000))),
        options,
    })
}

/// A session whose agent may `read`, `write`, is asked before `bash`, and has the custom tool `ask_human`.
pub(super) fn new_session(messages: &[&str]) -> NewSession {
    let body = json!({
        "name": "worker", "model": "claude-x", "tools": [
            {"type": "agent_toolset_20260401", "configs": [
                {"name": "bash", "permission_policy": {"type": "always_ask"}},
                {"name": "grep", "permission_policy": {"type": "auto"}},
                {"name": "edit", "enabled": false}]},
            {"type": "custom", "name": "ask_human", "description": "asks", "input_schema": {"type": "object"}},
        ],
    });
    let agent = crate::resources::agent::Agent::create(
        &body,
        "agent_1".into(),
        "2026-01-01T00:00:00Z",
        &Components::default(),
    )
    .unwrap();
    let agent = SessionAgent {
        id: agent.id,
        version: agent.version,
        definition: agent.definition,
    };
    let environment = Environment::create(
        &json!({"name": "e"}),
        "env_1".into(),
        "2026-01-01T00:00:00Z",
    )
    .unwrap();
    NewSession {
        workspace: "w".into(),
        agent,
        environment,
        title: None,
        metadata: Default::default(),
        initial_events: messages.iter().map(|text| message(text)).collect(),
    }
}

pub(super) fn message(content: &str) -> SentEvent {
    SentEvent::UserMessage {
        content: vec![text(content)],
    }
}
