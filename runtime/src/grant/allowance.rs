//! What one tool may reach of its sandbox.
//!
//! A tool *wishes* for an allowance in its description, and an agent's entry *grants* one; both have this shape. What a
//! call reaches is its sandbox's grant, narrowed by the allowance it is called with. The JSON is that of the API:
//!
//! ```json
//! {"hosts": ["api.example.com"], "mounts": [{"path": "/workspace", "access": "read"}], "programs": ["*"],
//!  "secrets": ["API_KEY"], "settings": [], "limits": {"memory_bytes": 67108864, "wall_ms": 30000}}
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Access, HostPattern, Limits, MountNames, Names, Network};

/// Entries of one list, and bytes of one name: no tool needs more, and a description stays readable.
const ENTRIES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 256;

/// What one tool may reach of its sandbox. The default is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Which hosts may be asked over HTTP.
    pub hosts: Network,
    /// Which mounts are seen, and whether they may be changed. Only whole mounts can be named.
    pub mounts: MountNames,
    /// Which programs may be started by name. Programs in files need [`Names::All`].
    pub programs: Names,
    /// Which secrets there are stand-ins for.
    pub secrets: Names,
    /// Which of the operator's settings can be read.
    pub settings: Names,
    /// Narrower limits.
    pub limits: AllowanceLimits,
}

/// Narrower limits; none leaves the sandbox's as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AllowanceLimits {
    /// Linear memory of the tool and all it starts, in bytes.
    pub memory_bytes: Option<u64>,
    /// Time on a processor, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// Time from start to end, in milliseconds.
    pub wall_ms: Option<u64>,
    /// The answer, in bytes.
    pub output_bytes: Option<u64>,
}

/// Why a value is no allowance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct AllowanceError {
    /// The path of the field: `hosts[1]`, `limits.cpu_ms`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Allowance {
    /// All that a sandbox has.
    pub fn everything() -> Allowance {
        Allowance {
            hosts: Network::Unrestricted,
            mounts: MountNames::everything(),
            programs: Names::All,
            secrets: Names::All,
            settings: Names::All,
            limits: AllowanceLimits::default(),
        }
    }

    /// Nothing, within the sandbox's limits.
    pub fn nothing() -> Allowance {
        Allowance::default()
    }

    /// The allowance that allows what both allow.
    #[must_use]
    pub fn narrow(&self, by: &Allowance) -> Allowance {
        Allowance {
            hosts: self.hosts.narrow(&by.hosts),
            mounts: self.mounts.narrow(&by.mounts),
            programs: self.programs.narrow(&by.programs),
            secrets: self.secrets.narrow(&by.secrets),
            settings: self.settings.narrow(&by.settings),
            limits: self.limits.narrow(&by.limits),
        }
    }

    /// From JSON. What is absent is nothing; unknown fields are refused.
    pub fn parse(value: &Value) -> Result<Allowance, AllowanceError> {
        Allowance::parse_over(value, Allowance::nothing())
    }

    /// The `grants` of an agent's entry, to narrow a tool's wishes by: what is absent is granted as wished, except secrets
    /// and settings, which have to be named: both are the operator's.
    pub fn parse_grants(value: &Value) -> Result<Allowance, AllowanceError> {
        Allowance::parse_over(value, Allowance::granted_by_default())
    }

    /// What an agent's entry without `grants` grants: everything that is wished for, but no secrets and no settings.
    pub fn granted_by_default() -> Allowance {
        Allowance {
            secrets: Names::default(),
            settings: Names::default(),
            ..Allowance::everything()
        }
    }

    /// From JSON; what is absent is as in `base`.
    fn parse_over(value: &Value, base: Allowance) -> Result<Allowance, AllowanceError> {
        let fields = value
            .as_object()
            .ok_or_else(|| error("", "must be an object"))?;
        let mut allowance = base;
        for (name, value) in fields {
            match name.as_str() {
                "hosts" => allowance.hosts = hosts(&strings("hosts", value)?)?,
                "mounts" => allowance.mounts = mounts(value)?,
                "programs" => allowance.programs = names("programs", value)?,
                "secrets" => allowance.secrets = names("secrets", value)?,
                "settings" => allowance.settings = names("settings", value)?,
                "limits" => allowance.limits = limits(value)?,
                _ => return Err(error(name, "unknown field")),
            }
        }
        Ok(allowance)
    }

    /// As JSON, every list in order and complete.
    pub fn to_value(&self) -> Value {
        let hosts = match &self.hosts {
            Network::None => Vec::new(),
            Network::Unrestricted => vec!["*".to_owned()],
            Network::Limited { hosts } => hosts.iter().map(HostPattern::to_string).collect(),
        };
        let list = |names: &Names| match names {
            Names::All => json!(["*"]),
            Names::Only(names) => json!(names),
        };
        let all = self.mounts.all.map(|access| ("*", access));
        let places = self
            .mounts
            .at
            .iter()
            .map(|(place, access)| (place.as_str(), *access));
        let mounts: Vec<_> = all
            .into_iter()
            .chain(places)
            .map(|(path, access)| {
                let access = match access {
                    Access::ReadOnly => "read",
                    Access::ReadWrite => "write",
                };
                json!({"path": path, "access": access})
            })
            .collect();
        let limits: Map<String, Value> = self
            .limits
            .fields()
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
            .collect();
        json!({
            "hosts": hosts,
            "mounts": mounts,
            "programs": list(&self.programs),
            "secrets": list(&self.secrets),
            "settings": list(&self.settings),
            "limits": limits,
        })
    }
}

impl AllowanceLimits {
    /// The smaller of each.
    #[must_use]
    pub fn narrow(&self, by: &AllowanceLimits) -> AllowanceLimits {
        let smaller = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        AllowanceLimits {
            memory_bytes: smaller(self.memory_bytes, by.memory_bytes),
            cpu_ms: smaller(self.cpu_ms, by.cpu_ms),
            wall_ms: smaller(self.wall_ms, by.wall_ms),
            output_bytes: smaller(self.output_bytes, by.output_bytes),
        }
    }

    /// `limits`, narrowed.
    #[must_use]
    pub fn apply(&self, limits: &Limits) -> Limits {
        let time = |max: Duration, by: Option<u64>| match by {
            Some(by) => max.min(Duration::from_millis(by)),
            None => max,
        };
        let size = |max: u64, by: Option<u64>| max.min(by.unwrap_or(u64::MAX));
        Limits {
            memory_bytes_max: size(limits.memory_bytes_max, self.memory_bytes),
            cpu_time_max: time(limits.cpu_time_max, self.cpu_ms),
            wall_time_max: time(limits.wall_time_max, self.wall_ms),
            output_bytes_max: size(limits.output_bytes_max, self.output_bytes),
            ..*limits
        }
    }

    fn fields(&self) -> [(&'static str, Option<u64>); 4] {
        [
            ("memory_bytes", self.memory_bytes),
            ("cpu_ms", self.cpu_ms),
            ("wall_ms", self.wall_ms),
            ("output_bytes", self.output_bytes),
        ]
    }
}

impl Serialize for Allowance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Allowance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Allowance::parse(&value).map_err(serde::de::Error::custom)
    }
}

fn error(field: impl Into<String>, reason: impl Into<String>) -> AllowanceError {
    let mut field = field.into();
    if field.is_empty() {
        field.push_str("allowance");
    }
    AllowanceError {
        field,
        reason: reason.into(),
    }
}

fn list<'v>(field: &str, value: &'v Value) -> Result<&'v [Value], AllowanceError> {
    let entries = value
        .as_array()
        .ok_or_else(|| error(field, "must be a list"))?;
    if entries.len() > ENTRIES_MAX {
        return Err(error(field, format!("has more than {ENTRIES_MAX} entries")));
    }
    Ok(entries)
}

fn strings<'v>(field: &str, value: &'v Value) -> Result<Vec<&'v str>, AllowanceError> {
    list(field, value)?
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            entry
                .as_str()
                .ok_or_else(|| error(format!("{field}[{at}]"), "must be a string"))
        })
        .collect()
}

fn hosts(hosts: &[&str]) -> Result<Network, AllowanceError> {
    let mut patterns = Vec::with_capacity(hosts.len());
    for (at, host) in hosts.iter().enumerate() {
        if *host != "*" {
            patterns.push(host.parse().map_err(|reason: super::HostPatternError| {
                error(format!("hosts[{at}]"), reason.to_string())
            })?);
        }
    }
    Ok(if hosts.contains(&"*") {
        Network::Unrestricted
    } else if patterns.is_empty() {
        Network::None
    } else {
        patterns.sort();
        patterns.dedup();
        Network::Limited { hosts: patterns }
    })
}

fn names(field: &str, value: &Value) -> Result<Names, AllowanceError> {
    let mut all = false;
    let mut only = BTreeSet::new();
    for (at, name) in strings(field, value)?.into_iter().enumerate() {
        let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'*' | b'=');
        if name == "*" {
            all = true;
        } else if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
            return Err(error(
                format!("{field}[{at}]"),
                format!("{name:?} is neither a name nor `*`"),
            ));
        } else {
            only.insert(name.to_owned());
        }
    }
    Ok(if all { Names::All } else { Names::Only(only) })
}

fn mounts(value: &Value) -> Result<MountNames, AllowanceError> {
    let mut mounts = MountNames::default();
    for (index, entry) in list("mounts", value)?.iter().enumerate() {
        let at = |field: &str| format!("mounts[{index}]{field}");
        let fields = entry
            .as_object()
            .ok_or_else(|| error(at(""), "must be an object with `path` and `access`"))?;
        if let Some(name) = fields
            .keys()
            .find(|name| !matches!(name.as_str(), "path" | "access"))
        {
            return Err(error(at(&format!(".{name}")), "unknown field"));
        }
        let access = match fields.get("access").and_then(Value::as_str) {
            Some("read") => Access::ReadOnly,
            Some("write") => Access::ReadWrite,
            _ => return Err(error(at(".access"), "must be `read` or `write`")),
        };
        let path = fields.get("path").and_then(Value::as_str);
        match path {
            Some("*") => mounts.all = mounts.all.max(Some(access)),
            Some(path) if is_place(path) => {
                let place = mounts.at.entry(path.to_owned()).or_insert(access);
                *place = access.max(*place);
            }
            _ => {
                return Err(error(
                    at(".path"),
                    "must be the absolute path of a mount, for example `/workspace`, or `*`",
                ));
            }
        }
    }
    Ok(mounts)
}

/// `/a/b`: as mounts are named, and in no other spelling.
fn is_place(path: &str) -> bool {
    path.len() <= NAME_BYTES_MAX
        && !path.bytes().any(|byte| byte.is_ascii_control())
        && path.strip_prefix('/').is_some_and(|names| {
            names
                .split('/')
                .all(|name| !matches!(name, "" | "." | ".."))
        })
}

fn limits(value: &Value) -> Result<AllowanceLimits, AllowanceError> {
    let fields = value
        .as_object()
        .ok_or_else(|| error("limits", "must be an object"))?;
    let mut limits = AllowanceLimits::default();
    for (name, value) in fields {
        let field = match name.as_str() {
            "memory_bytes" => &mut limits.memory_bytes,
            "cpu_ms" => &mut limits.cpu_ms,
            "wall_ms" => &mut limits.wall_ms,
            "output_bytes" => &mut limits.output_bytes,
            _ => return Err(error(format!("limits.{name}"), "unknown field")),
        };
        *field = match value {
            Value::Null => None,
            value => Some(value.as_u64().filter(|value| *value > 0).ok_or_else(|| {
                error(format!("limits.{name}"), "must be a whole number above 0")
            })?),
        };
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole() -> Value {
        json!({
            "hosts": ["*.example.com", "api.example.org"],
            "mounts": [{"path": "*", "access": "read"}, {"path": "/workspace", "access": "write"}],
            "programs": ["*"],
            "secrets": ["API_KEY"],
            "settings": ["web_fetch"],
            "limits": {"memory_bytes": 1, "cpu_ms": 2, "wall_ms": 3, "output_bytes": 4},
        })
    }

    #[test]
    fn json_goes_in_and_out() {
        let mut expected = whole();
        let allowance = Allowance::parse(&expected).unwrap();
        // Hosts come out in an order of their own.
        expected["hosts"] = json!(["api.example.org", "*.example.com"]);
        assert_eq!(allowance.to_value(), expected);
        assert_eq!(
            Allowance::parse(&Allowance::everything().to_value()),
            Ok(Allowance::everything())
        );
        assert_eq!(Allowance::parse(&json!({})).unwrap(), Allowance::nothing());
        let text = serde_json::to_string(&allowance).unwrap();
        assert_eq!(serde_json::from_str::<Allowance>(&text).unwrap(), allowance);
    }

    #[test]
    fn errors_name_the_field() {
        for (value, field) in [
            (json!([]), "allowance"),
            (json!({"host": []}), "host"),
            (json!({"hosts": "*"}), "hosts"),
            (json!({"hosts": ["a.org", 3]}), "hosts[1]"),
            (json!({"hosts": ["https://a.org"]}), "hosts[0]"),
            (json!({"mounts": ["/workspace"]}), "mounts[0]"),
            (
                json!({"mounts": [{"path": "/workspace"}]}),
                "mounts[0].access",
            ),
            (
                json!({"mounts": [{"path": "/a/../b", "access": "read"}]}),
                "mounts[0].path",
            ),
            (
                json!({"mounts": [{"path": "a", "access": "read"}]}),
                "mounts[0].path",
            ),
            (
                json!({"mounts": [{"path": "/", "access": "read"}]}),
                "mounts[0].path",
            ),
            (
                json!({"mounts": [{"path": "/a", "access": "read", "x": 1}]}),
                "mounts[0].x",
            ),
            (json!({"programs": [""]}), "programs[0]"),
            (json!({"secrets": ["a b"]}), "secrets[0]"),
            (json!({"settings": vec!["a"; 257]}), "settings"),
            (json!({"limits": {"cpu_ms": -1}}), "limits.cpu_ms"),
            (json!({"limits": {"cpu_ms": 0}}), "limits.cpu_ms"),
            (json!({"limits": {"disk": 1}}), "limits.disk"),
        ] {
            let error = Allowance::parse(&value).unwrap_err();
            assert_eq!(error.field, field, "{value}: {error}");
        }
    }

    #[test]
    fn an_entry_that_says_nothing_grants_what_is_wished_but_nothing_of_the_operators() {
        let wishes = Allowance::parse(&whole()).unwrap();
        let grants = Allowance::parse_grants(&json!({})).unwrap();
        assert_eq!(grants, Allowance::granted_by_default());
        let both = wishes.narrow(&grants);
        assert!(both.secrets.is_empty() && both.settings.is_empty());
        assert!(!wishes.secrets.is_empty() && !wishes.settings.is_empty());
        assert_eq!(
            (both.hosts, both.limits),
            (wishes.hosts.clone(), wishes.limits)
        );
        let grants =
            Allowance::parse_grants(&json!({"secrets": ["API_KEY", "OTHER"], "hosts": []}));
        let both = wishes.narrow(&grants.unwrap());
        assert_eq!((both.secrets, both.hosts), (wishes.secrets, Network::None));
    }

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(
            prop::sample::select(vec!["*", "A", "B", "C"]).prop_map(str::to_owned),
            0..3,
        )
    }

    fn allowance() -> impl Strategy<Value = Allowance> {
        let host = prop::sample::select(vec!["*", "a.org", "*.a.org", "b.a.org", "c.com"]);
        let mount = (
            prop::sample::select(vec!["*", "/workspace", "/tmp"]),
            prop::sample::select(vec!["read", "write"]),
        )
            .prop_map(|(path, access)| json!({"path": path, "access": access}));
        (
            prop::collection::vec(host, 0..3),
            prop::collection::vec(mount, 0..3),
            [names(), names(), names()],
            prop::array::uniform4(prop::option::of(1..5_u64)),
        )
            .prop_map(|(hosts, mounts, [programs, secrets, settings], limits)| {
                let value = json!({
                    "hosts": hosts, "mounts": mounts, "programs": programs, "secrets": secrets, "settings": settings,
                    "limits": {"memory_bytes": limits[0], "cpu_ms": limits[1], "wall_ms": limits[2], "output_bytes": limits[3]},
                });
                Allowance::parse(&value).unwrap()
            })
    }

    proptest! {
        #[test]
        fn narrowing_never_widens_and_takes_nothing_that_both_allow(a in allowance(), b in allowance()) {
            let both = a.narrow(&b);
            for host in ["a.org", "b.a.org", "c.com", "d.net"] {
                let allowed = a.hosts.check(host).is_ok() && b.hosts.check(host).is_ok();
                prop_assert_eq!(both.hosts.check(host).is_ok(), allowed, "{}", host);
            }
            for place in ["/workspace", "/tmp", "/usr"] {
                let allowed = a.mounts.access(place).min(b.mounts.access(place));
                prop_assert_eq!(both.mounts.access(place), allowed, "{}", place);
            }
            for name in ["A", "B", "C", "D"] {
                for (both, a, b) in [
                    (&both.programs, &a.programs, &b.programs),
                    (&both.secrets, &a.secrets, &b.secrets),
                    (&both.settings, &a.settings, &b.settings),
                ] {
                    prop_assert_eq!(both.contains(name), a.contains(name) && b.contains(name), "{}", name);
                }
            }
            let limits = Limits::default();
            prop_assert_eq!(
                both.limits.apply(&limits),
                a.limits.apply(&limits).narrow(&b.limits.apply(&limits))
            );
            prop_assert_eq!(&both, &b.narrow(&a));
            prop_assert_eq!(Allowance::parse(&both.to_value()).unwrap().mounts, both.mounts);
        }
    }
}
