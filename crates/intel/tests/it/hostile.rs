//! Hostile bytes: nothing panics, nothing overflows the stack, and good entries beside bad ones are kept.

use perisai_intel::{Format, Options};
use proptest::prelude::*;

use crate::load;

/// The start of a document in every format, to be followed by noise.
const STARTS: &[&str] = &[
    "",
    "evil.example\n",
    "ioc,type\n",
    "# \"id\",\"url\",\"tags\"\n",
    "sep=;\ntype;value\n",
    "#fields\tindicator\tindicator_type\n",
    "start,end,prefix\n192.0.2.0,192.0.2.255,",
    "IP: 192.0.2.1\n- evil.example (x)\n",
    "d41d8cd98f00b204e9800998ecf8427e  a.exe\n",
    "a,evil.example,\"",
    r#"{"type": "bundle", "objects": ["#,
    r#"{"type": "bundle", "objects": [{"type": "indicator", "id": "indicator--1", "pattern": ""#,
    r#"[{"type": "indicator", "id": "indicator--1", "#,
    r#"{"Event": {"info": "x", "Attribute": [{"type": "domain|ip", "to_ids": true, "value": ""#,
    r#"{"response": [{"Event": {"Tag": ["#,
    r#"["evil.example", "#,
    r#"{"name": "x", "list": ["#,
    "title: x\ndetection:\n",
    "rule a {",
    "alert tcp any any -> any any (msg:\"x\"; sid:1;)\n",
    "\u{feff}",
];

/// What follows: the syntax of all formats, mixed.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let text = "[\\[\\]{}\",:;|#=' \t\r\na-c.0-9\\\\/@é]{0,120}".prop_map(String::into_bytes);
    let words = proptest::collection::vec(
        prop_oneof![
            Just("\"type\": \"indicator\""),
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just("\"value\": \"192.0.2.1|80\""),
            Just("\"pattern\": \"[ipv4-addr:value = '192.0.2.1']\""),
            Just("\"to_ids\": \"1\""),
            Just("\"Tag\": [{\"name\": \"tlp:x\"}]"),
            Just("\"objects\": {\"0\": {}}"),
            Just("\"labels\": [7, \"benign\"]"),
            Just("\n"),
            Just("192.0.2.1"),
            Just("hxxp://evil[.]example/"),
        ],
        0..24,
    )
    .prop_map(|words| words.concat().into_bytes());
    prop_oneof![text, words, proptest::collection::vec(any::<u8>(), 0..120)]
}

proptest! {
    #[test]
    fn nothing_panics(start in 0..STARTS.len(), noise in noise(), observed: bool) {
        let options = Options { observed, include_no_ids: observed, ..Options::default() };
        load("x", &[STARTS[start].as_bytes(), &noise].concat(), &options);
    }

    #[test]
    fn reading_in_pieces_changes_nothing(start in 0..STARTS.len(), noise in noise(), capacity in 1usize..20) {
        let bytes = [STARTS[start].as_bytes(), &noise].concat();
        let (format, whole) = load("x", &bytes, &Options::default());
        let mut pieces = perisai_model::Intel::default();
        let mut input = std::io::BufReader::with_capacity(capacity, bytes.as_slice());
        let place = perisai_model::Place::file("x");
        let again = perisai_intel::read(&place, &mut input, &Options::default(), &mut pieces).unwrap();
        prop_assert_eq!(again, format);
        prop_assert_eq!(&pieces.problems, &whole.problems);
        prop_assert!(pieces.indicators.iter().eq(whole.indicators.iter()));
        prop_assert_eq!(&pieces.rules, &whole.rules);
    }
}

#[test]
fn json_nested_ten_thousand_deep() {
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    let maps = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let good = r#"{"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "pattern": "[domain-name:value = 'evil.example']"}"#;
    let check = |text: String, format, indicators, problems| {
        let (seen, intel) = load("deep.json", text.as_bytes(), &Options::default());
        assert_eq!(
            (seen, intel.indicators.len(), intel.problems.len()),
            (format, indicators, problems)
        );
    };
    check(format!("{open}{close}"), Format::Unknown, 0, 1);
    check(maps.clone(), Format::Unknown, 0, 1);
    check(
        format!(r#"{{"type": "bundle", "objects": [{open}{close}, {maps}, {good}]}}"#),
        Format::Stix,
        1,
        2,
    );
    check(
        format!(r#"{{"type": "bundle", "deep": {maps}, "objects": [{good}]}}"#),
        Format::Stix,
        1,
        0,
    );
    let attribute = r#"{"type": "domain", "value": "evil.example", "to_ids": true}"#;
    check(
        format!(r#"{{"Event": {{"Tag": [{maps}], "Attribute": [{attribute}, {open}{close}]}}}}"#),
        Format::Misp,
        1,
        1,
    );
    check(format!(r#"{{"response": {open}{close}}}"#), Format::Misp, 0, 0);
}

#[test]
fn a_refused_object_is_named() {
    let check = |object: &str, expected: &str| {
        let text = format!(
            r#"{{"type": "bundle", "objects": [{{"type": "identity", "id": "identity--1"}}, {object}]}}"#
        );
        let (_, intel) = load("b.json", text.as_bytes(), &Options::default());
        let problems: Vec<_> = intel.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, [expected], "{object}");
    };
    check("5", "b.json:1: object 2 is not a STIX object: `5`");
    check("[{}]", "b.json:1: object 2 is not a STIX object: `[{}]`");
    check(
        r#"{"type": "indicator", "id": "indicator--7", "x": nul}"#,
        "b.json:1: object 2 (indicator--7): column 53: expected ident",
    );
    check(
        r#"{"id": "indicator--7"}"#,
        r#"b.json:1: object 2 (indicator--7) has no type: `{"id": "indicator--7"}`"#,
    );
    let misp = r#"{"Event": {"info": "x", "Attribute": [7]}}"#;
    let (_, intel) = load("e.json", misp.as_bytes(), &Options::default());
    assert_eq!(
        intel.problems[0].to_string(),
        "e.json:1: column 1: invalid type: integer `7`, expected an object"
    );
}

#[test]
fn a_truncated_bundle_gives_what_came_before() {
    let object = |at: usize| {
        format!(
            "{{\"type\": \"indicator\", \"id\": \"indicator--{at}\", \"pattern_type\": \"stix\",\n \"pattern\": \"[domain-name:value = 'a{at}.example']\"}}"
        )
    };
    let text = format!(
        "{{\"type\": \"bundle\", \"objects\": [\n{},\n{},\n{}",
        object(1),
        object(2),
        &object(3)[..50]
    );
    let (_, intel) = load("cut.json", text.as_bytes(), &Options::default());
    assert_eq!(intel.indicators.len(), 2);
    assert_eq!(
        intel.problems[0].to_string(),
        "cut.json:6: column 51: the text ends inside a value"
    );
}

#[test]
fn one_bad_object_never_costs_its_neighbours() {
    let good = r#"{"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "pattern": "[ipv4-addr:value = '192.0.2.1']"}"#;
    let bad = [
        "7",
        "\"text\"",
        "{}",
        "{\"type\": null}",
        "{\"type\": \"indicator\"}",
        "{\"type\": \"indicator\", \"pattern\": \"[broken\"}",
        "{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'no domain']\"}",
        "{\"type\": \"indicator\", \"pattern\": \".*\", \"pattern_type\": \"pcre\"}",
        "{\"type\": \"indicator\" \"pattern\"}",
        "{\"type\": \"bundle\", \"objects\": [7]}",
    ];
    for bad in bad {
        let text = format!("{{\"type\": \"bundle\", \"objects\": [\n{bad},\n{good}\n]}}");
        let (_, intel) = load("x.json", text.as_bytes(), &Options::default());
        assert_eq!(intel.indicators.len(), 1, "{bad}");
        assert_eq!(intel.problems.len(), 1, "{bad} {:?}", intel.problems);
        assert!(
            intel.problems[0].to_string().starts_with("x.json:2: "),
            "{}",
            intel.problems[0]
        );
    }
}

#[test]
fn a_bad_line_of_json_lines_costs_itself_only() {
    let line = |at: usize| {
        format!(
            r#"{{"type": "indicator", "id": "indicator--{at}", "pattern_type": "stix", "pattern": "[ipv4-addr:value = '192.0.2.{at}']"}}"#
        )
    };
    let text = format!("{}\n{}\n{}\n", line(1), &line(2)[..40], line(3));
    let (format, intel) = load("x.jsonl", text.as_bytes(), &Options::default());
    assert_eq!((format, intel.indicators.len()), (Format::Stix, 2));
    assert!(
        intel.problems[0].to_string().starts_with("x.jsonl:2: column"),
        "{:?}",
        intel.problems
    );
}

#[test]
fn many_tags_on_many_attributes_stay_bounded() {
    let tags: Vec<_> = (0..2_000)
        .map(|at| format!("{{\"name\": \"tag {at} {}\"}}", "x".repeat(200)))
        .collect();
    let attributes: Vec<_> = (0..20_000)
        .map(|at| {
            format!(
                "{{\"type\": \"domain\", \"value\": \"a{at}.example\", \"uuid\": \"{at}\", \"to_ids\": true}}"
            )
        })
        .collect();
    let text = format!(
        "{{\"Event\": {{\"uuid\": \"e\", \"Attribute\": [{}], \"Tag\": [{}]}}}}",
        attributes.join(","),
        tags.join(",")
    );
    let (_, intel) = load("x.json", text.as_bytes(), &Options::default());
    assert_eq!((intel.indicators.len(), intel.contexts.len()), (20_000, 1));
    assert_eq!(intel.contexts[0].id.as_deref(), Some("e"));
    assert_eq!(intel.contexts[0].tags.len(), 128);
}

#[test]
fn a_stream_that_breaks_keeps_what_it_gave() {
    struct Broken<'a>(&'a [u8]);
    impl std::io::Read for Broken<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::Error::other("truncated gzip"));
            }
            std::io::Read::read(&mut self.0, out)
        }
    }
    let documents: [&[u8]; 3] = [
        b"evil.example\n192.0.2.1\n",
        br#"{"type": "bundle", "objects": [{"type": "indicator", "pattern": "[ipv4-addr:value = '192.0.2.1' OR domain-name:value = 'evil.example']"}, "#,
        br#"{"Event": {"Attribute": [{"type": "domain|ip", "value": "evil.example|192.0.2.1", "to_ids": true}, "#,
    ];
    for document in documents {
        let mut input = std::io::BufReader::new(Broken(document));
        let mut intel = perisai_model::Intel::default();
        let place = perisai_model::Place::file("x");
        let error = perisai_intel::read(&place, &mut input, &Options::default(), &mut intel).unwrap_err();
        assert_eq!(error.to_string(), "truncated gzip");
        assert_eq!(intel.indicators.len(), 2, "{}", String::from_utf8_lossy(document));
    }
}
