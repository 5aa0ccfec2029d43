//! Characters that JSON writes as `\uXXXX`, and slashes behind backslashes in JSON inside JSON: a value with one of them
//! stands in no line as it is. JSON stands in lines of any format: behind a syslog head, in a wrapper's record, among
//! plain text.

use memchr::memmem;

use crate::format::Stood;

/// Whether bytes hold what is told again. Most logs have no backslash at all, which is seen soonest.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    let Some(first) = memchr::memchr(b'\\', bytes) else {
        return false;
    };
    let bytes = &bytes[first..];
    let digits = |at: usize| bytes.get(at + 2..at + 6).is_some_and(is_hex);
    memmem::find_iter(bytes, b"\\u").any(digits) || memmem::find(bytes, b"\\\\/").is_some()
}

/// Writes each part of a line between two quotes that has such a character with the character itself, a line each.
pub(crate) fn retell(line: &[u8], out: &mut Vec<u8>, stood: &mut Stood) {
    let mut start = 0;
    while start < line.len() {
        let quote = memchr::memchr(b'"', &line[start..]);
        let end = quote.map_or(line.len(), |at| start + at);
        // A backslash at the end is the quote's.
        let length = line[start..end].iter().rposition(|byte| *byte != b'\\');
        let text = &line[start..start + length.map_or(0, |at| at + 1)];
        if is_marked(text) {
            stood.push((out.len(), start..start + text.len()));
            push_plain(text, out);
            out.push(b'\n');
        }
        start = end + 1;
    }
}

/// The text with `\uXXXX` as the characters that they are, and slashes without backslashes, however deep the JSON stands
/// in other JSON; other escapes stay, and control characters become blanks.
fn push_plain(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let slashes = backslashes(&rest[at..]);
        let behind = &rest[at + slashes..];
        if behind.starts_with(b"/") {
            rest = behind;
            continue;
        }
        let Some(first) = unit(behind) else {
            out.extend_from_slice(&rest[at..at + slashes]);
            rest = behind;
            continue;
        };
        rest = &behind[5..];
        let slashes = backslashes(rest);
        let second = unit(&rest[slashes..]).filter(|_| slashes > 0);
        let units = [first, second.unwrap_or_default()];
        let character = match char::decode_utf16(units).next() {
            Some(Ok(character)) => character,
            _ => char::REPLACEMENT_CHARACTER,
        };
        if character.len_utf16() == 2 {
            rest = &rest[slashes + 5..];
        }
        let character = if character.is_control() { ' ' } else { character };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.extend_from_slice(rest);
}

/// How many backslashes a text begins with.
fn backslashes(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b'\\').count()
}

/// The number of the `uXXXX` with which a text begins.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex(digits))?;
    u16::from_str_radix(digits, 16).ok()
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, expected: &[(&str, &str)]) {
        let (mut out, mut stood) = (Vec::new(), Vec::new());
        retell(line.as_bytes(), &mut out, &mut stood);
        let out = String::from_utf8(out).unwrap();
        let told = |at: usize| out[at..].lines().next().unwrap();
        let got: Vec<_> = stood
            .iter()
            .map(|(at, range)| (&line[range.clone()], told(*at)))
            .collect();
        assert_eq!(got, expected, "{line}");
        assert_eq!(is_marked(line.as_bytes()), !expected.is_empty(), "{line}");
    }

    #[test]
    fn strings_with_escapes() {
        check(r#"{"a":"plain \n text"}"#, &[]);
        check(
            r#"{"u":"x?a=1\u0026b=2","v":1}"#,
            &[(r"x?a=1\u0026b=2", "x?a=1&b=2")],
        );
        check(
            r#"{"u":"m\u00fcnchen-evil.de"}"#,
            &[(r"m\u00fcnchen-evil.de", "münchen-evil.de")],
        );
        check(
            r#"{"u":"\ud83d\ude00 \ud800 \u001b[0m"}"#,
            &[(r"\ud83d\ude00 \ud800 \u001b[0m", "😀 \u{fffd}  [0m")],
        );
        check(
            r#"{"u":"C:\\users \u0065","v":"\u12"#,
            &[(r"C:\\users \u0065", r"C:\\users e")],
        );
        check(r#"{"a\"b":"\u0041"}"#, &[(r"\u0041", "A")]);
        check(
            r#"{"u":"C:\\users\\u\\/x\uD83Dx"}"#,
            &[(r"C:\\users\\u\\/x\uD83Dx", r"C:\\users\\u/x�x")],
        );
    }

    #[test]
    fn escapes_in_any_line() {
        check(
            r"u=x?a=1\u0026b=2 c:\users",
            &[(r"u=x?a=1\u0026b=2 c:\users", r"u=x?a=1&b=2 c:\users")],
        );
        check(r"c:\users\x, http:\/\/x, \u12 é\u", &[]);
        // JSON inside JSON, twice.
        check(
            r#"{"log":"{\"u\":\"http:\\/\\/x?a=1\\u0026b=2\"}\n"}"#,
            &[(r"http:\\/\\/x?a=1\\u0026b=2", "http://x?a=1&b=2")],
        );
        check(
            r#"{\"u\":\"{\\\"u\\\":\\\"\\\\ud83d\\\\ude00\\\"}\""#,
            &[(r"\\\\ud83d\\\\ude00", "😀")],
        );
        check(r#""http:\\\/\\\/x""#, &[(r"http:\\\/\\\/x", "http://x")]);
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let mut out = Vec::new();
        retell(b"\xff\\u0041\xfe\\u00", &mut out, &mut Vec::new());
        assert_eq!(out, b"\xffA\xfe\\u00\n");
    }

    proptest! {
        #[test]
        fn hostile_lines(line in r#"["\\u/0-9a-fdD é]{0,60}"#) {
            let (mut out, mut stood) = (Vec::new(), Vec::new());
            retell(line.as_bytes(), &mut out, &mut stood);
            prop_assert!(stood.iter().all(|(at, range)| *at < out.len() && line.get(range.clone()).is_some()));
            // A line of a block that is passed by has nothing to tell.
            prop_assert!(stood.is_empty() || is_marked(line.as_bytes()));
        }
    }
}
