//! Who is behind what is written (STIX 2.1, section 4.5).

use perisai_model::{Timestamp, stable_uuid};

use super::json::Json;
use super::{Maker, WriteError};
use crate::words::{NAME, PROSE, clip};

/// An organisation, a person, a group or a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Its id; [`identity_id`] gives one.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `organization`, `individual`, `group`, `class`, `system` or `unknown`.
    pub class: &'a str,
    /// What it is.
    pub description: Option<&'a str>,
    /// What it works in: `government`, `energy`, ….
    pub sectors: &'a [&'a str],
    /// How to reach it.
    pub contact: Option<&'a str>,
    /// When it was first told of.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
}

/// An id that follows from a key which stays the same when the name changes: the id or name of an organisation.
#[must_use]
pub fn identity_id(key: &str) -> String {
    format!("identity--{}", stable_uuid(&["stix", "identity", key]))
}

/// An `identity`.
///
/// # Errors
/// Where it has no name, or its id is none of an identity.
pub fn identity(identity: &Identity<'_>) -> Result<Vec<u8>, WriteError> {
    if crate::id_type(identity.id) != Some("identity") {
        return Err(WriteError::Id("id"));
    }
    let by = Maker {
        identity: None,
        source: None,
        created: identity.created,
        modified: identity.modified,
    };
    let mut json = Json::made("identity", identity.id, &by)?;
    json.set("name", clip(identity.name, NAME).ok_or(WriteError::Name)?);
    json.maybe(
        "description",
        identity.description.and_then(|text| clip(text, PROSE)),
    );
    json.maybe("identity_class", clip(identity.class, NAME));
    let sectors = identity.sectors.iter().filter_map(|name| clip(name, NAME));
    json.list("sectors", &sectors.collect::<Vec<_>>());
    json.maybe(
        "contact_information",
        identity.contact.and_then(|text| clip(text, PROSE)),
    );
    Ok(json.end())
}
