//! Pipes whose writer pauses: what has come is passed on, and the pauses change nothing else.

use std::cell::Cell;
use std::io::Read;

use perisai_events::{Input, ReadOptions, read};
use perisai_model::{Place, Position};

use crate::containers::{bz2, gz, lz4, tar, xz, zstd};
use crate::{Found, file, small};

/// A writer that gives a few bytes at a time, and pauses behind some.
struct Writer<'a> {
    left: &'a [u8],
    seed: &'a Cell<u64>,
}

fn next(seed: &Cell<u64>) -> u64 {
    seed.set(seed.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    seed.get() >> 33
}

impl Read for Writer<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let most = 1 + next(self.seed) as usize % 90;
        let length = buf.len().min(most);
        self.left.read(&mut buf[..length])
    }
}

fn live(bytes: &[u8], options: &ReadOptions, seed: u64) -> Found {
    let mut found = Found::default();
    let seed = Cell::new(seed);
    let mut writer = Writer {
        left: bytes,
        seed: &seed,
    };
    let quiet = || next(&seed).is_multiple_of(8);
    let modified = Some("2026-03-01T00:00:00Z".parse().unwrap());
    let input = Input::Live(&mut writer, &quiet);
    read(Place::file("f"), modified, input, options, &mut found);
    found.finish()
}

type Item = (Option<String>, Position, String);

/// Without the head and the tail of a document: they are items of their own where they came alone.
fn records(mut items: Vec<Item>) -> Vec<Item> {
    items.retain(|(_, _, text)| {
        !["<Events>", "</Events>", "{\"Records\"", "]"]
            .iter()
            .any(|end| text.trim().starts_with(end))
    });
    items
}

#[test]
fn pauses_change_nothing() {
    let check = |what: &str, bytes: &[u8]| {
        let expected = file(bytes, &ReadOptions::default());
        assert!(expected.items.len() > 20, "{what}");
        for seed in 0..40 {
            for options in [ReadOptions::default(), small()] {
                let found = live(bytes, &options, seed);
                let last = expected.items.last().map(|(_, position, _)| *position);
                assert_eq!(
                    found.items.last().map(|(_, position, _)| *position),
                    last,
                    "{what} {seed}"
                );
                assert_eq!(
                    records(found.items),
                    records(expected.items.clone()),
                    "{what} {seed}"
                );
                assert_eq!(found.events, expected.events, "{what} {seed}");
                assert_eq!(found.problems, expected.problems, "{what} {seed}");
            }
        }
    };
    let syslog: String = (10..60)
        .map(|n| format!("Feb 23 04:12:{n} mx1 postfix/smtpd[{n}]: from=<a{n}@x.example>\n"))
        .collect();
    let json: String = (10..60)
        .map(|n| format!("{{\"time\":\"2026-01-01T00:00:{n}Z\",\"data\":[{{\"n\":{n}}}]}}\n"))
        .collect();
    let pretty = json.replace(",\"data", ",\n  \"list");
    let array = format!(
        "{{\"Records\":[{}],\"next\":\"token\"}}\n",
        json.trim_end().replace('\n', ",\n")
    );
    let csv = format!(
        "time,host,query\n{}",
        "2026-01-01T00:00:05Z,h,x.example\n".repeat(40)
    );
    let xml: String = (0..30)
        .map(|n| format!("<Event xmlns='x'><System><EventID>{n}</EventID></System></Event>\n"))
        .collect();
    let xml = format!("<Events>{xml}</Events>\n");
    for (what, text) in [
        ("syslog", &syslog),
        ("json", &json),
        ("pretty", &pretty),
        ("array", &array),
        ("xml", &xml),
    ] {
        check(what, text.as_bytes());
    }
    let utf16: Vec<u8> = format!("\u{feff}{syslog}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    check("utf-16", &utf16);
    for pack in [gz, zstd, xz, bz2, lz4] {
        check("packed", &pack(syslog.as_bytes()));
        check(
            "packed tar",
            &pack(&tar(&[
                ("a.log", syslog.as_bytes()),
                ("b.json", array.as_bytes()),
            ])),
        );
    }
    // The header itself is read as text where the writer paused behind it: it is no event in either case.
    let expected = file(csv.as_bytes(), &small());
    for seed in 0..40 {
        assert_eq!(
            live(csv.as_bytes(), &small(), seed).events,
            expected.events,
            "{seed}"
        );
    }
}

#[test]
fn a_line_is_passed_on_before_the_next_is_there() {
    let left = Cell::new(&b"first\nsecond\nthi"[..]);
    struct Lines<'a>(&'a Cell<&'static [u8]>);
    impl Read for Lines<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let left = self.0.get();
            let end = left
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(left.len(), |at| at + 1);
            buf[..end].copy_from_slice(&left[..end]);
            self.0.set(&left[end..]);
            Ok(end)
        }
    }
    let mut found = Found::default();
    let input = &mut Lines(&left);
    read(
        Place::file("-"),
        None,
        Input::Live(input, &|| true),
        &ReadOptions::default(),
        &mut found,
    );
    assert_eq!((found.blocks, found.texts()), (3, vec!["first", "second", "thi"]));
}

#[test]
fn the_format_is_told_anew_while_little_has_come() {
    let text = format!("starting up\n{}", "{\"a\":1}\n".repeat(5));
    let mut found = Found::default();
    let (seed, mut left) = (Cell::new(0), text.as_bytes());
    let mut pieces = Writer { left, seed: &seed };
    let input = Input::Live(&mut pieces, &|| true);
    read(Place::file("-"), None, input, &ReadOptions::default(), &mut found);
    assert_eq!(found.events.len(), 5);
    left = b"time,host\n1,a\n2,b\n";
    let mut found = Found::default();
    let mut pieces = Writer { left, seed: &seed };
    read(
        Place::file("-"),
        None,
        Input::Live(&mut pieces, &|| true),
        &ReadOptions::default(),
        &mut found,
    );
    assert!(
        found.events.iter().all(|(_, event)| event.format == "csv") && !found.events.is_empty(),
        "{:?}",
        found.events
    );
}
