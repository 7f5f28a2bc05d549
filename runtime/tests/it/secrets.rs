//! Secrets are used and never seen.

use std::sync::{Arc, Mutex};

use glovebox_runtime::{Allowance, CallOptions, Grant, Network, Outcome, Secret};
use serde_json::json;

use crate::kernel::{Hands, hands, text};
use crate::plain::script;
use crate::server::{Answer, Server};
use crate::wat_tool::WatTool;

const VALUE: &str = "the-operators-secret";

/// The secret `KEY` for 127.0.0.1, and a network that reaches more.
fn with_secret(change: impl FnOnce(&mut Grant)) -> Hands {
    hands(|grant| {
        grant.network = Network::Unrestricted;
        grant.private_addresses = true;
        let secret = Secret::new(VALUE, vec!["127.0.0.1".parse().unwrap()]);
        grant.secrets.insert("KEY".to_owned(), secret);
        change(grant);
    })
}

/// A script that sends `$KEY` to `url` and prints what comes of it.
fn send(url: &str) -> String {
    format!(
        "python3 -c '
import os, urllib.request
request = urllib.request.Request(\"{url}\", headers={{\"Authorization\": \"Bearer \" + os.environ[\"KEY\"]}})
try:
    print(urllib.request.urlopen(request).read().decode())
except Exception as error:
    print(error)
'"
    )
}

async fn run(hands: &Hands, script: &str) -> Outcome {
    let options = CallOptions::default();
    let report = hands.sandbox.call(&self::script(), script, options).await;
    report.outcome
}

#[tokio::test]
async fn the_right_host_gets_it() {
    let site = Server::start(|_| Answer::ok("text/plain", "welcome"));
    let hands = with_secret(|_| ());
    let told = text(run(&hands, &send(&site.url("/"))).await);
    assert_eq!(told, "welcome\n");
    assert_eq!(site.authorizations(), [format!("Bearer {VALUE}")]);
}

#[tokio::test]
async fn another_host_gets_neither_it_nor_the_request() {
    let site = Server::start(|_| Answer::ok("text/plain", "welcome"));
    let hands = with_secret(|_| ());
    let url = format!("http://localhost:{}/", site.address.port());
    let told = text(run(&hands, &send(&url)).await);
    assert!(
        told.contains("secret KEY is not sent to localhost") && !told.contains(VALUE),
        "{told}"
    );
    let url = format!("{}?key='$KEY'", site.url("/"));
    let told = text(run(&hands, &send(&url)).await);
    assert!(
        told.contains("only be sent in the value of a header"),
        "{told}"
    );
    assert_eq!(site.asked(), [""; 0]);
}

#[tokio::test]
async fn a_redirect_does_not_take_it_along() {
    let away = Server::start(|_| Answer::ok("text/plain", "stolen"));
    let target = format!("http://localhost:{}/", away.address.port());
    let site = Server::start(move |_| Answer::redirect(target.clone()));
    let hands = with_secret(|_| ());
    let told = text(run(&hands, &send(&site.url("/"))).await);
    assert!(
        told.contains("secret KEY is not sent to localhost"),
        "{told}"
    );
    assert_eq!(site.authorizations(), [format!("Bearer {VALUE}")]);
    assert_eq!(away.asked(), [""; 0]);
}

#[tokio::test]
async fn what_is_not_encrypted_does_not_leave_the_private_network() {
    let hands = with_secret(|grant| {
        let hosts = ["8.8.8.8", "127.0.0.1"].map(|host| host.parse().unwrap());
        let secret = Secret::new(VALUE, hosts.to_vec());
        grant.secrets.insert("KEY".to_owned(), secret);
    });
    let told = text(run(&hands, &send("http://8.8.8.8/")).await);
    assert!(told.contains("only sent over https"), "{told}");
}

#[tokio::test]
async fn nothing_shows_it() {
    let hands = with_secret(|_| ());
    let shown = format!("{:?} {:?}", hands.sandbox, hands.sandbox.grant());
    assert!(shown.contains("KEY") && !shown.contains(VALUE), "{shown}");
    let told = text(run(&hands, "env; set; cat /proc/self/environ; echo $KEY").await);
    assert!(
        told.contains("KEY=glovebox-secret-") && !told.contains(VALUE),
        "{told}"
    );
}

#[tokio::test]
async fn each_call_has_a_stand_in_of_its_own() {
    let site = Server::start(|_| Answer::ok("text/plain", "welcome"));
    let hands = with_secret(|_| ());
    let first = text(run(&hands, "echo $KEY | tee kept").await);
    let second = text(run(&hands, "echo $KEY").await);
    assert_ne!(first, second);
    // The first call's is no longer any good.
    let script = format!("export KEY=$(cat kept)\n{}", send(&site.url("/")));
    assert_eq!(text(run(&hands, &script).await), "welcome\n");
    assert_eq!(site.authorizations(), [format!("Bearer {}", first.trim())]);
}

#[tokio::test]
async fn only_a_call_that_is_granted_it_has_a_stand_in() {
    let hands = with_secret(|_| ());
    for (secrets, there) in [
        (json!([]), false),
        (json!(["OTHER"]), false),
        (json!(["KEY"]), true),
        (json!(["*"]), true),
    ] {
        let allowance = json!({"programs": ["*"], "secrets": secrets});
        let options = CallOptions {
            allowance: Some(Allowance::parse(&allowance).unwrap()),
            ..CallOptions::default()
        };
        let report = hands.sandbox.call(&script(), "echo $KEY", options).await;
        let told = text(report.outcome);
        assert_eq!(
            told.starts_with("glovebox-secret-"),
            there,
            "{secrets}: {told}"
        );
    }
}

/// `context.secret`, as a component asks for it.
#[tokio::test]
async fn a_component_asks_for_its_stand_in() {
    let tool = WatTool {
        imports: r#"(import "glovebox:tool/context@0.2.0" "secret" (func $secret (param i32 i32 i32)))"#,
        items: r#"(data (i32.const 4096) "KEY") (data (i32.const 4112) "none")"#,
        call: "(call $secret (i32.const 4096) (i32.const 3) (i32.const 4128))
            (if (result i32) (i32.load8_u (i32.const 4128))
                (then (call $answer (i32.load (i32.const 4132)) (i32.load (i32.const 4136))))
                (else (call $answer (i32.const 4112) (i32.const 4))))",
        ..WatTool::default()
    }
    .load();
    let hands = with_secret(|_| ());
    let call = || async { text(hands.call(&tool, json!({})).await) };
    let (first, second) = (call().await, call().await);
    assert!(first.starts_with("glovebox-secret-"), "{first}");
    assert_ne!(first, second);
    let options = CallOptions {
        allowance: Some(Allowance::nothing()),
        ..CallOptions::default()
    };
    let report = hands.sandbox.call(&tool, "{}", options).await;
    assert_eq!(text(report.outcome), "none");
}

/// Everything that is logged while a secret is used, at the finest level.
#[tokio::test]
async fn no_log_has_it() {
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Kept;
        fn make_writer(&'a self) -> Kept {
            self.clone()
        }
    }

    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(kept.clone())
        .finish();
    // Guests run on threads of the engine's. Tests that run beside this one in the same process are logged as well.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let site = Server::start(|_| Answer::ok("text/plain", "welcome"));
    let hands = with_secret(|_| ());
    assert_eq!(text(run(&hands, &send(&site.url("/"))).await), "welcome\n");
    let logged = String::from_utf8_lossy(&kept.0.lock().unwrap()).into_owned();
    assert!(!logged.is_empty() && !logged.contains(VALUE), "{logged}");
}
