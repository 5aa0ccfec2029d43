//! Real rules and real logs: all load, all run.

use std::collections::BTreeMap;
use std::time::Instant;

use perisai_app::Stop;
use perisai_detect::Detector;
use perisai_intel::Options;

use crate::tool::{perisai, shared, text};

#[test]
fn sigmahq_over_attack_samples() {
    let (Some(rules), Some(logs)) = (shared("data/sigma"), shared("data/evtx")) else {
        return;
    };
    let ran = perisai(&[
        "hunt",
        "--intel",
        text(&rules),
        "--format",
        "jsonl",
        "--explain-rules",
        text(&logs),
    ]);
    assert!(matches!(ran.code, 0 | 3), "{}", ran.err);
    let findings = ran.jsonl();
    assert!(findings.len() > 1000, "{} findings", findings.len());
    let names = |name: &str| findings.iter().any(|finding| finding["rule"]["name"] == name);
    assert!(
        names("Security Eventlog Cleared") && names("HackTool - UACMe Akagi Execution"),
        "attacks that are known to be there"
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding["record"].is_u64() && finding["time"].is_string())
    );
}

#[test]
fn all_shared_intelligence_loads() {
    for (folder, least) in [("stix", 0), ("misp", 1_800), ("iocs", 1_424_000), ("yara", 0)] {
        let Some(path) = shared(&format!("data/{folder}")) else {
            return;
        };
        let ran = perisai(&["intel", "lint", "--format", "jsonl", text(&path)]);
        assert!(matches!(ran.code, 0 | 3), "{folder}: {}", ran.err);
        let lines = ran.jsonl();
        let indicators: u64 = lines.iter().filter_map(|line| line["indicators"].as_u64()).sum();
        assert!(indicators >= least, "{folder}: {indicators} indicators");
        for problem in lines.iter().filter(|line| line["problem"].is_string()) {
            assert!(!problem["place"].as_str().unwrap().is_empty(), "{problem}");
        }
    }
}

#[test]
fn warninglists_leave_true_indicators_alone() {
    let (Some(lists), Some(list)) = (shared("data/warninglists"), shared("data/iocs/maltrail.txt.gz")) else {
        return;
    };
    let logs = crate::tool::folder(&[("a.log", b"GET http://gummerup.dk/modlogan/DAbeNM/ to 10.99.0.1\n")]);
    let extra = crate::tool::folder(&[("l.txt", b"10.99.0.1\n")]);
    let ran = perisai(&[
        "hunt",
        "--intel",
        text(&list),
        "--intel",
        text(extra.path()),
        "--warninglists",
        text(&lists),
        "--format",
        "jsonl",
        text(logs.path()),
    ]);
    let values: Vec<_> = ran
        .jsonl()
        .iter()
        .map(|finding| finding["observable"]["value"].to_string())
        .collect();
    assert_eq!(values, ["\"gummerup.dk/modlogan/DAbeNM/\""], "{}", ran.err);
}

/// Taken bluntly, the lists hid a hundred thousand of these. What is suppressed now are the sites themselves: rankings,
/// public suffixes, and pages that tell a visitor's address.
#[test]
fn warninglists_suppress_few_of_a_million_indicators() {
    let (Some(lists), Some(list)) = (shared("data/warninglists"), shared("data/iocs/maltrail.txt.gz")) else {
        return;
    };
    let (lists, problems) = perisai_app::load_warninglists(&[lists], &Stop::default());
    assert_eq!(problems, []);
    assert_eq!(lists.len(), 128);
    let (intel, _) = perisai_app::load(&[list], &Options::default(), &Stop::default());
    let (detector, _) = Detector::compile(intel, lists);
    let all = u32::try_from(detector.indicators.len()).unwrap();
    let (mut suppressed, mut known) = (BTreeMap::new(), BTreeMap::new());
    let start = Instant::now();
    for indicator in 0..all {
        let matched = detector.matched(indicator);
        if let Some(list) = matched.false_positive {
            *suppressed.entry(list).or_insert(0) += 1;
        }
        for list in matched.known {
            *known.entry(list).or_insert(0) += 1;
        }
    }
    let each = start.elapsed() / all;
    let count: u32 = suppressed.values().sum();
    eprintln!("{all} indicators, {each:?} each, {count} suppressed: {suppressed:#?}, known: {known:#?}");
    assert!((100..800).contains(&count), "{count} suppressed: {suppressed:#?}");
    for (list, least) in [
        ("List of known Amazon AWS IP address ranges", 10_000),
        ("Censys IP Ranges Used for Scanning", 1_000),
        ("List of known sinkholes", 100),
        ("List of LOTS (Living Off Trusted Sites) Project Domains", 10_000),
    ] {
        assert!(known.get(list) >= Some(&least), "{list}: {:?}", known.get(list));
    }
    // A microsecond; a walk through all entries would take two hundred.
    assert!(each.as_micros() < 50, "{each:?} an indicator");
}
