//! Which patterns did no work in these logs, and why.

use std::collections::{BTreeMap, BTreeSet};

use perisai_model::{IdleRule, Problem};
use perisai_pattern::{Comparison, EFFORT, Operator, Test};

use super::StixPatterns;
use super::compile::{Compiled, can_hold, each_test};

/// Which paths had a value in any event, and what patterns cost and gave up on: merge those of all threads, then ask
/// [`StixPatterns::explain_seen`] and [`StixPatterns::gave_up`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    slots: Vec<bool>,
    /// By pattern, on how many events a regular expression took too many steps.
    gave_up: BTreeMap<u32, u64>,
    /// By pattern, what its regular expressions cost. A thread sets a pattern aside that has cost it all of
    /// [`EFFORT`], whenever that was. What an event costs depends on nothing else, so the sum over all threads reaches
    /// `EFFORT` in the same hunts on any number of them: it is certain whether a pattern is told to be set aside, and
    /// that one which is not was tried on every event. Only which events one that is told still had depends on how
    /// the events were shared out.
    spent: BTreeMap<u32, u64>,
}

impl Seen {
    /// Adds the slots of an event that have values, out of so many.
    pub(super) fn add(&mut self, filled: &[u32], of: usize) {
        self.slots.resize(self.slots.len().max(of), false);
        for &slot in filled {
            self.slots[slot as usize] = true;
        }
    }

    /// Adds an event of which a pattern could not tell whether it matches.
    pub(super) fn give_up(&mut self, pattern: u32) {
        *self.gave_up.entry(pattern).or_default() += 1;
    }

    /// What the regular expressions of a pattern may still cost; nothing where it is set aside.
    pub(super) fn effort(&self, pattern: u32) -> u64 {
        let spent = self.spent.get(&pattern).copied().unwrap_or_default();
        EFFORT.saturating_sub(spent)
    }

    /// Adds what the regular expressions of a pattern cost on an event.
    pub(super) fn spend(&mut self, pattern: u32, cost: u64) {
        if cost > 0 {
            *self.spent.entry(pattern).or_default() += cost;
        }
    }

    /// Adds what another thread saw with the same patterns.
    pub fn merge(&mut self, other: &Self) {
        self.slots.resize(self.slots.len().max(other.slots.len()), false);
        for (mine, theirs) in self.slots.iter_mut().zip(&other.slots) {
            *mine |= theirs;
        }
        for (&pattern, events) in &other.gave_up {
            *self.gave_up.entry(pattern).or_default() += events;
        }
        for (&pattern, &cost) in &other.spent {
            self.spend(pattern, cost);
        }
    }

    fn has(&self, slot: u32) -> bool {
        self.slots.get(slot as usize).copied().unwrap_or(false)
    }

    /// True where an event may have had what the test looks at.
    fn meets(&self, test: &Test, compiled: &Compiled) -> bool {
        if test.negated && test.operator == Operator::Exists {
            let object_type = &compiled.pattern.paths()[test.path].object_type;
            let mut slots = compiled.type_slots(object_type).iter();
            return slots.any(|&slot| self.has(slot));
        }
        compiled.paths[test.path].slot.is_some_and(|slot| self.has(slot))
    }

    fn may_hold(&self, comparison: &Comparison, compiled: &Compiled) -> bool {
        match comparison {
            Comparison::Test(test) => self.meets(test, compiled),
            Comparison::And(links) => links.iter().all(|link| self.may_hold(link, compiled)),
            Comparison::Or(links) => links.iter().any(|link| self.may_hold(link, compiled)),
        }
    }
}

impl StixPatterns {
    /// The patterns that may have missed events, for their regular expressions took too many steps on them, or on all
    /// events together, so that they were set aside.
    #[must_use]
    pub fn gave_up(&self, seen: &Seen) -> Vec<Problem> {
        let set_aside = seen.spent.keys().filter(|&&pattern| seen.effort(pattern) == 0);
        let patterns: BTreeSet<u32> = seen.gave_up.keys().chain(set_aside).copied().collect();
        let told = |pattern: u32| {
            let compiled = &self.patterns[pattern as usize];
            let name = &compiled.info.name;
            // How many events there were then depends on the threads.
            let why = match seen.gave_up.get(&pattern) {
                Some(events) if seen.effort(pattern) > 0 => {
                    format!("its regular expression took too many steps, gave up on {events} events")
                }
                _ => "its regular expressions took too many steps in these logs, it was set aside".to_owned(),
            };
            Problem::new(compiled.place.clone(), format!("STIX pattern {name}: {why}"))
        };
        patterns.into_iter().map(told).collect()
    }

    /// The patterns that can match no log event, each with the path that stands in no log; then those that none of the
    /// events seen could match or help to match, each with the paths that stood in none of them.
    #[must_use]
    pub fn explain_seen(&self, seen: &Seen) -> Vec<IdleRule> {
        let mut idle = self.explain();
        idle.extend(
            self.patterns
                .iter()
                .filter(|compiled| !compiled.is_idle())
                .filter_map(|compiled| unseen(compiled, seen)),
        );
        idle
    }
}

/// Why no event could be part of a match; `None` where one could.
fn unseen(compiled: &Compiled, seen: &Seen) -> Option<IdleRule> {
    let expressions = compiled.pattern.observation_expressions();
    let may_hold =
        |number: usize| !compiled.needs[number].is_never() && seen.may_hold(&expressions[number], compiled);
    if can_hold(compiled.pattern.root(), &may_hold) {
        return None;
    }
    let mut tests = Vec::new();
    expressions.iter().for_each(|it| each_test(it, &mut tests));
    let lacking = tests.into_iter().filter(|test| !seen.meets(test, compiled));
    let mut names: Vec<_> = lacking
        .map(|test| format!("`{}`", compiled.pattern.paths()[test.path]))
        .collect();
    names.sort_unstable();
    names.dedup();
    Some(compiled.idle_for(format!("no event in these logs has {}", names.join(", "))))
}
