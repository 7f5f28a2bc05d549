//! Environments: where a session's tools run, what network they reach, which packages are there.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::domain::check_host_pattern;
use super::input::{Fields, Invalid, check_count};
use super::metadata::{self, EmptyValue, Metadata};

const NAME_CHARACTERS_MAX: usize = 256;
const HOSTS_MAX: usize = 1000;
const PACKAGES_MAX: usize = 1000;
const MANAGERS: [&str; 6] = ["apt", "cargo", "gem", "go", "npm", "pip"];

/// An environment as clients see it and as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "environment")]
pub struct Environment {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub config: EnvironmentConfig,
    pub metadata: Metadata,
    pub scope: Scope,
    pub created_at: String,
    pub updated_at: String,
    pub archived_at: Option<String>,
}

/// Who sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Organization,
}

/// Who runs the built-in tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EnvironmentConfig {
    /// This server, in a sandbox.
    Cloud {
        networking: Networking,
        packages: Packages,
    },
    /// A worker of the client's.
    SelfHosted {},
}

/// What a session's tools reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Networking {
    Unrestricted {},
    Limited {
        allow_mcp_servers: bool,
        allow_package_managers: bool,
        allowed_hosts: Vec<String>,
    },
}

/// Packages by manager.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename = "packages")]
pub struct Packages {
    pub apt: Vec<String>,
    pub cargo: Vec<String>,
    pub gem: Vec<String>,
    pub go: Vec<String>,
    pub npm: Vec<String>,
    pub pip: Vec<String>,
}

impl Environment {
    /// A new environment from a create call.
    pub fn create(body: &Value, id: String, now: &str) -> Result<Self, Invalid> {
        let fields = Fields::of_body(body)?;
        let name = fields
            .required_text_within("name", 1..=NAME_CHARACTERS_MAX)?
            .to_owned();
        let defaults = EnvironmentConfig::Cloud {
            networking: Networking::Unrestricted {},
            packages: Packages::default(),
        };
        let config = match fields.object("config")? {
            None => defaults,
            Some(config) => match config.discriminator(&["cloud", "self_hosted"])? {
                "cloud" => defaults.updated(&config)?,
                _ => EnvironmentConfig::SelfHosted {},
            },
        };
        Ok(Self {
            id,
            name,
            description: fields.text("description")?.map(str::to_owned),
            config,
            metadata: metadata::parse(&fields)?,
            scope: Scope::parse(&fields)?,
            created_at: now.to_owned(),
            updated_at: now.to_owned(),
            archived_at: None,
        })
    }

    /// The environment after an update call, or none when nothing changes. Sessions that run keep what they began with.
    pub fn update(&self, body: &Value, now: &str) -> Result<Option<Self>, Invalid> {
        let fields = Fields::of_body(body)?;
        if self.archived_at.is_some() {
            return Err(
                Invalid::new("environment", "is archived and cannot be updated")
                    .with_code("environment_archived"),
            );
        }
        let mut updated = self.clone();
        if fields.given("name").is_some() {
            updated.name = fields
                .required_text_within("name", 1..=NAME_CHARACTERS_MAX)?
                .to_owned();
        }
        if fields.present("description").is_some() {
            updated.description = fields.text("description")?.map(str::to_owned);
        }
        if let Some(config) = fields.object("config")? {
            updated.config = self.config.updated(&config)?;
        }
        updated.scope = Scope::parse(&fields)?;
        updated.metadata = metadata::patched(&fields, &self.metadata, EmptyValue::Deletes)?;
        if updated == *self {
            return Ok(None);
        }
        now.clone_into(&mut updated.updated_at);
        Ok(Some(updated))
    }
}

impl Scope {
    fn parse(fields: &Fields<'_>) -> Result<Self, Invalid> {
        match fields.text("scope")? {
            None | Some("organization") => Ok(Self::Organization),
            Some("account") => Err(fields.refuse(
                "scope",
                "'account' is not supported, only 'organization' is",
            )),
            Some(_) => Err(fields.refuse("scope", "must be 'organization'")),
        }
    }
}

impl EnvironmentConfig {
    /// With the parts replaced that `fields` has.
    fn updated(&self, fields: &Fields<'_>) -> Result<Self, Invalid> {
        let kind = fields.discriminator(&["cloud", "self_hosted"])?;
        match (self, kind) {
            (
                Self::Cloud {
                    networking,
                    packages,
                },
                "cloud",
            ) => {
                let networking = networking.updated(fields)?;
                let packages = packages.updated(fields)?;
                let closed = matches!(
                    networking,
                    Networking::Limited {
                        allow_package_managers: false,
                        ..
                    }
                );
                if closed && packages != Packages::default() {
                    return Err(fields.refuse(
                        "packages",
                        "need networking.allow_package_managers to be true when networking is limited",
                    ));
                }
                Ok(Self::Cloud {
                    networking,
                    packages,
                })
            }
            (Self::SelfHosted {}, "self_hosted") => Ok(Self::SelfHosted {}),
            _ => Err(fields
                .refuse("type", "the type of a configuration cannot be changed")
                .with_code("invalid_config_type_change")),
        }
    }
}

impl Networking {
    fn updated(&self, fields: &Fields<'_>) -> Result<Self, Invalid> {
        let Some(given) = fields.object("networking")? else {
            return Ok(self.clone());
        };
        if given.discriminator(&["unrestricted", "limited"])? == "unrestricted" {
            return Ok(Self::Unrestricted {});
        }
        let (mcp, managers, hosts) = match self {
            Self::Unrestricted {} => (false, false, Vec::new()),
            Self::Limited {
                allow_mcp_servers,
                allow_package_managers,
                allowed_hosts,
            } => (
                *allow_mcp_servers,
                *allow_package_managers,
                allowed_hosts.clone(),
            ),
        };
        let allowed_hosts = match given.texts("allowed_hosts")? {
            None => hosts,
            Some(items) => {
                check_count(&given.at("allowed_hosts"), items.len(), HOSTS_MAX)?;
                for (path, host) in &items {
                    check_host_pattern(path, host)?;
                }
                items
                    .into_iter()
                    .map(|(_, host)| host.to_ascii_lowercase())
                    .collect()
            }
        };
        Ok(Self::Limited {
            allow_mcp_servers: given.boolean("allow_mcp_servers")?.unwrap_or(mcp),
            allow_package_managers: given.boolean("allow_package_managers")?.unwrap_or(managers),
            allowed_hosts,
        })
    }
}

impl Packages {
    fn updated(&self, fields: &Fields<'_>) -> Result<Self, Invalid> {
        let Some(given) = fields.object("packages")? else {
            return Ok(self.clone());
        };
        if given.given("type").is_some() {
            given.discriminator(&["packages"])?;
        }
        // A manager's name misspelt would otherwise install nothing, silently.
        if let Some(unknown) = given
            .map()
            .keys()
            .find(|key| *key != "type" && !MANAGERS.contains(&key.as_str()))
        {
            return Err(given.refuse(unknown, "unknown package manager"));
        }
        let list = |name: &str| -> Result<Vec<String>, Invalid> {
            let items = given.texts(name)?.unwrap_or_default();
            check_count(&given.at(name), items.len(), PACKAGES_MAX)?;
            if let Some((path, _)) = items.iter().find(|(_, package)| package.trim().is_empty()) {
                return Err(Invalid::new(path, "must not be empty"));
            }
            Ok(items
                .into_iter()
                .map(|(_, package)| package.to_owned())
                .collect())
        };
        Ok(Self {
            apt: list("apt")?,
            cargo: list("cargo")?,
            gem: list("gem")?,
            go: list("go")?,
            npm: list("npm")?,
            pip: list("pip")?,
        })
    }

    /// The first package asked for, and its manager.
    pub fn first(&self) -> Option<(&'static str, &str)> {
        let lists = [
            &self.apt,
            &self.cargo,
            &self.gem,
            &self.go,
            &self.npm,
            &self.pip,
        ];
        MANAGERS
            .into_iter()
            .zip(lists)
            .find_map(|(manager, list)| list.first().map(|package| (manager, package.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const T0: &str = "2026-01-01T00:00:00Z";
    const T1: &str = "2026-01-02T00:00:00Z";

    fn created(body: &Value) -> Result<Environment, Invalid> {
        Environment::create(body, "env_1".into(), T0)
    }

    fn no_packages() -> Value {
        json!({"type": "packages", "apt": [], "cargo": [], "gem": [], "go": [], "npm": [], "pip": []})
    }

    #[test]
    fn the_smallest_environment_comes_out_complete() {
        let environment = created(&json!({"name": "e"})).unwrap();
        let wire = json!({"type": "environment", "id": "env_1", "name": "e", "description": null,
            "config": {"type": "cloud", "networking": {"type": "unrestricted"}, "packages": no_packages()},
            "metadata": {}, "scope": "organization", "created_at": T0, "updated_at": T0, "archived_at": null});
        assert_eq!(serde_json::to_value(&environment).unwrap(), wire);
        assert_eq!(
            serde_json::from_value::<Environment>(wire).unwrap(),
            environment
        );
    }

    #[test]
    fn configurations_come_out_resolved() {
        let table = [
            (
                Value::Null,
                json!({"type": "cloud", "networking": {"type": "unrestricted"}, "packages": no_packages()}),
            ),
            (
                json!({"type": "self_hosted"}),
                json!({"type": "self_hosted"}),
            ),
            (
                json!({"type": "cloud", "networking": {"type": "limited"}}),
                json!({"type": "cloud", "packages": no_packages(), "networking": {"type": "limited",
                    "allow_mcp_servers": false, "allow_package_managers": false, "allowed_hosts": []}}),
            ),
            (
                json!({"type": "cloud", "networking": {"type": "limited", "allowed_hosts": ["*.Example.com"]}, "packages": null}),
                json!({"type": "cloud", "packages": no_packages(), "networking": {"type": "limited",
                    "allow_mcp_servers": false, "allow_package_managers": false, "allowed_hosts": ["*.example.com"]}}),
            ),
        ];
        for (config, wire) in table {
            let environment = created(&json!({"name": "e", "config": config})).unwrap();
            assert_eq!(serde_json::to_value(environment.config).unwrap(), wire);
        }
    }

    #[test]
    fn refusals_of_create_name_the_field() {
        let limited = |extra: Value| {
            let mut networking = json!({"type": "limited"});
            networking
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            json!({"name": "e", "config": {"type": "cloud", "networking": networking, "packages": {"pip": ["x"]}}})
        };
        let table = [
            (json!({}), "name"),
            (json!({"name": "e", "scope": "account"}), "scope"),
            (json!({"name": "e", "config": "cloud"}), "config"),
            (json!({"name": "e", "config": {}}), "config.type"),
            (
                json!({"name": "e", "config": {"type": "docker"}}),
                "config.type",
            ),
            (
                json!({"name": "e", "config": {"type": "cloud", "networking": {"type": "none"}}}),
                "config.networking.type",
            ),
            (
                json!({"name": "e", "config": {"type": "cloud", "packages": {"pip": "x"}}}),
                "config.packages.pip",
            ),
            (
                json!({"name": "e", "config": {"type": "cloud", "packages": {"pip": [1]}}}),
                "config.packages.pip.0",
            ),
            (
                json!({"name": "e", "config": {"type": "cloud", "packages": {"brew": ["x"]}}}),
                "config.packages.brew",
            ),
            (limited(json!({})), "config.packages"),
            (
                limited(json!({"allowed_hosts": ["https://a.com"]})),
                "config.networking.allowed_hosts.0",
            ),
            (
                limited(json!({"allow_package_managers": "yes"})),
                "config.networking.allow_package_managers",
            ),
        ];
        for (body, field) in table {
            assert_eq!(
                created(&body).map_err(|r| r.field),
                Err(field.to_owned()),
                "{body}"
            );
        }
        assert!(created(&limited(json!({"allow_package_managers": true}))).is_ok());
    }

    #[test]
    fn updates_replace_what_they_name() {
        let config = json!({"type": "cloud", "networking": {"type": "limited", "allowed_hosts": ["a.com"], "allow_package_managers": true},
            "packages": {"pip": ["x"]}});
        let environment = created(
            &json!({"name": "e", "description": "d", "metadata": {"k": "v"}, "config": config}),
        )
        .unwrap();
        let updated = |body: Value| environment.update(&body, T1);
        for body in [
            json!({}),
            json!({"name": null}),
            json!({"config": null}),
            json!({"config": {"type": "cloud"}}),
        ] {
            assert_eq!(updated(body.clone()), Ok(None), "{body}");
        }
        let changed = updated(json!({"config": {"type": "cloud", "networking": {"type": "limited", "allowed_hosts": []}}})).unwrap().unwrap();
        assert_eq!(
            serde_json::to_value(&changed.config).unwrap()["networking"],
            json!({"type": "limited", "allow_mcp_servers": false, "allow_package_managers": true, "allowed_hosts": []})
        );
        assert_eq!(changed.updated_at, T1);
        assert_eq!(
            updated(json!({"description": ""}))
                .unwrap()
                .unwrap()
                .description
                .as_deref(),
            Some("")
        );
        assert_eq!(
            updated(json!({"description": null}))
                .unwrap()
                .unwrap()
                .description,
            None
        );
        assert_eq!(
            updated(json!({"metadata": {"k": ""}}))
                .unwrap()
                .unwrap()
                .metadata,
            Metadata::new()
        );

        let code = |environment: &Environment, body: Value| {
            environment.update(&body, T1).unwrap_err().code
        };
        assert_eq!(
            code(&environment, json!({"config": {"type": "self_hosted"}})),
            Some("invalid_config_type_change")
        );
        let archived = Environment {
            archived_at: Some(T0.into()),
            ..environment.clone()
        };
        assert_eq!(
            code(&archived, json!({"name": "f"})),
            Some("environment_archived")
        );
        let closing = json!({"config": {"type": "cloud", "networking": {"type": "limited", "allow_package_managers": false}}});
        assert_eq!(
            environment.update(&closing, T1).unwrap_err().field,
            "config.packages"
        );
    }
}
