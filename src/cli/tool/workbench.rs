//! The sandbox in which a command calls a tool: the same as a server's sessions have, made for one call.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use glovebox_runtime::{
    Access, Allowance, CallOptions, CallReport, Engine, Grant, HostPattern, Mount, MountSource,
    Names, Network, Sandbox, Secret,
};

use super::subject::Subject;
use crate::tools::BuiltIn;

/// What a call may reach beyond files.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    pub(super) network: Network,
    /// Whether loopback and private addresses may be asked.
    pub(super) private_addresses: bool,
    pub(super) secrets: BTreeMap<String, Secret>,
}

/// Calls a tool once, in a sandbox that is gone afterwards but for `workspace`.
pub(super) async fn call(
    engine: &Engine,
    subject: &Subject,
    input: &str,
    workspace: PathBuf,
    outside: Outside,
    options: CallOptions,
) -> anyhow::Result<CallReport> {
    let built_in = BuiltIn::on_demand(engine, &[])?;
    let scratch = tempfile::Builder::new()
        .prefix("glovebox-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let mut mounts = vec![writable("/workspace", workspace)];
    for (at, name) in [
        ("/tmp", "tmp"),
        ("/home/agent", "home"),
        ("/mnt/session/outputs", "outputs"),
    ] {
        let path = scratch.path().join(name);
        std::fs::create_dir(&path)?;
        mounts.push(writable(at, path));
    }
    mounts.push(Mount {
        at: "/usr".into(),
        source: MountSource::Image(built_in.usr.clone()),
        access: Access::ReadOnly,
    });
    let grant = Grant {
        mounts,
        network: outside.network,
        private_addresses: outside.private_addresses,
        secrets: outside.secrets,
        ..Grant::default()
    };
    let sandbox = Sandbox::new(engine, grant, built_in.programs.clone())?;
    let report = sandbox.call(&subject.component, input, options).await;
    sandbox.shutdown().await;
    Ok(report)
}

fn writable(at: &str, path: PathBuf) -> Mount {
    Mount {
        at: at.into(),
        source: MountSource::HostDirectory(path),
        access: Access::ReadWrite,
    }
}

/// What a call of a custom tool reaches: what it wishes for and is granted. Secrets that were given are granted unless the
/// grants name others.
pub(super) fn allowance(
    wishes: &Allowance,
    grants: Option<&serde_json::Value>,
    secrets: &BTreeMap<String, Secret>,
) -> anyhow::Result<Allowance> {
    let mut granted = match grants {
        Some(grants) => Allowance::parse_grants(grants).context("the grants are not valid")?,
        None => Allowance::granted_by_default(),
    };
    if grants.is_none_or(|grants| grants.get("secrets").is_none()) {
        granted.secrets = Names::Only(secrets.keys().cloned().collect());
    }
    Ok(wishes.narrow(&granted))
}

/// The hosts of several `--allow-host`.
pub(super) fn network(hosts: Vec<AllowedHost>) -> Network {
    if hosts.iter().any(|host| matches!(host, AllowedHost::Any)) {
        return Network::Unrestricted;
    }
    let hosts: Vec<HostPattern> = hosts
        .into_iter()
        .filter_map(|host| match host {
            AllowedHost::Any => None,
            AllowedHost::Some(pattern) => Some(pattern),
        })
        .collect();
    if hosts.is_empty() {
        Network::None
    } else {
        Network::Limited { hosts }
    }
}

/// A value of `--allow-host`.
#[derive(Debug, Clone)]
pub(super) enum AllowedHost {
    Any,
    Some(HostPattern),
}

impl FromStr for AllowedHost {
    type Err = glovebox_runtime::HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "*" => AllowedHost::Any,
            text => AllowedHost::Some(text.parse()?),
        })
    }
}

/// A value of `--secret`: `NAME=env:VARIABLE@HOST[,HOST]` or `NAME=file:PATH@HOST[,HOST]`. The secret itself would be seen by
/// everyone who lists processes.
#[derive(Debug, Clone)]
pub(super) struct GivenSecret {
    pub(super) name: String,
    from: From,
    hosts: Vec<HostPattern>,
}

#[derive(Debug, Clone)]
enum From {
    Environment(String),
    File(PathBuf),
}

impl FromStr for GivenSecret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "must be NAME=env:VARIABLE@HOST[,HOST] or NAME=file:PATH@HOST[,HOST]";
        let (name, rest) = text.split_once('=').ok_or(form)?;
        let (from, hosts) = rest.rsplit_once('@').ok_or(form)?;
        let from = match from.split_once(':') {
            Some(("env", variable)) => From::Environment(variable.to_owned()),
            Some(("file", path)) => From::File(path.into()),
            _ => return Err(form.to_owned()),
        };
        let hosts = hosts
            .split(',')
            .map(|host| host.parse().map_err(|error| format!("{error}")))
            .collect::<Result<_, String>>()?;
        Ok(GivenSecret {
            name: name.to_owned(),
            from,
            hosts,
        })
    }
}

impl GivenSecret {
    /// Looks it up.
    pub(super) fn read(self) -> anyhow::Result<(String, Secret)> {
        let value = match &self.from {
            From::Environment(variable) => std::env::var(variable).with_context(|| {
                format!(
                    "secret {}: the variable {variable} cannot be read",
                    self.name
                )
            })?,
            From::File(path) => std::fs::read_to_string(path)
                .with_context(|| format!("secret {}: cannot read {}", self.name, path.display()))?
                .trim_end()
                .to_owned(),
        };
        Ok((self.name, Secret::new(value, self.hosts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_and_never_written_out() {
        let given: GivenSecret = "KEY=env:HOME@api.example.com,*.example.org"
            .parse()
            .unwrap();
        assert_eq!((given.name.as_str(), given.hosts.len()), ("KEY", 2));
        assert!("KEY=file:/a@b/c@host.org".parse::<GivenSecret>().is_ok());
        for wrong in [
            "KEY",
            "KEY=env:HOME",
            "KEY=hunter2@host.org",
            "KEY=env:HOME@https://a.org",
        ] {
            assert!(wrong.parse::<GivenSecret>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn given_secrets_are_granted_unless_the_grants_name_others() {
        let json = serde_json::json!({"secrets": ["A", "B"], "hosts": ["a.org"]});
        let wishes = Allowance::parse(&json).unwrap();
        let given = BTreeMap::from([("A".to_owned(), Secret::new("x", vec![]))]);
        let reach = allowance(&wishes, None, &given).unwrap();
        assert!(reach.secrets.contains("A") && !reach.secrets.contains("B"));
        assert_eq!(reach.hosts, wishes.hosts);
        let grants = serde_json::json!({"secrets": [], "hosts": []});
        let reach = allowance(&wishes, Some(&grants), &given).unwrap();
        assert_eq!(reach, Allowance::nothing());
        assert!(allowance(&wishes, Some(&serde_json::json!({"host": []})), &given).is_err());
    }
}
