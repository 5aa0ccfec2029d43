//! Who takes part: organisations, their people, and the groups in which they share.

use std::collections::BTreeSet;

use uuid::Uuid;

/// An organisation: the UUID of its STIX identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Organisation(pub Uuid);

/// A person: the UUID of its STIX identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person(pub Uuid);

/// A group of organisations that share with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SharingGroup(pub Uuid);

/// For whom something is: whoever is named in any of the three ways.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Audience {
    /// Organisations, with all their people.
    pub organisations: BTreeSet<Organisation>,
    /// The members of sharing groups.
    pub groups: BTreeSet<SharingGroup>,
    /// Persons.
    pub persons: BTreeSet<Person>,
}
