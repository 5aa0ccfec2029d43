//! What the documents of one file do to rules of another: filters narrow them, and correlations that watch them keep
//! them from findings of their own. Both are Sigma's way, and both could be used to silence what others gave.

use std::collections::BTreeMap;

use super::compile::{Compilation, Compiled};
use super::correlation::{Correlation, Watch};
use super::filter::Filter;

/// So many are told one by one.
const NAMED: usize = 10;

/// What to tell of it, in words for an analyst.
pub(super) fn notes(compiled: &Compilation, watchers: &[Vec<Watch>], silent: &[bool]) -> Vec<String> {
    let narrowing = |filter: &Filter| {
        let (title, place) = (&filter.title, &filter.place);
        let rules = rules(filter.narrowed);
        (filter.narrowed > 0)
            .then(|| format!("the filter `{title}` ({place}) narrows {rules} of other files"))
    };
    let leaving = |filter: &Filter| {
        let (title, place) = (&filter.title, &filter.place);
        let rules = rules(filter.left);
        (filter.left > 0).then(|| {
            format!("the filter `{title}` ({place}) was not applied to {rules} with too many filters")
        })
    };
    let mut silencing: BTreeMap<u32, usize> = BTreeMap::new();
    for ((rule, watches), _) in compiled
        .rules
        .iter()
        .zip(watchers)
        .zip(silent)
        .filter(|(_, silent)| **silent)
    {
        let mut all = watches.iter().map(|watch| watch.correlation);
        let is_own = |at: u32| {
            compiled.correlations[at as usize]
                .as_ref()
                .is_some_and(|one| is_of_one(rule, one))
        };
        if let Some(first) = all.clone().next()
            && !all.any(is_own)
        {
            *silencing.entry(first).or_default() += 1;
        }
    }
    let silencing = silencing.into_iter().filter_map(|(at, count)| {
        let info = &compiled.correlations[at as usize].as_ref()?.info;
        let source = info.sources.first().map_or("", |source| &source.source);
        let rules = rules(count);
        Some(format!(
            "the correlation `{}` ({source}) keeps {rules} of other files from findings of their own",
            info.name
        ))
    });
    [
        first(
            compiled.filters.iter().filter_map(narrowing),
            "more filters do so",
        ),
        first(
            compiled.filters.iter().filter_map(leaving),
            "more filters were not, either",
        ),
        first(silencing, "more correlations do so"),
    ]
    .concat()
}

fn is_of_one(rule: &Compiled, correlation: &Correlation) -> bool {
    let sources = &correlation.info.sources;
    let mut own = rule.info.sources.iter();
    own.any(|own| sources.iter().any(|other| other.source == own.source))
}

fn rules(count: usize) -> String {
    format!("{count} {}", if count == 1 { "rule" } else { "rules" })
}

fn first(all: impl Iterator<Item = String>, more: &str) -> Vec<String> {
    let mut all: Vec<_> = all.collect();
    if let Some(left @ 1..) = all.len().checked_sub(NAMED) {
        all.truncate(NAMED);
        all.push(format!("{left} {more}"));
    }
    all
}
