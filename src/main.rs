//! The `glovebox` binary; see `glovebox --help`.

fn main() -> std::process::ExitCode {
    #[cfg(target_env = "gnu")]
    give_memory_back();
    glovebox::cli::main()
}

/// Pieces of sessions' files are this long, and as many as fit into the budget come and go: each is mapped for itself, so that what
/// is no longer used goes back to the system. In glibc's heap it would stay.
#[cfg(target_env = "gnu")]
fn give_memory_back() {
    const PIECE_BYTES: i32 = 64 << 10;
    // SAFETY: changes a setting of the allocator, before there are other threads.
    #[expect(unsafe_code, reason = "the standard library has no such setting")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, PIECE_BYTES);
    }
}
