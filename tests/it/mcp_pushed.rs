//! Pushed tools over MCP, in real sandboxes.

use glovebox::agent::hands::{Secrets, WorkspaceSecret};
use glovebox_runtime::Secret;
use serde_json::{Value, json};

use crate::mcp::Client;
use crate::support::Server;
use crate::support::wasm::{self, Tool, echo};

async fn names(client: &Client<'_>) -> Vec<String> {
    let listed = client.ask("tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[tokio::test]
async fn every_tool_of_the_workspace_is_served_as_it_is_now() {
    let server = Server::start().await;
    server.add_key("wrkspc_b", "other").await;
    let client = Client::begin(&server, "first").await;
    assert_eq!(names(&client).await, [""; 0]);
    let tool = server.push(&echo("lookup").component()).await.ok();
    assert_eq!(names(&client).await, ["lookup"]);
    let listed = client.ask("tools/list", json!({})).await;
    let described = &listed["result"]["tools"][0];
    assert_eq!(described["description"], tool["description"]);
    assert_eq!(described["inputSchema"], tool["input_schema"]);
    assert_eq!(
        described["annotations"],
        json!({"readOnlyHint": true, "destructiveHint": false, "openWorldHint": false})
    );
    let said = |result: Value| result["content"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(
        said(client.call("lookup", json!({"of": "a"})).await),
        r#"{"of":"a"}"#
    );

    // A session has no version of its own: the next call is of what was pushed last.
    let second = Tool {
        call: "(call $answer (i32.const 8192) (i32.const 6))".to_owned(),
        more: format!("{} (data (i32.const 8192) \"second\")", wasm::CONTEXT),
        ..echo("lookup")
    };
    assert_eq!(server.push(&second.component()).await.ok()["version"], 2);
    assert_eq!(said(client.call("lookup", json!({})).await), "second");

    let other = Client::begin(&server, "other").await;
    assert_eq!(names(&other).await, [""; 0]);
    let unknown = |answer: Value| assert_eq!(answer["error"]["code"], -32602, "{answer}");
    unknown(other.ask("tools/call", json!({"name": "lookup"})).await);
    let id = tool["id"].as_str().unwrap();
    server
        .post_empty(&format!("/v1/tools/{id}/archive"))
        .await
        .ok();
    unknown(client.ask("tools/call", json!({"name": "lookup"})).await);
}

#[tokio::test]
async fn many_tools_are_listed_in_parts() {
    let server = Server::start().await;
    // One component for all but the name.
    for number in 0..52 {
        server
            .push(&echo(&format!("tool-{number:03}")).component())
            .await
            .ok();
    }
    let client = Client::begin(&server, "first").await;
    let first = client.ask("tools/list", json!({})).await;
    let first = &first["result"];
    assert_eq!(first["tools"].as_array().unwrap().len(), 50);
    let rest = client
        .ask("tools/list", json!({"cursor": first["nextCursor"]}))
        .await;
    let rest = &rest["result"];
    let rest_tools = rest["tools"].as_array().unwrap();
    assert_eq!((rest_tools.len(), &rest["nextCursor"]), (2, &Value::Null));
    assert_eq!(rest_tools[1]["name"], "tool-051");
    let wrong = client.ask("tools/list", json!({"cursor": "x"})).await;
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
}

#[tokio::test]
async fn a_secret_is_the_keys_that_was_granted_it() {
    let secret = WorkspaceSecret {
        workspace: None,
        secret: Secret::new("hush-hush", vec!["api.example.com".parse().unwrap()]),
    };
    let server = Server::with(Secrets::new([("KEY".to_owned(), secret)].into())).await;
    // Says the stand-in for the secret, or `none`.
    let asks = Tool {
        secrets: vec!["KEY".to_owned()],
        call: "(call $secret (i32.const 8192) (i32.const 3) (i32.const 200))
             (if (result i32) (i32.load8_u (i32.const 200))
                (then (call $answer (i32.load (i32.const 204)) (i32.load (i32.const 208))))
                (else (call $answer (i32.const 8292) (i32.const 4))))"
            .to_owned(),
        more: format!(
            "{} (data (i32.const 8192) \"KEY\") (data (i32.const 8292) \"none\")",
            wasm::CONTEXT
        ),
        ..echo("asks")
    };
    server.push(&asks.component()).await.ok();
    let granted = json!({"secrets": ["KEY"]});
    server
        .add_key_with("wrkspc_a", "granted", Some(granted))
        .await;
    let other = json!({"secrets": ["OTHER"]});
    server
        .add_key_with("wrkspc_a", "another", Some(other))
        .await;
    for (key, given) in [("granted", true), ("first", false), ("another", false)] {
        let client = Client::begin(&server, key).await;
        let result = client.call("asks", json!({})).await;
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(!text.contains("hush"), "{text}");
        assert_eq!(text != "none", given, "{key}: {text}");
    }
}
