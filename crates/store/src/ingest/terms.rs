//! Under which terms what came is held, and which collections it enters.

use std::collections::{BTreeSet, HashMap};

use perisai_model::{Organisation, Tlp};
use perisai_policy::{Origin, Terms};

use super::Read;
use super::plan::Fate;
use crate::classes::{ClassId, Classes, LaneId, TermsId};
use crate::closure::{Node, closure};
use crate::collection::Candidate;
use crate::incoming::Incoming;
use crate::known::{Known, KnownById, Standing};
use crate::shared::Shared;
use crate::source::SourceKind;

/// Who made a stored version, where that is known.
pub(crate) fn originator(classes: &Classes, known: &Known) -> Option<Organisation> {
    let lane = classes.lane(known.lane)?;
    let own = classes.class(lane.class).first()?;
    match classes.terms(*own).origin {
        Origin::Received { originator, .. } => originator,
        Origin::Own => None,
    }
}

/// What the marking definitions that count of a delivery say of TLP, by id.
pub(super) type Definitions<'a> = HashMap<&'a str, Option<Tlp>>;

/// The strictest of an object's own markings. What came now (`here`) says it anew. A marking that nobody has defined may
/// mean anything, so RED.
pub(super) fn marked(
    fixed: Option<Tlp>,
    markings: &[String],
    definitions: &HashMap<String, Option<Tlp>>,
    here: &Definitions<'_>,
) -> Option<Tlp> {
    markings.iter().fold(fixed, |strictest, id| {
        let defined = here.get(&**id).or_else(|| definitions.get(id));
        Tlp::stricter(strictest, *defined.unwrap_or(&Some(Tlp::Red)))
    })
}

/// The marking definitions of a delivery that count.
pub(super) fn definitions<'a>(read: &'a Read, fates: &[Fate]) -> Definitions<'a> {
    let stored = read.objects.iter().zip(fates);
    let in_force = stored.filter(|(_, fate)| is_in_force(fate));
    in_force
        .filter_map(|(object, _)| Some((&*object.id, object.definition?.tlp)))
        .collect()
}

fn is_in_force(fate: &Fate) -> bool {
    matches!(
        fate,
        Fate::Store {
            standing: Standing::InForce,
            ..
        }
    )
}

/// The own terms of an object that came.
pub(super) fn own(shared: &mut Shared, object: &Incoming, read: &Read, here: &Definitions<'_>) -> TermsId {
    let marked = marked(object.tlp, &object.markings, &shared.definitions, here);
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

/// How an object of a delivery is held that has no marking of its own.
pub(super) fn held(read: &Read) -> Option<Tlp> {
    read.delivery.tlp.or(read.source.tlp)
}

/// The class of each object of a delivery that is stored anew; of the others any.
pub(super) fn classes(shared: &mut Shared, read: &Read, fates: &[Fate], known: &KnownById) -> Vec<ClassId> {
    let here = definitions(read, fates);
    let own: Vec<_> = read
        .objects
        .iter()
        .map(|object| self::own(shared, object, read, &here))
        .collect();
    let mut places: HashMap<i64, Vec<usize>> = HashMap::new();
    for (at, fate) in fates.iter().enumerate() {
        if is_in_force(fate) {
            places.entry(read.objects[at].hash).or_default().push(at);
        }
    }
    let node = |(at, object): (usize, &Incoming)| {
        let mut node = Node {
            own_when_named: binds_when_named(&object.kind, shared.classes.terms(own[at])).then_some(own[at]),
            outside: BTreeSet::new(),
            inside: Vec::new(),
        };
        for name in &object.names {
            match places.get(name) {
                Some(all) => node.inside.extend(all),
                None => node.outside.extend(when_named(&shared.classes, known.get(name))),
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

/// What the newest stored version of an id adds to the class of what names it.
pub(super) fn when_named(classes: &Classes, known: Option<&Vec<Known>>) -> BTreeSet<TermsId> {
    newest(known).map_or_else(BTreeSet::new, |newest| of_lane(classes, newest.lane))
}

/// The newest stored version of an id that counts for what names it.
pub(super) fn newest(known: Option<&Vec<Known>>) -> Option<&Known> {
    let versions = known.into_iter().flatten().filter(|one| one.binds());
    versions.max_by_key(|one| (one.version, one.seq))
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
