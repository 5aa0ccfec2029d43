//! STIX patterns that say more than plain values, run over log events.
//!
//! `perisai-pattern` parses and evaluates; what an object path means in a log is here. A pattern goes through these
//! files:
//!
//! - `table`: object path → event fields, as data;
//! - `mapping`: the paths of all patterns as numbered *slots*, found from an event's field names;
//! - `derive`: what a field's text says of a path: the name at a path's end, one hash out of several;
//! - `view`: an event as the values of each slot;
//! - `compile`: text → pattern with its slots;
//! - `index`: which patterns an event can match at all;
//! - `explain`: which patterns no event of these logs could match;
//! - `matched`: the values that satisfied a pattern, for people to read;
//! - `conclude`: operators and qualifiers over several events, after the scan.

mod compile;
mod conclude;
mod derive;
mod explain;
mod index;
mod mapping;
mod matched;
#[cfg(test)]
mod sound;
mod table;
mod view;

use std::sync::Arc;

use perisai_model::{Context, Event, IdleRule, Problem, Rule, RuleInfo};
use perisai_pattern::{DataError, Hit};

use compile::{Compiled, Output};
use index::Index;
use mapping::Mapping;
use view::{Sight, View};

pub use explain::Seen;
pub use view::Scratch;

/// STIX patterns, ready to run; shared by all threads.
#[derive(Debug, Default)]
pub struct StixPatterns {
    patterns: Vec<Compiled>,
    mapping: Mapping,
    index: Index,
    idle: Vec<IdleRule>,
}

/// A pattern in a [`StixPatterns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(u32);

/// A pattern that an event satisfies, or helps to satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternHit {
    /// The pattern.
    pub pattern: PatternId,
    /// True where this event is a finding by itself; else it is one of the observations for
    /// [`StixPatterns::conclude`].
    pub single: bool,
    /// Which of the pattern's observation expressions it satisfied, and when.
    pub hit: Hit,
    /// The values that satisfied it, as they stood: `domain-name:value: evil.example; …`.
    pub matched: String,
}

/// What [`StixPatterns::conclude`] wants to know of a hit that is no finding by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The pattern.
    pub pattern: PatternId,
    /// As the [`PatternHit`] has it.
    pub hit: Hit,
    /// Set by the caller: the event's position in an order that is the same on every run.
    pub order: u64,
}

/// Observations that together match a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternMatch {
    /// The pattern.
    pub pattern: PatternId,
    /// The [`Observation::order`] of each observation that takes part, ascending.
    pub orders: Vec<u64>,
}

impl StixPatterns {
    /// Compiles all rules of the language STIX pattern. One that cannot be used is told as a problem at its place,
    /// and stops no other.
    pub fn compile<'a>(rules: impl Iterator<Item = (&'a Rule, &'a Context)>) -> (Self, Vec<Problem>) {
        let Output {
            mapping,
            patterns,
            idle,
            problems,
        } = compile::compile(rules);
        let index = Index::new(&patterns, &mapping);
        (
            Self {
                patterns,
                mapping,
                index,
                idle,
            },
            problems,
        )
    }

    /// How many patterns are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// True where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// What a finding says of a pattern.
    ///
    /// # Panics
    /// Where the id is of another `StixPatterns`.
    #[must_use]
    pub fn info(&self, pattern: PatternId) -> &Arc<RuleInfo> {
        &self.patterns[pattern.0 as usize].info
    }

    /// Adds the patterns that an event satisfies, or helps to satisfy, to `out`, in the order in which they were
    /// loaded.
    pub fn match_event(&self, event: &Event, scratch: &mut Scratch, out: &mut Vec<PatternHit>) {
        scratch.view.fill(&self.mapping, event);
        scratch.seen.add(scratch.view.filled(), self.mapping.len());
        self.index.candidates(scratch);
        let Scratch {
            candidates,
            view,
            seen,
            ..
        } = scratch;
        let expressions = candidates.iter().map(|&id| self.index.expression(id));
        self.evaluate(expressions, view, seen, out);
    }

    /// Evaluates expressions, given by pattern and number, ascending.
    fn evaluate(
        &self,
        expressions: impl Iterator<Item = (u32, u32)>,
        view: &View,
        seen: &mut Seen,
        out: &mut Vec<PatternHit>,
    ) {
        let mut held: Option<(u32, Vec<u32>)> = None;
        let mut gave_up = None;
        for (pattern, expression) in expressions {
            if seen.effort(pattern) == 0 {
                continue;
            }
            let compiled = &self.patterns[pattern as usize];
            let sight = Sight { view, compiled };
            let before = seen.effort(pattern);
            let mut effort = before;
            let outcome = compiled
                .pattern
                .try_observation(expression as usize, &sight, &mut effort);
            seen.spend(pattern, before - effort);
            match outcome {
                Ok(true) => {}
                Err(DataError::Steps) if gave_up != Some(pattern) => {
                    gave_up = Some(pattern);
                    seen.give_up(pattern);
                    continue;
                }
                // A value that cannot be compared satisfies nothing.
                Ok(false) | Err(_) => continue,
            }
            match &mut held {
                Some((same, numbers)) if *same == pattern => numbers.push(expression),
                _ => {
                    let done = held.replace((pattern, vec![expression]));
                    out.extend(done.and_then(|(pattern, numbers)| self.hit(pattern, numbers, view)));
                }
            }
        }
        out.extend(held.and_then(|(pattern, numbers)| self.hit(pattern, numbers, view)));
    }

    /// The hit of a pattern of which these expressions held; `None` where its qualifiers forbid it.
    fn hit(&self, pattern: u32, expressions: Vec<u32>, view: &View) -> Option<PatternHit> {
        let compiled = &self.patterns[pattern as usize];
        let hit = Hit {
            expressions,
            interval: view.interval(),
            number_observed: 1,
        };
        // One observation is never too complex.
        if compiled.alone && !compiled.pattern.is_single() {
            compiled
                .pattern
                .evaluate(std::slice::from_ref(&hit))
                .ok()
                .flatten()?;
        }
        let matched = matched::matched(compiled, &hit.expressions, view);
        Some(PatternHit {
            pattern: PatternId(pattern),
            single: compiled.alone,
            hit,
            matched,
        })
    }

    /// Applies observation operators and qualifiers. The observations may come in any order; what is found is the
    /// same. Each match takes the observations that complete it first, and none of them is used again, so that a
    /// sequence that happened ten times is found ten times.
    ///
    /// A pattern that is too complex, or matches too often, is told as a problem; what was found until then stands. It
    /// stands, too, where `ends`, which is asked from time to time, wants no more.
    #[must_use]
    pub fn conclude(
        &self,
        observations: Vec<Observation>,
        ends: &dyn Fn() -> bool,
    ) -> (Vec<PatternMatch>, Vec<Problem>) {
        conclude::conclude(&self.patterns, observations, ends)
    }

    /// The patterns that can match no log event, each with the path that stands in no log.
    #[must_use]
    pub fn explain(&self) -> Vec<IdleRule> {
        self.idle.clone()
    }
}
