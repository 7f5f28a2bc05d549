//! The web tools against a server on this machine, which is a private address: reachable only where that is granted.

use glovebox_runtime::{Content, Grant, Network, Outcome};
use serde_json::json;

use crate::kernel::{hands, text, tool};
use crate::server::{Answer, Server};

/// The operator's servers may be asked, and of those only 127.0.0.1.
fn only_loopback(grant: &mut Grant) {
    grant.network = Network::Limited {
        hosts: vec!["127.0.0.1".parse().unwrap()],
    };
    grant.private_addresses = true;
}

async fn fetch(change: impl FnOnce(&mut Grant), url: String) -> Outcome {
    hands(change)
        .call(&tool("web_fetch"), json!({ "url": url }))
        .await
}

fn site() -> Server {
    Server::start(|path| match path {
        "/page" => Answer::ok(
            "text/html; charset=utf-8",
            "<title>T</title><h1>Head</h1><script>no()</script><p>Text",
        ),
        "/data" => Answer::ok("application/json", "{\"a\":1}"),
        "/pdf" => Answer::ok("application/pdf", "%PDF-1.7"),
        "/png" => Answer::ok("image/png", "\u{89}PNG"),
        "/zip" => Answer::ok("application/zip", "PK"),
        "/hop" => Answer::redirect("/hop2"),
        "/hop2" => Answer::redirect("page"),
        "/loop" => Answer::redirect("/loop"),
        "/away" => Answer::redirect("http://localhost:1/"),
        "/file" => Answer::redirect("file:///etc/passwd"),
        "/large" => Answer::ok("text/plain", vec![b'x'; 11 * 1024 * 1024]),
        _ => Answer {
            status: 404,
            headers: Vec::new(),
            body: b"nothing here".to_vec(),
        },
    })
}

#[tokio::test]
async fn pages_are_fetched_where_that_is_granted() {
    let site = site();
    assert_eq!(
        text(fetch(only_loopback, site.url("/page")).await),
        format!("# T\nSource: {}\n\n# Head\n\nText\n", site.url("/page"))
    );
    assert_eq!(
        text(fetch(only_loopback, site.url("/data#part")).await),
        "{\"a\":1}"
    );
    assert!(text(fetch(only_loopback, site.url("/hop")).await).contains("# Head"));
    let pdf = fetch(only_loopback, site.url("/pdf")).await;
    assert!(
        matches!(&pdf, Outcome::Answer(content) if matches!(&content[..], [Content::Document { .. }])),
        "{pdf:?}"
    );
    let png = fetch(only_loopback, site.url("/png")).await;
    assert!(
        matches!(&png, Outcome::Answer(content) if matches!(&content[..], [Content::Image { .. }])),
        "{png:?}"
    );
}

#[tokio::test]
async fn what_is_not_granted_is_refused_and_never_asked() {
    let site = site();
    type Change = fn(&mut Grant);
    let grants: [(Change, &str); 3] = [
        (|_| (), "network policy"),
        (
            |grant| grant.network = Network::Unrestricted,
            "private address",
        ),
        (
            |grant| {
                grant.network = Network::Limited {
                    hosts: vec!["example.com".parse().unwrap()],
                };
                grant.private_addresses = true;
            },
            "network policy",
        ),
    ];
    for (change, reason) in grants {
        let outcome = fetch(change, site.url("/page")).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        let told = text(outcome);
        assert!(
            told.starts_with("web_fetch: url_not_allowed: ")
                && told.contains(reason)
                && told.contains("127.0.0.1"),
            "{told}"
        );
    }
    // A name that leads to a private address is caught when it is resolved.
    let named = format!("http://localhost:{}/page", site.address.port());
    let told = text(fetch(|grant| grant.network = Network::Unrestricted, named).await);
    assert!(
        told.contains("url_not_allowed") && told.contains("private address behind localhost"),
        "{told}"
    );
    assert_eq!(site.asked(), [""; 0]);
}

#[tokio::test]
async fn every_hop_is_checked() {
    let site = site();
    let told = text(fetch(only_loopback, site.url("/away")).await);
    assert!(
        told.contains("url_not_allowed") && told.contains("localhost"),
        "{told}"
    );
    assert!(text(fetch(only_loopback, site.url("/file")).await).contains("only http and https"));
    assert!(text(fetch(only_loopback, site.url("/loop")).await).contains("more than 10 redirects"));
    assert_eq!(
        site.asked()
            .iter()
            .filter(|asked| asked.contains("/loop"))
            .count(),
        11
    );
}

#[tokio::test]
async fn what_cannot_be_used_says_why() {
    let site = site();
    assert!(text(fetch(only_loopback, site.url("/large")).await).contains("larger than 10 MiB"));
    assert!(
        text(fetch(only_loopback, site.url("/zip")).await).contains("unsupported_content_type")
    );
    let told = text(fetch(only_loopback, site.url("/gone")).await);
    assert!(
        told.contains("status 404") && told.contains("nothing here"),
        "{told}"
    );
    let told = text(fetch(only_loopback, "http://127.0.0.1:1/".to_owned()).await);
    assert!(
        told.contains("url_not_accessible") && told.contains("connection refused"),
        "{told}"
    );
}

#[tokio::test]
async fn the_operators_settings_narrow() {
    let site = site();
    let with = |settings: &'static str| {
        move |grant: &mut Grant| {
            only_loopback(grant);
            grant
                .settings
                .insert("web_fetch".to_owned(), settings.to_owned());
        }
    };
    let told = text(
        fetch(
            with(r#"{"allowed_domains":["example.com"]}"#),
            site.url("/page"),
        )
        .await,
    );
    assert!(
        told.starts_with("web_fetch: url_not_allowed: ") && told.contains("127.0.0.1"),
        "{told}"
    );
    let told = text(fetch(with(r#"{"max_content_tokens":1}"#), site.url("/data")).await);
    assert_eq!(told, "{\"a\"\n[content truncated at 4 characters]");
    // A setting that cannot be read must not mean no restriction.
    let outcome = fetch(with("nonsense"), site.url("/page")).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_search_returns_results() {
    let engine = Server::start(|_| {
        Answer::ok(
            "application/json",
            r#"{"results":[{"url":"https://a.org/","title":"A","content":"about a"},{"url":"https://b.org/","title":"B","content":""}]}"#,
        )
    });
    let endpoint = format!(
        r#"{{"endpoint":"{}","blocked_domains":["b.org"]}}"#,
        engine.url("")
    );
    let configured = hands(|grant| {
        only_loopback(grant);
        grant.settings.insert("web_search".to_owned(), endpoint);
    });
    let outcome = configured
        .call(&tool("web_search"), json!({"query": "what is a?"}))
        .await;
    let hit = Content::SearchResult {
        source: "https://a.org/".into(),
        title: "A".into(),
        text: "about a".into(),
    };
    assert_eq!(outcome, Outcome::Answer(vec![hit]));
    assert_eq!(engine.asked(), ["GET /search?q=what+is+a%3F&format=json"]);
    let outcome = hands(only_loopback)
        .call(&tool("web_search"), json!({"query": "a"}))
        .await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert!(text(outcome).contains("no search engine is configured"));
}
