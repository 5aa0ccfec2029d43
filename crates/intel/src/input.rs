//! One source as a stream of UTF-8: its first bytes can be looked at, a byte order mark is taken away, and UTF-16 is
//! decoded. Decompression and archives are not here: the caller hands in one plain stream.

use std::io::{self, BufRead, Read};

/// How many bytes are looked at to tell the format.
pub(crate) const HEAD: usize = 64 * 1024;

/// How the text of a source is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big_endian: bool },
}

/// A source whose first bytes were read ahead.
pub(crate) struct Input<'a> {
    head: Vec<u8>,
    at: usize,
    /// An error that struck while reading ahead, told once the bytes before it are used up.
    failed: Option<io::Error>,
    rest: &'a mut dyn BufRead,
}

/// A source as UTF-8, and its first bytes.
pub(crate) struct Opened<'a> {
    /// Up to [`HEAD`] bytes, decoded; the last line may be cut.
    pub(crate) head: Vec<u8>,
    /// True where `head` is the whole source.
    pub(crate) whole: bool,
    /// All of it, `head` included.
    pub(crate) stream: Box<dyn BufRead + 'a>,
}

/// Reads ahead and decodes.
pub(crate) fn open(rest: &mut dyn BufRead) -> Opened<'_> {
    let (head, whole, failed) = read_head(rest);
    let (encoding, mark) = encoding(&head);
    let input = Input {
        at: mark,
        failed,
        rest,
        head,
    };
    match encoding {
        Encoding::Utf8 => Opened {
            head: input.head[mark..].to_vec(),
            whole,
            stream: Box::new(input),
        },
        Encoding::Utf16 { big_endian } => {
            let mut head = Vec::new();
            let mut ahead = Utf16::new(&input.head[mark..], big_endian);
            // Reading from memory cannot fail.
            let _ = ahead.read_to_end(&mut head);
            Opened {
                head,
                whole,
                stream: Box::new(Utf16::new(input, big_endian)),
            }
        }
    }
}

fn read_head(rest: &mut dyn BufRead) -> (Vec<u8>, bool, Option<io::Error>) {
    let mut head = Vec::new();
    while head.len() < HEAD {
        let taken = match rest.fill_buf() {
            Ok([]) => return (head, true, None),
            Ok(bytes) => {
                let taken = bytes.len().min(HEAD - head.len());
                head.extend_from_slice(&bytes[..taken]);
                taken
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return (head, false, Some(error)),
        };
        rest.consume(taken);
    }
    (head, false, None)
}

/// The encoding, and the length of the byte order mark.
fn encoding(head: &[u8]) -> (Encoding, usize) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16 { big_endian: false }, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16 { big_endian: true }, 2),
        _ => (unmarked(head), 0),
    }
}

/// Text that is mostly ASCII has a zero in every second byte of UTF-16, always on the same side.
fn unmarked(head: &[u8]) -> Encoding {
    let sample = &head[..head.len().min(512) & !1];
    let (mut even, mut odd) = (0, 0);
    for pair in sample.chunks_exact(2) {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    let most = sample.len() / 2 * 9 / 10;
    match (even, odd) {
        (0, odd) if odd > 1 && odd >= most => Encoding::Utf16 { big_endian: false },
        (even, 0) if even > 1 && even >= most => Encoding::Utf16 { big_endian: true },
        _ => Encoding::Utf8,
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at < self.head.len() {
            return Ok(&self.head[self.at..]);
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.rest.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if self.at < self.head.len() {
            self.at += amount;
        } else {
            self.rest.consume(amount);
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        copy(self, out)
    }
}

/// UTF-16 as UTF-8; what is no UTF-16 becomes U+FFFD.
struct Utf16<R> {
    input: R,
    big_endian: bool,
    odd: Option<u8>,
    units: Vec<u16>,
    out: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Utf16<R> {
    fn new(input: R, big_endian: bool) -> Self {
        Self {
            input,
            big_endian,
            odd: None,
            units: Vec::new(),
            out: Vec::new(),
            at: 0,
        }
    }

    /// Decodes the next buffer; false at the end.
    fn refill(&mut self) -> io::Result<bool> {
        let bytes = self.input.fill_buf()?;
        let taken = bytes.len();
        for &byte in bytes {
            match self.odd.take() {
                None => self.odd = Some(byte),
                Some(first) if self.big_endian => self.units.push(u16::from_be_bytes([first, byte])),
                Some(first) => self.units.push(u16::from_le_bytes([first, byte])),
            }
        }
        self.input.consume(taken);
        let split = taken > 0
            && self
                .units
                .last()
                .is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        let kept = if split { self.units.pop() } else { None };
        self.out.clear();
        self.at = 0;
        for unit in char::decode_utf16(self.units.drain(..)) {
            let c = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.units.extend(kept);
        Ok(taken > 0)
    }
}

impl<R: BufRead> BufRead for Utf16<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.out.len() && self.refill()? {}
        Ok(&self.out[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        copy(self, out)
    }
}

fn copy(input: &mut dyn BufRead, out: &mut [u8]) -> io::Result<usize> {
    let bytes = input.fill_buf()?;
    let taken = bytes.len().min(out.len());
    out[..taken].copy_from_slice(&bytes[..taken]);
    input.consume(taken);
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        for capacity in [1, 3, 4096] {
            let mut reader = io::BufReader::with_capacity(capacity, bytes);
            let mut opened = open(&mut reader);
            assert_eq!(String::from_utf8_lossy(&opened.head), expected);
            let mut text = String::new();
            opened.stream.read_to_string(&mut text).unwrap();
            assert_eq!(text, expected, "{capacity}");
        }
    }

    fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| {
                if big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn encodings() {
        check(b"evil.example\n", "evil.example\n");
        check(b"\xef\xbb\xbfevil.example", "evil.example");
        check(
            &utf16("\u{feff}evil.example\r\n\u{1f600}x", false),
            "evil.example\r\n\u{1f600}x",
        );
        check(&utf16("\u{feff}b\u{fc}cher.example", true), "b\u{fc}cher.example");
        check(&utf16("evil.example", false), "evil.example");
        check(&utf16("evil.example", true), "evil.example");
        check(b"", "");
    }

    #[test]
    fn an_error_comes_after_the_bytes_before_it() {
        struct Broken(bool);
        impl Read for Broken {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("broken"));
                }
                out[..2].copy_from_slice(b"ab");
                Ok(2)
            }
        }
        let mut reader = io::BufReader::new(Broken(false));
        let mut opened = open(&mut reader);
        let mut text = Vec::new();
        assert!(opened.stream.read_to_end(&mut text).is_err());
        assert_eq!((text, opened.whole), (b"ab".to_vec(), false));
    }
}
