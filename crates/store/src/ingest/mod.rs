//! Taking in: a delivery is decided on, written and confirmed as a whole, in one transaction.

mod again;
mod hearsay;
mod hold;
mod plan;
mod positions;
mod reclass;
mod rows;
mod terms;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use perisai_model::Organisation;
use sqlx::{Any, AnyConnection, Row, Transaction};

use self::hearsay::NewCopy;
use self::plan::{Facts, Fate, Sender, is_themselves, plan};
use self::positions::{WINDOW, chance, spread};
pub(crate) use self::reclass::{STEP, Walk};
pub(crate) use self::terms::originator;
use crate::classes::{ClassId, Classes, LaneId, Mark, TYPES};
use crate::incoming::{Delivery, Incoming, Outcome, Receipt, Types};
use crate::known::{self, KnownById, Standing};
use crate::shared::{Shared, load_tail};
use crate::side::Side;
use crate::source::Source;
use crate::sql::{fetch, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// How many objects may wait for the index.
const TAIL: usize = 150_000;

/// What the writer alone knows.
pub(crate) struct Writer {
    /// The number of the next object.
    next: i64,
    /// What of the classes is written down.
    saved: Mark,
    /// The last position given in each collection.
    positions: HashMap<i64, i64>,
    /// Something failed on the way: what is in memory may lag behind.
    is_stale: bool,
}

impl Writer {
    /// Reads where the store stands.
    pub(crate) async fn load(connection: &mut AnyConnection, shared: &Shared) -> Result<Self, Error> {
        Ok(Self {
            next: next(connection).await?,
            saved: shared.classes.mark(),
            positions: positions(connection).await?,
            is_stale: false,
        })
    }

    /// Lets stored objects enter a collection. `several` has the digests of the ids of which there are more versions.
    pub(crate) async fn enter(
        &mut self,
        connection: &mut AnyConnection,
        collection: i64,
        objects: &[Stored],
        several: &HashSet<i64>,
        store: &Store,
    ) -> Result<(), Error> {
        let mut members: Vec<_> = objects
            .iter()
            .map(|one| Member {
                collection,
                lane: one.lane,
                position: 0,
                object: one.seq,
                has_siblings: several.contains(&one.hash),
            })
            .collect();
        self.place(&store.shared().classes, &mut members, now());
        rows::insert_members(connection, &members).await?;
        let entered = members
            .iter()
            .map(|member| (member.collection, member.lane))
            .collect();
        rows::entered(connection, self, &entered).await
    }

    /// What is in memory is to be read again before the next delivery.
    pub(crate) fn forget(&mut self) {
        self.is_stale = true;
    }

    /// The last position that was given in a collection.
    pub(crate) fn last(&self, collection: i64) -> i64 {
        self.positions.get(&collection).copied().unwrap_or_default()
    }

    /// Gives members their positions.
    fn place(&mut self, classes: &Classes, members: &mut [Member], now: i64) {
        let mut of_collection: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (at, member) in members.iter().enumerate() {
            of_collection.entry(member.collection).or_default().push(at);
        }
        for (collection, all) in of_collection {
            let held: Vec<_> = all
                .iter()
                .map(|at| classes.lane(members[*at].lane).map(|lane| lane.class))
                .collect();
            let last = self.positions.entry(collection).or_default();
            let places = spread(*last, now, &held, chance);
            *last = places.iter().copied().max().unwrap_or(*last);
            for (at, place) in all.into_iter().zip(places) {
                members[at].position = place;
            }
        }
    }

    /// A position that is later than all that were given, in whatever collection. That of another is told by it only
    /// where so much came there that it is further ahead of the clock than any delivery begins.
    pub(crate) fn behind_all(&self, now: i64) -> i64 {
        let last = self.positions.values().copied().max().unwrap_or_default();
        (last + 1).max(now + WINDOW)
    }

    /// The next position in a collection: the clock, but always later than the last.
    pub(crate) fn position(&mut self, collection: i64, now: i64) -> i64 {
        let last = self.positions.entry(collection).or_default();
        *last = now.max(*last + 1);
        *last
    }
}

async fn next(connection: &mut AnyConnection) -> Result<i64, Error> {
    let row = fetch_one(connection, "SELECT max(seq) FROM objects", |values| values).await?;
    let last: Option<i64> = row.map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(last.unwrap_or(0) + 1)
}

async fn positions(connection: &mut AnyConnection) -> Result<HashMap<i64, i64>, Error> {
    let rows = fetch(connection, "SELECT number, position FROM collections", |values| {
        values
    })
    .await?;
    let read = |row: &sqlx::any::AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(read).collect()
}

/// What a delivery comes to: rows to write.
#[derive(Debug, Default)]
struct Changes {
    objects: Vec<NewObject>,
    members: Vec<Member>,
    /// Versions that no longer count as they did, with what they are now.
    standings: Vec<(i64, Standing)>,
    copies: Vec<NewCopy>,
    /// Digests of ids that objects name and nobody has sent.
    dangling: Vec<(i64, i64)>,
    /// Digests of ids that are here now.
    arrived: Vec<i64>,
    /// Objects of collections of which there are other versions.
    siblings: BTreeSet<i64>,
    /// Objects whose derived rows are to be made again.
    touched: BTreeSet<i64>,
}

impl Changes {
    /// The new objects that count.
    fn in_force(&self) -> impl Iterator<Item = &NewObject> + Clone {
        in_force(&self.objects)
    }
}

impl Changes {
    /// Who sends their own identity is who it is of: what others sent under its id is kept apart from now on.
    fn give_back(&mut self, read: &Read, sender: Sender, known: &KnownById, shared: &Shared) {
        let theirs = in_force(&self.objects).map(|new| &read.objects[new.at]);
        let theirs: Vec<_> = theirs.filter(|object| is_themselves(object, sender)).collect();
        for object in theirs {
            for one in known.get(&object.hash).into_iter().flatten() {
                let is_others = one.id == object.id && shared.side(one.source) != sender.side;
                if is_others && one.standing == Standing::InForce {
                    self.standings.push((one.seq, Standing::Apart));
                    self.touched.insert(one.seq);
                }
            }
        }
    }
}

fn in_force(objects: &[NewObject]) -> impl Iterator<Item = &NewObject> + Clone {
    objects.iter().filter(|new| new.standing == Standing::InForce)
}

/// An object that is stored anew.
#[derive(Debug)]
struct NewObject {
    /// Where it stands in the delivery.
    at: usize,
    seq: i64,
    lane: LaneId,
    standing: Standing,
}

/// An object that is stored: its number, its lane, the digest of its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) seq: i64,
    pub(crate) lane: LaneId,
    pub(crate) hash: i64,
}

/// An object in a collection.
#[derive(Debug, Clone, Copy)]
struct Member {
    collection: i64,
    lane: LaneId,
    position: i64,
    object: i64,
    has_siblings: bool,
}

/// A delivery whose objects were read.
struct Read {
    source: Arc<Source>,
    /// On whose word it is.
    side: Side,
    /// Our own people brought it.
    is_ours: bool,
    delivery: Delivery,
    objects: Vec<Incoming>,
    /// For each object that came: its place among those that were read, or why it was refused.
    came: Vec<Result<usize, Receipt>>,
}

impl Store {
    /// Takes objects in. Once this returns, they are stored: a loss of power does not lose them.
    ///
    /// Gives what became of each object, in the order in which they came.
    ///
    /// # Errors
    /// Where the database fails, or there is no such source; then nothing of it is stored.
    pub async fn ingest(&self, delivery: Delivery) -> Result<Vec<Receipt>, Error> {
        let store = self.clone();
        // A caller who goes away must not leave half of it.
        let task = tokio::spawn(async move { store.take_in(delivery).await });
        task.await
            .map_err(|error| Error::Damaged(format!("taking in ended early: {error}")))?
    }

    async fn take_in(&self, delivery: Delivery) -> Result<Vec<Receipt>, Error> {
        let source = self.source_of(delivery.source)?;
        let own = self.own();
        let sender = source.owner().filter(|owner| *owner != own);
        let sent = sender.map(|sender| self.shared().classes.types_of(sender));
        let read = tokio::task::spawn_blocking(move || read(source, own, sent, delivery))
            .await
            .map_err(|error| Error::Damaged(format!("reading ended early: {error}")))?;
        // What came faster than it can be indexed waits, so that memory stays bounded.
        while self.shared().tail.len() > TAIL {
            self.fold_all().await?;
        }
        let mut writer = self.writer().await;
        let fates = self
            .write(&mut writer, &read)
            .await
            .inspect_err(|_| writer.is_stale = true)?;
        drop(writer);
        self.inner().came.notify_one();
        let receipt = |came: Result<usize, Receipt>| match came {
            Ok(at) => read.objects[at].receipt(fates[at].outcome()),
            Err(refused) => refused,
        };
        Ok(read.came.iter().cloned().map(receipt).collect())
    }

    fn source_of(&self, number: i64) -> Result<Arc<Source>, Error> {
        let source = self.shared().sources.get(&number).map(Arc::clone);
        source.ok_or_else(|| Error::Missing {
            what: "source",
            name: number.to_string(),
        })
    }

    async fn write(&self, writer: &mut Writer, read: &Read) -> Result<Vec<Fate>, Error> {
        let mut transaction = self.begin().await?;
        self.refresh(writer, &mut transaction).await?;
        let mut known = self.known(read, &mut transaction).await?;
        same_content(&mut known, read, &mut transaction).await?;
        let sender = Sender {
            source: read.source.number,
            organisation: read.source.owner(),
            side: read.side,
            own: self.own(),
            is_ours: read.is_ours,
        };
        let fates = {
            let shared = self.shared();
            let facts = |one: &known::Known| Facts {
                originator: originator(&shared.classes, one),
                side: shared.side(one.source),
                is_ours: shared.is_ours(one.source),
                is_open: terms::is_open(&shared.classes, one.lane),
            };
            plan(&read.objects, sender, &known, facts, writer.next)
        };
        let now = now();
        let mut changes = self.changes(read, &fates, &known);
        changes.give_back(read, sender, &known, &self.shared());
        let again = again::members(&mut transaction, read, &fates, &known).await?;
        changes.members.extend(again);
        writer.place(&self.shared().classes, &mut changes.members, now);
        rows::write(&mut transaction, read, &changes, now).await?;
        let mut walk = Walk::new(self, writer, &mut transaction, read, &changes);
        walk.run(read, &changes, &known).await?;
        let mut entered = walk.entered;
        entered.extend(
            changes
                .members
                .iter()
                .map(|member| (member.collection, member.lane)),
        );
        self.settle(writer, transaction, &entered).await?;
        self.remember(writer, read, &changes);
        Ok(fates)
    }

    /// Writes down what is new of classes and collections, and commits.
    pub(crate) async fn settle(
        &self,
        writer: &mut Writer,
        mut transaction: Transaction<'_, Any>,
        entered: &BTreeSet<(i64, LaneId)>,
    ) -> Result<(), Error> {
        rows::entered(&mut transaction, writer, entered).await?;
        let mark = self.shared().classes.mark();
        rows::classes(&mut transaction, self, writer).await?;
        // Before it is written: whoever sees the new positions must know all lanes that have some.
        self.publish_lanes(entered);
        transaction.commit().await?;
        writer.saved = mark;
        Ok(())
    }

    /// Reads again what is kept in memory, where it is not known whether the last transaction was committed.
    pub(crate) async fn refresh(
        &self,
        writer: &mut Writer,
        connection: &mut AnyConnection,
    ) -> Result<(), Error> {
        if !writer.is_stale {
            return Ok(());
        }
        writer.next = next(connection).await?;
        writer.saved = crate::classes::Classes::load(connection).await?.mark();
        let tail = load_tail(connection).await?;
        self.shared_mut().tail = tail;
        writer.is_stale = false;
        Ok(())
    }

    /// The stored versions of all objects that came, and of all that they name.
    async fn known(&self, read: &Read, connection: &mut AnyConnection) -> Result<KnownById, Error> {
        let mut hashes: Vec<_> = read
            .objects
            .iter()
            .flat_map(|object| object.names.iter().copied().chain([object.hash]))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        let seqs = self.with_hashes(&mut *self.reader().await?, &hashes).await?;
        Ok(known::by_id(known::read(connection, &seqs).await?))
    }

    /// Lets readers look into lanes of collections.
    pub(crate) fn publish_lanes<'a>(&self, entered: impl IntoIterator<Item = &'a (i64, LaneId)>) {
        let mut shared = self.shared_mut();
        for (collection, lane) in entered {
            shared.lanes.entry(*collection).or_default().insert(*lane);
        }
    }

    /// Keeps in memory what was written.
    fn remember(&self, writer: &mut Writer, read: &Read, changes: &Changes) {
        let mut shared = self.shared_mut();
        for new in &changes.objects {
            let object = &read.objects[new.at];
            shared.tail.add(object.hash, new.seq);
            writer.next = writer.next.max(new.seq + 1);
        }
        for object in &read.objects {
            if let Some(marking) = object.definition {
                shared.meanings.say(&object.id, read.side, marking.tlp);
            }
        }
    }

    /// What is to be written for the objects themselves.
    fn changes(&self, read: &Read, fates: &[Fate], known: &KnownById) -> Changes {
        let mut changes = Changes::default();
        let mut shared = self.shared_mut();
        let classes = terms::classes(&mut shared, read, fates, known);
        let said = terms::said(read);
        for (at, fate) in fates.iter().enumerate() {
            let object = &read.objects[at];
            match fate {
                Fate::Store {
                    seq,
                    standing,
                    replaces,
                } => {
                    let lane = lane(&mut shared, object, classes[at]);
                    changes.objects.push(NewObject {
                        at,
                        seq: *seq,
                        lane,
                        standing: *standing,
                    });
                    for old in replaces {
                        changes.standings.push((*old, Standing::Replaced));
                        changes.touched.insert(*old);
                    }
                }
                Fate::Copy { .. } | Fate::Known { .. } | Fate::KnownApart => {}
            }
            for one in copied(&shared, read, object, fate, known) {
                // It has the same markings, which mean the same.
                let side = shared.side(one.source);
                let terms = terms::own(&mut shared, object, read, &said, side);
                changes.copies.push(NewCopy { of: one.seq, terms });
            }
        }
        // Of two that came together, the later may stand for the earlier.
        let gone: HashMap<_, _> = changes.standings.iter().copied().collect();
        for new in &mut changes.objects {
            if let Some(standing) = gone.get(&new.seq) {
                new.standing = *standing;
            }
        }
        enter(&shared, read, known, &mut changes);
        name(read, known, &mut changes);
        changes
    }
}

/// Of which stored versions an object is a copy: of the one that stands for it; and where our own people or who made it say
/// it, of all that others brought.
fn copied<'a>(
    shared: &Shared,
    read: &Read,
    object: &Incoming,
    fate: &Fate,
    known: &'a KnownById,
) -> Vec<&'a known::Known> {
    let stored = known.get(&object.hash).into_iter().flatten();
    let mut all: Vec<_> = stored
        .filter(|one| one.is_same(object) && one.source != read.source.number)
        .collect();
    let owner = read.source.owner();
    let counts_for_all = |one: &known::Known| {
        object.version.is_some() && read.is_ours
            || owner.is_some() && originator(&shared.classes, one) == owner
    };
    all.retain(|one| match fate {
        Fate::Copy { of } if one.seq == *of => true,
        Fate::Copy { .. }
        | Fate::Store {
            standing: Standing::InForce,
            ..
        } => counts_for_all(one),
        Fate::Known { .. } | Fate::KnownApart | Fate::Store { .. } => false,
    });
    all
}

/// Which collections the new objects enter; where they stand there is still to be said.
fn enter(shared: &Shared, read: &Read, known: &KnownById, changes: &mut Changes) {
    let mut of_id: HashMap<&str, Vec<i64>> = HashMap::new();
    let mut stored: HashMap<&str, bool> = HashMap::new();
    for new in in_force(&changes.objects) {
        let object = &read.objects[new.at];
        of_id.entry(&object.id).or_default().push(new.seq);
        let has_siblings = *stored.entry(&object.id).or_insert_with(|| {
            let all = known.get(&object.hash).into_iter().flatten();
            let in_force = |one: &&known::Known| one.id == object.id && one.standing == Standing::InForce;
            let all: Vec<_> = all.filter(in_force).map(|one| one.seq).collect();
            // Of several it is known already that they are.
            if let [one] = all[..] {
                changes.siblings.insert(one);
            }
            !all.is_empty()
        });
        for collection in terms::collections(shared, read, object, new.lane) {
            changes.members.push(Member {
                collection,
                lane: new.lane,
                position: 0,
                object: new.seq,
                has_siblings,
            });
        }
    }
    let twice: HashSet<_> = of_id.values().filter(|all| all.len() > 1).flatten().collect();
    for member in &mut changes.members {
        member.has_siblings |= twice.contains(&member.object);
    }
}

/// Notes which ids arrived, and which are named and not here.
fn name(read: &Read, known: &KnownById, changes: &mut Changes) {
    let in_force = in_force(&changes.objects);
    let arrived: HashSet<_> = in_force.clone().map(|new| read.objects[new.at].hash).collect();
    for new in in_force {
        let names = read.objects[new.at].names.iter();
        let missing = names.filter(|name| !arrived.contains(name) && !known.contains_key(name));
        changes.dangling.extend(missing.map(|name| (*name, new.seq)));
    }
    changes.arrived.extend(&arrived);
}

fn lane(shared: &mut Shared, object: &Incoming, class: ClassId) -> LaneId {
    shared.classes.lane_id(crate::classes::Lane {
        class,
        kind: Arc::clone(&object.kind),
        spec: object.spec.into(),
    })
}

/// Reads the objects of a delivery.
///
/// `sent` are the types that its sender sent so far, where it matters: there may be only so many.
fn read(
    source: Arc<Source>,
    own: Organisation,
    mut sent: Option<HashSet<Arc<str>>>,
    mut delivery: Delivery,
) -> Read {
    let mut is_too_many = |kind: &Arc<str>| {
        let sent = sent.as_mut().filter(|sent| !sent.contains(kind));
        sent.is_some_and(|sent| sent.len() >= TYPES || !sent.insert(Arc::clone(kind)))
    };
    let mut types = Types::default();
    let mut objects = Vec::with_capacity(delivery.objects.len());
    let mut came = Vec::with_capacity(delivery.objects.len());
    for raw in std::mem::take(&mut delivery.objects) {
        let read = Incoming::read(raw, &mut types).and_then(|object| {
            if is_too_many(&object.kind) {
                let why = format!("its type is one too many: {TYPES} types came from its sender");
                return Err(object.receipt(Outcome::Refused(why)));
            }
            objects.push(object);
            Ok(objects.len() - 1)
        });
        came.push(read);
    }
    Read {
        side: source.side(own),
        is_ours: source.is_ours(own),
        source,
        delivery,
        objects,
        came,
    }
}

/// The same version in other words (blanks, the order of keys) is no other version: takes the digest of what came for
/// that of what is stored.
async fn same_content(
    known: &mut KnownById,
    read: &Read,
    connection: &mut AnyConnection,
) -> Result<(), Error> {
    for object in &read.objects {
        for one in known.get_mut(&object.hash).into_iter().flatten() {
            let is_same = one.id == object.id && one.version == object.version;
            if !is_same || one.digest == object.digest || one.standing != Standing::InForce {
                continue;
            }
            let sql = "SELECT raw FROM objects WHERE seq = $1";
            let row = fetch_one(connection, sql, |values| values.int(one.seq)).await?;
            let stored: Vec<u8> = row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
            let value = |raw: &[u8]| serde_json::from_slice::<serde_json::Value>(raw).ok();
            if value(&stored) == value(&object.raw) {
                one.digest = object.digest;
            }
        }
    }
    Ok(())
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Known => "known",
            Self::Apart => "apart",
            Self::Refused(_) => "refused",
        }
    }
}
