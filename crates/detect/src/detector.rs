//! Everything that is looked for, in one immutable whole (design.md, invariant 4).

use std::sync::Arc;

use perisai_model::{
    Context, Event, Flag, Intel, Kind, Observed, Problem, RuleInfo, RuleKind, RuleLanguage, Severity, Source,
    Timestamp, Validity, Warninglist, WarninglistCategory, merged_tags,
};

use crate::indicator::Matcher;
use crate::pattern::StixPatterns;
use crate::sigma::SigmaRules;
use crate::typed;
use crate::warninglist::Warninglists;

/// How bad a match of a plain value is where its source does not say.
const UNSAID: Severity = Severity::Medium;

/// Indicators, patterns, rules and warninglists, compiled. Shared by all threads.
#[derive(Debug)]
pub struct Detector {
    contexts: Vec<Context>,
    /// Plain values.
    pub indicators: Matcher,
    /// STIX patterns that are more than plain values.
    pub patterns: StixPatterns,
    /// Sigma rules.
    pub sigma: SigmaRules,
    warninglists: Warninglists,
}

/// What is to be said of an indicator that matched; the same for each of its matches.
#[derive(Debug, Clone)]
pub struct Matched {
    /// The rule that its findings name.
    pub rule: Arc<RuleInfo>,
    /// Its kind and canonical value.
    pub observed: Observed,
    /// The first warninglist of false positives that holds it.
    pub false_positive: Option<String>,
    /// The warninglists of known infrastructure that hold it.
    pub known: Vec<String>,
}

impl Detector {
    /// Compiles all that was read. What cannot be used is told, and the rest goes on.
    #[must_use]
    pub fn compile(intel: Intel, warninglists: Vec<Warninglist>) -> (Self, Vec<Problem>) {
        let Intel {
            contexts,
            indicators,
            rules,
            ..
        } = intel;
        let of = |language: RuleLanguage| {
            let contexts = &contexts;
            let rules = rules.iter().filter(move |rule| rule.language == language);
            rules.map(move |rule| (rule, &contexts[rule.context.0 as usize]))
        };
        let (sigma, mut problems) = SigmaRules::compile(of(RuleLanguage::Sigma));
        let (patterns, refused) = StixPatterns::compile(of(RuleLanguage::StixPattern));
        problems.extend(refused);
        let (warninglists, refused) = Warninglists::compile(warninglists);
        problems.extend(refused);
        let indicators = Matcher::compile(indicators);
        (
            Self {
                contexts,
                indicators,
                patterns,
                sigma,
                warninglists,
            },
            problems,
        )
    }

    /// True where events must be read field by field: there are rules, not only values.
    #[must_use]
    pub fn needs_events(&self) -> bool {
        !self.sigma.is_empty() || !self.patterns.is_empty()
    }

    /// True where a value counts at a place in a log: everywhere, or only in a field of its kind.
    #[must_use]
    pub fn counts(&self, kind: Kind, value: &str, event: Option<&Event>) -> bool {
        kind.in_raw_bytes() || event.is_some_and(|event| typed::stands_in_field(kind, value, event))
    }

    /// What is to be said of an indicator that matched.
    #[must_use]
    pub fn matched(&self, indicator: u32) -> Matched {
        let (kind, value) = self.indicators.value(indicator);
        let contexts: Vec<&Context> = self
            .indicators
            .contexts(indicator)
            .map(|id| &self.contexts[id.0 as usize])
            .collect();
        let (mut false_positive, mut known) = (None, Vec::new());
        for (list, category) in self.warninglists.of(kind, value) {
            match category {
                WarninglistCategory::FalsePositive => {
                    false_positive.get_or_insert_with(|| list.to_owned());
                }
                WarninglistCategory::Known => known.push(list.to_owned()),
            }
        }
        // The worst that anyone says: one source must not make little of what another warns of without a word on that.
        let severity = contexts.iter().map(|context| context.severity.unwrap_or(UNSAID));
        let severity = severity.max().unwrap_or(UNSAID);
        let valid = contexts
            .iter()
            .map(|context| context.validity())
            .reduce(Validity::or);
        let rule = RuleInfo {
            kind: RuleKind::Indicator,
            name: first(&contexts, |context| context.name.clone()).unwrap_or_else(|| value.to_owned()),
            severity: if known.is_empty() {
                severity
            } else {
                severity.lowered()
            },
            tags: merged_tags(contexts.iter().flat_map(|context| &context.tags)),
            author: first(&contexts, |context| context.author.clone()),
            reference: first(&contexts, |context| context.reference.clone()),
            sources: sources(&contexts),
            text: None,
            key: value.to_owned(),
            valid: valid.unwrap_or_default(),
        };
        Matched {
            rule: Arc::new(rule),
            observed: Observed {
                kind,
                value: value.to_owned(),
            },
            false_positive,
            known,
        }
    }
}

impl Matched {
    /// What else is to be said of a match in an event of this time.
    #[must_use]
    pub fn flags(&self, time: Option<Timestamp>) -> Vec<Flag> {
        let mut flags = self.rule.valid.flags(time);
        flags.extend(self.known.iter().cloned().map(Flag::Known));
        flags.extend(self.false_positive.clone().map(Flag::FalsePositive));
        flags
    }
}

fn first<T>(contexts: &[&Context], of: impl Fn(&Context) -> Option<T>) -> Option<T> {
    contexts.iter().find_map(|context| of(context))
}

fn sources(contexts: &[&Context]) -> Vec<Source> {
    Source::merged(contexts.iter().map(|context| Source {
        source: Arc::clone(&context.source),
        id: context.id.clone(),
        tlp: context.tlp,
    }))
}

#[cfg(test)]
mod tests {
    use perisai_model::{Place, WarninglistType};

    use super::*;

    fn context(source: &str, name: Option<&str>) -> Context {
        Context {
            source: source.into(),
            name: name.map(str::to_owned),
            ..Context::default()
        }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn sources_are_merged_and_validity_is_the_widest() {
        let mut intel = Intel::default();
        let one = intel.add_context(Context {
            valid_until: Some(time("2022-01-01T00:00:00Z")),
            tags: vec!["b".into()],
            severity: Some(Severity::High),
            ..context("one", None)
        });
        let other = intel.add_context(Context {
            valid_until: Some(time("2023-01-01T00:00:00Z")),
            tags: vec!["a".into()],
            ..context("other", Some("Wiper"))
        });
        intel.indicators.push(Kind::Domain, "evil.example", one);
        intel.indicators.push(Kind::Domain, "evil.example", other);
        let (detector, problems) = Detector::compile(intel, Vec::new());
        assert!(problems.is_empty());
        assert_eq!(detector.indicators.len(), 1);
        let matched = detector.matched(0);
        assert_eq!(matched.rule.name, "Wiper");
        assert_eq!(matched.rule.severity, Severity::High);
        assert_eq!(matched.rule.tags, ["a", "b"]);
        assert_eq!(matched.rule.sources.len(), 2);
        assert_eq!(matched.flags(Some(time("2022-06-01T00:00:00Z"))), []);
        assert_eq!(matched.flags(Some(time("2024-06-01T00:00:00Z"))), [Flag::Expired]);
        assert_eq!(matched.flags(None), []);
    }

    #[test]
    fn one_source_makes_little_of_nothing_and_many_are_cut() {
        let mut intel = Intel::default();
        for at in 0..1000 {
            let id = intel.add_context(Context {
                severity: (at > 0).then_some(Severity::Low),
                tlp: (at == 900).then_some(perisai_model::Tlp::Red),
                tags: vec![format!("t{at}")],
                ..context(&format!("{at:04}"), None)
            });
            intel.indicators.push(Kind::Domain, "evil.example", id);
        }
        let matched = Detector::compile(intel, Vec::new()).0.matched(0);
        assert_eq!(matched.rule.severity, UNSAID);
        let sources: Vec<_> = matched.rule.sources.iter().map(|one| &*one.source).collect();
        assert_eq!((sources.len(), sources[0], sources[128]), (129, "0000", "0900"));
        assert_eq!(matched.rule.tags.len(), 128);
    }

    #[test]
    fn known_infrastructure_lowers_and_false_positives_are_named() {
        let mut intel = Intel::default();
        let id = intel.add_context(context("one", None));
        intel.indicators.push(Kind::Ipv4, "192.0.2.1", id);
        let list = |name: &str, category| Warninglist {
            place: Place::file("list.json"),
            name: name.into(),
            category,
            kind: WarninglistType::Cidr,
            matching_attributes: Vec::new(),
            entries: vec!["192.0.2.0/24".into()],
        };
        let lists = vec![
            list("cloud", WarninglistCategory::Known),
            list("dns", WarninglistCategory::FalsePositive),
        ];
        let matched = Detector::compile(intel, lists).0.matched(0);
        assert_eq!(matched.rule.severity, Severity::Low);
        assert_eq!(matched.false_positive.as_deref(), Some("dns"));
        assert_eq!(
            matched.flags(None),
            [Flag::Known("cloud".into()), Flag::FalsePositive("dns".into())]
        );
    }
}
