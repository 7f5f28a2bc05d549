//! Documents, their fields and their earlier revisions.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::{count, failed, integer};
use super::cursor::{Cursor, Order};
use super::select::{Item, Select, within};
use super::{
    Document, DocumentQuery, Keep, Kind, ListError, NewEntry, Page, Seq, StoreError, WriteError,
    log,
};

/// The columns that [`read`] expects, in its order. Fields come along as a JSON array of pairs.
const COLUMNS: &str = "ordinal, id, workspace, revision, created_at, archived_at, body, \
    (SELECT json_group_array(json_array(name, value)) FROM document_fields WHERE document = ordinal)";

pub(super) fn create(
    sql: &Connection,
    kind: Kind,
    document: &Document,
    log: &[NewEntry],
) -> Result<(), StoreError> {
    sql.prepare_cached(
        "INSERT INTO documents (id, kind, workspace, revision, created_at, archived_at, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            document.id,
            kind,
            document.workspace,
            integer(document.revision),
            document.created_at,
            document.archived_at,
            document.body.to_string()
        ])
    })
    .map_err(failed(&format!("create {kind} {}", document.id)))?;
    let ordinal = sql.last_insert_rowid();
    set_fields(sql, ordinal, &document.fields)?;
    log::write(sql, ordinal, Seq(0), log)
}

pub(super) fn get(
    sql: &Connection,
    kind: Kind,
    workspace: &str,
    id: &str,
) -> Result<Option<Document>, StoreError> {
    Ok(get_with_ordinal(sql, kind, workspace, id)?.map(|(_, document)| document))
}

fn get_with_ordinal(
    sql: &Connection,
    kind: Kind,
    workspace: &str,
    id: &str,
) -> Result<Option<(i64, Document)>, StoreError> {
    let raw = sql
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM documents WHERE id = ? AND kind = ? AND workspace = ?"
        ))
        .and_then(|mut statement| statement.query_row([id, kind, workspace], raw).optional())
        .map_err(failed(&format!("read {kind} {id}")))?;
    raw.map(Raw::parse).transpose()
}

pub(super) fn update(
    sql: &Connection,
    kind: Kind,
    document: &Document,
    keep: Keep,
) -> Result<(), WriteError> {
    let Some((ordinal, old)) = get_with_ordinal(sql, kind, &document.workspace, &document.id)?
    else {
        return Err(WriteError::NotFound);
    };
    if old.revision + 1 != document.revision {
        return Err(WriteError::Conflict {
            actual: old.revision,
        });
    }
    let context = format!("update {kind} {}", document.id);
    if keep == Keep::History {
        let fields = serde_json::to_string(&old.fields).expect("pairs of strings are JSON");
        sql.prepare_cached(
            "INSERT INTO document_revisions (document, revision, archived_at, fields, body) VALUES (?, ?, ?, ?, ?)",
        )
        .and_then(|mut statement| {
            statement.execute(params![ordinal, integer(old.revision), old.archived_at, fields, old.body.to_string()])
        })
        .map_err(failed(&context))?;
    }
    sql.prepare_cached(
        "UPDATE documents SET revision = ?, archived_at = ?, body = ? WHERE ordinal = ?",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            integer(document.revision),
            document.archived_at,
            document.body.to_string(),
            ordinal
        ])
    })
    .map_err(failed(&context))?;
    set_fields(sql, ordinal, &document.fields)?;
    Ok(())
}

/// Replaces the fields that are named; the others stay.
pub(super) fn set_fields(
    sql: &Connection,
    ordinal: i64,
    fields: &[(String, String)],
) -> Result<(), StoreError> {
    let context = || failed("write a document's fields");
    for (name, _) in fields {
        sql.prepare_cached("DELETE FROM document_fields WHERE document = ? AND name = ?")
            .and_then(|mut statement| statement.execute(params![ordinal, name]))
            .map_err(context())?;
    }
    for (name, value) in fields {
        sql.prepare_cached(
            "INSERT OR IGNORE INTO document_fields (document, name, value) VALUES (?, ?, ?)",
        )
        .and_then(|mut statement| statement.execute(params![ordinal, name, value]))
        .map_err(context())?;
    }
    Ok(())
}

pub(super) fn get_revision(
    sql: &Connection,
    kind: Kind,
    workspace: &str,
    id: &str,
    revision: u64,
) -> Result<Option<Document>, StoreError> {
    let Some((ordinal, present)) = get_with_ordinal(sql, kind, workspace, id)? else {
        return Ok(None);
    };
    if present.revision == revision {
        return Ok(Some(present));
    }
    let raw = sql
        .prepare_cached(
            "SELECT revision, archived_at, fields, body FROM document_revisions WHERE document = ? AND revision = ?",
        )
        .and_then(|mut statement| statement.query_row(params![ordinal, integer(revision)], raw_revision).optional())
        .map_err(failed(&format!("read revision {revision} of {kind} {id}")))?;
    raw.map(|raw| raw.parse(&present)).transpose()
}

pub(super) fn revisions(
    sql: &Connection,
    kind: Kind,
    workspace: &str,
    id: &str,
    limit: usize,
    page: Option<&str>,
) -> Result<Page<Document>, ListError> {
    let Some((ordinal, present)) = get_with_ordinal(sql, kind, workspace, id)? else {
        return Ok(Page {
            data: Vec::new(),
            next: None,
            previous: None,
        });
    };
    // The present one takes its place among the kept ones. Only its number and place come from here.
    let select = Select {
        listing: format!("revisions of {id}"),
        sql: "SELECT revision, archived_at, fields, body FROM (
                  SELECT printf('%020d', revision) AS place, * FROM (
                      SELECT revision, archived_at, fields, body FROM document_revisions WHERE document = ?
                      UNION ALL SELECT ?, NULL, '', ''
                  )
              ) WHERE 1"
            .into(),
        values: vec![Box::new(ordinal), Box::new(integer(present.revision))],
        keys: ("place", "place"),
        order: Order::Descending,
        limit,
    };
    select.page(sql, page, |row| {
        let raw = raw_revision(row).map_err(failed("list revisions"))?;
        let revision = raw.revision;
        let value = if revision == present.revision {
            present.clone()
        } else {
            raw.parse(&present)?
        };
        let place = format!("{revision:020}");
        Ok(Item {
            value,
            at: place.clone(),
            item: place,
        })
    })
}

pub(super) fn list(
    sql: &Connection,
    kind: Kind,
    workspace: &str,
    query: &DocumentQuery,
) -> Result<Page<Document>, ListError> {
    let order = if query.ascending {
        Order::Ascending
    } else {
        Order::Descending
    };
    if let Some(token) = &query.page {
        let cursor = Cursor::decode(token, kind, order)?;
        if !within(
            &cursor.at,
            query.created_after.as_ref(),
            query.created_before.as_ref(),
        ) {
            return Err(ListError::BadPage);
        }
    }
    let mut select = Select {
        listing: kind.into(),
        sql: format!("SELECT {COLUMNS} FROM documents WHERE kind = ? AND workspace = ?"),
        values: vec![Box::new(kind), Box::new(workspace.to_owned())],
        keys: ("created_at", "id"),
        order,
        limit: query.limit,
    };
    if !query.include_archived {
        select.sql.push_str(" AND archived_at IS NULL");
    }
    for (name, values) in &query.fields {
        select.and(
            "EXISTS (SELECT 1 FROM document_fields WHERE document = ordinal AND name = ?",
            name.clone(),
        );
        select.and_one_of("value", values);
        select.sql.push(')');
    }
    select.between(query.created_after.as_ref(), query.created_before.as_ref());
    select.page(sql, query.page.as_deref(), |row| {
        let (_, value) = raw(row).map_err(failed("list documents"))?.parse()?;
        let (at, item) = (value.created_at.clone(), value.id.clone());
        Ok(Item { value, at, item })
    })
}

pub(super) fn delete(
    sql: &Connection,
    kind: Kind,
    workspace: &str,
    id: &str,
) -> Result<bool, StoreError> {
    // Fields, revisions, log and events go with it by their foreign keys.
    sql.prepare_cached("DELETE FROM documents WHERE id = ? AND kind = ? AND workspace = ?")
        .and_then(|mut statement| statement.execute([id, kind, workspace]))
        .map(|deleted| deleted > 0)
        .map_err(failed(&format!("delete {kind} {id}")))
}

pub(super) fn find(
    sql: &Connection,
    kind: Kind,
    field: &str,
    value: &str,
) -> Result<Vec<Document>, StoreError> {
    // The condition on the length makes the partial index usable.
    let found: Vec<Raw> = sql
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM documents WHERE kind = ? AND ordinal IN
                 (SELECT document FROM document_fields WHERE name = ? AND value = ? AND length(value) <= 128)
             ORDER BY created_at, id"
        ))
        .and_then(|mut statement| statement.query_map([kind, field, value], raw)?.collect())
        .map_err(failed(&format!("find {kind} by {field}")))?;
    found.into_iter().map(|raw| Ok(raw.parse()?.1)).collect()
}

/// A row before its JSON is read.
struct Raw {
    ordinal: i64,
    document: Document,
    body: String,
    fields: String,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        ordinal: row.get(0)?,
        document: Document {
            id: row.get(1)?,
            workspace: row.get(2)?,
            revision: count(row, 3)?,
            created_at: row.get(4)?,
            archived_at: row.get(5)?,
            fields: Vec::new(),
            body: serde_json::Value::Null,
        },
        body: row.get(6)?,
        fields: row.get(7)?,
    })
}

impl Raw {
    fn parse(self) -> Result<(i64, Document), StoreError> {
        let mut document = self.document;
        document.body = log::parse(&self.body)?;
        document.fields = parse_fields(&self.fields)?;
        Ok((self.ordinal, document))
    }
}

struct RawRevision {
    revision: u64,
    archived_at: Option<String>,
    fields: String,
    body: String,
}

fn raw_revision(row: &Row<'_>) -> rusqlite::Result<RawRevision> {
    Ok(RawRevision {
        revision: count(row, 0)?,
        archived_at: row.get(1)?,
        fields: row.get(2)?,
        body: row.get(3)?,
    })
}

impl RawRevision {
    fn parse(self, present: &Document) -> Result<Document, StoreError> {
        Ok(Document {
            id: present.id.clone(),
            workspace: present.workspace.clone(),
            revision: self.revision,
            created_at: present.created_at.clone(),
            archived_at: self.archived_at,
            fields: parse_fields(&self.fields)?,
            body: log::parse(&self.body)?,
        })
    }
}

fn parse_fields(json: &str) -> Result<Vec<(String, String)>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError {
        context: "read stored fields".into(),
        source: Some(Box::new(error)),
    })
}
