//! Which rules an event is put to.
//!
//! Rules about the same logs and event ids form a group. An event goes to the groups of its logs and its id; there one
//! pass over each field that the group's rules look at tells which of them it could match at all, by a literal that
//! each of those needs (see [`literal`](super::literal)). Rules that need none are always asked.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::compile::Compiled;
use super::field::FieldId;
use super::literal::{Anchor, Clause, Literal};
use super::logsource::Target;
use super::scratch::{Marks, View};

/// All groups, and the way to them.
#[derive(Debug, Default)]
pub(super) struct Routes {
    keys: HashMap<Box<str>, u32>,
    logs: Vec<Log>,
    pub(super) groups: Vec<Group>,
}

/// The groups of one log.
#[derive(Debug, Default)]
struct Log {
    /// Those that take any event id.
    any: Vec<u32>,
    by_id: HashMap<i64, Vec<u32>>,
    /// All of them, for events whose id is not known.
    all: Vec<u32>,
}

/// Rules about the same logs.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rules: Vec<u32>,
    pub(super) keywords: bool,
    always: Vec<u32>,
    filters: Vec<FieldFilter>,
}

/// The literals that the rules of a group need in one field.
#[derive(Debug)]
struct FieldFilter {
    /// `None`: any string of the event.
    field: Option<FieldId>,
    automaton: AhoCorasick,
    postings: Vec<Vec<(u32, Anchor)>>,
}

/// By literal: the rules that need it, and where in the field.
type Literals<'a> = HashMap<&'a str, Vec<(u32, Anchor)>>;

impl Routes {
    pub(super) fn new(rules: &[Compiled]) -> Self {
        let mut routes = Self::default();
        let mut by_targets: HashMap<&[Target], Vec<u32>> = HashMap::new();
        let mut order = Vec::new();
        for (at, rule) in rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| !rule.targets.is_empty())
        {
            let members = by_targets.entry(&rule.targets).or_insert_with(|| {
                order.push(&*rule.targets);
                Vec::new()
            });
            members.push(u32::try_from(at).expect("under 2^32 rules"));
        }
        for targets in order {
            let members = by_targets.remove(targets).expect("each stands once in the order");
            let group = u32::try_from(routes.groups.len()).expect("under 2^32 groups");
            routes.groups.push(Group::new(members, rules));
            for target in targets {
                routes.add(target, group);
            }
        }
        routes
    }

    fn add(&mut self, target: &Target, group: u32) {
        let next = u32::try_from(self.logs.len()).expect("under 2^32 logs");
        let log = *self.keys.entry(target.key.as_str().into()).or_insert(next);
        if log == next {
            self.logs.push(Log::default());
        }
        let log = &mut self.logs[log as usize];
        log.all.push(group);
        if target.ids.is_empty() {
            log.any.push(group);
        }
        for &id in &target.ids {
            log.by_id.entry(id).or_default().push(group);
        }
    }

    /// The log of a key, if any rule is about it.
    pub(super) fn log(&self, key: &str) -> Option<u32> {
        self.keys.get(key).copied()
    }

    /// The groups of some logs and an event id, each once.
    pub(super) fn groups(&self, logs: &[u32], id: Option<i64>, marks: &mut Marks, out: &mut Vec<u32>) {
        marks.clear(self.groups.len());
        out.clear();
        for &log in logs {
            let log = &self.logs[log as usize];
            let (one, other) = match id {
                Some(id) => (&log.any, log.by_id.get(&id)),
                None => (&log.all, None),
            };
            for &group in one.iter().chain(other.into_iter().flatten()) {
                if marks.insert(group) {
                    out.push(group);
                }
            }
        }
    }
}

impl Group {
    fn new(members: Vec<u32>, rules: &[Compiled]) -> Self {
        let mut common: HashMap<(Option<FieldId>, &str), u32> = HashMap::new();
        for &at in &members {
            for literal in rules[at as usize].need.clauses.iter().flatten() {
                *common.entry((literal.field, &literal.text)).or_default() += 1;
            }
        }
        let mut always = Vec::new();
        let mut needed: HashMap<Option<FieldId>, Literals<'_>> = HashMap::new();
        for &at in &members {
            let Some(clause) = choose(&rules[at as usize].need.clauses, &common) else {
                always.push(at);
                continue;
            };
            for literal in clause {
                let postings = needed
                    .entry(literal.field)
                    .or_default()
                    .entry(&literal.text)
                    .or_default();
                if !postings.contains(&(at, literal.anchor)) {
                    postings.push((at, literal.anchor));
                }
            }
        }
        let mut filters = Vec::new();
        for (field, literals) in needed {
            match FieldFilter::new(field, literals) {
                Ok(filter) => filters.push(filter),
                // Too large an automaton: these rules are asked every time.
                Err(rules) => always.extend(rules),
            }
        }
        filters.sort_by_key(|filter| filter.field);
        always.sort_unstable();
        always.dedup();
        Self {
            keywords: members.iter().any(|&at| rules[at as usize].keywords),
            rules: members,
            always,
            filters,
        }
    }

    /// Adds the rules that the event could match.
    pub(super) fn candidates(&self, view: &View, marks: &mut Marks, out: &mut Vec<u32>) {
        for &rule in &self.always {
            if marks.insert(rule) {
                out.push(rule);
            }
        }
        for filter in &self.filters {
            match filter.field {
                Some(field) => {
                    for value in view.values(field) {
                        filter.scan(value.lowered, marks, out);
                    }
                }
                None => {
                    for (_, lowered) in view.strings() {
                        filter.scan(lowered, marks, out);
                    }
                }
            }
        }
    }
}

/// The clause that is met least often: literals that many rules of the group name are common in logs too, and short
/// ones stand in anything.
fn choose<'a>(clauses: &'a [Clause], common: &HashMap<(Option<FieldId>, &str), u32>) -> Option<&'a Clause> {
    let cost = |literal: &Literal| {
        let count = common
            .get(&(literal.field, literal.text.as_str()))
            .copied()
            .unwrap_or(1);
        let length = literal.text.len() as u32;
        count * count + 200 / (length * length)
    };
    clauses
        .iter()
        .min_by_key(|clause| clause.iter().map(cost).fold(0_u32, u32::saturating_add))
}

impl FieldFilter {
    fn new(field: Option<FieldId>, literals: Literals<'_>) -> Result<Self, Vec<u32>> {
        let mut literals: Vec<_> = literals.into_iter().collect();
        literals.sort_unstable_by_key(|(text, _)| *text);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(literals.iter().map(|(text, _)| text));
        let postings: Vec<_> = literals.into_iter().map(|(_, postings)| postings).collect();
        match automaton {
            Ok(automaton) => Ok(Self {
                field,
                automaton,
                postings,
            }),
            Err(_) => Err(postings.into_iter().flatten().map(|(rule, _)| rule).collect()),
        }
    }

    fn scan(&self, text: &str, marks: &mut Marks, out: &mut Vec<u32>) {
        for found in self.automaton.find_overlapping_iter(text) {
            for &(rule, anchor) in &self.postings[found.pattern().as_usize()] {
                let stands = match anchor {
                    Anchor::Anywhere => true,
                    Anchor::Start => found.start() == 0,
                    Anchor::End => found.end() == text.len(),
                };
                if stands && marks.insert(rule) {
                    out.push(rule);
                }
            }
        }
    }
}
