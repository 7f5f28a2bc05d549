//! CPython as a program.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use glovebox_guests as guests;
use glovebox_runtime::{Access, ExitStatus, Grant, Image, Mount, MountSource, Network};

use crate::kernel::{Hands, hands};
use crate::server::{Answer, Server};

/// A sandbox with what stands under `/usr`.
fn with_library(change: impl FnOnce(&mut Grant)) -> Hands {
    let files = guests::usr_files().into_iter().map(|(path, bytes)| {
        let bytes = match bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        (path.trim_start_matches("/usr/").to_owned(), bytes, 0o644)
    });
    let source = MountSource::Image(Arc::new(Image::new(files)));
    hands(|grant| {
        grant.mounts.push(Mount {
            at: "/usr".into(),
            source,
            access: Access::ReadOnly,
        });
        change(grant);
    })
}

#[tokio::test]
async fn a_command_a_module_a_script_and_standard_input() {
    let hands = with_library(|_| ());
    let printed = hands.run(&["python3", "-c", "print(1)"], "").await;
    assert_eq!(
        (printed.stdout.as_str(), printed.stderr.as_str()),
        ("1\n", "")
    );
    assert_eq!(
        hands
            .run(&["python", "-m", "json.tool", "--compact"], "{\"a\": [1]}")
            .await
            .stdout,
        "{\"a\":[1]}\n"
    );
    assert_eq!(
        hands
            .run(&["python3", "-"], "import sys\nprint(sys.argv)\n")
            .await
            .stdout,
        "['-']\n"
    );
    assert_eq!(hands.run(&["python3"], "print(2)\n").await.stdout, "2\n");
    std::fs::write(
        hands.workspace.path().join("fib.py"),
        "a, b = 0, 1\nwith open('fibonacci.txt', 'w') as file:\n    for _ in range(20):\n        file.write(f'{a}\\n')\n        a, b = b, a + b\n",
    )
    .unwrap();
    let script = hands.run(&["python3", "fib.py"], "").await;
    assert_eq!(
        script.status.unwrap(),
        ExitStatus::Exited(0),
        "{}",
        script.stderr
    );
    let written = std::fs::read_to_string(hands.workspace.path().join("fibonacci.txt")).unwrap();
    assert_eq!(
        (written.lines().count(), written.lines().last()),
        (20, Some("4181"))
    );
}

#[tokio::test]
async fn statuses_and_tracebacks() {
    let hands = with_library(|_| ());
    for (code, status) in [
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit(255)", 255),
        ("raise ValueError('x')", 1),
        ("", 0),
    ] {
        assert_eq!(
            hands
                .run(&["python3", "-c", code], "")
                .await
                .status
                .unwrap(),
            ExitStatus::Exited(status),
            "{code}"
        );
    }
    let failed = hands.run(&["python3", "-c", "1/0"], "").await;
    assert!(
        failed.stderr.contains("Traceback") && failed.stderr.contains("ZeroDivisionError"),
        "{}",
        failed.stderr
    );
    assert_eq!(
        hands
            .run(&["python3", "missing.py"], "")
            .await
            .status
            .unwrap(),
        ExitStatus::Exited(2)
    );
}

#[tokio::test]
async fn the_standard_library_is_there() {
    let hands = with_library(|_| ());
    let code = "\
import asyncio, csv, io, json, pathlib, random, re, sqlite3, tempfile, uuid
assert json.loads('[1]') == [1] and re.findall('a.', 'abac') == ['ab', 'ac']
assert list(csv.reader(io.StringIO('a,b'))) == [['a', 'b']]
base = sqlite3.connect('base.sqlite')
base.execute('create table t (x)')
base.executemany('insert into t values (?)', [(n,) for n in range(100)])
base.commit()
assert base.execute('select sum(x) from t').fetchone() == (4950,)
async def both():
    return await asyncio.gather(asyncio.sleep(0.01, 'a'), asyncio.sleep(0, 'b'))
assert asyncio.run(both()) == ['a', 'b']
with tempfile.TemporaryDirectory(dir='.') as folder:
    (pathlib.Path(folder) / 'x').write_text('x')
print(random.random(), uuid.uuid4())
";
    let first = hands.run(&["python3", "-c", code], "").await;
    assert_eq!(first.stderr, "");
    std::fs::remove_file(hands.workspace.path().join("base.sqlite")).unwrap();
    // The snapshot must not carry the state of a generator.
    assert_ne!(
        first.stdout,
        hands.run(&["python3", "-c", code], "").await.stdout
    );
}

#[tokio::test]
async fn the_web_is_there_where_it_is_granted() {
    let server = Server::start(|_| Answer::ok("text/plain", "päge ".repeat(1000)));
    let code = format!(
        "import urllib.request as u\nwith u.urlopen(u.Request('{}', data=b'hello', method='POST')) as answer:\n    body = answer.read().decode()\n    print(answer.status, len(body), body[:5])",
        server.url("/x")
    );
    let granted = with_library(|grant| {
        grant.network = Network::Limited {
            hosts: vec!["127.0.0.1".parse().unwrap()],
        };
        grant.private_addresses = true;
    });
    let ran = granted.run(&["python3", "-c", &code], "").await;
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("200 5000 päge \n", "")
    );
    assert_eq!(server.asked(), ["POST /x hello"]);
    for network in [Network::None, Network::Unrestricted] {
        let ran = with_library(|grant| grant.network = network)
            .run(&["python3", "-c", &code], "")
            .await;
        assert!(
            ran.stderr.contains("network policy denies 127.0.0.1"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.status.unwrap(), ExitStatus::Exited(1));
    }
    assert_eq!(server.asked().len(), 1);
}
