//! A model that says what a test tells it to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use glovebox::model::{
    BlockKind, Model, ModelError, ModelEvent, Request, ResponseStream, StopReason, Usage,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// One part of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Text, in the pieces it arrives in.
    Text(Vec<&'static str>),
    /// A call of a tool.
    Call(String, Value),
    /// Nothing until [`ScriptedModel::go_on`].
    Wait,
}

/// Plays answers in order; when there are none left it says `done`.
#[derive(Clone, Default)]
pub(crate) struct ScriptedModel(Arc<Inner>);

struct Inner {
    answers: Mutex<VecDeque<Vec<Part>>>,
    tools: Mutex<Vec<Value>>,
    waiting: Semaphore,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            answers: Mutex::default(),
            tools: Mutex::default(),
            waiting: Semaphore::new(0),
        }
    }
}

impl ScriptedModel {
    /// Adds an answer.
    pub(crate) fn will_say(&self, parts: Vec<Part>) {
        self.0.answers.lock().unwrap().push_back(parts);
    }

    /// The tools it was last offered.
    pub(crate) fn tools(&self) -> Vec<Value> {
        self.0.tools.lock().unwrap().clone()
    }

    /// Lets one [`Part::Wait`] pass.
    pub(crate) fn go_on(&self) {
        self.0.waiting.add_permits(1);
    }
}

#[async_trait]
impl Model for ScriptedModel {
    async fn stream(&self, request: Request) -> Result<ResponseStream, ModelError> {
        *self.0.tools.lock().unwrap() = request.tools;
        let parts = self
            .0
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| vec![Part::Text(vec!["done"])]);
        let usage = Usage {
            input_tokens: 10,
            output_tokens: 5,
            ..Usage::default()
        };
        let mut steps = vec![Some(ModelEvent::MessageStart {
            id: "msg_1".into(),
            model: "m".into(),
            usage,
        })];
        let mut index = 0;
        let mut stop_reason = StopReason::EndTurn;
        for part in parts {
            match part {
                Part::Wait => {
                    steps.push(None);
                    continue;
                }
                Part::Call(name, input) => {
                    let id = format!("toolu_{index}");
                    let block = json!({"type": "tool_use", "id": id, "name": name, "input": input});
                    let kind = BlockKind::ToolUse { id, name };
                    steps.push(Some(ModelEvent::BlockStart { index, kind }));
                    steps.push(Some(ModelEvent::BlockStop { index, block }));
                    stop_reason = StopReason::ToolUse;
                }
                Part::Text(pieces) => {
                    steps.push(Some(ModelEvent::BlockStart {
                        index,
                        kind: BlockKind::Text,
                    }));
                    steps.extend(pieces.iter().map(|text| {
                        Some(ModelEvent::TextDelta {
                            index,
                            text: (*text).to_owned(),
                        })
                    }));
                    steps.push(Some(ModelEvent::BlockStop {
                        index,
                        block: json!({"type": "text", "text": pieces.concat()}),
                    }));
                }
            }
            index += 1;
        }
        steps.push(Some(ModelEvent::MessageStop {
            stop_reason,
            stop_details: Value::Null,
            usage,
        }));
        let inner = self.0.clone();
        let events = futures::stream::iter(steps).filter_map(move |step| {
            let inner = inner.clone();
            async move {
                if step.is_none() {
                    inner.waiting.acquire().await.unwrap().forget();
                }
                step.map(Ok)
            }
        });
        Ok(events.boxed())
    }
}
