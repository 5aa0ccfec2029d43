//! How the bytes of a text are written in a log: with the backslashes of JSON, perhaps of JSON in JSON, with other blanks,
//! with slashes in the paths of Windows.

/// Blanks as they are, as `+` (IIS writes user agents so) and as `%20` (Squid does).
pub(super) const BLANKS: [&[u8]; 3] = [b" ", b"+", b"%20"];

/// So many backslashes in a row are read: JSON in JSON in JSON writes eight for one.
const MOST: usize = 16;

/// One manner of writing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing<'a> {
    /// What stands for a blank.
    pub(super) blank: &'a [u8],
    /// A slash may stand for a backslash.
    pub(super) slashes: bool,
}

impl Writing<'_> {
    /// Where the text ends that begins at a place; `None` where it does not stand there.
    pub(super) fn forth(self, bytes: &[u8], start: usize, text: &[u8]) -> Option<usize> {
        let (mut at, mut of_text) = (start, 0);
        while let Some(&wanted) = text.get(of_text) {
            let rest = bytes.get(at..)?;
            let mut read = 1;
            at += match wanted {
                b'\\' => {
                    read = leading(&text[of_text..]);
                    self.separator(rest, read)?
                }
                b'"' | b'/' => {
                    let escapes = leading(rest);
                    (rest.get(escapes) == Some(&wanted)).then_some(escapes + 1)?
                }
                b' ' => rest.starts_with(self.blank).then_some(self.blank.len())?,
                _ => rest.first()?.eq_ignore_ascii_case(&wanted).then_some(1)?,
            };
            of_text += read;
        }
        Some(at)
    }

    /// The length of so many backslashes: of at least as many, or of slashes, with the backslashes that escape them.
    fn separator(self, bytes: &[u8], count: usize) -> Option<usize> {
        let backslashes = leading(bytes);
        if backslashes >= count && !(self.slashes && bytes.get(backslashes) == Some(&b'/')) {
            return Some(backslashes);
        }
        let mut at = 0;
        for _ in 0..count {
            at += leading(&bytes[at..]);
            (self.slashes && bytes.get(at) == Some(&b'/')).then_some(())?;
            at += 1;
        }
        Some(at)
    }

    /// Where the text begins that ends at a place.
    pub(super) fn back(self, bytes: &[u8], end: usize, text: &[u8]) -> Option<usize> {
        let (mut at, mut left) = (end, text);
        while let Some((&wanted, before)) = left.split_last() {
            let rest = &bytes[..at];
            let mut read = 1;
            at -= match wanted {
                b'\\' => {
                    read = trailing(left);
                    self.separator_back(rest, read)?
                }
                b'"' | b'/' => {
                    let (last, escapes) = rest.split_last()?;
                    let escaped = if before.ends_with(b"\\") {
                        0
                    } else {
                        trailing(escapes)
                    };
                    (*last == wanted).then_some(1 + escaped)?
                }
                b' ' => rest.ends_with(self.blank).then_some(self.blank.len())?,
                _ => rest.last()?.eq_ignore_ascii_case(&wanted).then_some(1)?,
            };
            left = &left[..left.len() - read];
        }
        Some(at)
    }

    fn separator_back(self, bytes: &[u8], count: usize) -> Option<usize> {
        let backslashes = trailing(bytes);
        if backslashes > 0 {
            return (backslashes >= count).then_some(backslashes);
        }
        let mut at = bytes.len();
        for _ in 0..count {
            let before = bytes[..at].strip_suffix(b"/").filter(|_| self.slashes)?;
            at = before.len() - trailing(before);
        }
        Some(bytes.len() - at)
    }
}

/// How many backslashes a text begins with.
fn leading(bytes: &[u8]) -> usize {
    let backslashes = bytes.iter().take(MOST).take_while(|byte| **byte == b'\\');
    backslashes.count()
}

/// How many it ends with.
fn trailing(bytes: &[u8]) -> usize {
    let backslashes = bytes.iter().rev().take(MOST).take_while(|byte| **byte == b'\\');
    backslashes.count()
}
