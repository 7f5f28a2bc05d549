//! What one sandbox has used of its disk, and how much it may.
//!
//! One ledger is shared by all mounts of a sandbox. Backends charge it before the host allocates anything, so a limit
//! is met inside the sandbox and never on the host's disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Errno;
use crate::grant::Limits;

/// How much a sandbox may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerLimits {
    /// The sum of the lengths of all files. A sparse file counts in full.
    pub disk_bytes_max: u64,
    /// Entries of directories: files, directories, symlinks and further names of a file.
    pub files_max: u64,
    /// The length of a single file.
    pub file_bytes_max: u64,
    /// Open files and directories of all processes together.
    pub descriptors_max: u64,
}

impl LedgerLimits {
    /// No limit at all, for tests and for directories the user owns.
    pub const UNLIMITED: LedgerLimits = LedgerLimits {
        disk_bytes_max: u64::MAX,
        files_max: u64::MAX,
        file_bytes_max: u64::MAX,
        descriptors_max: u64::MAX,
    };
}

impl From<&Limits> for LedgerLimits {
    /// A sandbox may have four times as many descriptors open as one process: enough for a pipeline, and a bound for
    /// what a sandbox can take from the host's own.
    fn from(limits: &Limits) -> LedgerLimits {
        LedgerLimits {
            disk_bytes_max: limits.disk_bytes_max,
            files_max: limits.files_max,
            file_bytes_max: limits.file_bytes_max,
            descriptors_max: u64::from(limits.descriptors_max).saturating_mul(4),
        }
    }
}

/// Which limit turned a request away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `disk_bytes_max`
    DiskBytes,
    /// `files_max`
    Files,
    /// `file_bytes_max`
    FileBytes,
    /// `descriptors_max`
    Descriptors,
}

/// What is used at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The sum of the lengths of all files.
    pub bytes: u64,
    /// Entries of directories.
    pub files: u64,
    /// Open files and directories.
    pub descriptors: u64,
}

/// The account of one sandbox.
#[derive(Debug)]
pub struct Ledger {
    limits: LedgerLimits,
    bytes: AtomicU64,
    files: AtomicU64,
    descriptors: AtomicU64,
    refused: [AtomicBool; 4],
}

impl Ledger {
    /// An empty account.
    pub fn new(limits: LedgerLimits) -> Arc<Ledger> {
        Arc::new(Ledger {
            limits,
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            descriptors: AtomicU64::new(0),
            refused: Default::default(),
        })
    }

    /// The limits it enforces.
    pub fn limits(&self) -> LedgerLimits {
        self.limits
    }

    /// What is used at the moment, by the mounts that have been looked at so far.
    pub fn usage(&self) -> Usage {
        Usage {
            bytes: self.bytes.load(Ordering::Relaxed),
            files: self.files.load(Ordering::Relaxed),
            descriptors: self.descriptors.load(Ordering::Relaxed),
        }
    }

    /// Which limits have turned something away since this was last asked.
    pub fn take_refusals(&self) -> Vec<Refusal> {
        [
            Refusal::DiskBytes,
            Refusal::Files,
            Refusal::FileBytes,
            Refusal::Descriptors,
        ]
        .into_iter()
        .filter(|refusal| self.refused[*refusal as usize].swap(false, Ordering::Relaxed))
        .collect()
    }

    /// Whether disk usage is limited at all. If not, nobody needs to know what was there before.
    pub(super) fn counts_disk(&self) -> bool {
        self.limits.disk_bytes_max != u64::MAX || self.limits.files_max != u64::MAX
    }

    /// Takes note of what was there before, whatever the limit.
    pub(super) fn note_existing(&self, bytes: u64, files: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.files.fetch_add(files, Ordering::Relaxed);
    }

    /// Takes as many of `wanted` bytes as are left and says how many.
    pub(super) fn charge_bytes_up_to(&self, wanted: u64) -> u64 {
        let mut granted = 0;
        let _ = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                granted = wanted.min(self.limits.disk_bytes_max.saturating_sub(used));
                Some(used.saturating_add(granted))
            });
        if granted < wanted {
            self.refuse(Refusal::DiskBytes);
        }
        granted
    }

    /// Takes `wanted` bytes or nothing.
    pub(super) fn charge_bytes(&self, wanted: u64) -> Result<(), Errno> {
        self.charge(
            &self.bytes,
            wanted,
            self.limits.disk_bytes_max,
            Refusal::DiskBytes,
            Errno::NoSpace,
        )
    }

    /// Gives bytes back.
    pub(super) fn release_bytes(&self, bytes: u64) {
        release(&self.bytes, bytes);
    }

    /// Takes one entry.
    pub(super) fn charge_file(&self) -> Result<(), Errno> {
        self.charge(
            &self.files,
            1,
            self.limits.files_max,
            Refusal::Files,
            Errno::NoSpace,
        )
    }

    /// Gives an entry back.
    pub(super) fn release_file(&self) {
        release(&self.files, 1);
    }

    /// Gives several entries back.
    pub(super) fn release_files(&self, files: u64) {
        release(&self.files, files);
    }

    /// Takes one descriptor until the permit is dropped.
    pub(super) fn open_descriptor(self: &Arc<Ledger>) -> Result<DescriptorPermit, Errno> {
        self.charge(
            &self.descriptors,
            1,
            self.limits.descriptors_max,
            Refusal::Descriptors,
            Errno::TooManyDescriptors,
        )?;
        Ok(DescriptorPermit(self.clone()))
    }

    /// The end of a write that would reach `end` in a file that is `size` long: earlier where a file may not grow so
    /// far.
    pub(super) fn file_end(&self, size: u64, end: u64) -> u64 {
        if end <= size || end <= self.limits.file_bytes_max {
            return end;
        }
        self.refuse(Refusal::FileBytes);
        self.limits.file_bytes_max.max(size)
    }

    fn charge(
        &self,
        account: &AtomicU64,
        wanted: u64,
        max: u64,
        refusal: Refusal,
        errno: Errno,
    ) -> Result<(), Errno> {
        account
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(wanted).filter(|sum| *sum <= max)
            })
            .map(|_| ())
            .map_err(|_| {
                self.refuse(refusal);
                errno
            })
    }

    fn refuse(&self, refusal: Refusal) {
        self.refused[refusal as usize].store(true, Ordering::Relaxed);
    }
}

fn release(account: &AtomicU64, amount: u64) {
    // Saturating, since a host directory may shrink behind our back.
    let _ = account.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
        Some(used.saturating_sub(amount))
    });
}

/// One open descriptor; dropping it gives it back.
#[derive(Debug)]
pub(super) struct DescriptorPermit(Arc<Ledger>);

impl Drop for DescriptorPermit {
    fn drop(&mut self) {
        release(&self.0.descriptors, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Arc<Ledger> {
        Ledger::new(LedgerLimits {
            disk_bytes_max: 100,
            files_max: 2,
            file_bytes_max: 60,
            descriptors_max: 1,
        })
    }

    #[test]
    fn bytes_are_granted_up_to_the_limit() {
        let ledger = small();
        assert_eq!(ledger.charge_bytes_up_to(70), 70);
        assert!(ledger.take_refusals().is_empty());
        assert_eq!(ledger.charge_bytes_up_to(70), 30);
        assert_eq!(ledger.take_refusals(), [Refusal::DiskBytes]);
        assert_eq!(ledger.charge_bytes(1), Err(Errno::NoSpace));
        ledger.release_bytes(50);
        assert_eq!(ledger.charge_bytes(50), Ok(()));
        assert_eq!(ledger.usage().bytes, 100);
    }

    #[test]
    fn descriptors_come_back() {
        let ledger = small();
        let first = ledger.open_descriptor().unwrap();
        assert_eq!(
            ledger.open_descriptor().unwrap_err(),
            Errno::TooManyDescriptors
        );
        drop(first);
        assert!(ledger.open_descriptor().is_ok());
    }

    #[test]
    fn a_file_that_was_longer_before_stays_writable() {
        let ledger = small();
        assert_eq!(ledger.file_end(0, 60), 60);
        assert!(ledger.take_refusals().is_empty());
        assert_eq!(ledger.file_end(0, 61), 60);
        assert_eq!(ledger.take_refusals(), [Refusal::FileBytes]);
        assert_eq!(ledger.file_end(80, 80), 80);
        assert_eq!(ledger.file_end(80, 90), 80);
    }

    #[test]
    fn giving_back_more_than_was_taken_is_harmless() {
        let ledger = small();
        ledger.release_bytes(5);
        ledger.release_file();
        assert_eq!(ledger.usage(), Usage::default());
    }
}
