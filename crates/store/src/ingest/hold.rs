//! Holding objects in other lanes: they leave the collections that they are in and enter them anew.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::Row;

use super::reclass::{Again, Walk};
use super::{Member, rows};
use crate::Error;
use crate::classes::LaneId;
use crate::collection::Candidate;
use crate::sql::{execute, fetch_in, insert};
use crate::store::now;

/// In which collections an object is, and whether there are other versions of it.
type WasIn = HashMap<i64, bool>;

impl Walk<'_> {
    /// Lets objects enter the collections anew in which they are: later than all that entered any collection before.
    /// Whoever holds what stands here against a tombstone that stands there needs that: what came together is spread
    /// over a while by chance, in each collection by another.
    pub(crate) async fn enter_anew(&mut self, seqs: &[i64]) -> Result<(), Error> {
        let all = self.read_again(seqs).await?;
        let stay: Vec<_> = all.iter().map(|again| (again, again.known.lane)).collect();
        let from = self.writer.behind_all(now());
        self.hold(&stay, from).await
    }

    /// Holds objects in these lanes from now on; they enter their collections anew from this time on.
    pub(super) async fn hold(&mut self, all: &[(&Again, LaneId)], from: i64) -> Result<(), Error> {
        let seqs: Vec<_> = all.iter().map(|(again, _)| again.known.seq).collect();
        for (again, lane) in all {
            let sql = "UPDATE objects SET lane = $1 WHERE seq = $2";
            execute(self.connection, sql, |values| {
                values.int(lane.number()).int(again.known.seq)
            })
            .await?;
        }
        let sql = "SELECT object, collection, siblings FROM members WHERE object IN ({})";
        let mut were_in: HashMap<i64, WasIn> = HashMap::with_capacity(all.len());
        for row in fetch_in(self.connection, sql, &seqs).await? {
            let was_in = were_in.entry(row.try_get(0)?).or_default();
            was_in.insert(row.try_get(1)?, row.try_get::<i64, _>(2)? != 0);
        }
        fetch_in(self.connection, "DELETE FROM members WHERE object IN ({})", &seqs).await?;
        let mut members = Vec::with_capacity(all.len());
        for (again, lane) in all {
            let was_in = were_in.remove(&again.known.seq).unwrap_or_default();
            for collection in self.enters(again, *lane, &was_in) {
                members.push(Member {
                    collection,
                    lane: *lane,
                    position: self.writer.position(collection, from),
                    object: again.known.seq,
                    has_siblings: was_in.is_empty() || was_in.values().any(|has| *has),
                });
            }
            self.queue.push(again.object.hash);
        }
        rows::insert_members(self.connection, &members).await?;
        self.entered
            .extend(members.iter().map(|member| (member.collection, member.lane)));
        let tail = "ON CONFLICT (object) DO NOTHING";
        insert(
            self.connection,
            "INSERT INTO touched (object)",
            1,
            tail,
            &seqs,
            |values, seq| values.int(*seq),
        )
        .await?;
        Ok(())
    }

    /// The collections that an object is in from now on: the baskets that it was in, and those whose query it matches.
    fn enters(&self, again: &Again, lane: LaneId, was_in: &WasIn) -> Vec<i64> {
        let shared = self.store.shared();
        let lane = shared.classes.lane(lane).expect("the lane was just numbered");
        let source = shared.sources.get(&again.known.source);
        let candidate = Candidate {
            kind: &again.object.kind,
            labels: &again.object.labels,
            source: source.map_or("", |source| &source.name),
            terms: shared.classes.terms(shared.classes.class(lane.class)[0]),
            default_tlp: shared.context.default_tlp,
        };
        let enters = |collection: &&Arc<crate::Collection>| match &collection.query {
            Some(query) => query.matches(&candidate),
            None => was_in.contains_key(&collection.number),
        };
        let all = shared.collections.iter().filter(enters);
        all.map(|collection| collection.number).collect()
    }
}
