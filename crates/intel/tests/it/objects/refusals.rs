//! What is no object that can be kept, and why.

use perisai_intel::{Object, ObjectError};

use super::with;

/// Checks why a text is refused.
fn check(text: &str, expected: &str) {
    let error = Object::parse(text.as_bytes()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), expected, "{text}");
}

#[test]
fn types_and_ids() {
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
}

#[test]
fn what_stands_there_twice() {
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
}

#[test]
fn values_of_another_shape() {
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
}

#[test]
fn texts_and_nesting() {
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
