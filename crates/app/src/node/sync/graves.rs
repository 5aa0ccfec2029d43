//! Tombstones that a peer gives: one deletes only what the peer itself has no more. Of several who brought it an object
//! one may have taken theirs back, while another's still stands there.

use std::collections::{HashMap, HashSet};

use perisai_exchange::Error;
use perisai_exchange::taxii::{Client, CollectionUrl, Matching, Query, Stamp};
use perisai_intel::Object;
use perisai_intel::write::{TOMBSTONE, Tombstone};

use super::round::{Failure, Round};

/// How many ids are asked for together: they stand in the address.
const IDS: usize = 20;

/// The id of a tombstone, and of what it names.
type Grave = (String, String);

impl Round<'_> {
    /// Leaves out the tombstones of what still stands in a collection of the peer: there it entered anew, behind the
    /// tombstone (`docs/share-with-partners.md`). Another server than a node of ours lets both stand as they came.
    pub(super) async fn without_empty_graves(
        &mut self,
        client: &Client,
        (at, all): (&CollectionUrl, &[CollectionUrl]),
        objects: Vec<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let graves: Vec<_> = objects.iter().filter_map(|raw| grave(raw)).collect();
        let mut empty = HashSet::new();
        for some in graves.chunks(IDS) {
            let tombstones = some.iter().map(|(id, _)| id);
            let told = added(client, at, tombstones).await?;
            for one in all {
                let here = added(client, one, some.iter().map(|(_, named)| named)).await?;
                let is_empty = |(id, named): &&Grave| {
                    let (told, here) = (told.get(id), here.get(named));
                    here.zip(told).is_some_and(|(here, told)| here.at > told.at)
                };
                empty.extend(some.iter().filter(is_empty).cloned());
            }
        }
        let is_kept = |raw: &Vec<u8>| grave(raw).is_none_or(|grave| !empty.contains(&grave));
        Ok(objects.into_iter().filter(is_kept).collect())
    }
}

/// What an object buries, where it is a tombstone.
fn grave(raw: &[u8]) -> Option<Grave> {
    memchr::memmem::find(raw, TOMBSTONE.as_bytes())?;
    let object = Object::parse(raw).ok()?;
    let told = Tombstone::of(&object)?;
    Some((object.id.to_string(), told.object))
}

/// When some objects entered a collection, by id.
async fn added(
    client: &Client,
    at: &CollectionUrl,
    ids: impl Iterator<Item = &String>,
) -> Result<HashMap<String, Stamp>, Failure> {
    let query = Query {
        matching: Matching {
            ids: ids.cloned().collect(),
            ..Matching::default()
        },
        ..Query::default()
    };
    let rows = match client.manifest(at, &query).await {
        Ok(manifest) => manifest.rows,
        // It has no manifest, or nothing of it is there.
        Err(Error::NotFound { .. } | Error::Forbidden { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let dated = rows.into_iter().filter_map(|row| Some((row.id, row.date_added?)));
    let mut newest: HashMap<String, Stamp> = HashMap::new();
    for (id, stamp) in dated {
        let known = newest.entry(id).or_insert(stamp);
        *known = stamp.max(*known);
    }
    Ok(newest)
}
