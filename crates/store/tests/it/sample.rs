//! Objects for the tests.

use perisai_model::Tlp;
use perisai_store::{Delivery, NewSource, Outcome, Receipt, SourceKind, Store};
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

/// An indicator for a domain, of the hour `version` of a day.
pub(crate) fn indicator(number: u128, version: u8, tlp: Option<Tlp>) -> Value {
    let time = format!("2026-01-01T{version:02}:00:00.000Z");
    let markings: Vec<_> = tlp.iter().map(|tlp| tlp.stix_id()).collect();
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": id("indicator", number),
        "created": "2026-01-01T00:00:00.000Z", "modified": time, "name": format!("Gate {number}"),
        "pattern": format!("[domain-name:value = 'gate{number}.example']"), "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    });
    if !markings.is_empty() {
        object["object_marking_refs"] = json!(markings);
    }
    object
}

/// A relationship between two ids.
pub(crate) fn relationship(number: u128, from: &str, to: &str, tlp: Tlp) -> Value {
    json!({
        "type": "relationship", "spec_version": "2.1", "id": id("relationship", number),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "indicates", "source_ref": from, "target_ref": to,
        "object_marking_refs": [tlp.stix_id()],
    })
}

/// Bytes of objects.
pub(crate) fn bytes(objects: &[Value]) -> Vec<Vec<u8>> {
    objects
        .iter()
        .map(|object| object.to_string().into_bytes())
        .collect()
}

/// A source of a partner, whose organisation has a number.
pub(crate) async fn partner(store: &Store, name: &str, organisation: Option<u128>) -> i64 {
    let new = NewSource {
        name: name.to_owned(),
        kind: SourceKind::Partner,
        organisation: organisation.map(|number| perisai_model::Organisation(uuid(number))),
        tlp: None,
    };
    store.ensure_source(new).await.unwrap().number
}

/// A source of files that our own people read.
pub(crate) async fn import(store: &Store, name: &str) -> i64 {
    let new = NewSource {
        name: name.to_owned(),
        kind: SourceKind::Import,
        organisation: None,
        tlp: None,
    };
    store.ensure_source(new).await.unwrap().number
}

/// Takes objects in from a source.
pub(crate) async fn take(
    store: &Store,
    source: i64,
    collection: Option<i64>,
    objects: &[Value],
) -> Vec<Outcome> {
    let delivery = Delivery {
        source,
        collection,
        tlp: None,
        audience: None,
        objects: bytes(objects),
    };
    outcomes(store.ingest(delivery).await.unwrap())
}

/// What became of each object.
pub(crate) fn outcomes(receipts: Vec<Receipt>) -> Vec<Outcome> {
    receipts.into_iter().map(|receipt| receipt.outcome).collect()
}
