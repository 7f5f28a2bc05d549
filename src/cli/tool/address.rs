//! A server, and asking it for something.

use anyhow::{Context, anyhow, bail};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// Where a server listens that nobody told otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Which server, and the key that it knows.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Address {
    /// The server [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "GLOVEBOX_URL")]
    pub(super) url: Option<String>,
    /// An API key of it; better in the environment, where other users do not see it
    #[arg(
        long,
        value_name = "KEY",
        env = "GLOVEBOX_API_KEY",
        hide_env_values = true
    )]
    pub(super) key: Option<String>,
}

/// A server that can be asked.
pub(super) struct Server {
    url: String,
    key: String,
    http: Client,
}

impl Address {
    pub(super) fn server(&self) -> anyhow::Result<Server> {
        let key = self.key.clone().filter(|key| !key.is_empty()).context(
            "there is no API key: give --key or set GLOVEBOX_API_KEY (`glovebox key create` makes a key)",
        )?;
        let url = self.url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned());
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("the server's address {url:?} does not begin with http:// or https://");
        }
        // Fails only where somebody installed one before.
        drop(rustls::crypto::ring::default_provider().install_default());
        Ok(Server {
            url: url.trim_end_matches('/').to_owned(),
            key,
            http: Client::builder()
                .build()
                .context("cannot make an HTTP client")?,
        })
    }
}

impl Server {
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        request.header("x-api-key", &self.key)
    }

    /// Sends; what is no success is an error that says what the server says.
    pub(super) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request
            .send()
            .await
            .map_err(|error| anyhow!(error.without_url()))
            .with_context(|| format!("cannot reach the server at {}", self.url))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        let said = serde_json::from_slice::<Value>(&body).ok();
        let message = said
            .as_ref()
            .and_then(|said| said["error"]["message"].as_str());
        match message {
            Some(message) => bail!("the server refused: {message} ({status})"),
            None if status == StatusCode::NOT_FOUND => {
                bail!(
                    "{} answers, but not as a server that has tools ({status})",
                    self.url
                )
            }
            None => bail!("{} answers with {status}", self.url),
        }
    }

    pub(super) async fn json(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let response = self.send(request).await?;
        let body = response
            .bytes()
            .await
            .context("the server's answer broke off")?;
        serde_json::from_slice(&body)
            .with_context(|| format!("{} does not answer as a server that has tools", self.url))
    }

    /// All tools of the key's workspace.
    pub(super) async fn tools(&self) -> anyhow::Result<Vec<Value>> {
        let mut tools = Vec::new();
        let mut page: Option<String> = None;
        loop {
            let mut request = self
                .request(Method::GET, "/v1/tools")
                .query(&[("limit", "100")]);
            if let Some(page) = &page {
                request = request.query(&[("page", page)]);
            }
            let mut body = self.json(request).await?;
            let Value::Array(data) = body["data"].take() else {
                bail!("{} does not answer as a server that has tools", self.url);
            };
            tools.extend(data);
            match body["next_page"].as_str() {
                Some(next) if page.as_deref() != Some(next) => page = Some(next.to_owned()),
                _ => return Ok(tools),
            }
        }
    }

    /// The tool of an id or a name.
    pub(super) async fn tool(&self, name: &str) -> anyhow::Result<Value> {
        if name.starts_with("tool_") {
            let id = form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
            return self
                .json(self.request(Method::GET, &format!("/v1/tools/{id}")))
                .await;
        }
        let tools = self.tools().await?;
        let found = tools.iter().find(|tool| tool["name"] == name);
        found.cloned().with_context(|| {
            let names: Vec<&str> = tools
                .iter()
                .filter_map(|tool| tool["name"].as_str())
                .collect();
            if names.is_empty() {
                format!("there is no tool {name}; the server has none")
            } else {
                format!(
                    "there is no tool {name}; the server has: {}",
                    names.join(", ")
                )
            }
        })
    }
}

/// A text of the server's answer.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> anyhow::Result<&'v str> {
    value[key]
        .as_str()
        .with_context(|| format!("the server's answer has no {key}"))
}
