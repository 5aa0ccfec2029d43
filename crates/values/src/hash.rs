//! Hexadecimal values: digests, certificate serials, MAC addresses, JA4.

use std::borrow::Cow;

pub(crate) fn canonical(text: &str, length: usize) -> Result<Cow<'_, str>, &'static str> {
    if text.len() != length {
        return Err("the wrong number of hexadecimal digits");
    }
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a character that is no hexadecimal digit");
    }
    Ok(lower(text))
}

/// Certificate fingerprints also come as `AA:BB:…`.
pub(crate) fn canonical_with_colons(text: &str, length: usize) -> Result<Cow<'_, str>, &'static str> {
    if text.contains(':') {
        return canonical(&without_separators(text), length).map(|digits| Cow::Owned(digits.into_owned()));
    }
    canonical(text, length)
}

/// A serial number: hexadecimal digits in lower case, without separators or leading zeros.
pub(crate) fn canonical_serial(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.contains([':', ' ']) {
        return canonical_serial(&without_separators(digits)).map(|digits| Cow::Owned(digits.into_owned()));
    }
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("not a hexadecimal number");
    }
    let short = digits.trim_start_matches('0');
    Ok(lower(if short.is_empty() { "0" } else { short }))
}

/// Six pairs in lower case with colons; `-`, `.` and no separator are read too.
pub(crate) fn canonical_mac(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b':' | b'-' | b'.'))
        .collect();
    let separators = text.len() - digits.len();
    if digits.len() != 12 || !matches!(separators, 0 | 2 | 5) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("not six pairs of hexadecimal digits");
    }
    let mut out = String::with_capacity(17);
    for (at, digit) in digits.iter().enumerate() {
        if at > 0 && at % 2 == 0 {
            out.push(':');
        }
        out.push(char::from(digit.to_ascii_lowercase()));
    }
    Ok(if out == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(out)
    })
}

/// JA4: `t13d1516h2_8daaf6152771_b186095e22b6`.
pub(crate) fn canonical_ja4(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = lower(text);
    let bytes = text.as_bytes();
    let shape = bytes.len() == 36
        && matches!(bytes[0], b't' | b'q' | b'd')
        && matches!(bytes[3], b'd' | b'i')
        && bytes[10] == b'_'
        && bytes[23] == b'_'
        && bytes[4..8].iter().all(u8::is_ascii_digit)
        && bytes[..10].iter().all(u8::is_ascii_alphanumeric)
        && bytes[11..23]
            .iter()
            .chain(&bytes[24..])
            .all(u8::is_ascii_hexdigit);
    if shape {
        Ok(text)
    } else {
        Err("not of the form a_b_c with 10, 12 and 12 characters")
    }
}

fn without_separators(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ':' | ' ')).collect()
}

pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_values() {
        assert_eq!(
            canonical("D41D8CD98F00B204E9800998ECF8427E", 32).unwrap(),
            "d41d8cd98f00b204e9800998ecf8427e"
        );
        assert!(canonical("d41d", 32).is_err());
        assert!(canonical("zz1d8cd98f00b204e9800998ecf8427e", 32).is_err());
        assert_eq!(canonical_serial("0A:00:ff").unwrap(), "a00ff");
        assert_eq!(canonical_serial("000").unwrap(), "0");
        for mac in [
            "00-16-3E-AA-BB-CC",
            "0016.3eaa.bbcc",
            "00163eaabbcc",
            "00:16:3e:aa:bb:cc",
        ] {
            assert_eq!(canonical_mac(mac).unwrap(), "00:16:3e:aa:bb:cc");
        }
        assert!(canonical_mac("00:16:3e:aa:bb").is_err());
        assert!(canonical_ja4("t13d1516h2_8daaf6152771_b186095e22b6").is_ok());
        assert!(canonical_ja4("t13d1516h2-8daaf6152771-b186095e22b6").is_err());
    }
}
