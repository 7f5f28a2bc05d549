//! The request as the host's `wasi:http` takes it.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::StreamError;

use super::{Error, Parts, Response};

const CONNECT_NANOSECONDS_MAX: u64 = 10_000_000_000;
/// Between any two bytes, and before the first.
const SILENCE_NANOSECONDS_MAX: u64 = 30_000_000_000;
const CHUNK_BYTES: u64 = 64 * 1024;
/// What the host takes at once.
const WRITE_BYTES: usize = 4096;

pub(super) fn send(request: &Parts) -> Result<Response, Error> {
    let outgoing = outgoing(request)?;
    let sending = outgoing.body().map_err(|()| invalid("body"))?;
    let sent = handle(outgoing, Some(options())).map_err(|code| error(request, &code))?;
    // Whoever does not read the body to its end may still have answered.
    let _ = write(sending, request.body);
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

fn invalid(what: &str) -> Error {
    Error::Failed(format!("invalid {what}"))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), ErrorCode> {
    {
        let broken = |_| ErrorCode::ConnectionTerminated;
        let stream = body.write().map_err(|()| ErrorCode::ConnectionTerminated)?;
        for chunk in bytes.chunks(WRITE_BYTES) {
            stream.blocking_write_and_flush(chunk).map_err(broken)?;
        }
    }
    OutgoingBody::finish(body, None)
}

fn outgoing(request: &Parts) -> Result<OutgoingRequest, Error> {
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_bytes().to_vec()))
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
        .set_method(&method(request.method))
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

fn body(request: &Parts, response: &IncomingResponse) -> Result<Vec<u8>, Error> {
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

fn error(request: &Parts, code: &ErrorCode) -> Error {
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
