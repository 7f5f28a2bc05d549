//! Tools are called and programs are run.

use glovebox_runtime::{Effects, ExitStatus};
use serde_json::json;

use crate::kernel::{hands, text, tool};

#[tokio::test]
async fn a_tool_describes_itself() {
    let hands = hands(|_| ());
    let description = hands.sandbox.describe(&tool("read")).await.unwrap();
    assert_eq!(description.name, "read");
    assert_eq!(description.effects, Effects::None);
    assert_eq!(description.input_schema["type"], "object");
}

#[tokio::test]
async fn what_one_tool_writes_another_reads() {
    let hands = hands(|_| ());
    let written = hands
        .call(
            &tool("write"),
            json!({"file_path": "/workspace/a.txt", "content": "hello\n"}),
        )
        .await;
    assert!(text(written).contains("a.txt"));
    assert_eq!(
        std::fs::read_to_string(hands.workspace.path().join("a.txt")).unwrap(),
        "hello\n"
    );
    assert!(
        text(
            hands
                .call(&tool("read"), json!({"file_path": "/workspace/a.txt"}))
                .await
        )
        .contains("hello")
    );
    assert_eq!(hands.sandbox.live_processes(), 0);
}

#[tokio::test]
async fn a_program_reads_writes_and_ends_with_its_status() {
    let hands = hands(|_| ());
    let echo = hands.run(&["echo", "hi"], "").await;
    assert_eq!(
        (echo.stdout.as_str(), echo.status.unwrap()),
        ("hi\n", ExitStatus::Exited(0))
    );
    let cat = hands.run(&["cat", "-", "missing"], "from stdin\n").await;
    assert_eq!(cat.stdout, "from stdin\n");
    assert!(cat.stderr.contains("missing"), "{cat:?}");
    assert_eq!(cat.status.unwrap(), ExitStatus::Exited(1));
    assert_eq!(
        hands.run(&["false"], "").await.status.unwrap(),
        ExitStatus::Exited(1)
    );
}
