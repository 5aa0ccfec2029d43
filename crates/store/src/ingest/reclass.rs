//! What follows from what came: objects that name what is here now, or is held under other terms now, may have to be held
//! under other terms themselves. They then leave the collections that they are in and enter them anew, since who has read
//! on may have been refused them.
//!
//! Terms that became stricter always reach all that name them. Where objects name each other in a circle, terms that became
//! looser only do if all of the circle is looked at together, as an identity is with the marking that it made and that
//! came after it; else such a circle stays as strict as it was.

use std::collections::{BTreeSet, HashMap, HashSet};

use perisai_model::Tlp;
use perisai_policy::Terms;
use sqlx::{AnyConnection, Row};

use super::hearsay::{self, Copy, NewCopy};
use super::terms::{self, Namer};
use super::{Changes, Read, Writer};
use crate::classes::{Lane, LaneId, TermsId};
use crate::closure::{Node, closure};
use crate::incoming::{Incoming, Types};
use crate::known::{self, Known, KnownById, Standing};
use crate::shared::Shared;
use crate::side::{Said, Side};
use crate::sql::{execute, fetch_in};
use crate::store::now;
use crate::{Error, Store};

/// How many objects are looked at together.
pub(crate) const STEP: usize = 500;

/// A walk up from what changed to all that name it.
pub(crate) struct Walk<'a> {
    pub(super) store: &'a Store,
    pub(super) writer: &'a mut Writer,
    pub(super) connection: &'a mut AnyConnection,
    /// What is said just now of markings.
    said: Said<'a>,
    /// The objects of the delivery, which are in no index yet: by the digest of their id, and of the ids that they name.
    here: HashMap<i64, Vec<i64>>,
    namers: HashMap<i64, Vec<i64>>,
    /// Digests of ids whose namers are to be looked at.
    pub(super) queue: Vec<i64>,
    types: Types,
    /// Where objects entered.
    pub(crate) entered: BTreeSet<(i64, LaneId)>,
}

/// A stored object that is looked at anew.
pub(super) struct Again {
    pub(super) known: Known,
    pub(super) object: Incoming,
    held: Option<Tlp>,
    /// What was said of it by others, where that is asked.
    copies: Vec<Copy>,
}

impl<'a> Walk<'a> {
    /// A walk after a delivery, whose rows are written.
    pub(super) fn new(
        store: &'a Store,
        writer: &'a mut Writer,
        connection: &'a mut AnyConnection,
        read: &'a Read,
        changes: &Changes,
    ) -> Self {
        let mut walk = Self::idle(store, writer, connection);
        walk.said = terms::said(read);
        let mut here: HashMap<i64, Vec<i64>> = HashMap::new();
        for new in &changes.objects {
            here.entry(read.objects[new.at].hash).or_default().push(new.seq);
        }
        walk.here = here;
        walk
    }

    /// A walk with nowhere to go yet.
    pub(crate) fn idle(store: &'a Store, writer: &'a mut Writer, connection: &'a mut AnyConnection) -> Self {
        Self {
            store,
            writer,
            connection,
            said: Said {
                side: Side::Ours,
                definitions: HashMap::new(),
            },
            here: HashMap::new(),
            namers: HashMap::new(),
            queue: Vec::new(),
            types: Types::default(),
            entered: BTreeSet::new(),
        }
    }

    /// Does all that follows from a delivery. `known` is what was stored before.
    pub(super) async fn run(
        &mut self,
        read: &Read,
        changes: &Changes,
        known: &KnownById,
    ) -> Result<(), Error> {
        let late = self.named_before(read, changes).await?;
        let definitions = changes
            .in_force()
            .filter(|new| read.objects[new.at].definition.is_some())
            .map(|new| new.seq);
        let definitions: Vec<_> = definitions.take(STEP).collect();
        for step in late.chunks(STEP) {
            self.look_again(&[step, &definitions].concat()).await?;
        }
        self.queue
            .extend(changed_for_namers(self.store, read, changes, known));
        for copy in &changes.copies {
            self.copy(copy, read.source.number).await?;
        }
        self.namers = namers_here(read, changes);
        self.follow().await
    }

    /// Looks at all that name what changed.
    pub(crate) async fn follow(&mut self) -> Result<(), Error> {
        if self.queue.is_empty() {
            return Ok(());
        }
        self.store.fold_all().await?;
        // All at once: who names several of them is looked at once.
        while !self.queue.is_empty() {
            let changed = std::mem::take(&mut self.queue);
            let namers = self.namers_of(changed).await?;
            for step in namers.chunks(STEP) {
                self.look_again(step).await?;
            }
        }
        Ok(())
    }

    /// Objects that named what came now before it was here, and for which that may make a difference.
    async fn named_before(&mut self, read: &Read, changes: &Changes) -> Result<Vec<i64>, Error> {
        let sql = "SELECT target, object FROM dangling WHERE target IN ({})";
        let rows = fetch_in(self.connection, sql, &changes.arrived).await?;
        let mut late = BTreeSet::new();
        let binding: HashSet<_> = {
            let shared = self.store.shared();
            let binds = |new: &&super::NewObject| {
                let is_definition = read.objects[new.at].definition.is_some();
                is_definition || !terms::of_lane(&shared.classes, new.lane).is_empty()
            };
            let all = changes.in_force().filter(binds);
            all.map(|new| read.objects[new.at].hash).collect()
        };
        for row in rows {
            let (target, object): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if binding.contains(&target) {
                late.insert(object);
            }
            let sql = "DELETE FROM dangling WHERE target = $1 AND object = $2";
            execute(self.connection, sql, |values| values.int(target).int(object)).await?;
        }
        Ok(late.into_iter().collect())
    }

    /// The objects that name some ids.
    async fn namers_of(&mut self, mut hashes: Vec<i64>) -> Result<Vec<i64>, Error> {
        hashes.sort_unstable();
        hashes.dedup();
        // A connection of its own: the transaction does not see what was derived since it began.
        let mut fresh = self.store.reader().await?;
        let sql = "SELECT object FROM derived.edges WHERE target IN ({})";
        let rows = fetch_in(&mut fresh, sql, &hashes).await?;
        let here = hashes.iter().filter_map(|hash| self.namers.get(hash));
        let mut all: BTreeSet<i64> = here.flatten().copied().collect();
        for row in rows {
            all.insert(row.try_get(0)?);
        }
        Ok(all.into_iter().collect())
    }

    /// A copy came from another sender.
    async fn copy(&mut self, copy: &NewCopy, source: i64) -> Result<(), Error> {
        self.restate(copy.of, |shared, held| {
            let says = shared.classes.terms(copy.terms);
            hearsay::merged(shared, held, says, source)
        })
        .await
    }

    /// Holds an object under other terms of its own.
    pub(crate) async fn restate(
        &mut self,
        seq: i64,
        terms: impl FnOnce(&Shared, Terms) -> Terms,
    ) -> Result<(), Error> {
        let Some(known) = known::read(self.connection, &[seq]).await?.pop() else {
            return Ok(());
        };
        let lane = {
            let mut shared = self.store.shared_mut();
            let Some(lane) = shared.classes.lane(known.lane).cloned() else {
                return Ok(());
            };
            let class = shared.classes.class(lane.class).to_vec();
            let held = shared.classes.terms(class[0]).clone();
            let terms = terms(&shared, held);
            let own = shared.classes.terms_id(terms);
            let named = class[1..].iter().copied().collect();
            let class = shared.classes.class_id(own, &named);
            shared.classes.lane_id(Lane {
                class,
                ..Lane::clone(&lane)
            })
        };
        if lane != known.lane {
            let all = self.read_again(&[seq]).await?;
            let moves: Vec<_> = all.iter().map(|again| (again, lane)).collect();
            self.hold(&moves, now()).await?;
        }
        Ok(())
    }

    /// Looks at objects anew, and holds them as they are to be held now.
    pub(crate) async fn look_again(&mut self, seqs: &[i64]) -> Result<(), Error> {
        let mut all = self.read_again(seqs).await?;
        let mut names: Vec<_> = all
            .iter()
            .flat_map(|again| again.object.names.iter().copied())
            .collect();
        names.sort_unstable();
        names.dedup();
        let known = self.known(&names).await?;
        self.read_copies(&mut all).await?;
        all.retain(|again| self.store.shared().classes.lane(again.known.lane).is_some());
        let lanes = self.lanes_of(&all, &known);
        let moves: Vec<_> = all
            .iter()
            .zip(lanes)
            .filter(|(again, lane)| *lane != again.known.lane)
            .collect();
        self.hold(&moves, now()).await
    }

    /// Reads what others said of those objects whose own terms depend on definitions.
    async fn read_copies(&mut self, all: &mut [Again]) -> Result<(), Error> {
        let marked = all.iter().filter(|again| !again.object.markings.is_empty());
        let seqs: Vec<_> = marked.map(|again| again.known.seq).collect();
        let store = self.store;
        let tlp = |id| store.shared().classes.terms(id).tlp;
        let mut copies = hearsay::copies(self.connection, tlp, &seqs).await?;
        for again in all {
            again.copies = copies.remove(&again.known.seq).unwrap_or_default();
        }
        Ok(())
    }

    /// The lanes of objects, by what they name now.
    fn lanes_of(&self, all: &[Again], known: &KnownById) -> Vec<LaneId> {
        let mut shared = self.store.shared_mut();
        let places: HashMap<_, _> = (0..).zip(all).map(|(at, again)| (again.known.seq, at)).collect();
        let mut own = Vec::with_capacity(all.len());
        let mut nodes = Vec::with_capacity(all.len());
        for again in all {
            let terms = self.own_now(&mut shared, again);
            let binds = terms::binds_when_named(&again.object.kind, shared.classes.terms(terms));
            let mut node = Node {
                own_when_named: binds.then_some(terms),
                outside: BTreeSet::new(),
                inside: Vec::new(),
            };
            let namer = Namer {
                side: shared.side(again.known.source),
                is_ours: shared.is_ours(again.known.source),
                seq: again.known.seq,
            };
            for name in &again.object.names {
                let Some(bound) = terms::bound(&shared, &namer, known.get(name)) else {
                    continue;
                };
                match places.get(&bound.seq) {
                    Some(at) => node.inside.push(*at),
                    None => node.outside.extend(terms::of_lane(&shared.classes, bound.lane)),
                }
            }
            own.push(terms);
            nodes.push(node);
        }
        let named = closure(&nodes);
        let classed = all.iter().zip(own).zip(named);
        classed
            .map(|((again, own), named)| {
                let Some(lane) = shared.classes.lane(again.known.lane).cloned() else {
                    return again.known.lane;
                };
                let class = shared.classes.class_id(own, &named);
                shared.classes.lane_id(Lane {
                    class,
                    ..Lane::clone(&lane)
                })
            })
            .collect()
    }

    /// The own terms of an object now.
    fn own_now(&self, shared: &mut Shared, again: &Again) -> TermsId {
        let lane = shared.classes.lane(again.known.lane);
        let class = lane
            .map(|lane| lane.class)
            .expect("those without a lane were left out");
        let own = shared.classes.class(class)[0];
        if again.object.markings.is_empty() {
            return own;
        }
        self.remarked(shared, again, own)
    }

    /// The own terms of an object by what its markings mean now.
    fn remarked(&self, shared: &mut Shared, again: &Again, own: TermsId) -> TermsId {
        let object = &again.object;
        let side = shared.side(again.known.source);
        let meaning = |id: &str| self.said.meaning(&shared.meanings, id, side);
        let marked = terms::marked(object.tlp, &object.markings, meaning);
        let before = shared.classes.terms(own).clone();
        let own = (marked, again.held);
        let tlp = hearsay::held_now(shared, &before.origin, own, &again.copies);
        shared.classes.terms_id(Terms { tlp, ..before })
    }

    /// Reads stored objects that are in force.
    pub(super) async fn read_again(&mut self, seqs: &[i64]) -> Result<Vec<Again>, Error> {
        let mut known = known::read(self.connection, seqs).await?;
        known.retain(|one| one.standing == Standing::InForce);
        let seqs: Vec<_> = known.iter().map(|one| one.seq).collect();
        let rows = fetch_in(
            self.connection,
            "SELECT seq, held, raw FROM objects WHERE seq IN ({})",
            &seqs,
        );
        let mut bytes: HashMap<i64, (Option<String>, Vec<u8>)> = HashMap::new();
        for row in rows.await? {
            bytes.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
        }
        let mut all = Vec::with_capacity(known.len());
        for known in known {
            let Some((held, raw)) = bytes.remove(&known.seq) else {
                continue;
            };
            let object = Incoming::read(raw, &mut self.types)
                .map_err(|_| Error::Damaged(format!("object {} cannot be read", known.seq)))?;
            all.push(Again {
                held: held.and_then(|label| Tlp::from_label(&label)),
                copies: Vec::new(),
                known,
                object,
            });
        }
        Ok(all)
    }

    /// The versions of some ids, by the digests of these.
    async fn known(&mut self, hashes: &[i64]) -> Result<KnownById, Error> {
        let mut fresh = self.store.reader().await?;
        let mut seqs = self.store.with_hashes(&mut fresh, hashes).await?;
        drop(fresh);
        seqs.extend(hashes.iter().filter_map(|hash| self.here.get(hash)).flatten());
        Ok(known::by_id(known::read(self.connection, &seqs).await?))
    }
}

/// The ids of which a newer version adds something else to what names it.
fn changed_for_namers(store: &Store, read: &Read, changes: &Changes, known: &KnownById) -> Vec<i64> {
    let shared = store.shared();
    let changed = |new: &super::NewObject| {
        let object = &read.objects[new.at];
        let now = terms::of_lane(&shared.classes, new.lane);
        let differs = |one: &Known| terms::of_lane(&shared.classes, one.lane) != now;
        known
            .get(&object.hash)?
            .iter()
            .any(differs)
            .then_some(object.hash)
    };
    let redefined = |object: &&Incoming| {
        let said = object.definition.map(|marking| marking.tlp);
        let before = Said {
            side: read.side,
            definitions: HashMap::new(),
        };
        said.is_some() && said != before.meaning(&shared.meanings, &object.id, read.side)
    };
    let redefined = read.objects.iter().filter(redefined);
    let known = |object: &&Incoming| known.contains_key(&object.hash);
    let redefined = redefined.filter(known).map(|object| object.hash);
    let all: BTreeSet<_> = changes
        .objects
        .iter()
        .filter_map(changed)
        .chain(redefined)
        .collect();
    all.into_iter().collect()
}

/// Which objects of a delivery name which ids.
fn namers_here(read: &Read, changes: &Changes) -> HashMap<i64, Vec<i64>> {
    let mut all: HashMap<i64, Vec<i64>> = HashMap::new();
    for new in changes.in_force() {
        for name in &read.objects[new.at].names {
            all.entry(*name).or_default().push(new.seq);
        }
    }
    all
}
