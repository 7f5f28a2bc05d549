//! A session as a pure value: what can happen, what it adds up to, what to do next.
//!
//! Nothing here awaits, reads a clock or draws a random number; moments and ids are handed in. `agent` performs what
//! [`decide`] says and appends what happened; nothing else changes a session.

mod accept;
mod conversation;
mod decide;
mod event;
mod moment;
mod record;
mod respond;
mod state;
mod usage;

pub use accept::{accept, accept_initial};
pub use conversation::{Speaker, conversation};
pub use decide::{
    INTERRUPTED, LEFT_OPEN, LOST, Rules, Step, decide, failed, request_ended, terminated,
};
pub use event::{
    Audience, Called, Evaluation, Event, Failure, FailureKind, Outcome, Permission, RetryStatus,
    Runs, SavedState, StopReason, Thread, Verdict,
};
pub use moment::{Moment, NoSuchMoment, come_to_rest, effective, until};
pub use record::{Draft, Record, Unreadable, Wire, format, wire};
pub use respond::{Answer, Callable, Policy, Toolbox, respond};
pub use state::{Answered, Call, Item, State, Status, Turn, fold};
pub use usage::{CacheCreation, RequestUsage, Usage};
