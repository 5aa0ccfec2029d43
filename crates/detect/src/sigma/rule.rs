//! One rule's detection as a tree, and its evaluation.

use std::sync::Arc;

use rsigma_eval::{CompiledDetection, CompiledMatcher};
use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern};

use super::field::{FieldId, Fields};
use super::literal::{self, Need};
use super::matcher::Matcher;
use super::scratch::View;

/// A condition over an event.
#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    /// At least so many of them.
    AtLeast(u64, Vec<Node>),
    /// A test of one field.
    Field(FieldId, Matcher),
    /// The field is there and not null, or is not.
    Exists(FieldId, bool),
    /// A test of every string in the event.
    Keywords(Matcher),
    /// A detection by name, shared by all who refer to it.
    Named(Arc<Named>),
    /// Always or never.
    Constant(bool),
}

/// A named detection, and what it needs.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) node: Node,
    pub(super) need: Need,
    pub(super) size: usize,
}

/// The detections of a rule, sorted by name.
pub(super) type Detections = Vec<(String, Arc<Named>)>;

/// How many tests one event may cost in one rule, every mention of a detection counted. The largest of SigmaHQ's
/// rules have some thousand.
const MAX_TESTS: usize = 20_000;
/// The longest value that a hit shows, in bytes.
const MAX_SHOWN: usize = 4_096;

/// Takes over what rsigma compiled of one named detection.
///
/// # Errors
/// Where it uses array matching, which needs nested events.
pub(super) fn named(detection: CompiledDetection, fields: &mut Fields) -> Result<Arc<Named>, String> {
    let node = Node::from_rsigma(detection, fields)?;
    Ok(Named::new(node, fields))
}

impl Named {
    /// To be shared.
    pub(super) fn new(node: Node, fields: &Fields) -> Arc<Self> {
        let need = literal::need(&node, fields);
        let size = node.size();
        Arc::new(Self { node, need, size })
    }
}

impl Node {
    fn from_rsigma(detection: CompiledDetection, fields: &mut Fields) -> Result<Self, String> {
        match detection {
            CompiledDetection::AllOf(items) => Ok(Self::All(
                items
                    .into_iter()
                    .map(|item| Self::item(item.field.as_deref(), item.exists, item.matcher, fields))
                    .collect(),
            )),
            CompiledDetection::AnyOf(inner) => Ok(Self::Any(Self::each(inner, fields)?)),
            CompiledDetection::And(inner) => Ok(Self::All(Self::each(inner, fields)?)),
            CompiledDetection::Keywords(matcher) => Ok(Self::keywords(Matcher::from_rsigma(matcher, fields))),
            CompiledDetection::ArrayMatch { .. } | CompiledDetection::Conditional { .. } => {
                Err("array matching is not supported, since events are flat here".to_owned())
            }
        }
    }

    fn each(inner: Vec<CompiledDetection>, fields: &mut Fields) -> Result<Vec<Self>, String> {
        inner
            .into_iter()
            .map(|one| Self::from_rsigma(one, fields))
            .collect()
    }

    fn item(
        field: Option<&str>,
        exists: Option<bool>,
        matcher: CompiledMatcher,
        fields: &mut Fields,
    ) -> Self {
        match (field, exists) {
            (Some(name), Some(expected)) => Self::Exists(fields.intern(name), expected),
            (None, Some(expected)) => Self::Constant(!expected),
            (Some(name), None) => {
                let id = fields.intern(name);
                Self::Field(id, Matcher::from_rsigma(matcher, fields))
            }
            (None, None) => Self::keywords(Matcher::from_rsigma(matcher, fields)),
        }
    }

    /// Keywords of which all must be there need not stand in the same string.
    fn keywords(matcher: Matcher) -> Self {
        match matcher {
            Matcher::All(inner) => Self::All(inner.into_iter().map(Self::Keywords).collect()),
            other => Self::Keywords(other),
        }
    }

    /// A rule's condition over its detections.
    ///
    /// # Errors
    /// Where it names a detection that is not there, or one evaluation would cost too much.
    pub(super) fn condition(expr: &ConditionExpr, detections: &Detections) -> Result<Self, String> {
        let mut tests = 0;
        Self::build(expr, detections, &mut tests)
    }

    fn build(expr: &ConditionExpr, detections: &Detections, tests: &mut usize) -> Result<Self, String> {
        let mut refer = |named: &Arc<Named>| {
            *tests += named.size;
            if *tests > MAX_TESTS {
                return Err(format!("more than {MAX_TESTS} tests in one condition"));
            }
            Ok(Self::Named(Arc::clone(named)))
        };
        match expr {
            ConditionExpr::Identifier(name) => {
                let found = detections.binary_search_by(|(other, _)| other.as_str().cmp(name));
                let at = found
                    .map_err(|_| format!("the condition names `{name}`, which is not in the detection"))?;
                refer(&detections[at].1)
            }
            ConditionExpr::Selector { quantifier, pattern } => {
                let chosen: Vec<_> = detections
                    .iter()
                    .filter(|(name, _)| selects(pattern, name))
                    .map(|(_, named)| refer(named))
                    .collect::<Result<_, _>>()?;
                if chosen.is_empty() {
                    return Err(format!(
                        "the condition asks for `{pattern}`, which names no detection"
                    ));
                }
                Ok(match quantifier {
                    Quantifier::Any => Self::Any(chosen),
                    Quantifier::All => Self::All(chosen),
                    Quantifier::Count(count) => Self::AtLeast(*count, chosen),
                })
            }
            ConditionExpr::And(inner) => Ok(Self::All(Self::build_each(inner, detections, tests)?)),
            ConditionExpr::Or(inner) => Ok(Self::Any(Self::build_each(inner, detections, tests)?)),
            ConditionExpr::Not(inner) => Ok(Self::Not(Box::new(Self::build(inner, detections, tests)?))),
        }
    }

    fn build_each(
        inner: &[ConditionExpr],
        detections: &Detections,
        tests: &mut usize,
    ) -> Result<Vec<Self>, String> {
        inner
            .iter()
            .map(|one| Self::build(one, detections, tests))
            .collect()
    }

    /// True where the event meets the condition. Keywords look at the strings that the view took in.
    pub(super) fn holds(&self, view: &View, fields: &Fields) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|one| one.holds(view, fields)),
            Self::Any(inner) => inner.iter().any(|one| one.holds(view, fields)),
            Self::Not(inner) => !inner.holds(view, fields),
            Self::AtLeast(count, inner) => {
                let enough = usize::try_from(*count).unwrap_or(usize::MAX);
                inner
                    .iter()
                    .filter(|one| one.holds(view, fields))
                    .take(enough)
                    .count()
                    >= enough
            }
            Self::Field(id, matcher) => {
                if view.has(*id) {
                    matcher.matches(*id, view, fields)
                } else {
                    matcher.matches_absent()
                }
            }
            Self::Exists(id, expected) => exists(*id, view) == *expected,
            Self::Keywords(matcher) => view
                .strings()
                .any(|(original, lowered)| matcher.matches_string(original, lowered)),
            Self::Named(named) => named.node.holds(view, fields),
            Self::Constant(truth) => *truth,
        }
    }

    /// False where no event can meet the condition that has none but the fields of which `has` is true.
    pub(super) fn can_hold(&self, has: &mut dyn FnMut(FieldId) -> bool) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|one| one.can_hold(has)),
            Self::Any(inner) => inner.iter().any(|one| one.can_hold(has)),
            Self::AtLeast(count, inner) => {
                let able = inner.iter().filter(|one| one.can_hold(has)).count();
                able as u64 >= *count
            }
            Self::Field(id, matcher) => has(*id) || matcher.matches_absent(),
            Self::Exists(id, expected) => !expected || has(*id),
            Self::Named(named) => named.node.can_hold(has),
            Self::Constant(truth) => *truth,
            Self::Not(_) | Self::Keywords(_) => true,
        }
    }

    /// Collects the fields and values that positive tests hold for, in the rule's order: what to show of a match.
    pub(super) fn matched(&self, view: &View, fields: &Fields, out: &mut Vec<(String, String)>) {
        match self {
            Self::All(inner) | Self::Any(inner) | Self::AtLeast(_, inner) => {
                for one in inner.iter().filter(|one| one.holds(view, fields)) {
                    one.matched(view, fields, out);
                }
            }
            Self::Named(named) => named.node.matched(view, fields, out),
            Self::Field(id, _) => {
                let name = fields.name(*id);
                if let Some(value) = view.text(*id)
                    && !out.iter().any(|(other, _)| other == name)
                {
                    out.push((name.to_owned(), shown(value)));
                }
            }
            Self::Keywords(matcher) => {
                let found = view
                    .strings()
                    .find(|(original, lowered)| matcher.matches_string(original, lowered));
                out.extend(found.map(|(original, _)| ("keyword".to_owned(), shown(original))));
            }
            Self::Not(_) | Self::Exists(..) | Self::Constant(_) => {}
        }
    }

    /// True where it looks at all strings of an event.
    pub(super) fn has_keywords(&self) -> bool {
        match self {
            Self::All(inner) | Self::Any(inner) | Self::AtLeast(_, inner) => {
                inner.iter().any(Self::has_keywords)
            }
            Self::Not(inner) => inner.has_keywords(),
            Self::Named(named) => named.node.has_keywords(),
            Self::Keywords(_) => true,
            Self::Field(..) | Self::Exists(..) | Self::Constant(_) => false,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::All(inner) | Self::Any(inner) | Self::AtLeast(_, inner) => {
                1 + inner.iter().map(Self::size).sum::<usize>()
            }
            Self::Not(inner) => 1 + inner.size(),
            Self::Named(named) => named.size,
            Self::Field(_, matcher) | Self::Keywords(matcher) => 1 + matcher.size(),
            Self::Exists(..) | Self::Constant(_) => 1,
        }
    }
}

/// A value as a finding shows it; a script may be of any length.
fn shown(value: &str) -> String {
    if value.len() <= MAX_SHOWN {
        return value.to_owned();
    }
    let end = value.floor_char_boundary(MAX_SHOWN);
    format!("{}…", &value[..end])
}

fn exists(id: FieldId, view: &View) -> bool {
    let mut values = view.values(id);
    let Some(first) = values.next() else {
        return false;
    };
    first.text.is_some() || values.next().is_some()
}

/// Which detections `them` or `selection_*` means. Names with `_` in front are left out of `them`.
fn selects(pattern: &SelectorPattern, name: &str) -> bool {
    pattern.matches_detection_name(name)
}
