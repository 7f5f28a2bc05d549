//! What clients see when something breaks inside.

use crate::support::{FAILS, PANICS, Server};

#[tokio::test]
async fn a_panic_ends_one_request_and_no_other() {
    let server = Server::start().await;
    let answer = server.get(&format!("/v1/agents/{PANICS}")).await;
    assert_eq!(answer.refused(500, "api_error"), "internal server error");
    server.get("/v1/agents").await.ok();
}

#[tokio::test]
async fn a_failing_store_is_reported_without_its_details() {
    let server = Server::start().await;
    let answer = server.get(&format!("/v1/agents/{FAILS}")).await;
    assert_eq!(answer.refused(500, "api_error"), "internal server error");
    assert!(!answer.body.to_string().contains("secret"));
}
