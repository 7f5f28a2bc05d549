use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[test]
fn a_host_pattern_means_what_the_api_says() {
    let cases = [
        ("example.com", "example.com", true),
        ("example.com", "EXAMPLE.com.", true),
        ("example.com", "www.example.com", false),
        ("example.com", "example.com.evil.org", false),
        ("*.example.com", "www.example.com", true),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "notexample.com", false),
        ("*.example.com", ".example.com", false),
    ];
    for (pattern, host, expected) in cases {
        let parsed: HostPattern = pattern.parse().unwrap();
        assert_eq!(parsed.matches(host), expected, "{pattern} {host}");
    }
}

#[test]
fn what_is_no_host_is_refused() {
    for text in [
        "",
        "https://example.com",
        "example.com:443",
        "example.com/path",
        "*",
        "a.*.com",
        "a..b",
        "user@host",
        " a",
    ] {
        assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
    }
}

fn label() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "example", "com", "org"]).prop_map(str::to_owned)
}

fn host() -> impl Strategy<Value = String> {
    prop::collection::vec(label(), 1..4).prop_map(|labels| labels.join("."))
}

fn pattern() -> impl Strategy<Value = HostPattern> {
    (any::<bool>(), host()).prop_map(|(wild, host)| {
        if wild { format!("*.{host}") } else { host }
            .parse()
            .unwrap()
    })
}

fn network() -> impl Strategy<Value = Network> {
    prop_oneof![
        Just(Network::None),
        Just(Network::Unrestricted),
        prop::collection::vec(pattern(), 0..4).prop_map(|hosts| Network::Limited { hosts }),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    (any::<[u64; 8]>(), any::<[u32; 3]>(), any::<[u32; 3]>()).prop_map(|(wide, narrow, seconds)| {
        Limits {
            memory_bytes_max: wide[0],
            cpu_time_max: Duration::from_secs(seconds[0].into()),
            wall_time_max: Duration::from_secs(seconds[1].into()),
            output_bytes_max: wide[1],
            processes_max: narrow[0],
            descriptors_max: narrow[1],
            disk_bytes_max: wide[2],
            files_max: wide[3],
            file_bytes_max: wide[4],
            http_body_bytes_max: wide[5],
            http_time_max: Duration::from_secs(seconds[2].into()),
            http_requests_max: narrow[2],
        }
    })
}

fn mount() -> impl Strategy<Value = Mount> {
    (
        prop::sample::select(vec!["/workspace", "/tmp", "/usr"]),
        prop::sample::select(vec!["/srv/a", "/srv/b"]),
        prop::sample::select(vec![Access::ReadOnly, Access::ReadWrite]),
    )
        .prop_map(|(at, path, access)| Mount {
            at: at.to_owned(),
            source: MountSource::HostDirectory(PathBuf::from(path)),
            access,
        })
}

fn grant() -> impl Strategy<Value = Grant> {
    (
        prop::collection::vec(mount(), 0..4),
        network(),
        any::<bool>(),
        limits(),
        prop::collection::btree_map("[A-C]", "[x-z]", 0..3),
        prop::collection::btree_map("[a-c]", "[x-z]", 0..3),
    )
        .prop_map(
            |(mounts, network, private_addresses, limits, environment, settings)| Grant {
                mounts,
                network,
                private_addresses,
                limits,
                environment,
                settings,
                secrets: BTreeMap::new(),
                host: None,
            },
        )
}

fn allows_mount(grant: &Grant, mount: &Mount) -> bool {
    grant.mounts.iter().any(|own| {
        own.narrow(mount)
            .is_some_and(|both| both.access == mount.access)
    })
}

proptest! {
    #[test]
    fn narrowing_never_widens(a in grant(), b in grant(), hosts in prop::collection::vec(host(), 1..8)) {
        let both = a.narrow(&b);
        for mount in &both.mounts {
            prop_assert!(allows_mount(&a, mount) && allows_mount(&b, mount));
        }
        for host in &hosts {
            let allowed = a.network.check(host).is_ok() && b.network.check(host).is_ok();
            prop_assert_eq!(both.network.check(host).is_ok(), allowed, "{}", host);
        }
        prop_assert!(!both.private_addresses || (a.private_addresses && b.private_addresses));
        prop_assert_eq!(both.limits.narrow(&a.limits).narrow(&b.limits), both.limits);
        for (name, value) in &both.settings {
            prop_assert_eq!(a.settings.get(name), Some(value));
        }
    }

    #[test]
    fn a_pattern_survives_printing(pattern in pattern()) {
        prop_assert_eq!(pattern.to_string().parse::<HostPattern>().unwrap(), pattern);
    }

    #[test]
    fn parsing_any_text_never_panics(text in ".*") {
        let _ = text.parse::<HostPattern>();
    }
}
