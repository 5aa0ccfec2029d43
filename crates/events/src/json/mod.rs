//! JSON: one object a line, or a record of an array. Objects are flattened with dots, lists are fields of one name.
//! What the record is more exactly (Windows, Zeek, Suricata EVE, journald) is told by its fields; see
//! [`known`](crate::known).

pub(crate) mod bytes;
pub(crate) mod escapes;
pub(crate) mod flat;
mod lenient;
pub(crate) mod split;
pub(crate) mod windows;

use perisai_model::Event;

use crate::block::Stream;
use crate::format::{PLAIN, Spec, Stood};
use crate::wrapped;

pub(crate) const LINES: Spec = Spec {
    name: "json",
    line: |line| {
        let line = bare(line);
        line.starts_with('{') && line.ends_with('}') || nests(line.as_bytes())
    },
    fields: object,
    ..PLAIN
};

/// Whether bytes begin as lists in lists, deeper than any log has them.
pub(crate) fn nests(bytes: &[u8]) -> bool {
    bytes.starts_with(&[b'['; 64])
}

/// The fields of one JSON object. False where the bytes are none; bad UTF-8 in it is replaced.
pub(crate) fn object(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let item = bare(item);
    if !item.starts_with('{') {
        return false;
    }
    event.format = LINES.name;
    if !flat::flatten(&bytes::mend(item), event) {
        return false;
    }
    crate::known::finish(event, &stream.clock);
    wrapped::open(event, stream);
    true
}

/// Whether bytes hold what [`retell`] tells again. The lists of the journal only stand in files of JSON.
pub(crate) fn retells(bytes: &[u8], is_json: bool) -> bool {
    escapes::is_marked(bytes) || is_json && bytes::is_marked(bytes)
}

/// Adds what a line says in the ways of writing that JSON has, on lines of their own.
pub(crate) fn retell(line: &[u8], out: &mut Vec<u8>, stood: &mut Stood) {
    escapes::retell(line, out, stood);
    bytes::retell(line, out, stood);
}

/// A record without what may stand around it: brackets and commas of a list over several lines, the separator of RFC
/// 7464, a byte order mark where files were joined, the NULs of a log that was cut while it was written.
pub(crate) fn bare(item: &str) -> &str {
    let around = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, '\u{feff}' | '\u{fffd}' | ',' | ';')
    };
    let item = item.trim_matches(around);
    // What ends as a list begins as one elsewhere.
    let item = item
        .strip_prefix('[')
        .map_or(item, |item| item.trim_start_matches(around));
    match item.strip_suffix(']') {
        Some(rest) if item.starts_with('{') => rest.trim_end_matches(around),
        _ => item,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use perisai_model::Place;
    use proptest::prelude::*;

    pub(crate) fn read(text: &str) -> Option<Event> {
        let mut event = Event::default();
        object(text, &Stream::text(Place::file("t")), &mut event).then_some(event)
    }

    #[test]
    fn objects_are_flattened() {
        let check = |text: &str, expected: Option<&str>| {
            let seen = read(text).map(|event| serde_json::to_string(&event).unwrap());
            assert_eq!(seen.as_deref(), expected, "{text}");
        };
        check(
            r#"{"a":1,"b":{"c":"x\n","d":[true,null]}}"#,
            Some(r#"{"a":1,"b.c":"x\n","b.d":[true,null]}"#),
        );
        check(r#" {"a":1,"a":2} "#, Some(r#"{"a":[1,2]}"#));
        check(
            r#"{"n":18446744073709551615,"f":1.5}"#,
            Some(r#"{"n":"18446744073709551615","f":1.5}"#),
        );
        check(
            r#"{"n":123456789012345678901234567890}"#,
            Some(r#"{"n":1.2345678901234568e+29}"#),
        );
        check("{\"n\":1e999,}", Some(r#"{"n":null}"#));
        check(
            "{\"CommandLine\":\"mimikatz \\ud800\t\"}",
            Some("{\"CommandLine\":\"mimikatz \u{fffd}\\t\"}"),
        );
        check(r#"{"a":1}{"a":2,"b":"}{"}"#, Some(r#"{"a":[1,2],"b":"}{"}"#));
        check(r#"{"a":1},{"b":2},]"#, Some(r#"{"a":1,"b":2}"#));
        check(r#"{"a":1}{"a":}"#, Some(r#"{"a":1}"#));
        for around in [
            "\u{feff}",
            "\0\0\0",
            "\u{1e}",
            "\u{b}",
            ",",
            "[",
            " , ",
            "\u{fffd}",
            "[\u{feff}",
        ] {
            check(&format!("{around}{{\"a\":1}}"), Some(r#"{"a":1}"#));
            assert!((LINES.line)(&format!("{around}{{\"a\":1}},")));
        }
        check(r#"[{"a":1}]"#, Some(r#"{"a":1}"#));
        check("{\"a\":1} tail", None);
        check("{\"a\":", None);
        check("[1]", None);
        check("text", None);
    }

    #[test]
    fn deep_nesting_is_no_json() {
        let deep = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
        assert!(read(&deep).is_none());
        let wide = format!("{{\"{}\":[{}1]}}", "k".repeat(100_000), "1,".repeat(100_000));
        assert!(read(&wide).is_some_and(|event| event.iter().len() < 1000));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in r#"\{["a-b:,\[\]{}0-9.e\\ -]{0,40}\}"#) {
            let stream = Stream::text(Place::file("t"));
            let mut event = Event::default();
            object(&String::from_utf8_lossy(&bytes), &stream, &mut event);
            object(&text, &stream, &mut event);
        }
    }
}
