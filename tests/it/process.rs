//! The real binary, with a scripted model beside it: what the tests of crashes and faults run.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use glovebox::cli::scripted_model::{self, Script};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// The key that every server here accepts.
pub(crate) const KEY: &str = "test-key";

/// How long anything may take. A first start compiles the built-in components.
const PATIENCE: Duration = Duration::from_secs(600);

/// A server process. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
}

impl Process {
    fn start(world: &World) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glovebox"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(world.directory.path().join("data"))
            .arg("--config")
            .arg(world.directory.path().join("glovebox.toml"))
            .env("GLOVEBOX_API_KEY", KEY)
            .env("ANTHROPIC_BASE_URL", &world.model)
            .env("ANTHROPIC_API_KEY", "scripted")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .find_map(|line| {
                line.unwrap()
                    .strip_prefix("listening on ")
                    .map(str::to_owned)
            })
            .expect("the server ended before it was listening");
        Process { child, url }
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        let sent = Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone when it was killed or ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A data directory and a model that outlive the servers that use them.
pub(crate) struct World {
    directory: tempfile::TempDir,
    model: String,
    http: Client,
    player: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.player.abort();
    }
}

impl World {
    /// Plays `turns`. Servers give up on a silent model soon and try again at once.
    pub(crate) async fn new(turns: Value) -> World {
        drop(rustls::crypto::ring::default_provider().install_default());
        let script: Script = serde_json::from_value(json!({ "turns": turns })).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let model = format!("http://{}", listener.local_addr().unwrap());
        let player = tokio::spawn(scripted_model::serve(
            listener,
            script,
            None,
            std::future::pending(),
        ));
        let directory = tempfile::tempdir().unwrap();
        let config = "[model]\nretry_first_ms = 1\nretry_max_ms = 5\nidle_timeout_ms = 300\nfirst_byte_timeout_ms = 2000\n";
        std::fs::write(directory.path().join("glovebox.toml"), config).unwrap();
        World {
            directory,
            model,
            http: Client::new(),
            player,
        }
    }

    /// The data directory.
    pub(crate) fn data(&self) -> String {
        let path = self.directory.path().join("data");
        path.to_str().unwrap().to_owned()
    }

    /// Starts a server on the world's data directory.
    pub(crate) async fn start(&self) -> Process {
        tokio::task::block_in_place(|| Process::start(self))
    }

    /// A request that has to succeed.
    pub(crate) async fn ask(
        &self,
        server: &Process,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        self.try_ask(server, method, path, body).await.unwrap()
    }

    /// A request that may meet a server that is being killed. An answer that is no success is a failed test.
    pub(crate) async fn try_ask(
        &self,
        server: &Process,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Value> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", server.url))
            .bearer_auth(KEY);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status();
        let body: Value = response.json().await?;
        assert!(status.is_success(), "{status}: {body}");
        Ok(body)
    }

    /// A new session whose agent has all built-in tools.
    pub(crate) async fn session(&self, server: &Process) -> String {
        let agent =
            json!({"name": "a", "model": "m", "tools": [{"type": "agent_toolset_20260401"}]});
        let agent = self
            .ask(server, Method::POST, "/v1/agents", Some(agent))
            .await;
        let environment = self
            .ask(
                server,
                Method::POST,
                "/v1/environments",
                Some(json!({"name": "e"})),
            )
            .await;
        let session = json!({"agent": agent["id"], "environment_id": environment["id"]});
        let session = self
            .ask(server, Method::POST, "/v1/sessions", Some(session))
            .await;
        session["id"].as_str().unwrap().to_owned()
    }

    /// Sends a user's message. Gives its echo.
    pub(crate) async fn say(
        &self,
        server: &Process,
        session: &str,
        text: &str,
    ) -> reqwest::Result<Value> {
        let message = json!({"type": "user.message", "content": [{"type": "text", "text": text}]});
        let path = format!("/v1/sessions/{session}/events");
        self.try_ask(
            server,
            Method::POST,
            &path,
            Some(json!({"events": [message]})),
        )
        .await
    }

    /// The whole history.
    pub(crate) async fn history(
        &self,
        server: &Process,
        session: &str,
    ) -> reqwest::Result<Vec<Value>> {
        let path = format!("/v1/sessions/{session}/events?limit=1000");
        let page = self.try_ask(server, Method::GET, &path, None).await?;
        assert_eq!(page["next_page"], Value::Null);
        Ok(page["data"].as_array().unwrap().clone())
    }

    /// The history once the session has nothing left to do.
    pub(crate) async fn finished(&self, server: &Process, session: &str) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE.min(Duration::from_secs(60));
        loop {
            let history = self.history(server, session).await.unwrap();
            let waiting = history.iter().any(|event| event["processed_at"].is_null());
            let last = history
                .last()
                .and_then(|event| event["type"].as_str())
                .unwrap_or_default();
            if !waiting && matches!(last, "session.status_idle" | "session.status_terminated") {
                return history;
            }
            assert!(
                Instant::now() < deadline,
                "the session does not finish: {}",
                json!(history)
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The types of events, in order.
pub(crate) fn types(history: &[Value]) -> Vec<&str> {
    history
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}
