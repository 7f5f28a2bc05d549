//! Requests to the web, and their answers, over the host's `wasi:http`.
//!
//! ```ignore
//! let answer = Request::get("https://api.example.com/v1/weather?city=Oslo")
//!     .header("authorization", format!("Bearer {}", glovebox_kit::secret("TOKEN")?))
//!     .send()?
//!     .success()?;
//! let weather: Weather = answer.json()?;
//! ```
//!
//! The host decides whether the request may leave, puts secrets in the place of their stand-ins, connects and does TLS.
//! Redirects are not followed here: each is a request of its own, which the caller makes and the host checks again.

#[cfg(target_family = "wasm")]
mod wasi;

use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

/// An answer longer than this is refused, unless the request says otherwise.
const BODY_BYTES_MAX_DEFAULT: usize = 10 * 1024 * 1024;
/// So much of an unsuccessful answer's text is worth showing to a model.
const EXCERPT_CHARACTERS: usize = 500;

/// A request.
#[derive(Debug)]
pub struct Request {
    method: String,
    url: Result<Url, Error>,
    headers: Vec<(String, String)>,
    body: Result<Vec<u8>, Error>,
    body_bytes_max: usize,
}

impl Request {
    /// A request with any method. A URL that is none is reported by [`Request::send`].
    pub fn new(method: &str, url: impl AsRef<str>) -> Self {
        let url = url.as_ref();
        Self {
            method: method.to_owned(),
            url: Url::parse(url).map_err(|error| Error::Failed(format!("{url}: {error}"))),
            headers: Vec::new(),
            body: Ok(Vec::new()),
            body_bytes_max: BODY_BYTES_MAX_DEFAULT,
        }
    }

    /// A GET request.
    pub fn get(url: impl AsRef<str>) -> Self {
        Self::new("GET", url)
    }

    /// A POST request.
    pub fn post(url: impl AsRef<str>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a name and value to the URL's query, encoded as it has to be.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value.as_ref());
        }
        self
    }

    /// Adds a header. `host` is the URL's.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends these bytes.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Ok(body.into());
        self
    }

    /// Sends this as JSON, and says so.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).map_err(|error| Error::Failed(error.to_string()));
        self.header("content-type", "application/json")
    }

    /// A longer answer is refused; 10 MiB by default.
    pub fn answer_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Sends the request and waits for the whole answer, of whatever status.
    #[cfg(target_family = "wasm")]
    pub fn send(self) -> Result<Response, Error> {
        wasi::send(&Parts {
            method: &self.method,
            url: &self.url?,
            headers: &self.headers,
            body: &self.body?,
            body_bytes_max: self.body_bytes_max,
        })
    }

    /// There is no web outside a sandbox.
    #[cfg(not(target_family = "wasm"))]
    pub fn send(self) -> Result<Response, Error> {
        Err(Error::Failed(format!("{}: no wasi:http", self.method)))
    }
}

/// A request that can be sent.
#[cfg(target_family = "wasm")]
struct Parts<'a> {
    method: &'a str,
    url: &'a Url,
    headers: &'a [(String, String)],
    body: &'a [u8],
    body_bytes_max: usize,
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

    /// The answer, if its status is 200 to 299; otherwise an error with the status and the beginning of the text.
    pub fn success(self) -> Result<Self, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let text = self.text();
        let excerpt: String = text.trim().chars().take(EXCERPT_CHARACTERS).collect();
        Err(Error::Failed(format!(
            "answered with status {}: {excerpt}",
            self.status
        )))
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, parsed.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Failed(format!("the answer is not the JSON expected: {error}")))
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

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied(message) | Self::Failed(message) => formatter.write_str(message),
            Self::TooLarge => formatter.write_str("the answer is too large"),
        }
    }
}

impl std::error::Error for Error {}
