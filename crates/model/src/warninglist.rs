//! MISP warninglists as data; `intel` reads them, `detect` applies them.

use crate::Place;

/// One list of values that are known to be harmless, or known for what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warninglist {
    /// The list's name, as people know it.
    pub name: String,
    /// Where it stands, for messages.
    pub place: Place,
    /// What a match means.
    pub category: WarninglistCategory,
    /// How the entries are compared.
    pub kind: WarninglistType,
    /// The MISP attribute types that the list applies to (`domain`, `ip-dst`, `domain|ip`, …); empty: all.
    pub matching_attributes: Vec<String>,
    /// The entries as they came.
    pub entries: Vec<String>,
}

/// What a match on a warninglist means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarninglistCategory {
    /// Listed values are false positives as indicators: a finding is suppressed.
    FalsePositive,
    /// Listed values are known infrastructure (clouds, scanners, sinkholes): a finding is annotated and lowered.
    Known,
}

/// How a warninglist's entries are compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarninglistType {
    /// Equal.
    String,
    /// The same, of a list of much visited sites: anybody may have a name below such a site, so that no list of false
    /// positives speaks of the names below it.
    Site,
    /// Contained in the value.
    Substring,
    /// The host or a parent domain of it.
    Hostname,
    /// A net that holds the address.
    Cidr,
    /// A regular expression (PCRE with delimiters, or bare).
    Regex,
}
