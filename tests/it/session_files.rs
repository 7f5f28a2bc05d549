//! Sessions' files: what a crash takes back, forks, and the commands that look at earlier moments.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use glovebox::agent::AgentError;
use glovebox_tree::{Create, Found, OpenHow};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Process, World};
use crate::support::{Part, Server, send};

/// A model that runs what it is told to: each pair is a word of the user's, and the command for it.
fn runs(commands: &[(&str, &str)]) -> Value {
    let turns = commands.iter().flat_map(|(word, command)| {
        let end = format!("DONE-{word}");
        let input = json!({"command": format!("{command}; echo {end}")});
        let said = json!({
            "when": {"user_contains": word, "tool_result_contains": end},
            "blocks": [{"type": "text", "text": "done"}],
        });
        let called = json!({
            "when": {"user_contains": word},
            "blocks": [{"type": "tool_use", "name": "bash", "input": input}],
        });
        [said, called]
    });
    turns.collect()
}

/// Says something, waits until the session is idle, and gives what the last command printed.
async fn told(world: &World, server: &Process, session: &str, text: &str) -> String {
    world.say(server, session, text).await.unwrap();
    let history = world.finished(server, session).await;
    let result = history
        .iter()
        .rfind(|event| event["type"] == "agent.tool_result");
    let printed = result.unwrap()["content"][0]["text"].as_str().unwrap();
    let end = format!("DONE-{text}");
    let (printed, _) = printed
        .rsplit_once(&end)
        .unwrap_or_else(|| panic!("{printed}"));
    printed.trim().to_owned()
}

async fn fork(world: &World, server: &Process, session: &str, event: Option<&str>) -> String {
    let path = format!("/v1/sessions/{session}/fork");
    let body = event.map(|event| json!({"event_id": event}));
    let forked = world.ask(server, Method::POST, &path, body).await;
    forked["id"].as_str().unwrap().to_owned()
}

/// The ids of events of a type, in order.
async fn ids(world: &World, server: &Process, session: &str, kind: &str) -> Vec<String> {
    let history = world.history(server, session).await.unwrap();
    let of_kind = history.iter().filter(|event| event["type"] == kind);
    of_kind
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glovebox"));
    command
        .args(["session", "--data", &world.data()])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// What a command prints that has to succeed.
#[track_caller]
fn prints(world: &World, arguments: &[&str]) -> Vec<u8> {
    let output = command(world, arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output.stdout
}

/// What a command complains of that has to fail.
#[track_caller]
fn complains(world: &World, arguments: &[&str]) -> String {
    let output = command(world, arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// How many blobs there are.
fn blobs(world: &World) -> usize {
    fn files_in(folder: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return 0;
        };
        let count = |entry: std::io::Result<std::fs::DirEntry>| match entry.unwrap().path() {
            path if path.is_dir() => files_in(&path),
            _ => 1,
        };
        entries.map(count).sum()
    }
    let folder = Path::new(&world.data()).join("trees/blobs");
    let parts = ["root", "page", "chunk"];
    parts.iter().map(|part| files_in(&folder.join(part))).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_call_leaves_files_and_log_agreed() {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let bash = |command: &str| json!({"blocks": [{"type": "tool_use", "name": "bash", "input": {"command": command}}]});
    let world = World::new(json!([
        bash("for i in $(seq 60); do echo old > f$i; done"),
        bash("for i in $(seq 60); do echo new > f$i; echo more > g$i; sleep 0.01; done"),
        bash("cat f* | sort | uniq -c | tr -s ' '; ls | wc -l"),
        {"blocks": [{"type": "text", "text": "That was all."}]},
    ]))
    .await;
    let mut server = world.start().await;
    let mut taken_back = 0;
    for kill in 0..4 {
        let session = world.session(&server).await;
        world.say(&server, &session, "Go.").await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while ids(&world, &server, &session, "agent.tool_use").await.len() < 2 {
            assert!(Instant::now() < deadline, "no second call");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..600))).await;
        server.kill();
        server = world.start().await;
        let history = world.finished(&server, &session).await;
        let results: Vec<&str> = history
            .iter()
            .filter(|event| event["type"] == "agent.tool_result")
            .map(|event| event["content"][0]["text"].as_str().unwrap_or_default())
            .collect();
        let [_, rewriting, looking] = results[..] else {
            panic!("kill {kill}: {results:?}");
        };
        let expected = if rewriting.contains("server restarted") {
            taken_back += 1;
            "60 old\n60"
        } else {
            "60 new\n120"
        };
        assert_eq!(looking.trim(), expected, "kill {kill}: {rewriting}");
    }
    assert!(taken_back > 0, "no kill came in the middle of a call");
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_share_what_was_and_never_see_each_other() {
    let world = World::new(runs(&[
        ("make", "for i in $(seq 2000); do echo $i > f$i; done"),
        ("alpha", "echo alpha > mine; rm f1"),
        ("beta", "echo beta > mine; echo more >> f2"),
        ("look", "ls | wc -l; cat mine 2>/dev/null; cat f2"),
    ]))
    .await;
    let server = world.start().await;
    let session = world.session(&server).await;
    told(&world, &server, &session, "make").await;
    let before = blobs(&world);
    assert!(before > 0);
    let mut forks = Vec::new();
    for _ in 0..100 {
        forks.push(fork(&world, &server, &session, None).await);
    }
    assert_eq!(blobs(&world), before, "a fork copies no files");
    let path = format!("/v1/sessions/{}", forks[0]);
    let (mut one, mut other) = (
        world.ask(&server, Method::GET, &path, None).await,
        world
            .ask(
                &server,
                Method::GET,
                &format!("/v1/sessions/{session}"),
                None,
            )
            .await,
    );
    for value in [&mut one, &mut other] {
        for own in ["id", "created_at", "updated_at", "stats"] {
            value.as_object_mut().unwrap()[own].take();
        }
    }
    assert_eq!(one, other);

    // Both run at once, and neither's files or words reach the other or the first.
    let (_, _) = tokio::join!(
        told(&world, &server, &forks[0], "alpha"),
        told(&world, &server, &forks[1], "beta"),
    );
    assert_eq!(
        told(&world, &server, &forks[0], "look").await,
        "2000\nalpha\n2"
    );
    assert_eq!(
        told(&world, &server, &forks[1], "look").await,
        "2001\nbeta\n2\nmore"
    );
    assert_eq!(told(&world, &server, &session, "look").await, "2000\n2");
    let of_fork = world.history(&server, &forks[0]).await.unwrap();
    let of_session = world.history(&server, &session).await.unwrap();
    let says = |history: &[Value], text: &str| {
        history
            .iter()
            .any(|event| event["content"][0]["text"] == text)
    };
    assert!(says(&of_fork, "make") && says(&of_fork, "alpha") && !says(&of_fork, "beta"));
    assert!(!says(&of_session, "alpha"));

    // What a fork needs is its own: the first may go, and so may the process.
    let path = format!("/v1/sessions/{session}");
    world.ask(&server, Method::DELETE, &path, None).await;
    server.kill();
    let server = world.start().await;
    assert_eq!(told(&world, &server, &forks[99], "alpha").await, "");
    let fresh = told(&world, &server, &forks[99], "look").await;
    assert_eq!(fresh, "2000\nalpha\n2");
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_moments_are_forked_compared_exported_and_gone_back_to() {
    let world = World::new(runs(&[
        ("one", "mkdir -p d; echo one > d/a; echo gone > b"),
        (
            "two",
            "echo longer > d/a; rm b; ln -s d/a link; chmod 755 d/a",
        ),
        ("look", "cat d/a; ls"),
    ]))
    .await;
    let server = world.start().await;
    let session = world.session(&server).await;
    told(&world, &server, &session, "one").await;
    told(&world, &server, &session, "two").await;
    let results = ids(&world, &server, &session, "agent.tool_result").await;
    let [first, second] = &results[..] else {
        panic!("{results:?}");
    };

    // A fork from an event has the files and the words of that moment.
    let forked = fork(&world, &server, &session, Some(first)).await;
    let history = world.history(&server, &forked).await.unwrap();
    assert!(!json!(history).to_string().contains("two"));
    assert_eq!(history.last().unwrap()["type"], "session.status_idle");
    assert_eq!(told(&world, &server, &forked, "look").await, "one\nb\nd");
    let by_command = prints(&world, &["fork", &session, "--event", first]);
    let by_command = String::from_utf8(by_command).unwrap();
    let by_command = by_command.trim();
    assert_eq!(told(&world, &server, by_command, "look").await, "one\nb\nd");

    let diff = String::from_utf8(prints(&world, &["diff", &session, first, second])).unwrap();
    let of_workspace: Vec<&str> = diff
        .lines()
        .filter(|line| line.contains("/workspace/"))
        .collect();
    assert_eq!(
        of_workspace,
        [
            "- /workspace/b\t5",
            "~ /workspace/d/a\t4 -> 7",
            "+ /workspace/link\tsymlink"
        ]
    );
    assert_eq!(prints(&world, &["diff", &session, second]), b"");

    let tar = prints(&world, &["export", &session]);
    assert_eq!(
        unpacked(&tar),
        BTreeMap::from([
            ("d/".to_owned(), String::new()),
            ("d/a".to_owned(), "longer\n".to_owned()),
            ("link".to_owned(), "-> d/a".to_owned()),
        ])
    );
    let earlier = prints(&world, &["export", &session, "--event", first]);
    assert_eq!(unpacked(&earlier)["b"], "gone\n");

    // Going back takes back files and words, for clients too.
    let undone = world.history(&server, &session).await.unwrap().len();
    prints(&world, &["rewind", &session, first]);
    let history = world.history(&server, &session).await.unwrap();
    assert!(history.len() < undone && !json!(history).to_string().contains("longer"));
    assert_eq!(history.last().unwrap()["type"], "session.status_idle");
    assert_eq!(told(&world, &server, &session, "look").await, "one\nb\nd");
    // What was taken back can still be forked.
    let forked = fork(&world, &server, &session, Some(second)).await;
    assert_eq!(
        told(&world, &server, &forked, "look").await,
        "longer\nd\nlink"
    );

    // An import goes over what is there; a server must not run meanwhile.
    let file = Path::new(&world.data()).join("../workspace.tar");
    let file = file.to_str().unwrap();
    std::fs::write(file, &tar).unwrap();
    let error = complains(&world, &["import", &session, file]);
    assert!(error.contains("in use by another server"), "{error}");
    assert!(server.terminate().success());
    prints(&world, &["import", &session, file]);
    assert_eq!(
        unpacked(&prints(&world, &["export", &session]))["d/a"],
        "longer\n"
    );
    let server = world.start().await;
    assert_eq!(
        told(&world, &server, &session, "look").await,
        "longer\nb\nd\nlink"
    );

    for (arguments, reason) in [
        (vec!["fork", "sesn_none"], "session not found"),
        (
            vec!["export", &session, "--event", "sevt_x"],
            "there is no event 'sevt_x'",
        ),
        (
            vec!["rewind", &session, "sevt_x"],
            "there is no event 'sevt_x'",
        ),
        (
            vec!["--workspace", "other", "export", &session],
            "session not found",
        ),
    ] {
        let error = complains(&world, &arguments);
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
}

/// Contents by name; links by what they point to.
fn unpacked(tar: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        if let Some(target) = entry.link_name().unwrap() {
            content = format!("-> {}", target.display());
        }
        let path = entry.path().unwrap().display().to_string();
        found.insert(path, content);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_earlier_versions_are_moved_in_once() {
    let world = World::new(runs(&[("look", "cat f ~/h; ls /tmp"), ("hello", "true")])).await;
    let server = world.start().await;
    let session = world.session(&server).await;
    told(&world, &server, &session, "hello").await;
    let earlier = ids(&world, &server, &session, "user.message").await;
    assert!(server.terminate().success());
    // As an earlier version left them.
    let folder = Path::new(&world.data()).join("sessions").join(&session);
    for (name, content) in [
        ("workspace/f", "work\n"),
        ("home/h", "home\n"),
        ("tmp/t", ""),
    ] {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let error = complains(&world, &["export", &session]);
    assert!(error.contains("start the server once"), "{error}");

    let server = world.start().await;
    assert!(!folder.exists());
    assert_eq!(
        told(&world, &server, &session, "look").await,
        "work\nhome\nt"
    );
    let forked = fork(&world, &server, &session, None).await;
    assert_eq!(
        told(&world, &server, &forked, "look").await,
        "work\nhome\nt"
    );
    let error = complains(&world, &["export", &session, "--event", &earlier[0]]);
    assert!(error.contains("were not kept"), "{error}");
}

#[tokio::test]
async fn forking_refuses_what_there_is_not() {
    let server = Server::start().await;
    server.add_key("wrkspc_b", "other").await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let path = format!("/v1/sessions/{id}/fork");
    for (body, field) in [
        (json!({"event_id": 7}), "event_id"),
        (json!({"event_id": ""}), "event_id"),
        (json!({"event_id": "sevt_none"}), "event_id"),
        (json!([]), "body"),
    ] {
        server.post(&path, body).await.names(field);
    }
    server
        .post("/v1/sessions/sesn_none/fork", json!({}))
        .await
        .refused(404, "not_found_error");
    let of_another = server.bare(Method::POST, &path).bearer_auth("other");
    send(of_another.json(&json!({})))
        .await
        .refused(404, "not_found_error");
    send(server.bare(Method::POST, &path))
        .await
        .refused(401, "authentication_error");
    server
        .get(&path)
        .await
        .refused(405, "invalid_request_error");

    // Without a body, or with nothing in it, it is all there is. An archived session can be forked, and its end not.
    let archived = format!("/v1/sessions/{id}/archive");
    server.post_empty(&archived).await.ok();
    let events = server.get(&format!("/v1/sessions/{id}/events")).await.ok();
    let end = events["data"].as_array().unwrap().last().unwrap();
    assert_eq!(end["type"], "session.status_terminated");
    server
        .post(&path, json!({"event_id": end["id"]}))
        .await
        .names("event_id");
    let rewound = server
        .agents
        .rewind_session("wrkspc_a", id, "sevt_x".into());
    assert!(matches!(
        rewound.await,
        Err(AgentError::Invalid { message }) if message.contains("archived")
    ));
    for answer in [
        server.post_empty(&path).await,
        server.post(&path, json!({"event_id": null})).await,
    ] {
        let forked = answer.ok();
        assert_eq!(
            (&forked["status"], &forked["archived_at"]),
            (&json!("idle"), &Value::Null)
        );
        let id = forked["id"].as_str().unwrap();
        server.model.will_say(vec![Part::Text(vec!["hello"])]);
        server.say(id, "hi").await.ok();
    }
}

/// Waits until a gauge is within a range.
async fn gauged(server: &Server, gauge: &str, expected: std::ops::RangeInclusive<u64>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let metrics = server.get("/metrics").await.ok();
        let metrics = metrics.as_str().unwrap();
        let mut values = metrics.lines().filter_map(|line| line.strip_prefix(gauge));
        let value = values.next().and_then(|value| value.trim().parse().ok());
        if value.is_some_and(|value| expected.contains(&value)) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{gauge} is {value:?}:\n{metrics}"
        );
    }
}

#[tokio::test]
async fn metrics_say_what_files_in_use_take() {
    let server = Server::start().await;
    let memory = "glovebox_trees_memory_bytes ";
    gauged(&server, memory, 0..=0).await;
    let files = server.trees.files(None).unwrap();
    let workspace = files.tree().directory("/workspace").unwrap();
    let how = OpenHow {
        write: true,
        create: Create::Exclusively(0o644),
        truncate: false,
        directory: false,
    };
    let Found::File(file) = workspace.open("f", &how).unwrap() else {
        panic!("no file");
    };
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut rest = content.as_slice();
    while !rest.is_empty() {
        rest = &rest[file.append(rest).unwrap()..];
    }
    gauged(&server, memory, 1_200_000..=2_400_000).await;
    for other in [
        "glovebox_trees_pack_bytes ",
        "glovebox_trees_pack_file_bytes ",
    ] {
        gauged(&server, other, 0..=0).await;
    }
    drop((file, workspace, files));
    gauged(&server, memory, 0..=0).await;
}
