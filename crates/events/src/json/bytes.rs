//! Text as a list of byte values. The journal of systemd writes any field so that has a control character or is no
//! UTF-8, so one byte of an attacker's choice would hide it.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use memchr::memmem;

use crate::format::Stood;

/// What all records of the journal have.
const MARK: &[u8] = b"__REALTIME_TIMESTAMP";

/// A shorter list holds nothing that is looked for.
const LEAST: usize = 4;

/// Whether bytes may hold such lists.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    memmem::find(bytes, MARK).is_some() && lists(bytes, false).any(|(_, bytes)| bytes.len() >= LEAST)
}

/// Writes the text of each list, a line each.
pub(crate) fn retell(line: &[u8], out: &mut Vec<u8>, stood: &mut Stood) {
    if memmem::find(line, MARK).is_none() {
        return;
    }
    // In strings too: such a record may stand in another as text.
    for (range, bytes) in lists(line, false).filter(|(_, bytes)| bytes.len() >= LEAST) {
        stood.push((out.len(), range));
        // Other control characters are what a terminal is told, and end no line.
        out.extend(bytes.iter().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            byte => *byte,
        }));
        out.push(b'\n');
    }
}

/// A record of the journal with texts for the lists, what is no UTF-8 in them replaced; any other as it is.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    if memmem::find(text.as_bytes(), MARK).is_none() {
        return Cow::Borrowed(text);
    }
    let mut mended = String::new();
    let mut from = 0;
    for (range, bytes) in lists(text.as_bytes(), true) {
        mended.push_str(&text[from..range.start]);
        mended.push('"');
        for letter in String::from_utf8_lossy(&bytes).chars() {
            match letter {
                '"' | '\\' => mended.extend(['\\', letter]),
                letter if letter < ' ' => {
                    let _ = write!(mended, "\\u{:04x}", u32::from(letter));
                }
                letter => mended.push(letter),
            }
        }
        mended.push('"');
        from = range.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    Cow::Owned(mended + &text[from..])
}

/// The lists of byte values, and what they say; those in strings or without them.
fn lists(text: &[u8], outside: bool) -> impl Iterator<Item = (Range<usize>, Vec<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += memchr::memchr2(b'"', b'[', text.get(at..)?)?;
            if text[at] == b'"' {
                if !outside {
                    at += 1;
                    continue;
                }
                at = super::split::string_end(text, at + 1) + 1;
                continue;
            }
            let start = at;
            let (bytes, end) = list(text, start + 1);
            at = end;
            if let Some(bytes) = bytes {
                return Some((start..end, bytes));
            }
        }
    })
}

/// The values of a list behind its bracket, where all are bytes; and how far it was read.
fn list(text: &[u8], mut at: usize) -> (Option<Vec<u8>>, usize) {
    let mut bytes = Vec::new();
    loop {
        at += blanks(&text[at..]);
        let digits = text[at..]
            .iter()
            .take(4)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number = std::str::from_utf8(&text[at..at + digits])
            .ok()
            .and_then(|digits| digits.parse().ok());
        at += digits;
        let Some(byte) = number else { return (None, at) };
        bytes.push(byte);
        at += blanks(&text[at..]);
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b']') => return (Some(bytes), at + 1),
            _ => return (None, at),
        }
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JOURNAL: &str = r#""__REALTIME_TIMESTAMP":"1","#;

    #[test]
    fn lists_are_texts() {
        let check = |list: &str, told: Option<&[u8]>, mended: &str| {
            let line = format!("{{{JOURNAL}\"M\":{list}}}");
            let (mut out, mut stood) = (Vec::new(), Vec::new());
            retell(line.as_bytes(), &mut out, &mut stood);
            assert_eq!(out.strip_suffix(b"\n"), told, "{line}");
            assert_eq!(is_marked(line.as_bytes()), told.is_some(), "{line}");
            for (at, range) in stood {
                assert!(at == 0 && line[range].starts_with('['));
            }
            assert_eq!(mend(&line), format!("{{{JOURNAL}\"M\":{mended}}}"));
            let other = format!("{{\"M\":{list}}}");
            assert_eq!(mend(&other), other);
            assert!(!is_marked(other.as_bytes()));
        };
        check("[118,105, 115,\n105 , 116]", Some(b"visit"), "\"visit\"");
        check(
            "[27,91,34,92,10,255,120]",
            Some(b"\x1b[\"\\ \xffx"),
            "\"\\u001b[\\\"\\\\\\u000a\u{fffd}x\"",
        );
        check("[104,105]", None, "\"hi\"");
        for other in [
            "[]",
            "[1,2,256,4]",
            "[1,2,-3,4]",
            "[1.5,2,3,4]",
            "[\"a\",\"b\"]",
            "[118,105,115,105",
            "[118,105,115,105,",
        ] {
            check(other, None, other);
        }
        check(
            r#""{\"M\":[118,105,115,105]}""#,
            Some(b"visi"),
            r#""{\"M\":[118,105,115,105]}""#,
        );
    }

    proptest! {
        #[test]
        fn hostile_lines(text in r#"["\[\],0-9 \\é]{0,60}"#) {
            let line = format!("{JOURNAL}{text}");
            let (mut out, mut stood) = (Vec::new(), Vec::new());
            retell(line.as_bytes(), &mut out, &mut stood);
            prop_assert!(stood.iter().all(|(at, range)| *at < out.len() && line.get(range.clone()).is_some()));
            prop_assert!(stood.is_empty() || is_marked(line.as_bytes()));
            let _ = mend(&line);
        }
    }
}
