//! What a sandbox may do: mounts, network, limits, environment and settings.
//!
//! Pure data, decided before any engine is involved: nothing here does I/O, and mechanism lives elsewhere ([`crate::Sandbox`]
//! makes a grant so). Grants only ever narrow: [`Grant::narrow`] is the one way to derive a grant from another.

mod allowance;
mod host;
mod limits;
mod mount;
mod names;
mod network;
mod secret;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use allowance::{Allowance, AllowanceError, AllowanceLimits};
pub use host::{HostPattern, HostPatternError};
pub use limits::{LimitKind, Limits};
pub use mount::{Access, Backend, Mount, MountSource};
pub use names::{MountNames, Names};
pub use network::{Denial, Network};
pub use secret::Secret;

/// Everything one session's tools and programs may do.
///
/// Defaults:
/// * no mounts,
/// * no network, and no private addresses,
/// * the limits of [`Limits::default`],
/// * an empty environment, no settings and no secrets,
/// * nothing of the embedder's.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// The tree of files that processes see. Nothing else exists for them.
    pub mounts: Vec<Mount>,
    /// Which hosts may be asked over HTTP.
    pub network: Network,
    /// Whether loopback, private, link-local and other special addresses may be dialled. The operator's say-so, for
    /// servers of their own; an allowed host that resolves to such an address is refused otherwise.
    pub private_addresses: bool,
    /// What a call may use.
    pub limits: Limits,
    /// Environment variables of every process that a tool starts without saying otherwise.
    pub environment: BTreeMap<String, String>,
    /// What the operator tells tools (`context.setting`), for example the address of a search engine.
    pub settings: BTreeMap<String, String>,
    /// What tools may use without ever seeing it, by name (`context.secret`).
    pub secrets: BTreeMap<String, Secret>,
    /// Anything of the embedder's, for the functions that it offers itself: see [`crate::Process::host`].
    pub host: Option<Arc<dyn Any + Send + Sync>>,
}

impl Grant {
    /// The grant that allows what both allow.
    ///
    /// A mount survives where both mount the same source at the same path, with the lesser access; hosts are intersected; the
    /// smaller of each limit counts. The environment carries no authority: `by` adds to it and overrides it. Settings
    /// may hold the operator's addresses and keys, so `by` can only drop some. A secret survives where both have it, for the
    /// hosts of both; what is the embedder's, where both have the very same.
    pub fn narrow(&self, by: &Grant) -> Grant {
        let mut environment = self.environment.clone();
        environment.extend(
            by.environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Grant {
            mounts: self
                .mounts
                .iter()
                .filter_map(|mount| by.mounts.iter().find_map(|other| mount.narrow(other)))
                .collect(),
            network: self.network.narrow(&by.network),
            private_addresses: self.private_addresses && by.private_addresses,
            limits: self.limits.narrow(&by.limits),
            environment,
            settings: self
                .settings
                .iter()
                .filter(|(name, _)| by.settings.contains_key(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            secrets: self
                .secrets
                .iter()
                .filter_map(|(name, secret)| {
                    Some((name.clone(), secret.narrow(by.secrets.get(name)?)?))
                })
                .collect(),
            host: (self.host.clone())
                .filter(|host| by.host.as_ref().is_some_and(|by| Arc::ptr_eq(host, by))),
        }
    }
}

#[cfg(test)]
mod tests;
