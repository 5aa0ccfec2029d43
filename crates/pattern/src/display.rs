//! Patterns as text that parses back to the same tree: one space between words, parentheses only where they count.

use std::fmt::{self, Formatter};

use crate::ast::{Comparison, Literal, Node, ObjectPath, Operator, Qualifier, Step, Test};
use crate::lexer::KEYWORDS;
use crate::pattern::Pattern;

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write_node(f, &self.root, 0)
    }
}

impl Pattern {
    /// `strength` is how tightly the surroundings bind: 0 `FOLLOWEDBY`, 1 `OR`, 2 `AND`, 3 a qualifier.
    fn write_node(&self, f: &mut Formatter<'_>, node: &Node, strength: u8) -> fmt::Result {
        let (links, word, own) = match node {
            Node::Expression(number) => {
                f.write_str("[")?;
                self.write_comparison(f, &self.expressions[*number], 0)?;
                return f.write_str("]");
            }
            Node::Qualified(inner, qualifier) => {
                self.write_node(f, inner, 3)?;
                return write!(f, " {qualifier}");
            }
            Node::FollowedBy(links) => (links, " FOLLOWEDBY ", 0),
            Node::Or(links) => (links, " OR ", 1),
            Node::And(links) => (links, " AND ", 2),
        };
        chain(f, links, word, own < strength, |f, link| {
            self.write_node(f, link, own + 1)
        })
    }

    fn write_comparison(&self, f: &mut Formatter<'_>, comparison: &Comparison, strength: u8) -> fmt::Result {
        let (links, word, own) = match comparison {
            Comparison::Test(test) => return self.write_test(f, test),
            Comparison::Or(links) => (links, " OR ", 1),
            Comparison::And(links) => (links, " AND ", 2),
        };
        chain(f, links, word, own < strength, |f, link| {
            self.write_comparison(f, link, own + 1)
        })
    }

    fn write_test(&self, f: &mut Formatter<'_>, test: &Test) -> fmt::Result {
        let path = &self.paths[test.path];
        let not = if test.negated { "NOT " } else { "" };
        if test.operator == Operator::Exists {
            return write!(f, "{not}EXISTS {path}");
        }
        write!(f, "{path} {not}{}", test.operator)
    }
}

fn chain<T>(
    f: &mut Formatter<'_>,
    links: &[T],
    word: &str,
    enclosed: bool,
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if enclosed {
        f.write_str("(")?;
    }
    for (at, link) in links.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        write(f, link)?;
    }
    f.write_str(if enclosed { ")" } else { "" })
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            // The least that may be written; it, too, rounds to no microsecond at all.
            Self::Within(0) => f.write_str("WITHIN 0.0000001 SECONDS"),
            Self::Within(micros) if micros % 1_000_000 == 0 => {
                write!(f, "WITHIN {} SECONDS", micros / 1_000_000)
            }
            Self::Within(micros) => {
                write!(
                    f,
                    "WITHIN {}.{:06} SECONDS",
                    micros / 1_000_000,
                    micros % 1_000_000
                )
            }
            Self::Repeats(times) => write!(f, "REPEATS {times} TIMES"),
            Self::StartStop(start, stop) => write!(f, "START t'{start}' STOP t'{stop}'"),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (sign, literal) = match self {
            Self::Equal(literal) => ("=", literal),
            Self::NotEqual(literal) => ("!=", literal),
            Self::Less(literal) => ("<", literal),
            Self::LessOrEqual(literal) => ("<=", literal),
            Self::Greater(literal) => (">", literal),
            Self::GreaterOrEqual(literal) => (">=", literal),
            Self::In(set) => {
                f.write_str("IN ")?;
                return chain(f, set, ", ", true, |f, literal| write!(f, "{literal}"));
            }
            Self::Like(text) => return write!(f, "LIKE {}", Quoted(text)),
            Self::Matches(text) => return write!(f, "MATCHES {}", Quoted(text)),
            Self::IsSubset(text) => return write!(f, "ISSUBSET {}", Quoted(text)),
            Self::IsSuperset(text) => return write!(f, "ISSUPERSET {}", Quoted(text)),
            Self::Exists => return f.write_str("EXISTS"),
        };
        write!(f, "{sign} {literal}")
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for piece in self.0.split_inclusive(['\\', '\'']) {
            match piece.strip_suffix(['\\', '\'']) {
                Some(plain) => write!(f, "{plain}\\{}", &piece[plain.len()..])?,
                None => f.write_str(piece)?,
            }
        }
        f.write_str("'")
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => write!(f, "{}", Quoted(text)),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) if number.fract() == 0.0 => write!(f, "{number}.0"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Bytes(bytes) => {
                f.write_str("h'")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("'")
            }
            Self::Time(time) => write!(f, "t'{time}'"),
        }
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.object_type)?;
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(name) => {
                    let point = if at == 0 { "" } else { "." };
                    if is_name(name) {
                        write!(f, "{point}{name}")?;
                    } else {
                        write!(f, "{point}{}", Quoted(name))?;
                    }
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Every => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !KEYWORDS.contains(&text)
}
