//! Text in one encoding or several → UTF-8 while it is read.
//!
//! Programs append to files that others began: PowerShell's `>>` writes UTF-16 behind plain lines, and `cmd` plain
//! lines behind UTF-16. So a stretch of one may follow the other anywhere, and a byte order mark may be wrong. What
//! stands where depends on the bytes alone, never on the pieces that they come in.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_16BE, UTF_16LE};

use super::utf16::{MARKED, Turn, is_plain, is_sensible, is_text, marked, turn};

/// So many bytes of ASCII in a row are no UTF-16 (sixteen ideographs whose bytes all happen to be letters).
const ASCII: usize = 32;

/// So many are enough with a line break among them, or at the end.
const ASCII_LINE: usize = 8;

/// So many bytes of ASCII and NUL in turn are UTF-16.
const PAIRS: usize = 12;

/// Whether bytes have nothing that a change of encoding could begin with.
pub(super) fn is_clean(bytes: &[u8]) -> bool {
    memchr::memchr3(0, 0xff, 0xfe, bytes).is_none()
}

/// A reader of text that gives UTF-8; what is broken in a stretch of UTF-16 becomes U+FFFD. Plain text passes as it is.
pub(super) struct Mixed<R> {
    inner: R,
    /// What the current stretch is decoded with; `None` for plain text.
    decoder: Option<Decoder>,
    /// The last byte that was passed on as plain text.
    last: u8,
    /// Read, and not decided yet.
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    done: bool,
    /// Told once all that came before it is given.
    error: Option<io::Error>,
}

impl<R: Read> Mixed<R> {
    /// A text that begins in an encoding; `None` for plain text.
    pub(super) fn new(inner: R, encoding: Option<&'static Encoding>) -> Self {
        Self {
            inner,
            decoder: encoding.map(Encoding::new_decoder_with_bom_removal),
            last: b'\n',
            raw: Vec::new(),
            text: Vec::new(),
            given: 0,
            done: false,
            error: None,
        }
    }

    /// The rest of a plain text, of which `last` was the last byte before.
    pub(super) fn behind(inner: R, last: u8) -> Self {
        Self {
            last,
            ..Self::new(inner, None)
        }
    }

    /// One read and no more: a live log is passed on as it comes.
    fn fill(&mut self, buf: &mut [u8]) -> usize {
        let filled = loop {
            match self.inner.read(buf) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    break 0;
                }
            }
        };
        self.done = filled == 0;
        filled
    }

    fn refill(&mut self) {
        self.text.clear();
        self.given = 0;
        let held = self.raw.len();
        let mut raw = std::mem::take(&mut self.raw);
        raw.resize(held + (64 << 10), 0);
        let filled = self.fill(&mut raw[held..]);
        raw.truncate(held + filled);
        let mut at = 0;
        loop {
            let before = (at, self.decoder.is_some());
            at += match self.decoder {
                Some(_) => self.wide(&raw[at..]),
                None => self.plain(&raw[at..]),
            };
            if before == (at, self.decoder.is_some()) {
                break;
            }
        }
        raw.drain(..at);
        self.raw = raw;
    }

    /// Passes plain text on, to where UTF-16 begins or where more must be seen; gives how much it has dealt with.
    fn plain(&mut self, raw: &[u8]) -> usize {
        let mut at = 0;
        while let Some(found) = memchr::memchr3(0, 0xff, 0xfe, &raw[at..]) {
            let here = at + found;
            let last = if here == 0 { self.last } else { raw[here - 1] };
            let rest = &raw[here..];
            let wanted = if rest[0] == 0 { 1 + PAIRS } else { 2 + MARKED };
            if rest.len() < wanted && !self.done {
                self.pass(&raw[..here]);
                return here;
            }
            if let Some((skip, encoding)) = begins(rest, last) {
                self.pass(&raw[..here]);
                self.decoder = Some(encoding.new_decoder_without_bom_handling());
                return here + skip;
            }
            at = here + 1;
        }
        self.pass(raw);
        raw.len()
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    /// Decodes UTF-16, to where plain text begins or where more must be seen; gives how much it has dealt with. It
    /// begins at a whole unit.
    fn wide(&mut self, raw: &[u8]) -> usize {
        let Some(encoding) = self.decoder.as_ref().map(Decoder::encoding) else {
            return 0;
        };
        let (mut at, mut stop, mut plain, mut other) = (0, raw.len(), false, None);
        while at < raw.len() {
            let run = raw[at..].iter().take_while(|byte| is_text(**byte)).count();
            let ended = at + run < raw.len();
            // The last byte of a run may be the first half of a letter, where a NUL follows it or may yet.
            let open = if ended { raw[at + run] == 0 } else { !self.done };
            let sure = run - usize::from(open && run > 0);
            let line = sure >= ASCII_LINE && raw[at..at + sure].contains(&b'\n');
            plain = sure >= ASCII || line || sure >= ASCII_LINE && !ended && self.done;
            if plain || !ended && !self.done {
                stop = at;
                break;
            }
            match turn(&raw[at..], run, encoding, self.done) {
                Turn::No => {}
                Turn::Open => {
                    stop = at;
                    break;
                }
                Turn::To(odd, mark, encoding) => {
                    stop = at;
                    other = Some((odd, mark, encoding));
                    break;
                }
            }
            // On with the next unit that is not of two letters of ASCII.
            at += (run / 2 * 2).max(2);
        }
        if !self.done {
            stop -= stop % 2;
        }
        let last = plain || self.done || other.is_some();
        if let Some(decoder) = &mut self.decoder {
            let held = self.text.len();
            let room = decoder.max_utf8_buffer_length(stop).unwrap_or(3 * stop + 16);
            self.text.resize(held + room, 0);
            let (_, _, written, _) = decoder.decode_to_utf8(&raw[..stop], &mut self.text[held..], last);
            self.text.truncate(held + written);
        }
        let Some((odd, mark, encoding)) = other else {
            if last {
                self.decoder = None;
                self.last = b'\n';
            }
            return stop;
        };
        self.pass(&raw[stop..stop + odd]);
        self.decoder = Some(encoding.new_decoder_without_bom_handling());
        match stop + odd + mark {
            // Here it begins as a letter of the new order: there is no way back.
            0 => self.wide(raw),
            taken => taken,
        }
    }
}

/// The encoding of the UTF-16 that begins here behind plain text, and how many bytes of it to pass over.
fn begins(rest: &[u8], last: u8) -> Option<(usize, &'static Encoding)> {
    if rest[0] != 0 {
        let encoding = marked(rest).filter(|_| last == b'\n' && !is_plain(&rest[2..]))?;
        if !is_sensible(&rest[2..], encoding) {
            return None;
        }
        return Some((2, encoding));
    }
    let pairs = rest.get(1..=PAIRS)?.chunks_exact(2);
    if !pairs.into_iter().all(|pair| is_text(pair[0]) && pair[1] == 0) {
        return None;
    }
    // The NUL is the second half of the letter before it, which is passed on; at the start of a line the first of the
    // letter behind it.
    match last {
        b'\n' => Some((0, UTF_16BE)),
        _ => Some((1, UTF_16LE)),
    }
}

impl<R: Read> Read for Mixed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            if self.done || buf.is_empty() {
                return Ok(0);
            }
            if self.decoder.is_none() && self.raw.is_empty() {
                let filled = self.fill(buf);
                // The way of nearly all bytes: they are copied nowhere.
                if filled > 0 && is_clean(&buf[..filled]) {
                    self.last = buf[filled - 1];
                    return Ok(filled);
                }
                self.text.clear();
                self.given = 0;
                let taken = self.plain(&buf[..filled]);
                self.raw.extend_from_slice(&buf[taken..filled]);
                continue;
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
    use proptest::prelude::*;

    use super::super::utf16::detect;
    use super::*;

    fn little(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn big(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    /// Gives its bytes in pieces of one size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let length = buf.len().min(self.1);
            self.0.read(&mut buf[..length])
        }
    }

    fn decoded(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut decoded = Vec::new();
        let mut mixed = Mixed::new(Pieces(bytes, piece), detect(bytes));
        mixed.read_to_end(&mut decoded).unwrap();
        decoded
    }

    #[test]
    fn both_orders_with_and_without_a_mark() {
        let text = "Zeile eins\r\nprüfen €😀\n".repeat(8_000);
        let check = |bytes: &[u8], expected: &'static Encoding| {
            assert_eq!(detect(bytes), Some(expected));
            assert!(decoded(bytes, 1 << 20) == text.as_bytes());
        };
        check(&[&[0xff, 0xfe], &little(&text)[..]].concat(), UTF_16LE);
        check(&[&[0xfe, 0xff], &big(&text)[..]].concat(), UTF_16BE);
        assert_eq!(detect(&little("only ascii here")), Some(UTF_16LE));
        assert_eq!(detect(&little("Вхід: користувач Олена\r\n")), Some(UTF_16LE));
        assert_eq!(detect(&big("Вхід: користувач Олена\r\n")), Some(UTF_16BE));
        assert_eq!(detect("Вхід: користувач Олена\r\n".as_bytes()), None);
        assert_eq!(detect(b"plain text, no more"), None);
        assert_eq!(detect(b"evil.com 10.0.0\n\0"), None);
        assert_eq!(detect(&[0; 64]), None);
        assert_eq!(detect(b"\xff\xfeplain text, no more"), None);
        assert_eq!(detect("\u{feff}".as_bytes()), None);
        let chinese = "登录成功 用户 张三\r\n日志 记录 失败\r\n";
        assert_eq!(detect(&little(chinese)), Some(UTF_16LE));
        assert_eq!(detect(&big(chinese)), Some(UTF_16BE));
        assert_eq!(detect(&b"name=root value\0".repeat(30)), None);
        assert_eq!(detect(&"登录成功 \0".repeat(30).into_bytes()), None);
        let line = "line of a log\r\n";
        let odd = [&little(line)[..], b"\n", &little(line).repeat(40)].concat();
        let text = String::from_utf8(decoded(&odd, 1 << 20)).unwrap();
        // Read in the other order, behind the first lines, a half is left.
        let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        assert_eq!(text, [line, "\n", &line.repeat(40)].concat());
    }

    fn check(parts: &[&[u8]], expected: &str) {
        let bytes = parts.concat();
        for piece in [1, 2, 3, 7, 64, 1 << 20] {
            let seen = decoded(&bytes, piece);
            assert_eq!(String::from_utf8_lossy(&seen), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn stretches_follow_each_other() {
        let wide = "erste Zeile\r\nдомен 日本語\r\n";
        let plain = "visit evil.com now\n";
        check(
            &[b"\xff\xfe", &little(wide), plain.as_bytes()],
            &[wide, plain].concat(),
        );
        check(
            &[b"\xfe\xff", &big(wide), plain.as_bytes()],
            &[wide, plain].concat(),
        );
        check(
            &[
                b"\xff\xfe",
                &little(wide),
                plain.as_bytes(),
                &little(wide),
                plain.as_bytes(),
            ],
            &[wide, plain, wide, plain].concat(),
        );
        check(&[plain.as_bytes(), &little(wide)], &[plain, wide].concat());
        check(&[plain.as_bytes(), &big(wide)], &[plain, wide].concat());
        check(
            &[plain.as_bytes(), b"\xff\xfe", &little("домен\n")],
            &[plain, "домен\n"].concat(),
        );
        check(&[b"\xff\xfe", &little("日本語"), b"evil.com"], "日本語evil.com");
    }

    #[test]
    fn odd_bytes_and_marks_hide_nothing() {
        let plain = "visit evil.com now\n";
        // An odd byte, and some more of them.
        let more = "visit evil.com now\r\nещё домен\r\n";
        for odd in ["\n", "\0", "hello\r\n", "hello hello hello"] {
            for units in [little, big] {
                check(
                    &[&units("\u{feff}one two\r\n"), odd.as_bytes(), &units(more)],
                    &["one two\r\n", odd, more].concat(),
                );
            }
            let ascii = "visit evil.com now\r\n";
            check(
                &[
                    plain.as_bytes(),
                    &little("one two\r\n"),
                    odd.as_bytes(),
                    &little(ascii),
                ],
                &[plain, "one two\r\n", odd, ascii].concat(),
            );
        }
        check(
            &[&little("\u{feff}домен\r\n"), b"\n", &little("вход: Олена\r\n")],
            "домен\r\n\nвход: Олена\r\n",
        );
        check(
            &[&little("\u{feff}one\r\n"), b"\xff", &little(more)],
            &["one\r\n\u{fffd}", more].concat(),
        );
        // Another mark, and the other order.
        check(
            &[
                &little("\u{feff}one\r\n"),
                b"\n",
                &little("\u{feff}visit evil.com"),
            ],
            "one\r\n\nvisit evil.com",
        );
        let marked = ["\u{feff}", more].concat();
        check(
            &[&little("\u{feff}one\r\n"), &big(&marked)],
            &["one\r\n", more].concat(),
        );
        check(
            &[&big("\u{feff}one\r\n"), &little(&marked)],
            &["one\r\n", more].concat(),
        );
        check(
            &[&big("\u{feff}one\r\n"), &little("visit evil.com\r\n")],
            "one\r\nvisit evil.com\r\n\u{fffd}",
        );
        let spaces = "日本語\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}一一、。\r\n";
        check(&[&little("\u{feff}"), &little(spaces)], spaces);
        check(
            &[plain.as_bytes(), &[0; 40], plain.as_bytes()],
            &[plain, &"\0".repeat(40), plain].concat(),
        );
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            parts in proptest::collection::vec((0..4_u8, "[a-z\u{430}-\u{44f}日本\r\n .]{0,40}"), 0..6),
            piece in 1..50_usize,
        ) {
            let bytes: Vec<u8> = parts
                .iter()
                .flat_map(|(kind, text)| match kind {
                    0 => text.clone().into_bytes(),
                    1 => little(text),
                    2 => big(text),
                    _ => [&[0xff, 0xfe][..], &little(text)].concat(),
                })
                .collect();
            prop_assert_eq!(decoded(&bytes, piece), decoded(&bytes, 1 << 20));
        }

        #[test]
        fn bytes_of_any_kind(bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(0xff), Just(0xfe), Just(b'\n'), Just(b'a'), any::<u8>()], 0..400), piece in 1..50_usize) {
            prop_assert_eq!(decoded(&bytes, piece), decoded(&bytes, 1 << 20));
        }
    }
}
