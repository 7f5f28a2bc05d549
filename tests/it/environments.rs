//! `/v1/environments` over HTTP.

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn an_environments_life() {
    let server = Server::start().await;
    let created = server
        .post(
            "/v1/environments",
            json!({"name": "e", "config": {"type": "cloud",
            "networking": {"type": "limited", "allowed_hosts": ["*.example.com"]}}}),
        )
        .await
        .ok();
    insta::assert_json_snapshot!(created, {".id" => "[id]", ".created_at" => "[time]", ".updated_at" => "[time]"});
    let id = created["id"].as_str().unwrap();
    assert!(id.starts_with("env_"));
    let path = format!("/v1/environments/{id}");
    assert_eq!(server.get(&path).await.ok(), created);
    assert_eq!(
        server.post(&path, json!({})).await.ok(),
        created,
        "nothing changed"
    );

    let changed = server.post(&path, json!({"description": "d", "config": {"type": "cloud", "networking": {"type": "unrestricted"}}})).await.ok();
    assert_eq!(
        (&changed["description"], &changed["name"]),
        (&json!("d"), &json!("e"))
    );
    assert_eq!(
        changed["config"]["networking"],
        json!({"type": "unrestricted"})
    );
    let retyped = server
        .post(&path, json!({"config": {"type": "self_hosted"}}))
        .await;
    retyped.names("config.type");
    assert_eq!(
        retyped.body["error"]["details"],
        json!({"error_code": "invalid_config_type_change"})
    );

    let archived = server.post_empty(&format!("{path}/archive")).await.ok();
    assert!(archived["archived_at"].is_string());
    assert_eq!(
        server.post_empty(&format!("{path}/archive")).await.ok(),
        archived
    );
    assert_eq!(server.get("/v1/environments").await.ok()["data"], json!([]));
    assert_eq!(
        server
            .get("/v1/environments?include_archived=true")
            .await
            .ok()["data"],
        json!([archived])
    );
    let late = server.post(&path, json!({"name": "f"})).await;
    late.names("environment");
    assert_eq!(
        late.body["error"]["details"],
        json!({"error_code": "environment_archived"})
    );

    assert_eq!(
        server.delete(&path).await.ok(),
        json!({"id": id, "type": "environment_deleted"})
    );
    for answer in [server.get(&path).await, server.delete(&path).await] {
        answer.refused(404, "not_found_error");
        assert_eq!(
            answer.body["error"]["details"],
            json!({"error_code": "environment_not_found"})
        );
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = Server::start().await;
    for n in 0..3 {
        server
            .post("/v1/environments", json!({"name": n.to_string()}))
            .await
            .ok();
    }
    let first = server.get("/v1/environments?limit=2").await.ok();
    let second = server
        .get(&format!(
            "/v1/environments?limit=2&page={}",
            first["next_page"].as_str().unwrap()
        ))
        .await
        .ok();
    let names = |page: &Value| {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["2", "1"]);
    assert_eq!(names(&second), ["0"]);
    assert_eq!(second["next_page"], Value::Null);
}
