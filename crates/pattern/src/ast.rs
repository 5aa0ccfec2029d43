//! The syntax tree. Chains of one operator are flat lists, so that depth comes from parentheses alone.

use crate::time::Micros;

/// The part of a pattern outside the square brackets.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// An observation expression `[...]`, by its number in the order of the text.
    Expression(usize),
    /// All, on different observations.
    And(Vec<Node>),
    /// Any one.
    Or(Vec<Node>),
    /// All, on different observations, each not before the one to its left.
    FollowedBy(Vec<Node>),
    /// A node with a qualifier behind it.
    Qualified(Box<Node>, Qualifier),
}

/// What may follow an observation expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Qualifier {
    /// `WITHIN n SECONDS`: there is a time span of this many microseconds that touches all observations.
    Within(i64),
    /// `REPEATS n TIMES`: so many times, each on observations of its own.
    Repeats(u64),
    /// `START t STOP t`: every observation lies partly at or after the first and before the second.
    StartStop(Micros, Micros),
}

/// The part of a pattern inside the square brackets.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// One comparison.
    Test(Test),
    /// All, for one root object.
    And(Vec<Comparison>),
    /// Any one.
    Or(Vec<Comparison>),
}

/// One comparison of an object path with a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// Its number in the order of the text; unique in the pattern.
    pub id: usize,
    /// The path, by its number in [`Pattern::paths`](crate::Pattern::paths).
    pub path: usize,
    /// True with `NOT`.
    pub negated: bool,
    /// The operator, with what it compares to.
    pub operator: Operator,
}

/// A comparison operator and its operand.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// `=`
    Equal(Literal),
    /// `!=`
    NotEqual(Literal),
    /// `<`
    Less(Literal),
    /// `<=`
    LessOrEqual(Literal),
    /// `>`
    Greater(Literal),
    /// `>=`
    GreaterOrEqual(Literal),
    /// `IN (...)`
    In(Vec<Literal>),
    /// `LIKE '...'`
    Like(String),
    /// `MATCHES '...'`
    Matches(String),
    /// `ISSUBSET '...'`
    IsSubset(String),
    /// `ISSUPERSET '...'`
    IsSuperset(String),
    /// `EXISTS path`
    Exists,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `'...'`, unescaped.
    Str(String),
    /// A whole number; one beyond the type's range stands at its end.
    Int(i128),
    /// A number with a point.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `b'...'` or `h'...'`, decoded.
    Bytes(Vec<u8>),
    /// `t'...'`.
    Time(Micros),
}

/// An object path: `type:first.second[0]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectPath {
    /// Its number in [`Pattern::paths`](crate::Pattern::paths): equal paths of one pattern have the same.
    pub id: usize,
    /// The type of the object that the path starts at.
    pub object_type: String,
    /// The steps from there. The first is a [`Step::Key`].
    pub steps: Vec<Step>,
}

/// One step of an object path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A property, or what a `_ref` or `_refs` property names.
    Key(String),
    /// An element of a list, `[0]`. Negative ones select nothing.
    Index(i128),
    /// Every element of a list, `[*]`.
    Every,
}
