//! Starts itself, twice, for ever.

use glovebox_kit::bindings::glovebox::process::process::{SpawnOptions, spawn};

fn main() {
    glovebox_kit::start();
    let mut children = Vec::new();
    loop {
        let started = spawn(&SpawnOptions {
            program: "forkbomb".to_owned(),
            arguments: vec!["forkbomb".to_owned()],
            environment: Vec::new(),
            cwd: "/workspace".to_owned(),
            descriptors: Vec::new(),
            background: std::env::args().len() > 1,
            sigpipe_kills: true,
        });
        children.extend(started);
    }
}
