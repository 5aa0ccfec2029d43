//! Searches one block: values in its bytes, rules on its events.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use perisai_detect::indicator::{Hit, Scanner};
use perisai_detect::pattern::{self, PatternHit};
use perisai_detect::sigma::{self, SigmaHit};
use perisai_detect::{Detector, Matched};
use perisai_events::{Block, Layout};
use perisai_model::{Event, Finding, Place, Position, Problem, RuleInfo, Value};

use super::Settings;
use super::item::{Item, LINE, cut};
use super::open::OpenEvents;
use crate::stop::Stop;

/// The longest matched text that a finding keeps, in bytes.
const MATCHED: usize = 1024;

/// Where so much was found in a block, the rest waits until that is written.
const MOST: usize = 4_000;

/// So many bytes are scanned at once, and what stands in them is found before the next.
const PART: usize = 8 << 10;

/// What is said of so many indicators is kept for their next match.
const MOST_KEPT: usize = 1 << 16;

/// What was found in a block.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    /// What is concluded after the scan.
    pub(super) open: OpenEvents,
    pub(super) bytes: u64,
    pub(super) lines: u64,
    pub(super) records: u64,
    pub(super) untimed: u64,
    pub(super) suppressed: BTreeMap<String, u64>,
    pub(super) problems: Vec<Problem>,
}

impl Found {
    /// How much there is to hold: findings, and events that may become part of one.
    pub(super) fn weight(&self) -> usize {
        self.findings.len() + self.open.len()
    }
}

/// Which kinds of events went by.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) sigma: sigma::Seen,
    pub(super) patterns: pattern::Seen,
}

/// Searches blocks for one thread.
pub(super) struct Searcher<'a> {
    detector: &'a Detector,
    stop: &'a Stop,
    scanner: Scanner<'a>,
    tools: Tools<'a>,
    hits: Vec<Hit>,
    event: Event,
    text: Vec<u8>,
}

/// All that is needed beside the scanner, to make findings.
struct Tools<'a> {
    detector: &'a Detector,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    no_suppress: bool,
    matched: HashMap<u32, Arc<Matched>>,
    sigma: sigma::Scratch,
    patterns: pattern::Scratch,
    sigma_hits: Vec<SigmaHit>,
    pattern_hits: Vec<PatternHit>,
    found: Found,
}

impl<'a> Searcher<'a> {
    pub(super) fn new(detector: &'a Detector, settings: &'a Settings) -> Self {
        let tools = Tools {
            detector,
            since: settings.since,
            until: settings.until,
            no_suppress: settings.no_suppress,
            matched: HashMap::new(),
            sigma: sigma::Scratch::default(),
            patterns: pattern::Scratch::default(),
            sigma_hits: Vec::new(),
            pattern_hits: Vec::new(),
            found: Found::default(),
        };
        let scanner = detector.indicators.scanner();
        Self {
            detector,
            stop: &settings.stop,
            scanner,
            tools,
            hits: Vec::new(),
            event: Event::default(),
            text: Vec::new(),
        }
    }

    /// Which kinds of events went by, for rules that never had a chance.
    pub(super) fn add_seen(&self, seen: &mut Seen) {
        seen.sigma.merge(&self.tools.sigma.seen());
        seen.patterns.merge(self.tools.patterns.seen());
    }

    /// Searches a block from a place on; gives what was found, and where the rest begins if there is so much that it
    /// must be written first. Where the user wants no more, gives what was found until then.
    pub(super) fn search(&mut self, block: &Block, from: usize) -> (Found, Option<usize>) {
        let rest = match block.layout {
            Layout::EvtxChunk => {
                self.search_chunk(block);
                None
            }
            _ if block.retells() => self.search_retold(block, from),
            _ if self.detector.needs_events() => self.search_items(block, from),
            _ => self.search_bytes(block, from),
        };
        let found = &mut self.tools.found;
        found.open.seal();
        if rest.is_none() {
            found.bytes = block.bytes.len() as u64;
            match block.layout {
                Layout::Lines => found.lines = block.count,
                Layout::Records(_) => found.records = block.count,
                Layout::EvtxChunk => {}
            }
        }
        (std::mem::take(found), rest)
    }

    /// Only values are looked for: fields are read where there is a hit.
    fn search_bytes(&mut self, block: &Block, mut from: usize) -> Option<usize> {
        let mut cursor = block.cursor();
        while from < block.bytes.len() {
            if self.tools.found.weight() >= MOST {
                return Some(from);
            }
            let end = self.scan(block, from, from);
            let mut at = 0;
            while at < self.hits.len() && !self.stop.is_set() {
                let (position, range) = cursor.locate(self.hits[at].start)?;
                let behind = self.hits[at..]
                    .iter()
                    .take_while(|hit| hit.start < range.end.max(range.start + 1))
                    .count();
                let hits = at..at + behind.max(1);
                at = hits.end;
                self.search_item(block, position, range, hits);
            }
            from = end;
        }
        None
    }

    /// Rules are looked for, too: every line's fields are read.
    fn search_items(&mut self, block: &Block, from: usize) -> Option<usize> {
        let (mut at, mut scanned) = (0, from);
        let mut items = block
            .items()
            .skip_while(|(_, range)| range.start < from)
            .peekable();
        while let Some((position, range)) = items.next().filter(|_| !self.stop.is_set()) {
            if range.start >= scanned {
                if self.tools.found.weight() >= MOST {
                    return Some(range.start);
                }
                scanned = self.scan(block, scanned, range.start);
                at = 0;
            }
            let next = items.peek().map_or(usize::MAX, |(_, next)| next.start);
            let hits = at..at + self.hits[at..].iter().take_while(|hit| hit.start < next).count();
            at = hits.end;
            self.search_item(block, position, range, hits);
        }
        None
    }

    /// Scans a part of a block: from a place on, and some more lines or records behind a second one. Gives where it
    /// ends.
    fn scan(&mut self, block: &Block, from: usize, behind: usize) -> usize {
        let bytes = &block.bytes;
        let least = bytes.len().min(behind + PART);
        let end = match &block.layout {
            Layout::Records(ranges) => {
                let next = ranges.partition_point(|range| range.start < least);
                ranges.get(next).map_or(bytes.len(), |range| range.start)
            }
            _ => memchr::memchr(b'\n', &bytes[least..]).map_or(bytes.len(), |length| least + length + 1),
        };
        self.hits.clear();
        self.scanner.scan(&bytes[from..end], &mut self.hits);
        for hit in &mut self.hits {
            hit.start += from;
            hit.end += from;
        }
        end
    }

    /// Lines that write values in a way of their own: each is searched with what it says in the usual way behind it.
    fn search_retold(&mut self, block: &Block, from: usize) -> Option<usize> {
        let (mut text, mut stood) = (std::mem::take(&mut self.text), Vec::new());
        let mut rest = None;
        let items = block.items().skip_while(|(_, range)| range.start < from);
        for (position, range) in items.take_while(|_| !self.stop.is_set()) {
            if self.tools.found.weight() >= MOST {
                rest = Some(range.start);
                break;
            }
            text.clear();
            stood.clear();
            self.hits.clear();
            text.extend_from_slice(&block.bytes[range.clone()]);
            text.push(b'\n');
            block.retell(range.clone(), &mut text, &mut stood);
            self.scanner.scan(&text, &mut self.hits);
            if self.hits.is_empty() && !self.detector.needs_events() {
                continue;
            }
            let has_fields = block.fields(range, &mut self.event);
            let item = Item {
                place: Place {
                    position: Some(position),
                    ..block.stream.place.clone()
                },
                bytes: &text,
                range: 0..text.len(),
                stood: &stood,
                event: &self.event,
                has_fields,
                kept: OnceCell::new(),
            };
            self.tools.values(&item, &self.hits);
            self.tools.rules(&item);
        }
        self.text = text;
        rest
    }

    /// One line or record, and the hits in it.
    fn search_item(&mut self, block: &Block, position: Position, range: Range<usize>, hits: Range<usize>) {
        let has_fields = block.fields(range.clone(), &mut self.event);
        let place = Place {
            position: Some(position),
            ..block.stream.place.clone()
        };
        let item = Item {
            place,
            bytes: &block.bytes,
            range,
            stood: &[],
            event: &self.event,
            has_fields,
            kept: OnceCell::new(),
        };
        self.tools.values(&item, &self.hits[hits]);
        if self.detector.needs_events() {
            self.tools.rules(&item);
        }
    }

    /// Windows events: values are looked for in the text of their fields.
    fn search_chunk(&mut self, block: &Block) {
        let mut room = std::mem::take(&mut self.event);
        let mut problems = Vec::new();
        let (scanner, tools, hits, text) =
            (&mut self.scanner, &mut self.tools, &mut self.hits, &mut self.text);
        let stop = self.stop;
        let mut each = |position: Position, event: &Event| {
            if stop.is_set() {
                return;
            }
            tools.found.records += 1;
            text.clear();
            hits.clear();
            if !tools.detector.indicators.is_empty() {
                write_text(event, text);
                scanner.scan(text, hits);
            }
            let place = Place {
                position: Some(position),
                ..block.stream.place.clone()
            };
            let item = Item {
                place,
                bytes: text,
                range: 0..text.len(),
                stood: &[],
                event,
                has_fields: true,
                kept: OnceCell::new(),
            };
            tools.values(&item, hits);
            tools.rules(&item);
        };
        block.each_event(&mut room, &mut each, &mut |problem| problems.push(problem));
        self.tools.found.problems.append(&mut problems);
        self.event = room;
    }
}

/// The text of an event's fields, a line each.
fn write_text(event: &Event, text: &mut Vec<u8>) {
    for (_, value) in event.iter() {
        if let Value::Str(value) = value {
            text.extend_from_slice(value.as_bytes());
            text.push(b'\n');
        }
    }
}

impl Tools<'_> {
    /// Values that stand in a line or record: one finding for each.
    fn values(&mut self, item: &Item<'_>, hits: &[Hit]) {
        if hits.is_empty() || !self.in_time(item.event) {
            return;
        }
        let mut done = HashSet::new();
        let event = item.has_fields.then_some(item.event);
        let indicators = &self.detector.indicators;
        for hit in hits.iter().filter(|hit| !hit.apart) {
            let (kind, value) = indicators.value(hit.indicator);
            if self.detector.counts(kind, value, event) && done.insert(hit.indicator) {
                let stood = item.stood(hit);
                let text = cut(&item.bytes[stood.clone()], MATCHED);
                self.push_value(item, &stood, hit.indicator, text);
            }
        }
        let apart = hits.iter().find(|hit| hit.apart);
        let (Some(hit), Some(event)) = (apart, event) else {
            return;
        };
        let stood = item.stood(hit);
        for (indicator, url) in indicators.urls_in_fields(event) {
            if done.insert(indicator) {
                self.push_value(item, &stood, indicator, cut(url.as_bytes(), MATCHED));
            }
        }
    }

    /// An indicator as which a text counts, and where that stood.
    fn push_value(&mut self, item: &Item<'_>, stood: &Range<usize>, indicator: u32, text: String) {
        let matched = self.matched(indicator);
        if let Some(list) = matched.false_positive.as_ref().filter(|_| !self.no_suppress) {
            *self.found.suppressed.entry(list.clone()).or_default() += 1;
            return;
        }
        self.found.untimed += u64::from(self.is_windowed() && item.event.time.is_none());
        let finding = Finding {
            observable: Some(matched.observed.clone()),
            flags: matched.flags(item.event.time),
            line: Some(item.line_around(stood)),
            ..item.finding(Arc::clone(&matched.rule), text)
        };
        self.found.findings.push(finding);
    }

    /// Sigma rules and STIX patterns on an event.
    fn rules(&mut self, item: &Item<'_>) {
        if !item.has_fields || !self.in_time(item.event) {
            return;
        }
        self.sigma_hits.clear();
        self.pattern_hits.clear();
        self.detector
            .sigma
            .match_event(item.event, &mut self.sigma, &mut self.sigma_hits);
        self.detector
            .patterns
            .match_event(item.event, &mut self.patterns, &mut self.pattern_hits);
        let hits = (
            std::mem::take(&mut self.sigma_hits),
            std::mem::take(&mut self.pattern_hits),
        );
        let mut open = (Vec::new(), Vec::new());
        for hit in &hits.0 {
            open.0.extend(hit.observations.iter().cloned());
            if hit.generates {
                self.push_rule(item, self.detector.sigma.info(hit.rule), &hit.text());
            }
        }
        for hit in &hits.1 {
            if hit.single {
                self.push_rule(item, self.detector.patterns.info(hit.pattern), &hit.matched);
            } else {
                open.1.push(pattern::Observation {
                    pattern: hit.pattern,
                    hit: hit.hit.clone(),
                    order: 0,
                });
            }
        }
        if !open.0.is_empty() || !open.1.is_empty() {
            self.found.open.push(item, open.0, open.1);
        }
        (self.sigma_hits, self.pattern_hits) = hits;
    }

    fn push_rule(&mut self, item: &Item<'_>, rule: &Arc<RuleInfo>, matched: &str) {
        self.found.untimed += u64::from(self.is_windowed() && item.event.time.is_none());
        let text = cut(matched.as_bytes(), MATCHED);
        let finding = Finding {
            line: item.line(LINE),
            flags: rule.valid.flags(item.event.time),
            ..item.finding(Arc::clone(rule), text)
        };
        self.found.findings.push(finding);
    }

    fn matched(&mut self, indicator: u32) -> Arc<Matched> {
        let detector = self.detector;
        if self.matched.len() >= MOST_KEPT {
            self.matched.clear();
        }
        Arc::clone(
            self.matched
                .entry(indicator)
                .or_insert_with(|| Arc::new(detector.matched(indicator))),
        )
    }

    fn is_windowed(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// False where the event is known to be outside the time that was asked for, by every time that it has.
    fn in_time(&self, event: &Event) -> bool {
        let is_in = |time: Timestamp| {
            self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
        };
        event.time.is_none_or(is_in) || event.other_time.is_some_and(is_in)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use perisai_model::{Context, Intel, Kind, Rule, RuleLanguage};

    use super::*;

    #[test]
    fn a_record_counts_by_its_own_time_or_its_wrappers() {
        let check = |line: &str, expected: usize| {
            let detector = detector(&["evil.example"], None);
            let settings = Settings {
                since: Some("2026-01-01T00:00:00Z".parse().unwrap()),
                ..Settings::default()
            };
            let mut searcher = Searcher::new(&detector, &settings);
            let (found, _) = searcher.search(&blocks(line, &settings)[0], 0);
            assert_eq!(found.findings.len(), expected, "{line}");
        };
        let inner = r#"{"ts":"2020-01-01T00:00:00Z","u":"evil.example"}"#;
        check(&format!("{inner}\n"), 0);
        check(&format!("2026-03-01T00:00:00Z stdout F {inner}\n"), 1);
        check(&format!("2021-03-01T00:00:00Z stdout F {inner}\n"), 0);
        check(
            "2021-03-01T00:00:00Z stdout F {\"ts\":\"2026-01-01T00:00:00Z\",\"u\":\"evil.example\"}\n",
            1,
        );
    }

    #[test]
    fn a_busy_block_gives_up_at_the_wish_to_end() {
        let (detector, settings) = (detector(&["evil.example"], None), Settings::default());
        let block = &blocks(&"to evil.example\n".repeat(1000), &settings)[0];
        let mut searcher = Searcher::new(&detector, &settings);
        assert_eq!(searcher.search(block, 0).0.findings.len(), 1000);
        settings.stop.flag().store(true, Ordering::Relaxed);
        assert_eq!(searcher.search(block, 0).0.findings.len(), 0);
    }

    #[test]
    fn a_block_with_much_in_it_is_searched_in_parts() {
        check_parts("to a.evil.example\n", None);
        check_parts("{\"q\":\"\\u0061.evil.example\"}\n", None);
        // With rules every line's fields are read, another way.
        let rule = "[url:value = 'http://a.evil.example/x' AND ipv4-addr:value = '192.0.2.1']";
        check_parts("to a.evil.example\n", Some(rule));
        check_parts("{\"q\":\"\\u0061.evil.example\"}\n", Some(rule));
    }

    fn check_parts(line: &str, rule: Option<&str>) {
        let detector = detector(&["evil.example", "a.evil.example"], rule);
        let settings = Settings::default();
        let lines = 10_000;
        let mut searcher = Searcher::new(&detector, &settings);
        let mut findings = Vec::new();
        for block in &blocks(&line.repeat(lines), &settings) {
            let mut rest = Some(0);
            while let Some(from) = rest {
                let (found, behind) = searcher.search(block, from);
                // What stands in one part of a block may come on top.
                assert!(found.weight() < 2 * MOST, "{}", found.weight());
                findings.extend(found.findings.into_iter().map(|finding| finding.place.position));
                rest = behind;
            }
        }
        let expected = (1..=lines as u64).flat_map(|line| [Some(Position::Line(line)); 2]);
        assert!(findings.into_iter().eq(expected), "{line}");
    }

    /// Looks for domains, and for what a STIX pattern means.
    fn detector(names: &[&str], pattern: Option<&str>) -> Detector {
        let mut intel = Intel::default();
        let context = intel.add_context(Context::default());
        for name in names {
            intel.indicators.push(Kind::Domain, name, context);
        }
        intel.rules.extend(pattern.map(|text| Rule {
            language: RuleLanguage::StixPattern,
            text: text.into(),
            context,
            place: Place::file("r"),
        }));
        let (detector, problems) = Detector::compile(intel, Vec::new());
        assert_eq!(
            (problems, detector.needs_events()),
            (Vec::new(), pattern.is_some())
        );
        detector
    }

    /// A text in blocks.
    fn blocks(text: &str, settings: &Settings) -> Vec<Block> {
        let mut blocks = Blocks::default();
        let input = perisai_events::Input::Stream(&mut text.as_bytes());
        perisai_events::read(Place::file("t"), None, input, &settings.read, &mut blocks);
        blocks.0
    }

    #[derive(Default)]
    struct Blocks(Vec<Block>);

    impl perisai_events::Sink for Blocks {
        fn buffer(&mut self) -> Vec<u8> {
            Vec::new()
        }

        fn block(&mut self, block: Block) -> std::ops::ControlFlow<()> {
            self.0.push(block);
            std::ops::ControlFlow::Continue(())
        }

        fn problem(&mut self, problem: Problem) {
            panic!("{problem}");
        }
    }
}
