//! The client of the Messages API against a real HTTP server that plays its part, well and badly.

use std::time::Duration;

use futures::StreamExt;
use glovebox::cli::scripted_model::{self, Script};
use glovebox::model::{
    Message, MessagesApi, Model, ModelError, ModelEvent, Options, Request, Retry, Role, StopReason,
    Timeouts,
};
use serde_json::{Value, json};

/// A client of a model that plays one turn.
async fn client(turn: Value) -> MessagesApi {
    let script: Script = serde_json::from_value(json!({"turns": [turn]})).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(scripted_model::serve(
        listener,
        script,
        None,
        std::future::pending(),
    ));
    connect(base_url)
}

fn connect(base_url: String) -> MessagesApi {
    let timeouts = Timeouts {
        idle: Duration::from_millis(200),
        ..Timeouts::default()
    };
    MessagesApi::new(&Options {
        base_url,
        api_key: Some("key".into()),
        timeouts,
    })
    .unwrap()
}

fn request() -> Request {
    let content = vec![json!({"type": "text", "text": "hi"})];
    let messages = vec![Message {
        role: Role::User,
        content,
    }];
    Request {
        model: "m".into(),
        messages,
        max_tokens: 9,
        ..Request::default()
    }
}

async fn ask(client: &MessagesApi) -> Result<Vec<ModelEvent>, ModelError> {
    let mut stream = client.stream(request()).await?;
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event?);
    }
    Ok(events)
}

#[tokio::test]
async fn an_answer_streams_and_its_blocks_come_whole() {
    let blocks = json!([
        {"type": "thinking", "thinking": "Let me think about it for a while."},
        {"type": "text", "text": "Grüße, 🦀! A text that is longer than one delta."},
        {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "echo 'long enough to be cut'"}},
    ]);
    let client = client(json!({"blocks": blocks, "delta_chars": 3})).await;
    let events = ask(&client).await.unwrap();
    let text: String = events
        .iter()
        .filter_map(|event| match event {
            ModelEvent::TextDelta { index: 1, text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, blocks[1]["text"]);
    let mut whole: Vec<Value> = events
        .iter()
        .filter_map(|event| match event {
            ModelEvent::BlockStop { block, .. } => Some(block.clone()),
            _ => None,
        })
        .collect();
    assert!(
        whole[0]
            .as_object_mut()
            .unwrap()
            .remove("signature")
            .is_some()
    );
    assert_eq!(json!(whole), blocks);
    let Some(ModelEvent::MessageStop {
        stop_reason, usage, ..
    }) = events.last()
    else {
        panic!("{events:?}")
    };
    assert_eq!(*stop_reason, StopReason::ToolUse);
    assert!(usage.input_tokens > 0 && usage.output_tokens > 0);
}

#[tokio::test]
async fn failures_are_told_apart() {
    let after = |seconds| Retry::After(Duration::from_secs(seconds));
    for (fault, expected) in [
        (
            json!({"kind": "status", "status": 429, "retry_after": 7}),
            after(7),
        ),
        (json!({"kind": "status", "status": 429}), Retry::Later),
        (json!({"kind": "status", "status": 500}), Retry::Later),
        (json!({"kind": "status", "status": 529}), Retry::Later),
        (json!({"kind": "status", "status": 400}), Retry::Never),
        (json!({"kind": "status", "status": 401}), Retry::Never),
        (json!({"kind": "status", "status": 402}), Retry::Never),
        (json!({"kind": "stall"}), Retry::Later),
        (json!({"kind": "stall", "after_events": 4}), Retry::Later),
        (json!({"kind": "cut"}), Retry::Later),
        (json!({"kind": "cut", "after_events": 4}), Retry::Later),
        (json!({"kind": "garbage", "after_events": 4}), Retry::Later),
        (
            json!({"kind": "error", "after_events": 4, "error_type": "overloaded_error"}),
            Retry::Later,
        ),
        (
            json!({"kind": "error", "error_type": "invalid_request_error"}),
            Retry::Never,
        ),
    ] {
        let client =
            client(json!({"blocks": [{"type": "text", "text": "hello"}], "fault": fault})).await;
        // A stall before the first byte of the body counts as slow, not as silent: that timeout is much longer.
        let error = tokio::time::timeout(Duration::from_secs(3), ask(&client)).await;
        match error {
            Ok(Err(error)) => assert_eq!(error.retry(), expected, "{fault}: {error}"),
            Ok(Ok(events)) => panic!("{fault}: {events:?}"),
            Err(_) => assert_eq!(fault, json!({"kind": "stall"})),
        }
    }
}

#[tokio::test]
async fn an_overload_is_known_from_an_error_inside_the_stream() {
    let fault = json!({"kind": "error", "after_events": 1, "error_type": "overloaded_error"});
    let client = client(json!({"fault": fault})).await;
    assert_eq!(ask(&client).await, Err(ModelError::Overloaded));
}

#[tokio::test]
async fn a_model_that_is_not_there_may_come_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = ask(&connect(format!("http://{address}")))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ModelError::Transient { message } if message == "no connection"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_the_provider_says_is_passed_on() {
    let fault = json!({"kind": "status", "status": 400, "message": "model: no such model"});
    let client = client(json!({"fault": fault})).await;
    let error = ask(&client).await.unwrap_err();
    assert_eq!(
        error,
        ModelError::Rejected {
            status: 400,
            message: "model: no such model".into()
        }
    );
}
