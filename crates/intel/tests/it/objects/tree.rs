//! What is read in one pass, compared with a slow walk over a tree: the objects of ATT&CK, and random ones.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use perisai_intel::{Object, RawObject, is_id, read_objects};
use perisai_model::Place;
use proptest::prelude::*;
use serde_json::Value;

use super::objects;

/// All ids that any property named `…_ref` or `…_refs` names, by a slow walk over a tree.
fn slow_refs(value: &Value, top: bool, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let is_ref = key.ends_with("_ref") || key.ends_with("_refs");
                let is_other =
                    key == "object_marking_refs" || key == "marking_ref" || top && key == "created_by_ref";
                if is_ref && !is_other {
                    named(value, into);
                }
                slow_refs(value, false, into);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| slow_refs(value, false, into)),
        _ => {}
    }
}

/// The ids in a text, or in a list of them.
fn named(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(id) if is_id(id) => {
            into.insert(id.clone());
        }
        Value::Array(list) => list.iter().for_each(|value| named(value, into)),
        _ => {}
    }
}

fn agrees_with_a_tree(object: &Object<'_>) {
    let tree: Value = serde_json::from_slice(object.raw).unwrap();
    let mut expected = BTreeSet::new();
    slow_refs(&tree, true, &mut expected);
    let refs: BTreeSet<String> = object.refs.iter().map(|one| one.id.to_string()).collect();
    assert_eq!(refs, expected, "{}", object.id);
    let text = |name: &str| tree.get(name).and_then(Value::as_str);
    assert_eq!(text("id"), Some(&*object.id));
    assert_eq!(text("type"), Some(&*object.kind));
    assert_eq!(text("name"), object.name.as_deref());
    assert_eq!(text("created_by_ref"), object.created_by_ref.as_deref());
    assert_eq!(text("modified"), object.modified.as_ref().map(|time| &*time.text));
    let modified: Option<jiff::Timestamp> = text("modified").and_then(|text| text.parse().ok());
    assert_eq!(
        modified.map(|time| time.as_microsecond()),
        object.modified.as_ref().map(|time| time.micros)
    );
    let markings = tree.get("object_marking_refs").and_then(Value::as_array);
    let markings: Vec<_> = markings.into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(markings, object.object_marking_refs);
}

#[test]
fn every_object_of_attack() {
    for (name, many) in [("enterprise-attack", 24_771), ("ics-attack", 0)] {
        let Some(path) = crate::shared::shared(&format!("stix/{name}.json.gz")) else {
            return;
        };
        let bytes = crate::shared::unpack(&path);
        let mut raws = Vec::new();
        let mut each = |object: RawObject<'_>| {
            raws.push(object.bytes.to_vec());
            ControlFlow::Continue(())
        };
        let mut problems = Vec::new();
        let read = read_objects(&Place::file(name), &mut &bytes[..], &mut each, &mut problems).unwrap();
        assert_eq!(problems, []);
        let whole: Value = serde_json::from_slice(&bytes).unwrap();
        let listed = whole["objects"].as_array().unwrap();
        assert_eq!(read.objects, listed.len() as u64);
        assert!(many == 0 || read.objects == many);
        let started = std::time::Instant::now();
        let texts: usize = raws
            .iter()
            .map(|raw| Object::parse(raw).unwrap().texts.len())
            .sum();
        println!(
            "{name}: {} objects, {texts} texts, {:?}",
            raws.len(),
            started.elapsed()
        );
        let mut rest = &bytes[..];
        for (raw, listed) in raws.iter().zip(listed) {
            assert_eq!(&serde_json::from_slice::<Value>(raw).unwrap(), listed);
            let at = memchr::memmem::find(rest, raw).unwrap();
            rest = &rest[at + raw.len()..];
            agrees_with_a_tree(&Object::parse(raw).unwrap());
        }
    }
}

/// JSON of any shape, with the names that mean something.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        "(indicator|identity|marking-definition)--[0-9]{1,2}".prop_map(Value::from),
        Just(Value::from("2022-02-24T05:00:00.5Z")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    const NAMES: &[&str] = &[
        "type",
        "id",
        "created",
        "modified",
        "revoked",
        "created_by_ref",
        "object_marking_refs",
        "granular_markings",
        "marking_ref",
        "object_refs",
        "source_ref",
        "name",
        "labels",
        "external_references",
        "url",
        "extensions",
        "objects",
        "hashes",
        "valid_until",
        "spec_version",
        "x_ref",
    ];
    prop_oneof![
        4 => proptest::sample::select(NAMES).prop_map(str::to_owned),
        1 => "[a-z_\"\\\\é]{0,8}",
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Object::parse(&bytes);
        let _ = objects(&bytes[..]);
    }

    #[test]
    fn any_json_agrees_with_a_tree(properties in proptest::collection::btree_map(key(), json(), 0..12)) {
        let mut map: serde_json::Map<String, Value> = properties.into_iter().collect();
        map.insert("type".into(), "indicator".into());
        map.insert("id".into(), "indicator--1".into());
        let text = Value::Object(map).to_string();
        if let Ok(object) = Object::parse(text.as_bytes()) {
            let tree: Value = serde_json::from_slice(object.raw).unwrap();
            let mut expected = BTreeSet::new();
            slow_refs(&tree, true, &mut expected);
            let refs: BTreeSet<String> = object.refs.iter().map(|one| one.id.to_string()).collect();
            prop_assert_eq!(refs, expected);
            let _ = (object.content(), object.marking_of_labels());
        }
    }

    #[test]
    fn bytes_come_out_as_they_went_in(values in proptest::collection::vec(json(), 0..6), spaced in any::<bool>(), form in 0..3) {
        let texts: Vec<String> = values
            .iter()
            .filter(|value| value.is_object() && value.get("objects").is_none_or(|list| !list.is_array()))
            .filter(|value| !value.as_object().unwrap().is_empty())
            .filter(|value| value.get("type").is_none_or(|kind| kind != "bundle"))
            .map(|value| if spaced { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() })
            .collect();
        let text = match form {
            0 => format!("{{\"type\":\"bundle\",\"objects\":[{}]}}", texts.join(",\n")),
            1 => format!("[{}]", texts.join(" , ")),
            _ => texts.join("\n"),
        };
        let (seen, _, problems) = objects(text.as_bytes());
        prop_assert_eq!(&problems, &vec![]);
        let seen: Vec<_> = seen.into_iter().map(|(_, _, text)| text).collect();
        prop_assert_eq!(seen, texts);
    }
}
