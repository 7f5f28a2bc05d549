//! Client events: which are acceptable now, all or none.

use serde_json::{Map, Value};

use super::{Draft, Event, Permission, Runs, State, Status, Verdict};

/// A client's event cannot be accepted. The text names the field and is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Refused {
    /// Dotted path, for example `events.0.content.1.type`.
    pub field: String,
    pub problem: String,
}

fn refuse<T>(field: impl Into<String>, problem: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { field: field.into(), problem: problem.into() })
}

/// Checks the events of one request against the session and against each other.
pub fn accept(state: &State, events: &[Value]) -> Result<Vec<Draft>, Refused> {
    if state.status == Status::Terminated {
        return refuse("events", "the session is terminated and accepts no events");
    }
    if events.is_empty() {
        return refuse("events", "must have at least one event");
    }
    let mut accepted: Vec<Draft> = Vec::with_capacity(events.len());
    for (index, raw) in events.iter().enumerate() {
        let field = format!("events.{index}");
        let event = parse(&field, raw)?;
        match &event {
            Event::SystemMessage { .. } => follows(&field, index + 1 == events.len(), accepted.last())?,
            Event::UserInterrupt { session_thread_id: Some(thread) } if *thread != state.thread.id => {
                return refuse(format!("{field}.session_thread_id"), format!("there is no thread {thread:?} in this session"));
            }
            Event::UserToolConfirmation { tool_use_id, .. } => {
                let field = format!("{field}.tool_use_id");
                unanswered(&field, tool_use_id, &accepted)?;
                match state.open_call(tool_use_id) {
                    Some(call) if call.called.runs != Runs::Client && call.permission == Permission::Ask => {
                        if call.verdict.is_some() {
                            return refuse(field, format!("the call {tool_use_id:?} is already answered"));
                        }
                    }
                    Some(_) => return refuse(field, format!("the call {tool_use_id:?} does not ask for a confirmation")),
                    None => return refuse(field, format!("no call {tool_use_id:?} waits for a confirmation")),
                }
            }
            Event::UserCustomToolResult { custom_tool_use_id, .. } => {
                let field = format!("{field}.custom_tool_use_id");
                unanswered(&field, custom_tool_use_id, &accepted)?;
                match state.open_call(custom_tool_use_id) {
                    Some(call) if call.called.runs == Runs::Client => {}
                    Some(_) => return refuse(field, format!("the call {custom_tool_use_id:?} is not one of a custom tool")),
                    None => return refuse(field, format!("no custom tool call {custom_tool_use_id:?} waits for a result")),
                }
            }
            _ => {}
        }
        accepted.push(event.into());
    }
    Ok(accepted)
}

/// The same for a session that is being created: only messages can start one.
pub fn accept_initial(events: &[Value]) -> Result<Vec<Draft>, Refused> {
    if events.len() > 50 {
        return refuse("initial_events", "must have at most 50 events");
    }
    let mut accepted = Vec::with_capacity(events.len());
    for (index, raw) in events.iter().enumerate() {
        let field = format!("initial_events.{index}");
        match parse(&field, raw)? {
            event @ Event::UserMessage { .. } => accepted.push(event.into()),
            _ => return refuse(format!("{field}.type"), "a session can only begin with user.message events"),
        }
    }
    Ok(accepted)
}

fn follows(field: &str, is_last: bool, previous: Option<&Draft>) -> Result<(), Refused> {
    let follows = matches!(
        previous.map(|draft| &draft.event),
        Some(Event::UserMessage { .. } | Event::UserCustomToolResult { .. } | Event::UserToolConfirmation { .. })
    );
    if is_last && follows {
        return Ok(());
    }
    refuse(field, "a system.message must be the last event of its request and follow a user.message or a tool result")
}

/// No earlier event of the same request answers the same call.
fn unanswered(field: &str, id: &str, accepted: &[Draft]) -> Result<(), Refused> {
    let answered = accepted.iter().any(|draft| match &draft.event {
        Event::UserToolConfirmation { tool_use_id, .. } => tool_use_id == id,
        Event::UserCustomToolResult { custom_tool_use_id, .. } => custom_tool_use_id == id,
        _ => false,
    });
    if answered { refuse(field, format!("the call {id:?} is already answered")) } else { Ok(()) }
}

fn parse(field: &str, raw: &Value) -> Result<Event, Refused> {
    let Some(object) = raw.as_object() else { return refuse(field, "must be an object") };
    let Some(kind) = object.get("type").and_then(Value::as_str) else {
        return refuse(format!("{field}.type"), "must be a string");
    };
    match kind {
        "user.message" => {
            let content = blocks(field, object, &["text", "image", "document"])?;
            if content.is_empty() {
                return refuse(format!("{field}.content"), "must have at least one block");
            }
            Ok(Event::UserMessage { content })
        }
        "system.message" => {
            let content = blocks(field, object, &["text"])?;
            if content.is_empty() || content.len() > 1000 {
                return refuse(format!("{field}.content"), "must have 1 to 1000 blocks");
            }
            Ok(Event::SystemMessage { content })
        }
        "user.interrupt" => Ok(Event::UserInterrupt { session_thread_id: optional(field, object, "session_thread_id")? }),
        "user.tool_confirmation" => {
            let result = match string(field, object, "result")?.as_str() {
                "allow" => Verdict::Allow,
                "deny" => Verdict::Deny,
                _ => return refuse(format!("{field}.result"), "must be \"allow\" or \"deny\""),
            };
            let deny_message = optional(field, object, "deny_message")?;
            if deny_message.is_some() && result == Verdict::Allow {
                return refuse(format!("{field}.deny_message"), "is only for \"deny\"");
            }
            Ok(Event::UserToolConfirmation { tool_use_id: string(field, object, "tool_use_id")?, result, deny_message })
        }
        "user.custom_tool_result" => Ok(Event::UserCustomToolResult {
            custom_tool_use_id: string(field, object, "custom_tool_use_id")?,
            content: blocks(field, object, &["text", "image", "document", "search_result"])?,
            is_error: match object.get("is_error") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(is_error)) => *is_error,
                Some(_) => return refuse(format!("{field}.is_error"), "must be a boolean"),
            },
        }),
        "user.tool_result" => refuse(format!("{field}.type"), "user.tool_result is only for self-hosted environments"),
        "user.define_outcome" => refuse(format!("{field}.type"), "outcomes are not available on this server"),
        other => refuse(format!("{field}.type"), format!("{other:?} is not an event that clients may send")),
    }
}

fn string(field: &str, object: &Map<String, Value>, name: &str) -> Result<String, Refused> {
    match object.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => refuse(format!("{field}.{name}"), "must not be empty"),
        None => refuse(format!("{field}.{name}"), "is required"),
        Some(_) => refuse(format!("{field}.{name}"), "must be a string"),
    }
}

fn optional(field: &str, object: &Map<String, Value>, name: &str) -> Result<Option<String>, Refused> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => string(field, object, name).map(Some),
    }
}

/// `content`: an array of blocks of these types, or absent where the caller allows an empty list.
fn blocks(field: &str, object: &Map<String, Value>, types: &[&str]) -> Result<Vec<Value>, Refused> {
    let field = format!("{field}.content");
    let content = match object.get("content") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(content)) => content,
        Some(_) => return refuse(field, "must be an array of content blocks"),
    };
    for (index, block) in content.iter().enumerate() {
        let field = format!("{field}.{index}");
        let Some(kind) = block.get("type").and_then(Value::as_str) else {
            return refuse(format!("{field}.type"), "must be a string");
        };
        if !types.contains(&kind) {
            return refuse(format!("{field}.type"), format!("{kind:?} is not one of {}", types.join(", ")));
        }
        match kind {
            "text" => match block.get("text") {
                Some(Value::String(text)) if !text.is_empty() => {}
                Some(Value::String(_)) => return refuse(format!("{field}.text"), "must not be empty"),
                _ => return refuse(format!("{field}.text"), "must be a string"),
            },
            "image" | "document" => source(&field, kind, block)?,
            _ => {}
        }
    }
    Ok(content.clone())
}

/// The source of an image or a document.
fn source(field: &str, kind: &str, block: &Value) -> Result<(), Refused> {
    let Some(source) = block.get("source").and_then(Value::as_object) else {
        return refuse(format!("{field}.source"), "must be an object");
    };
    let field = format!("{field}.source");
    match source.get("type").and_then(Value::as_str) {
        Some("base64") => {
            string(&field, source, "media_type")?;
            string(&field, source, "data").map(drop)
        }
        Some("text") if kind == "document" => string(&field, source, "data").map(drop),
        Some("url") => string(&field, source, "url").map(drop),
        Some("file") => refuse(format!("{field}.type"), "files are not available on this server"),
        _ => refuse(format!("{field}.type"), "must be \"base64\", \"url\", or, for documents, \"text\""),
    }
}
