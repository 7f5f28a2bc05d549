//! What a pushed tool reaches over HTTP, through the server: what its wishes, its entry's grants and the environment allow.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::wasm::{Tool, echo};

/// A server of one page on this machine, and how often it was asked.
fn site() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 7\r\n\r\nwelcome",
            );
        }
    });
    (address, asked)
}

/// A tool that asks `url` and answers with what comes of it, or why nothing does.
fn asks(url: &str, hosts: &[&str]) -> Tool {
    let mut request = Vec::new();
    for field in [&b"GET"[..], url.as_bytes()] {
        request.extend(u32::try_from(field.len()).unwrap().to_le_bytes());
        request.extend(field);
    }
    request.extend([0; 8]);
    let data: String = request.iter().map(|byte| format!("\\{byte:02x}")).collect();
    Tool {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        more: format!(
            r#"(import "glovebox:fetch/fetch@0.1.0" "request" (func $request (param i32 i32 i64) (result i64)))
               (import "glovebox:fetch/fetch@0.1.0" "take" (func $take (param i32) (result i64)))
               (data (i32.const 8192) "{data}")"#
        ),
        call: format!(
            "(local $how i64) (local $size i32) (local $at i32)
            (local.set $how (call $request (i32.const 8192) (i32.const {}) (i64.const -1)))
            (local.set $size (i32.wrap_i64 (local.get $how)))
            (loop $on
                (i64.store offset=16384 (local.get $at) (call $take (local.get $at)))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $on (i32.lt_u (local.get $at) (local.get $size))))
            ;; Of an answer its body, which is what the site says; of a refusal all of it.
            (if (i64.eqz (i64.shr_u (local.get $how) (i64.const 32)))
                (then (return (call $answer
                    (i32.add (i32.const 16377) (local.get $size)) (i32.const 7)))))
            (call $answer (i32.const 16384) (local.get $size))",
            request.len()
        ),
        ..echo("asks")
    }
}

#[tokio::test]
async fn a_pushed_tool_asks_only_hosts_that_all_three_allow() {
    let (site, asked) = site();
    let port = site.port();
    let server = Server::with_private_addresses().await;
    let limited = |hosts: &[&str]| json!({"type": "limited", "allowed_hosts": hosts});
    let open = json!({"type": "unrestricted"});
    let local = format!("http://127.0.0.1:{port}/");
    let mut expected = 0;
    for (url, wishes, grants, networking, words) in [
        (
            local.clone(),
            vec!["127.0.0.1"],
            Value::Null,
            open.clone(),
            "welcome",
        ),
        (
            local.clone(),
            vec!["*"],
            json!({"hosts": ["127.0.0.1"]}),
            open.clone(),
            "welcome",
        ),
        (
            local.clone(),
            vec!["*"],
            json!({"hosts": ["127.0.0.1"]}),
            limited(&["api.example.com"]),
            "network policy denies",
        ),
        (
            local.clone(),
            vec![],
            json!({"hosts": ["*"]}),
            open.clone(),
            "not granted",
        ),
        (
            local.clone(),
            vec!["*"],
            json!({"hosts": []}),
            open.clone(),
            "not granted",
        ),
        (
            local.clone(),
            vec!["*"],
            json!({"hosts": ["localhost"]}),
            open.clone(),
            "not granted",
        ),
        (
            format!("http://localhost:{port}/"),
            vec!["*"],
            json!({"hosts": ["127.0.0.1"]}),
            open.clone(),
            "not granted",
        ),
        (
            format!("http://2130706433:{port}/"),
            vec!["*"],
            json!({"hosts": ["api.example.com"]}),
            open.clone(),
            "not granted",
        ),
        (
            format!("http://0x7f000001:{port}/"),
            vec!["*"],
            json!({"hosts": ["api.example.com"]}),
            open.clone(),
            "not granted",
        ),
        (
            format!("http://0177.0.0.1:{port}/"),
            vec!["*"],
            json!({"hosts": ["api.example.com"]}),
            open.clone(),
            "not granted",
        ),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            vec!["*"],
            json!({"hosts": ["127.0.0.1"]}),
            open.clone(),
            "not granted",
        ),
        (
            format!("http://api.example.com@127.0.0.1:{port}/"),
            vec!["*"],
            json!({"hosts": ["api.example.com"]}),
            open.clone(),
            "not ",
        ),
    ] {
        let tool = server.pushed(&asks(&url, &wishes)).await;
        let mut entry = json!({"type": "custom", "component": tool});
        if !grants.is_null() {
            entry["grants"] = grants.clone();
        }
        let agent = json!({"name": "a", "model": "m", "tools": [entry]});
        let agent = server.post("/v1/agents", agent).await.ok();
        let environment =
            json!({"name": "e", "config": {"type": "cloud", "networking": networking}});
        let environment = server.post("/v1/environments", environment).await.ok();
        let session = json!({"agent": agent["id"], "environment_id": environment["id"]});
        let session = server.post("/v1/sessions", session).await.ok();
        let answer = server
            .result(session["id"].as_str().unwrap(), "asks", json!({}))
            .await;
        assert!(
            answer.contains(words),
            "{url} {wishes:?} {grants} {networking}: {answer}"
        );
        expected += usize::from(words == "welcome");
        assert_eq!(asked.load(Ordering::SeqCst), expected, "{url}");
    }
}

#[tokio::test]
async fn a_pushed_tool_reaches_no_private_address_by_any_spelling() {
    let (site, asked) = site();
    let port = site.port();
    let server = Server::start().await;
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "[::ffff:7f00:1]",
        "[::1]",
        "0.0.0.0",
        "169.254.169.254",
    ] {
        let tool = server
            .pushed(&asks(&format!("http://{host}:{port}/"), &["*"]))
            .await;
        let session = server
            .session_with(json!([{"type": "custom", "component": tool}]))
            .await;
        let answer = server
            .result(session["id"].as_str().unwrap(), "asks", json!({}))
            .await;
        assert!(answer.contains("not a public address"), "{host}: {answer}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
