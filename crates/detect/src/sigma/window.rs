//! The events that a correlation counts in one group at one time.

use std::collections::{HashMap, VecDeque};

use rsigma_parser::{ConditionExpr, ConditionOperator, CorrelationType, WindowMode};

use super::correlation::Correlation;

/// The events of one group within the timespan, and whether the condition holds.
#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    /// By watched rule: how many of its events there are.
    by_rule: Vec<usize>,
    distinct: HashMap<String, usize>,
    /// The condition held, and was told.
    told: bool,
}

#[derive(Debug)]
struct Entry {
    time: i64,
    position: usize,
    value: Option<String>,
    order: u64,
}

/// The most events in one window; the oldest go first.
const MAX_ENTRIES: usize = 100_000;
/// The most events that a hit names.
const MAX_NAMED: usize = 1_000;

impl Window {
    pub(super) fn new(correlation: &Correlation) -> Self {
        Self {
            entries: VecDeque::new(),
            by_rule: vec![0; correlation.names.len()],
            distinct: HashMap::new(),
            told: false,
        }
    }

    /// Takes an event in, no earlier than the last. Gives what was computed where that makes the condition true.
    pub(super) fn push(
        &mut self,
        correlation: &Correlation,
        time: i64,
        position: usize,
        value: Option<String>,
        order: u64,
    ) -> Option<f64> {
        self.advance(correlation, time);
        if self.told && self.holds(correlation).is_none() {
            self.told = false;
        }
        self.by_rule[position] += 1;
        if correlation.kind == CorrelationType::ValueCount
            && let Some(value) = &value
        {
            *self.distinct.entry(value.clone()).or_default() += 1;
        }
        self.entries.push_back(Entry {
            time,
            position,
            value,
            order,
        });
        if self.entries.len() > MAX_ENTRIES {
            self.drop_oldest();
        }
        let result = self.holds(correlation)?;
        let news = !self.told;
        self.told = true;
        news.then_some(result)
    }

    /// The orders of the events counted, oldest first.
    pub(super) fn orders(&self) -> Vec<u64> {
        let skipped = self.entries.len().saturating_sub(MAX_NAMED);
        self.entries
            .iter()
            .skip(skipped)
            .map(|entry| entry.order)
            .collect()
    }

    /// Lets go of what is too old at a time.
    fn advance(&mut self, correlation: &Correlation, time: i64) {
        let (Some(first), Some(last)) = (self.entries.front(), self.entries.back()) else {
            return;
        };
        let span = correlation.timespan.max(1);
        let over = match correlation.mode {
            WindowMode::Sliding => {
                let start = time.saturating_sub(span);
                while self.entries.front().is_some_and(|entry| entry.time < start) {
                    self.drop_oldest();
                }
                false
            }
            WindowMode::Tumbling => time.div_euclid(span) != last.time.div_euclid(span),
            WindowMode::Session => {
                time.saturating_sub(last.time) > correlation.gap || time.saturating_sub(first.time) > span
            }
        };
        if over {
            self.entries.clear();
            self.by_rule.fill(0);
            self.distinct.clear();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.entries.pop_front() else {
            return;
        };
        self.by_rule[entry.position] -= 1;
        let Some(value) = entry.value else { return };
        if let Some(count) = self.distinct.get_mut(&value) {
            *count -= 1;
            if *count == 0 {
                self.distinct.remove(&value);
            }
        }
    }

    /// What the correlation computes, where its condition holds.
    fn holds(&self, correlation: &Correlation) -> Option<f64> {
        let rules = self.by_rule.iter().filter(|&&count| count > 0).count();
        let result = match correlation.kind {
            CorrelationType::EventCount => self.entries.len() as f64,
            CorrelationType::ValueCount => self.distinct.len() as f64,
            CorrelationType::Temporal | CorrelationType::TemporalOrdered => {
                let together = match &correlation.extended {
                    Some(expr) => self.fired(expr, correlation),
                    None => rules == self.by_rule.len(),
                };
                let ordered = correlation.kind == CorrelationType::Temporal || self.in_order();
                return (together && ordered).then_some(rules as f64);
            }
            CorrelationType::ValueSum => self.numbers().iter().sum(),
            CorrelationType::ValueAvg => {
                let numbers = self.some_numbers()?;
                numbers.iter().sum::<f64>() / numbers.len() as f64
            }
            CorrelationType::ValuePercentile => percentile(self.some_numbers()?, correlation.percentile),
            CorrelationType::ValueMedian => percentile(self.some_numbers()?, 50.0),
        };
        correlation
            .predicates
            .iter()
            .all(|(operator, bound)| compare(*operator, result, *bound))
            .then_some(result)
    }

    fn numbers(&self) -> Vec<f64> {
        self.entries
            .iter()
            .filter_map(|entry| entry.value.as_ref()?.trim().parse().ok())
            .filter(|number: &f64| number.is_finite())
            .collect()
    }

    fn some_numbers(&self) -> Option<Vec<f64>> {
        Some(self.numbers()).filter(|numbers| !numbers.is_empty())
    }

    /// Each watched rule has an event, none before that of the rule before it.
    fn in_order(&self) -> bool {
        let mut awaited = 0;
        let mut entries = self.entries.iter();
        while awaited < self.by_rule.len() {
            let Some(entry) = entries.next() else {
                return false;
            };
            if entry.position == awaited {
                awaited += 1;
            }
        }
        true
    }

    fn fired(&self, expr: &ConditionExpr, correlation: &Correlation) -> bool {
        match expr {
            ConditionExpr::Identifier(name) => correlation
                .names
                .iter()
                .zip(&self.by_rule)
                .any(|(other, &count)| other == name && count > 0),
            ConditionExpr::And(inner) => inner.iter().all(|one| self.fired(one, correlation)),
            ConditionExpr::Or(inner) => inner.iter().any(|one| self.fired(one, correlation)),
            ConditionExpr::Not(inner) => !self.fired(inner, correlation),
            ConditionExpr::Selector { .. } => false,
        }
    }
}

fn compare(operator: ConditionOperator, value: f64, bound: f64) -> bool {
    match operator {
        ConditionOperator::Lt => value < bound,
        ConditionOperator::Lte => value <= bound,
        ConditionOperator::Gt => value > bound,
        ConditionOperator::Gte => value >= bound,
        ConditionOperator::Eq => (value - bound).abs() < f64::EPSILON,
        ConditionOperator::Neq => (value - bound).abs() >= f64::EPSILON,
    }
}

/// The value at a rank of 0 to 100, between two numbers by their distance. The list must not be empty.
fn percentile(mut numbers: Vec<f64>, rank: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let place = rank.clamp(0.0, 100.0) / 100.0 * (numbers.len() - 1) as f64;
    let (below, above) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
