//! Plain indicators, matched on raw bytes.
//!
//! [`Matcher::compile`] sorts indicators by how they are found: names with dots ([`names`]), addresses and nets
//! ([`addresses`]), long words ([`words`]), and the rest ([`literals`]); URLs, e-mail addresses and file paths hang on
//! the name or address in them. A [`Scanner`] goes over bytes once, finds candidates by class masks ([`classify`]) and
//! looks each up once. What stands in a log and is no candidate costs nothing but its classification.

mod addresses;
mod apart;
mod candidates;
mod classify;
mod escapes;
mod filter;
mod hash;
mod letters;
mod literals;
mod names;
mod quads;
mod scan;
mod slots;
mod urls;
mod words;

use std::collections::HashMap;

use perisai_model::{ContextId, Indicators, Kind};
use perisai_values::ip::{self, Net};

use addresses::Addresses;
use literals::Literals;
use names::{Names, NamesBuilder};
pub use scan::Scanner;
use urls::Urls;
use words::Words;

/// A listed value that stands in the bytes that were scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where the matched text begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Which indicator: for [`Matcher::value`] and [`Matcher::contexts`].
    pub indicator: u32,
    /// True where only the host of listed URLs stands there, of which the indicator is one: the path may stand in
    /// another field, so that [`Matcher::urls_in_fields`] must be asked.
    pub apart: bool,
}

impl Hit {
    /// A listed value.
    fn new(start: usize, end: usize, indicator: u32) -> Self {
        Self {
            start,
            end,
            indicator,
            apart: false,
        }
    }
}

/// All plain indicators, compiled. Immutable, to be shared by threads.
#[derive(Debug)]
pub struct Matcher {
    indicators: Indicators,
    /// Entries with the same kind and value as an earlier one.
    doubles: HashMap<u32, Vec<u32>>,
    names: Names,
    addresses: Addresses,
    urls: Urls,
    /// Listed e-mail addresses, with their entry.
    emails: HashMap<Box<str>, u32>,
    words: Words,
    literals: Literals,
    /// True where IPv6 addresses must be looked for; an IPv4 address may be written as one.
    any_v6: bool,
}

impl Matcher {
    /// Compiles indicators in canonical form. Takes about 0.2 µs for each.
    #[must_use]
    pub fn compile(indicators: Indicators) -> Self {
        let mut sorted = Sorted::default();
        for (at, indicator) in indicators.iter().enumerate() {
            let entry = u32::try_from(at).expect("Indicators hold fewer than 2^32 entries");
            sorted.add(indicator.kind, indicator.value, entry);
        }
        let Sorted {
            mut doubles,
            mut names,
            addresses,
            urls,
            emails,
            words,
            literals,
            any_v6,
        } = sorted;
        let literals = once(&indicators, literals, &mut doubles);
        let literals = Literals::build(&indicators, &literals, |name| names.anchor(name));
        let words = Words::build(&indicators, &words, |first, other| doubles.push((first, other)));
        let names = names.build(&indicators, |first, other| doubles.push((first, other)));
        let any_v6 = any_v6 || addresses.any_v6() || addresses.any_v4();
        let mut by_first: HashMap<u32, Vec<u32>> = HashMap::new();
        for (first, other) in doubles {
            by_first.entry(first).or_default().push(other);
        }
        Self {
            indicators,
            doubles: by_first,
            names,
            addresses,
            urls,
            emails,
            words,
            literals,
            any_v6,
        }
    }

    /// How many indicators there are, each value once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indicators.len() - self.doubles.values().map(Vec::len).sum::<usize>()
    }

    /// True where nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indicators.is_empty()
    }

    /// The kind and canonical value of an indicator.
    #[must_use]
    pub fn value(&self, indicator: u32) -> (Kind, &str) {
        let indicator = self.indicators.get(indicator as usize);
        (indicator.kind, indicator.value)
    }

    /// The contexts of an indicator: one for each time that it is listed.
    pub fn contexts(&self, indicator: u32) -> impl Iterator<Item = ContextId> {
        let doubles = self.doubles.get(&indicator).into_iter().flatten().copied();
        std::iter::once(indicator)
            .chain(doubles)
            .map(|entry| self.indicators.get(entry as usize).context)
    }

    /// A scanner over these indicators, for one thread.
    #[must_use]
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self)
    }
}

/// Indicators sorted by how they are found.
#[derive(Default)]
struct Sorted {
    doubles: Vec<(u32, u32)>,
    names: NamesBuilder,
    addresses: Addresses,
    urls: Urls,
    emails: HashMap<Box<str>, u32>,
    words: Vec<u32>,
    literals: Vec<u32>,
    any_v6: bool,
}

impl Sorted {
    fn add(&mut self, kind: Kind, value: &str, entry: u32) {
        match kind {
            Kind::Domain => self.names.domain(entry),
            Kind::Ipv4 | Kind::Ipv6 => {
                let known = ip::parse(value).and_then(|address| self.addresses.insert(address, entry));
                self.double(known, entry);
            }
            Kind::Cidr => {
                let known = Net::parse(value).and_then(|net| self.addresses.insert_net(net, entry));
                self.double(known, entry);
            }
            Kind::Url => self.add_url(value, entry),
            Kind::EmailAddress => {
                if let Some((_, host)) = value.rsplit_once('@') {
                    self.names.anchor(host);
                }
                let first = *self.emails.entry(value.into()).or_insert(entry);
                self.double((first != entry).then_some(first), entry);
            }
            Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Sha512 | Kind::Imphash | Kind::Ja3 | Kind::Ja4 => {
                self.words.push(entry);
            }
            Kind::X509Sha1 | Kind::X509Sha256 | Kind::Mac | Kind::Wallet => self.words.push(entry),
            Kind::FileName | Kind::FilePath | Kind::RegistryKey | Kind::Mutex | Kind::UserAgent => {
                self.literals.push(entry);
            }
            Kind::Asn | Kind::Cve | Kind::ProcessName | Kind::CommandLine => {
                self.literals.push(entry);
            }
            // In groups, or in one word of any length.
            Kind::X509Serial => {
                self.words.push(entry);
                self.literals.push(entry);
            }
        }
    }

    fn add_url(&mut self, value: &str, entry: u32) {
        match self.urls.insert(value, entry) {
            Ok(host) => match ip::parse_v4(host.as_bytes()) {
                Some(v4) => self.addresses.admit(v4),
                None if host.starts_with('[') => self.any_v6 = true,
                None => self.names.anchor(host),
            },
            Err(first) => self.doubles.push((first, entry)),
        }
    }

    fn double(&mut self, first: Option<u32>, entry: u32) {
        self.doubles.extend(first.map(|first| (first, entry)));
    }
}

/// Leaves out the entries with the kind and value of an earlier one, which are doubles of it.
fn once(indicators: &Indicators, mut entries: Vec<u32>, doubles: &mut Vec<(u32, u32)>) -> Vec<u32> {
    let mut first = HashMap::new();
    entries.retain(|&entry| {
        let indicator = indicators.get(entry as usize);
        let first = *first.entry((indicator.kind, indicator.value)).or_insert(entry);
        // Those that are words, too, are told as doubles there.
        if first != entry && indicator.kind != Kind::X509Serial {
            doubles.push((first, entry));
        }
        first == entry
    });
    entries
}

/// Starts loading a word of a table into the cache.
#[inline]
fn prefetch(table: &[u64], at: usize) {
    debug_assert!(at < table.len());
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing; the pointer is inside the table or is never followed.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(table.as_ptr().wrapping_add(at).cast());
    }
}
