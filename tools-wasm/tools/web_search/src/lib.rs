//! The `web_search` tool: asks the search engine that the operator runs or has chosen, by the API of SearXNG.

mod engine;

use engine::Settings;
use glovebox_kit::http::{self, Request};
use glovebox_kit::setting;
use glovebox_kit::tool::{Answer, Content, Failure, context, failed, text};

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
const QUERY_BYTES_MAX: usize = 1000;
const MILLISECONDS_MAX: u64 = 30_000;
const HEADERS: [(&str, &str); 3] = [
    ("accept", "application/json"),
    ("accept-encoding", "identity"),
    ("user-agent", "glovebox"),
];

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What to search for.
    query: String,
}

/// Searches the web and returns the best results: address, title and an excerpt each. Use web_fetch to read a result
/// in full.
#[glovebox_kit::tool(name = "web_search", hosts = ["*"], settings = ["web_search"])]
pub fn search(input: Input) -> Answer {
    context::deadline(MILLISECONDS_MAX, "web_search: timed out after 30s");
    let query = input.query.trim();
    if query.is_empty() {
        return Err(Failure::InvalidInput("query: must not be empty".into()));
    }
    if query.len() > QUERY_BYTES_MAX {
        return Err(Failure::InvalidInput(format!(
            "query: longer than {QUERY_BYTES_MAX} bytes"
        )));
    }
    let settings: Settings = setting("web_search")?;
    let url = settings
        .url(query)
        .map_err(|error| failed(format!("web_search: {error}")))?;
    let request = HEADERS.iter().fold(
        Request::get(&url).answer_bytes_max(BODY_BYTES_MAX),
        |request, &(name, value)| request.header(name, value),
    );
    let response = request.send().map_err(|error| match error {
        http::Error::Denied(message) | http::Error::Failed(message) => {
            failed(format!("web_search: unavailable: {message}"))
        }
        http::Error::TooLarge => {
            failed("web_search: unavailable: the search engine's answer is too large")
        }
    })?;
    if response.status != 200 {
        return Err(failed(format!(
            "web_search: unavailable: the search engine answered with status {}",
            response.status
        )));
    }
    let hits = settings
        .hits(&response.body)
        .map_err(|error| failed(format!("web_search: unavailable: {error}")))?;
    if hits.is_empty() {
        return text("no results");
    }
    Ok(hits.into_iter().map(Content::SearchResult).collect())
}
