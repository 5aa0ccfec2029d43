//! Sources: from whom something came, how reliable they are, and what may follow from what they say.

use std::collections::HashMap;
use std::sync::Arc;

use perisai_model::{Organisation, Tlp};
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::sql::{execute, fetch};
use crate::store::now;
use crate::{Error, Store};

/// How something comes from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Our own people made it here.
    Own,
    /// Somebody here read it from a file.
    Import,
    /// A partner sent it.
    Partner,
    /// It was fetched from a partner's server.
    Peer,
    /// It was fetched from a feed.
    Feed,
}

/// How reliable a source is: the grades of the Admiralty code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// Completely reliable.
    A,
    /// Usually reliable.
    B,
    /// Fairly reliable.
    C,
    /// Not usually reliable.
    D,
    /// Unreliable.
    E,
    /// Cannot be judged.
    F,
}

/// The most that may follow from what a source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ceiling {
    /// It is kept and searched.
    Store,
    /// It may raise alerts.
    Alert,
    /// It may be blocked.
    Block,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its number here.
    pub number: i64,
    /// Its name, which is unique.
    pub name: String,
    /// How it sends.
    pub kind: SourceKind,
    /// Whose it is.
    pub organisation: Option<Uuid>,
    /// How reliable it is.
    pub grade: Grade,
    /// What may follow from what it says.
    pub ceiling: Ceiling,
    /// What its objects without a TLP marking are held as; the node's default where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "tlp", default)]
    pub tlp: Option<Tlp>,
    /// When it was first seen, in microseconds since 1970.
    pub created: i64,
}

fn tlp<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Tlp>, D::Error> {
    let label = Option::<String>::deserialize(deserializer)?;
    let known =
        |label: String| Tlp::from_label(&label).ok_or_else(|| serde::de::Error::custom("no TLP label"));
    label.map(known).transpose()
}

impl Source {
    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Option<Organisation> {
        self.organisation.map(Organisation)
    }
}

/// What is said of a source that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSource {
    /// Its name, which is unique.
    pub name: String,
    /// How it sends.
    pub kind: SourceKind,
    /// Whose it is.
    pub organisation: Option<Organisation>,
    /// What its objects without a TLP marking are held as.
    pub tlp: Option<Tlp>,
}

impl Store {
    /// All sources, oldest first.
    #[must_use]
    pub fn sources(&self) -> Vec<Arc<Source>> {
        let mut all: Vec<_> = self.shared().sources.values().cloned().collect();
        all.sort_unstable_by_key(|source| source.number);
        all
    }

    /// The source of a name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<Arc<Source>> {
        self.shared()
            .sources
            .values()
            .find(|source| source.name == name)
            .cloned()
    }

    /// The source of a name, which is made where there is none. A new one may do nothing but be kept (design.md,
    /// invariant 3), but for what our own people make.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn ensure_source(&self, new: NewSource) -> Result<Arc<Source>, Error> {
        if let Some(known) = self.source(&new.name) {
            return Ok(known);
        }
        let _writer = self.writer().await;
        if let Some(known) = self.source(&new.name) {
            return Ok(known);
        }
        let number = self.shared().sources.keys().max().unwrap_or(&0) + 1;
        let is_own = new.kind == SourceKind::Own;
        let source = Source {
            number,
            name: new.name,
            kind: new.kind,
            organisation: new.organisation.map(|organisation| organisation.0),
            grade: if is_own { Grade::A } else { Grade::F },
            ceiling: if is_own { Ceiling::Block } else { Ceiling::Store },
            tlp: new.tlp,
            created: now(),
        };
        self.write_source(source).await
    }

    /// Changes what is known of a source; its number tells which.
    ///
    /// # Errors
    /// Where there is none of that number, another has the name, or the database fails.
    pub async fn change_source(&self, source: Source) -> Result<Arc<Source>, Error> {
        let _writer = self.writer().await;
        if !self.shared().sources.contains_key(&source.number) {
            return Err(Error::Missing {
                what: "source",
                name: source.name,
            });
        }
        if self
            .source(&source.name)
            .is_some_and(|known| known.number != source.number)
        {
            return Err(Error::Exists {
                what: "source",
                name: source.name,
            });
        }
        self.write_source(source).await
    }

    /// Writes a source. The caller has the writer.
    async fn write_source(&self, source: Source) -> Result<Arc<Source>, Error> {
        let mut transaction = self.begin().await?;
        save(&mut transaction, &source).await?;
        transaction.commit().await?;
        let source = Arc::new(source);
        self.shared_mut()
            .sources
            .insert(source.number, Arc::clone(&source));
        Ok(source)
    }
}

/// A word of an enum, as `serde` writes it.
pub(crate) fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("these enums are words"),
    }
}

pub(crate) fn of_word<T: serde::de::DeserializeOwned>(word: String) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(word.clone()))
        .map_err(|_| Error::Damaged(format!("a source is `{word}`")))
}

/// All sources, by number.
pub(crate) async fn load(connection: &mut AnyConnection) -> Result<HashMap<i64, Arc<Source>>, Error> {
    let sql = "SELECT id, name, kind, organisation, grade, ceiling, tlp, created FROM sources";
    let mut all = HashMap::new();
    for row in fetch(connection, sql, |values| values).await? {
        let organisation: Option<String> = row.try_get(3)?;
        let tlp: Option<String> = row.try_get(6)?;
        let source = Source {
            number: row.try_get(0)?,
            name: row.try_get(1)?,
            kind: of_word(row.try_get(2)?)?,
            organisation: organisation.and_then(|uuid| Uuid::try_parse(&uuid).ok()),
            grade: of_word(row.try_get(4)?)?,
            ceiling: of_word(row.try_get(5)?)?,
            tlp: tlp.map(|tlp| Tlp::from_label(&tlp).unwrap_or(Tlp::Red)),
            created: row.try_get(7)?,
        };
        all.insert(source.number, Arc::new(source));
    }
    Ok(all)
}

/// Writes a source, new or changed.
pub(crate) async fn save(connection: &mut AnyConnection, source: &Source) -> Result<(), Error> {
    let sql = "INSERT INTO sources (id, name, kind, organisation, grade, ceiling, tlp, created) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, \
               organisation = excluded.organisation, grade = excluded.grade, ceiling = excluded.ceiling, \
               tlp = excluded.tlp";
    execute(connection, sql, |values| {
        values
            .int(source.number)
            .text(&source.name)
            .text(&word(source.kind))
            .maybe_text(source.organisation.map(|uuid| uuid.to_string()).as_deref())
            .text(&word(source.grade))
            .text(&word(source.ceiling))
            .maybe_text(source.tlp.map(Tlp::as_str))
            .int(source.created)
    })
    .await?;
    Ok(())
}
