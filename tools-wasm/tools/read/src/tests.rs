use super::*;

fn call(files: &[(&str, &[u8])], path: &str, range: Option<Vec<i64>>) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let base = std::fs::canonicalize(folder.path()).unwrap();
    for (name, bytes) in files {
        std::fs::write(base.join(name), bytes).unwrap();
    }
    let policy = Policy::new(base, Vec::new());
    match read(
        &policy,
        Input {
            file_path: path.into(),
            view_range: range,
        },
    ) {
        Ok(contents) => Ok(match &contents[..] {
            [Content::Text(text)] => text.clone(),
            [Content::Image(blob)] | [Content::Document(blob)] => {
                format!("{} of {} bytes", blob.media_type, blob.data.len())
            }
            _ => panic!("one block"),
        }),
        Err(Failure::InvalidInput(text)) => Err(text),
        Err(Failure::Failed(contents)) => match &contents[..] {
            [Content::Text(text)] => Err(text.clone()),
            _ => panic!("one text"),
        },
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";

#[test]
fn text_is_returned_as_it_is() {
    let files: &[(&str, &[u8])] = &[("a.txt", b"one\r\ntwo\n\xc3\xa4\n"), ("empty", b"")];
    assert_eq!(call(files, "a.txt", None).unwrap(), "one\r\ntwo\nä\n");
    assert_eq!(
        call(files, "./x/../a.txt", Some(vec![2, 2])).unwrap(),
        "two"
    );
    assert_eq!(
        call(files, "a.txt", Some(vec![])).unwrap(),
        "one\r\ntwo\nä\n"
    );
    assert_eq!(call(files, "empty", None).unwrap(), "");
}

#[test]
fn what_cannot_be_read_says_why() {
    let big = vec![b'x'; 262_145];
    let files: &[(&str, &[u8])] = &[
        ("bin", b"\xff\xfe\0"),
        ("big", &big),
        ("a.png", b"no image"),
        ("b.png", PNG),
    ];
    for (path, range, error) in [
        ("gone", None, "read: gone: no such file or directory"),
        ("bin/x", None, "read: path 'bin/x': not a directory"),
        (".", None, "read: .: not a regular file"),
        (
            "bin",
            None,
            "read: bin: not valid UTF-8 text (binary files are only supported for image/PDF extensions)",
        ),
        (
            "bin",
            Some(vec![1, 2]),
            "read: bin: not valid UTF-8 text (binary files are only supported for image/PDF extensions)",
        ),
        (
            "big",
            None,
            "read: big is 262145 bytes, exceeds 262144-byte limit. Use the view_range parameter to read specific line ranges, e.g. view_range: [1, 500].",
        ),
        (
            "big",
            Some(vec![1, 1]),
            "read: line 1 of big alone exceeds 262144-byte limit. The read tool cannot return part of a line, so view_range cannot narrow this further.",
        ),
        (
            "bin",
            Some(vec![1]),
            "read: view_range must be [start_line, end_line]",
        ),
        (
            "a.png",
            None,
            "read: a.png: its name says image/png, but its content is not",
        ),
        (
            "b.png",
            Some(vec![1, 2]),
            "read: view_range is not supported for image/PDF files",
        ),
    ] {
        assert_eq!(call(files, path, range).unwrap_err(), error);
    }
    assert!(
        call(files, "../x", None)
            .unwrap_err()
            .starts_with("read: path '../x' is outside the session's working directory")
    );
}

#[test]
fn images_and_documents_are_blocks() {
    let mut huge = PNG.to_vec();
    huge.resize(3_932_161, 0);
    let files: &[(&str, &[u8])] = &[
        ("a.PNG", PNG),
        ("really.jpg", PNG),
        ("p.pdf", b"\n%PDF-1.7"),
        ("huge.png", &huge),
    ];
    assert_eq!(call(files, "a.PNG", None).unwrap(), "image/png of 12 bytes");
    assert_eq!(
        call(files, "really.jpg", None).unwrap(),
        "image/png of 12 bytes"
    );
    assert_eq!(
        call(files, "p.pdf", None).unwrap(),
        "application/pdf of 9 bytes"
    );
    assert_eq!(
        call(files, "huge.png", None).unwrap_err(),
        "read: huge.png is 3932161 bytes, exceeds 3932160-byte limit for image/PDF files."
    );
}
