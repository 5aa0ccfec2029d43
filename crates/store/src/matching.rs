//! Comparing what is stored with the queries of collections: all of it where a collection or its query is new, and what has
//! no TLP marking once the node holds that otherwise. It goes in steps, and how far it is is written down with each: after an end
//! of the node in the middle, it goes on.

use std::collections::HashSet;

use perisai_intel::Object;
use perisai_model::Tlp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::classes::LaneId;
use crate::collection::{Candidate, Collection, Query};
use crate::ingest::{Stored, Writer};
use crate::sql::{execute, fetch, fetch_in, fetch_one};
use crate::{Error, Store, hash};

/// How many objects are compared at a time. Whoever writes meanwhile waits no longer than they take.
const STEP: usize = 2_000;

/// What was compared with a collection before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Before<'a> {
    /// Nothing, or nothing that entered by itself.
    Nothing,
    /// All of it, when what has no TLP marking was held like this.
    Held(Tlp),
    /// All of it, with this query.
    Query(&'a Query),
}

/// A comparison that is under way.
struct Matching {
    collection: i64,
    /// How what has no TLP marking was held when it was compared before; `None` where nothing was.
    held: Option<Tlp>,
    /// The query that the collection had, where that is another now.
    was: Option<Query>,
    through: i64,
}

/// What a step comes to.
#[derive(Default)]
struct Moves {
    enter: Vec<Stored>,
    leave: Vec<i64>,
}

impl Store {
    /// Goes on with a comparison by a step, and tells whether there was one to go on with.
    pub(crate) async fn match_step(&self) -> Result<bool, Error> {
        if self.unmatched(&mut *self.reader().await?).await?.is_none() {
            return Ok(false);
        }
        let mut writer = self.writer().await;
        self.match_some(&mut writer).await
    }

    /// Ends all comparisons that are under way.
    pub(crate) async fn match_all(&self, writer: &mut Writer) -> Result<(), Error> {
        while self.match_some(writer).await? {}
        Ok(())
    }

    /// The last object that all collections are compared with; `None` where they are with all.
    pub(crate) async fn unmatched(&self, connection: &mut AnyConnection) -> Result<Option<i64>, Error> {
        let row = fetch_one(connection, "SELECT min(through) FROM matching", |values| values).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.flatten())
    }

    async fn match_some(&self, writer: &mut Writer) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let Some(matching) = Matching::next(&mut transaction).await? else {
            return Ok(false);
        };
        let collections = self.collections();
        let collection = collections.iter().find(|one| one.number == matching.collection);
        let sql = "SELECT seq, lane, source, id, raw FROM objects \
                   WHERE seq > $1 AND standing = 0 ORDER BY seq LIMIT $2";
        let step = i64::try_from(STEP).unwrap_or(i64::MAX);
        let rows = match collection {
            Some(_) => {
                fetch(&mut transaction, sql, |values| {
                    values.int(matching.through).int(step)
                })
                .await?
            }
            None => Vec::new(),
        };
        if let Some(collection) = collection {
            let mut moves = self.moves(collection, &matching, &rows)?;
            moves.leave_out_known(&mut transaction, collection.number).await?;
            self.make_moves(writer, &mut transaction, collection.number, &moves)
                .await?;
        }
        let last = rows.last().filter(|_| rows.len() == STEP);
        let last = last.map(|row| row.try_get(0)).transpose()?;
        // What comes later is compared as it comes.
        matching.write(&mut transaction, last).await?;
        transaction.commit().await?;
        if last.is_none() {
            self.inner().came.notify_one();
        }
        Ok(true)
    }

    /// Which objects of some rows enter a collection, and which leave it, by its query.
    fn moves(&self, collection: &Collection, matching: &Matching, rows: &[AnyRow]) -> Result<Moves, Error> {
        let mut moves = Moves::default();
        let (held, now) = (matching.held, collection.query.as_ref());
        let before = match (&matching.was, held) {
            (Some(was), _) => Some(was),
            (None, Some(_)) => now,
            (None, None) => None,
        };
        let looks_at_labels = [before, now]
            .into_iter()
            .flatten()
            .any(|query| !query.labels.is_empty());
        let shared = self.shared();
        for row in rows {
            let (seq, source): (i64, i64) = (row.try_get(0)?, row.try_get(2)?);
            let lane = LaneId::from_number(row.try_get(1)?)?;
            let Some(of) = shared.classes.lane(lane) else {
                continue;
            };
            let terms = shared.classes.terms(shared.classes.class(of.class)[0]);
            if held.is_some() && terms.tlp.is_some() {
                continue;
            }
            let labels = match looks_at_labels {
                true => labels(row)?,
                false => Vec::new(),
            };
            let default_tlp = shared.context.default_tlp;
            let matches = |query: Option<&Query>, default_tlp| {
                let object = Candidate {
                    kind: &of.kind,
                    labels: &labels,
                    source: shared.sources.get(&source).map_or("", |source| &source.name),
                    terms,
                    default_tlp,
                };
                query.is_some_and(|query| query.matches(&object))
            };
            match (
                matches(before, held.unwrap_or(default_tlp)),
                matches(now, default_tlp),
            ) {
                (false, true) => {
                    let hash = hash::of_id(row.try_get(3)?);
                    moves.enter.push(Stored { seq, lane, hash });
                }
                (true, false) => moves.leave.push(seq),
                (true, true) | (false, false) => {}
            }
        }
        Ok(moves)
    }

    async fn make_moves(
        &self,
        writer: &mut Writer,
        connection: &mut AnyConnection,
        collection: i64,
        moves: &Moves,
    ) -> Result<(), Error> {
        for seq in &moves.leave {
            let sql = "DELETE FROM members WHERE collection = $1 AND object = $2";
            execute(connection, sql, |values| values.int(collection).int(*seq)).await?;
        }
        let hashes: Vec<_> = moves.enter.iter().map(|one| one.hash).collect();
        // A connection of its own: see there.
        let several = self.several(&mut *self.reader().await?, &hashes).await?;
        writer
            .enter(connection, collection, &moves.enter, &several, self)
            .await?;
        let lanes: Vec<_> = moves.enter.iter().map(|one| (collection, one.lane)).collect();
        self.publish_lanes(&lanes);
        Ok(())
    }
}

impl Matching {
    async fn next(connection: &mut AnyConnection) -> Result<Option<Self>, Error> {
        let sql = "SELECT collection, held, through, was FROM matching ORDER BY collection, held LIMIT 1";
        let Some(row) = fetch_one(connection, sql, |values| values).await? else {
            return Ok(None);
        };
        let held: String = row.try_get(1)?;
        let was: Option<String> = row.try_get(3)?;
        Ok(Some(Self {
            collection: row.try_get(0)?,
            held: (!held.is_empty()).then(|| Tlp::from_label(&held).unwrap_or(Tlp::Red)),
            through: row.try_get(2)?,
            was: was.map(|text| Query::read(&text)).transpose()?,
        }))
    }

    /// Notes how far it is now; `None`: it has ended.
    async fn write(&self, connection: &mut AnyConnection, through: Option<i64>) -> Result<(), Error> {
        let held = self.held.map_or("", Tlp::as_str);
        match through {
            Some(through) => {
                let sql = "UPDATE matching SET through = $1 WHERE collection = $2 AND held = $3";
                execute(connection, sql, |values| {
                    values.int(through).int(self.collection).text(held)
                })
                .await?
            }
            None => {
                let sql = "DELETE FROM matching WHERE collection = $1 AND held = $2";
                execute(connection, sql, |values| values.int(self.collection).text(held)).await?
            }
        };
        Ok(())
    }
}

impl Moves {
    /// Leaves out what is in the collection already: by the step before an end, or since it was sent there.
    async fn leave_out_known(
        &mut self,
        connection: &mut AnyConnection,
        collection: i64,
    ) -> Result<(), Error> {
        let seqs: Vec<_> = self.enter.iter().map(|one| one.seq).collect();
        let sql = "SELECT object, collection FROM members WHERE object IN ({})";
        let mut known = HashSet::new();
        for row in fetch_in(connection, sql, &seqs).await? {
            if row.try_get::<i64, _>(1)? == collection {
                known.insert(row.try_get::<i64, _>(0)?);
            }
        }
        self.enter.retain(|one| !known.contains(&one.seq));
        Ok(())
    }
}

fn labels(row: &AnyRow) -> Result<Vec<String>, Error> {
    let raw: Vec<u8> = row.try_get(4)?;
    let object = Object::parse(&raw).map(|object| object.labels.iter().map(ToString::to_string).collect());
    // What is stored was read once.
    Ok(object.unwrap_or_default())
}

/// What is stored is to be compared with a collection.
pub(crate) async fn begin(
    connection: &mut AnyConnection,
    collection: i64,
    before: Before<'_>,
) -> Result<(), Error> {
    let (held, was) = match before {
        Before::Nothing => ("", None),
        Before::Held(tlp) => (tlp.as_str(), None),
        Before::Query(query) => ("", Some(query.write())),
    };
    let sql = "INSERT INTO matching (collection, held, through, was) VALUES ($1, $2, 0, $3) \
               ON CONFLICT (collection, held) DO UPDATE SET through = 0, was = excluded.was";
    execute(connection, sql, |values| {
        values.int(collection).text(held).maybe_text(was.as_deref())
    })
    .await?;
    Ok(())
}
