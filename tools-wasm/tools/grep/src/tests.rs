use super::*;
use glovebox_kit::tool::Content;

fn call(files: &[(&str, &[u8])], pattern: &str, path: Option<&str>) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let base = std::fs::canonicalize(folder.path()).unwrap();
    for (name, bytes) in files {
        std::fs::create_dir_all(base.join(name).parent().unwrap()).unwrap();
        std::fs::write(base.join(name), bytes).unwrap();
    }
    let input = Input {
        pattern: pattern.into(),
        path: path.map(Into::into),
    };
    match grep(&Policy::new(base.clone(), Vec::new()), &input) {
        Ok(contents) => match &contents[..] {
            [Content::Text(text)] => Ok(text.replace(&format!("{}/", base.display()), "")),
            _ => panic!("one text"),
        },
        Err(Failure::InvalidInput(text)) => Err(text),
        Err(Failure::Failed(contents)) => Err(format!("{contents:?}")),
    }
}

#[test]
fn the_output_is_that_of_ripgrep() {
    let files: &[(&str, &[u8])] = &[
        ("b.txt", b"one\ntwo\r\nthree\n"),
        ("a/x.txt", b"two\n"),
        (".hidden", b"two\n"),
        ("bin", b"two\n\0two\n"),
        (".git/HEAD", b""),
        (".gitignore", b"*.log\n"),
        ("c.log", b"two\n"),
    ];
    let found = call(files, "tw[o]", None).unwrap();
    assert!(
        found.starts_with("a/x.txt:1:two\nb.txt:2:two\r\n"),
        "{found}"
    );
    assert!(
        !found.contains("hidden") && !found.contains("c.log"),
        "{found}"
    );
    assert_eq!(
        call(files, "^t", Some("b.txt")).unwrap(),
        "2:two\r\n3:three\n"
    );
    assert_eq!(call(files, "(?i)ONE$", Some("b.txt")).unwrap(), "1:one\n");
    assert_eq!(call(files, "four", None).unwrap(), "no matches");
    assert!(
        call(files, "two", Some("bin"))
            .unwrap()
            .contains("binary file matches")
    );
}

#[test]
fn long_output_is_cut() {
    let many = "päth\n".repeat(30_000);
    let found = call(&[("f", many.as_bytes())], "th", None).unwrap();
    assert!(found.ends_with("\n[output truncated at 102400 bytes]"));
    assert!(found.len() < 102_400 + 100);
    assert!(!found.contains('\u{fffd}'));
}

#[test]
fn bad_input_says_why() {
    let files: &[(&str, &[u8])] = &[("f", b"x")];
    assert!(
        call(files, "a(", None)
            .unwrap_err()
            .starts_with("grep: invalid regex: ")
    );
    assert!(
        call(files, "a\nb", None)
            .unwrap_err()
            .starts_with("grep: invalid regex: ")
    );
    assert!(
        call(files, "x", Some("../"))
            .unwrap_err()
            .contains("outside the session's working directory")
    );
    assert!(
        call(files, "x", Some("gone"))
            .unwrap_err()
            .contains("grep: gone: no such file or directory")
    );
}
