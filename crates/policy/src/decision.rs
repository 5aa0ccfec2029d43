//! The rules.

use std::collections::BTreeSet;

use perisai_model::{Organisation, Tlp};

use crate::{PolicyContext, Recipient, Terms};

/// Whether a recipient may have an object, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Release(Reason),
    /// It may not.
    Withhold(Refusal),
}

/// Why a recipient may have an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It is CLEAR.
    Open,
    /// The recipient is of our own organisation.
    Own,
    /// The recipient made it, or sent it to us.
    Theirs,
    /// The originator names the recipient.
    Named,
    /// It is GREEN, and the recipient of the community.
    Community,
    /// It is GREEN or AMBER, and the recipient one of our clients.
    Client,
    /// It is RED and names nobody, and the recipient is one of our people who take such.
    RedReader,
}

/// Why a recipient may not have an object. What the object is, it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// Its marking does not reach the recipient.
    #[error("TLP:{} does not reach the recipient", .0.as_str().to_uppercase())]
    Tlp(Tlp),
    /// It is for others.
    #[error("it is for others")]
    Audience,
    /// It names an object that the recipient may not know.
    #[error("it names what the recipient may not know")]
    Reference,
    /// It is held under no terms at all.
    #[error("nothing is known of how it may be shared")]
    NoTerms,
}

/// Decides on an object by its own terms, which come first, and those of all objects that it names. Whoever sent it knows
/// what it names: that they see it says nothing of what else is here.
#[must_use]
pub fn may_release(terms: &[Terms], recipient: &Recipient, context: &PolicyContext) -> Decision {
    let Some((own, named)) = terms.split_first() else {
        return Decision::Withhold(Refusal::NoTerms);
    };
    let decision = by_terms(own, recipient, context);
    let is_hidden = |terms| matches!(by_terms(terms, recipient, context), Decision::Withhold(_));
    match decision {
        Decision::Release(_) if own.came_from(recipient) => decision,
        Decision::Release(_) if named.iter().any(is_hidden) => Decision::Withhold(Refusal::Reference),
        decision => decision,
    }
}

fn by_terms(terms: &Terms, recipient: &Recipient, context: &PolicyContext) -> Decision {
    let tlp = terms.tlp.unwrap_or(context.default_tlp);
    let audience = terms.audience.as_ref();
    let is_named = audience.is_some_and(|audience| context.is_named(audience, recipient));
    if tlp == Tlp::Red {
        return red(terms, recipient, context);
    }
    if recipient.organisation == Some(context.own) {
        return Decision::Release(Reason::Own);
    }
    if recipient
        .organisation
        .is_some_and(|organisation| terms.origin.knew(organisation))
    {
        return Decision::Release(Reason::Theirs);
    }
    // An audience narrows every marking, CLEAR too.
    if audience.is_some() && !is_named {
        return Decision::Withhold(Refusal::Audience);
    }
    let is_in = |who: &BTreeSet<Organisation>| {
        recipient
            .organisation
            .is_some_and(|organisation| who.contains(&organisation))
    };
    match tlp {
        Tlp::Clear => Decision::Release(Reason::Open),
        _ if is_named => Decision::Release(Reason::Named),
        Tlp::Green if is_in(&context.community) => Decision::Release(Reason::Community),
        Tlp::Green | Tlp::Amber if is_in(&context.clients) => Decision::Release(Reason::Client),
        _ => Decision::Withhold(Refusal::Tlp(tlp)),
    }
}

/// RED is for persons by name, and for nobody else: not for a program, nor for all of an organisation.
fn red(terms: &Terms, recipient: &Recipient, context: &PolicyContext) -> Decision {
    let Some(person) = recipient.person else {
        return Decision::Withhold(Refusal::Tlp(Tlp::Red));
    };
    let persons = terms.audience.as_ref().map(|audience| &audience.persons);
    match persons.filter(|persons| !persons.is_empty()) {
        Some(persons) if persons.contains(&person) => Decision::Release(Reason::Named),
        None if recipient.organisation == Some(context.own) && context.red_readers.contains(&person) => {
            Decision::Release(Reason::RedReader)
        }
        _ => Decision::Withhold(Refusal::Tlp(Tlp::Red)),
    }
}
