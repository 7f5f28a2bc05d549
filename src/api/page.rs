//! Pages of a listing, in the two forms the SDKs read.

use serde_json::{Value, json};

use crate::store::Page;

/// `{"data", "next_page"}`.
pub(super) fn forward(page: Page<Value>) -> Value {
    // Clients stop at an empty page, so a token with one would only mislead.
    let next = if page.data.is_empty() {
        None
    } else {
        page.next
    };
    json!({"data": page.data, "next_page": next})
}

/// The same with `prev_page`.
pub(super) fn both_ways(page: Page<Value>) -> Value {
    let previous = page.previous.clone();
    let mut body = forward(page);
    body["prev_page"] = json!(previous);
    body
}
