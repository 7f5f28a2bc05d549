//! `/v1/agents` over HTTP. What is valid and how it is normalised is tested beside `resources`.

use serde_json::{Value, json};

use crate::support::Server;

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

#[tokio::test]
async fn an_agents_life() {
    let server = Server::start().await;
    let created = server
        .post(
            "/v1/agents?beta=true",
            json!({"name": "a", "model": {"id": "m", "effort": "low"},
            "tools": [{"type": "agent_toolset_20260401"}], "metadata": {"k": "v"}}),
        )
        .await
        .ok();
    insta::assert_json_snapshot!(created, {".id" => "[id]", ".created_at" => "[time]", ".updated_at" => "[time]"});
    assert!(id(&created).starts_with("agent_"));
    let path = format!("/v1/agents/{}", id(&created));
    assert_eq!(server.get(&path).await.ok(), created);

    let second = server
        .post(&path, json!({"name": "b", "version": 1}))
        .await
        .ok();
    assert_eq!(
        (&second["version"], &second["name"]),
        (&json!(2), &json!("b"))
    );
    assert_eq!(
        server.post(&path, json!({"name": "b"})).await.ok(),
        second,
        "nothing changed, so no version"
    );
    let third = server.post(&path, json!({"system": "s"})).await.ok();
    assert_eq!(third["version"], 3);

    assert_eq!(server.get(&format!("{path}?version=1")).await.ok(), created);
    assert_eq!(server.get(&format!("{path}?version=2")).await.ok(), second);
    assert_eq!(server.get(&format!("{path}?version=3")).await.ok(), third);
    server
        .get(&format!("{path}?version=4"))
        .await
        .refused(404, "not_found_error");
    server
        .get(&format!("{path}?version=0"))
        .await
        .names("version");

    let versions = server.get(&format!("{path}/versions?limit=2")).await.ok();
    assert_eq!(versions["data"], json!([third, second]));
    let rest = server
        .get(&format!(
            "{path}/versions?limit=2&page={}",
            versions["next_page"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(rest["data"], json!([created]));
    assert_eq!(rest["next_page"], Value::Null);

    let archived = server.post_empty(&format!("{path}/archive")).await.ok();
    assert_eq!(archived["version"], 3);
    assert!(archived["archived_at"].is_string());
    assert_eq!(
        server.post_empty(&format!("{path}/archive")).await.ok(),
        archived,
        "archiving again changes nothing"
    );
    assert_eq!(server.get(&path).await.ok(), archived);
    assert_eq!(
        server.get(&format!("{path}?version=3")).await.ok(),
        archived
    );
    assert_eq!(server.get(&format!("{path}?version=2")).await.ok(), second);
    server
        .post(&path, json!({"name": "c"}))
        .await
        .names("agent");
}

#[tokio::test]
async fn a_version_that_is_not_the_present_one_is_a_conflict_not_worth_retrying() {
    let server = Server::start().await;
    let agent = server
        .post("/v1/agents", json!({"name": "a", "model": "m"}))
        .await
        .ok();
    for body in [json!({"version": 2, "name": "b"}), json!({"version": 2})] {
        let answer = server
            .post(&format!("/v1/agents/{}", id(&agent)), body)
            .await;
        let message = answer.refused(409, "conflict_error");
        assert!(message.starts_with("version: "), "{message}");
        assert_eq!(answer.headers["x-should-retry"], "false");
    }
}

#[tokio::test]
async fn concurrent_updates_are_all_applied() {
    let server = Server::start().await;
    let agent = server
        .post("/v1/agents", json!({"name": "a", "model": "m"}))
        .await
        .ok();
    let path = format!("/v1/agents/{}", id(&agent));
    let updates = (0..8).map(|n| server.post(&path, json!({"metadata": {n.to_string(): "x"}})));
    for answer in futures::future::join_all(updates).await {
        answer.ok();
    }
    let agent = server.get(&path).await.ok();
    assert_eq!(agent["version"], 9);
    assert_eq!(agent["metadata"].as_object().unwrap().len(), 8);
}

#[tokio::test]
async fn lists_are_newest_first_and_come_in_pages() {
    let server = Server::start().await;
    let mut created = Vec::new();
    for n in 0..5 {
        created.push(
            server
                .post("/v1/agents", json!({"name": n.to_string(), "model": "m"}))
                .await
                .ok(),
        );
    }
    let names = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|agent| agent["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = server.get("/v1/agents?limit=2").await.ok();
    assert_eq!(names(&first), ["4", "3"]);
    let second = server
        .get(&format!(
            "/v1/agents?limit=2&page={}",
            first["next_page"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(names(&second), ["2", "1"]);
    let third = server
        .get(&format!(
            "/v1/agents?limit=2&page={}",
            second["next_page"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(names(&third), ["0"]);
    assert_eq!(third["next_page"], Value::Null);

    server
        .post_empty(&format!("/v1/agents/{}/archive", id(&created[2])))
        .await
        .ok();
    assert_eq!(
        names(&server.get("/v1/agents").await.ok()),
        ["4", "3", "1", "0"]
    );
    assert_eq!(
        names(&server.get("/v1/agents?include_archived=true").await.ok()),
        ["4", "3", "2", "1", "0"]
    );

    let since = created[3]["created_at"].as_str().unwrap();
    assert_eq!(
        names(
            &server
                .get(&format!("/v1/agents?created_at%5Bgte%5D={since}"))
                .await
                .ok()
        ),
        ["4", "3"]
    );
    assert_eq!(
        names(
            &server
                .get(&format!("/v1/agents?created_at[lte]={since}&limit=1"))
                .await
                .ok()
        ),
        ["3"]
    );

    server.get("/v1/agents?limit=0").await.names("limit");
    server.get("/v1/agents?limit=101").await.names("limit");
    server.get("/v1/agents?page=nonsense").await.names("page");
    server
        .get("/v1/agents?created_at[gte]=yesterday")
        .await
        .names("created_at[gte]");
    server
        .get("/v1/agents?include_archived=perhaps")
        .await
        .names("include_archived");
}

#[tokio::test]
async fn unknown_agents_are_not_found() {
    let server = Server::start().await;
    server
        .get("/v1/agents/agent_none")
        .await
        .refused(404, "not_found_error");
    server
        .get("/v1/agents/agent_none/versions")
        .await
        .refused(404, "not_found_error");
    server
        .post("/v1/agents/agent_none", json!({"name": "a"}))
        .await
        .refused(404, "not_found_error");
    server
        .post_empty("/v1/agents/agent_none/archive")
        .await
        .refused(404, "not_found_error");
}
