//! Findings over time, in bounded memory, and the bars of the chart.

use std::collections::BTreeMap;

use perisai_model::{Severity, Timestamp};
use serde::Serialize;

use crate::say;

/// Widths of a bar in seconds, from a minute to a century, and their names.
const WIDTHS: [(i64, &str); 13] = [
    (60, "minute"),
    (600, "10 minutes"),
    (3_600, "hour"),
    (10_800, "3 hours"),
    (43_200, "12 hours"),
    (86_400, "day"),
    (7 * 86_400, "week"),
    (28 * 86_400, "4 weeks"),
    (91 * 86_400, "quarter"),
    (365 * 86_400, "year"),
    (3_650 * 86_400, "10 years"),
    (36_500 * 86_400, "100 years"),
    (365_000 * 86_400, "1,000 years"),
];
/// How many different bars are kept while counting.
const KEPT: usize = 4096;
/// How many bars the chart has at most.
const BARS: i64 = 120;
/// The chart's size in its own units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 140.0;

type Counts = [u64; Severity::ALL.len()];

/// Counts findings by time and severity.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    width: usize,
    bars: BTreeMap<i64, Counts>,
    /// Findings without a time.
    pub(super) untimed: u64,
}

impl Timeline {
    pub(super) fn add(&mut self, time: Option<Timestamp>, severity: Severity) {
        let Some(time) = time else {
            self.untimed += 1;
            return;
        };
        let bar = time.as_second().div_euclid(WIDTHS[self.width].0);
        self.bars.entry(bar).or_default()[severity as usize] += 1;
        while self.bars.len() > KEPT && self.widen() {}
    }

    /// Puts the counts into the next wider bars; false where there are none. Starts are rounded down, so that some
    /// counts move by less than a bar where the widths do not divide.
    fn widen(&mut self) -> bool {
        let Some(&(next, _)) = WIDTHS.get(self.width + 1) else {
            return false;
        };
        let (width, _) = WIDTHS[self.width];
        for (bar, counts) in std::mem::take(&mut self.bars) {
            let sum = self.bars.entry((bar * width).div_euclid(next)).or_default();
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        self.width += 1;
        true
    }

    /// The chart; `None` where no time is known.
    pub(super) fn chart(mut self) -> Option<Chart> {
        let range = |bars: &BTreeMap<i64, Counts>| Some((*bars.keys().next()?, *bars.keys().next_back()?));
        let (first, last) = loop {
            let (first, last) = range(&self.bars)?;
            if last - first < BARS || !self.widen() {
                break (first, last);
            }
        };
        let (width, unit) = WIDTHS[self.width];
        let highest = self.bars.values().map(total).max()?;
        let step = WIDTH / (last - first + 1).max(24) as f64;
        let bars = self
            .bars
            .iter()
            .map(|(bar, counts)| {
                let start = moment(bar * width);
                let x = (bar - first) as f64 * step;
                Bar::new(x, step, counts, highest, start)
            })
            .collect();
        Some(Chart {
            unit,
            highest: say::number(highest),
            first: moment(first * width),
            last: moment((last + 1) * width),
            end: (last - first + 1) as f64 * step,
            bars,
        })
    }
}

fn total(counts: &Counts) -> u64 {
    counts.iter().sum()
}

fn moment(second: i64) -> String {
    let limits = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let time = Timestamp::from_second(second.clamp(limits.0, limits.1)).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A stacked bar chart, as the template draws it.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    unit: &'static str,
    highest: String,
    first: String,
    last: String,
    end: f64,
    bars: Vec<Bar>,
}

#[derive(Debug, Serialize)]
struct Bar {
    title: String,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    severity: Severity,
    x: String,
    y: String,
    width: String,
    height: String,
}

impl Bar {
    /// The worst stands at the bottom, where bars are compared.
    fn new(x: f64, step: f64, counts: &Counts, highest: u64, start: String) -> Self {
        let mut title = format!("{start} UTC");
        let mut parts = Vec::new();
        let mut top = HEIGHT;
        for (severity, &count) in Severity::ALL.iter().zip(counts).rev() {
            if count == 0 {
                continue;
            }
            // One finding among millions must still be seen.
            let height = (count as f64 / highest as f64 * HEIGHT).max(1.5);
            top -= height;
            parts.push(Part {
                severity: *severity,
                x: format!("{x:.2}"),
                y: format!("{top:.2}"),
                width: format!("{:.2}", (step - 1.0).max(step * 0.8)),
                height: format!("{height:.2}"),
            });
            title += &format!("\n{} {severity}", say::number(count));
        }
        Self { title, parts }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timeline(seconds: &[i64]) -> Timeline {
        let mut timeline = Timeline::default();
        for &second in seconds {
            timeline.add(Timestamp::from_second(second).ok(), Severity::High);
        }
        timeline
    }

    #[test]
    fn bars_grow_with_the_range() {
        let check = |seconds: &[i64], unit: &str, bars: usize| {
            let chart = timeline(seconds).chart().unwrap();
            assert_eq!((chart.unit, chart.bars.len()), (unit, bars), "{seconds:?}");
        };
        check(&[0], "minute", 1);
        check(&[0, 59, 60], "minute", 2);
        check(&[0, 119 * 60], "minute", 2);
        check(&[0, 120 * 60], "10 minutes", 2);
        check(&[0, 86_400 * 30], "12 hours", 2);
        check(&[-377_705_023_201, 253_402_207_200], "1,000 years", 2);
        assert!(timeline(&[]).chart().is_none());
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let seconds: Vec<_> = (0..20_000).map(|at| at * 3_600).collect();
        let timeline = timeline(&seconds);
        assert!(timeline.bars.len() <= KEPT);
        assert_eq!(timeline.bars.values().map(total).sum::<u64>(), 20_000);
    }

    proptest! {
        #[test]
        fn any_times_make_a_chart(seconds in prop::collection::vec(-377_705_023_201..=253_402_207_200_i64, 1..50)) {
            let chart = timeline(&seconds).chart().unwrap();
            prop_assert!(!chart.bars.is_empty() && chart.bars.len() <= BARS as usize);
        }
    }
}
