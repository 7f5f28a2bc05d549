//! HTTP for guests: the only way out of a sandbox.
//!
//! A guest asks by `wasi:http` ([`Hooks`]) or, without types, by `glovebox:fetch` ([`fetch`]). Both end in
//! [`client::send`], where the policy is applied to every single request: hosts by name, then the addresses that the name
//! resolves to, of which only a checked one is dialled. Redirects are never followed here, so each hop is checked too.
//! TLS is done by the host.
//!
//! Without the feature `http` only the policy is left, which nothing asks.

#![cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "a policy that nothing asks")
)]

mod address;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod fetch;
#[cfg(feature = "http")]
mod hooks;
mod policy;
mod secrets;
#[cfg(feature = "http")]
mod web;
#[cfg(not(feature = "http"))]
#[path = "without.rs"]
mod web;

pub(crate) use policy::Policy;
pub(crate) use secrets::StandIns;
pub(crate) use web::{Web, add_to_linker};
