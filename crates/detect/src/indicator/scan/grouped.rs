//! Groups of hexadecimal digits: IPv6 addresses, MAC addresses, fingerprints with colons.

use std::net::IpAddr;

use perisai_model::Kind;
use perisai_values::ip;

use super::super::Hit;
use super::super::candidates::Chunk;
use super::Scanner;
use super::wide::full_bytes;

impl Scanner<'_> {
    /// Looks up the groups of a chunk: around each `::`, and in each run that covers a whole group of eight bytes.
    #[inline(always)]
    pub(super) fn groups(&mut self, chunk: Chunk<'_>, out: &mut Vec<Hit>) {
        for word in 0..chunk.words {
            let colon = self.masks.colon[word];
            let next = if word + 1 < chunk.words {
                self.masks.colon[word + 1] << 63
            } else {
                self.colon_behind(chunk)
            };
            let mut found = full_bytes(self.masks.hex_group[word]) | colon & (colon >> 1 | next);
            while found != 0 {
                let at = chunk.base + (word << 6) + found.trailing_zeros() as usize;
                found &= found - 1;
                if self.matcher.any_v6 && at >= self.done.groups {
                    self.v6_around(chunk.bytes, at, out);
                }
                if self.matcher.words.any_pairs() && at >= self.done.pairs {
                    self.pairs_around(chunk.bytes, at, out);
                }
            }
        }
    }

    /// The highest bit where the byte behind the chunk is a colon.
    fn colon_behind(&self, chunk: Chunk<'_>) -> u64 {
        u64::from(chunk.bytes.get(chunk.end()) == Some(&b':')) << 63
    }

    fn v6_around(&mut self, bytes: &[u8], at: usize, out: &mut Vec<Hit>) {
        let (mut start, mut end) = run_around(bytes, at, |byte| {
            byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
        });
        self.done.groups = end;
        // `src:2001:db8::1`: what is joined to a word ends at its first colon.
        if start > 0 && bytes[start - 1].is_ascii_alphanumeric() {
            let Some(colon) = bytes[start..end].iter().position(|&byte| byte == b':') else {
                return;
            };
            start += colon;
        }
        if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            return;
        }
        while end > start && bytes[end - 1] == b'.' {
            end -= 1;
        }
        if bytes[start..end].starts_with(b":") && !bytes[start..end].starts_with(b"::") {
            start += 1;
        }
        if bytes[start..end].ends_with(b":") && !bytes[start..end].ends_with(b"::") {
            end -= 1;
        }
        let address = std::str::from_utf8(&bytes[start..end])
            .ok()
            .and_then(ip::parse_v6)
            .map(ip::unmapped);
        // A mapped IPv4 address is found by its dots.
        if let Some(address @ IpAddr::V6(_)) = address {
            self.address(bytes, address, start, end, out);
        }
    }

    fn pairs_around(&mut self, bytes: &[u8], at: usize, out: &mut Vec<Hit>) {
        let (start, end) = run_around(bytes, at, |byte| {
            byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-')
        });
        self.done.pairs = end;
        let joined = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let run = &bytes[start..end];
        let shape = run.len() % 3 == 2
            && run
                .iter()
                .enumerate()
                .all(|(at, byte)| matches!(byte, b':' | b'-') == (at % 3 == 2))
            && !joined(start.checked_sub(1).map(|at| &bytes[at]))
            && !joined(bytes.get(end));
        if !shape {
            return;
        }
        match (run.len() + 1) / 3 {
            6 => self.mac(bytes, start, out),
            // A frame's head as netfilter logs it: receiver, sender, type.
            14 => {
                self.mac(bytes, start, out);
                self.mac(bytes, start + 18, out);
            }
            20 | 32 => {
                let digits: Vec<u8> = run.iter().copied().filter(u8::is_ascii_hexdigit).collect();
                self.word(&digits, &[Kind::X509Sha1, Kind::X509Sha256], start, end, out);
            }
            _ => {}
        }
    }

    fn mac(&self, bytes: &[u8], start: usize, out: &mut Vec<Hit>) {
        let end = start + 17;
        let text: Vec<u8> = bytes[start..end]
            .iter()
            .map(|&byte| if byte == b'-' { b':' } else { byte })
            .collect();
        self.word(&text, &[Kind::Mac], start, end, out);
    }

    /// Looks up a word that stands in another form at `start..end`, as some kinds only.
    fn word(&self, text: &[u8], kinds: &[Kind], start: usize, end: usize, out: &mut Vec<Hit>) {
        let matcher = self.matcher;
        matcher
            .words
            .walk(&matcher.indicators, text, 0, text.len(), |indicator| {
                if kinds.contains(&matcher.value(indicator).0) {
                    out.push(Hit {
                        start,
                        end,
                        indicator,
                    });
                }
            });
    }
}

/// The run of bytes of a class around one, up to the length of the longest fingerprint on either side.
fn run_around(bytes: &[u8], at: usize, class: fn(u8) -> bool) -> (usize, usize) {
    const LONGEST: usize = 128;
    let before = bytes[..at]
        .iter()
        .rev()
        .take(LONGEST)
        .take_while(|&&byte| class(byte))
        .count();
    let behind = bytes[at..]
        .iter()
        .take(LONGEST)
        .take_while(|&&byte| class(byte))
        .count();
    (at - before, at + behind)
}
