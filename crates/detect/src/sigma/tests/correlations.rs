//! Correlations: rules × events in time → hits.

use perisai_model::{Event, Severity, Timestamp};
use proptest::prelude::*;

use super::{compile, event, fields, hits};
use crate::sigma::{Observation, SigmaRules};

pub(super) const BASE: &str = "title: login\nname: login\nlogsource: {product: windows}\ndetection:\n  s:\n    what: login\n  condition: s\n";
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

pub(super) const LOGIN: (&str, &str) = ("what", "login");
const DROP: (&str, &str) = ("what", "drop");
pub(super) const ANN: (&str, &str) = ("user", "ann");
pub(super) const BOB: (&str, &str) = ("user", "bob");

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

/// So many logins, a second apart, with the second as the value, under one correlation.
fn flood(correlation: &str, events: i64) -> Vec<(i64, f64)> {
    let text = format!("title: many\ncorrelation:\n{correlation}");
    let (rules, problems) = compile(&[BASE, &text]);
    assert!(problems.is_empty(), "{problems:?}");
    let mut event: Event = event("evtx", &fields(&[("Channel", "x"), LOGIN]));
    event.push("second", perisai_model::Value::Int(0));
    let mut observations = Vec::new();
    let mut scratch = crate::sigma::Scratch::default();
    let mut found = Vec::new();
    for second in 0..events {
        event.clear();
        event.push_str("Channel", "x");
        event.push_str("what", "login");
        event.push("second", perisai_model::Value::Int(second));
        event.time = Some(Timestamp::from_second(second).unwrap());
        found.clear();
        rules.match_event(&event, &mut scratch, &mut found);
        observations.extend(found.drain(..).flat_map(|hit| hit.observations));
        observations.last_mut().unwrap().order = second as u64;
    }
    let hits = rules.correlate(observations, &|| false);
    hits.iter().map(|hit| (hit.time.as_second(), hit.value)).collect()
}

#[test]
fn long_windows_are_whole_and_cheap() {
    let check = |kind: &str, condition: &str, expected: &[(i64, f64)]| {
        let text =
            format!("  type: {kind}\n  rules: [login]\n  timespan: 10d\n  condition: {{{condition}}}\n");
        assert_eq!(flood(&text, 120_000), expected, "{text}");
    };
    check("event_count", "gte: 100001", &[(100_000, 100_001.0)]);
    check(
        "value_count",
        "field: second, gte: 100001",
        &[(100_000, 100_001.0)],
    );
    check(
        "value_sum",
        "field: second, gt: 5000000000",
        &[(100_000, 5_000_050_000.0)],
    );
    check("value_avg", "field: second, gte: 50000", &[(100_000, 50_000.0)]);
    check(
        "value_median",
        "field: second, gte: 50000",
        &[(100_000, 50_000.0)],
    );
    check(
        "value_percentile",
        "field: second, percentile: 90, gte: 90000",
        &[(100_000, 90_000.0)],
    );
    let ordered = "  type: temporal_ordered\n  rules: [login, login]\n  timespan: 10d\n";
    assert_eq!(flood(ordered, 50_000), [(0, 2.0)]);
}

#[test]
fn an_event_is_kept_small() {
    assert!(size_of::<Observation>() <= 80);
    let text = "title: many\ncorrelation:\n  type: value_count\n  rules: [login]\n  group-by: [user]\n  \
        timespan: 10s\n  condition: {field: user, gte: 1}\n";
    let (rules, _) = compile(&[BASE, text]);
    let long = "x".repeat(1 << 20);
    let hits = rules.correlate(observe(&rules, &[(1, &[LOGIN, ("user", &long)])]), &|| false);
    let shown = &hits[0].group[0].1;
    assert!(shown.starts_with("xxxx") && shown.len() < 300, "{shown}");
}

/// What a correlation is, plainly: for each event of a group the whole window is looked at again.
fn oracle(kind: &str, mode: &str, bound: f64, events: &[(i64, u8, i64)]) -> Vec<(i64, u64, f64)> {
    let mut sorted: Vec<_> = events.iter().zip(0..).map(|(one, order)| (*one, order)).collect();
    sorted.sort_by_key(|((second, ..), order)| (*second, *order));
    let mut hits = Vec::new();
    for group in 0..2 {
        let (mut inside, mut told) = (Vec::<(i64, i64)>::new(), false);
        for &((second, user, number), order) in &sorted {
            if user != group {
                continue;
            }
            let (first, last) = (inside.first().map(|one| one.0), inside.last().map(|one| one.0));
            match mode {
                "sliding" => inside.retain(|one| one.0 >= second - 10),
                "tumbling" if last.is_some_and(|last| last / 10 != second / 10) => inside.clear(),
                "session" if last.is_some_and(|last| second - last > 2) => inside.clear(),
                "session" if first.is_some_and(|first| second - first > 10) => inside.clear(),
                _ => {}
            }
            told &= compute(kind, &inside).is_some_and(|value| value >= bound);
            inside.push((second, number));
            let value = compute(kind, &inside).unwrap();
            if value >= bound && !told {
                hits.push((second, order, value));
                told = true;
            }
        }
    }
    hits.sort_by_key(|hit| (hit.0, hit.1));
    hits
}

fn compute(kind: &str, inside: &[(i64, i64)]) -> Option<f64> {
    let mut numbers: Vec<i64> = inside.iter().map(|one| one.1).collect();
    numbers.sort_unstable();
    let sum = numbers.iter().sum::<i64>() as f64;
    let at = |rank: f64| {
        let place = rank * (numbers.len() - 1) as f64;
        let (below, above) = (
            numbers[place.floor() as usize] as f64,
            numbers[place.ceil() as usize] as f64,
        );
        below + (above - below) * place.fract()
    };
    match kind {
        "event_count" => Some(inside.len() as f64),
        "value_sum" => Some(sum),
        "value_count" => {
            numbers.dedup();
            Some(numbers.len() as f64)
        }
        _ if numbers.is_empty() => None,
        "value_avg" => Some(sum / numbers.len() as f64),
        "value_median" => Some(at(0.5)),
        _ => Some(at(0.75)),
    }
}

proptest! {
    #[test]
    fn agrees_with_the_plain_way(
        kind in prop::sample::select(&["event_count", "value_count", "value_sum", "value_avg", "value_median", "value_percentile"][..]),
        mode in prop::sample::select(&["sliding", "tumbling", "session"][..]),
        bound in 1..6_i64,
        events in prop::collection::vec((0..60_i64, 0..2_u8, -3..8_i64), 0..80),
    ) {
        let gap = if mode == "session" { "\n  gap: 2s" } else { "" };
        let more = match kind {
            "event_count" => "",
            "value_percentile" => "field: number, percentile: 75, ",
            _ => "field: number, ",
        };
        let text = format!(
            "title: many\ncorrelation:\n  type: {kind}\n  rules: [login]\n  group-by: [user]\n  timespan: 10s\n  \
            window: {mode}{gap}\n  condition: {{{more}gte: {bound}}}\n"
        );
        let (rules, problems) = compile(&[BASE, &text]);
        prop_assert!(problems.is_empty(), "{problems:?}");
        let texts: Vec<_> = events.iter().map(|(second, user, number)| (*second, user.to_string(), number.to_string())).collect();
        let pairs: Vec<_> = texts.iter().map(|(second, user, number)| (*second, [LOGIN, ("user", user.as_str()), ("number", number.as_str())])).collect();
        let at: Vec<(i64, &[(&str, &str)])> = pairs.iter().map(|(second, pairs)| (*second, pairs.as_slice())).collect();
        let hits = rules.correlate(observe(&rules, &at), &|| false);
        let found: Vec<_> = hits.iter().map(|hit| (hit.time.as_second(), hit.order, hit.value)).collect();
        prop_assert_eq!(found, oracle(kind, mode, bound as f64, &events), "{}", text);
    }
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
fn one_rule_from_two_sources_is_one_rule() {
    let (rules, _) = compile(&[BASE, BASE]);
    assert_eq!(rules.len(), 1);
    let [low, high] = ["low", "high"]
        .map(|level| format!("{BASE}level: {level}\nid: 11111111-1111-4111-8111-111111111111\n"));
    for texts in [[&*low, &*high], [&*high, &*low]] {
        let (rules, _) = compile(&texts);
        let found = hits(&rules, &event("evtx", &fields(&[("Channel", "x"), LOGIN])));
        assert_eq!(
            (rules.len(), rules.info(found[0].rule).severity),
            (1, Severity::High)
        );
    }
    let changed = BASE.replace("what: login", "what: logout");
    let (rules, _) = compile(&[BASE, &changed]);
    assert_eq!(rules.len(), 2);
}
