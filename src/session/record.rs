//! An entry of a session's log: an event with its id and its moment, and how clients see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Audience, Event};

/// An event that is about to happen. The id is given when it had to be known before (previews, calls).
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub id: Option<String>,
    pub event: Event,
}

impl From<Event> for Draft {
    fn from(event: Event) -> Self {
        Draft { id: None, event }
    }
}

impl Draft {
    /// An event whose id is already known.
    pub fn with_id(id: impl Into<String>, event: Event) -> Self {
        Draft {
            id: Some(id.into()),
            event,
        }
    }

    /// Makes it happen at `at`, or just after `last` when the clock is not beyond that.
    pub fn happen(
        self,
        next_id: impl FnOnce() -> String,
        now: Timestamp,
        last: Option<Timestamp>,
    ) -> Record {
        Record {
            id: self.id.unwrap_or_else(next_id),
            at: after(now, last),
            event: self.event,
        }
    }
}

/// Whole microseconds, and strictly later than `last`: times are the sort key of a session's history.
fn after(now: Timestamp, last: Option<Timestamp>) -> Timestamp {
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    match last {
        Some(last) if now <= last => last
            .checked_add(jiff::SignedDuration::from_micros(1))
            .expect("a session does not outlive the calendar"),
        _ => now,
    }
}

/// An event that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The wire's event id.
    pub id: String,
    /// When it was appended. Strictly increasing within a session.
    #[serde(with = "microseconds")]
    pub at: Timestamp,
    #[serde(flatten)]
    pub event: Event,
}

/// A log entry that this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("log entry cannot be read")]
pub struct Unreadable(#[source] serde_json::Error);

impl Record {
    /// As the log stores it.
    pub fn encode(&self) -> Value {
        serde_json::to_value(self).expect("events have string keys and finite numbers")
    }

    /// As the log has stored it.
    pub fn decode(entry: Value) -> Result<Record, Unreadable> {
        serde_json::from_value(entry).map_err(Unreadable)
    }

    /// As clients see it, or none when it is for the log alone. Events that wait have no `processed_at` yet.
    pub fn wire(&self) -> Option<Wire> {
        let processed_at = (!self.event.waits()).then_some(self.at);
        (self.event.audience() == Audience::Clients)
            .then(|| wire(&self.id, &self.event, processed_at))
    }
}

/// An event as clients see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    pub id: String,
    pub kind: String,
    pub processed_at: Option<String>,
    pub event: Value,
}

/// An event as clients see it once it is processed at `at`, or while it waits.
pub fn wire(id: &str, event: &Event, at: Option<Timestamp>) -> Wire {
    let mut value = serde_json::json!({ "id": id });
    let fields = serde_json::to_value(event).expect("events have string keys and finite numbers");
    let processed_at = at.map(format);
    let mut kind = String::new();
    if let (Some(object), Value::Object(fields)) = (value.as_object_mut(), fields) {
        kind = fields
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        object.extend(fields);
        object.insert("processed_at".into(), processed_at.clone().into());
    }
    Wire {
        id: id.to_owned(),
        kind,
        processed_at,
        event: value,
    }
}

/// RFC 3339, UTC, microseconds: sorts as text.
pub fn format(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// Timestamps in the log: RFC 3339 with microseconds.
mod microseconds {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_strictly_increase_whatever_the_clock_says() {
        let last = at("2026-01-01T00:00:00.000005Z");
        let draft = || Draft::from(Event::StatusRunning {});
        let behind = draft().happen(String::new, at("2025-01-01T00:00:00Z"), Some(last));
        assert_eq!(format(behind.at), "2026-01-01T00:00:00.000006Z");
        let same = draft().happen(
            String::new,
            at("2026-01-01T00:00:00.000005999Z"),
            Some(last),
        );
        assert_eq!(format(same.at), "2026-01-01T00:00:00.000006Z");
        let ahead = draft().happen(String::new, at("2026-01-01T00:00:01Z"), Some(last));
        assert_eq!(format(ahead.at), "2026-01-01T00:00:01.000000Z");
    }

    #[test]
    fn records_survive_the_log() {
        let thread = super::super::Thread {
            id: "sthr_1".into(),
            agent_name: "a".into(),
        };
        for event in [
            Event::UserMessage {
                content: vec![json!({"type": "text", "text": "hi"})],
            },
            Event::ThreadStatusRunning(thread.clone()),
            Event::ThreadStatusIdle {
                thread,
                stop_reason: super::super::StopReason::EndTurn,
                stop_details: Value::Null,
            },
            Event::SessionUpdated {
                changed: [("title".to_owned(), json!("t"))].into_iter().collect(),
            },
            Event::SessionUsage {
                usage: super::super::Usage {
                    active_seconds: 1.5,
                    ..Default::default()
                },
                budget: Value::Null,
            },
        ] {
            let record = Record {
                id: "sevt_1".into(),
                at: at("2026-01-01T00:00:00.000005Z"),
                event,
            };
            assert_eq!(Record::decode(record.encode()).unwrap(), record);
        }
    }

    #[test]
    fn the_wire_has_the_fields_clients_know() {
        let record = Record {
            id: "sevt_1".into(),
            at: at("2026-01-01T00:00:00Z"),
            event: Event::StatusIdle {
                stop_reason: super::super::StopReason::EndTurn,
                stop_details: Value::Null,
            },
        };
        assert_eq!(
            record.wire().unwrap().event,
            json!({"id": "sevt_1", "type": "session.status_idle", "stop_reason": {"type": "end_turn"}, "stop_details": null,
                "processed_at": "2026-01-01T00:00:00.000000Z"})
        );
        let waiting = Record {
            event: Event::UserInterrupt {
                session_thread_id: None,
            },
            ..record
        };
        assert_eq!(
            waiting.wire().unwrap().event,
            json!({"id": "sevt_1", "type": "user.interrupt", "processed_at": null})
        );
    }
}
