//! What a hunt did, beside its findings.

use std::collections::BTreeMap;

use crate::{Place, Problem, Withheld};

/// The totals of a hunt. Everything here is the same on every run over the same input, but for the
/// three lengths of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Files, archives' members included.
    pub files: u64,
    /// Bytes searched, after decompression.
    pub bytes: u64,
    /// Lines searched.
    pub lines: u64,
    /// Records searched (EVTX, JSON arrays, XML).
    pub records: u64,
    /// Findings that were written.
    pub findings: u64,
    /// Findings that were not written, as `--limit` was reached.
    pub over_limit: u64,
    /// Findings that were not written, as they are not as bad as `--min-severity` asks.
    pub below_severity: u64,
    /// Plain indicators in use, each value once.
    pub indicators: u64,
    /// Rules in use.
    pub rules: u64,
    /// Entries of the intelligence left out on purpose: revoked, deleted, not for detection.
    pub withheld: Withheld,
    /// What is worth telling of the intelligence, and no failure.
    pub notes: Vec<String>,
    /// Findings suppressed, by warninglist.
    pub suppressed: BTreeMap<String, u64>,
    /// Records kept under `--since` or `--until` although their time could not be read.
    pub untimed: u64,
    /// What could not be read or loaded.
    pub problems: Vec<Problem>,
    /// Rules that were not loaded or can never match these logs, and why.
    pub idle_rules: Vec<IdleRule>,
    /// Pipes, sockets and devices that stand in folders: not read.
    pub passed_over: u64,
    /// Links in folders that lead out of them: not followed.
    pub links: Vec<Place>,
    /// The hunt was ended before all was searched, and how far it had come.
    pub interrupted: Option<Interrupted>,
    /// YARA rules that were not looked for, as this program was built without YARA.
    pub yara_not_run: u64,
    /// Files in folders that an earlier hunt wrote: not searched.
    pub own_reports: Vec<Place>,
    /// Wall-clock time.
    pub elapsed: std::time::Duration,
    /// How much of `elapsed` went by before the search began: the intelligence was loaded.
    pub loading: std::time::Duration,
    /// Processor time of all threads, where the system tells it.
    pub cpu: Option<std::time::Duration>,
}

/// How far a hunt had come that was ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted {
    /// Inputs searched to their end.
    pub inputs: u64,
    /// Inputs that there were.
    pub of: u64,
    /// Bytes read, as they are on disk.
    pub read: u64,
    /// Bytes of all files that were to be read; `None` with a pipe among them.
    pub total: Option<u64>,
}

/// A rule that did no work in this hunt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdleRule {
    /// Its name, or the file's where it has none.
    pub name: String,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Why it did nothing, in words for an analyst.
    pub why: String,
    /// It was loaded: [`Report::rules`] counts it.
    pub loaded: bool,
}
