//! Long words: digests, wallets, JA4 and the like, and groups of hexadecimal pairs (MAC addresses, fingerprints).
//!
//! All are at least 12 characters of one class, so that a mask shows where to look.

use perisai_model::{Indicators, Kind};

use super::filter::Filter;
use super::hash;
use super::slots::Slots;

/// Listed words by their canonical text; the same text may be a digest of several kinds.
#[derive(Debug)]
pub(super) struct Words {
    /// What the hash of a word goes on from.
    root: u64,
    filter: Filter,
    slots: Slots,
    /// Bit `n`: there is a listed word of `n` characters.
    lengths: [u64; 4],
    /// True where words with colons are listed.
    pairs: bool,
    /// True where serial numbers of certificates are.
    serials: bool,
}

impl Words {
    /// Makes the tables. `same(first, other)` is told of entries that stand several times.
    pub(super) fn build(indicators: &Indicators, entries: &[u32], mut same: impl FnMut(u32, u32)) -> Self {
        let mut built = Self {
            root: hash::root(),
            filter: Filter::with_capacity(entries.len()),
            slots: Slots::with_capacity(entries.len()),
            lengths: [0; 4],
            pairs: false,
            serials: false,
        };
        for &entry in entries {
            let indicator = indicators.get(entry as usize);
            built.pairs |= matches!(
                indicator.kind,
                Kind::Mac | Kind::X509Sha1 | Kind::X509Sha256 | Kind::X509Serial
            );
            built.serials |= indicator.kind == Kind::X509Serial;
            let digits = indicator.value.replace(':', "");
            if !matches!(indicator.kind, Kind::Mac | Kind::X509Serial) {
                built.lengths[digits.len() >> 6 & 3] |= 1 << (digits.len() & 63);
            }
            let digits = digits.as_bytes();
            built.filter.insert(built.tail(digits, 0, digits.len()));
            let hash = hash::child(built.root, digits, 0, digits.len());
            let known = built.slots.find(hash, |first| {
                let first = indicators.get(first as usize);
                (first.kind, first.value) == (indicator.kind, indicator.value)
            });
            match known {
                Ok(first) => same(first, entry),
                Err(free) => built.slots.insert(free, hash, entry),
            }
        }
        built
    }

    /// True where long words must be looked for.
    pub(super) fn any_words(&self) -> bool {
        self.lengths != [0; 4]
    }

    /// True where groups of hexadecimal pairs must be looked for.
    pub(super) fn any_pairs(&self) -> bool {
        self.pairs
    }

    /// True where pairs may be the serial number of a certificate.
    pub(super) fn any_serials(&self) -> bool {
        self.serials
    }

    /// True where a listed word has that many characters.
    #[inline]
    pub(super) fn has_length(&self, length: usize) -> bool {
        length < 256 && self.lengths[length >> 6] >> (length & 63) & 1 != 0
    }

    /// The hash of the last sixteen characters, which is what the filter goes by: that of the whole costs more.
    #[inline]
    fn tail(&self, bytes: &[u8], start: usize, end: usize) -> u64 {
        hash::child(self.root, bytes, start.max(end.saturating_sub(16)), end)
    }

    /// Calls `each(entry)` for each listed word that stands at `bytes[start..end]`.
    pub(super) fn walk(
        &self,
        indicators: &Indicators,
        bytes: &[u8],
        start: usize,
        end: usize,
        mut each: impl FnMut(u32),
    ) {
        if !self.filter.contains(self.tail(bytes, start, end)) {
            return;
        }
        let hash = hash::child(self.root, bytes, start, end);
        let text = &bytes[start..end];
        // One text may be a word of several kinds: the search goes on behind each.
        let _ = self.slots.find(hash, |entry| {
            let indicator = indicators.get(entry as usize);
            if same_word(indicator.kind, indicator.value.as_bytes(), text) {
                each(entry);
            }
            false
        });
    }
}

/// Base58 has a case, all else has none; MAC addresses are compared without their colons.
fn same_word(kind: Kind, listed: &[u8], text: &[u8]) -> bool {
    if kind == Kind::Mac {
        let digits = listed.iter().filter(|&&byte| byte != b':');
        return digits.copied().eq(text.iter().map(u8::to_ascii_lowercase));
    }
    let has_case = kind == Kind::Wallet && listed.iter().any(u8::is_ascii_uppercase);
    if has_case {
        listed == text
    } else {
        listed.eq_ignore_ascii_case(text)
    }
}

#[cfg(test)]
mod tests {
    use perisai_model::ContextId;

    use super::*;

    #[test]
    fn words_of_several_kinds() {
        let listed = [
            (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
            (Kind::Ja3, "d41d8cd98f00b204e9800998ecf8427e"),
            (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
            (Kind::Wallet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ];
        let mut indicators = Indicators::default();
        listed
            .iter()
            .for_each(|(kind, value)| indicators.push(*kind, value, ContextId(0)));
        let mut doubles = Vec::new();
        let words = Words::build(&indicators, &[0, 1, 2, 3], |first, other| {
            doubles.push((first, other))
        });
        assert_eq!(doubles, [(0, 2)]);
        assert!(
            words.has_length(32)
                && words.has_length(34)
                && !words.has_length(40)
                && !words.has_length(32 + 256)
        );
        let check = |text: &str, expected: &[u32]| {
            let mut got = Vec::new();
            words.walk(&indicators, text.as_bytes(), 0, text.len(), |entry| {
                got.push(entry)
            });
            got.sort_unstable();
            assert_eq!(got, expected, "{text}");
        };
        check("D41D8CD98F00B204E9800998ECF8427E", &[0, 1]);
        check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", &[3]);
        check("1a1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", &[]);
        check("e41d8cd98f00b204e9800998ecf8427e", &[]);
    }
}
