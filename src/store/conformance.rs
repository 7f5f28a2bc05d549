//! What every store must do, as tests generic over the traits: each implementation runs them all.
//!
//! [`check`] tells the contract case by case. [`check_random`] does random operations on the store and on
//! [`model::Model`], which is the contract in its simplest form, and wants the same answers.

use std::future::Future;

use serde_json::{Value, json};

use super::{
    AppendError, Bound, Document, DocumentQuery, Documents, EventQuery, EventRow, Keep, KeyRow,
    Keys, ListError, Log, NewEntry, Seq, WriteError,
};

mod model;
mod random;

pub(super) use random::check_random;

/// A store with all its parts.
pub(super) trait Store: Log + Documents + Keys {}
impl<S: Log + Documents + Keys> Store for S {}

pub(super) fn document(id: &str, workspace: &str) -> Document {
    Document {
        id: id.into(),
        workspace: workspace.into(),
        revision: 1,
        created_at: "2026-01-01T00:00:00.000000Z".into(),
        archived_at: None,
        fields: Vec::new(),
        body: json!({"id": id}),
    }
}

pub(super) fn entry(n: u64) -> NewEntry {
    NewEntry {
        entry: json!({"n": n}),
        ..NewEntry::default()
    }
}

fn event(id: &str, kind: &str, processed_at: Option<&str>) -> NewEntry {
    let event = EventRow {
        id: id.into(),
        kind: kind.into(),
        processed_at: processed_at.map(Into::into),
        event: json!({"id": id, "type": kind, "processed_at": processed_at}),
    };
    NewEntry {
        entry: json!({"wrote": id}),
        event: Some(event),
        ..NewEntry::default()
    }
}

fn ids(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect()
}

/// Runs every case, each on a store of its own.
pub(super) async fn check<S: Store, D, F: Future<Output = (S, D)>>(open: impl Fn() -> F) {
    macro_rules! run {
        ($($case:ident),* $(,)?) => { $( { let (store, _keep) = open().await; $case(&store).await; } )* };
    }
    run!(
        appends_are_all_or_nothing_and_in_order,
        an_append_at_the_wrong_place_changes_nothing,
        an_append_updates_the_documents_fields,
        what_is_withdrawn_is_not_listed_and_stays_in_the_log,
        references_last_as_long_as_their_logs,
        events_are_listed_by_time_with_the_waiting_last,
        events_are_filtered_and_paged_both_ways,
        a_page_token_of_another_listing_is_refused,
        documents_belong_to_a_workspace,
        an_update_needs_the_next_revision,
        kept_revisions_stay_readable,
        lists_filter_sort_and_page,
        deleting_takes_everything_along,
        a_second_document_of_the_same_id_is_refused,
        keys_are_found_by_their_secret_until_revoked,
    );
}

async fn appends_are_all_or_nothing_and_in_order(store: &impl Store) {
    store
        .create("session", document("sesn_1", "w"), vec![entry(0)])
        .await
        .unwrap();
    let last = store
        .append("sesn_1", Seq(1), vec![entry(1), entry(2)], Vec::new())
        .await
        .unwrap();
    assert_eq!(last, Seq(3));
    let all = store.load("sesn_1", Seq(0)).await.unwrap();
    assert_eq!(
        all.iter()
            .map(|e| (e.seq.0, e.entry["n"].as_u64().unwrap()))
            .collect::<Vec<_>>(),
        [(1, 0), (2, 1), (3, 2)]
    );
    assert_eq!(store.load("sesn_1", Seq(2)).await.unwrap().len(), 1);
    assert!(store.load("sesn_none", Seq(0)).await.unwrap().is_empty());
}

async fn an_append_at_the_wrong_place_changes_nothing(store: &impl Store) {
    store
        .create("session", document("sesn_1", "w"), vec![entry(0)])
        .await
        .unwrap();
    for expected in [Seq(0), Seq(2)] {
        let error = store
            .append(
                "sesn_1",
                expected,
                vec![event("e", "user.message", None)],
                vec![("status".into(), "x".into())],
            )
            .await
            .unwrap_err();
        assert!(
            matches!(error, AppendError::Conflict { actual: Seq(1), .. }),
            "{error:?}"
        );
    }
    assert_eq!(store.load("sesn_1", Seq(0)).await.unwrap().len(), 1);
    let query = EventQuery {
        limit: 10,
        ..EventQuery::default()
    };
    assert!(store.events("sesn_1", query).await.unwrap().data.is_empty());
    assert!(
        store
            .get("session", "w", "sesn_1")
            .await
            .unwrap()
            .unwrap()
            .fields
            .is_empty()
    );
    let gone = store
        .append("sesn_none", Seq(0), vec![entry(0)], Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(gone, AppendError::Gone), "{gone:?}");
}

async fn an_append_updates_the_documents_fields(store: &impl Store) {
    let mut session = document("sesn_1", "w");
    session.fields = vec![
        ("agent_id".into(), "agent_1".into()),
        ("status".into(), "idle".into()),
    ];
    store.create("session", session, Vec::new()).await.unwrap();
    store
        .append(
            "sesn_1",
            Seq(0),
            vec![entry(1)],
            vec![("status".into(), "running".into())],
        )
        .await
        .unwrap();
    let found = store.find("session", "status", "running").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].revision, 1);
    assert!(
        found[0]
            .fields
            .contains(&("agent_id".into(), "agent_1".into()))
    );
    assert!(
        store
            .find("session", "status", "idle")
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .find("agent", "status", "running")
            .await
            .unwrap()
            .is_empty()
    );

    // An update that does not name the field leaves it.
    let mut updated = document("sesn_1", "w");
    updated.revision = 2;
    store
        .update("session", updated, Keep::LatestOnly)
        .await
        .unwrap();
    assert_eq!(
        store
            .find("session", "status", "running")
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn what_is_withdrawn_is_not_listed_and_stays_in_the_log(store: &impl Store) {
    for id in ["sesn_1", "sesn_2"] {
        let entries = ["a", "b"].map(|id| event(id, "agent.message", None));
        store
            .create("session", document(id, "w"), entries.into())
            .await
            .unwrap();
    }
    let withdrawing = NewEntry {
        withdraws: vec!["b".into(), "nothing".into()],
        ..event("c", "agent.message", None)
    };
    store
        .append("sesn_1", Seq(2), vec![withdrawing], Vec::new())
        .await
        .unwrap();
    let query = || EventQuery {
        limit: 10,
        ..EventQuery::default()
    };
    let listed = store.events("sesn_1", query()).await.unwrap();
    assert_eq!(ids(&listed.data), ["a", "c"]);
    assert_eq!(store.load("sesn_1", Seq(0)).await.unwrap().len(), 3);
    let other = store.events("sesn_2", query()).await.unwrap();
    assert_eq!(ids(&other.data), ["a", "b"]);
}

async fn references_last_as_long_as_their_logs(store: &impl Store) {
    let refers = |name: &str| NewEntry {
        refers: Some(name.into()),
        ..entry(1)
    };
    for id in ["sesn_1", "sesn_2"] {
        store
            .create("session", document(id, "w"), vec![refers("both")])
            .await
            .unwrap();
    }
    let more = vec![refers("one"), refers("one"), entry(2)];
    store
        .append("sesn_1", Seq(1), more, Vec::new())
        .await
        .unwrap();
    let refused = store.append("sesn_2", Seq(7), vec![refers("never")], Vec::new());
    refused.await.unwrap_err();
    let references = async || {
        let mut names = store.references().await.unwrap();
        names.sort();
        names
    };
    assert_eq!(references().await, ["both", "one"]);
    store.delete("session", "w", "sesn_1").await.unwrap();
    assert_eq!(references().await, ["both"]);
}

async fn events_are_listed_by_time_with_the_waiting_last(store: &impl Store) {
    let entries = vec![
        event("waiting_1", "user.message", None),
        event(
            "first",
            "agent.message",
            Some("2026-01-01T00:00:01.000000Z"),
        ),
        event("waiting_2", "user.message", None),
        event(
            "second",
            "agent.message",
            Some("2026-01-01T00:00:02.000000Z"),
        ),
    ];
    store
        .create("session", document("sesn_1", "w"), entries)
        .await
        .unwrap();
    let query = EventQuery {
        limit: 10,
        ..EventQuery::default()
    };
    let page = store.events("sesn_1", query.clone()).await.unwrap();
    assert_eq!(
        ids(&page.data),
        ["first", "second", "waiting_1", "waiting_2"]
    );
    assert!(page.next.is_none());

    let now = event(
        "waiting_2",
        "user.message",
        Some("2026-01-01T00:00:03.000000Z"),
    );
    store
        .append("sesn_1", Seq(4), vec![now], Vec::new())
        .await
        .unwrap();
    let page = store
        .events(
            "sesn_1",
            EventQuery {
                descending: true,
                ..query
            },
        )
        .await
        .unwrap();
    assert_eq!(
        ids(&page.data),
        ["waiting_1", "waiting_2", "second", "first"]
    );
    assert_eq!(page.data[1]["processed_at"], "2026-01-01T00:00:03.000000Z");
}

async fn events_are_filtered_and_paged_both_ways(store: &impl Store) {
    let entries = (0..9)
        .map(|n| {
            let kind = if n % 3 == 0 {
                "user.message"
            } else {
                "agent.message"
            };
            event(
                &format!("e{n}"),
                kind,
                Some(&format!("2026-01-01T00:00:0{n}.000000Z")),
            )
        })
        .collect();
    store
        .create("session", document("sesn_1", "w"), entries)
        .await
        .unwrap();
    let query = EventQuery {
        types: vec!["agent.message".into()],
        limit: 4,
        ..EventQuery::default()
    };
    let first = store.events("sesn_1", query.clone()).await.unwrap();
    assert_eq!(ids(&first.data), ["e1", "e2", "e4", "e5"]);
    assert!(first.previous.is_none());
    let second = store
        .events(
            "sesn_1",
            EventQuery {
                page: first.next,
                ..query.clone()
            },
        )
        .await
        .unwrap();
    assert_eq!(ids(&second.data), ["e7", "e8"]);
    assert!(second.next.is_none());
    let back = store
        .events(
            "sesn_1",
            EventQuery {
                page: second.previous,
                ..query.clone()
            },
        )
        .await
        .unwrap();
    assert_eq!(ids(&back.data), ["e1", "e2", "e4", "e5"]);
    assert!(back.previous.is_none() && back.next.is_some());

    let at = |n: u8| format!("2026-01-01T00:00:0{n}.000000Z");
    let bounded = EventQuery {
        after: Some((Bound::Exclusive, at(2))),
        before: Some((Bound::Inclusive, at(5))),
        limit: 10,
        ..EventQuery::default()
    };
    assert_eq!(
        ids(&store.events("sesn_1", bounded).await.unwrap().data),
        ["e3", "e4", "e5"]
    );
}

async fn a_page_token_of_another_listing_is_refused(store: &impl Store) {
    for id in ["sesn_1", "sesn_2"] {
        let entries = (0..3)
            .map(|n| event(&format!("{id}_{n}"), "user.message", None))
            .collect();
        store
            .create("session", document(id, "w"), entries)
            .await
            .unwrap();
    }
    let query = EventQuery {
        limit: 1,
        ..EventQuery::default()
    };
    let token = store.events("sesn_1", query.clone()).await.unwrap().next;
    assert!(token.is_some());
    let other = store
        .events(
            "sesn_2",
            EventQuery {
                page: token.clone(),
                ..query.clone()
            },
        )
        .await;
    assert!(matches!(other, Err(ListError::BadPage)));
    let turned = store
        .events(
            "sesn_1",
            EventQuery {
                page: token.clone(),
                descending: true,
                ..query.clone()
            },
        )
        .await;
    assert!(matches!(turned, Err(ListError::BadPage)));
    let documents = DocumentQuery {
        page: token,
        limit: 1,
        ..DocumentQuery::default()
    };
    assert!(matches!(
        store.list("session", "w", documents).await,
        Err(ListError::BadPage)
    ));

    let sessions = DocumentQuery {
        limit: 1,
        ..DocumentQuery::default()
    };
    let token = store
        .list("session", "w", sessions.clone())
        .await
        .unwrap()
        .next;
    assert!(token.is_some());
    let outside = DocumentQuery {
        page: token,
        created_after: Some((Bound::Inclusive, "2027-01-01T00:00:00.000000Z".into())),
        ..sessions
    };
    assert!(matches!(
        store.list("session", "w", outside).await,
        Err(ListError::BadPage)
    ));
}

async fn documents_belong_to_a_workspace(store: &impl Store) {
    store
        .create("agent", document("agent_1", "mine"), Vec::new())
        .await
        .unwrap();
    assert!(
        store
            .get("agent", "mine", "agent_1")
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .get("agent", "theirs", "agent_1")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .get("session", "mine", "agent_1")
            .await
            .unwrap()
            .is_none()
    );
    let mut change = document("agent_1", "theirs");
    change.revision = 2;
    let error = store
        .update("agent", change, Keep::History)
        .await
        .unwrap_err();
    assert!(matches!(error, WriteError::NotFound), "{error:?}");
    assert!(!store.delete("agent", "theirs", "agent_1").await.unwrap());
    let query = DocumentQuery {
        limit: 10,
        ..DocumentQuery::default()
    };
    assert!(
        store
            .list("agent", "theirs", query)
            .await
            .unwrap()
            .data
            .is_empty()
    );
    assert!(
        store
            .get_revision("agent", "theirs", "agent_1", 1)
            .await
            .unwrap()
            .is_none()
    );
}

async fn an_update_needs_the_next_revision(store: &impl Store) {
    store
        .create("agent", document("agent_1", "w"), Vec::new())
        .await
        .unwrap();
    for revision in [1, 3] {
        let mut change = document("agent_1", "w");
        change.revision = revision;
        let error = store
            .update("agent", change, Keep::History)
            .await
            .unwrap_err();
        assert!(
            matches!(error, WriteError::Conflict { actual: 1 }),
            "{error:?}"
        );
    }
}

async fn kept_revisions_stay_readable(store: &impl Store) {
    store
        .create("agent", document("agent_1", "w"), Vec::new())
        .await
        .unwrap();
    for revision in 2..=12 {
        let mut change = document("agent_1", "w");
        change.revision = revision;
        change.body = json!({"revision": revision});
        // The third was replaced without leaving a trace.
        let keep = if revision == 4 {
            Keep::LatestOnly
        } else {
            Keep::History
        };
        store.update("agent", change, keep).await.unwrap();
    }
    let second = store
        .get_revision("agent", "w", "agent_1", 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((second.revision, &second.body["revision"]), (2, &json!(2)));
    assert!(
        store
            .get_revision("agent", "w", "agent_1", 3)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        store
            .get_revision("agent", "w", "agent_1", 12)
            .await
            .unwrap()
            .unwrap()
            .body["revision"],
        12
    );

    let mut seen = Vec::new();
    let mut page = None;
    loop {
        let part = store
            .revisions("agent", "w", "agent_1", 4, page)
            .await
            .unwrap();
        seen.extend(part.data.iter().map(|document| document.revision));
        page = part.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(seen, [12, 11, 10, 9, 8, 7, 6, 5, 4, 2, 1]);
}

async fn lists_filter_sort_and_page(store: &impl Store) {
    for n in 0..6 {
        let mut session = document(&format!("sesn_{n}"), "w");
        session.created_at = format!("2026-01-0{}T00:00:00.000000Z", n / 2 + 1);
        session.archived_at = (n == 5).then(|| "2026-02-01T00:00:00.000000Z".into());
        session.fields = vec![(
            "status".into(),
            ["idle", "running", "terminated"][n % 3].into(),
        )];
        store.create("session", session, Vec::new()).await.unwrap();
    }
    let list = async |query: DocumentQuery| {
        let page = store.list("session", "w", query).await.unwrap();
        (
            page.data.iter().map(|d| d.id.clone()).collect::<Vec<_>>(),
            page.next,
            page.previous,
        )
    };
    let all = DocumentQuery {
        limit: 10,
        ..DocumentQuery::default()
    };
    assert_eq!(
        list(all.clone()).await.0,
        ["sesn_4", "sesn_3", "sesn_2", "sesn_1", "sesn_0"]
    );
    assert_eq!(
        list(DocumentQuery {
            include_archived: true,
            ascending: true,
            ..all.clone()
        })
        .await
        .0
        .len(),
        6
    );
    let either = vec![("status".into(), vec!["idle".into(), "running".into()])];
    assert_eq!(
        list(DocumentQuery {
            fields: either,
            ..all.clone()
        })
        .await
        .0,
        ["sesn_4", "sesn_3", "sesn_1", "sesn_0"]
    );
    let since = Some((Bound::Inclusive, "2026-01-02T00:00:00.000000Z".into()));
    assert_eq!(
        list(DocumentQuery {
            created_after: since,
            ..all.clone()
        })
        .await
        .0,
        ["sesn_4", "sesn_3", "sesn_2"]
    );

    let pairs = DocumentQuery {
        limit: 2,
        ..DocumentQuery::default()
    };
    let (first, next, previous) = list(pairs.clone()).await;
    assert_eq!(
        (first.as_slice(), previous),
        (["sesn_4".into(), "sesn_3".into()].as_slice(), None)
    );
    let (second, next, _) = list(DocumentQuery {
        page: next,
        ..pairs.clone()
    })
    .await;
    assert_eq!(second, ["sesn_2", "sesn_1"]);
    let (third, next, previous) = list(DocumentQuery {
        page: next,
        ..pairs.clone()
    })
    .await;
    assert_eq!(
        (third.as_slice(), next),
        (["sesn_0".into()].as_slice(), None)
    );
    let (again, _, previous) = list(DocumentQuery {
        page: previous,
        ..pairs.clone()
    })
    .await;
    assert_eq!(again, ["sesn_2", "sesn_1"]);
    let (again, _, previous) = list(DocumentQuery {
        page: previous,
        ..pairs
    })
    .await;
    assert_eq!(
        (again, previous),
        (vec!["sesn_4".into(), "sesn_3".into()], None)
    );
}

async fn deleting_takes_everything_along(store: &impl Store) {
    let mut session = document("sesn_1", "w");
    session.fields = vec![("status".into(), "running".into())];
    store
        .create("session", session, vec![event("e", "user.message", None)])
        .await
        .unwrap();
    let mut change = document("sesn_1", "w");
    change.revision = 2;
    store
        .update("session", change, Keep::History)
        .await
        .unwrap();
    assert!(store.delete("session", "w", "sesn_1").await.unwrap());
    assert!(!store.delete("session", "w", "sesn_1").await.unwrap());
    assert!(store.load("sesn_1", Seq(0)).await.unwrap().is_empty());
    assert!(
        store
            .find("session", "status", "running")
            .await
            .unwrap()
            .is_empty()
    );
    let gone = store
        .append("sesn_1", Seq(1), vec![entry(1)], Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(gone, AppendError::Gone), "{gone:?}");
    // Nothing comes back with a new document of the old name.
    store
        .create("session", document("sesn_1", "w"), Vec::new())
        .await
        .unwrap();
    assert!(store.load("sesn_1", Seq(0)).await.unwrap().is_empty());
    let query = EventQuery {
        limit: 1,
        ..EventQuery::default()
    };
    assert!(store.events("sesn_1", query).await.unwrap().data.is_empty());
    assert_eq!(
        store
            .revisions("session", "w", "sesn_1", 9, None)
            .await
            .unwrap()
            .data
            .len(),
        1
    );
}

async fn a_second_document_of_the_same_id_is_refused(store: &impl Store) {
    store
        .create("agent", document("agent_1", "w"), Vec::new())
        .await
        .unwrap();
    store
        .create("agent", document("agent_1", "other"), vec![entry(1)])
        .await
        .unwrap_err();
    assert!(store.load("agent_1", Seq(0)).await.unwrap().is_empty());
    // A refused write is no reason to stop.
    store
        .create("agent", document("agent_2", "w"), Vec::new())
        .await
        .unwrap();
}

async fn keys_are_found_by_their_secret_until_revoked(store: &impl Store) {
    let key = |n: u8| KeyRow {
        id: format!("apikey_{n}"),
        workspace: "w".into(),
        name: "laptop".into(),
        hint: "gb_1".into(),
        created_at: format!("2026-01-01T00:00:0{n}.000000Z"),
        revoked_at: None,
        grants: (n == 1).then(|| json!({"hosts": ["a.example"]})),
    };
    store.add(key(1), [1; 32]).await.unwrap();
    store.add(key(2), [2; 32]).await.unwrap();
    store.add(key(3), [2; 32]).await.unwrap_err();
    assert_eq!(
        store.find_by_secret([2; 32]).await.unwrap().unwrap().id,
        "apikey_2"
    );
    assert!(store.find_by_secret([3; 32]).await.unwrap().is_none());
    let grants = async |secret| store.find_by_secret(secret).await.unwrap().unwrap().grants;
    assert_eq!(grants([1; 32]).await, Some(json!({"hosts": ["a.example"]})));
    assert_eq!(grants([2; 32]).await, None);
    assert!(
        store
            .revoke("apikey_2", "2026-01-02T00:00:00.000000Z")
            .await
            .unwrap()
    );
    assert!(
        store
            .revoke("apikey_2", "2026-01-03T00:00:00.000000Z")
            .await
            .unwrap()
    );
    assert!(
        !store
            .revoke("apikey_9", "2026-01-03T00:00:00.000000Z")
            .await
            .unwrap()
    );
    assert!(store.find_by_secret([2; 32]).await.unwrap().is_none());
    let all = store.all().await.unwrap();
    assert_eq!(
        all.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(),
        ["apikey_1", "apikey_2"]
    );
    assert_eq!(
        all[1].revoked_at.as_deref(),
        Some("2026-01-02T00:00:00.000000Z")
    );
}
