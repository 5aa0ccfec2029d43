//! Intelligence that gives nothing, or less than it holds: what is told of it, and with which exit code.

use crate::tool::{Ran, folder, perisai, text};

const PULSE: &[u8] = br#"{"name": "a pulse", "indicators": [{"indicator": "evil.example"}]}"#;

/// Lints a folder of files, and hunts with it.
fn run(files: &[(&str, &[u8])]) -> [Ran; 2] {
    let folder = folder(files);
    let intel = text(folder.path());
    let logs = crate::tool::folder(&[("x.log", b"query evil.example\n")]);
    let hunt = ["hunt", "--intel", intel, "--format", "jsonl", text(logs.path())];
    [perisai(&["intel", "lint", intel]), perisai(&hunt)]
}

/// Both end with a code, and tell each of the texts.
fn check(files: &[(&str, &[u8])], code: i32, told: &[&str]) {
    for ran in run(files) {
        assert_eq!(ran.code, code, "{} {}", ran.out, ran.err);
        let all = format!("{}{}", ran.out, ran.err);
        for text in told {
            assert!(all.contains(text), "should say `{text}`, says: {all}");
        }
    }
}

#[test]
fn files_of_no_known_format_are_told_and_read_mes_are_not() {
    let list: (&str, &[u8]) = ("list.txt", b"evil.example\n");
    let prose = b"This is prose\nof several lines\nand nothing else\n";
    let other: &[(&str, &[u8])] = &[
        list,
        ("README.md", prose),
        ("LICENSE", prose),
        ("logo.png", b"\x89PNG\x00"),
        ("a.xml", b"<other/>"),
        ("b.json", br#"{"a": 1}"#),
        ("c.txt", prose),
    ];
    check(other, 0, &["3 files hold no intelligence that is known: "]);
    for ran in run(other) {
        assert!(
            !ran.err.contains("README") && !ran.err.contains("png"),
            "{}",
            ran.err
        );
    }
    check(
        &[list, ("c.txt", prose)],
        0,
        &["1 file holds no intelligence that is known: "],
    );
    // What is intelligence for sure, and is not read, is a failure.
    check(
        &[list, ("pulse.json", PULSE)],
        3,
        &["pulse.json: a list of indicators in JSON"],
    );
    check(
        &[list, ("stix.xml", b"<stix:STIX_Package/>")],
        3,
        &["stix.xml: STIX 1 (XML)"],
    );
}

#[test]
fn what_is_left_out_is_explained() {
    let event = br#"{"Event": {"Attribute": [
        {"type": "domain", "value": "a.example", "to_ids": false},
        {"type": "domain", "value": "b.example", "to_ids": true, "deleted": true},
        {"type": "uri", "value": "/x", "to_ids": true},
        {"type": "domain", "value": "evil.example", "to_ids": true}]}}"#;
    let told = "1 not for detection, 1 deleted, 1 of types that are not searched for (uri 1)";
    check(&[("event.json", event)], 0, &[told]);
    let all = br#"{"Event": {"Attribute": [{"type": "domain", "value": "a.example", "to_ids": false}]}}"#;
    let [lint, hunt] = run(&[("event.json", all)]);
    assert_eq!((lint.code, hunt.code), (0, 2), "{}", lint.out);
    assert!(lint.out.contains("left out: 1 not for detection"), "{}", lint.out);
    assert!(
        hunt.err.contains("nothing to look for") && hunt.err.contains("; left out: 1 not for detection"),
        "{}",
        hunt.err
    );
}

#[test]
fn a_folder_of_stix_without_indicators_is_one_of_intelligence() {
    let bundle = br#"{"type": "bundle", "objects": [{"type": "malware", "id": "malware--1", "name": "x"}]}"#;
    let [lint, hunt] = run(&[("a.json", bundle), ("b.json", bundle)]);
    assert_eq!(lint.code, 0, "{}", lint.out);
    assert!(
        lint.out.contains("2 files hold nothing to look for: "),
        "{}",
        lint.out
    );
    assert_eq!(hunt.code, 2);
}

#[cfg(not(feature = "yara"))]
#[test]
fn yara_rules_that_nobody_checked_are_told() {
    let [lint, hunt] = run(&[("a.yar", b"rule a { condition: true }")]);
    assert_eq!((lint.code, hunt.code), (0, 2));
    assert!(
        lint.out.contains("1 file of YARA rules: not checked"),
        "{}",
        lint.out
    );
    assert!(hunt.err.contains("YARA rules need a program"), "{}", hunt.err);
}

#[cfg(feature = "yara")]
#[test]
fn yara_rules_are_compiled_by_lint() {
    let rules = b"rule good { condition: true }\nrule bad { condition: missing }\n";
    let [lint, hunt] = run(&[("a.yar", rules)]);
    assert_eq!((lint.code, hunt.code), (3, 3), "{}{}", lint.out, hunt.err);
    assert!(lint.out.contains("a.yar:2: "), "{}", lint.out);
    assert!(
        lint.out.contains("0 indicators and 1 rule in use, 1 problem"),
        "{}",
        lint.out
    );
}

#[test]
fn lint_tells_the_kinds_of_each_source() {
    let table = b"type,value\nDomain,evil.example\nDomain,b.example\nIP,192.0.2.1\n";
    let folder = folder(&[("t.csv", table)]);
    let check = |format: &str, expected: &str| {
        let ran = perisai(&["intel", "lint", "--format", format, text(folder.path())]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains(expected), "{}", ran.out);
    };
    check("text", "t.csv: domain 2, ipv4 1\n");
    check("jsonl", r#""kinds":{"domain":2,"ipv4":1}"#);
    check("csv", "\",table,3,\"domain 2, ipv4 1\",0,0,0\n");
}

#[test]
fn lint_counts_rules_and_not_files() {
    let rules: &[(&str, &[u8])] = &[
        (
            "a.yar",
            b"rule a { condition: true } rule b { condition: true }\nrule c { condition: true }",
        ),
        (
            "b.yml",
            b"title: a\nlogsource:\n  product: x\ndetection:\n  s:\n    f: a\n  condition: s\n---\n\
            title: b\nlogsource:\n  product: x\ndetection:\n  s:\n    f: b\n  condition: s\n",
        ),
    ];
    let folder = folder(rules);
    let ran = perisai(&["intel", "lint", "-f", "csv", text(folder.path())]);
    assert!(ran.out.contains("a.yar\",YARA,0,\"\",3,0,0\n"), "{}", ran.out);
    assert!(ran.out.contains("b.yml\",Sigma,0,\"\",2,0,0\n"), "{}", ran.out);
    let ran = perisai(&["intel", "lint", text(folder.path())]);
    let in_use = if cfg!(feature = "yara") { 5 } else { 2 };
    assert!(
        ran.out.contains(&format!("and {in_use} rules in use")),
        "{}",
        ran.out
    );
}

#[test]
fn lint_checks_warninglists_as_such() {
    let good: (&str, &[u8]) = (
        "list.json",
        br#"{"name": "x", "type": "cidr", "list": ["192.0.2.0/24"]}"#,
    );
    let bad: (&str, &[u8]) = (
        "list.json",
        br#"{"name": "x", "type": "what", "list": ["192.0.2.0/24"]}"#,
    );
    let check = |file, codes: (i32, i32), told: [&str; 2]| {
        let [lint, hunt] = run(&[file]);
        assert_eq!((lint.code, hunt.code), codes, "{} {}", lint.out, hunt.err);
        assert!(lint.out.contains(told[0]), "{}", lint.out);
        assert!(hunt.err.contains(told[1]), "{}", hunt.err);
    };
    let told = "holds no indicators; give it as a warninglist";
    check(
        good,
        (0, 2),
        ["1 file is a warninglist, for --warninglists: ", told],
    );
    check(bad, (3, 2), ["unknown type of warninglist `what`", told]);
}

#[test]
fn values_that_match_far_too_much_are_told_by_lint() {
    let [lint, hunt] = run(&[("list.txt", b"co.uk\n127.0.0.1\nevil.example\n")]);
    assert_eq!((lint.code, hunt.code), (0, 0));
    assert!(
        lint.out
            .contains("matches far too much: co.uk (public suffix), 127.0.0.1 (loopback)"),
        "{}",
        lint.out
    );
}

#[test]
fn a_listed_url_without_a_path_means_its_host() {
    let intel = folder(&[(
        "list.txt",
        b"hxxp://evil9[.]example\nhxxps://evil10[.]example:8443\n",
    )]);
    let log = b"GET http://evil9.example/login.php\nquery www.evil9.example\nCONNECT evil10.example:8443\n\
        GET https://evil10.example:8443/x\n";
    let logs = folder(&[("x.log", log)]);
    let ran = perisai(&["hunt", "-i", text(intel.path()), "-f", "jsonl", text(logs.path())]);
    assert_eq!(ran.jsonl().len(), 4, "{}", ran.out);
}
