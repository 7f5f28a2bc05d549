//! What programs rely on, as tables.

use std::sync::Arc;

use glovebox_tree::{Create, Errno, Found, NewTime, NewTimes, OpenHow, Timestamp, Tree, Unlimited};

use crate::{READ, WRITE, at, enter, file, read_all, store, tree, write};

#[test]
fn handles_outlive_names() {
    let tree = tree();
    write(&tree, "dir/a", b"first");
    let (dir, _) = at(&tree, "dir/x");
    let a = file(&dir, "a", &WRITE).unwrap();
    tree.root().rename("dir", &tree.root(), "moved").unwrap();
    assert_eq!(a.path().as_deref(), Some("/moved/a"));
    a.write_at(0, b"F").unwrap();
    assert_eq!(tree.snapshot().read_file("moved/a", 10).unwrap(), b"First");
    dir.remove_file("a").unwrap();
    write(&tree, "moved/a", b"second");
    assert_eq!((read_all(&a).unwrap(), a.path()), (b"First".to_vec(), None));
    assert_eq!(tree.snapshot().read_file("moved/a", 10).unwrap(), b"second");
    // A directory that was removed is empty and takes nothing in.
    dir.remove_file("a").unwrap();
    tree.root().remove_directory("moved").unwrap();
    assert_eq!(dir.list().unwrap().count(), 0);
    assert_eq!((dir.stat().unwrap().links, dir.path()), (0, None));
    assert_eq!(file(&dir, "b", &WRITE).err(), Some(Errno::NoEntry));
    assert_eq!(dir.create_directory("b", 0o755), Err(Errno::NoEntry));
    assert_eq!(dir.symlink("b", "x"), Err(Errno::NoEntry));
    write(&tree, "c", b"");
    assert_eq!(tree.root().rename("c", &dir, "c"), Err(Errno::NoEntry));
    assert_eq!(tree.root().link("c", &dir, "c"), Err(Errno::NoEntry));
}

#[test]
fn opening_does_as_asked() {
    let tree = tree();
    let root = tree.root();
    write(&tree, "dir/file", b"12345");
    root.symlink("link", "dir").unwrap();
    let how = |create, write, truncate, directory| OpenHow {
        write,
        create,
        truncate,
        directory,
    };
    let open = |name, how| root.open(name, &how).map(|_| ());
    let exclusive = Create::Exclusively(0o600);
    for (name, how, expected) in [
        (
            "missing",
            how(Create::Never, false, false, false),
            Err(Errno::NoEntry),
        ),
        (
            "missing",
            how(Create::Never, true, true, false),
            Err(Errno::NoEntry),
        ),
        ("dir", how(Create::Never, false, false, true), Ok(())),
        (
            "dir",
            how(Create::Never, true, false, false),
            Err(Errno::IsDirectory),
        ),
        (
            "dir",
            how(Create::IfMissing(0), false, true, false),
            Err(Errno::IsDirectory),
        ),
        ("dir", how(exclusive, true, false, false), Err(Errno::Exist)),
        (
            "link",
            how(exclusive, true, false, false),
            Err(Errno::Exist),
        ),
        ("link", how(Create::IfMissing(0), true, true, false), Ok(())),
        ("new", how(exclusive, true, false, false), Ok(())),
        (
            "new",
            how(Create::Never, false, false, true),
            Err(Errno::NotDirectory),
        ),
    ] {
        assert_eq!(open(name, how), expected, "{name} {how:?}");
    }
    assert_eq!(root.stat_entry("new").unwrap().mode, 0o600);
    assert!(matches!(root.open("link", &WRITE), Ok(Found::Link(target)) if &*target == "dir"));
    assert!(matches!(root.enter("link"), Ok(Found::Link(_))));
    assert_eq!(root.enter("new").err(), Some(Errno::NotDirectory));
    assert_eq!(root.read_link("new"), Err(Errno::Invalid));
    assert_eq!(root.set_entry_mode("link", 0o600), Err(Errno::NotSupported));
}

#[test]
fn times_are_kept_and_kept_up() {
    let tree = tree();
    let root = tree.root();
    write(&tree, "a", b"1");
    let moment = Timestamp {
        seconds: 1_600_000_000,
        nanoseconds: 987_654_321,
    };
    let set = |accessed, modified| root.set_entry_times("a", NewTimes { accessed, modified });
    set(NewTime::At(moment), NewTime::At(moment)).unwrap();
    let before = root.stat_entry("a").unwrap();
    assert_eq!((before.accessed, before.modified), (moment, moment));
    set(NewTime::Keep, NewTime::Now).unwrap();
    let after = root.stat_entry("a").unwrap();
    assert_eq!(after.accessed, moment);
    assert!(after.modified != moment && after.changed > before.changed);
    let wrong = Timestamp {
        seconds: 1,
        nanoseconds: 1_000_000_000,
    };
    assert_eq!(set(NewTime::Keep, NewTime::At(wrong)), Err(Errno::Invalid));
    let directory = root.stat().unwrap().modified;
    let a = file(&root, "a", &WRITE).unwrap();
    for (what, changes) in [
        (a.write_at(0, b"").map(drop), false),
        (a.write_at(0, b"x").map(drop), true),
        (a.truncate(1), true),
        (a.read_at(0, 1).map(drop), false),
    ] {
        what.unwrap();
        let _ = changes;
    }
    let stat = a.stat().unwrap();
    a.write_at(0, b"").unwrap();
    assert_eq!(a.stat().unwrap(), stat);
    a.write_at(0, b"x").unwrap();
    assert!(a.stat().unwrap().modified > stat.modified);
    assert_eq!(
        root.stat().unwrap().modified,
        directory,
        "a directory changes with its entries only"
    );
    root.symlink("b", "a").unwrap();
    assert!(root.stat().unwrap().modified > directory);
}

#[test]
fn listings_stay_sane_while_entries_come_and_go() {
    let tree = tree();
    for number in 0..500 {
        write(&tree, &format!("d/{number:03}"), b"");
    }
    let dir = enter(&tree.root(), "d");
    let mut seen = Vec::new();
    for (at, entry) in dir.list().unwrap().enumerate() {
        let (name, _) = entry.unwrap();
        dir.remove_file(&name).unwrap();
        write(&tree, &format!("d/x{at}"), b"");
        seen.push(name.to_string());
    }
    let expected: Vec<_> = (0..500).map(|number| format!("{number:03}")).collect();
    assert_eq!(seen, expected);
    assert_eq!(dir.list().unwrap().count(), 500);
    assert!(
        dir.list()
            .unwrap()
            .all(|entry| entry.unwrap().0.starts_with('x'))
    );
}

#[test]
fn appends_do_not_mix() {
    let tree = tree();
    write(&tree, "log", b"");
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let log = file(&tree.root(), "log", &WRITE).unwrap();
            scope.spawn(move || {
                for _ in 0..500 {
                    assert_eq!(log.append(&[b'a' + thread; 100]), Ok(100));
                }
            });
        }
    });
    let log = tree.snapshot().read_file("log", 1 << 20).unwrap();
    assert_eq!(log.len(), 200_000);
    assert!(
        log.chunks(100)
            .all(|line| line.iter().all(|byte| *byte == line[0]))
    );
}

#[test]
fn readers_and_writers_at_once_see_whole_writes() {
    let tree = tree();
    write(&tree, "a", &[0; 10_000]);
    std::thread::scope(|scope| {
        let writer = file(&tree.root(), "a", &WRITE).unwrap();
        scope.spawn(move || {
            (0..=200).for_each(|round| assert_eq!(writer.write_at(0, &[round; 10_000]), Ok(10_000)))
        });
        for _ in 0..2 {
            let reader = file(&tree.root(), "a", &READ).unwrap();
            let tree = tree.clone();
            scope.spawn(move || {
                for _ in 0..300 {
                    let bytes = reader.read_at(0, 10_000).unwrap();
                    assert!(bytes.iter().all(|byte| *byte == bytes[0]));
                    let kept = tree.snapshot().read_file("a", 10_000).unwrap();
                    assert!(kept.iter().all(|byte| *byte == kept[0]));
                }
            });
        }
    });
}

#[test]
fn trees_are_devices_of_their_own() {
    let (a, b) = (tree(), tree());
    write(&a, "x", b"");
    assert_eq!(
        a.root().rename("x", &b.root(), "x"),
        Err(Errno::CrossDevice)
    );
    assert_eq!(a.root().link("x", &b.root(), "x"), Err(Errno::CrossDevice));
    let fork = Tree::from_snapshot(&a.snapshot(), Arc::new(Unlimited));
    assert_eq!(
        a.root().rename("x", &fork.root(), "x"),
        Err(Errno::CrossDevice)
    );
    assert_eq!(a.reset(&b.snapshot()), Err(Errno::CrossDevice));
}

#[test]
fn going_back_keeps_open_files() {
    let tree = Tree::new(&store(), Arc::new(Unlimited));
    write(&tree, "kept", b"old");
    let before = tree.snapshot();
    write(&tree, "kept", b"new and longer");
    write(&tree, "later", b"later");
    let (kept, later) = (
        file(&tree.root(), "kept", &READ).unwrap(),
        file(&tree.root(), "later", &WRITE).unwrap(),
    );
    tree.reset(&before).unwrap();
    assert_eq!(read_all(&kept).unwrap(), b"old");
    assert_eq!(read_all(&later).unwrap(), b"later");
    assert_eq!(tree.root().stat_entry("later"), Err(Errno::NoEntry));
    later.append(b"!").unwrap();
    write(&tree, "another", b"another");
    assert_eq!(
        read_all(&later).unwrap(),
        b"later!",
        "its number is not given again"
    );
    assert!(tree.snapshot().verify().is_sound());
}
