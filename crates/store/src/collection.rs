//! Collections: what partners read and write. One is a plain basket, or a saved query whose matches enter by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use perisai_model::{Organisation, Tlp};
use perisai_policy::Terms;
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::known::flag;
use crate::matching::{self, Before};
use crate::parties::uuid;
use crate::sql::{execute, fetch};
use crate::store::now;
use crate::{Error, Store};

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id in TAXII.
    pub id: Uuid,
    /// Its number here.
    pub number: i64,
    /// A short name that may stand for the id.
    pub alias: Option<String>,
    /// A name for people.
    pub title: String,
    /// More for people.
    pub description: Option<String>,
    /// What enters by itself; `None`: only what is sent to it.
    pub query: Option<Query>,
    /// Who may read it and write to it, our own people apart.
    pub rights: BTreeMap<Organisation, Rights>,
}

/// What an organisation may do with a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Take from it what policy allows.
    pub read: bool,
    /// Add to it.
    pub write: bool,
}

/// What enters a collection: objects that satisfy every part that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// One of these types (`indicator`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// One of these TLP labels (`green`); what has no marking counts by the node's default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tlp: Vec<String>,
    /// One of these labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// From one of these sources, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Meant by name for one of these organisations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<Uuid>,
}

/// What a query looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) kind: &'a str,
    pub(crate) labels: &'a [String],
    pub(crate) source: &'a str,
    pub(crate) terms: &'a Terms,
    pub(crate) default_tlp: Tlp,
}

impl Query {
    /// Reads one as it is kept.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Error::Damaged(format!("a collection's query: {error}")))
    }

    /// Writes one as it is kept.
    pub(crate) fn write(&self) -> String {
        serde_json::to_string(self).expect("a query is plain data")
    }

    pub(crate) fn matches(&self, object: &Candidate<'_>) -> bool {
        let tlp = object.terms.tlp.unwrap_or(object.default_tlp);
        let named = object.terms.audience.as_ref().map(|all| &all.organisations);
        let is_named = |id: &Uuid| named.is_some_and(|all| all.contains(&Organisation(*id)));
        let one_of =
            |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|one| one == found);
        one_of(&self.types, object.kind)
            && one_of(&self.sources, object.source)
            && (self.tlp.is_empty() || self.tlp.iter().any(|one| Tlp::from_label(one) == Some(tlp)))
            && (self.labels.is_empty() || self.labels.iter().any(|one| object.labels.contains(one)))
            && (self.audience.is_empty() || self.audience.iter().any(is_named))
    }
}

impl Collection {
    /// What an organisation may do with it.
    #[must_use]
    pub fn rights_of(&self, organisation: Organisation) -> Rights {
        self.rights.get(&organisation).copied().unwrap_or_default()
    }
}

/// What is said of a collection that is new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewCollection {
    /// A short name that may stand for the id.
    pub alias: Option<String>,
    /// A name for people.
    pub title: String,
    /// More for people.
    pub description: Option<String>,
    /// What enters by itself; `None`: only what is sent to it.
    pub query: Option<Query>,
}

impl Store {
    /// The collection of an id or an alias.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        let id = Uuid::try_parse(name).ok();
        let is_it = |one: &&Arc<Collection>| Some(one.id) == id || one.alias.as_deref() == Some(name);
        self.shared().collections.iter().find(is_it).cloned()
    }

    /// Makes a collection. What is stored and matches its query enters it at once; where that is broken off, it is gone on
    /// with by [`fold`](Self::fold) and [`keep_folding`](Self::keep_folding), after the next opening, too.
    ///
    /// # Errors
    /// Where another has its alias, or the database fails before the collection is made.
    pub async fn create_collection(&self, new: NewCollection) -> Result<Arc<Collection>, Error> {
        let store = self.clone();
        // A caller who goes away must not leave one of which the database alone knows.
        let task = tokio::spawn(async move { store.make_collection(new).await });
        let collection = task
            .await
            .map_err(|error| Error::Damaged(format!("making a collection ended early: {error}")))??;
        self.end_matching(&collection).await;
        Ok(collection)
    }

    /// Compares what is stored with a collection, to the end if it can.
    async fn end_matching(&self, collection: &Collection) {
        // Should the caller go away: whoever folds goes on.
        self.inner().came.notify_one();
        loop {
            match self.match_step().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let title = &collection.title;
                    tracing::error!(%error, title, "what matches a collection enters it later");
                    break;
                }
            }
        }
    }

    /// Changes what is said of a collection, by its number; who may use it stays. Where its query is another, what matches
    /// that enters, and what matched the one before and does not match this one leaves, even if it was sent there, too.
    ///
    /// # Errors
    /// Where there is none, another has its alias, or the database fails.
    pub async fn change_collection(&self, number: i64, new: NewCollection) -> Result<Arc<Collection>, Error> {
        let store = self.clone();
        // A caller who goes away must not leave one of which the database alone knows.
        let task = tokio::spawn(async move { store.rewrite_collection(number, new).await });
        let collection = task
            .await
            .map_err(|error| Error::Damaged(format!("changing a collection ended early: {error}")))??;
        self.end_matching(&collection).await;
        Ok(collection)
    }

    async fn rewrite_collection(&self, number: i64, new: NewCollection) -> Result<Arc<Collection>, Error> {
        let mut writer = self.writer().await;
        let find = |one: &Arc<Collection>| (one.number == number).then(|| Collection::clone(one));
        let old = self.shared().collections.iter().find_map(find);
        let old = old.ok_or_else(|| missing(&number.to_string()))?;
        self.check_alias(new.alias.as_deref(), Some(number))?;
        let query = new.query.as_ref().map(Query::write);
        let is_other = old.query != new.query;
        if is_other {
            // A query before the old one may still be compared with.
            self.match_all(&mut writer).await?;
        }
        let mut transaction = self.begin().await?;
        let sql =
            "UPDATE collections SET alias = $1, title = $2, description = $3, query = $4 WHERE number = $5";
        execute(&mut transaction, sql, |values| {
            let values = values.maybe_text(new.alias.as_deref()).text(&new.title);
            let values = values.maybe_text(new.description.as_deref());
            values.maybe_text(query.as_deref()).int(number)
        })
        .await?;
        if is_other {
            let before = old.query.as_ref().map_or(Before::Nothing, Before::Query);
            matching::begin(&mut transaction, number, before).await?;
        }
        transaction.commit().await?;
        let mut shared = self.shared_mut();
        let found = shared.collections.iter_mut().find(|one| one.number == number);
        let collection = found.ok_or_else(|| missing(&number.to_string()))?;
        let changed = Arc::make_mut(collection);
        (changed.alias, changed.title) = (new.alias, new.title);
        (changed.description, changed.query) = (new.description, new.query);
        Ok(Arc::clone(collection))
    }

    /// Refuses an alias that another collection has.
    fn check_alias(&self, alias: Option<&str>, except: Option<i64>) -> Result<(), Error> {
        let taken = alias.filter(|alias| {
            let found = self.collection(alias);
            found.is_some_and(|found| Some(found.number) != except)
        });
        taken.map_or(Ok(()), |alias| {
            Err(Error::Exists {
                what: "collection",
                name: alias.to_owned(),
            })
        })
    }

    async fn make_collection(&self, new: NewCollection) -> Result<Arc<Collection>, Error> {
        let _writer = self.writer().await;
        self.check_alias(new.alias.as_deref(), None)?;
        let last = self.shared().collections.last().map_or(0, |last| last.number);
        let collection = Arc::new(Collection {
            id: Uuid::new_v4(),
            number: last + 1,
            alias: new.alias,
            title: new.title,
            description: new.description,
            query: new.query,
            rights: BTreeMap::new(),
        });
        let mut transaction = self.begin().await?;
        create(&mut transaction, &collection, now()).await?;
        if collection.query.is_some() {
            matching::begin(&mut transaction, collection.number, Before::Nothing).await?;
        }
        transaction.commit().await?;
        self.shared_mut().collections.push(Arc::clone(&collection));
        Ok(collection)
    }

    /// Sets what an organisation may do with a collection.
    ///
    /// # Errors
    /// Where there is no such collection, or the database fails.
    pub async fn grant(
        &self,
        collection: &str,
        organisation: Organisation,
        rights: Rights,
    ) -> Result<(), Error> {
        let found = self.collection(collection).ok_or_else(|| missing(collection))?;
        self.change(async |connection| grant(connection, found.number, organisation, rights).await)
            .await?;
        let mut shared = self.shared_mut();
        for one in shared
            .collections
            .iter_mut()
            .filter(|one| one.number == found.number)
        {
            Arc::make_mut(one).rights.insert(organisation, rights);
        }
        Ok(())
    }

    /// Removes a collection. What is in it stays in the store.
    ///
    /// # Errors
    /// Where there is no such collection, or the database fails.
    pub async fn remove_collection(&self, collection: &str) -> Result<(), Error> {
        let found = self.collection(collection).ok_or_else(|| missing(collection))?;
        self.change(async |connection| {
            for sql in [
                "DELETE FROM members WHERE collection = $1",
                "DELETE FROM collection_lanes WHERE collection = $1",
                "DELETE FROM grants WHERE collection = $1",
                "DELETE FROM matching WHERE collection = $1",
                "DELETE FROM collections WHERE number = $1",
            ] {
                execute(connection, sql, |values| values.int(found.number)).await?;
            }
            Ok(())
        })
        .await?;
        let mut shared = self.shared_mut();
        shared.collections.retain(|one| one.number != found.number);
        shared.lanes.remove(&found.number);
        Ok(())
    }
}

fn missing(collection: &str) -> Error {
    Error::Missing {
        what: "collection",
        name: collection.to_owned(),
    }
}

/// All collections, oldest first.
pub(crate) async fn load(connection: &mut AnyConnection) -> Result<Vec<Arc<Collection>>, Error> {
    let mut rights: BTreeMap<i64, BTreeMap<Organisation, Rights>> = BTreeMap::new();
    let sql = "SELECT collection, organisation, may_read, may_write FROM grants";
    for row in fetch(connection, sql, |values| values).await? {
        let given = Rights {
            read: flag(&row, 2)?,
            write: flag(&row, 3)?,
        };
        let of = rights.entry(row.try_get(0)?).or_default();
        of.insert(Organisation(uuid(&row, 1)?), given);
    }
    let sql = "SELECT id, number, alias, title, description, query FROM collections ORDER BY number";
    let mut all = Vec::new();
    for row in fetch(connection, sql, |values| values).await? {
        let number = row.try_get(1)?;
        let query: Option<String> = row.try_get(5)?;
        all.push(Arc::new(Collection {
            id: uuid(&row, 0)?,
            number,
            alias: row.try_get(2)?,
            title: row.try_get(3)?,
            description: row.try_get(4)?,
            query: query.map(|text| Query::read(&text)).transpose()?,
            rights: rights.remove(&number).unwrap_or_default(),
        }));
    }
    Ok(all)
}

/// Writes a new collection.
pub(crate) async fn create(
    connection: &mut AnyConnection,
    collection: &Collection,
    now: i64,
) -> Result<(), Error> {
    let query = collection.query.as_ref().map(Query::write);
    let sql = "INSERT INTO collections (id, number, alias, title, description, query, position, created) \
               VALUES ($1, $2, $3, $4, $5, $6, 0, $7)";
    execute(connection, sql, |values| {
        values
            .text(&collection.id.to_string())
            .int(collection.number)
            .maybe_text(collection.alias.as_deref())
            .text(&collection.title)
            .maybe_text(collection.description.as_deref())
            .maybe_text(query.as_deref())
            .int(now)
    })
    .await?;
    for (organisation, rights) in &collection.rights {
        grant(connection, collection.number, *organisation, *rights).await?;
    }
    Ok(())
}

/// Sets what an organisation may do with a collection.
pub(crate) async fn grant(
    connection: &mut AnyConnection,
    collection: i64,
    organisation: Organisation,
    rights: Rights,
) -> Result<(), Error> {
    let sql = "INSERT INTO grants (collection, organisation, may_read, may_write) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (collection, organisation) \
               DO UPDATE SET may_read = excluded.may_read, may_write = excluded.may_write";
    execute(connection, sql, |values| {
        values
            .int(collection)
            .text(&organisation.0.to_string())
            .int(rights.read.into())
            .int(rights.write.into())
    })
    .await?;
    Ok(())
}
