//! What holds for every request: the error's shape, bodies, routes, ids, metrics.

use reqwest::Method;
use serde_json::json;

use crate::support::{Server, send};

#[tokio::test]
async fn bodies_that_are_not_what_they_should_be() {
    let server = Server::start().await;
    let raw = |body: &'static str| {
        send(
            server
                .request(Method::POST, "/v1/agents")
                .header("content-type", "application/json")
                .body(body),
        )
    };
    for (body, field) in [
        ("", "body"),
        ("  ", "body"),
        ("{", "body"),
        ("{\"name\": }", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("\"x\"", "body"),
        ("{}", "name"),
        ("{\"name\": 7}", "name"),
        ("{\"name\": \"a\", \"model\": [\"m\"]}", "model"),
        (
            "{\"name\": \"a\", \"model\": \"m\", \"tools\": [{\"type\": \"hammer\"}]}",
            "tools.0.type",
        ),
    ] {
        raw(body).await.names(field);
    }
    let deep = "[".repeat(100_000);
    send(server.request(Method::POST, "/v1/agents").body(deep))
        .await
        .names("body");
    let binary = server
        .request(Method::POST, "/v1/agents")
        .body(&b"{\"name\": \"\xff\"}"[..]);
    send(binary).await.names("body");
}

#[tokio::test]
async fn unknown_keys_headers_and_content_types_are_ignored() {
    let server = Server::start().await;
    let request = server
        .request(Method::POST, "/v1/agents?beta=true")
        .header(
            "anthropic-beta",
            "something-2099-01-01,managed-agents-2026-04-01",
        )
        .header("anthropic-version", "2099-01-01")
        .header("accept", "application/binary")
        .header("content-type", "text/plain")
        .body(r#"{"name": "a", "model": "m", "some_future_field": {"x": 1}}"#);
    let agent = send(request).await.ok();
    assert!(agent.get("some_future_field").is_none());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_it_is_read() {
    let server = Server::start().await;
    let of = |bytes: usize| {
        let frame = json!({"name": "a", "model": "m", "filler": ""}).to_string();
        let filler = "x".repeat(bytes - frame.len());
        frame.replace("\"filler\":\"\"", &format!("\"filler\":\"{filler}\""))
    };
    let limit = 32 * 1024 * 1024;
    send(server.request(Method::POST, "/v1/agents").body(of(limit)))
        .await
        .ok();
    let refused = send(
        server
            .request(Method::POST, "/v1/agents")
            .body(of(limit + 1)),
    )
    .await;
    refused.refused(413, "request_too_large");

    // Without a content-length the limit holds as well.
    let chunk = vec![b' '; 1024 * 1024];
    let chunks =
        futures::stream::iter((0..33).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let streamed = server
        .request(Method::POST, "/v1/agents")
        .body(reqwest::Body::wrap_stream(chunks));
    send(streamed).await.refused(413, "request_too_large");
}

#[tokio::test]
async fn unknown_routes_and_methods_have_the_errors_shape() {
    let server = Server::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/vaults",
        "/v1/agents/agent_1/unknown",
        "/v1/sessions//events",
        "/v2/agents",
    ] {
        server.get(path).await.refused(404, "not_found_error");
    }
    let answer = send(server.request(Method::PUT, "/v1/agents")).await;
    answer.refused(405, "invalid_request_error");
    assert!(answer.headers.contains_key("allow"));
    server
        .delete("/v1/agents/agent_1")
        .await
        .refused(405, "invalid_request_error");
    server.get("/v1/agents/%ff").await.names("path");
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let server = Server::start().await;
    let mut seen = std::collections::BTreeSet::new();
    for path in [
        "/v1/agents",
        "/v1/agents/agent_none",
        "/nowhere",
        "/healthz",
    ] {
        let answer = server.get(path).await;
        assert!(
            seen.insert(answer.headers["request-id"].to_str().unwrap().to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_body_of_an_error() {
    let server = Server::start().await;
    let answer = server
        .post(
            "/v1/environments",
            json!({"name": "e", "config": {"type": "docker"}}),
        )
        .await;
    insta::assert_json_snapshot!(answer.body, {".request_id" => "[request id]"});
}

#[tokio::test]
async fn health_and_metrics_need_no_key() {
    let server = Server::start().await;
    let health = send(server.bare(Method::GET, "/healthz")).await;
    assert_eq!((health.status, health.body), (200, json!("ok\n")));
    server.get("/v1/agents/agent_none").await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let mut stream = server.stream(id, "").await;
    server.say(id, "hi").await.ok();
    stream.until("session.status_idle").await;
    let metrics = send(server.bare(Method::GET, "/metrics")).await;
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let text = metrics.body.as_str().unwrap();
    let counted =
        r#"glovebox_http_requests_total{method="GET",route="/v1/agents/{agent_id}",status="404"}"#;
    assert!(text.contains(counted), "{text}");
    for counted in [
        "glovebox_http_request_duration_seconds_bucket",
        "glovebox_sessions_created_total",
        "glovebox_model_requests_total{outcome=\"ok\"}",
    ] {
        assert!(text.contains(counted), "{text}");
    }
}
