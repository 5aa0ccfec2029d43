//! Which rules did no work, and why.

use perisai_model::IdleRule;

use super::SigmaRules;
use super::logsource;

/// What kinds of events went by: merge those of all threads, then ask [`SigmaRules::explain`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    groups: Vec<bool>,
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
        self.groups
            .resize(self.groups.len().max(other.groups.len()), false);
        for (mine, theirs) in self.groups.iter_mut().zip(&other.groups) {
            *mine |= theirs;
        }
    }

    fn has(&self, group: usize) -> bool {
        self.groups.get(group).copied().unwrap_or(false)
    }
}

impl SigmaRules {
    /// The rules that were not loaded, whose log source is not known, or that no event of these logs was about; with
    /// the reason, sorted by name.
    #[must_use]
    pub fn explain(&self, seen: &Seen) -> Vec<IdleRule> {
        let mut idle = self.idle.clone();
        let groups = self.routes.groups.iter().enumerate();
        for (_, group) in groups.filter(|(at, _)| !seen.has(*at)) {
            for rule in group.rules.iter().map(|&rule| &self.rules[rule as usize]) {
                let needs: Vec<_> = rule.targets.iter().map(logsource::describe).collect();
                idle.push(IdleRule {
                    name: rule.info.name.clone(),
                    id: rule.id.clone(),
                    why: format!("no event in these logs is from {}", needs.join(", or from ")),
                });
            }
        }
        idle.sort();
        idle
    }
}
