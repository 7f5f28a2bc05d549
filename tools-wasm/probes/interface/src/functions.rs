//! What must work.

use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::types::{
    Advice, Descriptor, DescriptorStat, DescriptorType, NewTimestamp, OpenFlags,
};

use crate::{FOLLOW, NONE, READ, WRITE, create, show};

const MOMENT: NewTimestamp = NewTimestamp::Timestamp(Datetime {
    seconds: 1_234_567_890,
    nanoseconds: 123_456_789,
});

pub fn all(at: &Descriptor) {
    files(at);
    streams(at);
    directories(at);
    links(at);
    times(at);
    identities(at);
}

fn shown(stat: DescriptorStat) -> (DescriptorType, u64, u64) {
    (stat.type_, stat.link_count, stat.size)
}

fn read_all(at: &Descriptor, name: &str) -> String {
    let file = at
        .open_at(NONE, name, OpenFlags::empty(), READ)
        .expect("a file");
    let (bytes, _) = file.read(1000, 0).expect("its bytes");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn files(at: &Descriptor) {
    let file = create(at, "file", b"0123456789");
    show("get-type", file.get_type());
    show("get-flags", file.get_flags());
    show("read", file.read(4, 3));
    show("read to the end", file.read(100, 8));
    show("read at the end", file.read(100, 10));
    show("read far behind the end", file.read(100, 1 << 40));
    show("read nothing", file.read(0, 0));
    show("write", file.write(b"xy", 2));
    show("write nothing", file.write(b"", 100));
    show("write behind the end", file.write(b"z", 12));
    show("a hole", file.read(100, 0));
    show("set-size down", file.set_size(4));
    show("set-size up", file.set_size(6));
    show("filled up", file.read(100, 0));
    show("sync-data", file.sync_data());
    show("sync", file.sync());
    show("advise", file.advise(0, 10, Advice::Sequential));
    show("stat", file.stat().map(shown));
    show("stat-at", at.stat_at(NONE, "file").map(shown));
    let writing = at
        .open_at(NONE, "file", OpenFlags::empty(), WRITE)
        .expect("a file");
    show("get-flags of a writer", writing.get_flags());
    let emptied = at.open_at(NONE, "file", OpenFlags::TRUNCATE, READ | WRITE);
    show("truncate", emptied.and_then(|file| file.stat()).map(shown));
    let sparse = create(at, "sparse", b"");
    show("set-size far", sparse.set_size(100 << 30));
    show("sparse", sparse.stat().map(shown));
    show("write far", sparse.write(b"end", (100 << 30) - 3));
    show("in the middle", sparse.read(3, 50 << 30));
    show("at the end", sparse.read(10, (100 << 30) - 3));
    show("unlink-file-at while open", at.unlink_file_at("sparse"));
    show("read what is gone", sparse.read(10, (100 << 30) - 3));
    show(
        "stat what is gone",
        sparse.stat().map(|stat| stat.link_count),
    );
}

fn streams(at: &Descriptor) {
    let file = create(at, "stream", b"");
    let out = file.write_via_stream(2).expect("a stream");
    out.blocking_write_and_flush(b"cd").expect("a write");
    out.blocking_write_and_flush(b"ef").expect("a write");
    let end = file.append_via_stream().expect("a stream");
    let other = file.append_via_stream().expect("a stream");
    for (stream, line) in [(&end, b"1"), (&other, b"2"), (&end, b"3")] {
        stream.blocking_write_and_flush(line).expect("a write");
    }
    out.write_zeroes(0).expect("nothing to write");
    println!("streams: {:?}", read_all(at, "stream"));
    let input = file.read_via_stream(3).expect("a stream");
    println!("read-via-stream: {:?}", input.blocking_read(3));
    println!("skip: {:?}", input.blocking_skip(1));
    println!("read on: {:?}", input.blocking_read(100));
    println!(
        "the end: {:?}",
        input.blocking_read(100).map_err(|_| "closed")
    );
    let from = create(at, "from", &[b'x'; 5000]);
    let (source, sink) = (from.read_via_stream(0), file.write_via_stream(0));
    let (source, sink) = (source.expect("a stream"), sink.expect("a stream"));
    let mut spliced = 0;
    while let Ok(more) = sink.blocking_splice(&source, 2000) {
        spliced += more;
    }
    drop(sink);
    println!("splice: {spliced}");
    show("spliced", file.stat().map(shown));
}

fn directories(at: &Descriptor) {
    show("create-directory-at", at.create_directory_at("dir"));
    let flags = OpenFlags::DIRECTORY;
    let dir = at.open_at(NONE, "dir", flags, READ).expect("a directory");
    show("get-type of a directory", dir.get_type());
    show("stat of a directory", dir.stat().map(|stat| stat.type_));
    for name in ["a", "b", "c"] {
        drop(create(&dir, name, b""));
    }
    show(
        "create-directory-at below",
        at.create_directory_at("dir/sub"),
    );
    show("rename-at", dir.rename_at("c", at, "dir/z"));
    let entries = dir.read_directory().expect("a listing");
    let mut names = Vec::new();
    while let Some(entry) = entries.read_directory_entry().expect("an entry") {
        names.push((entry.name, entry.type_));
    }
    names.sort_by(|a, b| a.0.cmp(&b.0));
    println!("read-directory: {names:?}");
    show(
        "read-directory-entry at the end",
        entries.read_directory_entry().map(|_| ()),
    );
    show("rename-at over a file", dir.rename_at("a", &dir, "b"));
    show("unlink-file-at", dir.unlink_file_at("b"));
    show("remove-directory-at", dir.remove_directory_at("sub"));
    show(
        "rename-at of a directory that is open",
        at.rename_at("dir", at, "moved"),
    );
    show("in it still", dir.stat_at(NONE, "z").map(|stat| stat.type_));
    show(
        "its other way up",
        dir.stat_at(NONE, "../moved/z").map(|stat| stat.type_),
    );
    show("empty it", dir.unlink_file_at("z"));
    show("remove it", at.remove_directory_at("moved"));
    show(
        "make something in what is gone",
        dir.create_directory_at("x"),
    );
    let entries = dir
        .read_directory()
        .and_then(|entries| entries.read_directory_entry());
    show("list what is gone", entries.map(|entry| entry.is_none()));
    show("sync of a directory", at.sync());
}

fn links(at: &Descriptor) {
    drop(create(at, "target", b"target"));
    show("link-at", at.link_at(NONE, "target", at, "linked"));
    show("links", at.stat_at(NONE, "linked").map(shown));
    show("symlink-at", at.symlink_at("target", "symlink"));
    show("readlink-at", at.readlink_at("symlink"));
    show(
        "stat-at of a symlink",
        at.stat_at(NONE, "symlink").map(shown),
    );
    show("stat-at followed", at.stat_at(FOLLOW, "symlink").map(shown));
    show(
        "link-at of a symlink",
        at.link_at(NONE, "symlink", at, "again"),
    );
    show("it is one", at.readlink_at("again"));
    show(
        "link-at followed",
        at.link_at(FOLLOW, "symlink", at, "third"),
    );
    show("links now", at.stat_at(NONE, "third").map(shown));
    let opened = at.open_at(FOLLOW, "symlink", OpenFlags::empty(), READ);
    show("open-at followed", opened.and_then(|file| file.get_type()));
    show("dangling", at.symlink_at("nothing", "dangling"));
    let made = at.open_at(FOLLOW, "dangling", OpenFlags::CREATE, WRITE);
    show("made through it", made.and_then(|file| file.get_type()));
    show("it is there", at.stat_at(NONE, "nothing").map(shown));
}

fn times(at: &Descriptor) {
    let keep = NewTimestamp::NoChange;
    let file = create(at, "timed", b"");
    let of = |stat: DescriptorStat| {
        let time = |time: Option<Datetime>| time.map(|time| (time.seconds, time.nanoseconds));
        let (accessed, modified) = (stat.data_access_timestamp, stat.data_modification_timestamp);
        (time(accessed), time(modified))
    };
    show("set-times", file.set_times(MOMENT, MOMENT));
    show("times", file.stat().map(of));
    show(
        "set-times-at",
        at.set_times_at(NONE, "timed", NewTimestamp::Now, keep),
    );
    let stat = file.stat().map(of).expect("times");
    println!("one is kept, one is new: {:?} {}", stat.1, stat.0 > stat.1);
    show("symlink", at.symlink_at("timed", "link"));
    show(
        "set-times-at of a symlink",
        at.set_times_at(NONE, "link", MOMENT, MOMENT),
    );
    show("its own", at.stat_at(NONE, "link").map(of));
    let before = file.stat().map(of);
    show(
        "set-times-at followed",
        at.set_times_at(FOLLOW, "link", MOMENT, keep),
    );
    println!("changed: {}", before != file.stat().map(of));
    let wrong = NewTimestamp::Timestamp(Datetime {
        seconds: 1,
        nanoseconds: 1_000_000_000,
    });
    show(
        "a thousand million nanoseconds",
        file.set_times(wrong, keep),
    );
    let directory = at
        .open_at(NONE, ".", OpenFlags::DIRECTORY, READ)
        .expect("a directory");
    show(
        "set-times of a directory",
        directory.set_times(MOMENT, MOMENT),
    );
    show("a directory's", directory.stat().map(of));
    drop(create(at, "newer", b""));
    println!(
        "a new entry changes them: {}",
        directory.stat().map(of).expect("times").1 > Some((1_234_567_890, 123_456_789))
    );
}

fn identities(at: &Descriptor) {
    let (one, two) = (create(at, "one", b""), create(at, "two", b""));
    at.link_at(NONE, "one", at, "uno").expect("a link");
    let again = at
        .open_at(NONE, "uno", OpenFlags::empty(), READ)
        .expect("a file");
    println!(
        "is-same-object: {} {}",
        one.is_same_object(&again),
        one.is_same_object(&two)
    );
    let hash = |value: &Descriptor| {
        let hash = value.metadata_hash().expect("a hash");
        (hash.lower, hash.upper)
    };
    println!(
        "metadata-hash: {} {}",
        hash(&one) == hash(&again),
        hash(&one) == hash(&two)
    );
    let at_hash = at.metadata_hash_at(NONE, "uno").expect("a hash");
    println!(
        "metadata-hash-at: {}",
        (at_hash.lower, at_hash.upper) == hash(&one)
    );
    at.stat_at(NONE, "two").expect("a file");
    at.rename_at("one", at, "two").expect("renamed");
    let at_hash = at.metadata_hash_at(NONE, "two").expect("a hash");
    println!(
        "metadata-hash-at of another file by then: {}",
        (at_hash.lower, at_hash.upper) == hash(&one)
    );
}
