//! HTTP for guests: the only way out of a sandbox.
//!
//! A guest asks by `wasi:http` ([`Hooks`]) or, without types, by `glovebox:fetch` ([`fetch`]). Both end in
//! [`client::send`], where the policy is applied to every single request: hosts by name, then the addresses that the name
//! resolves to, of which only a checked one is dialled. Redirects are never followed here, so each hop is checked too.
//! TLS is done by the host.

mod address;
mod client;
pub(crate) mod fetch;
mod hooks;
mod policy;
mod secrets;

pub(crate) use hooks::Hooks;
pub(crate) use policy::Policy;
pub(crate) use secrets::StandIns;
