//! A line or record as it was searched, and what a finding keeps of it.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use perisai_detect::indicator::Hit;
use perisai_model::{Event, Finding, Place, RuleInfo};

/// The longest piece of a line that a finding keeps, in bytes.
pub(super) const LINE: usize = 2048;
/// The most of an event's fields that its findings keep, in bytes.
const EVENT: usize = 64 << 10;

/// A line or record as it stands.
pub(super) struct Item<'a> {
    pub(super) place: Place,
    /// The bytes that were scanned.
    pub(super) bytes: &'a [u8],
    /// Where in them the line or record stands.
    pub(super) range: Range<usize>,
    /// For bytes that say again what stands in the line: from where on, and where in the line. In order.
    pub(super) stood: &'a [(usize, Range<usize>)],
    /// Its fields, where it has any; its time in either case.
    pub(super) event: &'a Event,
    pub(super) has_fields: bool,
    /// The fields as findings keep them, made for the first.
    pub(super) kept: OnceCell<Arc<Event>>,
}

impl Item<'_> {
    pub(super) fn finding(&self, rule: Arc<RuleInfo>, matched: String) -> Finding {
        Finding {
            time: self.event.time,
            time_text: self.event.time_text.clone(),
            rule,
            observable: None,
            matched,
            place: self.place.clone(),
            flags: Vec::new(),
            host: self
                .has_fields
                .then(|| perisai_events::host(self.event).map(str::to_owned))
                .flatten(),
            client: self
                .has_fields
                .then(|| perisai_events::client(self.event).map(str::to_owned))
                .flatten(),
            line: None,
            event: self
                .has_fields
                .then(|| Arc::clone(self.kept.get_or_init(|| Arc::new(self.event.limited(EVENT))))),
        }
    }

    /// Where that which was hit stands in the line itself.
    pub(super) fn stood(&self, hit: &Hit) -> Range<usize> {
        let behind = self.stood.partition_point(|(from, _)| *from <= hit.start);
        let said = behind.checked_sub(1).map(|at| self.stood[at].1.clone());
        said.unwrap_or(hit.start..hit.end)
    }

    /// The line as people read it, cut to a limit; `None` where its fields are better to read: a record of Windows, JSON
    /// or XML.
    pub(super) fn line(&self, most: usize) -> Option<String> {
        let range = self.line_of(&(self.range.start..self.range.start));
        let line = &self.bytes[range];
        let is_record = match line.trim_ascii_start() {
            [b'{', ..] => true,
            [b'<', next, ..] => !next.is_ascii_digit(),
            _ => self.event.format == "evtx",
        };
        (!is_record && !line.is_empty()).then(|| cut(line, most))
    }

    /// The line around a hit, cut to a limit on both sides.
    pub(super) fn line_around(&self, hit: &Range<usize>) -> String {
        let line = self.line_of(hit);
        if line.len() <= LINE {
            return String::from_utf8_lossy(&self.bytes[line]).into_owned();
        }
        let start = line.start.max(hit.start.saturating_sub(LINE / 2));
        let end = line.end.min(start + LINE);
        let (before, behind) = (
            if start > line.start { "…" } else { "" },
            if end < line.end { "…" } else { "" },
        );
        format!(
            "{before}{}{behind}",
            String::from_utf8_lossy(&self.bytes[start..end])
        )
    }

    /// Of a record's text that was put together from its fields, only the field. Of a longer line no more than shows
    /// that it is one: there may be as many hits in it as it has words.
    fn line_of(&self, hit: &Range<usize>) -> Range<usize> {
        let range = self.range.start.min(hit.start)..self.range.end.max(hit.end);
        let range = range.start.max(hit.start.saturating_sub(LINE + 1))..range.end.min(hit.end + LINE + 1);
        let before = self.bytes[range.start..hit.start]
            .iter()
            .rposition(|&byte| byte == b'\n');
        let behind = self.bytes[hit.end..range.end]
            .iter()
            .position(|&byte| byte == b'\n');
        before.map_or(range.start, |at| range.start + at + 1)..behind.map_or(range.end, |at| hit.end + at)
    }
}

/// Text of at most so many bytes; lossy UTF-8.
pub(super) fn cut(bytes: &[u8], most: usize) -> String {
    if bytes.len() <= most {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    format!("{}…", String::from_utf8_lossy(&bytes[..most]))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// What a finding says of a line around a hit.
    fn around(bytes: &[u8], hit: Range<usize>) -> String {
        let event = Event::default();
        let item = Item {
            place: Place::file("t"),
            bytes,
            range: 0..bytes.len(),
            stood: &[],
            event: &event,
            has_fields: false,
            kept: OnceCell::new(),
        };
        item.line_around(&hit)
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let check = |before: usize, behind: usize, expected: (&str, usize, usize, &str)| {
            let (a, b) = ("a".repeat(before), "b".repeat(behind));
            let text = format!("x\n{a}HIT{b}\ny");
            let at = 2 + before;
            let (open, kept_before, kept_behind, close) = expected;
            let expected = format!(
                "{open}{}HIT{}{close}",
                "a".repeat(kept_before),
                "b".repeat(kept_behind)
            );
            assert_eq!(around(text.as_bytes(), at..at + 3), expected, "{before} {behind}");
        };
        check(0, 0, ("", 0, 0, ""));
        check(LINE - 3, 0, ("", LINE - 3, 0, ""));
        check(0, LINE - 3, ("", 0, LINE - 3, ""));
        check(LINE - 2, 0, ("…", LINE / 2, 0, ""));
        check(0, LINE - 2, ("", 0, LINE - 3, "…"));
        check(5 * LINE, 5 * LINE, ("…", LINE / 2, LINE / 2 - 3, "…"));
    }

    #[test]
    fn many_hits_in_one_long_line_cost_no_more_than_as_many_lines() {
        let line = vec![b'x'; 16 << 20];
        let since = Instant::now();
        for hit in 0..2000 {
            let at = hit * 8000;
            assert!(around(&line, at..at + 1).len() <= LINE + 6);
        }
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    }
}
