//! Start-up.

/// Puts the process where its parent said, and makes a panic an ordinary failure. The first line of every `main`.
///
/// WASI knows no working directory, so the spawner passes it as `PWD`. One that cannot be entered is left alone: the
/// process then stands at the root, and relative paths fail where they are used.
pub fn start() {
    let message = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        message(panic);
        // Without this the abort would look like a trap of the machine.
        crate::exit::exit_now(crate::exit::PANICKED)
    }));
    stand();
}

/// Enters the working directory.
pub(crate) fn stand() {
    if let Some(directory) = std::env::var_os("PWD") {
        let _ = std::env::set_current_dir(directory);
    }
}
