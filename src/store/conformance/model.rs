//! The contract in its simplest form: vectors and maps, no pages, nothing durable.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::store::{Document, DocumentQuery, EventQuery, EventRow, Keep, NewEntry};

/// What a list shows of a document: id, revision, fields, body.
pub(super) type Listed = (String, u64, Vec<(String, String)>, Value);

/// Sessions by id.
#[derive(Default)]
pub(super) struct Model {
    sessions: BTreeMap<String, Session>,
}

struct Session {
    document: Document,
    kept: Vec<(u64, Value)>,
    log: Vec<Value>,
    events: Vec<EventRow>,
}

impl Session {
    fn write(&mut self, entries: Vec<NewEntry>) {
        for new in entries {
            self.log.push(new.entry);
            let Some(row) = new.event else { continue };
            match self.events.iter_mut().find(|event| event.id == row.id) {
                Some(event) => *event = row,
                None => self.events.push(row),
            }
        }
    }

    fn set(&mut self, fields: Vec<(String, String)>) {
        self.document
            .fields
            .retain(|(name, _)| !fields.iter().any(|(new, _)| new == name));
        self.document.fields.extend(fields);
        self.document.fields.sort();
    }
}

impl Model {
    pub(super) fn create(&mut self, document: Document, entries: Vec<NewEntry>) -> bool {
        if self.sessions.contains_key(&document.id) {
            return false;
        }
        let id = document.id.clone();
        let mut session = Session {
            document,
            kept: Vec::new(),
            log: Vec::new(),
            events: Vec::new(),
        };
        session.write(entries);
        self.sessions.insert(id, session);
        true
    }

    /// The new last position, or the one it is at; none when there is no such session.
    pub(super) fn append(
        &mut self,
        id: &str,
        expected: u64,
        entries: Vec<NewEntry>,
        fields: Vec<(String, String)>,
    ) -> Option<Result<u64, u64>> {
        let session = self.sessions.get_mut(id)?;
        let actual = session.log.len() as u64;
        if actual != expected {
            return Some(Err(actual));
        }
        session.write(entries);
        session.set(fields);
        Some(Ok(session.log.len() as u64))
    }

    pub(super) fn update(&mut self, document: Document, keep: Keep) -> bool {
        let Some(session) = self.sessions.get_mut(&document.id) else {
            return false;
        };
        if session.document.revision + 1 != document.revision {
            return false;
        }
        if keep == Keep::History {
            session
                .kept
                .push((session.document.revision, session.document.body.clone()));
        }
        session.document.revision = document.revision;
        session.document.body = document.body;
        session.document.archived_at = document.archived_at;
        session.set(document.fields);
        true
    }

    pub(super) fn delete(&mut self, id: &str) -> bool {
        self.sessions.remove(id).is_some()
    }

    pub(super) fn last(&self, id: &str) -> u64 {
        self.sessions
            .get(id)
            .map_or(0, |session| session.log.len() as u64)
    }

    pub(super) fn revision(&self, id: &str) -> u64 {
        self.sessions
            .get(id)
            .map_or(0, |session| session.document.revision)
    }

    pub(super) fn log(&self, id: &str) -> Vec<Value> {
        self.sessions
            .get(id)
            .map_or(Vec::new(), |session| session.log.clone())
    }

    pub(super) fn events(&self, id: &str, query: &EventQuery) -> Vec<Value> {
        let Some(session) = self.sessions.get(id) else {
            return Vec::new();
        };
        let mut rows: Vec<&EventRow> = session
            .events
            .iter()
            .filter(|row| query.types.is_empty() || query.types.contains(&row.kind))
            .collect();
        // Stable: those that wait keep the order they were written in.
        rows.sort_by_key(|row| row.processed_at.clone().unwrap_or("~".into()));
        if query.descending {
            rows.reverse();
        }
        rows.into_iter().map(|row| row.event.clone()).collect()
    }

    pub(super) fn list(&self, query: &DocumentQuery) -> Vec<Listed> {
        let mut found: Vec<&Document> = self
            .sessions
            .values()
            .map(|session| &session.document)
            .filter(|document| query.include_archived || document.archived_at.is_none())
            .filter(|document| {
                query.fields.iter().all(|(name, values)| {
                    document
                        .fields
                        .iter()
                        .any(|(field, value)| field == name && values.contains(value))
                })
            })
            .collect();
        found.sort_by_key(|document| (document.created_at.clone(), document.id.clone()));
        if !query.ascending {
            found.reverse();
        }
        found
            .into_iter()
            .map(|d| (d.id.clone(), d.revision, d.fields.clone(), d.body.clone()))
            .collect()
    }

    pub(super) fn revisions(&self, id: &str) -> Vec<(u64, Value)> {
        let Some(session) = self.sessions.get(id) else {
            return Vec::new();
        };
        let mut all = session.kept.clone();
        all.push((session.document.revision, session.document.body.clone()));
        all.reverse();
        all
    }
}
