//! What the search engine is asked, and what of its answer is passed on.

use glovebox_kit::domains::Domains;
use glovebox_kit::tool::SearchHit;
use url::Url;

const RESULTS_MAX: usize = 10;

/// What the operator sets.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// The engine's base address. Asked is `ENDPOINT/search?q=…&format=json`.
    endpoint: Option<String>,
    #[serde(flatten)]
    domains: Domains,
    /// Passed on as `language`, for example `en-GB`.
    language: Option<String>,
}

#[derive(serde::Deserialize)]
struct Found {
    results: Vec<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    url: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    content: Option<String>,
}

impl Settings {
    pub(crate) fn url(&self, query: &str) -> Result<Url, String> {
        let endpoint = self.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()).ok_or(
            "no search engine is configured on this server; its operator can set one (a SearXNG-compatible endpoint)",
        )?;
        let mut url = Url::parse(endpoint)
            .map_err(|error| format!("the configured endpoint is not a URL: {error}"))?;
        let path = url.path().trim_end_matches('/');
        let path = if path.ends_with("/search") {
            path.to_owned()
        } else {
            format!("{path}/search")
        };
        url.set_path(&path);
        url.query_pairs_mut()
            .append_pair("q", query)
            .append_pair("format", "json");
        if let Some(language) = &self.language {
            url.query_pairs_mut().append_pair("language", language);
        }
        Ok(url)
    }

    /// The first results whose domain is permitted; the others are dropped silently.
    pub(crate) fn hits(&self, body: &[u8]) -> Result<Vec<SearchHit>, String> {
        let found: Found = serde_json::from_slice(body)
            .map_err(|_| "the search engine did not answer with results as JSON (is its json format enabled?)")?;
        let permitted = |entry: &Entry| {
            Url::parse(&entry.url).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && self.domains.permit(&url)
            })
        };
        Ok(found
            .results
            .into_iter()
            .filter(permitted)
            .take(RESULTS_MAX)
            .map(|entry| SearchHit {
                title: entry
                    .title
                    .filter(|title| !title.is_empty())
                    .unwrap_or_else(|| entry.url.clone()),
                text: entry.content.unwrap_or_default(),
                source: entry.url,
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> Settings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_endpoint_is_asked_for_json() {
        for (endpoint, expected) in [
            (
                "http://s:8888",
                "http://s:8888/search?q=a+%26+b&format=json",
            ),
            ("https://s/x/", "https://s/x/search?q=a+%26+b&format=json"),
            (
                "https://s/search?key=1",
                "https://s/search?key=1&q=a+%26+b&format=json",
            ),
        ] {
            let settings = settings(&format!(r#"{{"endpoint":"{endpoint}"}}"#));
            assert_eq!(settings.url("a & b").unwrap().as_str(), expected);
        }
        assert!(
            settings("{}")
                .url("a")
                .unwrap_err()
                .starts_with("no search engine is configured")
        );
        assert!(
            settings(r#"{"endpoint":"nowhere"}"#)
                .url("a")
                .unwrap_err()
                .contains("not a URL")
        );
    }

    #[test]
    fn results_of_other_domains_are_dropped() {
        let body = br#"{"query":"q","results":[
            {"url":"https://a.org/1","title":"One","content":"first","engine":"x"},
            {"url":"https://b.org/2","title":"Two","content":"second"},
            {"url":"https://sub.a.org/3","title":"","content":null},
            {"url":"javascript:x"}]}"#;
        let hits = settings(r#"{"allowed_domains":["a.org"]}"#)
            .hits(body)
            .unwrap();
        let hits: Vec<_> = hits
            .iter()
            .map(|hit| (hit.source.as_str(), hit.title.as_str(), hit.text.as_str()))
            .collect();
        assert_eq!(
            hits,
            [
                ("https://a.org/1", "One", "first"),
                ("https://sub.a.org/3", "https://sub.a.org/3", "")
            ]
        );
        assert_eq!(settings("{}").hits(body).unwrap().len(), 3);
        assert!(settings("{}").hits(b"<html>").is_err());
    }
}
