//! What is derived of an object.

use std::collections::HashMap;
use std::sync::Arc;

use perisai_intel::Object;
use perisai_model::Kind;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::dates::{Finest, marks};
use crate::classes::LaneId;
use crate::incoming::{Incoming, Types};
use crate::known::Standing;
use crate::source::Source;
use crate::sql::insert;
use crate::words::{mark, words};
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
    observables: Vec<(Box<str>, Kind, i64)>,
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

impl Derived {
    /// What is derived of the objects of some rows: `seq, id, standing, lane, source, received, raw`.
    pub(super) fn of(rows: &[AnyRow], sources: &HashMap<i64, Arc<Source>>) -> Result<Self, Error> {
        let mut derived = Self::default();
        for row in rows {
            derived.add(row, sources)?;
        }
        Ok(derived)
    }

    fn add(&mut self, row: &AnyRow, sources: &HashMap<i64, Arc<Source>>) -> Result<(), Error> {
        let seq: i64 = row.try_get(0)?;
        let id: String = row.try_get(1)?;
        self.rows.ids.push((hash::of_id(&id), seq));
        if row.try_get::<i64, _>(2)? != Standing::InForce.number() {
            return Ok(());
        }
        let raw: Vec<u8> = row.try_get(6)?;
        let object = Object::parse(&raw)
            .map_err(|error| Error::Damaged(format!("object {seq} cannot be read: {error}")))?;
        let names = Incoming::of(&object, &mut Types::default()).names;
        self.rows.edges.extend(names.into_iter().map(|name| (name, seq)));
        let values = object.content().values;
        let (lane, source) = (LaneId::from_number(row.try_get(3)?)?, row.try_get(4)?);
        let received = row.try_get(5)?;
        let valid_until = if object.revoked {
            Some(i64::MIN)
        } else {
            object.valid_until
        };
        let mut words = searched(&object, &values);
        words.push(mark(
            "source",
            sources.get(&source).map_or("", |source| &source.name),
        ));
        words.push(mark("lane", &lane.number().to_string()));
        words.extend(marks("received", received, Finest::Day));
        match valid_until {
            Some(time) => words.extend(marks("until", time, Finest::Month)),
            None => words.push(mark("until", "never")),
        }
        self.documents.push(Document {
            seq,
            version: object.version().map(|time| time.micros),
            lane,
            source,
            received,
            valid_until,
            words: words.join(" "),
            id,
        });
        let values = values.into_iter();
        self.rows
            .observables
            .extend(values.map(|(kind, value)| (value.into(), kind, seq)));
        Ok(())
    }
}

/// All that an object is found by, for what it says.
fn searched(object: &Object<'_>, values: &[(Kind, String)]) -> Vec<String> {
    let texts = object.texts.iter().map(|text| &**text);
    let all = words(texts.chain(values.iter().map(|(_, value)| &**value)));
    let mut all: Vec<_> = all.into_iter().collect();
    all.push(mark("type", &object.kind));
    all.extend(object.labels.iter().map(|label| mark("label", label)));
    let mut kinds: Vec<_> = values.iter().map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    all.extend(kinds.into_iter().map(|kind| mark("kind", kind.as_str())));
    all
}

impl Rows {
    /// For how many objects there are rows.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.edges.append(&mut other.edges);
        self.observables.append(&mut other.observables);
    }

    /// Writes them in the order of their keys, so that each page of an index is touched once.
    pub(super) async fn write(mut self, connection: &mut AnyConnection) -> Result<(), Error> {
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
        self.observables.sort_unstable();
        self.observables.dedup();
        let head = "INSERT INTO derived.observables (value, kind, object)";
        insert(
            connection,
            head,
            3,
            "",
            &self.observables,
            |values, (value, kind, seq)| values.text(value).text(kind.as_str()).int(*seq),
        )
        .await?;
        Ok(())
    }
}
