//! Indicators as feeds send them, made by number: the same number gives the same object. 580 bytes each, about.

use std::fmt::Write;

/// How many objects an envelope has.
pub(super) const ENVELOPE: u64 = 2_000;

/// How many organisations make them.
const MAKERS: u64 = 20;

/// The time of the first, in seconds since midnight; each is a second later than the one before, over 28 days.
const DAYS: u64 = 28;

const TOPICS: &[&str] = &[
    "phishing",
    "botnet",
    "loader",
    "stealer",
    "scanner",
    "ransomware",
    "dropper",
];

const WORDS: &[&str] = &[
    "seen",
    "in",
    "campaign",
    "against",
    "banks",
    "ministries",
    "hospitals",
    "energy",
    "suppliers",
    "by",
    "mail",
    "with",
    "macro",
    "archive",
    "shortcut",
    "beacon",
    "every",
    "minutes",
    "over",
    "https",
    "panel",
    "redirect",
    "kit",
    "cluster",
    "infrastructure",
    "registered",
    "recently",
    "hosting",
    "shared",
    "credential",
    "harvest",
    "second",
    "stage",
    "payload",
    "downloaded",
    "command",
    "control",
    "proxy",
    "tunnel",
    "resolver",
];

const MARKINGS: &[&str] = &[
    // CLEAR and GREEN of TLP 2.0.
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
];

/// Bits of a number that look random, and are the same each time (SplitMix64).
pub(super) fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn uuid(number: u64) -> String {
    let (high, low) = (mixed(number), mixed(!number));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// The value that an indicator is for, and the pattern.
fn value(number: u64) -> (String, String) {
    let bits = mixed(number ^ 0x5eed);
    match number % 10 {
        0..5 => {
            let name = format!(
                "{}-{:07x}.{}.example",
                TOPICS[(bits % 7) as usize],
                bits >> 36,
                WORDS[(bits >> 8) as usize % 40]
            );
            let pattern = format!("[domain-name:value = '{name}']");
            (name, pattern)
        }
        5..7 => {
            let [a, b, c, ..] = bits.to_be_bytes();
            let address = format!("{}.{}.{b}.{c}", 11 + number % 100, a);
            let pattern = format!("[ipv4-addr:value = '{address}']");
            (address, pattern)
        }
        7..9 => {
            let hash = format!(
                "{:016x}{:016x}{:016x}{:016x}",
                bits,
                mixed(bits),
                mixed(bits ^ 1),
                mixed(bits ^ 2)
            );
            let pattern = format!("[file:hashes.'SHA-256' = '{hash}']");
            (hash, pattern)
        }
        _ => {
            let url = format!(
                "http://{:06x}.example/{:05x}/gate.php",
                bits >> 40,
                bits & 0xf_ffff
            );
            let pattern = format!("[url:value = '{url}']");
            (url, pattern)
        }
    }
}

/// The value of an indicator.
pub(super) fn value_of(number: u64) -> String {
    value(number).0
}

/// A word that only one indicator has.
pub(super) fn rare_word_of(number: u64) -> String {
    format!("case{:09x}", mixed(number ^ 0xca5e) >> 28)
}

/// Writes an indicator.
fn indicator(out: &mut String, number: u64) {
    let bits = mixed(number ^ 0x1d);
    let topic = TOPICS[(bits % 7) as usize];
    let (_, pattern) = value(number);
    let time = number * 24 * 3600 * DAYS / 1_000_000_000 + number;
    let day = 1 + time / 86_400 % DAYS;
    let (hour, minute, second) = (time / 3600 % 24, time / 60 % 60, time % 60);
    let _ = write!(
        out,
        "{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--{}\",\
         \"created_by_ref\":\"identity--{}\",\
         \"created\":\"2026-06-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z\",\
         \"modified\":\"2026-06-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z\",\
         \"name\":\"{topic} {}\",\"description\":\"",
        uuid(number),
        uuid(u64::MAX - bits % MAKERS),
        bits % 1000,
        bits % 1000,
        rare_word_of(number),
    );
    for at in 0..4 {
        let _ = write!(out, "{} ", WORDS[(bits >> (6 * at + 10)) as usize % WORDS.len()]);
    }
    let _ = write!(
        out,
        "\",\"pattern\":\"{pattern}\",\"pattern_type\":\"stix\",\"valid_from\":\"2026-06-{day:02}T00:00:00Z\",\
         \"labels\":[\"{topic}\"],\"confidence\":{},\"object_marking_refs\":[\"{}\"]}}",
        bits % 100,
        MARKINGS[(bits >> 60) as usize % 2]
    );
}

/// An envelope of TAXII with those who make the indicators.
pub(super) fn makers() -> String {
    let maker = |number: u64| {
        format!(
            "{{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--{}\",\
             \"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\
             \"name\":\"Maker {number}\",\"identity_class\":\"organization\",\"object_marking_refs\":[\"{}\"]}}",
            uuid(u64::MAX - number),
            MARKINGS[0]
        )
    };
    let all: Vec<_> = (0..MAKERS).map(maker).collect();
    format!("{{\"objects\":[{}]}}", all.join(","))
}

/// An envelope with the indicators from a number on.
pub(super) fn envelope(from: u64) -> String {
    let mut out = String::with_capacity(700 * ENVELOPE as usize);
    out.push_str("{\"objects\":[");
    for number in from..from + ENVELOPE {
        if number > from {
            out.push(',');
        }
        indicator(&mut out, number);
    }
    out.push_str("]}");
    out
}
