//! The file of cases: `cases.toml`.

use std::collections::BTreeMap;

use anyhow::Context;
use glovebox_runtime::{HostPattern, Secret};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// One call, and what is expected of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// The tool's input.
    #[serde(default = "no_fields")]
    pub(super) input: Value,
    /// What lies in the workspace before, by path.
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
    /// What the tool is granted, as in an agent's entry; all it wishes for when not given.
    pub(super) grants: Option<Value>,
    #[serde(default)]
    secrets: BTreeMap<String, WrittenSecret>,
    #[serde(default)]
    pub(super) expect: Expect,
}

fn no_fields() -> Value {
    Value::Object(serde_json::Map::new())
}

/// A secret's value, or the environment variable that has it, and the hosts it may be sent to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSecret {
    value: Option<String>,
    env: Option<String>,
    hosts: Vec<String>,
}

/// What is expected; everything that is given has to be so.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    /// Whether the result is an error.
    pub(super) is_error: bool,
    /// All text of the answer.
    pub(super) text: Option<String>,
    /// Parts of it.
    pub(super) contains: Vec<String>,
    /// A regular expression that has to be found in it.
    pub(super) matches: Option<String>,
    /// The text is JSON that has at least this.
    pub(super) json: Option<Value>,
    /// There is an image or a document of this type.
    pub(super) media_type: Option<String>,
    /// Files of the workspace afterwards.
    pub(super) files: BTreeMap<String, String>,
}

/// Reads the file. Unknown keys are refused.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Case>> {
    let file: File = toml::from_str(text)?;
    for case in &file.case {
        if let Some(pattern) = &case.expect.matches {
            regex::Regex::new(pattern)
                .with_context(|| format!("case {:?}: expect.matches", case.name))?;
        }
    }
    Ok(file.case)
}

impl Case {
    /// The secrets that its call can use.
    pub(super) fn secrets(&self) -> anyhow::Result<BTreeMap<String, Secret>> {
        let secret = |(name, written): (&String, &WrittenSecret)| {
            let value = match (&written.value, &written.env) {
                (Some(value), None) => value.clone(),
                (None, Some(variable)) => std::env::var(variable)
                    .with_context(|| format!("secret {name}: {variable} cannot be read"))?,
                _ => anyhow::bail!("secret {name} has to have either a value or an env"),
            };
            let hosts = written.hosts.iter().map(|host| host.parse::<HostPattern>());
            let hosts = hosts
                .collect::<Result<_, _>>()
                .with_context(|| format!("secret {name}"))?;
            Ok((name.clone(), Secret::new(value, hosts)))
        };
        self.secrets.iter().map(secret).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_with_everything() {
        let text = r#"
[[case]]
name = "all"
input = { path = "a", deep = { list = [1, 2.5] } }
files = { "a/b.txt" = "x" }
grants = { hosts = ["a.org"] }
secrets.KEY = { value = "v", hosts = ["a.org"] }
[case.expect]
is_error = true
text = "t"
contains = ["c"]
matches = "^m"
json = { a = 1 }
media_type = "image/png"
files = { "out.txt" = "y" }

[[case]]
name = "nothing"
"#;
        let cases = parse(text).unwrap();
        assert_eq!(cases[0].input["deep"]["list"][1], 2.5);
        assert_eq!(cases[0].secrets().unwrap()["KEY"].hosts().len(), 1);
        assert_eq!(cases[1].input, no_fields());
        assert!(!cases[1].expect.is_error);
        for wrong in [
            "[[case]]\nnam = \"x\"",
            "[[case]]\nname = \"x\"\nexpect.txt = \"\"",
            "[[case]]\nname = \"x\"\nexpect.matches = \"(\"",
            "[[cases]]\nname = \"x\"",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
