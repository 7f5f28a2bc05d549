//! What the loop counts, for `/metrics`.
//!
//! | metric | labels | counts |
//! |---|---|---|
//! | `glovebox_sessions_created_total` | | sessions |
//! | `glovebox_model_requests_total` | outcome | requests to the model that ended: `ok`, `error`, `interrupted` |
//! | `glovebox_model_request_duration_seconds` | outcome | until the answer was complete |
//! | `glovebox_tool_calls_total` | tool, outcome | calls that ran here: `ok`, `error` |
//! | `glovebox_tool_call_duration_seconds` | tool | until the result was there |
//! | `glovebox_tool_call_seconds` | tool_kind, outcome | the same, by how calls ended: `ok`, `failed`, `limit`, `crashed`, `cancelled`, `refused` |
//! | `glovebox_tool_progress_total` | tool_kind | reports of progress |
//! | `glovebox_trees_memory_bytes` | | contents of files of running sessions that are in memory, those of small files apart |
//! | `glovebox_trees_pack_bytes` | | contents that lie in the pack, because memory did not do |
//! | `glovebox_trees_pack_file_bytes` | | the pack on disk, with what is not needed any more |
//!
//! `tool_kind` is `built_in` or `custom`. All tools that people pushed are one `tool`, `custom`: there may be thousands.

use std::time::Duration;

use crate::resources::toolset::BUILT_IN_TOOLS;
use crate::tools::CallResult;

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
pub(super) fn tool_call(tool: &str, result: &CallResult, elapsed: Duration) {
    let outcome = if result.is_error { "error" } else { "ok" };
    let kind = kind(tool);
    let name = match kind {
        "custom" => kind.to_owned(),
        _ => tool.to_owned(),
    };
    metrics::counter!("glovebox_tool_calls_total", "tool" => name.clone(), "outcome" => outcome)
        .increment(1);
    metrics::histogram!("glovebox_tool_call_duration_seconds", "tool" => name).record(elapsed);
    let ending = result.ending.word();
    metrics::histogram!("glovebox_tool_call_seconds", "tool_kind" => kind, "outcome" => ending)
        .record(elapsed);
}

/// A tool said how far it is.
pub(super) fn tool_progress(tool: &str) {
    metrics::counter!("glovebox_tool_progress_total", "tool_kind" => kind(tool)).increment(1);
}

fn kind(tool: &str) -> &'static str {
    if BUILT_IN_TOOLS.contains(&tool) {
        "built_in"
    } else {
        "custom"
    }
}
