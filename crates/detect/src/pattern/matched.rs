//! The values that satisfied a pattern, for people to read.

use std::ops::ControlFlow;

use perisai_pattern::{
    Comparison, Interval, ObjectPath, Observation, Operand, Operator, Pattern, RootId, Test, parse,
};

use super::compile::Compiled;
use super::view::View;

/// The most values that are told.
const MAX_VALUES: usize = 20;

/// The most letters of a value that are told.
const MAX_LENGTH: usize = 300;

/// `path: value; path: value` for what held in these expressions, in the order of the pattern, each once.
pub(super) fn matched(compiled: &Compiled, expressions: &[u32], view: &View) -> String {
    let mut told = Told {
        compiled,
        view,
        parts: Vec::new(),
    };
    let all = compiled.pattern.observation_expressions();
    expressions
        .iter()
        .for_each(|&number| told.collect(&all[number as usize]));
    told.parts.join("; ")
}

struct Told<'a> {
    compiled: &'a Compiled,
    view: &'a View,
    parts: Vec<String>,
}

impl Told<'_> {
    fn collect(&mut self, comparison: &Comparison) {
        match comparison {
            Comparison::And(links) | Comparison::Or(links) => {
                for link in links {
                    if self.parts.len() < MAX_VALUES && self.holds(link) {
                        self.collect(link);
                    }
                }
            }
            Comparison::Test(test) => {
                if let Some(part) = self.part(test).filter(|part| !self.parts.contains(part)) {
                    self.parts.push(part);
                }
            }
        }
    }

    fn part(&self, test: &Test) -> Option<String> {
        let path = &self.compiled.pattern.paths()[test.path];
        if is_lacking(test) {
            return Some(format!("NOT EXISTS {path}"));
        }
        let value = self.passing(test).next()?;
        let end = value
            .char_indices()
            .nth(MAX_LENGTH)
            .map_or(value.len(), |(end, _)| end);
        let cut = if end < value.len() { "…" } else { "" };
        Some(format!("{path}: {}{cut}", &value[..end]))
    }

    /// Whether a part of an expression that holds is a reason for it.
    fn holds(&self, comparison: &Comparison) -> bool {
        match comparison {
            Comparison::And(links) => links.iter().all(|link| self.holds(link)),
            Comparison::Or(links) => links.iter().any(|link| self.holds(link)),
            Comparison::Test(test) if is_lacking(test) => self.lacks(test),
            Comparison::Test(test) => self.passing(test).next().is_some(),
        }
    }

    /// Whether `NOT EXISTS` holds: there is such an object, without this.
    fn lacks(&self, test: &Test) -> bool {
        let has = |slot: u32| !self.view.items(slot).is_empty();
        let object_type = &self.compiled.pattern.paths()[test.path].object_type;
        !self.compiled.paths[test.path].slot.is_some_and(has)
            && self
                .compiled
                .type_slots(object_type)
                .iter()
                .any(|&slot| has(slot))
    }

    /// The values that pass a test, as they stood.
    fn passing<'a>(&'a self, test: &'a Test) -> impl Iterator<Item = &'a str> {
        let by = &self.compiled.paths[test.path];
        let probe = self.compiled.probe(test);
        let items = by.slot.map(|slot| self.view.items(slot)).unwrap_or_default();
        items.iter().filter_map(move |item| {
            let one = One(self.view.operand(item, by));
            probe?.matches_observation(0, &one).then(|| self.view.stood(item))
        })
    }
}

fn is_lacking(test: &Test) -> bool {
    test.negated && test.operator == Operator::Exists
}

impl Compiled {
    /// A test as a pattern of its own; `None` for one that no value can pass.
    fn probe(&self, test: &Test) -> Option<&Pattern> {
        let made = self.probes[test.id].get_or_init(|| {
            let path = &self.pattern.paths()[test.path];
            let not = if test.negated { "NOT " } else { "" };
            let text = match &test.operator {
                Operator::Exists if test.negated => return None,
                Operator::Exists => format!("[EXISTS {path}]"),
                operator => format!("[{path} {not}{operator}]"),
            };
            parse(&text).ok().map(Box::new)
        });
        made.as_deref()
    }
}

/// One value and nothing else.
struct One<'a>(Operand<'a>);

impl Observation for One<'_> {
    fn values(&self, _: &ObjectPath, each: &mut dyn FnMut(RootId, Operand<'_>) -> ControlFlow<()>) {
        let _ = each(0, self.0.clone());
    }

    fn interval(&self) -> Option<Interval> {
        None
    }

    fn roots(&self, _: &str, each: &mut dyn FnMut(RootId)) {
        each(0);
    }
}
