//! Operators and qualifiers over several events.
//!
//! `perisai-pattern` finds one match among the observations that it is given. To find all, the observations of a
//! pattern are taken in the order of time, the shortest beginning that holds a match is searched, and what takes part
//! in that match is taken out. A beginning that is too long already where a match cannot last that long is cut.

use perisai_model::Problem;
use perisai_pattern::{Hit, Micros, Node, Qualifier, TooComplex};

use super::compile::Compiled;
use super::{Observation, PatternId, PatternMatch};

/// The most matches that one pattern may have.
const MAX_MATCHES: usize = 10_000;

/// How many observations may be looked at for one pattern, every look counted.
const MAX_LOOKS: usize = 50_000_000;

/// How many steps all searches for one pattern may take: a few seconds.
const MAX_STEPS: u64 = 400_000_000;

/// The same for all patterns together; each has the least even when it is spent.
const MAX_TOTAL: u64 = 10 * MAX_STEPS;
const LEAST_STEPS: u64 = MAX_STEPS / 100;

/// How many observations are added first in the search for the next match.
const FIRST_STEP: usize = 16;

/// Finds the matches of each pattern.
pub(super) fn conclude(
    patterns: &[Compiled],
    mut observations: Vec<Observation>,
    ends: &dyn Fn() -> bool,
) -> (Vec<PatternMatch>, Vec<Problem>) {
    observations.sort_unstable_by_key(|one| {
        (
            one.pattern,
            one.hit.interval.is_none(),
            one.hit.interval,
            one.order,
        )
    });
    let (mut matches, mut problems) = (Vec::new(), Vec::new());
    let mut total = MAX_TOTAL;
    for group in observations.chunk_by(|one, other| one.pattern == other.pattern) {
        let pattern = group[0].pattern;
        let compiled = &patterns[pattern.0 as usize];
        let steps = total.clamp(LEAST_STEPS, MAX_STEPS);
        let mut pool = Pool::new(compiled, group, steps, ends);
        let outcome = pool.matches(pattern, &mut matches);
        if ends() {
            break;
        }
        if let Err(why) = outcome {
            let why = format!("STIX pattern {}: {why}", compiled.info.name);
            problems.push(Problem::new(compiled.place.clone(), why));
        }
        total = total.saturating_sub(steps - pool.steps);
    }
    (matches, problems)
}

/// Why not all matches of a pattern were found.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error(transparent)]
    Complex(#[from] TooComplex),
    #[error("more than {MAX_MATCHES} matches, the others are not reported")]
    Many,
    #[error("too many events take part in it, further matches are not reported")]
    Long,
    #[error("interrupted")]
    Ended,
}

/// The observations of one pattern that no match has used yet.
struct Pool<'a> {
    compiled: &'a Compiled,
    /// Those that are still to come.
    rest: std::slice::Iter<'a, Observation>,
    hits: Vec<Hit>,
    orders: Vec<u64>,
    /// No match ends before this one.
    start: usize,
    /// The longest that a match can last.
    span: Option<i64>,
    looks: usize,
    steps: u64,
    ends: &'a dyn Fn() -> bool,
}

impl<'a> Pool<'a> {
    fn new(
        compiled: &'a Compiled,
        sorted: &'a [Observation],
        steps: u64,
        ends: &'a dyn Fn() -> bool,
    ) -> Self {
        Self {
            compiled,
            rest: sorted.iter(),
            hits: Vec::new(),
            orders: Vec::new(),
            start: 0,
            span: span(compiled.pattern.root()),
            looks: MAX_LOOKS,
            steps,
            ends,
        }
    }

    fn matches(&mut self, pattern: PatternId, out: &mut Vec<PatternMatch>) -> Result<(), Unfinished> {
        for _ in 0..MAX_MATCHES {
            let Some(orders) = self.next_match()? else {
                return Ok(());
            };
            out.push(PatternMatch { pattern, orders });
        }
        match self.next_match()? {
            Some(_) => Err(Unfinished::Many),
            None => Ok(()),
        }
    }

    /// Takes out the match that ends first.
    fn next_match(&mut self) -> Result<Option<Vec<u64>>, Unfinished> {
        let mut step = FIRST_STEP;
        while self.start < self.hits.len() || self.refill(step) {
            let end = (self.start + step).min(self.hits.len());
            let from = self.reach(self.start);
            if let Some(mut used) = self.look(from, end)? {
                // Between these two ends lies the first that holds a match.
                let (mut without, mut with) = (self.start, end);
                while with - without > 1 {
                    let middle = without.midpoint(with);
                    match self.look(from, middle)? {
                        Some(shorter) => (with, used) = (middle, shorter),
                        None => without = middle,
                    }
                }
                self.start = with - used.len();
                return Ok(Some(self.take(&used)));
            }
            self.start = end;
            step *= 2;
        }
        Ok(None)
    }

    /// Takes so many of the rest in, and leaves out what is in reach of none of them. False where there is no rest.
    fn refill(&mut self, step: usize) -> bool {
        let new = self.rest.as_slice();
        let new = &new[..step.min(new.len())];
        self.rest = self.rest.as_slice()[new.len()..].iter();
        self.hits.extend(new.iter().map(|one| one.hit.clone()));
        self.orders.extend(new.iter().map(|one| one.order));
        if !new.is_empty() {
            let from = self.reach(self.start);
            self.hits.drain(..from);
            self.orders.drain(..from);
            self.start -= from;
        }
        !new.is_empty()
    }

    /// The first observation that can be in one match with this one or a later one.
    fn reach(&self, at: usize) -> usize {
        let (Some(span), Some((first, _))) = (self.span, self.hits[at].interval) else {
            return 0;
        };
        let earliest = Micros(first.0.saturating_sub(span));
        self.hits[..at].partition_point(|hit| hit.interval.is_some_and(|(_, last)| last < earliest))
    }

    fn look(&mut self, from: usize, to: usize) -> Result<Option<Vec<usize>>, Unfinished> {
        if (self.ends)() {
            return Err(Unfinished::Ended);
        }
        self.looks = self.looks.checked_sub(to - from).ok_or(Unfinished::Long)?;
        let found = self
            .compiled
            .pattern
            .evaluate_within(&self.hits[from..to], &mut self.steps)?;
        Ok(found.map(|found| found.observations.iter().map(|at| at + from).collect()))
    }

    /// Takes observations out, by their places, which ascend; gives their orders, ascending.
    fn take(&mut self, places: &[usize]) -> Vec<u64> {
        let mut orders: Vec<u64> = places.iter().map(|&at| self.orders[at]).collect();
        orders.sort_unstable();
        let unused = |at: &mut usize| {
            *at += 1;
            places.binary_search(&(*at - 1)).is_err()
        };
        let mut at = 0;
        self.orders.retain(|_| unused(&mut at));
        at = 0;
        self.hits.retain(|_| unused(&mut at));
        orders
    }
}

/// The longest time in microseconds that a match can last, where the pattern bounds it.
fn span(node: &Node) -> Option<i64> {
    match node {
        Node::Expression(_) => Some(0),
        Node::Or(links) => links
            .iter()
            .map(span)
            .try_fold(0, |longest, one| Some(longest.max(one?))),
        Node::Qualified(inner, Qualifier::Within(micros)) => {
            Some(span(inner).map_or(*micros, |inner| inner.min(*micros)))
        }
        Node::Qualified(inner, Qualifier::StartStop(..) | Qualifier::Repeats(1)) => span(inner),
        Node::And(_) | Node::FollowedBy(_) | Node::Qualified(_, Qualifier::Repeats(_)) => None,
    }
}
