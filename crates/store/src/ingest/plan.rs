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
    /// Our own people brought it.
    pub(crate) is_ours: bool,
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
        replaces: Vec<i64>,
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
        // Only who made something or sent it, too, may tell that it is deleted.
        let may_tell = object.buries.as_deref().is_none_or(|buried| {
            let here = ids.get(buried).into_iter().flatten();
            let mut here = here.map(|one| (one.standing, one.facts));
            let stored = known.get(&hash::of_id(buried)).into_iter().flatten();
            let stored = stored.filter(|one| one.id == buried);
            let mut stored = stored.map(|one| (one.standing, facts(one)));
            let theirs = |(standing, facts): (Standing, Facts)| {
                !matches!(standing, Standing::Apart | Standing::Recalled)
                    && (sender.is_with(&facts) || sender.made(facts.originator))
            };
            stored.any(theirs) || here.any(theirs)
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
        } = &fate
        {
            next += 1;
            for old in versions.iter_mut().filter(|old| replaces.contains(&old.seq)) {
                old.standing = Standing::Replaced;
            }
            versions.push(Version {
                seq: *seq,
                version: object.version,
                source: sender.source,
                facts: Facts {
                    originator: object.creator,
                    side: sender.side,
                    is_ours: sender.is_ours,
                    is_open: false,
                },
                standing: *standing,
                digest: object.digest,
            });
        }
        fates.push(fate);
    }
    fates
}

fn decide(object: &Incoming, sender: Sender, versions: &[Version], seq: i64) -> Fate {
    let store = |replaces| Fate::Store {
        seq,
        standing: Standing::InForce,
        replaces,
    };
    if object.version.is_none() {
        return observable(object, sender, versions, seq);
    }
    let owns = owns(object, sender, versions);
    let same = versions.iter().filter(|one| one.version == object.version);
    let in_force: Vec<_> = same
        .clone()
        .filter(|one| one.standing == Standing::InForce)
        .collect();
    let mut equal = in_force
        .iter()
        .filter(|one| one.digest == object.digest)
        .peekable();
    if equal.peek().is_some() {
        return here(equal.copied(), sender).unwrap_or_else(|| store(Vec::new()));
    }
    if !in_force.is_empty() {
        // Who made it says what it is; who only sent it, what they sent.
        let goes = |one: &&&Version| owns == Some(Right::Made) || sender.is_with(&one.facts);
        let replaces: Vec<_> = in_force.iter().filter(goes).map(|one| one.seq).collect();
        return match owns {
            Some(_) if !replaces.is_empty() => store(replaces),
            _ => apart(object, sender, versions, seq),
        };
    }
    // What its maker deleted, or who runs the node, does not come back by another's late copy.
    let is_late = |one: &Version| {
        let is_others = !sender.is_ours && !sender.is_with(&one.facts) && !sender.made(one.facts.originator);
        one.standing == Standing::Deleted && one.digest == object.digest && is_others
    };
    match owns {
        _ if same.clone().any(is_late) => Fate::Known { of: None },
        Some(_) => store(Vec::new()),
        None => apart(object, sender, versions, seq),
    }
}

/// Why an id is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// They made the object.
    Made,
    /// It came from them first.
    Sent,
}

/// Whether an id is the sender's.
fn owns(object: &Incoming, sender: Sender, versions: &[Version]) -> Option<Right> {
    // That something of theirs is deleted we say for them.
    let speaks_for_us = object.creator == Some(sender.own) && !sender.is_ours && object.buries.is_none();
    if speaks_for_us {
        return None;
    }
    // What was kept apart, recalled or taken back gives no right to the id; what its maker deleted only over what claims to
    // be made by the same.
    let mut rightful = versions.iter().filter(|one| match one.standing {
        Standing::InForce | Standing::Replaced => true,
        Standing::Deleted => one.facts.originator.is_some() && one.facts.originator == object.creator,
        Standing::Apart | Standing::Recalled | Standing::Withdrawn => false,
    });
    let Some(first) = rightful.next() else {
        return Some(Right::Made);
    };
    match () {
        () if sender.made(first.facts.originator) || is_themselves(object, sender) => Some(Right::Made),
        () if first.source == sender.source => Some(Right::Sent),
        () => None,
    }
}

/// Of what is here in the same words: what the sender, or somebody of theirs, brought; else what all may have. Whoever else
/// brings it has it under their own terms, and so learns nothing of another's.
fn here<'a>(equal: impl Iterator<Item = &'a Version> + Clone, sender: Sender) -> Option<Fate> {
    let theirs = |one: &&Version| sender.is_with(&one.facts);
    let same = equal.clone().find(|one| one.source == sender.source);
    if let Some(same) = same {
        return Some(Fate::Known { of: Some(same.seq) });
    }
    let first = equal
        .clone()
        .find(theirs)
        .or_else(|| equal.clone().find(|one| one.facts.is_open));
    first.map(|first| Fate::Copy { of: first.seq })
}

/// An observable is a fact and nobody's: each side has its own, under its own terms, so that none tells anything of
/// another's. One that is open to all serves all.
fn observable(object: &Incoming, sender: Sender, versions: &[Version], seq: i64) -> Fate {
    let in_force = versions.iter().filter(|one| one.standing == Standing::InForce);
    let theirs = in_force.clone().find(|one| one.facts.side == sender.side);
    let equal = in_force.filter(|one| one.digest == object.digest);
    let store = |replaces| Fate::Store {
        seq,
        standing: Standing::InForce,
        replaces,
    };
    match theirs {
        Some(theirs) if theirs.digest != object.digest => store(vec![theirs.seq]),
        _ => here(equal, sender).unwrap_or_else(|| store(Vec::new())),
    }
}

impl Sender {
    /// Whether they brought a stored version.
    pub(super) fn is_with(&self, facts: &Facts) -> bool {
        facts.side == self.side || self.is_ours && facts.is_ours
    }

    /// Whether they are who made something.
    pub(super) fn made(&self, originator: Option<Organisation>) -> bool {
        self.organisation.is_some() && originator == self.organisation
    }
}

/// Whether it is the identity of who sends it: nobody else knows better who they are.
pub(super) fn is_themselves(object: &Incoming, sender: Sender) -> bool {
    sender.organisation.is_some() && organisation_of(&object.id) == sender.organisation
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
        replaces: Vec::new(),
    }
}
