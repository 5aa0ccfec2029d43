//! Sigma rules: compiled once, matched against events.
//!
//! `rsigma-parser` reads the YAML and `rsigma-eval` compiles the values; log sources, fields, the pre-filter and
//! evaluation are here, and no type of theirs leaves this folder. A rule goes through these files:
//!
//! - `split`, `documents`, `title`: text → documents of rules, correlations and filters;
//! - `filter`: what narrows rules of others;
//! - `compile`: documents → what runs, with `limits` on what a rule may cost, and `prepare` for what
//!   rsigma takes differently;
//! - `logsource`: which logs a rule is about, and which an event belongs to;
//! - `rule`, `matcher`, `time`: the condition as a tree of tests;
//! - `literal`, `routes`: which rules an event can match at all;
//! - `scratch`, `field`: an event as rules see it;
//! - `correlation`, `observation`, `correlate`, `window`, `tally`: rules about several events, after the scan;
//! - `explain`: the rules that did no work; `influence`: what one file does to the rules of another.

mod compile;
mod correlate;
mod correlation;
mod documents;
mod explain;
mod field;
mod filter;
mod influence;
mod limits;
mod literal;
mod logsource;
mod matcher;
mod observation;
mod prepare;
mod routes;
mod rule;
mod scratch;
mod split;
mod tally;
mod time;
mod title;
mod window;

use std::sync::Arc;

use perisai_model::{Context, Event, IdleRule, Problem, Rule, RuleInfo};

use compile::Compiled;
use correlation::Correlation;
use field::Fields;
use logsource::Classifier;
use observation::Interner;
use routes::Routes;
use scratch::View;

pub use correlate::CorrelationHit;
pub use explain::Seen;
pub use observation::Observation;
pub use scratch::Scratch;

/// Sigma rules, ready to run; shared by all threads.
#[derive(Debug)]
pub struct SigmaRules {
    fields: Fields,
    classifier: Classifier,
    rules: Vec<Compiled>,
    correlations: Vec<Option<Correlation>>,
    /// The correlations in the order in which they run.
    order: Vec<usize>,
    /// By rule: the correlations that watch it, and the position of the rule in each.
    watchers: Vec<Vec<correlation::Watch>>,
    silent: Vec<bool>,
    routes: Routes,
    idle: Vec<IdleRule>,
    notes: Vec<String>,
}

/// A rule or correlation in a [`SigmaRules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SigmaRuleId(u32);

/// A rule that matched an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigmaHit {
    /// The rule.
    pub rule: SigmaRuleId,
    /// The fields that the rule looked at and that held, in the rule's order, with their values as they stood
    /// (cut at 4 KiB).
    pub matched: Vec<(String, String)>,
    /// False where the rule only feeds correlations and makes no finding of its own.
    pub generates: bool,
    /// What the correlations that watch this rule want to know of the event.
    pub observations: Vec<Observation>,
}

impl SigmaHit {
    /// What matched, in one line: `Image: C:\x.exe; CommandLine: x -y`.
    #[must_use]
    pub fn text(&self) -> String {
        let parts: Vec<_> = self
            .matched
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        parts.join("; ")
    }
}

impl SigmaRules {
    /// Compiles all rules of the language Sigma. A rule that can not be used is told as a problem at its place, and
    /// stops no other.
    pub fn compile<'a>(rules: impl Iterator<Item = (&'a Rule, &'a Context)>) -> (Self, Vec<Problem>) {
        let mut compiled = compile::compile(rules);
        let mut idle = std::mem::take(&mut compiled.idle);
        idle.append(&mut compiled.refused.idle);
        let classifier = Classifier::new(&mut compiled.fields);
        let routes = Routes::new(&compiled.rules);
        let (watchers, silent) = correlation::watchers(&compiled.rules, &compiled.correlations);
        let notes = influence::notes(&compiled, &watchers, &silent);
        let rules = Self {
            notes,
            fields: compiled.fields,
            classifier,
            routes,
            watchers,
            silent,
            rules: compiled.rules,
            correlations: compiled.correlations,
            order: compiled.order,
            idle,
        };
        (rules, compiled.refused.problems)
    }

    /// What is worth telling of the rules, and no failure.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How many rules and correlations are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len() + self.correlations.iter().flatten().count()
    }

    /// True where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a finding says of a rule or correlation.
    ///
    /// # Panics
    /// Where the id is of another `SigmaRules`.
    #[must_use]
    pub fn info(&self, rule: SigmaRuleId) -> &Arc<RuleInfo> {
        let at = rule.0 as usize;
        match self.rules.get(at) {
            Some(rule) => &rule.info,
            None => {
                let correlation = self.correlations[at - self.rules.len()].as_ref();
                &correlation.expect("only correlations in use have hits").info
            }
        }
    }

    /// Adds the rules that match an event to `out`, in the order in which they were loaded.
    pub fn match_event(&self, event: &Event, scratch: &mut Scratch, out: &mut Vec<SigmaHit>) {
        self.enter(event, scratch);
        for at in 0..scratch.candidates.len() {
            let rule = scratch.candidates[at];
            if self.rules[rule as usize].node.holds(&scratch.view, &self.fields) {
                out.push(self.hit(rule, event, &scratch.view, &mut scratch.interner));
            }
        }
    }

    /// Takes an event in, and finds the rules that it could match.
    fn enter(&self, event: &Event, scratch: &mut Scratch) {
        let Scratch {
            seen,
            logs,
            groups,
            group_marks,
            rule_marks,
            candidates,
            key,
            view,
            interner: _,
        } = scratch;
        view.fill(&self.fields, event);
        logs.clear();
        let id = self
            .classifier
            .classify(event, view, key, &mut |key| logs.extend(self.routes.log(key)));
        self.routes.groups(logs, id, group_marks, groups);
        seen.add(groups, self.routes.groups.len());
        if groups
            .iter()
            .any(|&group| self.routes.groups[group as usize].keywords)
        {
            view.fill_strings(event);
        }
        rule_marks.clear(self.rules.len());
        candidates.clear();
        for &group in &*groups {
            self.routes.groups[group as usize].candidates(view, rule_marks, candidates);
        }
        candidates.sort_unstable();
    }

    fn hit(&self, rule: u32, event: &Event, view: &View, interner: &mut Interner) -> SigmaHit {
        let mut matched = Vec::new();
        self.rules[rule as usize]
            .node
            .matched(view, &self.fields, &mut matched);
        SigmaHit {
            rule: SigmaRuleId(rule),
            matched,
            generates: !self.silent[rule as usize],
            observations: self.observe(rule, event, view, interner),
        }
    }
}

#[cfg(test)]
mod tests;
