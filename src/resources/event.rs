//! Events that clients send, as far as one can judge them without knowing the session.
//!
//! Whether a tool call they answer exists and is open is the session's to say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::{Fields, Invalid, Items, check_count, check_length};

const TYPES: [&str; 7] = [
    "user.message",
    "user.interrupt",
    "user.tool_confirmation",
    "user.custom_tool_result",
    "user.tool_result",
    "user.define_outcome",
    "system.message",
];
const CONTENT_MAX: usize = 1000;
const RUBRIC_CHARACTERS_MAX: usize = 262_144;
const ITERATIONS_MAX: u64 = 20;
const ITERATIONS: u64 = 3;
const FILE_DOCUMENTS_MAX: usize = 100;

/// An event as a client sends it, checked. Serialises to its echo without `id` and `processed_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum SentEvent {
    #[serde(rename = "user.message")]
    UserMessage { content: Vec<Value> },
    #[serde(rename = "user.interrupt")]
    UserInterrupt {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_thread_id: Option<String>,
    },
    #[serde(rename = "user.tool_confirmation")]
    UserToolConfirmation {
        tool_use_id: String,
        result: Verdict,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deny_message: Option<String>,
    },
    #[serde(rename = "user.custom_tool_result")]
    UserCustomToolResult {
        custom_tool_use_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Vec<Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
    #[serde(rename = "user.tool_result")]
    UserToolResult {
        tool_use_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Vec<Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
    #[serde(rename = "user.define_outcome")]
    UserDefineOutcome {
        description: String,
        rubric: Rubric,
        max_iterations: u64,
    },
    #[serde(rename = "system.message")]
    SystemMessage { content: Vec<Value> },
}

/// The answer to a call that waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Allow,
    Deny,
}

/// How an outcome is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Rubric {
    Text { content: String },
    File { file_id: String },
}

/// The body of a send call: `{"events": [...]}`, all valid or none.
pub fn parse_sent(body: &Value) -> Result<Vec<SentEvent>, Invalid> {
    let fields = Fields::of_body(body)?;
    fields.required("events")?;
    let items = fields.list("events")?.unwrap_or_default();
    if items.is_empty() {
        return Err(fields.refuse("events", "must not be empty"));
    }
    let paths: Vec<String> = items.iter().map(|(path, _)| path.clone()).collect();
    let events = items
        .into_iter()
        .map(|(path, item)| parse(item, path, &TYPES))
        .collect::<Result<Vec<_>, _>>()?;
    for (index, event) in events.iter().enumerate() {
        if !matches!(event, SentEvent::SystemMessage { .. }) {
            continue;
        }
        let accompanies = index.checked_sub(1).is_some_and(|before| {
            matches!(
                events[before],
                SentEvent::UserMessage { .. }
                    | SentEvent::UserToolResult { .. }
                    | SentEvent::UserCustomToolResult { .. }
            )
        });
        if index + 1 != events.len() || !accompanies {
            return Err(Invalid::new(
                &paths[index],
                "a system.message must be the last event and directly follow a user.message or a tool result",
            ));
        }
    }
    Ok(events)
}

/// A session's `initial_events`.
pub(super) fn parse_initial(items: Items<'_>) -> Result<Vec<SentEvent>, Invalid> {
    let mut outcomes = 0;
    let mut file_documents = 0;
    let mut events = Vec::with_capacity(items.len());
    for (path, item) in items {
        let event = parse(item, path.clone(), &["user.message", "user.define_outcome"])?;
        match &event {
            SentEvent::UserDefineOutcome { .. } => outcomes += 1,
            SentEvent::UserMessage { content } => {
                file_documents += content
                    .iter()
                    .filter(|block| {
                        block["type"] == "document" && block["source"]["type"] == "file"
                    })
                    .count();
            }
            _ => {}
        }
        if outcomes > 1 {
            return Err(Invalid::new(
                path,
                "at most one user.define_outcome is allowed",
            ));
        }
        if file_documents > FILE_DOCUMENTS_MAX {
            return Err(Invalid::new(
                path,
                format!("at most {FILE_DOCUMENTS_MAX} file documents are allowed"),
            ));
        }
        events.push(event);
    }
    Ok(events)
}

fn parse(value: &Value, path: String, known: &[&'static str]) -> Result<SentEvent, Invalid> {
    let fields = Fields::of(value, path)?;
    let owned = |name: &str| fields.text(name).map(|text| text.map(str::to_owned));
    let id = |name: &str| {
        fields
            .required_text_within(name, 1..=255)
            .map(str::to_owned)
    };
    Ok(match fields.discriminator(known)? {
        "user.message" => SentEvent::UserMessage {
            content: required_content(&fields, &["text", "image", "document"])?,
        },
        "system.message" => SentEvent::SystemMessage {
            content: required_content(&fields, &["text"])?,
        },
        "user.interrupt" => SentEvent::UserInterrupt {
            session_thread_id: owned("session_thread_id")?,
        },
        "user.tool_confirmation" => confirmation(&fields, id("tool_use_id")?)?,
        "user.custom_tool_result" => SentEvent::UserCustomToolResult {
            custom_tool_use_id: id("custom_tool_use_id")?,
            content: content(&fields, &["text", "image", "document", "search_result"])?,
            is_error: fields.boolean("is_error")?,
        },
        "user.tool_result" => SentEvent::UserToolResult {
            tool_use_id: id("tool_use_id")?,
            content: content(&fields, &["text", "image", "document", "search_result"])?,
            is_error: fields.boolean("is_error")?,
        },
        _ => outcome(&fields)?,
    })
}

fn confirmation(fields: &Fields<'_>, tool_use_id: String) -> Result<SentEvent, Invalid> {
    let result = match fields.required_text("result")? {
        "allow" => Verdict::Allow,
        "deny" => Verdict::Deny,
        _ => return Err(fields.refuse("result", "must be 'allow' or 'deny'")),
    };
    let deny_message = fields.text("deny_message")?.map(str::to_owned);
    if deny_message.is_some() && result == Verdict::Allow {
        return Err(fields.refuse("deny_message", "is only allowed when result is 'deny'"));
    }
    Ok(SentEvent::UserToolConfirmation {
        tool_use_id,
        result,
        deny_message,
    })
}

fn outcome(fields: &Fields<'_>) -> Result<SentEvent, Invalid> {
    let description = fields
        .required_text_within("description", 1..=usize::MAX)?
        .to_owned();
    fields.required("rubric")?;
    let rubric = Fields::of(fields.required("rubric")?, fields.at("rubric"))?;
    let rubric = match rubric.discriminator(&["text", "file"])? {
        "text" => Rubric::Text {
            content: rubric
                .required_text_within("content", 1..=RUBRIC_CHARACTERS_MAX)?
                .to_owned(),
        },
        _ => Rubric::File {
            file_id: rubric.required_text("file_id")?.to_owned(),
        },
    };
    let max_iterations = fields.integer("max_iterations")?.unwrap_or(ITERATIONS);
    if !(1..=ITERATIONS_MAX).contains(&max_iterations) {
        return Err(fields.refuse("max_iterations", format!("must be 1 to {ITERATIONS_MAX}")));
    }
    Ok(SentEvent::UserDefineOutcome {
        description,
        rubric,
        max_iterations,
    })
}

fn required_content(fields: &Fields<'_>, known: &[&'static str]) -> Result<Vec<Value>, Invalid> {
    fields.required("content")?;
    let content = content(fields, known)?.unwrap_or_default();
    if content.is_empty() {
        return Err(fields.refuse("content", "must not be empty"));
    }
    Ok(content)
}

/// Content blocks of the given types.
fn content(fields: &Fields<'_>, known: &[&'static str]) -> Result<Option<Vec<Value>>, Invalid> {
    let Some(items) = fields.list("content")? else {
        return Ok(None);
    };
    check_count(&fields.at("content"), items.len(), CONTENT_MAX)?;
    items
        .into_iter()
        .map(|(path, item)| {
            check_block(&Fields::of(item, path)?, known)?;
            Ok(item.clone())
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

fn check_block(block: &Fields<'_>, known: &[&'static str]) -> Result<(), Invalid> {
    match block.discriminator(known)? {
        "text" => block.required_text("text").map(drop),
        "image" => check_source(block, &["base64", "url", "file"]),
        "document" => {
            block.text("title")?;
            block.text("context")?;
            check_source(block, &["base64", "text", "url", "file"])
        }
        _ => {
            block.required_text("source")?;
            block.required_text("title")?;
            block.required("citations")?;
            if let Some(citations) = block.object("citations")? {
                citations.boolean("enabled")?;
            }
            block.required("content")?;
            for (path, item) in block.list("content")?.unwrap_or_default() {
                check_block(&Fields::of(item, path)?, &["text"])?;
            }
            Ok(())
        }
    }
}

fn check_source(block: &Fields<'_>, known: &[&'static str]) -> Result<(), Invalid> {
    block.required("source")?;
    let source = Fields::of(block.required("source")?, block.at("source"))?;
    match source.discriminator(known)? {
        "base64" => {
            source.required_text_within("media_type", 1..=255)?;
            check_base64(&source.at("data"), source.required_text("data")?)
        }
        "text" => {
            if source.required_text("media_type")? != "text/plain" {
                return Err(source.refuse("media_type", "must be 'text/plain'"));
            }
            source.required_text("data").map(drop)
        }
        "url" => check_length(&source.at("url"), source.required_text("url")?, 1..=8192),
        _ => {
            let id = source.required_text("file_id")?;
            Err(source.refuse("file_id", format!("no file '{id}' on this server")))
        }
    }
}

fn check_base64(path: &str, data: &str) -> Result<(), Invalid> {
    use base64::Engine as _;
    if data.is_empty()
        || base64::engine::general_purpose::STANDARD
            .decode(data)
            .is_err()
    {
        return Err(Invalid::new(path, "must be base64"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(events: Value) -> Result<Vec<SentEvent>, String> {
        parse_sent(&json!({ "events": events })).map_err(|refusal| refusal.field)
    }

    fn message(block: Value) -> Value {
        json!({"type": "user.message", "content": [block]})
    }

    #[test]
    fn valid_events_come_back_as_sent() {
        let text = json!({"type": "text", "text": "hi"});
        for event in [
            message(text.clone()),
            message(
                json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}),
            ),
            message(
                json!({"type": "document", "title": "t", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
            ),
            json!({"type": "user.interrupt"}),
            json!({"type": "user.tool_confirmation", "tool_use_id": "sevt_1", "result": "deny", "deny_message": "no"}),
            json!({"type": "user.custom_tool_result", "custom_tool_use_id": "sevt_1", "content": [
                {"type": "search_result", "source": "https://a", "title": "t", "citations": {"enabled": true}, "content": [text]}]}),
            json!({"type": "user.tool_result", "tool_use_id": "sevt_1", "is_error": true}),
        ] {
            assert_eq!(json!(sent(json!([event])).unwrap()), json!([event]));
        }
        let outcome = json!({"type": "user.define_outcome", "description": "d", "rubric": {"type": "text", "content": "c"}});
        assert_eq!(
            json!(sent(json!([outcome])).unwrap())[0]["max_iterations"],
            3
        );
    }

    #[test]
    fn refusals_name_the_field() {
        let table = [
            (json!("hi"), "events"),
            (json!([]), "events"),
            (json!(["hi"]), "events.0"),
            (json!([{}]), "events.0.type"),
            (
                json!([{"type": "agent.message", "content": []}]),
                "events.0.type",
            ),
            (json!([{"type": "user.message"}]), "events.0.content"),
            (
                json!([{"type": "user.message", "content": "hi"}]),
                "events.0.content",
            ),
            (
                json!([{"type": "user.message", "content": []}]),
                "events.0.content",
            ),
            (
                json!([message(json!({"type": "redacted"}))]),
                "events.0.content.0.type",
            ),
            (
                json!([message(json!({"type": "text"}))]),
                "events.0.content.0.text",
            ),
            (
                json!([message(json!({"type": "text", "text": 1}))]),
                "events.0.content.0.text",
            ),
            (
                json!([message(json!({"type": "image"}))]),
                "events.0.content.0.source",
            ),
            (
                json!([message(
                    json!({"type": "image", "source": {"type": "text"}})
                )]),
                "events.0.content.0.source.type",
            ),
            (
                json!([message(
                    json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "!"}})
                )]),
                "events.0.content.0.source.data",
            ),
            (
                json!([message(
                    json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}})
                )]),
                "events.0.content.0.source.file_id",
            ),
            (
                json!([{"type": "user.tool_confirmation", "tool_use_id": "x", "result": "maybe"}]),
                "events.0.result",
            ),
            (
                json!([{"type": "user.tool_confirmation", "tool_use_id": "x", "result": "allow", "deny_message": "m"}]),
                "events.0.deny_message",
            ),
            (
                json!([{"type": "user.tool_confirmation", "result": "allow"}]),
                "events.0.tool_use_id",
            ),
            (
                json!([{"type": "user.custom_tool_result"}]),
                "events.0.custom_tool_use_id",
            ),
            (
                json!([{"type": "user.custom_tool_result", "custom_tool_use_id": "x", "is_error": 1}]),
                "events.0.is_error",
            ),
            (
                json!([{"type": "user.define_outcome", "description": "d"}]),
                "events.0.rubric",
            ),
            (
                json!([{"type": "user.define_outcome", "description": "d", "rubric": {"type": "text", "content": "c"}, "max_iterations": 21}]),
                "events.0.max_iterations",
            ),
        ];
        for (events, field) in table {
            assert_eq!(sent(events.clone()), Err(field.to_owned()), "{events}");
        }
        assert_eq!(parse_sent(&json!({})).unwrap_err().field, "events");
    }

    #[test]
    fn a_system_message_trails_what_it_accompanies() {
        let text = message(json!({"type": "text", "text": "hi"}));
        let system = json!({"type": "system.message", "content": [{"type": "text", "text": "s"}]});
        assert!(sent(json!([text, system])).is_ok());
        assert_eq!(sent(json!([system])), Err("events.0".into()));
        assert_eq!(sent(json!([text, system, text])), Err("events.1".into()));
        assert_eq!(
            sent(json!([{"type": "user.interrupt"}, system])),
            Err("events.1".into())
        );
    }
}
