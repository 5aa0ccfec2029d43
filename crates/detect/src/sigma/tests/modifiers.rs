//! What each modifier, value and condition means: detection × event → hit or not.

use perisai_model::Value;

use super::{compile, event, fields, hits};

/// One detection section, indented by two, against one event.
fn check(detection: &str, pairs: &[(&str, &str)], expected: bool) {
    check_values(detection, &fields(pairs), expected);
}

fn check_values(detection: &str, values: &[(&str, Value<'_>)], expected: bool) {
    let text = format!("title: t\nlogsource: {{category: x, product: named}}\ndetection:\n{detection}\n");
    let text = text.replace("{category: x, product: named}", "{product: windows}");
    let (rules, problems) = compile(&[&text]);
    assert!(problems.is_empty(), "{detection}: {problems:?}");
    let mut all = vec![("Channel", Value::Str("Test")), ("EventID", Value::Int(1))];
    all.extend_from_slice(values);
    let found = !hits(&rules, &event("evtx", &all)).is_empty();
    assert_eq!(found, expected, "{detection}\n{values:?}");
}

/// One test of the field `f` by its key and value.
fn item(key: &str, value: &str, field: &str, expected: bool) {
    check(
        &format!("  s:\n    {key}: {value}\n  condition: s"),
        &[("f", field)],
        expected,
    );
}

#[test]
fn values() {
    item("f", "abc", "ABC", true);
    item("f", "abc", "abcd", false);
    item("f", "'a*d'", "AbcD", true);
    item("f", "'a?c'", "abc", true);
    item("f", "'a?c'", "abbc", false);
    item("f", r"'a\*c'", "a*c", true);
    item("f", r"'a\*c'", "abc", false);
    item("f", r"'C:\Windows\x'", r"c:\windows\X", true);
    item("f", "4624", "4624", true);
    item("f", "'4624'", "4624", true);
    item("f", "[a, b]", "B", true);
    item("f", "''", "", true);
    item("f", "''", "x", false);
    item("f", "'ÄRZTE'", "ärzte", true);
    item("f", "'σίγμα'", "ΣΊΓΜΑ", true);
}

#[test]
fn null_and_exists() {
    let s = |item: &str| format!("  s:\n    g: 1\n    {item}\n  condition: s");
    check(&s("f: null"), &[("g", "1")], true);
    check(&s("f: null"), &[("g", "1"), ("f", "x")], false);
    check_values(&s("f: null"), &[("g", Value::Int(1)), ("f", Value::Null)], true);
    check(&s("f|exists: true"), &[("g", "1"), ("f", "x")], true);
    check(&s("f|exists: true"), &[("g", "1")], false);
    check(&s("f|exists: false"), &[("g", "1")], true);
    check_values(
        &s("f|exists: true"),
        &[("g", Value::Int(1)), ("f", Value::Null)],
        false,
    );
    check_values(
        &s("f: true"),
        &[("g", Value::Int(1)), ("f", Value::Bool(true))],
        true,
    );
    check_values(
        &s("f: true"),
        &[("g", Value::Int(1)), ("f", Value::Str("True"))],
        true,
    );
    check_values(
        &s("f: 1.5"),
        &[("g", Value::Int(1)), ("f", Value::Float(1.5))],
        true,
    );
}

#[test]
fn text_modifiers() {
    item("f|contains", "mid", "aMIDb", true);
    item("f|contains", "mid", "mi d", false);
    item("f|contains", "'a*c'", "xxabcxx", true);
    item("f|startswith", "abc", "ABCdef", true);
    item("f|startswith", "abc", "xabc", false);
    item("f|endswith", r"'\cmd.exe'", r"C:\X\CMD.EXE", true);
    item("f|endswith", r"'\cmd.exe'", r"C:\cmd.exe.bak", false);
    item("f|contains|all", "[one, two]", "two and one", true);
    item("f|contains|all", "[one, two]", "only two", false);
    item("f|contains|cased", "MiD", "aMiDb", true);
    item("f|contains|cased", "MiD", "amidb", false);
    item(
        "f|contains",
        "[q1, q2, q3, q4, q5, q6, q7, q8, q9]",
        "..Q9..",
        true,
    );
    item(
        "f|contains",
        "[q1, q2, q3, q4, q5, q6, q7, q8, q9]",
        "....",
        false,
    );
    item("f|neq", "abc", "abd", true);
    item("f|neq", "abc", "ABC", false);
}

#[test]
fn wildcards_are_any_characters() {
    let script = "IEX (\r\n  \"http://x\")\n";
    item("f|contains", "'IEX*http'", script, true);
    item("f|contains", "'iex*HTTP'", script, true);
    item("f|contains|cased", "'iex*HTTP'", script, false);
    item("f|contains", "'IEX (????http'", script, false);
    item("f|contains", "'IEX (?????http'", script, true);
    item("f", "'IEX*'", script, true);
    item("f", "'*http*'", script, true);
    item("f", "'*http'", script, false);
    item("f", "'a*d'", "a\nd", true);
    item("f", "'a?d'", "a\nd", true);
    item("f", "'a*d'", "a\nd\n", false);
    item("f", "'*'", "", true);
    item("f|startswith", "'cmd*/c'", "cmd.exe\n /c del", true);
    item("f|startswith", "'cmd*/c'", "x cmd /c", false);
    item("f|endswith", "'cmd*/c'", "x cmd\n /c", true);
    item("f|endswith", "'cmd*/c'", "cmd /c x", false);
    item("f|re", "'a.d'", "a\nd", false);
    // Of a list with both sorts.
    item("f", "['a*d', b, 4]", "a\nd", true);
    item("f", "['a*d', b, 4]", "B", true);
    item("f", "['a*d', b, 4]", "4", true);
    item("f", "['a*d', b, 4]", "c", false);
    item("f|contains|all", "['a*d', b]", "b a\nd", true);
    item("f|contains|all", "['a*d', b]", "a\nd", false);
    item("f|contains|all", "['a*d', b]", "b", false);
    item("f|neq", "['a*d', b]", "a\nd", false);
    item("f|neq", "['a*d', b]", "b", false);
    item("f|neq", "['a*d', b]", "c", true);
    let keywords = |words: &str, text: &str, expected| {
        check(
            &format!("  s:\n{words}\n  condition: s"),
            &[("any", text)],
            expected,
        );
    };
    keywords("    - 'a*z'\n    - b", "x a\nz x", true);
    keywords("    - 'a*z'\n    - b", "x b x", true);
    keywords("    - 'a*z'\n    - b", "x", false);
    keywords("    '|all':\n      - 'a*z'\n      - b", "b a\nz", true);
    keywords("    '|all':\n      - 'a*z'\n      - b", "a\nz", false);
}

#[test]
fn encodings() {
    // Made with `base64` and `iconv` from coreutils.
    item("f|base64", "foobar", "Zm9vYmFy", true);
    item("f|base64offset|contains", "foobar", "eGZvb2Jhcnk=", true);
    item("f|base64offset|contains", "foobar", "eHh4Zm9vYmFy", true);
    item("f|base64offset|contains", "foobar", "bm90aGluZw==", false);
    item("f|wide|base64offset|contains", "IEX", "SQBFAFgA", true);
    item("f|utf16be|base64offset|contains", "IEX", "AEkARQBY", true);
    item("f|windash|contains", "' -enc'", "x /enc y", true);
    item("f|windash|contains", "' -enc'", "x \u{2013}enc y", true);
    item("f|windash|contains", "' -enc'", "x enc y", false);
}

#[test]
fn expressions_nets_and_numbers() {
    item("f|re", "'^a.+z$'", "abcz", true);
    item("f|re", "'^a.+z$'", "ABCZ", false);
    item("f|re|i", "'^a.+z$'", "ABCZ", true);
    item("f|re|s", "'a.b'", "a\nb", true);
    item("f|re|m", "'^b$'", "a\nb\nc", true);
    item("f|re", "['x1', 'x2', 'x[3-5]']", "..x4..", true);
    item("f|re|i", "'miss'", "MIſS", true);
    item("f|cidr", "10.0.0.0/8", "10.2.3.4", true);
    item("f|cidr", "10.0.0.0/8", "11.2.3.4", false);
    item("f|cidr", "'fe80::/10'", "fe80::1", true);
    item("f|gt", "5", "6", true);
    item("f|gt", "5", "5", false);
    item("f|gte", "5", "5", true);
    item("f|lt", "5", "4", true);
    item("f|lte", "5", "6", false);
    item("f|hour", "12", "2026-02-03T12:30:00Z", true);
    item("f|hour", "12", "2026-02-03T13:30:00Z", false);
}

#[test]
fn other_fields() {
    let s = "  s:\n    f|fieldref: g\n  condition: s";
    check(s, &[("f", "Same"), ("g", "same")], true);
    check(s, &[("f", "same"), ("g", "other")], false);
    check(s, &[("f", "same")], false);
    let s = "  s:\n    f|fieldref|endswith: g\n  condition: s";
    check(s, &[("f", "abc"), ("g", "bc")], true);
    let s = "  s:\n    f|expand: ['%names%', plain]\n  condition: s";
    check(s, &[("f", "x"), ("names", "x")], false);
    check(s, &[("f", "")], false);
    check(s, &[("f", "plain")], true);
    let s = "  s:\n    g: 1\n  t:\n    f|contains|expand: '%names%'\n  condition: s and not t";
    check(s, &[("f", "x"), ("g", "1")], true);
}

#[test]
fn lists_and_names() {
    let s = "  s:\n    f: b\n  condition: s";
    check(s, &[("f", "a"), ("f", "b")], true);
    check(s, &[("F", "b")], true);
    check(s, &[("F", "b"), ("f", "a")], false);
    let s = "  s:\n    Source Name: b\n  condition: s";
    check(s, &[("SourceName", "b")], true);
    let s = "  s:\n    SourceName: b\n  condition: s";
    check(s, &[("Source Name", "b")], true);
    let s = "  s:\n    f|contains|all: [a, b]\n  condition: s";
    check(s, &[("f", "xa"), ("f", "xb")], true);
}

#[test]
fn parts_of_times() {
    // As Sysmon writes it, as ECS does, and as numbers.
    for time in [
        "2024-01-02 03:05:00.000",
        "2024-01-02T03:05:00.000Z",
        "1704164700",
        "1704164700000",
    ] {
        item("f|minute", "5", time, true);
        item("f|minute", "6", time, false);
        item("f|hour", "3", time, true);
        item("f|day", "2", time, true);
        item("f|month", "1", time, true);
        item("f|year", "2024", time, true);
    }
    item("f|hour", "[3, 4]", "2024-01-02 04:00:00.000", true);
    item("f|hour", "3", "three", false);
    let several = [
        ("f", Value::Str("2024-01-02 01:00:00")),
        ("f", Value::Str("2024-01-02 03:00:00")),
    ];
    check_values("  s:\n    f|hour: 3\n  condition: s", &several, true);
}

#[test]
fn keywords() {
    let s = "  s:\n    - 'Evil'\n    - 'worse*thing'\n  condition: s";
    check(s, &[("any", "an evil thing")], true);
    check(s, &[("any", "worse some thing")], true);
    check(s, &[("any", "good")], false);
    let s = "  s:\n    '|all':\n      - one\n      - two\n  condition: s";
    check(s, &[("any", "one two")], true);
    check(s, &[("any", "one")], false);
}

#[test]
fn conditions() {
    let d = "  s1:\n    f: a\n  s2:\n    g: b\n  filter_x:\n    h: c\n  _hidden:\n    i: d\n  condition: ";
    let check = |condition: &str, pairs: &[(&str, &str)], expected| {
        check(&format!("{d}{condition}"), pairs, expected);
    };
    let (a, b, c) = (("f", "a"), ("g", "b"), ("h", "c"));
    check("s1 and s2", &[a, b], true);
    check("s1 and s2", &[a], false);
    check("s1 or s2", &[b], true);
    check("s1 and not filter_x", &[a], true);
    check("s1 and not filter_x", &[a, c], false);
    check("1 of s*", &[b], true);
    check("all of s*", &[b], false);
    check("all of s*", &[a, b], true);
    check("2 of them", &[a, c], true);
    check("2 of them", &[a], false);
    check("all of them", &[a, b, c], true);
    check("s1 and not 1 of filter_*", &[a, c], false);
    check("not (s1 or s2)", &[c], true);
    check("not s1", &[a], false);
    check("(s1 or s2) and filter_x", &[b, c], true);
}

#[test]
fn what_matched_is_told() {
    let text = "title: t\nauthor: A. Nalyst\nreferences: [https://a.example/1, https://a.example/2]\nlevel: high\n\
        id: 5a2c6c4e-0000-0000-0000-000000000001\ntags: [attack.t1059]\nlogsource: {product: windows}\ndetection:\n  \
        s:\n    Image|endswith: '\\x.exe'\n    CommandLine|contains: ' -y'\n  f:\n    User: me\n  condition: s and not f\n";
    let (rules, _) = compile(&[text]);
    let pairs = [
        ("Channel", "Test"),
        ("CommandLine", "X -Y z"),
        ("Image", r"C:\X.EXE"),
        ("User", "you"),
    ];
    let found = hits(&rules, &event("evtx", &fields(&pairs)));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text(), r"Image: C:\X.EXE; CommandLine: X -Y z");
    assert!(found[0].generates);
    let long = format!("{} -y {}", "é".repeat(3_000), "z".repeat(9_000));
    let pairs = [
        ("Channel", "Test"),
        ("CommandLine", long.as_str()),
        ("Image", r"C:\X.EXE"),
    ];
    let cut = hits(&rules, &event("evtx", &fields(&pairs)))[0].matched[1]
        .1
        .clone();
    assert!(cut.len() < 4_200 && cut.ends_with('…'), "{cut}");
    let info = rules.info(found[0].rule);
    assert_eq!(info.author.as_deref(), Some("A. Nalyst"));
    assert_eq!(info.reference.as_deref(), Some("https://a.example/1"));
    assert_eq!(info.severity, perisai_model::Severity::High);
    assert_eq!(info.tags, ["attack.t1059"]);
    assert_eq!(&*info.sources[0].source, "here");
    assert_eq!(
        info.sources[0].id.as_deref(),
        Some("5a2c6c4e-0000-0000-0000-000000000001")
    );
}
