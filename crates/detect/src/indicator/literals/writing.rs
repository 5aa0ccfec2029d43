//! How the bytes of a text are written in a log: in any case, with the backslashes of JSON, perhaps of JSON in JSON, and in
//! paths of Windows with slashes. Texts and logs are compared in a normal form, in which a separator is one backslash.

/// So many backslashes in a row are read as one: JSON in JSON in JSON writes eight.
const MOST: usize = 16;

/// Reads bytes forth in normal form.
#[derive(Debug)]
pub(super) struct Forth<'a> {
    bytes: &'a [u8],
    /// The place behind what is read.
    pub(super) at: usize,
    slashes: bool,
}

/// Reads bytes back in normal form.
#[derive(Debug)]
pub(super) struct Back<'a> {
    bytes: &'a [u8],
    /// Where what is read begins.
    pub(super) at: usize,
    slashes: bool,
}

impl<'a> Forth<'a> {
    /// From a place on; with `slashes` these are separators as backslashes are.
    pub(super) fn new(bytes: &'a [u8], at: usize, slashes: bool) -> Self {
        Self { bytes, at, slashes }
    }
}

impl<'a> Back<'a> {
    /// From a place back.
    pub(super) fn new(bytes: &'a [u8], at: usize, slashes: bool) -> Self {
        Self { bytes, at, slashes }
    }
}

impl Iterator for Forth<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let rest = &self.bytes[self.at..];
        let first = *rest.first()?;
        if !is_separator(first, self.slashes) {
            self.at += 1;
            return Some(first.to_ascii_lowercase());
        }
        let run = rest.iter().take(MOST);
        let length = run.take_while(|byte| is_separator(**byte, self.slashes)).count();
        self.at += length;
        // The backslashes before these are those of JSON.
        match rest.get(length) {
            Some(&byte @ (b'"' | b'/')) => {
                self.at += 1;
                Some(byte)
            }
            _ => Some(b'\\'),
        }
    }
}

impl Iterator for Back<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let last = *self.bytes[..self.at].last()?;
        let escaped = matches!(last, b'"' | b'/') && !is_separator(last, self.slashes);
        let separates = is_separator(last, self.slashes);
        self.at -= usize::from(!separates);
        if separates || escaped {
            let run = self.bytes[..self.at].iter().rev().take(MOST);
            self.at -= run.take_while(|byte| is_separator(**byte, self.slashes)).count();
        }
        Some(if separates {
            b'\\'
        } else {
            last.to_ascii_lowercase()
        })
    }
}

fn is_separator(byte: u8, slashes: bool) -> bool {
    byte == b'\\' || slashes && byte == b'/'
}
