//! From a URL to an answer that is no redirect. Every hop is checked against the operator's lists here, and against
//! the session's network policy by the host.

use glovebox_kit::domains::Domains;
use glovebox_kit::http::{self, Request, Response};
use url::Url;

const REDIRECTS_MAX: usize = 10;
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
const HEADERS: [(&str, &str); 4] = [
    (
        "accept",
        "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, text/plain;q=0.8, */*;q=0.5",
    ),
    ("accept-encoding", "identity"),
    ("accept-language", "en, *;q=0.5"),
    ("user-agent", "Mozilla/5.0 (compatible; glovebox)"),
];

/// A URL this tool can fetch.
pub(crate) fn parse(url: &str) -> Result<Url, String> {
    let url = Url::parse(url.trim())
        .map_err(|error| format!("{error}; give a whole URL such as https://example.com/"))?;
    usable(url)
}

fn usable(mut url: Url) -> Result<Url, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "{}: URLs are not supported, only http and https",
            url.scheme()
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials in the URL are not supported".into());
    }
    url.set_fragment(None);
    Ok(url)
}

/// Fetches, following redirects, and tells where the answer came from in the end.
pub(crate) fn fetch(url: Url, domains: &Domains) -> Result<(Url, Response), String> {
    fetch_with(url, domains, |url| {
        let request = Request::get(url).answer_bytes_max(BODY_BYTES_MAX);
        HEADERS
            .iter()
            .fold(request, |request, &(name, value)| {
                request.header(name, value)
            })
            .send()
    })
}

fn fetch_with(
    mut url: Url,
    domains: &Domains,
    mut get: impl FnMut(&Url) -> Result<Response, http::Error>,
) -> Result<(Url, Response), String> {
    for _ in 0..=REDIRECTS_MAX {
        if !domains.permit(&url) {
            let host = url.host_str().unwrap_or_default();
            return Err(format!(
                "url_not_allowed: the domain lists of this tool do not allow {host}"
            ));
        }
        let response = get(&url).map_err(|error| match error {
            http::Error::Denied(message) => format!("url_not_allowed: {message}"),
            http::Error::Failed(message) => format!("url_not_accessible: {url}: {message}"),
            http::Error::TooLarge => format!(
                "{url} is larger than {} MiB",
                BODY_BYTES_MAX / (1024 * 1024)
            ),
        })?;
        let target = match response.status {
            301 | 302 | 303 | 307 | 308 => response.header("location"),
            _ => None,
        };
        let Some(target) = target else {
            return Ok((url, response));
        };
        let next = url
            .join(target)
            .map_err(|error| format!("{url} redirects to an invalid URL: {error}"))?;
        url = usable(next).map_err(|error| format!("{url} redirects: {error}"))?;
    }
    Err(format!("more than {REDIRECTS_MAX} redirects"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(to: &str) -> Response {
        Response {
            status: 302,
            headers: vec![("location".into(), to.into())],
            body: Vec::new(),
        }
    }

    fn run(domains: &str, start: &str, answers: &[(&str, &str)]) -> Result<String, String> {
        let domains = match domains {
            "" => Domains::default(),
            domain => glovebox_kit::domains::Domains::allow_only([domain]),
        };
        fetch_with(parse(start).unwrap(), &domains, |url| {
            Ok(
                match answers.iter().find(|(from, _)| *from == url.as_str()) {
                    Some((_, to)) => redirect(to),
                    None => Response {
                        status: 200,
                        headers: Vec::new(),
                        body: Vec::new(),
                    },
                },
            )
        })
        .map(|(url, _)| url.into())
    }

    #[test]
    fn redirects_are_followed_and_checked() {
        assert_eq!(
            run(
                "",
                "http://a/x?y#z",
                &[("http://a/x?y", "../b"), ("http://a/b", "//c/d")]
            )
            .unwrap(),
            "http://c/d"
        );
        let error = run(
            "a.org",
            "http://a.org/",
            &[("http://a.org/", "http://evil.org/")],
        )
        .unwrap_err();
        assert!(
            error.starts_with("url_not_allowed: ") && error.contains("evil.org"),
            "{error}"
        );
        assert!(
            run("", "http://a/", &[("http://a/", "file:///etc/passwd")])
                .unwrap_err()
                .contains("only http and https")
        );
        assert_eq!(
            run("", "http://a/", &[("http://a/", "/")]).unwrap_err(),
            "more than 10 redirects"
        );
    }

    #[test]
    fn bad_urls() {
        for url in [
            "",
            "example.com",
            "ftp://a/",
            "javascript:alert(1)",
            "http://user:secret@a/",
            "http://",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
