//! `/v1/sessions/{session_id}/events/stream`: a session's events as they happen (server-sent events).
//!
//! Every event has an `event:` line. What is no event, such as the progress of a tool, has none, so that the SDKs skip it. There is no replay: a client that wants
//! everything opens the stream, lists the history, and drops what it has seen twice. That works because the subscriber
//! is registered before the headers of the answer are sent.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::Api;
use super::auth::Caller;
use super::error::ApiError;
use super::metrics::OpenStream;
use super::path::Id;
use super::query::Query;
use crate::agent::{Frame, Previews, Subscription};

/// After how much silence a ping is sent: the SDKs give up on a stream that says nothing.
const PING_AFTER: Duration = Duration::from_secs(15);
const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";
const EVENT_DELTAS_MAX: usize = 100;

/// `GET /v1/sessions/{session_id}/events/stream`
pub(super) async fn open(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Response, ApiError> {
    let previews = previews(&query)?;
    let subscription = api
        .agents
        .subscribe(&caller.workspace, &id, previews)
        .await?;
    let subscription = subscription.ok_or_else(|| ApiError::not_found("session", &id))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // Reverse proxies that buffer would hold events back.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((headers, Body::from_stream(frames(api, subscription))).into_response())
}

/// `event_deltas[]`: of which events previews are wanted.
fn previews(query: &Query) -> Result<Previews, ApiError> {
    let wanted = query.choices("event_deltas", &["agent.message", "agent.thinking"])?;
    if wanted.len() > EVENT_DELTAS_MAX {
        return Err(ApiError::invalid(
            "event_deltas",
            format!("at most {EVENT_DELTAS_MAX} values are allowed"),
        ));
    }
    let wants = |name: &str| wanted.iter().any(|value| value == name);
    Ok(Previews {
        messages: wants("agent.message"),
        thinking: wants("agent.thinking"),
    })
}

/// The bytes of the stream. Nothing is read ahead: a client that does not read holds up its own subscription only.
fn frames(
    api: Api,
    subscription: Subscription,
) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    let state = (api, subscription, OpenStream::new());
    futures::stream::unfold(state, |(api, mut subscription, open)| async move {
        let bytes = tokio::select! {
            biased;
            frame = subscription.next() => render(&frame?),
            () = api.clock.sleep(PING_AFTER) => Bytes::from_static(PING),
        };
        Some((Ok(bytes), (api, subscription, open)))
    })
}

fn render(frame: &Frame) -> Bytes {
    let event_type = frame.event_type.as_deref().unwrap_or_default();
    let mut text = String::with_capacity(event_type.len() + frame.data.len() + 16);
    if frame.event_type.is_some() {
        text.extend(["event: ", event_type, "\n"]);
    }
    text.extend(["data: ", &*frame.data, "\n\n"]);
    Bytes::from(text)
}
