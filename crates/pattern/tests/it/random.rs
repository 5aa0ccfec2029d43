//! Seeded random cases: patterns of every shape on random observations, and patterns with random damage.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::data::{everything, observed, persons, to_v21};
use crate::reference::{Case, compare};
use perisai_pattern::parse;

/// A small generator (splitmix64), so that the cases are the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// Objects of two types with few properties and few values, so that random comparisons hit now and then.
fn random_objects(random: &mut Random) -> Value {
    let mut objects = json!({});
    for number in 0..=random.below(4) {
        let mut object = json!({"type": random.pick(&["p", "p", "q-r"])});
        for name in ["a", "b", "c_hex", "l", "next_ref", "all_refs"] {
            if random.below(3) == 0 {
                continue;
            }
            let small = random.below(4);
            object[name] = match name {
                "c_hex" => json!(random.pick(&["61", "6162", ""])),
                "l" => json!([small, "a", ["b", small], {"a": "b"}, null]),
                "next_ref" => json!(small.to_string()),
                "all_refs" => json!([small.to_string(), "9", "0"]),
                _ => random_value(random),
            };
        }
        objects[number.to_string()] = object;
    }
    objects
}

fn random_value(random: &mut Random) -> Value {
    let small = random.below(4);
    match random.below(9) {
        0 | 1 => json!(small),
        2 => json!(small as f64 / 2.0),
        3 => json!(small < 2),
        4 | 5 => json!(random.pick(&["a", "b", "ab", "A", "", "\u{e9}", "e\u{301}", "a\n"])),
        6 => json!(random.pick(&["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z"])),
        7 => json!(random.pick(&["10.0.0.1", "10.1.0.0/16", "10.0.0.0/8"])),
        _ => random_last(random),
    }
}

fn random_last(random: &mut Random) -> Value {
    [json!(null), json!([1]), json!({"a": 1})][random.below(3) as usize].clone()
}

fn random_literal(random: &mut Random, any: bool) -> String {
    match random.below(if any { 8 } else { 7 }) {
        0 | 1 => random.below(4).to_string(),
        2 => format!("{}.{}", random.below(3), random.pick(&["0", "5"])),
        3 | 4 => random
            .pick(&["'a'", "'b'", "'ab'", "''", "'\u{e9}'", "'10.0.0.1'", "'A'"])
            .to_owned(),
        5 => random.pick(&["h'61'", "b'YWI='", "h''"]).to_owned(),
        6 => random
            .pick(&["t'2020-01-01T00:00:00Z'", "t'2020-01-01T00:00:00.50Z'"])
            .to_owned(),
        _ => random.pick(&["true", "false"]).to_owned(),
    }
}

fn random_test(random: &mut Random) -> String {
    let path = random.pick(&[
        "p:a",
        "p:a",
        "p:b",
        "q-r:a",
        "p:c_hex",
        "p:l[0]",
        "p:l[*]",
        "p:l[*][*]",
        "p:l[3].a",
        "p:next_ref.a",
        "q-r:next_ref.b",
        "p:all_refs[*].a",
        "p:all_refs[1].b",
        "p:next_ref.next_ref.a",
        "p:'b'",
        "p:type",
    ]);
    let not = random.pick(&["", "", "", "NOT "]);
    let comparison = match random.below(8) {
        0..=2 => format!("{} {}", random.pick(&["=", "!="]), random_literal(random, true)),
        3 => format!(
            "{} {}",
            random.pick(&["<", "<=", ">", ">="]),
            random_literal(random, false)
        ),
        4 => {
            let set = [
                "()",
                "('a', 'b')",
                "(0, 1.5, 2)",
                "(true)",
                "(h'61', h'')",
                "(t'2020-01-01T00:00:00Z')",
            ];
            format!("IN {}", random.pick(&set))
        }
        5 => format!(
            "LIKE {}",
            random.pick(&["'a%'", "'_'", "'%b'", "'%'", "'\u{e9}'"])
        ),
        6 => format!(
            "MATCHES {}",
            random.pick(&["'a'", "'^b?$'", "'(?i)^a'", "'.'", "'\\\\d'", "'^\u{e9}'"])
        ),
        _ => format!(
            "{} {}",
            random.pick(&["ISSUBSET", "ISSUPERSET"]),
            random.pick(&["'10.0.0.0/8'", "'10.1.2.0/24'", "'10.1.2.3'"])
        ),
    };
    format!("{path} {not}{comparison}")
}

fn random_comparison(random: &mut Random, depth: u64) -> String {
    match random.below(if depth == 0 { 2 } else { 5 }) {
        0 | 1 => random_test(random),
        2 => format!("({})", random_comparison(random, depth - 1)),
        3 => format!(
            "{} OR {}",
            random_comparison(random, depth - 1),
            random_comparison(random, depth - 1)
        ),
        _ => format!(
            "{} AND {}",
            random_comparison(random, depth - 1),
            random_comparison(random, depth - 1)
        ),
    }
}

fn random_observations(random: &mut Random, depth: u64) -> String {
    let left = |random: &mut Random| random_observations(random, depth - 1);
    match random.below(if depth == 0 { 2 } else { 8 }) {
        0 | 1 => format!(
            "[person:name {}]",
            random.pick(&["= 'a'", "= 'b'", "= 'c'", "!= 'a'", "IN ('a', 'b')", "= 'd'"])
        ),
        2 => format!("({}) REPEATS {} TIMES", left(random), 1 + random.below(3)),
        3 => format!(
            "({}) WITHIN {} SECONDS",
            left(random),
            random.pick(&["1", "2", "0.5", "4", "8", "20", "0.0000001"])
        ),
        4 => {
            let (start, stop) = (random.below(30), random.below(40));
            format!(
                "({}) START t'2020-01-01T00:00:{start:02}Z' STOP t'2020-01-01T00:00:{stop:02}Z'",
                left(random)
            )
        }
        operator => {
            let word = ["AND", "OR", "FOLLOWEDBY"][operator as usize - 5];
            format!("({}) {word} ({})", left(random), left(random))
        }
    }
}

fn case(version: u64, pattern: String, data: &Value) -> Case {
    if version.is_multiple_of(2) {
        Case {
            version: "2.0",
            pattern,
            observations: data.clone(),
        }
    } else {
        Case {
            version: "2.1",
            pattern,
            observations: to_v21(data),
        }
    }
}

#[test]
fn comparisons() {
    let mut random = Random(1);
    let cases: Vec<Case> = (0..2000)
        .map(|number| {
            let data: Value = (0..=random.below(2))
                .map(|_| {
                    observed(
                        "2020-01-01T00:00:00Z",
                        "2020-01-01T00:00:09Z",
                        1,
                        random_objects(&mut random),
                    )
                })
                .collect();
            case(number, format!("[{}]", random_comparison(&mut random, 3)), &data)
        })
        .collect();
    compare("random comparisons", &cases);
}

fn random_persons(random: &mut Random) -> Value {
    let seen: Vec<_> = (0..=random.below(6))
        .map(|_| {
            let first = random.below(30) as u32;
            let last = first
                + if random.below(2) == 0 {
                    0
                } else {
                    random.below(10) as u32
                };
            (
                random.pick(&["a", "b", "c"]),
                first,
                last,
                1 + random.below(3) / 2,
            )
        })
        .collect();
    persons(&seen)
}

#[test]
fn observation_operators() {
    let mut random = Random(2);
    let cases: Vec<Case> = (0..2500)
        .map(|number| {
            let data = random_persons(&mut random);
            let pattern = random_observations(&mut random, 3);
            let version = if pattern.contains("START") { 1 } else { number };
            case(version, pattern, &data)
        })
        .collect();
    compare("random observation operators", &cases);
}

fn random_regex(random: &mut Random, depth: u64) -> String {
    let part = |random: &mut Random| random_regex(random, depth - 1);
    match random.below(if depth == 0 { 8 } else { 18 }) {
        0..=3 => random
            .pick(&["a", "b", "ab", "1", "_", " ", "\u{e9}", "\u{103}", "e\u{301}"])
            .to_owned(),
        4 => random
            .pick(&[
                ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\n", "\\.", "\\x61", "\\141",
            ])
            .to_owned(),
        5 => random
            .pick(&[
                "[ab]",
                "[^a]",
                "[\\w-]",
                "[]a]",
                "[^\\d\\s]",
                "[a-c1-3]",
                "[\\W]",
                "[[a]",
                "[a&&b]",
            ])
            .to_owned(),
        6 => random
            .pick(&[
                "^", "\\A", "", "(?#no)", "{", "}", "a{,2}", "b{1}", "a{2,}", "{a}", "a{1",
            ])
            .to_owned(),
        7 => random.pick(&["$", "\\Z", "\\b", "\\B", "(?:)", "|"]).to_owned(),
        16 => format!("(?{}{})", random.pick(&["=", "!", "<=", "<!", ">"]), part(random)),
        17 => format!("({}){}", part(random), random.pick(&["\\1", "++", "*+", "$\\n"])),
        8 => format!("({})", part(random)),
        9 => format!("(?:{}|{})", part(random), part(random)),
        10 => format!(
            "(?:{}){}",
            part(random),
            random.pick(&["*", "+", "?", "*?", "{2}", "{0,1}", "+?", "{1,2}?"])
        ),
        11 => format!(
            "(?{}:{})",
            random.pick(&["i", "s", "m", "a", "im", "-i", "x"]),
            part(random)
        ),
        12 => format!(
            "{}{}",
            random.pick(&["", "(?i)", "(?s)", "(?m)", "(?x)"]),
            part(random)
        ),
        _ => format!("{}{}", part(random), part(random)),
    }
}

#[test]
fn texts_under_like_and_matches() {
    let mut random = Random(4);
    let letters = [
        "a", "b", "A", "1", "_", " ", "\n", "\u{e9}", "e\u{301}", "\u{bd}", "\u{1c}", "\u{103}", "%", ".",
    ];
    let cases: Vec<Case> = (0..2500)
        .map(|number| {
            let mut text = || {
                (0..random.below(5))
                    .map(|_| random.pick(&letters))
                    .collect::<String>()
            };
            let data = json!({"0": {"type": "p", "a": text(), "b": [text(), text()]}});
            let data = json!([observed("2020-01-01T00:00:00Z", "2020-01-01T00:00:09Z", 1, data)]);
            let (word, operand) = if number % 4 == 0 {
                let like = (0..random.below(5))
                    .map(|_| random.pick(&letters))
                    .collect::<String>();
                ("LIKE", like + random.pick(&["", "%", "_"]))
            } else {
                ("MATCHES", random_regex(&mut random, 3).replace('\\', "\\\\"))
            };
            let path = random.pick(&["p:a", "p:b[*]"]);
            case(
                number,
                format!("[{path} {}{word} '{operand}']", random.pick(&["", "NOT "])),
                &data,
            )
        })
        .collect();
    compare("random texts under LIKE and MATCHES", &cases);
}

#[test]
fn damaged_patterns() {
    let mut random = Random(3);
    let mut data = everything();
    data.as_array_mut().expect("a list").extend(
        persons(&[("a", 1, 1, 1), ("b", 2, 9, 3)])
            .as_array()
            .cloned()
            .unwrap_or_default(),
    );
    let letters: Vec<char> = "'\\[]()=<>!.:,*-+/ 05aATtbhZ_\n\u{e9}".chars().collect();
    let cases: Vec<Case> = (0..1500)
        .map(|number| {
            let whole = match random.below(3) {
                0 => random_observations(&mut random, 1),
                1 => format!("[{}]", random_comparison(&mut random, 1)),
                _ => format!(
                    "[test:{} = {}]",
                    random.pick(&["five", "text", "map.'k'", "list[0]"]),
                    random_literal(&mut random, true)
                ),
            };
            let mut pattern: Vec<char> = whole.chars().collect();
            for _ in 0..=random.below(2) {
                let at = random.below(pattern.len() as u64) as usize;
                let letter = letters[random.below(letters.len() as u64) as usize];
                match random.below(3) {
                    0 => pattern[at] = letter,
                    1 => pattern.insert(at, letter),
                    _ => _ = pattern.remove(at),
                }
            }
            case(number, pattern.into_iter().collect(), &data)
        })
        .collect();
    compare("damaged patterns", &cases);
}

proptest! {
    #[test]
    fn parsing_never_panics(text in r"(\[|\]|\(|\)|[a-c:.'=<>0-9 *-]|AND|OR|NOT|IN|LIKE|MATCHES|t'2020-01-01T00:00:00Z'|h'61'| ){0,40}|\PC{0,40}") {
        let _ = parse(&text);
    }

    #[test]
    fn printed_patterns_parse_back(seed: u64) {
        let mut random = Random(seed);
        let text = if seed.is_multiple_of(2) {
            random_observations(&mut random, 4)
        } else {
            format!("[{}]", random_comparison(&mut random, 4))
        };
        let pattern = parse(&text).unwrap();
        let printed = pattern.to_string();
        prop_assert_eq!(&parse(&printed).unwrap(), &pattern, "{} became {}", text, printed);
    }
}

#[test]
fn odd_patterns_print_and_parse_back() {
    for text in [
        r"['x' = 1]",
        r"[a:'x y'.'it\'s'.'\\'[*][-1] = 'a\'\\']",
        "[a:'IN'.b = 1.0 AND a:c > -0.5 AND (a:d = -5 OR a:e IN (true, false)) AND a:f IN ()]",
        "[a:b = h''] WITHIN 0.5 SECONDS OR [a:b = b'YQ=='] WITHIN 0.0000001 SECONDS REPEATS 3 TIMES",
        "([a:b = 1] AND [a:b = 2] OR [a:b = 3]) WITHIN 5 SECONDS FOLLOWEDBY ([a:b = 1] FOLLOWEDBY [a:b = 2])",
        "[NOT EXISTS a:b OR EXISTS a:c] START '2020-01-01T00:00:00Z' STOP t'9999-12-31T23:59:59.999999Z'",
        "[a:b = 170141183460469231731687303715884105728123]",
    ] {
        if let Ok(pattern) = parse(text) {
            assert_eq!(
                parse(&pattern.to_string()).as_ref(),
                Ok(&pattern),
                "{text} became {pattern}"
            );
        } else {
            assert!(text.starts_with("['"), "{text} does not parse");
        }
    }
}

#[test]
fn hostile_patterns_are_refused() {
    let check = |text: String, expected: &str| {
        let error = parse(&text).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("(".repeat(10_000), "nested deeper");
    check(format!("[{}", "(".repeat(10_000)), "nested deeper");
    check(
        format!("[a:b = 1]{}", " WITHIN 1 SECONDS".repeat(10_000)),
        "nested deeper",
    );
    check(format!("[a:b MATCHES '{}']", "(\\\\w{1000}){1000}"), "too large");
    check(
        format!("[a:b MATCHES '{}']", "(".repeat(10_000) + &")".repeat(10_000)),
        "does not compile",
    );
    check(format!("[a:b = '{}']", "x".repeat(5 << 20)), "longer than");
    check("[a:b = 1] \u{e9}".into(), "column 11");
    let many = vec!["a:b MATCHES '\\\\w{20}'"; 5000].join(" OR ");
    check(format!("[{many}]"), "too large together");
    let wide = vec!["[a:b = 1]"; 20_000].join(" AND ");
    assert!(parse(&wide).is_ok());
}
