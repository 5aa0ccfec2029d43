//! What policy withheld is on the audit chain, too: how much, for which reasons, and from whom. The reader learns nothing of
//! it, neither from the answer nor from how long that takes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use perisai_policy::Recipient;
use perisai_store::{AuditEvent, Collection, Error, View};
use serde_json::json;

use super::Node;

/// For so long no more is written of a reader and a collection.
const PAUSE: Duration = Duration::from_hours(1);

/// Of how many it is known when that was last written.
const MOST: usize = 10_000;

/// When it was last written, by reader and collection.
#[derive(Debug, Default)]
pub(super) struct Noted(Mutex<HashMap<(Recipient, i64), Instant>>);

impl Noted {
    /// Whether it is time to write it; from then on it is not, for an hour.
    fn is_due(&self, reader: Recipient, collection: i64, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.duration_since(*at) < PAUSE;
        if all.get(&(reader, collection)).is_some_and(is_recent) {
            return false;
        }
        if all.len() >= MOST {
            all.retain(|_, at| is_recent(at));
        }
        let has_room = all.len() < MOST;
        if has_room {
            all.insert((reader, collection), now);
        }
        has_room
    }
}

impl Node {
    /// Writes down how much of a collection a reader may not have, at most once an hour for each of both. It is done behind
    /// the back of who asks.
    pub fn note_withheld(self: &Arc<Self>, view: View, collection: Arc<Collection>) {
        let reader = *view.recipient();
        if !self.withheld.is_due(reader, collection.number, Instant::now()) {
            return;
        }
        let node = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = node.write_withheld(&view, &collection).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what was withheld could not be written down");
            }
        });
    }

    async fn write_withheld(&self, view: &View, collection: &Collection) -> Result<(), Error> {
        let withheld = view.withheld(collection.number).await?;
        if withheld.is_empty() {
            return Ok(());
        }
        let refused: BTreeMap<_, _> = withheld
            .iter()
            .map(|(refusal, count)| (refusal.to_string(), count))
            .collect();
        let Recipient { organisation, person } = view.recipient();
        let event = AuditEvent {
            event: "withheld",
            who: None,
            data: json!({
                "organisation": organisation.map(|organisation| organisation.0),
                "person": person.map(|person| person.0),
                "collection": collection.id,
                "refused": refused,
            }),
        };
        self.audit.append(event).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_an_hour() {
        let noted = Noted::default();
        let start = Instant::now();
        let check = |collection, after: u64, expected| {
            let now = start + Duration::from_secs(after);
            assert_eq!(
                noted.is_due(Recipient::ANYBODY, collection, now),
                expected,
                "{after}"
            );
        };
        check(1, 0, true);
        check(1, 1, false);
        check(2, 1, true);
        check(1, 3_599, false);
        check(1, 3_600, true);
        check(1, 3_601, false);
        // One of an hour ago makes room, and the one of now does not.
        let many = i64::try_from(MOST).unwrap();
        (0..many).for_each(|other| check(10 + other, 3_700, other < many - 1));
        check(3, 20_000, true);
    }
}
