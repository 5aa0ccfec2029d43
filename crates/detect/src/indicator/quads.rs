//! IPv4 addresses from the places of their dots, without a branch for each digit.

/// Reads `bytes[start..end]`, in which dots stand at the set bits of `dots` (the last bit is that of `end - 1`).
/// `None` where it is no address, or stands too near the start of `bytes`; `values::ip::parse_v4` knows better then.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], start: usize, end: usize, dots: u64) -> Option<u32> {
    if dots.count_ones() != 3 || start < 3 || end - start > 15 {
        return None;
    }
    // The dots are less than 16 bytes before the end.
    let place = |dots: u64| (end + dots.trailing_zeros() as usize).wrapping_sub(64);
    let (first, second) = (place(dots), place(dots & (dots - 1)));
    let third = end - 1 - dots.leading_zeros() as usize;
    let octets = [
        octet(bytes, start, first),
        octet(bytes, first + 1, second),
        octet(bytes, second + 1, third),
        octet(bytes, third + 1, end),
    ];
    // A part that is no octet has bits above the low eight.
    let address = octets
        .iter()
        .fold(0u64, |address, octet| address << 8 | u64::from(*octet));
    let bad = octets.iter().fold(0, |bad, octet| bad | octet >> 8);
    (bad == 0).then_some(address as u32)
}

/// The number of one to three digits in `bytes[start..end]`, or more than 255.
#[inline(always)]
fn octet(bytes: &[u8], start: usize, end: usize) -> u32 {
    let length = end - start;
    if length.wrapping_sub(1) > 2 {
        return 1 << 31;
    }
    let word: [u8; 4] = bytes[end - 4..end].try_into().expect("a slice of four bytes");
    let digits = (u32::from_le_bytes(word) ^ 0x3030_3030) & (!0 << (32 - 8 * length));
    let not_digits = (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080;
    let value = (digits >> 24) + 10 * (digits >> 16 & 0xff) + 100 * (digits >> 8 & 0xff);
    value | (not_digits << 8) | not_digits
}

#[cfg(test)]
mod tests {
    use perisai_values::ip::parse_v4;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reads_what_the_careful_parser_reads(text in "[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a:/.~]{1,3}(\\.[0-9a]{1,4}){2,4}") {
            prop_assume!(text.len() <= 64 && !text.contains(".."));
            let bytes = format!("x 7{text}");
            let start = 3;
            let dots = text.bytes().rev().enumerate().fold(0u64, |dots, (at, byte)| {
                dots | u64::from(byte == b'.') << (63 - at)
            });
            prop_assume!(dots != 0);
            let expected = parse_v4(text.as_bytes()).map(u32::from);
            prop_assert_eq!(parse(bytes.as_bytes(), start, bytes.len(), dots), expected, "{}", text);
        }
    }
}
