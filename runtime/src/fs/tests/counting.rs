//! The ledger knows what is used, and limits hold before the host is asked.

use super::*;
use crate::fs::walk::Follow;
use crate::fs::{Refusal, Usage};

const LIMITS: LedgerLimits = LedgerLimits {
    disk_bytes_max: 1000,
    files_max: 10,
    file_bytes_max: 600,
    descriptors_max: 5,
};

/// What a limited sandbox begins with: `workspace/inner`.
const EMPTY: Usage = Usage {
    bytes: 0,
    files: 1,
    descriptors: 0,
};

fn usage(sandbox: &Sandbox) -> (u64, u64) {
    let usage = sandbox.mounts.usage();
    (usage.bytes, usage.files - sandbox.places)
}

both!(every_change_is_accounted_for);
fn every_change_is_accounted_for(on: Backing) {
    let sandbox = Sandbox::limited(on, LIMITS);
    let (view, root) = (sandbox.view(), sandbox.root());
    sandbox.write("/workspace/a", "12345").unwrap();
    assert_eq!(usage(&sandbox), (5, EMPTY.files + 1));
    sandbox.write("/workspace/a", "123").unwrap();
    assert_eq!(usage(&sandbox), (3, 2));
    view.link(&root, "/workspace/a", Follow::No, &root, "/workspace/b")
        .unwrap();
    assert_eq!(usage(&sandbox), (3, 3));
    view.symlink(&root, "/workspace/c", "a").unwrap();
    view.create_directory(&root, "/workspace/d", 0o755).unwrap();
    assert_eq!(usage(&sandbox), (3, 5));
    sandbox.mounts.remove_file("/workspace/a").unwrap();
    assert_eq!(usage(&sandbox), (3, 4));
    sandbox.write("/workspace/e", "1234").unwrap();
    view.rename(&root, "/workspace/e", &root, "/workspace/b")
        .unwrap();
    assert_eq!(usage(&sandbox), (4, 4), "what was replaced is given back");
    view.remove_directory(&root, "/workspace/d").unwrap();
    sandbox.mounts.remove_file("/workspace/c").unwrap();
    let file = sandbox
        .mounts
        .open(
            "/workspace/b",
            OpenHow {
                write: true,
                ..OpenHow::reading()
            },
        )
        .unwrap();
    file.truncate(100).unwrap();
    assert_eq!(usage(&sandbox), (100, 2));
    file.write_at(110, b"x").unwrap();
    file.append(b"yz").unwrap();
    assert_eq!(usage(&sandbox), (113, 2));
    sandbox.mounts.remove_file("/workspace/b").unwrap();
    assert_eq!(usage(&sandbox), (113, 1), "still open");
    drop(file);
    assert_eq!(usage(&sandbox), (EMPTY.bytes, EMPTY.files));
    assert!(sandbox.mounts.ledger().take_refusals().is_empty());
}

both!(a_write_stops_at_the_quota);
fn a_write_stops_at_the_quota(on: Backing) {
    let sandbox = Sandbox::limited(on, LIMITS);
    sandbox.write("/workspace/a", &"x".repeat(600)).unwrap();
    let file = sandbox.mounts.open("/tmp/b", OpenHow::replacing()).unwrap();
    assert_eq!(
        file.write_at(0, &[b'x'; 500]),
        Ok(400),
        "as much as fits, as a full disk does"
    );
    assert_eq!(file.write_at(400, b"x"), Err(Errno::NoSpace));
    assert_eq!(file.write_at(5000, b"x"), Err(Errno::FileTooLarge));
    assert_eq!(file.append(b"x"), Err(Errno::NoSpace));
    assert_eq!(file.truncate(500), Err(Errno::NoSpace));
    assert_eq!(
        file.write_at(0, b"changed"),
        Ok(7),
        "what is there can be changed"
    );
    assert_eq!(file.size(), Ok(400));
    assert_eq!(
        sandbox.mounts.ledger().take_refusals(),
        [Refusal::DiskBytes, Refusal::FileBytes]
    );
    sandbox.mounts.remove_file("/workspace/a").unwrap();
    assert_eq!(file.append(b"x"), Ok(1));
}

both!(a_file_stops_at_its_own_limit);
fn a_file_stops_at_its_own_limit(on: Backing) {
    let sandbox = Sandbox::limited(on, LIMITS);
    let file = sandbox
        .mounts
        .open("/workspace/a", OpenHow::replacing())
        .unwrap();
    assert_eq!(file.write_at(0, &[b'x'; 700]), Ok(600));
    assert_eq!(file.write_at(600, b"x"), Err(Errno::FileTooLarge));
    assert_eq!(file.truncate(601), Err(Errno::FileTooLarge));
    assert_eq!(file.truncate(u64::MAX), Err(Errno::FileTooLarge));
    assert_eq!(file.write_at(u64::MAX, b"x"), Err(Errno::FileTooLarge));
    assert_eq!(file.size(), Ok(600));
    assert_eq!(usage(&sandbox).0, 600);
}

both!(entries_are_limited);
fn entries_are_limited(on: Backing) {
    let sandbox = Sandbox::limited(on, LIMITS);
    let (view, root) = (sandbox.view(), sandbox.root());
    for number in 0..9 {
        sandbox.write(&format!("/workspace/{number}"), "").unwrap();
    }
    assert_eq!(sandbox.write("/workspace/more", ""), Err(Errno::NoSpace));
    assert_eq!(
        view.create_directory(&root, "/workspace/more", 0o755),
        Err(Errno::NoSpace)
    );
    assert_eq!(
        view.symlink(&root, "/workspace/more", "x"),
        Err(Errno::NoSpace)
    );
    assert_eq!(
        view.link(&root, "/workspace/0", Follow::No, &root, "/workspace/more"),
        Err(Errno::NoSpace)
    );
    assert_eq!(sandbox.mounts.ledger().take_refusals(), [Refusal::Files]);
    sandbox.mounts.remove_file("/workspace/0").unwrap();
    sandbox.write("/workspace/more", "").unwrap();
}

both!(what_fails_costs_nothing);
fn what_fails_costs_nothing(on: Backing) {
    let sandbox = Sandbox::limited(on, LIMITS);
    let (view, root) = (sandbox.view(), sandbox.root());
    sandbox.write("/workspace/a", "1").unwrap();
    let before = sandbox.mounts.usage();
    let exclusive = OpenHow {
        exclusive: true,
        ..OpenHow::replacing()
    };
    assert_eq!(
        open_error(&sandbox, "/workspace/a", exclusive),
        Some(Errno::Exist)
    );
    assert_eq!(
        view.create_directory(&root, "/workspace/a", 0o755),
        Err(Errno::Exist)
    );
    assert_eq!(view.symlink(&root, "/workspace/a", "x"), Err(Errno::Exist));
    assert_eq!(
        view.link(&root, "/workspace/a", Follow::No, &root, "/workspace/a"),
        Err(Errno::Exist)
    );
    assert_eq!(
        view.remove_directory(&root, "/workspace/a"),
        Err(Errno::NotDirectory)
    );
    view.rename(&root, "/workspace/a", &root, "/workspace/a")
        .unwrap();
    assert_eq!(sandbox.mounts.usage(), before);
}

both!(descriptors_are_limited);
fn descriptors_are_limited(on: Backing) {
    let sandbox = Sandbox::limited(on, LIMITS);
    sandbox.write("/workspace/a", "1").unwrap();
    let mut open: Vec<_> = (0..5)
        .map(|_| {
            sandbox
                .mounts
                .open("/workspace/a", OpenHow::reading())
                .unwrap()
        })
        .collect();
    assert_eq!(
        open_error(&sandbox, "/workspace/a", OpenHow::reading()),
        Some(Errno::TooManyDescriptors)
    );
    open.pop();
    assert_eq!(
        open_error(&sandbox, "/workspace/a", OpenHow::reading()),
        None
    );
}

#[test]
fn what_was_there_before_is_counted() {
    let host = tempfile::tempdir().unwrap();
    for directory in ["workspace", "frozen", "tmp"] {
        std::fs::create_dir(host.path().join(directory)).unwrap();
    }
    std::fs::write(host.path().join("workspace/old"), [0; 900]).unwrap();
    std::fs::write(host.path().join("frozen/shared"), [0; 900]).unwrap();
    let at = |directory| MountSource::HostDirectory(host.path().join(directory));
    let mounts = Sandbox::mount(LIMITS, at("workspace"), at("tmp"), at("frozen"));
    assert_eq!(mounts.usage(), Usage::default(), "nobody has looked yet");
    mounts
        .write_file("/workspace/new", &[0; 200], 0o644)
        .unwrap_err();
    assert_eq!(mounts.usage().bytes, 1000);
    mounts.remove_file("/workspace/old").unwrap();
    assert_eq!((mounts.usage().bytes, mounts.usage().files), (100, 1));
}

both!(writers_at_once_are_charged_exactly);
fn writers_at_once_are_charged_exactly(on: Backing) {
    let sandbox = Sandbox::limited(
        on,
        LedgerLimits {
            disk_bytes_max: 1 << 30,
            ..LedgerLimits::UNLIMITED
        },
    );
    sandbox.write("/workspace/log", "").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let log = sandbox
                    .mounts
                    .open("/workspace/log", OpenHow::appending())
                    .unwrap();
                for _ in 0..500 {
                    assert_eq!(log.append(b"a line of text\n"), Ok(15));
                }
            });
        }
    });
    let text = sandbox.read("/workspace/log").unwrap();
    assert_eq!(text.len(), 4 * 500 * 15);
    assert!(text.lines().all(|line| line == "a line of text"));
    assert_eq!(sandbox.mounts.usage().bytes, 4 * 500 * 15);
}
