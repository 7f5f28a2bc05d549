//! Page tokens: a position in a listing, and which listing it is.
//!
//! Clients must not read them; they are only made hard to misuse: a token of another listing, another order or a
//! position outside the bounds asked for is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::ListError;

/// A place between two items: right after `item` in the listing's order, or right before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// What is listed.
    pub(super) listing: String,
    /// `a` ascending, `d` descending.
    pub(super) order: Order,
    /// Where to read from here.
    pub(super) towards: Towards,
    /// The item's sort key.
    pub(super) at: String,
    /// The item, among those with the same sort key.
    pub(super) item: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    #[serde(rename = "a")]
    Ascending,
    #[serde(rename = "d")]
    Descending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Towards {
    #[serde(rename = "n")]
    Next,
    #[serde(rename = "p")]
    Previous,
}

impl Cursor {
    pub(super) fn encode(&self) -> String {
        let fields = (
            &self.listing,
            self.order,
            self.towards,
            &self.at,
            &self.item,
        );
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&fields).expect("five plain values are JSON"))
    }

    /// Reads a token that must be of this listing in this order.
    pub(super) fn decode(token: &str, listing: &str, order: Order) -> Result<Cursor, ListError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| ListError::BadPage)?;
        let (of, ordered, towards, at, item): (String, Order, Towards, String, String) =
            serde_json::from_slice(&bytes).map_err(|_| ListError::BadPage)?;
        if of != listing || ordered != order {
            return Err(ListError::BadPage);
        }
        Ok(Cursor {
            listing: of,
            order,
            towards,
            at,
            item,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor {
            listing: "agent".into(),
            order: Order::Descending,
            towards: Towards::Next,
            at: "2026-01-01T00:00:00Z".into(),
            item: "agent_1".into(),
        }
    }

    #[test]
    fn a_token_reads_back() {
        assert_eq!(
            Cursor::decode(&cursor().encode(), "agent", Order::Descending).unwrap(),
            cursor()
        );
    }

    #[test]
    fn what_is_not_this_listings_token_is_refused() {
        let token = cursor().encode();
        for (token, listing, order) in [
            (token.as_str(), "session", Order::Descending),
            (token.as_str(), "agent", Order::Ascending),
            ("", "agent", Order::Descending),
            ("nonsense!", "agent", Order::Descending),
            ("bnVsbA", "agent", Order::Descending),
        ] {
            assert!(
                matches!(
                    Cursor::decode(token, listing, order),
                    Err(ListError::BadPage)
                ),
                "{token} {listing}"
            );
        }
    }
}
