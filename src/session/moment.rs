//! An earlier moment of a session: what its log was then, and how it comes to rest there.
//!
//! Forking and rewinding begin here; what is made of such a moment is `agent`'s. A moment is named by an event that
//! clients see. What had been accepted and not processed by then is not part of it.

use std::collections::HashSet;

use super::decide::{LEFT_OPEN, error_result, idle};
use super::{
    Audience, Draft, Event, Record, RequestUsage, State, Status, StopReason, request_ended,
};

/// Which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// Now; of a session that has ended, just before its end.
    Last,
    /// Just after this event.
    After(&'a str),
}

/// Why a session has no such moment. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchMoment {
    /// No event that clients see has this id.
    #[error("there is no event '{0}' in this session")]
    Unknown(String),
    /// The event has been accepted and waits.
    #[error("'{0}' has not been processed yet")]
    Waits(String),
    /// Nothing can happen after the end of a session.
    #[error("at '{0}' the session had ended: name an earlier event")]
    Ended(String),
    /// The files of that moment were not kept.
    #[error("the files of this session as they were at '{0}' were not kept: name a later event")]
    FilesUnknown(String),
}

/// The records that count: without what was taken back by going back.
pub fn effective(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    let mut counting: Vec<Record> = Vec::new();
    for record in records {
        if let Event::Rewound { event_id } = &record.event
            && let Some(end) = end_of(&counting, event_id)
        {
            counting.truncate(end);
            settle(&mut counting);
        }
        counting.push(record);
    }
    counting
}

/// The records that counted at a moment, of all the records of a log.
pub fn until(mut records: Vec<Record>, moment: Moment<'_>) -> Result<Vec<Record>, NoSuchMoment> {
    if let Moment::After(id) = moment {
        let end = end_of(&records, id).ok_or_else(|| {
            let known =
                |record: &Record| record.id == id && record.event.audience() == Audience::Clients;
            if records.iter().any(known) {
                NoSuchMoment::Waits(id.to_owned())
            } else {
                NoSuchMoment::Unknown(id.to_owned())
            }
        })?;
        let moved_in =
            |record: &Record| matches!(record.event, Event::Files { moved_in: true, .. });
        if records[end..].iter().any(moved_in) {
            return Err(NoSuchMoment::FilesUnknown(id.to_owned()));
        }
        records.truncate(end);
    }
    let mut counting = effective(records);
    let ended = |record: &Record| {
        matches!(
            record.event,
            Event::ThreadStatusTerminated(_) | Event::StatusTerminated {}
        )
    };
    if let Some(end) = counting.iter().position(ended) {
        match moment {
            Moment::Last => counting.truncate(end),
            Moment::After(id) => return Err(NoSuchMoment::Ended(id.to_owned())),
        }
    }
    settle(&mut counting);
    Ok(counting)
}

/// Where the log ends that this event is the last of. An answer of the model is not cut in two.
fn end_of(records: &[Record], id: &str) -> Option<usize> {
    let position = records.iter().rposition(|record| match &record.event {
        Event::Consumed { event_id } | Event::Dropped { event_id } => event_id == id,
        event => record.id == id && event.audience() == Audience::Clients && !event.waits(),
    })?;
    let follows: fn(&Event) -> bool = match &records[position].event {
        event if of_an_answer(event) => {
            |event| of_an_answer(event) || matches!(event, Event::ModelRequestEnd { .. })
        }
        // What was left running wrote on until the session was idle.
        Event::StatusIdle { .. } => |event| matches!(event, Event::Files { .. }),
        _ => |_| false,
    };
    let following = &records[position + 1..];
    let more = following
        .iter()
        .take_while(|record| follows(&record.event))
        .count();
    Some(position + 1 + more)
}

fn of_an_answer(event: &Event) -> bool {
    matches!(
        event,
        Event::AgentMessage { .. }
            | Event::AgentThinking {}
            | Event::AgentToolUse { .. }
            | Event::AgentCustomToolUse { .. }
    )
}

/// Leaves out what still waits.
fn settle(records: &mut Vec<Record>) {
    let processed: HashSet<String> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Consumed { event_id } | Event::Dropped { event_id } => Some(event_id.clone()),
            _ => None,
        })
        .collect();
    records.retain(|record| !record.event.waits() || processed.contains(&record.id));
}

/// What has to happen so that nothing goes on by itself: a session that was running is idle afterwards. One that waits
/// for an answer goes on waiting.
pub fn come_to_rest(state: &State) -> Vec<Draft> {
    if !matches!(state.status, Status::Running | Status::Rescheduling) {
        return Vec::new();
    }
    let mut drafts: Vec<Draft> = Vec::new();
    if let Some(start) = &state.request {
        drafts.push(request_ended(start, true, RequestUsage::default()));
    }
    let open = state.calls.iter().filter(|call| !call.answered);
    drafts.extend(open.map(|call| error_result(call, LEFT_OPEN)));
    drafts.extend(idle(state, StopReason::EndTurn, serde_json::Value::Null));
    drafts
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::session::{Called, Outcome, Permission, Runs, Step, Thread, decide, fold};

    fn thread() -> Thread {
        Thread {
            id: "sthr".into(),
            agent_name: "a".into(),
        }
    }

    fn files(root: &str) -> Event {
        Event::Files {
            root: root.into(),
            moved_in: false,
        }
    }

    fn message() -> Event {
        Event::UserMessage {
            content: vec![json!({"type": "text", "text": "hi"})],
        }
    }

    fn consumed(id: &str) -> Event {
        Event::Consumed {
            event_id: id.into(),
        }
    }

    fn result(of: &str) -> Event {
        Event::AgentToolResult {
            tool_use_id: of.into(),
            content: vec![json!({"type": "text", "text": "done"})],
            is_error: false,
        }
    }

    fn tool_use(name: &str) -> Event {
        Event::AgentToolUse {
            name: name.into(),
            input: Value::Null,
            evaluated_permission: Permission::Allow,
            evaluation: None,
        }
    }

    fn called(id: &str) -> Called {
        Called {
            id: id.into(),
            model_id: format!("model {id}"),
            name: "write".into(),
            runs: Runs::Effectful,
        }
    }

    fn idle_event() -> Event {
        Event::StatusIdle {
            stop_reason: StopReason::EndTurn,
            stop_details: Value::Null,
        }
    }

    /// A turn with two calls that each change files, a message that waits, and what was left running in the end.
    fn log() -> Vec<Record> {
        let use_of = |id: &str| json!({"type": "tool_use", "id": format!("model {id}"), "name": "write", "input": {}});
        let answered = Event::Answered {
            content: vec![use_of("t1"), use_of("t2")],
            calls: vec![called("t1"), called("t2")],
            outcome: Outcome::GoOn,
            stop_details: Value::Null,
        };
        let ended = Event::ModelRequestEnd {
            model_request_start_id: "request".into(),
            is_error: false,
            model_usage: RequestUsage::default(),
        };
        records([
            ("created", Event::Created { thread: thread() }),
            ("m1", message()),
            ("c1", consumed("m1")),
            ("running", Event::StatusRunning {}),
            ("request", Event::ModelRequestStart {}),
            ("answered", answered),
            ("t1", tool_use("write")),
            ("t2", tool_use("write")),
            ("ended", ended),
            ("f1", files("one")),
            ("r1", result("t1")),
            ("m2", message()),
            ("f2", files("two")),
            ("r2", result("t2")),
            ("idle", idle_event()),
            ("f3", files("three")),
        ])
    }

    fn records<const N: usize>(events: [(&str, Event); N]) -> Vec<Record> {
        let at = |n: usize| jiff::Timestamp::from_second(i64::try_from(n).unwrap()).unwrap();
        let record = |(n, (id, event)): (usize, (&str, Event))| Record {
            id: id.into(),
            at: at(n),
            event,
        };
        events.into_iter().enumerate().map(record).collect()
    }

    fn ids(records: &[Record]) -> Vec<&str> {
        records.iter().map(|record| record.id.as_str()).collect()
    }

    fn at(id: &str) -> State {
        fold(until(log(), Moment::After(id)).unwrap()).unwrap()
    }

    #[test]
    fn a_moment_has_the_files_of_then() {
        for (id, files) in [
            ("m1", None),
            ("t2", None),
            ("r1", Some("one")),
            ("r2", Some("two")),
            ("idle", Some("three")),
        ] {
            assert_eq!(at(id).files.as_deref(), files, "{id}");
        }
        let last = fold(until(log(), Moment::Last).unwrap()).unwrap();
        assert_eq!(last.files.as_deref(), Some("three"));
    }

    #[test]
    fn an_answer_is_not_cut_in_two_and_what_waits_is_left_out() {
        let records = until(log(), Moment::After("t1")).unwrap();
        assert_eq!(ids(&records)[6..], ["t1", "t2", "ended"]);
        let records = until(log(), Moment::After("r2")).unwrap();
        assert!(!ids(&records).contains(&"m2"), "{:?}", ids(&records));
        assert!(ids(&records).contains(&"m1"));
    }

    #[test]
    fn a_moment_in_the_middle_of_a_turn_comes_to_rest() {
        for id in ["running", "request", "t1", "ended", "r1", "r2"] {
            let mut state = at(id);
            let now = jiff::Timestamp::from_second(100).unwrap();
            for draft in come_to_rest(&state) {
                state.apply(draft.happen(|| "x".into(), now, None));
            }
            assert_eq!(state.status, Status::Idle(StopReason::EndTurn), "{id}");
            assert_eq!(decide(&state, &Default::default()), Step::Rest, "{id}");
            let open = state.calls.iter().filter(|call| !call.answered).count();
            assert_eq!(open, 0, "{id}");
        }
        assert_eq!(come_to_rest(&at("idle")), []);
    }

    #[test]
    fn moments_that_there_are_not() {
        let unknown = |id: &str| NoSuchMoment::Unknown(id.into());
        for (id, expected) in [
            ("x", unknown("x")),
            ("f1", unknown("f1")),
            ("c1", unknown("c1")),
            ("m2", NoSuchMoment::Waits("m2".into())),
        ] {
            assert_eq!(until(log(), Moment::After(id)), Err(expected));
        }
        let mut ended = log();
        ended.extend(records([("over", Event::StatusTerminated {})]));
        let refused = until(ended.clone(), Moment::After("over"));
        assert_eq!(refused, Err(NoSuchMoment::Ended("over".into())));
        let before = until(ended, Moment::Last).unwrap();
        assert_eq!(before.last().unwrap().id, "f3");

        let mut older = log();
        if let Event::Files { moved_in, .. } = &mut older[15].event {
            *moved_in = true;
        }
        let refused = until(older.clone(), Moment::After("r2"));
        assert_eq!(refused, Err(NoSuchMoment::FilesUnknown("r2".into())));
        assert!(until(older, Moment::Last).is_ok());
    }

    #[test]
    fn what_was_taken_back_does_not_count_and_can_be_had_again() {
        let mut log = log();
        let rewound = Event::Rewound {
            event_id: "r1".into(),
        };
        log.extend(records([("back", rewound), ("r3", result("t2"))]));
        let now = ids(&effective(log.clone())).join(" ");
        assert!(now.ends_with("f1 r1 back r3"), "{now}");
        assert_eq!(
            fold(log.clone()).unwrap().files.as_deref(),
            Some("one"),
            "the fold leaves it out"
        );
        let before = until(log.clone(), Moment::After("r2")).unwrap();
        assert_eq!(ids(&before).last(), Some(&"r2"));
        let after = until(log, Moment::After("r3")).unwrap();
        assert!(ids(&after).join(" ").ends_with("r1 back r3"));
    }
}
