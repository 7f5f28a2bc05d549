//! Live streams of one session: who listens, and what happens to those who listen slowly.
//!
//! Every subscriber has a bounded queue. Persisted events always go in; when there is no room the subscriber is dropped,
//! so that its stream ends rather than has a gap. Previews are shed long before that, a message at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Frame, Previews};
use crate::session::Wire;

/// Frames a subscriber may be behind. At a few hundred bytes a frame that is some hundred KiB for a stalled reader.
const QUEUE_FRAMES: usize = 4096;
/// Room that previews leave for events.
const RESERVED_FRAMES: usize = 2048;

/// The subscribers of one session.
#[derive(Debug, Default)]
pub(super) struct Hub(Mutex<Vec<Subscriber>>);

#[derive(Debug)]
struct Subscriber {
    sender: mpsc::Sender<Frame>,
    previews: Previews,
    /// Events whose start this subscriber has seen, and whose deltas it therefore gets.
    previewed: HashSet<String>,
}

/// A preview of an event that is still being made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Preview<'a> {
    Thinking {
        id: &'a str,
    },
    Message {
        id: &'a str,
    },
    Delta {
        id: &'a str,
        index: usize,
        text: &'a str,
    },
}

impl Hub {
    /// A new subscriber's queue. It gets everything published after this returns.
    pub(super) fn subscribe(&self, previews: Previews) -> mpsc::Receiver<Frame> {
        let (sender, receiver) = mpsc::channel(QUEUE_FRAMES);
        self.lock().push(Subscriber {
            sender,
            previews,
            previewed: HashSet::new(),
        });
        receiver
    }

    /// Tells everybody of an event that is durable.
    pub(super) fn publish(&self, event: &Wire) {
        let mut subscribers = self.lock();
        if subscribers.is_empty() {
            return;
        }
        let frame = frame(&event.kind, &event.event);
        subscribers.retain_mut(|subscriber| {
            subscriber.previewed.remove(&event.id);
            subscriber.sender.try_send(frame.clone()).is_ok()
        });
    }

    /// Shows a preview to those who want it and keep up.
    pub(super) fn preview(&self, preview: Preview<'_>) {
        let mut subscribers = self.lock();
        let mut shared: Option<Frame> = None;
        for subscriber in subscribers.iter_mut() {
            let wanted = match preview {
                Preview::Thinking { .. } => subscriber.previews.thinking,
                Preview::Message { .. } => subscriber.previews.messages,
                Preview::Delta { id, .. } => subscriber.previewed.contains(id),
            };
            if !wanted {
                continue;
            }
            if subscriber.sender.capacity() <= RESERVED_FRAMES {
                if let Preview::Delta { id, .. } = preview {
                    subscriber.previewed.remove(id);
                }
                continue;
            }
            if let Preview::Message { id } = preview {
                subscriber.previewed.insert(id.to_owned());
            }
            let frame = shared.get_or_insert_with(|| preview.frame()).clone();
            // There is room, and nobody else sends; a reader that is gone is noticed at the next event.
            let _ = subscriber.sender.try_send(frame);
        }
    }

    /// Shows everybody who keeps up what is no event and never stored.
    pub(super) fn show(&self, data: &Value) {
        let mut subscribers = self.lock();
        if subscribers.is_empty() {
            return;
        }
        let frame = Frame {
            event_type: None,
            data: Arc::from(data.to_string()),
        };
        for subscriber in subscribers.iter_mut() {
            if subscriber.sender.capacity() > RESERVED_FRAMES {
                // A reader that is gone is noticed at the next event.
                let _ = subscriber.sender.try_send(frame.clone());
            }
        }
    }

    /// Ends all streams.
    pub(super) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Subscriber>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Preview<'_> {
    fn frame(self) -> Frame {
        let start = |kind: &str, id: &str| json!({"type": "event_start", "event": {"type": kind, "id": id}});
        match self {
            Preview::Thinking { id } => frame("event_start", &start("agent.thinking", id)),
            Preview::Message { id } => frame("event_start", &start("agent.message", id)),
            Preview::Delta { id, index, text } => {
                let content = json!({"type": "text", "text": text});
                let delta = json!({"type": "content_delta", "index": index, "content": content});
                frame(
                    "event_delta",
                    &json!({"type": "event_delta", "event_id": id, "delta": delta}),
                )
            }
        }
    }
}

fn frame(event_type: &str, data: &Value) -> Frame {
    Frame {
        event_type: Some(Arc::from(event_type)),
        data: Arc::from(data.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> Wire {
        Wire {
            id: id.into(),
            kind: "agent.message".into(),
            processed_at: None,
            event: json!({"id": id}),
        }
    }

    fn all() -> Previews {
        Previews {
            messages: true,
            thinking: true,
        }
    }

    #[test]
    fn a_slow_reader_loses_previews_first_and_then_its_stream() {
        let hub = Hub::default();
        let mut slow = hub.subscribe(all());
        hub.preview(Preview::Message { id: "a" });
        for _ in 0..QUEUE_FRAMES {
            hub.preview(Preview::Delta {
                id: "a",
                index: 0,
                text: "x",
            });
        }
        assert_eq!(slow.len(), RESERVED_FRAMES);
        for _ in 0..RESERVED_FRAMES {
            hub.publish(&event("b"));
        }
        hub.publish(&event("one too many"));
        let mut seen = 0;
        while slow.try_recv().is_ok() {
            seen += 1;
        }
        assert_eq!(seen, QUEUE_FRAMES);
        assert_eq!(
            slow.try_recv(),
            Err(mpsc::error::TryRecvError::Disconnected)
        );
    }

    #[test]
    fn who_comes_in_the_middle_of_a_message_gets_no_deltas_of_it() {
        let hub = Hub::default();
        hub.preview(Preview::Message { id: "a" });
        let mut late = hub.subscribe(all());
        let mut without = hub.subscribe(Previews::default());
        hub.preview(Preview::Delta {
            id: "a",
            index: 0,
            text: "x",
        });
        hub.preview(Preview::Thinking { id: "t" });
        hub.publish(&event("a"));
        assert_eq!(
            late.try_recv().unwrap().event_type.as_deref(),
            Some("event_start")
        );
        assert_eq!(
            late.try_recv().unwrap().event_type.as_deref(),
            Some("agent.message")
        );
        assert_eq!(
            without.try_recv().unwrap().event_type.as_deref(),
            Some("agent.message")
        );
    }
}
