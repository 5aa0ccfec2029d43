//! Whether several demands can be served at once from observations of limited number.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Budget, TooComplex};

/// A step here takes so many times longer than one of the search.
const WEIGHT: usize = 20;

/// So many observations out of these.
#[derive(Debug, Clone)]
pub(super) struct Demand {
    pub(super) count: u64,
    pub(super) candidates: Vec<usize>,
}

/// What one observation gives.
#[derive(Default)]
struct Source {
    free: u64,
    /// Demand and amount.
    given: Vec<(usize, u64)>,
}

/// The observations that serve all demands, ascending; `None` where they cannot all be served. A maximum flow by
/// shortest augmenting paths: each either exhausts an observation, satisfies a demand or moves a whole share.
pub(super) fn serve(
    demands: &[Demand],
    number_observed: impl Fn(usize) -> u64,
    budget: &mut Budget,
) -> Result<Option<Vec<usize>>, TooComplex> {
    let mut sources: HashMap<usize, Source> = HashMap::new();
    for demand in demands {
        budget.spend(WEIGHT * demand.candidates.len())?;
        for &candidate in &demand.candidates {
            let new = || Source {
                free: number_observed(candidate),
                given: Vec::new(),
            };
            sources.entry(candidate).or_insert_with(new);
        }
    }
    for (number, demand) in demands.iter().enumerate() {
        let mut missing = demand.count;
        for candidate in &demand.candidates {
            let source = sources.get_mut(candidate).expect("every candidate has a source");
            let amount = source.free.min(missing);
            if amount > 0 {
                give(source, number, amount);
                missing -= amount;
            }
        }
        while missing > 0 {
            match augment(demands, &mut sources, number, missing, budget)? {
                0 => return Ok(None),
                amount => missing -= amount,
            }
        }
    }
    let mut used: Vec<usize> = sources
        .into_iter()
        .filter(|(_, it)| !it.given.is_empty())
        .map(|(at, _)| at)
        .collect();
    used.sort_unstable();
    Ok(Some(used))
}

fn give(source: &mut Source, demand: usize, amount: u64) {
    source.free -= amount;
    match source.given.iter_mut().find(|(other, _)| *other == demand) {
        Some((_, given)) => *given += amount,
        None => source.given.push((demand, amount)),
    }
}

/// Finds the shortest way on which demands pass observations on until one takes a free one; gives how many it got.
fn augment(
    demands: &[Demand],
    sources: &mut HashMap<usize, Source>,
    start: usize,
    missing: u64,
    budget: &mut Budget,
) -> Result<u64, TooComplex> {
    // For each demand reached: the demand before it, and the observation that it would pass to that one.
    let mut reached: HashMap<usize, (usize, usize)> = HashMap::new();
    let mut seen: HashSet<usize> = HashSet::new();
    let mut queue = VecDeque::from([start]);
    while let Some(demand) = queue.pop_front() {
        budget.spend(WEIGHT * demands[demand].candidates.len())?;
        for &candidate in &demands[demand].candidates {
            if !seen.insert(candidate) {
                continue;
            }
            if sources[&candidate].free > 0 {
                return Ok(pass_along(sources, &reached, (start, demand, candidate), missing));
            }
            for &(holder, _) in &sources[&candidate].given {
                if holder != start && !reached.contains_key(&holder) {
                    reached.insert(holder, (demand, candidate));
                    queue.push_back(holder);
                }
            }
        }
    }
    Ok(0)
}

fn pass_along(
    sources: &mut HashMap<usize, Source>,
    reached: &HashMap<usize, (usize, usize)>,
    (start, end, free): (usize, usize, usize),
    missing: u64,
) -> u64 {
    let mut amount = missing.min(sources[&free].free);
    let mut at = end;
    while at != start {
        let (before, passed) = reached[&at];
        let held = sources[&passed].given.iter().find(|(demand, _)| *demand == at);
        amount = amount.min(held.expect("a demand was reached through what it holds").1);
        at = before;
    }
    let source = sources.get_mut(&free).expect("the free observation has a source");
    give(source, end, amount);
    let mut at = end;
    while at != start {
        let (before, passed) = reached[&at];
        let source = sources
            .get_mut(&passed)
            .expect("a passed observation has a source");
        for (demand, held) in &mut source.given {
            if *demand == at {
                *held -= amount;
            }
        }
        source.given.retain(|&(_, held)| held > 0);
        source.free += amount;
        give(source, before, amount);
        at = before;
    }
    amount
}
