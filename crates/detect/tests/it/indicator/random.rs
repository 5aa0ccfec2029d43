//! Random indicators against random lines: the scanner says exactly what the oracle says.

use std::collections::BTreeSet;

use perisai_detect::indicator::Matcher;
use perisai_model::{ContextId, Indicators, Kind};
use perisai_values::recognise;
use proptest::prelude::*;

use super::oracle;

/// Values from few letters, so that parents, neighbours and repetitions are common.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "([ab]{1,2}\\.){1,3}(com|org|zip|ä)",
        2 => "1\\.[12]\\.[12]\\.[1-3]",
        1 => "1\\.[12]\\.[12]\\.0/(8|16|24|30)",
        1 => "2001:db8:[1-2]?:[1-2]?::[1-3]",
        1 => "2001:db8:[1-2]::/(32|48|127)",
        2 => "(https?://)?([ab]\\.com|1\\.1\\.1\\.1|a\\.org:8080)/[ab~]{0,2}(\\?a=[12])?",
        1 => "[ab.]{1,2}@([ab]\\.){1,2}com",
        1 => "[01a]{32}|[01b]{40}",
        1 => "00:16:3e:0[12]:0[12]:0[12]",
        1 => "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN[ab]",
    ]
}

/// Texts of kinds that no list tells by the value alone.
fn text() -> impl Strategy<Value = (Kind, String)> {
    let of = |kind: Kind| move |text: String| (kind, text);
    prop_oneof![
        "([CD]:|\\\\\\\\abab)\\\\[ab]{3,5}( ab)?\\\\([ab]{2,4}|[ab]{2}\\.exe)".prop_map(of(Kind::FilePath)),
        "/abab/[ab]{3,5}/[ab.]{1,3}b".prop_map(of(Kind::FilePath)),
        "[ab_]{3,5}(\\.exe)?".prop_map(of(Kind::FileName)),
        "HKEY_LOCAL_MACHINE\\\\[ab]{3,5}\\\\ab".prop_map(of(Kind::RegistryKey)),
        "[ab]{3,5}/1 \\([ab]{4}; \"ab\"\\)".prop_map(of(Kind::UserAgent)),
    ]
}

/// What may stand around values.
fn noise() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ ,;:=\"'\\[\\](){}<>/\\\\?&#|@.%-]{1,2}",
        2 => "[ab1._-]{1,3}",
        1 => " > ",
        1 => "(\\\\n|\\\\t|\\\\u003d|%2F|%3a|\\[\\.\\]|hxxp://|http://|https://|\\\\/)",
        1 => "(#011|\\\\x22|\\\\011|\\\\u001b\\[1;31m|\\x1b\\[0m|\\x1b\\[m|#033\\[36m)",
        1 => "[äж访。“]{1,2}",
        1 => "[ a]{60,70}",
        1 => "\\PC{0,5}",
    ]
}

/// A value as a log may write it.
fn written(value: &str, how: u8) -> String {
    match how {
        0 => value.to_uppercase(),
        1 => value.replace('.', "[.]"),
        2 => value.replace('/', "\\/"),
        3 => format!("a.{value}"),
        4 => format!("{value}:8080"),
        5 => format!("{value}."),
        6 => format!("http://{value}"),
        7 => format!("[{value}]"),
        8 => value.replace('\\', "\\\\").replace('"', "\\\""),
        9 => value.replace("HKEY_LOCAL_MACHINE", "HKLM"),
        10 => format!("{value}.53 > "),
        11 => format!(" > {value}.https: "),
        12 => as_number(value),
        13 => as_groups_of_four(value),
        14 => value.replace('\\', "\\\\\\\\").replace('"', "\\\\\\\""),
        15 => value.replace('\\', "/"),
        16 => value.replace('/', "\\\\/"),
        _ => value.to_owned(),
    }
}

/// An address as the number that it is, as in `http://3221225993/`.
fn as_number(value: &str) -> String {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.parse::<std::net::Ipv4Addr>().map(u32::from) {
        Ok(number) if number % 2 == 0 => format!("{scheme}://{number}{path}"),
        Ok(number) => format!("{scheme}://0x{number:X}{path}"),
        Err(_) => value.to_owned(),
    }
}

/// A MAC address as switches write it.
fn as_groups_of_four(value: &str) -> String {
    match value.replace(':', "") {
        digits if value.len() == 17 && digits.len() == 12 => {
            format!("{}.{}.{}", &digits[..4], &digits[4..8], &digits[8..])
        }
        _ => value.to_owned(),
    }
}

/// A URL is one indicator with or without its scheme.
fn key((kind, value): (Kind, String)) -> (Kind, String) {
    let bare = value.split_once("://").map(|(_, rest)| rest.to_owned());
    (kind, bare.unwrap_or(value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_scanner_says_what_the_oracle_says(
        mut values in prop::collection::vec(value(), 1..12),
        texts in prop::collection::vec(text(), 0..3),
        parts in prop::collection::vec((noise(), prop::option::of((any::<prop::sample::Index>(), 0..21u8))), 1..8),
        shift in 0..3usize,
    ) {
        let mut indicators = Indicators::default();
        for value in &values {
            if let Some((kind, value)) = recognise(value) {
                indicators.push(kind, &value, ContextId(0));
            }
        }
        for (kind, text) in &texts {
            indicators.push(*kind, text, ContextId(0));
            values.push(text.clone());
        }
        // Some lines stand across the edge of a chunk.
        let mut line = " ".repeat([0, 4060, 4096][shift]);
        for (noise, planted) in &parts {
            line.push_str(noise);
            if let Some((which, how)) = planted {
                line.push_str(&written(which.get::<String>(&values), *how));
            }
        }
        let expected: BTreeSet<_> = oracle::matches(&indicators, &line).into_iter().map(key).collect();
        let matcher = Matcher::compile(indicators);
        let mut hits = Vec::new();
        matcher.scanner().scan(line.as_bytes(), &mut hits);
        hits.retain(|hit| !hit.apart);
        let value = |indicator| matcher.value(indicator);
        let got = hits.iter().map(|hit| value(hit.indicator)).map(|(kind, value)| key((kind, value.to_owned())));
        let got: BTreeSet<_> = got.collect();
        prop_assert_eq!(got, expected, "{}", line.trim_start());
    }
}
