//! What an event must hold for a rule to match: texts of which one has to stand in a field, and event ids.
//!
//! Both are necessary and never sufficient. Where it is not certain that a text is needed, none is.

use std::collections::BTreeSet;

use regex_syntax::hir::{Hir, HirKind};

use super::field::{FieldId, Fields};
use super::matcher::{Matcher, TextTest};
use super::rule::Node;

/// What a condition needs: one text of each clause, and one of the event ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// Clauses, of each of which one literal must be there. No clause: nothing is needed.
    pub(super) clauses: Vec<Clause>,
    /// The event ids of which one must be the event's; `None`: any.
    pub(super) ids: Option<BTreeSet<i64>>,
}

/// Literals of which one must be there. Never empty, but for a condition that can not hold.
pub(super) type Clause = Vec<Literal>;

/// A text that must stand in a field, in lower case and ASCII.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Literal {
    /// The field; `None`: any string of the event.
    pub(super) field: Option<FieldId>,
    pub(super) text: String,
    pub(super) anchor: Anchor,
}

/// Where in the field's value a literal must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Anchor {
    Anywhere,
    Start,
    End,
}

/// Longer literals are cut to this: a part of what is needed is needed too, and automata stay small.
const MAX_LITERAL: usize = 16;
/// Shorter ones tell nothing.
const MIN_LITERAL: usize = 2;
/// A clause with more literals is no help.
const MAX_CLAUSE: usize = 2_000;
/// More clauses than this are not kept.
const MAX_CLAUSES: usize = 16;

/// What a condition needs.
pub(super) fn need(node: &Node, fields: &Fields) -> Need {
    match node {
        Node::All(inner) => inner
            .iter()
            .map(|one| need(one, fields))
            .fold(Need::default(), and),
        Node::Any(inner) => any(inner, fields),
        Node::AtLeast(count, inner) if *count > 0 => any(inner, fields),
        Node::Named(named) => named.need.clone(),
        Node::Field(id, matcher) => Need {
            clauses: clause_of(Some(*id), matcher).into_iter().collect(),
            ids: (fields.name(*id) == "EventID").then(|| ids(matcher)).flatten(),
        },
        Node::Keywords(matcher) => Need {
            clauses: clause_of(None, matcher).into_iter().collect(),
            ids: None,
        },
        Node::AtLeast(..) | Node::Not(_) | Node::Exists(..) | Node::Constant(_) => Need::default(),
    }
}

fn and(mut one: Need, other: Need) -> Need {
    one.clauses.extend(other.clauses);
    one.clauses.truncate(MAX_CLAUSES);
    one.ids = match (one.ids, other.ids) {
        (Some(one), Some(other)) => Some(one.intersection(&other).copied().collect()),
        (one, other) => one.or(other),
    };
    one
}

/// One of them holds, so one literal of the best clauses of all must be there.
fn any(inner: &[Node], fields: &Fields) -> Need {
    let needs: Vec<Need> = inner.iter().map(|one| need(one, fields)).collect();
    let clause = needs
        .iter()
        .map(|need| need.clauses.iter().min_by_key(|clause| cost(clause)))
        .collect::<Option<Vec<_>>>()
        .map(|best| best.into_iter().flatten().cloned().collect::<Clause>());
    let ids = needs
        .iter()
        .map(|need| need.ids.as_ref())
        .collect::<Option<Vec<_>>>()
        .map(|all| all.into_iter().flatten().copied().collect());
    Need {
        clauses: clause.filter(usable).into_iter().collect(),
        ids,
    }
}

fn usable(clause: &Clause) -> bool {
    !clause.is_empty() && clause.len() <= MAX_CLAUSE
}

/// A first guess at how often a clause is met: many and short literals are.
fn cost(clause: &Clause) -> usize {
    clause
        .iter()
        .map(|literal| 1 + 100 / (literal.text.len() * literal.text.len()))
        .sum()
}

fn clause_of(field: Option<FieldId>, matcher: &Matcher) -> Option<Clause> {
    let texts = texts_of(matcher)?;
    let clause: Clause = texts
        .into_iter()
        .map(|(text, anchor)| Literal { field, text, anchor })
        .collect();
    usable(&clause).then_some(clause)
}

type Texts = Vec<(String, Anchor)>;

fn texts_of(matcher: &Matcher) -> Option<Texts> {
    match matcher {
        Matcher::Text(test) => texts_of_test(test),
        Matcher::Any(inner) => union(inner.iter().map(texts_of)),
        Matcher::All(inner) => best(inner.iter().filter_map(texts_of)),
        Matcher::Number(_) | Matcher::Not(_) | Matcher::Time(_) | Matcher::Rsigma(_) => None,
    }
}

fn texts_of_test(test: &TextTest) -> Option<Texts> {
    match test {
        TextTest::Exact { text, .. } | TextTest::Ends { text, .. } => literal(text, Anchor::End),
        TextTest::Starts { text, .. } => literal(text, Anchor::Start),
        TextTest::Contains { finder, .. } => {
            literal(std::str::from_utf8(finder.needle()).ok()?, Anchor::Anywhere)
        }
        TextTest::ContainsAny { needles, .. } => {
            union(needles.iter().map(|needle| literal(needle, Anchor::Anywhere)))
        }
        TextTest::Regex { regex, .. } => texts_of_regex(regex.as_str()),
        TextTest::RegexSet { set, all: false, .. } => {
            union(set.patterns().iter().map(|pattern| texts_of_regex(pattern)))
        }
        TextTest::RegexSet { set, all: true, .. } => best(
            set.patterns()
                .iter()
                .filter_map(|pattern| texts_of_regex(pattern)),
        ),
        TextTest::Any(inner) => union(inner.iter().map(texts_of_test)),
        TextTest::All(inner) => best(inner.iter().filter_map(texts_of_test)),
        TextTest::Not(_) | TextTest::Never => None,
    }
}

/// One of several: all of them are needed to know one must be there.
fn union(each: impl Iterator<Item = Option<Texts>>) -> Option<Texts> {
    let mut all = Texts::new();
    for texts in each {
        all.extend(texts?);
        if all.len() > MAX_CLAUSE {
            return None;
        }
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// All of several: the one that tells most.
fn best(each: impl Iterator<Item = Texts>) -> Option<Texts> {
    each.min_by_key(|texts| {
        texts
            .iter()
            .map(|(text, _)| 1 + 100 / (text.len() * text.len()))
            .sum::<usize>()
    })
}

/// The longest run of ASCII in a text. Other letters fold in ways that depend on their neighbours.
fn literal(text: &str, anchor: Anchor) -> Option<Texts> {
    let run = text
        .split(|letter: char| !letter.is_ascii())
        .max_by_key(|run| run.len())
        .filter(|run| run.len() >= MIN_LITERAL)?;
    let anchor = match anchor {
        Anchor::Start if text.starts_with(run) => Anchor::Start,
        Anchor::End if text.ends_with(run) => Anchor::End,
        _ => Anchor::Anywhere,
    };
    let cut = match anchor {
        Anchor::Start => &run[..run.len().min(MAX_LITERAL)],
        Anchor::End | Anchor::Anywhere => &run[run.len().saturating_sub(MAX_LITERAL)..],
    };
    Some(vec![(cut.to_ascii_lowercase(), anchor)])
}

/// Literals of which one must stand in what an expression matches.
fn texts_of_regex(pattern: &str) -> Option<Texts> {
    let flags = ["(?i)", "(?im)", "(?is)", "(?ims)"];
    let bare = flags.iter().find_map(|flags| pattern.strip_prefix(flags));
    let (folded, bare) = (bare.is_some(), bare.unwrap_or(pattern));
    let hir = regex_syntax::Parser::new().parse(bare).ok()?;
    texts_of_hir(&hir, folded)
}

fn texts_of_hir(hir: &Hir, folded: bool) -> Option<Texts> {
    match hir.kind() {
        HirKind::Literal(text) => {
            let text = std::str::from_utf8(&text.0).ok()?;
            // `(?i)s` matches `ſ` too, which lower case leaves alone; so no literal of such an expression has an `s`.
            let run = if folded {
                text.split(['s', 'S']).max_by_key(|run| run.len())?
            } else {
                text
            };
            literal(run, Anchor::Anywhere)
        }
        HirKind::Capture(capture) => texts_of_hir(&capture.sub, folded),
        HirKind::Repetition(repetition) if repetition.min > 0 => texts_of_hir(&repetition.sub, folded),
        HirKind::Concat(parts) => best(parts.iter().filter_map(|part| texts_of_hir(part, folded))),
        HirKind::Alternation(parts) => union(parts.iter().map(|part| texts_of_hir(part, folded))),
        _ => None,
    }
}

/// The event ids that a test of `EventID` can hold for.
fn ids(matcher: &Matcher) -> Option<BTreeSet<i64>> {
    match matcher {
        Matcher::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Some(BTreeSet::from([*number as i64]))
        }
        Matcher::Text(TextTest::Exact { text, .. }) => Some(BTreeSet::from([text.parse().ok()?])),
        Matcher::Text(TextTest::Any(inner)) => inner
            .iter()
            .map(|test| match test {
                TextTest::Exact { text, .. } => text.parse().ok(),
                _ => None,
            })
            .collect(),
        Matcher::Any(inner) => inner
            .iter()
            .map(ids)
            .collect::<Option<Vec<_>>>()
            .map(|all| all.into_iter().flatten().collect()),
        _ => None,
    }
}
