//! Counts what is meant for detection and of a type that is not searched for: told once a type, not once each.

use std::collections::BTreeMap;

use crate::sink::Sink;
use crate::words::quoted;

/// How many types are told apart; a hostile source may name a million.
const TYPES: usize = 100;

/// How often each type stood there.
#[derive(Debug, Default)]
pub(crate) struct Uncovered(BTreeMap<String, u64>);

impl Uncovered {
    /// Counts one.
    pub(crate) fn count(&mut self, name: &str) {
        let name = quoted(name);
        if self.0.len() < TYPES || self.0.contains_key(&name) {
            *self.0.entry(name).or_default() += 1;
        }
    }

    /// Tells all.
    pub(crate) fn tell(self, sink: &mut Sink<'_>) {
        for (name, count) in self.0 {
            sink.problem(
                None,
                format_args!("attributes of type {name} are not searched for: {count}"),
            );
        }
    }
}
