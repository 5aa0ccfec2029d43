//! The rows of a delivery.

use std::collections::{BTreeMap, BTreeSet};

use perisai_model::Tlp;
use sqlx::AnyConnection;

use super::{Changes, Member, Read, Writer, terms};
use crate::classes::LaneId;
use crate::sql::{execute, insert};
use crate::{Error, Store};

/// Writes what a delivery comes to.
pub(super) async fn write(
    connection: &mut AnyConnection,
    read: &Read,
    changes: &Changes,
    now: i64,
) -> Result<(), Error> {
    objects(connection, read, changes, now).await?;
    definitions(connection, read).await?;
    standings(connection, changes).await?;
    copies(connection, read, changes, now).await?;
    dangling(connection, changes).await?;
    members(connection, changes).await
}

async fn objects(
    connection: &mut AnyConnection,
    read: &Read,
    changes: &Changes,
    now: i64,
) -> Result<(), Error> {
    let head = "INSERT INTO objects (seq, id, version, version_text, lane, source, received, standing, digest, held, raw)";
    let held = terms::held(read).map(Tlp::as_str);
    insert(connection, head, 11, "", &changes.objects, |values, new| {
        let object = &read.objects[new.at];
        values
            .int(new.seq)
            .text(&object.id)
            .int(object.version.unwrap_or(now))
            .maybe_text(object.version_text.as_deref())
            .int(new.lane.number())
            .int(read.source.number)
            .int(now)
            .int(new.standing.number())
            .int(object.digest)
            .maybe_text(held)
            .bytes(&object.raw)
    })
    .await?;
    Ok(())
}

/// What marking definitions say is noted whatever became of them: it counts for what their sender marks.
async fn definitions(connection: &mut AnyConnection, read: &Read) -> Result<(), Error> {
    let side = read.side.to_string();
    for object in &read.objects {
        let Some(marking) = object.definition else {
            continue;
        };
        let sql = "INSERT INTO definitions (id, side, tlp) VALUES ($1, $2, $3) \
                   ON CONFLICT (id, side) DO UPDATE SET tlp = excluded.tlp";
        execute(connection, sql, |values| {
            let values = values.text(&object.id).text(&side);
            values.maybe_text(marking.tlp.map(Tlp::as_str))
        })
        .await?;
    }
    Ok(())
}

async fn standings(connection: &mut AnyConnection, changes: &Changes) -> Result<(), Error> {
    for (seq, standing) in &changes.standings {
        let sql = "UPDATE objects SET standing = $1 WHERE seq = $2";
        execute(connection, sql, |values| values.int(standing.number()).int(*seq)).await?;
        let sql = "DELETE FROM members WHERE object = $1";
        execute(connection, sql, |values| values.int(*seq)).await?;
    }
    Ok(())
}

async fn copies(
    connection: &mut AnyConnection,
    read: &Read,
    changes: &Changes,
    now: i64,
) -> Result<(), Error> {
    let head = "INSERT INTO copies (object, source, received, terms, told, held)";
    let tail = "ON CONFLICT (object, source) DO UPDATE SET terms = excluded.terms, told = excluded.told, \
                held = excluded.held";
    let held = terms::held(read).map(Tlp::as_str);
    // One statement may not touch a row twice.
    let last: BTreeMap<_, _> = changes.copies.iter().map(|copy| (copy.of, copy)).collect();
    let rows: Vec<_> = last.into_values().collect();
    insert(connection, head, 6, tail, &rows, |values, copy| {
        values
            .int(copy.of)
            .int(read.source.number)
            .int(now)
            .int(i64::from(copy.terms.0))
            .int(now)
            .maybe_text(held)
    })
    .await?;
    Ok(())
}

async fn dangling(connection: &mut AnyConnection, changes: &Changes) -> Result<(), Error> {
    let head = "INSERT INTO dangling (target, object)";
    let tail = "ON CONFLICT (target, object) DO NOTHING";
    insert(
        connection,
        head,
        2,
        tail,
        &changes.dangling,
        |values, (target, object)| values.int(*target).int(*object),
    )
    .await?;
    let head = "INSERT INTO touched (object)";
    let touched: Vec<_> = changes.touched.iter().copied().collect();
    insert(
        connection,
        head,
        1,
        "ON CONFLICT (object) DO NOTHING",
        &touched,
        |values, object| values.int(*object),
    )
    .await?;
    Ok(())
}

async fn members(connection: &mut AnyConnection, changes: &Changes) -> Result<(), Error> {
    insert_members(connection, &changes.members).await?;
    for object in &changes.siblings {
        let sql = "UPDATE members SET siblings = 1 WHERE object = $1";
        execute(connection, sql, |values| values.int(*object)).await?;
    }
    Ok(())
}

/// Writes objects into collections.
pub(super) async fn insert_members(connection: &mut AnyConnection, members: &[Member]) -> Result<(), Error> {
    let head = "INSERT INTO members (collection, lane, position, object, siblings)";
    insert(connection, head, 5, "", members, |values, member| {
        values
            .int(member.collection)
            .int(member.lane.number())
            .int(member.position)
            .int(member.object)
            .int(member.has_siblings.into())
    })
    .await?;
    Ok(())
}

/// Which lanes occur in which collections, and the last position in these.
pub(super) async fn entered(
    connection: &mut AnyConnection,
    writer: &Writer,
    entered: &BTreeSet<(i64, LaneId)>,
) -> Result<(), Error> {
    let lanes: Vec<_> = entered.iter().copied().collect();
    let head = "INSERT INTO collection_lanes (collection, lane)";
    let tail = "ON CONFLICT (collection, lane) DO NOTHING";
    insert(connection, head, 2, tail, &lanes, |values, (collection, lane)| {
        values.int(*collection).int(lane.number())
    })
    .await?;
    let mut collections: Vec<_> = lanes.iter().map(|(collection, _)| *collection).collect();
    collections.dedup();
    for collection in collections {
        let sql = "UPDATE collections SET position = $1 WHERE number = $2";
        let position = writer.positions.get(&collection).copied().unwrap_or_default();
        execute(connection, sql, |values| values.int(position).int(collection)).await?;
    }
    Ok(())
}

/// Terms, classes and lanes that are new.
pub(super) async fn classes(
    connection: &mut AnyConnection,
    store: &Store,
    writer: &Writer,
) -> Result<(), Error> {
    let new = store.shared().classes.since(writer.saved);
    new.save(connection).await
}
