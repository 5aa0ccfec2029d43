//! What should be JSON and is none: told, and searched as text.

use perisai_events::ReadOptions;

use crate::{file, small, stream};

#[test]
fn broken_json_is_text() {
    let deep = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    let text = format!("{{\"a\":1}}\n{{broken\n{deep}\n{{\"a\":2}}\n{{\"b\":\"\u{fffd}\"}}\n");
    let mut bytes = text.into_bytes();
    bytes.extend(b"{\"c\":\"\xff\xfe\"}\n");
    let found = file(&bytes, &ReadOptions::default());
    assert_eq!(
        found.problems,
        [
            "f:2: begins as JSON and does not end as it (cut off?): searched as text",
            "f:3: no JSON (column 636: recursion limit exceeded): searched as text",
        ]
    );
    assert_eq!(found.items.len(), 6);
    assert_eq!(found.events.len(), 4);
    let deep = "[".repeat(10_000) + "\"evil.com\"" + &"]".repeat(10_000);
    let found = file(deep.as_bytes(), &ReadOptions::default());
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    assert!(
        found.problems[0].starts_with("f:1: no JSON (column "),
        "{:?}",
        found.problems
    );
    assert!(found.texts()[0].contains("evil.com"));
}

#[test]
fn what_is_no_json_is_told_once_a_stream() {
    let check = |text: &str, expected: &[&str]| {
        for found in [
            file(text.as_bytes(), &ReadOptions::default()),
            file(text.as_bytes(), &small()),
            stream(text.as_bytes(), &small()),
        ] {
            assert_eq!(found.problems, expected, "{text}");
        }
    };
    let good = "{\"a\":1}\n".repeat(20);
    check(
        &format!("{good}{{\"a\":1,\"x\":\n{good}{{\"b\"\n{{\"c"),
        &[
            "f:21: begins as JSON and does not end as it (cut off?): searched as text; \
           and 2 more records of this file are not JSON",
        ],
    );
    let bad = "{\"a\":tru}\n".repeat(42);
    check(
        &format!("{good}{bad}{good}{good}{good}"),
        &["f:21: no JSON (column 9: expected ident): searched as text; \
           and 41 more records of this file are not JSON"],
    );
    check(
        r#"[{"a":1},{"a":tru},{"a":3}]"#,
        &["f#2: no JSON (column 9: expected ident): searched as text"],
    );
    // A banner among the lines, and text with a stray brace, claim nothing.
    check(&format!("starting up\n{good}done\n"), &[]);
    check("some words\n{\"a\":tru}\nmore words\nand more\n{ x\n", &[]);
}
