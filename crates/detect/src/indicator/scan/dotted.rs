//! Runs with dots: names and IPv4 addresses.

use perisai_values::{domain, ip};

use super::super::candidates::{Chunk, char_before, char_behind, is_host, joins_names};
use super::super::escapes::other_start;
use super::super::{Hit, hash, quads};
use super::{AddressCandidate, NameCandidate, Scanner};

impl Scanner<'_> {
    /// Finds the runs with dots that end in a chunk, and queues those that may be listed.
    #[inline(always)]
    pub(super) fn dotted(&mut self, chunk: Chunk<'_>, defang: bool, out: &mut Vec<Hit>) {
        let mut places = std::mem::take(&mut self.places);
        let mut found = 0;
        for word in 0..chunk.words {
            let (host, dot) = (self.masks.host[word], self.masks.dot[word]);
            // Adding a run's dots to the run carries into the bit behind it: one bit for each run with dots.
            let (sum, carry) = host.overflowing_add(dot);
            let (sum, other) = sum.overflowing_add(self.carry);
            self.carry = u64::from(carry | other);
            found = places.add(sum & !host, chunk.base + (word << 6), found);
        }
        for &end in places.first(found) {
            self.run_before(chunk, end as usize, defang, out);
        }
        if self.carry != 0 && chunk.end() == chunk.bytes.len() {
            self.carry = 0;
            self.run_before(chunk, chunk.end(), defang, out);
        }
        self.places = places;
    }

    /// The run with dots that ends here: the short way where the masks show it whole.
    #[inline(always)]
    fn run_before(&mut self, chunk: Chunk<'_>, end: usize, defang: bool, out: &mut Vec<Hit>) {
        if end > chunk.base {
            let [host, dots] = chunk.windows([&self.masks.host, &self.masks.dot], end);
            let length = (!host).leading_zeros() as usize;
            if length < 64 && end - length > chunk.base {
                let inside = !0 << (64 - length);
                return self.run(chunk, end - length, end, dots & inside, defang, out);
            }
        }
        let start = chunk.run_start(&self.masks.host, is_host, end);
        if end - start == 1 {
            return self.lone_dot(chunk.bytes, start, defang, out);
        }
        self.slow_run(chunk.bytes, start, end, out);
    }

    /// A dot that touches nothing that names are made of: it may stand in brackets.
    fn lone_dot(&mut self, bytes: &[u8], dot: usize, defang: bool, out: &mut Vec<Hit>) {
        if defang && dot >= self.done.defanged {
            self.defanged(bytes, dot, out);
        }
    }

    /// Queues a run; the last bit of its `dots` is that of `end - 1`.
    #[inline(always)]
    fn run(
        &mut self,
        chunk: Chunk<'_>,
        mut start: usize,
        mut end: usize,
        mut dots: u64,
        defang: bool,
        out: &mut Vec<Hit>,
    ) {
        let bytes = chunk.bytes;
        if end - start == 1 {
            return self.lone_dot(bytes, start, defang, out);
        }
        let high = || chunk.window(&self.masks.high, end) & (!0 << (64 - (end - start)));
        if dots & dots << 1 != 0 || self.masks.any_high() && high() != 0 {
            return self.slow_run(bytes, start, end, out);
        }
        // There is no more than one dot at either end.
        if dots >> 63 != 0 {
            dots <<= 1;
            end -= 1;
        }
        let first = 1 << (64 - (end - start));
        if dots & first != 0 {
            dots ^= first;
            start += 1;
        }
        if dots == 0 {
            return;
        }
        let last = end - 1 - dots.leading_zeros() as usize;
        if dots.count_ones() >= 3 && bytes[last + 1].is_ascii_digit() {
            if let Some(address) = quads::parse(bytes, start, end, dots) {
                self.push_address(address, start, end);
                if let Some(other) = other_start(bytes, start) {
                    self.queue_address(bytes, other, end);
                }
                return;
            }
            if self.queue_address(bytes, start, end) {
                return;
            }
            self.addresses_within(bytes, start, end);
        }
        if dots.count_ones() == 4 && bytes[last - 1].is_ascii_digit() {
            self.address_with_port(bytes, start, end);
        }
        let others = dots & !(1 << (63 - dots.leading_zeros()));
        let before = if others == 0 {
            start
        } else {
            end - others.leading_zeros() as usize
        };
        self.queue_name(bytes, start, before, last, end, out);
    }

    /// Queues a name by its last two labels, `bytes[before..last]` and `bytes[last + 1..end]`.
    #[inline(always)]
    fn queue_name(
        &mut self,
        bytes: &[u8],
        start: usize,
        before: usize,
        last: usize,
        end: usize,
        out: &mut Vec<Hit>,
    ) {
        if (last - before, end - last) == (4, 5) && self.matcher.words.any_pairs() {
            self.dotted_mac(bytes, start, end, out);
        }
        let names = &self.matcher.names;
        let parent = hash::child(names.root, bytes, last + 1, end);
        if !names.knows_last_label(parent) {
            return;
        }
        let hash = hash::child(parent, bytes, before, last);
        names.prefetch(hash);
        self.names.push(NameCandidate { hash, start, end });
        if before == start
            && let Some(other) = other_start(bytes, start).filter(|&other| other < last)
        {
            let hash = hash::child(parent, bytes, other, last);
            names.prefetch(hash);
            self.names.push(NameCandidate { hash, start, end });
        }
    }

    #[inline(always)]
    fn push_address(&mut self, address: u32, start: usize, end: usize) {
        self.matcher.addresses.prefetch(address);
        self.addresses.push(AddressCandidate { address, start, end });
    }

    /// Queues an IPv4 address; false where it is none.
    #[inline(never)]
    fn queue_address(&mut self, bytes: &[u8], start: usize, end: usize) -> bool {
        let starts = [Some(start), other_start(bytes, start)];
        let mut found = false;
        for start in starts.into_iter().flatten().filter(|&start| start < end) {
            if let Some(address) = ip::parse_v4(&bytes[start..end]) {
                self.push_address(u32::from(address), start, end);
                found = true;
            }
        }
        found
    }

    /// Queues the address of `192.0.2.9.53`, an end of a connection as tcpdump writes it (`… > …`); the port may have a
    /// name.
    #[inline(never)]
    fn address_with_port(&mut self, bytes: &[u8], start: usize, end: usize) {
        if !is_end_of_connection(bytes, start, end) {
            return;
        }
        let port = bytes[start..end].iter().rposition(|&byte| byte == b'.');
        if let Some(length) = port {
            self.queue_address(bytes, start, start + length);
        }
    }

    /// Queues addresses that are joined by `-` or `_` (`10.0.0.1-10.0.0.9`).
    #[cold]
    fn addresses_within(&mut self, bytes: &[u8], start: usize, end: usize) {
        let mut at = start;
        for piece in bytes[start..end].split(|byte| matches!(byte, b'-' | b'_')) {
            let dots = piece.iter().rev().take_while(|&&byte| byte == b'.').count();
            if piece.len() < end - start {
                self.queue_address(bytes, at, at + piece.len() - dots);
            }
            at += piece.len() + 1;
        }
    }

    /// A run that is long, crosses a chunk's edge, has an empty label, or letters beyond ASCII.
    #[cold]
    fn slow_run(&mut self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        if bytes[start..end].is_ascii() {
            return self.slow_ascii_run(bytes, start, end, out);
        }
        let mut ascii = start;
        while ascii < end {
            let length = bytes[ascii..end]
                .iter()
                .take_while(|byte| byte.is_ascii())
                .count();
            let joined = |c: Option<char>| c.is_some_and(joins_names);
            if length > 0 && !joined(char_before(bytes, ascii)) && !joined(char_behind(bytes, ascii + length))
            {
                self.slow_ascii_run(bytes, ascii, ascii + length, out);
            }
            ascii += length
                + bytes[ascii + length..end]
                    .iter()
                    .take_while(|byte| !byte.is_ascii())
                    .count();
        }
        self.international(bytes, start, end, out);
    }

    #[cold]
    fn slow_ascii_run(&mut self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        let mut at = start;
        let run = &bytes[start..end];
        while at < end {
            let length = run[at - start..]
                .windows(2)
                .position(|two| two == b"..")
                .unwrap_or(end - at);
            self.slow_name(bytes, at, at + length, out);
            at += length;
            at += bytes[at..end].iter().take_while(|&&byte| byte == b'.').count();
        }
    }

    /// A piece without an empty label but perhaps at its ends.
    #[cold]
    fn slow_name(&mut self, bytes: &[u8], mut start: usize, mut end: usize, out: &mut Vec<Hit>) {
        while end > start && bytes[end - 1] == b'.' {
            end -= 1;
        }
        while start < end && bytes[start] == b'.' {
            start += 1;
        }
        let dots = |range: std::ops::Range<usize>| bytes[range].iter().rposition(|&byte| byte == b'.');
        let Some(last) = dots(start..end).map(|dot| start + dot) else {
            return;
        };
        if bytes[last + 1].is_ascii_digit() && !self.queue_address(bytes, start, end) {
            self.addresses_within(bytes, start, end);
        }
        self.address_with_port(bytes, start, end);
        let before = dots(start..last).map_or(start, |dot| start + dot + 1);
        self.queue_name(bytes, start, before, last, end, out);
    }

    /// A run with letters beyond ASCII: each part that may be a name is looked up by its ASCII form.
    #[cold]
    fn international(&mut self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        const LONGEST: usize = 1024;
        let Ok(text) = std::str::from_utf8(&bytes[start..end.min(start + LONGEST)]) else {
            return;
        };
        let separates = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '。' | '．' | '｡'));
        let mut at = start;
        for piece in text.split_inclusive(separates) {
            let name = piece.trim_end_matches(separates).trim_matches('.');
            let from = at + (piece.len() - piece.trim_start_matches('.').len());
            at += piece.len();
            if name.is_ascii() || !name.contains(['.', '。', '．', '｡']) {
                continue;
            }
            let Ok(ascii) = domain::to_ascii(name) else {
                continue;
            };
            let whole =
                self.matcher
                    .names
                    .walk(&self.matcher.indicators, ascii.as_bytes(), |_, indicator| {
                        out.push(Hit::new(from, from + name.len(), indicator));
                    });
            if whole {
                self.hangs_on(bytes, from, from + name.len(), &ascii, out);
            }
        }
    }

    /// A name that passed the filter: it, its parents, and all that hangs on it.
    #[inline(never)]
    pub(super) fn name(&self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        for start in [Some(start), other_start(bytes, start)]
            .into_iter()
            .flatten()
            .filter(|&start| start < end)
        {
            let name = &bytes[start..end];
            let whole = self
                .matcher
                .names
                .walk(&self.matcher.indicators, name, |at, indicator| {
                    out.push(Hit::new(start + at, end, indicator));
                });
            if whole {
                self.hangs_on(
                    bytes,
                    start,
                    end,
                    &String::from_utf8_lossy(name).to_ascii_lowercase(),
                    out,
                );
            }
        }
    }

    /// URLs, e-mail addresses and texts with the name in them.
    #[cold]
    fn hangs_on(&self, bytes: &[u8], start: usize, end: usize, name: &str, out: &mut Vec<Hit>) {
        let matcher = self.matcher;
        self.url(bytes, start, end, name, out);
        matcher
            .literals
            .walk_anchored(bytes, start, name, |start, end, indicator| {
                out.push(Hit::new(start, end, indicator));
            });
        let at_sign = [&b"@"[..], b"%40"]
            .into_iter()
            .find(|sign| bytes[..start].ends_with(sign));
        if !matcher.emails.is_empty()
            && let Some(sign) = at_sign
        {
            let stop = start - sign.len();
            let local = bytes[..stop]
                .iter()
                .rev()
                .take(64)
                .take_while(|&&byte| is_local(byte))
                .count();
            let mut from = stop - local;
            // A quote, a bracket or an escape before an address is no part of it: the longest listed one counts.
            while from < stop {
                let starts = [Some(from), other_start(bytes, from)];
                let known = out.len();
                for from in starts.into_iter().flatten().filter(|&from| from < stop) {
                    let text = String::from_utf8_lossy(&bytes[from..stop]).to_ascii_lowercase();
                    if let Some(&indicator) = matcher.emails.get(format!("{text}@{name}").as_str()) {
                        out.push(Hit::new(from, end, indicator));
                    }
                }
                if out.len() > known {
                    break;
                }
                let Some(mark) = bytes[from..stop].iter().position(|byte| !is_host(*byte)) else {
                    break;
                };
                from += mark + 1;
            }
        }
    }
}

/// True where what stands there is the sender or the receiver in a line of tcpdump.
pub(super) fn is_end_of_connection(bytes: &[u8], start: usize, end: usize) -> bool {
    bytes[end..].starts_with(b" > ") || bytes[..start].ends_with(b" > ")
}

/// The characters of an unquoted local part (RFC 5322 `dot-atom`).
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte)
}
