//! `[secrets.NAME]`: what the operator lets tools use and never see.
//!
//! A value is read when the server starts and is in no log, no error and no answer of the API.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use glovebox_runtime::{HostPattern, Secret};
use serde::{Deserialize, Deserializer};

use crate::agent::hands::{Secrets, WorkspaceSecret};

/// Bytes of a secret. Headers of requests are not larger.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// One section. Exactly one of `value`, `env` and `file` says what the secret is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretConfig {
    /// The hosts that it is meant for: `api.example.com`, `*.example.com`.
    pub hosts: Vec<String>,
    /// The secret itself. Prefer one of the others.
    pub value: Option<Hidden>,
    /// The environment variable that holds it.
    pub env: Option<String>,
    /// The file that holds it. White space at its end does not count.
    pub file: Option<PathBuf>,
    /// The workspace whose tools may use it. Default: all.
    pub workspace: Option<String>,
}

/// A text that does not show.
#[derive(Clone, PartialEq)]
pub struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("...")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde's own complaint would quote a value of another type.
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Hidden(text)),
            _ => Err(serde::de::Error::custom("`value` must be a string")),
        }
    }
}

/// Why a secret cannot be used. Never says what it is.
#[derive(Debug, thiserror::Error)]
#[error("[secrets.{name}]: {problem}")]
pub struct SecretError {
    /// Which.
    pub name: String,
    /// What is wrong.
    pub problem: String,
    /// Why, when a file cannot be read.
    #[source]
    pub source: Option<std::io::Error>,
}

/// Reads what the sections name. Blocking.
pub fn read(sections: &BTreeMap<String, SecretConfig>) -> Result<Secrets, SecretError> {
    let mut secrets = BTreeMap::new();
    for (name, section) in sections {
        let secret = section.read().map_err(|(problem, source)| SecretError {
            name: name.clone(),
            problem,
            source,
        })?;
        secrets.insert(name.clone(), secret);
    }
    Ok(Secrets::new(secrets))
}

impl SecretConfig {
    fn read(&self) -> Result<WorkspaceSecret, (String, Option<std::io::Error>)> {
        let refuse = |problem: String| (problem, None);
        let value = match (&self.value, &self.env, &self.file) {
            (Some(Hidden(value)), None, None) => value.clone(),
            (None, Some(variable), None) => std::env::var(variable)
                .map_err(|_| refuse(format!("the variable {variable} is not set")))?,
            (None, None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|source| {
                    let problem = format!("{} cannot be read", path.display());
                    (problem, Some(source))
                })?;
                text.trim_end().to_owned()
            }
            _ => {
                let problem = "exactly one of `value`, `env` and `file` must be given";
                return Err(refuse(problem.to_owned()));
            }
        };
        // What is no header's value would make every request with it fail.
        let fits = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
        if value.is_empty() || value.len() > VALUE_BYTES_MAX || !value.bytes().all(fits) {
            let problem = format!("is not 1 to {VALUE_BYTES_MAX} printable ASCII characters");
            return Err(refuse(problem));
        }
        if self.hosts.is_empty() {
            return Err(refuse(
                "`hosts` is empty: it could be sent nowhere".to_owned(),
            ));
        }
        let hosts: Result<Vec<HostPattern>, _> =
            self.hosts.iter().map(|host| host.parse()).collect();
        let hosts = hosts.map_err(|error| refuse(format!("`hosts`: {error}")))?;
        Ok(WorkspaceSecret {
            workspace: self.workspace.clone(),
            secret: Secret::new(value, hosts),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Result<SecretConfig, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    fn problem(text: &str) -> String {
        let sections = BTreeMap::from([("KEY".to_owned(), section(text).unwrap())]);
        read(&sections).unwrap_err().to_string()
    }

    #[test]
    fn a_secret_is_read_from_where_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hush-hush\n").unwrap();
        let path = file.path().to_str().unwrap();
        let home = std::env::var("PATH").unwrap();
        for (source, expected) in [
            ("value = 'hush-hush'", "hush-hush"),
            (&format!("file = '{path}'"), "hush-hush"),
            ("env = 'PATH'", &home),
        ] {
            let section = section(&format!("hosts = ['a.org', '*.b.org']\n{source}")).unwrap();
            let read = section.read().unwrap();
            let hosts = vec!["a.org".parse().unwrap(), "*.b.org".parse().unwrap()];
            let same = Secret::new(expected, hosts).narrow(&read.secret);
            assert!(same.is_some(), "{source}");
        }
    }

    #[test]
    fn refusals_name_the_secret_and_never_show_it() {
        let hosts = "hosts = ['a.org']";
        for (text, words) in [
            (hosts.to_owned(), "exactly one"),
            (
                format!("{hosts}\nvalue = 'hush'\nenv = 'HUSH'"),
                "exactly one",
            ),
            (
                format!("{hosts}\nenv = 'NO_SUCH_VARIABLE'"),
                "NO_SUCH_VARIABLE",
            ),
            (format!("{hosts}\nfile = '/no/such/file'"), "/no/such/file"),
            (format!("{hosts}\nvalue = ''"), "characters"),
            (format!("{hosts}\nvalue = \"hush\\nhush\""), "characters"),
            ("hosts = []\nvalue = 'hush'".to_owned(), "hosts"),
            (
                "hosts = ['https://a.org']\nvalue = 'hush'".to_owned(),
                "hosts",
            ),
        ] {
            let problem = problem(&text);
            assert!(
                problem.starts_with("[secrets.KEY]") && problem.contains(words),
                "{problem}"
            );
            assert!(!problem.contains("hush"), "{problem}");
        }
    }

    #[test]
    fn values_do_not_show() {
        let shown = format!("{:?}", section("hosts = []\nvalue = 'hush'").unwrap());
        assert!(!shown.contains("hush"), "{shown}");
        let error = section("hosts = []\nvalue = 12345").unwrap_err();
        assert!(!error.contains("12345"), "{error}");
    }
}
