//! Which rules did no work, and why.

use std::collections::BTreeSet;

use perisai_model::IdleRule;

use super::SigmaRules;
use super::compile::Compiled;
use super::field::FieldId;
use super::logsource;

/// So many of the fields that a rule lacks are named.
const NAMED: usize = 5;

/// What kinds of events went by: merge those of all threads, then ask [`SigmaRules::explain`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub(super) groups: Vec<bool>,
    /// By field: whether an event had it.
    pub(super) fields: Vec<bool>,
    /// How many events there were.
    pub events: u64,
}

impl Seen {
    pub(super) fn add(&mut self, groups: &[u32], of: usize) {
        self.events += 1;
        self.groups.resize(self.groups.len().max(of), false);
        for &group in groups {
            self.groups[group as usize] = true;
        }
    }

    /// Adds what another thread saw with the same rules.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        for (mine, theirs) in [
            (&mut self.groups, &other.groups),
            (&mut self.fields, &other.fields),
        ] {
            mine.resize(mine.len().max(theirs.len()), false);
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine |= theirs;
            }
        }
    }

    fn has(&self, group: usize) -> bool {
        self.groups.get(group).copied().unwrap_or(false)
    }

    fn has_field(&self, field: FieldId) -> bool {
        self.fields.get(field.0 as usize).copied().unwrap_or(false)
    }
}

impl SigmaRules {
    /// The rules that were not loaded, whose log source is not known, that no event of these logs was about, or that
    /// need fields which no event had; with the reason, sorted by name.
    #[must_use]
    pub fn explain(&self, seen: &Seen) -> Vec<IdleRule> {
        let mut idle = self.idle.clone();
        for (at, group) in self.routes.groups.iter().enumerate() {
            for rule in group.rules.iter().map(|&rule| &self.rules[rule as usize]) {
                let why = if seen.has(at) {
                    self.lacks(rule, seen)
                } else {
                    let needs: Vec<_> = rule.targets.iter().map(logsource::describe).collect();
                    Some(format!(
                        "no event in these logs is from {}",
                        needs.join(", or from ")
                    ))
                };
                idle.extend(why.map(|why| IdleRule {
                    name: rule.info.name.clone(),
                    id: rule.id.clone(),
                    why,
                    loaded: true,
                }));
            }
        }
        idle.sort();
        idle
    }

    /// What a rule needs and no event had.
    fn lacks(&self, rule: &Compiled, seen: &Seen) -> Option<String> {
        let mut lacking = BTreeSet::new();
        let mut has = |field: FieldId| {
            let has = seen.has_field(field);
            if !has {
                lacking.insert(self.fields.name(field));
            }
            has
        };
        if rule.node.can_hold(&mut has) {
            return None;
        }
        let names: Vec<_> = lacking
            .iter()
            .take(NAMED)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = if lacking.len() > NAMED { ", …" } else { "" };
        Some(format!("no event in these logs has {}{more}", names.join(" or ")))
    }
}
