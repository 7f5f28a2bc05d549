//! Variables: values, scopes, and the ones the shell computes.

pub mod array;
pub mod assign;
pub mod scope;
pub mod special;
pub mod value;

pub use array::Associative;
pub use scope::{Scope, ScopeKind, Variables};
pub use value::{Attributes, Value, Variable};
