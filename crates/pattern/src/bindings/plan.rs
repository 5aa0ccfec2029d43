//! From the tree of operators to slots under windows and orders.

use super::Hit;
use crate::ast::{Node, Qualifier};
use crate::time::Interval;

/// What has to be found.
#[derive(Debug)]
pub(super) enum Plan {
    /// So many observations out of a group.
    Slots {
        group: usize,
        count: u64,
    },
    All(Vec<Plan>),
    Any(Vec<Plan>),
    /// In this order of time.
    Sequence(Vec<Plan>),
    /// All touched by one span of so many microseconds.
    Window(Box<Plan>, i64),
    /// So many times. Never of a plan that could take the count into its slots.
    Repeat(Box<Plan>, u64),
}

/// The hits that a slot may take.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Those with a time, by their first moment.
    pub(super) timed: Vec<(Interval, usize)>,
    /// Those without.
    pub(super) untimed: Vec<usize>,
    /// The longest interval.
    longest: i64,
}

impl Group {
    fn new(mut timed: Vec<(Interval, usize)>, untimed: Vec<usize>) -> Self {
        timed.sort_unstable();
        timed.dedup();
        let lengths = timed
            .iter()
            .map(|((first, last), _)| last.0.saturating_sub(first.0));
        let longest = lengths.max().unwrap_or(0).max(0);
        Self {
            timed,
            untimed,
            longest,
        }
    }

    /// Those with a moment in reach of `[low, high]`, by their first moment. Some of them end before `low`.
    pub(super) fn near(&self, low: i64, high: i64) -> impl Iterator<Item = &(Interval, usize)> {
        let earliest = low.saturating_sub(self.longest);
        let start = self.timed.partition_point(|((first, _), _)| first.0 < earliest);
        self.timed[start..]
            .iter()
            .take_while(move |((first, _), _)| first.0 <= high)
    }

    fn is_empty(&self) -> bool {
        self.timed.is_empty() && self.untimed.is_empty()
    }
}

/// Makes the plan for a tree; `None` where an expression that is needed was never satisfied.
pub(super) fn plan(root: &Node, hits: &[Hit]) -> Option<(Plan, Vec<Group>)> {
    let mut planner = Planner {
        hits,
        groups: Vec::new(),
        spans: Vec::new(),
    };
    let plan = planner.node(root)?;
    Some((plan, planner.groups))
}

struct Planner<'a> {
    hits: &'a [Hit],
    groups: Vec<Group>,
    /// The `START`/`STOP` around the node, half open.
    spans: Vec<Interval>,
}

impl Planner<'_> {
    fn node(&mut self, node: &Node) -> Option<Plan> {
        match node {
            Node::Expression(number) => self.expression(*number as u32),
            Node::And(links) => links
                .iter()
                .map(|link| self.node(link))
                .collect::<Option<_>>()
                .map(Plan::All),
            Node::FollowedBy(links) => links
                .iter()
                .map(|link| self.node(link))
                .collect::<Option<_>>()
                .map(Plan::Sequence),
            Node::Or(links) => self.any(links),
            Node::Qualified(inner, Qualifier::StartStop(start, stop)) => {
                if start >= stop {
                    return None;
                }
                self.spans.push((*start, *stop));
                let plan = self.node(inner);
                self.spans.pop();
                plan
            }
            Node::Qualified(inner, Qualifier::Repeats(times)) => Some(repeat(self.node(inner)?, *times)),
            Node::Qualified(inner, Qualifier::Within(span)) => match self.node(inner)? {
                Plan::Slots { group, count: 1 } => {
                    // One observation lies within any span.
                    self.groups[group].untimed.clear();
                    (!self.groups[group].is_empty()).then_some(Plan::Slots { group, count: 1 })
                }
                plan => Some(Plan::Window(Box::new(plan), *span)),
            },
        }
    }

    fn expression(&mut self, number: u32) -> Option<Plan> {
        let (mut timed, mut untimed) = (Vec::new(), Vec::new());
        for (at, hit) in self.hits.iter().enumerate() {
            if hit.number_observed == 0 || hit.expressions.binary_search(&number).is_err() {
                continue;
            }
            match hit.interval {
                Some(interval) if self.spans.iter().all(|&span| reaches_into(interval, span)) => {
                    timed.push((interval, at));
                }
                None if self.spans.is_empty() => untimed.push(at),
                _ => {}
            }
        }
        let group = Group::new(timed, untimed);
        (!group.is_empty()).then(|| self.add(group))
    }

    fn add(&mut self, group: Group) -> Plan {
        self.groups.push(group);
        Plan::Slots {
            group: self.groups.len() - 1,
            count: 1,
        }
    }

    /// Sides that are single slots become one slot that takes from all of their groups.
    fn any(&mut self, links: &[Node]) -> Option<Plan> {
        let (mut timed, mut untimed, mut plans) = (Vec::new(), Vec::new(), Vec::new());
        for link in links {
            match self.node(link) {
                Some(Plan::Slots { group, count: 1 }) => {
                    let group = std::mem::take(&mut self.groups[group]);
                    timed.extend(group.timed);
                    untimed.extend(group.untimed);
                }
                other => plans.extend(other),
            }
        }
        untimed.sort_unstable();
        untimed.dedup();
        let joined = Group::new(timed, untimed);
        if !joined.is_empty() {
            plans.insert(0, self.add(joined));
        }
        match plans.len() {
            0 | 1 => plans.pop(),
            _ => Some(Plan::Any(plans)),
        }
    }
}

/// Whether some moment of the interval lies at or after the start and before the stop.
fn reaches_into((first, last): Interval, (start, stop): Interval) -> bool {
    first < stop && last >= start
}

fn repeat(plan: Plan, times: u64) -> Plan {
    match plan {
        plan if times == 1 => plan,
        Plan::Slots { group, count } => Plan::Slots {
            group,
            count: count.saturating_mul(times),
        },
        Plan::All(parts) => Plan::All(parts.into_iter().map(|part| repeat(part, times)).collect()),
        Plan::Repeat(inner, inner_times) => Plan::Repeat(inner, inner_times.saturating_mul(times)),
        plan => Plan::Repeat(Box::new(plan), times),
    }
}

impl Plan {
    /// How many observations it takes, where `choose` picks among the sides of an `OR`.
    pub(super) fn size(&self, choose: fn(u64, u64) -> u64) -> u64 {
        match self {
            Self::Slots { count, .. } => *count,
            Self::All(parts) | Self::Sequence(parts) => parts
                .iter()
                .map(|part| part.size(choose))
                .fold(0, u64::saturating_add),
            Self::Any(parts) => parts
                .iter()
                .map(|part| part.size(choose))
                .reduce(choose)
                .unwrap_or(0),
            Self::Window(inner, _) => inner.size(choose),
            Self::Repeat(inner, times) => inner.size(choose).saturating_mul(*times),
        }
    }

    /// Adds the groups of all its slots.
    pub(super) fn groups(&self, into: &mut Vec<usize>) {
        match self {
            Self::Slots { group, .. } => into.push(*group),
            Self::All(parts) | Self::Sequence(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.groups(into));
            }
            Self::Window(inner, _) | Self::Repeat(inner, _) => inner.groups(into),
        }
    }

    /// True where its slots are bound to no window or order of their own, so that each can change its observation
    /// for another of its group that is in reach.
    pub(super) fn is_free(&self) -> bool {
        match self {
            Self::Slots { .. } => true,
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::is_free),
            Self::Repeat(inner, _) => inner.is_free(),
            Self::Sequence(_) | Self::Window(..) => false,
        }
    }
}
