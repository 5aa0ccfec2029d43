//! What the copies of an object say of how it is held. Hearsay only tightens; who made the object may loosen it. What a
//! copy says is kept in its own words: once its markings are defined, or defined otherwise, it is understood anew, so that
//! it makes no difference whether the definition came first.

use std::collections::HashMap;

use perisai_model::{Organisation, Tlp};
use perisai_policy::{Origin, Terms};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::terms::{self, Definitions};
use crate::Error;
use crate::classes::TermsId;
use crate::incoming::Incoming;
use crate::shared::Shared;
use crate::sql::fetch_in;

/// A copy that came with a delivery.
#[derive(Debug)]
pub(super) struct NewCopy {
    /// Where it stands in the delivery.
    pub(super) at: usize,
    /// The object that it is a copy of.
    pub(super) of: i64,
    /// What it says, as it is understood now.
    pub(super) terms: TermsId,
}

/// What a copy says, as it is stored.
pub(super) struct Copy {
    /// The number of its source.
    source: i64,
    says: Says,
}

enum Says {
    /// What was understood when it came: nothing else was written down.
    Understood(Option<Tlp>),
    /// The markings of the object, else how its sender holds what has none.
    TheSame { held: Option<Tlp> },
    /// Markings of its own, by id, else the same.
    Other {
        markings: Vec<String>,
        held: Option<Tlp>,
    },
}

/// The markings of a copy as they are written down, where they may differ from those of the object: of an observable others
/// say the same in other words.
pub(super) fn said(object: &Incoming) -> Option<String> {
    if object.version.is_some() {
        return None;
    }
    let fixed = object.tlp.map(Tlp::stix_id);
    let ids: Vec<_> = fixed
        .into_iter()
        .chain(object.markings.iter().map(String::as_str))
        .collect();
    Some(ids.join(" "))
}

/// The copies of some objects, by these, in the order in which they were told.
pub(super) async fn copies(
    connection: &mut AnyConnection,
    tlp_of: impl Fn(TermsId) -> Option<Tlp>,
    objects: &[i64],
) -> Result<HashMap<i64, Vec<Copy>>, Error> {
    let sql = "SELECT object, source, terms, told, held, said FROM copies WHERE object IN ({})";
    let mut all: HashMap<i64, Vec<(Option<i64>, Copy)>> = HashMap::new();
    for row in fetch_in(connection, sql, objects).await? {
        let told: Option<i64> = row.try_get(3)?;
        let says = match told {
            Some(_) => Says::read(&row)?,
            None => {
                let number: i64 = row.try_get(2)?;
                let known = u32::try_from(number).map_err(|_| Error::Damaged(format!("terms {number}")))?;
                Says::Understood(tlp_of(TermsId(known)))
            }
        };
        let copy = Copy {
            source: row.try_get(1)?,
            says,
        };
        all.entry(row.try_get(0)?).or_default().push((told, copy));
    }
    let in_order = |(object, mut copies): (i64, Vec<(Option<i64>, Copy)>)| {
        copies.sort_unstable_by_key(|(told, copy)| (*told, copy.source));
        (object, copies.into_iter().map(|(_, copy)| copy).collect())
    };
    Ok(all.into_iter().map(in_order).collect())
}

impl Says {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        let held: Option<String> = row.try_get(4)?;
        let held = held.map(|label| Tlp::from_label(&label).unwrap_or(Tlp::Red));
        let said: Option<String> = row.try_get(5)?;
        Ok(match said {
            None => Self::TheSame { held },
            Some(said) => Self::Other {
                markings: said.split_whitespace().map(str::to_owned).collect(),
                held,
            },
        })
    }
}

/// How an object is held by its markings, which mean `marked` now, and by what its copies say.
pub(super) fn held_now(
    shared: &Shared,
    here: &Definitions<'_>,
    origin: &Origin,
    (marked, held): (Option<Tlp>, Option<Tlp>),
    copies: &[Copy],
) -> Option<Tlp> {
    copies.iter().fold(marked.or(held), |before, copy| {
        let says = match &copy.says {
            Says::Understood(tlp) => *tlp,
            Says::TheSame { held } => marked.or(*held),
            Says::Other { markings, held } => {
                let (fixed, others): (Vec<_>, Vec<_>) = markings
                    .iter()
                    .cloned()
                    .partition(|id| Tlp::from_stix_id(id).is_some());
                let fixed = fixed
                    .iter()
                    .map(|id| Tlp::from_stix_id(id))
                    .fold(None, Tlp::stricter);
                terms::marked(fixed, &others, &shared.definitions, here).or(*held)
            }
        };
        let owner = shared.sources.get(&copy.source).and_then(|source| source.owner());
        heard(
            before,
            says,
            is_originators(origin, owner),
            shared.context.default_tlp,
        )
    })
}

/// How an object is held of which a copy came from another.
pub(super) fn merged(held: Terms, copy: &Terms, owner: Option<Organisation>, default: Tlp) -> Terms {
    let is_originators = is_originators(&held.origin, owner);
    let tlp = heard(held.tlp, copy.tlp, is_originators, default);
    let audience = match is_originators {
        true => copy.audience.clone(),
        false => held.audience,
    };
    Terms {
        tlp,
        audience,
        origin: held.origin,
    }
}

fn heard(held: Option<Tlp>, copy: Option<Tlp>, is_originators: bool, default: Tlp) -> Option<Tlp> {
    if is_originators {
        return copy;
    }
    let strict = |tlp: Option<Tlp>| tlp.unwrap_or(default);
    match strict(copy) > strict(held) {
        true => Some(strict(copy)),
        false => held,
    }
}

fn is_originators(origin: &Origin, owner: Option<Organisation>) -> bool {
    match origin {
        Origin::Received { originator, .. } => originator.is_some() && *originator == owner,
        Origin::Own => false,
    }
}
