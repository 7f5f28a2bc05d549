//! Query strings: arrays as `types[]=a&types[]=b` or bare repeats, times as `created_at[gte]=…`, everything percent-encoded
//! or not. Parameters we do not know are ignored (`?beta=true` of older SDKs among them).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;

use super::error::ApiError;
use crate::resources::input::quoted;
use crate::store::Bound;

/// The parameters of a request, decoded, in order.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// A time and whether it is itself included.
pub(super) type TimeBound = Option<(Bound, String)>;

impl Query {
    fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// A parameter; of repeats the last. An empty one counts as not given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All values of an array parameter: `name[]`, `name` or `name[0]`.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let is_item = |key: &str| match key.strip_prefix(name) {
            Some("" | "[]") => true,
            Some(rest) => rest
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|index| {
                    !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())
                }),
            None => false,
        };
        self.0
            .iter()
            .filter(|(key, value)| is_item(key) && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// An array parameter of which every value must be one of `known`.
    pub(super) fn choices(&self, name: &str, known: &[&str]) -> Result<Vec<String>, ApiError> {
        let values = self.texts(name);
        match values.iter().find(|value| !known.contains(&value.as_str())) {
            Some(unknown) => Err(ApiError::invalid(
                name,
                format!("'{unknown}' is not one of {}", quoted(known)),
            )),
            None => Ok(values),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::invalid(name, "must be 'true' or 'false'")),
        }
    }

    /// A whole number of at least 1.
    pub(super) fn positive(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(0) | Err(_) => Err(ApiError::invalid(
                name,
                "must be a whole number of at least 1",
            )),
            Ok(number) => Ok(Some(number)),
        }
    }

    /// The number of items of a page.
    pub(super) fn limit(&self, default: usize, max: usize) -> Result<usize, ApiError> {
        let Some(given) = self.positive("limit")? else {
            return Ok(default);
        };
        usize::try_from(given)
            .ok()
            .filter(|limit| *limit <= max)
            .ok_or_else(|| ApiError::invalid("limit", format!("must be 1 to {max}")))
    }

    /// `order`: true for descending.
    pub(super) fn descending(&self, default: bool) -> Result<bool, ApiError> {
        match self.text("order") {
            None => Ok(default),
            Some("asc") => Ok(false),
            Some("desc") => Ok(true),
            Some(_) => Err(ApiError::invalid("order", "must be 'asc' or 'desc'")),
        }
    }

    /// The lower bound in `name[gt]` or `name[gte]`; of both, the higher one.
    pub(super) fn after(&self, name: &str) -> Result<TimeBound, ApiError> {
        let (exclusive, inclusive) = (
            self.time(&format!("{name}[gt]"))?,
            self.time(&format!("{name}[gte]"))?,
        );
        Ok(match (exclusive, inclusive) {
            (Some(exclusive), Some(inclusive)) if inclusive > exclusive => {
                Some((Bound::Inclusive, inclusive))
            }
            (Some(exclusive), _) => Some((Bound::Exclusive, exclusive)),
            (None, inclusive) => inclusive.map(|time| (Bound::Inclusive, time)),
        })
    }

    /// The upper bound in `name[lt]` or `name[lte]`; of both, the lower one.
    pub(super) fn before(&self, name: &str) -> Result<TimeBound, ApiError> {
        let (exclusive, inclusive) = (
            self.time(&format!("{name}[lt]"))?,
            self.time(&format!("{name}[lte]"))?,
        );
        Ok(match (exclusive, inclusive) {
            (Some(exclusive), Some(inclusive)) if inclusive < exclusive => {
                Some((Bound::Inclusive, inclusive))
            }
            (Some(exclusive), _) => Some((Bound::Exclusive, exclusive)),
            (None, inclusive) => inclusive.map(|time| (Bound::Inclusive, time)),
        })
    }

    fn time(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        // A `+` that a client forgot to encode arrives as a space.
        text.replace(' ', "+")
            .parse()
            .map(|time| Some(timestamp(time)))
            .map_err(|_| {
                ApiError::invalid(
                    name,
                    "must be an RFC 3339 time such as '2026-01-31T12:00:00Z'",
                )
            })
    }
}

/// A time as everything we store and show has it: UTC, microseconds, fixed width.
pub(super) fn timestamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_in_every_form() {
        for text in [
            "types%5B%5D=a&types%5B%5D=b",
            "types[]=a&types[]=b",
            "types=a&types=b",
            "types[0]=a&types[1]=b&types[]=",
        ] {
            assert_eq!(Query::parse(text).texts("types"), ["a", "b"], "{text}");
        }
        assert!(
            Query::parse("types[x]=a&typesx=b")
                .texts("types")
                .is_empty()
        );
        assert!(Query::parse("t=a&t=c").choices("t", &["a", "b"]).is_err());
    }

    #[test]
    fn times_become_comparable() {
        let after = |text: &str| Query::parse(text).after("created_at").map_err(|_| ());
        let at = |bound, time: &str| Ok(Some((bound, time.to_owned())));
        assert_eq!(after(""), Ok(None));
        assert_eq!(
            after("created_at%5Bgte%5D=2026-01-02T03%3A04%3A05Z"),
            at(Bound::Inclusive, "2026-01-02T03:04:05.000000Z")
        );
        assert_eq!(
            after("created_at[gt]=2026-01-02T03:04:05.25+01:00"),
            at(Bound::Exclusive, "2026-01-02T02:04:05.250000Z")
        );
        assert_eq!(
            after("created_at[gt]=2026-01-02T00:00:00Z&created_at[gte]=2026-01-03T00:00:00Z"),
            at(Bound::Inclusive, "2026-01-03T00:00:00.000000Z")
        );
        assert_eq!(after("created_at[gte]=yesterday"), Err(()));
    }

    #[test]
    fn numbers_and_switches() {
        assert_eq!(Query::parse("").limit(20, 100).unwrap(), 20);
        assert_eq!(Query::parse("limit=100").limit(20, 100).unwrap(), 100);
        for bad in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=x",
            "limit=99999999999999999999",
        ] {
            assert!(Query::parse(bad).limit(20, 100).is_err(), "{bad}");
        }
        assert!(
            Query::parse("include_archived=true&beta=true")
                .boolean("include_archived")
                .unwrap()
        );
        assert!(
            Query::parse("include_archived=1")
                .boolean("include_archived")
                .is_err()
        );
        assert!(
            Query::parse("order=asc")
                .descending(true)
                .is_ok_and(|descending| !descending)
        );
        assert!(Query::parse("order=up").descending(true).is_err());
    }
}
