//! Secrets: what a tool may use and never sees.

use std::fmt;

use super::HostPattern;

/// A secret of the operator's, and the hosts it is meant for.
///
/// It never enters a sandbox. A tool gets a stand-in, and the host puts the secret in its place in the header of a request
/// to one of `hosts`. It shows in neither `Debug` nor anything serialised.
#[derive(Clone)]
pub struct Secret {
    value: String,
    hosts: Vec<HostPattern>,
}

impl Secret {
    /// A secret for some hosts; for none it is of no use.
    pub fn new(value: impl Into<String>, hosts: Vec<HostPattern>) -> Secret {
        Secret {
            value: value.into(),
            hosts,
        }
    }

    /// The hosts it is meant for.
    pub fn hosts(&self) -> &[HostPattern] {
        &self.hosts
    }

    /// Whether it may be sent to `host`.
    pub fn is_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| pattern.matches(host))
    }

    /// What is never to be shown.
    pub(crate) fn reveal(&self) -> &str {
        &self.value
    }

    /// The same secret for the hosts of both; none if it is another one.
    #[must_use]
    pub fn narrow(&self, by: &Secret) -> Option<Secret> {
        (self.value == by.value).then(|| Secret {
            value: self.value.clone(),
            hosts: self
                .hosts
                .iter()
                .flat_map(|pattern| by.hosts.iter().filter_map(|other| pattern.narrow(other)))
                .collect(),
        })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Secret")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(value: &str, hosts: &[&str]) -> Secret {
        Secret::new(
            value,
            hosts.iter().map(|host| host.parse().unwrap()).collect(),
        )
    }

    #[test]
    fn it_does_not_show() {
        let shown = format!("{:?}", secret("hush", &["a.org"]));
        assert!(
            shown.contains("a.org") && !shown.contains("hush"),
            "{shown}"
        );
    }

    #[test]
    fn it_narrows_to_the_hosts_of_both() {
        let both = secret("x", &["*.a.org", "b.org"]).narrow(&secret("x", &["c.a.org"]));
        let both = both.unwrap();
        assert!(both.is_for("c.a.org") && !both.is_for("d.a.org") && !both.is_for("b.org"));
        let other = secret("x", &["a.org"]).narrow(&secret("y", &["a.org"]));
        assert!(other.is_none());
    }
}
