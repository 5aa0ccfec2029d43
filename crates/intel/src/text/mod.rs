//! Plain lists: one value a line, defanged or not, with comments; hosts files too.
//!
//! A line may hold several values (`several`), or one and what is said of it (`described`).
//!
//! Lists of millions of lines are the common case: nothing is allocated for a line that holds a plain value.

mod described;
mod several;

use std::io::{self, BufRead};

use perisai_model::{Context, ContextId, Tlp};

use crate::csv;
use crate::json;
use crate::lines::{Line, each_line};
use crate::marking;
use crate::marks;
use crate::sink::Sink;
use crate::sniff::json::strings;
use crate::type_words::normal;
use crate::typed::{Found, is_url_and_more, of_any, why_none};
use crate::words::{PROSE, clip, quoted};

pub(crate) use self::described::is_public_host;
use self::several::Several;
pub(crate) use self::several::is_list;

/// The longest line that is read, in bytes.
const LINE: usize = 64 * 1024;

/// How many values of one source keep what is said of them: each takes a context of its own.
const DESCRIBED: usize = 200_000;

/// Where a hosts file sends the names that it blocks.
const SINKS: &[&str] = &["0.0.0.0", "127.0.0.1", "::", "::1"];

/// Names in hosts files that are the machine's own.
const OWN_NAMES: &[&str] = &[
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "0.0.0.0",
];

/// Reads a plain list; `described` where most of its lines begin with a value.
pub(crate) fn read(input: &mut dyn BufRead, described: bool, sink: &mut Sink<'_>) -> io::Result<()> {
    let bare = sink.bare_context();
    let mut list = List {
        context: sink.add_context(bare),
        sink,
        head: None,
        begun: false,
        values: 0,
        in_rows: false,
        described,
        room: DESCRIBED,
        left_out: None,
    };
    let outcome = each_line(input, LINE, |line| list.line(line));
    list.finish();
    outcome
}

/// Reads a JSON list of strings, each as a line of a list.
pub(crate) fn read_strings(input: &mut dyn BufRead, sink: &mut Sink<'_>) -> io::Result<()> {
    let bare = sink.bare_context();
    let context = sink.add_context(bare);
    let outcome = strings(input, |line, text| match &text {
        Err(why) => sink.problem(Some(line), format_args!("{why}")),
        Ok(text) => match of_any(text) {
            Some((kind, value)) => sink.indicator(kind, &value, context),
            None => sink.problem(Some(line), format_args!("{} is {}", quoted(text), why_none(text))),
        },
    });
    match outcome {
        Err(json::Error::Io(error)) => return Err(error),
        Err(json::Error::Syntax { line, .. }) => {
            sink.problem(Some(line), format_args!("the list is not complete"));
        }
        Ok(()) | Err(json::Error::Stopped) => {}
    }
    Ok(())
}

/// True for a line that would give a value.
pub(crate) fn holds_value(line: &str) -> bool {
    let text = without_comment(line.trim());
    if let Some(cells) = marks::cells(text) {
        return described::row(cells).is_some();
    }
    let mut words = text.split_whitespace();
    let text = text.trim_matches(['"', '\'', ',']);
    of_any(text).is_some() && !is_one_and_more(text)
        || several::split(text).is_some()
        || words.next().is_some_and(|word| SINKS.contains(&word)) && words.next().is_some()
}

/// True for a line that would give a value in a list of which most lines do.
pub(crate) fn begins_with_value(line: &str) -> bool {
    let read = described::read(without_comment(line.trim()));
    matches!(read, Some(described::Line::Values { .. }))
}

struct List<'a, 'b> {
    sink: &'a mut Sink<'b>,
    context: ContextId,
    /// The marking of the whole list.
    head: Option<Tlp>,
    /// True from the first line on that is no comment.
    begun: bool,
    /// How many values were taken.
    values: u64,
    /// The line before was a row of a table in Markdown.
    in_rows: bool,
    /// Most lines begin with a value.
    described: bool,
    /// How many more values may keep what is said of them.
    room: usize,
    /// Of values that stand in what is said of others: how many, the line of the first, and the first.
    left_out: Option<(u64, u64, String)>,
}

impl List<'_, '_> {
    fn line(&mut self, line: Line<'_>) {
        let bytes = line.bytes.trim_ascii();
        if is_comment(bytes) {
            return self.marking(marking::in_bytes(bytes));
        }
        if let Some(tlp) = marking_alone(bytes) {
            return self.marking(Some(tlp));
        }
        let first = !std::mem::replace(&mut self.begun, true);
        if line.cut {
            return self.problem(line, format_args!("a line of more than {LINE} bytes"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let (entry, comment) = split_comment(text);
                let (section, values) = (self.context, self.values);
                self.context = self.marked(marking::in_text(comment));
                self.entry(line, entry, first);
                self.context = section;
                if self.values == values {
                    self.prose(text);
                }
            }
            // A comment in an old encoding costs nothing but itself.
            Err(_) => match without_comment(&String::from_utf8_lossy(bytes)) {
                text if has_bad_bytes(text) => self.problem(line, format_args!("not valid UTF-8")),
                text => self.entry(line, text, first),
            },
        }
    }

    fn entry(&mut self, line: Line<'_>, text: &str, first: bool) {
        let in_rows = std::mem::take(&mut self.in_rows);
        if text.starts_with('|')
            && let Some(cells) = marks::cells(text)
        {
            self.in_rows = true;
            return self.row(line, text, cells, in_rows);
        }
        match of_any(text) {
            Some(_) if is_one_and_more(text) => self.odd(line, text),
            Some((kind, value)) => {
                self.values += 1;
                self.sink.indicator(kind, &value, self.context);
            }
            None if first && (csv::is_heading(text) || csv::is_separator_line(text)) => {}
            None if marks::is_fence(text) => {}
            None => self.odd(line, text),
        }
    }

    /// A row of a table in Markdown; the first of its rows holds the headings.
    fn row<'c>(&mut self, line: Line<'_>, text: &str, cells: impl Iterator<Item = &'c str>, in_rows: bool) {
        match described::row(cells) {
            Some((values, said)) => {
                let context = self.said(line, &said);
                self.take(values, context);
            }
            None if in_rows && !marks::is_rule(text) => {
                self.problem(line, format_args!("{}: a row without a value", quoted(text)));
            }
            None => {}
        }
    }

    /// A line that is not simply a value.
    fn odd(&mut self, line: Line<'_>, text: &str) {
        let mut words = text.split_whitespace();
        let is_hosts_line =
            words.next().is_some_and(|word| SINKS.contains(&word)) && words.clone().next().is_some();
        if !is_hosts_line {
            return self.value(line, text.trim_matches(['"', '\'', ',', ' ']));
        }
        for name in words.filter(|name| !OWN_NAMES.contains(name)) {
            self.value(line, name);
        }
    }

    fn value(&mut self, line: Line<'_>, text: &str) {
        let several = several::split(text);
        if (self.described || is_url_and_more(text)) && !several.as_ref().is_some_and(others_are_told) {
            match described::read(text) {
                Some(described::Line::Values { values, said }) => {
                    let context = self.said(line, said);
                    return self.take(values, context);
                }
                Some(described::Line::NotSearched(label)) => return self.sink.withhold_type(&normal(label)),
                Some(described::Line::Aside) => return,
                None if described::is_heading(text) => return,
                None => {}
            }
        }
        let Several { values, others, said } = several.unwrap_or_else(|| Several::of_one(text));
        let context = self.said(line, &said);
        self.take(values, context);
        for text in others {
            self.problem(line, format_args!("{} is {}", quoted(text), why_none(text)));
        }
    }

    fn take(&mut self, values: Vec<Found<'_>>, context: ContextId) {
        self.values += values.len() as u64;
        for (kind, value) in values {
            self.sink.indicator(kind, &value, context);
        }
    }

    /// Tells of what can be told only when all lines are read.
    fn finish(&mut self) {
        if let Some((count, line, first)) = self.left_out.take() {
            self.sink.problem(
                Some(line),
                format_args!(
                    "values in what is said of others are left out: {count}, the first is {}",
                    quoted(&first)
                ),
            );
        }
    }

    /// The context of values of which something is said.
    fn said(&mut self, line: Line<'_>, said: &str) -> ContextId {
        for value in described::left_out(said) {
            let (count, ..) = self
                .left_out
                .get_or_insert_with(|| (0, line.number, value.to_owned()));
            *count += 1;
        }
        let Some(description) = clip(said, PROSE).filter(|_| self.room > 0) else {
            return self.context;
        };
        self.room -= 1;
        let mut context = self.sink.context(self.context).clone();
        context.tlp = Tlp::stricter(context.tlp, marking::in_text(&description));
        context.description = Some(description);
        self.sink.share_context(context)
    }

    /// A marking at the head of a list marks the list; one further down what follows, and no less than the head.
    fn marking(&mut self, tlp: Option<Tlp>) {
        if tlp.is_none() {
            return;
        }
        if self.values > 0 {
            let tlp = Tlp::stricter(self.head, tlp);
            let bare = self.sink.bare_context();
            self.context = self.sink.share_context(Context { tlp, ..bare });
        } else {
            self.head = Tlp::stricter(self.head, tlp);
            self.sink.context_mut(self.context).tlp = self.head;
        }
    }

    /// A marking in a line without a value. It may be of the list, or of something else: it only makes stricter.
    fn prose(&mut self, text: &str) {
        let tlp = marking::in_text(text);
        if tlp.is_some() {
            self.marking(Tlp::stricter(self.sink.context(self.context).tlp, tlp));
        }
    }

    /// The context of a value that has a marking of its own.
    fn marked(&mut self, tlp: Option<Tlp>) -> ContextId {
        if tlp.is_none() {
            return self.context;
        }
        let mut context = self.sink.context(self.context).clone();
        context.tlp = Tlp::stricter(context.tlp, tlp);
        self.sink.share_context(context)
    }

    fn problem(&mut self, line: Line<'_>, why: std::fmt::Arguments<'_>) {
        self.sink.problem(Some(line.number), why);
    }
}

/// A line may pass for a URL as a whole, but be one with words on it, or several.
fn is_one_and_more(text: &str) -> bool {
    is_url_and_more(text) || several::are_urls(text)
}

/// Whether a line of several values is one, and not a value with some words behind a comma.
fn others_are_told(several: &Several<'_>) -> bool {
    several.others.is_empty() || several.values.len() > 1
}

/// True where bytes that are no UTF-8 stood in a text.
pub(crate) fn has_bad_bytes(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

/// True for an empty line, and one that starts with `#`, `;` or `//`.
pub(crate) fn is_comment(line: &[u8]) -> bool {
    matches!(line, [] | [b'#' | b';', ..] | [b'/', b'/', ..])
}

/// The line up to a comment that stands after white space.
pub(crate) fn without_comment(line: &str) -> &str {
    split_comment(line).0
}

/// True for a line that is a marking and nothing else.
pub(crate) fn marking_alone(line: &[u8]) -> Option<Tlp> {
    let starts = line
        .first()
        .is_some_and(|byte| matches!(byte, b'T' | b't' | b'"' | b'\'' | b'*' | b'['));
    (starts && line.len() < 40)
        .then(|| std::str::from_utf8(line).ok().and_then(marking::alone))
        .flatten()
}

/// The line up to a comment that stands after white space, and that comment.
fn split_comment(line: &str) -> (&str, &str) {
    let bytes = line.as_bytes();
    let starts = |at: usize| {
        bytes[at - 1].is_ascii_whitespace()
            && (matches!(bytes[at], b'#' | b';') || bytes[at..].starts_with(b"//"))
    };
    if !bytes.iter().any(|byte| matches!(byte, b' ' | b'\t')) {
        return (line, "");
    }
    match (1..bytes.len()).find(|&at| starts(at)) {
        Some(at) => (line[..at].trim_end(), &line[at..]),
        None => (line, ""),
    }
}

#[cfg(test)]
mod tests {
    use perisai_model::{Intel, Place};

    use super::*;

    fn load(text: &[u8]) -> Intel {
        let place = Place::file("list.txt");
        let mut intel = Intel::default();
        let mut sink = Sink::new(&place, &mut intel);
        let mut input = text;
        read(&mut input, false, &mut sink).unwrap();
        sink.finish();
        intel
    }

    fn check(text: &str, expected: &[&str]) {
        let intel = load(text.as_bytes());
        let seen: Vec<_> = intel
            .indicators
            .iter()
            .map(|one| format!("{} {}", one.kind, one.value))
            .chain(intel.problems.iter().map(ToString::to_string))
            .collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn lines() {
        check("evil.example\r\n\r\n# c\n; c\n// c\n", &["domain evil.example"]);
        check("hxxp://evil[.]example/a # seen\n", &["url http://evil.example/a"]);
        check(
            "198.51.100.7\t; SBL1\n198.51.100.0/24 // net",
            &["ipv4 198.51.100.7", "cidr 198.51.100.0/24"],
        );
        check("http://evil.example/a//b;c", &["url http://evil.example/a//b;c"]);
        check("\"evil.example\",\n", &["domain evil.example"]);
        check("*.evil.example", &["domain evil.example"]);
        check(
            "ioc\nevil.example\nioc",
            &[
                "domain evil.example",
                "list.txt:3: `ioc` is no value of a known kind",
            ],
        );
        check(
            "ok.example\nhello world\n",
            &[
                "domain ok.example",
                "list.txt:2: `hello world` is no value of a known kind",
            ],
        );
        check(
            "127.0.0.1 localhost\n0.0.0.0 a.example b.example #x",
            &["domain a.example", "domain b.example"],
        );
        check("127.0.0.1", &["ipv4 127.0.0.1"]);
        check(
            "198.51.100.0/33\n0.0.0.0/0\n10.0.0.0/8",
            &[
                "cidr 10.0.0.0/8",
                "list.txt:1: `198.51.100.0/33` is no value of a known kind",
                "list.txt:2: `0.0.0.0/0` is a net wider than /8 (IPv4) or /16 (IPv6): it would match too much",
            ],
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        let intel = load(b"a.example\n\xff\xfe.example\nb.example # \xff\n# \xff comment\n");
        assert_eq!(intel.indicators.len(), 2);
        assert_eq!(intel.problems[0].to_string(), "list.txt:2: not valid UTF-8");
        let long = [b"a.example\n".as_slice(), &vec![b'a'; 200_000], b"\nb.example"].concat();
        let intel = load(&long);
        assert_eq!(intel.indicators.len(), 2);
        assert_eq!(
            intel.problems[0].to_string(),
            "list.txt:2: a line of more than 65536 bytes"
        );
    }

    #[test]
    fn a_list_may_carry_a_marking() {
        let tlp = |text: &str| load(text.as_bytes()).contexts[0].tlp;
        assert_eq!(
            tlp("# TLP:AMBER+STRICT, do not share\nevil.example"),
            Some(Tlp::AmberStrict)
        );
        assert_eq!(tlp("# tlp: green\nevil.example\n# TLP:RED"), Some(Tlp::Green));
        assert_eq!(tlp("# TLP:MAUVE\nevil.example"), Some(Tlp::Red));
        assert_eq!(tlp("# Source: CERT-X  TLP:AMBER\nevil.example"), Some(Tlp::Amber));
        assert_eq!(tlp("TLP:AMBER\nevil.example"), Some(Tlp::Amber));
        assert_eq!(tlp("# TLP:GREEN\n# TLP:RED\nevil.example"), Some(Tlp::Red));
        assert_eq!(tlp("# the TLP is not known\nevil.example"), None);
    }

    #[test]
    fn a_marking_in_prose_marks_what_follows() {
        let check = |text: &str, expected: &[Option<Tlp>]| {
            let intel = load(text.as_bytes());
            let tlp = |at| intel.context(intel.indicators.get(at).context).tlp;
            let seen: Vec<_> = (0..intel.indicators.len()).map(tlp).collect();
            assert_eq!(seen, expected, "{text}");
        };
        let (red, strict, amber) = (Some(Tlp::Red), Some(Tlp::AmberStrict), Some(Tlp::Amber));
        check("IOCs of last night (TLP:AMBER):\n\nevil.net", &[amber]);
        check("see list TLP:AMBER+STRICT please\nevil.net", &[strict]);
        check("a word (TLP:AMBER)\n# TLP:GREEN\nevil.net", &[amber]);
        check("a word\n# TLP:RED\na.net\n# TLP:GREEN\nb.net", &[red, red]);
        check("a.net\nwhat follows is TLP:RED\nb.net", &[None, red]);
        check("# TLP:AMBER\na.net\nthat was TLP:CLEAR\nb.net", &[amber, amber]);
        check("the TLP is not known\nevil.net", &[None]);
    }

    #[test]
    fn urls_end_at_a_blank() {
        check(
            "hxxps://evil[.]net/a.aspx   <- C2\nhttp://b.net/x {y}\n",
            &[
                "url https://evil.net/a.aspx",
                "list.txt:2: `http://b.net/x {y}` is a URL with more behind it that is no note",
            ],
        );
    }

    #[test]
    fn tables_of_markdown_among_other_lines() {
        check(
            "words\n| Indicator | Notes |\n|---|---|\n| `evil[.]net` | C2, was b[.]net |\n| 192.0.2.1 | 192.0.2.2 |\n| x | y |\n```\nc.net\n```\n",
            &[
                "domain evil.net",
                "ipv4 192.0.2.1",
                "ipv4 192.0.2.2",
                "domain c.net",
                "list.txt:1: `words` is no value of a known kind",
                "list.txt:6: `| x | y |`: a row without a value",
                "list.txt:4: values in what is said of others are left out: 1, the first is `b[.]net`",
            ],
        );
    }

    #[test]
    fn a_value_and_a_section_may_carry_a_marking() {
        let intel = load(
            b"# TLP:GREEN\na.example # TLP:RED\nb.example\n# TLP:AMBER\nc.example\n# TLP:CLEAR\nd.example ; x",
        );
        let seen: Vec<_> = intel
            .indicators
            .iter()
            .map(|one| intel.context(one.context).tlp)
            .collect();
        let (green, amber) = (Some(Tlp::Green), Some(Tlp::Amber));
        assert_eq!(seen, [Some(Tlp::Red), green, amber, green]);
        assert!(intel.problems.is_empty());
    }
}
