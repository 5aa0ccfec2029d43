//! Snapshots of every format.

use perisai_model::{Place, Problem, Report};
use perisai_respond::{Format, Options};

use crate::sample::{findings, report, written};

fn check(name: &str, format: Format, options: &Options) {
    let out = written(format, options, &findings(), &report());
    assert_eq!(
        out,
        written(format, options, &findings(), &report()),
        "the same twice"
    );
    insta::assert_snapshot!(name, out);
}

#[test]
fn text() {
    for width in [80, 120] {
        for color in [false, true] {
            let options = Options {
                width,
                color,
                ..Options::default()
            };
            let name = format!("text-{width}{}", if color { "-color" } else { "" });
            check(&name, Format::Text, &options);
        }
    }
}

#[test]
fn text_shows_the_top() {
    let options = Options {
        top: 1,
        ..Options::default()
    };
    check("text-top", Format::Text, &options);
}

#[test]
fn nothing_found_reads_clearly() {
    let nothing = |report: &Report| written(Format::Text, &Options::default(), &[], report);
    let clean = Report {
        problems: Vec::new(),
        idle_rules: Vec::new(),
        suppressed: Default::default(),
        withheld: Default::default(),
        untimed: 0,
        ..report()
    };
    insta::assert_snapshot!("text-nothing", nothing(&clean));
    insta::assert_snapshot!("text-nothing-with-problems", nothing(&report()));
    insta::assert_snapshot!("text-no-intel", nothing(&Report::default()));
}

#[test]
fn what_was_left_out_is_not_nothing() {
    let check = |shown: usize, over_limit, below_severity, text: &str, html: &str| {
        let report = Report {
            over_limit,
            below_severity,
            problems: Vec::new(),
            suppressed: Default::default(),
            ..report()
        };
        let findings = &findings()[..shown];
        let wide = Options {
            width: 200,
            ..Options::default()
        };
        for (format, expected) in [(Format::Text, text), (Format::Html, html)] {
            let out = written(format, &wide, findings, &report);
            assert!(out.contains(expected), "{format}: {expected:?} is not in {out}");
            let nothing = shown == 0 && over_limit + below_severity == 0;
            assert_eq!(out.contains("Nothing found"), nothing, "{format}: {out}");
        }
    };
    check(0, 0, 0, "Nothing found in 214 files.", "<h2>Nothing found</h2>");
    check(
        0,
        0,
        3,
        "No finding is shown from 214 files: 3 below --min-severity.",
        "<p>What was found was left out: 3 below --min-severity.</p>",
    );
    check(
        1,
        1,
        0,
        "1 high. Not shown: 1 over --limit.",
        "Findings that are not in this report: 1 over --limit.",
    );
    check(
        1,
        1,
        2,
        "1 high. Not shown: 1 over --limit, 2 below --min-severity.",
        "1 over --limit, 2 below --min-severity.",
    );
}

#[test]
fn rules_that_could_not_match_are_no_all_clear() {
    let idle = report().idle_rules[0].clone();
    let check = |indicators: u64, rules: u64, expected: &str| {
        let report = Report {
            indicators,
            rules,
            findings: 0,
            problems: Vec::new(),
            suppressed: Default::default(),
            over_limit: 0,
            below_severity: 0,
            idle_rules: vec![idle.clone(); 2],
            ..report()
        };
        let wide = Options {
            width: 200,
            ..Options::default()
        };
        let out = written(Format::Text, &wide, &[], &report);
        assert!(out.starts_with(expected), "{out}");
    };
    check(
        0,
        2,
        "Nothing found in 214 files: of 2 rules none could match these logs; --explain-rules says why.\n",
    );
    check(0, 3, "Nothing found in 214 files.\n");
    check(1, 2, "Nothing found in 214 files.\n");
}

#[test]
fn what_was_suppressed_is_not_nothing() {
    let report = Report {
        problems: Vec::new(),
        ..report()
    };
    let wide = Options {
        width: 200,
        ..Options::default()
    };
    let out = written(Format::Text, &wide, &[], &report);
    assert!(
        out.starts_with("No finding is shown from 214 files: 131 suppressed by warninglists."),
        "{out}"
    );
    let out = written(Format::Html, &wide, &[], &report);
    assert!(!out.contains("Nothing found"), "{out}");
}

#[test]
fn what_was_not_searched_is_told() {
    let report = Report {
        problems: (0..12)
            .map(|number| Problem::new(Place::file(format!("{number}.gz")), "truncated"))
            .collect(),
        yara_not_run: 2,
        own_reports: vec![Place::file("logs/out.jsonl")],
        links: vec![Place::file("logs/elsewhere")],
        ..report()
    };
    let wide = Options {
        width: 200,
        ..Options::default()
    };
    let text = written(Format::Text, &wide, &[], &report);
    for expected in [
        "2 YARA rules were not looked for: YARA is not in this build",
        "1 report of an earlier hunt, not searched",
        "1 link out of the folders, not followed",
        "logs/elsewhere",
        "logs/out.jsonl",
        "and 2 more; --explain-problems lists all",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    let html = written(Format::Html, &wide, &[], &report);
    for expected in ["2 YARA rules not run", "1 report passed over", "out.jsonl"] {
        assert!(html.contains(expected), "{expected:?} is not in {html}");
    }
}

#[test]
fn jsonl() {
    check("jsonl", Format::Jsonl, &Options::default());
}

#[test]
fn csv() {
    check("csv", Format::Csv, &Options::default());
}

#[test]
fn stix() {
    check("stix", Format::Stix, &Options::default());
}

#[test]
fn html() {
    let options = Options {
        created: Some("2022-02-25T08:00:00Z".parse().unwrap()),
        rows: 12,
        ..Options::default()
    };
    check("html", Format::Html, &options);
}

#[test]
fn navigator() {
    check("navigator", Format::Navigator, &Options::default());
}

#[test]
fn every_format_can_be_empty() {
    for format in Format::ALL {
        let out = written(format, &Options::default(), &[], &Report::default());
        match format {
            Format::Jsonl => assert_eq!(out, ""),
            Format::Csv => assert_eq!(out.lines().count(), 1),
            Format::Stix | Format::Navigator => {
                serde_json::from_str::<serde_json::Value>(&out).unwrap();
            }
            Format::Html => assert!(out.contains("Nothing found")),
            Format::Text => assert!(out.starts_with("Nothing was looked for in 0 files")),
        }
    }
}

#[test]
fn reports_are_known_again() {
    for format in Format::ALL {
        let out = written(format, &Options::default(), &findings(), &report());
        let head = &out.as_bytes()[..out.len().min(4096)];
        assert!(perisai_respond::is_report(head), "{format}: {out}");
    }
}
