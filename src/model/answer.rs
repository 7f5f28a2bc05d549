//! The stream of a Messages API answer, put together: events in, [`ModelEvent`]s out.
//!
//! Pure: the bytes, the waiting and the connection are [`super::messages`]'s.

use serde_json::{Map, Value};

use super::{BlockKind, Frame, ModelError, ModelEvent, StopReason, Usage};

/// Objects and lists inside each other in a tool's input. It is kept inside of other objects, and JSON is read back 128 deep:
/// a session whose log has more could never be read again.
const INPUT_DEPTH_MAX: usize = 100;

/// What has arrived of one answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    usage: Usage,
    /// The block being written, with its index and the JSON of its input so far.
    open: Option<(usize, Value, String)>,
    stop_reason: Option<StopReason>,
    stop_details: Value,
    started: bool,
    complete: bool,
}

impl Answer {
    /// Whether the answer is whole: nothing more is expected.
    pub(super) fn complete(&self) -> bool {
        self.complete
    }

    /// Takes one event of the stream. Unknown ones are passed over: the API adds new ones without notice.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<Option<ModelEvent>, ModelError> {
        let data: Value = serde_json::from_str(&frame.data)
            .map_err(|error| malformed(format!("an event of the stream is not JSON: {error}")))?;
        match data["type"].as_str() {
            Some("message_start") => self.message_start(&data["message"]).map(Some),
            Some("content_block_start") => self.block_start(&data).map(Some),
            Some("content_block_delta") => self.block_delta(&data),
            Some("content_block_stop") => self.block_stop(&data).map(Some),
            Some("message_delta") => {
                self.message_delta(&data);
                Ok(None)
            }
            Some("message_stop") => self.message_stop().map(Some),
            Some("error") => {
                let error = &data["error"];
                let message = error["message"].as_str().unwrap_or("no message").to_owned();
                Err(ModelError::from_kind(
                    error["type"].as_str().unwrap_or("unknown"),
                    message,
                ))
            }
            Some(_) => Ok(None),
            None => Err(malformed("an event of the stream has no type")),
        }
    }

    fn message_start(&mut self, message: &Value) -> Result<ModelEvent, ModelError> {
        if self.started {
            return Err(malformed("a second message_start"));
        }
        self.started = true;
        self.count(&message["usage"]);
        Ok(ModelEvent::MessageStart {
            id: text(&message["id"]),
            model: text(&message["model"]),
            usage: self.usage,
        })
    }

    fn block_start(&mut self, data: &Value) -> Result<ModelEvent, ModelError> {
        if !self.started || self.open.is_some() {
            return Err(malformed("content_block_start at the wrong place"));
        }
        let block = &data["content_block"];
        let (Some(index), true) = (index(data), block.is_object()) else {
            return Err(malformed("content_block_start without a block"));
        };
        let kind = match block["type"].as_str() {
            Some("text") => BlockKind::Text,
            Some("thinking" | "redacted_thinking") => BlockKind::Thinking,
            Some("tool_use") => match (block["id"].as_str(), block["name"].as_str()) {
                (Some(id), Some(name)) => BlockKind::ToolUse {
                    id: id.into(),
                    name: name.into(),
                },
                _ => return Err(malformed("a tool_use block without id or name")),
            },
            Some(other) => BlockKind::Other(other.into()),
            None => return Err(malformed("a block without a type")),
        };
        self.open = Some((index, block.clone(), String::new()));
        Ok(ModelEvent::BlockStart { index, kind })
    }

    fn block_delta(&mut self, data: &Value) -> Result<Option<ModelEvent>, ModelError> {
        let Some((index, block, json)) = self
            .open
            .as_mut()
            .filter(|(open, ..)| index(data) == Some(*open))
        else {
            return Err(malformed(
                "content_block_delta for a block that is not open",
            ));
        };
        let delta = &data["delta"];
        match delta["type"].as_str() {
            Some("text_delta") => {
                let text = text(&delta["text"]);
                append(block, "text", &text);
                if text.is_empty() {
                    return Ok(None);
                }
                return Ok(Some(ModelEvent::TextDelta {
                    index: *index,
                    text,
                }));
            }
            Some("input_json_delta") => {
                json.push_str(delta["partial_json"].as_str().unwrap_or_default())
            }
            Some("thinking_delta") => append(
                block,
                "thinking",
                delta["thinking"].as_str().unwrap_or_default(),
            ),
            Some("signature_delta") => append(
                block,
                "signature",
                delta["signature"].as_str().unwrap_or_default(),
            ),
            Some("citations_delta") => {
                if let Some(block) = block.as_object_mut() {
                    let citations = block.entry("citations").or_insert(Value::Null);
                    if !citations.is_array() {
                        *citations = Value::Array(Vec::new());
                    }
                    if let Some(citations) = citations.as_array_mut() {
                        citations.push(delta["citation"].clone());
                    }
                }
            }
            _ => {}
        }
        Ok(None)
    }

    fn block_stop(&mut self, data: &Value) -> Result<ModelEvent, ModelError> {
        let Some((index, mut block, json)) = self
            .open
            .take()
            .filter(|(open, ..)| index(data) == Some(*open))
        else {
            return Err(malformed("content_block_stop for a block that is not open"));
        };
        if !json.trim().is_empty() {
            let input: Value = serde_json::from_str(&json)
                .map_err(|error| malformed(format!("a tool's input is not JSON: {error}")))?;
            if depth(&input) > INPUT_DEPTH_MAX {
                return Err(malformed("a tool's input is nested too deeply"));
            }
            block["input"] = input;
        } else if block["type"] == "tool_use" && !block["input"].is_object() {
            block["input"] = Value::Object(Map::new());
        }
        Ok(ModelEvent::BlockStop { index, block })
    }

    fn message_delta(&mut self, data: &Value) {
        self.count(&data["usage"]);
        let delta = &data["delta"];
        if let Some(reason) = delta["stop_reason"].as_str() {
            self.stop_reason = Some(match reason {
                "end_turn" => StopReason::EndTurn,
                "tool_use" => StopReason::ToolUse,
                "max_tokens" => StopReason::MaxTokens,
                "refusal" => StopReason::Refusal,
                "pause_turn" => StopReason::PauseTurn,
                other => StopReason::Other(other.into()),
            });
        }
        if !delta["stop_details"].is_null() {
            self.stop_details = delta["stop_details"].clone();
        }
    }

    fn message_stop(&mut self) -> Result<ModelEvent, ModelError> {
        if !self.started || self.open.is_some() {
            return Err(malformed("message_stop at the wrong place"));
        }
        self.complete = true;
        Ok(ModelEvent::MessageStop {
            stop_reason: self
                .stop_reason
                .take()
                .ok_or_else(|| malformed("an answer without a stop reason"))?,
            stop_details: self.stop_details.take(),
            usage: self.usage,
        })
    }

    /// The numbers are totals; what a later event leaves out stays as it was.
    fn count(&mut self, usage: &Value) {
        let take = |name: &str, into: &mut u64| {
            if let Some(count) = usage[name].as_u64() {
                *into = count;
            }
        };
        take("input_tokens", &mut self.usage.input_tokens);
        take("output_tokens", &mut self.usage.output_tokens);
        take(
            "cache_read_input_tokens",
            &mut self.usage.cache_read_input_tokens,
        );
        let by_time = &usage["cache_creation"];
        if by_time.is_object() {
            self.usage.cache_creation_5m_input_tokens =
                by_time["ephemeral_5m_input_tokens"].as_u64().unwrap_or(0);
            self.usage.cache_creation_1h_input_tokens =
                by_time["ephemeral_1h_input_tokens"].as_u64().unwrap_or(0);
        } else if self.usage.cache_creation_input_tokens() == 0 {
            take(
                "cache_creation_input_tokens",
                &mut self.usage.cache_creation_5m_input_tokens,
            );
        }
    }
}

fn malformed(message: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        message: message.into(),
    }
}

/// Objects and lists inside each other.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn index(data: &Value) -> Option<usize> {
    usize::try_from(data["index"].as_u64()?).ok()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn append(block: &mut Value, field: &str, text: &str) {
    if let Some(block) = block.as_object_mut() {
        match block.get_mut(field) {
            Some(Value::String(existing)) => existing.push_str(text),
            _ => drop(block.insert(field.into(), text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn push(answer: &mut Answer, data: Value) -> Result<Option<ModelEvent>, ModelError> {
        answer.push(&Frame {
            event: text(&data["type"]),
            data: data.to_string(),
        })
    }

    fn all(events: impl IntoIterator<Item = Value>) -> Result<Vec<ModelEvent>, ModelError> {
        let mut answer = Answer::default();
        let mut seen = Vec::new();
        for event in events {
            seen.extend(push(&mut answer, event)?);
        }
        Ok(seen)
    }

    fn start() -> Value {
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 3, "cache_read_input_tokens": 9}}})
    }

    #[test]
    fn blocks_are_put_together() {
        let events = all([
            start(),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "abc"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "ping"}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hel"}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "lo"}}),
            json!({"type": "content_block_stop", "index": 1}),
            json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t", "name": "bash", "input": {}}}),
            json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"command\":"}}),
            json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "\"ls\"}"}}),
            json!({"type": "content_block_stop", "index": 2}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}),
            json!({"type": "message_stop"}),
        ])
        .unwrap();
        let blocks: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                ModelEvent::BlockStop { block, .. } => Some(block.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(
            blocks,
            [
                json!({"type": "thinking", "thinking": "hm", "signature": "abc"}),
                json!({"type": "text", "text": "Hello"}),
                json!({"type": "tool_use", "id": "t", "name": "bash", "input": {"command": "ls"}}),
            ]
        );
        let usage = Usage {
            input_tokens: 3,
            output_tokens: 7,
            cache_read_input_tokens: 9,
            ..Usage::default()
        };
        let stop = ModelEvent::MessageStop {
            stop_reason: StopReason::ToolUse,
            stop_details: Value::Null,
            usage,
        };
        assert_eq!(events.last(), Some(&stop));
    }

    #[test]
    fn what_breaks_the_protocol_is_malformed() {
        let block = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(110), "]".repeat(110));
        for events in [
            vec![
                start(),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "n", "input": {}}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": deep}}),
                json!({"type": "content_block_stop", "index": 0}),
            ],
            vec![json!({"no": "type"})],
            vec![start(), start()],
            vec![block.clone()],
            vec![start(), block.clone(), block.clone()],
            vec![
                start(),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}),
            ],
            vec![
                start(),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}}),
            ],
            vec![start(), json!({"type": "message_stop"})],
            vec![start(), block, json!({"type": "message_stop"})],
        ] {
            let result = all(events.clone());
            assert!(
                matches!(result, Err(ModelError::Malformed { .. })),
                "{events:?}: {result:?}"
            );
        }
    }

    #[test]
    fn an_error_event_is_classified() {
        let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        assert_eq!(all([start(), overloaded]), Err(ModelError::Overloaded));
    }
}
