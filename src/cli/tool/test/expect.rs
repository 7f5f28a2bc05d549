//! Whether an answer is the expected one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cases::Expect;

/// How much of an answer is shown.
const SHOWN_CHARACTERS: usize = 1000;

/// What is wrong with an answer; nothing when it is as expected.
pub(super) fn check(
    expect: &Expect,
    content: &[Value],
    is_error: bool,
    files: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let text = content
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let mut wrong = Vec::new();
    if is_error != expect.is_error {
        wrong.push(match is_error {
            true => "it is an error, and none was expected".to_owned(),
            false => "it is no error, and one was expected".to_owned(),
        });
    }
    if let Some(expected) = &expect.text
        && *expected != text
    {
        wrong.push(format!("expected the text {}", shown(expected)));
    }
    for part in &expect.contains {
        if !text.contains(part.as_str()) {
            wrong.push(format!("expected it to contain {part:?}"));
        }
    }
    if let Some(pattern) = &expect.matches
        && !regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&text))
    {
        wrong.push(format!("expected it to match {pattern}"));
    }
    if let Some(expected) = &expect.json {
        match serde_json::from_str::<Value>(&text) {
            Err(error) => wrong.push(format!("expected JSON: {error}")),
            Ok(found) => {
                if let Some(place) = lacks(&found, expected, "") {
                    wrong.push(format!(
                        "expected JSON with {expected}; it differs at {place}"
                    ));
                }
            }
        }
    }
    if let Some(expected) = &expect.media_type {
        let types: Vec<&str> = content
            .iter()
            .filter_map(|block| block["source"]["media_type"].as_str())
            .collect();
        if !types.contains(&expected.as_str()) {
            wrong.push(format!("expected {expected}; it has {types:?}"));
        }
    }
    let answer_is_wrong = !wrong.is_empty();
    for (path, expected) in &expect.files {
        match files.get(path.trim_start_matches("/workspace/")) {
            None => wrong.push(format!("expected the file {path}")),
            Some(found) if found != expected.as_bytes() => wrong.push(format!(
                "expected {path} to be {}; it is {}",
                shown(expected),
                shown(&String::from_utf8_lossy(found))
            )),
            Some(_) => {}
        }
    }
    if answer_is_wrong {
        wrong.push(format!("the answer is {}", shown(&text)));
    }
    wrong
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Where `found` does not have what is expected. An object may have more fields; everything else has to be equal.
fn lacks(found: &Value, expected: &Value, at: &str) -> Option<String> {
    let here = || {
        if at.is_empty() {
            "its root".to_owned()
        } else {
            at.to_owned()
        }
    };
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().find_map(|(name, expected)| {
                let at = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                match found.get(name) {
                    Some(found) => lacks(found, expected, &at),
                    None => Some(at),
                }
            })
        }
        (Value::Array(found), Value::Array(expected)) => {
            if found.len() != expected.len() {
                return Some(here());
            }
            let mut pairs = found.iter().zip(expected).enumerate();
            pairs.find_map(|(index, (found, expected))| {
                lacks(found, expected, &format!("{at}[{index}]"))
            })
        }
        // TOML writes 1.0 where JSON may have 1.
        (Value::Number(found), Value::Number(expected)) => {
            let same = found == expected || found.as_f64() == expected.as_f64();
            (!same).then(here)
        }
        (found, expected) => (found != expected).then(here),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(expect: &Value, content: &Value, is_error: bool) -> Vec<String> {
        let expect: Expect = serde_json::from_value(expect.clone()).unwrap();
        let files = BTreeMap::from([("a.txt".to_owned(), b"x".to_vec())]);
        check(&expect, content.as_array().unwrap(), is_error, &files)
    }

    #[test]
    fn answers_are_compared() {
        let text =
            json!([{"type": "text", "text": "{\"a\": 1, \"b\": [1.0, {\"c\": 2, \"d\": 3}]}"}]);
        let image = json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}]);
        for (expect, content, is_error, fine) in [
            (json!({}), &text, false, true),
            (json!({}), &text, true, false),
            (json!({"is_error": true}), &text, true, true),
            (json!({"contains": ["\"a\"", "c"]}), &text, false, true),
            (json!({"contains": ["z"]}), &text, false, false),
            (json!({"matches": "\"a\": \\d"}), &text, false, true),
            (json!({"matches": "^a"}), &text, false, false),
            (json!({"text": "{"}), &text, false, false),
            (json!({"json": {"a": 1}}), &text, false, true),
            (json!({"json": {"b": [1, {"c": 2}]}}), &text, false, true),
            (json!({"json": {"b": [1]}}), &text, false, false),
            (json!({"json": {"b": [1, {"c": 3}]}}), &text, false, false),
            (json!({"json": {"z": 1}}), &text, false, false),
            (json!({"json": {}}), &image, false, false),
            (json!({"media_type": "image/png"}), &image, false, true),
            (json!({"media_type": "image/png"}), &text, false, false),
            (json!({"files": {"a.txt": "x"}}), &text, false, true),
            (json!({"files": {"a.txt": "y"}}), &text, false, false),
            (json!({"files": {"b.txt": "x"}}), &text, false, false),
        ] {
            let found = wrong(&expect, content, is_error);
            assert_eq!(found.is_empty(), fine, "{expect}: {found:?}");
        }
        let found = wrong(&json!({"json": {"b": [1, {"c": 3}]}}), &text, false);
        assert!(found[0].ends_with("differs at b[1].c"), "{found:?}");
    }
}
