//! What can happen in a session. Most events are the wire's own; those named `log.*` are for us alone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::resources::event::Verdict;

/// One thing that happened. Serialises to the wire's fields, without `id` and `processed_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// A user speaks. Waits until the agent consumes it.
    #[serde(rename = "user.message")]
    UserMessage {
        /// Text, image and document blocks.
        content: Vec<Value>,
    },
    /// The operator speaks, in the middle of the conversation. Waits until consumed.
    #[serde(rename = "system.message")]
    SystemMessage {
        /// Text blocks.
        content: Vec<Value>,
    },
    /// A user wants the present turn to end. Waits until applied.
    #[serde(rename = "user.interrupt")]
    UserInterrupt {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_thread_id: Option<String>,
    },
    /// A user allows or denies a call that asked.
    #[serde(rename = "user.tool_confirmation")]
    UserToolConfirmation {
        /// The `agent.tool_use` event.
        tool_use_id: String,
        result: Verdict,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deny_message: Option<String>,
    },
    /// The client has run a custom tool.
    #[serde(rename = "user.custom_tool_result")]
    UserCustomToolResult {
        /// The `agent.custom_tool_use` event.
        custom_tool_use_id: String,
        #[serde(default)]
        content: Vec<Value>,
        #[serde(default)]
        is_error: bool,
    },
    /// The model said something to the user.
    #[serde(rename = "agent.message")]
    AgentMessage { content: Vec<Value> },
    /// The model thought; the thoughts stay in the log.
    #[serde(rename = "agent.thinking")]
    AgentThinking {},
    /// The model calls a tool that runs here.
    #[serde(rename = "agent.tool_use")]
    AgentToolUse {
        name: String,
        input: Value,
        evaluated_permission: Permission,
        /// Which policy said so; none when the call was refused before any policy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evaluation: Option<Evaluation>,
    },
    /// A tool that runs here has answered.
    #[serde(rename = "agent.tool_result")]
    AgentToolResult {
        tool_use_id: String,
        content: Vec<Value>,
        is_error: bool,
    },
    /// The model calls a tool of the client's.
    #[serde(rename = "agent.custom_tool_use")]
    AgentCustomToolUse { name: String, input: Value },
    #[serde(rename = "session.status_running")]
    StatusRunning {},
    #[serde(rename = "session.status_idle")]
    StatusIdle {
        stop_reason: StopReason,
        stop_details: Value,
    },
    #[serde(rename = "session.status_rescheduled")]
    StatusRescheduled {},
    #[serde(rename = "session.status_terminated")]
    StatusTerminated {},
    #[serde(rename = "session.thread_status_running")]
    ThreadStatusRunning(Thread),
    #[serde(rename = "session.thread_status_idle")]
    ThreadStatusIdle {
        #[serde(flatten)]
        thread: Thread,
        stop_reason: StopReason,
        stop_details: Value,
    },
    #[serde(rename = "session.thread_status_rescheduled")]
    ThreadStatusRescheduled(Thread),
    #[serde(rename = "session.thread_status_terminated")]
    ThreadStatusTerminated(Thread),
    #[serde(rename = "session.error")]
    SessionError { error: Failure },
    /// Title, metadata or agent changed; only what did is in it.
    #[serde(rename = "session.updated")]
    SessionUpdated {
        #[serde(flatten)]
        changed: Map<String, Value>,
    },
    #[serde(rename = "session.usage")]
    SessionUsage { usage: super::Usage, budget: Value },
    #[serde(rename = "session.deleted")]
    SessionDeleted {},
    #[serde(rename = "span.model_request_start")]
    ModelRequestStart {},
    #[serde(rename = "span.model_request_end")]
    ModelRequestEnd {
        model_request_start_id: String,
        is_error: bool,
        model_usage: super::RequestUsage,
    },

    /// The first entry of every log.
    #[serde(rename = "log.created")]
    Created { thread: Thread },
    /// A waiting event of the client takes effect now.
    #[serde(rename = "log.consumed")]
    Consumed { event_id: String },
    /// A waiting event of the client will never take effect.
    #[serde(rename = "log.dropped")]
    Dropped { event_id: String },
    /// The model's answer exactly as it came, for the conversation; its visible events follow in the same append.
    #[serde(rename = "log.answered")]
    Answered {
        content: Vec<Value>,
        calls: Vec<Called>,
        outcome: Outcome,
        stop_details: Value,
    },
    /// A tool starts to run. Durable before it does.
    #[serde(rename = "log.call_started")]
    CallStarted { tool_use_id: String },
    /// What a tool left for its next call.
    #[serde(rename = "log.tool_state")]
    ToolState { tool: String, state: SavedState },
    /// The session's files from here on. In the same append as the result of the call that changed them.
    #[serde(rename = "log.files")]
    Files {
        /// What they are saved as.
        root: String,
        /// Set on files that are older than this kind of event: what they were before is not known.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        moved_in: bool,
    },
    /// All before is a copy of another session's log.
    #[serde(rename = "log.forked")]
    Forked { session_id: String },
    /// The session is again what it was at an earlier event; what happened since counts no more.
    #[serde(rename = "log.rewound")]
    Rewound {
        /// The event it went back to.
        event_id: String,
    },
}

/// A thread as its status events name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    #[serde(rename = "session_thread_id")]
    pub id: String,
    pub agent_name: String,
}

/// A call as the model named it, and as clients know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The event id.
    pub id: String,
    /// The model's id, which never leaves the log.
    pub model_id: String,
    pub name: String,
    pub runs: Runs,
}

/// Where a call runs and what running it may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// Here; running it twice is the same as once.
    Pure,
    /// Here; it may change things.
    Effectful,
    /// At the client.
    Client,
    /// Nowhere: it is refused.
    Nowhere,
}

/// What a policy made of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    Allow,
    Ask,
    Deny,
}

/// The policy that was applied, as the wire has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Evaluation {
    AlwaysAllow,
    AlwaysAsk,
    /// Nobody here can judge for the user, so `auto` asks.
    Auto {
        evaluated_permission: Value,
    },
}

/// Why a session went idle, as the wire has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StopReason {
    EndTurn,
    RequiresAction { event_ids: Vec<String> },
    RetriesExhausted,
    Refusal,
}

/// How the model ended its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has said what it wanted to say.
    Done,
    /// It waits for tools, or wants to go on.
    GoOn,
    Refused,
    /// The conversation no longer fits.
    Full,
}

/// The `error` of a `session.error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    #[serde(rename = "type")]
    pub kind: FailureKind,
    /// Safe to show.
    pub message: String,
    pub retry_status: RetryStatus,
}

/// The kinds of `session.error` that this server makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    #[serde(rename = "unknown_error")]
    Unknown,
    #[serde(rename = "model_overloaded_error")]
    ModelOverloaded,
    #[serde(rename = "model_rate_limited_error")]
    ModelRateLimited,
    #[serde(rename = "model_request_failed_error")]
    ModelRequestFailed,
    #[serde(rename = "billing_error")]
    Billing,
    #[serde(rename = "tool_use_limit_reached_error")]
    ToolUseLimitReached,
    #[serde(rename = "compaction_limit_reached_error")]
    CompactionLimitReached,
}

/// What happens after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RetryStatus {
    Retrying,
    Exhausted,
    Terminal,
}

/// Where a tool's state is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedState {
    /// In the log, base64.
    Inline(String),
    /// In a file of this name among the session's own, because it is large.
    File(String),
}

/// Who gets to see an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Clients,
    LogOnly,
}

impl Event {
    /// Whether clients see it.
    pub fn audience(&self) -> Audience {
        match self {
            Event::Created { .. }
            | Event::Consumed { .. }
            | Event::Dropped { .. }
            | Event::Answered { .. }
            | Event::CallStarted { .. }
            | Event::ToolState { .. }
            | Event::Files { .. }
            | Event::Forked { .. }
            | Event::Rewound { .. } => Audience::LogOnly,
            _ => Audience::Clients,
        }
    }

    /// Whether it waits, from acceptance until the agent consumes it.
    pub fn waits(&self) -> bool {
        matches!(
            self,
            Event::UserMessage { .. } | Event::SystemMessage { .. } | Event::UserInterrupt { .. }
        )
    }
}
