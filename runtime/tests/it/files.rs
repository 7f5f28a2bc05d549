//! Files, through Rust's standard library in a real guest.
//!
//! What fails while a stream is written reaches Rust as EIO: the C library of WASI 0.2 does not ask what it was. (The
//! preview 1 adapter does.)

use std::sync::Arc;

use bytes::Bytes;
use glovebox_runtime::{Access, ExitStatus, Image, Mount, MountSource};

use crate::kernel::{Ran, hands};

/// What it wrote, if it ended well.
fn written(ran: Ran) -> String {
    assert!(matches!(ran.status, Ok(ExitStatus::Exited(0))), "{ran:?}");
    ran.stdout
}

#[tokio::test]
async fn the_standard_library_finds_what_it_expects() {
    let hands = hands(|_| {});
    let ran = hands.run(&["files", "check", "/workspace"], "").await;
    assert_eq!(written(ran), "all is well\n");
    assert_eq!(
        std::fs::read(hands.workspace.path().join("linked"))
            .unwrap()
            .len(),
        100
    );
}

#[tokio::test]
async fn what_must_fail_fails_as_on_linux() {
    let hands = hands(|_| {});
    let ran = hands.run(&["files", "errors", "."], "").await;
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
    assert_eq!(written(ran), expected);
}

#[tokio::test]
async fn a_full_disk_is_an_error_a_program_can_handle() {
    let hands = hands(|grant| grant.limits.disk_bytes_max = 1_000_000);
    let ran = hands.run(&["files", "fill", "big"], "").await;
    assert_eq!(written(ran), "1000000 bytes, then EIO\n");
    assert_eq!(
        std::fs::metadata(hands.workspace.path().join("big"))
            .unwrap()
            .len(),
        1_000_000
    );
}

#[tokio::test]
async fn a_file_too_large_is_an_error_a_program_can_handle() {
    let hands = hands(|grant| grant.limits.file_bytes_max = 100_000);
    let ran = hands.run(&["files", "fill", "big"], "").await;
    assert_eq!(written(ran), "100000 bytes, then EIO\n");
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
