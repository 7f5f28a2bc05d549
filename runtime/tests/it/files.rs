//! Files, through Rust's standard library in a real guest.
//!
//! What fails while a stream is written reaches Rust as EIO: the C library of WASI 0.2 does not ask what it was. (The
//! preview 1 adapter does.)

use std::sync::Arc;

use bytes::Bytes;
use glovebox_runtime::{Access, ExitStatus, Files, Image, Mount, MountSource};

use crate::kernel::{BACKINGS, Backing, Ran, hands, hands_of, hands_on};

/// What it wrote, if it ended well.
fn written(ran: Ran) -> String {
    assert!(matches!(ran.status, Ok(ExitStatus::Exited(0))), "{ran:?}");
    ran.stdout
}

#[tokio::test]
async fn the_standard_library_finds_what_it_expects() {
    for backing in BACKINGS {
        let hands = hands_on(backing, |_| {});
        let ran = hands.run(&["files", "check", "/workspace"], "").await;
        assert_eq!(written(ran), "all is well\n");
        assert_eq!(hands.read("/workspace/linked").len(), 100);
    }
}

#[tokio::test]
async fn what_must_fail_fails_as_on_linux() {
    let expected = "\
read what is missing: NotFound
read a directory: IsADirectory
write a directory: IsADirectory
create what is there: AlreadyExists
create a directory that is there: AlreadyExists
create below a file: NotADirectory
write to what was opened to read: EBADF
remove a full directory: ENOTEMPTY
remove a directory as a file: IsADirectory
remove a file as a directory: NotADirectory
rename what is missing: NotFound
write in the root: ReadOnlyFilesystem
write to /dev/full: EIO
";
    for backing in BACKINGS {
        let hands = hands_on(backing, |_| {});
        let ran = hands.run(&["files", "errors", "."], "").await;
        assert_eq!(written(ran), expected, "{backing:?}");
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_a_program_can_handle() {
    for backing in BACKINGS {
        let hands = hands_on(backing, |grant| grant.limits.disk_bytes_max = 1_000_000);
        let ran = hands.run(&["files", "fill", "big"], "").await;
        assert_eq!(written(ran), "1000000 bytes, then EIO\n");
        assert_eq!(hands.read("/workspace/big").len(), 1_000_000);
    }
}

#[tokio::test]
async fn a_file_too_large_is_an_error_a_program_can_handle() {
    for backing in BACKINGS {
        let hands = hands_on(backing, |grant| grant.limits.file_bytes_max = 100_000);
        let ran = hands.run(&["files", "fill", "big"], "").await;
        assert_eq!(written(ran), "100000 bytes, then EIO\n");
    }
}

#[tokio::test]
async fn a_sandbox_is_forked_and_both_go_on() {
    let hands = hands_on(Backing::Tree, |_| {});
    let script = "echo one > a; mkdir -p d/e; ln -s ../a d/link; echo x > d/e/x; chmod 750 d/e/x";
    written(hands.run(&["bash", "-c", script], "").await);
    let snapshot = hands.sandbox.snapshot().unwrap();
    let fork = hands_of(&Files::from_snapshot(&snapshot).unwrap());
    let script = "echo two > a; rm -r d; echo new > b; cat a";
    assert_eq!(
        written(fork.run(&["bash", "-c", script], "").await),
        "two\n"
    );
    let script = "cat a d/link; [ -x d/e/x ] && stat -c %a d/e/x; ls";
    assert_eq!(
        written(hands.run(&["bash", "-c", script], "").await),
        "one\none\n750\na\nd\n"
    );
    let changes = snapshot.differences(&fork.sandbox.snapshot().unwrap());
    let paths: Vec<String> = changes
        .unwrap()
        .into_iter()
        .map(|change| change.path)
        .collect();
    assert_eq!(
        paths,
        [
            "/workspace/a",
            "/workspace/b",
            "/workspace/d",
            "/workspace/d/e",
            "/workspace/d/e/x",
            "/workspace/d/link"
        ]
    );
    fork.sandbox.files().unwrap().reset(&snapshot).unwrap();
    assert_eq!(
        written(fork.run(&["bash", "-c", "cat a; ls"], "").await),
        "one\na\nd\n"
    );
}

#[tokio::test]
async fn df_and_du_tell_the_truth() {
    let hands = hands_on(Backing::Tree, |grant| {
        grant.limits.disk_bytes_max = 100 << 20;
        grant.limits.files_max = 1000;
    });
    let script = "head -c 10485760 /dev/zero > big; df -k /workspace | tail -n 1; du -k big; \
                  rm big; df -k /workspace | tail -n 1; df -i /workspace | tail -n 1";
    let shown = written(hands.run(&["bash", "-c", script], "").await);
    let lines: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0][1..4], ["102400", "10240", "92160"], "{shown}");
    assert_eq!(lines[1][0], "10240", "{shown}");
    assert_eq!(lines[2][1..4], ["102400", "0", "102400"], "{shown}");
    assert_eq!(lines[3][1], "1000", "{shown}");
}

#[tokio::test]
async fn a_process_finds_itself_in_proc_and_dev() {
    let hands = hands(|_| {});
    assert_eq!(
        written(hands.run(&["head", "/dev/stdin"], "from outside").await),
        "from outside"
    );
    assert_eq!(
        written(hands.run(&["head", "/dev/fd/0"], "from outside").await),
        "from outside"
    );
    assert_eq!(
        written(hands.run(&["cat", "/proc/self/cmdline"], "").await),
        "cat\0/proc/self/cmdline\0"
    );
    assert_eq!(
        written(hands.run(&["readlink", "/proc/self/cwd"], "").await),
        "/workspace\n"
    );
    assert_eq!(written(hands.run(&["tee", "/dev/stdout"], "x").await), "xx");
    let ran = hands.run(&["head", "/proc/self/fd/7"], "").await;
    assert!(matches!(ran.status, Ok(ExitStatus::Exited(1))), "{ran:?}");
}

/// `CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo test -p glovebox-runtime --test it -- --ignored --nocapture measured`
#[tokio::test]
#[ignore = "a measurement: prints nanoseconds an operation, in a guest and on the host"]
async fn small_files_are_measured() {
    let usr = Image::new((0..10).map(|name| (name.to_string(), Bytes::new(), 0o644)));
    let hands = hands(|grant| {
        let source = MountSource::Image(Arc::new(usr));
        grant.mounts.push(Mount {
            at: "/usr".to_owned(),
            source,
            access: Access::ReadOnly,
        });
    });
    println!(
        "{}",
        written(
            hands
                .run(&["files", "time", "/workspace", "2000"], "")
                .await
        )
    );
    let path = hands.workspace.path().join("native");
    std::fs::write(&path, [b'x'; 1024]).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..20_000 {
        std::fs::metadata(&path).unwrap();
    }
    println!("native stat: {}", start.elapsed().as_nanos() / 20_000);
    let start = std::time::Instant::now();
    for _ in 0..20_000 {
        std::io::Read::read_exact(&mut std::fs::File::open(&path).unwrap(), &mut [0; 1024])
            .unwrap();
    }
    println!(
        "native open, read 1 KiB, close: {}",
        start.elapsed().as_nanos() / 20_000
    );
    let start = std::time::Instant::now();
    for _ in 0..50 {
        std::process::Command::new("cat")
            .arg(&path)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
    }
    println!(
        "native fork and exec of cat: {}",
        start.elapsed().as_nanos() / 50
    );
}
