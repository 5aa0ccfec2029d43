//! What correlations keep of an event. A hunt may hold millions of these, so texts that are the same are held once a
//! thread, and long ones are cut.

use std::collections::HashSet;
use std::sync::Arc;

use perisai_model::{Event, Timestamp};
use rapidhash::fast::RandomState;
use rsigma_parser::CorrelationType;

use super::SigmaRules;
use super::correlation::Correlation;
use super::scratch::View;

/// What a correlation wants to know of an event that matched one of its rules. Their order is that in which they are
/// correlated: group by group, each in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    pub(super) correlation: u32,
    pub(super) key: Key,
    pub(super) time: Timestamp,
    /// Set by the caller: the position of the event in an order that is the same on every run, such as that of its
    /// finding. Hits name their events by it.
    pub order: u64,
    /// Which of the correlation's rules it was.
    pub(super) position: u32,
    pub(super) value: Held,
}

/// The values of the fields that a correlation groups by.
pub(super) type Key = Arc<[Option<Arc<str>>]>;

/// What is counted or computed with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    Nothing,
    Number(Number),
    Text(Arc<str>),
}

/// A finite number, in the order of `f64::total_cmp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(i64);

impl Number {
    /// The number; `None` where it is not finite.
    pub(super) fn new(number: f64) -> Option<Self> {
        let bits = number.to_bits() as i64;
        number.is_finite().then_some(Self(flip(bits)))
    }

    pub(super) fn get(self) -> f64 {
        f64::from_bits(flip(self.0) as u64)
    }
}

/// Negative numbers the other way round; done twice, it does nothing.
fn flip(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

impl Held {
    fn of(kind: CorrelationType, text: &str, interner: &mut Interner) -> Self {
        match kind {
            CorrelationType::ValueCount => Self::Text(interner.text(text)),
            CorrelationType::ValueSum
            | CorrelationType::ValueAvg
            | CorrelationType::ValueMedian
            | CorrelationType::ValuePercentile => {
                let number = text.trim().parse().ok().and_then(Number::new);
                number.map_or(Self::Nothing, Self::Number)
            }
            CorrelationType::EventCount | CorrelationType::Temporal | CorrelationType::TemporalOrdered => {
                Self::Nothing
            }
        }
    }
}

/// The texts and keys that one thread met lately, so that the same is held once.
#[derive(Debug, Default)]
pub(super) struct Interner {
    texts: HashSet<Arc<str>, RandomState>,
    keys: HashSet<Key, RandomState>,
}

/// So many texts and keys are remembered.
const MOST_KEPT: usize = 1 << 14;
/// Longer texts are cut to this, in bytes.
const MAX_TEXT: usize = 256;

impl Interner {
    /// A text to compare by. Of a long one its beginning, length and hash are kept.
    fn text(&mut self, text: &str) -> Arc<str> {
        if text.len() <= MAX_TEXT {
            return self.short(text);
        }
        let start = &text[..text.floor_char_boundary(MAX_TEXT)];
        let hash = rapidhash::v3::rapidhash_v3(text.as_bytes());
        self.short(&format!("{start}… ({} bytes, {hash:016x})", text.len()))
    }

    fn short(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        if self.texts.len() >= MOST_KEPT {
            self.texts.clear();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&new));
        new
    }

    fn key(&mut self, key: &[Option<Arc<str>>]) -> Key {
        if let Some(known) = self.keys.get(key) {
            return Arc::clone(known);
        }
        if self.keys.len() >= MOST_KEPT {
            self.keys.clear();
        }
        let new: Key = key.into();
        self.keys.insert(Arc::clone(&new));
        new
    }
}

impl SigmaRules {
    /// What the correlations that watch a rule want of an event. Events without a time can not be put in order.
    pub(super) fn observe(
        &self,
        rule: u32,
        event: &Event,
        view: &View,
        interner: &mut Interner,
    ) -> Vec<Observation> {
        let Some(time) = event.time else {
            return Vec::new();
        };
        self.watchers[rule as usize]
            .iter()
            .filter_map(|watch| {
                let correlation = self.correlations[watch.correlation as usize].as_ref()?;
                let value = correlation.value(view, interner)?;
                let position = watch.position as usize;
                let key: Vec<_> = correlation
                    .group_by
                    .iter()
                    .map(|by| view.text(by.fields[position]).map(|text| interner.text(text)))
                    .collect();
                Some(Observation {
                    correlation: watch.correlation,
                    key: interner.key(&key),
                    time,
                    order: 0,
                    position: watch.position,
                    value,
                })
            })
            .collect()
    }
}

impl Correlation {
    /// The value of an event; `None` where it lacks one, so that there is nothing to count.
    fn value(&self, view: &View, interner: &mut Interner) -> Option<Held> {
        match self.values.as_slice() {
            [] => Some(Held::Nothing),
            [one] => Some(Held::of(self.kind, view.text(*one)?, interner)),
            several => {
                let texts: Option<Vec<_>> = several.iter().map(|&id| view.text(id)).collect();
                Some(Held::of(self.kind, &texts?.join("\u{1f}"), interner))
            }
        }
    }

    /// The value of another correlation's hit.
    pub(super) fn value_of_hit(&self, value: f64) -> Held {
        Held::of(self.kind, &value.to_string(), &mut Interner::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order() {
        let mut numbers = [-1e300, -2.5, -0.0, 0.0, 1e-300, 2.5, 1e300].map(|one| Number::new(one).unwrap());
        let sorted = numbers;
        numbers.reverse();
        numbers.sort_unstable();
        assert_eq!(numbers, sorted);
        assert_eq!(numbers.map(Number::get)[..2], [-1e300, -2.5]);
        assert_eq!([f64::NAN, f64::INFINITY].map(Number::new), [None, None]);
    }

    #[test]
    fn the_same_text_is_held_once_and_long_ones_are_cut() {
        let mut interner = Interner::default();
        let mut check = |one: &str, other: &str, same: bool| {
            let (one, other) = (interner.text(one), interner.text(other));
            assert_eq!(Arc::ptr_eq(&one, &other), same, "{one} {other}");
            assert!(one.len() < 2 * MAX_TEXT);
        };
        check("a", "a", true);
        check("a", "b", false);
        let long = "é".repeat(100_000);
        check(&long, &long, true);
        check(&long, &format!("{long}x"), false);
        for number in 0..2 * MOST_KEPT {
            interner.text(&number.to_string());
        }
        assert!(interner.texts.len() <= MOST_KEPT);
    }
}
