//! The search for bindings, against enumeration.

use std::collections::BTreeSet;
use std::time::Instant;

use perisai_pattern::{Hit, Micros, Node, Pattern, Qualifier, parse};
use proptest::prelude::*;

/// All bindings of a node: sets of (observation, turn), by plain enumeration.
fn enumerate(node: &Node, hits: &[Hit]) -> Vec<BTreeSet<(usize, u64)>> {
    match node {
        Node::Expression(number) => {
            let satisfied = hits
                .iter()
                .enumerate()
                .filter(|(_, hit)| hit.expressions.contains(&(*number as u32)));
            satisfied
                .flat_map(|(at, hit)| (0..hit.number_observed).map(move |turn| [(at, turn)].into()))
                .collect()
        }
        Node::Or(links) => links.iter().flat_map(|link| enumerate(link, hits)).collect(),
        Node::And(links) => join(links, hits, |_, _| true),
        Node::FollowedBy(links) => join(links, hits, |left, right| {
            bounds(left, hits).0 <= bounds(right, hits).1
        }),
        Node::Qualified(inner, Qualifier::Repeats(times)) => {
            join(&vec![(**inner).clone(); *times as usize], hits, |_, _| true)
        }
        Node::Qualified(inner, Qualifier::Within(span)) => {
            let mut all = enumerate(inner, hits);
            all.retain(|set| bounds(set, hits).0 <= bounds(set, hits).1 + span);
            all
        }
        Node::Qualified(inner, Qualifier::StartStop(start, stop)) => {
            let mut all = enumerate(inner, hits);
            let inside = |at: usize| {
                hits[at]
                    .interval
                    .is_some_and(|(first, last)| first < *stop && last >= *start)
            };
            all.retain(|set| start < stop && set.iter().all(|&(at, _)| inside(at)));
            all
        }
    }
}

/// The latest first and the earliest last moment.
fn bounds(set: &BTreeSet<(usize, u64)>, hits: &[Hit]) -> (i64, i64) {
    let intervals = || set.iter().map(|&(at, _)| hits[at].interval.expect("timed"));
    (
        intervals().map(|it| it.0.0).max().expect("not empty"),
        intervals().map(|it| it.1.0).min().expect("not empty"),
    )
}

type Binding = BTreeSet<(usize, u64)>;

fn join(links: &[Node], hits: &[Hit], fits: impl Fn(&Binding, &Binding) -> bool) -> Vec<Binding> {
    let mut links = links.iter().map(|link| enumerate(link, hits));
    let mut all = links.next().unwrap_or_default();
    for right in links {
        let mut joined = BTreeSet::new();
        for one in &all {
            for other in right
                .iter()
                .filter(|other| one.is_disjoint(other) && fits(one, other))
            {
                joined.insert(one | other);
            }
        }
        all = joined.into_iter().collect();
    }
    all
}

fn pattern(shape: &Shape) -> String {
    match shape {
        Shape::Leaf(letter) => format!("[a:b = {letter}]"),
        Shape::Chain(word, left, right) => format!("({}) {word} ({})", pattern(left), pattern(right)),
        Shape::Qualified(inner, qualifier) => format!("({}) {qualifier}", pattern(inner)),
    }
}

#[derive(Debug, Clone)]
enum Shape {
    Leaf(u8),
    Chain(&'static str, Box<Shape>, Box<Shape>),
    Qualified(Box<Shape>, String),
}

fn shapes() -> impl Strategy<Value = Shape> {
    (0..3_u8).prop_map(Shape::Leaf).prop_recursive(4, 6, 2, |inner| {
        let qualifier = prop_oneof![
            (1..=3_u8).prop_map(|times| format!("REPEATS {times} TIMES")),
            (1..=8_u8).prop_map(|span| format!("WITHIN {span} SECONDS")),
            (0..9_u8, 1..9_u8).prop_map(|(start, length)| {
                format!(
                    "START t'1970-01-01T00:00:{start:02}Z' STOP t'1970-01-01T00:00:{:02}Z'",
                    start + length
                )
            }),
        ];
        prop_oneof![
            (
                prop::sample::select(vec!["AND", "OR", "FOLLOWEDBY"]),
                inner.clone(),
                inner.clone()
            )
                .prop_map(|(word, left, right)| Shape::Chain(
                    word,
                    Box::new(left),
                    Box::new(right)
                )),
            (inner, qualifier).prop_map(|(inner, qualifier)| Shape::Qualified(Box::new(inner), qualifier)),
        ]
    })
}

/// Observations that each satisfy the expressions whose letter is among theirs.
fn seen() -> impl Strategy<Value = Vec<(Vec<bool>, i64, i64, u64)>> {
    let one = (
        prop::collection::vec(any::<bool>(), 3),
        0..12_i64,
        0..5_i64,
        1..=2_u64,
    );
    prop::collection::vec(one, 0..5)
}

fn hits(pattern: &Pattern, seen: &[(Vec<bool>, i64, i64, u64)]) -> Vec<Hit> {
    let letter = |number: usize| {
        let text = pattern.to_string();
        let piece = text
            .split("a:b = ")
            .nth(number + 1)
            .expect("an expression")
            .as_bytes()[0];
        usize::from(piece - b'0')
    };
    let letters: Vec<usize> = (0..pattern.observation_expressions().len()).map(letter).collect();
    let hit = |(satisfied, first, length, number): &(Vec<bool>, i64, i64, u64)| Hit {
        expressions: (0..letters.len() as u32)
            .filter(|&it| satisfied[letters[it as usize]])
            .collect(),
        interval: Some((Micros(first * 1_000_000), Micros((first + length) * 1_000_000))),
        number_observed: *number,
    };
    seen.iter().map(hit).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn finds_what_enumeration_finds(shape in shapes(), seen in seen()) {
        let pattern = parse(&pattern(&shape)).unwrap();
        prop_assume!(slots(pattern.root()) <= 6);
        let hits = hits(&pattern, &seen);
        let expected = enumerate(pattern.root(), &hits);
        let found = pattern.evaluate(&hits).unwrap();
        prop_assert_eq!(found.is_some(), !expected.is_empty(), "{}", pattern);
        if let Some(found) = found {
            let sets = expected.iter().map(|set| set.iter().map(|&(at, _)| at).collect::<BTreeSet<_>>());
            prop_assert!(sets.into_iter().any(|set| set.into_iter().eq(found.observations.iter().copied())), "{}", pattern);
        }
    }
}

fn slots(node: &Node) -> u64 {
    match node {
        Node::Expression(_) => 1,
        Node::And(links) | Node::FollowedBy(links) => links.iter().map(slots).sum(),
        Node::Or(links) => links.iter().map(slots).max().unwrap_or(0),
        Node::Qualified(inner, Qualifier::Repeats(times)) => slots(inner) * times,
        Node::Qualified(inner, _) => slots(inner),
    }
}

fn at(expressions: &[u32], second: i64) -> Hit {
    let time = Micros(second * 1_000_000);
    Hit {
        expressions: expressions.to_vec(),
        interval: Some((time, time)),
        number_observed: 1,
    }
}

#[test]
fn large_searches_end() {
    let check = |text: &str, hits: Vec<Hit>, expected: Option<bool>| {
        let pattern = parse(text).unwrap();
        let start = Instant::now();
        let found = pattern.evaluate(&hits);
        assert_eq!(found.as_ref().map(Option::is_some).ok(), expected, "{text}");
        assert!(
            start.elapsed().as_secs() < 30,
            "{text} took {:?}",
            start.elapsed()
        );
    };
    let apart = |count: i64, step: i64| {
        (0..count)
            .map(|second| at(&[0], second * step))
            .collect::<Vec<_>>()
    };
    check(
        "[a:b = 1] REPEATS 5 TIMES WITHIN 60 SECONDS",
        apart(100_000, 20),
        Some(false),
    );
    check(
        "[a:b = 1] REPEATS 4 TIMES WITHIN 60 SECONDS",
        apart(100_000, 20),
        Some(true),
    );
    check("[a:b = 1] REPEATS 100000 TIMES", apart(100_000, 1), Some(true));
    check("[a:b = 1] REPEATS 100001 TIMES", apart(100_000, 1), Some(false));
    let pairs = |backwards: bool| {
        (0..100_000_i64)
            .map(|it| {
                at(
                    &[u32::from((it % 2 == 0) == backwards)],
                    it / 2 * 100 + it % 2 * 10,
                )
            })
            .collect::<Vec<_>>()
    };
    check(
        "([a:b = 1] FOLLOWEDBY [a:b = 2]) WITHIN 60 SECONDS",
        pairs(false),
        Some(true),
    );
    check(
        "([a:b = 1] FOLLOWEDBY [a:b = 2]) WITHIN 60 SECONDS",
        pairs(true),
        Some(false),
    );
    let three = |it: i64| at(&[(it / 33_333).min(2) as u32], it);
    check(
        "[a:b = 3] FOLLOWEDBY [a:b = 2] FOLLOWEDBY [a:b = 1]",
        (0..100_000).map(three).collect(),
        Some(true),
    );
    let reversed = |it: i64| at(&[2 - (it / 33_333).min(2) as u32], it);
    check(
        "[a:b = 3] FOLLOWEDBY [a:b = 2] FOLLOWEDBY [a:b = 1]",
        (0..100_000).map(reversed).collect(),
        Some(false),
    );
    let both = vec!["[a:b = 1]"; 40].join(" AND ");
    let hits: Vec<Hit> = (0..39).map(|it| at(&(0..40).collect::<Vec<_>>(), it)).collect();
    check(&both, hits.clone(), Some(false));
    check(
        &both,
        hits.into_iter().chain([at(&[7], 99)]).collect(),
        Some(true),
    );
    let sides = vec!["([a:b = 1] REPEATS 2 TIMES OR [a:b = 2] REPEATS 2 TIMES)"; 40].join(" AND ");
    let hits: Vec<Hit> = (0..79).map(|it| at(&(0..80).collect::<Vec<_>>(), it)).collect();
    check(&sides, hits, Some(false));
    let windows = "(([a:b = 1] AND [a:b = 2]) WITHIN 5 SECONDS) REPEATS 30 TIMES";
    let hits: Vec<Hit> = (0..1000)
        .map(|it| at(if it < 29 { &[0, 1] } else { &[0] }, it))
        .collect();
    check(windows, hits, None);
}

#[test]
fn untimed_observations_satisfy_no_order() {
    let check = |text: &str, expected: bool| {
        let hit = |expression: u32| Hit {
            interval: None,
            ..at(&[expression], 0)
        };
        let found = parse(text).unwrap().evaluate(&[hit(0), hit(1)]).unwrap();
        assert_eq!(found.is_some(), expected, "{text}");
    };
    check("[a:b = 1] AND [a:b = 2]", true);
    check("[a:b = 1] OR [a:b = 2]", true);
    check("[a:b = 1] FOLLOWEDBY [a:b = 2]", false);
    check("([a:b = 1] AND [a:b = 2]) WITHIN 5 SECONDS", false);
    check("[a:b = 1] WITHIN 5 SECONDS OR [a:b = 2] REPEATS 2 TIMES", false);
    check(
        "[a:b = 1] START t'1960-01-01T00:00:00Z' STOP t'2030-01-01T00:00:00Z'",
        false,
    );
}
