//! MCP with the real tools: the binary's `/mcp`, and `glovebox mcp` over its standard streams.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::process::{Process, World};

/// `glovebox mcp`, spoken to by hand. Killed when dropped.
struct Spoken {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    asked: u64,
}

impl Drop for Spoken {
    fn drop(&mut self) {
        // Already gone when it was waited for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Spoken {
    fn start(arguments: &[&str]) -> Spoken {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glovebox"))
            .arg("mcp")
            .args(arguments)
            .env("RUST_LOG", "debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut client = Spoken {
            child,
            stdin,
            stdout,
            asked: 0,
        };
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        client.ask("initialize", hello);
        client.tell(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn tell(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{message}").unwrap();
        stdin.flush().unwrap();
    }

    /// Every line that comes has to be a message, whatever is logged.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.tell(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            assert!(
                self.stdout.read_line(&mut line).unwrap() > 0,
                "it has ended"
            );
            let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
            if message["id"] == id {
                return message;
            }
        }
    }

    fn call(&mut self, tool: &str, arguments: Value) -> (bool, String) {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        (
            result["isError"] == true,
            result["content"][0]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    }

    fn end(mut self) -> i32 {
        drop(self.stdin.take());
        self.child.wait().unwrap().code().unwrap()
    }
}

#[test]
fn the_users_folder_is_the_workspace_and_the_shell_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hello").unwrap();
    let path = folder.path().to_str().unwrap();
    let mut client = Spoken::start(&["--workspace", path, "--tool", "bash", "--tool", "read"]);
    let tools = client.ask("tools/list", json!({}));
    let tools = tools["result"]["tools"].as_array().unwrap().clone();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bash", "read"]);
    assert_eq!(
        client.call("read", json!({"file_path": "/workspace/a.txt"})),
        (false, "hello".to_owned())
    );
    let command = json!({"command": "mkdir made && cd made && echo x > y"});
    assert!(!client.call("bash", command).0);
    assert_eq!(
        client.call("bash", json!({"command": "pwd"})),
        (false, "/workspace/made".to_owned())
    );
    let refused = client.ask("tools/call", json!({"name": "write", "arguments": {}}));
    assert_eq!(refused["error"]["code"], -32602);
    assert_eq!(client.end(), 0);
    let made = folder.path().join("made/y");
    assert_eq!(std::fs::read_to_string(made).unwrap(), "x\n");
}

#[test]
fn it_ends_when_the_client_is_gone_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_glovebox"));
    let status = command
        .args(["mcp", "--tool", "bash"])
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// All files of sessions in a data directory.
fn kept(data: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut waiting = vec![Path::new(data).to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    let of_sessions = [
        "/blobs/root/",
        "/blobs/page/",
        "/blobs/chunk/",
        "/sessions/",
    ];
    files.retain(|file| of_sessions.iter().any(|part| file.contains(part)));
    files
}

/// Sends a message to the server's `/mcp`, and gives the session's id and the answer.
async fn post(
    server: &Process,
    key: &str,
    session: Option<&str>,
    message: Value,
) -> (String, Value) {
    let mut request = reqwest::Client::new()
        .post(format!("{}/mcp", server.url))
        .bearer_auth(key)
        .header("accept", "application/json, text/event-stream")
        .json(&message);
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    let session = response.headers().get("mcp-session-id");
    let session = session.map_or(String::new(), |id| id.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    let mut messages = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok());
    (session, messages.next_back().unwrap_or_default())
}

async fn begin(server: &Process, key: &str) -> String {
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello});
    let (session, _) = post(server, key, None, message).await;
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    post(server, key, Some(&session), initialized).await;
    session
}

async fn bash(server: &Process, key: &str, session: &str, command: &str) -> String {
    let params = json!({"name": "bash", "arguments": {"command": command}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let (_, answer) = post(server, key, Some(session), message).await;
    let text = &answer["result"]["content"][0]["text"];
    text.as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_have_sandboxes_of_their_own_that_are_never_saved() {
    let world = World::new(json!([])).await;
    let folder = Path::new(&world.data()).join("sessions/mcp_1/workspace");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("f"), "of an earlier version that crashed").unwrap();
    let server = world.start().await;
    let key = crate::process::KEY;
    let (one, two) = (begin(&server, key).await, begin(&server, key).await);
    bash(&server, key, &one, "echo mine > f; cd /tmp; LEFT=1").await;
    assert_eq!(
        bash(&server, key, &one, "pwd; echo $LEFT; cat /workspace/f").await,
        "/tmp\n1\nmine"
    );
    assert_eq!(bash(&server, key, &two, "pwd; ls").await, "/workspace");
    let delete = reqwest::Client::new().delete(format!("{}/mcp", server.url));
    let delete = delete.bearer_auth(key).header("mcp-session-id", &two);
    assert_eq!(delete.send().await.unwrap().status(), 204);
    assert_eq!(kept(&world.data()), [""; 0]);
    assert!(server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_by_the_command_has_its_grants() {
    let world = World::new(json!([])).await;
    let server = world.start().await;
    let key = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glovebox"));
        let output = command
            .arg("key")
            .args(arguments)
            .args(["--data", &world.data()])
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (_, secret, _) = key(&[
        "create",
        "--name",
        "narrow",
        "--mcp-tools",
        "read,grep",
        "--mcp-hosts",
        "*.a.example",
        "--mcp-read-only",
    ]);
    let secret = secret.trim();
    let (_, list, _) = key(&["list"]);
    let line = list.lines().find(|line| line.contains("narrow")).unwrap();
    assert!(
        line.contains("mcp: tools=grep,read hosts=*.a.example secrets=none read-only"),
        "{line}"
    );
    assert!(
        list.contains("mcp: tools=all hosts=none secrets=none\t"),
        "{list}"
    );
    let (made, _, error) = key(&["create", "--mcp-hosts", "https://a.example"]);
    assert!(!made && error.contains("hosts[0]"), "{error}");

    let session = begin(&server, secret).await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let (_, listed) = post(&server, secret, Some(&session), message).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 2);
}
