//! What is read of an object.

use perisai_intel::{Object, SpecVersion};
use perisai_model::RuleLanguage;

use super::with;

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
    // A name that takes an escape is kept with each reference.
    let name = format!("\\u0061{}_refs", "b".repeat(1 << 20));
    let text = with(&format!(", \"{name}\": [{}]", list(100_000, "\"x-a--1\"")));
    let object = Object::parse(text.as_bytes()).unwrap();
    assert!(object.refs.len() == 100_000 && object.refs.iter().all(|one| one.property.len() == 250));
    let text = with(&format!(
        ", \"description\": \"{}\", \"aliases\": [{}]",
        "\u{e4}".repeat(9000),
        list(100_000, "\"abc\"")
    ));
    let object = Object::parse(text.as_bytes()).unwrap();
    assert_eq!(object.texts[0].len(), 4096);
    assert!(object.texts.iter().map(|text| text.len()).sum::<usize>() <= Object::MAX_TEXT);
}

/// Checks what an object looks for or stands for.
fn check(text: &str, values: &[&str], rule: Option<RuleLanguage>, wrong: &[&str]) {
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
}

#[test]
fn what_indicators_look_for() {
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
}

#[test]
fn what_objects_stand_for() {
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
