//! The STIX patterning language (STIX 2.1, section 9; STIX 2.0, part 5): parser, syntax tree, evaluation.
//!
//! [`parse`] gives a [`Pattern`]. What a pattern is matched against is anything that implements [`Observation`]; an
//! implementation over STIX `observed-data` stands in [`ObservedData`], the one over log events in `detect`. The
//! meaning is that of the OASIS reference matcher, compared with it case by case in `tests/it`.
//!
//! A hunt evaluates in two steps. [`Pattern::matches_observation`] asks cheaply, for each observation, which of the
//! pattern's observation expressions (its `[...]`) it satisfies. [`Pattern::evaluate`] then applies the observation
//! operators and qualifiers to the few that satisfied any. [`Pattern::matches`] does both.
//!
//! No I/O, no mapping of log fields, no subdomain logic: `=` is exact here.

mod ast;
mod binary;
mod bindings;
mod cidr;
mod compare;
mod display;
mod lexer;
mod observation;
mod observed_data;
mod parser;
mod pattern;
mod plain;
mod python_regex;
mod time;

pub use ast::{Comparison, Literal, Node, ObjectPath, Operator, Qualifier, Step, Test};
pub use bindings::{Hit, Match, TooComplex};
pub use observation::{DataError, Observation, Operand, RootId};
pub use observed_data::{BadObservation, ObservedData};
pub use parser::{MAX_DEPTH, MAX_LENGTH, ParseError, parse};
pub use pattern::{EvaluateError, Pattern};
pub use plain::PlainValue;
pub use python_regex::EFFORT;
pub use time::{Interval, Micros};
