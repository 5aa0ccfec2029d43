//! The text of one rule, cut from the text that it came in.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A rule's own text: parts of the text that it came in, which it shares with its neighbours.
#[derive(Clone, PartialEq, Eq)]
pub struct RuleText {
    whole: Arc<str>,
    parts: Box<[Range<usize>]>,
}

impl RuleText {
    /// All of a text.
    #[must_use]
    pub fn whole(text: &Arc<str>) -> Self {
        Self::parts(text, std::iter::once(0..text.len()))
    }

    /// Parts of a text, in bytes. A part that is not within the text, or cuts a letter, counts as empty.
    pub fn parts(text: &Arc<str>, parts: impl IntoIterator<Item = Range<usize>>) -> Self {
        Self {
            whole: Arc::clone(text),
            parts: parts.into_iter().collect(),
        }
    }
}

/// The parts, a line each, without white space around them.
impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts.iter().map(|part| self.whole.get(part.clone()));
        let mut parts = parts.map(|part| part.unwrap_or_default().trim());
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(f, "\n{part}"))
    }
}

/// Only its own text: the whole may be long.
impl fmt::Debug for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_lines() {
        let text: Arc<str> = "import \"pe\"\n\nrule a {}\n\nrule é {}\n".into();
        let check = |parts: &[(usize, usize)], expected: &str| {
            let parts = parts.iter().map(|&(start, end)| start..end);
            assert_eq!(RuleText::parts(&text, parts).to_string(), expected);
        };
        check(&[(0, 11), (11, 23)], "import \"pe\"\nrule a {}");
        check(&[(24, text.len())], "rule é {}");
        check(&[(29, 30)], "");
        check(&[(9, 900)], "");
        check(&[], "");
        assert_eq!(RuleText::whole(&text).to_string(), text.trim());
    }
}
