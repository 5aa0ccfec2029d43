//! A parsed pattern and what it can be asked.

use crate::ast::{Comparison, Node, ObjectPath};
use crate::bindings::{self, Hit, Match, TooComplex};
use crate::compare::Check;
use crate::observation::{DataError, Evaluation, Observation};
use crate::python_regex::EFFORT;

/// A pattern, ready to be matched. It holds no state of a match and can be shared between threads.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(crate) root: Node,
    pub(crate) expressions: Vec<Comparison>,
    pub(crate) paths: Vec<ObjectPath>,
    pub(crate) checks: Vec<Check>,
}

/// Why a strict match gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// A value in the observations could not be compared.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Too many ways to combine the observations.
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

impl Default for Pattern {
    /// The pattern of no observation expression, for the parser to fill.
    fn default() -> Self {
        Self {
            root: Node::And(Vec::new()),
            expressions: Vec::new(),
            paths: Vec::new(),
            checks: Vec::new(),
        }
    }
}

/// Two patterns are equal where their syntax trees are.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root && self.expressions == other.expressions && self.paths == other.paths
    }
}

impl Pattern {
    /// The tree of observation operators and qualifiers.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The observation expressions (the insides of `[...]`), in the order of the text.
    #[must_use]
    pub fn observation_expressions(&self) -> &[Comparison] {
        &self.expressions
    }

    /// The different object paths, by their [`id`](ObjectPath::id).
    #[must_use]
    pub fn paths(&self) -> &[ObjectPath] {
        &self.paths
    }

    /// True where one observation can match on its own, whatever its time: one observation expression without
    /// qualifiers. [`matches_observation`](Self::matches_observation) is then the whole answer.
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(self.root, Node::Expression(_))
    }

    /// Whether an observation satisfies the observation expression of this number. A value that cannot be compared
    /// satisfies nothing.
    ///
    /// # Panics
    /// Where there is no expression of this number.
    #[must_use]
    pub fn matches_observation<O: Observation + ?Sized>(&self, expression: usize, observation: &O) -> bool {
        self.evaluation(observation, false)
            .holds(&self.expressions[expression])
    }

    /// The same, and the first error where it is not satisfied. What regular expressions with look-around or back
    /// references may have cost is taken from `effort`, which for many observations is [`EFFORT`] at first.
    ///
    /// # Errors
    /// Where a value could not be compared, so that nobody knows; [`DataError::Steps`] where an expression took too
    /// many steps, or no effort is left for one that needs some.
    ///
    /// # Panics
    /// Where there is no expression of this number.
    pub fn try_observation<O: Observation + ?Sized>(
        &self,
        expression: usize,
        observation: &O,
        effort: &mut u64,
    ) -> Result<bool, DataError> {
        let mut evaluation = Evaluation {
            effort: *effort,
            ..self.evaluation(observation, false)
        };
        let held = evaluation.holds(&self.expressions[expression]);
        *effort = evaluation.effort;
        match evaluation.error {
            Some(error) if !held => Err(error),
            _ => Ok(held),
        }
    }

    /// The same for every observation expression, as the [`Hit`] that [`evaluate`](Self::evaluate) takes; `None`
    /// where the observation satisfies none.
    #[must_use]
    pub fn hit<O: Observation + ?Sized>(&self, observation: &O) -> Option<Hit> {
        let mut evaluation = self.evaluation(observation, false);
        let held = self.expressions.iter().enumerate();
        let expressions = held.filter(|(_, expression)| evaluation.holds(expression));
        let hit = Hit {
            expressions: expressions.map(|(number, _)| number as u32).collect(),
            interval: observation.interval(),
            number_observed: observation.number_observed(),
        };
        (!hit.expressions.is_empty()).then_some(hit)
    }

    /// Applies the observation operators and qualifiers to what satisfied at least one observation expression.
    /// The match names its observations by their place in `hits`.
    ///
    /// # Errors
    /// Where the ways to combine them are too many to look at; a fixed number of steps is allowed.
    pub fn evaluate(&self, hits: &[Hit]) -> Result<Option<Match>, TooComplex> {
        self.evaluate_within(hits, &mut { bindings::STEPS })
    }

    /// The same for one of many searches: they take their steps from what they may take together.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and where no steps are left.
    pub fn evaluate_within(&self, hits: &[Hit], steps: &mut u64) -> Result<Option<Match>, TooComplex> {
        bindings::search(&self.root, hits, steps)
    }

    /// Matches the pattern against observations; the match names them by their place.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn matches<O: Observation>(&self, observations: &[O]) -> Result<Option<Match>, TooComplex> {
        let found = observations
            .iter()
            .enumerate()
            .filter_map(|(at, it)| Some((at, self.hit(it)?)));
        let (places, hits): (Vec<_>, Vec<_>) = found.unzip();
        let matched = self.evaluate(&hits)?;
        Ok(matched.map(|found| found.renumbered(&places)))
    }

    /// The same, but stops at the first value that cannot be compared, as the reference matcher does.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and for a value that cannot be compared.
    pub fn matches_strictly<O: Observation>(
        &self,
        observations: &[O],
    ) -> Result<Option<Match>, EvaluateError> {
        for observation in observations {
            let mut evaluation = self.evaluation(observation, true);
            for expression in &self.expressions {
                evaluation.holds(expression);
            }
            if let Some(error) = evaluation.error {
                return Err(error.into());
            }
        }
        Ok(self.matches(observations)?)
    }

    fn evaluation<'a, O: ?Sized>(&'a self, observation: &'a O, strict: bool) -> Evaluation<'a, O> {
        Evaluation {
            paths: &self.paths,
            checks: &self.checks,
            observation,
            strict,
            error: None,
            effort: EFFORT,
        }
    }
}
