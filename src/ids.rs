//! Ids: a prefix that names the kind, and 22 characters that nobody can guess.

use rand::RngExt;

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Makes ids. Passed in wherever ids are made, so that tests can number them.
pub trait Ids: Send + Sync {
    /// A new id, for example `sesn_01…` for the prefix `sesn`.
    fn next(&self, prefix: &str) -> String;
}

/// Ids from the operating system's randomness: 22 base58 characters, 128 bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self, prefix: &str) -> String {
        let mut rng = rand::rng();
        let mut id = String::with_capacity(prefix.len() + 25);
        id.push_str(prefix);
        id.push_str("_01");
        for _ in 0..22 {
            id.push(char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]));
        }
        id
    }
}
