//! What a sandbox's requests may do, and why one was refused.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Host;

use super::address::is_public;
use crate::grant::{Denial, Grant, Network};

/// A sandbox's, shared by its processes.
#[derive(Debug)]
pub(crate) struct Policy {
    network: Network,
    pub(super) private_addresses: bool,
    pub(super) body_bytes_max: u64,
    pub(super) time_max: Duration,
    in_flight: Arc<Semaphore>,
    in_flight_max: u32,
}

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("network policy denies {host}: {address} is not a public address")]
    Prohibited { host: String, address: IpAddr },
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

impl Policy {
    /// Nothing that the grant does not say.
    pub(crate) fn of(grant: &Grant) -> Arc<Policy> {
        let limits = &grant.limits;
        Arc::new(Policy {
            network: grant.network.clone(),
            private_addresses: grant.private_addresses,
            body_bytes_max: limits.http_body_bytes_max,
            time_max: limits.http_time_max,
            in_flight: Arc::new(Semaphore::new(limits.http_requests_max as usize)),
            in_flight_max: limits.http_requests_max,
        })
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
        self.network.check(name.trim_end_matches('.'))?;
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
