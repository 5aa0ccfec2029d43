//! UTF-16 → UTF-8 while it is read.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_16BE, UTF_16LE};

/// How much of a text without a byte order mark is looked at.
const PROBE: usize = 4096;

/// Tells UTF-16 by its byte order mark, or by ASCII with NULs in every second place.
pub(super) fn detect(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let pairs = head[..head.len().min(PROBE)].chunks_exact(2);
    let count = pairs.len();
    if count < 8 {
        return None;
    }
    let text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | 32..=126);
    let (mut little, mut big) = (0, 0);
    for pair in pairs {
        little += usize::from(text(pair[0]) && pair[1] == 0);
        big += usize::from(pair[0] == 0 && text(pair[1]));
    }
    let most = count / 10 * 9;
    if little > most {
        Some(UTF_16LE)
    } else if big > most {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// A reader of UTF-16 that gives UTF-8; what is broken becomes U+FFFD.
pub(super) struct Utf16<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    done: bool,
    /// Told once all that came before it is given.
    error: Option<io::Error>,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; 64 << 10],
            text: Vec::new(),
            given: 0,
            done: false,
            error: None,
        }
    }

    fn refill(&mut self) {
        // One read and no more: a live log is passed on as it comes.
        let filled = loop {
            match self.inner.read(&mut self.raw) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    break 0;
                }
            }
        };
        self.done = filled == 0;
        let room = self
            .decoder
            .max_utf8_buffer_length(filled)
            .unwrap_or(3 * filled + 16);
        self.text.resize(room, 0);
        let (_, _, written, _) = self
            .decoder
            .decode_to_utf8(&self.raw[..filled], &mut self.text, self.done);
        self.text.truncate(written);
        self.given = 0;
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            if self.done {
                return Ok(0);
            }
            self.refill();
        }
        let length = buf.len().min(self.text.len() - self.given);
        buf[..length].copy_from_slice(&self.text[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_with_and_without_a_mark() {
        let text = "Zeile eins\r\nprüfen €😀\n".repeat(8_000);
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let check = |bytes: &[u8], expected: &'static Encoding| {
            assert_eq!(detect(bytes), Some(expected));
            let mut decoded = String::new();
            Utf16::new(bytes, expected).read_to_string(&mut decoded).unwrap();
            assert!(decoded == text);
        };
        check(&[&[0xff, 0xfe], &little[..]].concat(), UTF_16LE);
        check(&[&[0xfe, 0xff], &big[..]].concat(), UTF_16BE);
        let ascii: Vec<u8> = b"only ascii here".iter().flat_map(|byte| [*byte, 0]).collect();
        assert_eq!(detect(&ascii), Some(UTF_16LE));
        assert_eq!(detect(b"plain text, no more"), None);
        assert_eq!(detect(&[0; 64]), None);
    }
}
