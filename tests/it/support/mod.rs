//! A server on 127.0.0.1 with its store in a temporary folder, and a client for it.

mod clock;
mod faults;
mod model;
pub(crate) mod multipart;
mod puppet;
mod sse;
pub(crate) mod wasm;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use glovebox::agent::hands::{
    Sandboxes, SandboxesOptions, SandboxesParts, Secrets, Trees, Workshop,
};
use glovebox::agent::{Agents, Options, Parts};
use glovebox::api::{self, Api};
use glovebox::blobs::Folder;
use glovebox::clock::SystemClock;
use glovebox::ids::Ids;
use glovebox::mcp::{self, Catalogued, Mcp};
use glovebox::store::sqlite::{self, Sqlite};
use glovebox::store::{KeyRow, Keys};
use glovebox::tools::{BuiltIn, Catalogue, Compiling, LoadedMax, Registry, RegistryParts, compile};
use glovebox_runtime::{Engine, EngineOptions, Image};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use clock::PacedClock;
use faults::Faulty;
pub(crate) use faults::{FAILS, PANICS};
pub(crate) use model::{Part, ScriptedModel};
pub(crate) use puppet::Puppets;
pub(crate) use sse::Frame;

/// Ids that can be foretold: `agent_1`, `req_2`.
#[derive(Default)]
pub(crate) struct NumberedIds(AtomicU64);

impl Ids for NumberedIds {
    fn next(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// A running server. Stops when dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) key: String,
    /// What the agents' model will say.
    pub(crate) model: ScriptedModel,
    /// Paces the pings of streams.
    pub(crate) clock: Arc<PacedClock>,
    pub(crate) agents: Agents,
    pub(crate) tools: Registry,
    /// Where sessions' files are.
    pub(crate) trees: Trees,
    http: reqwest::Client,
    keys: Arc<dyn Keys>,
    task: tokio::task::JoinHandle<()>,
    pub(crate) data: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer that must be a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Checks that this is an error of the API's shape, and gives its message.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, kind: &str) -> &str {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["type"], "error");
        assert_eq!(self.body["error"]["type"], kind, "{}", self.body);
        let request_id = self.headers["request-id"].to_str().unwrap();
        assert!(request_id.starts_with("req_"));
        assert_eq!(self.body["request_id"], request_id);
        self.body["error"]["message"].as_str().unwrap()
    }

    /// Checks that this is a 400 about `field`.
    #[track_caller]
    pub(crate) fn names(&self, field: &str) {
        let message = self.refused(400, "invalid_request_error");
        assert!(
            message.starts_with(&format!("{field}: ")),
            "{message} does not name {field}"
        );
    }
}

impl Server {
    /// The same server with another key's rights.
    pub(crate) async fn add_key(&self, workspace: &str, secret: &str) {
        self.add_key_with(workspace, secret, None).await;
    }

    /// The same server with another key's rights, and what it may do over MCP.
    pub(crate) async fn add_key_with(&self, workspace: &str, secret: &str, grants: Option<Value>) {
        let row = KeyRow {
            id: format!("apikey_{secret}"),
            workspace: workspace.to_owned(),
            name: "test".to_owned(),
            hint: secret.chars().take(4).collect(),
            created_at: "2026-01-01T00:00:00.000000Z".to_owned(),
            revoked_at: None,
            grants,
        };
        self.keys
            .add(row, Sha256::digest(secret.as_bytes()).into())
            .await
            .unwrap();
    }

    pub(crate) async fn revoke(&self, secret: &str) {
        assert!(
            self.keys
                .revoke(&format!("apikey_{secret}"), "2026-01-02T00:00:00.000000Z")
                .await
                .unwrap()
        );
    }

    /// A request without a key.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A request with the server's first key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// As the Python SDK sends calls that have no body.
    pub(crate) async fn post_empty(&self, path: &str) -> Answer {
        send(
            self.request(Method::POST, path)
                .header("content-type", "application/json"),
        )
        .await
    }
}

/// Small, so that a test can exceed it.
pub(crate) const COMPONENT_BYTES_MAX: usize = 4 << 20;

/// Compiled components are kept between tests.
pub(crate) fn cache() -> PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("components")
}

fn engine() -> Engine {
    Engine::new(EngineOptions {
        cache_dir: Some(cache()),
        processes_max: 50,
        ..EngineOptions::default()
    })
    .unwrap()
}

/// Sandboxes without tools and programs of their own: loading them takes a while.
fn nothing_built_in() -> BuiltIn {
    BuiltIn {
        tools: Default::default(),
        programs: Arc::default(),
        usr: Arc::new(Image::new(Vec::<(String, bytes::Bytes, u32)>::new())),
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

impl Server {
    /// A server with an empty store and the key of workspace `wrkspc_a`.
    pub(crate) async fn start() -> Self {
        Self::with(Secrets::default()).await
    }

    /// The same with secrets of the operator's.
    pub(crate) async fn with(secrets: Secrets) -> Self {
        Self::sandboxed(secrets, SandboxesOptions::default()).await
    }

    /// A server whose tools may reach this machine, where they are granted it.
    pub(crate) async fn with_private_addresses() -> Self {
        let options = SandboxesOptions {
            private_addresses: true,
            ..SandboxesOptions::default()
        };
        Self::sandboxed(Secrets::default(), options).await
    }

    async fn sandboxed(secrets: Secrets, options: SandboxesOptions) -> Self {
        let workshop = |engine, registry, trees| -> Arc<dyn Workshop> {
            Arc::new(Sandboxes::new(SandboxesParts {
                engine,
                built_in: nothing_built_in(),
                catalogue: Arc::default(),
                registry: Some(registry),
                secrets,
                trees,
                options,
            }))
        };
        Self::launch(workshop, Catalogue::default(), mcp::Options::default()).await
    }

    /// The same, with tools that are built in and other hands.
    pub(crate) async fn start_with(
        workshop: Arc<dyn Workshop>,
        catalogue: Catalogue,
        options: mcp::Options,
    ) -> Self {
        Self::launch(|_, _, _| workshop, catalogue, options).await
    }

    async fn launch(
        workshop: impl FnOnce(Engine, Registry, Trees) -> Arc<dyn Workshop>,
        catalogue: Catalogue,
        options: mcp::Options,
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = Arc::new(
            Sqlite::open(
                &data.path().join("glovebox.db"),
                &sqlite::Options::default(),
            )
            .unwrap(),
        );
        let keys: Arc<dyn Keys> = store.clone();
        let model = ScriptedModel::default();
        let clock = Arc::new(PacedClock::default());
        let ids = Arc::new(NumberedIds::default());
        let engine = engine();
        let tools = Registry::new(RegistryParts {
            documents: store.clone(),
            blobs: Arc::new(Folder::open(&data.path().join("blobs")).unwrap()),
            engine: engine.clone(),
            compiling: Compiling {
                exe: env!("CARGO_BIN_EXE_glovebox").into(),
                cache: cache(),
                limits: compile::Limits::default(),
            },
            clock: Arc::new(SystemClock),
            ids: ids.clone(),
            loaded_max: LoadedMax::default(),
        });
        let trees = Trees::open(&data.path().join("trees"), Arc::new(SystemClock)).unwrap();
        let workshop = workshop(engine, tools.clone(), trees.clone());
        let agents = Agents::new(Parts {
            log: store.clone(),
            documents: store.clone(),
            model: Arc::new(model.clone()),
            workshop: workshop.clone(),
            catalogue: Arc::new(catalogue.clone()),
            clock: Arc::new(SystemClock),
            ids: ids.clone(),
            options: Options::default(),
        });
        let catalogued = Arc::new(Catalogued::new(&catalogue, workshop).with_pushed(tools.clone()));
        let api = Api {
            agents: agents.clone(),
            mcp: Mcp::new(catalogued, ids.clone(), options),
            documents: Arc::new(Faulty(store)),
            tools: tools.clone(),
            component_bytes_max: COMPONENT_BYTES_MAX,
            keys: keys.clone(),
            ids,
            clock: clock.clone(),
            metrics: api::metrics::recorder().asking({
                let trees = trees.clone();
                move || trees.measure()
            }),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task =
            tokio::spawn(async move { axum::serve(listener, api::router(api)).await.unwrap() });
        // Whoever set one before us did the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::new();
        let server = Self {
            url,
            key: "first".to_owned(),
            model,
            clock,
            agents,
            tools,
            trees,
            http,
            keys,
            task,
            data,
        };
        server.add_key("wrkspc_a", "first").await;
        server
    }

    /// A session in which nothing has happened, of an agent without tools.
    pub(crate) async fn session(&self) -> Value {
        let agent = self
            .post("/v1/agents", json!({"name": "a", "model": "m"}))
            .await
            .ok();
        let environment = self
            .post("/v1/environments", json!({"name": "e"}))
            .await
            .ok();
        self.post(
            "/v1/sessions",
            json!({"agent": agent["id"], "environment_id": environment["id"]}),
        )
        .await
        .ok()
    }

    /// Sends a user's message to a session.
    pub(crate) async fn say(&self, session: &str, text: &str) -> Answer {
        let message = json!({"type": "user.message", "content": [{"type": "text", "text": text}]});
        self.post(
            &format!("/v1/sessions/{session}/events"),
            json!({ "events": [message] }),
        )
        .await
    }
}
