//! Hand-made cases.

use serde_json::{Value, json};

use crate::data::{everything, observed, persons, related, to_v21, values};
use crate::patterns::{COMPARISONS, GRAMMAR, OPERATORS, PATHS, REFERENCES};
use crate::reference::{Case, compare};

/// Each pattern in both versions.
fn both(patterns: &[&str], observations: &Value) -> Vec<Case> {
    let v21 = to_v21(observations);
    let case = |version, pattern: &&str, observations: &Value| Case {
        version,
        pattern: (*pattern).to_owned(),
        observations: observations.clone(),
    };
    patterns
        .iter()
        .flat_map(|pattern| [case("2.0", pattern, observations), case("2.1", pattern, &v21)])
        .collect()
}

#[test]
fn every_operator_on_every_sort_of_value() {
    let data = everything();
    let v21 = to_v21(&data);
    let mut cases = Vec::new();
    for (column, (name, _)) in values().iter().enumerate() {
        for (row, comparison) in COMPARISONS.iter().enumerate() {
            let (version, observations) = if (row + column) % 2 == 0 {
                ("2.0", &data)
            } else {
                ("2.1", &v21)
            };
            let pattern = format!("[test:{name} {comparison}]");
            cases.push(Case {
                version,
                pattern,
                observations: observations.clone(),
            });
        }
    }
    compare("every operator on every sort of value", &cases);
}

#[test]
fn paths() {
    compare("paths", &both(PATHS, &everything()));
    compare("references", &both(REFERENCES, &related()));
}

#[test]
fn grammar() {
    compare("grammar", &both(GRAMMAR, &everything()));
}

/// Seconds of `START` and `STOP`.
#[rustfmt::skip]
const SPANS: &[(u32, u32)] = &[
    (0, 1), (0, 0), (1, 0), (5, 6), (4, 5), (5, 15), (20, 21), (21, 30), (20, 30), (40, 41), (0, 59),
];

/// Puts observation expressions for the letters of [`OPERATORS`].
fn spell(text: &str) -> String {
    text.split_inclusive([' ', '(', ')'])
        .map(|word| {
            let plain = word.trim_end_matches([' ', ')', '(']);
            let full = match plain {
                "A" => "[person:name = 'alice']",
                "B" => "[person:name = 'bob']",
                "C" => "[person:name = 'carol']",
                "D" => "[person:name = 'dave']",
                "X" => "[person:name LIKE '%']",
                "N" => "[person:name = 'nobody']",
                _ => plain,
            };
            format!("{full}{}", &word[plain.len()..])
        })
        .collect()
}

#[test]
fn qualifiers_and_operators() {
    let data = persons(&[
        ("alice", 0, 0, 1),
        ("bob", 5, 5, 1),
        ("alice", 10, 20, 2),
        ("carol", 15, 15, 1),
        ("bob", 30, 40, 3),
        ("dave", 40, 40, 1),
    ]);
    let v21 = to_v21(&data);
    let mut patterns: Vec<String> = OPERATORS.iter().map(|text| (*text).to_owned()).collect();
    for inner in [
        "A",
        "B",
        "C REPEATS 1 TIMES",
        "(A AND B)",
        "(A OR B)",
        "X REPEATS 4 TIMES",
    ] {
        for (start, stop) in SPANS {
            let time = |second: &u32| format!("t'2020-01-01T00:00:{second:02}Z'");
            patterns.push(format!("{inner} START {} STOP {}", time(start), time(stop)));
        }
    }
    let cases: Vec<Case> = patterns
        .iter()
        .map(|text| spell(text))
        .flat_map(|pattern| {
            let v20 = pattern
                .replace("START t'", "START '")
                .replace("STOP t'", "STOP '");
            [
                Case {
                    version: "2.0",
                    pattern: v20,
                    observations: data.clone(),
                },
                Case {
                    version: "2.1",
                    pattern,
                    observations: v21.clone(),
                },
            ]
        })
        .collect();
    compare("qualifiers and operators", &cases);
}

#[test]
fn odd_observations() {
    let person = json!({"0": {"type": "person", "name": "alice"}});
    let at = |first: &str, last: &str, number: Value| {
        let mut one = observed(first, last, 1, person.clone());
        one["number_observed"] = number;
        json!([one])
    };
    let patterns = [
        "[person:name = 'alice']",
        "[person:name = 'alice'] REPEATS 5 TIMES",
        "[person:name = 'alice'] WITHIN 1 SECONDS",
        "[person:name = 'alice'] START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:01Z'",
        "[person:name = 'alice'] START t'2020-01-01T00:00:00.5Z' STOP t'2020-01-01T00:00:00.500001Z'",
    ];
    let mut cases = Vec::new();
    for (first, last, number) in [
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", json!(1)),
        ("2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.5000009Z", json!(5)),
        ("2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.50Z", json!(4)),
        ("2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z", json!(1)),
        ("2019-12-31T23:59:59Z", "9999-12-31T23:59:59Z", json!(1_000_000)),
        ("2019-12-31T23:59:59", "2020-01-01T00:00:00Z", json!(1)),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:60Z", json!(1)),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", json!(0)),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", json!(-1)),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", json!("1")),
    ] {
        cases.extend(both(&patterns, &at(first, last, number)));
    }
    cases.extend(
        both(&patterns, &json!([]))
            .into_iter()
            .filter(|case| case.version == "2.0"),
    );
    compare("odd observations", &cases);
}
