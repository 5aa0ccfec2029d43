//! What may be kept of what is an object: STIX's rules for ids, and for the types that it knows.

use std::io::BufReader;
use std::ops::ControlFlow;

use flate2::read::GzDecoder;
use perisai_intel::write::{self, Maker};
use perisai_intel::{Object, Options, read_objects};
use perisai_model::{Intel, Place, Timestamp};
use serde_json::{Value, json};

use crate::shared::{files, shared};

const UUID: &str = "0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11";

/// An object of 2.1 of a type, with more properties, or others; `null` takes one away.
fn with(kind: &str, more: Value) -> Value {
    let time = "2022-02-24T05:00:00.000Z";
    let mut object = json!({
        "type": kind, "spec_version": "2.1", "id": format!("{kind}--{UUID}"), "created": time, "modified": time,
    });
    let Value::Object(more) = more else { unreachable!() };
    for (name, value) in more {
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().remove(&name)),
            value => object[name] = value,
        }
    }
    object
}

/// Checks why an object may not be kept; an empty text: it may.
fn check(object: &Value, expected: &str) {
    let raw = object.to_string();
    let object = Object::parse(raw.as_bytes()).unwrap();
    let why = object.sound().err().map(|why| why.to_string());
    assert_eq!(why.unwrap_or_default(), expected, "{raw}");
}

fn indicator(more: Value) -> Value {
    let mut object = with(
        "indicator",
        json!({"pattern": "[a:b = 1]", "pattern_type": "stix", "valid_from": "2022-02-24T05:00:00Z"}),
    );
    let Value::Object(more) = with("indicator", more) else {
        unreachable!()
    };
    for (name, value) in more {
        object[name] = value;
    }
    object
}

#[test]
fn ids() {
    let no = |property: &str| format!("{property}: no UUID in lower case behind `--`");
    let upper = format!("x-gate--{}", UUID.to_uppercase());
    for id in [
        "x-gate--bad",
        &upper,
        "x-gate--0b7a6e5c5a0c4b8e8f3c0d9c7f3c1a11",
        "x-gate--00000000-0000-0000-0000-000000000000",
        &format!("x-gate--{UUID}1"),
        &format!("x-gate--{{{UUID}}}"),
    ] {
        check(&with("x-gate", json!({"id": id})), &no("id"));
    }
    check(&with("x-gate", json!({})), "");
    let creator = json!({"created_by_ref": "identity--me"});
    check(&with("x-gate", creator), &no("created_by_ref"));
    let marking = json!({"object_marking_refs": ["marking-definition--red"]});
    check(&indicator(marking), &no("object_marking_refs"));
}

#[test]
fn what_a_type_must_have() {
    check(&indicator(json!({})), "");
    for name in ["pattern", "pattern_type", "valid_from", "created", "modified"] {
        let mut object = indicator(json!({}));
        object[name] = Value::Null;
        check(&object, &format!("no {name}"));
        object.as_object_mut().unwrap().remove(name);
        check(&object, &format!("no {name}"));
    }
    let ends = json!({"relationship_type": "uses", "source_ref": format!("malware--{UUID}"),
        "target_ref": format!("tool--{UUID}")});
    check(&with("relationship", ends.clone()), "");
    for name in ["relationship_type", "source_ref", "target_ref"] {
        let mut ends = ends.clone();
        ends[name] = Value::Null;
        check(&with("relationship", ends), &format!("no {name}"));
    }
    check(&with("malware", json!({"name": "x"})), "no is_family");
    check(
        &with("grouping", json!({"context": "x", "object_refs": []})),
        "no object_refs",
    );
    check(&with("location", json!({})), "none of region, country, latitude");
    check(&with("location", json!({"country": "UA"})), "");
    check(&with("file", json!({})), "none of hashes, name");
    check(
        &with("ipv4-addr", json!({"created": null, "modified": null})),
        "no value",
    );
    check(
        &with("marking-definition", json!({"modified": null})),
        "none of definition, extensions",
    );
}

#[test]
fn simple_types() {
    let not_ids = "not a list of ids of the form type--uuid";
    for (name, value, why) in [
        ("pattern", json!(7), "not a text"),
        ("name", json!(["x"]), "not a text"),
        ("labels", json!("x"), "not a list of texts"),
        ("labels", json!(["x", 7]), "not a list of texts"),
        ("revoked", json!("true"), "neither true nor false"),
        ("confidence", json!(101), "not a number from 0 to 100"),
        ("confidence", json!("high"), "not a number from 0 to 100"),
        ("first_seen", json!("soon"), "not a time"),
        ("object_refs", json!(["a"]), not_ids),
        ("sample_refs", json!("a"), not_ids),
        (
            "source_ref",
            json!("indicator--1"),
            "not an id of the form type--uuid",
        ),
        ("external_references", json!([7]), "not a list of objects"),
        ("extensions", json!([]), "not an object"),
        ("spec_version", json!("9.9"), "neither 2.0 nor 2.1"),
    ] {
        check(&indicator(json!({name: value})), &format!("{name}: {why}"));
    }
    check(
        &with(
            "note",
            json!({"content": 7, "object_refs": [format!("tool--{UUID}")]}),
        ),
        "content: not a text",
    );
}

#[test]
fn what_is_custom_is_welcome() {
    check(
        &with(
            "x-gate",
            json!({"name": 7, "labels": "x", "confidence": "high", "object_refs": 7}),
        ),
        "",
    );
    check(
        &indicator(
            json!({"x_by_ref": "CERT-X", "product": 7, "context": {}, "foo_refs": ["a"], "labels": []}),
        ),
        "",
    );
    let toplevel = json!({"spec_version": null, "created": null, "modified": null, "value": "x"});
    check(&with("url", toplevel), "");
}

#[test]
fn stix_2_0_has_rules_of_its_own() {
    let old = |kind, mut more: Value| {
        more["spec_version"] = Value::Null;
        with(kind, more)
    };
    let pattern = json!({"pattern": "[a:b = 1]", "valid_from": "2022-02-24T05:00:00Z", "labels": ["x"]});
    check(&old("indicator", pattern.clone()), "");
    let mut bare = pattern;
    bare["labels"] = Value::Null;
    check(
        &old("indicator", bare),
        "no labels, which STIX 2.0 asks for; an object of 2.1 says `spec_version`",
    );
    check(&old("malware", json!({"name": "x", "labels": ["worm"]})), "");
    let inside = json!({"first_observed": "2022-02-24T05:00:00Z", "last_observed": "2022-02-24T05:00:00Z",
        "number_observed": 1, "objects": {"0": {"type": "file", "parent_directory_ref": "1"}}});
    check(&old("observed-data", inside), "");
}

#[test]
fn real_objects_are_sound() {
    let mut many = 0;
    for name in ["stix/enterprise-attack.json.gz", "stix/ics-attack.json.gz"] {
        let Some(path) = shared(name) else { return };
        let mut input = BufReader::new(GzDecoder::new(std::fs::File::open(path).unwrap()));
        let mut each = |raw: perisai_intel::RawObject<'_>| {
            let sound = Object::parse(raw.bytes).and_then(|object| object.sound());
            assert_eq!(sound, Ok(()), "{name}: {}", raw.name());
            many += 1;
            ControlFlow::Continue(())
        };
        read_objects(&Place::file(name), &mut input, &mut each, &mut Vec::new()).unwrap();
    }
    assert!(many > 20_000, "{many}");
}

#[test]
fn what_is_made_of_real_events_is_sound() {
    let Some(folder) = shared("misp") else { return };
    let mut intel = Intel::default();
    for path in files(&folder, ".json") {
        let mut input = BufReader::new(std::fs::File::open(&path).unwrap());
        perisai_intel::read(&Place::file("x"), &mut input, &Options::default(), &mut intel).unwrap();
    }
    let identity = format!("identity--{UUID}");
    let maker = Maker {
        identity: Some(&identity),
        source: Some("x"),
        created: Timestamp::UNIX_EPOCH,
        modified: Timestamp::UNIX_EPOCH,
    };
    let mut many = 0;
    for one in intel.indicators.iter() {
        let raw = write::indicator(one.kind, one.value, intel.context(one.context), &maker).unwrap();
        let sound = Object::parse(&raw).unwrap().sound();
        assert_eq!(sound, Ok(()), "{}", String::from_utf8_lossy(&raw));
        many += 1;
    }
    assert!(many > 1_000, "{many}");
}
