//! What a correlation computes of the events in its window, kept as they come and go: none of it looks at the whole
//! window again.

use std::collections::{BTreeMap, HashMap};

use rapidhash::fast::RandomState;
use rsigma_parser::CorrelationType;

use super::correlation::Correlation;
use super::observation::{Held, Number, Observation};

/// By the type of the correlation.
#[derive(Debug)]
pub(super) enum Tally<'a> {
    /// The events alone.
    Events,
    /// How often each value is there.
    Distinct(HashMap<&'a str, usize, RandomState>),
    Rules(Rules),
    Sum(Sum),
    /// A sum, and of how many.
    Mean(Sum),
    Ranked(Ranked),
}

impl<'a> Tally<'a> {
    pub(super) fn new(correlation: &Correlation) -> Self {
        match correlation.kind {
            CorrelationType::EventCount => Self::Events,
            CorrelationType::ValueCount => Self::Distinct(HashMap::default()),
            CorrelationType::Temporal => Self::Rules(Rules::new(correlation.names.len(), false)),
            CorrelationType::TemporalOrdered => Self::Rules(Rules::new(correlation.names.len(), true)),
            CorrelationType::ValueSum => Self::Sum(Sum::default()),
            CorrelationType::ValueAvg => Self::Mean(Sum::default()),
            CorrelationType::ValuePercentile => Self::Ranked(Ranked::new(correlation.percentile)),
            CorrelationType::ValueMedian => Self::Ranked(Ranked::new(50.0)),
        }
    }

    /// Takes in an observation, which stands at this place of its group.
    pub(super) fn add(&mut self, one: &'a Observation, place: usize) {
        match (self, &one.value) {
            (Self::Distinct(counts), Held::Text(text)) => *counts.entry(text).or_default() += 1,
            (Self::Rules(rules), _) => rules.add(one.position as usize, place),
            (Self::Sum(sum) | Self::Mean(sum), value) => sum.add(number(value)),
            (Self::Ranked(ranked), Held::Number(number)) => ranked.add(*number),
            (Self::Events | Self::Distinct(_) | Self::Ranked(_), _) => {}
        }
    }

    /// Lets go of the oldest observation, the first of those that were inside until now.
    pub(super) fn remove(&mut self, one: &'a Observation, inside: &[Observation]) {
        match (self, &one.value) {
            (Self::Distinct(counts), Held::Text(text)) => {
                if let Some(count) = counts.get_mut(&**text) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&**text);
                    }
                }
            }
            (Self::Rules(rules), _) => rules.remove(one.position as usize),
            (Self::Sum(sum) | Self::Mean(sum), value) => sum.remove(number(value), inside),
            (Self::Ranked(ranked), Held::Number(number)) => ranked.remove(*number),
            (Self::Events | Self::Distinct(_) | Self::Ranked(_), _) => {}
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Events => {}
            Self::Distinct(counts) => counts.clear(),
            Self::Rules(rules) => rules.clear(),
            Self::Sum(sum) | Self::Mean(sum) => *sum = Sum::default(),
            Self::Ranked(ranked) => *ranked = Ranked::new(ranked.rank),
        }
    }

    /// What is computed of so many events; `None` where there is nothing to compute it of.
    pub(super) fn number(&self, events: usize) -> Option<f64> {
        match self {
            Self::Events => Some(events as f64),
            Self::Distinct(counts) => Some(counts.len() as f64),
            Self::Rules(rules) => Some(rules.present as f64),
            Self::Sum(sum) => Some(sum.get()),
            Self::Mean(sum) => (sum.numbers > 0).then(|| sum.get() / sum.numbers as f64),
            Self::Ranked(ranked) => ranked.get(),
        }
    }
}

fn number(value: &Held) -> Option<f64> {
    match value {
        Held::Number(number) => Some(number.get()),
        Held::Nothing | Held::Text(_) => None,
    }
}

/// How many events there are of each watched rule.
#[derive(Debug)]
pub(super) struct Rules {
    counts: Vec<usize>,
    /// Of how many rules there are any.
    present: usize,
    /// By rule: where the latest run of one event of each rule, up to this one, begins; where order counts.
    starts: Option<Vec<Option<usize>>>,
}

impl Rules {
    fn new(rules: usize, ordered: bool) -> Self {
        Self {
            counts: vec![0; rules],
            present: 0,
            starts: ordered.then(|| vec![None; rules]),
        }
    }

    pub(super) fn counts(&self) -> &[usize] {
        &self.counts
    }

    pub(super) fn present(&self) -> usize {
        self.present
    }

    /// Whether each rule has an event, none before that of the rule before it, and none before this place.
    pub(super) fn in_order(&self, from: usize) -> bool {
        let Some(starts) = &self.starts else { return true };
        starts
            .last()
            .copied()
            .flatten()
            .is_some_and(|start| start >= from)
    }

    fn add(&mut self, rule: usize, place: usize) {
        self.counts[rule] += 1;
        self.present += usize::from(self.counts[rule] == 1);
        if let Some(starts) = &mut self.starts {
            starts[rule] = match rule {
                0 => Some(place),
                _ => starts[rule - 1],
            };
        }
    }

    fn remove(&mut self, rule: usize) {
        self.counts[rule] -= 1;
        self.present -= usize::from(self.counts[rule] == 0);
    }

    fn clear(&mut self) {
        self.counts.fill(0);
        self.present = 0;
        // Old beginnings are before any window to come.
    }
}

/// A sum out of which the oldest go. Nothing is subtracted, since a large number that came and went would take small
/// ones with it: the sums of the older part are kept, each from one of its numbers to its end.
#[derive(Debug, Default)]
pub(super) struct Sum {
    older: Vec<f64>,
    newer: f64,
    numbers: usize,
}

impl Sum {
    fn get(&self) -> f64 {
        self.older.last().unwrap_or(&0.0) + self.newer
    }

    fn add(&mut self, new: Option<f64>) {
        self.newer += new.unwrap_or(0.0);
        self.numbers += usize::from(new.is_some());
    }

    fn remove(&mut self, oldest: Option<f64>, inside: &[Observation]) {
        if self.older.is_empty() {
            let mut sum = 0.0;
            self.older.extend(inside.iter().rev().map(|one| {
                sum += number(&one.value).unwrap_or(0.0);
                sum
            }));
            self.newer = 0.0;
        }
        self.older.pop();
        self.numbers -= usize::from(oldest.is_some());
    }
}

/// Numbers in their order, parted at a rank.
#[derive(Debug)]
pub(super) struct Ranked {
    /// Of 0 to 100.
    rank: f64,
    below: Half,
    above: Half,
}

/// Some numbers, and how often each is there.
#[derive(Debug, Default)]
struct Half {
    numbers: BTreeMap<Number, usize>,
    len: usize,
}

impl Half {
    fn add(&mut self, number: Number) {
        *self.numbers.entry(number).or_default() += 1;
        self.len += 1;
    }

    fn remove(&mut self, number: Number) -> bool {
        let Some(count) = self.numbers.get_mut(&number) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.numbers.remove(&number);
        }
        self.len -= 1;
        true
    }

    fn first(&self) -> Option<Number> {
        self.numbers.first_key_value().map(|(number, _)| *number)
    }

    fn last(&self) -> Option<Number> {
        self.numbers.last_key_value().map(|(number, _)| *number)
    }
}

impl Ranked {
    fn new(rank: f64) -> Self {
        Self {
            rank: rank.clamp(0.0, 100.0),
            below: Half::default(),
            above: Half::default(),
        }
    }

    /// The place of the rank among the numbers, counted from 0; between two of them by the fraction.
    fn place(&self) -> f64 {
        let last = (self.below.len + self.above.len).saturating_sub(1);
        self.rank / 100.0 * last as f64
    }

    /// The value at the rank, between two numbers by their distance.
    fn get(&self) -> Option<f64> {
        let below = self.below.last()?.get();
        let above = self.above.first().map_or(below, Number::get);
        let part = self.place().fract();
        Some(if part > 0.0 {
            below + (above - below) * part
        } else {
            below
        })
    }

    fn add(&mut self, number: Number) {
        if self.below.last().is_some_and(|last| number <= last) {
            self.below.add(number);
        } else {
            self.above.add(number);
        }
        self.part();
    }

    fn remove(&mut self, number: Number) {
        let _ = self.below.remove(number) || self.above.remove(number);
        self.part();
    }

    /// Moves what is on the wrong side: one number at the most for each that came or went.
    fn part(&mut self) {
        let all = self.below.len + self.above.len;
        let wanted = if all == 0 {
            0
        } else {
            self.place().floor() as usize + 1
        };
        while self.below.len > wanted
            && let Some(number) = self.below.last()
        {
            self.below.remove(number);
            self.above.add(number);
        }
        while self.below.len < wanted
            && let Some(number) = self.above.first()
        {
            self.above.remove(number);
            self.below.add(number);
        }
    }
}
