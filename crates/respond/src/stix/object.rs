//! A STIX object as properties in a fixed order, with ids that follow from the content: the same hunt gives the same
//! bundle, and an object that differs never bears the id of another.

use perisai_model::{Timestamp, Tlp, stable_uuid};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

/// The namespace that STIX 2.1, section 2.9, sets for the ids of observables.
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);
/// The extension of OASIS that holds TLP 2.0.
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
/// When OASIS made the five marking definitions of TLP 2.0.
const TLP_CREATED: &str = "2022-10-01T00:00:00.000Z";
/// The first second of the year 1, before which the RFC 3339 has no way to write a time.
const YEAR_ONE: i64 = -62_135_596_800;

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    pub(super) id: String,
    kind: &'static str,
    properties: Vec<(&'static str, Value)>,
}

impl Object {
    /// A domain, relationship or meta object, or a process, which all have no rule for their id but to be unique.
    pub(super) fn new(kind: &'static str, properties: Vec<(&'static str, Value)>) -> Self {
        let uuid = content_uuid(kind, &properties);
        Self {
            id: format!("{kind}--{uuid}"),
            kind,
            properties,
        }
    }

    /// An observable whose id follows from all of its properties. At most one of the values is an object, and that
    /// has one member, so that sorting the names is all that the canonical form (RFC 8785) asks.
    pub(super) fn observable(kind: &'static str, properties: Vec<(&'static str, Value)>) -> Self {
        let mut sorted: Vec<_> = properties.iter().collect();
        sorted.sort_by_key(|(name, _)| *name);
        let members: Vec<_> = sorted
            .into_iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let canonical = format!("{{{}}}", members.join(","));
        let uuid = Uuid::new_v5(&OBSERVABLES, canonical.as_bytes());
        Self {
            id: format!("{kind}--{uuid}"),
            kind,
            properties,
        }
    }

    /// A process, whose id must be a UUIDv4 (STIX 2.1, section 6.14): made from the content and shaped like one.
    pub(super) fn process(properties: Vec<(&'static str, Value)>) -> Self {
        let bytes = content_uuid("process", &properties).into_bytes();
        let uuid = Builder::from_random_bytes(bytes).into_uuid();
        Self {
            id: format!("process--{uuid}"),
            kind: "process",
            properties,
        }
    }

    /// The marking definition of a label, as OASIS published it.
    pub(super) fn marking(tlp: Tlp) -> Self {
        let extension = json!({ "extension_type": "property-extension", "tlp_2_0": tlp.as_str() });
        Self {
            id: tlp.stix_id().to_owned(),
            kind: "marking-definition",
            properties: vec![
                ("created", TLP_CREATED.into()),
                ("name", crate::say::tlp(tlp).into()),
                ("extensions", json!({ TLP_EXTENSION: extension })),
            ],
        }
    }

    /// Adds a property that takes no part in the id.
    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        self.properties.push((name, value));
    }
}

fn content_uuid(kind: &str, properties: &[(&'static str, Value)]) -> Uuid {
    let mut parts = vec!["stix".to_owned(), kind.to_owned()];
    for (name, value) in properties {
        parts.push((*name).to_owned());
        parts.push(value.to_string());
    }
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    stable_uuid(&parts)
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3 + self.properties.len()))?;
        map.serialize_entry("type", self.kind)?;
        map.serialize_entry("spec_version", "2.1")?;
        map.serialize_entry("id", &self.id)?;
        for (name, value) in &self.properties {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A time as STIX writes it; `None` where it has no year to write.
pub(super) fn time(time: Timestamp) -> Option<Value> {
    (time.as_second() >= YEAR_ONE).then(|| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observables_have_the_ids_of_the_standard() {
        // As the `stix2` library of OASIS gives them.
        let check = |kind, properties, expected: &str| {
            assert_eq!(Object::observable(kind, properties).id, expected);
        };
        let value = |value: &str| vec![("value", Value::from(value))];
        check(
            "ipv4-addr",
            value("198.51.100.3"),
            "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
        );
        check(
            "domain-name",
            value("example.com"),
            "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7",
        );
        check(
            "autonomous-system",
            vec![("number", 64500.into())],
            "autonomous-system--0a5f7072-df00-5729-9f0a-4eb18631a446",
        );
        check(
            "windows-registry-key",
            vec![("key", "HKLM\\Software\\\"é".into())],
            "windows-registry-key--491a4afa-9d64-57e2-8270-7477fe19f1ba",
        );
        check(
            "mutex",
            vec![("name", "a/b\u{2028}\x7f".into())],
            "mutex--6f928927-3894-58e5-b399-ff191c3d90e3",
        );
        let sha256 = "1bc44eef75779e3ca1eefb8ff5a64807dbc942b1e4a2672d77b9f6928d292591";
        check(
            "file",
            vec![("hashes", json!({ "SHA-256": sha256 }))],
            "file--9b4a2020-c429-5d2c-8038-f823dea809d4",
        );
        check(
            "file",
            vec![
                ("name", "a.exe".into()),
                (
                    "parent_directory_ref",
                    "directory--30b6c25d-82f4-51af-a3c8-51cb692dfd0a".into(),
                ),
            ],
            "file--8373e4b2-f06b-58ab-9591-b48a0220f152",
        );
    }

    #[test]
    fn times_are_in_milliseconds() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(time(text.parse().unwrap()), expected.map(Value::from), "{text}");
        };
        check("2022-02-23T14:02:11Z", Some("2022-02-23T14:02:11.000Z"));
        check("2022-02-23T14:02:11.1239Z", Some("2022-02-23T14:02:11.123Z"));
        check("-000001-01-01T00:00:00Z", None);
    }

    #[test]
    fn a_process_has_an_id_of_version_4() {
        let process = Object::process(vec![("command_line", "a".into())]);
        let uuid: Uuid = process.id.trim_start_matches("process--").parse().unwrap();
        assert_eq!(uuid.get_version_num(), 4);
    }
}
