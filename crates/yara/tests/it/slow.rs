//! Rules that would take for ever.

use std::cell::Cell;
use std::time::{Duration, Instant};

use perisai_yara::{FileFacts, Limits, Scan, Scanner, Watch};

use crate::rules::{CALM, compile};

const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(2),
    alone: Duration::from_secs(2),
    ..Limits::DEFAULT
};

/// A rule that takes for ever on any file but an empty one.
fn slow(name: &str) -> String {
    format!(
        "rule {name} {{ condition: filesize > 0 and for all i in (0..100000000000) : (uint8(i % filesize) >= 0) }}"
    )
}

/// One that matches where its own name stands.
fn quick(name: &str) -> String {
    format!("rule {name} {{ strings: $x = \"{name}\" condition: $x }}")
}

/// What a file gives, and what is told; and that the same file costs no time again.
fn check(texts: &[String], bytes: &[u8], hits: &[&str], told: &[&str]) {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (rules, problems) = compile(&texts);
    assert_eq!(problems, [""; 0]);
    let mut scanner = Scanner::new(&rules, LIMITS, CALM);
    let mut scan = || {
        let scan = scanner.scan(bytes, &FileFacts::default());
        let names: Vec<_> = scan.hits.iter().map(|hit| hit.rule.name.clone()).collect();
        assert_eq!(
            (names, scan.incomplete),
            (hits.iter().map(|&name| name.to_owned()).collect(), None)
        );
        scan.set_aside.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(scan(), told);
    // The slow are gone: this takes no time, and is told no more.
    let start = Instant::now();
    assert_eq!(scan(), [""; 0]);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_slow_rule_takes_no_others_with_it() {
    let text = format!(
        "import \"pe\"\n{}\n{}\n{}",
        quick("one"),
        slow("loop"),
        quick("two")
    );
    let more: Vec<_> = (0..40).map(|number| quick(&format!("r{number:02}"))).collect();
    check(
        &[vec![quick("a"), text], more].concat(),
        b"a one two r17 r39",
        &["a", "one", "two", "r17", "r39"],
        &["1.yar:3: rule `loop` took over 1 second"],
    );
}

#[test]
fn what_needs_a_slow_rule_goes_with_it() {
    let private = format!("private {}", slow("hidden"));
    let needs = "rule needs { condition: hidden or filesize > 5 }\nrule further { condition: not needs }";
    check(
        &[
            [private, quick("good"), needs.to_owned()].join("\n"),
            quick("other"),
        ],
        b"good other",
        &["good", "other"],
        &[
            "0.yar:1: rule `hidden` took over 1 second",
            "0.yar:3: rule `needs` needs the rule `hidden`, which was set aside",
            "0.yar:4: rule `further` needs the rule `needs`, which was set aside",
        ],
    );
    // Without a global rule, others of its text would match more than they may.
    let global = format!("global {}", slow("every"));
    check(
        &[[quick("good"), global].join("\n"), quick("other")],
        b"good other",
        &["other"],
        &[
            "0.yar:2: rule `every` took over 1 second",
            "0.yar:1: rule `good` needs the rule `every`, which was set aside",
        ],
    );
}

#[test]
fn what_is_slow_to_find_is_found() {
    // No condition, but the search for the text itself takes its time.
    let text = "rule slow { strings: $x = /a.{0,4000}b.{0,4000}c.{0,4000}d/s condition: $x }";
    let bytes = [b"good other ".to_vec(), b"ab".repeat(200_000)].concat();
    check(
        &[quick("good"), text.to_owned(), quick("other")],
        &bytes,
        &["good", "other"],
        &["1.yar:1: rule `slow` took over 1 second"],
    );
}

#[test]
fn all_slow_rules_together_have_a_limit() {
    let on_two = slow("later").replace("filesize > 0", "filesize == 2");
    let slow = [slow("s0"), slow("s1"), quick("x"), on_two];
    let quick: Vec<_> = (0..14).map(|number| quick(&format!("q{number}"))).collect();
    let texts: Vec<_> = slow.iter().chain(&quick).map(String::as_str).collect();
    let (rules, _) = compile(&texts);
    // Each look at the clock costs more than there is.
    let now = Cell::new(Duration::ZERO);
    let watch = Watch {
        clock: &|| now.replace(now.get() + Duration::from_secs(1)),
        ends: &|| false,
    };
    let limits = Limits {
        spare: Duration::from_secs(1),
        ..LIMITS
    };
    let mut scanner = Scanner::new(&rules, limits, watch);
    let facts = FileFacts::default();
    let scan = scanner.scan(b"x", &facts);
    let told: Vec<_> = scan.set_aside.iter().map(ToString::to_string).collect();
    let why = "took over 1 second in a group of 2, and the time for finding out which is used up";
    assert_eq!(
        told,
        [
            format!("0.yar:1: rule `s0` {why}"),
            format!("1.yar:1: rule `s1` {why}")
        ]
    );
    assert_eq!(scan.hits.len(), 1);
    assert_eq!(scanner.scan(b"x", &facts).hits.len(), 1);
    let ended = scanner.scan(b"xx", &facts);
    assert!(
        ended
            .incomplete
            .unwrap()
            .ends_with("from here on, none is looked for")
    );
    assert_eq!(scanner.scan(b"x", &facts), Scan::default());
}

#[test]
fn who_waits_no_more_need_not() {
    let (rules, _) = compile(&[&slow("one"), &slow("two"), &quick("good")]);
    let watch = Watch {
        ends: &|| true,
        ..CALM
    };
    let scan = Scanner::new(&rules, LIMITS, watch).scan(b"good", &FileFacts::default());
    let told = "interrupted: not scanned with all YARA rules";
    assert_eq!((scan.hits.len(), scan.incomplete.as_deref()), (0, Some(told)));
}
