//! `glovebox tool` as an author runs it, each command a process: from a folder to a pushed tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use glovebox::package;
use serde_json::{Value, json};

/// A wasip1 command that answers with what it is given, and fails when that begins with `{"f`.
const ECHO: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (i32.store (i32.const 0) (i32.const 64))
        (i32.store (i32.const 4) (i32.const 4096))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (i32.store (i32.const 4) (i32.load (i32.const 8)))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (if (i32.eq (i32.load8_u (i32.const 66)) (i32.const 102)) (then (call $exit (i32.const 3))))))"#;

const MANIFEST: &str = r#"name = "echo"
description = "Answers with its input.\nNothing more."
effects = "none"

[input_schema]
type = "object"
required = ["text"]
properties.text.type = "string"

[wishes]
hosts = ["api.example.com"]
mounts = [{ path = "/workspace", access = "read" }]

[build]
command = ["cp", "echo.wat.wasm", "made.wasm"]
output = "made.wasm"
"#;

const CASES: &str = r#"
[[case]]
name = "echoes"
input = { text = "hi" }
files = { "a/b.txt" = "kept" }
[case.expect]
json = { text = "hi" }
files = { "a/b.txt" = "kept" }

[[case]]
name = "fails"
input = { f = 1 }
[case.expect]
is_error = true
"#;

/// A tool's folder.
struct Tool(tempfile::TempDir);

impl Tool {
    fn new() -> Tool {
        let tool = Tool(tempfile::tempdir().unwrap());
        fs::write(tool.path("echo.wat.wasm"), wat::parse_str(ECHO).unwrap()).unwrap();
        fs::write(tool.path("tool.toml"), MANIFEST).unwrap();
        fs::write(tool.path("cases.toml"), CASES).unwrap();
        tool
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn manifest(&self, from: &str, to: &str) {
        assert!(MANIFEST.contains(from));
        fs::write(self.path("tool.toml"), MANIFEST.replace(from, to)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.0.path(), arguments, &[])
    }
}

/// How a command ended.
#[derive(Debug)]
struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn fails_with(&self, text: &str) {
        assert_eq!(self.status, 1, "{self:?}");
        assert!(self.stderr.contains(text), "{text:?}: {}", self.stderr);
    }

    #[track_caller]
    fn succeeds(self) -> Ran {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }
}

fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_glovebox"))
        .arg("tool")
        .args(arguments)
        .current_dir(folder)
        .env_remove("GLOVEBOX_URL")
        .env_remove("GLOVEBOX_API_KEY")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_folder_becomes_a_tool_that_runs() {
    let tool = Tool::new();
    let built = tool.run(&["build"]).succeeds();
    assert_eq!(built.stdout, "./build/echo.wasm\n");
    let packed = fs::read(tool.path("build/echo.wasm")).unwrap();
    assert!(
        built.stderr.contains(&package::digest(&packed).to_string()),
        "{built:?}"
    );

    let ran = tool
        .run(&["run", "build/echo.wasm", "--input", r#"{"text": "hello"}"#])
        .succeeds();
    let blocks: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(
        blocks[0]["text"].as_str().unwrap().contains("hello"),
        "{blocks}"
    );
    assert!(
        ran.stderr.contains("wishes to reach api.example.com"),
        "{ran:?}"
    );

    let ran = tool.run(&["run", ".", "--input", r#"{"f": 1}"#]);
    assert_eq!(ran.status, 1, "{ran:?}");
    // The module alone is described by the tool.toml beside it.
    tool.run(&["run", "echo.wat.wasm", "--input", "{}"])
        .succeeds();
    tool.run(&["run", ".", "--grants", r#"{"host": []}"#])
        .fails_with("host: unknown field");
    tool.run(&["run", "nonsense"])
        .fails_with("there are: bash, edit");
}

#[test]
fn cases_pass_and_fail() {
    let tool = Tool::new();
    let ran = tool.run(&["test"]).succeeds();
    assert!(
        ran.stdout.contains("pass  echoes") && ran.stdout.contains("pass  fails"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.ends_with("echo: 2 passed, 0 failed\n"),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("changed no files; sends HTTP requests to api.example.com"),
        "{ran:?}"
    );

    let wrong = CASES.replace("json = { text = \"hi\" }", "text = \"something else\"");
    fs::write(tool.path("wrong.toml"), wrong).unwrap();
    let ran = tool.run(&["test", "--cases", "wrong.toml"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stdout.contains("FAIL  echoes"), "{ran:?}");
    assert!(
        ran.stdout.contains("expected the text \"something else\""),
        "{ran:?}"
    );
    tool.run(&["test", "--cases", "wrong.toml", "--only", "fails"])
        .succeeds();
    tool.run(&["test", "--cases", "none.toml"])
        .fails_with("cannot read the cases none.toml");
    fs::write(tool.path("wrong.toml"), "[[case]]\nnam = \"x\"").unwrap();
    tool.run(&["test", "--cases", "wrong.toml"])
        .fails_with("unknown field `nam`");
}

#[test]
fn a_tool_shows_what_it_is() {
    let tool = Tool::new();
    let shown = tool.run(&["inspect", "--json"]).succeeds();
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["name"], "echo");
    assert_eq!(shown["contract"], "plain");
    assert_eq!(shown["wishes"]["hosts"], json!(["api.example.com"]));
    assert_eq!(shown["reaches"][1], "reads /workspace");
    let imports = shown["imports"].to_string();
    assert!(imports.contains("wasi:cli/stdin"), "{imports}");
    let text = tool.run(&["inspect"]).succeeds().stdout;
    assert!(
        text.contains("description  Answers with its input.\n"),
        "{text}"
    );
    assert!(text.contains(shown["digest"].as_str().unwrap()), "{text}");
    let built_in = run(tool.0.path(), &["inspect", "read"], &[])
        .succeeds()
        .stdout;
    assert!(
        built_in.contains("contract     glovebox:tool 0."),
        "{built_in}"
    );
}

#[test]
fn mistakes_are_named() {
    let tool = Tool::new();
    let empty = tempfile::tempdir().unwrap();
    run(empty.path(), &["build"], &[]).fails_with("there is no tool.toml in .");

    tool.manifest(
        "\"cp\", \"echo.wat.wasm\", \"made.wasm\"",
        "\"sh\", \"-c\", \"echo went wrong here; exit 3\"",
    );
    let ran = tool.run(&["build"]);
    ran.fails_with("went wrong here");
    ran.fails_with("exit status: 3");
    tool.manifest(
        "\"cp\", \"echo.wat.wasm\", \"made.wasm\"",
        "\"no-such-compiler\"",
    );
    tool.run(&["build"])
        .fails_with("cannot start `no-such-compiler`");
    tool.manifest("\"cp\", \"echo.wat.wasm\", \"made.wasm\"", "\"true\"");
    tool.run(&["build"]).fails_with("left no ./made.wasm");
    tool.manifest("echo.wat.wasm", "tool.toml");
    tool.run(&["build"]).fails_with("it is not WebAssembly");
    tool.manifest("effects", "efects");
    tool.run(&["build"]).fails_with("unknown field `efects`");
    tool.manifest("\"string\"", "\"text\"");
    tool.run(&["build"])
        .fails_with("`input_schema.properties.text.type`");

    let strange = ECHO.replace("wasi_snapshot_preview1\" \"proc_exit", "env\" \"abort");
    fs::write(tool.path("echo.wat.wasm"), wat::parse_str(strange).unwrap()).unwrap();
    fs::write(tool.path("tool.toml"), MANIFEST).unwrap();
    tool.run(&["build"])
        .fails_with("it imports what no host of tools offers: env.abort");
    let component = r#"(component
        (import "acme:missiles/launch@1.0.0" (instance (export "launch" (func))))
        (core module $m (func (export "run") (result i32) unreachable))
        (core instance $i (instantiate $m))
        (func $run (result (result)) (canon lift (core func $i "run")))
        (instance $run (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $run)))"#;
    fs::write(
        tool.path("echo.wat.wasm"),
        wat::parse_str(component).unwrap(),
    )
    .unwrap();
    tool.run(&["build"]).fails_with("acme:missiles/launch");
}

#[test]
fn a_new_tool_has_everything_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let new = |arguments: &[&str]| run(folder.path(), &[&["new"], arguments].concat(), &[]);
    new(&["--lang", "python", "Word-Count"]).succeeds();
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    assert!(read("Word-Count/tool.toml").contains("[build]"));
    assert!(read("Word-Count/wit/deps/glovebox-tool/tool.wit").contains("glovebox:tool@0.2.0"));
    new(&["--lang", "python", "Word-Count"]).fails_with("not empty");
    new(&["--lang", "cobol", "x"]).fails_with("there are:");
    new(&["--lang", "python", "../x"]).fails_with("the name \"../x\"");
    new(&["--lang", "typescript", "x", "--dir", "somewhere/else"]).succeeds();
    assert!(
        folder.path().join("somewhere/else/glovebox").is_dir(),
        "links are followed"
    );
}

/// What a server that has tools was sent, and the tools it has.
#[derive(Default)]
struct Fake {
    pushed: Mutex<Vec<(String, Vec<u8>)>>,
    archived: Mutex<Vec<String>>,
    content: Mutex<Vec<u8>>,
}

impl Fake {
    fn tool(&self) -> Value {
        let digest = package::digest(&self.content.lock().unwrap());
        json!({"id": "tool_1", "type": "tool", "name": "echo", "version": 2, "digest": digest, "description": "Echoes.\nx"})
    }
}

/// Starts the fake; it ends with the test's runtime.
async fn fake() -> (Arc<Fake>, String) {
    async fn push(State(fake): State<Arc<Fake>>, headers: HeaderMap, body: Bytes) -> Response {
        if headers["x-api-key"] != "secret" {
            let error = json!({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}});
            return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
        }
        let content_type = headers["content-type"].to_str().unwrap().to_owned();
        fake.pushed
            .lock()
            .unwrap()
            .push((content_type, body.to_vec()));
        let start = body.windows(4).position(|bytes| bytes == b"\0asm").unwrap();
        let end = body
            .windows(12)
            .rposition(|bytes| bytes == b"\r\n--glovebox")
            .unwrap();
        *fake.content.lock().unwrap() = body[start..end].to_vec();
        Json(fake.tool()).into_response()
    }
    async fn archive(State(fake): State<Arc<Fake>>, UrlPath(id): UrlPath<String>) -> Json<Value> {
        fake.archived.lock().unwrap().push(id);
        Json(fake.tool())
    }
    let fake = Arc::<Fake>::default();
    let list = async |State(fake): State<Arc<Fake>>| {
        Json(json!({"data": [fake.tool()], "next_page": null}))
    };
    let one = async |State(fake): State<Arc<Fake>>| Json(fake.tool());
    let content = async |State(fake): State<Arc<Fake>>| fake.content.lock().unwrap().clone();
    let app = Router::new()
        .route("/v1/tools", get(list).post(push))
        .route("/v1/tools/{id}", get(one))
        .route("/v1/tools/{id}/content", get(content))
        .route("/v1/tools/{id}/archive", post(archive))
        .with_state(Arc::clone(&fake));
    (fake, serve(app).await)
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_goes_to_a_server_and_comes_back() {
    let (fake, url) = fake().await;
    let tool = Tool::new();
    let at = |arguments: &[&str]| {
        let environment = [
            ("GLOVEBOX_URL", url.as_str()),
            ("GLOVEBOX_API_KEY", "secret"),
        ];
        tokio::task::block_in_place(|| run(tool.0.path(), arguments, &environment))
    };
    let pushed = at(&["push", ".", "--version", "2"]).succeeds();
    let packed = fs::read(tool.path("build/echo.wasm")).unwrap();
    let digest = package::digest(&packed);
    assert_eq!(pushed.stdout, format!("tool_1@2 {digest}\n"));
    let (content_type, body) = fake.pushed.lock().unwrap()[0].clone();
    assert!(
        content_type.starts_with("multipart/form-data; boundary="),
        "{content_type}"
    );
    let head = String::from_utf8_lossy(&body[..300]).into_owned();
    assert!(head.contains("name=\"version\"\r\n"), "{head}");
    assert!(head.contains("\r\n\r\n2\r\n"), "{head}");

    let listed = at(&["list"]).succeeds().stdout;
    assert!(
        listed.contains("echo         tool_1@2 Echoes.\n") && listed.contains("\nread "),
        "{listed}"
    );
    let pulled = at(&["pull", "echo", "-o", "pulled.wasm"]).succeeds();
    assert_eq!(pulled.stdout, format!("tool_1@2 {digest}\n"));
    assert_eq!(fs::read(tool.path("pulled.wasm")).unwrap(), packed);
    assert_eq!(at(&["remove", "echo"]).succeeds().stdout, "tool_1\n");
    assert_eq!(*fake.archived.lock().unwrap(), ["tool_1"]);
    at(&["remove", "other"]).fails_with("there is no tool other; the server has: echo");

    at(&["push", "build/echo.wasm", "--key", "wrong"])
        .fails_with("the server refused: invalid x-api-key");
    at(&["push", "build/echo.wasm", "--key", ""]).fails_with("there is no API key");
    at(&["push", "build/echo.wasm", "--url", "http://127.0.0.1:1"])
        .fails_with("cannot reach the server");
    at(&["push", "build/echo.wasm", "--url", "localhost"]).fails_with("does not begin with http");
    at(&["push", "tool.toml"]).fails_with("it is not WebAssembly");
    *fake.content.lock().unwrap() = b"other".to_vec();
    let digest = package::digest(b"other").to_string();
    assert!(at(&["pull", "echo"]).succeeds().stdout.contains(&digest));
}
