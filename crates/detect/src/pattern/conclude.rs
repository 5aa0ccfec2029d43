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

/// How many observations are added first in the search for the next match.
const FIRST_STEP: usize = 16;

/// Finds the matches of each pattern.
pub(super) fn conclude(
    patterns: &[Compiled],
    mut observations: Vec<Observation>,
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
    for group in observations.chunk_by(|one, other| one.pattern == other.pattern) {
        let pattern = group[0].pattern;
        let compiled = &patterns[pattern.0 as usize];
        let mut pool = Pool::new(compiled, group);
        if let Err(why) = pool.matches(pattern, &mut matches) {
            let why = format!("STIX pattern {}: {why}", compiled.info.name);
            problems.push(Problem::new(compiled.place.clone(), why));
        }
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
}

/// The observations of one pattern that no match has used yet.
struct Pool<'a> {
    compiled: &'a Compiled,
    hits: Vec<Hit>,
    orders: Vec<u64>,
    /// The longest that a match can last.
    span: Option<i64>,
    looks: usize,
}

impl<'a> Pool<'a> {
    fn new(compiled: &'a Compiled, sorted: &[Observation]) -> Self {
        Self {
            compiled,
            hits: sorted.iter().map(|one| one.hit.clone()).collect(),
            orders: sorted.iter().map(|one| one.order).collect(),
            span: span(compiled.pattern.root()),
            looks: MAX_LOOKS,
        }
    }

    fn matches(&mut self, pattern: PatternId, out: &mut Vec<PatternMatch>) -> Result<(), Unfinished> {
        // No match ends before this one.
        let mut start = 0;
        for _ in 0..MAX_MATCHES {
            let Some((end, used)) = self.next_match(start)? else {
                return Ok(());
            };
            start = end - used.len();
            let mut orders: Vec<u64> = used.iter().map(|&at| self.orders[at]).collect();
            orders.sort_unstable();
            out.push(PatternMatch { pattern, orders });
            self.remove(&used);
        }
        match self.next_match(start)? {
            Some(_) => Err(Unfinished::Many),
            None => Ok(()),
        }
    }

    /// The match that ends first, given that none ends before `start`: the end of the shortest beginning that holds
    /// it, and the observations, ascending.
    fn next_match(&mut self, mut start: usize) -> Result<Option<(usize, Vec<usize>)>, Unfinished> {
        let mut step = FIRST_STEP;
        while start < self.hits.len() {
            let end = (start + step).min(self.hits.len());
            let from = self.reach(start);
            if let Some(mut used) = self.look(from, end)? {
                // Between these two ends lies the first that holds a match.
                let (mut without, mut with) = (start, end);
                while with - without > 1 {
                    let middle = without.midpoint(with);
                    match self.look(from, middle)? {
                        Some(shorter) => (with, used) = (middle, shorter),
                        None => without = middle,
                    }
                }
                return Ok(Some((with, used)));
            }
            start = end;
            step *= 2;
        }
        Ok(None)
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
        self.looks = self.looks.checked_sub(to - from).ok_or(Unfinished::Long)?;
        let found = self.compiled.pattern.evaluate(&self.hits[from..to])?;
        Ok(found.map(|found| found.observations.iter().map(|at| at + from).collect()))
    }

    /// Takes observations out; their places ascend.
    fn remove(&mut self, places: &[usize]) {
        let mut at = 0;
        self.orders.retain(|_| {
            at += 1;
            places.binary_search(&(at - 1)).is_err()
        });
        at = 0;
        self.hits.retain(|_| {
            at += 1;
            places.binary_search(&(at - 1)).is_err()
        });
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
