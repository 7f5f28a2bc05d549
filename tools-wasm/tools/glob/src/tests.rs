use super::*;
use glovebox_kit::tool::Content;
use std::os::unix::fs::symlink;
use std::time::Duration;

/// Files are made one second apart, in the order given.
fn tree(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let base = std::fs::canonicalize(folder.path()).unwrap().join("work");
    std::fs::create_dir(&base).unwrap();
    for (age, file) in files.iter().enumerate() {
        let path = base.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + age as u64);
        std::fs::File::open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
    (folder, base)
}

fn call(base: &Path, pattern: &str, path: Option<&str>) -> Result<Vec<String>, String> {
    let input = Input {
        pattern: pattern.into(),
        path: path.map(Into::into),
    };
    match glob(&Policy::new(base.to_owned(), Vec::new()), &input) {
        Ok(contents) => match &contents[..] {
            [Content::Text(text)] => {
                let prefix = format!("{}/", base.display());
                Ok(text
                    .lines()
                    .map(|line| line.strip_prefix(&prefix).unwrap_or(line).to_owned())
                    .collect())
            }
            _ => panic!("one text"),
        },
        Err(Failure::InvalidInput(text)) => Err(text),
        Err(Failure::Failed(contents)) => Err(format!("{contents:?}")),
    }
}

#[test]
fn newest_first() {
    let (_folder, base) = tree(&[
        "b.rs",
        "a.rs",
        "src/c.rs",
        "src/deep/d.rs",
        ".e.rs",
        "f.txt",
    ]);
    assert_eq!(
        call(&base, "*.rs", None).unwrap(),
        [".e.rs", "a.rs", "b.rs"]
    );
    assert_eq!(
        call(&base, "**/*.rs", None).unwrap(),
        [".e.rs", "src/deep/d.rs", "src/c.rs", "a.rs", "b.rs"]
    );
    assert_eq!(
        call(&base, "src/**/*.rs", None).unwrap(),
        ["src/deep/d.rs", "src/c.rs"]
    );
    assert_eq!(
        call(&base, "**/{a,d}.*", None).unwrap(),
        ["src/deep/d.rs", "a.rs"]
    );
    assert_eq!(call(&base, "*.rs", Some("src")).unwrap(), ["src/c.rs"]);
    assert_eq!(call(&base, "*.py", None).unwrap(), ["no matches"]);
    let mut all = call(&base, "src/**", None).unwrap();
    all.sort();
    assert_eq!(all, ["src", "src/c.rs", "src/deep", "src/deep/d.rs"]);
    assert!(
        !call(&base, "**", None)
            .unwrap()
            .contains(&base.display().to_string())
    );
    assert_eq!(call(&base, "s?c", None).unwrap(), ["src"]);
}

#[test]
fn at_most_two_hundred() {
    let names: Vec<String> = (0..230).map(|number| format!("{number}.x")).collect();
    let (_folder, base) = tree(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let lines = call(&base, "*.x", None).unwrap();
    assert_eq!(
        (lines.len(), lines[0].as_str(), lines[199].as_str()),
        (200, "229.x", "30.x")
    );
}

#[test]
fn symlinks_do_not_lead_out() {
    let (_folder, base) = tree(&["in/a", "../outside/secret"]);
    symlink("../outside", base.join("out")).unwrap();
    symlink("in", base.join("link")).unwrap();
    symlink("loop", base.join("loop")).unwrap();
    symlink("..", base.join("in/up")).unwrap();
    assert_eq!(call(&base, "*/secret", None).unwrap(), ["no matches"]);
    assert_eq!(call(&base, "out/*", None).unwrap(), ["no matches"]);
    assert_eq!(call(&base, "link/a", None).unwrap(), ["link/a"]);
    assert_eq!(call(&base, "loop", None).unwrap(), ["no matches"]);
    assert_eq!(
        call(&base, "**/a", None).unwrap(),
        ["in/a"],
        "** does not follow symlinks"
    );
    assert!(
        call(&base, "*", Some("out"))
            .unwrap_err()
            .contains("outside the session's working directory")
    );
    assert!(
        call(&base, "/etc/*", None)
            .unwrap_err()
            .contains("absolute pattern")
    );
    assert!(
        call(&base, "../*", None)
            .unwrap_err()
            .contains("'..' is not permitted")
    );
    assert!(
        call(&base, "*", Some("gone"))
            .unwrap_err()
            .contains("glob: gone: no such file or directory")
    );
}
