//! What a session has used.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tokens of one model request, as `span.model_request_end` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestUsage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_creation_input_tokens: u64,
    pub cache_read_input_tokens: u64,
    /// How much of the cache writes is kept for an hour. Not on the wire of this event upstream; clients ignore it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_creation_1h_input_tokens: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Tokens by how long the cache keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CacheCreation {
    pub ephemeral_1h_input_tokens: u64,
    pub ephemeral_5m_input_tokens: u64,
}

/// Cumulative use of a session, as the wire has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds in which the session was running.
    pub active_seconds: f64,
    pub cache_creation: CacheCreation,
    pub cache_read_input_tokens: u64,
    pub input_tokens: u64,
    /// There is no price list here, so it is always null.
    pub list_cost: Value,
    pub output_tokens: u64,
    pub server_tool_use: Value,
}

impl Usage {
    pub(super) fn add(&mut self, request: &RequestUsage) {
        self.input_tokens += request.input_tokens;
        self.output_tokens += request.output_tokens;
        self.cache_read_input_tokens += request.cache_read_input_tokens;
        let hour = request.cache_creation_1h_input_tokens;
        self.cache_creation.ephemeral_1h_input_tokens += hour;
        self.cache_creation.ephemeral_5m_input_tokens +=
            request.cache_creation_input_tokens.saturating_sub(hour);
    }
}
