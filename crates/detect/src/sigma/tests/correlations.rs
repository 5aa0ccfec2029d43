//! Correlations and filters: rules × events in time → hits.

use perisai_model::Timestamp;

use super::{compile, event, fields, hits, titles};
use crate::sigma::{Observation, SigmaRules};

const BASE: &str = "title: login\nname: login\nlogsource: {product: windows}\ndetection:\n  s:\n    what: login\n  condition: s\n";
const OTHER: &str = "title: drop\nname: drop\nlogsource: {product: windows}\ndetection:\n  s:\n    what: drop\n  condition: s\n";

fn observe(rules: &SigmaRules, at: &[(i64, &[(&str, &str)])]) -> Vec<Observation> {
    let mut all = Vec::new();
    for (order, (second, pairs)) in at.iter().enumerate() {
        let mut values = fields(pairs);
        values.push(("Channel", perisai_model::Value::Str("x")));
        let mut event = event("evtx", &values);
        event.time = Some(Timestamp::from_second(*second).unwrap());
        for hit in hits(rules, &event) {
            all.extend(hit.observations.into_iter().map(|mut one| {
                one.order = order as u64;
                one
            }));
        }
    }
    all
}

/// The times and values of the hits of one correlation over the two base rules.
fn check(correlation: &str, at: &[(i64, &[(&str, &str)])], expected: &[(i64, f64)]) {
    let text = format!("title: many\nname: many\ncorrelation:\n{correlation}");
    let (rules, problems) = compile(&[BASE, OTHER, &text]);
    assert!(problems.is_empty(), "{problems:?}");
    let mut observations = observe(&rules, at);
    let found = rules.correlate(observations.clone(), &|| false);
    let times: Vec<_> = found
        .iter()
        .map(|hit| (hit.time.as_second(), hit.value))
        .collect();
    assert_eq!(times, expected, "{correlation}");
    observations.reverse();
    assert_eq!(
        rules.correlate(observations, &|| false),
        found,
        "the order of input must not matter"
    );
}

const LOGIN: (&str, &str) = ("what", "login");
const DROP: (&str, &str) = ("what", "drop");
const ANN: (&str, &str) = ("user", "ann");
const BOB: (&str, &str) = ("user", "bob");

#[test]
fn events_are_counted() {
    let text =
        "  type: event_count\n  rules: [login]\n  group-by: [user]\n  timespan: 10s\n  condition: {gte: 3}\n";
    let ann: &[_] = &[LOGIN, ANN];
    let bob: &[_] = &[LOGIN, BOB];
    check(text, &[(1, ann), (2, ann), (3, ann)], &[(3, 3.0)]);
    check(text, &[(1, ann), (2, bob), (3, ann)], &[]);
    check(text, &[(1, ann), (2, ann), (13, ann)], &[]);
    check(text, &[(3, ann), (1, ann), (2, ann)], &[(3, 3.0)]);
    // One hit for a burst, and another for the next.
    check(
        text,
        &[(1, ann), (2, ann), (3, ann), (4, ann), (5, ann)],
        &[(3, 3.0)],
    );
    check(
        text,
        &[(1, ann), (2, ann), (3, ann), (50, ann), (51, ann), (52, ann)],
        &[(3, 3.0), (52, 3.0)],
    );
}

#[test]
fn values_are_counted_and_computed() {
    let ip = |at: i64, ip: &'static str| (at, vec![LOGIN, ANN, ("ip", ip)]);
    let run = |kind: &str, condition: &str, values: &[(i64, &'static str)], expected: &[(i64, f64)]| {
        let text = format!(
            "  type: {kind}\n  rules: [login]\n  group-by: [user]\n  timespan: 10s\n  condition: {{field: ip, {condition}}}\n"
        );
        let owned: Vec<_> = values.iter().map(|&(second, value)| ip(second, value)).collect();
        let at: Vec<(i64, &[(&str, &str)])> = owned
            .iter()
            .map(|(second, pairs)| (*second, pairs.as_slice()))
            .collect();
        check(&text, &at, expected);
    };
    run(
        "value_count",
        "gte: 2",
        &[(1, "a"), (2, "a"), (3, "b")],
        &[(3, 2.0)],
    );
    run("value_count", "gte: 2", &[(1, "a"), (2, "a"), (30, "b")], &[]);
    run(
        "value_sum",
        "gt: 10",
        &[(1, "4"), (2, "5"), (3, "6")],
        &[(3, 15.0)],
    );
    run(
        "value_avg",
        "gte: 5",
        &[(1, "2"), (2, "4"), (3, "9")],
        &[(3, 5.0)],
    );
    run(
        "value_median",
        "gte: 4",
        &[(1, "1"), (2, "3"), (3, "8"), (4, "9")],
        &[(4, 5.5)],
    );
    run(
        "value_percentile",
        "percentile: 100, gte: 8",
        &[(1, "1"), (2, "3"), (3, "8")],
        &[(3, 8.0)],
    );
}

#[test]
fn rules_together() {
    let text =
        |kind: &str| format!("  type: {kind}\n  rules: [login, drop]\n  group-by: [user]\n  timespan: 10s\n");
    let login: &[_] = &[LOGIN, ANN];
    let drop: &[_] = &[DROP, ANN];
    check(&text("temporal"), &[(1, drop), (2, login)], &[(2, 2.0)]);
    check(&text("temporal"), &[(1, drop), (20, login)], &[]);
    check(&text("temporal"), &[(1, drop), (2, &[LOGIN, BOB])], &[]);
    check(&text("temporal_ordered"), &[(1, drop), (2, login)], &[]);
    check(&text("temporal_ordered"), &[(1, login), (2, drop)], &[(2, 2.0)]);
    let extended = format!("{}  condition: login and not drop\n", text("temporal"));
    check(&extended, &[(1, drop), (2, login)], &[]);
    check(&extended, &[(2, login)], &[(2, 1.0)]);
}

#[test]
fn windows_of_time() {
    let text = |mode: &str| {
        format!("  type: event_count\n  rules: [login]\n  timespan: 10s\n  {mode}\n  condition: {{gte: 3}}\n")
    };
    let login: &[_] = &[LOGIN];
    check(
        &text("window: tumbling"),
        &[(8, login), (9, login), (11, login)],
        &[],
    );
    check(
        &text("window: tumbling"),
        &[(11, login), (12, login), (13, login)],
        &[(13, 3.0)],
    );
    check(
        &text("window: session\n  gap: 2s"),
        &[(1, login), (2, login), (4, login)],
        &[(4, 3.0)],
    );
    check(
        &text("window: session\n  gap: 2s"),
        &[(1, login), (2, login), (5, login)],
        &[],
    );
}

#[test]
fn aliases_and_chains() {
    let alias = "title: both\nname: both\ncorrelation:\n  type: temporal\n  rules: [login, drop]\n  group-by: [who]\n  \
        aliases:\n    who:\n      login: user\n      drop: account\n  timespan: 10s\n";
    let chain = "title: twice\ncorrelation:\n  type: event_count\n  rules: [both]\n  group-by: [who]\n  timespan: 1m\n  \
        condition: {gte: 2}\n";
    let (rules, problems) = compile(&[BASE, OTHER, alias, chain]);
    assert!(problems.is_empty(), "{problems:?}");
    let observations = observe(
        &rules,
        &[
            (1, &[LOGIN, ANN]),
            (2, &[DROP, ("account", "ann")]),
            (30, &[LOGIN, ANN]),
            (31, &[DROP, ("account", "ann")]),
        ],
    );
    let found: Vec<_> = rules
        .correlate(observations, &|| false)
        .into_iter()
        .map(|hit| {
            (
                rules.info(hit.rule).name.clone(),
                hit.time.as_second(),
                hit.events,
                hit.generates,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("both".to_owned(), 2, vec![0, 1], false),
            ("both".to_owned(), 31, vec![2, 3], false),
            ("twice".to_owned(), 31, vec![1, 3], true),
        ]
    );
}

#[test]
fn generate_decides_whether_rules_speak_themselves() {
    let text = |generate: &str| {
        format!(
            "title: many\n{generate}correlation:\n  type: event_count\n  rules: [login]\n  timespan: 1m\n  condition: {{gte: 2}}\n"
        )
    };
    let event = event("evtx", &fields(&[("Channel", "x"), LOGIN]));
    for (generate, expected) in [
        ("", false),
        ("generate: false\n", false),
        ("generate: true\n", true),
    ] {
        let (rules, _) = compile(&[BASE, &text(generate)]);
        assert_eq!(hits(&rules, &event)[0].generates, expected, "{generate}");
    }
}

#[test]
fn filters_narrow_rules() {
    let filter = |rules: &str| {
        format!(
            "title: f\nlogsource: {{product: windows}}\nfilter:\n  rules: {rules}\n  known:\n    user: ann\n  condition: not known\n"
        )
    };
    let check = |rules: &str, user, expected: &[&str]| {
        let (rules, problems) = compile(&[&filter(rules), BASE]);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(
            titles(&rules, &event("evtx", &fields(&[("Channel", "x"), LOGIN, user]))),
            expected
        );
    };
    check("[login]", ANN, &[]);
    check("[login]", BOB, &["login"]);
    check("any", ANN, &[]);
    check("[other]", ANN, &["login"]);
    let linux = filter("any").replace("windows", "linux");
    let (rules, _) = compile(&[&linux, BASE]);
    assert_eq!(
        titles(&rules, &event("evtx", &fields(&[("Channel", "x"), LOGIN, ANN]))),
        ["login"]
    );
}

#[test]
fn one_rule_from_two_sources_is_one_rule() {
    let (rules, _) = compile(&[BASE, BASE]);
    assert_eq!(rules.len(), 1);
    let changed = BASE.replace("what: login", "what: logout");
    let (rules, _) = compile(&[BASE, &changed]);
    assert_eq!(rules.len(), 2);
}
