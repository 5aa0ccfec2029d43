//! Hosts of URLs that are written as numbers, as browsers take them: `http://3221225993/`, `http://0xC0.0.521/`.

use std::net::IpAddr;

use perisai_values::ip;

use super::super::Hit;
use super::super::candidates::is_host;
use super::super::classify::{Masks, WORDS};
use super::Scanner;

/// The colons behind which two marks and a digit stand, as in `http://3`, and some others.
#[inline(always)]
pub(super) fn numbers_in_urls(masks: &Masks) -> [u64; WORDS] {
    let mut colons = std::array::from_fn(|word| {
        let letters = masks.word[word];
        let digit = |word: usize| masks.hex_group[word] & masks.word[word];
        let third = digit(word) >> 3 | digit(word + 1) << 61;
        masks.colon[word] & !(letters >> 1) & !(letters >> 2) & third
    });
    // What stands behind the chunk is not known.
    colons[WORDS - 1] |= masks.colon[WORDS - 1] & 7 << 61;
    colons
}

impl Scanner<'_> {
    /// Looks up the address in a URL whose colon stands there.
    #[inline(always)]
    pub(super) fn numeric_host(&self, bytes: &[u8], colon: usize, out: &mut Vec<Hit>) {
        if let Some([b':', b'/', b'/', digit]) = bytes[colon..].first_chunk()
            && digit.is_ascii_digit()
        {
            self.number(bytes, colon + 3, out);
        }
    }

    #[inline(never)]
    fn number(&self, bytes: &[u8], start: usize, out: &mut Vec<Hit>) {
        /// Four octal numbers with leading zeros.
        const LONGEST: usize = 64;
        let rest = &bytes[start..];
        let length = rest
            .iter()
            .take(LONGEST)
            .take_while(|&&byte| is_host(byte))
            .count();
        let text = rest[..length].strip_suffix(b".").unwrap_or(&rest[..length]);
        let address = std::str::from_utf8(text).ok().and_then(ip::parse_v4_number);
        if let Some(v4) = address {
            self.address(bytes, IpAddr::V4(v4), start, start + text.len(), out);
        }
    }
}
