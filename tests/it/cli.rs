//! The commands, run as other people's scripts run them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::World;
use crate::support::wasm::section;

fn glovebox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glovebox"));
    command.args(arguments).stdin(Stdio::null());
    command
}

#[track_caller]
fn output(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn sh_is_bash_with_its_streams_and_status() {
    let (status, stdout, stderr) = output(&mut glovebox(&[
        "sh",
        "-c",
        "echo \"$0 $1\"; echo oops >&2; exit 7",
        "greet",
        "world",
    ]));
    assert_eq!((status, stdout.as_str()), (7, "greet world\n"), "{stderr}");
    assert!(stderr.ends_with("oops\n"), "{stderr}");

    let mut child = glovebox(&["sh"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let script = "read line\nfirst\necho \"got $line\" | cat\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "got first\n",
        "a command reads on where the shell stopped"
    );
}

#[test]
fn sh_works_in_its_folder_and_nowhere_else() {
    let (folder, path) = folder();
    std::fs::write(folder.path().join("script.sh"), "pwd; echo \"$1\" > made").unwrap();
    let (status, stdout, stderr) = output(&mut glovebox(&[
        "sh",
        "--workspace",
        &path,
        "script.sh",
        "hello",
    ]));
    assert_eq!((status, stdout.as_str()), (0, "/workspace\n"), "{stderr}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("made")).unwrap(),
        "hello\n"
    );

    let outside = folder.path().join("script.sh");
    assert!(outside.is_absolute() && Path::new("/etc/hostname").exists());
    let script = format!(
        "cat {} /etc/passwd 2>/dev/null; ls /workspace",
        outside.display()
    );
    let (_, stdout, stderr) = output(&mut glovebox(&["sh", "-c", &script]));
    assert_eq!(stdout, "", "{stderr}");
}

#[test]
fn sh_keeps_the_hosts_secrets_outside() {
    let mut command = glovebox(&["sh", "-c", "export -p"]);
    command
        .env("SOME_API_KEY", "hidden")
        .env("GREETING", "hello");
    let (_, stdout, stderr) = output(&mut command);
    assert!(stdout.contains("GREETING=\"hello\"\n"), "{stdout}{stderr}");
    assert!(!stdout.contains("hidden"), "{stdout}");
}

/// A component in a file is a stranger's: compiling it ends, at worst, the process that compiles it.
#[test]
fn a_file_that_is_built_to_end_the_compiler_ends_nothing_else() {
    let (folder, path) = folder();
    let program = |name: &str, wasm: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, wasm).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
    };
    let mut types = vec![1];
    types.extend([0x41, 1, 1].repeat(300_000));
    types.extend([0x41, 0]);
    let header = b"\0asm\x0d\0\x01\0";
    program("bomb", &[&header[..], &section(7, &types)].concat());
    let honest = wat::parse_str(
        r#"(component
        (core module $code (func (export "run") (result i32) (i32.const 1)))
        (core instance $made (instantiate $code))
        (func $run (result (result)) (canon lift (core func $made "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command)))"#,
    )
    .unwrap();
    program("honest", &honest);
    let script = "./bomb; echo $?; ./honest; echo $?; ./honest; echo $?";
    let (status, stdout, stderr) =
        output(&mut glovebox(&["sh", "--workspace", &path, "-c", script]));
    assert_eq!((status, stdout.as_str()), (0, "126\n1\n1\n"), "{stderr}");
    // What a guest brings along does not fill the disk with its code.
    let digest = blake3::hash(&honest).to_hex().to_string();
    let home = std::env::var("HOME").unwrap();
    let cache = Path::new(&home).join(".cache/glovebox/components");
    for folder in [cache.join("found"), cache] {
        let mut files = std::fs::read_dir(folder).unwrap().flatten();
        assert!(!files.any(|file| file.file_name().to_string_lossy().starts_with(&digest)));
    }
}

#[test]
fn tool_run_prints_blocks_and_says_whether_it_failed() {
    let (_folder, path) = folder();
    let write = json!({"file_path": "a.txt", "content": "hello"}).to_string();
    let run = |name: &str, input: &str| {
        let (status, stdout, stderr) = output(&mut glovebox(&[
            "tool",
            "run",
            name,
            "--input",
            input,
            "--workspace",
            &path,
        ]));
        (
            status,
            serde_json::from_str::<Value>(&stdout).unwrap_or_default(),
            stderr,
        )
    };
    assert_eq!(run("write", &write).0, 0);
    let (status, blocks, _) = run("read", r#"{"file_path": "a.txt"}"#);
    assert_eq!(
        (status, &blocks),
        (0, &json!([{"type": "text", "text": "hello"}]))
    );
    let (status, blocks, _) = run("read", r#"{"file_path": "/etc/passwd"}"#);
    assert_eq!((status, &blocks[0]["type"]), (1, &json!("text")));
    let (status, blocks, stderr) = run("nonsense", "{}");
    assert_eq!((status, blocks), (1, Value::Null));
    assert!(stderr.contains("there are: bash, edit"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_work_until_they_are_revoked() {
    let world = World::new(json!([])).await;
    let server = world.start().await;
    let data = world.data();
    let key =
        |arguments: &[&str]| output(glovebox(&["key"]).args(arguments).args(["--data", &data]));
    let (status, secret, _) = key(&["create", "--name", "laptop", "--workspace", "other"]);
    assert_eq!(status, 0);
    let secret = secret.trim();
    let agent = json!({"name": "a", "model": "m"});
    world
        .ask(&server, Method::POST, "/v1/agents", Some(agent))
        .await;

    let ask = async || {
        let request = reqwest::Client::new().get(format!("{}/v1/agents", server.url));
        let response = request.header("x-api-key", secret).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let (status, page) = ask().await;
    assert_eq!(
        (status, &page["data"]),
        (200, &json!([])),
        "another workspace's agents"
    );

    let (_, list, _) = key(&["list"]);
    let line = list.lines().find(|line| line.contains("laptop")).unwrap();
    assert!(!list.contains(secret) && line.ends_with("active"), "{list}");
    let id = line.split('\t').next().unwrap();
    assert_eq!(key(&["revoke", id]).0, 0);
    assert_eq!(ask().await.0, 401);
    assert_eq!(key(&["revoke", "apikey_none"]).0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_uses_a_data_directory() {
    let world = World::new(json!([])).await;
    let server = world.start().await;
    let data = world.data();
    let second = &["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let (status, stdout, stderr) = output(&mut glovebox(second));
    assert_eq!((status, stdout.as_str()), (1, ""));
    assert!(stderr.contains("in use by another server"), "{stderr}");
    assert!(server.terminate().success());
}

#[test]
fn a_configuration_nobody_understands_is_refused() {
    let (folder, path) = folder();
    let config = folder.path().join("glovebox.toml");
    std::fs::write(&config, "lisen = \"127.0.0.1:0\"\n").unwrap();
    let config = config.to_str().unwrap();
    let (status, _, stderr) = output(&mut glovebox(&[
        "serve", "--data", &path, "--config", config,
    ]));
    assert_eq!(status, 1);
    assert!(stderr.contains("unknown field `lisen`"), "{stderr}");
}
