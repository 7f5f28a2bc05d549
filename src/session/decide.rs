//! What to do next, as a pure function of the state.
//!
//! The caller performs the step, appends what happened and asks again. It never asks while it is performing one, so a
//! model request or a call that is open here was lost with the process that had begun it.

use serde_json::{Value, json};

use super::state::{Answered, Call, Turn};
use super::{
    Draft, Event, Failure, FailureKind, Permission, RequestUsage, RetryStatus, Runs, State, Status,
    StopReason,
};

/// What a session may do before it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Model requests in one turn. Default 500: no honest turn has come near it, and a loop ends within hours.
    pub requests_max: u32,
    /// Failed model requests in a row that are tried again. Default 8: with the default delays about two minutes.
    pub retries_max: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            requests_max: 500,
            retries_max: 8,
        }
    }
}

/// The one next thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Nothing, until somebody sends something.
    Rest,
    /// Append these and ask again.
    Record(Vec<Draft>),
    /// Append `announce`, then ask the model.
    AskModel { announce: Vec<Draft> },
    /// Append `announce`, then run these calls, all at the same time.
    Run {
        announce: Vec<Draft>,
        calls: Vec<Call>,
    },
    /// Wait for the `failures`th time, then append these and ask again.
    BackOff { failures: u32, then: Vec<Draft> },
}

/// The text of the result of a call that was running when its server died.
pub const LOST: &str = "The server restarted while this call was running. All files are as they were before it; what it \
                        did elsewhere may have happened.";
/// The text of the result of a call that was open where a session was forked or rewound.
pub const LEFT_OPEN: &str =
    "The session was taken up at this moment again, and this call was not run.";
/// The text of the result of a call that an interrupt ended.
pub const INTERRUPTED: &str = "Execution was interrupted before completion, please retry.";

/// Decides the one next thing to do.
pub fn decide(state: &State, rules: &Rules) -> Step {
    if state.status == Status::Terminated {
        return Step::Rest;
    }
    if let Some(start) = &state.request {
        return Step::Record(vec![request_ended(start, true, RequestUsage::default())]);
    }
    if state.is_interrupted() {
        return Step::Record(interrupt(state));
    }
    match &state.status {
        Status::Terminated => Step::Rest,
        Status::Idle(StopReason::RequiresAction { event_ids }) => blocked(state, event_ids),
        Status::Idle(_) => {
            let heard = consume_all(state);
            if heard.is_empty() {
                Step::Rest
            } else {
                Step::Record([heard, running(state)].concat())
            }
        }
        Status::Rescheduling => Step::BackOff {
            failures: state.failures,
            then: running(state),
        },
        Status::Running if state.calls.is_empty() => go_on(state, rules),
        Status::Running => calls(state),
    }
}

/// The end of a model request that began with the event `start`.
pub fn request_ended(start: &str, is_error: bool, usage: RequestUsage) -> Draft {
    Event::ModelRequestEnd {
        model_request_start_id: start.to_owned(),
        is_error,
        model_usage: usage,
    }
    .into()
}

/// What follows a failed model request, after its end: another try later, or the end of the turn.
pub fn failed(
    state: &State,
    rules: &Rules,
    kind: FailureKind,
    message: String,
    retry_status: RetryStatus,
) -> Vec<Draft> {
    let retry_status = match retry_status {
        RetryStatus::Retrying if state.failures >= rules.retries_max => RetryStatus::Exhausted,
        other => other,
    };
    let mut drafts = vec![
        Event::SessionError {
            error: Failure {
                kind,
                message,
                retry_status,
            },
        }
        .into(),
    ];
    match retry_status {
        RetryStatus::Retrying => drafts.extend([
            Event::ThreadStatusRescheduled(state.thread.clone()).into(),
            Event::StatusRescheduled {}.into(),
        ]),
        RetryStatus::Exhausted => {
            drafts.extend(waiting(state).map(|event_id| Event::Dropped { event_id }.into()));
            drafts.extend(idle(state, StopReason::RetriesExhausted, Value::Null));
        }
        RetryStatus::Terminal => {
            drafts.extend(waiting(state).map(|event_id| Event::Dropped { event_id }.into()));
            drafts.extend(terminated(state));
        }
    }
    drafts
}

/// The end of the session.
pub fn terminated(state: &State) -> Vec<Draft> {
    vec![
        Event::ThreadStatusTerminated(state.thread.clone()).into(),
        Event::StatusTerminated {}.into(),
    ]
}

fn waiting(state: &State) -> impl Iterator<Item = String> + '_ {
    state.waiting.iter().map(|record| record.id.clone())
}

fn consume_all(state: &State) -> Vec<Draft> {
    waiting(state)
        .map(|event_id| Event::Consumed { event_id }.into())
        .collect()
}

fn running(state: &State) -> Vec<Draft> {
    vec![
        Event::StatusRunning {}.into(),
        Event::ThreadStatusRunning(state.thread.clone()).into(),
    ]
}

/// The three events that every pause consists of.
pub(super) fn idle(state: &State, stop_reason: StopReason, stop_details: Value) -> Vec<Draft> {
    let thread = state.thread.clone();
    vec![
        Event::ThreadStatusIdle {
            thread,
            stop_reason: stop_reason.clone(),
            stop_details: stop_details.clone(),
        }
        .into(),
        Event::SessionUsage {
            usage: state.usage.clone(),
            budget: Value::Null,
        }
        .into(),
        Event::StatusIdle {
            stop_reason,
            stop_details,
        }
        .into(),
    ]
}

/// Whatever the user said up to the interrupt is heard, open calls are closed, and the turn is over.
fn interrupt(state: &State) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for record in &state.waiting {
        drafts.push(
            Event::Consumed {
                event_id: record.id.clone(),
            }
            .into(),
        );
        if matches!(record.event, Event::UserInterrupt { .. }) {
            break;
        }
    }
    drafts.extend(
        state
            .calls
            .iter()
            .filter(|call| !call.answered)
            .map(|call| error_result(call, INTERRUPTED)),
    );
    match state.status {
        Status::Idle(StopReason::RequiresAction { .. })
        | Status::Running
        | Status::Rescheduling => {
            drafts.extend(idle(state, StopReason::EndTurn, Value::Null));
        }
        Status::Idle(_) | Status::Terminated => {}
    }
    drafts
}

/// The session is idle until somebody answers.
fn blocked(state: &State, announced: &[String]) -> Step {
    let open = blocking(state);
    if open.is_empty() {
        Step::Record(running(state))
    } else if open == announced {
        Step::Rest
    } else {
        Step::Record(idle(
            state,
            StopReason::RequiresAction { event_ids: open },
            Value::Null,
        ))
    }
}

fn blocking(state: &State) -> Vec<String> {
    state
        .calls
        .iter()
        .filter(|call| call.blocks())
        .map(|call| call.called.id.clone())
        .collect()
}

/// Running, with calls of the last answer open.
fn calls(state: &State) -> Step {
    let refused: Vec<Draft> = state
        .calls
        .iter()
        .filter(|call| !call.answered)
        .filter_map(refusal)
        .collect();
    if !refused.is_empty() {
        return Step::Record(refused);
    }
    let runnable: Vec<&Call> = state.calls.iter().filter(|call| call.may_run()).collect();
    let Some(first) = runnable.first() else {
        return Step::Record(idle(
            state,
            StopReason::RequiresAction {
                event_ids: blocking(state),
            },
            Value::Null,
        ));
    };
    // Calls without effects cannot get into each other's way; everything else keeps the order the model gave it.
    let together = match first.called.runs {
        Runs::Pure => runnable
            .iter()
            .take_while(|call| call.called.runs == Runs::Pure)
            .count(),
        _ => 1,
    };
    let calls: Vec<Call> = runnable[..together]
        .iter()
        .map(|call| (*call).clone())
        .collect();
    let announce = calls
        .iter()
        .filter(|call| call.called.runs == Runs::Effectful)
        .map(|call| {
            Event::CallStarted {
                tool_use_id: call.called.id.clone(),
            }
            .into()
        })
        .collect();
    Step::Run { announce, calls }
}

/// Why an open call gets an error instead of running, if it does.
fn refusal(call: &Call) -> Option<Draft> {
    if call.started && call.called.runs == Runs::Effectful {
        return Some(error_result(call, LOST));
    }
    if call.called.runs == Runs::Nowhere {
        return Some(error_result(
            call,
            &format!(
                "There is no tool named {:?}, or it is disabled.",
                call.called.name
            ),
        ));
    }
    if call.permission == Permission::Deny {
        return Some(error_result(
            call,
            "The policy of this session denies this call.",
        ));
    }
    match &call.verdict {
        Some(Answered::Denied(None)) => Some(error_result(call, "The user rejected this call.")),
        Some(Answered::Denied(Some(message))) => Some(error_result(
            call,
            &format!("The user rejected this call: {message}"),
        )),
        Some(Answered::Allowed) | None => None,
    }
}

pub(super) fn error_result(call: &Call, text: &str) -> Draft {
    let content = vec![json!({"type": "text", "text": text})];
    let id = call.called.id.clone();
    match call.called.runs {
        // There is no other event that closes such a call.
        Runs::Client => Event::UserCustomToolResult {
            custom_tool_use_id: id,
            content,
            is_error: true,
        }
        .into(),
        _ => Event::AgentToolResult {
            tool_use_id: id,
            content,
            is_error: true,
        }
        .into(),
    }
}

/// Running, and no call is open.
fn go_on(state: &State, rules: &Rules) -> Step {
    let heard = consume_all(state);
    if !heard.is_empty() {
        return Step::Record(heard);
    }
    let give_up = |kind, message: &str| {
        let message = message.to_owned();
        let error = Failure {
            kind,
            message,
            retry_status: RetryStatus::Exhausted,
        };
        let mut drafts: Vec<Draft> = vec![Event::SessionError { error }.into()];
        drafts.extend(idle(state, StopReason::RetriesExhausted, Value::Null));
        Step::Record(drafts)
    };
    match &state.turn {
        Turn::Over { reason, details } => {
            Step::Record(idle(state, reason.clone(), details.clone()))
        }
        Turn::Full => give_up(
            FailureKind::CompactionLimitReached,
            "the conversation no longer fits the model's context window",
        ),
        Turn::Ask if state.requests >= rules.requests_max => give_up(
            FailureKind::ToolUseLimitReached,
            "the turn has reached its limit of model requests",
        ),
        Turn::Ask => Step::AskModel {
            announce: vec![Event::ModelRequestStart {}.into()],
        },
    }
}
