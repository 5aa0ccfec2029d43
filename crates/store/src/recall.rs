//! Recalling a source: what it brought is withdrawn, and what names that is listed (design.md, invariant 3).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::{AnyConnection, Row};

use crate::classes::TermsId;
use crate::copies::copies_of;
use crate::ingest::{STEP as CHUNK, Walk, Writer};
use crate::known::{self, Standing};
use crate::sql::{execute, fetch, fetch_in, fetch_one};
use crate::{Error, Store, hash};

/// How many objects are looked at together. Whoever writes meanwhile waits no longer than they take.
const STEP: i64 = 5_000;

/// How many of what was touched are named.
const NAMED: usize = 1_000;

/// What the recall of a source came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Objects of which versions are withdrawn.
    pub objects: u64,
    /// Versions that are withdrawn.
    pub versions: u64,
    /// Versions that another source brought, too: they stay, as that one's.
    pub kept: u64,
    /// How many other objects name what is withdrawn.
    pub touched: u64,
    /// The first thousand of them, by id.
    pub touched_ids: Vec<String>,
}

impl Store {
    /// Withdraws what a source brought at a time (in microseconds since 1970) or later: it leaves all collections and
    /// searches. Its bytes are kept; how it was to be shared counts no more for what others sent that names it. What another
    /// brought, too, stays as theirs, under the terms under which they brought it.
    /// `under_way` is told how much has been withdrawn so far.
    ///
    /// # Errors
    /// Where the database fails. What was withdrawn before stays so, and a repetition goes on.
    pub async fn recall(
        &self,
        source: i64,
        since: i64,
        mut under_way: impl FnMut(&Recalled),
    ) -> Result<Recalled, Error> {
        // Who names what was withdrawn is known only of what is in the derived tables.
        self.fold_all().await?;
        let mut recalled = Recalled::default();
        let (mut touched, mut ids) = (BTreeSet::new(), HashSet::new());
        let mut through = 0;
        while let Some(last) = self.range_end(through).await? {
            let range = Range {
                source,
                since,
                after: through,
                last,
            };
            let mut writer = self.writer().await;
            let step = self.recall_range(&range, &mut writer).await;
            let (kept, withdrawn, named) = step.inspect_err(|_| writer.forget())?;
            drop(writer);
            self.count_withdrawn(source, withdrawn.len() as u64).await?;
            recalled.kept += kept;
            recalled.versions += withdrawn.len() as u64;
            ids.extend(withdrawn);
            recalled.objects = ids.len() as u64;
            touched.extend(named);
            through = last;
            under_way(&recalled);
        }
        self.inner().came.notify_one();
        let touched: Vec<_> = touched.into_iter().collect();
        let mut connection = self.reader().await?;
        for seqs in chunked(&touched) {
            let all = known::read(&mut connection, seqs).await?;
            for one in all.into_iter().filter(|one| one.standing == Standing::InForce) {
                recalled.touched += 1;
                if recalled.touched_ids.len() < NAMED {
                    recalled.touched_ids.push(one.id);
                }
            }
        }
        Ok(recalled)
    }

    /// Recalls a range: how many versions stay as another's, the digest of the id of each that is withdrawn, and what names
    /// those.
    async fn recall_range(
        &self,
        range: &Range,
        writer: &mut Writer,
    ) -> Result<(u64, Vec<i64>, BTreeSet<i64>), Error> {
        let mut transaction = self.begin().await?;
        self.refresh(writer, &mut transaction).await?;
        let kept = range.leave_to_others(&mut transaction).await?;
        let freed = range.free(&mut transaction).await?;
        let (seqs, ids) = range.withdraw(&mut transaction).await?;
        let mut freed_from = BTreeSet::new();
        for target in chunked(&freed) {
            freed_from.extend(namers(&mut transaction, target).await?);
        }
        let mut touched = BTreeSet::new();
        for target in chunked(&seqs) {
            touched.extend(namers(&mut transaction, target).await?);
        }
        let mut walk = Walk::idle(self, writer, &mut transaction);
        for (seq, terms) in &kept {
            let terms = *terms;
            walk.restate(*seq, |shared, _| shared.classes.terms(terms).clone())
                .await?;
        }
        // How those may be shared that name it may have depended on it.
        let again: BTreeSet<_> = kept.keys().chain(&touched).chain(&freed_from).copied().collect();
        for seqs in chunked(&again.into_iter().collect::<Vec<_>>()) {
            walk.look_again(seqs).await?;
        }
        walk.follow().await?;
        let entered = walk.entered;
        self.settle(writer, transaction, &entered).await?;
        Ok((kept.len() as u64, ids, touched))
    }

    /// The last object of the next step; `None` where there is none.
    async fn range_end(&self, after: i64) -> Result<Option<i64>, Error> {
        let mut connection = self.reader().await?;
        let sql =
            "SELECT max(seq) FROM (SELECT seq FROM objects WHERE seq > $1 ORDER BY seq LIMIT $2) AS step";
        let row = fetch_one(&mut connection, sql, |values| values.int(after).int(STEP)).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.flatten())
    }
}

fn chunked(seqs: &[i64]) -> impl Iterator<Item = &[i64]> {
    seqs.chunks(CHUNK)
}

/// The objects that name some others.
async fn namers(connection: &mut AnyConnection, seqs: &[i64]) -> Result<Vec<i64>, Error> {
    let sql = "SELECT edges.object FROM objects JOIN derived.ids ids ON ids.object = objects.seq \
               JOIN derived.edges edges ON edges.target = ids.id_hash WHERE objects.seq IN ({})";
    let rows = fetch_in(connection, sql, seqs).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// What is done with the objects in force of a range.
macro_rules! in_range {
    ($what:literal, $end:literal) => {
        concat!(
            $what,
            " FROM objects WHERE source = $1 AND received >= $2 AND seq > $3 AND seq <= $4 AND standing = 0",
            $end
        )
    };
}

/// What is done with what was deleted, replaced or taken back of a range.
macro_rules! rest {
    ($what:literal) => {
        concat!(
            $what,
            " WHERE source = $1 AND received >= $2 AND seq > $3 AND seq <= $4 AND standing IN (2, 4, 5)"
        )
    };
}

/// Objects of a source from a time on, by their numbers.
struct Range {
    source: i64,
    since: i64,
    /// Greater than this.
    after: i64,
    /// Up to and with this.
    last: i64,
}

impl Range {
    /// What others brought, too, becomes theirs: the earliest other's. Gives the terms under which they did.
    async fn leave_to_others(&self, connection: &mut AnyConnection) -> Result<BTreeMap<i64, TermsId>, Error> {
        let sql = "DELETE FROM copies WHERE source = $1 AND received >= $2 AND object > $3 AND object <= $4";
        execute(connection, sql, |values| self.bind(values)).await?;
        let rows = fetch(connection, in_range!("SELECT seq", ""), |values| {
            self.bind(values)
        })
        .await?;
        let seqs: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let mut kept = BTreeMap::new();
        for copy in copies_of(connection, &seqs).await? {
            if copy.source != self.source && !kept.contains_key(&copy.object) {
                copy.inherit(connection).await?;
                kept.insert(copy.object, copy.terms);
            }
        }
        Ok(kept)
    }

    /// What was deleted, taken back or replaced gives no right to its id any more, and counts no longer for what names it;
    /// gives the numbers.
    async fn free(&self, connection: &mut AnyConnection) -> Result<Vec<i64>, Error> {
        let rows = fetch(connection, rest!("SELECT seq FROM objects"), |values| {
            self.bind(values)
        })
        .await?;
        let seqs = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        execute(connection, rest!("UPDATE objects SET standing = 3"), |values| {
            self.bind(values)
        })
        .await?;
        Ok(seqs)
    }

    /// Withdraws what is left; gives the numbers, and the digests of the ids.
    async fn withdraw(&self, connection: &mut AnyConnection) -> Result<(Vec<i64>, Vec<i64>), Error> {
        let rows = fetch(connection, in_range!("SELECT seq, id", ""), |values| {
            self.bind(values)
        })
        .await?;
        let (mut seqs, mut ids) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in &rows {
            seqs.push(row.try_get(0)?);
            ids.push(hash::of_id(row.try_get(1)?));
        }
        if seqs.is_empty() {
            return Ok((seqs, ids));
        }
        for sql in [
            in_range!("DELETE FROM members WHERE object IN (SELECT seq", ")"),
            in_range!(
                "INSERT INTO touched (object) SELECT seq",
                " ON CONFLICT (object) DO NOTHING"
            ),
            in_range!("UPDATE objects SET standing = 3 WHERE seq IN (SELECT seq", ")"),
        ] {
            execute(connection, sql, |values| self.bind(values)).await?;
        }
        Ok((seqs, ids))
    }

    fn bind(&self, values: crate::sql::Values) -> crate::sql::Values {
        values
            .int(self.source)
            .int(self.since)
            .int(self.after)
            .int(self.last)
    }
}
