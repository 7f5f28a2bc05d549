//! `glovebox:fetch`: requests and answers as bytes, for guests that cannot speak `wasi:http`. See `wit/fetch`.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::client::send;
use super::policy::{Policy, Refusal};

/// What a store must hold for it.
pub(crate) trait FetchView: Send + 'static {
    fn fetch(&mut self) -> (&Arc<Policy>, &mut Answer);
}

/// The last answer, until the next request.
#[derive(Debug, Default)]
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    fn take(&self, offset: u32) -> u64 {
        let mut eight = [0; 8];
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(8);
        eight[..count].copy_from_slice(&rest[..count]);
        u64::from_le_bytes(eight)
    }
}

/// Makes the interface importable.
pub(crate) fn add_to_linker<T: FetchView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut instance = linker.instance("glovebox:fetch/fetch@0.1.0")?;
    instance.func_wrap_async(
        "request",
        |mut store: StoreContextMut<'_, T>, (request, timeout_ms): (Vec<u8>, i64)| {
            Box::new(async move {
                let policy = Arc::clone(store.data_mut().fetch().0);
                let (how, bytes) = answer(&policy, &request, timeout_ms).await;
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                *store.data_mut().fetch().1 = Answer(bytes);
                Ok((u64::from(how) << 32 | u64::from(length),))
            })
        },
    )?;
    instance.func_wrap(
        "take",
        |mut store: StoreContextMut<'_, T>, (offset,): (u32,)| {
            Ok((store.data_mut().fetch().1.take(offset),))
        },
    )
}

const ANSWERED: u32 = 0;
const NOT_CONNECTED: u32 = 1;
const TIMED_OUT: u32 = 2;
const NO_REQUEST: u32 = 3;

async fn answer(policy: &Policy, request: &[u8], timeout_ms: i64) -> (u32, Vec<u8>) {
    let time_max = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
    let Some(request) = decode(request) else {
        return (NO_REQUEST, b"not a request".to_vec());
    };
    match exchange(policy, request, time_max).await {
        Ok(answer) => (ANSWERED, answer),
        Err(refusal) => {
            let how = match refusal {
                Refusal::TimedOut(_) => TIMED_OUT,
                Refusal::Invalid(_) => NO_REQUEST,
                _ => NOT_CONNECTED,
            };
            (how, refusal.to_string().into_bytes())
        }
    }
}

async fn exchange(
    policy: &Policy,
    request: http::Request<reqwest::Body>,
    time_max: Option<Duration>,
) -> Result<Vec<u8>, Refusal> {
    let (parts, body) = send(policy, request, time_max).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut bytes = Vec::with_capacity(body.len() + 1024);
    let number = |value: usize, bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
    };
    number(parts.status.as_u16().into(), &mut bytes);
    number(parts.headers.len(), &mut bytes);
    for (name, value) in &parts.headers {
        // Bytes beyond ASCII in a header are Latin-1 by tradition, and the guest takes UTF-8.
        let value: String = value.as_bytes().iter().copied().map(char::from).collect();
        for field in [name.as_str(), &value] {
            number(field.len(), &mut bytes);
            bytes.extend_from_slice(field.as_bytes());
        }
    }
    number(body.len(), &mut bytes);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// None when the record is broken, or what it says cannot be sent.
fn decode(mut bytes: &[u8]) -> Option<http::Request<reqwest::Body>> {
    let bytes = &mut bytes;
    let mut request = http::Request::builder()
        .method(field(bytes)?)
        .uri(field(bytes)?);
    for _ in 0..number(bytes)? {
        request = request.header(field(bytes)?, field(bytes)?);
    }
    let body = field(bytes)?.to_vec();
    let mut request = request.body(body.into()).ok()?;
    // It is the body's, whatever the guest says.
    request.headers_mut().remove(http::header::CONTENT_LENGTH);
    Some(request)
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(bytes)? as usize;
    let (field, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in fields {
            bytes.extend_from_slice(&u32::try_from(field.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(field);
        }
        bytes
    }

    #[test]
    fn requests_are_decoded() {
        let mut bytes = record(&[b"POST", b"http://a.org/x?y"]);
        bytes.extend_from_slice(&1_u32.to_le_bytes());
        bytes.extend_from_slice(&record(&[b"accept", b"text/plain", b"body"]));
        let request = decode(&bytes).unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().path()),
            ("POST", "/x")
        );
        assert_eq!(request.headers()["accept"], "text/plain");
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_none(), "cut at {length}");
        }
    }

    /// A length that is not the body's would make what is behind it a request of its own.
    #[test]
    fn a_bodys_length_is_its_own() {
        let mut bytes = record(&[b"POST", b"http://a.org/"]);
        bytes.extend_from_slice(&1_u32.to_le_bytes());
        bytes.extend_from_slice(&record(&[b"content-length", b"1", b"body"]));
        assert!(decode(&bytes).unwrap().headers().is_empty());
    }

    #[test]
    fn answers_are_taken_eight_bytes_at_a_time() {
        let answer = Answer((1..=10).collect());
        assert_eq!(answer.take(0), 0x0807_0605_0403_0201);
        assert_eq!(answer.take(8), 0x0a09);
        assert_eq!((answer.take(10), answer.take(u32::MAX)), (0, 0));
    }
}
