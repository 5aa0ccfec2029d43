//! The scan: candidates from masks, and what each turns out to be.

mod defanged;
mod dotted;
mod grouped;
mod literals;
mod numeric;
mod words;

use std::net::{IpAddr, Ipv4Addr};

use super::candidates::{Chunk, Places};
use super::classify::{CHUNK, Masks};
use super::escapes;
use super::{Hit, Matcher};

/// Scans bytes for one thread; keeps its working memory between scans.
#[derive(Debug)]
pub struct Scanner<'a> {
    matcher: &'a Matcher,
    masks: Box<Masks>,
    names: Vec<NameCandidate>,
    addresses: Vec<AddressCandidate>,
    places: Places,
    /// A run with dots goes on at the end of the chunk before.
    carry: u64,
    done: Done,
}

/// A name whose last label is known; `hash` is that of its last two.
#[derive(Debug, Clone, Copy)]
struct NameCandidate {
    hash: u64,
    start: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy)]
struct AddressCandidate {
    address: u32,
    start: usize,
    end: usize,
}

/// How far each kind of run has been dealt with, so that none is taken twice across words and chunks.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    defanged: usize,
    words: usize,
    groups: usize,
    pairs: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(matcher: &'a Matcher) -> Self {
        Self {
            matcher,
            masks: Masks::new(),
            names: Vec::new(),
            addresses: Vec::new(),
            places: Places::default(),
            carry: 0,
            done: Done::default(),
        }
    }

    /// Appends every listed value that stands in the bytes, in the order of start, end and indicator. The same value
    /// is reported wherever it stands. Where the host of a listed URL stands alone, that is reported as
    /// [`apart`](Hit::apart).
    ///
    /// A value of a kind that counts only in a typed field (`Kind::in_raw_bytes`) is reported too: the caller must ask
    /// the event.
    pub fn scan(&mut self, bytes: &[u8], out: &mut Vec<Hit>) {
        let first = out.len();
        self.scan_plain(bytes, true, out);
        self.matcher.literals.walk_others(bytes, |start, end, indicator| {
            out.push(Hit::new(start, end, indicator))
        });
        if out.len() - first > 1 {
            out[first..].sort_unstable();
            let mut kept = out.split_off(first);
            kept.dedup();
            out.append(&mut kept);
        }
    }

    /// All but the literals; `defang` is false inside text that was refanged already.
    fn scan_plain(&mut self, bytes: &[u8], defang: bool, out: &mut Vec<Hit>) {
        self.done = Done::default();
        self.carry = 0;
        #[cfg(target_arch = "x86_64")]
        if has_bit_instructions() {
            // SAFETY: the processor has them.
            return unsafe { self.scan_with_bit_instructions(bytes, defang, out) };
        }
        self.scan_chunks(bytes, defang, out);
    }

    /// The same code, compiled for processors that count and find bits in one instruction (x86-64-v3).
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn scan_with_bit_instructions(&mut self, bytes: &[u8], defang: bool, out: &mut Vec<Hit>) {
        self.scan_chunks(bytes, defang, out);
    }

    #[inline(always)]
    fn scan_chunks(&mut self, bytes: &[u8], defang: bool, out: &mut Vec<Hit>) {
        let matcher = self.matcher;
        let pairs = matcher.words.any_pairs();
        let dotted = !matcher.names.is_empty() || matcher.addresses.any_v4() || pairs;
        let words = matcher.words.any_words();
        let literals = matcher.literals.any_by_word();
        let groups = matcher.any_v6 || pairs;
        for base in (0..bytes.len()).step_by(CHUNK) {
            let end = bytes.len().min(base + CHUNK);
            let filled = self.masks.fill(&bytes[base..end]);
            let chunk = Chunk {
                bytes,
                base,
                words: filled,
            };
            if dotted {
                if self.masks.any_high() {
                    self.masks.add_wide_dots(bytes, base);
                }
                self.dotted(chunk, defang, out);
                self.settle(bytes, out);
            }
            if words {
                self.long_words(chunk, out);
            }
            if groups {
                self.groups(chunk, out);
            }
            if literals {
                self.literals(chunk, out);
            }
        }
    }

    /// Looks up the candidates of a chunk; by now what their filters need has been loaded.
    #[inline(always)]
    fn settle(&mut self, bytes: &[u8], out: &mut Vec<Hit>) {
        let matcher = self.matcher;
        for &NameCandidate { hash, start, end } in &self.names {
            if matcher.names.may_hold(hash) {
                self.name(bytes, start, end, out);
            }
        }
        for &AddressCandidate { address, start, end } in &self.addresses {
            if matcher.addresses.may_hold(address) {
                self.address(bytes, IpAddr::V4(Ipv4Addr::from(address)), start, end, out);
            }
        }
        self.names.clear();
        self.addresses.clear();
    }

    /// An address that stands at `bytes[start..end]`: itself, its nets, and URLs on it.
    fn address(&self, bytes: &[u8], address: IpAddr, start: usize, end: usize, out: &mut Vec<Hit>) {
        let matcher = self.matcher;
        matcher
            .addresses
            .walk(address, |indicator| out.push(Hit::new(start, end, indicator)));
        if matcher.urls.is_empty() {
            return;
        }
        let (host, start, end) = match address {
            IpAddr::V4(_) => (address.to_string(), start, end),
            IpAddr::V6(_) if bytes[..start].ends_with(b"[") && bytes.get(end) == Some(&b']') => {
                (format!("[{address}]"), start - 1, end + 1)
            }
            IpAddr::V6(_) => return,
        };
        self.url(bytes, start, end, &host, out);
    }

    /// The URLs on a canonical host that stands at `bytes[start..end]`.
    fn url(&self, bytes: &[u8], start: usize, end: usize, host: &str, out: &mut Vec<Hit>) {
        let from = scheme_start(bytes, start);
        let apart = self.matcher.urls.walk(bytes, start, end, host, |end, indicator| {
            out.push(Hit::new(from, end, indicator))
        });
        out.extend(apart.map(|indicator| Hit {
            apart: true,
            ..Hit::new(start, end, indicator)
        }));
    }
}

/// Where the URL begins whose host stands at `host`: with its scheme, if it has one.
fn scheme_start(bytes: &[u8], host: usize) -> usize {
    const LONGEST: usize = 32;
    let Some(before) = escapes::without_slashes(&bytes[..host]) else {
        return host;
    };
    let scheme = before
        .iter()
        .rev()
        .take(LONGEST)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    before.len() - scheme
}

#[cfg(target_arch = "x86_64")]
fn has_bit_instructions() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}
