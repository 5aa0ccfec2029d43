//! Under which terms what came is held, and which collections it enters.

use std::collections::{BTreeSet, HashMap};

use perisai_model::{Audience, Organisation, Tlp};
use perisai_policy::{Origin, Terms};

use super::Read;
use super::plan::Fate;
use crate::classes::{ClassId, Classes, LaneId, TermsId};
use crate::closure::{Node, closure};
use crate::collection::Candidate;
use crate::incoming::Incoming;
use crate::known::{Known, KnownById, Standing};
use crate::shared::Shared;
use crate::side::{Said, Side};
use crate::source::SourceKind;

/// Who made a stored version, where that is known.
pub(crate) fn originator(classes: &Classes, known: &Known) -> Option<Organisation> {
    match own_of_lane(classes, known.lane)?.origin {
        Origin::Received { originator, .. } => originator,
        Origin::Own => None,
    }
}

/// The strictest of an object's own markings, by what each means. One of which nobody says anything may mean anything, so
/// RED.
pub(super) fn marked(
    fixed: Option<Tlp>,
    markings: &[String],
    meaning: impl Fn(&str) -> Option<Option<Tlp>>,
) -> Option<Tlp> {
    markings.iter().fold(fixed, |strictest, id| {
        Tlp::stricter(strictest, meaning(id).unwrap_or(Some(Tlp::Red)))
    })
}

/// What the marking definitions of a delivery say.
pub(super) fn said(read: &Read) -> Said<'_> {
    let all = read.objects.iter();
    let definitions = all.filter_map(|object| Some((&*object.id, object.definition?.tlp)));
    Said {
        side: read.side,
        definitions: definitions.collect(),
    }
}

/// The own terms of an object that came, by what its markings mean to a side.
pub(super) fn own(
    shared: &mut Shared,
    object: &Incoming,
    read: &Read,
    said: &Said<'_>,
    side: Side,
) -> TermsId {
    let meaning = |id: &str| said.meaning(&shared.meanings, id, side);
    let marked = marked(object.tlp, &object.markings, meaning);
    let origin = if read.source.kind == SourceKind::Own {
        Origin::Own
    } else {
        Origin::Received {
            originator: object
                .creator
                .filter(|creator| shared.organisations.contains(creator)),
            from: read.source.owner(),
        }
    };
    shared.classes.terms_id(Terms {
        tlp: marked.or(held(read)),
        origin,
        audience: read.delivery.audience.clone(),
    })
}

/// The own terms of what is kept beside the same in the same words of others: a copy loosens nothing that was said of these
/// beside their bytes. Who made it is free to.
fn beside(shared: &mut Shared, own: TermsId, object: &Incoming, read: &Read, known: &KnownById) -> TermsId {
    let owner = read.source.owner();
    let stored = known.get(&object.hash).into_iter().flatten();
    let others: Vec<_> = stored.filter(|one| one.is_same(object)).collect();
    let is_makers = others
        .iter()
        .any(|one| owner.is_some() && originator(&shared.classes, one) == owner);
    if object.version.is_none() || is_makers {
        return own;
    }
    let is_unmarked = object.tlp.is_none() && object.markings.is_empty();
    let default = shared.context.default_tlp;
    let mut terms = shared.classes.terms(own).clone();
    for other in others {
        let Some(theirs) = own_of_lane(&shared.classes, other.lane) else {
            continue;
        };
        let said = theirs
            .tlp
            .filter(|tlp| is_unmarked && *tlp > terms.tlp.unwrap_or(default));
        let is_narrow = theirs.audience.is_some() && !read.is_ours;
        // They read what they sent, as ever; nobody else does.
        let is_red = said == Some(Tlp::Red) && !read.is_ours;
        terms.tlp = if is_red {
            Some(Tlp::AmberStrict)
        } else {
            said.or(terms.tlp)
        };
        if is_narrow || is_red {
            terms.audience = Some(Audience {
                organisations: owner.into_iter().collect(),
                ..Audience::default()
            });
        }
    }
    shared.classes.terms_id(terms)
}

/// The own terms of what is of a lane.
fn own_of_lane(classes: &Classes, lane: LaneId) -> Option<&Terms> {
    let lane = classes.lane(lane)?;
    let own = classes.class(lane.class).first()?;
    Some(classes.terms(*own))
}

/// How an object of a delivery is held that has no marking of its own.
pub(super) fn held(read: &Read) -> Option<Tlp> {
    read.delivery.tlp.or(read.source.tlp)
}

/// The class of each object of a delivery that is stored anew; of the others any.
pub(super) fn classes(shared: &mut Shared, read: &Read, fates: &[Fate], known: &KnownById) -> Vec<ClassId> {
    let said = said(read);
    let mut own = Vec::with_capacity(read.objects.len());
    for object in &read.objects {
        let said = self::own(shared, object, read, &said, read.side);
        own.push(beside(shared, said, object, read, known));
    }
    let mut places: HashMap<i64, Vec<usize>> = HashMap::new();
    for (at, fate) in fates.iter().enumerate() {
        // What was kept apart counts for what came with it.
        if matches!(fate, Fate::Store { .. }) {
            places.entry(read.objects[at].hash).or_default().push(at);
        }
    }
    let namer = Namer {
        side: read.side,
        is_ours: read.is_ours,
        seq: i64::MAX,
    };
    let node = |(at, object): (usize, &Incoming)| {
        let mut node = Node {
            own_when_named: binds_when_named(&object.kind, shared.classes.terms(own[at])).then_some(own[at]),
            outside: BTreeSet::new(),
            inside: Vec::new(),
        };
        for name in &object.names {
            match places.get(name) {
                Some(all) => node.inside.extend(all),
                None => {
                    let bound = bound(shared, &namer, known.get(name));
                    node.outside.extend(
                        bound
                            .map(|one| of_lane(&shared.classes, one.lane))
                            .into_iter()
                            .flatten(),
                    );
                }
            }
        }
        node
    };
    let nodes: Vec<_> = read.objects.iter().enumerate().map(node).collect();
    let named = closure(&nodes);
    let all = own.iter().zip(&named);
    all.map(|(own, named)| shared.classes.class_id(*own, named))
        .collect()
}

/// Whether an object's own terms bind what names it. Who made something and how it is marked are covered by the marking
/// of what they are said of, unless they have one themselves.
pub(super) fn binds_when_named(kind: &str, terms: &Terms) -> bool {
    let is_label = matches!(kind, "identity" | "marking-definition" | "extension-definition");
    !is_label || terms.tlp.is_some() || terms.audience.is_some()
}

/// Who names an id.
pub(super) struct Namer {
    pub(super) side: Side,
    /// Our own people brought it.
    pub(super) is_ours: bool,
    pub(super) seq: i64,
}

/// The stored version of an id that counts for what names it, where one does.
///
/// What the same side sent counts first, even where it was kept apart as another's. What others sent counts if it was here
/// before: else anybody could hide what is out already by sending what it names. An observable of others counts only for
/// what our own people brought, and not where one of them is open to all: its id can be computed from its value, so that
/// whoever may send could try who has it.
pub(super) fn bound<'a>(shared: &Shared, namer: &Namer, known: Option<&'a Vec<Known>>) -> Option<&'a Known> {
    let all = known.into_iter().flatten();
    let newest = |one: &&Known| (one.version, one.seq);
    let same = all
        .clone()
        .filter(|one| one.standing != Standing::Replaced && shared.side(one.source) == namer.side);
    if let Some(found) = same.max_by_key(newest) {
        return Some(found);
    }
    let counts = |one: &&Known| {
        matches!(
            one.standing,
            Standing::InForce | Standing::Deleted | Standing::Withdrawn
        ) && one.seq < namer.seq
            && (one.version.is_some() || namer.is_ours)
    };
    let others = all.filter(counts);
    let is_open = |one: &Known| one.version.is_none() && is_open(&shared.classes, one.lane);
    match others.clone().any(is_open) {
        true => None,
        false => others.max_by_key(newest),
    }
}

/// Whether all may have what is of a lane.
pub(super) fn is_open(classes: &Classes, lane: LaneId) -> bool {
    let Some(lane) = classes.lane(lane) else {
        return false;
    };
    let mut all = classes.class(lane.class).iter().map(|id| classes.terms(*id));
    all.all(|terms| terms.tlp == Some(Tlp::Clear) && terms.audience.is_none())
}

/// What an object of a lane adds to the class of what names it.
pub(super) fn of_lane(classes: &Classes, lane: LaneId) -> BTreeSet<TermsId> {
    let Some(lane) = classes.lane(lane) else {
        return BTreeSet::new();
    };
    let Some((own, named)) = classes.class(lane.class).split_first() else {
        return BTreeSet::new();
    };
    let mut all: BTreeSet<_> = named.iter().copied().collect();
    if binds_when_named(&lane.kind, classes.terms(*own)) {
        all.insert(*own);
    }
    all
}

/// The numbers of the collections that an object enters.
pub(super) fn collections(shared: &Shared, read: &Read, object: &Incoming, lane: LaneId) -> Vec<i64> {
    let classes = &shared.classes;
    let class = classes.lane(lane).map(|lane| classes.class(lane.class));
    let Some(own) = class.and_then(|class| class.first()) else {
        return Vec::new();
    };
    let candidate = Candidate {
        kind: &object.kind,
        labels: &object.labels,
        source: &read.source.name,
        terms: classes.terms(*own),
        default_tlp: shared.context.default_tlp,
    };
    let enters = |collection: &&std::sync::Arc<crate::Collection>| {
        let by_query = collection
            .query
            .as_ref()
            .is_some_and(|query| query.matches(&candidate));
        by_query || read.delivery.collection == Some(collection.number)
    };
    let all = shared.collections.iter().filter(enters);
    all.map(|collection| collection.number).collect()
}
