//! Entries of warninglists that would speak of everything: with one of them a list could hide any finding.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use memchr::memmem;
use perisai_model::WarninglistType;
use perisai_values::ip::{Net, parse};
use regex::{Regex, RegexBuilder};

use crate::typed::TOO_WIDE;
use crate::words::quoted;

/// How many entries are told one by one.
const TOLD: usize = 20;

/// The largest compiled regular expression, in bytes: the same that a detector takes.
const REGEX: usize = 1 << 20;

const ANY: &str = "it matches values that have nothing in common";
const TOP: &str = "a top-level domain";

/// Names and ends of names, to be put together: short and long, with digits and dashes, of any letter.
const STEMS: &[&str] = &[
    "wq",
    "kzvy",
    "xjqwpf",
    "vbkzhgqm",
    "qxwmzkvjrtyp",
    "j7w2k",
    "3811942",
    "x4-kq9z-w",
    "gh.vqz8-xk",
    "a1.b2.zxq",
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
];
const TOPS: &[&str] = &[
    "com", "net", "org", "info", "biz", "ru", "cn", "de", "io", "top", "xyz", "site", "online", "co.uk",
    "com.br",
];

/// Values of other kinds, each unrelated to all others.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "5.188.87.43", "23.94.171.208", "45.147.229.16", "91.219.236.77", "103.75.118.240", "146.70.53.129",
    "176.113.115.84", "185.234.72.61", "193.142.59.9", "212.192.241.250", "2a0e:97c0:3e3:21::4b", "2401:c080:1400:6f1d::7",
    "2604:a880:400:d1::b2c:9001", "91.219.236.0/24",
    "7b3f0c9e62d8a1545cb0e7f92a46d813", "e19d5a807f3b26c4480e1cd7b95af362",
    "c47a1e90b35d826f0e9cb7d214f8a6035e7b19cd", "0f8e2b6d94a1c7350bd6e4f81937ca52d08b6e3f",
    "93b1d7e04c5a682f1e0d9b7c3a46f85028e5c1d7b90f4a636d8e2c17f50b94ae",
    "2c6e80d5b7f1943a08d4ce6b95f27a13e1b80c5d476fa2930bd8e615c7f94a2e",
    "wq.kzvy@xjqwpf.com", "j7w2k@vbkzhgqm.ru", "3811942@x4-kq9z-w.net",
    "http://xjqwpf.com/kz/vbq.php?j=7", "https://gh.vqz8-xk.ru/", "http://5.188.87.43:8080/wq.exe",
    "wqkzv.exe", "xjq-3811.dll", "vbkzh.ps1", "qxw.docx", "C:\\Users\\Public\\wqkzv.exe", "C:\\Windows\\Temp\\xjq.dll",
    "/tmp/.wqkzv", "/usr/bin/xjqwpf", "HKEY_LOCAL_MACHINE\\Software\\Wqkzv", "Global\\Xjqwpf", "AS49505",
    "CVE-2021-40444", "00:16:3e:5b:c9:71", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "Mozilla/5.0 (Wqkzv; x64)", "wqkzv -x 7",
];

/// Values of which an entry that says something can match hardly one.
static PROBES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let hosts = STEMS
        .iter()
        .flat_map(|stem| TOPS.iter().map(move |top| format!("{stem}.{top}")));
    let others = OTHERS.iter().map(|probe| (*probe).to_owned());
    std::iter::once(String::new())
        .chain(hosts)
        .chain(others)
        .collect()
});

/// The same in lower case and in one text, as parts of values are searched in.
static LOWER: LazyLock<String> = LazyLock::new(|| PROBES.join("\n").to_lowercase());

/// Why an entry cannot be used: it would speak of values that have nothing in common.
pub(super) fn why_refused(kind: WarninglistType, entry: &str) -> Option<&'static str> {
    let entry = entry.trim();
    match kind {
        WarninglistType::Regex => {
            // What is no regular expression is told where they are compiled for good.
            let regex = regex(entry)?;
            PROBES.iter().any(|probe| regex.is_match(probe)).then_some(ANY)
        }
        WarninglistType::Substring => {
            let stands_in_any = memmem::find(LOWER.as_bytes(), entry.to_lowercase().as_bytes()).is_some();
            if stands_in_any {
                return Some(ANY);
            }
            top(entry).map(|_| TOP)
        }
        // A brand may have a top-level domain of its own.
        WarninglistType::Hostname => top(entry)
            .filter(|name| TOPS.contains(&name.as_str()))
            .map(|_| TOP),
        WarninglistType::Cidr => Net::parse(entry)
            .is_some_and(|net| is_wide(&net))
            .then_some(TOO_WIDE),
        WarninglistType::String | WarninglistType::Site => None,
    }
}

/// The name of a top-level domain: `com`, `.com`, `*.com.`.
fn top(entry: &str) -> Option<String> {
    let name = entry.trim_matches(['.', '*', '/']).to_lowercase();
    let is_top = !name.is_empty()
        && !name.contains('.')
        && psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known());
    is_top.then_some(name)
}

/// Nets of addresses that no two computers of the internet talk with (multicast, link-local) may be wide.
fn is_wide(net: &Net) -> bool {
    match net.first {
        IpAddr::V4(first) => net.prefix < 8 && first.octets()[0] < 224,
        // 2000::/3 is all that is given to anybody (RFC 4291).
        IpAddr::V6(first) => net.prefix < 16 && first.segments()[0] < 0x4000,
    }
}

/// True where nets that may each stand in a list hold together more than a quarter of IPv4, or of 2000::/3.
pub(super) fn cover_too_much(entries: &[String]) -> bool {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for net in entries.iter().filter_map(|entry| net(entry.trim())) {
        match net.first {
            IpAddr::V4(first) if first.octets()[0] < 224 => {
                let first = u128::from(u32::from(first));
                v4.push(first..=first | ((1 << (32 - net.prefix)) - 1));
            }
            IpAddr::V6(first) if first.segments()[0] < 0x4000 => {
                let rest = u128::MAX.checked_shr(net.prefix.into()).unwrap_or(0);
                v6.push(u128::from(first)..=u128::from(first) | rest);
            }
            _ => {}
        }
    }
    held(v4) > 1 << 30 || held(v6) > 1 << 123
}

fn net(entry: &str) -> Option<Net> {
    Net::parse(entry).or_else(|| {
        let first = parse(entry)?;
        let prefix = if first.is_ipv4() { 32 } else { 128 };
        Some(Net { first, prefix })
    })
}

/// How many addresses ranges hold together, each counted once.
fn held(mut ranges: Vec<RangeInclusive<u128>>) -> u128 {
    ranges.sort_unstable_by_key(|range| *range.start());
    let (mut sum, mut from) = (0, 0);
    for range in ranges {
        let start = from.max(*range.start());
        if *range.end() >= start {
            sum += range.end() - start + 1;
            from = range.end() + 1;
        }
    }
    sum
}

/// A regular expression as a detector reads it, bare or between slashes with flags.
fn regex(entry: &str) -> Option<Regex> {
    let (pattern, flags) = match entry.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
        Some((pattern, flags)) if flags.chars().all(|c| "imsxuUg".contains(c)) => (pattern, flags),
        _ => (entry, ""),
    };
    RegexBuilder::new(&pattern.replace("\\/", "/"))
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(REGEX)
        .build()
        .ok()
}

/// Entries that are left out, of which the first are told one by one.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    first: Vec<String>,
    more: u64,
}

impl Refusals {
    pub(super) fn add(&mut self, entry: &str, why: &str) {
        if self.first.len() < TOLD {
            self.first.push(format!("{}: {why}", quoted(entry)));
        } else {
            self.more += 1;
        }
    }

    pub(super) fn told(self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| format!("and {} more entries that match too much", self.more));
        self.first.into_iter().chain(more)
    }
}
