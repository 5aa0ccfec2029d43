//! The events that a correlation counts in one group at one time: a part of the group's observations, which stand in
//! the order of time. However many there are, each comes in once and goes out once.

use std::ops::Range;

use rsigma_parser::{ConditionExpr, ConditionOperator, WindowMode};

use super::correlation::Correlation;
use super::observation::Observation;
use super::tally::Tally;

/// A window over one group, and whether the condition holds.
#[derive(Debug)]
pub(super) struct Window<'a> {
    correlation: &'a Correlation,
    all: &'a [Observation],
    inside: Range<usize>,
    tally: Tally<'a>,
    /// The condition held, and was told.
    told: bool,
}

impl<'a> Window<'a> {
    /// A window before the first of the group's observations.
    pub(super) fn new(correlation: &'a Correlation, group: &'a [Observation]) -> Self {
        Self {
            correlation,
            all: group,
            inside: 0..0,
            tally: Tally::new(correlation),
            told: false,
        }
    }

    /// Takes the next observation in. Gives what was computed where that makes the condition true.
    ///
    /// # Panics
    /// Where there is none.
    pub(super) fn push(&mut self) -> Option<f64> {
        let new = &self.all[self.inside.end];
        self.advance(new);
        if self.told && self.holds().is_none() {
            self.told = false;
        }
        self.tally.add(new, self.inside.end);
        self.inside.end += 1;
        let result = self.holds()?;
        let news = !self.told;
        self.told = true;
        news.then_some(result)
    }

    /// What is counted, oldest first.
    pub(super) fn counted(&self) -> &'a [Observation] {
        &self.all[self.inside.clone()]
    }

    /// Lets go of what is too old for the next observation.
    fn advance(&mut self, next: &Observation) {
        let counted = self.counted();
        let (Some(first), Some(last)) = (counted.first(), counted.last()) else {
            return;
        };
        let time = next.time.as_microsecond();
        let (first, last) = (first.time.as_microsecond(), last.time.as_microsecond());
        let span = self.correlation.timespan.max(1);
        let over = match self.correlation.mode {
            WindowMode::Sliding => {
                let start = time.saturating_sub(span);
                for one in counted.iter().take_while(|one| one.time.as_microsecond() < start) {
                    self.tally.remove(one, &self.all[self.inside.clone()]);
                    self.inside.start += 1;
                }
                false
            }
            WindowMode::Tumbling => time.div_euclid(span) != last.div_euclid(span),
            WindowMode::Session => {
                time.saturating_sub(last) > self.correlation.gap || time.saturating_sub(first) > span
            }
        };
        if over {
            self.inside.start = self.inside.end;
            self.tally.clear();
        }
    }

    /// What the correlation computes, where its condition holds.
    fn holds(&self) -> Option<f64> {
        let correlation = self.correlation;
        if let Tally::Rules(rules) = &self.tally {
            let together = match &correlation.extended {
                Some(expr) => fired(expr, &correlation.names, rules.counts()),
                None => rules.present() == rules.counts().len(),
            };
            let holds = together && rules.in_order(self.inside.start);
            return holds.then_some(rules.present() as f64);
        }
        let result = self.tally.number(self.inside.len())?;
        correlation
            .predicates
            .iter()
            .all(|(operator, bound)| compare(*operator, result, *bound))
            .then_some(result)
    }
}

/// Whether a condition over rules holds, of each of which so many events are there.
fn fired(expr: &ConditionExpr, names: &[String], counts: &[usize]) -> bool {
    match expr {
        ConditionExpr::Identifier(name) => names
            .iter()
            .zip(counts)
            .any(|(other, &count)| other == name && count > 0),
        ConditionExpr::And(inner) => inner.iter().all(|one| fired(one, names, counts)),
        ConditionExpr::Or(inner) => inner.iter().any(|one| fired(one, names, counts)),
        ConditionExpr::Not(inner) => !fired(inner, names, counts),
        ConditionExpr::Selector { .. } => false,
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
