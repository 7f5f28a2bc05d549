//! `glovebox scripted-model`: a Messages API server that plays a script.
//!
//! For demos and tests, in place of a real model. It speaks the API as the real one does (streaming or not, errors,
//! pings, refusal of malformed conversations) and knows nothing of who asks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

mod answer;
mod check;
mod script;

use answer::Event;
pub use script::{Conditions, Fault, FaultKind, Script, ScriptError, Turn};

use crate::ids::{Ids, RandomIds};

/// Plays a script in place of a model, speaking the Messages API.
///
/// Point a server at it with ANTHROPIC_BASE_URL.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The script is JSON (or TOML) with a list of turns. A turn without `when` is chosen by its place: the n-th answers a
conversation that has n-1 answers. A turn with `when` comes first whenever its conditions hold.

  {\"turns\": [
    {\"blocks\": [{\"type\": \"tool_use\", \"name\": \"bash\", \"input\": {\"command\": \"echo hi\"}}]},
    {\"blocks\": [{\"type\": \"text\", \"text\": \"It says hi.\"}]},
    {\"when\": {\"user_contains\": \"overload\"},
     \"fault\": {\"kind\": \"status\", \"status\": 529, \"times\": 2},
     \"blocks\": [{\"type\": \"text\", \"text\": \"Third time lucky.\"}]}
  ]}

Conditions: first_user_contains, user_contains, tool_result_contains, system_contains, answers, model.
Faults: status (status, retry_after, message), stall, cut, garbage, error (error_type), each with after_events and times.
Pace: delay_ms before the answer, delta_chars and delta_delay_ms while it streams.

  glovebox scripted-model --listen 127.0.0.1:9000 --script demo/fibonacci.json
  ANTHROPIC_BASE_URL=http://127.0.0.1:9000 ANTHROPIC_API_KEY=unused glovebox serve")]
pub struct Command {
    /// Where to listen; port 0 picks one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: String,
    /// What to play
    #[arg(long, value_name = "FILE")]
    script: PathBuf,
    /// Append each request's body to this file, one JSON per line
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl Command {
    /// Runs until SIGTERM or SIGINT.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let script = Script::load(&self.script)?;
        let record = self
            .record
            .map(|path| {
                std::fs::File::options()
                    .create(true)
                    .append(true)
                    .open(path)
            })
            .transpose()?;
        let stop = crate::server::stop_signal();
        let listener = tokio::net::TcpListener::bind(&self.listen).await?;
        super::say(&format!("listening on http://{}", listener.local_addr()?))?;
        serve(listener, script, record, stop).await?;
        Ok(())
    }
}

/// Plays `script` to whoever connects, until `stop` is done.
pub async fn serve(
    listener: tokio::net::TcpListener,
    script: Script,
    record: Option<std::fs::File>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let player = Player {
        script,
        record: record.map(Mutex::new),
        faults: Mutex::default(),
    };
    let router = Router::new()
        .route("/v1/messages", post(messages))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "not_found_error", "Not found") })
        .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
        .with_state(Arc::new(player));
    // Dropped rather than drained: answers that stall never end.
    tokio::select! {
        result = axum::serve(listener, router).into_future() => result,
        () = stop => Ok(()),
    }
}

struct Player {
    script: Script,
    record: Option<Mutex<std::fs::File>>,
    /// How often each turn has failed for each request, by the digest of its messages.
    faults: Mutex<HashMap<(usize, [u8; 32]), u32>>,
}

impl Player {
    /// The turn's fault, if it is still to happen for this request.
    fn fault<'a>(&self, place: usize, turn: &'a Turn, request: &Value) -> Option<&'a FaultKind> {
        let fault = turn.fault.as_ref()?;
        if let Some(times) = fault.times {
            let digest = Sha256::digest(request["messages"].to_string()).into();
            let mut faults = self
                .faults
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let count = faults.entry((place, digest)).or_default();
            if *count >= times {
                return None;
            }
            *count += 1;
        }
        Some(&fault.kind)
    }

    fn record(&self, request: &Value) {
        if let Some(file) = &self.record {
            let mut file = file
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            // A record that cannot be written is no reason to fail the conversation.
            drop(writeln!(file, "{request}"));
        }
    }
}

async fn messages(State(player): State<Arc<Player>>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return error(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            "the request body is not valid JSON",
        );
    };
    player.record(&request);
    if let Err(problem) = check::check(&request) {
        return error(StatusCode::BAD_REQUEST, "invalid_request_error", &problem);
    }
    let nothing = Turn {
        blocks: vec![json!({"type": "text", "text": "The script has no turn for this."})],
        ..Turn::default()
    };
    let (place, turn) = player
        .script
        .turn(&request)
        .unwrap_or((usize::MAX, &nothing));
    let fault = player.fault(place, turn, &request);
    tokio::time::sleep(turn.delay()).await;
    if let Some(FaultKind::Status {
        status,
        retry_after,
        message,
    }) = fault
    {
        return refusal(*status, *retry_after, message.as_deref());
    }
    if request["stream"] != true {
        return Json(answer::message(turn, &request)).into_response();
    }
    stream_response(turn, fault, &request)
}

fn stream_response(turn: &Turn, fault: Option<&FaultKind>, request: &Value) -> Response {
    let mut steps: Vec<Step> = answer::events(turn, request)
        .into_iter()
        .map(Step::Event)
        .collect();
    match fault {
        Some(FaultKind::Stall { after_events }) => {
            end(&mut steps, *after_events, vec![Step::Stall])
        }
        Some(FaultKind::Cut { after_events }) => end(&mut steps, *after_events, vec![Step::Cut]),
        Some(FaultKind::Garbage { after_events }) => {
            end(
                &mut steps,
                *after_events,
                vec![Step::Raw(
                    "event: \u{0}\ndata: <html>502 Bad Gateway\n\n".into(),
                )],
            );
        }
        Some(FaultKind::Error {
            after_events,
            error_type,
        }) => {
            let data =
                json!({"type": "error", "error": {"type": error_type, "message": "scripted"}});
            end(
                &mut steps,
                *after_events,
                vec![Step::Raw(format!("event: error\ndata: {data}\n\n"))],
            );
        }
        Some(FaultKind::Status { .. }) | None => {}
    }
    let pause = turn.delta_delay();
    let pieces = stream::iter(steps).then(move |step| async move {
        match step {
            Step::Event(event) => {
                if event.is_delta() && !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                Ok(format!("event: {}\ndata: {}\n\n", event.name, event.data))
            }
            Step::Raw(text) => Ok(text),
            Step::Stall => {
                std::future::pending::<Infallible>().await;
                unreachable!("pending never ends")
            }
            Step::Cut => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
        }
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    with_request_id(response)
}

enum Step {
    Event(Event),
    Raw(String),
    Stall,
    Cut,
}

fn end(steps: &mut Vec<Step>, after: usize, with: Vec<Step>) {
    steps.truncate(after);
    steps.extend(with);
}

fn refusal(status: u16, retry_after: Option<u64>, message: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let mut response = error(status, kind, message.unwrap_or("scripted"));
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    let id = RandomIds.next("req");
    let body =
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": id});
    with_request_id((status, Json(body)).into_response())
}

fn with_request_id(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&RandomIds.next("req")) {
        response.headers_mut().insert("request-id", id);
    }
    response
}
