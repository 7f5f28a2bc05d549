//! `id`, `whoami`, `groups`, `hostname`: a sandbox has one user.

use lexopt::prelude::*;

use crate::failure::Failure;
use crate::files::{USER, USER_ID};

pub fn id(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let (mut what, mut name) = (None, false);
    while let Some(option) = options.next()? {
        match option {
            Short(letter @ ('u' | 'g' | 'G')) => what = Some(letter),
            Long("user") => what = Some('u'),
            Long("group") => what = Some('g'),
            Long("groups") => what = Some('G'),
            Short('n') | Long("name") => name = true,
            Short('r') | Long("real") => {}
            Value(user) if user == USER => {}
            Value(user) => {
                return Err(Failure::new(
                    1,
                    format!("‘{}’: no such user", user.to_string_lossy()),
                ));
            }
            other => return Err(other.unexpected().into()),
        }
    }
    match what {
        None => println!("uid={USER_ID}({USER}) gid={USER_ID}({USER}) groups={USER_ID}({USER})"),
        Some(_) if name => println!("{USER}"),
        Some(_) => println!("{USER_ID}"),
    }
    Ok(0)
}

pub fn whoami(_: lexopt::Parser) -> Result<u8, Failure> {
    println!("{USER}");
    Ok(0)
}

pub fn groups(_: lexopt::Parser) -> Result<u8, Failure> {
    println!("{USER}");
    Ok(0)
}

pub fn hostname(_: lexopt::Parser) -> Result<u8, Failure> {
    println!(
        "{}",
        std::env::var("HOSTNAME").unwrap_or_else(|_| "glovebox".into())
    );
    Ok(0)
}
