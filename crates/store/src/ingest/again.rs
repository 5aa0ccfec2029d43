//! What is here already and is sent to a collection that it is not in.

use std::collections::{BTreeMap, HashSet};

use sqlx::{AnyConnection, Row};

use super::plan::Fate;
use super::{Member, Read};
use crate::Error;
use crate::known::KnownById;
use crate::sql::fetch_in;

/// The objects of a delivery that enter its collection although they are not new; where, is still to be said.
pub(super) async fn members(
    connection: &mut AnyConnection,
    read: &Read,
    fates: &[Fate],
    known: &KnownById,
) -> Result<Vec<Member>, Error> {
    let Some(collection) = read.delivery.collection else {
        return Ok(Vec::new());
    };
    // What came twice in this delivery is not stored yet, and enters as a new one.
    let stored: BTreeMap<_, _> = fates
        .iter()
        .zip(&read.objects)
        .filter_map(|(fate, object)| {
            let seq = fate.known()?;
            let of_id = known.get(&object.hash)?;
            let one = of_id.iter().find(|one| one.seq == seq)?;
            Some((seq, (one.lane, of_id.len() > 1)))
        })
        .collect();
    let seqs: Vec<_> = stored.keys().copied().collect();
    let sql = "SELECT object, collection FROM members WHERE object IN ({})";
    let mut here = HashSet::new();
    for row in fetch_in(connection, sql, &seqs).await? {
        if row.try_get::<i64, _>(1)? == collection {
            here.insert(row.try_get::<i64, _>(0)?);
        }
    }
    let enters = stored.into_iter().filter(|(seq, _)| !here.contains(seq));
    let member = |(object, (lane, has_siblings))| Member {
        collection,
        lane,
        position: 0,
        object,
        has_siblings,
    };
    Ok(enters.map(member).collect())
}
