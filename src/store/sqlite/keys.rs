//! API keys.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::failed;
use super::{KeyRow, StoreError};

pub(super) fn add(
    sql: &Connection,
    key: &KeyRow,
    secret_sha256: &[u8; 32],
) -> Result<(), StoreError> {
    sql.prepare_cached(
        "INSERT INTO keys (id, workspace, name, hint, created_at, revoked_at, secret_sha256, grants) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            key.id,
            key.workspace,
            key.name,
            key.hint,
            key.created_at,
            key.revoked_at,
            secret_sha256,
            key.grants.as_ref().map(ToString::to_string)
        ])
    })
    .map_err(failed("add a key"))?;
    Ok(())
}

pub(super) fn find_by_secret(
    sql: &Connection,
    secret_sha256: &[u8; 32],
) -> Result<Option<KeyRow>, StoreError> {
    sql.prepare_cached(
        "SELECT id, workspace, name, hint, created_at, revoked_at, grants FROM keys WHERE secret_sha256 = ? AND revoked_at IS NULL",
    )
    .and_then(|mut statement| statement.query_row([secret_sha256], row).optional())
    .map_err(failed("find a key"))
}

pub(super) fn all(sql: &Connection) -> Result<Vec<KeyRow>, StoreError> {
    sql.prepare_cached("SELECT id, workspace, name, hint, created_at, revoked_at, grants FROM keys ORDER BY created_at, id")
        .and_then(|mut statement| statement.query_map([], row)?.collect())
        .map_err(failed("list keys"))
}

pub(super) fn revoke(sql: &Connection, id: &str, at: &str) -> Result<bool, StoreError> {
    sql.prepare_cached("UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?")
        .and_then(|mut statement| statement.execute([at, id]))
        .map(|changed| changed > 0)
        .map_err(failed("revoke a key"))
}

fn row(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        id: row.get(0)?,
        workspace: row.get(1)?,
        name: row.get(2)?,
        hint: row.get(3)?,
        created_at: row.get(4)?,
        revoked_at: row.get(5)?,
        grants: row
            .get::<_, Option<String>>(6)?
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(6, Type::Text, Box::new(error))
            })?,
    })
}
