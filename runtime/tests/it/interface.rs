//! Every function of `wasi:filesystem`, called by a guest without a library in between; what each must say is in
//! `interface/*.txt`, the same for a versioned tree and for a directory of the host.

use glovebox_runtime::{Access, ExitStatus, Grant, Mount, MountSource};

use crate::kernel::{BACKINGS, hands_on};

/// Another mount, and limits that can be met.
fn change(grant: &mut Grant) {
    grant.limits.disk_bytes_max = 1_000_000;
    grant.limits.file_bytes_max = 600_000;
    grant.limits.descriptors_max = 50;
    grant.mounts.push(Mount {
        at: "/elsewhere".to_owned(),
        source: MountSource::Image(Default::default()),
        access: Access::ReadOnly,
    });
}

/// `SAID=FOLDER` writes down what is said instead of comparing it.
async fn said(arguments: &[&str], change: impl Fn(&mut Grant), expected: &str) {
    for backing in BACKINGS {
        let hands = hands_on(backing, &change);
        let ran = hands.run(arguments, "").await;
        assert!(matches!(ran.status, Ok(ExitStatus::Exited(0))), "{ran:?}");
        if let Some(folder) = std::env::var_os("SAID") {
            let name = format!("{}-{backing:?}.txt", arguments[1]);
            std::fs::write(std::path::Path::new(&folder).join(name), &ran.stdout).unwrap();
            continue;
        }
        let differing =
            (ran.stdout.lines().zip(expected.lines())).find(|(said, line)| said != line);
        assert_eq!(
            differing, None,
            "{backing:?}: what it says, and what it must"
        );
        assert_eq!(ran.stdout.lines().count(), expected.lines().count());
    }
}

#[tokio::test]
async fn every_function_does_what_it_says() {
    let expected = include_str!("interface/functions.txt");
    let room = |grant: &mut Grant| {
        grant.limits.disk_bytes_max = 1 << 40;
        grant.limits.file_bytes_max = 1 << 40;
    };
    said(&["interface", "functions", "/workspace"], room, expected).await;
}

#[tokio::test]
async fn every_error_is_the_one_it_names() {
    let expected = include_str!("interface/errors.txt");
    let arguments = ["interface", "errors", "/workspace", "/elsewhere"];
    said(&arguments, change, expected).await;
}
