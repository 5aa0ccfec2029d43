//! A text of several YAML documents, cut where they begin, and where in a document a key stands; without parsing YAML.

use std::ops::Range;

/// One document of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    /// Where it starts in the whole, in bytes.
    start: usize,
    /// The line of the whole on which it starts, counted from 1.
    pub(super) first_line: u64,
}

/// The documents of a text. A text whose documents refer to each other (`action: global`) stays in one piece, as does
/// one with directives of YAML.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let whole = Part {
        text,
        start: 0,
        first_line: 1,
    };
    if text
        .lines()
        .any(|line| line.starts_with('%') || line.starts_with("action:"))
    {
        return vec![whole];
    }
    let (mut parts, mut start, mut first_line, mut at) = (Vec::new(), 0, 1, 0);
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        if is_marker(line) {
            parts.push((start..at, first_line));
            // A marker that bears nothing else is left out.
            let bare = line.trim_end() == "---";
            (start, first_line) = if bare {
                (at + line.len(), number + 1)
            } else {
                (at, number)
            };
        }
        at += line.len();
    }
    parts.push((start..text.len(), first_line));
    let parts = parts.into_iter().map(|(range, first_line)| Part {
        start: range.start,
        text: &text[range],
        first_line,
    });
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { vec![whole] } else { parts }
}

/// Where a document begins: such a line may not stand inside a value.
fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

impl<'a> Part<'a> {
    /// Where it stands in the whole, in bytes.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn is_empty(&self) -> bool {
        self.text
            .lines()
            .map(str::trim)
            .all(|line| line.is_empty() || line.starts_with('#') || line == "..." || line == "---")
    }

    /// The line of the whole on which a key stands, with a value if one is given; else where the document starts.
    pub(super) fn line_of(&self, key: &str, value: &str) -> u64 {
        let mut lines = self.text.lines().zip(self.first_line..);
        let found = lines.find(|(line, _)| {
            line.trim_start()
                .strip_prefix(key)
                .and_then(|rest| rest.trim_start().strip_prefix(':'))
                .is_some_and(|rest| rest.contains(value))
        });
        found.map_or(self.first_line, |(_, line)| line)
    }

    /// The value of a key that no other document of this text could mean, on one line.
    pub(super) fn value(&self, key: &str) -> Option<&'a str> {
        let value = |line: &'a str| line.strip_prefix(key)?.trim_start().strip_prefix(':');
        let mut values = self.text.lines().filter_map(value);
        let found = values.next()?.trim().trim_matches(['"', '\'']);
        (values.next().is_none() && !found.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_their_markers() {
        let check = |text: &str, expected: &[(&str, u64)]| {
            let found: Vec<_> = parts(text)
                .iter()
                .map(|part| {
                    assert_eq!(&text[part.range()], part.text, "{text}");
                    (part.text, part.first_line)
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("", &[("", 1)]);
        check("title: a\n", &[("title: a\n", 1)]);
        check(
            "---\ntitle: a\n---\r\n\ntitle: b",
            &[("title: a\n", 2), ("\ntitle: b", 4)],
        );
        check("# by us\n---\ntitle: a\n---\n...\n", &[("title: a\n", 3)]);
        check("--- {title: a}\n----\n", &[("--- {title: a}\n----\n", 1)]);
        check(
            "action: global\n---\ntitle: a\n",
            &[("action: global\n---\ntitle: a\n", 1)],
        );
        check("%YAML 1.2\n---\ntitle: a\n", &[("%YAML 1.2\n---\ntitle: a\n", 1)]);
    }

    #[test]
    fn keys_have_lines_and_values() {
        let part = parts("---\nid: x\ntitle: 'a b'\ndetection:\n  condition: s\n")[0];
        assert_eq!(part.line_of("title", "a b"), 3);
        assert_eq!(part.line_of("condition", ""), 5);
        assert_eq!(part.line_of("level", ""), 2);
        assert_eq!(part.value("title"), Some("a b"));
        assert_eq!(part.value("condition"), None);
        assert_eq!(
            parts("action: x\ntitle: a\n---\ntitle: b\n")[0].value("title"),
            None
        );
    }
}
