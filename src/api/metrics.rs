//! `/metrics` in the Prometheus text format.
//!
//! | metric | labels | counts |
//! |---|---|---|
//! | `glovebox_http_requests_total` | method, route, status | answered requests |
//! | `glovebox_http_request_duration_seconds` | method, route | until the answer's headers |
//! | `glovebox_streams` | | event streams that are open |
//!
//! Other modules add their own (sessions, model requests, tool calls) through the same recorder. What nobody counts, but
//! somebody knows when asked, is set just before it is shown; see [`Handle::asking`].

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::Api;

/// Renders what the process has counted.
#[derive(Clone)]
pub struct Handle {
    counted: PrometheusHandle,
    asked: Arc<dyn Fn() + Send + Sync>,
}

impl Handle {
    /// The same, and `asked` sets gauges whenever somebody is about to look. It must not block.
    pub fn asking(self, asked: impl Fn() + Send + Sync + 'static) -> Handle {
        Handle {
            asked: Arc::new(asked),
            ..self
        }
    }
}

const REQUESTS: &str = "glovebox_http_requests_total";
const DURATION: &str = "glovebox_http_request_duration_seconds";
const STREAMS: &str = "glovebox_streams";
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// The process's recorder, installed at the first call.
pub fn recorder() -> Handle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .expect("the list of buckets is not empty")
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!(
                "another metrics recorder is installed already, /metrics will stay empty"
            );
        }
        metrics::describe_counter!(REQUESTS, "answered requests");
        metrics::describe_histogram!(
            DURATION,
            metrics::Unit::Seconds,
            "time until the headers of the answer"
        );
        metrics::describe_gauge!(STREAMS, "event streams that are open");
        handle
    });
    Handle {
        counted: handle.clone(),
        asked: Arc::new(|| {}),
    }
}

/// `GET /metrics`.
pub(super) async fn show(State(api): State<Api>) -> impl IntoResponse {
    (api.metrics.asked)();
    api.metrics.counted.run_upkeep();
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        api.metrics.counted.render(),
    )
}

/// Counts an answered request.
pub(super) fn request(method: &str, route: &str, status: u16, elapsed: Duration) {
    let labels = [("method", method.to_owned()), ("route", route.to_owned())];
    metrics::histogram!(DURATION, &labels).record(elapsed);
    metrics::counter!(REQUESTS, "method" => method.to_owned(), "route" => route.to_owned(), "status" => status.to_string()).increment(1);
}

/// Counts an open stream for as long as it lives.
#[derive(Debug)]
pub(super) struct OpenStream;

impl OpenStream {
    pub(super) fn new() -> Self {
        metrics::gauge!(STREAMS).increment(1);
        Self
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        metrics::gauge!(STREAMS).decrement(1);
    }
}
