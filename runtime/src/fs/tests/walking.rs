//! Where paths lead.

use super::*;
use crate::fs::Kind;

both!(paths_lead_where_linux_would_lead_them);
fn paths_lead_where_linux_would_lead_them(on: Backing) {
    let sandbox = Sandbox::on(on);
    sandbox.write("/workspace/file", "here").unwrap();
    sandbox.mounts.create_dir_all("/workspace/a/b").unwrap();
    sandbox.write("/workspace/a/b/deep", "deep").unwrap();
    for (target, name) in [
        ("file", "relative"),
        ("/workspace/file", "absolute"),
        ("../workspace/./file", "around"),
        ("a/b", "directory"),
        ("directory", "again"),
        ("../../../../workspace/file", "above"),
        ("/usr/lib", "usr"),
        ("inner/frozen", "into"),
        ("missing", "dangling"),
        ("loop-b", "loop-a"),
        ("loop-a", "loop-b"),
        ("self/x", "self"),
        ("/", "root"),
        ("file/", "slash"),
    ] {
        sandbox.link(target, name);
    }
    let long_name = format!("/workspace/{}", "x".repeat(256));
    let long_path = format!("/workspace{}", "/.".repeat(2048));
    for (path, expected) in [
        ("/workspace/file", Ok("here")),
        ("//workspace///file", Ok("here")),
        ("/workspace/./a/../file", Ok("here")),
        ("/../../workspace/file", Ok("here")),
        ("/workspace/relative", Ok("here")),
        ("/workspace/absolute", Ok("here")),
        ("/workspace/around", Ok("here")),
        ("/workspace/above", Ok("here")),
        ("/workspace/again/deep", Ok("deep")),
        ("/workspace/again/../../file", Ok("here")),
        ("/workspace/root/workspace/file", Ok("here")),
        ("/workspace/usr/text", Ok("text")),
        ("/workspace/usr/../lib/text", Ok("text")),
        ("/workspace/into/file", Ok("frozen")),
        ("/workspace/into/../../file", Ok("here")),
        ("/workspace/inner/frozen/../../file", Ok("here")),
        ("/workspace/made/up/../../file", Ok("here")),
        ("/mnt/session/uploads/file", Ok("frozen")),
        ("/mnt/../workspace/file", Ok("here")),
        ("/workspace/file/", Err(Errno::NotDirectory)),
        ("/workspace/relative/", Err(Errno::NotDirectory)),
        ("/workspace/slash", Err(Errno::NotDirectory)),
        ("/workspace/file/..", Err(Errno::NotDirectory)),
        ("/workspace/file/x", Err(Errno::NotDirectory)),
        ("/workspace/missing", Err(Errno::NoEntry)),
        ("/workspace/missing/../file", Err(Errno::NoEntry)),
        ("/workspace/dangling", Err(Errno::NoEntry)),
        ("/workspace/loop-a", Err(Errno::Loop)),
        ("/workspace/loop-a/x", Err(Errno::Loop)),
        ("/workspace/self", Err(Errno::Loop)),
        ("/workspace", Err(Errno::IsDirectory)),
        ("/workspace/directory/", Err(Errno::IsDirectory)),
        ("/", Err(Errno::IsDirectory)),
        ("/nowhere/file", Err(Errno::NoEntry)),
        ("", Err(Errno::NoEntry)),
        ("workspace/file", Err(Errno::Invalid)),
        ("/workspace/fi\0le", Err(Errno::Invalid)),
        (&long_name, Err(Errno::NameTooLong)),
        (&long_path, Err(Errno::NameTooLong)),
    ] {
        let read = sandbox.read(path);
        let read = match &read {
            // Opening a directory to read works; reading it does not.
            Ok(text) => Ok(text.as_str()),
            Err(error) => Err(*error),
        };
        assert_eq!(read, expected, "{path}");
    }
}

both!(forty_links_are_followed_and_no_more);
fn forty_links_are_followed_and_no_more(on: Backing) {
    let sandbox = Sandbox::on(on);
    sandbox.write("/workspace/0", "end").unwrap();
    for number in 1..=41 {
        sandbox.link(&(number - 1).to_string(), &number.to_string());
    }
    assert_eq!(sandbox.read("/workspace/40").as_deref(), Ok("end"));
    assert_eq!(sandbox.read("/workspace/41"), Err(Errno::Loop));
}

both!(mounts_show_in_their_parents);
fn mounts_show_in_their_parents(on: Backing) {
    let sandbox = Sandbox::on(on);
    sandbox.write("/workspace/file", "").unwrap();
    assert_eq!(
        sandbox.names("/"),
        ["dev", "mnt", "proc", "tmp", "usr", "workspace"]
    );
    assert_eq!(sandbox.names("/mnt"), ["session"]);
    assert_eq!(sandbox.names("/mnt/session"), ["uploads"]);
    assert_eq!(sandbox.names("/workspace"), ["file", "inner", "made"]);
    assert_eq!(sandbox.names("/workspace/inner"), ["frozen"]);
    assert_eq!(sandbox.names("/workspace/made"), ["up"]);
    assert_eq!(sandbox.names("/usr"), ["bin", "lib"]);
    assert_eq!(
        sandbox.mounts.stat("/mnt/session").unwrap().kind,
        Kind::Directory
    );
}

#[test]
fn a_mount_hides_what_is_below_it() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.workspace().join("inner/frozen")).unwrap();
    std::fs::write(sandbox.workspace().join("inner/frozen/hidden"), "").unwrap();
    std::fs::write(sandbox.workspace().join("inner/seen"), "").unwrap();
    assert_eq!(sandbox.names("/workspace/inner"), ["frozen", "seen"]);
    assert_eq!(sandbox.names("/workspace/inner/frozen"), ["deep", "file"]);
    assert_eq!(
        sandbox.read("/workspace/inner/frozen/hidden"),
        Err(Errno::NoEntry)
    );
}

both!(mount_points_stay_where_they_are);
fn mount_points_stay_where_they_are(on: Backing) {
    let sandbox = Sandbox::on(on);
    let (view, root) = (sandbox.view(), sandbox.root());
    for path in [
        "/workspace/inner/frozen",
        "/workspace/inner",
        "/workspace/made",
        "/tmp",
        "/mnt",
        "/",
    ] {
        assert_eq!(
            view.remove_directory(&root, path),
            Err(Errno::Busy),
            "{path}"
        );
        assert_eq!(
            view.remove_file(&root, path),
            Err(Errno::IsDirectory),
            "{path}"
        );
        assert_eq!(
            view.rename(&root, path, &root, "/tmp/x"),
            Err(Errno::Busy),
            "{path}"
        );
        assert_eq!(
            view.create_directory(&root, path, 0o755),
            Err(Errno::Exist),
            "{path}"
        );
        assert_eq!(view.symlink(&root, path, "x"), Err(Errno::Exist), "{path}");
    }
    sandbox.mounts.create_dir_all("/workspace/plain").unwrap();
    assert_eq!(
        view.rename(&root, "/workspace/plain", &root, "/workspace/inner"),
        Err(Errno::Busy)
    );
}

#[test]
fn two_mounts_cannot_share_a_place() {
    let mut table = crate::fs::MountTable::new(Ledger::new(LedgerLimits::UNLIMITED));
    let root = || Image::default().root();
    table
        .add("/a/b", "image", Access::ReadOnly, root())
        .unwrap();
    table.add("/a", "image", Access::ReadOnly, root()).unwrap();
    assert!(matches!(
        table.add("/a//b/", "image", Access::ReadOnly, root()),
        Err(crate::fs::MountError::Twice { at }) if at == "/a//b/"
    ));
    assert!(matches!(
        table.add("a", "image", Access::ReadOnly, root()),
        Err(crate::fs::MountError::At {
            errno: Errno::Invalid,
            ..
        })
    ));
}

both!(a_walk_begins_where_it_is_told_to);
fn a_walk_begins_where_it_is_told_to(on: Backing) {
    let sandbox = Sandbox::on(on);
    sandbox.mounts.create_dir_all("/workspace/a").unwrap();
    sandbox.write("/workspace/a/file", "12345").unwrap();
    let a = sandbox
        .mounts
        .open(
            "/workspace/a",
            OpenHow {
                directory: true,
                ..OpenHow::reading()
            },
        )
        .unwrap();
    let size = |path| {
        sandbox
            .view()
            .stat(a.directory().unwrap(), path, crate::fs::walk::Follow::Yes)
            .map(|(stat, _)| stat.size)
    };
    assert_eq!(size("file"), Ok(5));
    assert_eq!(size("../a/file"), Ok(5));
    assert_eq!(size("../../usr/lib/text"), Ok(4));
    let (view, root) = (sandbox.view(), sandbox.root());
    view.rename(&root, "/workspace/a", &root, "/workspace/b")
        .unwrap();
    assert_eq!(size("file"), Ok(5), "an open directory moves along");
}
