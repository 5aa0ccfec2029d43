//! Where the readers of all formats put what they find in one source.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use perisai_model::{Context, ContextId, Intel, Kind, Place, Problem, Rule, RuleLanguage};

/// How many problems of one source are kept; the rest is counted.
const KEPT_PROBLEMS: u64 = 100;

/// Takes what one source holds.
pub(crate) struct Sink<'a> {
    place: &'a Place,
    source: Arc<str>,
    intel: &'a mut Intel,
    shared: HashMap<u64, ContextId>,
    hasher: RandomState,
    problems: u64,
}

impl<'a> Sink<'a> {
    /// A sink for the source at a place.
    pub(crate) fn new(place: &'a Place, intel: &'a mut Intel) -> Self {
        Self {
            source: place.to_string().into(),
            place,
            intel,
            shared: HashMap::new(),
            hasher: RandomState::new(),
            problems: 0,
        }
    }

    /// A context that says only whence it comes.
    pub(crate) fn bare_context(&self) -> Context {
        Context {
            source: Arc::clone(&self.source),
            ..Context::default()
        }
    }

    /// Keeps a context of its own.
    pub(crate) fn add_context(&mut self, context: Context) -> ContextId {
        self.intel.add_context(context)
    }

    /// Keeps a context, or finds the equal one that this source has already.
    pub(crate) fn share_context(&mut self, context: Context) -> ContextId {
        let hash = self.hasher.hash_one(&context);
        match self.shared.get(&hash) {
            Some(&id) if *self.intel.context(id) == context => id,
            _ => {
                let id = self.intel.add_context(context);
                self.shared.insert(hash, id);
                id
            }
        }
    }

    /// The context, to be completed.
    pub(crate) fn context_mut(&mut self, id: ContextId) -> &mut Context {
        &mut self.intel.contexts[id.0 as usize]
    }

    /// Keeps a plain value, which must be canonical.
    #[inline]
    pub(crate) fn indicator(&mut self, kind: Kind, value: &str, context: ContextId) {
        self.intel.indicators.push(kind, value, context);
    }

    /// Keeps a rule.
    pub(crate) fn rule(
        &mut self,
        language: RuleLanguage,
        text: String,
        context: ContextId,
        line: Option<u64>,
    ) {
        self.intel.rules.push(Rule {
            language,
            text,
            context,
            place: self.at(line),
        });
    }

    /// Counts an entry that is left out on purpose.
    pub(crate) fn withhold(&mut self) {
        self.intel.withheld += 1;
    }

    /// Reports an entry that could not be used.
    pub(crate) fn problem(&mut self, line: Option<u64>, why: fmt::Arguments<'_>) {
        self.problems += 1;
        if self.problems <= KEPT_PROBLEMS {
            let place = self.at(line);
            self.intel.problems.push(Problem::new(place, why.to_string()));
        }
    }

    /// Tells how many problems were not kept.
    pub(crate) fn finish(self) {
        if self.problems > KEPT_PROBLEMS {
            let more = self.problems - KEPT_PROBLEMS;
            self.intel
                .problems
                .push(Problem::new(self.place.clone(), format!("and {more} more")));
        }
    }

    fn at(&self, line: Option<u64>) -> Place {
        line.map_or_else(|| self.place.clone(), |line| self.place.line(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_capped_and_counted() {
        let place = Place::file("list.txt");
        let mut intel = Intel::default();
        let mut sink = Sink::new(&place, &mut intel);
        for line in 1..=103 {
            sink.problem(Some(line), format_args!("bad"));
        }
        sink.finish();
        assert_eq!(intel.problems.len(), 101);
        assert_eq!(intel.problems[99].to_string(), "list.txt:100: bad");
        assert_eq!(intel.problems[100].to_string(), "list.txt: and 3 more");
    }

    #[test]
    fn equal_contexts_are_one() {
        let place = Place::file("list.csv");
        let mut intel = Intel::default();
        let mut sink = Sink::new(&place, &mut intel);
        let one = sink.share_context(sink.bare_context());
        let other = sink.share_context(Context {
            name: Some("x".into()),
            ..sink.bare_context()
        });
        assert_eq!(one, sink.share_context(sink.bare_context()));
        assert_ne!(one, other);
    }
}
