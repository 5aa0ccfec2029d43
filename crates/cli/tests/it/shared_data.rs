//! Real rules and real logs: all load, all run.

use std::collections::BTreeMap;
use std::time::Instant;

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

/// What is suppressed is few, and each of it is a mistake of the list; of what is known, nothing is hidden.
#[test]
fn warninglists_suppress_few_of_a_million_indicators() {
    let (Some(lists), Some(list)) = (shared("data/warninglists"), shared("data/iocs/maltrail.txt.gz")) else {
        return;
    };
    let (lists, problems) = perisai_app::load_warninglists(&[lists]);
    assert_eq!(problems, []);
    assert_eq!(lists.len(), 128);
    let (intel, _) = perisai_app::load(&[list], &Options::default());
    let (detector, _) = Detector::compile(intel, lists);
    let all = u32::try_from(detector.indicators.len()).unwrap();
    let (mut suppressed, mut known) = (
        BTreeMap::<String, Vec<u32>>::new(),
        BTreeMap::<String, Vec<u32>>::new(),
    );
    let start = Instant::now();
    for indicator in (0..all).step_by(20) {
        let matched = detector.matched(indicator);
        if let Some(list) = matched.false_positive {
            suppressed.entry(list).or_default().push(indicator);
        }
        for list in matched.known {
            known.entry(list).or_default().push(indicator);
        }
    }
    let each = start.elapsed() / all;
    for (what, lists) in [("suppressed", &suppressed), ("known", &known)] {
        let mut lists: Vec<_> = lists.iter().collect();
        lists.sort_by_key(|(_, held)| std::cmp::Reverse(held.len()));
        for (name, held) in lists {
            let step = held.len().div_ceil(12);
            let some: Vec<_> = held
                .iter()
                .step_by(step)
                .map(|&one| detector.indicators.value(one).1)
                .collect();
            println!("{what} {} {name}: {some:?}", held.len());
        }
    }
    let count: usize = suppressed.values().map(Vec::len).sum();
    println!("{all} indicators, {count} suppressed, {each:?} each");
    assert!(count < 3_000, "{count} suppressed");
}
