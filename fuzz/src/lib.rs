//! What the fuzz targets call. Each takes any bytes, and must neither panic, hang nor use memory without bound; where a
//! property is to hold for all input, it is asserted.

pub mod events;
pub mod exchange;
pub mod intel;
pub mod objects;
pub mod rules;

use perisai_model::Kind;

/// Canonical forms are fixed points, and nothing that is recognised is refused.
pub fn values(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let plain = perisai_values::refang(text);
    for &kind in Kind::ALL {
        if let Ok(once) = perisai_values::canonical(kind, &plain) {
            let twice = perisai_values::canonical(kind, &once).expect("a canonical form is of its kind");
            assert_eq!(once, twice, "{kind}");
        }
    }
    if let Some((kind, value)) = perisai_values::recognise(text) {
        let again = perisai_values::canonical(kind, &value).expect("what was recognised is of its kind");
        assert_eq!(value, again, "{kind}");
    }
}

/// A pattern that is written out and read again is the same, and can be asked about an observation.
pub fn pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(pattern) = perisai_pattern::parse(text) else {
        return;
    };
    let written = pattern.to_string();
    let again = perisai_pattern::parse(&written).expect("a written pattern can be read");
    assert_eq!(written, again.to_string());
    let objects = serde_json::json!([
        {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "192.0.2.1"},
        {"type": "file", "id": "file--1", "name": "a.exe", "hashes": {"MD5": "2605e3bafc04a2dcc261b62afd384057"}, "size": 7},
        {"type": "observed-data", "id": "observed-data--1", "first_observed": "2022-02-23T05:00:00Z",
         "last_observed": "2022-02-23T05:00:01Z", "number_observed": 2, "object_refs": ["ipv4-addr--1", "file--1"]},
    ]);
    let objects = objects.as_array().expect("a list");
    let observations: Vec<_> = perisai_pattern::ObservedData::v21(objects)
        .into_iter()
        .map(|one| one.expect("it is complete"))
        .collect();
    let _ = pattern.matches(&observations);
}
