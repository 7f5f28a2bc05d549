//! `/mcp` as a client sees it that writes its JSON-RPC by hand; the hands are puppets.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use glovebox::mcp::Options;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{Puppets, Server};

/// A server with puppets.
struct Puppetry {
    server: Server,
    puppets: Arc<Puppets>,
}

async fn start(options: Options) -> Puppetry {
    let puppets = Arc::new(Puppets::default());
    let server = Server::start_with(puppets.clone(), Puppets::catalogue(), options).await;
    Puppetry { server, puppets }
}

/// A client with a session.
pub(crate) struct Client<'a> {
    server: &'a Server,
    key: &'a str,
    session: String,
}

fn request(server: &Server, key: &str, method: Method) -> RequestBuilder {
    server
        .bare(method, "/mcp")
        .bearer_auth(key)
        .header("accept", "application/json, text/event-stream")
}

fn initialize(server: &Server, key: &str) -> RequestBuilder {
    request(server, key, Method::POST).json(&json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }))
}

/// The messages of an answer: one, or those of a stream.
async fn messages(response: Response) -> Vec<Value> {
    let text = response.text().await.unwrap();
    if let Ok(message) = serde_json::from_str(&text) {
        return vec![message];
    }
    text.lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
        .collect()
}

impl<'a> Client<'a> {
    pub(crate) async fn begin(server: &'a Server, key: &'a str) -> Client<'a> {
        let response = initialize(server, key).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let session = response.headers()["mcp-session-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let answer = messages(response).await.pop().unwrap();
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(answer["result"]["serverInfo"]["name"], "glovebox");
        let client = Client {
            server,
            key,
            session,
        };
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(client.post(&initialized).await.status(), 202);
        client
    }

    fn request(&self, method: Method) -> RequestBuilder {
        request(self.server, self.key, method)
            .header("mcp-session-id", &self.session)
            .header("mcp-protocol-version", "2025-06-18")
    }

    async fn post(&self, message: &Value) -> Response {
        self.request(Method::POST)
            .json(message)
            .send()
            .await
            .unwrap()
    }

    /// All messages of the answer to a request; the last is the answer itself.
    async fn ask_all(&self, method: &str, params: Value) -> Vec<Value> {
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let response = self.post(&message).await;
        assert_eq!(response.status(), 200, "{method}");
        let messages = messages(response).await;
        assert_eq!(messages.last().unwrap()["id"], 7, "{messages:?}");
        messages
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        self.ask_all(method, params).await.pop().unwrap()
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self
            .ask("tools/call", json!({"name": tool, "arguments": arguments}))
            .await;
        assert!(answer["result"].is_object(), "{answer}");
        answer["result"].clone()
    }

    async fn delete(&self) -> u16 {
        self.request(Method::DELETE)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }
}

/// Waits for what has to come about, however slow the machine is.
#[track_caller]
fn eventually(what: &str, mut done: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let what = what.to_owned();
    async move {
        while !done() {
            assert!(Instant::now() < deadline, "not in a minute: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn tools_are_listed_and_called_with_hands_that_last_a_session() {
    let world = start(Options::default()).await;
    let client = Client::begin(&world.server, "first").await;
    let listed = client.ask("tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["count", "echo", "fail", "show", "slow"]);
    assert_eq!(tools[1]["description"], "does echo");
    assert_eq!(
        tools[1]["inputSchema"]["properties"]["x"]["type"],
        "integer"
    );
    assert_eq!(tools[1]["annotations"]["readOnlyHint"], true);
    assert_eq!(tools[0]["annotations"]["readOnlyHint"], false);
    assert!(
        world.puppets.opened.lock().unwrap().is_empty(),
        "nothing was called"
    );

    assert_eq!(
        client.call("count", json!({})).await["content"][0]["text"],
        "1"
    );
    assert_eq!(
        client.call("count", json!({})).await["content"][0]["text"],
        "2"
    );
    let other = Client::begin(&world.server, "first").await;
    assert_eq!(
        other.call("count", json!({})).await["content"][0]["text"],
        "1"
    );
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn results_become_content() {
    let world = start(Options::default()).await;
    let client = Client::begin(&world.server, "first").await;
    let shown = client.call("show", json!({})).await;
    assert_eq!(
        shown["content"][0],
        json!({"type": "image", "data": "QUJD", "mimeType": "image/png"})
    );
    assert_eq!(shown["content"][1]["type"], "resource");
    assert_eq!(shown["content"][1]["resource"]["blob"], "QUJD");
    assert_eq!(shown["isError"], false);
    let failed = client.call("fail", json!({})).await;
    assert_eq!(failed["isError"], true);
    // No arguments are an empty object.
    let echoed = client.ask("tools/call", json!({"name": "echo"})).await;
    let text = echoed["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(text).unwrap()["input"],
        json!({})
    );
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let world = start(Options::default()).await;
    let client = Client::begin(&world.server, "first").await;
    for (method, params, code, names) in [
        ("tools/call", json!({"name": "hammer"}), -32602, "hammer"),
        (
            "tools/call",
            json!({"name": "echo", "arguments": [1]}),
            -32602,
            "arguments",
        ),
        ("tools/call", json!({"name": 7}), -32602, "name"),
        ("tools/call", json!({}), -32602, "name"),
        ("hammers/list", json!({}), -32601, "hammers/list"),
    ] {
        let answer = client.ask(method, params).await;
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(names),
            "{answer}"
        );
    }
    let status = async |request: RequestBuilder| request.send().await.unwrap().status().as_u16();
    let post = || client.request(Method::POST);
    assert!(
        (400..500)
            .contains(&status(post().header("content-type", "application/json").body("{")).await)
    );
    assert_eq!(
        status(post().header("content-type", "text/plain").body("{}")).await,
        415
    );
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let key = &world.server.key;
    assert!(
        (400..500).contains(&status(request(&world.server, key, Method::POST).json(&list)).await)
    );
    assert_eq!(status(client.request(Method::PUT)).await, 405);
    assert!(world.puppets.opened.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_session_is_its_keys_and_nobody_elses() {
    let world = start(Options::default()).await;
    world.server.add_key("wrkspc_a", "second").await;
    let client = Client::begin(&world.server, "first").await;
    for key in ["", "wrong"] {
        let response = initialize(&world.server, key).send().await.unwrap();
        assert_eq!(response.status(), 401, "{key:?}");
    }
    let bare = world.server.bare(Method::POST, "/mcp").json(&json!({}));
    assert_eq!(bare.send().await.unwrap().status(), 401);
    let thief = Client {
        server: &world.server,
        key: "second",
        session: client.session.clone(),
    };
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(thief.post(&list).await.status(), 404);
    assert_eq!(
        thief.request(Method::GET).send().await.unwrap().status(),
        404
    );
    thief.delete().await;
    assert_eq!(
        client.call("count", json!({})).await["content"][0]["text"],
        "1"
    );
    world.server.add_key("wrkspc_a", "third").await;
    let third = Client::begin(&world.server, "third").await;
    world.server.revoke("third").await;
    assert_eq!(third.post(&list).await.status(), 401);
}

#[tokio::test]
async fn a_call_can_be_cancelled_and_watched() {
    let world = start(Options::default()).await;
    let client = Client::begin(&world.server, "first").await;
    let params =
        json!({"name": "slow", "arguments": {"wait": false}, "_meta": {"progressToken": "p"}});
    let messages = client.ask_all("tools/call", params).await;
    let progress: Vec<_> = messages
        .iter()
        .filter(|message| message["method"] == "notifications/progress")
        .map(|message| message["params"].clone())
        .collect();
    assert_eq!(
        progress,
        [0.25, 0.5].map(|at| json!({"progressToken": "p", "progress": at, "total": 1.0, "message": format!("at {at}")}))
    );

    let running = || world.puppets.running.load(Ordering::SeqCst);
    let call =
        json!({"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": {"name": "slow"}});
    let open = client.post(&call).await;
    eventually("the call runs", || running() == 1).await;
    // Others go on meanwhile.
    assert_eq!(
        client.call("count", json!({})).await["content"][0]["text"],
        "1"
    );
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "slow"}});
    assert_eq!(client.post(&cancel).await.status(), 202);
    eventually("the call ends", || running() == 0).await;
    drop(open);
    assert_eq!(
        client.call("count", json!({})).await["content"][0]["text"],
        "2"
    );
}

#[tokio::test]
async fn a_session_that_ends_takes_its_calls_and_files_along() {
    let world = start(Options::default()).await;
    let client = Client::begin(&world.server, "first").await;
    client.call("count", json!({})).await;
    let session = world.puppets.opened.lock().unwrap()[0].0.clone();
    assert!(session.starts_with("mcp_"), "{session}");
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow"}});
    let open = client.post(&call).await;
    eventually("the call runs", || {
        world.puppets.running.load(Ordering::SeqCst) == 1
    })
    .await;
    assert_eq!(client.delete().await, 204);
    let discarded = || world.puppets.discarded.lock().unwrap().clone();
    eventually("the files are gone", || discarded() == [session.clone()]).await;
    assert_eq!(world.puppets.running.load(Ordering::SeqCst), 0);
    drop(open);
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(client.post(&list).await.status(), 404);
}

#[tokio::test]
async fn sessions_are_bounded_in_number_and_age() {
    let options = Options {
        sessions_max: 2,
        ..Options::default()
    };
    let world = start(options).await;
    world.server.add_key("wrkspc_a", "second").await;
    let one = Client::begin(&world.server, "first").await;
    let _two = Client::begin(&world.server, "first").await;
    let third = async || initialize(&world.server, "first").send().await.unwrap();
    let refused = third().await;
    assert_eq!(refused.status(), 429);
    let error: Value = refused.json().await.unwrap();
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("2 MCP sessions"),
        "{error}"
    );
    Client::begin(&world.server, "second").await;
    one.delete().await;
    assert_eq!(third().await.status(), 200);

    let options = Options {
        idle_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let world = start(options).await;
    let client = Client::begin(&world.server, "first").await;
    client.call("count", json!({})).await;
    let discarded = || world.puppets.discarded.lock().unwrap().len();
    eventually("the idle session is closed", || discarded() == 1).await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(client.post(&list).await.status(), 404);
}

#[tokio::test]
async fn a_key_calls_and_reaches_what_it_was_granted() {
    let world = start(Options::default()).await;
    let grants = json!({"tools": ["echo"], "hosts": ["a.example"], "secrets": ["KEY"]});
    world
        .server
        .add_key_with("wrkspc_a", "some", Some(grants))
        .await;
    let client = Client::begin(&world.server, "some").await;
    let listed = client.ask("tools/list", json!({})).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 1);
    let refused = client.ask("tools/call", json!({"name": "count"})).await;
    assert_eq!(refused["error"]["code"], -32602);
    let reach = async |client: &Client<'_>| {
        let echoed = client.call("echo", json!({})).await;
        let text: Value =
            serde_json::from_str(echoed["content"][0]["text"].as_str().unwrap()).unwrap();
        let opened = world
            .puppets
            .opened
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .1
            .clone();
        (
            text["allowance"].clone(),
            opened["config"]["networking"]["allowed_hosts"].clone(),
        )
    };
    let (allowance, hosts) = reach(&client).await;
    assert_eq!(hosts, json!(["a.example"]));
    assert_eq!(
        (&allowance["hosts"], &allowance["secrets"]),
        (&json!(["a.example"]), &json!(["KEY"]))
    );
    let (allowance, hosts) = reach(&Client::begin(&world.server, "first").await).await;
    assert_eq!(hosts, json!([]));
    assert_eq!(
        (
            &allowance["hosts"],
            &allowance["secrets"],
            &allowance["programs"]
        ),
        (&json!([]), &json!([]), &json!(["*"]))
    );
}

#[tokio::test]
async fn web_pages_of_other_machines_are_refused() {
    let world = start(Options::default()).await;
    for (header, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("host", "evil.example", 403),
        ("origin", "http://localhost:3000", 200),
        ("host", "localhost:8080", 200),
    ] {
        let request = initialize(&world.server, "first").header(header, value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{header}: {value}");
    }
}

#[tokio::test]
async fn requests_without_sessions_share_the_keys_hands() {
    let options = Options {
        idle_timeout: Duration::from_secs(2),
        ..Options::default()
    };
    let world = start(options).await;
    world.server.add_key("wrkspc_a", "second").await;
    let call = async |key: &str| {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "count", "arguments": {}, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }},
        });
        let request = request(&world.server, key, Method::POST)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "count")
            .json(&message);
        let answer = messages(request.send().await.unwrap()).await.pop().unwrap();
        answer["result"]["content"][0]["text"].clone()
    };
    assert_eq!(call("first").await, "1");
    assert_eq!(call("second").await, "1");
    assert_eq!(world.puppets.opened.lock().unwrap().len(), 2);
    let discarded = || world.puppets.discarded.lock().unwrap().len();
    eventually("hands nobody uses are let go of", || discarded() == 2).await;
    assert_eq!(call("first").await, "1");
}
