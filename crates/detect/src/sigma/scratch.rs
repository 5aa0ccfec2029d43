//! One event as rules see it: the values of the fields that rules ask for, as they stood and in lower case.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use perisai_model::{Event, Value};
use rsigma_eval::EventValue;

use super::explain::Seen;
use super::field::{FieldId, Fields};
use super::observation::Interner;

/// Working memory of [`SigmaRules::match_event`](super::SigmaRules::match_event): one a thread, used again for each
/// event. It also remembers what kinds of events went by, for [`SigmaRules::explain`](super::SigmaRules::explain).
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) seen: Seen,
    /// The keys of the logs that the event belongs to, as positions in the routes.
    pub(super) logs: Vec<u32>,
    pub(super) groups: Vec<u32>,
    pub(super) group_marks: Marks,
    pub(super) rule_marks: Marks,
    pub(super) candidates: Vec<u32>,
    pub(super) key: String,
    pub(super) view: View,
    pub(super) interner: Interner,
}

impl Scratch {
    /// What kinds of events went by so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let fields = self.view.slots.iter().map(|slot| slot.round != 0).collect();
        Seen {
            fields,
            ..self.seen.clone()
        }
    }
}

/// A set of small numbers that empties in no time.
#[derive(Debug, Default)]
pub(super) struct Marks {
    round: u32,
    marks: Vec<u32>,
}

impl Marks {
    /// Empties it, and makes room for numbers below `len`.
    pub(super) fn clear(&mut self, len: usize) {
        if self.marks.len() < len {
            self.marks.resize(len, 0);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.marks.fill(0);
            self.round = 1;
        }
    }

    /// Adds a number; true where it was not there.
    pub(super) fn insert(&mut self, at: u32) -> bool {
        let mark = &mut self.marks[at as usize];
        let new = *mark != self.round;
        *mark = self.round;
        new
    }
}

/// The values of one event's fields.
#[derive(Debug, Default)]
pub(super) struct View {
    round: u32,
    slots: Vec<Slot>,
    held: Vec<Held>,
    text: String,
    /// All strings of the event, for keyword rules; filled on demand.
    strings: Vec<Texts>,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    /// The last event that had the field; 0: none so far.
    round: u32,
    rank: u8,
    first: u32,
    last: u32,
}

#[derive(Debug, Clone)]
struct Held {
    kind: Kind,
    texts: Texts,
    next: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Str,
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
}

#[derive(Debug, Clone, Default)]
struct Texts {
    original: Range<u32>,
    lowered: Range<u32>,
}

const NONE: u32 = u32::MAX;

/// One value of a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldValue<'a> {
    /// As text; numbers in decimal; `None` for null.
    pub(super) text: Option<&'a str>,
    /// The same in lower case.
    pub(super) lowered: &'a str,
    /// As a number, where it is or reads as one.
    kind: Kind,
}

impl FieldValue<'_> {
    /// As a number, where it is one or reads as one.
    pub(super) fn number(&self) -> Option<f64> {
        match self.kind {
            Kind::Int(number) => Some(number as f64),
            Kind::Float(number) => Some(number),
            Kind::Str => self.text?.parse().ok(),
            Kind::Bool(_) | Kind::Null => None,
        }
    }
}

impl View {
    /// Takes in an event: every field that `fields` knows.
    pub(super) fn fill(&mut self, fields: &Fields, event: &Event) {
        self.slots.resize(fields.len(), Slot::default());
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.slots.fill(Slot::default());
            self.round = 1;
        }
        self.held.clear();
        self.text.clear();
        self.strings.clear();
        for (name, value) in event.iter() {
            let mut texts = None;
            fields.resolve(name, |id, rank| {
                let texts = texts.get_or_insert_with(|| self.keep(value)).clone();
                self.add(id, rank, kind_of(value), texts);
            });
        }
    }

    /// Takes in all strings of the event, for keyword rules.
    pub(super) fn fill_strings(&mut self, event: &Event) {
        if !self.strings.is_empty() {
            return;
        }
        for (_, value) in event.iter() {
            if let Value::Str(_) = value {
                let texts = self.keep(value);
                self.strings.push(texts);
            }
        }
    }

    /// All strings that [`fill_strings`](Self::fill_strings) took in: as they stood, and in lower case.
    pub(super) fn strings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.strings
            .iter()
            .map(|texts| (self.slice(&texts.original), self.slice(&texts.lowered)))
    }

    /// Adds a text that the event does not hold as such; beside others of the same field where `beside` is set, else
    /// only where there is none.
    pub(super) fn derive(&mut self, id: FieldId, beside: bool, text: &str) {
        let rank = match self.slot(id) {
            Some(slot) if beside => slot.rank,
            Some(_) => return,
            None => 1,
        };
        let texts = self.keep(Value::Str(text));
        self.add(id, rank, Kind::Str, texts);
    }

    /// Lets a field stand for another where the event has only the first.
    pub(super) fn alias(&mut self, from: FieldId, to: FieldId) {
        if self.slot(to).is_some() {
            return;
        }
        let mut at = self.slot(from).map_or(NONE, |slot| slot.first);
        while let Some(held) = self.held.get(at as usize) {
            let Held { kind, texts, next } = held.clone();
            self.add(to, 1, kind, texts);
            at = next;
        }
    }

    /// True where the event has the field.
    pub(super) fn has(&self, id: FieldId) -> bool {
        self.slot(id).is_some()
    }

    /// The values of a field, in order.
    pub(super) fn values(&self, id: FieldId) -> impl Iterator<Item = FieldValue<'_>> {
        let mut at = self.slot(id).map_or(NONE, |slot| slot.first);
        std::iter::from_fn(move || {
            let held = self.held.get(at as usize)?;
            at = held.next;
            Some(self.seen(held))
        })
    }

    /// The first value of a field as text.
    pub(super) fn text(&self, id: FieldId) -> Option<&str> {
        self.values(id).next()?.text
    }

    /// The field as rsigma takes it: a list where it stands several times.
    pub(super) fn rsigma(&self, id: FieldId) -> Option<EventValue<'_>> {
        let slot = self.slot(id)?;
        if slot.first == slot.last {
            return Some(self.rsigma_one(&self.held[slot.first as usize]));
        }
        let mut list = Vec::new();
        let mut at = slot.first;
        while let Some(held) = self.held.get(at as usize) {
            list.push(self.rsigma_one(held));
            at = held.next;
        }
        Some(EventValue::Array(list))
    }

    fn rsigma_one(&self, held: &Held) -> EventValue<'_> {
        match held.kind {
            Kind::Str => EventValue::Str(Cow::Borrowed(self.slice(&held.texts.original))),
            Kind::Int(number) => EventValue::Int(number),
            Kind::Float(number) => EventValue::Float(number),
            Kind::Bool(truth) => EventValue::Bool(truth),
            Kind::Null => EventValue::Null,
        }
    }

    fn seen<'a>(&'a self, held: &Held) -> FieldValue<'a> {
        FieldValue {
            text: (!matches!(held.kind, Kind::Null)).then(|| self.slice(&held.texts.original)),
            lowered: self.slice(&held.texts.lowered),
            kind: held.kind,
        }
    }

    fn slot(&self, id: FieldId) -> Option<&Slot> {
        let slot = &self.slots[id.0 as usize];
        (slot.round == self.round).then_some(slot)
    }

    fn add(&mut self, id: FieldId, rank: u8, kind: Kind, texts: Texts) {
        let slot = &mut self.slots[id.0 as usize];
        let stands = slot.round == self.round;
        if stands && slot.rank > rank {
            return;
        }
        let at = u32::try_from(self.held.len()).expect("a record is under 4 GiB");
        if stands && slot.rank == rank {
            self.held[slot.last as usize].next = at;
            slot.last = at;
        } else {
            *slot = Slot {
                round: self.round,
                rank,
                first: at,
                last: at,
            };
        }
        self.held.push(Held {
            kind,
            texts,
            next: NONE,
        });
    }

    fn keep(&mut self, value: Value<'_>) -> Texts {
        let start = self.text.len() as u32;
        match value {
            Value::Str(text) => self.text.push_str(text),
            Value::Int(number) => {
                write!(self.text, "{number}").expect("writing to a string does not fail");
            }
            Value::Float(number) => {
                write!(self.text, "{number}").expect("writing to a string does not fail");
            }
            Value::Bool(truth) => self.text.push_str(if truth { "true" } else { "false" }),
            Value::Null => {}
        }
        let end = self.text.len() as u32;
        let original = start..end;
        let Value::Str(text) = value else {
            return Texts {
                lowered: original.clone(),
                original,
            };
        };
        if text.is_ascii() {
            if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                self.text.push_str(text);
                self.text[end as usize..].make_ascii_lowercase();
            } else {
                return Texts {
                    lowered: original.clone(),
                    original,
                };
            }
        } else {
            // Rules are folded by `to_lowercase`, so events have to be folded by the same, final sigma and all.
            self.text.push_str(&text.to_lowercase());
        }
        Texts {
            original,
            lowered: end..self.text.len() as u32,
        }
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        &self.text[range.start as usize..range.end as usize]
    }
}

fn kind_of(value: Value<'_>) -> Kind {
    match value {
        Value::Str(_) => Kind::Str,
        Value::Int(number) => Kind::Int(number),
        Value::Float(number) => Kind::Float(number),
        Value::Bool(truth) => Kind::Bool(truth),
        Value::Null => Kind::Null,
    }
}

/// A [`View`] as rsigma's matchers ask it.
pub(super) struct RsigmaEvent<'a> {
    pub(super) fields: &'a Fields,
    pub(super) view: &'a View,
}

impl rsigma_eval::Event for RsigmaEvent<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        self.view.rsigma(self.fields.known(path)?)
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        self.view.strings().any(|(original, _)| pred(original))
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        self.view
            .strings()
            .map(|(original, _)| Cow::Borrowed(original))
            .collect()
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
