//! The server's integration tests, one binary: through public HTTP on 127.0.0.1, with SQLite in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agents;
mod auth;
mod cli;
mod cli_tool;
mod cli_tool_oci;
mod compile;
mod crash;
mod edge;
mod environments;
mod events;
mod faults;
mod hostile;
mod layering;
mod mcp;
mod mcp_process;
mod mcp_pushed;
mod model;
mod process;
mod readers;
mod requests;
mod retries;
mod session_files;
mod sessions;
mod stream;
mod support;
mod tool_entries;
mod tool_network;
mod tools;

/// A file in this folder that no `mod` names would never run.
#[test]
fn no_file_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_module = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("mod.rs").exists();
        if name != "main" && is_module {
            assert!(
                main.contains(&format!("\nmod {name};\n")),
                "tests/it/main.rs does not name {name}"
            );
        }
    }
}
