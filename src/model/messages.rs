//! The Messages API over HTTP: Anthropic's own, or whatever `ANTHROPIC_BASE_URL` names.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::answer::Answer;
use super::body::body;
use super::{Decoder, Model, ModelError, ModelEvent, Request, ResponseStream, Timeouts};

/// The API's version, as its documentation asks clients to send it.
const VERSION: &str = "2023-06-01";

/// How much of an error's body is read: enough for its message.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// Where the API is and how it is used.
#[derive(Debug, Clone)]
pub struct Options {
    /// Without `/v1`. Default `https://api.anthropic.com`.
    pub base_url: String,
    /// Sent as `x-api-key`; without one none is sent, which suits local servers.
    pub api_key: Option<String>,
    /// How long to wait before calling the provider stalled.
    pub timeouts: Timeouts,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            base_url: "https://api.anthropic.com".into(),
            api_key: None,
            timeouts: Timeouts::default(),
        }
    }
}

/// Why the client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A key that no header can carry.
    #[error("the model provider's API key contains characters that cannot be sent")]
    Key,
    /// Not an http or https address.
    #[error("the model provider's address {url:?} is not an http(s) URL")]
    Url {
        /// What was configured.
        url: String,
    },
    /// TLS could not be set up.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

/// A client of the Messages API. Clones share its connections.
#[derive(Debug, Clone)]
pub struct MessagesApi {
    client: reqwest::Client,
    url: String,
    timeouts: Timeouts,
}

impl MessagesApi {
    /// Prepares the client; connects to nobody yet.
    pub fn new(options: &Options) -> Result<MessagesApi, SetupError> {
        let base = options.base_url.trim_end_matches('/');
        let url = format!("{base}/v1/messages");
        let parsed = reqwest::Url::parse(&url).ok();
        if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(SetupError::Url {
                url: options.base_url.clone(),
            });
        }
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        if let Some(key) = &options.api_key {
            let mut value = HeaderValue::from_str(key).map_err(|_| SetupError::Key)?;
            value.set_sensitive(true);
            headers.insert("x-api-key", value);
        }
        // Installed already when somebody else was first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(options.timeouts.connect)
            // An answer's small deltas must not wait for each other's acknowledgement.
            .tcp_nodelay(true)
            // A redirect would carry the key and the conversation to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(SetupError::Client)?;
        Ok(MessagesApi {
            client,
            url,
            timeouts: options.timeouts,
        })
    }
}

#[async_trait]
impl Model for MessagesApi {
    async fn stream(&self, request: Request) -> Result<ResponseStream, ModelError> {
        let send = self.client.post(&self.url).json(&body(request)).send();
        let response = tokio::time::timeout(self.timeouts.first_byte, send)
            .await
            .map_err(|_| stalled("no answer", self.timeouts.first_byte))?
            .map_err(|error| unreachable(&error))?;
        if response.status() != StatusCode::OK {
            return Err(refused(response, self.timeouts.idle).await);
        }
        let events = Events {
            bytes: response.bytes_stream().boxed(),
            decoder: Decoder::default(),
            answer: Answer::default(),
            ready: Vec::new().into_iter(),
            wait: self.timeouts.first_byte,
            idle: self.timeouts.idle,
            over: false,
        };
        Ok(stream::unfold(events, |mut events| async move {
            events.next().await.map(|item| (item, events))
        })
        .boxed())
    }
}

/// An answer on its way.
struct Events {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    decoder: Decoder,
    answer: Answer,
    /// Decoded, but not yet asked for.
    ready: std::vec::IntoIter<super::Frame>,
    /// How long the next bytes may take.
    wait: Duration,
    idle: Duration,
    over: bool,
}

impl Events {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        if self.over {
            return None;
        }
        let item = self.advance().await;
        // Nothing follows the end or an error; what a server may still send is not read.
        self.over = self.answer.complete() || item.is_err();
        Some(item)
    }

    async fn advance(&mut self) -> Result<ModelEvent, ModelError> {
        loop {
            for frame in self.ready.by_ref() {
                if let Some(event) = self.answer.push(&frame)? {
                    return Ok(event);
                }
            }
            let chunk = tokio::time::timeout(self.wait, self.bytes.next())
                .await
                .map_err(|_| stalled("the answer stopped", self.wait))?;
            self.wait = self.idle;
            let chunk = match chunk {
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => return Err(unreachable(&error)),
                None => {
                    return Err(ModelError::Transient {
                        message: "the answer was cut off".into(),
                    });
                }
            };
            let frames = self.decoder.push(&chunk);
            self.ready = frames
                .map_err(|error| ModelError::Malformed {
                    message: error.to_string(),
                })?
                .into_iter();
        }
    }
}

fn stalled(what: &str, after: Duration) -> ModelError {
    ModelError::Transient {
        message: format!("{what} for {} s", after.as_secs_f32()),
    }
}

/// A connection that failed. The address stays out of the message, since clients see it.
fn unreachable(error: &reqwest::Error) -> ModelError {
    let message = if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "timed out"
    } else {
        "the connection broke"
    };
    tracing::debug!(
        error = error as &dyn std::error::Error,
        "request to the model failed"
    );
    ModelError::Transient {
        message: message.into(),
    }
}

/// Reads why the provider said no.
async fn refused(response: reqwest::Response, patience: Duration) -> ModelError {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let read = async {
        let mut body = Vec::new();
        let mut bytes = response.bytes_stream();
        while let Some(Ok(chunk)) = bytes.next().await {
            body.extend_from_slice(&chunk);
            if body.len() >= ERROR_BYTES_MAX {
                break;
            }
        }
        body
    };
    // The status says enough when the message does not come.
    let body = tokio::time::timeout(patience.min(Duration::from_secs(10)), read)
        .await
        .unwrap_or_default();
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = error["error"]["message"]
        .as_str()
        .map_or_else(|| "no message".to_owned(), str::to_owned);
    // Anything below 400 is not what the API answers; a proxy may have been put in between.
    match status {
        400.. => ModelError::from_status(status, retry_after, message),
        _ => ModelError::Malformed {
            message: format!("unexpected status {status}"),
        },
    }
}

/// `retry-after-ms`, or `retry-after` in seconds. The header's date form is not used by the API.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        for (name, value, expected) in [
            ("retry-after", "7", Some(Duration::from_secs(7))),
            ("retry-after", "0.5", Some(Duration::from_millis(500))),
            ("retry-after-ms", "1500", Some(Duration::from_millis(1500))),
            ("retry-after", "-1", None),
            ("retry-after", "inf", None),
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(retry_after(&headers), expected, "{name}: {value}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_at_once() {
        for url in ["", "api.anthropic.com", "ftp://example.com"] {
            let options = Options {
                base_url: url.into(),
                ..Options::default()
            };
            assert!(
                matches!(MessagesApi::new(&options), Err(SetupError::Url { .. })),
                "{url:?}"
            );
        }
    }
}
