//! One comparison with one value: operators made ready once for a pattern, then asked for each value.
//!
//! The rules for mixed types are the reference's: numbers compare with numbers, bytes with text below code point 256,
//! timestamps with text that is a timestamp; anything else is unequal and has no order. In a set, `true` is 1.

use std::cmp::Ordering;
use std::collections::HashSet;

use regex::Regex;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::ast::{Literal, Operator};
use crate::cidr::Net;
use crate::observation::{DataError, Operand};
use crate::python_regex::{PythonRegex, Room, compile, is_latin1};
use crate::time::Micros;

/// An operator with its operand, compiled.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    Equal {
        literal: Literal,
        inverted: bool,
    },
    Order {
        literal: Literal,
        wanted: fn(Ordering) -> bool,
    },
    In(Set),
    Like {
        regex: Regex,
        reads_bytes: bool,
    },
    Matches(Box<PythonRegex>),
    IsSubset(Option<Net>),
    IsSuperset(Option<Net>),
    Exists,
}

/// The constants of `IN`, by their one type.
#[derive(Debug, Clone)]
pub(crate) enum Set {
    Strs(HashSet<String>),
    Numbers(Vec<Number>),
    Bytes(HashSet<Vec<u8>>),
    Times(HashSet<Micros>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl Check {
    /// # Errors
    /// In words, where a regular expression cannot be used.
    pub(crate) fn new(operator: &Operator, room: &mut Room) -> Result<Self, String> {
        let order = |literal: &Literal, wanted| Self::Order {
            literal: literal.clone(),
            wanted,
        };
        Ok(match operator {
            Operator::Equal(literal) => Self::Equal {
                literal: literal.clone(),
                inverted: false,
            },
            Operator::NotEqual(literal) => Self::Equal {
                literal: literal.clone(),
                inverted: true,
            },
            Operator::Less(literal) => order(literal, Ordering::is_lt),
            Operator::LessOrEqual(literal) => order(literal, Ordering::is_le),
            Operator::Greater(literal) => order(literal, Ordering::is_gt),
            Operator::GreaterOrEqual(literal) => order(literal, Ordering::is_ge),
            Operator::In(literals) => Self::In(Set::new(literals)),
            Operator::Like(pattern) => {
                let pattern: String = pattern.nfc().collect();
                Self::Like {
                    regex: compile(&like_to_regex(&pattern), room)?,
                    reads_bytes: is_latin1(&pattern),
                }
            }
            Operator::Matches(source) => {
                let regex = PythonRegex::new(source.nfc().collect(), room);
                Self::Matches(Box::new(
                    regex.map_err(|why| format!("regular expression: {why}"))?,
                ))
            }
            Operator::IsSubset(net) => Self::IsSubset(Net::parse(net)),
            Operator::IsSuperset(net) => Self::IsSuperset(Net::parse_net_or_address(net)),
            Operator::Exists => Self::Exists,
        })
    }

    /// Whether a value passes, with `NOT` taken into account. What it costs is taken from `effort`.
    ///
    /// # Errors
    /// Where the value is not what this comparison needs, and the reference stops.
    pub(crate) fn passes(
        &self,
        negated: bool,
        value: &Operand<'_>,
        effort: &mut u64,
    ) -> Result<bool, DataError> {
        if let Operand::Invalid(error) = value {
            return Err(*error);
        }
        let held = match self {
            Self::Equal { literal, inverted } => equal(literal, value)? != *inverted,
            Self::Order { literal, wanted } => match order(value, literal)? {
                Order::None => return Ok(false),
                Order::False => false,
                Order::Is(order) => wanted(order),
            },
            Self::In(set) => set.contains(value)?,
            Self::Like { regex, reads_bytes } => match value {
                Operand::Str(text) => with_nfc(text, |text| regex.is_match(text)),
                Operand::Bytes(bytes) if *reads_bytes => {
                    let text = std::str::from_utf8(bytes).map_err(|_| DataError::Utf8)?;
                    with_nfc(text, |text| regex.is_match(text))
                }
                _ => false,
            },
            Self::Matches(regex) => match value {
                Operand::Str(text) => with_nfc(text, |text| regex.is_match(text, effort))?,
                Operand::Bytes(bytes) => regex.is_match_bytes(bytes, effort)?,
                _ => false,
            },
            Self::IsSubset(outer) => match value {
                Operand::Str(inner) => {
                    let nets = outer.zip(Net::parse_net_or_address(inner));
                    nets.map(|(outer, inner)| outer.contains(inner))
                        .ok_or(DataError::Address)?
                }
                _ => false,
            },
            Self::IsSuperset(inner) => match value {
                Operand::Str(outer) => {
                    let nets = inner.zip(Net::parse(outer));
                    nets.map(|(inner, outer)| outer.contains(inner))
                        .ok_or(DataError::Address)?
                }
                _ => false,
            },
            Self::Exists => true,
        };
        Ok(held != negated)
    }
}

/// `%` and `_` stand for any letters but a line break, and the text may end in one line break more: the reference
/// goes by way of Python's `^.*$`.
fn like_to_regex(like: &str) -> String {
    let mut regex = String::from(r"\A");
    let mut buffer = [0; 4];
    for letter in like.chars() {
        match letter {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            _ => regex.push_str(&regex::escape(letter.encode_utf8(&mut buffer))),
        }
    }
    regex + r"\n?\z"
}

fn with_nfc<T>(text: &str, look: impl FnOnce(&str) -> T) -> T {
    if text.is_ascii() || is_nfc(text) {
        look(text)
    } else {
        look(&text.nfc().collect::<String>())
    }
}

fn as_number(value: &Operand<'_>) -> Option<Number> {
    match *value {
        Operand::Int(number) => Some(Number::Int(number)),
        Operand::Float(number) => Some(Number::Float(number)),
        _ => None,
    }
}

fn literal_number(literal: &Literal) -> Option<Number> {
    match *literal {
        Literal::Int(number) => Some(Number::Int(number)),
        Literal::Float(number) => Some(Number::Float(number)),
        _ => None,
    }
}

/// Exact, where a whole number has more digits than a float holds.
fn compare_numbers(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => Some(left.cmp(&right)),
        (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
        (Number::Int(left), Number::Float(right)) => compare_mixed(left, right),
        (Number::Float(left), Number::Int(right)) => compare_mixed(right, left).map(Ordering::reverse),
    }
}

fn compare_mixed(left: i128, right: f64) -> Option<Ordering> {
    const BEYOND: f64 = 1.701_411_834_604_692_3e38;
    if right.is_nan() {
        None
    } else if right >= BEYOND {
        Some(Ordering::Less)
    } else if right < -BEYOND {
        Some(Ordering::Greater)
    } else {
        let whole = right.trunc();
        Some(
            left.cmp(&(whole as i128))
                .then_with(|| 0.0.partial_cmp(&(right - whole)).expect("no NaN")),
        )
    }
}

fn time_of(text: &str) -> Result<Micros, DataError> {
    Micros::parse(text).ok_or(DataError::Timestamp)
}

/// Bytes against text of code points below 256, each taken for a byte; `None` where one is above.
fn compare_bytes(bytes: &[u8], text: &str) -> Option<Ordering> {
    if !is_latin1(text) {
        return None;
    }
    Some(bytes.iter().copied().cmp(text.chars().map(|letter| letter as u8)))
}

fn equal(literal: &Literal, value: &Operand<'_>) -> Result<bool, DataError> {
    if let (Literal::Bool(left), Operand::Bool(right)) = (literal, value) {
        return Ok(left == right);
    }
    Ok(matches!(order(value, literal)?, Order::Is(Ordering::Equal)))
}

enum Order {
    /// The types have none.
    None,
    /// The types have, these two values do not.
    False,
    Is(Ordering),
}

fn order(value: &Operand<'_>, literal: &Literal) -> Result<Order, DataError> {
    if let Some((left, right)) = as_number(value).zip(literal_number(literal)) {
        return Ok(compare_numbers(left, right).map_or(Order::False, Order::Is));
    }
    Ok(match (value, literal) {
        (Operand::Str(left), Literal::Str(right)) => Order::Is((*left).cmp(right.as_str())),
        (Operand::Bytes(left), Literal::Bytes(right)) => Order::Is((**left).cmp(right.as_slice())),
        (Operand::Bytes(left), Literal::Str(right)) => {
            compare_bytes(left, right).map_or(Order::False, Order::Is)
        }
        (Operand::Str(left), Literal::Bytes(right)) => {
            compare_bytes(right, left).map_or(Order::False, |order| Order::Is(order.reverse()))
        }
        (Operand::Str(left), Literal::Time(right)) => Order::Is(time_of(left)?.cmp(right)),
        _ => Order::None,
    })
}

impl Set {
    fn new(literals: &[Literal]) -> Self {
        let strs = || {
            literals.iter().filter_map(|it| {
                if let Literal::Str(it) = it {
                    Some(it.clone())
                } else {
                    None
                }
            })
        };
        match literals.first() {
            None | Some(Literal::Str(_)) => Self::Strs(strs().collect()),
            Some(Literal::Bytes(_)) => Self::Bytes(
                literals
                    .iter()
                    .filter_map(|it| {
                        if let Literal::Bytes(it) = it {
                            Some(it.clone())
                        } else {
                            None
                        }
                    })
                    .collect(),
            ),
            Some(Literal::Time(_)) => Self::Times(
                literals
                    .iter()
                    .filter_map(|it| {
                        if let Literal::Time(it) = it {
                            Some(*it)
                        } else {
                            None
                        }
                    })
                    .collect(),
            ),
            Some(_) => Self::Numbers(
                literals
                    .iter()
                    .filter_map(|it| match it {
                        Literal::Bool(truth) => Some(Number::Int(i128::from(*truth))),
                        _ => literal_number(it),
                    })
                    .collect(),
            ),
        }
    }

    fn contains(&self, value: &Operand<'_>) -> Result<bool, DataError> {
        Ok(match (self, value) {
            (Self::Strs(set), Operand::Str(text)) => set.contains(*text),
            (Self::Bytes(set), Operand::Bytes(bytes)) => set.contains(&**bytes),
            (Self::Times(set), Operand::Str(text)) => set.contains(&time_of(text)?),
            (Self::Numbers(set), Operand::Int(_) | Operand::Float(_) | Operand::Bool(_)) => {
                let number = match value {
                    Operand::Bool(truth) => Some(Number::Int(i128::from(*truth))),
                    _ => as_number(value),
                };
                let same = |other: &Number| {
                    number.and_then(|it| compare_numbers(it, *other)) == Some(Ordering::Equal)
                };
                set.iter().any(same)
            }
            _ => false,
        })
    }
}
