//! IPv4 addresses from the places of their dots, without a branch for each digit.

/// Reads `bytes[start..end]`, in which dots stand at the set bits of `dots` (the last bit is that of `end - 1`).
/// `None` where it is no address, or stands too near the start of `bytes`; `values::ip::parse_v4` knows better then.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], start: usize, end: usize, dots: u64) -> Option<u32> {
    if dots.count_ones() != 3 || start < 4 || end - start > 15 {
        return None;
    }
    // The dots are less than 16 bytes before the end.
    let place = |dots: u64| (end + dots.trailing_zeros() as usize).wrapping_sub(64);
    let (first, second) = (place(dots), place(dots & (dots - 1)));
    let third = end - 1 - dots.leading_zeros() as usize;
    let starts = [start, first + 1, second + 1, third + 1];
    let ends = [first, second, third, end];
    let mut words = [0; 4];
    let mut lengths = [0; 4];
    for at in 0..4 {
        words[at] = word_before(bytes, ends[at]);
        // No more than 15.
        lengths[at] = ends[at].wrapping_sub(starts[at]) as u32;
    }
    let (mut bad, mut octets) = (0, [0; 4]);
    for at in 0..4 {
        let length = lengths[at];
        // The digits in the high bytes, the last in the highest; all else is zero.
        let digits = (words[at] ^ 0x3030_3030) & (!0u32).wrapping_shl(32u32.wrapping_sub(8 * length));
        let not_digits = (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080;
        let value = (digits >> 24) + 10 * (digits >> 16 & 0xff) + 100 * (digits >> 8 & 0xff);
        bad |= not_digits | value >> 8 | u32::from(length.wrapping_sub(1) > 2);
        octets[at] = value;
    }
    let address = octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3];
    (bad == 0).then_some(address)
}

/// The four bytes before `end`, the last in the highest.
#[inline(always)]
fn word_before(bytes: &[u8], end: usize) -> u32 {
    let word: [u8; 4] = bytes[end - 4..end].try_into().expect("a slice of four bytes");
    u32::from_le_bytes(word)
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
            let bytes = format!("x  7{text}");
            let start = 4;
            let dots = text.bytes().rev().enumerate().fold(0u64, |dots, (at, byte)| {
                dots | u64::from(byte == b'.') << (63 - at)
            });
            prop_assume!(dots != 0);
            let expected = parse_v4(text.as_bytes()).map(u32::from);
            prop_assert_eq!(parse(bytes.as_bytes(), start, bytes.len(), dots), expected, "{}", text);
        }
    }
}
