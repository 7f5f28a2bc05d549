//! Stand-ins for secrets: what a guest has instead, and the one place where a secret takes its stand-in's place.

use http::{HeaderMap, HeaderValue};
use rand::distr::{Alphanumeric, SampleString};
use url::Url;

use super::policy::Refusal;
use crate::grant::Secret;

/// What a stand-in begins with, so that a person who meets one knows what it is.
const PREFIX: &str = "glovebox-secret-";

/// Random characters of a stand-in: about 190 bits.
const RANDOM: usize = 32;

/// The secrets of one call and their stand-ins.
#[derive(Default)]
pub(crate) struct StandIns(Vec<StandIn>);

struct StandIn {
    name: String,
    text: String,
    secret: Secret,
}

impl StandIns {
    /// New ones, that nobody has seen.
    pub(crate) fn new<'s>(secrets: impl Iterator<Item = (&'s String, &'s Secret)>) -> StandIns {
        let stand_in = |(name, secret): (&String, &Secret)| StandIn {
            name: name.clone(),
            text: PREFIX.to_owned() + &Alphanumeric.sample_string(&mut rand::rng(), RANDOM),
            secret: secret.clone(),
        };
        StandIns(secrets.map(stand_in).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|stand_in| stand_in.name == name)?;
        Some(&found.text)
    }

    /// Names and stand-ins.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|stand_in| (stand_in.name.as_str(), stand_in.text.as_str()))
    }

    /// Puts secrets in the place of their stand-ins in the values of `headers`. Refuses the request when one of them is not
    /// meant for its host, or stands where it would not be replaced. Gives the name of
    /// one that was put in.
    ///
    /// Whether the way there is safe is the caller's to check.
    pub(super) fn reveal(
        &self,
        url: &Url,
        headers: &mut HeaderMap,
    ) -> Result<Option<String>, Refusal> {
        let mut revealed = None;
        let host = url.host_str().unwrap_or_default();
        for stand_in in &self.0 {
            let refuse = |reason: &str| Refusal::Secret {
                name: stand_in.name.clone(),
                host: host.to_owned(),
                reason: reason.to_owned(),
            };
            if url.as_str().contains(&stand_in.text) {
                return Err(refuse("it can only be sent in the value of a header"));
            }
            for value in headers.values_mut() {
                let Some(filled) = fill(value.as_bytes(), &stand_in.text, stand_in.secret.reveal())
                else {
                    continue;
                };
                if !stand_in.secret.is_for(host) {
                    return Err(refuse("it is not meant for this host"));
                }
                *value = HeaderValue::from_bytes(&filled)
                    .map_err(|_| refuse("it cannot be part of a header"))?;
                value.set_sensitive(true);
                revealed.get_or_insert_with(|| stand_in.name.clone());
            }
        }
        Ok(revealed)
    }
}

/// `value` with every `stand_in` replaced; none if there is none.
fn fill(value: &[u8], stand_in: &str, secret: &str) -> Option<Vec<u8>> {
    let stand_in = stand_in.as_bytes();
    let mut filled = Vec::new();
    let mut rest = value;
    let mut found = false;
    while let Some(at) = rest
        .windows(stand_in.len())
        .position(|window| window == stand_in)
    {
        found = true;
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(secret.as_bytes());
        rest = &rest[at + stand_in.len()..];
    }
    filled.extend_from_slice(rest);
    found.then_some(filled)
}

impl std::fmt::Debug for StandIns {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|stand_in| &stand_in.name);
        formatter.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn stand_ins() -> StandIns {
        let hosts = vec!["api.a.org".parse().unwrap()];
        let secrets = BTreeMap::from([("KEY".to_owned(), Secret::new("hush", hosts))]);
        StandIns::new(secrets.iter())
    }

    fn reveal(stand_ins: &StandIns, url: &str, value: &str) -> Result<String, String> {
        let mut headers = HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            HeaderValue::from_str(value).unwrap(),
        )]);
        stand_ins
            .reveal(&Url::parse(url).unwrap(), &mut headers)
            .map_err(|refusal| refusal.to_string())?;
        Ok(headers["authorization"].to_str().unwrap().to_owned())
    }

    #[test]
    fn a_stand_in_is_replaced_for_its_host_alone() {
        let stand_ins = stand_ins();
        let own = stand_ins.get("KEY").unwrap();
        let bearer = format!("Bearer {own} and {own}");
        assert_eq!(
            reveal(&stand_ins, "https://api.a.org/x", &bearer).unwrap(),
            "Bearer hush and hush"
        );
        for url in [
            "https://a.org/",
            "https://api.a.org.evil.net/",
            "https://api.a.org@evil.net/",
        ] {
            let refused = reveal(&stand_ins, url, &bearer).unwrap_err();
            assert!(
                refused.contains("KEY") && !refused.contains("hush"),
                "{refused}"
            );
        }
        let refused = reveal(&stand_ins, &format!("https://api.a.org/{own}"), "x").unwrap_err();
        assert!(refused.contains("header"), "{refused}");
    }

    #[test]
    fn the_stand_in_of_another_call_is_worthless() {
        let (one, other) = (stand_ins(), stand_ins());
        let (own, foreign) = (one.get("KEY").unwrap(), other.get("KEY").unwrap());
        assert_ne!(own, foreign);
        assert_eq!(
            reveal(&one, "https://api.a.org/", foreign).unwrap(),
            foreign
        );
        assert_eq!(one.get("OTHER"), None);
    }

    #[test]
    fn neither_secret_nor_stand_in_shows() {
        let stand_ins = stand_ins();
        let shown = format!("{stand_ins:?}");
        assert!(shown.contains("KEY"));
        assert!(
            !shown.contains("hush") && !shown.contains(PREFIX),
            "{shown}"
        );
    }
}
