//! Lists of domains that an operator allows or blocks for a tool.
//!
//! They narrow further what the session's network policy leaves: the host checks that for every request by itself.

use url::Url;

/// `allowed_domains` or `blocked_domains` of a web tool's settings. An entry covers its subdomains, and may have a
/// path (`example.com/docs`), which then covers what is below it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Domains {
    allowed_domains: Option<Vec<String>>,
    blocked_domains: Option<Vec<String>>,
}

impl Domains {
    /// These domains and no others.
    pub fn allow_only<'a>(domains: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            allowed_domains: Some(domains.into_iter().map(str::to_owned).collect()),
            blocked_domains: None,
        }
    }

    /// Whether the lists let `url` pass.
    pub fn permit(&self, url: &Url) -> bool {
        let listed = |list: &Option<Vec<String>>| {
            list.as_ref()
                .map(|list| list.iter().any(|entry| covers(entry, url)))
        };
        listed(&self.allowed_domains).unwrap_or(true)
            && !listed(&self.blocked_domains).unwrap_or(false)
    }
}

fn covers(entry: &str, url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let (domain, path) = entry
        .split_once('/')
        .map_or((entry, ""), |(domain, path)| (domain, path));
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let same_host = host == domain
        || host
            .strip_suffix(&domain)
            .is_some_and(|rest| rest.ends_with('.'));
    let path = path.trim_end_matches('/');
    let below = url
        .path()
        .strip_prefix('/')
        .and_then(|given| given.strip_prefix(path));
    same_host
        && (path.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allowed: Option<&[&str]>, blocked: Option<&[&str]>, url: &str) -> bool {
        let list = |list: Option<&[&str]>| {
            list.map(|list| list.iter().map(|entry| (*entry).to_owned()).collect())
        };
        let domains = Domains {
            allowed_domains: list(allowed),
            blocked_domains: list(blocked),
        };
        domains.permit(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_entry_covers_its_subdomains_and_no_lookalike() {
        let allowed: Option<&[&str]> = Some(&["example.com", "docs.rs/tokio"]);
        for (url, expected) in [
            ("https://example.com/", true),
            ("https://EXAMPLE.com./a", true),
            ("https://a.b.example.com/", true),
            ("https://badexample.com/", false),
            ("https://example.com.evil.org/", false),
            ("https://user@evil.org/example.com", false),
            ("https://docs.rs/tokio/latest", true),
            ("https://docs.rs/tokio", true),
            ("https://docs.rs/tokio-util", false),
            ("https://docs.rs/", false),
        ] {
            assert_eq!(permits(allowed, None, url), expected, "{url}");
            assert_eq!(permits(None, allowed, url), !expected, "{url} blocked");
        }
        assert!(permits(None, None, "http://anything/"));
        assert!(!permits(Some(&[]), None, "http://anything/"));
    }
}
