//! Python's regular expressions (`re`), in which `MATCHES` is written for the reference matcher.
//!
//! An expression runs on the crate `regex` wherever that means the same, in linear time on any text. What that crate
//! has not (look-around, back references, atomic groups, a `$` before more) runs on `fancy-regex`, which goes back and
//! forth under a limit of steps. `\b` goes by Python's idea of a letter: on ASCII the two agree, so only other text
//! takes the slower way.

mod translate;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use fancy_regex::Regex as Exact;
use regex::{Regex, RegexBuilder, bytes};
use translate::{Style, translate};

use crate::observation::DataError;

/// How large a compiled expression may get.
const MAX_SIZE: usize = 2 << 20;

/// With less to remember its states in, the crate falls back to a slower way.
const LEAST_CACHE: usize = 128 << 10;

/// How often an exact expression may go back on one text.
const MAX_STEPS: usize = 100_000;

/// A Python expression, ready to be searched for.
#[derive(Debug, Clone)]
pub(crate) struct PythonRegex {
    source: String,
    /// `None` where only the exact way will do.
    plain: Option<Regex>,
    has_boundary: bool,
    exact: OnceLock<Option<Exact>>,
    bytes: OnceLock<Option<bytes::Regex>>,
    exact_bytes: OnceLock<Option<Exact>>,
}

impl PythonRegex {
    /// # Errors
    /// In words, where Python would refuse the expression, or it is too large or has no counterpart.
    pub(crate) fn new(source: String, room: &mut Room) -> Result<Self, String> {
        let mut regex = Self {
            source,
            plain: None,
            has_boundary: false,
            exact: OnceLock::new(),
            bytes: OnceLock::new(),
            exact_bytes: OnceLock::new(),
        };
        if let Ok(plain) = translate(&regex.source, Style::Plain) {
            regex.has_boundary = plain.has_boundary;
            regex.plain = Some(compile(&plain.regex, room)?);
        } else {
            room.take(MAX_SIZE)?;
            let exact = compile_exact(&regex.source, Style::Exact)?;
            regex.exact = OnceLock::from(Some(exact));
        }
        Ok(regex)
    }

    /// Whether it is found in the text.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, DataError> {
        let as_exact = self.has_boundary && (!text.is_ascii() || text.is_empty());
        if let Some(plain) = self.plain.as_ref().filter(|_| !as_exact) {
            return Ok(plain.is_match(text));
        }
        let exact = self
            .exact
            .get_or_init(|| compile_exact(&self.source, Style::Exact).ok());
        match (exact, &self.plain) {
            (Some(exact), _) => search(exact, text),
            (None, plain) => Ok(plain.as_ref().is_some_and(|plain| plain.is_match(text))),
        }
    }

    /// Whether it is found in the bytes, as an expression of bytes: never where it has a letter above 255, or means
    /// nothing for bytes.
    pub(crate) fn is_match_bytes(&self, value: &[u8]) -> Result<bool, DataError> {
        if !is_latin1(&self.source) {
            return Ok(false);
        }
        let plain = self.bytes.get_or_init(|| {
            let regex = translate(&self.source, Style::Bytes).ok()?.regex;
            bytes::RegexBuilder::new(&regex).size_limit(MAX_SIZE).build().ok()
        });
        if let Some(plain) = plain.as_ref().filter(|_| !value.is_empty() || !self.has_boundary) {
            return Ok(plain.is_match(value));
        }
        let exact = self
            .exact_bytes
            .get_or_init(|| compile_exact(&self.source, Style::ExactBytes).ok());
        match (exact, plain) {
            (Some(exact), _) => search(
                exact,
                &value.iter().map(|&byte| char::from(byte)).collect::<String>(),
            ),
            (None, plain) => Ok(plain.as_ref().is_some_and(|plain| plain.is_match(value))),
        }
    }
}

/// Whether every letter could be a byte.
pub(crate) fn is_latin1(text: &str) -> bool {
    text.chars().all(|letter| (letter as u32) < 256)
}

/// What the expressions of one pattern may take together, compiled: a pattern can hold thousands.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(128 << 20)
    }
}

impl Room {
    fn take(&mut self, size: usize) -> Result<(), String> {
        let left = self.0.checked_sub(size);
        self.0 = left.ok_or("the pattern's expressions are too large together")?;
        Ok(())
    }
}

/// Compiles what is in the crate's own syntax, within the limit of size. The crate does not say how large the outcome
/// is, so it is tried under growing limits, and counted as the one under which it fits.
///
/// # Errors
/// In words.
pub(crate) fn compile(regex: &str, room: &mut Room) -> Result<Regex, String> {
    for limit in [64 << 10, 256 << 10, MAX_SIZE] {
        let built = RegexBuilder::new(regex)
            .size_limit(limit)
            .dfa_size_limit(limit.max(LEAST_CACHE))
            .build();
        match built {
            Ok(regex) => return room.take(limit).map(|()| regex),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(_) => return Err("the expression does not compile".to_owned()),
        }
    }
    Err("the expression is too large".to_owned())
}

fn compile_exact(source: &str, style: Style) -> Result<Exact, String> {
    let regex = translate(source, style)?.regex;
    let mut builder = fancy_regex::RegexBuilder::new(&regex);
    builder.backtrack_limit(MAX_STEPS).delegate_size_limit(MAX_SIZE);
    builder
        .build()
        .map_err(|_| "such a look-around or repetition of one is not supported".to_owned())
}

fn search(exact: &Exact, text: &str) -> Result<bool, DataError> {
    exact.is_match(text).map_err(|_| DataError::Steps)
}
