//! The stream editor of the uutils project.

fn main() {
    glovebox_kit::start();
    std::process::exit(sed::sed::uumain(std::env::args_os()));
}
