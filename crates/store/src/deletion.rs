//! Deleting objects for whose they are, and what tombstones mean here (`docs/share-with-partners.md`).

use perisai_model::{Audience, Organisation, Tlp};
use sqlx::{AnyConnection, Row};

use crate::classes::TermsId;
use crate::copies::copies_of;
use crate::ingest::{Walk, Writer};
use crate::known::{Known, Standing};
use crate::removal::{Removal, collections_of};
use crate::sql::{execute, fetch_in};
use crate::{Error, Store};

/// What a tombstone has to say of an object, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grave {
    /// As which source the tombstone is kept: one of those whose the object is.
    pub source: i64,
    /// The newest version of the object, as it says it.
    pub version: Option<String>,
    /// How it is held; `None` where the node's default counts.
    pub tlp: Option<Tlp>,
    /// For whom it is, where that was said.
    pub audience: Option<Audience>,
    /// The collections in which it stands, by number.
    pub collections: Vec<i64>,
}

/// By what right somebody deletes a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// They made it, or run the node: it is gone for all.
    Made,
    /// They sent it: what others brought is not theirs.
    Sent,
}

/// What a tombstone of somebody means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plot {
    /// There is nothing that it could end.
    Nothing,
    /// What it names is another's.
    Others,
    /// It ends what is theirs, which stands in these collections, by number.
    Theirs(Vec<i64>),
}

impl Store {
    /// Deletes an object for who asks: of what they made, all that anybody brought; of what they sent, what they sent, and
    /// that stays as another's who brought it, too. Who runs the node (`None`) may delete any. What is deleted leaves all
    /// collections and searches, and its bytes are gone. How it was to be shared still counts for what names it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete(&self, id: &str, asks: Option<Organisation>) -> Result<Removal, Error> {
        self.end(id, None, |known| match asks {
            Some(asks) => self.right(known, asks),
            None => Some(Right::Made),
        })
        .await
    }

    /// The same for a source, as a tombstone of it says: nothing where a version of theirs is newer than what it tells of.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_as(&self, id: &str, source: i64, through: Option<i64>) -> Result<Removal, Error> {
        self.end(id, through, |known| self.right_of(known, source)).await
    }

    /// Ends those versions in force of an id to which there is a right.
    async fn end(
        &self,
        id: &str,
        through: Option<i64>,
        right: impl Fn(&Known) -> Option<Right>,
    ) -> Result<Removal, Error> {
        let mut writer = self.writer().await;
        let mut all = self.versions_of(id).await?;
        all.retain(|known| known.standing == Standing::InForce);
        let (theirs, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|known| right(known).is_some());
        let is_newer = |known: &Known| through.is_some_and(|through| known.version > Some(through));
        if theirs.is_empty() || theirs.iter().any(is_newer) {
            let is_others = theirs.is_empty() && !rest.is_empty();
            return Ok(if is_others {
                Removal::NotTheirs
            } else {
                Removal::Missing
            });
        }
        let ends = theirs
            .into_iter()
            .filter_map(|known| Some((right(&known)?, known)));
        let ended = self.end_some(&mut writer, ends.collect(), rest).await;
        ended.inspect_err(|_| writer.forget())
    }

    /// Ends versions. Those of others enter their collections anew, behind the tombstone: whoever reads that lets go of the
    /// id, and then has again what is still here.
    async fn end_some(
        &self,
        writer: &mut Writer,
        ends: Vec<(Right, Known)>,
        mut rest: Vec<Known>,
    ) -> Result<Removal, Error> {
        let count = ends.len();
        let mut transaction = self.begin().await?;
        self.refresh(writer, &mut transaction).await?;
        let mut inherited = Vec::new();
        for (right, known) in ends {
            let heir = match right {
                Right::Made => None,
                Right::Sent => {
                    heir(&mut transaction, &known, |source| {
                        self.is_with(source, known.source)
                    })
                    .await?
                }
            };
            match heir {
                Some(terms) => {
                    inherited.push((known.seq, terms));
                    rest.push(known);
                }
                None => bury(&mut transaction, right, known.seq).await?,
            }
        }
        let mut walk = Walk::idle(self, writer, &mut transaction);
        for (seq, terms) in &inherited {
            walk.restate(*seq, |shared, _| shared.classes.terms(*terms).clone())
                .await?;
        }
        walk.look_again(&inherited.iter().map(|(seq, _)| *seq).collect::<Vec<_>>())
            .await?;
        walk.follow().await?;
        let rest: Vec<_> = rest.iter().map(|known| known.seq).collect();
        walk.enter_anew(&rest).await?;
        let entered = walk.entered;
        self.settle(writer, transaction, &entered).await?;
        self.inner().came.notify_one();
        Ok(Removal::Removed(count))
    }

    /// What a source may do with a tombstone of an object.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn plot(&self, id: &str, source: i64) -> Result<Plot, Error> {
        let mut all = self.versions_of(id).await?;
        all.retain(|known| !matches!(known.standing, Standing::Apart | Standing::Recalled));
        // The id of an observable follows from its value: nobody learns by it whether others have that.
        let tells = all.iter().any(|known| known.version.is_some());
        let theirs: Vec<_> = all
            .into_iter()
            .filter(|known| self.right_of(known, source).is_some())
            .collect();
        Ok(match theirs.is_empty() {
            true if tells => Plot::Others,
            true => Plot::Nothing,
            false => Plot::Theirs(collections_of(&mut *self.reader().await?, &theirs).await?),
        })
    }

    /// What a tombstone has to say of an object that an organisation deletes; `None` where it is not theirs, or nobody
    /// has it. To our own, what nobody's source brought is ours.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn grave(&self, id: &str, asks: Organisation) -> Result<Option<Grave>, Error> {
        let mut all = self.versions_of(id).await?;
        all.retain(|known| known.standing == Standing::InForce && self.burying(known, asks).is_some());
        let source = all.first().and_then(|first| self.burying(first, asks));
        let newest = all.iter().max_by_key(|known| (known.version, known.seq));
        let (Some(source), Some(newest)) = (source, newest) else {
            return Ok(None);
        };
        let mut connection = self.reader().await?;
        let sql = "SELECT version_text FROM objects WHERE seq IN ({})";
        let rows = fetch_in(&mut connection, sql, &[newest.seq]).await?;
        let version = rows.first().map(|row| row.try_get(0)).transpose()?.flatten();
        let collections = collections_of(&mut connection, &all).await?;
        let terms = {
            let shared = self.shared();
            let lane = shared.classes.lane(newest.lane);
            lane.and_then(|lane| shared.classes.terms_of(lane.class).into_iter().next())
        };
        Ok(Some(Grave {
            source,
            version,
            tlp: terms.as_ref().and_then(|terms| terms.tlp),
            audience: terms.and_then(|terms| terms.audience),
            collections,
        }))
    }

    /// As whose source an organisation may tell that a version is deleted.
    pub(crate) fn burying(&self, first: &Known, asks: Organisation) -> Option<i64> {
        let shared = self.shared();
        let source = shared.sources.get(&first.source)?;
        let is_nobodys = source.owner().is_none() && asks == self.own();
        if source.owner() == Some(asks) || is_nobodys {
            return Some(source.number);
        }
        if crate::ingest::originator(&shared.classes, first) != Some(asks) {
            return None;
        }
        let theirs = shared
            .sources
            .values()
            .filter(|source| source.owner() == Some(asks));
        theirs.map(|source| source.number).min()
    }

    /// By what right a version is a source's to delete, if by any.
    fn right_of(&self, known: &Known, source: i64) -> Option<Right> {
        let shared = self.shared();
        let owner = shared.sources.get(&source).and_then(|source| source.owner());
        let made = owner.is_some() && crate::ingest::originator(&shared.classes, known) == owner;
        drop(shared);
        match made {
            true => Some(Right::Made),
            false => self.is_with(known.source, source).then_some(Right::Sent),
        }
    }

    /// Whether two sources are of the same.
    fn is_with(&self, one: i64, other: i64) -> bool {
        let shared = self.shared();
        one == other || shared.side(one) == shared.side(other)
    }

    /// By what right a version is an organisation's to delete, if by any.
    pub(crate) fn right(&self, known: &Known, organisation: Organisation) -> Option<Right> {
        let shared = self.shared();
        if crate::ingest::originator(&shared.classes, known) == Some(organisation) {
            return Some(Right::Made);
        }
        let source = shared.sources.get(&known.source);
        let sent = source.and_then(|source| source.owner()) == Some(organisation);
        sent.then_some(Right::Sent)
    }
}

/// Leaves a version to the earliest other who brought it, too, if there is one: under which terms they did.
async fn heir(
    connection: &mut AnyConnection,
    known: &Known,
    is_theirs: impl Fn(i64) -> bool,
) -> Result<Option<TermsId>, Error> {
    let all = copies_of(connection, &[known.seq]).await?;
    let Some(heir) = all.into_iter().find(|copy| !is_theirs(copy.source)) else {
        return Ok(None);
    };
    heir.inherit(connection).await?;
    Ok(Some(heir.terms))
}

/// Takes a version out of everything.
async fn bury(connection: &mut AnyConnection, right: Right, seq: i64) -> Result<(), Error> {
    let standing = match right {
        Right::Made => Standing::Deleted,
        Right::Sent => Standing::Withdrawn,
    };
    let sql = "UPDATE objects SET standing = $1, raw = $2 WHERE seq = $3";
    execute(connection, sql, |values| {
        values.int(standing.number()).bytes(b"").int(seq)
    })
    .await?;
    for sql in [
        "DELETE FROM members WHERE object = $1",
        "INSERT INTO touched (object) VALUES ($1) ON CONFLICT (object) DO NOTHING",
    ] {
        execute(connection, sql, |values| values.int(seq)).await?;
    }
    Ok(())
}
