//! A call reaches what its allowance says, and so does all that it starts.

use glovebox_runtime::{
    Access, Allowance, CallOptions, Component, Grant, Mount, MountSource, Network, Outcome,
};
use serde_json::{Value, json};

use crate::kernel::{Hands, hands, probe, text, tool};
use crate::server::{Answer, Server};

async fn call(hands: &Hands, tool: &Component, allowance: Value, input: Value) -> Outcome {
    let options = CallOptions {
        allowance: Some(Allowance::parse(&allowance).unwrap()),
        ..CallOptions::default()
    };
    let report = hands.sandbox.call(tool, &input.to_string(), options).await;
    report.outcome
}

async fn bash(hands: &Hands, allowance: Value, command: &str) -> String {
    let outcome = call(
        hands,
        &tool("bash"),
        allowance,
        json!({ "command": command }),
    )
    .await;
    text(outcome)
}

/// With a second mount that a call may not see.
fn two_mounts() -> (Hands, tempfile::TempDir) {
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("other"), "other\n").unwrap();
    let source = MountSource::HostDirectory(other.path().to_owned());
    let hands = hands(|grant: &mut Grant| {
        grant.mounts.push(Mount {
            at: "/mnt/session/other".into(),
            source,
            access: Access::ReadWrite,
        });
    });
    std::fs::write(hands.workspace.path().join("file"), "here\n").unwrap();
    (hands, other)
}

const WORKSPACE: &str = r#"{"programs":["*"],"mounts":[{"path":"/workspace","access":"read"}]}"#;

#[tokio::test]
async fn only_mounts_in_scope_are_there() {
    let (hands, _other) = two_mounts();
    let workspace: Value = serde_json::from_str(WORKSPACE).unwrap();
    for (allowance, command, printed) in [
        (json!({"programs": ["*"]}), "ls /", "dev\nproc"),
        (json!({"programs": ["*"]}), "pwd", "/"),
        (
            json!({"programs": ["*"]}),
            "cat /workspace/file",
            "cat: /workspace/file: No such file or directory",
        ),
        (workspace.clone(), "ls /", "dev\nproc\nworkspace"),
        (workspace.clone(), "cat /workspace/file", "here"),
        (
            workspace.clone(),
            "cat /mnt/session/other/other",
            "cat: /mnt/session/other/other: No such file or directory",
        ),
        (workspace.clone(), "df 2>&1 | grep -c other", "0"),
        (
            json!({"programs": ["*"], "mounts": [{"path": "*", "access": "read"}]}),
            "cat /mnt/session/other/other",
            "other",
        ),
        (
            json!({"programs": ["*"], "mounts": [{"path": "/tmp", "access": "write"}]}),
            "ls /",
            "dev\nproc",
        ),
    ] {
        let told = bash(&hands, allowance.clone(), command).await;
        assert!(told.starts_with(printed), "{allowance} {command}: {told}");
    }
    // The file tools, without any shell.
    let read = tool("read");
    let input = json!({"file_path": "/workspace/file"});
    let outcome = call(&hands, &read, json!({}), input.clone()).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    let granted = json!({"mounts": [{"path": "/workspace", "access": "read"}]});
    assert_eq!(text(call(&hands, &read, granted, input).await), "here\n");
    // Nothing changed for calls without an allowance.
    let command = json!({"command": "ls /; cat /mnt/session/other/other"});
    let whole = hands.call(&tool("bash"), command).await;
    assert_eq!(text(whole), "dev\nmnt\nproc\nworkspace\nother");
}

#[tokio::test]
async fn a_mount_can_be_made_read_only_for_a_call() {
    let (hands, _other) = two_mounts();
    let workspace: Value = serde_json::from_str(WORKSPACE).unwrap();
    for command in [
        "echo x > file",
        "echo x >> file",
        "touch new",
        "rm file",
        "mv file moved",
        "mkdir directory",
        "chmod 600 file",
        "ln -s file link",
        "cp file copy",
        "truncate -s 0 file",
        "sh -c 'echo x > file'",
    ] {
        let told = bash(
            &hands,
            workspace.clone(),
            &format!("{command} && echo changed"),
        )
        .await;
        assert!(!told.contains("changed"), "{command}: {told}");
    }
    let here: Vec<_> = std::fs::read_dir(hands.workspace.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(here, ["file"]);
    assert_eq!(
        std::fs::read_to_string(hands.workspace.path().join("file")).unwrap(),
        "here\n"
    );
    let input = json!({"file_path": "file", "content": "x"});
    let refused = text(call(&hands, &tool("write"), workspace, input.clone()).await);
    assert!(refused.contains("read-only"), "{refused}");
    let granted = json!({"mounts": [{"path": "/workspace", "access": "write"}]});
    text(call(&hands, &tool("write"), granted, input).await);
    assert_eq!(
        std::fs::read_to_string(hands.workspace.path().join("file")).unwrap(),
        "x"
    );
}

#[tokio::test]
async fn a_mount_that_is_read_only_stays_so() {
    let source = tempfile::tempdir().unwrap();
    let hands = hands(|grant| {
        grant.mounts.push(Mount {
            at: "/fixed".into(),
            source: MountSource::HostDirectory(source.path().to_owned()),
            access: Access::ReadOnly,
        });
    });
    let everything = Allowance::everything().to_value();
    let told = bash(&hands, everything, "echo x > /fixed/file || echo refused").await;
    assert!(told.contains("refused"), "{told}");
}

#[tokio::test]
async fn only_programs_in_scope_start() {
    let (hands, _other) = two_mounts();
    let allowance =
        json!({"programs": ["cat"], "mounts": [{"path": "/workspace", "access": "write"}]});
    assert_eq!(bash(&hands, allowance.clone(), "cat file").await, "here");
    for command in ["ls", "/usr/bin/ls", "env cat file"] {
        let told = bash(&hands, allowance.clone(), command).await;
        assert!(
            told.contains("not found") || told.contains("No such"),
            "{command}: {told}"
        );
    }
    // A component in a file has no name that was granted.
    let guest = glovebox_guests::find(glovebox_guests::Kind::Program, "ls").unwrap();
    let path = hands.workspace.path().join("mine");
    std::fs::write(&path, guest.wasm()).unwrap();
    std::os::unix::fs::symlink("mine", hands.workspace.path().join("ls")).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let told = bash(&hands, allowance, "./ls").await;
    assert!(!told.contains("file"), "{told}");
    let all = json!({"programs": ["*"], "mounts": [{"path": "/workspace", "access": "write"}]});
    assert_eq!(bash(&hands, all, "./ls").await, "file\nls\nmine");
}

#[tokio::test]
async fn settings_are_read_where_granted() {
    let hands = hands(|grant| drop(grant.settings.insert("key".to_owned(), "value".to_owned())));
    let ask = json!({"setting": "key"});
    for (allowance, told) in [
        (json!({}), "None"),
        (json!({"settings": ["other"]}), "None"),
        (json!({"settings": ["key"]}), "Some(\"value\")"),
        (json!({"settings": ["*"]}), "Some(\"value\")"),
    ] {
        let outcome = call(
            &hands,
            &probe("hostile"),
            allowance.clone(),
            json!({ "do": ask }),
        )
        .await;
        assert_eq!(text(outcome), told, "{allowance}");
    }
}

#[tokio::test]
async fn hosts_are_asked_where_granted() {
    let site = Server::start(|_| Answer::ok("text/plain", "hello"));
    let hands = hands(|grant| {
        grant.network = Network::Unrestricted;
        grant.private_addresses = true;
    });
    let input = json!({"url": site.url("/")});
    let fetch = tool("web_fetch");
    for allowance in [json!({}), json!({"hosts": ["example.com", "localhost"]})] {
        let outcome = call(&hands, &fetch, allowance, input.clone()).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    }
    // A program that the tool starts has no more.
    let python =
        "python3 -c \"import urllib.request; print(urllib.request.urlopen('URL').read())\"";
    let python = python.replace("URL", &site.url("/program"));
    let told = bash(&hands, json!({"programs": ["*"], "hosts": []}), &python).await;
    assert!(told.contains("not granted the host"), "{told}");
    assert_eq!(site.asked(), [""; 0]);
    let told = bash(
        &hands,
        json!({"programs": ["*"], "hosts": ["127.0.0.1"]}),
        &python,
    )
    .await;
    assert!(told.contains("b'hello'"), "{told}");
    let granted = json!({"hosts": ["127.0.0.1"]});
    assert_eq!(text(call(&hands, &fetch, granted, input).await), "hello");
    assert_eq!(site.asked().len(), 2);
}

#[tokio::test]
async fn limits_of_an_allowance_end_the_call() {
    let hands = hands(|_| ());
    let allowance = json!({"limits": {"cpu_ms": 50}});
    let outcome = call(&hands, &probe("hostile"), allowance, json!({"do": "spin"})).await;
    let message = "CPU time limit of 50 ms exceeded".to_owned();
    let which = glovebox_runtime::LimitKind::CpuTime;
    assert_eq!(outcome, Outcome::Limit { which, message });
}

#[tokio::test]
async fn processes_of_other_calls_are_neither_seen_nor_killed() {
    let hands = hands(|_| ());
    let hostile = probe("hostile");
    let left = json!({"do": {"leave_child": {"background": true}}});
    let pid = text(hands.call(&hostile, left).await);
    let pid: u32 = pid.parse().unwrap();
    let ask = |allowance, what: Value| call(&hands, &hostile, allowance, json!({ "do": what }));
    let own = json!({"programs": ["forkbomb"]});
    let seen = text(ask(own.clone(), json!("processes")).await);
    assert!(!seen.contains(&pid.to_string()), "{seen}");
    let killed = text(ask(own.clone(), json!({ "kill": pid })).await);
    assert!(killed.contains("no-such-process"), "{killed}");
    assert_eq!(text(ask(own, json!({ "wait_for": pid })).await), "None");
    let all = json!({"programs": ["*"]});
    let seen = text(ask(all.clone(), json!("processes")).await);
    assert!(seen.contains(&pid.to_string()), "{seen}");
    let killed = text(ask(all, json!({ "kill": pid })).await);
    assert!(!killed.contains("no-such-process"), "{killed}");
    hands.sandbox.shutdown().await;
}

#[tokio::test]
async fn what_was_started_in_the_background_keeps_its_scope() {
    let (hands, _other) = two_mounts();
    let allowance =
        json!({"programs": ["*"], "mounts": [{"path": "/workspace", "access": "write"}]});
    let command =
        "(sleep 0.2; cat /mnt/session/other/other > out 2>&1; echo done >> out) & disown; true";
    bash(&hands, allowance, command).await;
    let out = hands.workspace.path().join("out");
    let mut written = String::new();
    for _ in 0..600 {
        written = std::fs::read_to_string(&out).unwrap_or_default();
        if written.contains("done") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(
        written.contains("No such file") && written.contains("done"),
        "{written}"
    );
    hands.sandbox.shutdown().await;
}
