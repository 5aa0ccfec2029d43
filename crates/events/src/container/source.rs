//! A reader that can be looked into further than it gives at a time.

use std::io::{self, BufRead, Read};

/// A buffer that can be looked into further than its reader gives at a time.
pub(super) struct Source<R> {
    inner: R,
    bytes: Vec<u8>,
    at: usize,
    end: usize,
    /// How many bytes have been passed on.
    pub(super) taken: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            bytes: vec![0; 64 << 10],
            at: 0,
            end: 0,
            taken: 0,
        }
    }

    /// The next bytes; fewer at the end.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let held = self.hold(count)?;
        Ok(&held[..held.len().min(count)])
    }

    /// All that is held, which is so many bytes at the least; fewer at the end.
    pub(super) fn hold(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.end - self.at < count {
            self.bytes.copy_within(self.at..self.end, 0);
            (self.at, self.end) = (0, self.end - self.at);
        }
        while self.end - self.at < count {
            match self.inner.read(&mut self.bytes[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.bytes[self.at..self.end])
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)?;
        Ok(&self.bytes[self.at..self.end])
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.at);
        self.at += count;
        self.taken += count as u64;
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}
