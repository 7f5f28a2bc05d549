//! `ls`, `dir` and `vdir`: GNU's listings, with the modes and owners that the kernel tells; those of uutils make up
//! both on WASI, which has neither.
//!
//! Reading directories is `list`'s; what stands on a line is `long`'s and `columns`'; options come parsed from `options`.

mod choices;
mod color;
mod columns;
mod entry;
mod help;
mod list;
mod long;
mod options;
mod order;
mod parse;
mod quote;
mod size;
mod time;
mod words;

use crate::failure::Failure;
use list::Listing;
use options::Flavour;
use parse::Request;

/// Wrong usage, an operand that is not there, or output that cannot be written.
const SERIOUS: u8 = 2;

/// One file per line, or columns on a terminal.
pub fn ls(options: lexopt::Parser) -> Result<u8, Failure> {
    run(options, Flavour::Ls)
}

/// `ls -C -b`.
pub fn dir(options: lexopt::Parser) -> Result<u8, Failure> {
    run(options, Flavour::Dir)
}

/// `ls -l -b`.
pub fn vdir(options: lexopt::Parser) -> Result<u8, Failure> {
    run(options, Flavour::Vdir)
}

fn run(parser: lexopt::Parser, flavour: Flavour) -> Result<u8, Failure> {
    let (options, operands) = match parse::request(parser, flavour)? {
        Request::List(options, operands) => (options, operands),
        Request::Help => {
            print!("{}", help::text(flavour.name()));
            return Ok(0);
        }
        Request::Version => {
            println!(
                "{} (Glovebox) {}",
                flavour.name(),
                env!("CARGO_PKG_VERSION")
            );
            return Ok(0);
        }
    };
    Listing::new(&options, flavour.name())
        .run(operands)
        .map_err(|error| {
            let text = crate::failure::plain(&error);
            Failure::new(SERIOUS, format!("write error: {text}"))
        })
}
