//! The objects of a source: what may stand around them, and what is wrong with it.

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;

use perisai_intel::{RawObject, read_objects};
use perisai_model::Place;

use super::objects;

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
