//! Clients over streamable HTTP: a service per key, so that no key can name another's session.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::BoxBody;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::handler::{self, Handler};
use super::hands::ClientHands;
use super::sessions::Sessions;
use super::{KeyGrants, Tools};
use crate::ids::Ids;

/// How clients are treated.
#[derive(Debug, Clone)]
pub struct Options {
    /// Sessions of one key at a time. Default 64.
    pub sessions_max: usize,
    /// A session nothing is heard of for so long is closed. Default an hour.
    pub idle_timeout: Duration,
    /// Host names that may stand in `Host`; without any, every name. Default: those of this machine, which keeps web pages
    /// from reaching a local server by a name of their own that leads to it.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may ask, `:*` being any port; requests of other pages are refused. Default: those of this
    /// machine.
    pub allowed_origins: Vec<String>,
    /// Bytes of one request. Default 32 MiB.
    pub body_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        let texts = |texts: [&str; 3]| texts.map(str::to_owned).to_vec();
        Options {
            sessions_max: 64,
            idle_timeout: Duration::from_secs(3600),
            allowed_hosts: texts(["localhost", "127.0.0.1", "::1"]),
            allowed_origins: texts(["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"]),
            body_bytes_max: 32 << 20,
        }
    }
}

/// Who asks: a key, known to be valid.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// The key's id.
    pub key: &'a str,
    /// Whose tools it gets.
    pub workspace: &'a str,
    /// What it may do.
    pub grants: &'a KeyGrants,
}

/// A key's sessions are as many as allowed. It helps to close one, or to wait until one is closed for being idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this key has {0} MCP sessions already, as many as are allowed: close one first")]
pub struct TooManySessions(usize);

/// Serves MCP clients over HTTP. Clones share everything.
#[derive(Clone)]
pub struct Mcp(Arc<Inner>);

struct Inner {
    tools: Arc<dyn Tools>,
    ids: Arc<dyn Ids>,
    options: Options,
    config: StreamableHttpServerConfig,
    stop: CancellationToken,
    keys: Mutex<HashMap<String, Arc<KeyService>>>,
}

/// What one key's clients talk to.
struct KeyService {
    http: StreamableHttpService<Handler, Sessions>,
    sessions: Arc<Sessions>,
}

/// The hands of a key's requests that belong to no session, as those of protocol 2026-07-28 do.
struct Shared {
    client: Arc<handler::Client>,
    idle_timeout: Duration,
    present: Mutex<Option<(Arc<ClientHands>, Instant)>>,
}

impl Mcp {
    /// Nothing is opened before a client comes.
    pub fn new(tools: Arc<dyn Tools>, ids: Arc<dyn Ids>, options: Options) -> Mcp {
        let stop = CancellationToken::new();
        let config = StreamableHttpServerConfig::default()
            .with_allowed_hosts(options.allowed_hosts.clone())
            .with_allowed_origins(options.allowed_origins.clone())
            .enforce_origin_validation()
            .with_max_request_body_bytes(options.body_bytes_max)
            .with_cancellation_token(stop.clone());
        Mcp(Arc::new(Inner {
            tools,
            ids,
            options,
            config,
            stop,
            keys: Mutex::default(),
        }))
    }

    /// Answers one request of a client: an answer, or a stream of them.
    pub async fn handle<B>(
        &self,
        client: Client<'_>,
        request: Request<B>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, TooManySessions>
    where
        B: http_body::Body + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let key = self.key(client);
        if begins_session(request.method(), request.headers()) && key.sessions.is_full().await {
            return Err(TooManySessions(self.0.options.sessions_max));
        }
        Ok(key.http.handle(request).await)
    }

    /// Ends all sessions and streams.
    pub fn shutdown(&self) {
        self.0.stop.cancel();
    }

    fn key(&self, client: Client<'_>) -> Arc<KeyService> {
        let mut keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = keys.get(client.key) {
            return Arc::clone(service);
        }
        let service = Arc::new(self.0.service(client));
        keys.insert(client.key.to_owned(), Arc::clone(&service));
        service
    }
}

impl Inner {
    fn service(&self, client: Client<'_>) -> KeyService {
        let client = Arc::new(handler::Client {
            tools: Arc::clone(&self.tools),
            workspace: client.workspace.to_owned(),
            grants: Arc::new(client.grants.clone()),
            ids: Arc::clone(&self.ids),
        });
        let sessions = Arc::new(Sessions::new(
            self.options.sessions_max,
            self.options.idle_timeout,
        ));
        let shared = Arc::new(Shared {
            client: Arc::clone(&client),
            idle_timeout: self.options.idle_timeout,
            present: Mutex::default(),
        });
        let make = move || {
            let shared = Arc::clone(&shared);
            let hands = Arc::new(move || shared.hands());
            Ok(Handler::with_shared(Arc::clone(&client), hands))
        };
        KeyService {
            http: StreamableHttpService::new(make, Arc::clone(&sessions), self.config.clone()),
            sessions,
        }
    }
}

impl Shared {
    /// The present hands, or new ones. They are let go of when they were not asked for for the idle timeout.
    fn hands(self: &Arc<Self>) -> Arc<ClientHands> {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((hands, used)) = &mut *present {
            *used = Instant::now();
            return Arc::clone(hands);
        }
        let hands = Arc::new(self.client.hands());
        *present = Some((Arc::clone(&hands), Instant::now()));
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(deadline) = shared.deadline() {
                tokio::time::sleep_until(deadline).await;
            }
        });
        hands
    }

    /// When to look again; none when the hands were idle for too long and are let go of now.
    fn deadline(&self) -> Option<Instant> {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, used) = present.as_ref()?;
        let deadline = *used + self.idle_timeout;
        if deadline <= Instant::now() {
            *present = None;
            return None;
        }
        Some(deadline)
    }
}

/// Whether a request may begin a session: one without an id that does not speak the protocol that has no sessions. What is
/// judged wrongly here is refused when the session is made.
fn begins_session(method: &Method, headers: &HeaderMap) -> bool {
    let sessionless = headers
        .get("mcp-protocol-version")
        .is_some_and(|version| version.as_bytes() >= b"2026-07-28".as_slice());
    *method == Method::POST && !headers.contains_key("mcp-session-id") && !sessionless
}
