//! What the loop counts, for `/metrics`.
//!
//! | metric | labels | counts |
//! |---|---|---|
//! | `glovebox_sessions_created_total` | | sessions |
//! | `glovebox_model_requests_total` | outcome | requests to the model that ended: `ok`, `error`, `interrupted` |
//! | `glovebox_model_request_duration_seconds` | outcome | until the answer was complete |
//! | `glovebox_tool_calls_total` | tool, outcome | calls that ran here: `ok`, `error` |
//! | `glovebox_tool_call_duration_seconds` | tool | until the result was there |

use std::time::Duration;

/// A session was created.
pub(super) fn session_created() {
    metrics::counter!("glovebox_sessions_created_total").increment(1);
}

/// A request to the model ended.
pub(super) fn model_request(outcome: &'static str, elapsed: Duration) {
    metrics::counter!("glovebox_model_requests_total", "outcome" => outcome).increment(1);
    metrics::histogram!("glovebox_model_request_duration_seconds", "outcome" => outcome)
        .record(elapsed);
}

/// A tool call ran to its end.
pub(super) fn tool_call(tool: &str, is_error: bool, elapsed: Duration) {
    let outcome = if is_error { "error" } else { "ok" };
    let tool = tool.to_owned();
    metrics::counter!("glovebox_tool_calls_total", "tool" => tool.clone(), "outcome" => outcome)
        .increment(1);
    metrics::histogram!("glovebox_tool_call_duration_seconds", "tool" => tool).record(elapsed);
}
