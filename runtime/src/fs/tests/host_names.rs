//! Names that only a host can have.

use super::*;

#[test]
fn names_that_are_not_utf8_can_be_listed_and_used() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::write(sandbox.workspace().join(name), "coffee").unwrap();
    assert_eq!(
        sandbox.names("/workspace"),
        ["caf\u{F7E9}", "inner", "made"]
    );
    assert_eq!(
        sandbox.read("/workspace/caf\u{F7E9}").as_deref(),
        Ok("coffee")
    );
    sandbox
        .mounts
        .remove_file("/workspace/caf\u{F7E9}")
        .unwrap();
}
