//! How a request to a model can fail, split by what the caller can do about it.

use std::time::Duration;

/// Why there is no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The provider has too much to do (529, or `overloaded_error` in the stream).
    #[error("the model is overloaded")]
    Overloaded,
    /// The provider wants us to slow down (429).
    #[error("the model's rate limit is reached")]
    RateLimited {
        /// How long the provider asks us to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// The connection or the provider failed in a way that may pass: refused, cut, stalled, 5xx.
    #[error("the model could not be reached: {message}")]
    Transient {
        /// What happened, safe to show to a client.
        message: String,
    },
    /// The answer breaks the protocol. May pass: proxies produce such things under load.
    #[error("the model's answer could not be understood: {message}")]
    Malformed {
        /// What is wrong with it, safe to show to a client.
        message: String,
    },
    /// The account cannot pay (402).
    #[error("the model provider refuses for billing reasons: {message}")]
    Billing {
        /// The provider's words.
        message: String,
    },
    /// The provider understood the request and refuses it (other 4xx). The same request will be refused again.
    #[error("the model provider rejected the request ({status}): {message}")]
    Rejected {
        /// The HTTP status, or the nearest one for an error inside the stream.
        status: u16,
        /// The provider's words.
        message: String,
    },
}

/// Whether trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The caller backs off as it likes.
    Later,
    /// Not before this has passed.
    After(Duration),
    /// The same request will fail again.
    Never,
}

impl ModelError {
    /// Whether trying again makes sense.
    pub fn retry(&self) -> Retry {
        match self {
            ModelError::RateLimited {
                retry_after: Some(delay),
            } => Retry::After(*delay),
            ModelError::Overloaded
            | ModelError::RateLimited { retry_after: None }
            | ModelError::Transient { .. }
            | ModelError::Malformed { .. } => Retry::Later,
            ModelError::Billing { .. } | ModelError::Rejected { .. } => Retry::Never,
        }
    }

    /// The error for an HTTP status, with the message of the provider's error body.
    pub(crate) fn from_status(
        status: u16,
        retry_after: Option<Duration>,
        message: String,
    ) -> ModelError {
        match status {
            402 => ModelError::Billing { message },
            429 => ModelError::RateLimited { retry_after },
            529 => ModelError::Overloaded,
            // 408 and 409 are retried by the official clients too.
            408 | 409 | 500.. => ModelError::Transient {
                message: format!("status {status}: {message}"),
            },
            _ => ModelError::Rejected { status, message },
        }
    }

    /// The error for an `error` event inside the stream, where only the type's name is known.
    pub(crate) fn from_kind(kind: &str, message: String) -> ModelError {
        match kind {
            "overloaded_error" => ModelError::Overloaded,
            "rate_limit_error" => ModelError::RateLimited { retry_after: None },
            "billing_error" => ModelError::Billing { message },
            "invalid_request_error" => ModelError::Rejected {
                status: 400,
                message,
            },
            "authentication_error" => ModelError::Rejected {
                status: 401,
                message,
            },
            "permission_error" => ModelError::Rejected {
                status: 403,
                message,
            },
            "not_found_error" => ModelError::Rejected {
                status: 404,
                message,
            },
            "request_too_large" => ModelError::Rejected {
                status: 413,
                message,
            },
            _ => ModelError::Transient {
                message: format!("{kind}: {message}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_say_whether_to_retry() {
        let soon = Some(Duration::from_secs(7));
        for (status, expected) in [
            (400, Retry::Never),
            (401, Retry::Never),
            (402, Retry::Never),
            (404, Retry::Never),
            (408, Retry::Later),
            (413, Retry::Never),
            (429, Retry::After(Duration::from_secs(7))),
            (500, Retry::Later),
            (502, Retry::Later),
            (504, Retry::Later),
            (529, Retry::Later),
        ] {
            assert_eq!(
                ModelError::from_status(status, soon, "no".into()).retry(),
                expected,
                "status {status}"
            );
        }
    }
}
