//! JSON that is not one object a line: an array of objects, an object around such an array (as cloud services and
//! search engines export), objects printed over several lines.

use std::ops::Range;

use serde::de::IgnoredAny;

use crate::text::records::Splitter;

/// The names under which an export holds its records.
const HOLDERS: [&str; 14] = [
    "records", "events", "hits", "value", "values", "data", "logs", "items", "results", "result", "entries",
    "rows", "messages", "alerts",
];

/// How deep in an export its records may stand: `{"hits":{"hits":[…]}}`.
const DEEPEST: usize = 4;

/// A splitter for a text that begins like this, or, where it is `whole`, is this; `None` where it is one object a line,
/// or no JSON.
pub(crate) fn detect(sample: &[u8], whole: bool) -> Option<JsonSplitter> {
    let start = sample.iter().position(|byte| !is_junk(*byte))?;
    let text = sample[start..].trim_ascii();
    match text.first()? {
        b'[' if text[1..].trim_ascii_start().starts_with(b"{") => {
            let first = text[1..].trim_ascii_start();
            begins_well(first).then(|| JsonSplitter::new(1))
        }
        b'{' => {
            let line_end = memchr::memchr(b'\n', text).unwrap_or(text.len());
            let whole_line = serde_json::from_slice::<IgnoredAny>(&text[..line_end]).is_ok();
            if !begins_well(text) {
                return None;
            }
            let depth = holder_depth(text);
            let lines_follow = line_end < text.len() || !whole && sample.ends_with(b"\n");
            if whole_line && lines_follow {
                // One object a line; but it may be one export a line, and nothing else.
                return depth.filter(|_| begins_with_holder(text)).map(JsonSplitter::new);
            }
            match depth {
                Some(depth) => Some(JsonSplitter::new(depth)),
                None => (!whole_line).then(|| JsonSplitter::new(0)),
            }
        }
        _ => None,
    }
}

/// What may stand before JSON: blanks, NULs, byte order marks, the separator of RFC 7464.
fn is_junk(byte: u8) -> bool {
    byte <= b' ' || b"\xef\xbb\xbf".contains(&byte)
}

/// Whether a JSON value stands at the start, as far as the sample goes.
fn begins_well(text: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => true,
        Some(Err(error)) => error.is_eof(),
        None => false,
    }
}

/// Whether the first member of the object is the one that holds the records.
fn begins_with_holder(text: &[u8]) -> bool {
    let name = text[1..]
        .trim_ascii_start()
        .strip_prefix(b"\"")
        .unwrap_or_default();
    let end = string_end(name, 0).min(name.len());
    let holder = HOLDERS
        .iter()
        .any(|holder| name[..end].eq_ignore_ascii_case(holder.as_bytes()));
    let behind = name.get(end + 1..).unwrap_or_default().trim_ascii_start();
    holder
        && behind
            .strip_prefix(b":")
            .is_some_and(|value| value.trim_ascii_start().starts_with(b"["))
}

/// How many brackets stand open around the records of an export.
fn holder_depth(text: &[u8]) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    let mut name: &[u8] = b"";
    while at < text.len() {
        match text[at] {
            b'"' => {
                let end = string_end(text, at + 1);
                name = &text[at + 1..end.min(text.len())];
                at = end;
            }
            bracket @ (b'{' | b'[') => {
                depth += 1;
                let named = HOLDERS
                    .iter()
                    .any(|holder| name.eq_ignore_ascii_case(holder.as_bytes()));
                if bracket == b'[' && named && text[at + 1..].trim_ascii_start().starts_with(b"{") {
                    return (depth <= DEEPEST).then_some(depth);
                }
                name = b"";
            }
            b'}' | b']' => depth -= usize::from(depth > 0),
            b',' => name = b"",
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where a string that begins before `at` ends, at its closing quote; past the end where it does not.
pub(super) fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    at.max(text.len())
}

/// Finds the values at one depth of brackets, and objects beside them that hold none: of several exports in one file
/// one may be of lines. It only counts brackets outside of strings: a record that is no JSON is told when it is read.
pub(crate) struct JsonSplitter {
    /// The depth at which the records stand.
    target: usize,
    depth: usize,
    /// The brackets at the target's depth are those of an array (or the target is the top).
    inside: bool,
    in_string: bool,
    at: usize,
    open: Option<usize>,
    /// Where the outermost object began, as long as no record was found in it.
    outer: Option<usize>,
}

impl JsonSplitter {
    fn new(target: usize) -> Self {
        Self {
            target,
            depth: 0,
            inside: target == 0,
            in_string: false,
            at: 0,
            open: None,
            outer: None,
        }
    }

    /// For objects behind each other.
    pub(super) fn objects() -> Self {
        Self::new(0)
    }

    fn enter(&mut self, bracket: u8) {
        if self.depth == self.target && self.inside && self.open.is_none() {
            self.open = Some(self.at);
            self.outer = None;
        } else if self.depth == 0 {
            self.outer = (bracket == b'{').then_some(self.at);
        }
        self.depth += 1;
        if self.depth == self.target {
            self.inside = bracket == b'[';
        }
    }

    fn leave(&mut self, records: &mut Vec<Range<usize>>) {
        self.depth = self.depth.saturating_sub(1);
        let start = match self.depth {
            depth if depth == self.target => self.open.take(),
            0 => self.outer.take(),
            _ => None,
        };
        records.extend(start.map(|start| start..self.at + 1));
    }
}

impl Splitter for JsonSplitter {
    fn scan(&mut self, bytes: &[u8], records: &mut Vec<Range<usize>>) {
        while self.at < bytes.len() {
            if self.in_string {
                self.at = string_end(bytes, self.at);
                self.in_string = self.at >= bytes.len();
                if self.in_string {
                    return;
                }
            } else {
                match bytes[self.at] {
                    // Outside of all brackets a quote is none of JSON's, and hides nothing behind it.
                    b'"' => self.in_string = self.depth > 0,
                    bracket @ (b'{' | b'[') => self.enter(bracket),
                    b'}' | b']' => self.leave(records),
                    _ => {}
                }
            }
            self.at += 1;
        }
    }

    fn open(&self) -> Option<usize> {
        self.open
    }

    fn rebase(&mut self, cut: usize) {
        self.at -= cut.min(self.at);
        self.open = self.open.map(|start| start.saturating_sub(cut));
        self.outer = self.outer.and_then(|start| start.checked_sub(cut));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::records;
    use proptest::prelude::*;

    fn split(text: &str, piece: usize) -> Option<Vec<String>> {
        let mut splitter = detect(text.as_bytes(), true)?;
        Some(records::tests::split(&mut splitter, text, piece))
    }

    #[test]
    fn records_are_found_however_the_text_is_cut() {
        let check = |text: &str, expected: Option<&[&str]>| {
            for piece in 1..=text.len() {
                let found = split(text, piece);
                let found: Option<Vec<&str>> = found
                    .as_ref()
                    .map(|found| found.iter().map(String::as_str).collect());
                assert_eq!(found.as_deref(), expected, "{text} by {piece}");
            }
        };
        check(r#"[{"a":1},{"b":[{}]}]"#, Some(&[r#"{"a":1}"#, r#"{"b":[{}]}"#]));
        check(
            r#"[ {"a":"]}\"\\"} , {"b":2} ]"#,
            Some(&[r#"{"a":"]}\"\\"}"#, r#"{"b":2}"#]),
        );
        check(
            r#"{"Records":[{"a":1},{"a":{"b":[1]}}]}"#,
            Some(&[r#"{"a":1}"#, r#"{"a":{"b":[1]}}"#]),
        );
        check(
            r#"{"took":1,"hits":{"total":{"value":2},"hits":[{"_id":1},{"_id":2}]}}"#,
            Some(&[r#"{"_id":1}"#, r#"{"_id":2}"#]),
        );
        check(
            "{\n \"a\": [\n{}]}\n{\n}\n",
            Some(&["{\n \"a\": [\n{}]}", "{\n}"]),
        );
        check("{\"a\":1}\n{\"a\":2}\n", None);
        // Lines, a list and another export behind a list.
        check(
            "[{\"a\":1}]\n{\"b\":[{}]}\n{\"c\":{}}\n[{\"d\":1},{\"e\":1}] \" {\"f\":1}",
            Some(&[
                r#"{"a":1}"#,
                r#"{"b":[{}]}"#,
                r#"{"c":{}}"#,
                r#"{"d":1}"#,
                r#"{"e":1}"#,
                r#"{"f":1}"#,
            ]),
        );
        check(
            "{\"Records\":[{\"a\":1}]}{\"b\":1}\u{feff}{\"Records\":[{\"c\":1}]}",
            Some(&[r#"{"a":1}"#, r#"{"b":1}"#, r#"{"c":1}"#]),
        );
        check("\u{feff}\0\u{1e}[{\"a\":1}]", Some(&[r#"{"a":1}"#]));
        check("{\"a\":1}{\"a\":2}\n", Some(&[r#"{"a":1}"#, r#"{"a":2}"#]));
        check("{\"a\":1}", None);
        check("{\"a\":1,\"events\":[{}]}\n{\"a\":1,\"events\":[{}]}\n", None);
        check("{\"events\":[{}]}\n{\"events\":[{}]}\n", Some(&["{}", "{}"]));
        check("[INFO] {}", None);
        check("[1,2]", None);
        check("{broken", None);
    }

    #[test]
    fn the_first_line_of_a_live_log_is_a_line() {
        let check = |text: &str, whole, expected| {
            assert_eq!(detect(text.as_bytes(), whole).is_some(), expected, "{text}");
        };
        check("{\"a\":1,\"events\":[{}]}\n", false, false);
        check("{\"a\":1,\"events\":[{}]}\n", true, true);
        check("{\"events\":[{}]}\n", false, true);
        check("{\"a\":1,\"events\":[{}", false, true);
    }

    proptest! {
        #[test]
        fn never_panics(text in r#"[\[{][\[\]{}",:\\ a]{0,40}"#, piece in 1..20_usize) {
            let _ = split(&text, piece);
        }
    }
}
