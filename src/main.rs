//! The `glovebox` binary; see `glovebox --help`.

fn main() -> std::process::ExitCode {
    glovebox::cli::main()
}
