//! Client events: which of them this session accepts now, all or none.
//!
//! Their shape is checked by `resources::event`; here it is about the calls they answer.

use serde_json::Value;

use super::{Call, Draft, Event, Permission, Runs, State, Status};
use crate::resources::Invalid;
use crate::resources::event::SentEvent;

/// Checks the events of one request against the session and against each other.
pub fn accept(state: &State, events: Vec<SentEvent>) -> Result<Vec<Draft>, Invalid> {
    if state.status == Status::Terminated {
        return Err(Invalid::new(
            "events",
            "the session is terminated and accepts no events",
        ));
    }
    let mut accepted: Vec<Draft> = Vec::with_capacity(events.len());
    for (index, sent) in events.into_iter().enumerate() {
        let field = format!("events.{index}");
        let event = translate(&field, sent)?;
        match &event {
            Event::UserInterrupt {
                session_thread_id: Some(thread),
            } if *thread != state.thread.id => {
                let problem = format!("there is no thread '{thread}' in this session");
                return Err(Invalid::new(format!("{field}.session_thread_id"), problem));
            }
            Event::UserToolConfirmation { tool_use_id, .. } => {
                let field = format!("{field}.tool_use_id");
                let call = open_call(state, &field, tool_use_id, &accepted)?;
                if call.called.runs == Runs::Client || call.permission != Permission::Ask {
                    return Err(Invalid::new(
                        field,
                        format!("'{tool_use_id}' does not ask for a confirmation"),
                    ));
                }
                if call.verdict.is_some() {
                    return Err(Invalid::new(
                        field,
                        format!("'{tool_use_id}' is already answered"),
                    ));
                }
            }
            Event::UserCustomToolResult {
                custom_tool_use_id, ..
            } => {
                let field = format!("{field}.custom_tool_use_id");
                let call = open_call(state, &field, custom_tool_use_id, &accepted)?;
                if call.called.runs != Runs::Client {
                    return Err(Invalid::new(
                        field,
                        format!("'{custom_tool_use_id}' is not the call of a custom tool"),
                    ));
                }
            }
            _ => {}
        }
        accepted.push(event.into());
    }
    Ok(accepted)
}

/// The same for a session that is being created.
pub fn accept_initial(events: Vec<SentEvent>) -> Result<Vec<Draft>, Invalid> {
    let translated =
        |(index, event)| translate(&format!("initial_events.{index}"), event).map(Draft::from);
    events.into_iter().enumerate().map(translated).collect()
}

/// The call that is being answered, if it waits for an answer.
fn open_call<'s>(
    state: &'s State,
    field: &str,
    id: &str,
    accepted: &[Draft],
) -> Result<&'s Call, Invalid> {
    let answered_before = accepted.iter().any(|draft| match &draft.event {
        Event::UserToolConfirmation { tool_use_id, .. } => tool_use_id == id,
        Event::UserCustomToolResult {
            custom_tool_use_id, ..
        } => custom_tool_use_id == id,
        _ => false,
    });
    if answered_before {
        return Err(Invalid::new(field, format!("'{id}' is already answered")));
    }
    state
        .open_call(id)
        .ok_or_else(|| Invalid::new(field, format!("no tool call '{id}' waits for an answer")))
}

fn translate(field: &str, sent: SentEvent) -> Result<Event, Invalid> {
    Ok(match sent {
        SentEvent::UserMessage { content } => {
            no_files(field, &content)?;
            Event::UserMessage { content }
        }
        SentEvent::SystemMessage { content } => Event::SystemMessage { content },
        SentEvent::UserInterrupt { session_thread_id } => {
            Event::UserInterrupt { session_thread_id }
        }
        SentEvent::UserToolConfirmation {
            tool_use_id,
            result,
            deny_message,
        } => Event::UserToolConfirmation {
            tool_use_id,
            result,
            deny_message,
        },
        SentEvent::UserCustomToolResult {
            custom_tool_use_id,
            content,
            is_error,
        } => {
            let content = content.unwrap_or_default();
            no_files(field, &content)?;
            Event::UserCustomToolResult {
                custom_tool_use_id,
                content,
                is_error: is_error.unwrap_or(false),
            }
        }
        SentEvent::UserToolResult { .. } => {
            return Err(Invalid::new(
                format!("{field}.type"),
                "user.tool_result is only for self-hosted environments",
            ));
        }
        SentEvent::UserDefineOutcome { .. } => {
            return Err(Invalid::new(
                format!("{field}.type"),
                "outcomes are not available on this server",
            ));
        }
    })
}

/// There are no uploaded files to refer to.
fn no_files(field: &str, content: &[Value]) -> Result<(), Invalid> {
    match content
        .iter()
        .position(|block| block["source"]["type"] == "file")
    {
        Some(index) => {
            let field = format!("{field}.content.{index}.source.type");
            Err(Invalid::new(
                field,
                "uploaded files are not available on this server",
            ))
        }
        None => Ok(()),
    }
}
