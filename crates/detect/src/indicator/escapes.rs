//! What stands before a name and does not belong to it: the letter of a JSON escape (`\nevil.example`), the digits of a
//! percent-encoded byte (`%2Fevil.example`).

/// Where else a name that seems to start at `start` may start.
#[inline]
pub(super) fn other_start(bytes: &[u8], start: usize) -> Option<usize> {
    let before = *bytes.get(start.wrapping_sub(1))?;
    if before != b'\\' && before != b'%' {
        return None;
    }
    let hex = |range: std::ops::Range<usize>| {
        bytes
            .get(range)
            .is_some_and(|part| part.iter().all(u8::is_ascii_hexdigit))
    };
    if before == b'%' {
        return hex(start..start + 2).then_some(start + 2);
    }
    match bytes[start] {
        b'n' | b'r' | b't' | b'b' | b'f' => Some(start + 1),
        b'u' if hex(start + 1..start + 5) => Some(start + 5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts() {
        let check =
            |text: &str, start, expected| assert_eq!(other_start(text.as_bytes(), start), expected, "{text}");
        check(r"\nevil.example", 1, Some(2));
        check(r"\u003devil.example", 1, Some(6));
        check("%2Fevil.example", 1, Some(3));
        check(r"\evil.example", 1, None);
        check("/evil.example", 1, None);
        check("evil.example", 0, None);
        check("%2", 1, None);
    }
}
