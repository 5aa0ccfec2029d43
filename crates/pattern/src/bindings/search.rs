//! The choice of windows, cuts and sides.

use super::flow::{Demand, serve};
use super::plan::{Group, Plan, plan};
use super::{Budget, Hit, Match, TooComplex};
use crate::ast::Node;

/// How many steps one search may take: under a second.
pub(crate) const STEPS: u64 = 200_000_000;

/// How many choices may hang on each other.
const MAX_CHOICES: usize = 500;

/// No bound of time.
const ALWAYS: Reach = Reach {
    low: i64::MIN,
    high: i64::MAX,
};

/// Observations that end at or after `low` and begin at or before `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reach {
    low: i64,
    high: i64,
}

impl Reach {
    fn from(self, low: i64) -> Self {
        Self {
            low: self.low.max(low),
            ..self
        }
    }

    fn until(self, high: i64) -> Self {
        Self {
            high: self.high.min(high),
            ..self
        }
    }
}

/// Something still to do, and what is to do after it.
#[derive(Clone, Copy)]
struct Task<'p> {
    what: What<'p>,
    reach: Reach,
    then: Option<usize>,
}

#[derive(Clone, Copy)]
enum What<'p> {
    Plan(&'p Plan),
    /// The rest of a sequence whose last observation so far begins at this moment.
    Rest(&'p [Plan], i64),
    /// So many more times.
    Again(&'p Plan, u64),
}

struct Search<'a, 'p, 'b> {
    hits: &'a [Hit],
    groups: &'p [Group],
    /// No slot needs more candidates than there are slots in all.
    enough: u64,
    tasks: Vec<Task<'p>>,
    demands: Vec<Demand>,
    choices: usize,
    budget: &'b mut Budget,
}

/// Finds observations that satisfy the tree.
///
/// `steps` is what this and later searches may take together; one takes no more than [`STEPS`] of it.
pub(crate) fn search(root: &Node, hits: &[Hit], steps: &mut u64) -> Result<Option<Match>, TooComplex> {
    let allowed = STEPS.min(*steps);
    let mut budget = Budget(allowed);
    let found = search_within(root, hits, &mut budget);
    *steps -= allowed - budget.0;
    found
}

fn search_within(root: &Node, hits: &[Hit], budget: &mut Budget) -> Result<Option<Match>, TooComplex> {
    budget.spend(hits.iter().map(|hit| hit.expressions.len() + 1).sum())?;
    let Some((plan, groups)) = plan(root, hits) else {
        return Ok(None);
    };
    let available = hits
        .iter()
        .map(|hit| hit.number_observed)
        .fold(0, u64::saturating_add);
    if plan.size(u64::min) > available {
        return Ok(None);
    }
    let mut search = Search {
        hits,
        groups: &groups,
        enough: plan.size(u64::max),
        tasks: Vec::new(),
        demands: Vec::new(),
        choices: 0,
        budget,
    };
    let first = search.push(What::Plan(&plan), ALWAYS, None);
    let used = search.solve(Some(first))?;
    Ok(used.map(|observations| Match { observations }))
}

type Solved = Result<Option<Vec<usize>>, TooComplex>;

impl<'p> Search<'_, 'p, '_> {
    fn push(&mut self, what: What<'p>, reach: Reach, then: Option<usize>) -> usize {
        self.tasks.push(Task { what, reach, then });
        self.tasks.len() - 1
    }

    /// Does the task and all after it; undoes what it did where that fails.
    fn solve(&mut self, mut next: Option<usize>) -> Solved {
        let (tasks, demands) = (self.tasks.len(), self.demands.len());
        let solved = loop {
            let Some(Task { what, reach, then }) = next.map(|task| self.tasks[task]) else {
                break serve(&self.demands, |hit| self.hits[hit].number_observed, self.budget)?;
            };
            match what {
                What::Plan(Plan::Slots { group, count }) => {
                    let Some(demand) = self.demand(*group, *count, reach)? else {
                        break None;
                    };
                    self.demands.push(demand);
                    let hopeless = self.choices > 0
                        && serve(&self.demands, |hit| self.hits[hit].number_observed, self.budget)?.is_none();
                    if hopeless {
                        break None;
                    }
                    next = then;
                }
                What::Plan(Plan::All(parts)) => {
                    next = parts
                        .iter()
                        .rev()
                        .fold(then, |then, part| Some(self.push(What::Plan(part), reach, then)));
                }
                What::Plan(Plan::Sequence(parts)) => {
                    next = Some(self.push(What::Rest(parts, i64::MIN), reach, then))
                }
                What::Plan(Plan::Repeat(inner, times)) => {
                    next = Some(self.push(What::Again(inner, *times), reach, then));
                }
                What::Again(_, 0) => next = then,
                What::Again(inner, times) => {
                    let again = self.push(What::Again(inner, times - 1), reach, then);
                    next = Some(self.push(What::Plan(inner), reach, Some(again)));
                }
                What::Rest([last], cut) => next = Some(self.push(What::Plan(last), reach.from(cut), then)),
                What::Rest(parts, cut) => break self.choose(|it| it.cuts(parts, cut, reach, then))?,
                What::Plan(Plan::Window(inner, span)) => {
                    break self.choose(|it| it.windows(inner, *span, reach, then))?;
                }
                What::Plan(Plan::Any(parts)) => break self.choose(|it| it.sides(parts, reach, then))?,
            }
        };
        self.tasks.truncate(tasks);
        self.demands.truncate(demands);
        Ok(solved)
    }

    fn choose(&mut self, choice: impl FnOnce(&mut Self) -> Solved) -> Solved {
        self.choices += 1;
        if self.choices > MAX_CHOICES {
            return Err(TooComplex);
        }
        let solved = choice(self)?;
        self.choices -= 1;
        Ok(solved)
    }

    fn sides(&mut self, parts: &'p [Plan], reach: Reach, then: Option<usize>) -> Solved {
        for part in parts {
            if self.earliest(part, reach)?.is_none() {
                continue;
            }
            let task = self.push(What::Plan(part), reach, then);
            let solved = self.solve(Some(task))?;
            if solved.is_some() {
                return Ok(solved);
            }
            self.tasks.pop();
        }
        Ok(None)
    }

    /// A window may as well begin where the first of its observations ends.
    fn windows(&mut self, inner: &'p Plan, span: i64, reach: Reach, then: Option<usize>) -> Solved {
        for start in self.moments(inner, reach, |_, last| last)? {
            let window = reach.from(start).until(start.saturating_add(span));
            if self.earliest(inner, window)?.is_none() {
                continue;
            }
            let task = self.push(What::Plan(inner), window, then);
            let solved = self.solve(Some(task))?;
            if solved.is_some() {
                return Ok(solved);
            }
            self.tasks.pop();
        }
        Ok(None)
    }

    /// A cut is the latest first moment of all that stands left of it: that of the part in front of the rest, or the
    /// cut before.
    fn cuts(&mut self, parts: &'p [Plan], before: i64, reach: Reach, then: Option<usize>) -> Solved {
        let (part, rest) = parts.split_first().expect("a rest has parts");
        let Some(earliest) = self.earliest(part, reach.from(before))? else {
            return Ok(None);
        };
        let latest = self.latest_useful(part, reach.from(before))?;
        let mut moments = self.moments(part, reach.from(before), |first, _| first)?;
        moments.retain(|&moment| moment > before && (earliest..=latest).contains(&moment));
        if before != i64::MIN && earliest <= before {
            moments.insert(0, before);
        }
        for cut in moments {
            if self.earliest_of_sequence(rest, cut, reach)?.is_none() {
                // A later cut leaves the rest less.
                return Ok(None);
            }
            let rest = self.push(What::Rest(rest, cut), reach, then);
            let task = self.push(What::Plan(part), reach.from(before).until(cut), Some(rest));
            let solved = self.solve(Some(task))?;
            if solved.is_some() {
                return Ok(solved);
            }
            self.tasks.truncate(rest);
        }
        Ok(None)
    }

    /// The first or last moments of all observations in reach that the plan could take, ascending.
    fn moments(
        &mut self,
        plan: &Plan,
        reach: Reach,
        pick: fn(i64, i64) -> i64,
    ) -> Result<Vec<i64>, TooComplex> {
        let mut groups = Vec::new();
        plan.groups(&mut groups);
        let mut moments = Vec::new();
        for group in groups {
            let near = self.groups[group].near(reach.low, reach.high);
            let before = moments.len();
            moments.extend(
                near.filter(|((_, last), _)| last.0 >= reach.low)
                    .map(|((first, last), _)| pick(first.0, last.0)),
            );
            self.budget.spend(moments.len() - before + 1)?;
        }
        moments.sort_unstable();
        moments.dedup();
        Ok(moments)
    }

    /// Where a plan's slots are free, no cut behind it needs to be later than this: with as many observations before
    /// the cut as the whole pattern has slots, some are always left.
    fn latest_useful(&mut self, plan: &Plan, reach: Reach) -> Result<i64, TooComplex> {
        if !plan.is_free() {
            return Ok(i64::MAX);
        }
        let mut groups = Vec::new();
        plan.groups(&mut groups);
        let mut latest = i64::MIN;
        for group in groups {
            let (_, _, last_first) = self.gather(group, self.enough, reach)?;
            latest = latest.max(last_first);
        }
        Ok(latest)
    }

    fn demand(&mut self, group: usize, count: u64, reach: Reach) -> Result<Option<Demand>, TooComplex> {
        let (candidates, number, _) = self.gather(group, self.enough, reach)?;
        Ok((number >= count).then_some(Demand { count, candidates }))
    }

    /// Observations of a group that are in reach, those that begin first, until they are enough; how many they are;
    /// and the first moment of the last of them.
    fn gather(
        &mut self,
        group: usize,
        enough: u64,
        reach: Reach,
    ) -> Result<(Vec<usize>, u64, i64), TooComplex> {
        let group = &self.groups[group];
        let (mut found, mut number, mut last_first, mut seen) = (Vec::new(), 0_u64, i64::MIN, 1);
        for &((first, last), hit) in group.near(reach.low, reach.high) {
            seen += 1;
            if last.0 < reach.low {
                continue;
            }
            found.push(hit);
            last_first = first.0;
            number = number.saturating_add(self.hits[hit].number_observed);
            if number >= enough {
                break;
            }
        }
        if reach == ALWAYS && number < enough {
            for &hit in &group.untimed {
                found.push(hit);
                number = number.saturating_add(self.hits[hit].number_observed);
            }
            seen += group.untimed.len();
        }
        self.budget.spend(seen)?;
        Ok((found, number, last_first))
    }

    /// A moment before which no cut behind the plan can lie: each of its slots looked at alone, as if the others took
    /// nothing away. `None` where already that finds too few.
    fn earliest(&mut self, plan: &Plan, reach: Reach) -> Result<Option<i64>, TooComplex> {
        match plan {
            Plan::Slots { group, count } => {
                let (_, number, last_first) = self.gather(*group, *count, reach)?;
                Ok((number >= *count).then_some(last_first))
            }
            Plan::All(parts) => {
                let mut latest = i64::MIN;
                for part in parts {
                    let Some(moment) = self.earliest(part, reach)? else {
                        return Ok(None);
                    };
                    latest = latest.max(moment);
                }
                Ok(Some(latest))
            }
            Plan::Any(parts) => {
                let mut earliest = None;
                for part in parts {
                    if let Some(moment) = self.earliest(part, reach)? {
                        earliest = Some(earliest.map_or(moment, |earliest: i64| earliest.min(moment)));
                    }
                }
                Ok(earliest)
            }
            Plan::Sequence(parts) => self.earliest_of_sequence(parts, i64::MIN, reach),
            Plan::Window(inner, _) | Plan::Repeat(inner, _) => self.earliest(inner, reach),
        }
    }

    fn earliest_of_sequence(
        &mut self,
        parts: &[Plan],
        mut cut: i64,
        reach: Reach,
    ) -> Result<Option<i64>, TooComplex> {
        for part in parts {
            let Some(moment) = self.earliest(part, reach.from(cut))? else {
                return Ok(None);
            };
            cut = cut.max(moment);
        }
        Ok(Some(cut))
    }
}
