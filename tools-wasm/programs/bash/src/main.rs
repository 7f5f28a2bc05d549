//! `bash` and `sh`: the shell as a program.

#[cfg(not(target_os = "wasi"))]
fn main() {
    use std::os::unix::ffi::OsStringExt as _;
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| glovebox_shell::text::decode(argument.into_vec()))
        .collect();
    let kernel = std::rc::Rc::new(glovebox_shell::kernel::native::Native);
    std::process::exit(glovebox_shell::program::run(kernel, &arguments));
}

#[cfg(target_os = "wasi")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let kernel = std::rc::Rc::new(glovebox_shell::kernel::wasi::Wasi);
    std::process::exit(glovebox_shell::program::run(kernel, &arguments));
}
