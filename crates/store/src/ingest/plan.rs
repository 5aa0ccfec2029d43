//! Whose it is (design.md, invariant 3): what becomes of each object of a delivery, by what is stored already. Decided
//! without a database.

use std::collections::HashMap;

use perisai_model::Organisation;

use crate::hash;
use crate::incoming::{Incoming, Outcome};
use crate::known::{KnownById, Standing};

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The number of the source.
    pub(crate) source: i64,
    /// Whose node it is.
    pub(crate) organisation: Option<Organisation>,
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
    originator: Option<Organisation>,
    standing: Standing,
    digest: i64,
}

/// Decides on a delivery. `originator` says who made a stored version, where that is known, and `next` is the number of
/// the first object that is stored.
pub(crate) fn plan(
    incoming: &[Incoming],
    sender: Sender,
    known: &KnownById,
    originator: impl Fn(&crate::known::Known) -> Option<Organisation>,
    next: i64,
) -> Vec<Fate> {
    let mut ids: HashMap<&str, Vec<Version>> = HashMap::new();
    let mut next = next;
    let mut fates = Vec::with_capacity(incoming.len());
    for object in incoming {
        // Only whose it is may tell that something is deleted.
        let may_tell = object.buries.as_deref().is_none_or(|buried| {
            let here = ids.get(buried).into_iter().flatten();
            let mut here = here.map(|one| (one.standing, one.source, one.originator));
            let stored = known.get(&hash::of_id(buried)).into_iter().flatten();
            let mut stored = stored
                .filter(|one| one.id == buried)
                .map(|one| (one.standing, one.source, originator(one)));
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
                originator: originator(one),
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
                originator: object.creator,
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
    // What was kept apart or recalled gives no right to the id.
    let gives_right = |one: &&Version| !matches!(one.standing, Standing::Apart | Standing::Recalled);
    let Some(first) = versions.iter().find(gives_right) else {
        return store(Standing::InForce, None);
    };
    let is_owner = is_owner(first.source, first.originator, sender);
    let mut same = versions.iter().filter(|one| one.version == object.version);
    if let Some(same) = same.clone().find(|one| one.standing == Standing::InForce) {
        return match (same.digest == object.digest, same.source == sender.source) {
            (true, true) => Fate::Known { of: Some(same.seq) },
            (true, false) => Fate::Copy { of: same.seq },
            (false, _) if is_owner => store(Standing::InForce, Some(same.seq)),
            // An observable is nobody's: a fact that others put into other words.
            (false, _) if object.version.is_none() => Fate::Copy { of: same.seq },
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
