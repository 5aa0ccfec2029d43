//! Records of delimited text: fields in quotes or not, over one line or several, bounded.
//!
//! A quote that is never closed costs its own line only: the lines after it are read again as records of their own.

use std::borrow::Cow;

/// How many lines, and bytes, one record may take.
const LINES: usize = 64;
const BYTES: usize = 64 * 1024;

/// A record, or the line of one that could not be read.
pub(super) type Outcome<'a> = Result<Record<'a>, u64>;

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// The line on which it starts.
    pub(super) line: u64,
    /// Its fields, trimmed, without their quotes.
    pub(super) fields: Vec<Cow<'a, str>>,
}

/// Puts lines together to records.
#[derive(Debug)]
pub(super) struct Assembler {
    delimiter: char,
    open: Vec<(u64, String)>,
}

impl Assembler {
    pub(super) fn new(delimiter: char) -> Self {
        Self {
            delimiter,
            open: Vec::new(),
        }
    }

    /// True inside a record that goes on.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Takes the next line; gives the records that are complete.
    pub(super) fn push(&mut self, line: u64, text: &str, mut each: impl FnMut(Outcome<'_>)) {
        if self.open.is_empty() {
            match split(text, self.delimiter) {
                Some(fields) => each(Ok(Record { line, fields })),
                None => self.open.push((line, text.to_owned())),
            }
            return;
        }
        self.open.push((line, text.to_owned()));
        let whole = self.joined();
        if let Some(fields) = split(&whole, self.delimiter) {
            let line = self.open[0].0;
            self.open.clear();
            each(Ok(Record { line, fields }));
        } else if self.open.len() >= LINES || whole.len() > BYTES {
            self.finish(each);
        }
    }

    /// Gives up on a record that is still open.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Outcome<'_>)) {
        for (at, (line, text)) in std::mem::take(&mut self.open).into_iter().enumerate() {
            match split(&text, self.delimiter) {
                Some(fields) if at > 0 => each(Ok(Record { line, fields })),
                _ => each(Err(line)),
            }
        }
    }

    fn joined(&self) -> String {
        let texts: Vec<&str> = self.open.iter().map(|(_, text)| text.as_str()).collect();
        texts.join("\n")
    }
}

/// The fields of a record; `None` where a quote is not closed.
pub(super) fn split(text: &str, delimiter: char) -> Option<Vec<Cow<'_, str>>> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let blank = |c: char| c != delimiter && c.is_whitespace();
        rest = rest.trim_start_matches(blank);
        let after = if let Some(quoted) = rest.strip_prefix('"') {
            let (field, after) = unquote(quoted)?;
            fields.push(field);
            let end = after.find(delimiter).unwrap_or(after.len());
            &after[end..]
        } else {
            let end = rest.find(delimiter).unwrap_or(rest.len());
            fields.push(Cow::Borrowed(rest[..end].trim_end()));
            &rest[end..]
        };
        match after.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None => return Some(fields),
        }
    }
}

/// The field up to its closing quote, and what follows that.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find('"')?;
    if !text[end + 1..].starts_with('"') {
        return Some((Cow::Borrowed(text[..end].trim()), &text[end + 1..]));
    }
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Some((Cow::Owned(field.trim().to_owned()), rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text, ',').unwrap(), expected, "{text}");
        check("a,b", &["a", "b"]);
        check(r#""a", "b ""c"", d" ,, e "#, &["a", r#"b "c", d"#, "", "e"]);
        check("", &[""]);
        check(",", &["", ""]);
        check(r#"a "quote" inside,b"#, &[r#"a "quote" inside"#, "b"]);
        assert_eq!(split(r#"a,"b"#, ','), None);
        assert_eq!(split("a\t\tb", '\t').unwrap(), ["a", "", "b"]);
    }

    fn records(lines: &[&str]) -> Vec<String> {
        let mut assembler = Assembler::new(',');
        let mut seen = Vec::new();
        let mut each = |outcome: Outcome<'_>| {
            seen.push(match outcome {
                Ok(record) => format!("{}:{}", record.line, record.fields.join("|")),
                Err(line) => format!("{line}!"),
            });
        };
        for (at, line) in lines.iter().enumerate() {
            assembler.push(at as u64 + 1, line, &mut each);
        }
        assembler.finish(each);
        seen
    }

    #[test]
    fn records_over_several_lines() {
        assert_eq!(records(&["a,\"b", "c\",d", "e,f"]), ["1:a|b\nc|d", "3:e|f"]);
        assert_eq!(records(&["a,\"b", "c,d", "e,f"]), ["1!", "2:c|d", "3:e|f"]);
        let mut many = vec!["a,\"b"];
        many.resize(200, "c,d");
        assert_eq!(records(&many).len(), 200);
    }

    proptest! {
        #[test]
        fn no_line_is_lost(lines in proptest::collection::vec("[a\",é]{0,6}", 0..90)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let seen = records(&lines);
            prop_assert!(seen.len() <= lines.len());
            prop_assert_eq!(seen.is_empty(), lines.is_empty());
        }
    }
}
