//! An XML document → its `<Event>` elements.

use std::ops::Range;

use memchr::memmem;

use super::is_start;
use crate::text::records::Splitter;

/// Whether the text is XML that holds Windows events.
pub(crate) fn detect(sample: &[u8]) -> bool {
    let event = || memmem::find_iter(sample, b"<Event").any(|at| is_start(&sample[at..]));
    sample.trim_ascii_start().starts_with(b"<") && event() && memmem::find(sample, b"<System>").is_some()
}

/// Finds `<Event …>` … `</Event>`; what is wrong inside is told when the record is read.
#[derive(Default)]
pub(crate) struct XmlSplitter {
    at: usize,
    open: Option<usize>,
}

impl Splitter for XmlSplitter {
    fn scan(&mut self, bytes: &[u8], records: &mut Vec<Range<usize>>) {
        const START: &[u8] = b"<Event";
        const END: &[u8] = b"</Event>";
        loop {
            let rest = &bytes[self.at.min(bytes.len())..];
            let Some(start) = self.open else {
                match memmem::find(rest, START) {
                    // One more byte tells it from `<EventData>`.
                    Some(found) if found + START.len() < rest.len() => {
                        self.open = is_start(&rest[found..]).then_some(self.at + found);
                        self.at += found + START.len();
                        continue;
                    }
                    Some(found) => self.at += found,
                    None => self.at = bytes.len().saturating_sub(START.len()).max(self.at),
                }
                return;
            };
            match memmem::find(rest, END) {
                Some(found) => {
                    self.at += found + END.len();
                    records.push(start..self.at);
                    self.open = None;
                }
                None => {
                    self.at = bytes.len().saturating_sub(END.len()).max(self.at);
                    return;
                }
            }
        }
    }

    fn open(&self) -> Option<usize> {
        self.open
    }

    fn rebase(&mut self, cut: usize) {
        self.at = self.at.saturating_sub(cut);
        self.open = self.open.map(|start| start.saturating_sub(cut));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::records;
    use proptest::prelude::*;

    fn split(text: &str, piece: usize) -> Vec<String> {
        records::tests::split(&mut XmlSplitter::default(), text, piece)
    }

    #[test]
    fn events_are_found_however_the_text_is_cut() {
        let check = |text: &str, expected: &[&str]| {
            for piece in 1..=text.len() {
                assert_eq!(split(text, piece), expected, "{text} by {piece}");
            }
        };
        check(
            "<?xml?><Events><Event a='1'><EventData/></Event>\n<Event>x</Event></Events>",
            &["<Event a='1'><EventData/></Event>", "<Event>x</Event>"],
        );
        check("<EventData></EventData>", &[]);
        check("<Event>", &[]);
    }

    #[test]
    fn documents_are_told() {
        let check = |text: &str, expected| assert_eq!(detect(text.as_bytes()), expected, "{text}");
        check(
            "<?xml version='1.0'?><Events><Event><System></System></Event>",
            true,
        );
        check("<html><body>", false);
        check("x <Event><System>", false);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(<Event>|</Event>|<Event|<|a){0,20}", piece in 1..20_usize) {
            let _ = split(&text, piece);
        }
    }
}
