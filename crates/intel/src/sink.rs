//! Where the readers of all formats put what they find in one source.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use perisai_model::{
    Announced, Context, ContextId, Intel, Kind, Place, Problem, Reason, Rule, RuleLanguage, Warninglist,
};

use crate::json::Tell;
use crate::words::clip;

/// How many problems of one source are kept; the rest is counted.
const KEPT_PROBLEMS: u64 = 100;

/// How many plain values one source may hold, repetitions apart.
const INDICATORS: usize = if cfg!(test) { 1000 } else { 100_000_000 };

/// How many bytes the plain values of all sources may take together; the model has room for 4 GiB.
const TEXT: usize = 2 << 30;

/// The longest name of a type that is told, in bytes.
const TYPE: usize = 48;

/// How many sources that others name are taken down.
const ANNOUNCED: usize = 1_000_000;

/// How many values are remembered, to drop one that comes again soon: a power of two.
const RECENT: usize = 4096;

/// Where values stand that came last: what repeats itself (a list that unpacks to millions of equal lines) costs
/// nothing. A slot is a guess; the caller compares.
struct Recent(Box<[u32]>);

impl Default for Recent {
    fn default() -> Self {
        Self(vec![0; RECENT].into_boxed_slice())
    }
}

impl Recent {
    /// The slot for a value: 0, or one more than the position of a value that came before.
    fn slot(&mut self, value: &str) -> &mut u32 {
        let bytes = value.as_bytes();
        let part = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        let (head, tail) = (bytes.len().min(8), bytes.len().saturating_sub(8));
        let mixed = (part(&bytes[..head]) ^ part(&bytes[tail..]).rotate_left(29) ^ bytes.len() as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &mut self.0[(mixed >> (64 - RECENT.trailing_zeros())) as usize]
    }
}

/// Takes what one source holds.
pub(crate) struct Sink<'a> {
    place: &'a Place,
    source: Arc<str>,
    intel: &'a mut Intel,
    shared: HashMap<u64, ContextId>,
    hasher: RandomState,
    problems: Problems,
    recent: Recent,
    /// How many indicators there were before this source.
    before: usize,
    /// It has been told that this source has too many.
    full: bool,
}

impl<'a> Sink<'a> {
    /// A sink for the source at a place.
    pub(crate) fn new(place: &'a Place, intel: &'a mut Intel) -> Self {
        Self {
            before: intel.indicators.len(),
            full: false,
            recent: Recent::default(),
            source: place.to_string().into(),
            place,
            intel,
            shared: HashMap::new(),
            hasher: RandomState::new(),
            problems: Problems::default(),
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

    /// A context that was kept.
    pub(crate) fn context(&self, id: ContextId) -> &Context {
        self.intel.context(id)
    }

    /// The context, to be completed.
    pub(crate) fn context_mut(&mut self, id: ContextId) -> &mut Context {
        &mut self.intel.contexts[id.0 as usize]
    }

    /// Keeps a plain value, which must be canonical.
    #[inline]
    pub(crate) fn indicator(&mut self, kind: Kind, value: &str, context: ContextId) {
        let known = &self.intel.indicators;
        let slot = self.recent.slot(value);
        let same = slot.checked_sub(1).is_some_and(|at| {
            let last = known.get(at as usize);
            last.value == value && last.kind == kind && last.context == context
        });
        if same {
            return;
        }
        if known.len() - self.before >= INDICATORS || known.text_len() + value.len() > TEXT {
            return self.too_many();
        }
        self.intel.indicators.push(kind, value, context);
        *slot = u32::try_from(self.intel.indicators.len()).unwrap_or(0);
    }

    #[cold]
    fn too_many(&mut self) {
        if !std::mem::replace(&mut self.full, true) {
            self.problem(
                None,
                format_args!(
                    "more than {INDICATORS} values of one source, or {TEXT} bytes of all: the rest is left out"
                ),
            );
        }
    }

    /// Keeps a warninglist that is to be checked.
    pub(crate) fn warninglist(&mut self, list: Warninglist) {
        self.intel.warninglists.push(list);
    }

    /// Keeps a rule.
    pub(crate) fn rule(
        &mut self,
        language: RuleLanguage,
        text: impl Into<Arc<str>>,
        context: ContextId,
        line: Option<u64>,
    ) {
        self.intel.rules.push(Rule {
            language,
            text: text.into(),
            context,
            place: self.at(line),
        });
    }

    /// Takes down that there should be a file beside this source.
    pub(crate) fn announce(&mut self, line: u64, name: &str) {
        if self.intel.announced.len() < ANNOUNCED {
            self.intel.announced.push(Announced {
                by: self.place.line(line),
                source: self.place.beside(name),
            });
        }
    }

    /// Counts an entry that is left out on purpose.
    pub(crate) fn withhold(&mut self, reason: Reason) {
        self.intel.withheld.add(reason);
    }

    /// Counts an entry of a type that is not searched for.
    pub(crate) fn withhold_type(&mut self, name: &str) {
        let name = clip(name, TYPE);
        self.intel.withheld.add_type(name.as_deref().unwrap_or("?"));
    }

    /// Reports an entry that could not be used.
    pub(crate) fn problem(&mut self, line: Option<u64>, why: fmt::Arguments<'_>) {
        self.problems
            .tell(self.place, line, why, &mut self.intel.problems);
    }

    /// Where the source stands.
    pub(crate) fn place(&self) -> &'a Place {
        self.place
    }

    /// Reports a problem that has its place.
    pub(crate) fn tell(&mut self, problem: Problem) {
        if self.problems.count() {
            self.intel.problems.push(problem);
        }
    }

    /// Tells how many problems were not kept.
    pub(crate) fn finish(self) {
        self.problems.finish(self.place, &mut self.intel.problems);
    }

    fn at(&self, line: Option<u64>) -> Place {
        at(self.place, line)
    }
}

impl Tell for Sink<'_> {
    fn problem(&mut self, line: Option<u64>, why: fmt::Arguments<'_>) {
        Sink::problem(self, line, why);
    }
}

fn at(place: &Place, line: Option<u64>) -> Place {
    line.map_or_else(|| place.clone(), |line| place.line(line))
}

/// How many problems one source had, so that only the first are kept.
#[derive(Debug, Default)]
pub(crate) struct Problems(u64);

impl Problems {
    /// Counts one; true where it is to be kept.
    fn count(&mut self) -> bool {
        self.0 += 1;
        self.0 <= KEPT_PROBLEMS
    }

    /// How many there were.
    pub(crate) fn many(&self) -> u64 {
        self.0
    }

    /// Counts one, and keeps it among the first. Nothing is put into words that nobody will read.
    pub(crate) fn tell(
        &mut self,
        place: &Place,
        line: Option<u64>,
        why: fmt::Arguments<'_>,
        kept: &mut Vec<Problem>,
    ) {
        if self.count() {
            kept.push(Problem::new(at(place, line), why.to_string()));
        }
    }

    /// Tells how many were not kept.
    pub(crate) fn finish(&self, place: &Place, kept: &mut Vec<Problem>) {
        if let more @ 1.. = self.0.saturating_sub(KEPT_PROBLEMS) {
            kept.push(Problem::new(place.clone(), format!("and {more} more")));
        }
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
    fn repetitions_are_dropped_and_values_are_capped() {
        let place = Place::file("list.txt");
        let mut intel = Intel::default();
        let mut sink = Sink::new(&place, &mut intel);
        let one = sink.add_context(Context::default());
        let other = sink.add_context(Context {
            name: Some("x".into()),
            ..Context::default()
        });
        for _ in 0..5000 {
            sink.indicator(Kind::Domain, "a.example", one);
            sink.indicator(Kind::Domain, "b.example", one);
        }
        assert_eq!(sink.intel.indicators.len(), 2);
        sink.indicator(Kind::Url, "a.example", one);
        sink.indicator(Kind::Domain, "a.example", other);
        assert_eq!(sink.intel.indicators.len(), 4);
        for number in 0..2 * INDICATORS {
            sink.indicator(Kind::Domain, &format!("{number}.example"), one);
        }
        sink.finish();
        assert_eq!(intel.indicators.len(), INDICATORS);
        assert_eq!(intel.problems.len(), 1, "{:?}", intel.problems);
        // The next source has its own account.
        let mut sink = Sink::new(&place, &mut intel);
        sink.indicator(Kind::Domain, "c.example", one);
        assert_eq!(intel.indicators.len(), INDICATORS + 1);
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
