//! Who we are, for others: the STIX identity of the node's organisation, which what it makes names as its maker.

use perisai_intel::Object;
use perisai_intel::write::{self, Identity, Maker, TOMBSTONE_EXTENSION, WriteError};
use perisai_model::{Timestamp, Tlp};
use perisai_policy::Recipient;
use perisai_store::{Delivery, Error};
use serde_json::{Value, json};

use super::Node;

impl Node {
    /// The STIX identity of the node's organisation.
    pub(crate) fn identity(&self) -> String {
        format!("identity--{}", self.store.own().0)
    }

    /// Keeps our identity under our present name: what we make names it, and partners can look it up.
    pub(super) async fn introduce(&self) -> Result<(), Error> {
        let id = self.identity();
        let known = self.store.organisation(self.store.own()).await?;
        let name = known.map_or_else(|| self.settings.title.clone(), |party| party.name);
        let view = self.store.view(Recipient::organisation(self.store.own()));
        let newest = view.object(&id).await?.into_iter().next();
        let first = Timestamp::from_microsecond(self.own.created).unwrap_or(Timestamp::UNIX_EPOCH);
        let is_named =
            |raw: &[u8]| Object::parse(raw).is_ok_and(|object| object.name.as_deref() == Some(name.as_str()));
        if newest.as_ref().is_some_and(|newest| is_named(&newest.get().raw)) {
            return Ok(());
        }
        let modified = if newest.is_some() { Timestamp::now() } else { first };
        let written = write::identity(&Identity {
            id: &id,
            name: &name,
            class: "organization",
            description: None,
            sectors: &[],
            contact: self.settings.contact.as_deref(),
            created: first,
            modified,
        });
        self.publish(written.and_then(open)).await
    }

    /// Our identity, for a collection that gets what we make: who only reads that should find who made it.
    pub(super) async fn introduction(&self, collection: Option<i64>) -> Result<Option<Delivery>, Error> {
        let view = self.store.view(Recipient::organisation(self.store.own()));
        let newest = view.object(&self.identity()).await?.into_iter().next();
        Ok(newest.map(|newest| Delivery {
            source: self.own.number,
            collection,
            tlp: Some(Tlp::Clear),
            audience: None,
            objects: vec![newest.get().raw.clone()],
        }))
    }

    /// Keeps the definition of tombstones, beside the first one.
    pub(super) async fn define_tombstones(&self) -> Result<(), Error> {
        if self.store.knows(TOMBSTONE_EXTENSION).await? {
            return Ok(());
        }
        let first = Timestamp::from_microsecond(self.own.created).unwrap_or(Timestamp::UNIX_EPOCH);
        let by = Maker {
            identity: Some(&self.identity()),
            source: None,
            created: first,
            modified: first,
        };
        self.publish(write::tombstone_extension(&by, &[Tlp::Clear.stix_id()]))
            .await
    }

    /// Keeps an object of ours that anybody may have.
    async fn publish(&self, written: Result<Vec<u8>, WriteError>) -> Result<(), Error> {
        let delivery = Delivery {
            source: self.own.number,
            collection: None,
            tlp: Some(Tlp::Clear),
            audience: None,
            objects: vec![written.map_err(|error| Error::Damaged(format!("who we are: {error}")))?],
        };
        self.store.ingest(delivery).await.map(drop)
    }
}

/// The same under TLP:CLEAR.
fn open(raw: Vec<u8>) -> Result<Vec<u8>, WriteError> {
    let Ok(mut object) = serde_json::from_slice::<Value>(&raw) else {
        return Ok(raw);
    };
    object["object_marking_refs"] = json!([Tlp::Clear.stix_id()]);
    Ok(object.to_string().into_bytes())
}
