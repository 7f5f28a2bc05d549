//! Agents whose tools are pushed components: entries, sessions, and what their clients see of calls.

use glovebox::agent::Moment;
use glovebox::agent::hands::{Secrets, WorkspaceSecret};
use glovebox_runtime::Secret;
use serde_json::{Value, json};

use crate::support::wasm::{self, Tool, echo};
use crate::support::{Frame, Part, Server};

/// A tool that answers with this text.
fn says(name: &str, text: &str) -> Tool {
    Tool {
        call: format!("(call $answer (i32.const 8192) (i32.const {}))", text.len()),
        more: format!("{} (data (i32.const 8192) {text:?})", wasm::CONTEXT),
        ..echo(name)
    }
}

/// A tool that says that it has begun, and then does this.
fn begins(name: &str, then: &str) -> Tool {
    Tool {
        call: format!(
            "(call $progress (i32.const 8192) (i32.const 5) (i32.const 1) (f64.const 0.5)) {then}"
        ),
        more: format!(
            "{} (data (i32.const 8192) \"begunI have what I have\")",
            wasm::CONTEXT
        ),
        ..echo(name)
    }
}

impl Server {
    /// Pushes a tool and gives its id.
    pub(crate) async fn pushed(&self, tool: &Tool) -> String {
        let pushed = self.push(&tool.component()).await.ok();
        pushed["id"].as_str().unwrap().to_owned()
    }

    /// A session of an agent with these tools.
    pub(crate) async fn session_with(&self, tools: Value) -> Value {
        let agent = json!({"name": "a", "model": "m", "tools": tools});
        let agent = self.post("/v1/agents", agent).await.ok();
        self.session_of(&agent).await
    }

    pub(crate) async fn session_of(&self, agent: &Value) -> Value {
        let environment = self.post("/v1/environments", json!({"name": "e"})).await;
        let environment = environment.ok()["id"].clone();
        let session = json!({"agent": agent["id"], "environment_id": environment});
        self.post("/v1/sessions", session).await.ok()
    }

    /// A turn in which the model calls this tool. Gives all frames, up to the one that says that the session is idle.
    pub(crate) async fn turn(&self, session: &str, tool: &str, input: Value) -> Vec<Frame> {
        let mut stream = self.stream(session, "").await;
        self.model
            .will_say(vec![Part::Call(tool.to_owned(), input)]);
        self.say(session, "go").await.ok();
        stream.until("session.status_idle").await
    }

    /// The text of the one result of such a turn.
    pub(crate) async fn result(&self, session: &str, tool: &str, input: Value) -> String {
        let frames = self.turn(session, tool, input).await;
        let result = one(&frames, "agent.tool_result");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }
}

fn id(session: &Value) -> &str {
    session["id"].as_str().unwrap()
}

/// The one event of this type.
#[track_caller]
fn one<'f>(frames: &'f [Frame], kind: &str) -> &'f Value {
    let mut found = frames.iter().filter(|frame| frame.event == kind);
    let event = &found
        .next()
        .unwrap_or_else(|| panic!("no {kind}: {frames:?}"))
        .data;
    assert!(found.next().is_none(), "two of {kind}: {frames:?}");
    event
}

#[tokio::test]
async fn an_entry_is_filled_in_from_its_tool() {
    let server = Server::start().await;
    let tool = server.push(&echo("lookup").component()).await.ok();
    let tool_id = id(&tool);
    let agent = |entry: Value| json!({"name": "a", "model": "m", "tools": [entry]});
    let create = async |entry: Value| server.post("/v1/agents", agent(entry)).await;
    for reference in [
        tool_id,
        &format!("{tool_id}@1"),
        tool["digest"].as_str().unwrap(),
    ] {
        let entry = json!({"type": "custom", "component": reference});
        let agent = create(entry).await.ok();
        assert_eq!(
            agent["tools"],
            json!([{
                "type": "custom", "component": reference, "name": "lookup",
                "description": tool["description"], "input_schema": tool["input_schema"],
                "effects": "none", "permission_policy": {"type": "always_allow"},
            }])
        );
        // What was read can be written.
        let path = format!("/v1/agents/{}", id(&agent));
        let same = server
            .post(&path, json!({"tools": agent["tools"]}))
            .await
            .ok();
        assert_eq!(same["version"], 1);
    }
    let entry = json!({"type": "custom", "component": tool_id, "name": "lookup",
        "grants": {"hosts": [], "secrets": ["KEY"]}, "permission_policy": {"type": "always_ask"}});
    let agent = create(entry).await.ok();
    assert_eq!(
        agent["tools"][0]["grants"],
        json!({"hosts": [], "secrets": ["KEY"]})
    );
    assert_eq!(agent["tools"][0]["permission_policy"]["type"], "always_ask");

    let with = |key: &str, value: Value| {
        let mut entry = json!({"type": "custom", "component": tool_id});
        entry[key] = value;
        entry
    };
    for (entry, field) in [
        (with("component", json!("tool_none")), "tools.0.component"),
        (
            with("component", json!(format!("{tool_id}@2"))),
            "tools.0.component",
        ),
        (
            with("component", json!(format!("{tool_id}@x"))),
            "tools.0.component",
        ),
        (with("component", json!("")), "tools.0.component"),
        (with("component", json!(1)), "tools.0.component"),
        (with("name", json!("other")), "tools.0.name"),
        (with("description", json!("Other.")), "tools.0.description"),
        (
            with("input_schema", json!({"type": "object"})),
            "tools.0.input_schema",
        ),
        (with("grants", json!([])), "tools.0.grants"),
        (
            with("grants", json!({"hosts": ["http://x"]})),
            "tools.0.grants.hosts.0",
        ),
        (with("grants", json!({"root": true})), "tools.0.grants.root"),
        (
            with("permission_policy", json!({"type": "never"})),
            "tools.0.permission_policy.type",
        ),
        (
            json!({"type": "custom", "name": "n", "description": "d", "input_schema": {"type": "object"}, "grants": {}}),
            "tools.0.grants",
        ),
    ] {
        create(entry).await.names(field);
    }
    let twice = json!({"name": "a", "model": "m", "tools": [with("name", json!("lookup")), with("name", json!("lookup"))]});
    server.post("/v1/agents", twice).await.names("tools.1.name");
}

#[tokio::test]
async fn a_call_looks_like_that_of_a_built_in_tool() {
    let server = Server::start().await;
    let tool = server.pushed(&echo("lookup")).await;
    let session = server
        .session_with(json!([{"type": "custom", "component": tool}]))
        .await;
    let frames = server
        .turn(id(&session), "lookup", json!({"of": "x"}))
        .await;
    let kinds: Vec<_> = frames.iter().map(|frame| frame.event.as_str()).collect();
    let call = [
        "span.model_request_start",
        "agent.tool_use",
        "span.model_request_end",
    ];
    assert_eq!(kinds[3..6], call);
    assert_eq!(kinds[6], "agent.tool_result");
    let called = one(&frames, "agent.tool_use");
    assert_eq!(called["name"], "lookup");
    assert_eq!(called["input"], json!({"of": "x"}));
    assert_eq!(called["evaluated_permission"], "allow");
    let result = one(&frames, "agent.tool_result");
    assert_eq!(result["tool_use_id"], called["id"]);
    assert_eq!(result["is_error"], false);
    assert_eq!(
        result["content"],
        json!([{"type": "text", "text": "{\"of\":\"x\"}"}])
    );
    // The model was told of it as of any tool.
    let told = server.model.tools();
    assert_eq!(told[0]["name"], "lookup");
    assert_eq!(told[0]["input_schema"]["type"], "object");
    assert!(told[0].get("component").is_none());
}

#[tokio::test]
async fn a_tool_that_has_to_ask_asks() {
    let server = Server::start().await;
    let tool = server.pushed(&echo("lookup")).await;
    let ask =
        json!({"type": "custom", "component": tool, "permission_policy": {"type": "always_ask"}});
    let session = server.session_with(json!([ask])).await;
    let frames = server.turn(id(&session), "lookup", json!({})).await;
    let called = one(&frames, "agent.tool_use");
    assert_eq!(called["evaluated_permission"], "ask");
    let idle = one(&frames, "session.status_idle");
    assert_eq!(
        idle["stop_reason"],
        json!({"type": "requires_action", "event_ids": [called["id"]]})
    );
    let mut stream = server.stream(id(&session), "").await;
    let allow =
        json!({"type": "user.tool_confirmation", "tool_use_id": called["id"], "result": "allow"});
    let path = format!("/v1/sessions/{}/events", id(&session));
    server.post(&path, json!({"events": [allow]})).await.ok();
    let frames = stream.until("session.status_idle").await;
    assert_eq!(
        one(&frames, "agent.tool_result")["content"][0]["text"],
        "{}"
    );
}

#[tokio::test]
async fn a_session_keeps_the_version_it_began_with() {
    let server = Server::start().await;
    let tool = server.pushed(&says("lookup", "first")).await;
    let agent =
        json!({"name": "a", "model": "m", "tools": [{"type": "custom", "component": tool}]});
    let agent = server.post("/v1/agents", agent).await.ok();
    let old = server.session_of(&agent).await;
    assert_eq!(old["agent"]["tools"][0]["component"], format!("{tool}@1"));
    let second = Tool {
        text: "Says second.".to_owned(),
        ..says("lookup", "second")
    };
    assert_eq!(server.pushed(&second).await, tool);
    assert_eq!(server.result(id(&old), "lookup", json!({})).await, "first");

    // The agent means the newest, and its description goes with it.
    let new = server.session_of(&agent).await;
    assert_eq!(new["agent"]["tools"][0]["component"], format!("{tool}@2"));
    assert_eq!(new["agent"]["tools"][0]["description"], "Says second.");
    assert_eq!(server.result(id(&new), "lookup", json!({})).await, "second");

    // Replacing a session's tools asks anew what they mean.
    let path = format!("/v1/sessions/{}", id(&old));
    let replace = json!({"agent": {"tools": [{"type": "custom", "component": tool}]}});
    let changed = server.post(&path, replace).await.ok();
    assert_eq!(
        changed["agent"]["tools"][0]["component"],
        format!("{tool}@2")
    );
    assert_eq!(server.result(id(&old), "lookup", json!({})).await, "second");
    let replace =
        json!({"agent": {"tools": [{"type": "custom", "component": format!("{tool}@1")}]}});
    server.post(&path, replace).await.ok();
    assert_eq!(server.result(id(&old), "lookup", json!({})).await, "first");
    let unknown = json!({"agent": {"tools": [{"type": "custom", "component": "tool_none"}]}});
    server
        .post(&path, unknown)
        .await
        .names("agent.tools.0.component");

    // A session's own tools, in place of its agent's.
    let environment = server
        .post("/v1/environments", json!({"name": "e"}))
        .await
        .ok();
    let overriding = |component: &str| {
        let tools = json!([{"type": "custom", "component": component}]);
        let agent = json!({"type": "agent_with_overrides", "id": agent["id"], "tools": tools});
        json!({"agent": agent, "environment_id": environment["id"]})
    };
    let pinned = format!("{tool}@1");
    let session = server.post("/v1/sessions", overriding(&pinned)).await.ok();
    assert_eq!(
        server.result(id(&session), "lookup", json!({})).await,
        "first"
    );
    server
        .post("/v1/sessions", overriding("tool_none"))
        .await
        .names("agent.tools.0.component");
}

#[tokio::test]
async fn archiving_a_tool_stops_nothing_that_runs() {
    let server = Server::start().await;
    let tool = server.pushed(&echo("lookup")).await;
    let entry = json!({"type": "custom", "component": tool});
    let agent = json!({"name": "a", "model": "m", "tools": [entry]});
    let agent = server.post("/v1/agents", agent).await.ok();
    let session = server.session_of(&agent).await;
    server
        .post_empty(&format!("/v1/tools/{tool}/archive"))
        .await
        .ok();
    assert_eq!(server.result(id(&session), "lookup", json!({})).await, "{}");
    // What it has it may keep.
    let path = format!("/v1/sessions/{}", id(&session));
    let same = json!({"agent": {"tools": session["agent"]["tools"]}});
    server.post(&path, same).await.ok();
    assert_eq!(server.result(id(&session), "lookup", json!({})).await, "{}");

    let environment = server
        .post("/v1/environments", json!({"name": "e"}))
        .await
        .ok();
    let another = json!({"agent": agent["id"], "environment_id": environment["id"]});
    let answer = server.post("/v1/sessions", another).await;
    answer.names("agent.tools.0.component");
    let another =
        json!({"name": "b", "model": "m", "tools": [{"type": "custom", "component": tool}]});
    server
        .post("/v1/agents", another)
        .await
        .names("tools.0.component");
    let path = format!("/v1/agents/{}", id(&agent));
    server
        .post(
            &path,
            json!({"tools": [{"type": "custom", "component": tool}]}),
        )
        .await
        .names("tools.0.component");
    // Changing something else about the agent is fine.
    server.post(&path, json!({"name": "c"})).await.ok();
}

#[tokio::test]
async fn other_workspaces_tools_are_unknown() {
    let server = Server::start().await;
    server.add_key("wrkspc_b", "second").await;
    let tool = server.push(&echo("lookup").component()).await.ok();
    for reference in [&tool["id"], &tool["digest"]] {
        let body = json!({"name": "a", "model": "m", "tools": [{"type": "custom", "component": reference}]});
        let request = server.bare(reqwest::Method::POST, "/v1/agents");
        let answer = crate::support::send(request.bearer_auth("second").json(&body)).await;
        answer.names("tools.0.component");
    }
}

#[tokio::test]
async fn progress_is_shown_to_who_watches_and_never_stored() {
    let server = Server::start().await;
    let tool = server
        .pushed(&begins(
            "slow",
            "(call $answer (i32.const 8192) (i32.const 5))",
        ))
        .await;
    let session = server
        .session_with(json!([{"type": "custom", "component": tool}]))
        .await;
    let frames = server.turn(id(&session), "slow", json!({})).await;
    let called = one(&frames, "agent.tool_use");
    assert_eq!(
        *one(&frames, ""),
        json!({"type": "tool_progress", "tool_use_id": called["id"], "name": "slow",
               "message": "begun", "fraction": 0.5})
    );
    let path = format!("/v1/sessions/{}/events?limit=100", id(&session));
    let history = server.get(&path).await.ok().to_string();
    assert!(
        history.contains("agent.tool_result") && !history.contains("progress"),
        "{history}"
    );
    let metrics = server.get("/metrics").await.ok();
    let metrics = metrics.as_str().unwrap();
    for line in [
        "glovebox_tool_progress_total{tool_kind=\"custom\"} 1",
        "glovebox_tool_call_seconds_count{tool_kind=\"custom\",outcome=\"ok\"} 1",
        "glovebox_tool_calls_total{tool=\"custom\",outcome=\"ok\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

/// A turn whose only call is interrupted after it has begun. Gives its result.
async fn interrupted(server: &Server, tool: &Tool) -> Value {
    let component = server.pushed(tool).await;
    let session = server
        .session_with(json!([{"type": "custom", "component": component}]))
        .await;
    let mut stream = server.stream(id(&session), "").await;
    server
        .model
        .will_say(vec![Part::Call(tool.name.clone(), json!({}))]);
    server.say(id(&session), "go").await.ok();
    stream.until("").await;
    let path = format!("/v1/sessions/{}/events", id(&session));
    let interrupt = json!({"events": [{"type": "user.interrupt"}]});
    server.post(&path, interrupt).await.ok();
    let frames = stream.until("session.status_idle").await;
    one(&frames, "agent.tool_result").clone()
}

#[tokio::test]
async fn an_interrupted_tool_that_listens_answers_with_what_it_has() {
    let server = Server::start().await;
    let listens = begins(
        "listens",
        "(loop (br_if 0 (i32.eqz (call $cancelled)))) (call $answer (i32.const 8197) (i32.const 18))",
    );
    let result = interrupted(&server, &listens).await;
    assert_eq!(result["content"][0]["text"], "I have what I have");
    assert_eq!(result["is_error"], false);
}

#[tokio::test]
async fn an_interrupted_tool_that_does_not_listen_is_ended() {
    let server = Server::start().await;
    let result = interrupted(&server, &begins("deaf", "(loop (br 0)) (i32.const 0)")).await;
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("interrupted"), "{text}");
    assert_eq!(result["is_error"], true);
}

#[tokio::test]
async fn each_tool_has_its_own_state_in_each_session() {
    let server = Server::start().await;
    let counts = |name: &str| Tool {
        call: "(local $n i32)
            (call $load-state (i32.const 200))
            (if (i32.load8_u (i32.const 200)) (then (local.set $n (i32.load (i32.const 208)))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (memory.fill (i32.const 8192) (i32.const 120) (local.get $n))
            (call $store-state (i32.const 8192) (local.get $n) (i32.const 300))
            (call $answer (i32.const 8192) (local.get $n))"
            .to_owned(),
        ..echo(name)
    };
    let (one, two) = (
        server.pushed(&counts("one")).await,
        server.pushed(&counts("two")).await,
    );
    let tools = json!([{"type": "custom", "component": one}, {"type": "custom", "component": two}]);
    let session = server.session_with(tools.clone()).await;
    for (tool, expected) in [("one", "x"), ("one", "xx"), ("two", "x"), ("one", "xxx")] {
        assert_eq!(server.result(id(&session), tool, json!({})).await, expected);
    }
    let other = server.session_with(tools).await;
    assert_eq!(server.result(id(&other), "one", json!({})).await, "x");
}

/// A state that is too large for the log lies in a file of its own, and a new one for every call does not fill the disk.
#[tokio::test]
async fn large_states_do_not_pile_up() {
    let server = Server::start().await;
    let grows = Tool {
        call: "(local $n i32)
            (call $load-state (i32.const 200))
            (local.set $n (i32.const 200000))
            (if (i32.load8_u (i32.const 200)) (then
                (local.set $n (i32.add (i32.load (i32.const 208)) (i32.const 1)))))
            (call $store-state (i32.const 8192) (local.get $n) (i32.const 300))
            (i32.store8 (i32.const 8192) (i32.add (i32.const 48) (i32.sub (local.get $n) (i32.const 200000))))
            (call $answer (i32.const 8192) (i32.const 1))"
            .to_owned(),
        ..echo("grows")
    };
    let tool = server.pushed(&grows).await;
    let session = server
        .session_with(json!([{"type": "custom", "component": tool}]))
        .await;
    for call in 0..8 {
        let answer = server.result(id(&session), "grows", json!({})).await;
        assert_eq!(answer, call.to_string());
    }
    let files = server
        .agents
        .timeline()
        .files("wrkspc_a", id(&session), Moment::Last)
        .await
        .unwrap();
    let files = server.trees.files(files.as_deref()).unwrap();
    let states = files.snapshot().list("/state").unwrap();
    assert_eq!(states.len(), 1, "{states:?}");
}

#[tokio::test]
async fn a_secret_has_to_be_wished_for_granted_and_there() {
    let secret = |workspace: Option<&str>| WorkspaceSecret {
        workspace: workspace.map(str::to_owned),
        secret: Secret::new("hush-hush", vec!["api.example.com".parse().unwrap()]),
    };
    let secrets = Secrets::new(
        [
            ("KEY", secret(None)),
            ("OURS", secret(Some("wrkspc_a"))),
            ("THEIRS", secret(Some("wrkspc_b"))),
        ]
        .map(|(name, secret)| (name.to_owned(), secret))
        .into(),
    );
    let server = Server::with(secrets).await;
    // Says the stand-in for the secret that its name names, or `none`.
    let asks = |name: &str, wishes: &[&str]| Tool {
        secrets: wishes.iter().map(|&name| name.to_owned()).collect(),
        call: format!(
            "(call $secret (i32.const 8192) (i32.const {}) (i32.const 200))
             (if (result i32) (i32.load8_u (i32.const 200))
                (then (call $answer (i32.load (i32.const 204)) (i32.load (i32.const 208))))
                (else (call $answer (i32.const 8292) (i32.const 4))))",
            name.len()
        ),
        more: format!(
            "{} (data (i32.const 8192) {name:?}) (data (i32.const 8292) \"none\")",
            wasm::CONTEXT
        ),
        ..echo("asks")
    };
    for (name, wishes, grants, given) in [
        ("KEY", vec!["KEY"], json!({"secrets": ["KEY"]}), true),
        ("KEY", vec!["KEY"], json!({"secrets": ["*"]}), true),
        ("OURS", vec!["*"], json!({"secrets": ["OURS"]}), true),
        ("KEY", vec!["KEY"], Value::Null, false),
        ("KEY", vec!["KEY"], json!({}), false),
        ("KEY", vec!["KEY"], json!({"secrets": ["OURS"]}), false),
        ("KEY", vec!["OURS"], json!({"secrets": ["*"]}), false),
        ("KEY", vec![], json!({"secrets": ["*"]}), false),
        ("THEIRS", vec!["*"], json!({"secrets": ["*"]}), false),
        ("NONE", vec!["*"], json!({"secrets": ["*"]}), false),
    ] {
        let component = server.pushed(&asks(name, &wishes)).await;
        let mut entry = json!({"type": "custom", "component": component});
        if !grants.is_null() {
            entry["grants"] = grants.clone();
        }
        let session = server.session_with(json!([entry])).await;
        let answer = server.result(id(&session), "asks", json!({})).await;
        assert!(!answer.contains("hush"), "{answer}");
        assert_eq!(
            answer != "none",
            given,
            "{name} {wishes:?} {grants}: {answer}"
        );
    }
}
