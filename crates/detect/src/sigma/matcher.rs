//! The tests that a rule puts to one field, in the form in which they run.
//!
//! rsigma reads a rule's modifiers and compiles the values; this takes its result over and runs the common tests on
//! text that was put in lower case once an event, where rsigma would do so for each test. The rest is asked of rsigma.

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;
use regex::{Regex, RegexSet};
use rsigma_eval::CompiledMatcher;
use rsigma_eval::matcher::GroupMode;

use super::field::{FieldId, Fields};
use super::scratch::{FieldValue, RsigmaEvent, View};
use super::time;

/// A test of one field's values. A list passes a test of text where one of its elements does.
#[derive(Debug)]
pub(super) enum Matcher {
    /// A test of one text.
    Text(TextTest),
    /// A number equal to this.
    Number(f64),
    /// Not this.
    Not(Box<Matcher>),
    /// One of these.
    Any(Vec<Matcher>),
    /// All of these, each by any element of a list.
    All(Vec<Matcher>),
    /// A test of a part of a time.
    Time(Box<CompiledMatcher>),
    /// What only rsigma knows to test.
    Rsigma(Box<CompiledMatcher>),
}

/// A test of one text. `folded` tests look at the text in lower case, and their own text is.
#[derive(Debug)]
pub(super) enum TextTest {
    Exact {
        text: Box<str>,
        folded: bool,
    },
    Starts {
        text: Box<str>,
        folded: bool,
    },
    Ends {
        text: Box<str>,
        folded: bool,
    },
    Contains {
        finder: Box<Finder<'static>>,
        folded: bool,
    },
    ContainsAny {
        automaton: AhoCorasick,
        needles: Vec<String>,
        folded: bool,
    },
    Regex {
        regex: Regex,
        folded: bool,
    },
    RegexSet {
        set: RegexSet,
        all: bool,
        folded: bool,
    },
    Not(Box<TextTest>),
    Any(Vec<TextTest>),
    All(Vec<TextTest>),
    /// Tests that make no sense of text.
    Never,
}

impl Matcher {
    /// Takes over what rsigma compiled, and makes known the fields that it will ask for.
    pub(super) fn from_rsigma(matcher: CompiledMatcher, fields: &mut Fields) -> Self {
        match matcher {
            CompiledMatcher::NumericEq(number) => Self::Number(number),
            CompiledMatcher::Not(inner) => Self::Not(Box::new(Self::from_rsigma(*inner, fields))),
            CompiledMatcher::AnyOf(inner) => Self::Any(
                inner
                    .into_iter()
                    .map(|one| Self::from_rsigma(one, fields))
                    .collect(),
            ),
            CompiledMatcher::AllOf(inner) => Self::All(
                inner
                    .into_iter()
                    .map(|one| Self::from_rsigma(one, fields))
                    .collect(),
            ),
            CompiledMatcher::CaseInsensitiveGroup { children, mode } => {
                Self::Text(TextTest::group(children, mode))
            }
            text if TextTest::is_text(&text) => Self::Text(TextTest::from_rsigma(text, false)),
            time @ CompiledMatcher::TimestampPart { .. } => Self::Time(Box::new(time)),
            other => {
                intern_names(&other, fields);
                Self::Rsigma(Box::new(other))
            }
        }
    }

    /// Puts the test to a field that the event has.
    pub(super) fn matches(&self, field: FieldId, view: &View, fields: &Fields) -> bool {
        match self {
            Self::Text(test) => view.values(field).any(|value| test.matches_value(&value)),
            Self::Number(number) => view.values(field).any(|value| {
                value
                    .number()
                    .is_some_and(|other| (other - number).abs() < f64::EPSILON)
            }),
            Self::Not(inner) => !inner.matches(field, view, fields),
            Self::Any(inner) => inner.iter().any(|one| one.matches(field, view, fields)),
            Self::All(inner) => inner.iter().all(|one| one.matches(field, view, fields)),
            Self::Time(matcher) => {
                let event = RsigmaEvent { fields, view };
                view.values(field)
                    .any(|value| matcher.matches(&time::value(&value), &event))
            }
            Self::Rsigma(matcher) => view
                .rsigma(field)
                .is_some_and(|value| matcher.matches(&value, &RsigmaEvent { fields, view })),
        }
    }

    /// How many tests it is made of. A list of texts that one automaton finds is one.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(test) => test.size(),
            Self::Not(inner) => inner.size(),
            Self::Any(inner) | Self::All(inner) => inner.iter().map(Self::size).sum(),
            Self::Number(_) | Self::Time(_) | Self::Rsigma(_) => 1,
        }
    }

    /// True where the test holds for a field that the event lacks.
    pub(super) fn matches_absent(&self) -> bool {
        matches!(self, Self::Rsigma(matcher) if matches!(**matcher, CompiledMatcher::Null))
    }

    /// The test as a keyword: put to one string anywhere in the event. Only tests of text can hold.
    pub(super) fn matches_string(&self, original: &str, lowered: &str) -> bool {
        match self {
            Self::Text(test) => test.matches(original, lowered),
            Self::Not(inner) => !inner.matches_string(original, lowered),
            Self::Any(inner) => inner.iter().any(|one| one.matches_string(original, lowered)),
            Self::All(inner) => inner.iter().all(|one| one.matches_string(original, lowered)),
            Self::Number(_) | Self::Time(_) | Self::Rsigma(_) => false,
        }
    }
}

impl TextTest {
    fn is_text(matcher: &CompiledMatcher) -> bool {
        matches!(
            matcher,
            CompiledMatcher::Exact { .. }
                | CompiledMatcher::Contains { .. }
                | CompiledMatcher::StartsWith { .. }
                | CompiledMatcher::EndsWith { .. }
                | CompiledMatcher::Regex(_)
                | CompiledMatcher::AhoCorasickSet { .. }
                | CompiledMatcher::RegexSetMatch { .. }
        )
    }

    /// Tests that all look at text in lower case, expressions too.
    fn group(children: Vec<CompiledMatcher>, mode: GroupMode) -> Self {
        let tests = children
            .into_iter()
            .map(|one| Self::from_rsigma(one, true))
            .collect();
        match mode {
            GroupMode::Any => Self::Any(tests),
            GroupMode::All => Self::All(tests),
        }
    }

    fn from_rsigma(matcher: CompiledMatcher, in_group: bool) -> Self {
        match matcher {
            CompiledMatcher::Exact {
                value,
                case_insensitive: folded,
            } => Self::Exact {
                text: value.into(),
                folded,
            },
            CompiledMatcher::StartsWith {
                value,
                case_insensitive: folded,
            } => Self::Starts {
                text: value.into(),
                folded,
            },
            CompiledMatcher::EndsWith {
                value,
                case_insensitive: folded,
            } => Self::Ends {
                text: value.into(),
                folded,
            },
            CompiledMatcher::Contains {
                value,
                case_insensitive: folded,
            } => Self::Contains {
                finder: Box::new(Finder::new(&value).into_owned()),
                folded,
            },
            CompiledMatcher::AhoCorasickSet {
                automaton,
                case_insensitive: folded,
                needles,
            } => Self::ContainsAny {
                automaton,
                needles,
                folded,
            },
            CompiledMatcher::Regex(regex) => Self::Regex {
                regex,
                folded: in_group,
            },
            CompiledMatcher::RegexSetMatch { set, mode } => Self::RegexSet {
                set,
                all: mode == GroupMode::All,
                folded: in_group,
            },
            CompiledMatcher::Not(inner) => Self::Not(Box::new(Self::from_rsigma(*inner, in_group))),
            CompiledMatcher::AnyOf(inner) => Self::Any(
                inner
                    .into_iter()
                    .map(|one| Self::from_rsigma(one, in_group))
                    .collect(),
            ),
            CompiledMatcher::AllOf(inner) => Self::All(
                inner
                    .into_iter()
                    .map(|one| Self::from_rsigma(one, in_group))
                    .collect(),
            ),
            CompiledMatcher::CaseInsensitiveGroup { children, mode } => Self::group(children, mode),
            _ => Self::Never,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Not(inner) => inner.size(),
            Self::Any(inner) | Self::All(inner) => inner.iter().map(Self::size).sum(),
            _ => 1,
        }
    }

    fn matches_value(&self, value: &FieldValue<'_>) -> bool {
        value
            .text
            .is_some_and(|original| self.matches(original, value.lowered))
    }

    fn matches(&self, original: &str, lowered: &str) -> bool {
        let side = |folded: &bool| if *folded { lowered } else { original };
        match self {
            Self::Exact { text, folded } => side(folded) == &**text,
            Self::Starts { text, folded } => side(folded).starts_with(&**text),
            Self::Ends { text, folded } => side(folded).ends_with(&**text),
            Self::Contains { finder, folded } => finder.find(side(folded).as_bytes()).is_some(),
            Self::ContainsAny {
                automaton, folded, ..
            } => automaton.is_match(side(folded)),
            Self::Regex { regex, folded } => regex.is_match(side(folded)),
            Self::RegexSet {
                set,
                all: false,
                folded,
            } => set.is_match(side(folded)),
            Self::RegexSet {
                set,
                all: true,
                folded,
            } => set.matches(side(folded)).iter().count() == set.len(),
            Self::Not(inner) => !inner.matches(original, lowered),
            Self::Any(inner) => inner.iter().any(|one| one.matches(original, lowered)),
            Self::All(inner) => inner.iter().all(|one| one.matches(original, lowered)),
            Self::Never => false,
        }
    }
}

/// Fields that a test names beside the one it is put to.
fn intern_names(matcher: &CompiledMatcher, fields: &mut Fields) {
    if let CompiledMatcher::FieldRef { field, .. } = matcher {
        fields.intern(field);
    }
}
