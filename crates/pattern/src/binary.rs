//! Bytes written as hex or base64, decoded as leniently as the reference (Python's `binascii`) does.

/// Decodes pairs of hex digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?))
        .collect()
}

/// Decodes base64. Characters outside the alphabet are skipped, and so is everything behind the padding.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut position, mut pads) = (0_u8, 0, 0);
    for byte in text.bytes() {
        if byte == b'=' {
            pads += 1;
            if position >= 2 && position + pads >= 4 {
                return Some(out);
            }
            continue;
        }
        let Some(six) = base64_digit(byte) else { continue };
        pads = 0;
        match position {
            0 => {}
            1 => out.push(held << 2 | six >> 4),
            2 => out.push(held << 4 | six >> 2),
            _ => out.push(held << 6 | six),
        }
        held = six;
        position = (position + 1) % 4;
    }
    (position == 0).then_some(out)
}

fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        let check = |text: &str, expected: Option<&[u8]>| {
            assert_eq!(from_base64(text).as_deref(), expected, "{text}")
        };
        check("YWxpY2U=", Some(b"alice"));
        check("AQIDBA==", Some(&[1, 2, 3, 4]));
        check("/+8=", Some(&[0xff, 0xef]));
        check("YW\nJj", Some(b"abc"));
        check("YWJj====", Some(b"abc"));
        check("YQ==rest", Some(b"a"));
        check("YQ=", None);
        check("Y", None);
        check("", Some(b""));
        assert_eq!(from_hex("00fF"), Some(vec![0, 255]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("é0"), None);
        assert_eq!(from_hex("0g"), None);
    }
}
