//! Runs correlations over the observations of a whole hunt, so that the outcome does not depend on how files and
//! threads interleaved. Each group of each correlation is a run of observations in the order of time, over which a
//! window slides. A correlation runs after all those that it watches.

use std::collections::HashMap;
use std::sync::Arc;

use perisai_model::Timestamp;

use super::correlation::Correlation;
use super::observation::Observation;
use super::window::Window;
use super::{SigmaRuleId, SigmaRules};

/// A correlation that came true.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationHit {
    /// The correlation.
    pub rule: SigmaRuleId,
    /// The time of the event that made it true.
    pub time: Timestamp,
    /// The [`order`](Observation::order) of that event.
    pub order: u64,
    /// The orders of the events that it counts, that one included, oldest first; the latest thousand of them. Where
    /// many hits name many events, the later name only their last.
    pub events: Vec<u64>,
    /// The fields it groups by, and their values, long ones cut.
    pub group: Vec<(Arc<str>, Arc<str>)>,
    /// What was counted or computed.
    pub value: f64,
    /// False where it only feeds other correlations.
    pub generates: bool,
}

/// The most events that a hit names.
const MAX_NAMED: usize = 1_000;
/// The most that all hits name together.
const MAX_NAMED_TOTAL: usize = 1_000_000;

impl SigmaRules {
    /// Correlates the observations of a whole hunt, given in any order, and gives the correlations that came true, in
    /// order of time; those found until then where `ends`, which is asked before each observation, wants no more.
    #[must_use]
    pub fn correlate(
        &self,
        mut observations: Vec<Observation>,
        ends: &dyn Fn() -> bool,
    ) -> Vec<CorrelationHit> {
        observations.sort_unstable();
        let mut run = Run {
            rules: self,
            ends,
            hits: Vec::new(),
            chained: HashMap::new(),
            named: MAX_NAMED_TOTAL,
        };
        for &at in &self.order {
            let Some(correlation) = &self.correlations[at] else {
                continue;
            };
            let number = at as u32;
            let start = observations.partition_point(|one| one.correlation < number);
            let end = observations.partition_point(|one| one.correlation <= number);
            let all = &observations[start..end];
            match run.chained.remove(&number) {
                None => run.correlation(at, correlation, all),
                Some(mut chained) => {
                    chained.extend_from_slice(all);
                    chained.sort_unstable();
                    run.correlation(at, correlation, &chained);
                }
            }
        }
        let mut hits = run.hits;
        hits.sort_by_key(|hit| (hit.time, hit.order));
        hits
    }
}

struct Run<'a> {
    rules: &'a SigmaRules,
    ends: &'a dyn Fn() -> bool,
    hits: Vec<CorrelationHit>,
    /// By correlation: what those that it watches gave it.
    chained: HashMap<u32, Vec<Observation>>,
    /// How many events hits may still name.
    named: usize,
}

impl Run<'_> {
    /// Runs one correlation over its observations, sorted.
    fn correlation(&mut self, at: usize, correlation: &Correlation, sorted: &[Observation]) {
        for group in sorted.chunk_by(|one, other| one.key == other.key) {
            let mut window = Window::new(correlation, group);
            // One event makes a correlation true once, however many of its rules it matched.
            let mut last = None;
            for one in group {
                if (self.ends)() {
                    return;
                }
                if let Some(value) = window.push()
                    && last != Some(one.order)
                {
                    last = Some(one.order);
                    self.hit(at, correlation, one, window.counted(), value);
                }
            }
        }
    }

    fn hit(
        &mut self,
        at: usize,
        correlation: &Correlation,
        one: &Observation,
        counted: &[Observation],
        value: f64,
    ) {
        let most = MAX_NAMED.min(self.named).max(1);
        let events = &counted[counted.len().saturating_sub(most)..];
        self.named = self.named.saturating_sub(events.len());
        let names = correlation.group_by.iter().map(|by| Arc::clone(&by.name));
        let values = one.key.iter().map(|value| value.clone().unwrap_or_default());
        let place = self.rules.rules.len() + at;
        let hit = CorrelationHit {
            rule: SigmaRuleId(u32::try_from(place).expect("under 2^32 rules")),
            time: one.time,
            order: one.order,
            events: events.iter().map(|one| one.order).collect(),
            group: names.zip(values).collect(),
            value,
            generates: !self.rules.silent[place],
        };
        self.chain(place, &hit);
        self.hits.push(hit);
    }

    /// Gives the correlations that watch this one what they want of its hit: the group, by name.
    fn chain(&mut self, place: usize, hit: &CorrelationHit) {
        for watch in &self.rules.watchers[place] {
            let Some(correlation) = &self.rules.correlations[watch.correlation as usize] else {
                continue;
            };
            let of = |name: &str| {
                let found = hit.group.iter().find(|(other, _)| **other == *name);
                found.map(|(_, value)| Arc::clone(value))
            };
            self.chained
                .entry(watch.correlation)
                .or_default()
                .push(Observation {
                    correlation: watch.correlation,
                    key: correlation.group_by.iter().map(|by| of(&by.name)).collect(),
                    time: hit.time,
                    order: hit.order,
                    position: watch.position,
                    value: correlation.value_of_hit(hit.value),
                });
        }
    }
}
