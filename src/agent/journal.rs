//! A session's log in use: the folded state, and the records that are not on disk yet.
//!
//! Recording folds at once; saving makes durable and only then tells the subscribers. Steps that need nothing from
//! outside are recorded one after the other and saved together, in one append.

use crate::clock::Clock;
use crate::ids::Ids;
use crate::session::{Draft, Event, Record, State, Wire, wire};
use crate::store::{AppendError, EventRow, Log, NewEntry, Seq, StoreError};

use super::hub::Hub;

/// See the module.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) state: State,
    seq: Seq,
    unsaved: Vec<Unsaved>,
}

#[derive(Debug)]
struct Unsaved {
    record: Record,
    /// The event that clients see now, or see anew.
    shown: Option<Wire>,
}

/// Where moments and ids come from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) ids: &'a dyn Ids,
}

impl Journal {
    /// The journal of a session that does not exist yet. Its entries are [`Journal::entries`].
    pub(super) fn begin(source: Source<'_>, created: Event) -> Journal {
        let record =
            Draft::from(created).happen(|| source.ids.next("sevt"), source.clock.now(), None);
        Journal {
            state: State::begin(&record),
            seq: Seq(0),
            unsaved: vec![Unsaved {
                record,
                shown: None,
            }],
        }
    }

    /// Folds a session's log. None when there is none.
    pub(super) async fn load(log: &dyn Log, session: &str) -> Result<Option<Journal>, StoreError> {
        let (records, seq) = load(log, session).await?;
        Ok(crate::session::fold(records).map(|state| Journal::resume(state, seq)))
    }

    /// The journal of a log that stands at `seq` and adds up to `state`.
    pub(super) fn resume(state: State, seq: Seq) -> Journal {
        Journal {
            state,
            seq,
            unsaved: Vec::new(),
        }
    }

    /// The journal of a session that does not exist yet, and begins with what happened in another one. None without
    /// a beginning.
    pub(super) fn copy(records: Vec<Record>) -> Option<Journal> {
        let mut records = records.into_iter();
        let first = records.next()?;
        let mut journal = Journal::resume(State::begin(&first), Seq(0));
        journal.unsaved.push(Unsaved {
            record: first,
            shown: None,
        });
        for record in records {
            journal.take(record);
        }
        Some(journal)
    }

    /// Lets these happen. Gives them as clients see them.
    pub(super) fn record(
        &mut self,
        source: Source<'_>,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Vec<Option<Wire>> {
        let mut seen = Vec::new();
        for draft in drafts {
            let record = draft.happen(
                || source.ids.next("sevt"),
                source.clock.now(),
                self.state.last_at,
            );
            seen.push(self.take(record));
        }
        seen
    }

    /// Folds a record and gives it as clients see it.
    fn take(&mut self, record: Record) -> Option<Wire> {
        let shown = match &record.event {
            Event::Consumed { event_id } | Event::Dropped { event_id } => {
                let waiting = self
                    .state
                    .waiting
                    .iter()
                    .find(|waiting| waiting.id == *event_id);
                waiting.map(|waiting| wire(&waiting.id, &waiting.event, Some(record.at)))
            }
            _ => record.wire(),
        };
        self.state.apply(record.clone());
        self.unsaved.push(Unsaved {
            record,
            shown: shown.clone(),
        });
        shown
    }

    /// Makes everything recorded durable, then tells the subscribers. After an error the journal is of no use any more:
    /// its state is ahead of the log.
    pub(super) async fn save(
        &mut self,
        log: &dyn Log,
        session: &str,
        hub: &Hub,
    ) -> Result<(), AppendError> {
        if self.unsaved.is_empty() {
            return Ok(());
        }
        let entries = self.unsaved.iter().map(entry).collect();
        self.seq = log
            .append(session, self.seq, entries, fields(&self.state))
            .await?;
        self.published(hub);
        Ok(())
    }

    /// The entries of a session that is being created. Call [`Journal::created`] once they are durable.
    pub(super) fn entries(&self) -> Vec<NewEntry> {
        self.unsaved.iter().map(entry).collect()
    }

    /// What [`Journal::entries`] gave is durable now.
    pub(super) fn created(&mut self, hub: &Hub) {
        self.seq = Seq(self.unsaved.len() as u64);
        self.published(hub);
    }

    fn published(&mut self, hub: &Hub) {
        for unsaved in self.unsaved.drain(..) {
            // Events that wait are broadcast when they are processed.
            if let Some(shown) = unsaved.shown.filter(|shown| shown.processed_at.is_some()) {
                hub.publish(&shown);
            }
        }
    }
}

fn entry(unsaved: &Unsaved) -> NewEntry {
    let event = unsaved.shown.as_ref().map(|shown| EventRow {
        id: shown.id.clone(),
        kind: shown.kind.clone(),
        processed_at: shown.processed_at.clone(),
        event: shown.event.clone(),
    });
    let refers = match &unsaved.record.event {
        Event::Files { root, .. } => Some(root.clone()),
        _ => None,
    };
    NewEntry {
        entry: unsaved.record.encode(),
        event,
        refers,
        ..NewEntry::default()
    }
}

/// All that is in a session's log, and its last position.
pub(super) async fn load(log: &dyn Log, session: &str) -> Result<(Vec<Record>, Seq), StoreError> {
    let entries = log.load(session, Seq(0)).await?;
    let seq = entries.last().map(|entry| entry.seq).unwrap_or_default();
    let unreadable = |source| StoreError {
        context: format!("reading the log of {session}"),
        source: Some(Box::new(source)),
    };
    let records = entries
        .into_iter()
        .map(|entry| Record::decode(entry.entry))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    Ok((records, seq))
}

/// What lists and recovery read without the log.
pub(super) fn fields(state: &State) -> Vec<(String, String)> {
    let usage = serde_json::to_string(&state.usage).expect("usage has finite numbers only");
    let at = state
        .last_at
        .map(crate::session::format)
        .unwrap_or_default();
    vec![
        ("status".into(), state.status.name().into()),
        ("usage".into(), usage),
        ("changed_at".into(), at),
    ]
}
