//! Whose it is (design.md, invariant 3): what becomes of each object of a delivery, by what is stored already. Decided
//! without a database.

use std::collections::HashMap;

use perisai_model::Organisation;

use crate::hash;
use crate::incoming::{Incoming, Outcome, organisation_of};
use crate::known::{Known, KnownById, Standing};
use crate::side::Side;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The number of the source.
    pub(crate) source: i64,
    /// Whose node it is.
    pub(crate) organisation: Option<Organisation>,
    pub(crate) side: Side,
    /// Our own organisation.
    pub(crate) own: Organisation,
    /// Our own people brought it.
    pub(crate) is_ours: bool,
}

/// What there is to know of a stored version beside its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Who made it, where that is known.
    pub(crate) originator: Option<Organisation>,
    /// Who brought it.
    pub(crate) side: Side,
    /// All may have it.
    pub(crate) is_open: bool,
}

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is stored under a number of its own. `replaces` is what it stands for from now on.
    Store {
        seq: i64,
        standing: Standing,
        replaces: Option<i64>,
    },
    /// It is a copy of what another brought first.
    Copy { of: i64 },
    /// It is here; `of` where it is in force.
    Known { of: Option<i64> },
    /// It is here, apart.
    KnownApart,
}

impl Fate {
    /// What was here already and is in force.
    pub(crate) const fn known(&self) -> Option<i64> {
        match self {
            Self::Copy { of } => Some(*of),
            Self::Known { of } => *of,
            Self::Store { .. } | Self::KnownApart => None,
        }
    }

    /// What the sender is told.
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Store { standing, .. } => match standing {
                Standing::Apart => Outcome::Apart,
                _ => Outcome::Stored,
            },
            Self::Copy { .. } | Self::Known { .. } => Outcome::Known,
            Self::KnownApart => Outcome::Apart,
        }
    }
}

/// One version of an id, stored or about to be.
#[derive(Debug, Clone)]
struct Version {
    seq: i64,
    version: Option<i64>,
    source: i64,
    facts: Facts,
    standing: Standing,
    digest: i64,
}

/// Decides on a delivery. `facts` tells of a stored version, and `next` is the number of the first object that is stored.
pub(crate) fn plan(
    incoming: &[Incoming],
    sender: Sender,
    known: &KnownById,
    facts: impl Fn(&Known) -> Facts,
    next: i64,
) -> Vec<Fate> {
    let mut ids: HashMap<&str, Vec<Version>> = HashMap::new();
    let mut next = next;
    let mut fates = Vec::with_capacity(incoming.len());
    for object in incoming {
        // Only whose it is may tell that something is deleted.
        let may_tell = object.buries.as_deref().is_none_or(|buried| {
            let here = ids.get(buried).into_iter().flatten();
            let mut here = here.map(|one| (one.standing, one.source, one.facts.originator));
            let stored = known.get(&hash::of_id(buried)).into_iter().flatten();
            let mut stored = stored
                .filter(|one| one.id == buried)
                .map(|one| (one.standing, one.source, facts(one).originator));
            let counts = |one: &(Standing, _, _)| one.0 != Standing::Apart;
            let first = stored.find(counts).or_else(|| here.find(counts));
            first.is_some_and(|(_, source, originator)| is_owner(source, originator, sender))
        });
        let versions = ids.entry(&object.id).or_insert_with(|| {
            let stored = known.get(&object.hash).into_iter().flatten();
            let same = stored.filter(|one| one.id == object.id);
            same.map(|one| Version {
                seq: one.seq,
                version: one.version,
                source: one.source,
                facts: facts(one),
                standing: one.standing,
                digest: one.digest,
            })
            .collect()
        });
        let fate = if may_tell {
            decide(object, sender, versions, next)
        } else {
            apart(object, sender, versions, next)
        };
        if let Fate::Store {
            seq,
            standing,
            replaces,
        } = fate
        {
            next += 1;
            for old in versions.iter_mut().filter(|old| Some(old.seq) == replaces) {
                old.standing = Standing::Replaced;
            }
            versions.push(Version {
                seq,
                version: object.version,
                source: sender.source,
                facts: Facts {
                    originator: object.creator,
                    side: sender.side,
                    is_open: false,
                },
                standing,
                digest: object.digest,
            });
        }
        fates.push(fate);
    }
    fates
}

fn decide(object: &Incoming, sender: Sender, versions: &[Version], seq: i64) -> Fate {
    let store = |standing, replaces| Fate::Store {
        seq,
        standing,
        replaces,
    };
    if object.version.is_none() {
        return observable(object, sender, versions, seq);
    }
    // That something of theirs is deleted we say for them.
    let speaks_for_us = object.creator == Some(sender.own) && !sender.is_ours && object.buries.is_none();
    // What was kept apart or recalled gives no right to the id.
    let gives_right = |one: &&Version| !matches!(one.standing, Standing::Apart | Standing::Recalled);
    let first = versions.iter().find(gives_right);
    let is_owner = match first {
        _ if speaks_for_us => false,
        Some(first) => {
            is_owner(first.source, first.facts.originator, sender) || is_themselves(object, sender)
        }
        None => true,
    };
    let mut same = versions.iter().filter(|one| one.version == object.version);
    if let Some(same) = same.clone().find(|one| one.standing == Standing::InForce) {
        return match (same.digest == object.digest, same.source == sender.source) {
            (true, true) => Fate::Known { of: Some(same.seq) },
            (true, false) => Fate::Copy { of: same.seq },
            (false, _) if is_owner => store(Standing::InForce, Some(same.seq)),
            (false, _) => apart(object, sender, versions, seq),
        };
    }
    // What its owner deleted does not come back by another's late copy.
    if !is_owner && same.any(|one| matches!(one.standing, Standing::Deleted)) {
        return Fate::Known { of: None };
    }
    if is_owner {
        store(Standing::InForce, None)
    } else {
        apart(object, sender, versions, seq)
    }
}

/// An observable is a fact and nobody's: each side has its own, under its own terms, so that none tells anything of
/// another's. One that is open to all serves all.
fn observable(object: &Incoming, sender: Sender, versions: &[Version], seq: i64) -> Fate {
    let mut in_force = versions.iter().filter(|one| one.standing == Standing::InForce);
    let theirs = in_force.clone().find(|one| one.facts.side == sender.side);
    let store = |replaces| Fate::Store {
        seq,
        standing: Standing::InForce,
        replaces,
    };
    if let Some(theirs) = theirs {
        return match (theirs.digest == object.digest, theirs.source == sender.source) {
            (true, true) => Fate::Known { of: Some(theirs.seq) },
            (true, false) => Fate::Copy { of: theirs.seq },
            (false, _) => store(Some(theirs.seq)),
        };
    }
    let open = in_force.find(|one| one.facts.is_open && one.digest == object.digest);
    open.map_or_else(|| store(None), |open| Fate::Copy { of: open.seq })
}

/// Whether it is the identity of who sends it: nobody else knows better who they are.
pub(super) fn is_themselves(object: &Incoming, sender: Sender) -> bool {
    sender.organisation.is_some() && organisation_of(&object.id) == sender.organisation
}

/// Whether what came first from a source, made by somebody, is the sender's.
fn is_owner(source: i64, originator: Option<Organisation>, sender: Sender) -> bool {
    source == sender.source || sender.organisation.is_some() && originator == sender.organisation
}

/// Kept apart, once.
fn apart(object: &Incoming, sender: Sender, versions: &[Version], seq: i64) -> Fate {
    let is_here = versions.iter().any(|one| {
        one.standing == Standing::Apart && one.source == sender.source && one.digest == object.digest
    });
    if is_here {
        return Fate::KnownApart;
    }
    Fate::Store {
        seq,
        standing: Standing::Apart,
        replaces: None,
    }
}
