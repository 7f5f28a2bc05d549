//! What of the time to the first token is ours?
//!
//! The real binary, its log on disk, and a stub of the Messages API in this process, which knows when a request reaches it
//! and when its first byte leaves. Beside it one `fdatasync` of 512 bytes on the same disk, the unit that durability is paid in.
//! Three questions: how long a session takes to create; from the client's `user.message` to the model's server having the
//! request; from the model's first byte to the client's first delta.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot set up has nothing to say"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

const KEY: &str = "bench-key";

/// When the model's server had a request, and when its first byte left.
#[derive(Debug)]
enum Seen {
    Request(Instant),
    FirstByte(Instant),
}

async fn messages(State(seen): State<mpsc::UnboundedSender<Seen>>, _body: Bytes) -> Response {
    seen.send(Seen::Request(Instant::now())).unwrap();
    let frame = |value: Value| {
        format!(
            "event: {}\ndata: {value}\n\n",
            value["type"].as_str().unwrap()
        )
    };
    let first = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "bench", "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
    ];
    let last = [
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ];
    let first: String = first.into_iter().map(frame).collect();
    let last: String = last.into_iter().map(frame).collect();
    let stream = futures::stream::unfold(0, move |step| {
        let (first, last, seen) = (first.clone(), last.clone(), seen.clone());
        async move {
            match step {
                0 => {
                    seen.send(Seen::FirstByte(Instant::now())).unwrap();
                    Some((Ok::<_, std::io::Error>(Bytes::from(first)), 1))
                }
                1 => {
                    // Keeps the end apart from the beginning, so that the first delta travels alone.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    Some((Ok(Bytes::from(last)), 2))
                }
                _ => None,
            }
        }
    });
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(Body::from_stream(stream))
        .unwrap()
}

struct Server {
    child: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl Server {
    fn start(model: &str) -> Server {
        // On the disk that `target` is on: a temporary folder may be in memory.
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_glovebox"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("GLOVEBOX_API_KEY", KEY)
            .env("ANTHROPIC_API_KEY", "none")
            .env("ANTHROPIC_BASE_URL", model)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Server {
            child,
            url,
            _data: data,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    async fn post(&self, path: &str, body: Value) -> Value {
        let response = self
            .http
            .post(format!("{}{path}", self.url))
            .bearer_auth(KEY)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            response.text().await.unwrap()
        );
        response.json().await.unwrap()
    }

    async fn stream(&self, session: &str) -> impl futures::Stream<Item = Bytes> + Unpin + use<> {
        let url = format!(
            "{}/v1/sessions/{session}/events/stream?event_deltas%5B%5D=agent.message",
            self.url
        );
        let response = self.http.get(url).bearer_auth(KEY).send().await.unwrap();
        assert!(response.status().is_success());
        Box::pin(response.bytes_stream().map(Result::unwrap))
    }

    /// One turn: the times from message to request, and from first byte to first delta.
    async fn turn(
        &self,
        agent: &str,
        environment: &str,
        seen: &mut mpsc::UnboundedReceiver<Seen>,
    ) -> (Duration, Duration) {
        let session = self
            .post(
                "/v1/sessions",
                json!({"agent": agent, "environment_id": environment}),
            )
            .await;
        let session = session["id"].as_str().unwrap();
        let mut stream = self.stream(session).await;
        let message = json!({"events": [{"type": "user.message", "content": [{"type": "text", "text": "Hi"}]}]});
        let sent = Instant::now();
        let path = format!("/v1/sessions/{session}/events");
        let post = self.post(&path, message);
        let read = async {
            let mut text = String::new();
            let mut first_delta = None;
            while !text.contains("event: session.status_idle") {
                text.push_str(std::str::from_utf8(&stream.next().await.unwrap()).unwrap());
                if first_delta.is_none() && text.contains("event: event_delta") {
                    first_delta = Some(Instant::now());
                }
            }
            first_delta.unwrap()
        };
        let (_, first_delta) = tokio::join!(post, read);
        let Some(Seen::Request(request)) = seen.recv().await else {
            panic!("no request")
        };
        let Some(Seen::FirstByte(first_byte)) = seen.recv().await else {
            panic!("no first byte")
        };
        (request - sent, first_delta - first_byte)
    }
}

fn ttft(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let model = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new()
        .route("/v1/messages", axum::routing::post(messages))
        .with_state(sender);
    runtime.spawn(async move { axum::serve(listener, router).await });

    let server = Server::start(&model);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client {
        http: reqwest::Client::new(),
        url: server.url.clone(),
    };
    let (agent, environment) = runtime.block_on(async {
        let agent = client
            .post("/v1/agents", json!({"name": "bench", "model": "bench"}))
            .await;
        let environment = client
            .post("/v1/environments", json!({"name": "bench"}))
            .await;
        (
            agent["id"].as_str().unwrap().to_owned(),
            environment["id"].as_str().unwrap().to_owned(),
        )
    });

    let mut group = criterion.benchmark_group("ttft");
    group
        .sample_size(40)
        .measurement_time(Duration::from_secs(4));
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    group.bench_function("fsync", |bencher| {
        bencher.iter(|| {
            file.write_all(&[7; 512]).unwrap();
            file.sync_data().unwrap();
        });
    });
    group.bench_function("session_create", |bencher| {
        bencher.iter(|| {
            runtime.block_on(client.post(
                "/v1/sessions",
                json!({"agent": agent, "environment_id": environment}),
            ))
        });
    });
    for part in ["message_to_model", "model_to_client"] {
        group.bench_function(part, |bencher| {
            bencher.iter_custom(|turns| {
                runtime.block_on(async {
                    let mut seen = receiver.lock().await;
                    let mut total = Duration::ZERO;
                    for _ in 0..turns {
                        let (to_model, to_client) =
                            client.turn(&agent, &environment, &mut seen).await;
                        total += if part == "message_to_model" {
                            to_model
                        } else {
                            to_client
                        };
                    }
                    total
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, ttft);
criterion_main!(benches);
