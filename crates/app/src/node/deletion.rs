//! Deletions: TAXII cannot tell them to who polls, so that a tombstone does (`docs/share-with-partners.md`).

use memchr::memmem;
use perisai_intel::Object;
use perisai_intel::write::{Maker, TOMBSTONE, Tombstone, tombstone};
use perisai_model::{Organisation, Timestamp};
use perisai_store::{Delivery, Error, Grave, Outcome, Plot, Receipt, Removal, VersionFilter};

use super::Node;

/// What became of what somebody sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// What became of each object, in the order in which they came.
    pub receipts: Vec<Receipt>,
    /// How many objects were deleted because tombstones told so.
    pub deleted: u64,
}

impl Node {
    /// Takes in what a partner sent, and deletes what their tombstones name, where it is theirs.
    ///
    /// A tombstone of what is not here has nothing to do, and is not kept: else it could be passed on as if it were ours
    /// once that comes.
    ///
    /// # Errors
    /// As [`Store::ingest`](perisai_store::Store::ingest). What was taken in before stays; all of it can be sent again.
    pub async fn receive(&self, mut delivery: Delivery) -> Result<Received, Error> {
        let mut received = Received::default();
        let all = std::mem::take(&mut delivery.objects);
        let mut objects = Vec::with_capacity(all.len());
        for raw in all {
            let Some((receipt, told)) = read(&raw) else {
                objects.push(raw);
                continue;
            };
            // What came before goes first: it may be what is buried here.
            let before = std::mem::take(&mut objects);
            self.take_in(&delivery, before, &mut received).await?;
            match self.store.plot(&told.object, delivery.source).await? {
                Plot::Nothing => received.receipts.push(receipt),
                Plot::Others => self.take_in(&delivery, vec![raw], &mut received).await?,
                Plot::Theirs(collections) => {
                    self.bury(&delivery, raw, &told, &collections, &mut received)
                        .await?;
                }
            }
        }
        self.take_in(&delivery, objects, &mut received).await?;
        Ok(received)
    }

    async fn take_in(
        &self,
        head: &Delivery,
        objects: Vec<Vec<u8>>,
        received: &mut Received,
    ) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        let mut delivery = head.clone();
        delivery.objects = objects;
        received.receipts.extend(self.store.ingest(delivery).await?);
        Ok(())
    }

    /// Takes in a tombstone, into the collections of what its sender had there, too; then deletes that. In this order: after
    /// a crash between the two it is sent again, or can be.
    async fn bury(
        &self,
        head: &Delivery,
        raw: Vec<u8>,
        told: &Tombstone,
        collections: &[i64],
        received: &mut Received,
    ) -> Result<(), Error> {
        self.take_in(head, vec![raw.clone()], received).await?;
        if !received
            .receipts
            .last()
            .is_some_and(|last| last.outcome.is_success())
        {
            return Ok(());
        }
        for collection in collections {
            if head.collection != Some(*collection) {
                let mut also = head.clone();
                also.collection = Some(*collection);
                also.objects = vec![raw.clone()];
                self.store.ingest(also).await?;
            }
        }
        let removed = self
            .store
            .delete_as(&told.object, head.source, told.through)
            .await?;
        received.deleted += u64::from(matches!(removed, Removal::Removed(_)));
        Ok(())
    }

    /// Deletes an object for whose it is, and leaves a tombstone in its collections. Who runs the node (`None`) may
    /// delete any; what is another's goes without one.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete(&self, id: &str, asks: Option<Organisation>) -> Result<Removal, Error> {
        let whose = asks.unwrap_or(self.store.own());
        match self.store.grave(id, whose).await? {
            Some(grave) => {
                self.leave(id, &grave).await?;
                self.store.delete(id, asks).await
            }
            None => self.store.delete(id, asks).await,
        }
    }

    /// Takes versions of an object out of a collection, for the organisation that asks; who runs the node (`None`) may
    /// take out any. Where it then is in no collection any more, and is theirs, it is deleted.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn remove(
        &self,
        collection: i64,
        id: &str,
        versions: &[VersionFilter],
        asks: Option<Organisation>,
    ) -> Result<Removal, Error> {
        let whose = asks.unwrap_or(self.store.own());
        if self.store.is_last(collection, id, versions, whose).await?
            && let Some(grave) = self.store.grave(id, whose).await?
        {
            self.leave(id, &grave).await?;
            return self.store.delete_as(id, grave.source, None).await;
        }
        self.store.remove(collection, id, versions, asks).await
    }

    /// Leaves a tombstone.
    async fn leave(&self, id: &str, grave: &Grave) -> Result<(), Error> {
        self.define_tombstones().await?;
        let identity = self.identity();
        let now = Timestamp::now();
        let by = Maker {
            identity: Some(&identity),
            source: None,
            created: now,
            modified: now,
        };
        let markings: Vec<_> = grave.tlp.iter().map(|tlp| tlp.stix_id().to_owned()).collect();
        let raw = tombstone(id, grave.version.as_deref(), &markings, &by)
            .map_err(|error| Error::Damaged(format!("a stored object: {error}")))?;
        let mut collections: Vec<_> = grave.collections.iter().copied().map(Some).collect();
        if collections.is_empty() {
            collections.push(None);
        }
        for collection in collections {
            let delivery = Delivery {
                source: grave.source,
                collection,
                tlp: None,
                audience: grave.audience.clone(),
                objects: vec![raw.clone()],
            };
            for receipt in self.store.ingest(delivery).await? {
                if !receipt.outcome.is_success() {
                    tracing::warn!(object = id, outcome = ?receipt.outcome, "a deletion could not be told");
                }
            }
        }
        Ok(())
    }
}

/// A tombstone, and the receipt of one that has nothing to do.
fn read(raw: &[u8]) -> Option<(Receipt, Tombstone)> {
    memmem::find(raw, TOMBSTONE.as_bytes())?;
    let object = Object::parse(raw).ok()?;
    let told = Tombstone::of(&object)?;
    let receipt = Receipt {
        id: Some(object.id.to_string()),
        version: object.version().map(|time| time.text.to_string()),
        outcome: Outcome::Known,
    };
    Some((receipt, told))
}
