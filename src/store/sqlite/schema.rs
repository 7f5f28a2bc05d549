//! The tables, and how an older file becomes a newer one.

use rusqlite::Connection;

use super::StoreError;
use super::connection::{count, failed, integer};

/// What brings a file from each version to the next. Only ever appended to: files out there stand at every version.
const MIGRATIONS: &[&str] = &[
    // 1: the beginning. Rows that can be large live in rowid tables, in the order they were written, so that appends
    // touch the end of one tree; indexes carry only keys.
    "
    CREATE TABLE documents (
        ordinal     INTEGER PRIMARY KEY,
        id          TEXT    NOT NULL UNIQUE,
        kind        TEXT    NOT NULL,
        workspace   TEXT    NOT NULL,
        revision    INTEGER NOT NULL,
        created_at  TEXT    NOT NULL,
        archived_at TEXT,
        body        TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX documents_by_time ON documents (kind, workspace, created_at, id);

    CREATE TABLE document_fields (
        document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        name     TEXT    NOT NULL,
        value    TEXT    NOT NULL,
        PRIMARY KEY (document, name, value)
    ) STRICT, WITHOUT ROWID;
    -- A long value is a note to read back, not something to search for.
    CREATE INDEX document_fields_by_value ON document_fields (name, value) WHERE length(value) <= 128;

    CREATE TABLE document_revisions (
        ordinal     INTEGER PRIMARY KEY,
        document    INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        revision    INTEGER NOT NULL,
        archived_at TEXT,
        fields      TEXT    NOT NULL,
        body        TEXT    NOT NULL,
        UNIQUE (document, revision)
    ) STRICT;

    CREATE TABLE log (
        ordinal INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        seq     INTEGER NOT NULL,
        entry   TEXT    NOT NULL,
        UNIQUE (session, seq)
    ) STRICT;

    CREATE TABLE events (
        ordinal   INTEGER PRIMARY KEY,
        session   INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        id        TEXT    NOT NULL,
        kind      TEXT    NOT NULL,
        -- `processed_at`, or '~', which is after every time, while there is none.
        sorted_at TEXT    NOT NULL,
        event     TEXT    NOT NULL,
        UNIQUE (session, id)
    ) STRICT;
    CREATE INDEX events_by_time ON events (session, sorted_at, ordinal);

    CREATE TABLE keys (
        id            TEXT NOT NULL PRIMARY KEY,
        workspace     TEXT NOT NULL,
        name          TEXT NOT NULL,
        hint          TEXT NOT NULL,
        created_at    TEXT NOT NULL,
        revoked_at    TEXT,
        secret_sha256 BLOB NOT NULL UNIQUE
    ) STRICT;
    ",
    // 2: what tools may reach that are called with a key, as JSON; none for keys that nobody said anything about.
    "
    ALTER TABLE keys ADD COLUMN grants TEXT;
    ",
    // 3: what logs refer to that is kept outside of this file.
    "
    CREATE TABLE log_references (
        session INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        name    TEXT    NOT NULL,
        PRIMARY KEY (session, name)
    ) STRICT, WITHOUT ROWID;
    ",
];

/// Brings the file to the newest version. Refuses a file from a newer program.
pub(super) fn migrate(sql: &mut Connection) -> Result<(), StoreError> {
    let context = "bring the database's schema up to date";
    let transaction = sql
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(failed(context))?;
    let version = transaction
        .pragma_query_value(None, "user_version", |row| count(row, 0))
        .map_err(failed(context))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(StoreError {
            context: format!(
                "the database has schema version {version}, this program knows only {}: use a newer glovebox",
                MIGRATIONS.len()
            ),
            source: None,
        });
    }
    for migration in &MIGRATIONS[version..] {
        transaction
            .execute_batch(migration)
            .map_err(failed(context))?;
    }
    let newest = integer(MIGRATIONS.len() as u64);
    transaction
        .pragma_update(None, "user_version", newest)
        .map_err(failed(context))?;
    transaction.commit().map_err(failed(context))
}

/// Whether the file is at the newest version, as it has to be where it cannot be brought there.
pub(super) fn check_newest(sql: &Connection) -> Result<(), StoreError> {
    let context = "look at the database's schema";
    let version = sql
        .pragma_query_value(None, "user_version", |row| count(row, 0))
        .map_err(failed(context))?;
    if version == MIGRATIONS.len() as u64 {
        return Ok(());
    }
    Err(StoreError {
        context: format!(
            "the database has schema version {version}, this program needs {}: start the server of this version once",
            MIGRATIONS.len()
        ),
        source: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut sql = Connection::open_in_memory().unwrap();
        migrate(&mut sql).unwrap();
        migrate(&mut sql).unwrap();
    }

    #[test]
    fn keys_of_the_first_schema_stay_and_have_no_grants() {
        let mut sql = Connection::open_in_memory().unwrap();
        sql.execute_batch(MIGRATIONS[0]).unwrap();
        sql.pragma_update(None, "user_version", 1).unwrap();
        sql.execute_batch(
            "INSERT INTO keys VALUES ('apikey_1', 'w', 'laptop', 'gb', '2026', NULL, x'01');",
        )
        .unwrap();
        migrate(&mut sql).unwrap();
        let (name, grants): (String, Option<String>) = sql
            .query_row("SELECT name, grants FROM keys", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((name.as_str(), grants), ("laptop", None));
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut sql = Connection::open_in_memory().unwrap();
        sql.pragma_update(None, "user_version", 1_000).unwrap();
        let error = migrate(&mut sql).unwrap_err();
        assert!(
            error.to_string().contains("use a newer glovebox"),
            "{error}"
        );
    }
}
