//! What programs do with files all day, measured by themselves: `workload DIRECTORY LARGE_MIB`.
//!
//! The bench `fs` runs this component over several file systems, and `work` once more as native code.

mod work;

use std::path::Path;

fn main() -> std::io::Result<()> {
    glovebox_kit::start();
    let arguments: Vec<String> = std::env::args().collect();
    let [_, directory, large] = &arguments[..] else {
        panic!("a directory and how many MiB are large");
    };
    for (what, nanoseconds) in work::all(Path::new(directory), large.parse().expect("a number"))? {
        println!("{nanoseconds} {what}");
    }
    Ok(())
}
