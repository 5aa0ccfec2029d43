//! What an object's release depends on.

use perisai_model::{Audience, Organisation, Tlp};

use crate::Recipient;

/// Under what an object is held. Few objects have terms of their own: those of one feed mostly share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Terms {
    /// The strictest of its TLP markings, granular ones included; `None` where it has none.
    pub tlp: Option<Tlp>,
    /// Whose it is.
    pub origin: Origin,
    /// For whom its originator meant it; `None` where nobody is named.
    pub audience: Option<Audience>,
}

impl Terms {
    /// Whether the recipient sent it to us.
    #[must_use]
    pub fn came_from(&self, recipient: &Recipient) -> bool {
        match self.origin {
            Origin::Received { from, .. } => from.is_some() && from == recipient.organisation,
            Origin::Own => false,
        }
    }
}

/// Whose an object is, and from whom it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// Made here.
    Own,
    /// Made elsewhere.
    Received {
        /// Who made it, where that is known.
        originator: Option<Organisation>,
        /// Whom it came from.
        from: Option<Organisation>,
    },
}

impl Origin {
    /// Whether an organisation is one that had it before us.
    pub(crate) fn knew(&self, organisation: Organisation) -> bool {
        match self {
            Self::Own => false,
            Self::Received { originator, from } => [originator, from].contains(&&Some(organisation)),
        }
    }
}
