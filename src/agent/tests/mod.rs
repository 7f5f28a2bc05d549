//! The loop against fakes of everything outside: what clients see, and what survives a crash at any step.

mod fakes;
mod faults;
mod transcripts;
mod world;
