//! Sending and listing a session's events.

use serde_json::{Value, json};

use crate::support::Server;

fn types(page: &Value) -> Vec<&str> {
    page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn events_are_echoed_with_ids_and_listed() {
    let server = Server::start().await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let mut stream = server.stream(id, "").await;
    let echo = server.say(id, "hi").await.ok();
    assert_eq!(echo["data"].as_array().unwrap().len(), 1);
    assert!(echo["data"][0]["id"].as_str().unwrap().starts_with("sevt_"));
    assert_eq!(
        echo["data"][0]["content"],
        json!([{"type": "text", "text": "hi"}])
    );
    assert_eq!(echo["data"][0]["processed_at"], Value::Null);
    let frames = stream.until("session.status_idle").await;

    let path = format!("/v1/sessions/{id}/events");
    let history = server.get(&path).await.ok();
    assert_eq!(history["next_page"], Value::Null);
    let listed: Vec<&Value> = history["data"].as_array().unwrap().iter().collect();
    let streamed: Vec<&Value> = frames.iter().map(|frame| &frame.data).collect();
    assert_eq!(listed, streamed, "what was streamed is what is listed");
    assert_eq!(listed[0]["id"], echo["data"][0]["id"]);
    let times: Vec<&str> = listed
        .iter()
        .map(|event| event["processed_at"].as_str().unwrap())
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");

    let newest = server.get(&format!("{path}?order=desc&limit=2")).await.ok();
    assert_eq!(types(&newest), ["session.status_idle", "session.usage"]);
    let next = server
        .get(&format!(
            "{path}?order=desc&limit=2&page={}",
            newest["next_page"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(next["data"][0]["type"], "session.thread_status_idle");
    let some = server
        .get(&format!(
            "{path}?types%5B%5D=user.message&types[]=agent.message"
        ))
        .await
        .ok();
    assert_eq!(types(&some), ["user.message", "agent.message"]);
    let after = server
        .get(&format!("{path}?created_at[gt]={}", times[times.len() - 2]))
        .await
        .ok();
    assert_eq!(types(&after), ["session.status_idle"]);
    let until = server
        .get(&format!("{path}?created_at[lte]={}", times[1]))
        .await
        .ok();
    assert_eq!(until["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        server.get(&format!("{path}?limit=5000")).await.ok(),
        history
    );
    server.get(&format!("{path}?limit=0")).await.names("limit");
    server.get(&format!("{path}?page=x")).await.names("page");
    server
        .get(&format!("{path}?created_at[lt]=x"))
        .await
        .names("created_at[lt]");
}

#[tokio::test]
async fn one_bad_event_refuses_them_all() {
    let server = Server::start().await;
    let session = server.session().await;
    let path = format!("/v1/sessions/{}/events", session["id"].as_str().unwrap());
    let good = json!({"type": "user.message", "content": [{"type": "text", "text": "hi"}]});
    for (bad, field) in [
        (json!({"type": "user.message"}), "events.1.content"),
        (
            json!({"type": "agent.message", "content": []}),
            "events.1.type",
        ),
        (json!({"type": 7}), "events.1.type"),
        (json!("hi"), "events.1"),
        (
            json!({"type": "user.tool_confirmation", "tool_use_id": "sevt_x", "result": "perhaps"}),
            "events.1.result",
        ),
    ] {
        server
            .post(&path, json!({"events": [good, bad]}))
            .await
            .names(field);
    }
    for unknown in [
        json!({"type": "user.tool_confirmation", "tool_use_id": "sevt_none", "result": "allow"}),
        json!({"type": "user.custom_tool_result", "custom_tool_use_id": "sevt_none"}),
        json!({"type": "user.tool_result", "tool_use_id": "sevt_none"}),
    ] {
        server
            .post(&path, json!({"events": [good, unknown]}))
            .await
            .refused(400, "invalid_request_error");
    }
    server
        .post(&path, json!({"events": []}))
        .await
        .names("events");
    server.post(&path, json!({})).await.names("events");
    assert_eq!(server.get(&path).await.ok()["data"], json!([]));
    let nowhere = server
        .post("/v1/sessions/sesn_none/events", json!({"events": [good]}))
        .await;
    nowhere.refused(404, "not_found_error");
}
