//! One request to the web, and its answer, over the host's `wasi:http`.
//!
//! The host decides whether the request may leave, connects and does TLS. Redirects are not followed here: each is a
//! request of its own, which the caller makes and the host checks again.

use url::Url;

/// A GET request.
pub struct Request<'a> {
    /// `http` or `https`.
    pub url: &'a Url,
    /// Besides `host`.
    pub headers: &'a [(&'a str, &'a str)],
    /// A longer body is refused.
    pub body_bytes_max: usize,
}

/// An answer of any status.
#[derive(Debug)]
pub struct Response {
    /// 100 to 599.
    pub status: u16,
    /// As received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// The session's network policy does not let this request out; the text names the host.
    Denied(String),
    /// No connection, no TLS, a broken answer, a timeout.
    Failed(String),
    /// The body is longer than `body_bytes_max`.
    TooLarge,
}

/// Sends the request and waits for the whole answer.
#[cfg(target_family = "wasm")]
pub fn get(request: &Request) -> Result<Response, Error> {
    wasi::get(request)
}

/// There is no web outside a sandbox.
#[cfg(not(target_family = "wasm"))]
pub fn get(_request: &Request) -> Result<Response, Error> {
    Err(Error::Failed("no wasi:http".into()))
}

#[cfg(target_family = "wasm")]
mod wasi {
    use wasip2::http::outgoing_handler::handle;
    use wasip2::http::types::{
        ErrorCode, Fields, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
    };
    use wasip2::io::streams::StreamError;

    use super::{Error, Request, Response};

    const CONNECT_NANOSECONDS_MAX: u64 = 10_000_000_000;
    /// Between any two bytes, and before the first.
    const SILENCE_NANOSECONDS_MAX: u64 = 30_000_000_000;
    const CHUNK_BYTES: u64 = 64 * 1024;

    pub(super) fn get(request: &Request) -> Result<Response, Error> {
        let sent =
            handle(outgoing(request)?, Some(options())).map_err(|code| error(request, &code))?;
        sent.subscribe().block();
        let response = match sent.get() {
            Some(Ok(answer)) => answer.map_err(|code| error(request, &code))?,
            _ => return Err(Error::Failed("the host gave no answer".into())),
        };
        let headers: Vec<_> = response
            .headers()
            .entries()
            .into_iter()
            .map(|(name, value)| {
                (
                    name.to_ascii_lowercase(),
                    String::from_utf8_lossy(&value).into_owned(),
                )
            })
            .collect();
        let body = body(request, &response)?;
        Ok(Response {
            status: response.status(),
            headers,
            body,
        })
    }

    fn outgoing(request: &Request) -> Result<OutgoingRequest, Error> {
        let invalid = |what: &str| Error::Failed(format!("invalid {what}"));
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect();
        let outgoing =
            OutgoingRequest::new(Fields::from_list(&headers).map_err(|_| invalid("header"))?);
        let url = request.url;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => {
                return Err(Error::Failed(format!(
                    "{other}: URLs are not supported, only http and https"
                )));
            }
        };
        let host = url
            .host_str()
            .ok_or_else(|| invalid("URL: it has no host"))?;
        let authority = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let target = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        outgoing
            .set_method(&Method::Get)
            .map_err(|()| invalid("method"))?;
        outgoing
            .set_scheme(Some(&scheme))
            .map_err(|()| invalid("scheme"))?;
        outgoing
            .set_authority(Some(&authority))
            .map_err(|()| invalid("host"))?;
        outgoing
            .set_path_with_query(Some(&target))
            .map_err(|()| invalid("path"))?;
        Ok(outgoing)
    }

    /// A host that does not know a limit ignores it: the call's own deadline still holds.
    fn options() -> RequestOptions {
        let options = RequestOptions::new();
        let _ = options.set_connect_timeout(Some(CONNECT_NANOSECONDS_MAX));
        let _ = options.set_first_byte_timeout(Some(SILENCE_NANOSECONDS_MAX));
        let _ = options.set_between_bytes_timeout(Some(SILENCE_NANOSECONDS_MAX));
        options
    }

    fn body(request: &Request, response: &IncomingResponse) -> Result<Vec<u8>, Error> {
        let broken = || Error::Failed("the answer broke off".into());
        let incoming = response.consume().map_err(|()| broken())?;
        let stream = incoming.stream().map_err(|()| broken())?;
        let mut bytes = Vec::new();
        loop {
            match stream.blocking_read(CHUNK_BYTES) {
                Ok(chunk) if bytes.len() + chunk.len() > request.body_bytes_max => {
                    return Err(Error::TooLarge);
                }
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(StreamError::Closed) => return Ok(bytes),
                Err(StreamError::LastOperationFailed(reason)) => {
                    return Err(Error::Failed(format!(
                        "the answer broke off: {}",
                        reason.to_debug_string()
                    )));
                }
            }
        }
    }

    fn error(request: &Request, code: &ErrorCode) -> Error {
        let host = request.url.host_str().unwrap_or_default();
        match code {
            ErrorCode::HttpRequestDenied => Error::Denied(format!(
                "the session's network policy does not allow requests to {host}"
            )),
            ErrorCode::DestinationIpProhibited => Error::Denied(format!(
                "the session's network policy does not allow requests to the private address behind {host}"
            )),
            ErrorCode::InternalError(Some(message)) => Error::Failed(message.clone()),
            ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
                Error::Failed(format!("{host} was not found"))
            }
            ErrorCode::ConnectionRefused => Error::Failed(format!("{host} refused the connection")),
            ErrorCode::ConnectionTimeout
            | ErrorCode::HttpResponseTimeout
            | ErrorCode::ConnectionReadTimeout => {
                Error::Failed(format!("{host} did not answer in time"))
            }
            ErrorCode::HttpResponseBodySize(_) => Error::TooLarge,
            other => Error::Failed(format!("{other:?}")),
        }
    }
}
