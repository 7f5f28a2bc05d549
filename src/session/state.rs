//! What a session's log adds up to.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Called, Event, Failure, Outcome, Permission, Record, RetryStatus, Runs, SavedState, StopReason,
    Thread, Usage, Verdict, moment,
};

/// A session at one moment: everything that [`super::decide`] and the next model request depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub thread: Thread,
    pub status: Status,
    /// Client events that wait, oldest first.
    pub waiting: VecDeque<Record>,
    /// The model request that has begun and not ended.
    pub request: Option<String>,
    /// The calls of the model's last answer. Empty once all are answered and the model may be asked again.
    pub calls: Vec<Call>,
    /// What the turn needs when no call is open.
    pub turn: Turn,
    /// The conversation so far.
    pub conversation: Vec<Item>,
    pub usage: Usage,
    /// Model requests since the turn began.
    pub requests: u32,
    /// Failed model requests in a row.
    pub failures: u32,
    /// What tools left for their next call.
    pub tool_states: BTreeMap<String, SavedState>,
    /// What the session's files are saved as. None before a call has changed any.
    pub files: Option<String>,
    /// When the last record was appended.
    pub last_at: Option<Timestamp>,
    active_since: Option<Timestamp>,
}

/// What clients see as the session's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Idle(StopReason),
    Running,
    Rescheduling,
    Terminated,
}

impl Status {
    /// The wire's word.
    pub fn name(&self) -> &'static str {
        match self {
            Status::Idle(_) => "idle",
            Status::Running => "running",
            Status::Rescheduling => "rescheduling",
            Status::Terminated => "terminated",
        }
    }
}

/// What comes next when no call is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// The model must be asked.
    Ask,
    /// The turn is over, for this reason.
    Over { reason: StopReason, details: Value },
    /// The conversation no longer fits into the model's window.
    Full,
}

/// A call of the model's last answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub called: Called,
    pub input: Value,
    pub permission: Permission,
    pub verdict: Option<Answered>,
    pub started: bool,
    pub answered: bool,
}

/// How the user answered a call that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    Allowed,
    Denied(Option<String>),
}

/// A piece of the conversation with the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Blocks of the user's side.
    User(Vec<Value>),
    /// The model's blocks as they came, and the results of the calls in it by the model's ids.
    Assistant {
        content: Vec<Value>,
        results: BTreeMap<String, Value>,
    },
}

impl Call {
    /// Whether it only waits for somebody outside.
    pub fn blocks(&self) -> bool {
        !self.answered
            && match self.called.runs {
                Runs::Client => true,
                Runs::Nowhere => false,
                Runs::Pure | Runs::Effectful => {
                    self.permission == Permission::Ask && self.verdict.is_none()
                }
            }
    }

    /// Whether it may run here and now.
    pub fn may_run(&self) -> bool {
        !self.answered
            && matches!(self.called.runs, Runs::Pure | Runs::Effectful)
            && match self.permission {
                Permission::Allow => true,
                Permission::Ask => self.verdict == Some(Answered::Allowed),
                Permission::Deny => false,
            }
    }
}

/// Folds a whole log. None when it is empty.
pub fn fold(records: impl IntoIterator<Item = Record>) -> Option<State> {
    let mut records = moment::effective(records).into_iter();
    let mut state = State::begin(&records.next()?);
    for record in records {
        state.apply(record);
    }
    Some(state)
}

impl State {
    /// The state after the first record of a log.
    pub fn begin(first: &Record) -> State {
        let thread = match &first.event {
            Event::Created { thread } => thread.clone(),
            _ => Thread {
                id: String::new(),
                agent_name: String::new(),
            },
        };
        State {
            thread,
            status: Status::Idle(StopReason::EndTurn),
            waiting: VecDeque::new(),
            request: None,
            calls: Vec::new(),
            turn: Turn::Over {
                reason: StopReason::EndTurn,
                details: Value::Null,
            },
            conversation: Vec::new(),
            usage: Usage::default(),
            requests: 0,
            failures: 0,
            tool_states: BTreeMap::new(),
            files: None,
            last_at: Some(first.at),
            active_since: None,
        }
    }

    /// A call that is not answered yet.
    pub fn open_call(&self, id: &str) -> Option<&Call> {
        self.calls
            .iter()
            .find(|call| call.called.id == id && !call.answered)
    }

    /// Whether an interrupt waits.
    pub fn is_interrupted(&self) -> bool {
        self.waiting
            .iter()
            .any(|record| matches!(record.event, Event::UserInterrupt { .. }))
    }

    /// Adds what happened next. The same function live and after a restart.
    pub fn apply(&mut self, record: Record) {
        self.count_time(&record);
        let Record { id, at, event } = record;
        match event {
            Event::UserMessage { .. }
            | Event::SystemMessage { .. }
            | Event::UserInterrupt { .. } => {
                self.waiting.push_back(Record { id, at, event });
            }
            Event::Consumed { event_id } => self.consume(&event_id),
            Event::Dropped { event_id } => self.waiting.retain(|record| record.id != event_id),
            Event::UserToolConfirmation {
                tool_use_id,
                result,
                deny_message,
            } => {
                if let Some(call) = self.call_mut(&tool_use_id) {
                    call.verdict = Some(match result {
                        Verdict::Allow => Answered::Allowed,
                        Verdict::Deny => Answered::Denied(deny_message),
                    });
                }
            }
            Event::UserCustomToolResult {
                custom_tool_use_id,
                content,
                is_error,
            } => {
                self.answer(&custom_tool_use_id, content, is_error);
            }
            Event::AgentToolResult {
                tool_use_id,
                content,
                is_error,
            } => self.answer(&tool_use_id, content, is_error),
            Event::AgentToolUse {
                evaluated_permission,
                ..
            } => {
                if let Some(call) = self.call_mut(&id) {
                    call.permission = evaluated_permission;
                }
            }
            Event::CallStarted { tool_use_id } => {
                if let Some(call) = self.call_mut(&tool_use_id) {
                    call.started = true;
                }
            }
            Event::ToolState { tool, state } => {
                self.tool_states.insert(tool, state);
            }
            Event::Files { root, .. } => self.files = Some(root),
            Event::ModelRequestStart {} => {
                self.requests += 1;
                self.request = Some(id);
            }
            Event::ModelRequestEnd { model_usage, .. } => {
                self.request = None;
                self.usage.add(&model_usage);
            }
            Event::Answered {
                content,
                calls,
                outcome,
                stop_details,
            } => {
                self.failures = 0;
                self.take_answer(content, calls, outcome, stop_details);
            }
            Event::SessionError {
                error: Failure { retry_status, .. },
            } => {
                if retry_status == RetryStatus::Retrying {
                    self.failures += 1;
                }
            }
            Event::StatusRunning {} => {
                if matches!(&self.status, Status::Idle(reason) if !matches!(reason, StopReason::RequiresAction { .. }))
                {
                    self.turn = Turn::Ask;
                    self.requests = 0;
                    self.failures = 0;
                }
                self.status = Status::Running;
            }
            Event::StatusIdle { stop_reason, .. } => self.status = Status::Idle(stop_reason),
            Event::StatusRescheduled {} => self.status = Status::Rescheduling,
            Event::StatusTerminated {} => self.status = Status::Terminated,
            Event::Created { .. }
            | Event::AgentMessage { .. }
            | Event::AgentThinking {}
            | Event::AgentCustomToolUse { .. }
            | Event::ThreadStatusRunning(_)
            | Event::ThreadStatusIdle { .. }
            | Event::ThreadStatusRescheduled(_)
            | Event::ThreadStatusTerminated(_)
            | Event::SessionUpdated { .. }
            | Event::SessionUsage { .. }
            | Event::SessionDeleted {}
            | Event::Forked { .. }
            // Folding a log leaves out what was taken back before it begins.
            | Event::Rewound { .. } => {}
        }
    }

    fn call_mut(&mut self, id: &str) -> Option<&mut Call> {
        self.calls
            .iter_mut()
            .find(|call| call.called.id == id && !call.answered)
    }

    /// Time counts while the session is running, up to the last record.
    fn count_time(&mut self, record: &Record) {
        if let Some(since) = self.active_since {
            self.usage.active_seconds += record.at.duration_since(since).as_secs_f64();
        }
        self.last_at = Some(record.at);
        match record.event {
            Event::StatusRunning {} => self.active_since = Some(record.at),
            Event::StatusIdle { .. } | Event::StatusRescheduled {} | Event::StatusTerminated {} => {
                self.active_since = None
            }
            _ => self.active_since = self.active_since.map(|_| record.at),
        }
    }

    fn consume(&mut self, event_id: &str) {
        let Some(position) = self.waiting.iter().position(|record| record.id == event_id) else {
            return;
        };
        let Some(record) = self.waiting.remove(position) else {
            return;
        };
        match record.event {
            Event::UserMessage { content } => self.hear(content),
            Event::SystemMessage { content } => {
                let text: Vec<&str> = content
                    .iter()
                    .filter_map(|block| block["text"].as_str())
                    .collect();
                self.hear(vec![json!({"type": "text", "text": format!("<system>\n{}\n</system>", text.join("\n"))})]);
            }
            Event::UserInterrupt { .. } => {
                self.turn = Turn::Over {
                    reason: StopReason::EndTurn,
                    details: Value::Null,
                };
            }
            _ => {}
        }
    }

    fn hear(&mut self, blocks: Vec<Value>) {
        self.turn = Turn::Ask;
        match self.conversation.last_mut() {
            Some(Item::User(content)) => content.extend(blocks),
            _ => self.conversation.push(Item::User(blocks)),
        }
    }

    fn take_answer(
        &mut self,
        content: Vec<Value>,
        calls: Vec<Called>,
        outcome: Outcome,
        stop_details: Value,
    ) {
        self.calls = calls
            .into_iter()
            .map(|called| {
                let block = content.iter().find(|block| {
                    block["type"] == "tool_use" && block["id"] == called.model_id.as_str()
                });
                let input = block
                    .map(|block| block["input"].clone())
                    .unwrap_or_default();
                let permission = if called.runs == Runs::Nowhere {
                    Permission::Deny
                } else {
                    Permission::Allow
                };
                Call {
                    called,
                    input,
                    permission,
                    verdict: None,
                    started: false,
                    answered: false,
                }
            })
            .collect();
        if !content.is_empty() {
            self.conversation.push(Item::Assistant {
                content,
                results: BTreeMap::new(),
            });
        }
        self.turn = match outcome {
            Outcome::Done => Turn::Over {
                reason: StopReason::EndTurn,
                details: Value::Null,
            },
            Outcome::Refused => Turn::Over {
                reason: StopReason::Refusal,
                details: stop_details,
            },
            Outcome::GoOn => Turn::Ask,
            Outcome::Full => Turn::Full,
        };
        if !self.calls.is_empty() {
            self.turn = Turn::Ask;
        }
    }

    fn answer(&mut self, id: &str, content: Vec<Value>, is_error: bool) {
        let Some(call) = self.call_mut(id) else {
            return;
        };
        call.answered = true;
        let model_id = call.called.model_id.clone();
        // The Messages API refuses empty text blocks; a silent command has one.
        let content: Vec<Value> = content
            .into_iter()
            .filter(|block| block["type"] != "text" || block["text"] != "")
            .collect();
        let result = json!({"type": "tool_result", "tool_use_id": model_id, "content": content, "is_error": is_error});
        let calling = self
            .conversation
            .iter_mut()
            .rev()
            .find_map(|item| match item {
                Item::Assistant { results, .. } => Some(results),
                Item::User(_) => None,
            });
        if let Some(results) = calling {
            results.insert(model_id, result);
        }
        if self.calls.iter().all(|call| call.answered) {
            self.calls.clear();
        }
    }
}
