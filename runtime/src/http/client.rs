//! Sending one request under a policy.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::Method;
use http::header::{self, HeaderName};
use http_body::{Body, Frame, SizeHint};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use tokio::sync::OwnedSemaphorePermit;

use super::policy::{Policy, Reach, Refusal};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Headers that guests do not set: where one request ends and who is asked follow from the URL that was checked and from the
/// body, and from nothing else. A second request inside the first would pass no check.
const OURS: [HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Sends `request`, whose URI is absolute, if the policy allows it. `time_max` may only narrow the policy's.
///
/// The answer's body goes on being read under the same limits. Dropping the future or the body ends the request.
pub(super) async fn send(
    policy: &Policy,
    request: http::Request<reqwest::Body>,
    time_max: Option<Duration>,
) -> Result<http::Response<AnswerBody>, Refusal> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string())
        .map_err(|error| Refusal::Invalid(format!("not a URL: {error}")))?;
    policy.check(&url)?;
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        let reason = format!("the method {} is not possible", parts.method);
        return Err(Refusal::Invalid(reason));
    }
    let mut headers = parts.headers;
    let secret = policy.stand_ins().reveal(&url, &mut headers)?;
    let reach = policy.reach(&url, secret.as_deref())?;
    let permit = policy.enter()?;
    let host = url.host_str().unwrap_or_default().to_owned();
    for name in OURS {
        headers.remove(name);
    }
    // One is kept: a body that is a stream has no other length, and is cut there.
    if headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err(Refusal::Invalid("two lengths of one body".to_owned()));
    }
    let answer = client(reach)?
        .request(parts.method, url)
        .headers(headers)
        .body(body)
        .timeout(time_max.map_or(policy.time_max, |time| time.min(policy.time_max)))
        .send()
        .await
        .map_err(|error| match (refusal(&host, &error), secret) {
            (Refusal::Prohibited { host, .. }, Some(secret)) if reach == Reach::Private => {
                Refusal::in_the_clear(secret, host)
            }
            (refusal, _) => refusal,
        })?;
    let size = answer.content_length();
    if size.is_some_and(|size| size > policy.body_bytes_max) {
        return Err(Refusal::TooLarge(policy.body_bytes_max));
    }
    let max = policy.body_bytes_max;
    Ok(http::Response::from(answer).map(|body| AnswerBody {
        body,
        host,
        left: max,
        max,
        _permit: permit,
    }))
}

/// A body under a policy's limits.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: reqwest::Body,
    host: String,
    left: u64,
    max: u64,
    _permit: OwnedSemaphorePermit,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Refusal;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Refusal>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(|error| refusal(&self.host, &error))?;
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let max = self.max;
        self.left = match self.left.checked_sub(length) {
            Some(left) => left,
            None => return Poll::Ready(Some(Err(Refusal::TooLarge(max)))),
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// One client per kind of policy. They keep no connections: an idle one would belong to the engine whose request opened
/// it, and outlive the check of its address.
fn client(reach: Reach) -> Result<&'static Client, Refusal> {
    static PUBLIC: OnceLock<Result<Client, String>> = OnceLock::new();
    static ANY: OnceLock<Result<Client, String>> = OnceLock::new();
    static PRIVATE: OnceLock<Result<Client, String>> = OnceLock::new();
    let client = match reach {
        Reach::Public => &PUBLIC,
        Reach::Any => &ANY,
        Reach::Private => &PRIVATE,
    };
    client
        .get_or_init(|| dialling(Resolver { reach, look_up }))
        .as_ref()
        .map_err(|reason| Refusal::Broken {
            host: "the HTTP client".to_owned(),
            reason: reason.clone(),
        })
}

/// A client that dials what `resolver` gives, and nothing else.
fn dialling(resolver: Resolver) -> Result<Client, String> {
    // Fails when the process has chosen one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .dns_resolver(Arc::new(resolver))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIME_MAX)
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| error.to_string())
}

/// Resolves names, and leaves only addresses that may be dialled.
struct Resolver {
    reach: Reach,
    look_up: LookUp,
}

type LookUp = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// As this machine resolves names.
fn look_up(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// What [`Resolver`] refuses with. Found again in the client's error.
#[derive(Debug, thiserror::Error)]
enum Unresolved {
    #[error("not an address that may be dialled")]
    Prohibited(std::net::IpAddr),
    #[error("no such host")]
    NotFound,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        let found = (self.look_up)(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await.map_err(|_| Unresolved::NotFound)?;
            let allowed: Vec<_> = found
                .iter()
                .copied()
                .filter(|address| reach.allows(address.ip()))
                .collect();
            match (allowed.is_empty(), found.first()) {
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
                (true, Some(address)) => Err(Unresolved::Prohibited(address.ip()).into()),
                (true, None) => Err(Unresolved::NotFound.into()),
            }
        })
    }
}

fn refusal(host: &str, error: &reqwest::Error) -> Refusal {
    let host = host.to_owned();
    let mut cause = error.source();
    let mut reason = error.to_string();
    while let Some(error) = cause {
        match error.downcast_ref::<Unresolved>() {
            Some(Unresolved::Prohibited(address)) => {
                return Refusal::Prohibited {
                    host,
                    address: *address,
                };
            }
            Some(Unresolved::NotFound) => return Refusal::NotFound(host),
            None => {}
        }
        // The innermost cause says it in the fewest words.
        reason = match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
            _ => error.to_string(),
        };
        cause = error.source();
    }
    match () {
        () if error.is_timeout() => Refusal::TimedOut(host),
        () if error.is_connect() => Refusal::Connect { host, reason },
        () if error.is_builder() => Refusal::Invalid(reason),
        () => Refusal::Broken { host, reason },
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A server of one page on this machine, and how many connections it had.
    fn server() -> (u16, Arc<AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = connection.read(&mut [0; 4096]);
                let _ = connection.write_all(
                    b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
                );
            }
        });
        (port, connections)
    }

    async fn get(resolver: Resolver, port: u16) -> Result<String, Refusal> {
        let url = format!("http://rebound.example:{port}/");
        let answer = dialling(resolver).unwrap().get(url).send().await;
        let answer = answer.map_err(|error| refusal("rebound.example", &error))?;
        Ok(answer.text().await.unwrap())
    }

    fn both(_name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let found = ["8.8.8.8:0", "127.0.0.1:0"].map(|address| address.parse().unwrap());
        Box::pin(async move { Ok(found.to_vec()) })
    }

    /// A public address for whoever checks, a private one for whoever connects, if those were two.
    fn changing(_name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let answer = match ASKED.fetch_add(1, Ordering::SeqCst) {
            0 => "127.0.0.1:0",
            _ => "8.8.8.8:0",
        };
        Box::pin(async move { Ok(vec![answer.parse().unwrap()]) })
    }

    #[tokio::test]
    async fn only_an_address_that_was_checked_is_dialled() {
        let (port, connections) = server();
        let only_private = Resolver {
            reach: Reach::Private,
            look_up: both,
        };
        assert_eq!(get(only_private, port).await.unwrap(), "hi");
        assert_eq!(connections.load(Ordering::SeqCst), 1);
        fn loopback(_name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            Box::pin(async { Ok(vec!["127.0.0.1:0".parse().unwrap()]) })
        }
        let only_public = Resolver {
            reach: Reach::Public,
            look_up: loopback,
        };
        let refused = get(only_public, port).await.unwrap_err();
        assert!(matches!(refused, Refusal::Prohibited { .. }), "{refused}");
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_name_that_changes_its_answer_is_asked_once_for_each_request() {
        let (port, connections) = server();
        let resolver = || Resolver {
            reach: Reach::Private,
            look_up: changing,
        };
        assert_eq!(get(resolver(), port).await.unwrap(), "hi");
        let refused = get(resolver(), port).await.unwrap_err();
        assert!(matches!(refused, Refusal::Prohibited { .. }), "{refused}");
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_guest_does_not_say_where_its_request_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"elsewhere\r\n\r\n") {
                let mut bytes = [0; 4096];
                let count = connection.read(&mut bytes).unwrap();
                asked.extend_from_slice(&bytes[..count]);
            }
            connection.write_all(b"HTTP/1.1 204 Done\r\n\r\n").unwrap();
            String::from_utf8(asked).unwrap()
        });
        let policy = Policy::of(&crate::grant::Grant {
            network: crate::grant::Network::Unrestricted,
            private_addresses: true,
            ..Default::default()
        });
        let body = "GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n";
        let request = |method: &str, headers: &[(&str, &str)]| {
            let mut request = http::Request::builder().method(method).uri(&url);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(reqwest::Body::from(body)).unwrap()
        };
        let refused = [
            ("TRACE", &[][..]),
            ("CONNECT", &[]),
            ("POST", &[("content-length", "1"), ("content-length", "50")]),
        ];
        for (method, headers) in refused {
            let refusal = send(&policy, request(method, headers), None).await;
            assert!(matches!(refusal, Err(Refusal::Invalid(_))), "{method}");
        }
        let headers = [
            ("host", "elsewhere"),
            ("transfer-encoding", "identity"),
            ("connection", "upgrade"),
            ("upgrade", "h2c"),
            ("x-mine", "1"),
        ];
        let answer = send(&policy, request("POST", &headers), None).await;
        assert_eq!(answer.unwrap().status(), 204);
        let asked = served.join().unwrap().to_lowercase();
        let (head, _) = asked.split_once("\r\n\r\n").unwrap();
        let length = format!("content-length: {}", body.len());
        assert!(
            head.contains(&length) && head.contains("x-mine: 1"),
            "{head}"
        );
        for word in ["transfer-encoding", "upgrade", "elsewhere"] {
            assert!(!head.contains(word), "{word}: {head}");
        }
    }
}
