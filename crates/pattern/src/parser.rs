//! The grammar: tokens to a syntax tree, by recursive descent.
//!
//! It is the grammar of STIX 2.1, in which `START` and `STOP` also take the plain strings of STIX 2.0. What the
//! reference matcher refuses whenever it is asked to match is refused here already: mixed sets, `REPEATS 0 TIMES`,
//! `WITHIN 0 SECONDS`, times that do not exist, regular expressions that do not compile.

use std::collections::HashMap;

use crate::ast::{Comparison, Literal, Node, ObjectPath, Operator, Qualifier, Step, Test};
use crate::compare::Check;
use crate::lexer::{KEYWORDS, Lexer, Token, Unreadable};
use crate::pattern::Pattern;
use crate::python_regex::Room;
use crate::time::Micros;

/// How deep parentheses and qualifiers may nest.
pub const MAX_DEPTH: usize = 100;

/// How many bytes a pattern may have.
pub const MAX_LENGTH: usize = 4 << 20;

/// Why a text is no pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ParseError {
    /// The byte at which it was noticed.
    pub offset: usize,
    /// The same in characters, from 1.
    pub column: usize,
    /// What is wrong, in words.
    pub message: String,
}

/// Reads a pattern.
///
/// # Errors
/// Where the text is not in the language, is longer than [`MAX_LENGTH`], nests deeper than [`MAX_DEPTH`], or holds a
/// constant that no matcher can use.
pub fn parse(text: &str) -> Result<Pattern, ParseError> {
    if text.len() > MAX_LENGTH {
        return Err(ParseError {
            offset: MAX_LENGTH,
            column: MAX_LENGTH,
            message: format!("the pattern is longer than {MAX_LENGTH} bytes"),
        });
    }
    let mut parser = Parser {
        lexer: Lexer::new(text),
        token: Token::End,
        offset: 0,
        depth: 0,
        built: Pattern::default(),
        path_ids: HashMap::new(),
        room: Room::default(),
    };
    let parsed = parser.advance().and_then(|()| parser.pattern());
    parsed.map_err(|Failure { offset, message }| ParseError {
        offset,
        column: text[..offset].chars().count() + 1,
        message,
    })?;
    Ok(parser.built)
}

struct Failure {
    offset: usize,
    message: String,
}

type Parsed<T> = Result<T, Failure>;

impl From<Unreadable> for Failure {
    fn from(Unreadable { offset, why }: Unreadable) -> Self {
        Self {
            offset,
            message: why.to_owned(),
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    offset: usize,
    depth: usize,
    built: Pattern,
    path_ids: HashMap<(String, Vec<Step>), usize>,
    room: Room,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Parsed<()> {
        (self.offset, self.token) = self.lexer.next()?;
        Ok(())
    }

    fn take(&mut self) -> Parsed<Token<'a>> {
        let (offset, token) = self.lexer.next()?;
        self.offset = offset;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(Failure {
            offset: self.offset,
            message: message.into(),
        })
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        let found = match &self.token {
            Token::End => "the end".to_owned(),
            Token::Word(text) | Token::Hyphenated(text) => format!("`{text}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Int { .. } | Token::Float { .. } => "a number".to_owned(),
            Token::Str(_) => "a string".to_owned(),
            Token::Bytes(_) => "a binary constant".to_owned(),
            Token::Time(_) => "a timestamp".to_owned(),
        };
        self.fail(format!("expected {what}, found {found}"))
    }

    fn at_word(&self, word: &str) -> bool {
        self.token == Token::Word(word)
    }

    fn accept_word(&mut self, word: &str) -> Parsed<bool> {
        let found = self.at_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.accept_word(word)? {
            Ok(())
        } else {
            self.expected(&format!("`{word}`"))
        }
    }

    fn accept_sign(&mut self, sign: &'static str) -> Parsed<bool> {
        let found = self.token == Token::Sign(sign);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect_sign(&mut self, sign: &'static str) -> Parsed<()> {
        if self.accept_sign(sign)? {
            Ok(())
        } else {
            self.expected(&format!("`{sign}`"))
        }
    }

    fn expect_str(&mut self) -> Parsed<String> {
        if !matches!(self.token, Token::Str(_)) {
            return self.expected("a string");
        }
        let Token::Str(text) = self.take()? else {
            unreachable!("just looked at")
        };
        Ok(text)
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        Ok(())
    }

    fn pattern(&mut self) -> Parsed<()> {
        self.built.root = self.followed_by()?;
        if self.token == Token::End {
            Ok(())
        } else {
            self.expected("an operator, a qualifier or the end")
        }
    }

    /// A chain of one operator. Links that are such chains themselves, by parentheses, are taken apart: all the
    /// operators are associative.
    fn chain<T>(&mut self, operator: &str, link: fn(&mut Self) -> Parsed<T>, kind: Chain<T>) -> Parsed<T> {
        let first = link(self)?;
        if !self.at_word(operator) {
            return Ok(first);
        }
        let mut links = (kind.split)(first).unwrap_or_else(|single| vec![single]);
        while self.accept_word(operator)? {
            match (kind.split)(link(self)?) {
                Ok(inner) => links.extend(inner),
                Err(single) => links.push(single),
            }
        }
        Ok((kind.join)(links))
    }

    fn followed_by(&mut self) -> Parsed<Node> {
        let split = |node| {
            if let Node::FollowedBy(links) = node {
                Ok(links)
            } else {
                Err(node)
            }
        };
        self.chain(
            "FOLLOWEDBY",
            Self::observations_or,
            Chain {
                join: Node::FollowedBy,
                split,
            },
        )
    }

    fn observations_or(&mut self) -> Parsed<Node> {
        let split = |node| {
            if let Node::Or(links) = node {
                Ok(links)
            } else {
                Err(node)
            }
        };
        self.chain(
            "OR",
            Self::observations_and,
            Chain {
                join: Node::Or,
                split,
            },
        )
    }

    fn observations_and(&mut self) -> Parsed<Node> {
        let split = |node| {
            if let Node::And(links) = node {
                Ok(links)
            } else {
                Err(node)
            }
        };
        self.chain(
            "AND",
            Self::observation,
            Chain {
                join: Node::And,
                split,
            },
        )
    }

    /// `[...]` or `(...)`, and the qualifiers behind it.
    fn observation(&mut self) -> Parsed<Node> {
        let outside = self.depth;
        self.deeper()?;
        let mut node = if self.accept_sign("[")? {
            let comparison = self.comparisons_or()?;
            self.expect_sign("]")?;
            self.built.expressions.push(comparison);
            Node::Expression(self.built.expressions.len() - 1)
        } else if self.accept_sign("(")? {
            let inner = self.followed_by()?;
            self.expect_sign(")")?;
            inner
        } else {
            return self.expected("`[` or `(`");
        };
        while let Some(qualifier) = self.qualifier()? {
            self.deeper()?;
            node = Node::Qualified(Box::new(node), qualifier);
        }
        self.depth = outside;
        Ok(node)
    }

    fn qualifier(&mut self) -> Parsed<Option<Qualifier>> {
        Ok(Some(if self.accept_word("WITHIN")? {
            let micros = match self.token {
                Token::Int {
                    value,
                    negative: false,
                } if value > 0 => micros_of(value as f64),
                Token::Float {
                    value,
                    negative: false,
                } if value > 0.0 => micros_of(value),
                _ => return self.expected("a positive number"),
            };
            self.advance()?;
            self.expect_word("SECONDS")?;
            Qualifier::Within(micros)
        } else if self.accept_word("REPEATS")? {
            let times = match self.token {
                Token::Int {
                    value,
                    negative: false,
                } if value > 0 => u64::try_from(value).unwrap_or(u64::MAX),
                _ => return self.expected("a positive whole number"),
            };
            self.advance()?;
            self.expect_word("TIMES")?;
            Qualifier::Repeats(times)
        } else if self.accept_word("START")? {
            let start = self.moment()?;
            self.expect_word("STOP")?;
            Qualifier::StartStop(start, self.moment()?)
        } else {
            return Ok(None);
        }))
    }

    fn moment(&mut self) -> Parsed<Micros> {
        let time = match &self.token {
            Token::Time(text) => Micros::parse(text),
            Token::Str(text) => Micros::parse(text),
            _ => return self.expected("a timestamp"),
        };
        let Some(time) = time else {
            return self.fail("there is no such time");
        };
        self.advance()?;
        Ok(time)
    }

    fn comparisons_or(&mut self) -> Parsed<Comparison> {
        let split = |node| {
            if let Comparison::Or(links) = node {
                Ok(links)
            } else {
                Err(node)
            }
        };
        self.chain(
            "OR",
            Self::comparisons_and,
            Chain {
                join: Comparison::Or,
                split,
            },
        )
    }

    fn comparisons_and(&mut self) -> Parsed<Comparison> {
        let split = |node| {
            if let Comparison::And(links) = node {
                Ok(links)
            } else {
                Err(node)
            }
        };
        self.chain(
            "AND",
            Self::comparison,
            Chain {
                join: Comparison::And,
                split,
            },
        )
    }

    fn comparison(&mut self) -> Parsed<Comparison> {
        if self.accept_sign("(")? {
            self.deeper()?;
            let inner = self.comparisons_or()?;
            self.expect_sign(")")?;
            self.depth -= 1;
            return Ok(inner);
        }
        let start = self.offset;
        let negated_exists = self.accept_word("NOT")?;
        let (path, negated, operator) = if self.accept_word("EXISTS")? {
            (self.path()?, negated_exists, Operator::Exists)
        } else if negated_exists {
            return self.expected("`EXISTS`");
        } else {
            let path = self.path()?;
            (path, self.accept_word("NOT")?, self.operator()?)
        };
        let check = Check::new(&operator, &mut self.room).map_err(|message| Failure {
            offset: start,
            message,
        })?;
        let id = self.built.checks.len();
        self.built.checks.push(check);
        Ok(Comparison::Test(Test {
            id,
            path,
            negated,
            operator,
        }))
    }

    fn operator(&mut self) -> Parsed<Operator> {
        for (sign, build, any) in [
            ("=", Operator::Equal as fn(Literal) -> Operator, true),
            ("!=", Operator::NotEqual, true),
            ("<=", Operator::LessOrEqual, false),
            ("<", Operator::Less, false),
            (">=", Operator::GreaterOrEqual, false),
            (">", Operator::Greater, false),
        ] {
            if self.accept_sign(sign)? {
                let literal = self.literal()?;
                if !any && matches!(literal, Literal::Bool(_)) {
                    return self.fail("true and false have no order");
                }
                return Ok(build(literal));
            }
        }
        for (word, build) in [
            ("LIKE", Operator::Like as fn(String) -> Operator),
            ("MATCHES", Operator::Matches),
            ("ISSUBSET", Operator::IsSubset),
            ("ISSUPERSET", Operator::IsSuperset),
        ] {
            if self.accept_word(word)? {
                return Ok(build(self.expect_str()?));
            }
        }
        if self.accept_word("IN")? {
            self.set().map(Operator::In)
        } else {
            self.expected("a comparison operator")
        }
    }

    fn set(&mut self) -> Parsed<Vec<Literal>> {
        let mut set: Vec<Literal> = Vec::new();
        self.expect_sign("(")?;
        if self.accept_sign(")")? {
            return Ok(set);
        }
        loop {
            let literal = self.literal()?;
            if let Some(first) = set.first()
                && family(first) != family(&literal)
            {
                return self.fail("a set holds constants of one type");
            }
            set.push(literal);
            if self.accept_sign(")")? {
                return Ok(set);
            }
            self.expect_sign(",")?;
        }
    }

    fn literal(&mut self) -> Parsed<Literal> {
        if !matches!(
            self.token,
            Token::Int { .. }
                | Token::Float { .. }
                | Token::Str(_)
                | Token::Bytes(_)
                | Token::Time(_)
                | Token::Word("true" | "false")
        ) {
            return self.expected("a constant");
        }
        Ok(match self.take()? {
            Token::Int { value, .. } => Literal::Int(value),
            Token::Float { value, .. } if value.is_finite() => Literal::Float(value),
            Token::Str(text) => Literal::Str(text),
            Token::Bytes(bytes) => Literal::Bytes(bytes),
            Token::Word(word) => Literal::Bool(word == "true"),
            Token::Time(text) => match Micros::parse(text) {
                Some(time) => Literal::Time(time),
                None => return self.fail(format!("there is no such time as {text}")),
            },
            _ => return self.fail("the number is too large"),
        })
    }

    /// An object path; gives its number.
    fn path(&mut self) -> Parsed<usize> {
        let object_type = match self.token {
            Token::Hyphenated(name) => name.to_owned(),
            Token::Word(name) if !KEYWORDS.contains(&name) => name.to_owned(),
            _ => return self.expected("an object type"),
        };
        self.advance()?;
        self.expect_sign(":")?;
        let mut steps = vec![self.key()?];
        loop {
            if self.accept_sign(".")? {
                steps.push(self.key()?);
            } else if self.accept_sign("[")? {
                steps.push(match self.token {
                    Token::Int { value, .. } => Step::Index(value),
                    Token::Sign("*") => Step::Every,
                    _ => return self.expected("a whole number or `*`"),
                });
                self.advance()?;
                self.expect_sign("]")?;
            } else {
                break;
            }
        }
        let paths = &mut self.built.paths;
        let key = (object_type, steps);
        if let Some(&id) = self.path_ids.get(&key) {
            return Ok(id);
        }
        let id = paths.len();
        paths.push(ObjectPath {
            id,
            object_type: key.0.clone(),
            steps: key.1.clone(),
        });
        self.path_ids.insert(key, id);
        Ok(id)
    }

    fn key(&mut self) -> Parsed<Step> {
        match self.token {
            Token::Str(_) => self.expect_str().map(Step::Key),
            Token::Word(name) if !KEYWORDS.contains(&name) => {
                self.advance()?;
                Ok(Step::Key(name.to_owned()))
            }
            Token::Hyphenated(name) => self.fail(format!("a property with a hyphen needs quotes: '{name}'")),
            _ => self.expected("a property"),
        }
    }
}

/// How the links of an operator become one node, and such a node its links again.
struct Chain<T> {
    join: fn(Vec<T>) -> T,
    split: fn(T) -> Result<Vec<T>, T>,
}

/// Rounded to even, as Python's `timedelta` does; more than all of time is all of time.
fn micros_of(seconds: f64) -> i64 {
    (seconds * 1e6).round_ties_even() as i64
}

/// Which constants may stand in one set: each with its own type, and whole numbers with others.
fn family(literal: &Literal) -> u8 {
    match literal {
        Literal::Str(_) => 0,
        Literal::Int(_) | Literal::Float(_) => 1,
        Literal::Bool(_) => 2,
        Literal::Bytes(_) => 3,
        Literal::Time(_) => 4,
    }
}
