//! Small rules against small files.

use std::time::Duration;

use perisai_model::{Context, ContextId, Place, Problem, Rule, RuleLanguage, Severity, Tlp};
use perisai_yara::{FileFacts, Limits, Rules, Scan, Scanner, Watch};
use proptest::prelude::*;

pub(crate) fn rule(path: &str, text: &str) -> Rule {
    Rule {
        language: RuleLanguage::Yara,
        text: text.into(),
        context: ContextId(0),
        place: Place::file(path),
    }
}

fn context() -> Context {
    Context {
        source: "partner".into(),
        tlp: Some(Tlp::Green),
        ..Context::default()
    }
}

pub(crate) fn compile(texts: &[&str]) -> (Rules, Vec<String>) {
    let context = context();
    let rules: Vec<Rule> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| rule(&format!("{at}.yar"), text))
        .collect();
    let pairs: Vec<_> = rules.iter().map(|rule| (rule, &context)).collect();
    let (rules, problems) = Rules::compile(&pairs);
    (rules, problems.iter().map(Problem::to_string).collect())
}

/// No time passes, and nobody wants it to end.
pub(crate) const CALM: Watch<'static> = Watch {
    clock: &|| Duration::ZERO,
    ends: &|| false,
};

fn scan(rules: &Rules, bytes: &[u8], path: &str) -> Scan {
    Scanner::new(rules, Limits::DEFAULT, CALM).scan(bytes, &FileFacts { path, owner: None })
}

/// The names of the rules of a text that match a file.
fn check(text: &str, bytes: &[u8], path: &str, expected: &[&str]) {
    let (rules, problems) = compile(&[text]);
    assert_eq!(problems, [""; 0], "{text}");
    let found = scan(&rules, bytes, path);
    let names: Vec<&str> = found.hits.iter().map(|hit| hit.rule.name.as_str()).collect();
    assert_eq!(names, expected, "{text}");
    assert_eq!(found.incomplete, None);
}

#[test]
fn a_hit_carries_its_rule() {
    let text = "import \"pe\"\nrule a { condition: pe.is_pe }\n\nrule b : t { condition: not pe.is_pe }\n";
    let (rules, _) = compile(&["rule b { condition: false }", text]);
    let hits = scan(&rules, b"x", "x").hits;
    let texts: Vec<_> = hits
        .iter()
        .map(|hit| hit.rule.text.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(texts, ["import \"pe\"\nrule b : t { condition: not pe.is_pe }"]);
}

#[test]
fn contents_and_facts_match() {
    let text = r#"rule a { strings: $x = "evil" condition: $x }"#;
    check(text, b"an evil file", "x", &["a"]);
    check(text, b"a good file", "x", &[]);
    let name = r#"rule n { condition: filename matches /^cc\.exe$/i and extension == ".exe" and filetype == "EXE" }"#;
    check(name, b"MZ", r"C:\Windows\CC.EXE", &["n"]);
    check(name, b"MZ", r"C:\Windows\CCC.EXE", &[]);
    check(
        r#"rule p { condition: filepath contains "/tmp/" and owner == "" }"#,
        b"",
        "/tmp/x",
        &["p"],
    );
    check(
        r#"import "hash" rule h { condition: hash.md5(0, filesize) == "900150983cd24fb0d6963f7d28e17f72" }"#,
        b"abc",
        "x",
        &["h"],
    );
    check(
        r#"rule r { strings: $x = /a\-b\_c/ condition: $x }"#,
        b"a-b_c",
        "x",
        &["r"],
    );
    check(
        "private rule hidden { condition: true } rule shown { condition: hidden }",
        b"",
        "x",
        &["shown"],
    );
}

#[test]
fn a_finding_says_why() {
    let (rules, _) = compile(&[
        r#"rule a : wiper { meta: author = "A. Nalyst" reference = "https://example.org/a" score = 95 tlp = "amber"
            id = "11-22" mitre = "T1561.002" strings: $x = "evil" condition: $x }"#,
    ]);
    let found = scan(&rules, b"an evil file", "x");
    let hit = &found.hits[0];
    assert_eq!(hit.rule.author.as_deref(), Some("A. Nalyst"));
    assert_eq!(hit.rule.reference.as_deref(), Some("https://example.org/a"));
    assert_eq!(hit.rule.severity, Severity::Critical);
    assert_eq!(hit.rule.tags, ["attack.t1561.002", "wiper"]);
    assert_eq!(hit.rule.sources[0].id.as_deref(), Some("11-22"));
    assert_eq!(hit.rule.sources[0].tlp, Some(Tlp::Amber));
    assert_eq!((hit.matched.as_str(), hit.offset), ("evil", Some(3)));
}

#[test]
fn bad_rules_stop_no_good_ones() {
    let (rules, problems) = compile(&[
        "rule good { condition: true }",
        "rule bad {\n  condition:\n    nonsense\n}\nrule beside { condition: true }",
        "rule broken {",
        "import \"androguard\"\nrule apk { condition: androguard.package_name == \"x\" }\nrule other { condition: true }",
        "include \"/etc/passwd\"",
        "rule good { condition: true }",
    ]);
    let names: Vec<String> = scan(&rules, b"", "x")
        .hits
        .iter()
        .map(|hit| hit.rule.name.clone())
        .collect();
    assert_eq!(names, ["good", "beside", "other", "good"]);
    let starts = [
        "1.yar:3: unknown identifier",
        "2.yar:1: syntax error",
        "3.yar: rule `apk` needs",
        "4.yar:1: include",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem} / {start}");
    }
}

#[test]
fn large_files_are_told() {
    let (rules, _) = compile(&["rule a { condition: true }"]);
    let limits = Limits {
        max_bytes: 3,
        ..Limits::DEFAULT
    };
    let mut scanner = Scanner::new(&rules, limits, CALM);
    let facts = FileFacts::default();
    assert_eq!(scanner.scan(b"abc", &facts).hits.len(), 1);
    let over = scanner.scan(b"abcd", &facts);
    assert!(over.hits.is_empty() && over.incomplete.unwrap().starts_with("over 3 bytes"));
}

#[test]
fn a_cache_gives_the_same_rules() {
    let context = context();
    let texts = [
        rule("a.yar", r#"rule a { strings: $x = "evil" condition: $x }"#),
        rule("b.yar", "rule b {"),
    ];
    let pairs: Vec<_> = texts.iter().map(|rule| (rule, &context)).collect();
    let (fresh, problems, bytes) = Rules::compile_for_cache(&pairs);
    let (cached, cached_problems) = Rules::from_cache(&bytes.unwrap(), &pairs).unwrap();
    assert_eq!(cached_problems, problems);
    assert_eq!(scan(&cached, b"evil", "x"), scan(&fresh, b"evil", "x"));
    assert_eq!(scan(&cached, b"evil", "x").hits.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_rules_do_not_panic(text in "(rule|import|include|private| |[a-z]|\\{|\\}|\"|\\$|/|:|=|strings|condition|\\PC){0,40}") {
        compile(&[&text]);
    }

    #[test]
    fn hostile_files_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), path in "\\PC*", head in prop::sample::select(vec![&b""[..], b"MZ", b"\x7fELF", b"L\0\0\0"])) {
        let (rules, _) = compile(&[r#"import "pe" import "elf" import "lnk" rule a { condition: pe.is_pe or elf.number_of_sections > 0 or lnk.is_lnk }"#]);
        scan(&rules, &[head, &bytes].concat(), &path);
    }
}
