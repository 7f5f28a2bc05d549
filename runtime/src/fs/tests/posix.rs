//! What programs rely on, one table a subject.

use super::*;
use crate::fs::Kind;
use crate::fs::node::{NewTime, NewTimes, Timestamp};
use crate::fs::walk::Follow;

both!(opening_creates_truncates_and_refuses_as_asked);
fn opening_creates_truncates_and_refuses_as_asked(on: Backing) {
    let sandbox = Sandbox::on(on);
    let how = OpenHow::default;
    assert_eq!(
        open_error(&sandbox, "/workspace/new", OpenHow::reading()),
        Some(Errno::NoEntry)
    );
    assert_eq!(
        open_error(&sandbox, "/workspace/new", how()),
        Some(Errno::Invalid)
    );
    assert_eq!(
        open_error(&sandbox, "/workspace/new/", OpenHow::replacing()),
        Some(Errno::IsDirectory)
    );
    assert_eq!(
        open_error(&sandbox, "/workspace/inner", OpenHow::replacing()),
        Some(Errno::IsDirectory)
    );
    sandbox.write("/workspace/new", "12345").unwrap();
    let exclusive = OpenHow {
        exclusive: true,
        ..OpenHow::replacing()
    };
    assert_eq!(
        open_error(&sandbox, "/workspace/new", exclusive),
        Some(Errno::Exist)
    );
    let directory = OpenHow {
        directory: true,
        ..OpenHow::reading()
    };
    assert_eq!(
        open_error(&sandbox, "/workspace/new", directory),
        Some(Errno::NotDirectory)
    );
    assert_eq!(open_error(&sandbox, "/workspace/inner", directory), None);
    sandbox.link("new", "link");
    sandbox.link("made-through", "dangling");
    assert_eq!(
        open_error(&sandbox, "/workspace/dangling", exclusive),
        Some(Errno::Exist)
    );
    let nofollow = OpenHow {
        follow: false,
        ..OpenHow::reading()
    };
    assert_eq!(
        open_error(&sandbox, "/workspace/link", nofollow),
        Some(Errno::Loop)
    );
    sandbox.write("/workspace/dangling", "through").unwrap();
    assert_eq!(
        sandbox.read("/workspace/made-through").as_deref(),
        Ok("through")
    );
    let file = sandbox
        .mounts
        .open(
            "/workspace/link",
            OpenHow {
                write: true,
                ..OpenHow::reading()
            },
        )
        .unwrap();
    assert_eq!(file.read_at(3, 10).unwrap(), "45");
    sandbox.write("/workspace/new", "").unwrap();
    assert_eq!(file.size(), Ok(0));
    assert_eq!(file.write_at(3, b"x"), Ok(1));
    assert_eq!(sandbox.read("/workspace/new").as_deref(), Ok("\0\0\0x"));
}

both!(a_file_outlives_its_name);
fn a_file_outlives_its_name(on: Backing) {
    let sandbox = Sandbox::on(on);
    let file = sandbox
        .mounts
        .open(
            "/workspace/a",
            OpenHow {
                read: true,
                ..OpenHow::replacing()
            },
        )
        .unwrap();
    file.write_at(0, b"first").unwrap();
    sandbox.mounts.remove_file("/workspace/a").unwrap();
    sandbox.write("/workspace/a", "second").unwrap();
    assert_eq!(file.read_at(0, 10).unwrap(), "first");
    assert_eq!(file.append(b"!"), Ok(1));
    assert_eq!(sandbox.read("/workspace/a").as_deref(), Ok("second"));
    assert_eq!(file.stat().unwrap().links, 0);
}

both!(appending_goes_to_the_end_wherever_it_is);
fn appending_goes_to_the_end_wherever_it_is(on: Backing) {
    let sandbox = Sandbox::on(on);
    let log = sandbox
        .mounts
        .open("/workspace/log", OpenHow::appending())
        .unwrap();
    let other = sandbox
        .mounts
        .open("/workspace/log", OpenHow::appending())
        .unwrap();
    log.append(b"a").unwrap();
    other.append(b"b").unwrap();
    assert_eq!(log.write_at(0, b"c"), Ok(1));
    assert_eq!(sandbox.read("/workspace/log").as_deref(), Ok("abc"));
}

both!(modes_can_be_asked_for_and_set);
fn modes_can_be_asked_for_and_set(on: Backing) {
    let sandbox = Sandbox::on(on);
    sandbox
        .mounts
        .write_file("/workspace/script", b"", 0o755)
        .unwrap();
    sandbox.link("script", "link");
    assert_eq!(sandbox.mounts.mode("/workspace/script"), Ok(0o755));
    for mode in [0o644, 0o000, 0o200, 0o111, 0o777] {
        sandbox.mounts.set_mode("/workspace/link", mode).unwrap();
        assert_eq!(sandbox.mounts.mode("/workspace/link"), Ok(mode));
    }
    assert_eq!(
        sandbox.mounts.stat_link("/workspace/link").unwrap().kind,
        Kind::Symlink
    );
    sandbox.mounts.set_mode("/workspace/inner", 0o700).unwrap();
    assert_eq!(sandbox.mounts.mode("/workspace/inner/"), Ok(0o700));
    sandbox
        .view()
        .create_directory(&sandbox.root(), "/workspace/open", 0o777)
        .unwrap();
    assert_eq!(
        sandbox.mounts.mode("/workspace/open"),
        Ok(0o777),
        "the host's umask does not matter"
    );
    assert_eq!(sandbox.mounts.mode("/usr/bin/cat"), Ok(0o755));
    assert_eq!(sandbox.mounts.mode("/usr/lib/text"), Ok(0o644));
    assert_eq!(
        sandbox.mounts.mode("/workspace/missing"),
        Err(Errno::NoEntry)
    );
}

both!(times_are_kept_to_the_nanosecond);
fn times_are_kept_to_the_nanosecond(on: Backing) {
    let sandbox = Sandbox::on(on);
    let (view, root) = (sandbox.view(), sandbox.root());
    sandbox.write("/workspace/a", "").unwrap();
    sandbox.link("a", "link");
    let moment = Timestamp {
        seconds: 1_234_567_890,
        nanoseconds: 123_456_789,
    };
    let times = NewTimes {
        accessed: NewTime::Keep,
        modified: NewTime::At(moment),
    };
    let accessed = sandbox.mounts.stat("/workspace/a").unwrap().accessed;
    view.set_times(&root, "/workspace/link", Follow::Yes, times)
        .unwrap();
    let stat = sandbox.mounts.stat("/workspace/a").unwrap();
    assert_eq!((stat.modified, stat.accessed), (moment, accessed));
    let later = Timestamp {
        seconds: 2_000_000_000,
        nanoseconds: 1,
    };
    let times = NewTimes {
        accessed: NewTime::At(later),
        modified: NewTime::At(later),
    };
    view.set_times(&root, "/workspace/link", Follow::No, times)
        .unwrap();
    assert_eq!(
        sandbox
            .mounts
            .stat_link("/workspace/link")
            .unwrap()
            .modified,
        later
    );
    assert_eq!(
        sandbox.mounts.stat("/workspace/a").unwrap().modified,
        moment
    );
    view.set_times(&root, "/workspace/inner/", Follow::Yes, times)
        .unwrap();
    assert_eq!(
        sandbox.mounts.stat("/workspace/inner").unwrap().modified,
        later
    );
    let wrong = NewTime::At(Timestamp {
        seconds: 0,
        nanoseconds: 1_000_000_000,
    });
    let times = NewTimes {
        accessed: NewTime::Keep,
        modified: wrong,
    };
    assert_eq!(
        view.set_times(&root, "/workspace/a", Follow::Yes, times),
        Err(Errno::Invalid)
    );
}

both!(renaming_replaces_what_posix_lets_it_replace);
fn renaming_replaces_what_posix_lets_it_replace(on: Backing) {
    for (from, to, expected) in [
        ("file", "new", Ok(())),
        ("file", "other", Ok(())),
        ("file", "link", Ok(())),
        ("file", "file", Ok(())),
        ("link", "file", Ok(())),
        ("empty", "new", Ok(())),
        ("empty", "new/", Ok(())),
        ("full", "empty", Ok(())),
        ("file", "empty", Err(Errno::IsDirectory)),
        ("empty", "file", Err(Errno::NotDirectory)),
        ("empty", "full", Err(Errno::NotEmpty)),
        ("full", "full/x/below", Err(Errno::Invalid)),
        ("file", "missing/new", Err(Errno::NoEntry)),
        ("missing", "new", Err(Errno::NoEntry)),
        ("file", "other/", Err(Errno::NotDirectory)),
        ("file", "file/new", Err(Errno::NotDirectory)),
        ("file", "/tmp/new", Err(Errno::CrossDevice)),
        ("file", ".", Err(Errno::Busy)),
        ("..", "new", Err(Errno::Busy)),
    ] {
        let sandbox = Sandbox::on(on);
        sandbox.write("/workspace/file", "file").unwrap();
        sandbox.write("/workspace/other", "other").unwrap();
        sandbox.mounts.create_dir_all("/workspace/empty").unwrap();
        sandbox.mounts.create_dir_all("/workspace/full/x").unwrap();
        sandbox.link("file", "link");
        let base = sandbox
            .mounts
            .open(
                "/workspace",
                OpenHow {
                    directory: true,
                    ..OpenHow::reading()
                },
            )
            .unwrap();
        let base = base.directory().unwrap();
        assert_eq!(
            sandbox.view().rename(base, from, base, to),
            expected,
            "{from} -> {to}"
        );
    }
}

both!(removing_and_linking_know_files_from_directories);
fn removing_and_linking_know_files_from_directories(on: Backing) {
    let sandbox = Sandbox::on(on);
    let (view, root) = (sandbox.view(), sandbox.root());
    sandbox.write("/workspace/file", "x").unwrap();
    sandbox.mounts.create_dir_all("/workspace/full/x").unwrap();
    sandbox.link("full", "link");
    assert_eq!(
        view.remove_file(&root, "/workspace/full"),
        Err(Errno::IsDirectory)
    );
    assert_eq!(
        view.remove_file(&root, "/workspace/file/"),
        Err(Errno::NotDirectory)
    );
    assert_eq!(
        view.remove_file(&root, "/workspace/missing"),
        Err(Errno::NoEntry)
    );
    assert_eq!(
        view.remove_directory(&root, "/workspace/file"),
        Err(Errno::NotDirectory)
    );
    assert_eq!(
        view.remove_directory(&root, "/workspace/link"),
        Err(Errno::NotDirectory)
    );
    assert_eq!(
        view.remove_directory(&root, "/workspace/full"),
        Err(Errno::NotEmpty)
    );
    assert_eq!(
        view.remove_directory(&root, "/workspace/full/x/."),
        Err(Errno::Invalid)
    );
    assert_eq!(view.remove_directory(&root, "/workspace/full/x/"), Ok(()));
    assert_eq!(
        view.link(&root, "/workspace/full", Follow::No, &root, "/workspace/l"),
        Err(Errno::NotPermitted)
    );
    assert_eq!(
        view.link(
            &root,
            "/workspace/file",
            Follow::No,
            &root,
            "/workspace/link"
        ),
        Err(Errno::Exist)
    );
    assert_eq!(
        view.link(&root, "/workspace/file", Follow::No, &root, "/tmp/l"),
        Err(Errno::CrossDevice)
    );
    assert_eq!(
        view.read_link(&root, "/workspace/link").as_deref(),
        Ok("full")
    );
    assert_eq!(
        view.read_link(&root, "/workspace/file"),
        Err(Errno::Invalid)
    );
    assert_eq!(view.read_link(&root, "/workspace"), Err(Errno::Invalid));
    assert_eq!(view.remove_file(&root, "/workspace/link"), Ok(()));
    assert_eq!(
        sandbox.mounts.stat("/workspace/full").unwrap().kind,
        Kind::Directory
    );
}

both!(identities_tell_files_apart_across_mounts);
fn identities_tell_files_apart_across_mounts(on: Backing) {
    let sandbox = Sandbox::on(on);
    sandbox.write("/workspace/a", "").unwrap();
    sandbox
        .view()
        .link(
            &sandbox.root(),
            "/workspace/a",
            Follow::No,
            &sandbox.root(),
            "/workspace/b",
        )
        .unwrap();
    let identity = |path| {
        sandbox
            .view()
            .stat(&sandbox.root(), path, Follow::Yes)
            .unwrap()
            .1
    };
    assert_eq!(identity("/workspace/a"), identity("/workspace/b"));
    let open = sandbox
        .mounts
        .open("/workspace/a", OpenHow::reading())
        .unwrap();
    assert_eq!(open.identity(), Ok(identity("/workspace/a")));
    let all = [
        "/",
        "/mnt",
        "/mnt/session",
        "/usr",
        "/usr/bin",
        "/usr/bin/cat",
        "/dev",
        "/dev/null",
        "/workspace",
        "/tmp",
    ];
    let lower: std::collections::BTreeSet<_> =
        all.map(|path| identity(path) & u128::from(u64::MAX)).into();
    assert_eq!(lower.len(), all.len());
}

both!(a_listing_survives_changes);
fn a_listing_survives_changes(on: Backing) {
    let sandbox = Sandbox::on(on);
    for number in 0..2000 {
        sandbox.write(&format!("/tmp/{number:04}"), "").unwrap();
    }
    let directory = sandbox
        .mounts
        .open(
            "/tmp",
            OpenHow {
                directory: true,
                ..OpenHow::reading()
            },
        )
        .unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (number, entry) in directory.list().unwrap().enumerate() {
        let entry = entry.unwrap();
        assert_eq!(entry.kind, Kind::File);
        assert!(seen.insert(entry.name.clone()), "{} seen twice", entry.name);
        sandbox
            .mounts
            .remove_file(&format!("/tmp/{}", entry.name))
            .unwrap();
        sandbox.write(&format!("/tmp/new{number}"), "").unwrap();
        if number > 4000 {
            break;
        }
    }
    assert_eq!(
        seen.iter().filter(|name| !name.starts_with("new")).count(),
        2000
    );
}
