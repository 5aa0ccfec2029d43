//! Rules that are broken or meant to hurt: told, and no harm done.

use proptest::prelude::*;

use perisai_model::{Context, Place, Rule};

use super::super::{SigmaRuleId, SigmaRules};
use super::{compile, event, fields, rule, titles};

const HEAD: &str = "title: t\nlogsource: {product: windows}\ndetection:\n";

fn check(text: &str, expected: &str) {
    let (rules, problems) = compile(&[text]);
    assert!(rules.is_empty(), "{text:.200}");
    assert!(
        problems.iter().any(|why| why.contains(expected)),
        "{text:.200}: {problems:?}"
    );
}

#[test]
fn broken_rules_are_told() {
    check("title: [", "YAML");
    check("just text", "mapping");
    check("title: t\nlogsource: {product: windows}\n", "detection");
    check(&format!("{HEAD}  s:\n    a: b\n"), "condition");
    check(
        &format!("{HEAD}  s:\n    a: b\n  condition: other\n"),
        "names `other`",
    );
    check(
        &format!("{HEAD}  s:\n    a: b\n  condition: 1 of x*\n"),
        "names no detection",
    );
    check(&format!("{HEAD}  s:\n    a: b\n  condition: s and\n"), "ondition");
    check(
        &format!("{HEAD}  s:\n    a|nosuch: b\n  condition: s\n"),
        "nosuch",
    );
    check(
        &format!("{HEAD}  s:\n    a|re: '('\n  condition: s\n"),
        "regular expression",
    );
    check(
        &format!("{HEAD}  s:\n    a|cidr: nonsense\n  condition: s\n"),
        "rule.yml",
    );
    check(
        &format!("{HEAD}  s:\n    a|contains|all: one\n  condition: s\n"),
        "all",
    );
    let text = format!("sigma-version: 3\n{HEAD}  s:\n    a[any]: b\n  condition: s\n");
    check(&text, "array matching");
    check(
        "title: t\ncorrelation:\n  type: event_count\n  rules: [nobody]\n  timespan: 1m\n  condition: {gte: 2}\n",
        "`nobody`",
    );
}

#[test]
fn correlations_about_themselves_are_told() {
    let of = |name: &str, other: &str| {
        format!(
            "title: {name}\nname: {name}\ncorrelation:\n  type: event_count\n  rules: [{other}]\n  timespan: 1m\n  \
             condition: {{gte: 1}}\n"
        )
    };
    check(&of("a", "a"), "about itself");
    let (rules, problems) = compile(&[&of("a", "b"), &of("b", "c"), &of("c", "a"), &of("d", "a")]);
    assert_eq!((rules.len(), problems.len()), (0, 4), "{problems:?}");
}

#[test]
fn correlations_that_cost_too_much_are_told() {
    let base =
        "title: r0\nname: r0\nlogsource: {product: windows}\ndetection:\n  s:\n    a: b\n  condition: s\n";
    let of = |at: usize, other: &str, more: &str| {
        format!(
            "title: r{at}\nname: r{at}\ncorrelation:\n  type: temporal\n  rules: [{other}]\n  timespan: 1m\n{more}"
        )
    };
    let check = |texts: Vec<String>, in_use: usize, expected: &str| {
        let texts: Vec<&str> = std::iter::once(base)
            .chain(texts.iter().map(String::as_str))
            .collect();
        let (rules, problems) = compile(&texts);
        assert_eq!(rules.len(), in_use + 1, "{problems:?}");
        assert!(problems.iter().all(|why| why.contains(expected)), "{problems:?}");
    };
    let chain = |length: usize| {
        (1..=length)
            .map(|at| of(at, &format!("r{}", at - 1), ""))
            .collect()
    };
    check(chain(9), 9, "");
    check(chain(12), 9, "more than 8 deep");
    let crowd = |many: usize| (1..=many).map(|at| of(at, "r0", "")).collect();
    check(crowd(64), 64, "");
    check(crowd(70), 64, "more than 64 times");
    let many = vec!["r0"; 2_000].join(", ");
    let fields: Vec<_> = (0..100).map(|at| format!("f{at}")).collect();
    check(
        vec![of(1, &many, &format!("  group-by: [{}]\n", fields.join(", ")))],
        0,
        "too many",
    );
    let condition = vec!["r0"; 2_000].join(" or ");
    check(
        vec![of(1, &many, &format!("  condition: {condition}\n"))],
        0,
        "too long",
    );
}

#[test]
fn problems_have_lines_and_names() {
    let check = |text: &str, expected: &[&str]| {
        let (rules, problems) = compile(&[text]);
        let pairs = problems.iter().zip(expected);
        assert!(
            problems.len() == expected.len() && pairs.clone().all(|(why, start)| why.starts_with(start)),
            "{text}: {problems:?}"
        );
        let listed = rules.explain(&super::super::Seen::default());
        let listed = listed
            .iter()
            .filter(|idle| idle.why.starts_with("not loaded (rule.yml"));
        assert_eq!(listed.count(), expected.len(), "{text}");
    };
    check(
        "title: t\nlogsource:\n  product: windows\n bad: [x\n",
        &[
            "rule.yml:4: Sigma rule `t`: YAML parse error: did not find expected key, while parsing a block mapping",
        ],
    );
    let good = format!("{HEAD}  s:\n    a: b\n  condition: s\n");
    check(
        &format!("# two\n---\ntitle: [\n---\n{good}---\nid: x-1\nlogsource: {{}}\n---\n- a list\n"),
        &[
            "rule.yml:4: Sigma rule `[`: YAML parse error",
            "rule.yml:12: Sigma rule `x-1`: Missing required field 'title'",
            "rule.yml:15: Sigma: Document is not a YAML mapping",
        ],
    );
    check(
        &format!("{good}---\n\n{HEAD}  s:\n    a: b\n  condition: s and\n"),
        &["rule.yml:14: Sigma rule `t`: Condition"],
    );
    check(
        &format!("{good}---\nauthor: me\n{HEAD}  s:\n    a: b\n  condition: other\n"),
        &["rule.yml:9: Sigma rule `t`: the condition names `other`, which is not in the detection"],
    );
}

#[test]
fn titles_are_text() {
    let rule = |title: &str| format!("{HEAD}  s:\n    a: b\n  condition: s\n").replace("title: t", title);
    let named = |title: &str, expected: &str| {
        let (rules, problems) = compile(&[&rule(title)]);
        assert_eq!(problems, [""; 0], "{title}");
        assert_eq!(rules.info(SigmaRuleId(0)).name, expected);
    };
    named("title: 4688", "4688");
    named("title: 1.50 # a number", "1.50");
    named("title: true", "true");
    named("title: 4688 created", "4688 created");
    check(&rule("title: null"), "its title is empty");
    check(&rule("title:"), "its title is empty");
    check(&rule("title: [a]"), "its title is not a text");
    check(&rule("titel: a"), "Missing required field 'title'");
}

#[test]
fn a_rule_in_another_document_has_one_place() {
    let context = Context::default();
    let embedded = Rule {
        place: Place::file("bundle.json").line(7),
        ..rule("title: t\nlogsource: {}\n\ndetection: [\n")
    };
    let (_, problems) = SigmaRules::compile([(&embedded, &context)].into_iter());
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(
        problems[0].starts_with("bundle.json:7: Sigma rule `t`: YAML"),
        "{problems:?}"
    );
}

#[test]
fn a_rule_has_its_own_text() {
    let check = |text: &str, expected: &[&str]| {
        let (rules, problems) = compile(&[text]);
        assert_eq!(problems, [""; 0]);
        let texts = (0..rules.len()).map(|at| {
            rules
                .info(SigmaRuleId(at as u32))
                .text
                .as_ref()
                .unwrap()
                .to_string()
        });
        assert_eq!(texts.collect::<Vec<_>>(), expected);
    };
    let parts: Vec<_> = WHOLE.split("---\n").map(str::trim).collect();
    check(WHOLE, &parts[..2]);
    let shared = "action: global\ntitle: t\nlogsource: {product: windows}\n---\ndetection: {s: [a], condition: s}\n\
        ---\nid: x\ndetection: {s: [b], condition: s}";
    check(shared, &[shared, shared]);
}

#[test]
fn hostile_rules_are_refused() {
    let item = |item: &str| format!("{HEAD}  s:\n    {item}\n  condition: s\n");
    check(&item("a|re: '\\w{500}{500}'"), "too large");
    check(
        &item(&format!("a: {}", "[".repeat(100_000))),
        "nested deeper than 1000 levels in line ",
    );
    check(
        &item(&format!("a:\n      {}x", "- ".repeat(100_000))),
        "nested deeper than 1000 levels in line ",
    );
    check(
        &item(&format!("a|re: [{}]", vec!["'\\w{60}'"; 100].join(", "))),
        "too large together",
    );
    check(&item(&format!("a: '{}'", "?".repeat(5_000))), "wildcards");
    check(
        &item(&format!("a|windash: '{}'", "-".repeat(8).repeat(100))),
        "too many values",
    );
    check(&item(&format!("a: {}", "x".repeat(2 << 20))), "larger than");
    check(
        &format!(
            "{HEAD}  s: {}{}\n  condition: s\n",
            "[".repeat(50_000),
            "]".repeat(50_000)
        ),
        "rule.yml",
    );
    check(
        &format!("{HEAD}  s: {}x\n  condition: s\n", "{a: ".repeat(20_000)),
        "rule.yml",
    );
    let nested = format!("{}s{}", "(".repeat(10_000), ")".repeat(10_000));
    check(
        &format!("{HEAD}  s:\n    a: b\n  condition: {nested}\n"),
        "rule.yml",
    );
    let list = (0..100).map(|at| format!("x{at}")).collect::<Vec<_>>().join(", ");
    let items = vec![format!("    - a|startswith: [{list}]\n"); 50].concat();
    let many = vec!["s"; 200].join(" or ");
    check(
        &format!("{HEAD}  s:\n{items}  condition: {many}\n"),
        "tests in one condition",
    );
}

#[test]
fn a_bad_rule_stops_no_other() {
    let good = format!("{HEAD}  s:\n    a: b\n  condition: s\n").replace("title: t", "title: good");
    let (rules, problems) = compile(&[WHOLE]);
    assert_eq!((rules.len(), problems.len()), (2, 0), "{problems:?}");
    let (rules, problems) = compile(&["title: [", &good, "{}"]);
    assert_eq!(problems.len(), 2);
    let event = event("evtx", &fields(&[("Channel", "x"), ("a", "b")]));
    assert_eq!(titles(&rules, &event), ["good"]);
}

const WHOLE: &str = "title: t\nid: x\nname: n\nlevel: high\ntags: [a.b]\nlogsource: {product: windows, service: \
    system}\ndetection:\n  s1:\n    f|contains|all: ['a*', \"b\\t\"]\n    g|re|i: '^x.*$'\n  s2:\n    - k1\n    - h: null\n  \
    condition: s1 and not (1 of s* or s2)\n---\ntitle: c\ncorrelation:\n  type: value_count\n  rules: [n]\n  \
    group-by: [u]\n  timespan: 5m\n  condition: {gte: 2, field: v}\n---\ntitle: f\nfilter:\n  rules: [x]\n  \
    s: {i|cidr: 10.0.0.0/8}\n  condition: not s\n";

proptest! {
    #[test]
    fn no_text_panics(text in "[ -~\n]{0,200}", tail in "\\PC{0,80}") {
        compile(&[&text, &format!("{HEAD}  s:\n    a: {tail}\n  condition: s\n"), &format!("{HEAD}  s:\n    a: b\n  condition: {tail}\n")]);
        compile(&[&format!("title: t\ncorrelation: {{type: event_count, rules: [x], timespan: {tail}, condition: {{gte: 1}}}}\n")]);
    }

    #[test]
    fn no_damaged_rule_panics(edits in prop::collection::vec((0..WHOLE.len(), "[ -~\n\u{e9}\u{1f600}]{0,3}", 0..4_usize), 1..6)) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        for (at, new, gone) in edits {
            let at = at.min(text.len());
            let end = (at + gone).min(text.len());
            text.splice(at..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        let (rules, _) = compile(&[&text]);
        let found = titles(&rules, &event("evtx", &fields(&[("Channel", "System"), ("f", "ab\t"), ("g", "x")])));
        prop_assert!(found.len() <= rules.len());
    }
}
