//! The model as a contract: a request goes in, a stream of typed events comes out.
//!
//! Providers live in files of their own ([`messages`] speaks the Messages API). They stream, place the prompt-cache
//! breakpoints and say what kind of failure a failure is; they never retry by themselves, never touch the log and know
//! nothing of sessions. Who calls them decides when to try again, from [`ModelError::retry`].

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde_json::Value;

mod answer;
mod body;
mod error;
mod messages;
mod results;
mod sse;

pub use error::{ModelError, Retry};
pub use messages::{MessagesApi, Options, SetupError};
pub use sse::{Decoder, Frame, FrameTooLarge};

/// Something that answers requests as a model does.
#[async_trait]
pub trait Model: Send + Sync {
    /// Sends the request and returns as soon as the answer begins. Dropping the future or the stream cancels the
    /// request. An error in the stream is its last item; whatever came before it is not a complete answer.
    async fn stream(&self, request: Request) -> Result<ResponseStream, ModelError>;
}

/// The events of one answer. Ends after [`ModelEvent::MessageStop`] or after the first error.
pub type ResponseStream = BoxStream<'static, Result<ModelEvent, ModelError>>;

/// One request for an answer. Content blocks, tools and thinking are the Messages API's own JSON, so that whatever a
/// model returned can be handed back to it unchanged.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The model's id, for example `claude-opus-4-8`.
    pub model: String,
    /// The system prompt; empty for none.
    pub system: String,
    /// Alternating turns, beginning with the user's.
    pub messages: Vec<Message>,
    /// Tool definitions: `name`, `description`, `input_schema`.
    pub tools: Vec<Value>,
    /// Upper bound of the answer's length.
    pub max_tokens: u32,
    /// `thinking` as the API takes it, if any.
    pub thinking: Option<Value>,
    /// `output_config.effort`, if any: `low`, `medium`, `high`, ...
    pub effort: Option<String>,
    /// `speed`, if it is not the standard one.
    pub speed: Option<String>,
    /// `inference_geo`, if any.
    pub inference_geo: Option<String>,
}

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// Content blocks as the API takes them.
    pub content: Vec<Value>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, and whatever answers for the user: tool results.
    User,
    /// The model.
    Assistant,
}

/// What happens while an answer arrives. Blocks come one after the other; `index` counts them from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// The answer begins.
    MessageStart {
        /// The provider's id of the message.
        id: String,
        /// The model that answers, as the provider names it.
        model: String,
        /// What the input has cost so far.
        usage: Usage,
    },
    /// A block begins.
    BlockStart {
        /// Which one.
        index: usize,
        /// What it will be.
        kind: BlockKind,
    },
    /// A text block grows.
    TextDelta {
        /// Which one.
        index: usize,
        /// The new text, to be appended.
        text: String,
    },
    /// A block is complete.
    BlockStop {
        /// Which one.
        index: usize,
        /// The whole block, fit to be sent back: `text`, `thinking` with its signature, `tool_use` with its input, ...
        block: Value,
    },
    /// The answer is complete.
    MessageStop {
        /// Why it ended.
        stop_reason: StopReason,
        /// The API's `stop_details` (for refusals), or null.
        stop_details: Value,
        /// What the request has cost.
        usage: Usage,
    },
}

/// What a block is, known when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    /// Text for the user.
    Text,
    /// Reasoning; its text is the model's own affair.
    Thinking,
    /// A call of a tool.
    ToolUse {
        /// The call's id, to be named by its result.
        id: String,
        /// Which tool.
        name: String,
    },
    /// Anything else, by its type.
    Other(String),
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The model is done.
    EndTurn,
    /// The model waits for the results of its tool calls.
    ToolUse,
    /// `max_tokens` was reached.
    MaxTokens,
    /// The model declined to go on.
    Refusal,
    /// The provider paused a long turn; sending the answer back resumes it.
    PauseTurn,
    /// A stop sequence, a full context window, or something newer, by its name.
    Other(String),
}

/// Tokens of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Input that was neither read from nor written to the cache.
    pub input_tokens: u64,
    /// Generated.
    pub output_tokens: u64,
    /// Input read from the prompt cache.
    pub cache_read_input_tokens: u64,
    /// Input written to the prompt cache for five minutes.
    pub cache_creation_5m_input_tokens: u64,
    /// Input written to the prompt cache for an hour.
    pub cache_creation_1h_input_tokens: u64,
}

impl Usage {
    /// Input written to the prompt cache, for whatever time.
    pub fn cache_creation_input_tokens(&self) -> u64 {
        self.cache_creation_5m_input_tokens + self.cache_creation_1h_input_tokens
    }
}

/// How long to wait for a provider before calling it stalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect. Default 10 s.
    pub connect: Duration,
    /// From the request to the first byte of the answer's body. Default 120 s: a long prompt takes a while to read.
    pub first_byte: Duration,
    /// Between two bytes of the answer. Default 60 s: the API sends a `ping` every 10 to 15 s.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(60),
        }
    }
}
