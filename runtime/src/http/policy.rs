//! What a sandbox's requests may do, and why one was refused.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Host, Url};

use super::address::is_public;
use super::secrets::StandIns;
use crate::grant::{Denial, Grant, Network};

/// A sandbox's, or that of one call, shared by its processes.
#[derive(Debug)]
pub(crate) struct Policy {
    network: Network,
    /// What the call's allowance says.
    call: Network,
    stand_ins: StandIns,
    pub(super) private_addresses: bool,
    pub(super) body_bytes_max: u64,
    pub(super) time_max: Duration,
    in_flight: Arc<Semaphore>,
    in_flight_max: u32,
}

/// Which addresses may be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Public,
    Any,
    /// Only those that are not public.
    Private,
}

impl Reach {
    pub(super) fn allows(self, address: IpAddr) -> bool {
        match self {
            Reach::Public => is_public(address),
            Reach::Any => true,
            Reach::Private => !is_public(address),
        }
    }
}

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("network policy denies {host}: {address} is not a public address")]
    Prohibited { host: String, address: IpAddr },
    #[error("secret {name} is not sent to {host}: {reason}")]
    Secret {
        name: String,
        host: String,
        reason: String,
    },
    #[error("limit of {0} concurrent HTTP requests exceeded")]
    TooMany(u32),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}: no such host")]
    NotFound(String),
    #[error("{host}: cannot connect: {reason}")]
    Connect { host: String, reason: String },
    #[error("{0}: timed out")]
    TimedOut(String),
    #[error("the response is larger than {0} bytes")]
    TooLarge(u64),
    #[error("{host}: {reason}")]
    Broken { host: String, reason: String },
}

impl Refusal {
    pub(super) fn in_the_clear(name: String, host: String) -> Refusal {
        Refusal::Secret {
            name,
            host,
            reason: "it is only sent over https".to_owned(),
        }
    }
}

impl Policy {
    /// Nothing that the grant does not say.
    pub(crate) fn of(grant: &Grant) -> Arc<Policy> {
        let limits = &grant.limits;
        Arc::new(Policy {
            network: grant.network.clone(),
            call: Network::Unrestricted,
            stand_ins: StandIns::default(),
            private_addresses: grant.private_addresses,
            body_bytes_max: limits.http_body_bytes_max,
            time_max: limits.http_time_max,
            in_flight: Arc::new(Semaphore::new(limits.http_requests_max as usize)),
            in_flight_max: limits.http_requests_max,
        })
    }

    /// That of a call, which shares the sandbox's places in flight.
    pub(crate) fn narrow(&self, call: Network, stand_ins: StandIns) -> Policy {
        Policy {
            network: self.network.clone(),
            call,
            stand_ins,
            in_flight: Arc::clone(&self.in_flight),
            ..*self
        }
    }

    /// The stand-ins of the call's secrets.
    pub(crate) fn stand_ins(&self) -> &StandIns {
        &self.stand_ins
    }

    /// Whether a request to `url` may be made, as far as its text tells. Names are checked again when they are resolved.
    pub(super) fn check(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Invalid(format!(
                "{}: only http and https are possible",
                url.scheme()
            )));
        }
        let host = url
            .host()
            .ok_or_else(|| Refusal::Invalid("the URL has no host".to_owned()))?;
        // Of the parsed URL: in it `0x7f.1` is already `127.0.0.1`.
        let name = host.to_string();
        let plain_name = name.trim_end_matches('.');
        self.network.check(plain_name)?;
        self.call.check(plain_name).map_err(|_| Denial {
            host: plain_name.to_owned(),
            reason: "this tool was not granted the host".to_owned(),
        })?;
        match host {
            Host::Ipv4(address) => self.check_address(&name, address.into()),
            Host::Ipv6(address) => self.check_address(&name, address.into()),
            Host::Domain(_) => Ok(()),
        }
    }

    fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Refusal> {
        if self.private_addresses || is_public(address) {
            return Ok(());
        }
        Err(Refusal::Prohibited {
            host: host.to_owned(),
            address,
        })
    }

    /// The addresses that a request may be sent to, `secret` being the name of one that is in it. What is not encrypted does
    /// not take a secret to a public address.
    pub(super) fn reach(&self, url: &Url, secret: Option<&str>) -> Result<Reach, Refusal> {
        let Some(secret) = secret.filter(|_| url.scheme() != "https") else {
            return Ok(if self.private_addresses {
                Reach::Any
            } else {
                Reach::Public
            });
        };
        let public = match url.host() {
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            Some(Host::Domain(_)) | None => false,
        };
        if public || !self.private_addresses {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Err(Refusal::in_the_clear(secret.to_owned(), host));
        }
        Ok(Reach::Private)
    }

    /// A place among the requests in flight, until it is dropped.
    pub(super) fn enter(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.in_flight)
            .try_acquire_owned()
            .map_err(|_| Refusal::TooMany(self.in_flight_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: Network, private_addresses: bool, url: &str) -> Result<(), String> {
        let grant = Grant {
            network,
            private_addresses,
            ..Grant::default()
        };
        Policy::of(&grant)
            .check(&Url::parse(url).unwrap())
            .map_err(|refusal| refusal.to_string())
    }

    fn limited(host: &str) -> Network {
        Network::Limited {
            hosts: vec![host.parse().unwrap()],
        }
    }

    #[test]
    fn hosts_are_checked_by_name() {
        assert!(check(limited("a.org"), false, "https://a.org/x").is_ok());
        assert!(check(limited("a.org"), false, "https://A.org./x").is_ok());
        assert!(check(Network::Unrestricted, false, "http://a.org:8080/").is_ok());
        for (network, url) in [
            (limited("a.org"), "https://b.org/"),
            (limited("a.org"), "https://a.org@b.org/"),
            (limited("a.org"), "https://a.org.b.org/"),
            (Network::None, "https://a.org/"),
        ] {
            let error = check(network, false, url).unwrap_err();
            assert!(error.contains("network policy denies"), "{url}: {error}");
        }
        assert!(check(Network::Unrestricted, false, "ftp://a.org/").is_err());
    }

    #[test]
    fn addresses_are_checked_however_they_are_written() {
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest",
        ] {
            let error = check(Network::Unrestricted, false, url).unwrap_err();
            assert!(error.contains("not a public address"), "{url}: {error}");
            assert!(check(Network::Unrestricted, true, url).is_ok(), "{url}");
        }
        assert!(check(Network::Unrestricted, false, "http://8.8.8.8/").is_ok());
    }
}
