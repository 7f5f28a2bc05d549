//! The script: what the scripted model says, and when.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// A list of turns. For each request the first turn that fits is played:
///
/// - a turn with `when` fits when all its conditions hold;
/// - a turn without fits by its place: the first of them answers a conversation without an answer so far, the second one
///   with one answer, and so on.
///
/// Nothing is remembered from one request to the next (but for [`Fault::times`]), so a script survives restarts, retries
/// and any number of conversations at once.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// In order of precedence.
    pub turns: Vec<Turn>,
}

/// One answer, or one failure.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// For whoever reads the script; never sent.
    pub note: String,
    /// When it fits; without it, by its place.
    pub when: Option<Conditions>,
    /// Content blocks as the Messages API has them: `text`, `thinking`, `tool_use`, ... Ids of tool calls are made up.
    pub blocks: Vec<Value>,
    /// Default: `tool_use` if there is such a block, else `end_turn`.
    pub stop_reason: Option<String>,
    /// Sent along with the stop reason.
    pub stop_details: Value,
    /// Tokens to claim for the answer. Default: a quarter of the characters.
    pub output_tokens: Option<u64>,
    /// Characters in each delta. Default 16.
    pub delta_chars: Option<usize>,
    /// Milliseconds before the first event.
    pub delay_ms: u64,
    /// Milliseconds before each delta.
    pub delta_delay_ms: u64,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// All that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// The text of the conversation's first user turn contains this.
    pub first_user_contains: Option<String>,
    /// The text of its last user turn contains this.
    pub user_contains: Option<String>,
    /// A tool result of its last turn contains this.
    pub tool_result_contains: Option<String>,
    /// The system prompt contains this.
    pub system_contains: Option<String>,
    /// The conversation has exactly so many answers.
    pub answers: Option<usize>,
    /// The request names this model.
    pub model: Option<String>,
}

/// Something that goes wrong instead of, or in the middle of, an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// How often for the same request (the same messages); then the turn is played as written. Default: always.
    pub times: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// An HTTP status and the API's error body.
    Status {
        /// For example 429, 500, 529.
        status: u16,
        /// Seconds, as the header `retry-after`.
        retry_after: Option<u64>,
        /// The error's message.
        message: Option<String>,
    },
    /// After so many events nothing comes any more, and the connection stays open.
    Stall {
        /// Events sent before.
        #[serde(default)]
        after_events: usize,
    },
    /// After so many events the connection breaks.
    Cut {
        /// Events sent before.
        #[serde(default)]
        after_events: usize,
    },
    /// After so many events comes what is no event of the API, and the end.
    Garbage {
        /// Events sent before.
        #[serde(default)]
        after_events: usize,
    },
    /// After so many events comes an `error` event of this type, and the end.
    Error {
        /// Events sent before.
        #[serde(default)]
        after_events: usize,
        /// For example `overloaded_error`.
        error_type: String,
    },
}

/// `times` stands beside the kind's own fields. (Flattening does not go together with refusing unknown fields.)
impl TryFrom<Value> for Fault {
    type Error = serde_json::Error;

    fn try_from(mut value: Value) -> Result<Fault, serde_json::Error> {
        let times = value
            .as_object_mut()
            .and_then(|fields| fields.remove("times"))
            .unwrap_or_default();
        Ok(Fault {
            kind: serde_json::from_value(value)?,
            times: serde_json::from_value(times)?,
        })
    }
}

/// Why a script cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the script {path}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a script.
    #[error("the script {path} is not valid: {message}")]
    Invalid {
        /// Which.
        path: String,
        /// What is wrong, and where.
        message: String,
    },
}

impl Script {
    /// Reads a script from a file: TOML if its name ends in `.toml`, else JSON. Blocking.
    pub fn load(path: &Path) -> Result<Script, ScriptError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Read {
            path: shown.clone(),
            source,
        })?;
        let parsed = if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            toml::from_str(&text).map_err(|error| error.to_string())
        } else {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        };
        let script: Script = parsed.map_err(|message| ScriptError::Invalid {
            path: shown.clone(),
            message,
        })?;
        for (place, turn) in script.turns.iter().enumerate() {
            if let Some(block) = turn.blocks.iter().find(|block| !block["type"].is_string()) {
                let message = format!("turns[{place}]: a block without a type: {block}");
                return Err(ScriptError::Invalid {
                    path: shown,
                    message,
                });
            }
        }
        Ok(script)
    }

    /// The turn for a request, with its place in the script.
    pub fn turn(&self, request: &Value) -> Option<(usize, &Turn)> {
        let conversation = Conversation(request);
        let answers = conversation.answers();
        let mut place = 0;
        self.turns
            .iter()
            .enumerate()
            .find(|(_, turn)| match &turn.when {
                Some(conditions) => conditions.hold(&conversation),
                None => {
                    place += 1;
                    place == answers + 1
                }
            })
    }
}

impl Turn {
    /// Pause before the first event.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// Pause before each delta.
    pub(super) fn delta_delay(&self) -> Duration {
        Duration::from_millis(self.delta_delay_ms)
    }
}

impl Conditions {
    fn hold(&self, conversation: &Conversation<'_>) -> bool {
        let contains = |wanted: &Option<String>, text: &dyn Fn() -> String| {
            wanted.as_ref().is_none_or(|wanted| text().contains(wanted))
        };
        self.answers
            .is_none_or(|answers| answers == conversation.answers())
            && self
                .model
                .as_ref()
                .is_none_or(|model| conversation.0["model"] == model.as_str())
            && contains(&self.first_user_contains, &|| {
                conversation.user_texts().next().unwrap_or_default()
            })
            && contains(&self.user_contains, &|| {
                conversation.user_texts().last().unwrap_or_default()
            })
            && contains(&self.tool_result_contains, &|| {
                conversation.last_tool_results()
            })
            && contains(&self.system_contains, &|| {
                text_of(&conversation.0["system"])
            })
    }
}

/// A request, as conditions see it.
struct Conversation<'a>(&'a Value);

impl Conversation<'_> {
    fn messages(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.0["messages"].as_array().into_iter().flatten()
    }

    fn answers(&self) -> usize {
        self.messages()
            .filter(|message| message["role"] == "assistant")
            .count()
    }

    /// What the user wrote, turn by turn, without turns that only carry tool results.
    fn user_texts(&self) -> impl Iterator<Item = String> {
        self.messages()
            .filter(|message| message["role"] == "user")
            .map(|message| text_of(&message["content"]))
            .filter(|text| !text.is_empty())
    }

    fn last_tool_results(&self) -> String {
        let Some(last) = self.messages().next_back() else {
            return String::new();
        };
        let results = last["content"].as_array().into_iter().flatten();
        results
            .filter(|block| block["type"] == "tool_result")
            .map(|block| text_of(&block["content"]))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// The text of a content that may be a string or a list of blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn script() -> Script {
        serde_json::from_value(json!({"turns": [
            {"note": "special", "when": {"user_contains": "special"}},
            {"note": "first"},
            {"note": "saw it", "when": {"tool_result_contains": "42", "answers": 1}},
            {"note": "second"},
        ]}))
        .unwrap()
    }

    fn user(text: &str) -> Value {
        json!({"role": "user", "content": [{"type": "text", "text": text}]})
    }

    #[test]
    fn turns_are_chosen_by_place_and_by_condition() {
        let answer = json!({"role": "assistant", "content": "ok"});
        let result = json!({"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "=42"}]}]});
        for (messages, expected) in [
            (json!([user("hi")]), Some("first")),
            (json!([{"role": "user", "content": "hi"}]), Some("first")),
            (json!([user("hi"), answer, user("more")]), Some("second")),
            (json!([user("hi"), answer, result]), Some("saw it")),
            (
                json!([user("hi"), answer, user("something special")]),
                Some("special"),
            ),
            (
                json!([user("hi"), answer, user("more"), answer, user("and more")]),
                None,
            ),
        ] {
            let script = script();
            let turn = script.turn(&json!({"messages": messages}));
            assert_eq!(
                turn.map(|(_, turn)| turn.note.as_str()),
                expected,
                "{messages}"
            );
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        for (turn, key) in [
            (json!({"block": []}), "block"),
            (json!({"fault": {"kind": "stall", "afer": 1}}), "afer"),
            (json!({"when": {"user": ""}}), "user"),
        ] {
            let result: Result<Script, _> = serde_json::from_value(json!({"turns": [turn]}));
            let message = result.unwrap_err().to_string();
            assert!(
                message.contains(&format!("unknown field `{key}`")),
                "{message}"
            );
        }
    }
}
