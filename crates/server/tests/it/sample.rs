//! Objects for the tests.

use perisai_model::Tlp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A UUID of a number.
pub(crate) fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + number)
}

/// An id of a type.
pub(crate) fn id(kind: &str, number: u128) -> String {
    format!("{kind}--{}", uuid(number))
}

/// The time of an hour of a day, as the objects here say it.
pub(crate) fn hour(version: u8) -> String {
    format!("2026-01-01T{version:02}:00:00.000Z")
}

/// An indicator for a domain, of an hour, for anybody.
pub(crate) fn indicator(number: u128, version: u8) -> Value {
    marked(number, version, Tlp::Clear)
}

/// The same under a marking.
pub(crate) fn marked(number: u128, version: u8, tlp: Tlp) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id("indicator", number),
        "created": hour(0), "modified": hour(version), "name": format!("Gate {number}"),
        "pattern": format!("[domain-name:value = 'gate{number}.example']"), "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z", "object_marking_refs": [tlp.stix_id()],
    })
}

/// An observable, which has no versions.
pub(crate) fn observable(number: u128) -> Value {
    json!({
        "type": "domain-name", "spec_version": "2.1", "id": id("domain-name", number),
        "value": format!("gate{number}.example"), "object_marking_refs": [Tlp::Clear.stix_id()],
    })
}

/// An identity of STIX 2.0.
pub(crate) fn old(number: u128, version: u8) -> Value {
    json!({
        "type": "identity", "id": id("identity", number), "created": hour(0), "modified": hour(version),
        "name": format!("Office {number}"), "identity_class": "organization",
        "object_marking_refs": [Tlp::Clear.stix_id()],
    })
}

/// Bytes of objects.
pub(crate) fn bytes(objects: &[Value]) -> Vec<Vec<u8>> {
    objects
        .iter()
        .map(|object| object.to_string().into_bytes())
        .collect()
}
