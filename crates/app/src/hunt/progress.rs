//! How far a hunt is, for whoever shows it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters that the hunt moves and another thread may read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    read: AtomicU64,
    searched: AtomicU64,
    findings: AtomicU64,
    inputs: AtomicU64,
    running: AtomicBool,
}

impl Progress {
    /// Bytes of all files that are to be read, as they are on disk; pipes are not in it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Bytes read so far, as they are on disk.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes searched so far, unpacked.
    #[must_use]
    pub fn searched(&self) -> u64 {
        self.searched.load(Ordering::Relaxed)
    }

    /// Findings so far.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.findings.load(Ordering::Relaxed)
    }

    /// True from when the logs are opened.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    pub(super) fn start(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.running.store(true, Ordering::Relaxed);
    }

    pub(super) fn add_read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_searched(&self, bytes: u64) {
        self.searched.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Inputs that have been read to their end.
    pub(super) fn inputs(&self) -> u64 {
        self.inputs.load(Ordering::Relaxed)
    }

    pub(super) fn add_input(&self) {
        self.inputs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_finding(&self) {
        self.findings.fetch_add(1, Ordering::Relaxed);
    }
}
