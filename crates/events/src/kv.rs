//! `key=value` pairs in a row: logfmt, and what firewalls and the audit system write. Check Point's have bars between
//! them.

use std::borrow::Cow;
use std::iter;

use perisai_model::Event;

use crate::format::{FIELDS, PLAIN, Spec};
use crate::{known, names};

/// logfmt: pairs and nothing else.
pub(crate) const LOGFMT: Spec = Spec {
    name: "logfmt",
    line: |line| {
        let line = without_priority(line);
        is_words(line) || is_barred(line)
    },
    fields: |item, stream, event| {
        let item = without_priority(item);
        let any = if !is_words(item) && is_barred(item) {
            push_barred(item, event)
        } else {
            push_all(item, event)
        };
        if !any {
            return false;
        }
        known::timed(event, &stream.clock);
        names::add(event, names::FIREWALL);
        true
    },
    ..PLAIN
};

/// How many pairs a line must have, and how many of its words are looked at.
const LEAST: usize = 3;
const LOOKED_AT: usize = 8;

/// Whether a line is pairs with blanks between them.
pub(crate) fn is_words(line: &str) -> bool {
    let (mut with, mut without) = (0, 0);
    for word in pairs(line).take(LOOKED_AT) {
        match word.value {
            Some(_) => with += 1,
            None => without += 1,
        }
    }
    with >= LEAST && without == 0
}

/// Whether a line is pairs with bars between them: `time=1704164645|hostname=gw1|action=Accept`.
fn is_barred(line: &str) -> bool {
    let parts = || line.split('|').take(LOOKED_AT).filter(|part| !part.is_empty());
    parts().count() >= LEAST && parts().all(|part| barred(part).is_some())
}

fn barred(part: &str) -> Option<(&str, &str)> {
    part.split_once('=').filter(|(key, _)| is_key(key))
}

fn push_barred(line: &str, event: &mut Event) -> bool {
    for (key, value) in line.split('|').take(FIELDS).filter_map(barred) {
        event.push_str(key, value);
    }
    !event.is_empty()
}

/// Past a syslog priority: some firewalls send that, and no more of a header.
fn without_priority(line: &str) -> &str {
    let behind = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    match behind {
        Some((number, rest)) if number.parse::<u8>().is_ok() => rest,
        _ => line,
    }
}

/// Adds every pair; false where there is none.
pub(crate) fn push_all(text: &str, event: &mut Event) -> bool {
    let mut any = false;
    for word in pairs(text) {
        if let Some(value) = word.value {
            event.push_str(word.key, &value);
            any = true;
        }
    }
    any
}

/// A pair, or a bare word without a value.
pub(crate) struct Word<'a> {
    pub(crate) key: &'a str,
    /// Unquoted.
    pub(crate) value: Option<Cow<'a, str>>,
    /// The value stood in quotes.
    pub(crate) quoted: bool,
}

/// The words of a text, as far as fields are read of it.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    let mut left = FIELDS;
    iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', '\x1d', '\r']);
        if rest.is_empty() || left == 0 {
            return None;
        }
        left -= 1;
        let end = rest.find([' ', '\t', '\x1d', '=']).unwrap_or(rest.len());
        let (key, behind) = rest.split_at(end);
        let Some(behind) = behind.strip_prefix('=').filter(|_| is_key(key)) else {
            let end = rest.find([' ', '\t', '\x1d']).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            rest = behind;
            return Some(Word {
                key: word,
                value: None,
                quoted: false,
            });
        };
        let (value, quoted, behind) = value(behind);
        rest = behind;
        Some(Word {
            key,
            value: Some(value),
            quoted,
        })
    })
}

fn is_key(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.@[]/".contains(&byte))
}

/// A value at the start of the text, whether it is quoted, and what is behind it.
fn value(text: &str) -> (Cow<'_, str>, bool, &str) {
    if let Some(inner) = text.strip_prefix('"')
        && let Some(end) = quote_end(inner)
    {
        return (unescape(&inner[..end]), true, &inner[end + 1..]);
    }
    let end = text.find([' ', '\t', '\x1d']).unwrap_or(text.len());
    (Cow::Borrowed(&text[..end]), false, &text[end..])
}

/// Where a quoted text ends, past escaped quotes.
pub(crate) fn quote_end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', &text.as_bytes()[from..])?;
        if text.as_bytes()[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
        if from > text.len() {
            return None;
        }
    }
}

/// Resolves `\"`, `\\`, `\=`, `\|`, `\n`, `\r` and `\t`; leaves any other backslash, as in Windows paths.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = (letter == '\\').then(|| letters.peek().copied()).flatten();
        let meant = match escaped {
            Some(same @ ('"' | '\\' | '=' | '|')) => same,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            _ => {
                plain.push(letter);
                continue;
            }
        };
        letters.next();
        plain.push(meant);
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics};
    use proptest::prelude::*;

    #[test]
    fn logfmt_lines() {
        let check = |line, expected| check_fields(&LOGFMT, line, expected);
        check(
            r#"time=2026-01-01T00:00:00Z level=info msg="said \"hi\"" path=C:\temp empty="""#,
            Some(
                r#"{"time":"2026-01-01T00:00:00Z","level":"info","msg":"said \"hi\"","path":"C:\\temp","empty":""}"#,
            ),
        );
        check(
            r#"date=2026-01-01 time=00:00:05 srcip=10.0.0.1 dstip=192.0.2.1 dstport=443"#,
            Some(
                r#"{"date":"2026-01-01","time":"00:00:05","srcip":"10.0.0.1","dstip":"192.0.2.1","dstport":"443","src_ip":"10.0.0.1","dst_ip":"192.0.2.1","dst_port":"443"}"#,
            ),
        );
        check(
            "<189>date=2026-01-01 time=00:00:05 tz=+0200",
            Some(r#"{"date":"2026-01-01","time":"00:00:05","tz":"+0200"}"#),
        );
        check(
            "time=1704164645|product=VPN-1 & FireWall-1|src=10.0.0.1|",
            Some(r#"{"time":"1704164645","product":"VPN-1 & FireWall-1","src":"10.0.0.1"}"#),
        );
        check(
            r#"a=1 b=2 msg="x|c=3|d=4""#,
            Some(r#"{"a":"1","b":"2","msg":"x|c=3|d=4"}"#),
        );
        check("no pairs here", None);
    }

    #[test]
    fn lines_are_told() {
        let check = |line: &str, expected| assert_eq!((LOGFMT.line)(line), expected, "{line}");
        check("a=1 b=2 c=3", true);
        check("<189>a=1 b=2 c=3", true);
        check("<x>a=1 b=2 c=3", false);
        check("a=1 b=2", false);
        check("a=1|b=2 x|c=3", true);
        check("a=1|b=2", false);
        check("a=1|b|c=3", false);
        check("started with a=1 b=2 c=3", false);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), pairs in r#"[a=|" \\\t]{0,40}"#) {
            never_panics(&LOGFMT, &line);
            never_panics(&LOGFMT, pairs.as_bytes());
        }
    }
}
