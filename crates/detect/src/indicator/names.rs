//! Names with dots: which are listed, which of their parents are, and what else hangs on them.
//!
//! A filter holds the hash of every listed name and of every parent of one with at least two labels. A name in a log
//! is walked from the right and is given up at the first parent that the filter does not know; most are at their last
//! two labels, at the cost of one load.

use perisai_model::Indicators;

use super::filter::Filter;
use super::hash;
use super::slots::{Free, Slots};

/// Everything that is found by a name with dots.
#[derive(Debug)]
pub(super) struct Names {
    /// What the hash of a last label goes on from.
    pub(super) root: u64,
    filter: Filter,
    last_labels: Vec<u64>,
    /// Entries of domain indicators.
    slots: Slots,
}

/// Collects names before the tables are made, since their sizes must be known.
#[derive(Debug, Default)]
pub(super) struct NamesBuilder {
    /// Entries of domain indicators.
    domains: Vec<u32>,
    /// Other names that must pass the filter: hosts of URLs and addresses, last parts of paths.
    anchors: Vec<String>,
}

const LAST_LABEL_BITS: u32 = 15;

impl NamesBuilder {
    pub(super) fn domain(&mut self, entry: u32) {
        self.domains.push(entry);
    }

    /// A name with at least one dot inside that is to be reported by [`Names::may_hold`].
    pub(super) fn anchor(&mut self, name: &str) {
        self.anchors.push(name.to_ascii_lowercase());
    }

    /// Makes the tables. `same(first, other)` is told of domains that stand several times.
    pub(super) fn build(self, indicators: &Indicators, mut same: impl FnMut(u32, u32)) -> Names {
        let anchors = self.anchors.iter().map(String::as_str);
        let names = self
            .domains
            .iter()
            .map(|&entry| indicators.get(entry as usize).value);
        let keys = names.clone().chain(anchors.clone()).map(parents).sum();
        let mut built = Names {
            root: hash::root(),
            filter: Filter::with_capacity(keys),
            last_labels: vec![0; 1 << (LAST_LABEL_BITS - 6)],
            slots: Slots::with_capacity(self.domains.len()),
        };
        for anchor in anchors {
            built.admit(anchor);
        }
        for &entry in &self.domains {
            let name = indicators.get(entry as usize).value;
            let hash = built.admit(name);
            match built.find(indicators, hash, name.as_bytes()) {
                Ok(first) => same(first, entry),
                Err(free) => built.slots.insert(free, hash, entry),
            }
        }
        built
    }
}

/// How many hashes a name puts into the filter.
fn parents(name: &str) -> usize {
    name.bytes().filter(|&byte| byte == b'.').count()
}

impl Names {
    /// True where there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.last_labels.iter().all(|&word| word == 0)
    }

    /// Puts a name and its parents into the filter; gives the hash of the whole.
    fn admit(&mut self, name: &str) -> u64 {
        let bytes = name.as_bytes();
        let mut end = bytes.len();
        let mut hash = self.root;
        let mut labels = 0;
        while end > 0 {
            let start = bytes[..end]
                .iter()
                .rposition(|&byte| byte == b'.')
                .map_or(0, |dot| dot + 1);
            if start == end {
                break;
            }
            hash = hash::child(hash, bytes, start, end);
            labels += 1;
            if labels == 1 {
                let bit = last_label_bit(hash);
                self.last_labels[bit >> 6] |= 1 << (bit & 63);
            } else {
                self.filter.insert(hash);
            }
            end = start.saturating_sub(1);
        }
        hash
    }

    /// False where no listed name ends in this label.
    #[inline]
    pub(super) fn knows_last_label(&self, hash: u64) -> bool {
        let bit = last_label_bit(hash);
        self.last_labels[bit >> 6] >> (bit & 63) & 1 != 0
    }

    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        self.filter.prefetch(hash);
    }

    /// False where no listed name is, or ends in, the name of this hash.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        self.filter.contains(hash)
    }

    /// Calls `each(start, entry)` for the name and each of its parents that is listed as a domain. Gives true where
    /// the whole name passed the filter, so that something may hang on it.
    pub(super) fn walk(
        &self,
        indicators: &Indicators,
        name: &[u8],
        mut each: impl FnMut(usize, u32),
    ) -> bool {
        let mut end = name.len();
        let mut hash = self.root;
        let mut labels = 0;
        loop {
            let start = name[..end]
                .iter()
                .rposition(|&byte| byte == b'.')
                .map_or(0, |dot| dot + 1);
            if start == end {
                return false;
            }
            hash = hash::child(hash, name, start, end);
            labels += 1;
            if labels > 1 {
                if !self.filter.contains(hash) {
                    return false;
                }
                if let Ok(entry) = self.find(indicators, hash, &name[start..]) {
                    each(start, entry);
                }
            }
            if start == 0 {
                return labels > 1;
            }
            end = start - 1;
        }
    }

    /// The entry of a domain, or where it would stand.
    fn find(&self, indicators: &Indicators, hash: u64, name: &[u8]) -> Result<u32, Free> {
        self.slots.find(hash, |entry| {
            let listed = indicators.get(entry as usize).value;
            listed.as_bytes().eq_ignore_ascii_case(name)
        })
    }
}

#[inline]
fn last_label_bit(hash: u64) -> usize {
    (hash >> (64 - LAST_LABEL_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use perisai_model::{ContextId, Kind};

    use super::*;

    #[test]
    fn a_name_and_its_parents() {
        let mut indicators = Indicators::default();
        let mut builder = NamesBuilder::default();
        for (at, name) in ["evil.example", "a.b.evil.example", "evil.example", "x.test"]
            .iter()
            .enumerate()
        {
            indicators.push(Kind::Domain, name, ContextId(0));
            builder.domain(at as u32);
        }
        builder.anchor("Host.of-url.test");
        let mut doubles = Vec::new();
        let names = builder.build(&indicators, |first, other| doubles.push((first, other)));
        assert_eq!(doubles, [(0, 2)]);
        let check = |name: &str, expected: &[(usize, u32)], whole: bool| {
            let mut got = Vec::new();
            assert_eq!(
                names.walk(&indicators, name.as_bytes(), |start, entry| got
                    .push((start, entry))),
                whole,
                "{name}"
            );
            assert_eq!(got, expected, "{name}");
        };
        check("evil.example", &[(0, 0)], true);
        check("A.B.EVIL.example", &[(4, 0), (0, 1)], true);
        check("www.evil.example", &[(4, 0)], false);
        check("notevil.example", &[], false);
        check("evil.example.test", &[], false);
        check("host.of-url.test", &[], true);
        check("a..evil.example", &[(3, 0)], false);
        check("", &[], false);
    }
}
