//! The built-in file tools, in a sandbox: every "allowed" has its "denied".

use std::os::unix::fs::symlink;

use glovebox_runtime::{Access, Content, Effects, Mount, MountSource, Outcome};
use serde_json::{Value, json};

use crate::kernel::{Hands, hands, text, tool};

async fn ask(hands: &Hands, name: &str, input: Value) -> Outcome {
    hands.call(&tool(name), input).await
}

async fn told(hands: &Hands, name: &str, input: Value) -> String {
    text(ask(hands, name, input).await)
}

#[tokio::test]
async fn what_they_say_about_themselves() {
    let hands = hands(|_| ());
    for (name, effects, required) in [
        ("read", Effects::None, json!(["file_path"])),
        ("write", Effects::Files, json!(["file_path", "content"])),
        (
            "edit",
            Effects::Files,
            json!(["file_path", "old_string", "new_string"]),
        ),
        ("glob", Effects::None, json!(["pattern"])),
        ("grep", Effects::None, json!(["pattern"])),
        ("web_fetch", Effects::None, json!(["url"])),
        ("web_search", Effects::None, json!(["query"])),
    ] {
        let description = hands.sandbox.describe(&tool(name)).await.unwrap();
        assert_eq!(
            (description.name.as_str(), description.effects),
            (name, effects)
        );
        assert_eq!(description.input_schema["required"], required, "{name}");
        assert_eq!(
            description.input_schema["additionalProperties"], false,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_file_is_written_edited_found_and_read() {
    let hands = hands(|_| ());
    let script = "def fib():\n    return 1\n";
    assert_eq!(
        told(
            &hands,
            "write",
            json!({"file_path": "src/fib.py", "content": script})
        )
        .await,
        "wrote 24 bytes to src/fib.py"
    );
    assert_eq!(
        told(
            &hands,
            "edit",
            json!({"file_path": "/workspace/src/fib.py", "old_string": "1", "new_string": "2"})
        )
        .await,
        "edited /workspace/src/fib.py (1 replacement(s))"
    );
    assert_eq!(
        told(&hands, "glob", json!({"pattern": "**/*.py"})).await,
        "/workspace/src/fib.py"
    );
    assert_eq!(
        told(&hands, "grep", json!({"pattern": "ret\\w+"})).await,
        "/workspace/src/fib.py:2:    return 2\n"
    );
    assert_eq!(
        told(
            &hands,
            "grep",
            json!({"pattern": "ret\\w+", "path": "src/fib.py"})
        )
        .await,
        "2:    return 2\n"
    );
    assert_eq!(
        told(
            &hands,
            "read",
            json!({"file_path": "src/fib.py", "view_range": [2, 2]})
        )
        .await,
        "    return 2"
    );
    assert_eq!(
        std::fs::read_to_string(hands.workspace.path().join("src/fib.py")).unwrap(),
        "def fib():\n    return 2\n"
    );
}

#[tokio::test]
async fn bad_input_names_the_field() {
    let hands = hands(|_| ());
    for (name, input, message) in [
        ("read", json!({}), "missing field `file_path`"),
        (
            "read",
            json!({"file_path": 3}),
            "file_path: invalid type: integer `3`, expected a string",
        ),
        (
            "read",
            json!({"file_path": "a", "limit": 3}),
            "limit: unknown field `limit`",
        ),
        (
            "read",
            json!({"file_path": "a", "view_range": [1]}),
            "read: view_range must be [start_line, end_line]",
        ),
        (
            "write",
            json!({"file_path": "a"}),
            "missing field `content`",
        ),
        (
            "edit",
            json!({"file_path": "a", "old_string": "", "new_string": ""}),
            "old_string: must not be empty",
        ),
        (
            "glob",
            json!({"pattern": "/etc/*"}),
            "glob: absolute pattern not permitted",
        ),
        (
            "glob",
            json!({"pattern": "../*"}),
            "glob: '..' is not permitted in the pattern",
        ),
        ("grep", json!({"pattern": "a("}), "grep: invalid regex"),
        ("web_fetch", json!({"url": "example.com"}), "url: "),
        (
            "web_search",
            json!({"query": " "}),
            "query: must not be empty",
        ),
    ] {
        let outcome = ask(&hands, name, input.clone()).await;
        assert!(
            matches!(&outcome, Outcome::InvalidInput(text) if text.starts_with(message)),
            "{name} {input}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn paths_outside_are_refused_however_they_are_spelled() {
    let hands = hands(|_| ());
    let workspace = hands.workspace.path();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    symlink(outside.path(), workspace.join("host")).unwrap();
    symlink("/var/lib", workspace.join("absolute")).unwrap();
    symlink("../../../../../../../../etc", workspace.join("relative")).unwrap();
    symlink("/etc/hostname", workspace.join("file")).unwrap();
    symlink("inside", workspace.join("link")).unwrap();
    std::fs::create_dir(workspace.join("inside")).unwrap();
    std::fs::write(workspace.join("inside/a"), "a").unwrap();
    assert_eq!(
        told(&hands, "read", json!({"file_path": "link/a"})).await,
        "a"
    );
    for path in [
        "../x",
        "/etc/passwd",
        "/workspace/../etc/passwd",
        "absolute/secret",
        "relative/passwd",
        "file",
        "/proc/self/x",
    ] {
        for (name, input) in [
            ("read", json!({"file_path": path})),
            ("write", json!({"file_path": path, "content": "x"})),
            (
                "edit",
                json!({"file_path": path, "old_string": "a", "new_string": "b"}),
            ),
            ("grep", json!({"pattern": "a", "path": path})),
            ("glob", json!({"pattern": "*", "path": path})),
        ] {
            let outcome = ask(&hands, name, input).await;
            assert!(
                matches!(outcome, Outcome::Failed(_)),
                "{name} {path}: {outcome:?}"
            );
            let told = text(outcome);
            assert!(
                told.contains("outside the session's working directory")
                    && told.contains("/workspace"),
                "{name} {path}: {told}"
            );
        }
    }
    // A path of the host means whatever the sandbox has there: nothing.
    for (name, input) in [
        ("read", json!({"file_path": "host/secret"})),
        ("write", json!({"file_path": "host/secret", "content": "x"})),
        ("write", json!({"file_path": "host/new", "content": "x"})),
    ] {
        let outcome = ask(&hands, name, input).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{name}: {outcome:?}");
    }
    assert_eq!(
        std::fs::read_to_string(outside.path().join("secret")).unwrap(),
        "secret"
    );
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(
        told(&hands, "glob", json!({"pattern": "absolute/*"})).await,
        "no matches"
    );
    assert!(
        !told(&hands, "grep", json!({"pattern": "secret"}))
            .await
            .contains("secret")
    );
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let hands = hands(|_| ());
    let workspace = hands.workspace.path();
    std::fs::write(workspace.join("large"), vec![b'x'; 262_145]).unwrap();
    std::fs::write(workspace.join("binary"), b"\xff\0").unwrap();
    std::fs::write(workspace.join("picture.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    for (path, message) in [
        (
            "large",
            "read: large is 262145 bytes, exceeds 262144-byte limit.",
        ),
        ("binary", "read: binary: not valid UTF-8 text"),
        ("missing", "read: missing: no such file or directory"),
        (".", "read: .: not a regular file"),
        ("binary/x", "read: path 'binary/x': not a directory"),
    ] {
        let told = told(&hands, "read", json!({"file_path": path})).await;
        assert!(told.starts_with(message), "{told}");
    }
    let outcome = ask(&hands, "read", json!({"file_path": "picture.png"})).await;
    assert!(
        matches!(&outcome, Outcome::Answer(content) if matches!(&content[..], [Content::Image { media_type, data }] if media_type == "image/png" && data.len() == 8)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_read_only_directory_is_named() {
    let uploads = tempfile::tempdir().unwrap();
    std::fs::write(uploads.path().join("data.csv"), "a,b\n").unwrap();
    let source = MountSource::HostDirectory(uploads.path().to_owned());
    let hands = hands(|grant| {
        grant.mounts.push(Mount {
            at: "/mnt/session/uploads".into(),
            source,
            access: Access::ReadOnly,
        });
    });
    let path = "/mnt/session/uploads/data.csv";
    assert_eq!(
        told(&hands, "read", json!({"file_path": path})).await,
        "a,b\n"
    );
    let refused = format!("{path} is inside read-only directory /mnt/session/uploads");
    assert_eq!(
        told(&hands, "write", json!({"file_path": path, "content": "x"})).await,
        format!("write: {refused}")
    );
    assert_eq!(
        told(
            &hands,
            "edit",
            json!({"file_path": path, "old_string": "a", "new_string": "x"})
        )
        .await,
        format!("edit: {refused}")
    );
    assert_eq!(
        std::fs::read_to_string(uploads.path().join("data.csv")).unwrap(),
        "a,b\n"
    );
}
