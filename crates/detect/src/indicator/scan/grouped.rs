//! Groups of hexadecimal digits: IPv6 addresses, MAC addresses, fingerprints with colons.

use perisai_model::Kind;
use perisai_values::ip;

use super::super::Hit;
use super::super::candidates::Chunk;
use super::super::classify::{Mask, Masks, WORDS};
use super::super::escapes;
use super::Scanner;
use super::dotted::is_end_of_connection;
use super::numeric::numbers_in_urls;
use super::words::full_bytes;

impl Scanner<'_> {
    /// Looks up the groups of a chunk: around each `::`, and where many separators stand between digits; and the hosts
    /// of URLs that are written as numbers.
    #[inline(always)]
    pub(super) fn groups(&mut self, chunk: Chunk<'_>, out: &mut Vec<Hit>) {
        let behind = chunk.bytes.get(chunk.end());
        self.masks.colon[chunk.words] = u64::from(behind == Some(&b':'));
        let doubles = doubles(&self.masks);
        let separators = separators(&self.masks);
        let numbers = numbers_in_urls(&self.masks);
        // What is written in groups reaches over two words at the most, but for fingerprints, which fill them.
        let (mut before, mut here) = (FEWEST, separators[0].count_ones());
        for word in 0..chunk.words {
            let next = separators[word + 1].count_ones();
            let last = word + 1 == chunk.words;
            let many = last || before + here >= FEWEST || here + next >= FEWEST;
            (before, here) = (here, next);
            if many || doubles[word] != 0 {
                self.groups_of(chunk, word, doubles[word], out);
            }
            for bit in ones(numbers[word]) {
                self.numeric_host(chunk.bytes, chunk.base + (word << 6) + bit, out);
            }
        }
    }

    /// Looks up the groups of a word of the masks: around each `::`, and in each run that covers a group of eight bytes.
    #[inline(never)]
    fn groups_of(&mut self, chunk: Chunk<'_>, word: usize, double: u64, out: &mut Vec<Hit>) {
        let base = chunk.base + (word << 6);
        let (colon, group) = (self.masks.colon[word], self.masks.hex_group[word]);
        let full = full_bytes(group);
        if self.matcher.any_v6 {
            // Eight bytes of an address without `::` hold a colon.
            for at in ones(full & any_in_byte(colon) | double).map(|bit| base + bit) {
                if at >= self.done.groups && self.may_be_v6(chunk, at) {
                    self.v6_around(chunk.bytes, at, out);
                }
            }
        }
        if self.matcher.words.any_pairs() {
            // Of pairs, each third byte is a separator.
            let separators = group & !self.masks.word[word];
            for at in ones(full & third_in_byte(separators)).map(|bit| base + bit) {
                if at >= self.done.pairs {
                    self.pairs_around(chunk, at, out);
                }
            }
        }
    }

    /// The run of hexadecimal digits, colons and dashes around a place, if it is whole in the masks: its end, its
    /// length, and a window on its colons.
    #[inline(always)]
    fn run_of_groups(&self, chunk: Chunk<'_>, at: usize) -> Option<(usize, u32, u64)> {
        let end = chunk.run_end_inside(&self.masks.hex_group, at)?;
        let length = (!chunk.window(&self.masks.hex_group, end)).leading_zeros();
        let whole = length < 64 && end - length as usize > chunk.base;
        whole.then(|| {
            (
                end,
                length,
                chunk.window(&self.masks.colon, end) & (!0 << (64 - length)),
            )
        })
    }

    /// False for most runs that are no address: those without `::` and with too few or too many colons.
    #[inline(always)]
    fn may_be_v6(&mut self, chunk: Chunk<'_>, at: usize) -> bool {
        let Some((end, length, colons)) = self.run_of_groups(chunk, at) else {
            return true;
        };
        let dashed = chunk.window(&self.masks.host, end)
            & !chunk.window(&self.masks.word, end)
            & (!0 << (64 - length));
        // Six where the last two groups are written as an IPv4 address, nine with one on each side that is not of it;
        // more where a dash joins two addresses.
        let most = if dashed == 0 { 9 } else { 64 };
        let may = colons & colons << 1 != 0 || (6..=most).contains(&colons.count_ones());
        if !may {
            self.done.groups = end;
        }
        may
    }

    fn v6_around(&mut self, bytes: &[u8], at: usize, out: &mut Vec<Hit>) {
        let (mut start, mut end) = run_around(bytes, at, |byte| {
            byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
        });
        self.done.groups = end;
        if let Some(behind) = escapes::end_near(bytes, start, end) {
            start = behind;
        } else if start > 0 && bytes[start - 1].is_ascii_alphanumeric() {
            // `src:2001:db8::1`: what is joined to a word ends at its first colon.
            let Some(colon) = bytes[start..end].iter().position(|&byte| byte == b':') else {
                return;
            };
            start += colon;
        }
        let port = bytes[start..end].iter().position(|&byte| byte == b'.');
        if port.is_some_and(|length| self.v6_with_port(bytes, start, start + length, out))
            || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
        {
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
        // An IPv4 address may be mapped into it in hexadecimal digits.
        if let Some(address) = address {
            self.address(bytes, address, start, end, out);
        }
    }

    /// The address of `2001:db8::9.53`, an end of a connection as tcpdump writes it; the port, behind the dot at `dot`,
    /// may have a name. False where it is none.
    #[cold]
    fn v6_with_port(&self, bytes: &[u8], start: usize, dot: usize, out: &mut Vec<Hit>) -> bool {
        let port = bytes[dot + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        if !is_end_of_connection(bytes, start, dot + 1 + port) {
            return false;
        }
        let text = std::str::from_utf8(&bytes[start..dot]).unwrap_or_default();
        let address = ip::parse_v6(text).map(ip::unmapped);
        address.is_some_and(|address| {
            self.address(bytes, address, start, dot, out);
            true
        })
    }

    /// The run of pairs around a place, if it is one.
    #[inline(always)]
    fn pairs_around(&mut self, chunk: Chunk<'_>, at: usize, out: &mut Vec<Hit>) {
        let bytes = chunk.bytes;
        let (start, end) = match self.run_of_groups(chunk, at) {
            Some((end, length, colons)) => {
                self.done.pairs = end;
                let inside = !0 << (64 - length);
                let dashes =
                    chunk.window(&self.masks.host, end) & !chunk.window(&self.masks.word, end) & inside;
                let start = end - length as usize;
                if length % 3 == 2 && colons | dashes == SEPARATORS & inside {
                    return self.pairs(bytes, start, end, out);
                }
                (start, end)
            }
            None => {
                let (start, end) = run_around(bytes, at, is_group);
                self.done.pairs = end;
                (start, end)
            }
        };
        let starts = [Some(start), escapes::end_near(bytes, start, end)];
        let start = starts
            .into_iter()
            .flatten()
            .find(|&start| start < end && are_pairs(&bytes[start..end]));
        if let Some(start) = start {
            self.pairs(bytes, start, end, out);
        }
    }

    /// What a run of pairs is goes by their number.
    fn pairs(&self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        let joined = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let before = start.checked_sub(1).map(|at| &bytes[at]);
        if joined(before) && !escapes::end_at(bytes, start) || joined(bytes.get(end)) {
            return;
        }
        let count = (end - start + 1) / 3;
        match count {
            6 => self.word::<2>(bytes, start, end, &[Kind::Mac], out),
            // A frame's head as netfilter logs it: receiver, sender, type.
            14 => {
                self.word::<2>(bytes, start, start + 17, &[Kind::Mac], out);
                self.word::<2>(bytes, start + 18, start + 35, &[Kind::Mac], out);
            }
            20 | 32 => self.word::<2>(bytes, start, end, &[Kind::X509Sha1, Kind::X509Sha256], out),
            _ => {}
        }
        if count <= LONGEST_SERIAL && self.matcher.words.any_serials() {
            // A serial number is listed without the zeros before it.
            let zeros = bytes[start..end]
                .iter()
                .take_while(|byte| matches!(byte, b'0' | b':' | b'-'));
            let zeros = zeros.count();
            let first = start + zeros / 3 * 3;
            self.word::<2>(bytes, first, end, &[Kind::X509Serial], out);
        }
    }

    /// A MAC address as switches write it: `0016.3eaa.bbcc`, at the end of a run with dots.
    #[cold]
    pub(super) fn dotted_mac(&self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        const LENGTH: usize = 14;
        let Some(from) = end.checked_sub(LENGTH) else {
            return;
        };
        let separated =
            |(at, byte): (usize, &u8)| (at % 5 == 4) == (*byte == b'.') && (is_group(*byte) || *byte == b'.');
        let alone = from == start || escapes::other_start(bytes, start) == Some(from);
        if alone && bytes[from..end].iter().enumerate().all(separated) {
            self.word::<4>(bytes, from, end, &[Kind::Mac], out);
        }
    }

    /// Looks up, as some kinds only, what stands in groups of so many digits with a separator between each two; no more
    /// than 64 digits.
    fn word<const GROUP: usize>(
        &self,
        bytes: &[u8],
        start: usize,
        end: usize,
        kinds: &[Kind],
        out: &mut Vec<Hit>,
    ) {
        /// Hashes are read in pieces, from bytes before the text, too.
        const BEFORE: usize = 16;
        let mut text = [0; BEFORE + 64];
        let groups = bytes[start..end].chunks(GROUP + 1);
        let stop = BEFORE + groups.len() * GROUP;
        for (digits, group) in text[BEFORE..stop].chunks_exact_mut(GROUP).zip(groups) {
            digits.copy_from_slice(&group[..GROUP]);
        }
        let from = BEFORE + usize::from(kinds == [Kind::X509Serial] && text[BEFORE] == b'0');
        let matcher = self.matcher;
        matcher
            .words
            .walk(&matcher.indicators, &text, from, stop, |indicator| {
                if kinds.contains(&matcher.value(indicator).0) {
                    out.push(Hit::new(start, end, indicator));
                }
            });
    }
}

/// True where each third byte is a separator, and no other.
fn are_pairs(run: &[u8]) -> bool {
    let separated = |(at, byte): (usize, &u8)| matches!(byte, b':' | b'-') == (at % 3 == 2);
    run.len() % 3 == 2 && run.iter().enumerate().all(separated)
}

fn is_group(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-')
}

/// The colons behind which another stands.
#[inline(always)]
fn doubles(masks: &Masks) -> [u64; WORDS] {
    std::array::from_fn(|word| {
        let colon = masks.colon[word];
        colon & (colon >> 1 | masks.colon[word + 1] << 63)
    })
}

/// The separators that stand between digits, or at either end of a word of the masks, where a digit may be their neighbour.
#[inline(always)]
fn separators(masks: &Masks) -> Mask {
    std::array::from_fn(|word| {
        let group = masks.hex_group[word];
        let digits = group & masks.word[word];
        group & !digits & (digits << 1 | 1) & (digits >> 1 | 1 << 63)
    })
}

/// Bytes to a serial number (RFC 5280, section 4.1.2.2), with the zero that keeps it positive.
const LONGEST_SERIAL: usize = 21;

/// The fewest separators of what is looked for: those of a MAC address.
const FEWEST: u32 = 5;

/// The places of the bits that are set, ascending.
#[inline(always)]
fn ones(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = mask.trailing_zeros() as usize;
        (mask != 0).then(|| {
            mask &= mask - 1;
            at
        })
    })
}

/// Sets the lowest bit of each group of eight bits with any bit set.
#[inline(always)]
fn any_in_byte(mask: u64) -> u64 {
    let pairs = mask | mask >> 1;
    let fours = pairs | pairs >> 2;
    (fours | fours >> 4) & LOWEST
}

/// Sets the lowest bit of each group of eight bits in which each third bit is set, and no other.
#[inline(always)]
fn third_in_byte(mask: u64) -> u64 {
    let equal = |byte: u64| !any_in_byte(mask ^ (byte * LOWEST)) & LOWEST;
    equal(0b0100_1001) | equal(0b1001_0010) | equal(0b0010_0100)
}

/// Where the separators of pairs stand in a window that ends with one.
const SEPARATORS: u64 = {
    let (mut mask, mut bit) = (0, 61);
    while bit > 0 {
        mask |= 1 << bit;
        bit -= 3;
    }
    mask
};

/// The lowest bit of each group of eight.
const LOWEST: u64 = 0x0101_0101_0101_0101;

/// The run of bytes of a class around one, up to the length of the longest fingerprint on either side.
#[inline(always)]
fn run_around(bytes: &[u8], at: usize, class: impl Fn(u8) -> bool) -> (usize, usize) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_eight_bits() {
        assert_eq!(any_in_byte(0x8000_0000_0000_0001), 0x0100_0000_0000_0001);
        assert_eq!(third_in_byte(0x4992_2400_ff49_0092), 0x0101_0100_0001_0001);
        assert_eq!(ones(0b1010).collect::<Vec<_>>(), [1, 3]);
    }
}
