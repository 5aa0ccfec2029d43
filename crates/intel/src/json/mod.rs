//! JSON as a stream: walks objects and arrays without reading them whole, hands out one raw value at a time, and knows
//! the line of each.
//!
//! The walk itself only balances brackets, on the heap and to any depth; `serde_json` checks each value that is taken,
//! and refuses what is nested deeper than 128. A comma too many does no harm.

pub(crate) mod lenient;

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use memchr::{memchr_iter, memchr2, memrchr};
use serde::Deserialize;

use crate::lines::each_line;

/// The largest single value (an object, an attribute) that is read; larger ones are skipped and told.
pub(crate) const VALUE_LIMIT: usize = 16 * 1024 * 1024;

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The text is no JSON here.
    #[error("column {column}: {what}")]
    Syntax {
        line: u64,
        column: u64,
        what: &'static str,
    },
    /// The one who takes the values has enough.
    #[error("ended early")]
    Stopped,
}

/// Who is told of what could not be read.
pub(crate) trait Tell {
    /// Something that could not be used, at a line.
    fn problem(&mut self, line: Option<u64>, why: fmt::Arguments<'_>);
}

/// A value as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw {
    /// The line on which it starts.
    pub(crate) line: u64,
    /// True where it is larger than [`VALUE_LIMIT`]; its text was not kept.
    pub(crate) oversized: bool,
}

/// Walks a stream of JSON.
pub(crate) struct Reader<'a> {
    input: &'a mut dyn BufRead,
    line: u64,
    column: u64,
    offset: u64,
    record: Option<Record>,
}

/// The bytes that were read since a point.
#[derive(Default)]
struct Record {
    bytes: Vec<u8>,
    /// There were more than [`VALUE_LIMIT`]; none is kept.
    oversized: bool,
}

impl<'a> Reader<'a> {
    /// Starts at the first line.
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Self {
        Self::at_line(input, 1)
    }

    /// Starts at a line: the text is a part of a larger one.
    pub(crate) fn at_line(input: &'a mut dyn BufRead, line: u64) -> Self {
        Self {
            input,
            line,
            column: 1,
            offset: 0,
            record: None,
        }
    }

    /// Keeps what is read from here on, up to [`VALUE_LIMIT`], in a buffer that is cleared.
    pub(crate) fn record(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.record = Some(Record {
            bytes,
            oversized: false,
        });
    }

    /// What was read since [`record`](Self::record), and keeps no more; `None` where it is too much.
    pub(crate) fn recorded(&mut self) -> Option<Vec<u8>> {
        let record = self.record.take()?;
        (!record.oversized).then_some(record.bytes)
    }

    /// Goes behind the closing bracket of the object that the walk is in, whatever stands before it; false where the
    /// text ends first.
    pub(crate) fn leave(&mut self) -> Result<bool, Error> {
        let mut scan = Scan {
            depth: 1,
            ..Scan::new(None)
        };
        while !scan.done {
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                return Ok(false);
            }
            let used = scan.feed(bytes);
            self.advance(used)?;
        }
        Ok(true)
    }

    /// How many bytes were read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The line that is read next.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next byte that is no white space; `None` at the end.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, Error> {
        self.skip(|byte| byte.is_ascii_whitespace())
    }

    /// Enters an array or object whose opening bracket comes next.
    pub(crate) fn enter(&mut self) -> Result<(), Error> {
        self.peek()?;
        self.advance(1)
    }

    /// True where another element of the array follows; else the array is left.
    pub(crate) fn more(&mut self) -> Result<bool, Error> {
        match self.skip(separates)? {
            Some(b']') => {
                self.advance(1)?;
                Ok(false)
            }
            Some(_) => Ok(true),
            None => Err(self.syntax("the text ends inside an array")),
        }
    }

    /// The next key of the object; `None` where there is none, and the object is left. The value is read next.
    pub(crate) fn key(&mut self) -> Result<Option<String>, Error> {
        match self.skip(separates)? {
            Some(b'}') => {
                self.advance(1)?;
                return Ok(None);
            }
            Some(b'"') => {}
            Some(_) => return Err(self.syntax("a key in double quotes should stand here")),
            None => return Err(self.syntax("the text ends inside an object")),
        }
        let mut raw = Vec::new();
        self.raw(&mut raw)?;
        let Ok(key) = serde_json::from_slice(&raw) else {
            return Err(self.syntax("not a key"));
        };
        if self.peek()? != Some(b':') {
            return Err(self.syntax("a colon should stand here"));
        }
        self.advance(1)?;
        Ok(Some(key))
    }

    /// Reads the value that comes next into `out`, which is cleared.
    pub(crate) fn raw(&mut self, out: &mut Vec<u8>) -> Result<Raw, Error> {
        out.clear();
        let first = self.peek()?;
        let line = self.line;
        let mut scan = Scan::new(first);
        let mut oversized = false;
        while !scan.done {
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                if scan.scalar && !out.is_empty() {
                    break;
                }
                return Err(self.syntax("the text ends inside a value"));
            }
            let used = scan.feed(bytes);
            oversized |= out.len() + used > VALUE_LIMIT;
            if !oversized {
                out.extend_from_slice(&bytes[..used]);
            }
            self.advance(used)?;
        }
        if oversized {
            out.clear();
        } else if out.is_empty() {
            return Err(self.syntax("a value should stand here"));
        }
        Ok(Raw { line, oversized })
    }

    /// Goes past the bytes that are `passed`; the first one that is not.
    fn skip(&mut self, passed: impl Fn(u8) -> bool) -> Result<Option<u8>, Error> {
        loop {
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                return Ok(None);
            }
            let at = bytes.iter().position(|&byte| !passed(byte));
            let (length, found) = (bytes.len(), at.map(|at| bytes[at]));
            self.advance(at.unwrap_or(length))?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Uses up bytes of the buffer, and keeps count of lines.
    fn advance(&mut self, amount: usize) -> Result<(), Error> {
        if amount == 0 {
            return Ok(());
        }
        let bytes = self.input.fill_buf()?;
        let used = &bytes[..amount.min(bytes.len())];
        match memrchr(b'\n', used) {
            Some(last) => {
                self.line += memchr_iter(b'\n', used).count() as u64;
                self.column = (used.len() - last) as u64;
            }
            None => self.column += used.len() as u64,
        }
        if let Some(record) = &mut self.record
            && !record.oversized
        {
            record.oversized = record.bytes.len() + used.len() > VALUE_LIMIT;
            if record.oversized {
                record.bytes = Vec::new();
            } else {
                record.bytes.extend_from_slice(used);
            }
        }
        let used = used.len();
        self.offset += used as u64;
        self.input.consume(used);
        Ok(())
    }

    fn syntax(&self, what: &'static str) -> Error {
        Error::Syntax {
            line: self.line,
            column: self.column,
            what,
        }
    }
}

fn separates(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b','
}

/// Finds the end of one value.
struct Scan {
    depth: u64,
    in_string: bool,
    escaped: bool,
    scalar: bool,
    done: bool,
}

impl Scan {
    fn new(first: Option<u8>) -> Self {
        Self {
            depth: 0,
            in_string: false,
            escaped: false,
            scalar: !matches!(first, Some(b'{' | b'[' | b'"') | None),
            done: false,
        }
    }

    /// How many of the bytes belong to the value; sets `done` where it ends among them.
    fn feed(&mut self, bytes: &[u8]) -> usize {
        if self.scalar {
            let end = bytes
                .iter()
                .position(|&byte| separates(byte) || matches!(byte, b']' | b'}' | b':'));
            self.done = end.is_some();
            return end.unwrap_or(bytes.len());
        }
        let mut at = 0;
        while at < bytes.len() && !self.done {
            if self.in_string {
                at += self.in_string(&bytes[at..]);
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.done = self.depth == 0;
                }
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// How many of the bytes belong to the string, its closing quote included.
    fn in_string(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            return 1;
        }
        let Some(at) = memchr2(b'"', b'\\', bytes) else {
            return bytes.len();
        };
        if bytes[at] == b'\\' {
            self.escaped = true;
        } else {
            self.in_string = false;
            self.done = self.depth == 0;
        }
        at + 1
    }
}

/// Calls `each` at the start of every document of a stream; an error ends its document and is told.
///
/// With `by_line` each line is a document of its own, so that a broken one costs nothing but itself.
pub(crate) fn documents<T: Tell>(
    input: &mut dyn BufRead,
    by_line: bool,
    tell: &mut T,
    mut each: impl FnMut(&mut Reader<'_>, &mut T) -> Result<(), Error>,
) -> io::Result<()> {
    if !by_line {
        return all_documents(Reader::new(input), tell, &mut each).map(|_| ());
    }
    let stopped = Cell::new(false);
    let mut input = Until {
        input,
        stopped: &stopped,
    };
    each_line(&mut input, VALUE_LIMIT, |line| {
        if stopped.get() {
            return;
        }
        if line.cut {
            tell.problem(
                Some(line.number),
                format_args!("a line of more than {VALUE_LIMIT} bytes"),
            );
        } else {
            let mut bytes = line.bytes;
            // Reading from memory cannot fail.
            let ended = all_documents(Reader::at_line(&mut bytes, line.number), tell, &mut each);
            stopped.set(ended.is_ok_and(|ended| ended.is_break()));
        }
    })
}

/// Breaks where the one who takes the values has enough.
fn all_documents<T: Tell>(
    mut reader: Reader<'_>,
    tell: &mut T,
    each: &mut impl FnMut(&mut Reader<'_>, &mut T) -> Result<(), Error>,
) -> io::Result<ControlFlow<()>> {
    loop {
        let outcome = match reader.peek() {
            Ok(None) => return Ok(ControlFlow::Continue(())),
            Ok(Some(_)) => each(&mut reader, tell),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {}
            Err(Error::Io(error)) => return Err(error),
            Err(Error::Stopped) => return Ok(ControlFlow::Break(())),
            Err(error @ Error::Syntax { line, .. }) => {
                tell.problem(Some(line), format_args!("{error}"));
                return Ok(ControlFlow::Continue(()));
            }
        }
    }
}

/// A stream that ends when it is told to.
struct Until<'a> {
    input: &'a mut dyn BufRead,
    stopped: &'a Cell<bool>,
}

impl BufRead for Until<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.stopped.get() {
            return Ok(&[]);
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.input.consume(amount);
    }
}

impl Read for Until<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.stopped.get() {
            return Ok(0);
        }
        self.input.read(out)
    }
}

/// A value that `serde_json` refuses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The line in the source.
    pub(crate) line: u64,
    /// Why, with the column.
    pub(crate) why: String,
}

/// Reads a raw value that starts on a line.
pub(crate) fn parse<'de, T: Deserialize<'de>>(raw: &'de [u8], line: u64) -> Result<T, Refused> {
    serde_json::from_slice(raw).map_err(|error| {
        let text = error.to_string();
        let why = text.rsplit_once(" at line ").map_or(&*text, |(why, _)| why);
        // The name of our own type means nothing to a reader.
        let why = match why.split_once("expected struct ") {
            Some((what, _)) => format!("{what}expected an object"),
            None => why.to_owned(),
        };
        Refused {
            line: line + (error.line() as u64).saturating_sub(1),
            why: format!("column {}: {why}", error.column()),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    /// The values of an array, and how the walk ended.
    fn elements(text: &[u8], capacity: usize) -> (Vec<(u64, String)>, Result<(), Error>) {
        let mut input = io::BufReader::with_capacity(capacity, text);
        let mut reader = Reader::new(&mut input);
        let (mut seen, mut raw) = (Vec::new(), Vec::new());
        let mut walk = || -> Result<(), Error> {
            reader.enter()?;
            while reader.more()? {
                let value = reader.raw(&mut raw)?;
                seen.push((value.line, String::from_utf8_lossy(&raw).into_owned()));
            }
            Ok(())
        };
        let outcome = walk();
        (seen, outcome)
    }

    fn check(text: &str, expected: &[(u64, &str)], complete: bool) {
        for capacity in [1, 2, 7, 4096] {
            let (seen, outcome) = elements(text.as_bytes(), capacity);
            let seen: Vec<_> = seen.iter().map(|(line, text)| (*line, text.as_str())).collect();
            assert_eq!(seen, expected, "{text} {capacity}");
            assert_eq!(outcome.is_ok(), complete, "{text} {capacity} {outcome:?}");
        }
    }

    #[test]
    fn elements_are_found_with_their_lines() {
        check("[]", &[], true);
        check(
            "[1, \"a]\\\"\\\\\",\n{\"b\": [\"}\"]}, null]",
            &[(1, "1"), (1, r#""a]\"\\""#), (2, r#"{"b": ["}"]}"#), (2, "null")],
            true,
        );
        check("[{},\n]", &[(1, "{}")], true);
        check("[{},\n{\"a\": ", &[(1, "{}")], false);
        check("[1", &[(1, "1")], false);
        check("[:]", &[], false);
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let deep = format!("[{}{}, 7]", "[".repeat(10_000), "]".repeat(10_000));
        let (seen, outcome) = elements(deep.as_bytes(), 4096);
        assert!(outcome.is_ok());
        assert_eq!(seen.len(), 2);
        let refused = parse::<serde_json::Value>(seen[0].1.as_bytes(), 1).unwrap_err();
        assert_eq!(refused.why, "column 128: recursion limit exceeded");
    }

    #[test]
    fn errors_name_line_and_column() {
        let refused = parse::<IgnoredAny>(b"{\n \"a\": nul}", 7).unwrap_err();
        assert_eq!((refused.line, &*refused.why), (8, "column 10: expected ident"));
        let mut text: &[u8] = b"{\n  a: 1}";
        let mut reader = Reader::new(&mut text);
        reader.enter().unwrap();
        let error = reader.key().unwrap_err();
        assert_eq!(
            error.to_string(),
            "column 3: a key in double quotes should stand here"
        );
        assert!(matches!(error, Error::Syntax { line: 2, .. }));
    }

    proptest! {
        #[test]
        fn any_walk_ends(text in "[\\[\\]{}\",:\\\\ a1\n]{0,60}", capacity in 1usize..9) {
            let _ = elements(text.as_bytes(), capacity);
        }

        #[test]
        fn what_serde_reads_is_walked(numbers in proptest::collection::vec("[a-z\"\\\\\n]{0,5}", 0..9)) {
            let text = serde_json::to_string(&numbers).unwrap();
            let (seen, outcome) = elements(text.as_bytes(), 3);
            prop_assert!(outcome.is_ok());
            let back: Vec<String> = seen.iter().map(|(_, raw)| serde_json::from_str(raw).unwrap()).collect();
            prop_assert_eq!(back, numbers);
        }
    }
}
