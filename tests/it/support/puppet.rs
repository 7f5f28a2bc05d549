//! Hands that do what a test wants to see, without a sandbox: `echo`, `count`, `show`, `fail`, `slow`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use glovebox::agent::hands::{Hands, HandsError, Opening, Progress, ToolCall, Workshop};
use glovebox::tools::{CallResult, Catalogue, Description, Effects, Ending};
use serde_json::{Value, json};

/// Gives hands to everybody, and remembers whom.
#[derive(Default)]
pub(crate) struct Puppets {
    /// Sessions that got hands, with their environment.
    pub(crate) opened: Mutex<Vec<(String, Value)>>,
    pub(crate) discarded: Mutex<Vec<String>>,
    /// Calls of `slow` that have begun and not ended.
    pub(crate) running: Arc<AtomicUsize>,
}

impl Puppets {
    /// What the puppets' tools say about themselves.
    pub(crate) fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::default();
        for name in ["count", "echo", "fail", "show", "slow"] {
            let description = Description {
                text: format!("does {name}"),
                input_schema: json!({"type": "object", "properties": {"x": {"type": "integer"}}}),
                effects: match name {
                    "echo" => Effects::None,
                    _ => Effects::Some,
                },
                wishes: None,
            };
            catalogue.insert(name, description);
        }
        catalogue
    }
}

#[async_trait]
impl Workshop for Puppets {
    async fn open(&self, opening: Opening<'_>) -> Result<Box<dyn Hands>, HandsError> {
        let environment = serde_json::to_value(opening.environment).unwrap();
        self.opened
            .lock()
            .unwrap()
            .push((opening.session.to_owned(), environment));
        Ok(Box::new(Puppet {
            calls: AtomicUsize::new(0),
            running: Arc::clone(&self.running),
        }))
    }

    async fn discard(&self, session: &str) -> Result<(), HandsError> {
        self.discarded.lock().unwrap().push(session.to_owned());
        Ok(())
    }
}

struct Puppet {
    calls: AtomicUsize,
    running: Arc<AtomicUsize>,
}

/// Counts down when it is dropped, however the call ended.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Hands for Puppet {
    async fn call(&self, call: ToolCall<'_>) -> CallResult {
        let text = |text: String| json!({"type": "text", "text": text});
        let source = json!({"type": "base64", "media_type": "image/png", "data": "QUJD"});
        let content = match call.tool {
            "count" => vec![text(
                (self.calls.fetch_add(1, Ordering::SeqCst) + 1).to_string(),
            )],
            "show" => vec![
                json!({"type": "image", "source": source}),
                json!({"type": "document", "source": source}),
            ],
            "slow" => {
                self.running.fetch_add(1, Ordering::SeqCst);
                let _running = Running(Arc::clone(&self.running));
                for step in [0.25, 0.5] {
                    if let Some(report) = call.on_progress {
                        report(Progress {
                            message: format!("at {step}"),
                            fraction: Some(step),
                        });
                    }
                }
                if call.input["wait"] != json!(false) {
                    call.cancelled.unwrap().cancelled().await;
                }
                vec![text("stopped".into())]
            }
            _ => {
                let allowance = call.allowance.map(|allowance| allowance.to_value());
                vec![text(
                    json!({"input": call.input, "allowance": allowance}).to_string(),
                )]
            }
        };
        CallResult {
            content,
            is_error: call.tool == "fail",
            ending: match call.tool {
                "fail" => Ending::Failed,
                _ => Ending::Answered,
            },
        }
    }

    fn state_left(&self, _: &str) -> Option<(String, Bytes)> {
        None
    }

    fn set_tool_state(&self, _: BTreeMap<String, Bytes>) {}

    async fn commit(&self) -> Result<Option<String>, HandsError> {
        Ok(None)
    }

    async fn keep(&self, _: &str, _: &Bytes) -> Result<String, HandsError> {
        Ok(String::new())
    }

    async fn kept(&self, _: &str) -> Result<Bytes, HandsError> {
        Ok(Bytes::new())
    }

    async fn close(&self) {}
}
