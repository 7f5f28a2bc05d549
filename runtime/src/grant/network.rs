//! Which hosts may be asked.

use std::fmt;

use super::HostPattern;

/// Which hosts may be asked over HTTP. Sockets are never available.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Network {
    /// None at all.
    #[default]
    None,
    /// Any host with a public address.
    Unrestricted,
    /// Only hosts that one of the patterns means.
    Limited {
        /// The patterns; empty means no host.
        hosts: Vec<HostPattern>,
    },
}

/// Why a request may not be made. Its text names the host and the policy: a model reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denial {
    pub(crate) host: String,
    pub(crate) reason: String,
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "network policy denies {}: {}",
            self.host, self.reason
        )
    }
}

impl Network {
    /// Whether `host` may be asked.
    pub fn check(&self, host: &str) -> Result<(), Denial> {
        let deny = |reason: &str| {
            Err(Denial {
                host: host.to_owned(),
                reason: reason.to_owned(),
            })
        };
        match self {
            Network::None => deny("this environment has no network"),
            Network::Unrestricted => Ok(()),
            Network::Limited { hosts } if hosts.iter().any(|pattern| pattern.matches(host)) => {
                Ok(())
            }
            Network::Limited { hosts } if hosts.is_empty() => {
                deny("networking is limited and allowed_hosts is empty")
            }
            Network::Limited { .. } => {
                deny("networking is limited and the host is not in allowed_hosts")
            }
        }
    }

    /// The network that both allow.
    pub fn narrow(&self, by: &Network) -> Network {
        match (self, by) {
            (Network::None, _) | (_, Network::None) => Network::None,
            (Network::Unrestricted, other) | (other, Network::Unrestricted) => other.clone(),
            (Network::Limited { hosts: a }, Network::Limited { hosts: b }) => {
                let mut hosts: Vec<HostPattern> = a
                    .iter()
                    .flat_map(|pattern| b.iter().filter_map(|other| pattern.narrow(other)))
                    .collect();
                hosts.sort();
                hosts.dedup();
                Network::Limited { hosts }
            }
        }
    }
}
