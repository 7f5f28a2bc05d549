//! The settings that only `web_fetch` and `web_search` have: domains, where URLs may come from, where the user is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::domain::{PathSuffix, check_public_domain};
use super::input::{Fields, Invalid, check_count, check_unique};

const DOMAINS_MAX: usize = 64;
const TOOL_REFERENCES_MAX: usize = 128;

/// Which domains a web tool may use: at most one of the two lists is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Domains {
    pub allowed_domains: Option<Vec<String>>,
    pub blocked_domains: Option<Vec<String>>,
}

impl Domains {
    /// Both lists of a web tool's configuration.
    pub fn parse(fields: &Fields<'_>, suffix: PathSuffix) -> Result<Self, Invalid> {
        let domains = Self {
            allowed_domains: list(fields, "allowed_domains", suffix)?,
            blocked_domains: list(fields, "blocked_domains", suffix)?,
        };
        if domains.allowed_domains.is_some() && domains.blocked_domains.is_some() {
            return Err(fields.refuse("blocked_domains", "cannot be combined with allowed_domains"));
        }
        Ok(domains)
    }
}

fn list(
    fields: &Fields<'_>,
    name: &str,
    suffix: PathSuffix,
) -> Result<Option<Vec<String>>, Invalid> {
    let Some(items) = fields.texts(name)? else {
        return Ok(None);
    };
    if items.is_empty() {
        return Err(fields.refuse(name, "must not be empty, leave it out instead"));
    }
    check_count(&fields.at(name), items.len(), DOMAINS_MAX)?;
    for (path, text) in &items {
        check_public_domain(path, text, suffix)?;
    }
    check_unique(items.iter().map(|(path, text)| (path.clone(), *text)))?;
    Ok(Some(
        items.into_iter().map(|(_, text)| text.to_owned()).collect(),
    ))
}

/// Whose URLs `web_fetch` may fetch. A key that is none allows every URL of that source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlSources {
    pub client_tool_results: Option<UrlSource>,
    pub server_tool_results: Option<UrlSource>,
    pub user_input: Option<UrlSource>,
}

/// One source of URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum UrlSource {
    All,
    None,
    Only { tools: Vec<ToolReference> },
    Except { tools: Vec<ToolReference> },
}

/// Names one tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "tool_reference")]
pub struct ToolReference {
    pub name: String,
}

impl UrlSources {
    /// `url_sources`, always in the object form.
    pub fn parse(fields: &Fields<'_>) -> Result<Option<Self>, Invalid> {
        let Some(given) = fields.object("url_sources")? else {
            return Ok(None);
        };
        let sources = Self {
            client_tool_results: UrlSource::parse(
                &given,
                "client_tool_results",
                &["all", "none", "only", "except"],
            )?,
            server_tool_results: UrlSource::parse(
                &given,
                "server_tool_results",
                &["all", "none", "only", "except"],
            )?,
            user_input: UrlSource::parse(&given, "user_input", &["all", "none"])?,
        };
        for (index, name) in sources
            .server_tool_results
            .iter()
            .flat_map(UrlSource::named)
            .enumerate()
        {
            if !["web_search", "web_fetch"].contains(&name) {
                let path = format!("{}.tools.{index}.name", given.at("server_tool_results"));
                return Err(Invalid::new(path, "must be 'web_search' or 'web_fetch'"));
            }
        }
        let closed = |source: &Option<UrlSource>| *source == Some(UrlSource::None);
        if closed(&sources.client_tool_results)
            && closed(&sources.server_tool_results)
            && closed(&sources.user_input)
        {
            return Err(fields.refuse("url_sources", "at least one source must not be 'none'"));
        }
        Ok(Some(sources))
    }
}

impl UrlSource {
    fn parse(
        fields: &Fields<'_>,
        name: &str,
        known: &[&'static str],
    ) -> Result<Option<Self>, Invalid> {
        let Some(value) = fields.given(name) else {
            return Ok(None);
        };
        match value {
            Value::String(short) if short == "all" => return Ok(Some(Self::All)),
            Value::String(short) if short == "none" => return Ok(Some(Self::None)),
            Value::String(_) => {
                return Err(fields.refuse(name, "must be 'all', 'none' or an object"));
            }
            _ => {}
        }
        let source = Fields::of(value, fields.at(name))?;
        Ok(Some(match source.discriminator(known)? {
            "all" => Self::All,
            "none" => Self::None,
            "only" => Self::Only {
                tools: references(&source)?,
            },
            _ => Self::Except {
                tools: references(&source)?,
            },
        }))
    }

    /// The tools an `only` or `except` list names.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let tools: &[ToolReference] = match self {
            Self::All | Self::None => &[],
            Self::Only { tools } | Self::Except { tools } => tools,
        };
        tools.iter().map(|tool| tool.name.as_str())
    }
}

fn references(fields: &Fields<'_>) -> Result<Vec<ToolReference>, Invalid> {
    fields.required("tools")?;
    let items = fields.list("tools")?.unwrap_or_default();
    if items.is_empty() {
        return Err(fields.refuse("tools", "must not be empty, use 'all' or 'none' instead"));
    }
    check_count(&fields.at("tools"), items.len(), TOOL_REFERENCES_MAX)?;
    let mut tools = Vec::with_capacity(items.len());
    let mut names = Vec::with_capacity(items.len());
    for (path, item) in &items {
        let reference = Fields::of(item, path.clone())?;
        reference.discriminator(&["tool_reference"])?;
        let name = reference.required_text_within("name", 1..=128)?;
        names.push((reference.at("name"), name));
        tools.push(ToolReference {
            name: name.to_owned(),
        });
    }
    check_unique(names)?;
    Ok(tools)
}

/// Roughly where the user is, for search results that fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "approximate")]
pub struct UserLocation {
    pub city: Option<String>,
    pub country: Option<String>,
    pub region: Option<String>,
    pub timezone: Option<String>,
}

impl UserLocation {
    /// `user_location` of a `web_search` configuration.
    pub fn parse(fields: &Fields<'_>) -> Result<Option<Self>, Invalid> {
        let Some(given) = fields.object("user_location")? else {
            return Ok(None);
        };
        given.discriminator(&["approximate"])?;
        let text = |name: &str| {
            given
                .text_at_most(name, 255)
                .map(|text| text.map(str::to_owned))
        };
        let country = text("country")?;
        if country
            .as_ref()
            .is_some_and(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()))
        {
            return Err(given.refuse(
                "country",
                "must be a two-letter ISO 3166-1 country code in upper case",
            ));
        }
        let timezone = text("timezone")?;
        if timezone
            .as_ref()
            .is_some_and(|name| jiff::tz::db().get(name).is_err())
        {
            return Err(given.refuse(
                "timezone",
                "must be an IANA time zone such as 'Europe/Berlin'",
            ));
        }
        Ok(Some(Self {
            city: text("city")?,
            country,
            region: text("region")?,
            timezone,
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn url_sources_come_out_in_the_object_form() {
        let body = json!({"url_sources": {"user_input": "none",
            "client_tool_results": {"type": "only", "tools": [{"type": "tool_reference", "name": "lookup"}]}}});
        let sources = UrlSources::parse(&Fields::of_body(&body).unwrap()).unwrap();
        assert_eq!(
            serde_json::to_value(sources).unwrap(),
            json!({"client_tool_results": {"type": "only", "tools": [{"type": "tool_reference", "name": "lookup"}]},
                   "server_tool_results": null, "user_input": {"type": "none"}})
        );
    }

    #[test]
    fn refusals_name_the_field() {
        let none = json!("none");
        let table = [
            (
                json!({"client_tool_results": none, "server_tool_results": none, "user_input": none}),
                "url_sources",
            ),
            (
                json!({"user_input": {"type": "only", "tools": []}}),
                "url_sources.user_input.type",
            ),
            (json!({"user_input": "some"}), "url_sources.user_input"),
            (
                json!({"client_tool_results": {"type": "only", "tools": []}}),
                "url_sources.client_tool_results.tools",
            ),
            (
                json!({"client_tool_results": {"type": "except"}}),
                "url_sources.client_tool_results.tools",
            ),
            (
                json!({"server_tool_results": {"type": "only", "tools": [{"type": "tool_reference", "name": "bash"}]}}),
                "url_sources.server_tool_results.tools.0.name",
            ),
        ];
        for (value, field) in table {
            let body = json!({ "url_sources": value });
            let refusal = UrlSources::parse(&Fields::of_body(&body).unwrap()).unwrap_err();
            assert_eq!(refusal.field, field, "{body}");
        }
    }

    #[test]
    fn domains_and_locations() {
        let domains = |body: Value| {
            Domains::parse(&Fields::of_body(&body).unwrap(), PathSuffix::Refused)
                .map_err(|r| r.field)
        };
        assert!(
            domains(json!({"allowed_domains": ["example.com"], "blocked_domains": null})).is_ok()
        );
        assert_eq!(
            domains(json!({"allowed_domains": []})),
            Err("allowed_domains".into())
        );
        assert_eq!(
            domains(json!({"allowed_domains": ["a.com"], "blocked_domains": ["b.com"]})),
            Err("blocked_domains".into())
        );
        assert_eq!(
            domains(json!({"blocked_domains": ["a.com", "a.com"]})),
            Err("blocked_domains.1".into())
        );
        assert_eq!(
            domains(json!({"blocked_domains": ["a.com", 1]})),
            Err("blocked_domains.1".into())
        );

        let location = |value: Value| {
            let body = json!({ "user_location": value });
            UserLocation::parse(&Fields::of_body(&body).unwrap()).map_err(|r| r.field)
        };
        assert!(
            location(json!({"type": "approximate", "country": "DE", "timezone": "Europe/Berlin"}))
                .is_ok()
        );
        assert_eq!(
            location(json!({"type": "exact"})),
            Err("user_location.type".into())
        );
        assert_eq!(
            location(json!({"type": "approximate", "country": "de"})),
            Err("user_location.country".into())
        );
        assert_eq!(
            location(json!({"type": "approximate", "timezone": "Berlin"})),
            Err("user_location.timezone".into())
        );
    }
}
