//! From the model's answer to the events that announce it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Called, Draft, Evaluation, Event, Outcome, Permission, Runs};

/// What a session may call, by name. Built by `tools`; pure data.
pub type Toolbox = HashMap<String, Callable>;

/// One entry of the toolbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callable {
    pub runs: Runs,
    pub policy: Policy,
}

/// A permission policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    AlwaysAllow,
    AlwaysAsk,
    /// Somebody should judge each call. Nobody here can, so it asks.
    Auto,
}

impl Policy {
    fn evaluate(self) -> (Permission, Evaluation) {
        match self {
            Policy::AlwaysAllow => (Permission::Allow, Evaluation::AlwaysAllow),
            Policy::AlwaysAsk => (Permission::Ask, Evaluation::AlwaysAsk),
            Policy::Auto => {
                let evaluated_permission = json!({"type": "ask", "reason_code": "indeterminate"});
                (
                    Permission::Ask,
                    Evaluation::Auto {
                        evaluated_permission,
                    },
                )
            }
        }
    }
}

/// A complete answer of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its blocks, exactly as they came. Text blocks carry the id of their event in `message_ids`.
    pub content: Vec<Value>,
    /// Event ids that previews already promised, by block index: of the first text block of each message, and of each
    /// thinking block.
    pub promised: HashMap<usize, String>,
    pub outcome: Outcome,
    pub stop_details: Value,
}

/// The events of an answer in block order, the log's own first. `next_id` mints the ids of calls, which must be known
/// before anything is appended.
pub fn respond(
    answer: Answer,
    toolbox: &Toolbox,
    mut next_id: impl FnMut() -> String,
) -> Vec<Draft> {
    let mut events: Vec<Draft> = Vec::new();
    let mut calls = Vec::new();
    let mut message: Option<(Option<String>, Vec<Value>)> = None;
    let close = |message: &mut Option<(Option<String>, Vec<Value>)>, events: &mut Vec<Draft>| {
        if let Some((id, content)) = message.take() {
            events.push(Draft {
                id,
                event: Event::AgentMessage { content },
            });
        }
    };
    for (index, block) in answer.content.iter().enumerate() {
        let promised = || answer.promised.get(&index).cloned();
        match block["type"].as_str() {
            Some("text") => {
                let text = block["text"].as_str().unwrap_or_default();
                if !text.is_empty() {
                    let block = json!({"type": "text", "text": text});
                    message
                        .get_or_insert_with(|| (promised(), Vec::new()))
                        .1
                        .push(block);
                }
                continue;
            }
            Some("thinking" | "redacted_thinking") => {
                close(&mut message, &mut events);
                events.push(Draft {
                    id: promised(),
                    event: Event::AgentThinking {},
                });
            }
            Some("tool_use") => {
                close(&mut message, &mut events);
                let (called, event) = call(block, toolbox, next_id());
                events.push(Draft::with_id(called.id.clone(), event));
                calls.push(called);
            }
            _ => close(&mut message, &mut events),
        }
    }
    close(&mut message, &mut events);
    // The API refuses empty text blocks in a conversation, although models send them.
    let content = answer
        .content
        .into_iter()
        .filter(|block| block["type"] != "text" || block["text"] != "")
        .collect();
    let first = Event::Answered {
        content,
        calls,
        outcome: answer.outcome,
        stop_details: answer.stop_details,
    };
    std::iter::once(first.into()).chain(events).collect()
}

fn call(block: &Value, toolbox: &Toolbox, id: String) -> (Called, Event) {
    let name = block["name"].as_str().unwrap_or_default().to_owned();
    let input = block["input"].clone();
    let model_id = block["id"].as_str().unwrap_or_default().to_owned();
    let callable = toolbox.get(&name).copied();
    let runs = callable.map_or(Runs::Nowhere, |callable| callable.runs);
    let called = Called {
        id,
        model_id,
        name: name.clone(),
        runs,
    };
    let event = match callable {
        Some(Callable {
            runs: Runs::Client, ..
        }) => Event::AgentCustomToolUse { name, input },
        Some(Callable { policy, .. }) => {
            let (evaluated_permission, evaluation) = policy.evaluate();
            Event::AgentToolUse {
                name,
                input,
                evaluated_permission,
                evaluation: Some(evaluation),
            }
        }
        None => Event::AgentToolUse {
            name,
            input,
            evaluated_permission: Permission::Deny,
            evaluation: None,
        },
    };
    (called, event)
}
