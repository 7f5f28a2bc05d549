//! Random operations on a store and on the model of it.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::model::Model;
use super::{Store, document};
use crate::store::{
    AppendError, DocumentQuery, EventQuery, EventRow, Keep, NewEntry, Seq, WriteError,
};

#[derive(Debug, Clone)]
enum Operation {
    Create {
        session: u8,
        day: u8,
    },
    /// At the right position plus `off`.
    Append {
        session: u8,
        off: u8,
        entries: Vec<Row>,
        status: Option<bool>,
    },
    /// To the right revision plus `off`.
    Update {
        session: u8,
        off: u8,
        keep: bool,
        archive: bool,
    },
    Delete {
        session: u8,
    },
}

#[derive(Debug, Clone)]
struct Row {
    id: u8,
    user: bool,
    second: Option<u8>,
}

fn operation() -> impl Strategy<Value = Operation> {
    let row = (0..6_u8, any::<bool>(), proptest::option::of(0..50_u8))
        .prop_map(|(id, user, second)| Row { id, user, second });
    let rows = proptest::collection::vec(row, 0..4);
    let off = prop_oneof![9 => Just(0_u8), 1 => Just(1_u8)];
    prop_oneof![
        3 => (0..4_u8, 0..3_u8).prop_map(|(session, day)| Operation::Create { session, day }),
        9 => (0..4_u8, off.clone(), rows, proptest::option::of(any::<bool>()))
            .prop_map(|(session, off, entries, status)| Operation::Append { session, off, entries, status }),
        4 => (0..4_u8, off, any::<bool>(), any::<bool>())
            .prop_map(|(session, off, keep, archive)| Operation::Update { session, off, keep, archive }),
        1 => (0..4_u8).prop_map(|session| Operation::Delete { session }),
    ]
}

/// Does random operations and compares what can be seen afterwards.
pub(in crate::store) fn check_random<S: Store, D>(open: impl Fn() -> (S, D)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let strategy = (proptest::collection::vec(operation(), 1..40), 1..5_usize);
    // Each case opens a store and commits some twenty times.
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&strategy, |(operations, limit)| {
        let (store, _keep) = open();
        let mut model = Model::default();
        runtime.block_on(async {
            for operation in operations {
                apply(&store, &mut model, operation).await?;
            }
            compare(&store, &model, limit).await
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn id(session: u8) -> String {
    format!("sesn_{session}")
}

async fn apply(
    store: &impl Store,
    model: &mut Model,
    operation: Operation,
) -> Result<(), TestCaseError> {
    match operation {
        Operation::Create { session, day } => {
            let mut document = document(&id(session), "w");
            document.created_at = format!("2026-01-0{}T00:00:00.000000Z", day + 1);
            let entries = vec![NewEntry {
                entry: json!("created"),
                ..NewEntry::default()
            }];
            let expected = model.create(document.clone(), entries.clone());
            prop_assert_eq!(
                store.create("session", document, entries).await.is_ok(),
                expected
            );
        }
        Operation::Append {
            session,
            off,
            entries,
            status,
        } => {
            let id = id(session);
            let at = model.last(&id) + u64::from(off);
            let entries: Vec<NewEntry> = entries.into_iter().map(Row::into_entry).collect();
            let fields: Vec<_> = status
                .map(|running| {
                    (
                        "status".to_owned(),
                        if running { "running" } else { "idle" }.to_owned(),
                    )
                })
                .into_iter()
                .collect();
            let expected = model.append(&id, at, entries.clone(), fields.clone());
            let actual = match store.append(&id, Seq(at), entries, fields).await {
                Ok(Seq(last)) => Some(Ok(last)),
                Err(AppendError::Conflict {
                    actual: Seq(actual),
                    ..
                }) => Some(Err(actual)),
                Err(AppendError::Gone) => None,
                Err(AppendError::Failed(error)) => {
                    return Err(TestCaseError::fail(format!("{error:?}")));
                }
            };
            prop_assert_eq!(actual, expected);
        }
        Operation::Update {
            session,
            off,
            keep,
            archive,
        } => {
            let mut change = document(&id(session), "w");
            change.revision = model.revision(&change.id) + 1 + u64::from(off);
            change.archived_at = archive.then(|| "2026-02-01T00:00:00.000000Z".into());
            change.body = json!({"revision": change.revision});
            let keep = if keep {
                Keep::History
            } else {
                Keep::LatestOnly
            };
            let expected = model.update(change.clone(), keep);
            match store.update("session", change, keep).await {
                Ok(()) => prop_assert!(expected),
                Err(WriteError::NotFound | WriteError::Conflict { .. }) => prop_assert!(!expected),
                Err(WriteError::Failed(error)) => {
                    return Err(TestCaseError::fail(format!("{error:?}")));
                }
            }
        }
        Operation::Delete { session } => {
            let expected = model.delete(&id(session));
            prop_assert_eq!(
                store.delete("session", "w", &id(session)).await.unwrap(),
                expected
            );
        }
    }
    Ok(())
}

impl Row {
    fn into_entry(self) -> NewEntry {
        let id = format!("e{}", self.id);
        let kind = if self.user {
            "user.message"
        } else {
            "agent.message"
        };
        let processed_at = self
            .second
            .map(|second| format!("2026-01-01T00:00:{second:02}.000000Z"));
        let event = json!({"id": id, "type": kind, "processed_at": processed_at});
        NewEntry {
            entry: event.clone(),
            event: Some(EventRow {
                id,
                kind: kind.into(),
                processed_at,
                event,
            }),
            ..NewEntry::default()
        }
    }
}

async fn compare(store: &impl Store, model: &Model, limit: usize) -> Result<(), TestCaseError> {
    for session in 0..4 {
        let id = id(session);
        let log: Vec<Value> = store
            .load(&id, Seq(0))
            .await
            .unwrap()
            .into_iter()
            .map(|entry| entry.entry)
            .collect();
        prop_assert_eq!(log, model.log(&id));

        for (types, descending) in [(Vec::new(), false), (vec!["user.message".to_owned()], true)] {
            let mut query = EventQuery {
                types,
                descending,
                limit,
                ..EventQuery::default()
            };
            let expected = model.events(&id, &query);
            let mut seen = Vec::new();
            loop {
                let page = store.events(&id, query.clone()).await.unwrap();
                prop_assert!(
                    !page.data.is_empty() || page.next.is_none(),
                    "an empty page that goes on"
                );
                seen.extend(page.data);
                query.page = page.next;
                if query.page.is_none() {
                    break;
                }
            }
            prop_assert_eq!(seen, expected);
        }

        let mut revisions = Vec::new();
        let mut page = None;
        loop {
            let part = store
                .revisions("session", "w", &id, limit, page)
                .await
                .unwrap();
            revisions.extend(
                part.data
                    .into_iter()
                    .map(|document| (document.revision, document.body)),
            );
            page = part.next;
            if page.is_none() {
                break;
            }
        }
        prop_assert_eq!(revisions, model.revisions(&id));
    }
    for (include_archived, ascending, status) in [
        (true, true, None),
        (false, false, None),
        (true, false, Some("running")),
    ] {
        let fields = status
            .map(|status| ("status".to_owned(), vec![status.to_owned()]))
            .into_iter()
            .collect();
        let mut query = DocumentQuery {
            include_archived,
            ascending,
            fields,
            limit,
            ..DocumentQuery::default()
        };
        let expected = model.list(&query);
        let mut seen = Vec::new();
        loop {
            let page = store.list("session", "w", query.clone()).await.unwrap();
            seen.extend(
                page.data
                    .into_iter()
                    .map(|d| (d.id, d.revision, d.fields, d.body)),
            );
            query.page = page.next;
            if query.page.is_none() {
                break;
            }
        }
        prop_assert_eq!(seen, expected);
    }
    Ok(())
}
