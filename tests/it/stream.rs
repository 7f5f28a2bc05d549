//! The event stream.

use serde_json::{Value, json};

use crate::support::{Part, Server, send};

#[tokio::test]
async fn the_transcript_of_a_turn() {
    let server = Server::start().await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let mut stream = server.stream(id, "?event_deltas%5B%5D=agent.message").await;
    let header = |name: &str| stream.response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(header("cache-control"), "no-cache");
    assert!(header("request-id").starts_with("req_"));
    server.model.will_say(vec![Part::Text(vec!["Hel", "lo"])]);
    server.say(id, "hi").await.ok();
    let frames = stream.until("session.status_idle").await;

    // Ids are opaque: in the transcript each gets the number of its first appearance.
    let mut seen = Vec::new();
    let mut number = |value: &mut Value| {
        let id = value.as_str().unwrap().to_owned();
        let position = seen
            .iter()
            .position(|other| *other == id)
            .unwrap_or_else(|| {
                seen.push(id);
                seen.len() - 1
            });
        *value = json!(format!("[{position}]"));
    };
    let transcript: Vec<String> = frames
        .into_iter()
        .map(|mut frame| {
            for pointer in [
                "/id",
                "/event/id",
                "/event_id",
                "/model_request_start_id",
                "/session_thread_id",
            ] {
                if let Some(value) = frame.data.pointer_mut(pointer) {
                    number(value);
                }
            }
            for pointer in ["/processed_at", "/usage/active_seconds"] {
                if let Some(value) = frame.data.pointer_mut(pointer) {
                    *value = json!("[time]");
                }
            }
            format!("event: {}\ndata: {}\n", frame.event, frame.data)
        })
        .collect();
    insta::assert_snapshot!(transcript.join("\n"));
}

#[tokio::test]
async fn previews_come_only_to_who_asked() {
    let server = Server::start().await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let mut plain = server.stream(id, "").await;
    let mut asked = server
        .stream(
            id,
            "?event_deltas=agent.message&event_deltas=agent.thinking",
        )
        .await;
    server.model.will_say(vec![Part::Text(vec!["a", "b", "c"])]);
    server.say(id, "hi").await.ok();
    let is_preview = |kind: &str| kind == "event_start" || kind == "event_delta";
    let plain = plain.until("session.status_idle").await;
    assert!(plain.iter().all(|frame| !is_preview(&frame.event)));
    let asked = asked.until("session.status_idle").await;
    let text: String = asked
        .iter()
        .filter(|frame| frame.event == "event_delta")
        .map(|frame| frame.data["delta"]["content"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(text, "abc");
    let persisted: Vec<_> = asked
        .into_iter()
        .filter(|frame| !is_preview(&frame.event))
        .collect();
    assert_eq!(persisted, plain);
}

#[tokio::test]
async fn refusals_are_json_not_a_stream() {
    let server = Server::start().await;
    let session = server.session().await;
    let path = format!(
        "/v1/sessions/{}/events/stream",
        session["id"].as_str().unwrap()
    );
    server
        .get(&format!("{path}?event_deltas[]=agent.tool_use"))
        .await
        .names("event_deltas");
    let many = "event_deltas[]=agent.message&".repeat(101);
    server
        .get(&format!("{path}?{many}"))
        .await
        .names("event_deltas");
    server
        .get("/v1/sessions/sesn_none/events/stream")
        .await
        .refused(404, "not_found_error");
    send(server.bare(reqwest::Method::GET, &path))
        .await
        .refused(401, "authentication_error");
}

#[tokio::test]
async fn silence_is_broken_by_pings() {
    let server = Server::start().await;
    let session = server.session().await;
    let mut stream = server.stream(session["id"].as_str().unwrap(), "").await;
    let clock = server.clock.clone();
    // Whether the server has begun to wait cannot be seen from here, so it is woken again and again.
    let waking = tokio::spawn(async move {
        loop {
            clock.wake();
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..2 {
        assert_eq!(stream.next().await.unwrap().data, json!({"type": "ping"}));
    }
    waking.abort();
}

#[tokio::test]
async fn deleting_the_session_ends_the_stream() {
    let server = Server::start().await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let mut stream = server.stream(id, "").await;
    server.delete(&format!("/v1/sessions/{id}")).await.ok();
    assert_eq!(stream.next().await.unwrap().event, "session.deleted");
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn stopping_the_server_ends_the_stream() {
    let server = Server::start().await;
    let session = server.session().await;
    let mut stream = server.stream(session["id"].as_str().unwrap(), "").await;
    server.agents.shutdown().await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn who_goes_away_or_does_not_read_holds_up_nobody() {
    let server = Server::start().await;
    let session = server.session().await;
    let id = session["id"].as_str().unwrap();
    let _never_reads = server.stream(id, "?event_deltas=agent.message").await;
    drop(server.stream(id, "").await);
    let mut reads = server.stream(id, "").await;
    // More than sockets and queues hold: the one who does not read falls behind for good.
    let piece: &'static str = Box::leak("x".repeat(1024 * 1024).into_boxed_str());
    server.model.will_say(vec![Part::Text(vec![piece; 16])]);
    server.say(id, "hi").await.ok();
    let frames = reads.until("session.status_idle").await;
    let message = frames
        .iter()
        .find(|frame| frame.event == "agent.message")
        .unwrap();
    assert_eq!(
        message.data["content"][0]["text"].as_str().unwrap().len(),
        16 * 1024 * 1024
    );
}
