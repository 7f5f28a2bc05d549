//! `/v1/tools`: pushing components, what is kept of them, and what is refused.

use reqwest::Method;
use serde_json::json;

use crate::support::wasm::{self, Tool, echo};
use crate::support::{Answer, COMPONENT_BYTES_MAX, Server, multipart, send};

/// Checks that a push was refused with a text that has these words, and that nothing is left of it.
#[track_caller]
fn refused(answer: &Answer, words: &str) {
    let message = answer.refused(400, "invalid_request_error");
    assert!(message.contains(words), "{message:?} lacks {words:?}");
}

async fn nothing_is_left(server: &Server) {
    assert_eq!(server.blobs(), 0);
    assert_eq!(server.get("/v1/tools").await.ok()["data"], json!([]));
}

/// A hand-made description with one of its texts elsewhere in memory.
fn describing(field: usize, pointer: usize, length: usize) -> Tool {
    let at = 1024 + field;
    Tool {
        describe: Some(format!(
            "(i32.store (i32.const {at}) (i32.const {pointer}))
             (i32.store (i32.const {}) (i32.const {length})) (i32.const 1024)",
            at + 4
        )),
        ..echo("lookup")
    }
}

#[tokio::test]
async fn a_pushed_tool_can_be_read_back() {
    let server = Server::start().await;
    let component = echo("lookup").component();
    let tool = server.push(&component).await.ok();
    let id = tool["id"].as_str().unwrap();
    assert_eq!(
        tool,
        json!({
            "id": id, "type": "tool", "name": "lookup", "version": 1, "digest": tool["digest"],
            "description": "Answers with what it is given, by the name of lookup.",
            "input_schema": {"type": "object", "properties": {"of": {"type": "string"}}},
            "effects": "none",
            "wishes": {"hosts": [], "mounts": [], "programs": [], "secrets": [], "settings": [], "limits": {}},
            "contract": "0.2.0", "size_bytes": component.len(),
            "created_at": tool["created_at"], "updated_at": tool["created_at"], "archived_at": null,
        })
    );
    assert!(id.starts_with("tool_"));
    let path = format!("/v1/tools/{id}");
    assert_eq!(server.get(&path).await.ok(), tool);
    assert_eq!(server.get(&format!("{path}?version=1")).await.ok(), tool);
    assert_eq!(server.get("/v1/tools").await.ok()["data"], json!([tool]));
    let response = server
        .request(Method::GET, &format!("{path}/content"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/wasm");
    assert_eq!(response.headers()["etag"], format!("{}", tool["digest"]));
    assert_eq!(response.bytes().await.unwrap(), component);

    for (path, what) in [
        ("/v1/tools/tool_none", "tool 'tool_none' not found"),
        ("/v1/tools/tool_none/versions", "tool 'tool_none' not found"),
        ("/v1/tools/tool_none/content", "tool 'tool_none' not found"),
        (&format!("{path}?version=2"), "at version '2' not found"),
    ] {
        let answer = server.get(path).await;
        let message = answer.refused(404, "not_found_error");
        assert!(message.contains(what), "{message}");
    }
    server
        .get(&format!("{path}?version=0"))
        .await
        .names("version");
}

#[tokio::test]
async fn versions_follow_each_other() {
    let server = Server::start().await;
    let first = server.push(&echo("lookup").component()).await.ok();
    let again = server.push(&echo("lookup").component()).await.ok();
    assert_eq!(again, first, "the same component is the same version");
    let better = Tool {
        text: "Better.".to_owned(),
        ..echo("lookup")
    };
    let second = server.push(&better.component()).await.ok();
    assert_eq!(
        (&second["id"], &second["version"], &second["description"]),
        (&first["id"], &json!(2), &json!("Better."))
    );
    // Going back is a version of its own.
    let third = server.push(&echo("lookup").component()).await.ok();
    assert_eq!(
        (&third["version"], &third["digest"]),
        (&json!(3), &first["digest"])
    );
    let path = format!("/v1/tools/{}", first["id"].as_str().unwrap());
    assert_eq!(server.get(&format!("{path}?version=1")).await.ok(), first);
    let versions = server.get(&format!("{path}/versions?limit=2")).await.ok();
    assert_eq!(versions["data"], json!([third, second]));
    let next = versions["next_page"].as_str().unwrap();
    let rest = server
        .get(&format!("{path}/versions?page={next}"))
        .await
        .ok();
    assert_eq!(rest["data"], json!([first]));
    assert_eq!(server.blobs(), 2);

    let other = server.push(&echo("other").component()).await.ok();
    assert_ne!(other["id"], first["id"]);
    assert_eq!(other["version"], 1);
    let all = server.get("/v1/tools?limit=1").await.ok();
    assert_eq!(all["data"], json!([other]));
}

#[tokio::test]
async fn a_push_becomes_the_version_it_is_meant_to_or_none() {
    let server = Server::start().await;
    let component = echo("lookup").component();
    let push = async |component: &[u8], version: &str| {
        server
            .push_parts(&[("component", component), ("version", version.as_bytes())])
            .await
    };
    let answer = push(&component, "2").await;
    let message = answer.refused(409, "conflict_error");
    assert!(
        message.contains("version 1 of 'lookup', not 2"),
        "{message}"
    );
    assert_eq!(answer.headers["x-should-retry"], "false");
    nothing_is_left(&server).await;
    assert_eq!(push(&component, "1").await.ok()["version"], 1);
    assert_eq!(push(&component, "1").await.ok()["version"], 1);
    let better = Tool {
        effects: 2,
        ..echo("lookup")
    };
    push(&better.component(), "1")
        .await
        .refused(409, "conflict_error");
    assert_eq!(push(&better.component(), "2").await.ok()["version"], 2);
    for bad in ["0", "-1", "x", "", "99999999999999999999"] {
        push(&component, bad).await.names("version");
    }
    assert_eq!(server.blobs(), 2);
}

#[tokio::test]
async fn simultaneous_pushes_never_make_equal_versions() {
    let server = Server::start().await;
    let components: Vec<_> = (0..8)
        .map(|number| {
            let text = format!("Number {number}.");
            Tool {
                text,
                ..echo("lookup")
            }
            .component()
        })
        .collect();
    let pushes = components.iter().map(|component| server.push(component));
    let mut versions: Vec<u64> = futures::future::join_all(pushes)
        .await
        .into_iter()
        .map(|answer| answer.ok()["version"].as_u64().unwrap())
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=8).collect::<Vec<_>>());

    // Of those that want to be the ninth, one is.
    let pushes = components.iter().map(|component| async {
        let parts: [(&str, &[u8]); 2] = [("component", component), ("version", b"9")];
        server.push_parts(&parts).await.status
    });
    let mut statuses = futures::future::join_all(pushes).await;
    statuses.sort_unstable();
    // Whose component is the latest version already only hears that it would not become the ninth.
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    let tools = server.get("/v1/tools").await.ok();
    assert_eq!(tools["data"].as_array().unwrap().len(), 1);
    assert_eq!(tools["data"][0]["version"], 9);
}

#[tokio::test]
async fn workspaces_do_not_see_each_others_tools() {
    let server = Server::start().await;
    server.add_key("wrkspc_b", "second").await;
    let component = echo("lookup").component();
    let ours = server.push(&component).await.ok();
    let theirs = |method: Method, path: &str| server.bare(method, path).bearer_auth("second");
    let id = ours["id"].as_str().unwrap();
    for path in ["", "/versions", "/content", "?version=1"] {
        let answer = send(theirs(Method::GET, &format!("/v1/tools/{id}{path}"))).await;
        answer.refused(404, "not_found_error");
    }
    let archive = theirs(Method::POST, &format!("/v1/tools/{id}/archive"));
    send(archive).await.refused(404, "not_found_error");
    let list = send(theirs(Method::GET, "/v1/tools")).await.ok();
    assert_eq!(list["data"], json!([]));
    // A tool of the same name and bytes is another tool.
    let push = theirs(Method::POST, "/v1/tools")
        .header("content-type", multipart::content_type())
        .body(multipart::body(&[("component", &component)]));
    let other = send(push).await.ok();
    assert_ne!(other["id"], ours["id"]);
    assert_eq!(other["digest"], ours["digest"]);
    assert_eq!(server.blobs(), 1);
    send(server.bare(Method::GET, "/v1/tools"))
        .await
        .refused(401, "authentication_error");
}

#[tokio::test]
async fn an_archived_tool_gives_its_name_away() {
    let server = Server::start().await;
    let component = echo("lookup").component();
    let tool = server.push(&component).await.ok();
    let path = format!("/v1/tools/{}", tool["id"].as_str().unwrap());
    let archived = server.post_empty(&format!("{path}/archive")).await.ok();
    assert!(archived["archived_at"].is_string());
    assert_eq!(
        server.post_empty(&format!("{path}/archive")).await.ok(),
        archived
    );
    assert_eq!(server.get(&path).await.ok(), archived);
    assert_eq!(server.get("/v1/tools").await.ok()["data"], json!([]));
    let all = server.get("/v1/tools?include_archived=true").await.ok();
    assert_eq!(all["data"], json!([archived]));
    let content = server.request(Method::GET, &format!("{path}/content"));
    assert_eq!(
        content.send().await.unwrap().bytes().await.unwrap(),
        component
    );
    let next = server.push(&component).await.ok();
    assert_ne!(next["id"], tool["id"]);
    assert_eq!(next["version"], 1);
    server
        .post_empty("/v1/tools/tool_none/archive")
        .await
        .refused(404, "not_found_error");
}

#[tokio::test]
async fn what_is_no_tool_is_refused_and_leaves_nothing() {
    let server = Server::start().await;
    let wat = |text: &str| wat::parse_str(text).unwrap();
    let empty = wat("(component)");
    let unserved = wat(r#"(component
        (import "acme:secret/vault@1.2.3" (instance (export "open" (func (result string)))))
        (core module $code (func (export "run") (result i32) (i32.const 0)))
        (core instance $made (instantiate $code))
        (func $run (result (result)) (canon lift (core func $made "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command)))"#);
    let manifest = b"name = 'opens'\ndescription = 'Opens.'\n[input_schema]\ntype = 'object'";
    for (component, words) in [
        (&b""[..], "component"),
        (b"#!/bin/sh\necho no", "component"),
        (b"\0asm\x0d\0\x01\0garbage", "component"),
        (&wat("(module)"), "component"),
        (&empty, "exports"),
    ] {
        refused(&server.push(component).await, words);
    }
    let answer = server
        .push_parts(&[("component", &unserved), ("manifest", manifest)])
        .await;
    refused(&answer, "acme:secret/vault");
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn a_tool_that_describes_itself_badly_is_refused_and_leaves_nothing() {
    let server = Server::start().await;
    let with = |change: fn(&mut Tool)| {
        let mut tool = echo("lookup");
        change(&mut tool);
        tool
    };
    let describe = |body: &str| Tool {
        describe: Some(body.to_owned()),
        ..echo("lookup")
    };
    let table = [
        (with(|tool| tool.name = "bash".into()), "built-in"),
        (with(|tool| tool.name = "mcp__x".into()), "mcp__"),
        (with(|tool| tool.name = "a b".into()), "name"),
        (with(|tool| tool.name = String::new()), "name"),
        (with(|tool| tool.name = "a".repeat(129)), "name"),
        (with(|tool| tool.text = String::new()), "description"),
        (with(|tool| tool.text = "a".repeat(65_537)), "description"),
        (with(|tool| tool.schema = "{".into()), "schema"),
        (with(|tool| tool.schema = "[]".into()), "schema"),
        (
            with(|tool| tool.schema = r#"{"type":"string"}"#.into()),
            "schema",
        ),
        (
            with(|tool| tool.schema = r#"{"type":"object","properties":[1]}"#.into()),
            "schema",
        ),
        (
            with(|tool| tool.schema = r#"{"type":"object","anyOf":[{"type":"object"}]}"#.into()),
            "anyOf",
        ),
        (
            with(|tool| {
                tool.schema = format!(r#"{{"type":"object","title":"{}"}}"#, "a".repeat(262_144));
            }),
            "schema",
        ),
        (with(|tool| tool.secrets = vec!["a b".into()]), "secrets"),
        (with(|tool| tool.effects = 9), "describe"),
        (describe("(loop (br 0)) (i32.const 1024)"), "describe"),
        (describe("unreachable"), "describe"),
        (
            describe(
                "(if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable)) (i32.const 1024)",
            ),
            "describe",
        ),
        // Lies about where its answer is, and how long.
        (describing(8, 0, 0x7fff_ffff), "describe"),
        (describing(8, 0, 1 << 20), "describ"),
        (describing(16, 0xffff_fff0, 64), "describe"),
    ];
    for (tool, words) in table {
        let answer = server.push(&tool.component()).await;
        assert_eq!(answer.status, 400, "{words}: {}", answer.body);
        refused(&answer, words);
    }
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn a_start_function_that_never_ends_is_ended() {
    let server = Server::start().await;
    let tool = Tool {
        more: format!("{} (func $spin (loop (br 0))) (start $spin)", wasm::CONTEXT),
        ..echo("lookup")
    };
    refused(&server.push(&tool.component()).await, "describe");
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn bodies_are_bounded_whole_and_known() {
    let server = Server::start().await;
    let component = echo("lookup").component();
    server
        .post("/v1/tools", json!({"component": "x"}))
        .await
        .names("body");
    server.push_parts(&[]).await.names("component");
    server
        .push_parts(&[("manifest", b"name = 'x'")])
        .await
        .names("component");
    server
        .push_parts(&[("component", &component), ("component", &component)])
        .await
        .names("component");
    server
        .push_parts(&[("file", &component)])
        .await
        .names("body");
    server
        .push_parts(&[("component", &component), ("manifest", b"\xff")])
        .await
        .names("manifest");
    let huge = vec![0; COMPONENT_BYTES_MAX + 1];
    let answer = server.push(&huge).await;
    let message = answer.refused(413, "request_too_large");
    assert!(message.contains("component"), "{message}");
    let answer = server
        .push_parts(&[("component", &component), ("manifest", &huge)])
        .await;
    answer.refused(413, "request_too_large");
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn a_push_that_is_cut_off_leaves_nothing() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::start().await;
    let body = multipart::body(&[("component", &echo("lookup").component())]);
    let address = server.url.strip_prefix("http://").unwrap();
    let head = |length: usize| {
        format!(
            "POST /v1/tools HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer first\r\ncontent-type: {}\r\n\
             content-length: {length}\r\n\r\n",
            multipart::content_type()
        )
    };
    // The connection breaks in the middle, before the last boundary, and inside of it.
    for end in [body.len() / 2, body.len() - 20, body.len() - 3] {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        socket.write_all(head(body.len()).as_bytes()).await.unwrap();
        socket.write_all(&body[..end]).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = String::new();
        // The server may answer or just close.
        let _ = socket.read_to_string(&mut answer).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    // The body says that it is whole, and is not.
    let half = &body[..body.len() / 2];
    let request = server
        .request(Method::POST, "/v1/tools")
        .header("content-type", multipart::content_type())
        .body(half.to_vec());
    send(request).await.names("body");
    nothing_is_left(&server).await;
    // What works afterwards is the next push.
    assert_eq!(
        server.push(&echo("lookup").component()).await.ok()["version"],
        1
    );
}

#[tokio::test]
async fn blobs_that_nothing_names_are_removed_and_others_stay() {
    let server = Server::start().await;
    let tool = server.push(&echo("lookup").component()).await.ok();
    let better = Tool {
        text: "Better.".to_owned(),
        ..echo("lookup")
    };
    server.push(&better.component()).await.ok();
    let stray = glovebox::package::digest(b"stray");
    std::fs::write(server.data.path().join("blobs").join(stray.hex()), b"stray").unwrap();
    assert_eq!(server.tools.sweep().await.unwrap(), 1);
    assert_eq!(server.blobs(), 2);
    let path = format!(
        "/v1/tools/{}/content?version=1",
        tool["id"].as_str().unwrap()
    );
    let content = server.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(content.status(), 200);
}

#[tokio::test]
async fn a_tool_that_was_changed_on_disk_is_not_given_out() {
    let server = Server::start().await;
    let tool = server.push(&echo("lookup").component()).await.ok();
    let digits = tool["digest"]
        .as_str()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap();
    std::fs::write(server.data.path().join("blobs").join(digits), b"other").unwrap();
    let path = format!("/v1/tools/{}/content", tool["id"].as_str().unwrap());
    let answer = server.get(&path).await;
    let message = answer.refused(500, "api_error");
    assert_eq!(message, "internal server error");
}
