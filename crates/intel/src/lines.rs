//! Lines of a stream without an allocation a line, bounded.

use std::io::{self, BufRead};

use memchr::memchr;

/// A line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: u64,
    /// Its bytes, up to the limit; a carriage return at the end is still there.
    pub(crate) bytes: &'a [u8],
    /// True where it is longer than the limit.
    pub(crate) cut: bool,
}

/// Calls `each` for every line. Lines longer than `limit` are cut; at most about that much is ever held.
pub(crate) fn each_line(
    input: &mut dyn BufRead,
    limit: usize,
    mut each: impl FnMut(Line<'_>),
) -> io::Result<()> {
    let mut number = 1;
    let mut carry: Vec<u8> = Vec::new();
    let mut long = false;
    let outcome = loop {
        let buffer = match input.fill_buf() {
            Ok([]) => break Ok(()),
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Err(error),
        };
        let taken = buffer.len();
        let mut rest = buffer;
        while let Some(at) = memchr(b'\n', rest) {
            let (line, after) = (&rest[..at], &rest[at + 1..]);
            if carry.is_empty() && !long {
                emit(number, line, limit, false, &mut each);
            } else {
                long |= !keep(&mut carry, line, limit);
                emit(number, &carry, limit, long, &mut each);
                carry.clear();
                long = false;
            }
            number += 1;
            rest = after;
        }
        long |= !keep(&mut carry, rest, limit);
        input.consume(taken);
    };
    if !carry.is_empty() || long {
        emit(number, &carry, limit, long, &mut each);
    }
    outcome
}

fn emit(number: u64, bytes: &[u8], limit: usize, long: bool, each: &mut impl FnMut(Line<'_>)) {
    each(Line {
        number,
        bytes: &bytes[..bytes.len().min(limit)],
        cut: long || bytes.len() > limit,
    });
}

/// Adds what fits; false where it does not all fit.
fn keep(carry: &mut Vec<u8>, bytes: &[u8], limit: usize) -> bool {
    let room = limit.saturating_sub(carry.len());
    carry.extend_from_slice(&bytes[..bytes.len().min(room)]);
    bytes.len() <= room
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, limit: usize, expected: &[(u64, &str, bool)]) {
        for capacity in [1, 2, 5, 4096] {
            let mut seen = Vec::new();
            let mut input = io::BufReader::with_capacity(capacity, text.as_bytes());
            each_line(&mut input, limit, |line| {
                seen.push((
                    line.number,
                    String::from_utf8_lossy(line.bytes).into_owned(),
                    line.cut,
                ));
            })
            .unwrap();
            let seen: Vec<_> = seen
                .iter()
                .map(|(n, text, cut)| (*n, text.as_str(), *cut))
                .collect();
            assert_eq!(seen, expected, "{capacity}");
        }
    }

    #[test]
    fn lines_and_limits() {
        check("", 9, &[]);
        check("a\n\nbc", 9, &[(1, "a", false), (2, "", false), (3, "bc", false)]);
        check("abcdef\ngh\n", 3, &[(1, "abc", true), (2, "gh", false)]);
        check("abcdef", 3, &[(1, "abc", true)]);
        check("abc\n", 3, &[(1, "abc", false)]);
    }
}
