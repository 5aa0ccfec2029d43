//! The index against evaluating every pattern; the matches over several events against what a match is.

use perisai_model::{Context, ContextId, Event, Place, Rule, RuleLanguage, Value};
use perisai_pattern::{Hit, Micros};
use proptest::prelude::*;

use super::{Observation, PatternHit, PatternId, Scratch, Seen, StixPatterns};

const PATHS: &[&str] = &[
    "domain-name:value",
    "ipv4-addr:value",
    "network-traffic:dst_ref.value",
    "network-traffic:dst_port",
    "file:name",
    "file:size",
    "url:value",
    "process:command_line",
    "windows-registry-key:key",
    "x-acme:thing",
    "file:ctime",
];

const CONSTANTS: &[&str] = &[
    "'evil.example'",
    "'EVIL.example'",
    "'192.0.2.1'",
    "'192.0.2.0/24'",
    "'0.0.0.0/0'",
    "'http://EVIL.example:80/a'",
    "'HKLM\\\\A\\\\b'",
    "'Käfer.exe'",
    "'abc'",
    "'ABC'",
    "'1'",
    "1",
    "1.0",
    "443",
    "true",
    "h'616263'",
    "t'2020-01-01T00:00:00Z'",
];

/// What goes together, so that much of it matches.
const FITTING: &[(&str, &[&str])] = &[
    ("domain-name:value", &["'evil.example'", "'EVIL.example'"]),
    (
        "ipv4-addr:value",
        &["'192.0.2.1'", "'192.0.2.0/24'", "'0.0.0.0/0'"],
    ),
    (
        "network-traffic:dst_ref.value",
        &["'EVIL.example'", "'192.0.2.1'", "'192.0.2.0/24'"],
    ),
    ("network-traffic:dst_port", &["1", "443", "1.0"]),
    ("file:name", &["'ABC'", "'abc'", "'Käfer.exe'"]),
    ("url:value", &["'http://EVIL.example:80/a'"]),
    ("process:command_line", &["'abc'", "h'616263'"]),
    ("windows-registry-key:key", &["'HKLM\\\\A\\\\b'"]),
    ("x-acme:thing", &["1", "true", "'1'", "'abc'"]),
];

const LIKES: &[&str] = &[
    "'%abc%'",
    "'%evil%'",
    "'%KELVIN%'",
    "'%'",
    "'%.example'",
    "'%;a_c'",
    "'ab'",
];

const FIELDS: &[&str] = &[
    "query",
    "dst_ip",
    "src_ip",
    "dpt",
    "file.name",
    "file.path",
    "file.size",
    "request",
    "host",
    "uri",
    "CommandLine",
    "TargetObject",
    "thing",
    "unknown",
];

const VALUES: &[&str] = &[
    "evil.example",
    "Evil.Example",
    "192.0.2.1",
    "192.0.2.77",
    "::ffff:192.0.2.1",
    "http://evil.example/a",
    "HTTP://Evil.example:80/a",
    r"HKEY_LOCAL_MACHINE\a\B",
    r"C:\x\abc",
    "KÄFER.exe",
    "xabcx",
    "ABC",
    "1",
    "443",
    "abc",
    "\u{212a}ELVIN",
    "\u{37e}abc",
    "1.0",
];

fn test() -> impl Strategy<Value = String> {
    let of = |all: &'static [&'static str]| proptest::sample::select(all);
    let not = proptest::sample::select(vec!["", "NOT "]);
    let fitting = proptest::sample::select(FITTING).prop_flat_map(|(path, constants)| {
        proptest::sample::select(constants).prop_map(move |it| (path, it))
    });
    prop_oneof![
        12 => fitting.prop_map(|(path, constant)| format!("{path} = {constant}")),
        6 => (of(PATHS), not.clone(), proptest::sample::select(vec!["=", "!=", "<", ">="]), of(CONSTANTS))
            .prop_map(|(path, not, sign, constant)| format!("{path} {not}{sign} {constant}")),
        2 => (of(PATHS), not.clone(), proptest::collection::vec(of(CONSTANTS), 0..3))
            .prop_map(|(path, not, set)| format!("{path} {not}IN ({})", set.join(", "))),
        2 => (of(PATHS), not.clone(), of(LIKES)).prop_map(|(path, not, like)| format!("{path} {not}LIKE {like}")),
        1 => (of(PATHS), not.clone()).prop_map(|(path, not)| format!("{path} {not}MATCHES 'a.c'")),
        1 => (of(PATHS), not.clone()).prop_map(|(path, not)| format!("{path} {not}ISSUBSET '192.0.2.0/24'")),
        1 => (of(PATHS), not).prop_map(|(path, not)| format!("{not}EXISTS {path}")),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let join = |word: &'static str| move |all: Vec<String>| format!("({})", all.join(word));
    let inside = test().prop_recursive(3, 8, 3, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(join(" AND ")),
            proptest::collection::vec(inner, 1..4).prop_map(join(" OR ")),
        ]
    });
    let outside = proptest::sample::select(vec![" AND ", " OR ", " FOLLOWEDBY "]);
    (proptest::collection::vec(inside, 1..4), outside).prop_map(|(all, word)| {
        all.iter()
            .map(|one| format!("[{one}]"))
            .collect::<Vec<_>>()
            .join(word)
    })
}

fn event() -> impl Strategy<Value = Event> {
    let value = prop_oneof![
        8 => proptest::sample::select(VALUES).prop_map(|text| Ok(text.to_owned())),
        1 => (-1_i64..3).prop_map(|number| Err(Value::Int(number))),
        1 => proptest::sample::select(vec![Value::Float(1.0), Value::Float(f64::NAN), Value::Bool(true), Value::Null])
            .prop_map(Err),
    ];
    let field = (proptest::sample::select(FIELDS), value);
    proptest::collection::vec(field, 0..40).prop_map(|fields| {
        let mut event = Event::default();
        for (name, value) in fields {
            match value {
                Ok(text) => event.push_str(name, &text),
                Err(other) => event.push(name, other),
            }
        }
        event
    })
}

fn compiled(patterns: &[String]) -> StixPatterns {
    let context = Context::default();
    let rules: Vec<Rule> = patterns
        .iter()
        .map(|text| Rule {
            language: RuleLanguage::StixPattern,
            text: text.as_str().into(),
            context: ContextId(0),
            place: Place::file("test"),
        })
        .collect();
    // Mixed sets are refused, and that is as well.
    StixPatterns::compile(rules.iter().map(|rule| (rule, &context))).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_index_loses_nothing(
        patterns in proptest::collection::vec(pattern(), 1..12),
        events in proptest::collection::vec(event(), 1..6),
    ) {
        let patterns = compiled(&patterns);
        let mut scratch = Scratch::default();
        for event in &events {
            let (mut indexed, mut all) = (Vec::new(), Vec::new());
            patterns.match_event(event, &mut scratch, &mut indexed);
            let every = (0_u32..).zip(&patterns.patterns).filter(|(_, compiled)| !compiled.is_idle());
            let every = every.flat_map(|(number, compiled)| (0..compiled.needs.len() as u32).map(move |at| (number, at)));
            patterns.evaluate(every, &scratch.view, &mut Seen::default(), &mut all);
            prop_assert_eq!(indexed, all);
        }
    }

    #[test]
    fn what_was_explained_never_matched(
        patterns in proptest::collection::vec(pattern(), 1..12),
        events in proptest::collection::vec(event(), 0..6),
    ) {
        let patterns = compiled(&patterns);
        let (mut seen, mut orders, mut found) = (Seen::default(), 0.., Vec::new());
        for event in &events {
            let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
            patterns.match_event(event, &mut scratch, &mut hits);
            seen.merge(scratch.seen());
            for (PatternHit { pattern, hit, .. }, order) in hits.into_iter().zip(&mut orders) {
                found.push(Observation { pattern, hit, order });
            }
        }
        let idle = patterns.explain_seen(&seen);
        for matched in patterns.conclude(found, &|| false).0 {
            let name = &patterns.info(matched.pattern).name;
            prop_assert!(idle.iter().all(|idle| idle.name != *name), "{name}");
        }
    }

    #[test]
    fn what_is_idle_never_matches(pattern in pattern(), event in event()) {
        let patterns = compiled(&[pattern]);
        let mut scratch = Scratch::default();
        let mut found = Vec::new();
        patterns.match_event(&event, &mut scratch, &mut found);
        if patterns.patterns.first().is_some_and(super::compile::Compiled::is_idle) {
            let every = 0..patterns.patterns[0].needs.len() as u32;
            patterns.evaluate(every.map(|at| (0, at)), &scratch.view, &mut Seen::default(), &mut found);
            let held: Vec<_> = found.into_iter().flat_map(|hit| hit.hit.expressions).map(|at| at as usize).collect();
            // Some brackets may hold; the pattern as a whole cannot.
            prop_assert!(held.iter().all(|&at| !patterns.patterns[0].needs[at].is_never()));
        }
    }
}

/// An observation of one of three kinds, at a second or at no known time.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let one = (1_u32..8, proptest::option::weighted(0.9, 0_i64..40));
    proptest::collection::vec(one, 0..40).prop_map(|all| {
        let observation = |(order, (kinds, second)): (usize, (u32, Option<i64>))| {
            let moment = second.map(|second| Micros(second * 1_000_000));
            let hit = Hit {
                expressions: (0..3).filter(|kind| kinds & 1 << kind != 0).collect(),
                interval: moment.map(|moment| (moment, moment)),
                number_observed: 1,
            };
            Observation {
                pattern: PatternId(0),
                hit,
                order: order as u64,
            }
        };
        all.into_iter().enumerate().map(observation).collect()
    })
}

const SEQUENCES: &[&str] = &[
    "[a:x = 1] FOLLOWEDBY [a:x = 2] FOLLOWEDBY [a:x = 3]",
    "([a:x = 1] FOLLOWEDBY [a:x = 2] AND [a:x = 3]) WITHIN 4 SECONDS",
    "([a:x = 1] AND [a:x = 2] AND [a:x = 3]) WITHIN 3 SECONDS",
    "[a:x = 1] REPEATS 3 TIMES WITHIN 5 SECONDS OR ([a:x = 2] FOLLOWEDBY [a:x = 3])",
    "([a:x = 1] AND [a:x = 2]) OR [a:x = 3] WITHIN 2 SECONDS",
    "([a:x = 1] OR ([a:x = 2] AND [a:x = 3]) WITHIN 2 SECONDS) REPEATS 2 TIMES",
    "([a:x = 1] AND [a:x = 2]) START t'1970-01-01T00:00:10Z' STOP t'1970-01-01T00:00:30Z' AND [a:x = 3]",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_match_holds_and_none_is_left(at in 0..SEQUENCES.len(), observations in observations()) {
        let patterns = compiled(&[SEQUENCES[at].to_owned()]);
        let pattern = &patterns.patterns[0].pattern;
        let hits = |orders: &[u64]| -> Vec<Hit> {
            orders.iter().map(|&order| observations[order as usize].hit.clone()).collect()
        };
        let (matches, problems) = patterns.conclude(observations.clone(), &|| false);
        prop_assert!(problems.is_empty());
        let mut left: Vec<u64> = (0..observations.len() as u64).collect();
        for found in &matches {
            prop_assert!(pattern.evaluate(&hits(&found.orders)).unwrap().is_some(), "{:?}", found);
            for order in &found.orders {
                let place = left.iter().position(|other| other == order);
                left.remove(place.expect("no observation is used twice"));
            }
        }
        prop_assert!(pattern.evaluate(&hits(&left)).unwrap().is_none(), "left: {:?}", left);
        let mut turned = observations.clone();
        turned.reverse();
        prop_assert_eq!(patterns.conclude(turned, &|| false).0, matches);
    }
}
