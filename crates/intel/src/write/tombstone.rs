//! Tombstones: what tells another node that an object was deleted, which TAXII cannot say to who polls. They are objects
//! of our own type, under a STIX extension (section 7.3; `docs/share-with-partners.md`), so that any server carries them.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::json::Json;
use super::{Maker, WriteError};
use crate::{Object, is_id};

/// The type of a tombstone.
pub const TOMBSTONE: &str = "perisai-tombstone";

/// The extension that defines it.
pub const TOMBSTONE_EXTENSION: &str = "extension-definition--b430b722-2d83-5a80-b5bd-49a5a6b13687";

/// The property that names what was deleted. As it is a reference, a tombstone is held under the terms of that, too.
const REFERENCE: &str = "object_ref";

/// What a tombstone says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The id of the object that was deleted.
    pub object: String,
    /// Its newest version that was, in microseconds since 1970; an observable has none.
    pub through: Option<i64>,
}

#[derive(Deserialize)]
struct Through {
    #[serde(default)]
    object_modified: Option<String>,
}

impl Tombstone {
    /// Reads one; `None` where an object is none, or names nothing.
    #[must_use]
    pub fn of(object: &Object<'_>) -> Option<Self> {
        if object.kind != TOMBSTONE {
            return None;
        }
        let named = object.refs.iter().find(|one| one.property == REFERENCE)?;
        let told: Through = serde_json::from_slice(object.raw).ok()?;
        let through = match told.object_modified {
            Some(text) => Some(crate::time::parse(&text)?.as_microsecond()),
            None => None,
        };
        Some(Self {
            object: named.id.to_string(),
            through,
        })
    }
}

/// Writes one. `version` is the newest version of the object as it says it, `markings` are its markings. Its id is new
/// each time: several may have sent the object, and each of them ends theirs.
///
/// # Errors
/// Where an id is none.
pub fn tombstone(
    object: &str,
    version: Option<&str>,
    markings: &[String],
    by: &Maker<'_>,
) -> Result<Vec<u8>, WriteError> {
    if !is_id(object) {
        return Err(WriteError::Id(REFERENCE));
    }
    let mut json = Json::made(TOMBSTONE, &format!("{TOMBSTONE}--{}", Uuid::new_v4()), by)?;
    json.set(REFERENCE, object);
    json.maybe("object_modified", version);
    json.list("object_marking_refs", markings);
    json.set(
        "extensions",
        json!({TOMBSTONE_EXTENSION: {"extension_type": "new-sdo"}}),
    );
    Ok(json.end())
}

/// The extension definition itself (STIX 2.1, section 7.3), which nodes keep and give to whom they give tombstones.
///
/// # Errors
/// Where the maker is none.
pub fn tombstone_extension(by: &Maker<'_>, markings: &[&str]) -> Result<Vec<u8>, WriteError> {
    let mut json = Json::made("extension-definition", TOMBSTONE_EXTENSION, by)?;
    json.set("name", "Perisai tombstone");
    json.set(
        "description",
        "Tells that an object was deleted by whose it is. object_ref names it, object_modified is its newest version.",
    );
    json.set("schema", SCHEMA);
    json.set("version", "1.0.0");
    json.set("extension_types", ["new-sdo"]);
    json.list("object_marking_refs", markings);
    Ok(json.end())
}

/// The JSON schema of a tombstone: the file that stands in the book.
const SCHEMA: &str = include_str!("../../../../docs/schemas/perisai-tombstone.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let identity = "identity--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11";
        let by = Maker {
            identity: Some(identity),
            source: None,
            created: "2026-01-01T00:00:00Z".parse().unwrap(),
            modified: "2026-01-02T00:00:00Z".parse().unwrap(),
        };
        let check = |object: &str, version: Option<&str>, through: Option<i64>| {
            let raw = tombstone(object, version, &["marking-definition--a".to_owned()], &by).unwrap();
            let read = Object::parse(&raw).unwrap();
            assert_eq!(read.created_by_ref.as_deref(), Some(identity));
            assert_eq!(read.object_marking_refs, ["marking-definition--a"]);
            let expected = Tombstone {
                object: object.to_owned(),
                through,
            };
            assert_eq!(Tombstone::of(&read), Some(expected));
        };
        check("indicator--1", Some("1970-01-01T00:00:01.5Z"), Some(1_500_000));
        check("ipv4-addr--1", None, None);
        assert_eq!(
            tombstone("no id", None, &[], &by),
            Err(WriteError::Id("object_ref"))
        );
        let extension = tombstone_extension(&by, &[]).unwrap();
        let read = Object::parse(&extension).unwrap();
        assert_eq!((&*read.id, Tombstone::of(&read)), (TOMBSTONE_EXTENSION, None));
    }

    #[test]
    fn what_names_nothing_is_none() {
        let check = |body: &str| {
            let raw = format!(
                r#"{{"type":"{TOMBSTONE}","id":"{TOMBSTONE}--1","spec_version":"2.1",
                "created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z"{body}}}"#
            );
            let object = Object::parse(raw.as_bytes()).unwrap();
            assert_eq!(Tombstone::of(&object), None, "{body}");
        };
        check("");
        check(r#","other_ref":"indicator--1""#);
        check(r#","object_ref":"indicator--1","object_modified":"soon""#);
        check(r#","object_ref":"indicator--1","object_modified":7"#);
    }
}
