//! One page of a listing: the same SQL for documents, revisions and events.

use rusqlite::types::ToSql;
use rusqlite::{Connection, Row};

use super::connection::failed;
use super::cursor::{Cursor, Order, Towards};
use super::{ListError, Page, StoreError};
use crate::store::Bound;

/// What to select from, in which order. The column names are ours, never a client's.
pub(super) struct Select {
    /// Names the listing inside page tokens.
    pub(super) listing: String,
    /// `SELECT ... FROM ... WHERE ...`, ready to be followed by ` AND ...`.
    pub(super) sql: String,
    /// The values for its placeholders.
    pub(super) values: Vec<Box<dyn ToSql>>,
    /// The column that sorts, and the one that decides among equals.
    pub(super) keys: (&'static str, &'static str),
    pub(super) order: Order,
    pub(super) limit: usize,
}

/// An item of a page with its place in the order.
pub(super) struct Item<T> {
    pub(super) value: T,
    pub(super) at: String,
    pub(super) item: String,
}

impl Select {
    /// Adds ` AND clause`, whose only `?` is `value`.
    pub(super) fn and(&mut self, clause: &str, value: impl ToSql + 'static) {
        self.sql.push_str(" AND ");
        self.sql.push_str(clause);
        self.values.push(Box::new(value));
    }

    /// Adds ` AND column IN (values)`.
    pub(super) fn and_one_of(&mut self, column: &str, values: &[String]) {
        let marks = vec!["?"; values.len()].join(", ");
        self.sql.push_str(&format!(" AND {column} IN ({marks})"));
        for value in values {
            self.values.push(Box::new(value.clone()));
        }
    }

    /// Adds bounds on the sort key.
    pub(super) fn between(
        &mut self,
        after: Option<&(Bound, String)>,
        before: Option<&(Bound, String)>,
    ) {
        let column = self.keys.0;
        if let Some((bound, value)) = after {
            let comparison = if *bound == Bound::Inclusive {
                ">="
            } else {
                ">"
            };
            self.and(&format!("{column} {comparison} ?"), value.clone());
        }
        if let Some((bound, value)) = before {
            let comparison = if *bound == Bound::Inclusive {
                "<="
            } else {
                "<"
            };
            self.and(&format!("{column} {comparison} ?"), value.clone());
        }
    }

    /// Reads the page that `token` names, or the first one.
    pub(super) fn page<T>(
        mut self,
        sql: &Connection,
        token: Option<&str>,
        read: impl Fn(&Row<'_>) -> Result<Item<T>, StoreError>,
    ) -> Result<Page<T>, ListError> {
        let cursor = token
            .map(|token| Cursor::decode(token, &self.listing, self.order))
            .transpose()?;
        let towards = cursor
            .as_ref()
            .map_or(Towards::Next, |cursor| cursor.towards);
        let rising = (self.order == Order::Ascending) == (towards == Towards::Next);
        let (first, second) = self.keys;
        if let Some(cursor) = &cursor {
            let comparison = if rising { ">" } else { "<" };
            self.sql
                .push_str(&format!(" AND ({first}, {second}) {comparison} (?, ?)"));
            self.values.push(Box::new(cursor.at.clone()));
            self.values.push(Box::new(cursor.item.clone()));
        }
        let direction = if rising { "ASC" } else { "DESC" };
        let limit = self.limit.max(1);
        self.sql.push_str(&format!(
            " ORDER BY {first} {direction}, {second} {direction} LIMIT ?"
        ));
        self.values
            .push(Box::new(i64::try_from(limit + 1).unwrap_or(i64::MAX)));

        let mut items = self.fetch(sql, read)?;
        let more = items.len() > limit;
        items.truncate(limit);
        if towards == Towards::Previous {
            items.reverse();
        }
        // Coming from a neighbour, the way back to it exists; the way on exists when there was one item too many.
        let (next, previous) = match (towards, cursor.is_some()) {
            (Towards::Next, came) => (more, came),
            (Towards::Previous, _) => (true, more),
        };
        let cursor_at = |item: Option<&Item<T>>, towards| {
            let item = item?;
            let cursor = Cursor {
                listing: self.listing.clone(),
                order: self.order,
                towards,
                at: item.at.clone(),
                item: item.item.clone(),
            };
            Some(cursor.encode())
        };
        let next = cursor_at(items.last(), Towards::Next).filter(|_| next);
        let previous = cursor_at(items.first(), Towards::Previous).filter(|_| previous);
        Ok(Page {
            data: items.into_iter().map(|item| item.value).collect(),
            next,
            previous,
        })
    }

    fn fetch<T>(
        &self,
        sql: &Connection,
        read: impl Fn(&Row<'_>) -> Result<Item<T>, StoreError>,
    ) -> Result<Vec<Item<T>>, StoreError> {
        let context = format!("list {}", self.listing);
        let mut statement = sql.prepare_cached(&self.sql).map_err(failed(&context))?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(
                self.values.iter().map(|value| value.as_ref()),
            ))
            .map_err(failed(&context))?;
        let mut items = Vec::new();
        while let Some(row) = rows.next().map_err(failed(&context))? {
            items.push(read(row)?);
        }
        Ok(items)
    }
}

/// Whether a position lies within bounds: a token from outside them belongs to another query.
pub(super) fn within(
    at: &str,
    after: Option<&(Bound, String)>,
    before: Option<&(Bound, String)>,
) -> bool {
    let above = after.is_none_or(|(bound, value)| match bound {
        Bound::Inclusive => at >= value.as_str(),
        Bound::Exclusive => at > value.as_str(),
    });
    let below = before.is_none_or(|(bound, value)| match bound {
        Bound::Inclusive => at <= value.as_str(),
        Bound::Exclusive => at < value.as_str(),
    });
    above && below
}
