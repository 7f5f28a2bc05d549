//! A turn as the Messages API sends it: one JSON message, or a stream of events.

use serde_json::{Value, json};

use super::script::Turn;
use crate::ids::{Ids, RandomIds};

/// Characters in a delta, unless the turn says otherwise.
const DELTA_CHARS: usize = 16;

/// One event of the stream.
pub(super) struct Event {
    /// Its name; also its `type`.
    pub(super) name: &'static str,
    /// The rest.
    pub(super) data: Value,
}

impl Event {
    fn new(name: &'static str, mut data: Value) -> Event {
        data["type"] = name.into();
        Event { name, data }
    }

    /// Whether it is one of the many small ones.
    pub(super) fn is_delta(&self) -> bool {
        self.name == "content_block_delta"
    }
}

/// The answer in one piece, for a request without `stream`.
pub(super) fn message(turn: &Turn, request: &Value) -> Value {
    let blocks: Vec<Value> = turn.blocks.iter().map(with_id).collect();
    let usage = json!({
        "input_tokens": input_tokens(request),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens(turn),
    });
    json!({
        "id": RandomIds.next("msg"),
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": blocks,
        "stop_reason": stop_reason(turn),
        "stop_sequence": null,
        "usage": usage,
    })
}

/// The answer as events.
pub(super) fn events(turn: &Turn, request: &Value) -> Vec<Event> {
    let mut opening = message(turn, request);
    opening["content"] = json!([]);
    opening["stop_reason"] = Value::Null;
    opening["usage"]["output_tokens"] = 1.into();
    let mut events = vec![Event::new("message_start", json!({"message": opening}))];
    for (index, block) in turn.blocks.iter().enumerate() {
        let (opening, deltas) = parts(with_id(block), turn.delta_chars.unwrap_or(DELTA_CHARS));
        events.push(Event::new(
            "content_block_start",
            json!({"index": index, "content_block": opening}),
        ));
        if index == 0 {
            events.push(Event::new("ping", json!({})));
        }
        events.extend(deltas.into_iter().map(|delta| {
            Event::new(
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            )
        }));
        events.push(Event::new("content_block_stop", json!({"index": index})));
    }
    let mut delta = json!({"stop_reason": stop_reason(turn), "stop_sequence": null});
    if !turn.stop_details.is_null() {
        delta["stop_details"] = turn.stop_details.clone();
    }
    let usage = json!({"output_tokens": output_tokens(turn)});
    events.push(Event::new(
        "message_delta",
        json!({"delta": delta, "usage": usage}),
    ));
    events.push(Event::new("message_stop", json!({})));
    events
}

/// A block as it begins, and what is then added to it.
fn parts(mut block: Value, chars: usize) -> (Value, Vec<Value>) {
    let kind = block["type"].as_str().unwrap_or_default().to_owned();
    let deltas = match kind.as_str() {
        "text" => deltas("text_delta", "text", &take(&mut block, "text"), chars),
        "thinking" => {
            let mut all = deltas(
                "thinking_delta",
                "thinking",
                &take(&mut block, "thinking"),
                chars,
            );
            let signature =
                Some(take(&mut block, "signature")).filter(|signature| !signature.is_empty());
            let signature = signature.unwrap_or_else(|| "c2NyaXB0ZWQ=".into());
            all.push(json!({"type": "signature_delta", "signature": signature}));
            all
        }
        "tool_use" => {
            let input = std::mem::replace(&mut block["input"], json!({}));
            // The API sends an empty piece first, and nothing else for an empty input.
            let mut all = vec![json!({"type": "input_json_delta", "partial_json": ""})];
            if input.as_object().is_some_and(|input| !input.is_empty()) {
                all.extend(deltas(
                    "input_json_delta",
                    "partial_json",
                    &input.to_string(),
                    chars,
                ));
            }
            all
        }
        _ => Vec::new(),
    };
    (block, deltas)
}

/// Takes a text out of a block and leaves an empty one.
fn take(block: &mut Value, field: &str) -> String {
    text(std::mem::replace(&mut block[field], "".into()))
}

fn deltas(kind: &str, field: &str, text: &str, chars: usize) -> Vec<Value> {
    let all: Vec<char> = text.chars().collect();
    all.chunks(chars.max(1))
        .map(|piece| json!({"type": kind, field: String::from_iter(piece)}))
        .collect()
}

fn text(value: Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn with_id(block: &Value) -> Value {
    let mut block = block.clone();
    if block["type"] == "tool_use" {
        if !block["id"].is_string() {
            block["id"] = RandomIds.next("toolu").into();
        }
        if !block["input"].is_object() {
            block["input"] = json!({});
        }
    }
    block
}

fn stop_reason(turn: &Turn) -> &str {
    let calls = turn.blocks.iter().any(|block| block["type"] == "tool_use");
    turn.stop_reason
        .as_deref()
        .unwrap_or(if calls { "tool_use" } else { "end_turn" })
}

/// A guess, as good as any: four bytes to a token.
fn input_tokens(request: &Value) -> usize {
    let size = |field: &str| {
        request
            .get(field)
            .map_or(0, |value| value.to_string().len())
    };
    (size("system") + size("tools") + size("messages")) / 4
}

fn output_tokens(turn: &Turn) -> u64 {
    turn.output_tokens.unwrap_or_else(|| {
        turn.blocks
            .iter()
            .map(|block| block.to_string().len() as u64)
            .sum::<u64>()
            / 4
            + 1
    })
}
