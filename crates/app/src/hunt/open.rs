//! Events that may become part of something longer (Sigma correlations, STIX sequences), held until all have been seen.
//! There may be a million of them: what a finding says of each is packed, some at a time.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use perisai_detect::{pattern, sigma};
use perisai_model::{Event, Finding, Place, RuleInfo, Value};
use serde::{Deserialize, Serialize};

use super::item::Item;

/// The most of an event's fields that are kept, in bytes.
const EVENT: usize = 2 << 10;
/// The same of its line.
const LINE: usize = 512;
/// So many bytes are packed at once.
const PORTION: usize = 16 << 10;

/// Events in order, and what they may be part of.
#[derive(Debug, Default)]
pub(super) struct OpenEvents {
    events: Vec<OpenEvent>,
    /// Packed; the last events may still stand in `filling`.
    portions: Vec<Box<[u8]>>,
    filling: Vec<u8>,
    /// Of the events, by their position.
    pub(super) sigma: Vec<sigma::Observation>,
    pub(super) patterns: Vec<pattern::Observation>,
}

#[derive(Debug)]
struct OpenEvent {
    place: Place,
    time: Option<Timestamp>,
    format: &'static str,
    /// What else is to be said: in which portion, and where there.
    portion: u32,
    at: u32,
}

/// What is packed of an event.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    #[serde(borrow)]
    time_text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    host: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client: Option<Cow<'a, str>>,
    #[serde(borrow)]
    line: Option<Cow<'a, str>>,
    #[serde(borrow)]
    fields: Vec<(&'a str, PackedValue<'a>)>,
}

#[derive(Serialize, Deserialize)]
enum PackedValue<'a> {
    Str(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
}

impl OpenEvents {
    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds an event, and what it may be part of.
    pub(super) fn push(
        &mut self,
        item: &Item<'_>,
        sigma: Vec<sigma::Observation>,
        patterns: Vec<pattern::Observation>,
    ) {
        let order = self.events.len() as u64;
        self.events.push(OpenEvent {
            place: item.place.clone(),
            time: item.event.time,
            format: item.event.format,
            portion: self.portions.len() as u32,
            at: self.filling.len() as u32,
        });
        for mut observation in sigma {
            observation.order = order;
            self.sigma.push(observation);
        }
        for mut observation in patterns {
            observation.order = order;
            self.patterns.push(observation);
        }
        let fields = item.event.limited(EVENT);
        let packed = Packed {
            time_text: fields.time_text.as_deref().map(Cow::Borrowed),
            host: perisai_events::host(item.event).map(Cow::Borrowed),
            client: perisai_events::client(item.event).map(Cow::Borrowed),
            line: item.line(LINE).map(Cow::Owned),
            fields: fields.iter().map(|(name, value)| (name, value.into())).collect(),
        };
        let filling = std::mem::take(&mut self.filling);
        self.filling = postcard::to_extend(&packed, filling).expect("texts and numbers can be written");
        if self.filling.len() >= PORTION {
            self.seal();
        }
    }

    /// Packs what is not yet packed.
    pub(super) fn seal(&mut self) {
        if !self.filling.is_empty() {
            self.portions
                .push(lz4_flex::compress_prepend_size(&self.filling).into());
            self.filling = Vec::new();
        }
    }

    /// Adds sealed events behind its own, up to so many in all; gives how many had no room.
    pub(super) fn append(&mut self, other: Self, most: usize) -> usize {
        let (own, room) = (self.len() as u64, most.saturating_sub(self.len()));
        let portions = self.portions.len() as u32;
        let left = other.len().saturating_sub(room);
        self.portions.extend(other.portions);
        self.events
            .extend(other.events.into_iter().take(room).map(|event| OpenEvent {
                portion: event.portion + portions,
                ..event
            }));
        for mut observation in other.sigma {
            if observation.order < room as u64 {
                observation.order += own;
                self.sigma.push(observation);
            }
        }
        for mut observation in other.patterns {
            if observation.order < room as u64 {
                observation.order += own;
                self.patterns.push(observation);
            }
        }
        left
    }

    /// To read the events, sealed.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            open: self,
            unpacked: None,
        }
    }
}

/// Unpacks events. Those that stand side by side are unpacked at once.
pub(super) struct Reader<'a> {
    open: &'a OpenEvents,
    unpacked: Option<(u32, Vec<u8>)>,
}

impl Reader<'_> {
    /// Where an event stands.
    pub(super) fn place(&self, order: u64) -> &Place {
        &self.open.events[order as usize].place
    }

    /// An event as the finding of a rule.
    pub(super) fn finding(&mut self, order: u64, rule: &Arc<RuleInfo>, matched: String) -> Finding {
        let head = &self.open.events[order as usize];
        if self
            .unpacked
            .as_ref()
            .is_none_or(|(portion, _)| *portion != head.portion)
        {
            let packed = &self.open.portions[head.portion as usize];
            let bytes = lz4_flex::decompress_size_prepended(packed).expect("as it was packed");
            self.unpacked = Some((head.portion, bytes));
        }
        let bytes = self.unpacked.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let packed: Packed<'_> = postcard::from_bytes(&bytes[head.at as usize..]).expect("as it was packed");
        let time_text = packed.time_text.map(Cow::into_owned);
        let mut event = Event::default();
        for (name, value) in packed.fields {
            event.push(name, value.into());
        }
        event.format = head.format;
        event.time = head.time;
        event.time_text.clone_from(&time_text);
        Finding {
            time: head.time,
            time_text,
            rule: Arc::clone(rule),
            observable: None,
            matched,
            place: head.place.clone(),
            flags: rule.valid.flags(head.time),
            host: packed.host.map(Cow::into_owned),
            client: packed.client.map(Cow::into_owned),
            line: packed.line.map(Cow::into_owned),
            event: Some(Arc::new(event)),
        }
    }
}

impl<'a> From<Value<'a>> for PackedValue<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Str(text) => Self::Str(text),
            Value::Int(number) => Self::Int(number),
            Value::Float(number) => Self::Float(number),
            Value::Bool(truth) => Self::Bool(truth),
            Value::Null => Self::Null,
        }
    }
}

impl<'a> From<PackedValue<'a>> for Value<'a> {
    fn from(value: PackedValue<'a>) -> Self {
        match value {
            PackedValue::Str(text) => Self::Str(text),
            PackedValue::Int(number) => Self::Int(number),
            PackedValue::Float(number) => Self::Float(number),
            PackedValue::Bool(truth) => Self::Bool(truth),
            PackedValue::Null => Self::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::OnceCell;

    use perisai_detect::Detector;
    use perisai_model::{Context, Intel, Kind};

    use super::*;

    fn push(open: &mut OpenEvents, line: u64, text: &str) {
        let mut event = Event::default();
        event.push_str("text", text);
        event.push("n", Value::Int(-7));
        event.push("x", Value::Float(0.1));
        event.push("t", Value::Bool(true));
        event.push("none", Value::Null);
        event.push_str("text", "again");
        event.format = "json";
        event.time = Some(Timestamp::UNIX_EPOCH);
        event.time_text = Some("then".to_owned());
        let item = Item {
            place: Place::file("a").line(line),
            bytes: text.as_bytes(),
            range: 0..text.len(),
            stood: &[],
            event: &event,
            has_fields: true,
            kept: OnceCell::new(),
        };
        open.push(&item, Vec::new(), Vec::new());
    }

    #[test]
    fn events_come_back_as_they_were_from_any_portion() {
        let mut intel = Intel::default();
        let context = intel.add_context(Context::default());
        intel.indicators.push(Kind::Domain, "evil.example", context);
        let rule = Detector::compile(intel, Vec::new()).0.matched(0).rule;
        let mut all = OpenEvents::default();
        let mut left = 0;
        for part in 0..3 {
            let mut open = OpenEvents::default();
            (0..400).for_each(|at| {
                push(
                    &mut open,
                    part * 400 + at,
                    &format!("{part}-{at} {}", "ä".repeat(100)),
                )
            });
            open.seal();
            left += all.append(open, 1_000);
        }
        assert_eq!((all.len(), left), (1_000, 200));
        assert!(all.portions.len() > 10, "{}", all.portions.len());
        let packed: usize = all.portions.iter().map(|portion| portion.len()).sum();
        assert!(packed < 100_000, "{packed}");
        let mut reader = all.reader();
        for order in [999, 0, 401, 400, 399] {
            let finding = reader.finding(order, &rule, "m".to_owned());
            let (part, at) = (order / 400, order % 400);
            let text = format!("{part}-{at} {}", "ä".repeat(100));
            assert_eq!(finding.place, Place::file("a").line(order));
            assert_eq!(finding.line.as_ref(), Some(&text));
            assert_eq!(finding.time_text.as_deref(), Some("then"));
            let event = finding.event.unwrap();
            let fields: Vec<_> = event.iter().collect();
            let expected = [
                ("text", Value::Str(&text)),
                ("n", Value::Int(-7)),
                ("x", Value::Float(0.1)),
                ("t", Value::Bool(true)),
                ("none", Value::Null),
                ("text", Value::Str("again")),
            ];
            assert_eq!(fields, expected);
            assert_eq!(event.format, "json");
        }
    }
}
