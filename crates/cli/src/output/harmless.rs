//! A writer that takes out of the text of others what could steer a terminal: it is written as JSON escapes it, so that
//! JSON stays the same.

use std::io::{self, IsTerminal, Write};

/// Standard output: where that is a terminal, without what could steer it.
pub(crate) fn stdout() -> Box<dyn Write> {
    let out = io::stdout();
    match out.is_terminal() {
        true => Box::new(Harmless::new(out.lock())),
        false => Box::new(out.lock()),
    }
}

/// A writer that escapes what could steer a terminal. Lines and tabs stay.
pub(crate) struct Harmless<W: Write> {
    out: W,
    /// The first bytes of a character whose others did not come yet.
    begun: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            begun: Vec::new(),
        }
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.begun);
        let mut harmless = String::with_capacity(all.len());
        let mut at = 0;
        for chunk in all.utf8_chunks() {
            escape(chunk.valid(), &mut harmless);
            at += chunk.valid().len() + chunk.invalid().len();
            let is_begun = at == all.len()
                && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            match is_begun {
                true => self.begun = chunk.invalid().to_vec(),
                false if chunk.invalid().is_empty() => {}
                false => harmless.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self.out.write_all(harmless.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether a character could steer a terminal, or turn the direction of what is written.
pub(crate) fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, harmless: &mut String) {
    for c in text.chars() {
        match steers(c) && !matches!(c, '\n' | '\t' | '\r') {
            true => harmless.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => harmless.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_however_it_is_cut() {
        let text = "a\u{1b}[2J\u{9b}3J\u{7f}\u{202e}\u{e9}\u{1f512}\tb\r\n";
        let expected = "a\\u001b[2J\\u009b3J\\u007f\\u202e\u{e9}\u{1f512}\tb\r\n";
        for size in 1..text.len() {
            let mut written = Vec::new();
            let mut out = Harmless::new(&mut written);
            for part in text.as_bytes().chunks(size) {
                out.write_all(part).unwrap();
            }
            assert_eq!(String::from_utf8(written).unwrap(), expected, "{size}");
        }
        let mut written = Vec::new();
        Harmless::new(&mut written).write_all(b"a\x9bb\xc2").unwrap();
        assert_eq!(written, "a\u{fffd}b".as_bytes());
    }
}
