//! The coreutils of the uutils project, one component for all of them: `argv[0]` says which.
//!
//! What they cannot do on WASI (starting programs, modes, users) is in `programs/posix`.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

type Main = fn(std::vec::IntoIter<OsString>) -> i32;

/// The crate `uu_NAME` for every NAME.
macro_rules! utilities {
    ($($name:ident),* $(,)?) => {
        paste::paste! {
            fn find(name: &str) -> Option<Main> {
                match name {
                    $(stringify!($name) => Some([<uu_ $name>]::uumain),)*
                    "[" => Some(uu_test::uumain),
                    _ => None,
                }
            }
        }
    };
}

utilities! {
    arch, b2sum, base32, base64, basename, basenc, cksum, comm, cp, csplit, cut, date,
    dircolors, dirname, echo, expand, expr, factor, false, fmt, fold, head, join, link, ln, md5sum,
    mkdir, mktemp, mv, nice, nl, nproc, numfmt, od, paste, pathchk, pr, printenv, printf, ptx, pwd,
    readlink, realpath, rm, rmdir, seq, sha1sum, sha224sum, sha256sum, sha384sum, sha512sum, shred, shuf,
    sleep, sort, split, sum, tail, tee, test, touch, tr, true, truncate, tsort, tty, uname, unexpand,
    uniq, unlink, wc, yes,
}

fn main() {
    glovebox_kit::start();
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    // `coreutils NAME ...` works as well.
    if arguments
        .first()
        .is_some_and(|name| base(name) == "coreutils")
    {
        arguments.remove(0);
    }
    let name = arguments.first().map(|name| base(name)).unwrap_or_default();
    let Some(run) = find(&name) else {
        eprintln!("coreutils: no utility {name:?}");
        std::process::exit(127);
    };
    let messages = if name == "[" { "test" } else { &name };
    if let Err(error) = uucore::locale::setup_localization(messages) {
        eprintln!("{name}: cannot read its own messages: {error}");
        std::process::exit(99);
    }
    let mut code = run(arguments.into_iter());
    if std::io::stdout().flush().is_err() && code == 0 {
        code = 1;
    }
    std::process::exit(code);
}

fn base(name: &OsString) -> String {
    Path::new(name)
        .file_name()
        .unwrap_or(name)
        .to_string_lossy()
        .into_owned()
}
