//! What a running call can say to its host and ask of it.

use serde::de::DeserializeOwned;

use crate::tool::{Error, Failure, context, failed};

pub use crate::bindings::glovebox::tool::context::Level;

/// Shows whoever watches how far the call is. `fraction` is 0.0 to 1.0, or `None` when unknown. Never stored; what comes
/// faster than ten a second is dropped.
pub fn progress(message: impl AsRef<str>, fraction: impl Into<Option<f64>>) {
    context::progress(message.as_ref(), fraction.into());
}

/// Writes a line into the host's logs; the model never sees it.
pub fn log(level: Level, message: impl AsRef<str>) {
    context::log(level, message.as_ref());
}

/// Whether the caller wants the call to end. A tool that asks has one second from then to answer with what it has; one
/// that never asks is ended at once.
pub fn cancelled() -> bool {
    context::cancelled()
}

/// A stand-in for a secret, to be put into the value of a request's header. The host puts the secret in its place when
/// the request goes where the secret is meant for, and refuses the request otherwise.
pub fn secret(name: &str) -> Result<String, Error> {
    context::secret(name).ok_or_else(|| {
        Error::failed(format!(
            "the secret {name} was not granted to this tool: its operator has to set it and to grant it"
        ))
    })
}

/// The value of a setting that the operator gave this tool, parsed; the default when there is none.
///
/// A setting that cannot be parsed fails the call: to run without it could be to run without a restriction.
pub fn setting<T: DeserializeOwned + Default>(name: &str) -> Result<T, Failure> {
    match context::setting(name) {
        None => Ok(T::default()),
        Some(json) => serde_json::from_str(&json).map_err(|error| {
            failed(format!(
                "{name}: the operator's setting is not valid: {error}"
            ))
        }),
    }
}
