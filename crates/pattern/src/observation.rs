//! What a pattern is matched against, and how an observation expression is evaluated on it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::ast::{Comparison, ObjectPath, Test};
use crate::compare::Check;
use crate::time::Interval;

/// Names an object of an observation at which a path starts. `AND` inside the brackets holds where one root object
/// satisfies both sides, so an observation whose parts all belong together (a log event) uses one id for all.
pub type RootId = u32;

/// A value that a path selects.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand<'a> {
    /// Text.
    Str(&'a str),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Decoded bytes.
    Bytes(Cow<'a, [u8]>),
    /// There, without a value.
    Null,
    /// A list or a map: unequal to every constant.
    Compound,
    /// It cannot be read. No comparison holds for it, not even with `NOT`.
    Invalid(DataError),
}

/// Why a value could not be compared. The reference stops at any of these; here the comparison does not hold, so that
/// one bad value cannot hide what else was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// Compared with a timestamp.
    #[error("a value that is compared with a timestamp is none")]
    Timestamp,
    /// An operand of `ISSUBSET` or `ISSUPERSET`, in the data or in the pattern.
    #[error("an address or net cannot be read")]
    Address,
    /// A property that ends in `_hex` or `_bin`.
    #[error("a binary property is not in its encoding")]
    Binary,
    /// Bytes under `LIKE`.
    #[error("bytes that are compared with text are not UTF-8")]
    Utf8,
    /// Under `MATCHES`, an expression with look-around or back references.
    #[error("a regular expression took too many steps on a value")]
    Steps,
    /// A property that ends in `_ref` or `_refs`.
    #[error("a reference is not a string, or a list of references not a list of strings")]
    Reference,
}

/// Something seen, once or several times, in some span of time.
pub trait Observation {
    /// Gives each value that a path selects, with the root object that the path started at, until told to stop.
    ///
    /// `path.id` is the path's number in [`Pattern::paths`](crate::Pattern::paths), so that an implementation can
    /// look up once for a pattern what a path means in its data.
    fn values(&self, path: &ObjectPath, each: &mut dyn FnMut(RootId, Operand<'_>) -> ControlFlow<()>);

    /// When; `None` where that is not known, which satisfies no operator or qualifier of time.
    fn interval(&self) -> Option<Interval>;

    /// How many times.
    fn number_observed(&self) -> u64 {
        1
    }

    /// Gives each root object of a type, for `NOT EXISTS`.
    fn roots(&self, object_type: &str, each: &mut dyn FnMut(RootId));
}

/// Evaluates the comparisons of one pattern on one observation.
pub(crate) struct Evaluation<'a, O: ?Sized> {
    pub(crate) paths: &'a [ObjectPath],
    pub(crate) checks: &'a [Check],
    pub(crate) observation: &'a O,
    /// Look at everything, to learn of every error, as the reference does.
    pub(crate) strict: bool,
    pub(crate) error: Option<DataError>,
    /// What its regular expressions may still cost.
    pub(crate) effort: u64,
}

impl<O: Observation + ?Sized> Evaluation<'_, O> {
    /// Whether any root object satisfies the comparison.
    pub(crate) fn holds(&mut self, comparison: &Comparison) -> bool {
        match comparison {
            Comparison::Or(links) if !self.strict => links.iter().any(|link| self.holds(link)),
            Comparison::Test(test) if !self.strict => {
                let mut found = false;
                self.test(test, &mut |_| {
                    found = true;
                    ControlFlow::Break(())
                });
                found
            }
            _ => !self.roots(comparison).is_empty(),
        }
    }

    /// The root objects that satisfy the comparison, sorted.
    fn roots(&mut self, comparison: &Comparison) -> Vec<RootId> {
        match comparison {
            Comparison::Test(test) => {
                let mut roots = Vec::new();
                self.test(test, &mut |root| {
                    roots.push(root);
                    ControlFlow::Continue(())
                });
                roots.sort_unstable();
                roots.dedup();
                roots
            }
            Comparison::Or(links) => {
                let mut roots: Vec<_> = links.iter().flat_map(|link| self.roots(link)).collect();
                roots.sort_unstable();
                roots.dedup();
                roots
            }
            Comparison::And(links) => {
                let mut links = links.iter();
                let mut roots = links.next().map(|link| self.roots(link)).unwrap_or_default();
                for link in links {
                    if roots.is_empty() && !self.strict {
                        break;
                    }
                    let others = self.roots(link);
                    roots.retain(|root| others.binary_search(root).is_ok());
                }
                roots
            }
        }
    }

    /// Gives the root of each value that passes.
    fn test(&mut self, test: &Test, found: &mut dyn FnMut(RootId) -> ControlFlow<()>) {
        let path = &self.paths[test.path];
        let check = &self.checks[test.id];
        if matches!(check, Check::Exists) && test.negated {
            return self.lacking(path, found);
        }
        let (error, strict, effort) = (&mut self.error, self.strict, &mut self.effort);
        let mut passed = None;
        self.observation.values(path, &mut |root, value| {
            // As in the reference, a root that has passed is not looked at again.
            if passed == Some(root) && !matches!(value, Operand::Invalid(_)) {
                return ControlFlow::Continue(());
            }
            match check.passes(test.negated, &value, effort) {
                Ok(true) => {
                    passed = Some(root);
                    found(root)
                }
                Ok(false) => ControlFlow::Continue(()),
                Err(why) => {
                    // This one alone means that nobody knows; the others, that the value is none of this sort.
                    match why {
                        DataError::Steps if !strict => *error = Some(why),
                        _ => *error = error.or(Some(why)),
                    }
                    ControlFlow::Continue(())
                }
            }
        });
    }

    /// The root objects of the path's type in which it selects nothing.
    fn lacking(&mut self, path: &ObjectPath, found: &mut dyn FnMut(RootId) -> ControlFlow<()>) {
        let mut having = HashSet::new();
        self.observation.values(path, &mut |root, _| {
            having.insert(root);
            ControlFlow::Continue(())
        });
        let mut done = false;
        self.observation.roots(&path.object_type, &mut |root| {
            if !done && !having.contains(&root) {
                done = found(root).is_break();
            }
        });
    }
}
