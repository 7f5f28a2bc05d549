//! Keys and workspaces.

use reqwest::Method;
use serde_json::json;

use crate::support::{Server, send};

#[tokio::test]
async fn both_forms_of_a_key_are_accepted_and_nothing_else() {
    let server = Server::start().await;
    let key = server.key.clone();
    let with = |name: &'static str, value: String| {
        send(server.bare(Method::GET, "/v1/agents").header(name, value))
    };
    with("authorization", format!("Bearer {key}")).await.ok();
    with("authorization", format!("bearer  {key}")).await.ok();
    with("x-api-key", key.clone()).await.ok();

    for (name, value) in [
        ("x-other", key.clone()),
        ("authorization", key.clone()),
        ("authorization", "Bearer ".to_owned()),
        ("authorization", format!("Basic {key}")),
        ("authorization", format!("Bearer {key}x")),
        ("x-api-key", String::new()),
        ("x-api-key", "wrong".to_owned()),
    ] {
        with(name, value).await.refused(401, "authentication_error");
    }
    let unreadable = server
        .bare(Method::GET, "/v1/agents")
        .header("x-api-key", &b"\xff\xfe"[..]);
    send(unreadable).await.refused(401, "authentication_error");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let server = Server::start().await;
    server.add_key("wrkspc_a", "second").await;
    let ask = || send(server.bare(Method::GET, "/v1/agents").bearer_auth("second"));
    ask().await.ok();
    server.revoke("second").await;
    ask().await.refused(401, "authentication_error");
}

#[tokio::test]
async fn one_workspace_never_sees_anothers_objects() {
    let server = Server::start().await;
    server.add_key("wrkspc_b", "other").await;
    let agent = server
        .post("/v1/agents", json!({"name": "a", "model": "m"}))
        .await
        .ok();
    let environment = server
        .post("/v1/environments", json!({"name": "e"}))
        .await
        .ok();
    let session = server
        .post(
            "/v1/sessions",
            json!({"agent": agent["id"], "environment_id": environment["id"]}),
        )
        .await
        .ok();
    let [agent, environment, session] =
        [&agent, &environment, &session].map(|object| object["id"].as_str().unwrap());

    let text =
        json!({"events": [{"type": "user.message", "content": [{"type": "text", "text": "hi"}]}]});
    let named = json!({"name": "x", "title": "x"});
    for (method, path, body) in [
        (Method::GET, format!("/v1/agents/{agent}"), None),
        (Method::GET, format!("/v1/agents/{agent}?version=1"), None),
        (Method::GET, format!("/v1/agents/{agent}/versions"), None),
        (Method::POST, format!("/v1/agents/{agent}"), Some(&named)),
        (Method::POST, format!("/v1/agents/{agent}/archive"), None),
        (Method::GET, format!("/v1/environments/{environment}"), None),
        (
            Method::POST,
            format!("/v1/environments/{environment}"),
            Some(&named),
        ),
        (
            Method::POST,
            format!("/v1/environments/{environment}/archive"),
            None,
        ),
        (
            Method::DELETE,
            format!("/v1/environments/{environment}"),
            None,
        ),
        (Method::GET, format!("/v1/sessions/{session}"), None),
        (
            Method::POST,
            format!("/v1/sessions/{session}"),
            Some(&named),
        ),
        (Method::GET, format!("/v1/sessions/{session}/events"), None),
        (
            Method::POST,
            format!("/v1/sessions/{session}/events"),
            Some(&text),
        ),
        (
            Method::GET,
            format!("/v1/sessions/{session}/events/stream"),
            None,
        ),
        (
            Method::POST,
            format!("/v1/sessions/{session}/archive"),
            None,
        ),
        (Method::DELETE, format!("/v1/sessions/{session}"), None),
    ] {
        let mut request = server.bare(method.clone(), &path).bearer_auth("other");
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = send(request).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
        answer.refused(404, "not_found_error");
    }
    for path in ["/v1/agents", "/v1/environments", "/v1/sessions"] {
        let listed = send(server.bare(Method::GET, path).bearer_auth("other"))
            .await
            .ok();
        assert_eq!(listed["data"], json!([]), "{path}");
        assert_eq!(
            server.get(path).await.ok()["data"]
                .as_array()
                .unwrap()
                .len(),
            1,
            "{path}"
        );
    }
    let foreign = json!({"agent": agent, "environment_id": environment});
    let create = server
        .bare(Method::POST, "/v1/sessions")
        .bearer_auth("other")
        .json(&foreign);
    send(create).await.refused(404, "not_found_error");
}

#[tokio::test]
async fn a_named_workspace_must_be_the_keys_own() {
    let server = Server::start().await;
    let named = |workspace: &'static str| {
        send(
            server
                .request(Method::GET, "/v1/agents")
                .header("anthropic-workspace-id", workspace),
        )
    };
    named("wrkspc_a").await.ok();
    named("wrkspc_b").await.refused(403, "permission_error");
}
