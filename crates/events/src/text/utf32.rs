//! UTF-32 → UTF-8 while it is read. It is told by its byte order mark alone: no log writes it without.

use std::io::{self, Read};

/// The order of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// The length of a byte order mark, and of a letter.
pub(super) const UNIT: usize = 4;

/// How much is looked at to tell an odd byte.
const SEEN: usize = 3 * UNIT - 1;

/// The order that a byte order mark states. Where a NUL follows that of UTF-16 it is this one's.
pub(super) fn detect(head: &[u8]) -> Option<Order> {
    match head {
        [0xff, 0xfe, 0, 0, ..] => Some(Order::Little),
        [0, 0, 0xfe, 0xff, ..] => Some(Order::Big),
        _ => None,
    }
    // Zeros behind it are no text.
    .filter(|order| match head.get(UNIT..2 * UNIT) {
        Some(unit) => letter(unit, *order).is_some_and(|letter| letter != '\0'),
        None => false,
    })
}

fn letter(unit: &[u8], order: Order) -> Option<char> {
    let unit = *unit.first_chunk()?;
    char::from_u32(match order {
        Order::Little => u32::from_le_bytes(unit),
        Order::Big => u32::from_be_bytes(unit),
    })
}

/// A reader of UTF-32 that gives UTF-8. What is no letter passes as its bytes: plain text may follow.
pub(super) struct Utf32<R> {
    inner: R,
    order: Order,
    /// Read, and less than a letter.
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
}

impl<R: Read> Utf32<R> {
    /// A text behind its byte order mark.
    pub(super) fn new(inner: R, order: Order) -> Self {
        Self {
            inner,
            order,
            raw: Vec::new(),
            text: Vec::new(),
            given: 0,
        }
    }

    /// Whether a few bytes on two letters of ASCII stand, which make the bytes before them odd ones.
    fn is_odd(&self, at: usize) -> bool {
        (1..UNIT).any(|odd| {
            let rest = self.raw.get(at + odd..at + odd + 2 * UNIT);
            rest.is_some_and(|rest| {
                rest.chunks_exact(UNIT)
                    .all(|unit| letter(unit, self.order).is_some_and(|letter| matches!(letter, '\t'..='~')))
            })
        })
    }

    /// Converts what one read gives; false at the end.
    fn refill(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.given = 0;
        let held = self.raw.len();
        self.raw.resize(held + (64 << 10), 0);
        let read = self.inner.read(&mut self.raw[held..]);
        self.raw.truncate(held + *read.as_ref().unwrap_or(&0));
        let done = read? == 0;
        let mut at = 0;
        while let Some(unit) = self.raw.get(at..at + UNIT) {
            let letter = letter(unit, self.order);
            if !letter.is_some_and(|letter| letter.is_ascii()) && self.raw.len() - at < SEEN && !done {
                break;
            }
            match letter.filter(|letter| letter.is_ascii() || !self.is_odd(at)) {
                Some(letter) => {
                    let mut text = [0; UNIT];
                    self.text.extend(letter.encode_utf8(&mut text).bytes());
                    at += UNIT;
                }
                // An odd byte: the letters go on behind it.
                None => {
                    self.text.push(unit[0]);
                    at += 1;
                }
            }
        }
        if done {
            self.text.extend_from_slice(&self.raw[at..]);
            at = self.raw.len();
        }
        self.raw.drain(..at);
        Ok(!done)
    }
}

impl<R: Read> Read for Utf32<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if buf.is_empty() || !self.refill()? && self.text.is_empty() {
                return Ok(0);
            }
        }
        let length = buf.len().min(self.text.len() - self.given);
        buf[..length].copy_from_slice(&self.text[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wide(text: &str, order: Order) -> Vec<u8> {
        let unit = |letter: char| match order {
            Order::Little => u32::from(letter).to_le_bytes(),
            Order::Big => u32::from(letter).to_be_bytes(),
        };
        text.chars().flat_map(unit).collect()
    }

    fn decoded(bytes: &[u8], order: Order) -> String {
        let mut text = Vec::new();
        Utf32::new(bytes, order).read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    #[test]
    fn both_orders() {
        let text = "visit evil.com\nпривет 日本語 😀\n";
        for order in [Order::Little, Order::Big] {
            let marked = wide(&format!("\u{feff}{text}"), order);
            assert_eq!(detect(&marked), Some(order));
            assert_eq!(decoded(&marked[UNIT..], order), text);
            let plain = [&marked[UNIT..], b"hello, evil.com"].concat();
            assert_eq!(decoded(&plain, order), format!("{text}hello, evil.com"));
            let odd = [wide("one\n", order), b"x".to_vec(), wide(text, order)].concat();
            let seen = decoded(&odd, order);
            assert!(
                seen.starts_with("one\n") && seen.ends_with(&text[1..]),
                "{seen:?}"
            );
            assert_eq!(detect(&[&marked[..4], &[0; 8]].concat()), None);
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (detect(&bytes), decoded(&bytes, Order::Little), decoded(&bytes, Order::Big));
        }
    }
}
