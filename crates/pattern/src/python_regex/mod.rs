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

use fancy_regex::RegexInput;
use regex::{Regex, RegexBuilder, bytes};
use translate::{Style, translate};

use crate::observation::DataError;

/// How large a compiled expression may get.
const MAX_SIZE: usize = 2 << 20;

/// With less to remember its states in, the crate falls back to a slower way.
const LEAST_CACHE: usize = 128 << 10;

/// How often an exact expression may go back on one text: so often at first, and where that is not enough, once more
/// from the start, so often.
const QUICK_STEPS: u64 = 1_000;
const LONG_STEPS: u64 = 10_000;

/// The most that the two tries may cost on one text, in steps times what each may look at.
const MAX_QUICK: u64 = 1 << 30;
const MAX_LONG: u64 = 64 << 20;

/// What a step may look at where nothing repeats.
const SHORT_STEP: u64 = 8;

/// Few expressions take all the steps that they may, so a quick try that found its answer counts for this part.
const USUAL_PART: u64 = 16;

/// What exact expressions may cost together, in steps times the bytes that each may look at: a few seconds. This is
/// counted, not timed, so that it is the same on every machine.
pub const EFFORT: u64 = 1 << 31;

/// A Python expression, ready to be searched for.
#[derive(Debug, Clone)]
pub(crate) struct PythonRegex {
    source: String,
    /// `None` where only the exact way will do.
    plain: Option<Regex>,
    has_boundary: bool,
    repeats: bool,
    /// Found wherever the exact expression is: what it is not in, the exact one need not search.
    relaxed: OnceLock<Option<Regex>>,
    exact: Exact,
    bytes: OnceLock<Option<bytes::Regex>>,
    exact_bytes: Exact,
}

/// An exact expression under two limits, compiled where it is needed.
#[derive(Debug, Clone)]
struct Exact {
    style: Style,
    quick: OnceLock<Option<fancy_regex::Regex>>,
    long: OnceLock<Option<fancy_regex::Regex>>,
}

impl PythonRegex {
    /// # Errors
    /// In words, where Python would refuse the expression, or it is too large or has no counterpart.
    pub(crate) fn new(source: String, room: &mut Room) -> Result<Self, String> {
        let mut regex = Self {
            source,
            plain: None,
            has_boundary: false,
            repeats: true,
            relaxed: OnceLock::new(),
            exact: Exact::new(Style::Exact),
            bytes: OnceLock::new(),
            exact_bytes: Exact::new(Style::ExactBytes),
        };
        if let Ok(plain) = translate(&regex.source, Style::Plain) {
            regex.has_boundary = plain.has_boundary;
            regex.repeats = plain.repeats;
            regex.plain = Some(compile(&plain.regex, room)?);
        } else {
            room.take(MAX_SIZE)?;
            regex.repeats = translate(&regex.source, Style::Exact)?.repeats;
            let exact = compile_exact(&regex.source, Style::Exact, QUICK_STEPS)?;
            regex.exact.quick = OnceLock::from(Some(exact));
        }
        Ok(regex)
    }

    /// Whether it is found in the text. What an exact search may have cost is taken from `effort`.
    ///
    /// # Errors
    /// Where it took too many steps, or no effort is left.
    pub(crate) fn is_match(&self, text: &str, effort: &mut u64) -> Result<bool, DataError> {
        let as_exact = self.has_boundary && (!text.is_ascii() || text.is_empty());
        if let Some(plain) = self.plain.as_ref().filter(|_| !as_exact) {
            return Ok(plain.is_match(text));
        }
        let relaxed = self.relaxed.get_or_init(|| {
            let regex = translate(&self.source, Style::Relaxed).ok()?.regex;
            RegexBuilder::new(&regex).size_limit(MAX_SIZE).build().ok()
        });
        // Where an exact match begins, a relaxed one does.
        let start = match relaxed.as_ref().map(|relaxed| relaxed.find(text)) {
            Some(None) => return Ok(false),
            Some(Some(found)) => found.start(),
            None => 0,
        };
        match (self.exact.quick(&self.source), &self.plain) {
            (Some(_), _) => self.search(&self.exact, text, start, effort),
            (None, plain) => Ok(plain.as_ref().is_some_and(|plain| plain.is_match(text))),
        }
    }

    /// Whether it is found in the bytes, as an expression of bytes: never where it has a letter above 255, or means
    /// nothing for bytes.
    ///
    /// # Errors
    /// As [`is_match`](Self::is_match).
    pub(crate) fn is_match_bytes(&self, value: &[u8], effort: &mut u64) -> Result<bool, DataError> {
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
        match (self.exact_bytes.quick(&self.source), plain) {
            (Some(_), _) => {
                let text: String = value.iter().map(|&byte| char::from(byte)).collect();
                self.search(&self.exact_bytes, &text, 0, effort)
            }
            (None, plain) => Ok(plain.as_ref().is_some_and(|plain| plain.is_match(value))),
        }
    }

    /// Searches the exact way from a place on. A step is taken to look at the whole text, unless nothing repeats.
    fn search(&self, exact: &Exact, text: &str, start: usize, effort: &mut u64) -> Result<bool, DataError> {
        let step = if self.repeats {
            text.len() as u64 + 1
        } else {
            SHORT_STEP
        };
        let (quick, long) = (QUICK_STEPS * step, LONG_STEPS * step);
        if *effort == 0 || quick > MAX_QUICK {
            return Err(DataError::Steps);
        }
        let input = || RegexInput::new(text).from_pos(start);
        let answer = |regex: Option<&fancy_regex::Regex>| regex?.is_match_input(input()).ok();
        if let Some(found) = answer(exact.quick(&self.source)) {
            *effort = effort.saturating_sub(quick / USUAL_PART);
            return Ok(found);
        }
        *effort = effort.saturating_sub(quick);
        if *effort == 0 || long > MAX_LONG {
            return Err(DataError::Steps);
        }
        *effort = effort.saturating_sub(long);
        answer(exact.long(&self.source)).ok_or(DataError::Steps)
    }
}

impl Exact {
    fn new(style: Style) -> Self {
        Self {
            style,
            quick: OnceLock::new(),
            long: OnceLock::new(),
        }
    }

    fn quick(&self, source: &str) -> Option<&fancy_regex::Regex> {
        let compile = || compile_exact(source, self.style, QUICK_STEPS).ok();
        self.quick.get_or_init(compile).as_ref()
    }

    fn long(&self, source: &str) -> Option<&fancy_regex::Regex> {
        let compile = || compile_exact(source, self.style, LONG_STEPS).ok();
        self.long.get_or_init(compile).as_ref()
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

fn compile_exact(source: &str, style: Style, steps: u64) -> Result<fancy_regex::Regex, String> {
    let regex = translate(source, style)?.regex;
    let mut builder = fancy_regex::RegexBuilder::new(&regex);
    builder
        .backtrack_limit(steps as usize)
        .delegate_size_limit(MAX_SIZE);
    builder
        .build()
        .map_err(|_| "such a look-around or repetition of one is not supported".to_owned())
}
