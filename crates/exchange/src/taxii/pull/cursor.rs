//! How far a collection was read, so that nothing is missed and little is read twice.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::taxii::Stamp;

/// How many objects at the boundary are remembered. Where more have one `date_added`, some come twice.
const MAX_SEEN: usize = 65_536;

/// After this time a boundary that is more than a page is not read again at each pull.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);

/// How far a collection was read. Kept by the caller, after it kept what came with it; a new one reads all.
///
/// It can be written and read again at any time, between two pages of one run too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// All that entered before is read; what entered at that very time is in `seen`.
    pub(super) position: Option<Stamp>,
    /// Objects that may come again.
    #[serde(default)]
    pub(super) seen: Seen,
    /// When the position moved last, by our clock.
    #[serde(default)]
    pub(super) moved: Option<Timestamp>,
    /// Whether the boundary is more than a page, and brought nothing new when it was read again.
    #[serde(default)]
    pub(super) is_heavy: bool,
    /// Where a run stopped in the middle.
    #[serde(default)]
    pub(super) run: Option<Run>,
}

impl Cursor {
    /// Up to when all is read, by the server's clock; `None` where it was not told.
    pub fn position(&self) -> Option<Stamp> {
        self.position
    }

    /// The `added_after` of a new run.
    pub(super) fn begin(&self, now: Timestamp) -> Option<String> {
        let age = self.moved.map(|moved| now.duration_since(moved));
        if self.is_heavy && age.is_some_and(|age| age >= SETTLED) {
            return self.position.map(Stamp::exactly);
        }
        self.just_before()
    }

    /// The `added_after` that misses nothing.
    pub(super) fn just_before(&self) -> Option<String> {
        self.position.map(Stamp::just_before)
    }

    pub(super) fn move_to(&mut self, position: Option<Stamp>, now: Timestamp) {
        if self.position != position {
            self.position = position;
            self.moved = Some(now);
            self.is_heavy = false;
        }
    }

    /// Whether it stands between two pages of a run.
    pub fn is_in_run(&self) -> bool {
        self.run.is_some()
    }
}

/// A run over the pages, from a position to the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// The position when it began.
    pub(super) start: Option<Stamp>,
    /// What was asked, which belongs to `next`.
    pub(super) added_after: Option<String>,
    pub(super) next: Option<String>,
    /// Whether this `next` was not yet sent. Only known while the process lives.
    #[serde(skip)]
    pub(super) fresh: Fresh,
    /// Whether the server gives the same `next` for each page, and so forgets pages it gave.
    pub(super) stateful: Option<bool>,
    /// How many pages in a row brought next to nothing under one `next`. Counted anew when the process starts.
    #[serde(skip)]
    pub(super) thin: u32,
    /// Whether `next` goes without `added_after`.
    pub(super) bare: bool,
    /// Whether dates only rise from page to page, and whether each page has some.
    pub(super) ordered: bool,
    pub(super) dated: bool,
    /// The latest date of all pages.
    pub(super) last: Option<Stamp>,
    pub(super) limit: u32,
    pub(super) pages: u32,
    /// Whether objects beyond the position are known: those before a cut.
    pub(super) is_ahead: bool,
    /// Whether it brought anything.
    pub(super) found: bool,
}

/// Whether a `next` may be sent: once. All copies of a cursor share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Fresh(Option<Arc<AtomicBool>>);

impl PartialEq for Fresh {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Fresh {
    pub(super) fn new() -> Self {
        Self(Some(Arc::new(AtomicBool::new(true))))
    }

    /// True the first time.
    pub(super) fn spend(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|fresh| fresh.swap(false, Ordering::Relaxed))
    }

    /// The server did not look at it.
    pub(super) fn renew(&self) {
        if let Some(fresh) = &self.0 {
            fresh.store(true, Ordering::Relaxed);
        }
    }
}

/// What stands for a version of an object: a part of a digest, long enough that no two are ever the same.
pub(super) type Key = u128;

/// The key of an object. One without a version (an observable) is the same only where its bytes are.
pub(super) fn key(id: &str, version: Option<&str>, raw: &str) -> Key {
    let mut digest = Sha256::new();
    digest.update(id);
    digest.update([0]);
    match version {
        Some(version) => digest.update(version),
        None => digest.update(raw),
    }
    first_half(&digest.finalize())
}

pub(super) fn key_of_page(keys: &[Key]) -> Key {
    let mut digest = Sha256::new();
    for key in keys {
        digest.update(key.to_be_bytes());
    }
    first_half(&digest.finalize())
}

fn first_half(digest: &[u8]) -> Key {
    digest
        .iter()
        .take(16)
        .fold(0, |key, byte| key << 8 | Key::from(*byte))
}

/// The latest objects, of a bounded number.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    keys: HashSet<Key>,
    order: VecDeque<Key>,
    /// Whether some had to be forgotten.
    pub(super) overflowed: bool,
}

impl Seen {
    pub(super) fn contains(&self, key: Key) -> bool {
        self.keys.contains(&key)
    }

    pub(super) fn add(&mut self, keys: &[Key]) {
        for key in keys {
            if self.keys.insert(*key) {
                self.order.push_back(*key);
            }
            if self.order.len() > MAX_SEEN {
                self.overflowed = true;
                let oldest = self.order.pop_front().expect("it is over its limit");
                self.keys.remove(&oldest);
            }
        }
    }

    pub(super) fn replace(&mut self, keys: &[Key]) {
        *self = Self::default();
        self.add(keys);
    }
}

#[derive(Serialize, Deserialize)]
struct SeenText {
    /// Each in 32 hexadecimal digits.
    keys: String,
    overflowed: bool,
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys = String::with_capacity(self.order.len() * 32);
        for key in &self.order {
            write!(keys, "{key:032x}").expect("writing to a string succeeds");
        }
        let overflowed = self.overflowed;
        SeenText { keys, overflowed }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SeenText::deserialize(deserializer)?;
        let mut seen = Self::default();
        for digits in text.keys.as_bytes().chunks(32) {
            let key = std::str::from_utf8(digits).ok();
            let key = key.and_then(|digits| Key::from_str_radix(digits, 16).ok());
            seen.add(&[
                key.ok_or_else(|| serde::de::Error::custom("the cursor's keys are no hexadecimal digits"))?
            ]);
        }
        seen.overflowed |= text.overflowed;
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_kept() {
        let check = |keys: usize| {
            let mut cursor = Cursor {
                position: Stamp::read("2022-02-24T03:00:00.000001Z"),
                ..Cursor::default()
            };
            let keys: Vec<Key> = (0..keys as Key).map(|key| key << 64 | 7).collect();
            cursor.seen.add(&keys);
            let text = serde_json::to_string(&cursor).unwrap();
            assert_eq!(serde_json::from_str::<Cursor>(&text).unwrap(), cursor);
            assert_eq!(cursor.seen.overflowed, keys.len() > MAX_SEEN);
            assert!(cursor.seen.order.len() <= MAX_SEEN);
            assert!(keys.last().is_none_or(|key| cursor.seen.contains(*key)));
        };
        check(0);
        check(3);
        check(MAX_SEEN + 2);
    }

    #[test]
    fn a_next_is_sent_once() {
        let fresh = Fresh::new();
        let copy = fresh.clone();
        assert!(copy.spend() && !fresh.spend());
        copy.renew();
        assert!(fresh.spend());
        assert!(!Fresh::default().spend());
    }
}
