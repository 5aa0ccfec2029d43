//! The pre-filter and our evaluation against rsigma's plain one, rule by rule: on real rules and records, and on
//! random ones.

#[path = "../../../tests/it/flatten.rs"]
mod flatten;

use std::collections::BTreeSet;

use perisai_model::{Event, Value};
use proptest::prelude::*;
use rsigma_eval::{CompiledRule, compile_rule, evaluate_rule};
use rsigma_parser::parse_sigma_yaml;

use super::super::logsource::{self, Target};
use super::super::prepare::prepare;
use super::super::scratch::RsigmaEvent;
use super::{compile, event};
use crate::sigma::{Scratch, SigmaRules};

/// Every rule on its own, by rsigma alone.
struct Oracle {
    rules: Vec<(CompiledRule, Vec<Target>)>,
}

impl Oracle {
    fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let rules = texts
            .flat_map(|text| parse_sigma_yaml(text).unwrap().rules)
            .map(|mut rule| {
                rule.detection.named.values_mut().for_each(prepare);
                (compile_rule(&rule).unwrap(), logsource::targets(&rule.logsource))
            })
            .collect();
        Self { rules }
    }

    /// The titles of the rules that match, with no group, no event id of the rule's own, and no literal between.
    fn hits(&self, rules: &SigmaRules, event: &Event, scratch: &mut Scratch) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        scratch.view.fill(&rules.fields, event);
        let id = rules
            .classifier
            .classify(event, &mut scratch.view, &mut scratch.key, &mut |key| {
                keys.insert(key.to_owned());
            });
        scratch.view.fill_strings(event);
        let applies = |target: &Target| {
            keys.contains(&target.key)
                && (target.ids.is_empty() || id.is_none_or(|id| target.ids.contains(&id)))
        };
        let event = RsigmaEvent {
            fields: &rules.fields,
            view: &scratch.view,
        };
        self.rules
            .iter()
            .filter(|(_, targets)| targets.iter().any(applies))
            .filter(|(rule, _)| evaluate_rule(rule, &event).is_some())
            .map(|(rule, _)| rule.title.clone())
            .collect()
    }
}

fn ours(rules: &SigmaRules, event: &Event, scratch: &mut Scratch) -> BTreeSet<String> {
    let mut out = Vec::new();
    rules.match_event(event, scratch, &mut out);
    out.iter().map(|hit| rules.info(hit.rule).name.clone()).collect()
}

#[test]
fn real_rules_and_records() {
    let (Some(rules), Some(logs)) = (flatten::shared("sigma"), flatten::shared("evtx")) else {
        eprintln!("skipped: ../shared/data is not here");
        return;
    };
    let texts: Vec<String> = flatten::files(&rules, "yml")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (rules, problems) = compile(&texts);
    assert_eq!(problems, Vec::<String>::new());
    let oracle = Oracle::new(texts.into_iter());
    let mut scratch = Scratch::default();
    for path in flatten::files(&logs, "evtx") {
        for (at, event) in flatten::events(&path).iter().enumerate() {
            let expected = oracle.hits(&rules, event, &mut scratch);
            assert_eq!(
                ours(&rules, event, &mut scratch),
                expected,
                "{}#{at}",
                path.display()
            );
        }
    }
}

/// Words that overlap, differ in case, and fold in odd ways.
const WORDS: &[&str] = &[
    "a",
    "ab",
    "AB",
    "abc",
    "xabcx",
    "bcd",
    "Kelvin",
    "\u{212a}elvin",
    "miss",
    "mi\u{17f}s",
    "ΣΑΣ",
    "σας",
    "é",
    "É",
    "",
    "-x",
    "/x",
    "4624",
    "10.0.0.1",
    "cmd.exe",
    r"\cmd.exe",
    r"C:\cmd.exe",
    "true",
    "İx",
    "one two",
];
const KEYS: &[&str] = &[
    "f",
    "g",
    "f|contains",
    "f|startswith",
    "f|endswith",
    "g|contains",
    "f|contains|cased",
    "f|windash|contains",
    "f|base64offset|contains",
    "f|wide|base64offset|contains",
    "f|neq",
    "g|endswith",
    "h|contains",
];
const REGEXES: &[&str] = &[
    "ab+c",
    "^(cmd|abc)",
    "x?abc",
    "mis+",
    "[ab]bc",
    "(?i)k",
    ".*",
    "a|",
    r"\\cmd\.exe$",
];
const CONDITIONS: &[&str] = &[
    "s1",
    "s1 and s2",
    "s1 or s2",
    "s1 and not s2",
    "not s1",
    "1 of s*",
    "all of s*",
    "2 of them",
    "s1 or (s2 and not s3)",
    "1 of them and not s3",
];

fn word() -> impl Strategy<Value = String> {
    (
        prop::sample::select(WORDS),
        prop::sample::select(&["", "", "", "*", "?"][..]),
        prop::sample::select(WORDS),
    )
        .prop_map(|(one, wild, other)| {
            if wild.is_empty() {
                one.to_owned()
            } else {
                format!("{one}{wild}{other}")
            }
        })
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "''"))
}

fn item() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (prop::sample::select(KEYS), prop::collection::vec(word(), 1..4)).prop_map(|(key, words)| {
            let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            format!("{key}: [{}]", words.join(", "))
        }),
        1 => (prop::sample::select(REGEXES), any::<bool>()).prop_map(|(regex, fold)| {
            format!("f|re{}: {}", if fold { "|i" } else { "" }, quoted(regex))
        }),
        1 => prop::sample::select(&["f: null", "g|exists: true", "g|exists: false", "f|cidr: 10.0.0.0/8",
            "EventID: [1, 2]", "EventID: 3", "f|fieldref: g", "f|contains|all: [a, bc]", "f|gt: 5", "f: true",
            "f|re: [a, 'b.', xyz, 'c+']", "EventID|contains: 1",
            "f|contains: [ab1, ab2, ab3, ab4, ab5, ab6, ab7, bc]"][..]).prop_map(str::to_owned),
    ]
}

fn detection() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => prop::collection::vec(item(), 1..3).prop_map(|mut items| {
            // The same key twice is no YAML.
            items.sort_by_key(|item| item.split(':').next().unwrap_or_default().to_owned());
            items.dedup_by_key(|item| item.split(':').next().unwrap_or_default().to_owned());
            items.iter().map(|item| format!("    {item}\n")).collect::<String>()
        }),
        1 => prop::collection::vec(item(), 1..3)
            .prop_map(|items| items.iter().map(|item| format!("    - {item}\n")).collect::<String>()),
        1 => prop::collection::vec(word(), 1..3)
            .prop_map(|words| words.iter().map(|word| format!("    - {}\n", quoted(word))).collect::<String>()),
    ]
}

fn random_rule() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(detection(), 3),
        prop::sample::select(CONDITIONS),
    )
        .prop_map(|(detections, condition)| {
            let detections: String = detections
                .iter()
                .enumerate()
                .map(|(at, text)| format!("  s{}:\n{text}", at + 1))
                .collect();
            format!("logsource: {{product: windows}}\ndetection:\n{detections}  condition: {condition}\n")
        })
}

fn random_fields() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let value = prop_oneof![
        3 => (prop::sample::select(WORDS), prop::sample::select(WORDS)).prop_map(|(one, other)| format!("{one}{other}")),
        3 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => Just("Zm9vYWJj".to_owned()),
    ];
    let pair = (prop::sample::select(&["f", "g", "h", "F", "EventID"][..]), value);
    prop::collection::vec(pair, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn random_rules_and_events(
        texts in prop::collection::vec(random_rule(), 1..6),
        events in prop::collection::vec((1..4_i64, random_fields()), 1..6),
    ) {
        let texts: Vec<String> =
            texts.iter().enumerate().map(|(at, text)| format!("title: rule {at}\nid: id-{at}\n{text}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (rules, problems) = compile(&texts);
        prop_assert!(problems.is_empty(), "{problems:?}\n{texts:?}");
        let oracle = Oracle::new(texts.iter().copied());
        let mut scratch = Scratch::default();
        for (id, pairs) in events {
            let mut values = vec![("Channel", Value::Str("x")), ("EventID", Value::Int(id))];
            values.extend(pairs.iter().map(|(name, text)| (*name, Value::Str(text))));
            let event = event("evtx", &values);
            let expected = oracle.hits(&rules, &event, &mut scratch);
            prop_assert_eq!(ours(&rules, &event, &mut scratch), expected, "{:?}\n{:?}", values, texts);
        }
    }
}
