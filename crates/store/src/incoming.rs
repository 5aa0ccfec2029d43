//! What came in, read once: all that the writer needs to know of an object, and its bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use perisai_intel::write::Tombstone;
use perisai_intel::{Marking, Object, SpecVersion, id_as_sent, marking_of_definition};
use perisai_model::{Audience, Organisation, Tlp};
use serde::Deserialize;
use uuid::Uuid;

use crate::hash;

/// Objects that came in together.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// From whom: the number of a source.
    pub source: i64,
    /// The collection that they were sent to, by its number; those whose query they match they enter anyway.
    pub collection: Option<i64>,
    /// What those are held as that carry no TLP marking, where the sender or the importer says so.
    pub tlp: Option<Tlp>,
    /// For whom they are, where that is said of all.
    pub audience: Option<Audience>,
    /// The bytes of each.
    pub objects: Vec<Vec<u8>>,
}

/// What became of one object of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its id, of what is refused as it was sent; `None` where it has none, or none that could be read.
    pub id: Option<String>,
    /// Its version, as it says it.
    pub version: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was stored.
    Stored,
    /// This version was here already.
    Known,
    /// It was kept apart: it changes what is not the sender's.
    Apart,
    /// It is no object that can be kept: why.
    Refused(String),
}

impl Outcome {
    /// Whether the sender may take it for delivered.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Stored | Self::Known)
    }
}

/// One object on its way in.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) id: String,
    pub(crate) hash: i64,
    pub(crate) kind: Arc<str>,
    pub(crate) spec: &'static str,
    /// Microseconds since 1970; `None` for an observable, which has no versions.
    pub(crate) version: Option<i64>,
    pub(crate) version_text: Option<String>,
    /// The identity that made it.
    pub(crate) creator: Option<Organisation>,
    /// The strictest of its markings with fixed ids, and of its labels.
    pub(crate) tlp: Option<Tlp>,
    /// Its other markings, which mean what their definitions say.
    pub(crate) markings: Vec<String>,
    /// The digests of the ids that it names.
    pub(crate) names: Vec<i64>,
    pub(crate) labels: Vec<String>,
    /// What it says, where it is a marking definition.
    pub(crate) definition: Option<Marking>,
    /// The id of what it says is deleted, where it is a tombstone.
    pub(crate) buries: Option<String>,
    pub(crate) digest: i64,
    pub(crate) raw: Vec<u8>,
}

impl Incoming {
    /// Reads an object.
    pub(crate) fn read(raw: Vec<u8>, types: &mut Types) -> Result<Self, Receipt> {
        let object = Object::parse(&raw).and_then(|object| object.sound().map(|()| object));
        match object {
            Ok(object) => {
                let read = Self::of(&object, types);
                Ok(Self { raw, ..read })
            }
            Err(why) => {
                let seen = Seen::in_bytes(&raw);
                Err(Receipt {
                    id: id_as_sent(&raw),
                    version: seen.modified.or(seen.created).filter(|time| time.len() < 64),
                    outcome: Outcome::Refused(why.to_string()),
                })
            }
        }
    }

    /// All but the bytes.
    pub(crate) fn of(object: &Object<'_>, types: &mut Types) -> Self {
        let version = object.version();
        let mut tlp = object.marking_of_labels().tlp;
        let mut markings = BTreeSet::new();
        for id in object.marking_refs() {
            match Tlp::from_stix_id(id) {
                Some(fixed) => tlp = Tlp::stricter(tlp, Some(fixed)),
                None => drop(markings.insert(id.to_owned())),
            }
        }
        let creator = object.created_by_ref.as_deref();
        let mut names: Vec<_> = object.refs.iter().map(|reference| &*reference.id).collect();
        names.extend(creator);
        names.extend(markings.iter().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        Self {
            hash: hash::of_id(&object.id),
            kind: types.share(&object.kind),
            spec: match object.spec_version {
                SpecVersion::V20 => "2.0",
                SpecVersion::V21 => "2.1",
            },
            version: version.map(|time| time.micros),
            version_text: version.map(|time| time.text.to_string()),
            creator: creator.and_then(organisation_of),
            tlp,
            names: names.into_iter().map(hash::of_id).collect(),
            markings: markings.into_iter().collect(),
            labels: object.labels.iter().map(ToString::to_string).collect(),
            definition: (object.kind == "marking-definition").then(|| marking_of_definition(object.raw)),
            buries: Tombstone::of(object).map(|told| told.object),
            digest: hash::of_bytes(object.raw),
            id: object.id.to_string(),
            raw: Vec::new(),
        }
    }

    /// What the sender is told.
    pub(crate) fn receipt(&self, outcome: Outcome) -> Receipt {
        Receipt {
            id: Some(self.id.clone()),
            version: self.version_text.clone(),
            outcome,
        }
    }
}

/// What can be seen of the version of an object that is refused, so that its sender knows which one it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Seen {
    created: Option<String>,
    modified: Option<String>,
}

impl Seen {
    fn in_bytes(raw: &[u8]) -> Self {
        serde_json::from_slice(raw).unwrap_or_default()
    }
}

/// The organisation that a STIX identity stands for.
pub(crate) fn organisation_of(identity: &str) -> Option<Organisation> {
    let uuid = identity.strip_prefix("identity--")?;
    Uuid::try_parse(uuid).ok().map(Organisation)
}

/// Names of types, each once in memory.
#[derive(Debug, Default)]
pub(crate) struct Types(BTreeSet<Arc<str>>);

impl Types {
    fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}
