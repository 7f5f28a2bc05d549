//! Session logs, and the client's view that is written along with them.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::connection::{count, failed, integer};
use super::cursor::{Cursor, Order};
use super::select::{Item, Select, within};
use super::{
    AppendError, Entry, EventQuery, ListError, NewEntry, Page, Seq, StoreError, documents,
};

/// Sorts after every time.
const WAITING: &str = "~";

pub(super) fn append(
    sql: &Connection,
    session: &str,
    expected: Seq,
    entries: &[NewEntry],
    fields: &[(String, String)],
) -> Result<Seq, AppendError> {
    let context = || failed("append to the log");
    let ordinal: Option<i64> = sql
        .prepare_cached("SELECT ordinal FROM documents WHERE id = ?")
        .and_then(|mut statement| statement.query_row([session], |row| row.get(0)).optional())
        .map_err(context())?;
    let Some(ordinal) = ordinal else {
        return Err(AppendError::Gone);
    };
    let actual = sql
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM log WHERE session = ?")
        .and_then(|mut statement| statement.query_row([ordinal], |row| count(row, 0)))
        .map_err(context())?;
    let actual = Seq(actual);
    if actual != expected {
        return Err(AppendError::Conflict { expected, actual });
    }
    write(sql, ordinal, actual, entries)?;
    documents::set_fields(sql, ordinal, fields)?;
    Ok(Seq(actual.0 + entries.len() as u64))
}

/// Writes entries after `last`, which must be the log's last position.
pub(super) fn write(
    sql: &Connection,
    session: i64,
    last: Seq,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    let context = || failed("append to the log");
    let mut insert = sql
        .prepare_cached("INSERT INTO log (session, seq, entry) VALUES (?, ?, ?)")
        .map_err(context())?;
    for (seq, new) in (last.0 + 1..).zip(entries) {
        insert
            .execute(params![session, integer(seq), new.entry.to_string()])
            .map_err(context())?;
        for id in &new.withdraws {
            sql.prepare_cached("DELETE FROM events WHERE session = ? AND id = ?")
                .and_then(|mut statement| statement.execute(params![session, id]))
                .map_err(context())?;
        }
        if let Some(name) = &new.refers {
            sql.prepare_cached(
                "INSERT OR IGNORE INTO log_references (session, name) VALUES (?, ?)",
            )
            .and_then(|mut statement| statement.execute(params![session, name]))
            .map_err(context())?;
        }
        let Some(event) = &new.event else { continue };
        sql.prepare_cached(
            "INSERT INTO events (session, id, kind, sorted_at, event) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (session, id) DO UPDATE SET kind = ?3, sorted_at = ?4, event = ?5",
        )
        .and_then(|mut statement| {
            let sorted_at = event.processed_at.as_deref().unwrap_or(WAITING);
            statement.execute(params![
                session,
                event.id,
                event.kind,
                sorted_at,
                event.event.to_string()
            ])
        })
        .map_err(context())?;
    }
    Ok(())
}

pub(super) fn load(sql: &Connection, session: &str, after: Seq) -> Result<Vec<Entry>, StoreError> {
    let rows: Vec<(u64, String)> = sql
        .prepare_cached(
            "SELECT seq, entry FROM log WHERE session = (SELECT ordinal FROM documents WHERE id = ?) AND seq > ? ORDER BY seq",
        )
        .and_then(|mut statement| {
            statement.query_map(params![session, integer(after.0)], |row| Ok((count(row, 0)?, row.get(1)?)))?.collect()
        })
        .map_err(failed("load a log"))?;
    rows.into_iter()
        .map(|(seq, entry)| {
            Ok(Entry {
                seq: Seq(seq),
                entry: parse(&entry)?,
            })
        })
        .collect()
}

pub(super) fn references(sql: &Connection) -> Result<Vec<String>, StoreError> {
    sql.prepare_cached("SELECT DISTINCT name FROM log_references")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(failed("list what logs refer to"))
}

pub(super) fn events(
    sql: &Connection,
    session: &str,
    query: &EventQuery,
) -> Result<Page<Value>, ListError> {
    let order = if query.descending {
        Order::Descending
    } else {
        Order::Ascending
    };
    let listing = format!("events of {session}");
    if let Some(token) = &query.page {
        let cursor = Cursor::decode(token, &listing, order)?;
        if !within(&cursor.at, query.after.as_ref(), query.before.as_ref()) {
            return Err(ListError::BadPage);
        }
    }
    let mut select = Select {
        listing,
        sql: "SELECT sorted_at, ordinal, event FROM events WHERE session = (SELECT ordinal FROM documents WHERE id = ?)"
            .into(),
        values: vec![Box::new(session.to_owned())],
        keys: ("sorted_at", "ordinal"),
        order,
        limit: query.limit,
    };
    if !query.types.is_empty() {
        select.and_one_of("kind", &query.types);
    }
    select.between(query.after.as_ref(), query.before.as_ref());
    select.page(sql, query.page.as_deref(), |row| {
        let (at, ordinal, event): (String, i64, String) =
            (|| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))().map_err(failed("list events"))?;
        Ok(Item {
            value: parse(&event)?,
            at,
            item: ordinal.to_string(),
        })
    })
}

/// Reads JSON that we wrote.
pub(super) fn parse(json: &str) -> Result<Value, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError {
        context: "read stored JSON".into(),
        source: Some(Box::new(error)),
    })
}
