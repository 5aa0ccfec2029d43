//! Sightings of our own: what a hunt saw of the indicators that the node gave it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use perisai_intel::write::{self, Maker, Sighting};
use perisai_model::{Audience, Organisation, Tlp};
use perisai_store::{Delivery, Error, Outcome, View};

use super::Node;

/// An indicator that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub of: String,
    /// How often.
    pub count: u64,
    /// When first.
    pub first: Option<Timestamp>,
    /// When last.
    pub last: Option<Timestamp>,
}

/// What became of sightings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SightingsTaken {
    /// Those that are new.
    pub stored: u64,
    /// Those that were here.
    pub known: u64,
    /// Ids of which there is no object that who saw them may know.
    pub unknown: Vec<String>,
}

impl Node {
    /// Keeps sightings of objects that a view knows. Each is for our own organisation and for the one that the object came
    /// from, and for nobody else (design.md, invariant 8): it names no asset.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn take_sightings(&self, view: &View, seen: Vec<Seen>) -> Result<SightingsTaken, Error> {
        let mut taken = SightingsTaken::default();
        let mut written: BTreeMap<Option<Organisation>, Vec<Vec<u8>>> = BTreeMap::new();
        for one in seen {
            let found = view.object(&one.of).await?;
            let Some(newest) = found.first() else {
                taken.unknown.push(one.of);
                continue;
            };
            let sender = self.sender(newest.get().source);
            match self.written(&one, sender.is_some()) {
                Ok(sighting) => written.entry(sender).or_default().push(sighting),
                Err(_) => taken.unknown.push(one.of),
            }
        }
        for (sender, objects) in written {
            let audience = sender.map(|sender| Audience {
                organisations: [sender].into(),
                ..Audience::default()
            });
            let delivery = Delivery {
                source: self.own.number,
                collection: None,
                tlp: None,
                audience,
                objects,
            };
            for receipt in self.store.ingest(delivery).await? {
                match receipt.outcome {
                    Outcome::Stored => taken.stored += 1,
                    _ => taken.known += 1,
                }
            }
        }
        Ok(taken)
    }

    /// The organisation whose source it is, if it is another's.
    fn sender(&self, source: i64) -> Option<Organisation> {
        let sources = self.store.sources();
        let source = sources.iter().find(|one| one.number == source)?;
        source.owner().filter(|owner| *owner != self.store.own())
    }

    /// The same sighting again is the same object: a hunt may be repeated.
    fn written(&self, seen: &Seen, for_sender: bool) -> Result<Vec<u8>, write::WriteError> {
        let identity = self.identity();
        let last = seen.last.or(seen.first);
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let key = format!("{} {} {}", text(seen.first), text(last), seen.count);
        let id = write::sighting_id(Some(&identity), &seen.of, &key);
        let made = last.unwrap_or_else(|| Timestamp::from_microsecond(self.own.created).unwrap_or_default());
        let by = Maker {
            identity: Some(&identity),
            source: None,
            created: made,
            modified: made,
        };
        let sighting = Sighting {
            id: &id,
            of: &seen.of,
            count: seen.count,
            first_seen: seen.first,
            last_seen: last,
            where_sighted: &[&identity],
            tlp: Some(if for_sender { Tlp::Amber } else { Tlp::AmberStrict }),
            revoked: false,
        };
        write::sighting(&sighting, &by)
    }
}
