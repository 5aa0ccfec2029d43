//! What is kept in memory beside the database: little, and all of it can be read again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use perisai_model::{Organisation, Tlp};
use perisai_policy::PolicyContext;
use sqlx::{AnyConnection, Row};

use crate::classes::{Classes, LaneId};
use crate::collection::Collection;
use crate::filter::Filter;
use crate::hash;
use crate::ids::Tail;
use crate::parties;
use crate::side::{Meanings, Side};
use crate::source::{self, Source};
use crate::sql::{fetch, fetch_one};
use crate::{Error, collection};

/// What readers and the writer share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) classes: Classes,
    pub(crate) tail: Tail,
    /// Which ids are not in the derived tables.
    pub(crate) filter: Filter,
    /// What markings mean.
    pub(crate) meanings: Meanings,
    pub(crate) sources: HashMap<i64, Arc<Source>>,
    pub(crate) collections: Vec<Arc<Collection>>,
    /// The lanes that occur in each collection.
    pub(crate) lanes: HashMap<i64, BTreeSet<LaneId>>,
    /// Who is who.
    pub(crate) context: Arc<PolicyContext>,
    pub(crate) organisations: HashSet<Organisation>,
}

impl Shared {
    /// On whose word it is what came from a source.
    pub(crate) fn side(&self, source: i64) -> Side {
        let found = self.sources.get(&source);
        found.map_or(Side::Source(source), |source| source.side(self.context.own))
    }

    /// Whether our own people brought what came from a source.
    pub(crate) fn is_ours(&self, source: i64) -> bool {
        let found = self.sources.get(&source);
        found.is_some_and(|source| source.is_ours(self.context.own))
    }

    /// Reads all of it.
    pub(crate) async fn load(connection: &mut AnyConnection, own: Organisation) -> Result<Self, Error> {
        let parties = parties::load(connection, own).await?;
        Ok(Self {
            classes: Classes::load(connection).await?,
            tail: load_tail(connection).await?,
            filter: match folded(connection).await? {
                0 => Filter::of_nothing(),
                _ => Filter::default(),
            },
            meanings: load_meanings(connection).await?,
            sources: source::load(connection).await?,
            collections: collection::load(connection).await?,
            lanes: load_lanes(connection).await?,
            context: Arc::new(parties.context),
            organisations: parties.organisations,
        })
    }
}

/// The objects that are not in the derived tables yet.
pub(crate) async fn load_tail(connection: &mut AnyConnection) -> Result<Tail, Error> {
    let from = folded(connection).await?;
    let sql = "SELECT seq, id FROM objects WHERE seq > $1 ORDER BY seq";
    let mut tail = Tail::default();
    for row in fetch(connection, sql, |values| values.int(from)).await? {
        let id: String = row.try_get(1)?;
        tail.add(hash::of_id(&id), row.try_get(0)?);
    }
    Ok(tail)
}

/// The last object that is in the derived tables.
pub(crate) async fn folded(connection: &mut AnyConnection) -> Result<i64, Error> {
    let sql = "SELECT value FROM derived.state WHERE name = 'folded'";
    let row = fetch_one(connection, sql, |values| values).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
}

async fn load_meanings(connection: &mut AnyConnection) -> Result<Meanings, Error> {
    let mut all = Meanings::default();
    for row in fetch(connection, "SELECT id, side, tlp FROM definitions", |values| {
        values
    })
    .await?
    {
        let (id, side): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let tlp: Option<String> = row.try_get(2)?;
        let tlp = tlp.map(|tlp| Tlp::from_label(&tlp).unwrap_or(Tlp::Red));
        if let Ok(side) = side.parse::<Side>() {
            all.say(&id, side, tlp);
        }
    }
    Ok(all)
}

async fn load_lanes(connection: &mut AnyConnection) -> Result<HashMap<i64, BTreeSet<LaneId>>, Error> {
    let mut all: HashMap<i64, BTreeSet<LaneId>> = HashMap::new();
    let sql = "SELECT collection, lane FROM collection_lanes";
    for row in fetch(connection, sql, |values| values).await? {
        let lane = LaneId::from_number(row.try_get(1)?)?;
        all.entry(row.try_get(0)?).or_default().insert(lane);
    }
    Ok(all)
}
