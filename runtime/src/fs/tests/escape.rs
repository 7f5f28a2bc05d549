//! Nothing outside the mounts can be reached, whatever a guest or another process of the host does.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::fs::node::{NewTime, NewTimes};
use crate::fs::walk::Follow;

both!(links_out_of_a_mount_stay_in_the_sandbox);
fn links_out_of_a_mount_stay_in_the_sandbox(on: Backing) {
    let sandbox = Sandbox::on(on);
    let secret = sandbox.host.path().join("secret");
    sandbox.link(secret.to_str().unwrap(), "absolute");
    sandbox.link("../secret", "relative");
    sandbox.link("/etc/passwd", "passwd");
    sandbox.link("/proc/self/root/etc/passwd", "proc");
    sandbox.link("..", "up");
    for path in [
        "absolute",
        "relative",
        "passwd",
        "proc",
        "up/secret",
        "../secret",
        "up/../secret",
    ] {
        let path = format!("/workspace/{path}");
        assert_eq!(sandbox.read(&path), Err(Errno::NoEntry), "{path}");
        let error = sandbox.write(&path, "changed").unwrap_err();
        assert!(
            matches!(error, Errno::NoEntry | Errno::ReadOnly),
            "{path}: {error}"
        );
        assert_eq!(
            sandbox.mounts.set_mode(&path, 0o777),
            Err(Errno::NoEntry),
            "{path}"
        );
    }
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

both!(a_read_only_mount_cannot_be_changed);
fn a_read_only_mount_cannot_be_changed(on: Backing) {
    let sandbox = Sandbox::on(on);
    let (view, root) = (sandbox.view(), sandbox.root());
    for mount in ["/mnt/session/uploads", "/workspace/inner/frozen"] {
        let file = format!("{mount}/file");
        let new = format!("{mount}/new");
        let deep = format!("{mount}/deep");
        let now = NewTimes {
            accessed: NewTime::Now,
            modified: NewTime::Now,
        };
        assert_eq!(sandbox.write(&file, "x"), Err(Errno::ReadOnly));
        assert_eq!(sandbox.write(&new, "x"), Err(Errno::ReadOnly));
        assert_eq!(
            open_error(
                &sandbox,
                &file,
                OpenHow {
                    write: true,
                    ..OpenHow::default()
                }
            ),
            Some(Errno::ReadOnly)
        );
        assert_eq!(
            open_error(
                &sandbox,
                &new,
                OpenHow {
                    write: true,
                    ..OpenHow::default()
                }
            ),
            Some(Errno::NoEntry)
        );
        let exclusive = OpenHow {
            exclusive: true,
            ..OpenHow::replacing()
        };
        assert_eq!(open_error(&sandbox, &file, exclusive), Some(Errno::Exist));
        assert_eq!(sandbox.mounts.set_mode(&file, 0o777), Err(Errno::ReadOnly));
        assert_eq!(
            view.set_times(&root, &file, Follow::Yes, now),
            Err(Errno::ReadOnly)
        );
        assert_eq!(view.remove_file(&root, &file), Err(Errno::ReadOnly));
        assert_eq!(view.remove_file(&root, &new), Err(Errno::ReadOnly));
        assert_eq!(view.remove_directory(&root, &deep), Err(Errno::ReadOnly));
        assert_eq!(
            view.create_directory(&root, &new, 0o755),
            Err(Errno::ReadOnly)
        );
        assert_eq!(
            view.create_directory(&root, &deep, 0o755),
            Err(Errno::Exist)
        );
        assert_eq!(view.symlink(&root, &new, "x"), Err(Errno::ReadOnly));
        assert_eq!(
            view.link(&root, &file, Follow::No, &root, &new),
            Err(Errno::ReadOnly)
        );
        assert_eq!(view.rename(&root, &file, &root, &new), Err(Errno::ReadOnly));
        assert_eq!(
            view.rename(&root, &file, &root, "/tmp/x"),
            Err(Errno::CrossDevice)
        );
        assert_eq!(
            view.link(&root, &file, Follow::No, &root, "/tmp/x"),
            Err(Errno::CrossDevice)
        );
        let open = sandbox.mounts.open(&file, OpenHow::reading()).unwrap();
        assert_eq!(open.write_at(0, b"x"), Err(Errno::BadDescriptor));
        assert_eq!(open.set_times(now), Err(Errno::ReadOnly));
        assert_eq!(open.set_mode(0o777), Err(Errno::ReadOnly));
        assert_eq!(open.truncate(0), Err(Errno::Invalid));
        assert_eq!(sandbox.read(&file).as_deref(), Ok("frozen"));
    }
    assert_eq!(sandbox.write("/usr/lib/text", "x"), Err(Errno::ReadOnly));
    assert_eq!(sandbox.write("/new", "x"), Err(Errno::ReadOnly));
    // The same things where they are allowed.
    sandbox.write("/tmp/file", "x").unwrap();
    sandbox.mounts.set_mode("/tmp/file", 0o700).unwrap();
    view.rename(&root, "/tmp/file", &root, "/tmp/other")
        .unwrap();
    view.link(&root, "/tmp/other", Follow::No, &root, "/tmp/file")
        .unwrap();
    view.remove_file(&root, "/tmp/other").unwrap();
}

#[test]
fn what_is_no_file_is_not_opened() {
    let sandbox = Sandbox::new();
    let fifo = sandbox.workspace().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        0o666.into(),
        0,
    )
    .unwrap();
    let _socket =
        std::os::unix::net::UnixListener::bind(sandbox.workspace().join("socket")).unwrap();
    for name in ["fifo", "socket"] {
        let path = format!("/workspace/{name}");
        assert_eq!(sandbox.read(&path), Err(Errno::Access), "{name}");
        assert_eq!(sandbox.write(&path, "x"), Err(Errno::Access), "{name}");
        assert_eq!(
            sandbox.mounts.stat(&path).unwrap().kind,
            crate::fs::Kind::Other
        );
        sandbox.mounts.remove_file(&path).unwrap();
    }
}

#[test]
fn bits_that_give_away_the_server_s_rights_never_reach_the_host() {
    let sandbox = Sandbox::new();
    sandbox
        .mounts
        .write_file("/workspace/tool", b"", 0o6755)
        .unwrap();
    let mode = || {
        std::fs::metadata(sandbox.workspace().join("tool"))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(mode(), 0o755);
    sandbox.mounts.set_mode("/workspace/tool", 0o7777).unwrap();
    assert_eq!(mode(), 0o777);
}

/// A directory is swapped for a symlink to the outside, over and over, while paths through it are used. The walk holds
/// on to directories, not to names, and follows links by itself; so whichever it sees, it stays inside.
#[test]
fn a_race_on_the_path_leads_nowhere() {
    let sandbox = Sandbox::new();
    let workspace = sandbox.workspace();
    let outside = sandbox.host.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("file"), "secret").unwrap();
    std::fs::create_dir(workspace.join("real")).unwrap();
    std::fs::write(workspace.join("real/file"), "inside").unwrap();
    symlink(&outside, workspace.join("evil")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (real, evil, shown) = (
                workspace.join("real"),
                workspace.join("evil"),
                workspace.join("shown"),
            );
            while !done.load(Ordering::Relaxed) {
                std::fs::rename(&real, &shown).unwrap();
                std::fs::rename(&shown, &real).unwrap();
                std::fs::rename(&evil, &shown).unwrap();
                std::fs::rename(&shown, &evil).unwrap();
            }
        });
        for _ in 0..2_000 {
            if let Ok(text) = sandbox.read("/workspace/shown/file") {
                assert_eq!(text, "inside");
            }
            let _ = sandbox.mounts.set_mode("/workspace/shown/file", 0o600);
            let _ = sandbox.mounts.remove_file("/workspace/shown/other");
            let _ = sandbox.write("/workspace/shown/made", "x");
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(
        std::fs::metadata(outside.join("file"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o644
    );
}
