//! `find`: the tests and actions of GNU's that make sense here.

mod action;
mod parse;
mod printf;
mod test;
mod walk;

use std::io::{BufWriter, StdoutLock};

use crate::failure::Failure;

/// Lines are collected: a host call for each would be most of the work.
type Out = BufWriter<StdoutLock<'static>>;

/// What was asked for.
struct Query {
    roots: Vec<String>,
    expression: Expression,
    follow: Follow,
    depth_first: bool,
    depth_min: usize,
    depth_max: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Follow {
    Never,
    Roots,
    Always,
}

enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    /// `,`: both are done, the second counts.
    List(Vec<Expression>),
    Constant(bool),
    Test(test::Test),
    Action(action::Action),
}

pub fn find(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let query = parse::query(crate::env::rest(&mut options)?)?;
    let mut walk = walk::Walk::new(&query);
    for root in &query.roots {
        if !walk.root(root)? {
            break;
        }
    }
    walk.finish()
}
