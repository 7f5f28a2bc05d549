//! What a tree asks before it grows.

use crate::Errno;

/// What is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The sum of the lengths of all files; one with several names counts once, a sparse one in full.
    pub bytes: u64,
    /// Entries of directories.
    pub files: u64,
}

/// Says how much a tree may grow. It is asked before anything is allocated and told what is given back; the tree is
/// locked meanwhile, so it must not call back.
pub trait Quota: Send + Sync {
    /// What a tree begins with, whatever the limit.
    fn note_existing(&self, usage: Usage);
    /// Takes as many of `wanted` bytes as are left and says how many.
    fn charge_bytes_up_to(&self, wanted: u64) -> u64;
    /// Takes `wanted` bytes or nothing.
    fn charge_bytes(&self, wanted: u64) -> Result<(), Errno>;
    /// Takes one entry of a directory.
    fn charge_file(&self) -> Result<(), Errno>;
    /// Gives bytes and entries back.
    fn release(&self, usage: Usage);
    /// Where a write that would reach `end` in a file of `size` bytes must end.
    fn file_end(&self, size: u64, end: u64) -> u64;
}

/// No limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Quota for Unlimited {
    fn note_existing(&self, _: Usage) {}
    fn charge_bytes_up_to(&self, wanted: u64) -> u64 {
        wanted
    }
    fn charge_bytes(&self, _: u64) -> Result<(), Errno> {
        Ok(())
    }
    fn charge_file(&self) -> Result<(), Errno> {
        Ok(())
    }
    fn release(&self, _: Usage) {}
    fn file_end(&self, _: u64, end: u64) -> u64 {
        end
    }
}
