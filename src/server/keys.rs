//! API keys: how they are made and stored. The secret is shown once and kept only as its SHA-256.

use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::ids::Ids;
use crate::mcp::KeyGrants;
use crate::store::{KeyRow, Keys, StoreError};

/// The workspace that keys belong to unless another is named.
pub const DEFAULT_WORKSPACE: &str = "default";

const PREFIX: &str = "glovebox-";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new secret: 43 characters from the operating system's randomness, 256 bits.
pub fn new_secret() -> String {
    let mut rng = rand::rng();
    let random = (0..43).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]));
    PREFIX.chars().chain(random).collect()
}

/// A key to store.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// Whose objects it gives access to.
    pub workspace: &'a str,
    /// What it is for.
    pub name: &'a str,
    /// What its owner sends; only its SHA-256 is kept.
    pub secret: &'a str,
    /// What tools called over MCP may reach; none for [`crate::mcp::KeyGrants::default`].
    pub grants: Option<&'a KeyGrants>,
}

/// Stores a key; durable when it returns. Gives what was stored, without the secret.
pub async fn add(
    keys: &dyn Keys,
    clock: &dyn Clock,
    ids: &dyn Ids,
    key: NewKey<'_>,
) -> Result<KeyRow, StoreError> {
    let row = KeyRow {
        id: ids.next("apikey"),
        workspace: key.workspace.into(),
        name: key.name.into(),
        hint: hint(key.secret),
        created_at: clock.now().to_string(),
        revoked_at: None,
        grants: key.grants.map(KeyGrants::to_value),
    };
    keys.add(row.clone(), digest(key.secret)).await?;
    Ok(row)
}

/// Sees to it that somebody can ask: the given secret works, or, with none given and none stored, a new one is made.
/// Gives the secret that was made, to be shown once.
pub async fn at_start(
    keys: &dyn Keys,
    clock: &dyn Clock,
    ids: &dyn Ids,
    given: Option<&str>,
) -> Result<Option<String>, StoreError> {
    match given {
        Some(secret) => {
            if keys.find_by_secret(digest(secret)).await?.is_none() {
                let key = NewKey {
                    workspace: DEFAULT_WORKSPACE,
                    name: "GLOVEBOX_API_KEY",
                    secret,
                    grants: None,
                };
                add(keys, clock, ids, key).await?;
            }
            Ok(None)
        }
        None if keys.all().await?.is_empty() => {
            let secret = new_secret();
            let key = NewKey {
                workspace: DEFAULT_WORKSPACE,
                name: "first start",
                secret: &secret,
                grants: None,
            };
            add(keys, clock, ids, key).await?;
            Ok(Some(secret))
        }
        None => Ok(None),
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Enough to recognise it by, never more than a quarter of it.
fn hint(secret: &str) -> String {
    let count = secret.chars().count();
    let shown: String = secret.chars().take((count / 4).min(13)).collect();
    format!("{shown}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_does_not_give_a_short_secret_away() {
        assert_eq!(hint("abcdefgh"), "ab...");
        assert_eq!(hint("abc"), "...");
        assert_eq!(
            hint("glovebox-0123456789012345678901234567890123456789012"),
            "glovebox-0123..."
        );
    }
}
