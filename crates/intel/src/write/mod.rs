//! The other direction: what Perisai knows as STIX 2.1 objects, as the bytes that leave. Indicators of plain values and
//! rules, identities, sightings, and the ids of observables.
//!
//! Ids follow from the content, so that the same thing told twice is one object. What is written is read back by
//! [`Object::parse`](crate::Object::parse) and by a hunt as the same kinds and values. Nothing here decides what may
//! leave; names of local files never do.

mod identity;
mod indicator;
mod json;
mod pattern;
mod sco;
mod sighting;
mod tombstone;

use perisai_model::{Timestamp, Tlp};

pub use self::identity::{Identity, identity, identity_id};
pub use self::indicator::{indicator, indicator_id, rule, rule_id};
pub use self::pattern::pattern;
pub use self::sco::{sco_id, user_account_id};
pub use self::sighting::{Sighting, sighting, sighting_id};
pub use self::tombstone::{TOMBSTONE, TOMBSTONE_EXTENSION, Tombstone, tombstone, tombstone_extension};

/// Who writes an object, and when it was made and last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maker<'a> {
    /// The id of the identity that made it: `created_by_ref`. Ids of what different makers write differ.
    pub identity: Option<&'a str>,
    /// From where the maker has it, where that matters: ids of what is from different sources differ, too.
    pub source: Option<&'a str>,
    /// When its first version was made.
    pub created: Timestamp,
    /// When this version was made; `created` where that is later.
    pub modified: Timestamp,
}

/// Why something cannot be written as STIX.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The value is none of its kind, or not in its canonical form.
    #[error("not a canonical value of the kind {0}")]
    Value(perisai_model::Kind),
    /// An id of another object is none.
    #[error("{0}: not an id of the form type--uuid")]
    Id(&'static str),
    /// A rule that is empty, or holds what no text may.
    #[error("a rule without a text")]
    Rule,
    /// A rule so long that no reader would take the object.
    #[error("a rule of more than {0} bytes")]
    TooLong(usize),
    /// A name is empty.
    #[error("no name")]
    Name,
}

/// The marking definitions that stand for a label.
fn marking_refs(tlp: Option<Tlp>) -> impl Iterator<Item = &'static str> {
    tlp.map(Tlp::stix_id).into_iter()
}

fn checked<'a>(id: Option<&'a str>, property: &'static str) -> Result<Option<&'a str>, WriteError> {
    match id {
        Some(id) if !crate::is_id(id) => Err(WriteError::Id(property)),
        id => Ok(id),
    }
}
