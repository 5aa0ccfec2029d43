//! What is derived of an object.

use std::collections::HashMap;
use std::sync::Arc;

use perisai_intel::Object;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::dates::{Finest, marks};
use crate::classes::LaneId;
use crate::incoming::{Incoming, Types};
use crate::known::Standing;
use crate::source::Source;
use crate::sql::insert;
use crate::words::{mark, mark_of_value, words};
use crate::{Error, hash};

/// What is derived of some objects.
#[derive(Default)]
pub(super) struct Derived {
    pub(super) rows: Rows,
    pub(super) documents: Vec<Document>,
}

/// Rows whose keys are in no order: many are written together.
#[derive(Default)]
pub(super) struct Rows {
    ids: Vec<(i64, i64)>,
    edges: Vec<(i64, i64)>,
}

/// What a search may find.
pub(super) struct Document {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) version: Option<i64>,
    pub(super) lane: LaneId,
    pub(super) source: i64,
    pub(super) received: i64,
    /// From when on it does not count any more; the beginning of time where it was revoked.
    pub(super) valid_until: Option<i64>,
    pub(super) words: String,
}

/// How many bytes of words and marks of values an object is found by at most: PostgreSQL takes no more than a megabyte.
const MOST: usize = 700_000;

impl Derived {
    /// What is derived of the objects of some rows: `seq, id, standing, lane, source, received, raw`.
    pub(super) fn of(rows: &[AnyRow], sources: &HashMap<i64, Arc<Source>>) -> Result<Self, Error> {
        let mut derived = Self::default();
        let (mut types, mut marks) = (Types::default(), Marks::default());
        for row in rows {
            derived.add(row, sources, &mut types, &mut marks)?;
        }
        Ok(derived)
    }

    fn add(
        &mut self,
        row: &AnyRow,
        sources: &HashMap<i64, Arc<Source>>,
        types: &mut Types,
        marks: &mut Marks,
    ) -> Result<(), Error> {
        let seq: i64 = row.try_get(0)?;
        let id: String = row.try_get(1)?;
        self.rows.ids.push((hash::of_id(&id), seq));
        if row.try_get::<i64, _>(2)? != Standing::InForce.number() {
            return Ok(());
        }
        let raw: Vec<u8> = row.try_get(6)?;
        let object = Object::parse(&raw)
            .map_err(|error| Error::Damaged(format!("object {seq} cannot be read: {error}")))?;
        let names = Incoming::of(&object, types).names;
        self.rows.edges.extend(names.into_iter().map(|name| (name, seq)));
        let (lane, source) = (LaneId::from_number(row.try_get(3)?)?, row.try_get(4)?);
        let received = row.try_get(5)?;
        let valid_until = if object.revoked {
            Some(i64::MIN)
        } else {
            object.valid_until
        };
        let name = sources.get(&source).map_or("", |source| &source.name);
        let mut words = String::with_capacity(512);
        marks.add(&mut words, "source", name);
        marks.add(&mut words, "lane", &lane.number().to_string());
        marks.add_time(&mut words, "received", received, Finest::Day);
        match valid_until {
            Some(time) => marks.add_time(&mut words, "until", time, Finest::Month),
            None => marks.add(&mut words, "until", "never"),
        }
        said(&object, &mut words, marks);
        self.documents.push(Document {
            seq,
            version: object.version().map(|time| time.micros),
            lane,
            source,
            received,
            valid_until,
            words,
            id,
        });
        Ok(())
    }
}

/// All that an object is found by, for what it says.
fn said(object: &Object<'_>, out: &mut String, marks: &mut Marks) {
    let values = object.content().values;
    marks.add(out, "type", &object.kind);
    for label in &object.labels {
        marks.add(out, "label", label);
    }
    let mut kinds: Vec<_> = values.iter().map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        marks.add(out, "kind", kind.as_str());
    }
    let texts = object.texts.iter().map(|text| &**text);
    let all = words(texts.chain(values.iter().map(|(_, value)| &**value)));
    let of_values = values.iter().map(|(_, value)| mark_of_value(value));
    for word in of_values.chain(all).take_while({
        let mut left = MOST;
        move |word| {
            let fits = word.len() < left;
            left = left.saturating_sub(word.len() + 1);
            fits
        }
    }) {
        push(out, &word);
    }
}

fn push(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}

/// Marks that were made: few come again and again, and each costs a digest.
#[derive(Default)]
struct Marks {
    made: HashMap<&'static str, HashMap<Box<str>, String>>,
    /// By the day.
    times: HashMap<(&'static str, i64), Vec<String>>,
}

impl Marks {
    fn add(&mut self, out: &mut String, property: &'static str, value: &str) {
        let made = self.made.entry(property).or_default();
        match made.get(value) {
            Some(known) => push(out, known),
            None => {
                let new = mark(property, value);
                push(out, &new);
                made.insert(value.into(), new);
            }
        }
    }

    fn add_time(&mut self, out: &mut String, property: &'static str, micros: i64, finest: Finest) {
        const DAY: i64 = 86_400_000_000;
        let key = (property, micros.div_euclid(DAY));
        let all = self
            .times
            .entry(key)
            .or_insert_with(|| marks(property, micros, finest));
        for mark in all {
            push(out, mark);
        }
    }
}

impl Rows {
    /// For how many objects there are rows.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.edges.append(&mut other.edges);
    }

    /// Writes them in the order of their keys, so that each page of an index is touched once. Gives the digests of the ids.
    pub(super) async fn write(mut self, connection: &mut AnyConnection) -> Result<Vec<i64>, Error> {
        self.ids.sort_unstable();
        let head = "INSERT INTO derived.ids (id_hash, object)";
        insert(connection, head, 2, "", &self.ids, |values, (hash, seq)| {
            values.int(*hash).int(*seq)
        })
        .await?;
        self.edges.sort_unstable();
        self.edges.dedup();
        let head = "INSERT INTO derived.edges (target, object)";
        insert(connection, head, 2, "", &self.edges, |values, (target, seq)| {
            values.int(*target).int(*seq)
        })
        .await?;
        Ok(self.ids.into_iter().map(|(hash, _)| hash).collect())
    }
}
