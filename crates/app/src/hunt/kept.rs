//! What comes from inputs that can be read only once, such as standard input: kept for what looks at it a second time.

#[cfg(feature = "yara")]
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use crate::files::Input;

/// The most that is kept of all such inputs together, in bytes.
const ALL: usize = 256 << 20;

/// What was kept, by input.
pub(super) struct Kept {
    most: usize,
    /// `None` for inputs that can be read again.
    inputs: Vec<Option<Mutex<Once>>>,
}

/// The beginning of an input.
#[derive(Default)]
struct Once {
    bytes: Vec<u8>,
    /// There was more.
    is_cut: bool,
}

impl Kept {
    /// Will keep so many bytes of an input, or fewer where there are many; with 0, nothing.
    pub(super) fn new(inputs: &[Input], most: usize) -> Self {
        let is_once = |input: &&Input| input.size.is_none() && most > 0;
        let count = inputs.iter().filter(is_once).count();
        let inputs = inputs.iter();
        Self {
            most: most.min(ALL / count.max(1)),
            inputs: inputs.map(|input| is_once(&input).then(Mutex::default)).collect(),
        }
    }

    /// Takes what was read of an input.
    pub(super) fn add(&self, input: usize, read: &[u8]) {
        let Some(once) = &self.inputs[input] else {
            return;
        };
        let once = &mut *once.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.most - once.bytes.len();
        once.bytes.extend_from_slice(&read[..read.len().min(room)]);
        once.is_cut |= read.len() > room;
    }

    /// What an input gave; `None` where it can be read again. No longer kept then.
    #[cfg(feature = "yara")]
    pub(super) fn take(&self, input: usize) -> Option<Again> {
        let mut once = self.inputs[input]
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Once { bytes, is_cut } = std::mem::take(&mut *once);
        Some(Again {
            most: is_cut.then_some(self.most),
            bytes: io::Cursor::new(bytes),
        })
    }
}

/// Reads what was kept, and fails behind it where there was more.
#[cfg(feature = "yara")]
pub(super) struct Again {
    /// How much was kept, where there was more.
    pub(super) most: Option<usize>,
    bytes: io::Cursor<Vec<u8>>,
}

#[cfg(feature = "yara")]
impl Read for Again {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.bytes.read(buf)? {
            0 if self.most.is_some() && !buf.is_empty() => Err(io::Error::other("no more was kept")),
            read => Ok(read),
        }
    }
}

#[cfg(all(test, feature = "yara"))]
mod tests {
    use perisai_model::Place;

    use super::*;

    #[test]
    fn what_can_be_read_once_is_kept_up_to_a_limit() {
        let input = |size| Input {
            place: Place::file("x"),
            path: None,
            size,
            modified: None,
            found: false,
        };
        let inputs = [input(Some(5)), input(None), input(None)];
        let check = |most: usize, pieces: &[&str], expected: Option<(&str, bool)>| {
            let kept = Kept::new(&inputs, most);
            for piece in pieces {
                kept.add(1, piece.as_bytes());
                kept.add(0, piece.as_bytes());
            }
            assert!(kept.take(0).is_none());
            let found = kept.take(1).map(|mut again| {
                let mut text = String::new();
                let is_whole = again.read_to_string(&mut text).is_ok();
                assert_eq!(is_whole, again.most.is_none());
                (text, is_whole)
            });
            assert_eq!(
                found,
                expected.map(|(text, is_whole)| (text.to_owned(), is_whole))
            );
        };
        check(5, &[], Some(("", true)));
        check(5, &["ab", "cde"], Some(("abcde", true)));
        check(5, &["ab", "cdef", "g"], Some(("abcde", false)));
        check(0, &["ab"], None);
        assert_eq!(Kept::new(&inputs, usize::MAX).most, ALL / 2);
    }
}
