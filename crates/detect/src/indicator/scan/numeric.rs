//! Hosts of URLs that are written as numbers, as browsers take them: `http://3221225993/`, `http://0xC0.0.521/`.

use std::net::IpAddr;

use perisai_values::ip;

use super::super::Hit;
use super::super::candidates::is_host;
use super::Scanner;

impl Scanner<'_> {
    /// The colons in a word of the masks behind which two marks and a digit stand, as in `http://3`, and some others.
    #[inline(always)]
    pub(super) fn numbers_in_urls(&self, word: usize) -> u64 {
        let letters = self.masks.word[word];
        let digit = self.masks.hex_group[word] & letters;
        // What stands behind the word of the masks is not known.
        self.masks.colon[word] & !(letters >> 1) & !(letters >> 2) & (digit >> 3 | 7 << 61)
    }

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
