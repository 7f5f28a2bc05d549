//! Programs that need what WASI lacks: starting others, modes, users, mounts. One component, `argv[0]` says which.

mod cat;
mod chmod;
mod dd;
mod disk;
mod env;
mod failure;
mod files;
mod find;
mod identity;
mod install;
mod ls;
mod pattern;
mod processes;
mod stat;
mod tac;
mod timeout;
mod which;
mod xargs;

use std::io::Write as _;

use failure::Failure;

type Main = fn(lexopt::Parser) -> Result<u8, Failure>;

fn program(name: &str) -> Option<Main> {
    Some(match name {
        "cat" => cat::cat,
        "chgrp" | "chown" => chmod::chown,
        "chmod" => chmod::chmod,
        "dd" => dd::dd,
        "df" => disk::df,
        "dir" => ls::dir,
        "du" => disk::du,
        "env" => env::env,
        "find" => find::find,
        "groups" => identity::groups,
        "hostname" => identity::hostname,
        "id" => identity::id,
        "install" => install::install,
        "kill" => processes::kill,
        "ls" => ls::ls,
        "nohup" => env::nohup,
        "ps" => processes::ps,
        "stat" => stat::stat,
        "sync" => |_| Ok(0),
        "tac" => tac::tac,
        "timeout" => timeout::timeout,
        "vdir" => ls::vdir,
        "which" => which::which,
        "logname" | "whoami" => identity::whoami,
        "xargs" => xargs::xargs,
        _ => return None,
    })
}

fn main() {
    glovebox_kit::start();
    let argv0 = std::env::args_os()
        .next()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let name = argv0.rsplit('/').next().unwrap_or_default();
    let Some(run) = program(name) else {
        eprintln!("{name}: not a program of this component");
        std::process::exit(127);
    };
    let code = match run(lexopt::Parser::from_env()) {
        Ok(code) => code,
        Err(failure) => {
            let _ = std::io::stdout().flush();
            eprintln!("{name}: {}", failure.message);
            failure.status
        }
    };
    glovebox_kit::exit(code);
}
