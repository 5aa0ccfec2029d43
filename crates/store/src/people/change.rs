//! A change of who is who. Policy sees it at once, and what somebody may see from now on enters its collections anew: they
//! may have read past it.
//!
//! The order matters. Readers have the new rules before the new positions are there: a page that shows a new position was
//! read under rules that are still the same at its end, or is read again (see `View::page`).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use perisai_model::{Organisation, Person, Tlp};
use perisai_policy::{PolicyContext, Recipient};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Row, Transaction};
use tokio::sync::MutexGuard;

use crate::classes::{Classes, LaneId};
use crate::ingest::Writer;
use crate::known::flag;
use crate::matching::{self, Before};
use crate::parties::{self, Parties, uuid};
use crate::sql::{execute, fetch, insert};
use crate::{Error, Store, facts};

/// How many rows move at a time.
const STEP: i64 = 2_000;

/// A change that is under way; rolled back where it is dropped.
pub(super) struct PartyChange<'a> {
    store: &'a Store,
    writer: MutexGuard<'a, Writer>,
    transaction: Transaction<'static, Any>,
    before: Known,
}

/// Who is known, and could therefore have read something.
struct Known {
    organisations: HashSet<Organisation>,
    people: HashMap<Person, Organisation>,
}

impl Store {
    /// Sets how the node holds what has no TLP marking. With the queries of collections it is compared again, as
    /// [`fold`](Self::fold) does: what matches now enters, what no longer does leaves.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn set_default_tlp(&self, tlp: Tlp) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let before = self.policy_context().default_tlp;
        if before == tlp {
            return Ok(());
        }
        // What is compared until then was so with the old default, all of it.
        self.match_all(&mut writer).await?;
        let mut change = self.change_parties_as(writer).await?;
        facts::set(change.connection(), "default-tlp", tlp.as_str()).await?;
        for collection in self.collections() {
            let depends = |query: &crate::Query| !query.tlp.is_empty();
            if collection.query.as_ref().is_some_and(depends) {
                matching::begin(change.connection(), collection.number, Before::Held(before)).await?;
            }
        }
        change.commit().await
    }

    /// Begins a change of who is who.
    pub(super) async fn change_parties(&self) -> Result<PartyChange<'_>, Error> {
        self.change_parties_as(self.writer().await).await
    }

    async fn change_parties_as<'a>(
        &'a self,
        writer: MutexGuard<'a, Writer>,
    ) -> Result<PartyChange<'a>, Error> {
        let mut transaction = self.begin().await?;
        let organisations = self.shared().organisations.clone();
        let before = known(&mut transaction, organisations).await?;
        Ok(PartyChange {
            store: self,
            writer,
            transaction,
            before,
        })
    }
}

impl PartyChange<'_> {
    /// Where the change is written.
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Lets it count.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let parties = parties::load(&mut self.transaction, self.store.own()).await?;
        let after = known(&mut self.transaction, parties.organisations.clone()).await?;
        let lanes = self.opened(&parties.context, &after);
        let old = self.publish(parties);
        let done = self.move_all(&lanes).await;
        let done = match done {
            Ok(()) => self.transaction.commit().await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if done.is_err() {
            self.writer.forget();
            // Whether it was written is not known where the database went away in the middle.
            let read = async { parties::load(&mut *self.store.reader().await?, self.store.own()).await };
            let now = read.await.unwrap_or(old);
            let mut shared = self.store.shared_mut();
            shared.context = Arc::new(now.context);
            shared.organisations = now.organisations;
        }
        self.store.inner().came.notify_one();
        done
    }

    /// Lets policy see it; gives what it saw before.
    fn publish(&self, parties: Parties) -> Parties {
        let mut shared = self.store.shared_mut();
        let context = std::mem::replace(&mut shared.context, Arc::new(parties.context));
        Parties {
            context: PolicyContext::clone(&context),
            organisations: std::mem::replace(&mut shared.organisations, parties.organisations),
        }
    }

    /// The lanes that somebody may see from now on and could not see before.
    fn opened(&self, context: &PolicyContext, after: &Known) -> BTreeSet<LaneId> {
        let shared = self.store.shared();
        let mut opened = HashSet::new();
        for (was, is) in recipients(&shared.context, &self.before, context, after) {
            opened.extend(newly_visible(
                &shared.classes,
                (&was, &shared.context),
                (&is, context),
            ));
        }
        let lanes = shared.classes.lanes();
        lanes
            .filter(|(_, lane)| opened.contains(&(lane.class.0 as usize)))
            .map(|(id, _)| id)
            .collect()
    }

    /// Lets all that is in some lanes enter its collections anew.
    async fn move_all(&mut self, lanes: &BTreeSet<LaneId>) -> Result<(), Error> {
        let present: Vec<_> = {
            let shared = self.store.shared();
            let of = |(collection, all): (&i64, &BTreeSet<LaneId>)| {
                let (collection, both) = (*collection, all.intersection(lanes).copied());
                both.map(move |lane| (collection, lane)).collect::<Vec<_>>()
            };
            shared.lanes.iter().flat_map(of).collect()
        };
        for (collection, lane) in present {
            let last = self.writer.last(collection);
            while self.move_some(collection, lane, last).await? {}
            let sql = "UPDATE collections SET position = $1 WHERE number = $2";
            let now = self.writer.last(collection);
            execute(&mut self.transaction, sql, |values| {
                values.int(now).int(collection)
            })
            .await?;
        }
        Ok(())
    }

    /// Moves some rows that stand no later than a position, the first ones first. `false` where there is none.
    async fn move_some(&mut self, collection: i64, lane: LaneId, through: i64) -> Result<bool, Error> {
        let sql = "SELECT position, object, siblings FROM members \
                   WHERE collection = $1 AND lane = $2 AND position <= $3 ORDER BY position LIMIT $4";
        let rows = fetch(&mut self.transaction, sql, |values| {
            values.int(collection).int(lane.number()).int(through).int(STEP)
        });
        let rows = rows.await?;
        let Some(last) = rows.last() else {
            return Ok(false);
        };
        let last: i64 = last.try_get(0)?;
        let sql = "DELETE FROM members WHERE collection = $1 AND lane = $2 AND position <= $3";
        execute(&mut self.transaction, sql, |values| {
            values.int(collection).int(lane.number()).int(last)
        })
        .await?;
        let now = crate::store::now();
        let writer = &mut self.writer;
        let again = |row: &AnyRow| {
            let (object, siblings): (i64, i64) = (row.try_get(1)?, flag(row, 2)?.into());
            Ok((writer.position(collection, now), object, siblings))
        };
        let rows = rows.iter().map(again).collect::<Result<Vec<_>, Error>>()?;
        let head = "INSERT INTO members (collection, lane, position, object, siblings)";
        insert(
            &mut self.transaction,
            head,
            5,
            "",
            &rows,
            |values, (position, object, siblings)| {
                let values = values.int(collection).int(lane.number());
                values.int(*position).int(*object).int(*siblings)
            },
        )
        .await?;
        Ok(true)
    }
}

async fn known(
    connection: &mut AnyConnection,
    mut organisations: HashSet<Organisation>,
) -> Result<Known, Error> {
    let mut people = HashMap::new();
    let sql = "SELECT id, organisation FROM users";
    for row in fetch(connection, sql, |values| values).await? {
        people.insert(Person(uuid(&row, 0)?), Organisation(uuid(&row, 1)?));
    }
    let sql = "SELECT id FROM former_parties";
    for row in fetch(connection, sql, |values| values).await? {
        organisations.insert(Organisation(uuid(&row, 0)?));
    }
    Ok(Known {
        organisations,
        people,
    })
}

/// Those whom a change may let see more, each as it was and as it is: who was known before. Who comes newly has read
/// nothing yet.
fn recipients(
    context: &PolicyContext,
    before: &Known,
    new: &PolicyContext,
    after: &Known,
) -> Vec<(Recipient, Recipient)> {
    let all = context.default_tlp != new.default_tlp;
    let changed = |one: &Organisation| all || standing(context, *one) != standing(new, *one);
    let mut found = Vec::new();
    if all {
        found.push((Recipient::ANYBODY, Recipient::ANYBODY));
    }
    for one in after
        .organisations
        .iter()
        .filter(|one| before.organisations.contains(one))
    {
        if changed(one) {
            let recipient = Recipient::organisation(*one);
            found.push((recipient, recipient));
        }
    }
    for (person, organisation) in &after.people {
        let Some(was) = before.people.get(person).copied().or_else(|| {
            // A person who was removed and comes back: as whose is not remembered.
            before
                .organisations
                .contains(&Organisation(person.0))
                .then_some(*organisation)
        }) else {
            continue;
        };
        let reads_red = context.red_readers.contains(person) != new.red_readers.contains(person);
        if all || was != *organisation || reads_red || changed(organisation) {
            found.push((
                Recipient::person(was, *person),
                Recipient::person(*organisation, *person),
            ));
        }
    }
    found
}

/// What an organisation is to us, as far as release depends on it.
fn standing(context: &PolicyContext, one: Organisation) -> (bool, bool, Vec<perisai_model::SharingGroup>) {
    let groups = context
        .groups
        .iter()
        .filter(|(_, members)| members.contains(&one));
    let groups = groups.map(|(group, _)| *group).collect();
    (
        context.clients.contains(&one),
        context.community.contains(&one),
        groups,
    )
}

fn newly_visible(
    classes: &Classes,
    (was, before): (&Recipient, &PolicyContext),
    (is, after): (&Recipient, &PolicyContext),
) -> Vec<usize> {
    let (before, after) = (classes.visible(was, before), classes.visible(is, after));
    let both = before.iter().zip(&after).enumerate();
    both.filter(|(_, (before, after))| !**before && **after)
        .map(|(at, _)| at)
        .collect()
}
