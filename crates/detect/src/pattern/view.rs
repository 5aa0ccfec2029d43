//! An event as the values of each slot, and as the observation that a pattern is asked about.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use perisai_model::{Event, Value};
use perisai_pattern::{Interval, Micros, ObjectPath, Operand, RootId};

use super::compile::{Compiled, PathUse};
use super::derive::{Fold, Found, Take};
use super::explain::Seen;
use super::index::Marks;
use super::mapping::{Mapping, Use, composed_url};

/// The one root object: all parts of an event belong together.
const ROOT: RootId = 0;

/// The most values of one slot.
const MAX_VALUES: usize = 4_096;

/// The most bytes of text of one event; what is beyond is not looked at.
const MAX_TEXT: usize = 64 << 20;

/// What one thread needs to match events; kept from event to event for its memory.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) view: View,
    pub(super) expressions: Marks,
    pub(super) literals: Marks,
    pub(super) candidates: Vec<u32>,
    pub(super) seen: Seen,
}

impl Scratch {
    /// Which paths had a value in the events so far, for [`StixPatterns::explain_seen`](super::StixPatterns::explain_seen).
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }
}

/// The values of an event's slots.
#[derive(Debug, Default)]
pub(super) struct View {
    text: String,
    slots: Vec<Vec<Item>>,
    /// The slots that have values.
    filled: Vec<u32>,
    name: String,
    interval: Option<Interval>,
}

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// As it stood in the event.
    stood: Range<usize>,
    shown: Shown,
    /// The same for all spellings of the value.
    key: Range<usize>,
}

#[derive(Debug, Clone)]
enum Shown {
    Text(Range<usize>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
}

impl View {
    /// Takes an event in.
    pub(super) fn fill(&mut self, mapping: &Mapping, event: &Event) {
        for slot in self.filled.drain(..) {
            self.slots[slot as usize].clear();
        }
        // Another set of patterns may have used this before.
        self.slots.resize_with(mapping.len(), Vec::new);
        self.text.clear();
        self.interval = event.time.map(|time| (Micros::from(time), Micros::from(time)));
        let mut name = std::mem::take(&mut self.name);
        for (field, value) in event.iter() {
            name.clear();
            name.push_str(field);
            name.make_ascii_lowercase();
            for &Use { slot, take } in mapping.uses(&name) {
                self.take(slot, take, mapping.fold(slot), value);
            }
        }
        self.name = name;
        if let Some(slot) = mapping.url
            && let Some(url) = composed_url(event)
        {
            self.take(slot, Take::Url, mapping.fold(slot), Value::Str(&url));
        }
    }

    fn take(&mut self, slot: u32, take: Take, fold: Fold, value: Value<'_>) {
        take.each(value, &mut |found| {
            let items = &self.slots[slot as usize];
            if items.len() >= MAX_VALUES || self.text.len() >= MAX_TEXT {
                return;
            }
            if items.is_empty() {
                self.filled.push(slot);
            }
            let item = match found {
                Found::Text(stood, shown) => self.text_item(stood, &shown, fold),
                Found::Other(value) => self.other_item(value),
            };
            self.slots[slot as usize].push(item);
        });
    }

    fn text_item(&mut self, stood: &str, shown: &str, fold: Fold) -> Item {
        let shown_at = self.keep(shown);
        // A number that is shown as text never stood as text.
        let stood = if stood.is_empty() || stood == shown {
            shown_at.clone()
        } else {
            self.keep(stood)
        };
        let key = match fold.key(shown) {
            key if key == shown => shown_at.clone(),
            key => self.keep(&key),
        };
        Item {
            stood,
            shown: Shown::Text(shown_at),
            key,
        }
    }

    fn other_item(&mut self, value: Value<'_>) -> Item {
        let text = self.keep(&value.text().unwrap_or(Cow::Borrowed("null")));
        let shown = match value {
            Value::Int(number) => Shown::Int(number),
            Value::Float(number) => Shown::Float(number),
            Value::Bool(truth) => Shown::Bool(truth),
            Value::Null => Shown::Null,
            Value::Str(_) => Shown::Text(text.clone()),
        };
        Item {
            stood: text.clone(),
            shown,
            key: text,
        }
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// The slots that have values.
    pub(super) fn filled(&self) -> &[u32] {
        &self.filled
    }

    /// The values of a slot.
    pub(super) fn items(&self, slot: u32) -> &[Item] {
        &self.slots[slot as usize]
    }

    /// A value as it stood.
    pub(super) fn stood(&self, item: &Item) -> &str {
        &self.text[item.stood.clone()]
    }

    /// The key of a value that is text.
    pub(super) fn key(&self, item: &Item) -> Option<&str> {
        matches!(item.shown, Shown::Text(_)).then(|| &self.text[item.key.clone()])
    }

    /// A value that is text, as patterns see it.
    pub(super) fn shown(&self, item: &Item) -> Option<&str> {
        match &item.shown {
            Shown::Text(range) => Some(&self.text[range.clone()]),
            _ => None,
        }
    }

    /// A value that equals a whole number, the truth values as sets take them.
    pub(super) fn number(item: &Item) -> Option<i128> {
        match item.shown {
            Shown::Int(number) => Some(number.into()),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "floats beyond the type stand at its end, as constants do"
            )]
            Shown::Float(number) if number.fract() == 0.0 => Some(number as i128),
            Shown::Bool(truth) => Some(truth.into()),
            _ => None,
        }
    }

    /// When the event happened.
    pub(super) fn interval(&self) -> Option<Interval> {
        self.interval
    }

    /// A value as one pattern is to see it: in the pattern's own spelling where it has one for it.
    pub(super) fn operand<'a>(&'a self, item: &Item, by: &'a PathUse) -> Operand<'a> {
        match &item.shown {
            Shown::Text(range) => {
                let own = by.spelling(&self.text[item.key.clone()]);
                Operand::Str(own.unwrap_or(&self.text[range.clone()]))
            }
            Shown::Int(number) => Operand::Int((*number).into()),
            Shown::Float(number) => Operand::Float(*number),
            Shown::Bool(truth) => Operand::Bool(*truth),
            Shown::Null => Operand::Null,
        }
    }
}

/// An event as one pattern sees it.
pub(super) struct Sight<'a> {
    pub(super) view: &'a View,
    pub(super) compiled: &'a Compiled,
}

impl perisai_pattern::Observation for Sight<'_> {
    fn values(&self, path: &ObjectPath, each: &mut dyn FnMut(RootId, Operand<'_>) -> ControlFlow<()>) {
        let by = &self.compiled.paths[path.id];
        let Some(slot) = by.slot else { return };
        for item in self.view.items(slot) {
            if each(ROOT, self.view.operand(item, by)).is_break() {
                return;
            }
        }
    }

    fn interval(&self) -> Option<Interval> {
        self.view.interval()
    }

    fn roots(&self, object_type: &str, each: &mut dyn FnMut(RootId)) {
        let slots = self.compiled.type_slots(object_type);
        if slots.iter().any(|&slot| !self.view.items(slot).is_empty()) {
            each(ROOT);
        }
    }
}
