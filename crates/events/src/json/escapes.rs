//! Characters that JSON writes as `\uXXXX`: a value with one of them stands in no line as it is.

use crate::format::Stood;

/// Writes each string of a line that has such a character with the character itself, a line each.
pub(super) fn retell(line: &str, out: &mut Vec<u8>, stood: &mut Stood) {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(quote) = memchr::memchr(b'"', &bytes[at..]) {
        let start = at + quote + 1;
        let end = string_end(bytes, start);
        let text = &line[start..end];
        if text.contains("\\u") {
            stood.push((out.len(), start..end));
            push_plain(text, out);
            out.push(b'\n');
        }
        at = (end + 1).min(bytes.len());
    }
}

/// The quote that ends a string which begins at `start`, or the line's end.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at = (at + 2).min(bytes.len());
    }
    bytes.len()
}

/// The text with `\uXXXX` as the characters that they are; other escapes stay, and control characters become blanks.
fn push_plain(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        let Some(first) = unit(rest) else {
            let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            out.extend_from_slice(&rest.as_bytes()[..length]);
            rest = &rest[length..];
            continue;
        };
        let second = unit(&rest[6..]);
        let units = [first, second.unwrap_or_default()];
        let (character, length) = match char::decode_utf16(units).next() {
            Some(Ok(character)) if character.len_utf16() == 2 => (character, 12),
            Some(Ok(character)) => (character, 6),
            _ => (char::REPLACEMENT_CHARACTER, 6),
        };
        let character = if character.is_control() { ' ' } else { character };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[length..];
    }
    out.extend_from_slice(rest.as_bytes());
}

/// The number of the `\uXXXX` with which a text begins.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::retold;

    fn check(line: &str, expected: &[(&str, &str)]) {
        let got = retold(&crate::json::LINES, line);
        let got: Vec<_> = got
            .iter()
            .map(|(stood, told)| (stood.as_str(), told.as_str()))
            .collect();
        assert_eq!(got, expected, "{line}");
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
            &[(r"C:\\users \u0065", r"C:\\users e"), (r"\u12", r"\u12")],
        );
        check(r#"{"a\"b":"\u0041"}"#, &[(r"\u0041", "A")]);
    }

    proptest::proptest! {
        #[test]
        fn hostile_lines(line in r#"["\\u0-9a-fdD é]{0,60}"#) {
            let (mut out, mut stood) = (Vec::new(), Vec::new());
            retell(&line, &mut out, &mut stood);
            proptest::prop_assert!(stood.iter().all(|(at, range)| *at < out.len() && line.get(range.clone()).is_some()));
        }
    }
}
