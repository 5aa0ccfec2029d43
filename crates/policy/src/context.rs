//! Who is who.

use std::collections::{BTreeMap, BTreeSet};

use perisai_model::{Audience, Organisation, Person, SharingGroup, Tlp};

/// Who asks for an object, or would be sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Recipient {
    /// The organisation; `None` for anybody at all.
    pub organisation: Option<Organisation>,
    /// The person of that organisation, where one is known: a program or a node is none.
    pub person: Option<Person>,
}

impl Recipient {
    /// Anybody: nothing is known of who reads it.
    pub const ANYBODY: Self = Self {
        organisation: None,
        person: None,
    };

    /// An organisation, as its node.
    #[must_use]
    pub const fn organisation(organisation: Organisation) -> Self {
        Self {
            organisation: Some(organisation),
            person: None,
        }
    }

    /// A person of an organisation.
    #[must_use]
    pub const fn person(organisation: Organisation, person: Person) -> Self {
        Self {
            organisation: Some(organisation),
            person: Some(person),
        }
    }
}

/// What a node knows of itself and others, as far as release depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyContext {
    /// Whose node this is.
    pub own: Organisation,
    /// Those whom we serve, and may warn under AMBER (a CERT's constituents).
    pub clients: BTreeSet<Organisation>,
    /// Those with whom GREEN is shared.
    pub community: BTreeSet<Organisation>,
    /// The members of each sharing group.
    pub groups: BTreeMap<SharingGroup, BTreeSet<Organisation>>,
    /// Our people who take RED that names nobody: what reaches a node has no person's name on it.
    pub red_readers: BTreeSet<Person>,
    /// How an object without a TLP marking is held.
    pub default_tlp: Tlp,
}

impl PolicyContext {
    /// A node that knows nobody, and holds what has no marking as AMBER+STRICT.
    #[must_use]
    pub fn new(own: Organisation) -> Self {
        Self {
            own,
            clients: BTreeSet::new(),
            community: BTreeSet::new(),
            groups: BTreeMap::new(),
            red_readers: BTreeSet::new(),
            default_tlp: Tlp::AmberStrict,
        }
    }

    /// Whether an audience names the recipient: its organisation, a group of that, or the person.
    pub(crate) fn is_named(&self, audience: &Audience, recipient: &Recipient) -> bool {
        let by_person = recipient
            .person
            .is_some_and(|person| audience.persons.contains(&person));
        let by_organisation = recipient.organisation.is_some_and(|organisation| {
            let in_group = |group| {
                self.groups
                    .get(group)
                    .is_some_and(|members| members.contains(&organisation))
            };
            audience.organisations.contains(&organisation) || audience.groups.iter().any(in_group)
        });
        by_person || by_organisation
    }
}
