//! Findings made of text that wants to break out of where it is written.

use std::sync::Arc;

use perisai_model::{
    Event, Finding, Flag, Kind, Observed, Place, Problem, Report, RuleInfo, RuleKind, RuleText, Severity,
    Source, Tlp, Validity,
};
use perisai_respond::{Format, Options};
use proptest::prelude::*;

use crate::sample::{findings, report, written};

/// A finding with the same text in every place where a stranger's text may stand.
pub(crate) fn full_of(text: &str, kind: RuleKind, observable: Option<Kind>) -> Finding {
    let mut event = Event::default();
    event.push_str(text, text);
    Finding {
        time: Some("2022-02-24T03:00:00Z".parse().unwrap()),
        time_text: Some(text.to_owned()),
        rule: Arc::new(RuleInfo {
            kind,
            name: text.to_owned(),
            severity: Severity::Critical,
            tags: vec![
                text.to_owned(),
                format!("attack.{text}"),
                "attack.t9999".to_owned(),
            ],
            author: Some(text.to_owned()),
            reference: Some(format!("https://{text}")),
            sources: vec![Source {
                source: text.into(),
                id: Some(text.to_owned()),
                tlp: Some(Tlp::Green),
            }],
            text: (kind == RuleKind::Yara).then(|| RuleText::whole(&text.into())),
            key: text.to_owned(),
            valid: Validity::default(),
        }),
        observable: observable.map(|kind| Observed {
            kind,
            value: text.to_owned(),
        }),
        matched: text.to_owned(),
        place: Place::file(text).member(text).line(1),
        flags: vec![Flag::Known(text.to_owned())],
        host: Some(text.to_owned()),
        client: Some(text.to_owned()),
        line: Some(format!("{text}{text}{text}")),
        event: Some(event.into()),
    }
}

fn about(text: &str) -> Report {
    Report {
        files: 1,
        suppressed: [(text.to_owned(), 1)].into(),
        problems: vec![Problem::new(Place::file(text), text)],
        ..Report::default()
    }
}

fn write(format: Format, text: &str, kind: RuleKind, observable: Option<Kind>) -> String {
    let options = Options {
        identity: Some(text.to_owned()),
        ..Options::default()
    };
    written(format, &options, &[full_of(text, kind, observable)], &about(text))
}

/// The page with all text that has no markup in it: what is left is the template's own.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .map(|rest| rest.split(['>', ' ', '\n']).next().unwrap())
        .collect()
}

/// Pieces that mean something to one of the formats.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("</script>".to_owned()),
        Just("<img src=x onerror=alert(1)>".to_owned()),
        Just("<!--".to_owned()),
        Just("]]>".to_owned()),
        Just("\" onmouseover=\"alert(1)".to_owned()),
        Just("javascript:alert(1)".to_owned()),
        Just("{{ 7 * 7 }}{% raw %}".to_owned()),
        Just("\x1b[2J\x1b]0;x\x07\u{9b}31m".to_owned()),
        Just("\u{202e}\u{2066}\u{200b}\u{2028}".to_owned()),
        Just("\r\n\t\0".to_owned()),
        Just("=1+1".to_owned()),
        Just("\\'\" OR [a:b = 'c']".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

fn kinds() -> impl Strategy<Value = (RuleKind, Option<Kind>)> {
    prop_oneof![
        prop::sample::select(Kind::ALL).prop_map(|kind| (RuleKind::Indicator, Some(kind))),
        Just((RuleKind::StixPattern, None)),
        Just((RuleKind::Sigma, None)),
        Just((RuleKind::Yara, None)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn html_keeps_its_markup(text in nasty(), (kind, observable) in kinds()) {
        let page = write(Format::Html, &text, kind, observable);
        // The same page for a harmless text has the same elements, but for the link that only an address gets.
        let harmless = write(Format::Html, "harmless", kind, observable);
        let own = |page| tags(page).into_iter().filter(|tag| !matches!(*tag, "a" | "/a" | "code" | "/code")).count();
        prop_assert_eq!(own(&page), own(&harmless));
        prop_assert!(!page.contains("<img"));
        let data = page.split("id=\"rows\">").nth(1).unwrap().split("</script>").next().unwrap();
        let rows: Vec<Vec<String>> = serde_json::from_str(data).unwrap();
        prop_assert_eq!(rows.len(), 1);
    }

    #[test]
    fn text_steers_no_terminal(text in nasty(), (kind, observable) in kinds(), color: bool) {
        let options = Options { color, ..Options::default() };
        let out = written(Format::Text, &options, &[full_of(&text, kind, observable)], &about(&text));
        // All escape sequences are the few colours of our own.
        let mut rest = out.as_str();
        while let Some(at) = rest.find('\x1b') {
            prop_assert!(color);
            let end = rest[at..].find('m').unwrap();
            prop_assert!(rest[at + 2..at + end].bytes().all(|byte| byte.is_ascii_digit() || byte == b';'));
            rest = &rest[at + end..];
        }
        let steers = |c: char| (c.is_control() && !matches!(c, '\n' | '\x1b'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        prop_assert!(!out.contains(steers));
    }

    #[test]
    fn machine_formats_stay_whole(text in nasty(), (kind, observable) in kinds()) {
        let line = write(Format::Jsonl, &text, kind, observable);
        prop_assert_eq!(line.lines().count(), 1);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(read["matched"].as_str(), Some(text.as_str()));

        let rows = write(Format::Csv, &text, kind, observable);
        let mut reader = csv::ReaderBuilder::new().from_reader(rows.as_bytes());
        prop_assert_eq!(reader.records().map(|row| row.unwrap().len()).collect::<Vec<_>>(), vec![22]);

        for format in [Format::Stix, Format::Navigator] {
            let out = write(format, &text, kind, observable);
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
        }
    }
}

/// Nothing of the own house leaves in a bundle (design.md, invariant 8).
#[test]
fn a_bundle_names_no_asset() {
    let bundle = written(Format::Stix, &Options::default(), &findings(), &report());
    for name in [
        "interior.example",
        "kovalenko",
        "logs/",
        "intel/",
        "rules/",
        "192.0.2.",
        "vssadmin",
        "fw1",
    ] {
        assert!(!bundle.contains(name), "{name}");
    }
}

#[test]
fn a_bundle_calls_nothing_harmless_malicious() {
    let mut finding = full_of("google.example", RuleKind::Indicator, Some(Kind::Domain));
    finding.flags = vec![Flag::FalsePositive("Well-known".to_owned())];
    let bundle = written(Format::Stix, &Options::default(), &[finding], &report());
    assert!(!bundle.contains("google"), "{bundle}");
}

#[test]
fn a_bundle_is_as_strict_as_its_strictest_source() {
    let bundle = written(Format::Stix, &Options::default(), &findings(), &report());
    let bundle: serde_json::Value = serde_json::from_str(&bundle).unwrap();
    let objects = bundle["objects"].as_array().unwrap();
    let marking = |wanted: &dyn Fn(&serde_json::Value) -> bool| {
        let object = objects
            .iter()
            .find(|object| wanted(object))
            .expect("the object stands in the bundle");
        object["object_marking_refs"][0].as_str().map(str::to_owned)
    };
    let check = |wanted: &dyn Fn(&serde_json::Value) -> bool, tlp: Option<Tlp>| {
        assert_eq!(marking(wanted).as_deref(), tlp.map(Tlp::stix_id));
    };
    check(
        &|object| object["pattern"] == "[ipv4-addr:value ISSUBSET '203.0.113.0/24']",
        Some(Tlp::AmberStrict),
    );
    check(&|object| object["type"] == "file", Some(Tlp::Amber));
    check(&|object| object["type"] == "domain-name", None);
    check(
        &|object| object["name"] == "wiper_driver_resource",
        Some(Tlp::Red),
    );
}
