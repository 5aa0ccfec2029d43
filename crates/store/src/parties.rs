//! Who takes part, as far as release depends on it.

use std::collections::HashSet;

use perisai_model::{Organisation, Person, SharingGroup};
use perisai_policy::PolicyContext;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::known::flag;
use crate::sql::fetch;
use crate::{Error, facts};

/// All who are known.
pub(crate) struct Parties {
    pub(crate) context: PolicyContext,
    pub(crate) organisations: HashSet<Organisation>,
}

/// Reads who is who.
pub(crate) async fn load(connection: &mut AnyConnection, own: Organisation) -> Result<Parties, Error> {
    let mut context = PolicyContext::new(own);
    if let Some(tlp) = facts::default_tlp(connection).await? {
        context.default_tlp = tlp;
    }
    let mut organisations = HashSet::from([own]);
    let sql = "SELECT id, is_client, in_community FROM organisations";
    for row in fetch(connection, sql, |values| values).await? {
        let organisation = Organisation(uuid(&row, 0)?);
        organisations.insert(organisation);
        if flag(&row, 1)? {
            context.clients.insert(organisation);
        }
        if flag(&row, 2)? {
            context.community.insert(organisation);
        }
    }
    let sql = "SELECT sharing_group, organisation FROM group_members";
    for row in fetch(connection, sql, |values| values).await? {
        let members = context.groups.entry(SharingGroup(uuid(&row, 0)?)).or_default();
        members.insert(Organisation(uuid(&row, 1)?));
    }
    let sql = "SELECT id FROM users WHERE reads_red <> 0 AND is_disabled = 0";
    for row in fetch(connection, sql, |values| values).await? {
        context.red_readers.insert(Person(uuid(&row, 0)?));
    }
    Ok(Parties {
        context,
        organisations,
    })
}

/// A UUID that the store wrote.
pub(crate) fn uuid(row: &AnyRow, at: usize) -> Result<Uuid, Error> {
    let text: String = row.try_get(at)?;
    Uuid::try_parse(&text).map_err(|_| Error::Damaged(format!("`{text}` is no UUID")))
}
