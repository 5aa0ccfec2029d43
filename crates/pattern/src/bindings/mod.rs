//! Which observations bind to which observation expressions, so that operators and qualifiers hold.
//!
//! Every expression, and every turn of a `REPEATS`, needs an observation of its own; one with `number_observed` of n
//! serves n of them. The reference enumerates combinations; here the work is cut in two:
//!
//! 1. [`plan`] turns the tree into *slots* (so many observations out of one eligible set) under windows and orders.
//!    `START`/`STOP` only narrows eligible sets, an `OR` of plain expressions joins them, and `REPEATS` multiplies a
//!    slot's count, so none of these ever branches.
//! 2. [`mod@search`] chooses what is left to choose: the start of each `WITHIN`, the cut of each `FOLLOWEDBY`, the side
//!    of an `OR` of compounds. All these are moments of observations, so one window or cut has as many choices as
//!    there are observations. Given the choices, every slot has its range of time, and whether all slots can be
//!    served at once is a maximum flow ([`flow`]), in polynomial time.
//!
//! A pattern with `c` windows and cuts thus takes at most in the order of `n^c` flows; greedy bounds cut off nearly
//! all of them, and after a fixed number of steps the search gives up with [`TooComplex`], never with a wrong answer.

mod flow;
mod plan;
mod search;

pub(crate) use search::{STEPS, search};

use crate::time::Interval;

/// One observation that satisfied at least one observation expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The numbers of the expressions that it satisfied, ascending.
    pub expressions: Vec<u32>,
    /// When; `None` satisfies no operator or qualifier of time.
    pub interval: Option<Interval>,
    /// How many times it was observed.
    pub number_observed: u64,
}

/// A way in which the pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The places of the observations that take part, ascending.
    pub observations: Vec<usize>,
}

impl Match {
    pub(crate) fn renumbered(mut self, places: &[usize]) -> Self {
        for place in &mut self.observations {
            *place = places[*place];
        }
        self
    }
}

/// The search ended before it was known whether the pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too complex: there are too many ways to combine these observations")]
pub struct TooComplex;

/// What a search may still do.
#[derive(Debug)]
struct Budget(u64);

impl Budget {
    fn spend(&mut self, steps: usize) -> Result<(), TooComplex> {
        let left = self.0.checked_sub(steps as u64);
        self.0 = left.unwrap_or(0);
        left.map(|_| ()).ok_or(TooComplex)
    }
}
