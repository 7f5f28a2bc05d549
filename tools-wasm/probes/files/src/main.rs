//! What Rust's standard library does with files, as a guest sees it.
//!
//! `check DIRECTORY` does each thing once there and says so; `errors DIRECTORY` prints what comes of what must fail;
//! `time DIRECTORY COUNT` measures, and prints nanoseconds an operation; `fill FILE` writes until it may not.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

fn main() -> io::Result<()> {
    glovebox_kit::start();
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match arguments[..] {
        ["check", directory] => check(Path::new(directory)),
        ["errors", directory] => errors(Path::new(directory)),
        ["time", directory, count] => time(Path::new(directory), count.parse().expect("a number")),
        ["fill", file] => fill(Path::new(file)),
        _ => panic!("check, errors, time or fill"),
    }
}

fn check(directory: &Path) -> io::Result<()> {
    let at = |name: &str| directory.join(name);
    fs::write(at("file"), "0123456789")?;
    assert_eq!(fs::read_to_string(at("file"))?, "0123456789");

    let mut file = OpenOptions::new().read(true).write(true).open(at("file"))?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"xyz")?;
    file.seek(SeekFrom::End(-5))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    assert_eq!(rest, "yz789");
    file.set_len(3)?;
    assert_eq!(file.metadata()?.len(), 3);
    file.set_len(5)?;
    assert_eq!(fs::read(at("file"))?, b"012\0\0");
    file.sync_all()?;
    file.sync_data()?;

    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(at("log"))?;
    let mut other = OpenOptions::new().append(true).open(at("log"))?;
    log.write_all(b"one\n")?;
    other.write_all(b"two\n")?;
    log.write_all(b"three\n")?;
    assert_eq!(fs::read_to_string(at("log"))?, "one\ntwo\nthree\n");

    let moment = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    file.set_times(FileTimes::new().set_modified(moment))?;
    assert_eq!(fs::metadata(at("file"))?.modified()?, moment);

    fs::create_dir_all(at("a/b/c"))?;
    for number in 0..300 {
        fs::write(at("a/b").join(number.to_string()), [b'x'; 100])?;
    }
    let mut names: Vec<_> = fs::read_dir(at("a/b"))?
        .map(|entry| {
            entry.map(|entry| {
                (
                    entry.file_name().into_string().unwrap(),
                    entry.file_type().unwrap().is_dir(),
                )
            })
        })
        .collect::<Result<_, _>>()?;
    names.sort();
    assert_eq!(names.len(), 301);
    assert_eq!(names[300], ("c".to_owned(), true));
    fs::rename(at("a/b"), at("moved"))?;
    assert!(!at("a/b").exists());
    assert_eq!(fs::metadata(at("moved/7"))?.len(), 100);
    fs::hard_link(at("moved/7"), at("linked"))?;
    assert_eq!(fs::copy(at("linked"), at("copied"))?, 100);
    fs::rename(at("copied"), at("linked"))?;
    fs::remove_dir_all(at("moved"))?;
    assert_eq!(fs::read(at("linked"))?.len(), 100);

    let large: Vec<u8> = (0..3_000_000u32)
        .map(|number| (number % 251) as u8)
        .collect();
    fs::write(at("large"), &large)?;
    assert!(fs::read(at("large"))? == large);
    fs::remove_file(at("large"))?;

    assert_eq!(fs::read("/dev/null")?, b"");
    fs::write("/dev/null", "gone")?;
    let mut zeros = [1; 10];
    File::open("/dev/zero")?.read_exact(&mut zeros)?;
    assert_eq!(zeros, [0; 10]);
    println!("all is well");
    Ok(())
}

fn errors(directory: &Path) -> io::Result<()> {
    let at = |name: &str| directory.join(name);
    fs::write(at("file"), "x")?;
    fs::create_dir_all(at("full/inner"))?;
    let mut file = File::open(at("file"))?;
    let shown: [(&str, io::Result<()>); 13] = [
        ("read what is missing", fs::read(at("missing")).map(drop)),
        ("read a directory", fs::read(at("full")).map(drop)),
        ("write a directory", fs::write(at("full"), "")),
        (
            "create what is there",
            File::create_new(at("file")).map(drop),
        ),
        (
            "create a directory that is there",
            fs::create_dir(at("full")),
        ),
        ("create below a file", fs::write(at("file/below"), "")),
        ("write to what was opened to read", file.write_all(b"x")),
        ("remove a full directory", fs::remove_dir(at("full"))),
        ("remove a directory as a file", fs::remove_file(at("full"))),
        ("remove a file as a directory", fs::remove_dir(at("file"))),
        (
            "rename what is missing",
            fs::rename(at("missing"), at("new")),
        ),
        ("write in the root", fs::write("/new", "")),
        ("write to /dev/full", fs::write("/dev/full", "x")),
    ];
    for (what, result) in shown {
        match result {
            Ok(()) => println!("{what}: allowed"),
            Err(error) => println!("{what}: {}", name(&error)),
        }
    }
    Ok(())
}

/// The name of what the standard library has no kind for.
fn name(error: &io::Error) -> String {
    // The C library's numbers on WASI.
    match error.raw_os_error() {
        Some(8) => "EBADF".to_owned(),
        Some(29) => "EIO".to_owned(),
        Some(55) => "ENOTEMPTY".to_owned(),
        _ => format!("{:?}", error.kind()),
    }
}

fn fill(file: &Path) -> io::Result<()> {
    let mut file = File::create(file)?;
    let chunk = vec![b'x'; 64 << 10];
    loop {
        if let Err(error) = file.write_all(&chunk) {
            println!("{} bytes, then {}", file.metadata()?.len(), name(&error));
            return Ok(());
        }
    }
}

fn time(directory: &Path, count: u32) -> io::Result<()> {
    let path = directory.join("timed");
    fs::write(&path, [b'x'; 1024])?;
    let mut buffer = [0; 1024];
    measure("stat", count, || fs::metadata(&path).map(drop))?;
    measure("open and close", count, || File::open(&path).map(drop))?;
    measure("open, read 1 KiB, close", count, || {
        File::open(&path)?.read_exact(&mut buffer)
    })?;
    measure("create, write 1 KiB, close", count, || {
        File::create(&path)?.write_all(&[b'y'; 1024])
    })?;
    measure("list of 10 entries", count / 10, || {
        fs::read_dir("/usr").map(|entries| assert!(entries.count() > 0))
    })?;
    let large = vec![b'z'; 16 << 20];
    measure("write 16 MiB", 4, || fs::write(&path, &large))?;
    measure("read 16 MiB", 4, || fs::read(&path).map(drop))?;
    fs::remove_file(&path)
}

fn measure(what: &str, count: u32, mut act: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let start = Instant::now();
    for _ in 0..count {
        act()?;
    }
    println!(
        "{what}: {}",
        start.elapsed().as_nanos() / u128::from(count.max(1))
    );
    Ok(())
}
