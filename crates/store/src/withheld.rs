//! How much of a collection a reader may not have, for the audit chain: the reader is told nothing of it.

use std::collections::{BTreeMap, HashMap};

use perisai_policy::{Decision, Refusal, may_release};
use sqlx::Row;

use crate::classes::LaneId;
use crate::sql::fetch;
use crate::{Error, View};

impl View {
    /// How many members of a collection, by its number, policy withholds, by reason. Objects are not looked at: all of a lane
    /// are held alike.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn withheld(&self, collection: i64) -> Result<BTreeMap<Refusal, u64>, Error> {
        let hidden = self.hidden(collection);
        let mut counts = BTreeMap::new();
        if hidden.is_empty() {
            return Ok(counts);
        }
        let mut connection = self.store.reader().await?;
        let sql = "SELECT lane, count(*) FROM members WHERE collection = $1 GROUP BY lane";
        for row in fetch(&mut connection, sql, |values| values.int(collection)).await? {
            let lane = LaneId::from_number(row.try_get(0)?)?;
            if let Some(refusal) = hidden.get(&lane) {
                let many: i64 = row.try_get(1)?;
                *counts.entry(*refusal).or_default() += u64::try_from(many).unwrap_or(0);
            }
        }
        Ok(counts)
    }

    /// The lanes of a collection that the recipient may not see, and why.
    fn hidden(&self, collection: i64) -> HashMap<LaneId, Refusal> {
        let shared = self.store.shared();
        let lanes = shared.lanes.get(&collection).into_iter().flatten().copied();
        let refusal = |lane: LaneId| {
            let terms = shared.classes.terms_of(shared.classes.lane(lane)?.class);
            match may_release(&terms, self.recipient(), self.context()) {
                Decision::Withhold(refusal) => Some((lane, refusal)),
                Decision::Release(_) => None,
            }
        };
        lanes.filter_map(refusal).collect()
    }
}
