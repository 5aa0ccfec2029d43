//! Objects as a store keeps them: the bytes as they came, and what is read of them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use perisai_intel::{Object, ObjectError, ObjectsRead, RawObject, SpecVersion, is_id, read_objects};
use perisai_model::{Place, Problem, RuleLanguage};
use proptest::prelude::*;
use serde_json::Value;

/// The objects of a text, with their lines and numbers.
fn objects(mut input: impl BufRead) -> (Vec<(u64, Option<u64>, String)>, ObjectsRead, Vec<Problem>) {
    let (mut seen, mut problems) = (Vec::new(), Vec::new());
    let mut each = |object: RawObject<'_>| {
        let text = String::from_utf8_lossy(object.bytes).into_owned();
        seen.push((object.line, object.index, text));
        ControlFlow::Continue(())
    };
    let read = read_objects(&Place::file("x"), &mut input, &mut each, &mut problems).unwrap();
    (seen, read, problems)
}

fn check(text: &str, expected: &[(u64, Option<u64>, &str)], problems: &[&str]) {
    for capacity in [1, 7, 4096] {
        let (seen, read, told) = objects(BufReader::with_capacity(capacity, text.as_bytes()));
        let seen: Vec<_> = seen
            .iter()
            .map(|(line, index, text)| (*line, *index, text.as_str()))
            .collect();
        assert_eq!(seen, expected, "{text}");
        let told: Vec<_> = told.iter().map(ToString::to_string).collect();
        assert_eq!(told, problems, "{text}");
        assert_eq!(
            (read.objects, read.problems),
            (seen.len() as u64, told.len() as u64)
        );
    }
}

const A: &str = "{ \"type\":\"x-a\",\n  \"id\": \"x-a--1\", \"x\":[1.00,{ }] }";
const B: &str = r#"{"id":"x-b--1", "type":"x-b", "objects": {"0": {}}, "\u0061":"}\"{"}"#;

#[test]
fn all_that_may_stand_around_objects() {
    check(&format!("\u{feff} {A} "), &[(1, None, A)], &[]);
    check(&format!("{A}\n{B}\n"), &[(1, None, A), (3, None, B)], &[]);
    let line = A.replace('\n', "");
    check(
        &format!("{line}\n\n{B}\r\n"),
        &[(1, None, &line), (3, None, B)],
        &[],
    );
    check(&format!("[{A},\n{B}]"), &[(1, None, A), (3, None, B)], &[]);
    check(
        &format!("{{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[\n{A},\n{B}]}}"),
        &[(2, Some(1), A), (4, Some(2), B)],
        &[],
    );
    check(
        &format!("{{\"more\":true,\"objects\":[{A}],\"next\":\"7\"}}"),
        &[(1, Some(1), A)],
        &[],
    );
    let inner = format!("{{\"type\": \"bundle\", \"objects\": [{B}]}}");
    check(
        &format!("[{{\"objects\":[{inner},{A}]}}]"),
        &[(1, Some(1), B), (1, Some(2), A)],
        &[],
    );
    let escaped = inner.replace("bundle", "\\u0062undle");
    check(&format!("{{\"objects\":[{escaped}]}}"), &[(1, Some(1), B)], &[]);
    for empty in [
        "",
        "{}",
        "[]",
        "{\"more\": false}",
        "{\"objects\": []}",
        "{\"type\": \"bundle\", \"id\": \"bundle--1\"}",
    ] {
        check(empty, &[], &[]);
    }
}

#[test]
fn a_bad_object_costs_itself_only() {
    check(
        &format!("{{\"objects\":[7,\n{A},[{B}],null]}}"),
        &[(2, Some(2), A)],
        &[
            "x:1: object 1 is not a STIX object: `7`",
            &format!("x:3: object 3 is not a STIX object: `[{B}]`"),
            "x:3: object 4 is not a STIX object: `null`",
        ],
    );
    check(
        &format!("[{{\"a\" 1, \"b\": [\"}}\"]}},\n{B}]"),
        &[(2, None, B)],
        &["x:1: column 7: a colon should stand here"],
    );
    check(
        &format!("{{bad}}\n{B}"),
        &[(2, None, B)],
        &["x:1: column 2: a key in double quotes should stand here"],
    );
    check(
        &format!("{B}\n{{\"a\": }}\n{B}"),
        &[(1, None, B), (3, None, B)],
        &["x:2: column 7: a value should stand here"],
    );
    check(
        &format!("{{\"objects\":[{B},{{\"a"),
        &[(1, Some(1), B)],
        &["x:1: column 85: the text ends inside a value"],
    );
    let deep = |depth: usize| {
        format!(
            "{}{B}{}",
            "{\"type\":\"bundle\",\"objects\":[".repeat(depth),
            "]}".repeat(depth)
        )
    };
    check(&deep(4), &[(1, Some(1), B)], &[]);
    check(&deep(5), &[], &["x:1: bundles nested deeper than 4"]);
}

#[test]
fn what_is_too_large_is_told_and_the_next_object_comes() {
    let large = format!("{{\"a\": \"{}\", \"b\": [\"", "x".repeat(9 << 20));
    let large = format!("{large}{}\"]}}", "x".repeat(9 << 20));
    for (text, told) in [
        (
            format!("{{\"objects\":[{large},{B}]}}"),
            "x:1: object 1: more than 16777216 bytes",
        ),
        (
            format!("[{large},{B}]"),
            "x:1: an object of more than 16777216 bytes",
        ),
        (
            format!("{B}\n{large}\n{B}"),
            "x:2: a line of more than 16777216 bytes",
        ),
    ] {
        let (seen, _, problems) = objects(text.as_bytes());
        assert!(seen.iter().all(|(_, _, text)| text == B) && !seen.is_empty());
        assert_eq!(
            problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [told]
        );
    }
}

#[test]
fn an_envelope_says_what_comes_next_and_a_caller_may_end() {
    let text = format!("{{\"more\": true, \"next\": \"a\\u0062\", \"objects\": [{A},{A}]}}");
    let (_, read, _) = objects(text.as_bytes());
    assert_eq!((read.more, read.next.as_deref()), (true, Some("ab")));
    for text in [text, format!("[{A},{A}]"), format!("{B}\n{B}\n{B}")] {
        let mut many = 0;
        let mut each = |_: RawObject<'_>| {
            many += 1;
            ControlFlow::Break(())
        };
        let read = read_objects(
            &Place::file("x"),
            &mut text.as_bytes(),
            &mut each,
            &mut Vec::new(),
        )
        .unwrap();
        assert_eq!((many, read.objects, read.stopped), (1, 1, true), "{text}");
    }
}

#[test]
fn objects_are_handed_out_while_the_stream_is_read() {
    /// Says how much of it was read.
    struct Counted<'a>(&'a Cell<usize>, &'a [u8]);
    impl Read for Counted<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let taken = self.1.read(out)?;
            self.0.set(self.0.get() + taken);
            Ok(taken)
        }
    }
    let many = 50_000;
    let line = |_| format!("{B}\n");
    let listed = format!(
        "{{\"type\": \"bundle\", \"objects\": [{}]}}",
        vec![B; many].join(",")
    );
    for text in [listed, (0..many).map(line).collect()] {
        let taken = Cell::new(0);
        let mut input = BufReader::new(Counted(&taken, text.as_bytes()));
        let mut given = 0;
        let mut ahead = 0;
        let mut each = |object: RawObject<'_>| {
            given += object.bytes.len();
            ahead = ahead.max(taken.get() - given);
            ControlFlow::Continue(())
        };
        let read = read_objects(&Place::file("x"), &mut input, &mut each, &mut Vec::new()).unwrap();
        assert_eq!((read.objects, read.problems), (many as u64, 0));
        // The start of a source is read ahead to tell its form, and commas are not given out.
        assert!(ahead < 80 * 1024 + many, "{ahead}");
    }
}

/// An object of a type and id, with more properties.
fn with(more: &str) -> String {
    format!("{{\"type\": \"indicator\", \"id\": \"indicator--1\"{more}}}")
}

#[test]
fn objects_are_read() {
    let text = r#"{
      "type": "indicator", "spec_version": "2.1", "id": "indicator--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11",
      "created_by_ref": "identity--1", "created": "2022-02-24T05:00:00.000Z", "modified": "2022-02-24T05:00:01.123456789Z",
      "revoked": true, "name": "Wiper \"x\"", "description": "Long", "labels": ["a", "tlp:amber", "PAP:RED"],
      "indicator_types": ["malicious-activity"], "confidence": 80, "lang": "en",
      "pattern": "[ipv4-addr:value = '192.0.2.1' OR domain-name:value = 'Evil[.]example']", "pattern_type": "stix",
      "valid_from": "2022-02-24T05:00:00Z", "valid_until": "2023-02-24T05:00:00Z",
      "external_references": [{"source_name": "cert", "url": "https://cert.example/1", "external_id": "C-1"}],
      "object_marking_refs": ["marking-definition--1", "TLP:MAUVE"],
      "granular_markings": [{"marking_ref": "marking-definition--2", "selectors": ["name"]}, {"lang": "fr", "selectors": ["name"]}],
      "extensions": {"extension-definition--1": {"deep": [[{"x_ref": "malware--1", "y_refs": ["tool--1", "no id", 7], "z": null}]]}},
      "x_other": 1e5
    }"#;
    let object = Object::parse(text.as_bytes()).unwrap();
    insta::assert_debug_snapshot!(object.clone().without_bytes());
    assert_eq!(object.raw, text.as_bytes());
    assert_eq!(
        format!("{:?}", object.marking_of_labels()),
        "Marking { tlp: Some(Amber), pap: Some(Red) }"
    );
    assert_eq!(
        object.marking_refs().collect::<Vec<_>>(),
        ["marking-definition--1", "TLP:MAUVE", "marking-definition--2"]
    );
}

/// For a snapshot.
trait WithoutBytes {
    fn without_bytes(self) -> Self;
}

impl WithoutBytes for Object<'_> {
    fn without_bytes(mut self) -> Self {
        self.raw = &[];
        self
    }
}

#[test]
fn versions_of_objects_and_of_the_standard() {
    let check = |text: &str, version: Option<i64>, spec: SpecVersion| {
        let object = Object::parse(text.as_bytes()).unwrap();
        assert_eq!(object.version().map(|time| time.micros), version, "{text}");
        assert_eq!(object.spec_version, spec, "{text}");
    };
    let (v20, v21) = (SpecVersion::V20, SpecVersion::V21);
    check(&with(""), None, v21);
    let created = r#", "created": "1970-01-01T00:00:01Z""#;
    check(&with(created), Some(1_000_000), v20);
    let modified = format!(r#"{created}, "modified": "1970-01-01T00:00:02Z""#);
    check(&with(&modified), Some(2_000_000), v20);
    check(
        &with(&format!(r#"{modified}, "spec_version": "2.1""#)),
        Some(2_000_000),
        v21,
    );
    check(&with(r#", "spec_version": "2.0""#), None, v20);
    check(
        r#"{"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "192.0.2.1"}"#,
        None,
        v21,
    );
}

#[test]
fn what_cannot_be_read_counts_as_absent() {
    for more in [
        r#", "name": 7, "labels": [7, {}], "confidence": "high", "pattern": [], "external_references": {"a": 1}"#,
        r#", "created": null, "object_marking_refs": null, "revoked": null, "spec_version": 2.1"#,
        r#", "confidence": 101, "created_by_ref": null, "labels": null, "external_references": [7, "a"]"#,
    ] {
        let text = with(more);
        let object = Object::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (
                object.name,
                object.confidence,
                object.labels.len(),
                object.created
            ),
            (None, None, 0, None)
        );
    }
    let text =
        with(r#", "object_marking_refs": "marking-definition--1", "confidence": "80", "revoked": "true""#);
    let object = Object::parse(text.as_bytes()).unwrap();
    assert_eq!(object.object_marking_refs, ["marking-definition--1"]);
    assert_eq!((object.confidence, object.revoked), (Some(80), true));
}

#[test]
fn refusals_say_why() {
    let check = |text: &str, expected: &str| {
        let error = Object::parse(text.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    };
    check("", "line 1 column 0: EOF while parsing a value");
    check("7", "not a JSON object");
    check("[{}]", "not a JSON object");
    check("null", "not a JSON object");
    check("{}", "no type");
    check(
        &with("").replace("indicator\"", "in\""),
        "type: not 3 to 250 of a-z, 0-9, - and _",
    );
    check(
        r#"{"type": "Indicator"}"#,
        "type: not 3 to 250 of a-z, 0-9, - and _",
    );
    check(r#"{"type": 7}"#, "type: not a text");
    check(r#"{"type": "indicator"}"#, "no id");
    check(
        r#"{"type": "bundle", "id": "bundle--1"}"#,
        "a bundle where an object should be",
    );
    for id in [
        "indicator",
        "indicator--",
        "--1",
        "indicator--a b",
        "indicator--\\u00e9",
        "indicator--\\n",
    ] {
        let text = format!("{{\"type\": \"indicator\", \"id\": \"{id}\"}}");
        check(&text, "id: not an id of the form type--uuid");
    }
    check(
        &with("").replace("--1", &format!("--{}", "1".repeat(502))),
        "id: not an id of the form type--uuid",
    );
    check(
        r#"{"type": "indicator", "id": "malware--1"}"#,
        "id: of another type than the object",
    );
    for (name, value) in [
        ("type", "\"indicator\""),
        ("id", "\"indicator--1\""),
        ("\\u0069d", "\"indicator--2\""),
    ] {
        let plain = name.replace("\\u0069", "i");
        check(
            &with(&format!(", \"{name}\": {value}")),
            &format!("{plain} stands there twice"),
        );
    }
    for name in [
        "modified",
        "object_marking_refs",
        "created_by_ref",
        "granular_markings",
        "revoked",
        "labels",
        "extensions",
    ] {
        check(
            &with(&format!(", \"{name}\": null, \"{name}\": null")),
            &format!("{name} stands there twice"),
        );
    }
    check(&with(r#", "modified": "soon""#), "modified: not a time");
    check(&with(r#", "created": 1645678800"#), "created: not a text");
    check(
        &with(r#", "valid_until": "2022-02-30T00:00:00Z""#),
        "valid_until: not a time",
    );
    check(
        &with(r#", "created_by_ref": "CERT-X""#),
        "created_by_ref: not an id of the form type--uuid",
    );
    check(
        &with(r#", "created_by_ref": ["identity--1"]"#),
        "created_by_ref: not a text",
    );
    check(
        &with(r#", "revoked": "perhaps""#),
        "revoked: neither true nor false",
    );
    check(
        &with(r#", "object_marking_refs": [7]"#),
        "object_marking_refs: not a text",
    );
    check(
        &with(r#", "object_marking_refs": {}"#),
        "object_marking_refs: not a list of texts",
    );
    check(
        &with(r#", "object_marking_refs": [["a"]]"#),
        "object_marking_refs: not a list of texts",
    );
    check(
        &with(r#", "granular_markings": {}"#),
        "granular_markings: not a list of objects with markings",
    );
    check(
        &with(r#", "granular_markings": ["marking-definition--1"]"#),
        "granular_markings: not a list of objects with markings",
    );
    check(
        &with(r#", "granular_markings": [{"marking_ref": 7}]"#),
        "granular_markings: not a text",
    );
    check(&with(r#", "name": "a\u0000""#), "a NUL character");
    check(&with(r#", "a": nul"#), "line 1 column 53: expected ident");
    check(
        &with(r#", "a": "\ud800""#),
        "line 1 column 57: unexpected end of hex escape",
    );
    check(&(with("") + "x"), "line 1 column 44: trailing characters");
    let deep = |depth: usize| with(&format!(", \"a\": {}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(Object::parse(deep(99).as_bytes()).is_ok());
    check(&deep(100), "nested too deep");
    check(&deep(1_000_000), "nested too deep");
    assert_eq!(
        Object::parse(b"{\"type\":\n\"\xff\"}").unwrap_err(),
        ObjectError::Json("line 2: not valid UTF-8".into())
    );
    assert!(Object::parse(with(r#", "name": "\\u0000 is \\\\u0000""#).as_bytes()).is_ok());
}

#[test]
fn lists_and_texts_are_bounded() {
    let list = |many: usize, entry: &str| vec![entry; many].join(",");
    let check = |more: String, expected: Option<&str>| {
        let text = with(&more);
        let error = Object::parse(text.as_bytes())
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), expected);
    };
    let refs = |many| format!(", \"object_refs\": [{}]", list(many, "\"x-a--1\""));
    check(refs(100_000), None);
    check(refs(100_001), Some("references: more than 100000 entries"));
    for name in ["labels", "object_marking_refs"] {
        check(format!(", \"{name}\": [{}]", list(10_000, "\"a\"")), None);
        let why = format!("{name}: more than 10000 entries");
        check(format!(", \"{name}\": [{}]", list(10_001, "\"a\"")), Some(&why));
    }
    let text = with(&format!(
        ", \"description\": \"{}\", \"aliases\": [{}]",
        "\u{e4}".repeat(9000),
        list(100_000, "\"abc\"")
    ));
    let object = Object::parse(text.as_bytes()).unwrap();
    assert_eq!(object.texts[0].len(), 4096);
    assert!(object.texts.iter().map(|text| text.len()).sum::<usize>() <= Object::MAX_TEXT);
}

#[test]
fn values_and_rules() {
    let check = |text: &str, values: &[&str], rule: Option<RuleLanguage>, wrong: &[&str]| {
        let object = Object::parse(text.as_bytes()).unwrap();
        let content = object.content();
        let seen: Vec<_> = content
            .values
            .iter()
            .map(|(kind, value)| format!("{kind} {value}"))
            .collect();
        assert_eq!(seen, values, "{text}");
        assert_eq!(object.rule().map(|(language, _)| language), rule, "{text}");
        assert_eq!(content.wrong, wrong, "{text}");
    };
    let pattern = |pattern: &str| with(&format!(", \"pattern\": \"{pattern}\""));
    check(
        &pattern(
            "[ipv4-addr:value ISSUBSET '192.0.2.0/24' OR domain-name:value IN ('Evil[.]example', 'evil.example')]",
        ),
        &["cidr 192.0.2.0/24", "domain evil.example"],
        None,
        &[],
    );
    check(
        &pattern("[domain-name:value = 'a b']"),
        &[],
        None,
        &["`a b`: not a valid domain: a character that no domain name has"],
    );
    check(
        &pattern("[file:size > 7]"),
        &[],
        Some(RuleLanguage::StixPattern),
        &[],
    );
    check(
        &with(", \"pattern\": \"title: x\", \"pattern_type\": \"sigma\""),
        &[],
        Some(RuleLanguage::Sigma),
        &[],
    );
    check(
        &with(", \"pattern\": \"x\", \"pattern_type\": \"pcre\""),
        &[],
        None,
        &["patterns of type `pcre` are not supported"],
    );
    check(&with(""), &[], None, &["an indicator without a pattern"]);
    let vulnerability =
        |more: &str| format!("{{\"type\": \"vulnerability\", \"id\": \"vulnerability--1\", {more}}}");
    check(
        &vulnerability("\"name\": \"cve-2022-1388\""),
        &["cve CVE-2022-1388"],
        None,
        &[],
    );
    check(
        &vulnerability(
            "\"name\": \"Zerologon\", \"external_references\": [{\"source_name\": \"CVE\", \"external_id\": \"CVE-2020-1472\"}]",
        ),
        &["cve CVE-2020-1472"],
        None,
        &[],
    );
    check(
        r#"{"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "192.0.2.1"}"#,
        &["ipv4 192.0.2.1"],
        None,
        &[],
    );
    check(
        r#"{"type": "observed-data", "id": "observed-data--1", "objects": {"1": {"type": "url", "value": "http://evil.example/a"},
            "0": {"type": "mutex", "name": "m"}, "2": {"type": "domain-name", "value": 7}, "3": 7}}"#,
        &["url http://evil.example/a", "mutex m"],
        None,
        &["`7`: not a valid domain: a single label"],
    );
    check(
        r#"{"type": "malware", "id": "malware--1", "name": "evil.example"}"#,
        &[],
        None,
        &[],
    );
}

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
