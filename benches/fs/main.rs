//! Is the sandbox's own file system as fast as what it stands in for?
//!
//! One program (`tools-wasm/probes/workload`) does the same work on four file systems, one after the other: as native
//! code in a folder of the host; as a component over wasmtime-wasi's preopened directory, set up as `wasmtime run` sets
//! it up; over Glovebox's versioned tree; and over Glovebox's mount of a folder of the host. It measures itself and
//! takes the shortest of three rounds, for files beyond 100 MiB the only one. All folders are below `TMPDIR`; nothing
//! is synced on either side. Python's row is of two Pythons: ours, and the host's. The second table is what only the tree
//! can do, at three sizes, with what the host does in its place.
//!
//! `LARGE=1024` makes the large file a gigabyte (MiB; default 1024), `FILES=100000` the largest tree.

#![expect(clippy::print_stdout, reason = "a bench that prints a table")]
#![expect(clippy::unwrap_used, reason = "a bench may fail")]
#![expect(
    clippy::disallowed_methods,
    reason = "the clock of the bench is the host's"
)]

mod ours;
mod preopens;
mod python;
mod versions;
#[path = "../../tools-wasm/probes/workload/src/work.rs"]
#[expect(
    unreachable_pub,
    clippy::cast_possible_truncation,
    reason = "a guest's source"
)]
mod work;

use std::time::Duration;

/// What a step took, by name.
type Steps = Vec<(String, u128)>;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// What the guest printed.
fn steps(printed: &str) -> Steps {
    printed
        .lines()
        .map(|line| {
            let (nanoseconds, what) = line.split_once(' ').unwrap();
            (what.to_owned(), nanoseconds.parse().unwrap())
        })
        .collect()
}

fn time(nanoseconds: u128) -> String {
    format!(
        "{:.2?}",
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap())
    )
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(one: u128, other: u128) -> String {
    format!("{:.2}", one as f64 / other as f64)
}

fn main() {
    if let Ok(size) = std::env::var(versions::OF_ONE_SIZE) {
        versions::measure(size.parse().unwrap());
        return;
    }
    // `cargo test` runs benches too, to see that they do.
    let test = std::env::args().any(|argument| argument == "--test");
    let large = number("LARGE", if test { 11 } else { 1024 });
    let folder = || tempfile::tempdir().unwrap();
    let native = folder();
    let native = work::all(native.path(), large).unwrap();
    let preopened = preopens::run(folder().path(), large);
    let tree = ours::on_a_tree(folder().path(), large);
    let directory = ours::on_a_directory(folder().path(), large);

    println!(
        "| the same work on | native | wasmtime-wasi | tree | of native | of wasmtime-wasi | host directory | of wasmtime-wasi |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (at, (what, native)) in native.iter().enumerate() {
        let other = [&preopened, &tree, &directory].map(|steps| {
            assert_eq!(steps[at].0, *what);
            steps[at].1
        });
        let [preopened, tree, directory] = other;
        println!(
            "| {what} | {} | {} | {} | {} | {} | {} | {} |",
            time(*native),
            time(preopened),
            time(tree),
            ratio(tree, *native),
            ratio(tree, preopened),
            time(directory),
            ratio(directory, preopened),
        );
    }
    let (native, ours) = python::import();
    let (native, of_native) = native.map_or(("-".to_owned(), "-".to_owned()), |native| {
        (time(native), ratio(ours, native))
    });
    println!(
        "| Python imports its library | {native} | - | {} | {of_native} | - | - | - |",
        time(ours)
    );
    println!();
    let most = number("FILES", if test { 1000 } else { 100_000 });
    versions::table(&[10, most.min(10_000), most]);
}
