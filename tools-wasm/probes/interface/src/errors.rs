//! What must fail, and how.

use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, NewTimestamp, OpenFlags, filesystem_error_code,
};
use wasip2::io::streams::StreamError;

use crate::{FOLLOW, NONE, READ, WRITE, create, show};

const NOTHING: OpenFlags = OpenFlags::empty();

pub fn all(at: &Descriptor, elsewhere: &Descriptor) {
    drop(create(at, "file", b"0123456789"));
    at.create_directory_at("dir").expect("a directory");
    at.create_directory_at("dir/full").expect("a directory");
    at.symlink_at("loop", "loop").expect("a symlink");
    at.symlink_at("file", "symlink").expect("a symlink");
    names(at);
    opening(at);
    descriptors(at);
    removing(at, elsewhere);
    limits(at);
}

fn open(
    at: &Descriptor,
    path: &str,
    how: OpenFlags,
    flags: DescriptorFlags,
) -> Result<(), wasip2::filesystem::types::ErrorCode> {
    at.open_at(NONE, path, how, flags).map(drop)
}

fn names(at: &Descriptor) {
    let long = "x".repeat(256);
    let deep = "d/".repeat(2048);
    for (what, path) in [
        ("an empty path", ""),
        ("an absolute path", "/etc/passwd"),
        ("a NUL", "a\0b"),
        ("a long name", long.as_str()),
        ("a long path", deep.as_str()),
        ("nothing", "missing"),
        ("nothing on the way", "missing/x"),
        ("a file on the way", "file/x"),
        ("a slash behind a file", "file/"),
        ("a loop", "loop/x"),
        ("far up", "../../../../../../missing"),
    ] {
        show(
            &format!("stat-at of {what}"),
            at.stat_at(FOLLOW, path).map(drop),
        );
        show(&format!("open-at of {what}"), open(at, path, NOTHING, READ));
        show(
            &format!("create-directory-at of {what}"),
            at.create_directory_at(path)
                .and_then(|()| at.remove_directory_at(path)),
        );
        show(
            &format!("symlink-at of {what}"),
            at.symlink_at("x", path)
                .and_then(|()| at.unlink_file_at(path)),
        );
        show(
            &format!("unlink-file-at of {what}"),
            at.unlink_file_at(path),
        );
        show(
            &format!("remove-directory-at of {what}"),
            at.remove_directory_at(path),
        );
        show(&format!("readlink-at of {what}"), at.readlink_at(path));
        show(
            &format!("rename-at of {what}"),
            at.rename_at(path, at, "renamed"),
        );
        show(
            &format!("link-at of {what}"),
            at.link_at(NONE, path, at, "linked"),
        );
        show(
            &format!("set-times-at of {what}"),
            at.set_times_at(FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now),
        );
        show(
            &format!("metadata-hash-at of {what}"),
            at.metadata_hash_at(FOLLOW, path).map(drop),
        );
    }
}

fn opening(at: &Descriptor) {
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    show("create what is there", open(at, "file", exclusive, WRITE));
    show(
        "create where a symlink is",
        open(at, "symlink", exclusive, WRITE),
    );
    show("open a symlink itself", open(at, "symlink", NOTHING, READ));
    show(
        "open a loop",
        at.open_at(FOLLOW, "loop", NOTHING, READ).map(drop),
    );
    show("write a directory", open(at, "dir", NOTHING, WRITE));
    show(
        "truncate a directory",
        open(at, "dir", OpenFlags::TRUNCATE, WRITE),
    );
    show(
        "a file as a directory",
        open(at, "file", OpenFlags::DIRECTORY, READ),
    );
    show(
        "create a directory by opening",
        open(at, "new", OpenFlags::CREATE | OpenFlags::DIRECTORY, READ),
    );
    show(
        "create a file with a slash",
        open(at, "new/", OpenFlags::CREATE, WRITE),
    );
    show(
        "create in what is missing",
        open(at, "missing/new", OpenFlags::CREATE, WRITE),
    );
    show("create `.`", open(at, ".", exclusive, WRITE));
    show(
        "create a directory that is there",
        at.create_directory_at("dir"),
    );
    show(
        "create a directory where a file is",
        at.create_directory_at("file"),
    );
    show("create `..`", at.create_directory_at(".."));
}

fn descriptors(at: &Descriptor) {
    let reading = at.open_at(NONE, "file", NOTHING, READ).expect("a file");
    let writing = at.open_at(NONE, "file", NOTHING, WRITE).expect("a file");
    show("write to a reader", reading.write(b"x", 0));
    show(
        "write-via-stream of a reader",
        reading.write_via_stream(0).map(drop),
    );
    show(
        "append-via-stream of a reader",
        reading.append_via_stream().map(drop),
    );
    show("set-size of a reader", reading.set_size(0));
    show("read from a writer", writing.read(1, 0));
    show(
        "read-via-stream of a writer",
        writing.read_via_stream(0).map(drop),
    );
    show("read far beyond", reading.read(1, u64::MAX));
    show("write far beyond", writing.write(b"x", u64::MAX));
    show("set-size far beyond", writing.set_size(u64::MAX));
    show("read a directory", at.read(1, 0));
    show("write a directory", at.write(b"x", 0));
    show("set-size of a directory", at.set_size(0));
    show(
        "read-via-stream of a directory",
        at.read_via_stream(0).map(drop),
    );
    show("list a file", reading.read_directory().map(drop));
    show("open-at below a file", open(&reading, "x", NOTHING, READ));
    show("stat-at below a file", reading.stat_at(NONE, "x").map(drop));
    show(
        "create-directory-at below a file",
        reading.create_directory_at("x"),
    );
    show(
        "link-at to below a file",
        at.link_at(NONE, "file", &reading, "x"),
    );
    show(
        "rename-at to below a file",
        at.rename_at("file", &reading, "x"),
    );
}

fn removing(at: &Descriptor, elsewhere: &Descriptor) {
    show("unlink a directory", at.unlink_file_at("dir"));
    show(
        "remove a file as a directory",
        at.remove_directory_at("file"),
    );
    show(
        "remove a symlink as a directory",
        at.remove_directory_at("symlink"),
    );
    show("remove a full directory", at.remove_directory_at("dir"));
    show("remove `.`", at.remove_directory_at("dir/full/."));
    show("remove `..`", at.remove_directory_at("dir/full/.."));
    show(
        "rename a directory into itself",
        at.rename_at("dir", at, "dir/full/x"),
    );
    show(
        "rename a directory over its parent",
        at.rename_at("dir/full", at, "dir"),
    );
    show(
        "rename a file over a directory",
        at.rename_at("file", at, "dir"),
    );
    show(
        "rename a directory over a file",
        at.rename_at("dir", at, "file"),
    );
    show(
        "rename to another mount",
        at.rename_at("file", elsewhere, "x"),
    );
    show(
        "link to another mount",
        at.link_at(NONE, "file", elsewhere, "x"),
    );
    show("link a directory", at.link_at(NONE, "dir", at, "x"));
    show("link over a file", at.link_at(NONE, "file", at, "symlink"));
    show("symlink over a file", at.symlink_at("x", "file"));
    show("readlink of a file", at.readlink_at("file"));
    show("readlink of a directory", at.readlink_at("dir"));
    show("an empty symlink", at.symlink_at("", "new"));
    show(
        "a symlink to a long path",
        at.symlink_at(&"x/".repeat(2048), "new"),
    );
    show("rename the mount point", at.rename_at(".", at, "x"));
    let root = ["..", "../..", "../../..", "../../../.."];
    let root = root
        .iter()
        .rev()
        .find_map(|up| at.open_at(NONE, up, OpenFlags::DIRECTORY, READ).ok());
    let root = root.expect("the root");
    show(
        "write in the root",
        open(&root, "new", OpenFlags::CREATE, WRITE),
    );
    show(
        "make a directory in the root",
        root.create_directory_at("new"),
    );
    show(
        "remove a mount point",
        root.remove_directory_at("workspace"),
    );
    show("unlink a mount point", root.unlink_file_at("workspace"));
    let full = root
        .open_at(NONE, "dev/full", NOTHING, WRITE)
        .expect("/dev/full");
    show("write to /dev/full", full.write(b"x", 0));
    let stream = full.write_via_stream(0).expect("a stream");
    match stream.blocking_write_and_flush(b"x") {
        Err(StreamError::LastOperationFailed(error)) => {
            let code = filesystem_error_code(&error);
            println!("the stream's error: {:?}", code.map(|code| code.name()));
        }
        other => println!("the stream's error: {other:?}"),
    }
}

/// The host gives this sandbox 1,000,000 bytes, files of 600,000 and few descriptors.
fn limits(at: &Descriptor) {
    let first = create(at, "first", b"");
    show(
        "as long as a file may be",
        first.write(&vec![b'x'; 700_000], 0),
    );
    show("longer than a file may be", first.write(b"x", 600_000));
    show("set-size longer than that", first.set_size(600_001));
    let second = create(at, "second", b"");
    show(
        "up to the quota",
        second
            .write(&vec![b'x'; 500_000], 0)
            .map(|written| written < 500_000),
    );
    show("over the quota", second.write(b"x", 450_000));
    show("set-size over the quota", second.set_size(500_000));
    show("what is there can be changed", second.write(b"y", 0));
    show("unlink", at.unlink_file_at("first"));
    drop(first);
    show("there is room again", second.set_size(500_000));
    let mut open = Vec::new();
    let error = loop {
        match at.open_at(NONE, "file", NOTHING, READ) {
            Ok(file) => open.push(file),
            Err(error) => break error,
        }
    };
    println!("too many descriptors: {}", error.name());
}
