//! Programs as tools: JSON on standard input, an answer on standard output.
//!
//! The program here is the shell, and the "input" a script.

use glovebox_guests::Kind;
use glovebox_runtime::{
    Allowance, CallOptions, Component, Content, Description, Effects, LimitKind, Limits, LoadError,
    Outcome,
};
use serde_json::json;

use crate::kernel::{Hands, hands, load, text};

fn description() -> Description {
    Description {
        name: "script".to_owned(),
        text: "Runs a script.".to_owned(),
        input_schema: json!({"type": "object"}),
        effects: Effects::Files,
        wishes: Allowance::nothing(),
    }
}

pub(crate) fn script() -> Component {
    load(Kind::Program, "bash").plain(description()).unwrap()
}

async fn run(hands: &Hands, input: &str) -> Outcome {
    let options = CallOptions::default();
    hands.sandbox.call(&script(), input, options).await.outcome
}

#[tokio::test]
async fn standard_output_is_the_answer() {
    let hands = hands(|_| ());
    assert_eq!(script().kind(), glovebox_runtime::Kind::Tool);
    assert_eq!(
        hands.sandbox.describe(&script()).await.unwrap(),
        description()
    );
    assert_eq!(text(run(&hands, "echo hi; pwd").await), "hi\n/workspace\n");
    assert_eq!(text(run(&hands, "").await), "");
    // It was loaded under another name.
    assert_eq!(text(run(&hands, "echo $0").await), "script\n");
    let outcome = run(
        &hands,
        r#"echo '{"content":[{"type":"text","text":"a"},{"type":"json","json":{"b":1}}]}'"#,
    )
    .await;
    let content = vec![
        Content::Text("a".to_owned()),
        Content::Json(json!({"b": 1})),
    ];
    assert_eq!(outcome, Outcome::Answer(content));
    assert_eq!(hands.sandbox.live_processes(), 0);
}

#[tokio::test]
async fn the_exit_status_says_whether_it_worked() {
    let hands = hands(|_| ());
    let failed = |text: &str| Outcome::Failed(vec![Content::Text(text.to_owned())]);
    let told = run(&hands, "echo broken >&2; exit 1").await;
    assert_eq!(told, failed("broken"));
    let told = run(&hands, "exit 3").await;
    assert_eq!(told, failed("ended with status 3 and said nothing"));
    let told = run(
        &hands,
        r#"echo ignored >&2; echo '{"content":[{"type":"text","text":"why"}]}'; exit 1"#,
    )
    .await;
    assert_eq!(told, failed("why"));
    let told = run(&hands, "echo out; echo err >&2; exit 1").await;
    let both = ["err", "out"].map(|text| Content::Text(text.to_owned()));
    assert_eq!(told, Outcome::Failed(both.to_vec()));
    let told = run(&hands, "echo 'city: missing' >&2; exit 2").await;
    assert_eq!(told, Outcome::InvalidInput("city: missing".to_owned()));
}

#[tokio::test]
async fn limits_hold() {
    let hands = hands(|_| ());
    let limits = Limits {
        output_bytes_max: 100_000,
        wall_time_max: std::time::Duration::from_secs(20),
        ..Limits::default()
    };
    for script in [
        "while :; do echo 0123456789012345678901234567890123456789; done",
        "while :; do echo 0123456789012345678901234567890123456789 >&2; done",
    ] {
        let options = CallOptions {
            limits: Some(limits),
            ..CallOptions::default()
        };
        let report = hands.sandbox.call(&self::script(), script, options).await;
        let expected = Outcome::Limit {
            which: LimitKind::Output,
            message: "output limit of 100000 bytes exceeded".to_owned(),
        };
        assert_eq!(report.outcome, expected, "{script}");
    }
    assert_eq!(hands.sandbox.live_processes(), 0);
}

#[tokio::test]
async fn its_allowance_holds_for_what_it_starts() {
    let hands = hands(|_| ());
    let call = |allowance: Allowance, input: &'static str| {
        let options = CallOptions {
            allowance: Some(allowance),
            ..CallOptions::default()
        };
        let hands = &hands;
        async move { hands.sandbox.call(&script(), input, options).await.outcome }
    };
    assert_eq!(
        text(call(Allowance::nothing(), "pwd; echo *").await),
        "/\n*\n"
    );
    let outcome = call(Allowance::nothing(), "ls").await;
    assert!(text(outcome).contains("not found"));
}

#[test]
fn only_a_well_described_program_can_be_one() {
    let bad = Description {
        input_schema: json!({"type": "array"}),
        ..description()
    };
    let error = load(Kind::Program, "bash").plain(bad).unwrap_err();
    assert!(matches!(error, LoadError::Description { .. }), "{error}");
    let error = load(Kind::Tool, "read").plain(description()).unwrap_err();
    assert!(matches!(error, LoadError::NotPlain { .. }), "{error}");
}

#[tokio::test]
async fn more_pieces_than_anybody_reads_end_it() {
    let hands = hands(|_| ());
    for status in [0, 1] {
        let script = format!(
            "printf '{{\"content\":[{{\"type\":\"text\",\"text\":\"\"}}'
            printf ',{{\"type\":\"text\",\"text\":\"\"}}%.0s' {{1..1000}}; echo ]}}; exit {status}"
        );
        let outcome = run(&hands, &script).await;
        assert!(
            matches!(&outcome, Outcome::Limit { which: LimitKind::Output, message } if message.contains("1000 pieces")),
            "{outcome:?}"
        );
    }
}

/// Nested as deep as it fits: it is text, and nothing that reads it runs out of stack.
#[tokio::test]
async fn output_that_is_no_json_is_text() {
    let hands = hands(|_| ());
    let deep = "[".repeat(60_000);
    for (script, said) in [
        (
            format!("echo '{{\"content\":{deep}'"),
            format!("{{\"content\":{deep}\n"),
        ),
        (
            "echo '{\"content\":[}'".to_owned(),
            "{\"content\":[}\n".to_owned(),
        ),
        ("printf '\\xff{}'".to_owned(), "\u{fffd}{}".to_owned()),
    ] {
        assert_eq!(text(run(&hands, &script).await), said);
    }
}
