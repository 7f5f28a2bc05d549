//! One model request: from the state to a request, from the stream to previews and an answer.

use std::collections::HashMap;

use futures::StreamExt;
use serde_json::Value;

use super::hub::{Hub, Preview};
use super::live::Setup;
use crate::ids::Ids;
use crate::model::{
    BlockKind, Message, Model, ModelError, ModelEvent, Request, Role, StopReason, Usage,
};
use crate::resources::model_config::{Effort, Speed};
use crate::session::{
    Answer, FailureKind, Outcome, RequestUsage, RetryStatus, Speaker, State, conversation,
};

/// The request that asks for the next answer.
pub(super) fn request(state: &State, setup: &Setup, max_tokens: u32) -> Request {
    let definition = &setup.agent.definition;
    let speak = |(speaker, content)| Message {
        role: match speaker {
            Speaker::User => Role::User,
            Speaker::Assistant => Role::Assistant,
        },
        content,
    };
    Request {
        model: definition.model.id.clone(),
        system: definition.system.clone().unwrap_or_default(),
        messages: conversation(state).into_iter().map(speak).collect(),
        tools: setup.offer.definitions.clone(),
        max_tokens,
        thinking: None,
        // Models without the setting refuse it, and the default says nothing new.
        effort: (definition.model.effort != Effort::DEFAULT)
            .then(|| definition.model.effort.name().to_owned()),
        speed: (definition.model.speed == Speed::Fast).then(|| "fast".to_owned()),
        inference_geo: definition.model.inference_geo.clone(),
    }
}

/// What has arrived of an answer, complete or not.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    content: Vec<Value>,
    promised: HashMap<usize, String>,
    /// The message that text goes to now.
    message: Option<Growing>,
    usage: Usage,
}

#[derive(Debug)]
struct Growing {
    id: String,
    /// The model's block that grows, and its place in the message.
    block: usize,
    index: usize,
}

impl Arriving {
    /// Streams one answer and shows it as it comes. Dropping the future cuts the request; what has arrived stays here.
    pub(super) async fn stream(
        &mut self,
        model: &dyn Model,
        request: Request,
        hub: &Hub,
        ids: &dyn Ids,
    ) -> Result<Answer, ModelError> {
        let mut events = model.stream(request).await?;
        while let Some(event) = events.next().await {
            match event? {
                ModelEvent::MessageStart { usage, .. } => self.usage = usage,
                ModelEvent::BlockStart {
                    kind: BlockKind::Text,
                    ..
                } => {}
                ModelEvent::BlockStart { index, kind } => {
                    self.message = None;
                    if kind == BlockKind::Thinking {
                        let id = ids.next("sevt");
                        hub.preview(Preview::Thinking { id: &id });
                        self.promised.insert(index, id);
                    }
                }
                ModelEvent::TextDelta { text, .. } if text.is_empty() => {}
                ModelEvent::TextDelta { index, text } => {
                    let message = self.grow(index, hub, ids);
                    hub.preview(Preview::Delta {
                        id: &message.id,
                        index: message.index,
                        text: &text,
                    });
                }
                ModelEvent::BlockStop { block, .. } => self.content.push(block),
                ModelEvent::MessageStop {
                    stop_reason,
                    stop_details,
                    usage,
                } => {
                    self.usage = usage;
                    let content = std::mem::take(&mut self.content);
                    let promised = std::mem::take(&mut self.promised);
                    return Ok(Answer {
                        content,
                        promised,
                        outcome: outcome(&stop_reason),
                        stop_details,
                    });
                }
            }
        }
        Err(ModelError::Malformed {
            message: "the answer ended before it was complete".to_owned(),
        })
    }

    /// What the request has cost so far.
    pub(super) fn usage(&self) -> RequestUsage {
        RequestUsage {
            input_tokens: self.usage.input_tokens,
            output_tokens: self.usage.output_tokens,
            cache_creation_input_tokens: self.usage.cache_creation_input_tokens(),
            cache_read_input_tokens: self.usage.cache_read_input_tokens,
            cache_creation_1h_input_tokens: self.usage.cache_creation_1h_input_tokens,
        }
    }

    /// The message that block `block` belongs to: adjacent text blocks are one message.
    fn grow(&mut self, block: usize, hub: &Hub, ids: &dyn Ids) -> &Growing {
        let promised = &mut self.promised;
        let message = self.message.get_or_insert_with(|| {
            let id = ids.next("sevt");
            hub.preview(Preview::Message { id: &id });
            promised.insert(block, id.clone());
            Growing {
                id,
                block,
                index: 0,
            }
        });
        if message.block != block {
            message.block = block;
            message.index += 1;
        }
        message
    }
}

fn outcome(stop_reason: &StopReason) -> Outcome {
    match stop_reason {
        StopReason::EndTurn | StopReason::MaxTokens => Outcome::Done,
        StopReason::ToolUse | StopReason::PauseTurn => Outcome::GoOn,
        StopReason::Refusal => Outcome::Refused,
        StopReason::Other(name) if name == "model_context_window_exceeded" => Outcome::Full,
        StopReason::Other(_) => Outcome::Done,
    }
}

/// How a failed request shows in the session.
pub(super) fn failure(error: &ModelError) -> (FailureKind, RetryStatus) {
    match error {
        ModelError::Overloaded => (FailureKind::ModelOverloaded, RetryStatus::Retrying),
        ModelError::RateLimited { .. } => (FailureKind::ModelRateLimited, RetryStatus::Retrying),
        ModelError::Transient { .. } | ModelError::Malformed { .. } => {
            (FailureKind::ModelRequestFailed, RetryStatus::Retrying)
        }
        ModelError::Billing { .. } => (FailureKind::Billing, RetryStatus::Exhausted),
        // The operator can mend the key; the session need not die of it.
        ModelError::Rejected {
            status: 401 | 403, ..
        } => (FailureKind::ModelRequestFailed, RetryStatus::Exhausted),
        ModelError::Rejected { .. } => (FailureKind::ModelRequestFailed, RetryStatus::Terminal),
    }
}
