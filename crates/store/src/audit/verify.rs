//! Whether a chain is whole.

use std::fmt;

use super::record::{AuditRecord, Digest, is_signed};
use super::{CUT, End, START};

/// How many faults are named; the rest is counted.
const NAMED: usize = 100;

/// What a look at every record found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many records there are.
    pub records: u64,
    /// The first hundred faults.
    pub faults: Vec<Fault>,
    /// How many there are.
    pub fault_count: u64,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Records are missing: after which number, before which.
    Gap(i64, i64),
    /// A record does not hold the digest of the one before it.
    Broken(i64),
    /// A record is not signed by the node, or was changed since.
    Unsigned(i64),
    /// A record is no record.
    Unreadable(i64),
    /// The end is missing: it went on to this number.
    Cut(i64),
    /// What notes the end is missing.
    Headless,
    /// This record tells that the chain was found cut before it.
    WasCut(i64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap(after, before) => write!(f, "records are missing between {after} and {before}"),
            Self::Broken(number) => write!(f, "record {number} does not follow the one before it"),
            Self::Unsigned(number) => write!(f, "record {number} was changed, or is not this node's"),
            Self::Unreadable(number) => write!(f, "record {number} cannot be read"),
            Self::Headless => write!(f, "the file that notes where the chain ends is missing"),
            Self::WasCut(number) => write!(
                f,
                "record {number} tells that the end before it was found missing"
            ),
            Self::Cut(number) => write!(
                f,
                "the end is missing, or was changed: it went on to record {number}"
            ),
        }
    }
}

/// A walk along a chain.
pub(super) struct Walk<'a> {
    key: &'a [u8],
    head: Option<End>,
    last: End,
    found: Verified,
    met_head: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(key: &'a [u8], head: Option<End>) -> Self {
        Self {
            key,
            met_head: head == Some(START),
            head,
            last: START,
            found: Verified::default(),
        }
    }

    /// Looks at the next record.
    pub(super) fn look(&mut self, number: i64, body: &str, signature: &[u8]) {
        self.found.records += 1;
        let digest = Digest::of(body);
        if number != self.last.number + 1 {
            self.fault(Fault::Gap(self.last.number, number));
        }
        if !is_signed(digest, signature, self.key) {
            self.fault(Fault::Unsigned(number));
        }
        match serde_json::from_str::<AuditRecord>(body) {
            Ok(record) if record.number != number => self.fault(Fault::Broken(number)),
            Ok(record) if record.before != self.last.digest.to_string() => self.fault(Fault::Broken(number)),
            Ok(record) if record.event == CUT => self.fault(Fault::WasCut(number)),
            Ok(_) => {}
            Err(_) => self.fault(Fault::Unreadable(number)),
        }
        self.last = End { number, digest };
        self.met_head |= self.head == Some(self.last);
    }

    fn fault(&mut self, fault: Fault) {
        self.found.fault_count += 1;
        if self.found.faults.len() < NAMED {
            self.found.faults.push(fault);
        }
    }

    /// What was found.
    pub(super) fn end(mut self) -> Verified {
        match self.head {
            None => self.fault(Fault::Headless),
            Some(head) if !self.met_head => self.fault(Fault::Cut(head.number)),
            Some(_) => {}
        }
        self.found
    }
}
