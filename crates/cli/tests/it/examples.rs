//! The shipped examples, and the demo that hunts them.

use crate::tool::{folder, perisai, text};

#[test]
fn the_demo_finds_the_attack() {
    let ran = perisai(&["demo"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for expected in [
        "The ministry's node pulls what it may have: 70 objects",
        "Crash dumps are turned off",
        " sightings now",
        "15 times, 2022-02-23T05:02 to 2022-02-24T01:13  cdn.telemetry-sync.example",
        "Try next:",
    ] {
        assert!(ran.out.contains(expected), "`{expected}` in: {}", ran.out);
    }
}

#[test]
fn the_demo_brings_its_files() {
    let folder = folder(&[]);
    let ran = perisai(&["demo", "--dir", text(folder.path())]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(folder.path().join("logs/windows-events.xml").exists());
}

#[test]
fn every_kind_of_rule_has_a_finding() {
    let hunt = [
        "hunt",
        "--intel",
        "examples/intel",
        "--warninglists",
        "examples/warninglists",
    ];
    let ran = perisai(&[&hunt[..], &["--format", "jsonl", "examples/logs"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let findings = ran.jsonl();
    for kind in ["indicator", "stix-pattern", "sigma"] {
        assert!(
            findings.iter().any(|finding| finding["rule"]["kind"] == kind),
            "{kind}"
        );
    }
    for finding in findings
        .iter()
        .filter(|finding| finding["rule"]["kind"] == "sigma")
    {
        assert!(
            finding["rule"]["author"].is_string() && finding["event"].is_object(),
            "{finding}"
        );
    }
    let shown = perisai(
        &[
            &hunt[..],
            &["--no-suppress", "--format", "jsonl", "examples/logs"],
        ]
        .concat(),
    );
    assert!(
        shown.jsonl().len() > findings.len(),
        "a warninglist suppresses something"
    );
}

#[test]
fn the_examples_lint_clean() {
    let ran = perisai(&["intel", "lint", "examples/intel"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.ends_with(" 0 problems\n"), "{}", ran.out);
}
