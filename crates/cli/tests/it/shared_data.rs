//! Real rules and real logs: all load, all run.

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
