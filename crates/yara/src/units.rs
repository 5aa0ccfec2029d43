//! All rules of all texts, each of which can be compiled without the others.

use std::collections::{BTreeMap, BTreeSet};

use perisai_model::{Place, Rule};

use crate::compile::compile_again;
use crate::texts::parts;

/// All rules that compiled.
pub(crate) struct Units {
    texts: Vec<Text>,
    units: Vec<Unit>,
}

/// What the rules of one text share.
struct Text {
    rule: Rule,
    imports: String,
    /// Rules that all others of the text depend on.
    globals: Vec<usize>,
}

/// A rule.
pub(crate) struct Unit {
    pub(crate) name: String,
    text: usize,
    /// Its own text, and where that begins in the whole.
    own: String,
    start: usize,
    is_global: bool,
    /// The rules that its condition names.
    needs: Vec<usize>,
}

impl Units {
    /// Cuts the texts into rules, and keeps those of which `compiled` says so. Global ones come before the others of
    /// their text, for these depend on them.
    pub(crate) fn new(rules: &[Rule], compiled: impl Fn(usize, &str) -> bool) -> Self {
        let (mut texts, mut units) = (Vec::new(), Vec::<Unit>::new());
        for (position, rule) in rules.iter().enumerate() {
            let slice = |range: &std::ops::Range<usize>| rule.text.get(range.clone()).unwrap_or_default();
            let parts = parts(&rule.text);
            let mut order: Vec<usize> = (0..parts.rules.len())
                .filter(|&at| compiled(position, &parts.rules[at].name))
                .collect();
            order.sort_by_key(|&at| !parts.rules[at].is_global);
            // Where each rule of the text stands among all.
            let unit_of: BTreeMap<usize, usize> = order.iter().copied().zip(units.len()..).collect();
            let globals = order.iter().filter(|&&at| parts.rules[at].is_global);
            texts.push(Text {
                rule: rule.clone(),
                imports: parts.imports.iter().map(slice).collect::<Vec<_>>().join("\n"),
                globals: globals.map(|at| unit_of[at]).collect(),
            });
            units.extend(order.iter().map(|&at| {
                let part = &parts.rules[at];
                let needs: BTreeSet<usize> = part
                    .needs
                    .iter()
                    .filter_map(|at| unit_of.get(at).copied())
                    .collect();
                Unit {
                    name: part.name.clone(),
                    text: position,
                    own: part.ranges.iter().map(slice).collect::<Vec<_>>().join("\n"),
                    start: part.ranges.first().map_or(0, |range| range.start),
                    is_global: part.is_global,
                    needs: needs.into_iter().collect(),
                }
            }));
        }
        Self { texts, units }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.units.len()
    }

    /// One of them.
    pub(crate) fn get(&self, at: usize) -> &Unit {
        &self.units[at]
    }

    /// Where one stands.
    pub(crate) fn place(&self, at: usize) -> Place {
        let unit = &self.units[at];
        let rule = &self.texts[unit.text].rule;
        let before = rule.text.as_bytes().get(..unit.start).unwrap_or_default();
        rule.line(1 + before.iter().filter(|byte| **byte == b'\n').count() as u64)
    }

    /// These, and all that they depend on.
    fn with_needs(&self, group: &[usize]) -> BTreeSet<usize> {
        let (mut all, mut texts) = (BTreeSet::new(), BTreeSet::new());
        let mut waiting = group.to_vec();
        while let Some(at) = waiting.pop() {
            if !all.insert(at) {
                continue;
            }
            let unit = &self.units[at];
            waiting.extend(&unit.needs);
            // Global rules are bound by each other; each can be looked at without.
            if !unit.is_global && texts.insert(unit.text) {
                waiting.extend(&self.texts[unit.text].globals);
            }
        }
        all
    }

    /// Adds those that depend on what is set aside. Gives each that is added, and one that it depends on.
    pub(crate) fn add_dependants(&self, aside: &mut BTreeSet<usize>) -> Vec<(usize, usize)> {
        let mut added = Vec::new();
        loop {
            let before = added.len();
            let globals = aside.iter().filter(|&&at| self.units[at].is_global);
            let mut globals: BTreeMap<usize, usize> = globals.map(|&at| (self.units[at].text, at)).collect();
            for (at, unit) in self.units.iter().enumerate() {
                if aside.contains(&at) {
                    continue;
                }
                let named = unit.needs.iter().find(|need| aside.contains(need));
                if let Some(&need) = named.or(globals.get(&unit.text)) {
                    aside.insert(at);
                    added.push((at, need));
                    if unit.is_global {
                        globals.insert(unit.text, at);
                    }
                }
            }
            if added.len() == before {
                return added;
            }
        }
    }

    /// Compiles some and all that they depend on, in the namespaces that they have in the whole.
    pub(crate) fn compile(&self, some: &[usize]) -> yara_x::Rules {
        let mut texts = BTreeMap::<usize, Vec<&Unit>>::new();
        for at in self.with_needs(some) {
            let unit = &self.units[at];
            texts.entry(unit.text).or_default().push(unit);
        }
        compile_again(texts.into_iter().map(|(text, mut units)| {
            // A rule may name only those before it.
            units.sort_by_key(|unit| unit.start);
            let rules = units.iter().map(|unit| unit.own.as_str());
            let pieces = std::iter::once(self.texts[text].imports.as_str()).chain(rules);
            (text, pieces.collect::<Vec<_>>().join("\n"))
        }))
    }
}
