//! Components that were built to do harm, through public HTTP: what they break ends there, and nothing is left of them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::wasm::{self, Tool, echo};
use crate::support::{Server, cache, multipart, send};

/// What is compiled of a component, if anything.
fn compiled(component: &[u8]) -> Option<PathBuf> {
    let digest = blake3::hash(component).to_hex().to_string();
    let mut files = std::fs::read_dir(cache()).unwrap().flatten();
    let found = files.find(|file| file.file_name().to_string_lossy().starts_with(&digest))?;
    Some(found.path())
}

/// A section of a component, in front of everything else in it.
fn with_section(component: &[u8], section: u8, content: &[u8]) -> Vec<u8> {
    let (header, rest) = component.split_at(8);
    [header, &wasm::section(section, content), rest].concat()
}

/// A type that is a component whose only type is a component ... as deep as that.
fn nested_types(depth: usize) -> Vec<u8> {
    let mut types = vec![1];
    types.extend([0x41, 1, 1].repeat(depth));
    types.extend([0x41, 0]);
    types
}

#[tokio::test]
async fn what_is_refused_leaves_no_compiled_code() {
    let server = Server::start().await;
    let silent = Tool {
        describe: Some("(drop (i32.const 7531)) unreachable".to_owned()),
        ..echo("lookup")
    };
    let silent = silent.component();
    server
        .push(&silent)
        .await
        .refused(400, "invalid_request_error");
    assert_eq!(compiled(&silent), None);
    // Neither does one that came too late to be that version.
    let late = Tool {
        text: "Only in this test, and never a tool.".to_owned(),
        ..echo("lookup")
    };
    let late = late.component();
    let answer = server
        .push_parts(&[("component", &late), ("version", b"7")])
        .await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(compiled(&late), None);
    assert_eq!(server.blobs(), 0);
    // What becomes a tool keeps its code, also when it is pushed once more in vain.
    server.push(&late).await.ok();
    assert!(compiled(&late).is_some());
    let again = server
        .push_parts(&[("component", &late), ("version", b"7")])
        .await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert!(compiled(&late).is_some());
    std::fs::remove_file(compiled(&late).unwrap()).unwrap();
}

#[tokio::test]
async fn what_is_nested_too_deeply_is_refused() {
    let server = Server::start().await;
    let component = echo("lookup").component();
    for depth in [200, 300_000] {
        let deep = with_section(&component, 7, &nested_types(depth));
        let answer = server.push(&deep).await;
        let message = answer.refused(400, "invalid_request_error");
        assert!(message.contains("component"), "{message}");
        assert_eq!(compiled(&deep), None);
    }
    // Components inside each other, a whole one each.
    let mut dolls = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..1500 {
        dolls = [&b"\0asm\x0d\0\x01\0"[..], &wasm::section(4, &dolls)].concat();
    }
    let answer = server.push(&with_section(&component, 4, &dolls)).await;
    assert!(matches!(answer.status, 200 | 400), "{}", answer.body);
    // Schemas: what is stored has to be read again, inside of an agent and inside of a session.
    for depth in [60, 100, 124, 126] {
        let schema = format!(
            r#"{{"type":"object","x-deep":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        );
        let tool = Tool {
            schema,
            ..echo("deep")
        };
        let answer = server.push(&tool.component()).await;
        if depth > 100 {
            answer.refused(400, "invalid_request_error");
            continue;
        }
        if answer.status == 200 {
            let id = answer.ok()["id"].clone();
            server
                .session_with(json!([{"type": "custom", "component": id}]))
                .await;
        }
    }
    server.get("/v1/tools").await.ok();
    // The same, of a tool that its client runs.
    for depth in [60, 120, 122] {
        let deep: Value = serde_json::from_str(&("[".repeat(depth) + &"]".repeat(depth))).unwrap();
        let tool = json!({"type": "custom", "name": "mine", "description": "d",
            "input_schema": {"type": "object", "x-deep": deep}});
        let agent = json!({"name": "a", "model": "m", "tools": [tool]});
        let answer = server.post("/v1/agents", agent).await;
        if depth > 100 {
            answer.refused(400, "invalid_request_error");
        } else {
            let session = server.session_of(&answer.ok()).await;
            let path = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
            server.get(&path).await.ok();
        }
    }
}

#[tokio::test]
async fn what_the_model_nests_too_deeply_can_be_read_again() {
    let server = Server::start().await;
    let tool = server.pushed(&echo("lookup")).await;
    let session = server
        .session_with(json!([{"type": "custom", "component": tool}]))
        .await;
    let id = session["id"].as_str().unwrap();
    let deep: Value = serde_json::from_str(&("[".repeat(90) + &"]".repeat(90))).unwrap();
    let frames = server.turn(id, "lookup", json!({"of": deep})).await;
    assert!(
        frames
            .iter()
            .any(|frame| frame.event == "agent.tool_result")
    );
    let events = server.get(&format!("/v1/sessions/{id}/events")).await.ok();
    assert!(events.to_string().contains("agent.tool_result"), "{events}");
}

#[tokio::test]
async fn manifests_that_lie_are_refused() {
    let server = Server::start().await;
    let command = wat::parse_str(
        r#"(component
        (core module $code (func (export "run") (result i32) (i32.const 0)))
        (core instance $made (instantiate $code))
        (func $run (result (result)) (canon lift (core func $made "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command)))"#,
    )
    .unwrap();
    let hosts: Vec<String> = (0..300)
        .map(|index| format!("h{index}.example.com"))
        .collect();
    let good = json!({"name": "fine", "description": "d", "input_schema": {"type": "object"}});
    let with = |key: &str, value: Value| {
        let mut manifest = good.clone();
        manifest[key] = value;
        manifest.to_string()
    };
    for (manifest, words) in [
        (with("name", json!("a\nb")), "name"),
        (with("name", json!("a\u{202e}b")), "name"),
        (with("name", json!("../../etc")), "name"),
        (with("name", json!("bash")), "built-in"),
        (with("wishes", json!({ "hosts": hosts })), "hosts"),
        (
            with(
                "wishes",
                json!({"mounts": [{"path": "/workspace/../etc", "access": "read"}]}),
            ),
            "mounts",
        ),
        (
            with("wishes", json!({"secrets": ["A".repeat(300)]})),
            "secrets",
        ),
        (with("wishes", json!({"everything": true})), "everything"),
        (with("effects", json!("no")), "effects"),
        (
            with("build", json!({"command": ["sh"], "output": "x"})),
            "build",
        ),
        (with("description", json!("d".repeat(600_000))), "bytes"),
        (
            format!("{{\"input_schema\":{}", "[".repeat(400_000)),
            "recursion",
        ),
        ("{".to_owned(), "EOF"),
    ] {
        let component = [
            &command[..],
            &wasm::custom("glovebox:tool", manifest.as_bytes()),
        ]
        .concat();
        let answer = server.push(&component).await;
        let message = answer.refused(400, "invalid_request_error");
        assert!(message.contains(words), "{words}: {message}");
        assert!(message.len() < 2000, "{words}: {message}");
        assert!(
            !message.contains('\u{202e}') && !message.contains('\n'),
            "{message:?}"
        );
    }
    // As a tool.toml beside it, nested as deep as its size allows.
    let toml = format!(
        "name = 'x'\ndescription = 'd'\ninput_schema = {}",
        "[".repeat(300_000)
    );
    let answer = server
        .push_parts(&[("component", &command), ("manifest", toml.as_bytes())])
        .await;
    answer.refused(400, "invalid_request_error");
    // Sections that nobody reads are carried along, and mean nothing.
    let padding = wasm::custom("padding", &vec![0; 2 << 20]);
    let section = wasm::custom("glovebox:tool", good.to_string().as_bytes());
    server
        .push(&[&command[..], &section, &padding].concat())
        .await
        .ok();
    assert_eq!(server.blobs(), 1);
}

/// A tool that the compiler has work with for minutes.
fn maze() -> Vec<u8> {
    let (depth, locals) = (1800, 1000);
    let mut body = format!("(func $maze (param i32) (local {})", "i64 ".repeat(locals));
    body.push_str(&"block ".repeat(depth));
    for level in 0..depth {
        let local = level % locals + 1;
        body.push_str(&format!(
            "local.get {local} local.get 0 i64.extend_i32_u i64.add local.set {local}
             local.get 0 i32.const {level} i32.eq if local.get 0 br_table "
        ));
        for target in 0..=(depth - level) {
            body.push_str(&format!("{target} "));
        }
        body.push_str("end end ");
    }
    body.push(')');
    let tool = Tool {
        more: format!("{} {body}", wasm::CONTEXT),
        ..echo("lookup")
    };
    tool.component()
}

/// Processes of this program that compile.
fn compilers() -> usize {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let read = |name: &str| std::fs::read_to_string(process.path().join(name));
            let child = read("stat").is_ok_and(|stat| {
                let fields = stat.rsplit(')').next().unwrap_or_default().to_owned();
                fields.split_whitespace().nth(1) == Some(own.as_str())
            });
            child && read("cmdline").is_ok_and(|line| line.split('\0').nth(1) == Some("compile"))
        })
        .count()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn while_one_exhausts_the_compiler_others_are_served_and_when_it_leaves_nothing_is_left() {
    let server = Server::start().await;
    server.add_key("wrkspc_b", "second").await;
    let ready = server.pushed(&echo("lookup")).await;
    let blobs = server.blobs();
    let maze = maze();
    let push = server
        .bare(Method::POST, "/v1/tools")
        .bearer_auth("second")
        .header("content-type", multipart::content_type())
        .body(multipart::body(&[("component", &maze)]));
    let push = tokio::spawn(push.send());
    until("nobody compiles it", || compilers() == 1).await;
    // A call of a tool that is ready, and the push of another.
    let session = server
        .session_with(json!([{"type": "custom", "component": ready}]))
        .await;
    let id = session["id"].as_str().unwrap();
    assert_eq!(
        server.result(id, "lookup", json!({"of": "a"})).await,
        r#"{"of":"a"}"#
    );
    let other = Tool {
        text: "Pushed while another is compiled.".to_owned(),
        ..echo("other")
    };
    server.push(&other.component()).await.ok();
    assert!(!push.is_finished(), "too quick for this test");
    // Whoever pushed it goes away.
    push.abort();
    until("the compiler goes on", || compilers() == 0).await;
    assert_eq!(compiled(&maze), None);
    assert_eq!(server.blobs(), blobs + 1);
    let tools = send(server.bare(Method::GET, "/v1/tools").bearer_auth("second")).await;
    assert_eq!(tools.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_digest_means_a_tool_of_the_workspace_that_can_still_be_used() {
    let server = Server::start().await;
    server.add_key("wrkspc_b", "second").await;
    let tool = server.push(&echo("lookup").component()).await.ok();
    let digest = tool["digest"].clone();
    let agent =
        json!({"name": "a", "model": "m", "tools": [{"type": "custom", "component": digest}]});
    server.post("/v1/agents", agent.clone()).await.ok();
    let theirs = server
        .bare(Method::POST, "/v1/agents")
        .bearer_auth("second")
        .json(&agent);
    send(theirs).await.names("tools.0.component");
    let path = format!("/v1/tools/{}/archive", tool["id"].as_str().unwrap());
    server.post_empty(&path).await.ok();
    server
        .post("/v1/agents", agent)
        .await
        .names("tools.0.component");
}
