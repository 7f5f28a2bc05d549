//! Host patterns: `example.com`, `*.example.com`.

use std::fmt;
use std::str::FromStr;

/// Which hosts an entry of `allowed_hosts` means.
///
/// A bare name means exactly that host; `*.example.com` means every host below `example.com`, at any depth, and not
/// `example.com` itself. Names compare without case and without a trailing dot. No scheme, port or path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern {
    /// Lower case, without trailing dot; the part after `*.` for a wildcard.
    name: String,
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Scope {
    Exactly,
    Below,
}

/// Why a text is no host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// The text is empty.
    #[error("host is empty")]
    Empty,
    /// The text has a part that does not belong.
    #[error(
        "host {0:?} must be a bare host name or `*.` and a host name, without scheme, port or path"
    )]
    NotAHost(String),
}

impl HostPattern {
    /// Whether `host` is meant. `host` is a name or an address as it stands in a URL, without port.
    pub fn matches(&self, host: &str) -> bool {
        let host = normalize(host);
        match self.scope {
            Scope::Exactly => host == self.name,
            Scope::Below => is_below(&host, &self.name),
        }
    }

    /// The pattern for the hosts that both mean, if there can be any.
    pub fn narrow(&self, by: &HostPattern) -> Option<HostPattern> {
        match (self.scope, by.scope) {
            (Scope::Exactly, _) => by.matches(&self.name).then(|| self.clone()),
            (Scope::Below, Scope::Exactly) => self.matches(&by.name).then(|| by.clone()),
            (Scope::Below, Scope::Below)
                if self.name == by.name || is_below(&self.name, &by.name) =>
            {
                Some(self.clone())
            }
            (Scope::Below, Scope::Below) => is_below(&by.name, &self.name).then(|| by.clone()),
        }
    }
}

fn normalize(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|rest| !rest.is_empty())
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(HostPatternError::Empty);
        }
        let (scope, name) = match text.strip_prefix("*.") {
            Some(rest) => (Scope::Below, rest),
            None => (Scope::Exactly, text),
        };
        let name = normalize(name);
        let address = scope == Scope::Exactly
            && name
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok());
        let label_is_fine = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if !address && (name.len() > 253 || !name.split('.').all(label_is_fine)) {
            return Err(HostPatternError::NotAHost(text.to_owned()));
        }
        Ok(HostPattern { name, scope })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Scope::Exactly => formatter.write_str(&self.name),
            Scope::Below => write!(formatter, "*.{}", self.name),
        }
    }
}
