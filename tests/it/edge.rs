//! The runtime for the edge stays without what it is meant to be without.

use std::path::Path;

/// The example's workspace resolves the runtime without its default features, so what is in its lock file is what is built.
#[test]
fn the_runtime_without_features_has_no_compiler_no_client_and_no_database() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/edge/Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap();
    let has = |name: &str| lock.contains(&format!("name = \"{name}\"\n"));
    assert!(has("glovebox-runtime") && has("wasmtime"));
    for name in [
        "axum",
        "cranelift-codegen",
        "glovebox",
        "h2",
        "reqwest",
        "rusqlite",
        "rustls",
        "wasmtime-internal-cranelift",
        "wasmtime-wasi-http",
        "winch-codegen",
    ] {
        assert!(!has(name), "examples/edge is built with {name}");
    }
}
