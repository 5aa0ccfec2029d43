//! What the copies of an object say of how it is held. Who made it says how it is held; our own people may tighten it; what
//! anybody else says of it counts for nothing but what they sent themselves. What a copy says is kept in its own words: once
//! its markings are defined, or defined otherwise, it is understood anew, so that it makes no difference whether the
//! definition came first.

use std::collections::HashMap;

use perisai_model::Tlp;
use perisai_policy::{Origin, Terms};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::Error;
use crate::classes::TermsId;
use crate::shared::Shared;
use crate::sql::fetch_in;

/// A copy that came with a delivery.
#[derive(Debug)]
pub(super) struct NewCopy {
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
}

/// The copies of some objects, by these, in the order in which they were told.
pub(super) async fn copies(
    connection: &mut AnyConnection,
    tlp_of: impl Fn(TermsId) -> Option<Tlp>,
    objects: &[i64],
) -> Result<HashMap<i64, Vec<Copy>>, Error> {
    let sql = "SELECT object, source, terms, told, held FROM copies WHERE object IN ({})";
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
        Ok(Self::TheSame { held })
    }
}

/// How an object is held by its markings, which mean `marked` now, and by what its copies say.
pub(super) fn held_now(
    shared: &Shared,
    origin: &Origin,
    (marked, held): (Option<Tlp>, Option<Tlp>),
    copies: &[Copy],
) -> Option<Tlp> {
    copies.iter().fold(marked.or(held), |before, copy| {
        let says = match &copy.says {
            Says::Understood(tlp) => *tlp,
            Says::TheSame { held } => marked.or(*held),
        };
        let hearing = Hearing::of(shared, origin, copy.source);
        heard(before, says, hearing, shared.context.default_tlp)
    })
}

/// How an object is held of which a copy came from another.
pub(super) fn merged(shared: &Shared, held: Terms, copy: &Terms, source: i64) -> Terms {
    let hearing = Hearing::of(shared, &held.origin, source);
    let tlp = heard(held.tlp, copy.tlp, hearing, shared.context.default_tlp);
    let audience = match hearing {
        Hearing::Maker => copy.audience.clone(),
        Hearing::Ours | Hearing::Nobody => held.audience,
    };
    Terms {
        tlp,
        audience,
        origin: held.origin,
    }
}

/// Who says something of an object that another brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    /// Who made it.
    Maker,
    /// Our own people.
    Ours,
    /// Somebody else.
    Nobody,
}

impl Hearing {
    fn of(shared: &Shared, origin: &Origin, source: i64) -> Self {
        let owner = shared.sources.get(&source).and_then(|source| source.owner());
        let maker = match origin {
            Origin::Received { originator, .. } => *originator,
            Origin::Own => None,
        };
        match () {
            () if maker.is_some() && maker == owner => Self::Maker,
            () if shared.is_ours(source) => Self::Ours,
            () => Self::Nobody,
        }
    }
}

fn heard(held: Option<Tlp>, copy: Option<Tlp>, hearing: Hearing, default: Tlp) -> Option<Tlp> {
    let strict = |tlp: Option<Tlp>| tlp.unwrap_or(default);
    match hearing {
        Hearing::Maker => copy,
        Hearing::Ours if strict(copy) > strict(held) => Some(strict(copy)),
        Hearing::Ours | Hearing::Nobody => held,
    }
}
