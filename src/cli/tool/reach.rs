//! An allowance in plain words, for whoever has to decide whether to run a stranger's tool.

use glovebox_runtime::{Access, Allowance, MountNames, Names, Network};

/// What something with this allowance can do, a line for each kind of thing.
pub(super) fn in_words(allowance: &Allowance) -> Vec<String> {
    let mut lines = vec![
        match &allowance.hosts {
            Network::None => "sends no HTTP requests".to_owned(),
            Network::Unrestricted => "sends HTTP requests to any public host".to_owned(),
            Network::Limited { hosts } => {
                let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
                format!("sends HTTP requests to {}", hosts.join(", "))
            }
        },
        mounts(&allowance.mounts),
        match &allowance.programs {
            Names::All => "starts any of the sandbox's programs".to_owned(),
            Names::Only(names) if names.is_empty() => "starts no programs".to_owned(),
            Names::Only(names) => format!("starts {}", join(names)),
        },
        match &allowance.secrets {
            Names::All => "uses any secret, without seeing it".to_owned(),
            Names::Only(names) if names.is_empty() => "uses no secrets".to_owned(),
            Names::Only(names) => format!("uses the secrets {}, without seeing them", join(names)),
        },
    ];
    match &allowance.settings {
        Names::All => lines.push("reads every setting of the operator".to_owned()),
        Names::Only(names) if names.is_empty() => {}
        Names::Only(names) => lines.push(format!("reads the operator's settings {}", join(names))),
    }
    let limits = &allowance.limits;
    let limit = |value: Option<u64>, text: &dyn Fn(u64) -> String| value.map(text);
    let limits: Vec<String> = [
        limit(limits.memory_bytes, &|bytes| {
            format!("{} MiB of memory", bytes.div_ceil(1 << 20))
        }),
        limit(limits.cpu_ms, &|time| format!("{time} ms on a processor")),
        limit(limits.wall_ms, &|time| format!("{time} ms in all")),
        limit(limits.output_bytes, &|bytes| {
            format!("{} KiB of answer", bytes.div_ceil(1024))
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !limits.is_empty() {
        lines.push(format!("takes at most {}", limits.join(", ")));
    }
    lines
}

/// In one line, naming only what there is.
pub(super) fn in_short(allowance: &Allowance) -> String {
    let words: Vec<String> = in_words(allowance)
        .into_iter()
        .filter(|line| !line.contains(" no ") && !line.starts_with("takes"))
        .collect();
    if words.is_empty() {
        "reaches nothing".to_owned()
    } else {
        words.join("; ")
    }
}

fn mounts(mounts: &MountNames) -> String {
    let what = |access: &Access| match access {
        Access::ReadOnly => "reads",
        Access::ReadWrite => "reads and writes",
    };
    let all = mounts
        .all
        .iter()
        .map(|access| format!("{} all files", what(access)));
    let at = mounts
        .at
        .iter()
        .map(|(place, access)| format!("{} {place}", what(access)));
    let all: Vec<String> = all.chain(at).collect();
    if all.is_empty() {
        "sees no files".to_owned()
    } else {
        all.join(", ")
    }
}

fn join(names: &std::collections::BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_words() {
        let nothing = in_words(&Allowance::nothing());
        assert_eq!(
            nothing,
            [
                "sends no HTTP requests",
                "sees no files",
                "starts no programs",
                "uses no secrets"
            ]
        );
        assert_eq!(in_short(&Allowance::nothing()), "reaches nothing");
        let some = json!({"hosts": ["a.org"], "mounts": [{"path": "/workspace", "access": "read"}], "programs": ["*"],
            "secrets": ["KEY"], "limits": {"wall_ms": 5000}});
        let some = Allowance::parse(&some).unwrap();
        assert_eq!(
            in_words(&some),
            [
                "sends HTTP requests to a.org",
                "reads /workspace",
                "starts any of the sandbox's programs",
                "uses the secrets KEY, without seeing them",
                "takes at most 5000 ms in all",
            ]
        );
    }
}
