//! Clients that read slowly or go away hold up nobody.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::process::World;

/// Opens the session's stream with previews, and never reads from it.
async fn open_and_ignore(url: &str, session: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /v1/sessions/{session}/events/stream?event_deltas%5B%5D=agent.message HTTP/1.1\r\n\
         host: {address}\r\nauthorization: Bearer test-key\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    // Nothing is read: the header alone says that the stream is open.
    socket.readable().await.unwrap();
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_never_reads_holds_up_nobody() {
    // More than any socket's buffers hold.
    let long = "All work and no play makes a long answer. ".repeat(200_000);
    let world = World::new(json!([
        {"when": {"user_contains": "LONG"}, "delta_chars": 2000, "blocks": [{"type": "text", "text": long}]},
        {"when": {"user_contains": "SHORT"}, "blocks": [{"type": "text", "text": "Yes."}]},
    ]))
    .await;
    let server = world.start().await;
    let slow = world.session(&server).await;
    let other = world.session(&server).await;
    let mut ignored = Vec::new();
    for _ in 0..3 {
        ignored.push(open_and_ignore(&server.url, &slow).await);
    }
    world.say(&server, &slow, "LONG").await.unwrap();
    world.say(&server, &other, "SHORT").await.unwrap();
    let finished = world.finished(&server, &other).await;
    assert_eq!(finished.last().unwrap()["stop_reason"]["type"], "end_turn");
    let finished = tokio::time::timeout(Duration::from_secs(30), world.finished(&server, &slow))
        .await
        .unwrap();
    let message = finished
        .iter()
        .find(|event| event["type"] == "agent.message")
        .unwrap();
    assert_eq!(
        message["content"][0]["text"].as_str().unwrap().len(),
        long.len()
    );
    // One that goes away in the middle is no trouble either.
    drop(ignored);
    world.say(&server, &slow, "SHORT").await.unwrap();
    world.finished(&server, &slow).await;
}
