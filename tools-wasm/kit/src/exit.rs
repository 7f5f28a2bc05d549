//! Exact exit statuses.
//!
//! WASI 0.2's `exit` takes success or failure, and so does the result of `wasi:cli/run`. A POSIX status is 0 to 255.
//! With the feature `exit` the linker's option `--wrap` (see `tools-wasm/.cargo/config.toml`) makes the C library's
//! `_Exit` and its call of `main` arrive here, so that `std::process::exit`, `ExitCode` and C's `exit` all hand the
//! kernel the exact number.

use crate::bindings::glovebox::process::process;

/// What a Rust program that panicked ends with, on every other system.
pub(crate) const PANICKED: u8 = 101;

/// Ends the process with `code` after the C library's exit handlers have run and standard output is flushed.
pub fn exit(code: u8) -> ! {
    std::process::exit(i32::from(code))
}

/// Ends the process with `code` and nothing else.
pub fn exit_now(code: u8) -> ! {
    process::exit(code);
    unreachable!("the kernel does not return from exit")
}

#[cfg(all(target_os = "wasi", feature = "exit"))]
mod wrapped {
    unsafe extern "C" {
        fn __real___main_void() -> i32;
        /// Runs the handlers registered with `atexit`, flushes C's streams, and ends in `_Exit`.
        #[link_name = "exit"]
        fn c_exit(code: i32) -> !;
    }

    #[unsafe(no_mangle)]
    extern "C" fn __wrap__Exit(code: i32) -> ! {
        // POSIX keeps the low eight bits.
        super::exit_now((code & 0xff) as u8)
    }

    #[unsafe(no_mangle)]
    extern "C" fn __wrap___main_void() -> i32 {
        // SAFETY: the linker binds this name to the C library's own entry of `main`, which takes no arguments.
        let code = unsafe { __real___main_void() };
        if code != 0 {
            // SAFETY: `main` has returned, so no exit handler is running.
            unsafe { c_exit(code) }
        }
        0
    }
}

/// A tool has no `main`, and the linker makes invalid code of the reference above. Used by [`macro@crate::tool`], and by
/// a component that exports something else.
#[doc(hidden)]
#[cfg(feature = "exit")]
#[macro_export]
macro_rules! no_main {
    () => {
        #[unsafe(no_mangle)]
        extern "C" fn __main_void() -> i32 {
            0
        }
    };
}

#[doc(hidden)]
#[cfg(not(feature = "exit"))]
#[macro_export]
macro_rules! no_main {
    () => {};
}
