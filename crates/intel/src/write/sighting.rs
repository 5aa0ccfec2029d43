//! That something was seen, how often and when (STIX 2.1, section 5.2). Which asset saw it stays home (design.md,
//! invariant 8): there is no place for it here.

use perisai_model::{Timestamp, Tlp, stable_uuid};

use super::json::{Json, time};
use super::{Maker, WriteError, checked, marking_refs};

/// The largest count that STIX 2.1 allows.
const MOST: u64 = 999_999_999;

/// A sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// Its id; [`sighting_id`] gives one.
    pub id: &'a str,
    /// The id of what was seen: an indicator, malware, ….
    pub of: &'a str,
    /// How often.
    pub count: u64,
    /// When first.
    pub first_seen: Option<Timestamp>,
    /// When last; no earlier than first.
    pub last_seen: Option<Timestamp>,
    /// The ids of identities or locations that saw it.
    pub where_sighted: &'a [&'a str],
    /// Its marking.
    pub tlp: Option<Tlp>,
    /// It is taken back.
    pub revoked: bool,
}

/// An id that follows from who says it, of what, and a key that tells one sighting of it from the next; a later version
/// of the same one has the same key.
#[must_use]
pub fn sighting_id(identity: Option<&str>, of: &str, key: &str) -> String {
    let uuid = stable_uuid(&["stix", "sighting", identity.unwrap_or_default(), of, key]);
    format!("sighting--{uuid}")
}

/// A `sighting`.
///
/// # Errors
/// Where an id is none.
pub fn sighting(sighting: &Sighting<'_>, by: &Maker<'_>) -> Result<Vec<u8>, WriteError> {
    if crate::id_type(sighting.id) != Some("sighting") {
        return Err(WriteError::Id("id"));
    }
    checked(Some(sighting.of), "sighting_of_ref")?;
    for id in sighting.where_sighted {
        if !matches!(crate::id_type(id), Some("identity" | "location")) {
            return Err(WriteError::Id("where_sighted_refs"));
        }
    }
    let mut json = Json::made("sighting", sighting.id, by)?;
    if sighting.revoked {
        json.set("revoked", true);
    }
    let last = sighting
        .last_seen
        .max(sighting.first_seen.filter(|_| sighting.last_seen.is_some()));
    json.maybe("first_seen", sighting.first_seen.map(time));
    json.maybe("last_seen", last.map(time));
    json.set("count", sighting.count.min(MOST));
    json.set("sighting_of_ref", sighting.of);
    json.list("where_sighted_refs", sighting.where_sighted);
    json.list(
        "object_marking_refs",
        &marking_refs(sighting.tlp).collect::<Vec<_>>(),
    );
    Ok(json.end())
}
