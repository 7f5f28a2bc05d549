//! `/v1/sessions` over HTTP.

use serde_json::{Value, json};

use crate::support::{Part, Server};

async fn list(server: &Server, query: &str) -> Vec<String> {
    let page = server.get(&format!("/v1/sessions{query}")).await.ok();
    page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["title"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_sessions_life() {
    let server = Server::start().await;
    let created = server.session().await;
    insta::assert_json_snapshot!(created, {".id" => "[id]", ".agent.id" => "[id]", ".environment_id" => "[id]",
        ".created_at" => "[time]", ".updated_at" => "[time]", ".stats.duration_seconds" => "[seconds]"});
    let id = created["id"].as_str().unwrap();
    assert!(id.starts_with("sesn_"));
    let path = format!("/v1/sessions/{id}");
    assert_eq!(server.get(&path).await.ok()["status"], "idle");

    let updated = server
        .post(&path, json!({"title": "t", "metadata": {"k": "v"}}))
        .await
        .ok();
    assert_eq!(
        (&updated["title"], &updated["metadata"]),
        (&json!("t"), &json!({"k": "v"}))
    );
    let cleared = server
        .post(
            &path,
            json!({"title": null, "agent": {"tools": [{"type": "agent_toolset_20260401"}]}}),
        )
        .await
        .ok();
    assert_eq!(cleared["title"], Value::Null);
    assert_eq!(
        cleared["agent"]["tools"][0]["type"],
        "agent_toolset_20260401"
    );
    let history = server.get(&format!("{path}/events")).await.ok();
    assert_eq!(history["data"].as_array().unwrap().len(), 2);
    for (event, keys) in history["data"]
        .as_array()
        .unwrap()
        .iter()
        .zip([["metadata", "title"], ["agent", "title"]])
    {
        assert_eq!(event["type"], "session.updated");
        assert!(keys.iter().all(|key| event.get(key).is_some()), "{event}");
    }
    server.post(&path, json!({})).await.ok();
    assert_eq!(
        server.get(&format!("{path}/events")).await.ok(),
        history,
        "no change, no event"
    );

    let archived = server.post_empty(&format!("{path}/archive")).await.ok();
    assert!(archived["archived_at"].is_string());
    assert_eq!(archived["status"], "terminated");
    assert_eq!(
        server.post_empty(&format!("{path}/archive")).await.ok()["archived_at"],
        archived["archived_at"]
    );
    let message =
        json!({"events": [{"type": "user.message", "content": [{"type": "text", "text": "hi"}]}]});
    server
        .post(&format!("{path}/events"), message)
        .await
        .refused(400, "invalid_request_error");

    assert_eq!(
        server.delete(&path).await.ok(),
        json!({"id": id, "type": "session_deleted"})
    );
    server.get(&path).await.refused(404, "not_found_error");
    server.delete(&path).await.refused(404, "not_found_error");
    server
        .get(&format!("{path}/events"))
        .await
        .refused(404, "not_found_error");
}

#[tokio::test]
async fn a_session_needs_an_agent_and_an_environment_that_are_in_use() {
    let server = Server::start().await;
    let agent = server
        .post("/v1/agents", json!({"name": "a", "model": "m"}))
        .await
        .ok();
    let environment = server
        .post("/v1/environments", json!({"name": "e"}))
        .await
        .ok();
    let create = |agent: Value, environment: Value| {
        let server = &server;
        async move {
            server
                .post(
                    "/v1/sessions",
                    json!({"agent": agent, "environment_id": environment}),
                )
                .await
        }
    };
    let (agent_id, environment_id) = (agent["id"].clone(), environment["id"].clone());
    create(json!("agent_none"), environment_id.clone())
        .await
        .refused(404, "not_found_error");
    create(
        json!({"type": "agent", "id": agent_id, "version": 7}),
        environment_id.clone(),
    )
    .await
    .refused(404, "not_found_error");
    let missing = create(agent_id.clone(), json!("env_none")).await;
    missing.refused(404, "not_found_error");
    assert_eq!(
        missing.body["error"]["details"],
        json!({"error_code": "environment_not_found"})
    );
    create(
        json!({"type": "agents", "id": agent_id}),
        environment_id.clone(),
    )
    .await
    .names("agent.type");

    let packages =
        json!({"name": "p", "config": {"type": "cloud", "packages": {"pip": ["numpy"]}}});
    let packages = server.post("/v1/environments", packages).await.ok();
    create(agent_id.clone(), packages["id"].clone())
        .await
        .names("environment_id");

    server
        .post_empty(&format!(
            "/v1/environments/{}/archive",
            environment_id.as_str().unwrap()
        ))
        .await
        .ok();
    let archived = create(agent_id.clone(), environment_id.clone()).await;
    archived.names("environment_id");
    assert_eq!(
        archived.body["error"]["details"],
        json!({"error_code": "environment_archived"})
    );
    server
        .post_empty(&format!(
            "/v1/agents/{}/archive",
            agent_id.as_str().unwrap()
        ))
        .await
        .ok();
    create(agent_id, environment_id).await.names("agent");
}

#[tokio::test]
async fn a_session_keeps_the_agent_it_began_with() {
    let server = Server::start().await;
    let session = server.session().await;
    let agent = session["agent"]["id"].as_str().unwrap();
    server
        .post(&format!("/v1/agents/{agent}"), json!({"system": "changed"}))
        .await
        .ok();
    let environment = session["environment_id"].as_str().unwrap();
    server
        .delete(&format!("/v1/environments/{environment}"))
        .await
        .ok();
    let again = server
        .get(&format!("/v1/sessions/{}", session["id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(
        (&again["agent"], &again["environment_id"]),
        (&session["agent"], &session["environment_id"])
    );

    let environment = server
        .post("/v1/environments", json!({"name": "e"}))
        .await
        .ok();
    for (reference, system) in [
        (json!(agent), json!("changed")),
        (
            json!({"type": "agent", "id": agent, "version": 1}),
            Value::Null,
        ),
        (
            json!({"type": "agent_with_overrides", "id": agent, "system": "other"}),
            json!("other"),
        ),
    ] {
        let created = server
            .post(
                "/v1/sessions",
                json!({"agent": reference, "environment_id": environment["id"]}),
            )
            .await
            .ok();
        assert_eq!(created["agent"]["system"], system, "{reference}");
    }
}

#[tokio::test]
async fn lists_filter_and_go_both_ways() {
    let server = Server::start().await;
    let agent = server
        .post("/v1/agents", json!({"name": "a", "model": "m"}))
        .await
        .ok();
    let other = server
        .post("/v1/agents", json!({"name": "b", "model": "m"}))
        .await
        .ok();
    let environment = server
        .post("/v1/environments", json!({"name": "e"}))
        .await
        .ok();
    let mut created = Vec::new();
    for n in 0..5 {
        let agent = if n == 0 { &other } else { &agent };
        let body = json!({"agent": agent["id"], "environment_id": environment["id"], "title": n.to_string()});
        created.push(server.post("/v1/sessions", body).await.ok());
    }
    assert_eq!(list(&server, "").await, ["4", "3", "2", "1", "0"]);
    assert_eq!(list(&server, "?order=asc").await, ["0", "1", "2", "3", "4"]);
    let agent_id = agent["id"].as_str().unwrap();
    assert_eq!(
        list(&server, &format!("?agent_id={agent_id}")).await,
        ["4", "3", "2", "1"]
    );
    assert_eq!(
        list(&server, &format!("?agent_id={agent_id}&agent_version=2")).await,
        [""; 0]
    );
    assert_eq!(
        list(&server, "?statuses[]=running&statuses[]=terminated").await,
        [""; 0]
    );
    assert_eq!(list(&server, "?statuses=idle&limit=1").await, ["4"]);
    assert_eq!(list(&server, "?deployment_id=depl_1").await, [""; 0]);
    let since = created[3]["created_at"].as_str().unwrap();
    assert_eq!(
        list(&server, &format!("?created_at%5Bgt%5D={since}")).await,
        ["4"]
    );
    assert_eq!(
        list(&server, &format!("?created_at%5Blt%5D={since}")).await,
        ["2", "1", "0"]
    );

    let first = server.get("/v1/sessions?limit=2").await.ok();
    assert_eq!(first["prev_page"], Value::Null);
    let token = first["next_page"].as_str().unwrap().to_owned();
    let second = server
        .get(&format!("/v1/sessions?limit=2&page={token}"))
        .await
        .ok();
    assert_eq!(second["data"][0]["title"], "2");
    let back = server
        .get(&format!(
            "/v1/sessions?limit=2&page={}",
            second["prev_page"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(back["data"][0]["title"], "4");
    assert_eq!(back["data"][1]["title"], "3");
    server
        .get(&format!("/v1/sessions?order=asc&page={token}"))
        .await
        .names("page");
    server.get("/v1/sessions?page=x").await.names("page");
    server
        .get("/v1/sessions?statuses[]=sleeping")
        .await
        .names("statuses");
    server.get("/v1/sessions?order=up").await.names("order");

    server
        .post_empty(&format!(
            "/v1/sessions/{}/archive",
            created[4]["id"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(list(&server, "").await, ["3", "2", "1", "0"]);
    assert_eq!(
        list(&server, "?include_archived=true").await,
        ["4", "3", "2", "1", "0"]
    );
}

/// An update that changes the agent's tools.
fn rearmed() -> Value {
    json!({"agent": {"tools": [{"type": "agent_toolset_20260401"}]}})
}

#[tokio::test]
async fn a_running_session_cannot_be_ended_or_rearmed() {
    let server = Server::start().await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let path = format!("/v1/sessions/{id}");
    let mut stream = server.stream(id, "").await;
    server
        .model
        .will_say(vec![Part::Wait, Part::Text(vec!["done"])]);
    server.say(id, "hi").await.ok();
    stream.until("span.model_request_start").await;

    assert_eq!(server.get(&path).await.ok()["status"], "running");
    server
        .post_empty(&format!("{path}/archive"))
        .await
        .refused(400, "invalid_request_error");
    server
        .delete(&path)
        .await
        .refused(400, "invalid_request_error");
    server
        .post(&path, rearmed())
        .await
        .refused(400, "invalid_request_error");
    assert_eq!(
        server.post(&path, json!({"title": "t"})).await.ok()["title"],
        "t"
    );

    server.model.go_on();
    stream.until("session.status_idle").await;
    server.post(&path, rearmed()).await.ok();
    server.delete(&path).await.ok();
}

#[tokio::test]
async fn initial_events_start_the_session() {
    let server = Server::start().await;
    let idle = server.session().await;
    let message =
        |text: &str| json!({"type": "user.message", "content": [{"type": "text", "text": text}]});
    let with = |events: Value| json!({"agent": idle["agent"]["id"], "environment_id": idle["environment_id"], "initial_events": events});
    server
        .model
        .will_say(vec![Part::Wait, Part::Text(vec!["done"])]);
    let running = server
        .post("/v1/sessions", with(json!([message("a"), message("b")])))
        .await
        .ok();
    assert_eq!(running["status"], "running");
    let id = running["id"].as_str().unwrap();
    let mut stream = server.stream(id, "").await;
    server.model.go_on();
    stream.until("session.status_idle").await;
    let history = server
        .get(&format!("/v1/sessions/{id}/events?types[]=user.message"))
        .await
        .ok();
    assert_eq!(history["data"].as_array().unwrap().len(), 2);

    assert_eq!(
        server.post("/v1/sessions", with(json!([]))).await.ok()["status"],
        "idle"
    );
    let before = list(&server, "?include_archived=true").await.len();
    server
        .post(
            "/v1/sessions",
            with(json!([message("a"), {"type": "user.message"}])),
        )
        .await
        .names("initial_events.1.content");
    assert_eq!(
        list(&server, "?include_archived=true").await.len(),
        before,
        "all or nothing"
    );
}
