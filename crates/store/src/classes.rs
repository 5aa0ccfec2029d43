//! Terms, classes and lanes: each distinct one has a number. Few objects have terms of their own, so who may see what is
//! decided once for a class, and not once for each of a million objects.
//!
//! A *class* is the terms of an object and of all that it names, directly or not: whoever may have the object must be
//! allowed all of them. A *lane* is a class, a type and a version of STIX: what a reader asks of a collection is a set of
//! lanes, so that nothing which is hidden from a reader is even touched.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use perisai_model::{Audience, Organisation, Person, SharingGroup, Tlp};
use perisai_policy::{Decision, Origin, PolicyContext, Recipient, Terms, may_release};
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::Error;
use crate::sql::{execute, fetch};

/// The number of some terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TermsId(pub(crate) u32);

/// The number of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClassId(pub(crate) u32);

/// The number of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LaneId(pub(crate) u32);

impl LaneId {
    /// As the database has it.
    pub(crate) const fn number(self) -> i64 {
        self.0 as i64
    }

    /// As the database gave it.
    pub(crate) fn from_number(number: i64) -> Result<Self, Error> {
        u32::try_from(number)
            .map(Self)
            .map_err(|_| Error::Damaged(format!("lane {number}")))
    }
}

/// What the objects of a lane have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    pub(crate) class: ClassId,
    pub(crate) kind: Arc<str>,
    pub(crate) spec: Arc<str>,
}

/// How many classes there may be. What is beyond is held as nobody's: someone makes them up.
const CLASSES: usize = 100_000;

/// How many distinct terms one class may have.
const TERMS: usize = 256;

/// How many lanes there may be of what one organisation sent: each that a reader may see costs every page. What is beyond
/// nobody but they may have.
const LANES: usize = 1_000;

/// How many types of objects one organisation may send.
pub(crate) const TYPES: usize = 200;

/// All that have a number.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    terms: Numbered<Terms>,
    classes: Numbered<Vec<TermsId>>,
    lanes: Numbered<Lane>,
    /// What organisations sent.
    sent: HashMap<Organisation, Sent>,
}

/// What an organisation sent.
#[derive(Debug, Default)]
struct Sent {
    lanes: usize,
    types: HashSet<Arc<str>>,
}

/// Values by number and numbers by value.
#[derive(Debug)]
struct Numbered<T> {
    values: Vec<Arc<T>>,
    numbers: HashMap<Arc<T>, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Eq + std::hash::Hash> Numbered<T> {
    /// The number of a value, and whether it is new.
    fn number(&mut self, value: T) -> (u32, bool) {
        if let Some(number) = self.numbers.get(&value) {
            return (*number, false);
        }
        let number = u32::try_from(self.values.len()).expect("under 2^32 values");
        let value = Arc::new(value);
        self.values.push(Arc::clone(&value));
        self.numbers.insert(value, number);
        (number, true)
    }

    fn get(&self, number: u32) -> Option<&Arc<T>> {
        self.values.get(number as usize)
    }
}

impl Classes {
    /// Reads all from the database.
    pub(crate) async fn load(connection: &mut AnyConnection) -> Result<Self, Error> {
        let mut all = Self::default();
        for row in fetch(connection, "SELECT body FROM terms ORDER BY id", |values| values).await? {
            let body: TermsBody = serde_json::from_str(&row.try_get::<String, _>(0)?)
                .map_err(|error| Error::Damaged(format!("terms: {error}")))?;
            all.terms.number(body.into());
        }
        for row in fetch(connection, "SELECT terms FROM classes ORDER BY id", |values| {
            values
        })
        .await?
        {
            let text: String = row.try_get(0)?;
            let terms: Result<_, _> = text.split(' ').map(|one| one.parse().map(TermsId)).collect();
            all.classes
                .number(terms.map_err(|_| Error::Damaged(format!("class `{text}`")))?);
        }
        for row in fetch(
            connection,
            "SELECT class, type, spec FROM lanes ORDER BY id",
            |values| values,
        )
        .await?
        {
            let class: i64 = row.try_get(0)?;
            all.add_lane(Lane {
                class: ClassId(u32::try_from(class).map_err(|_| Error::Damaged(format!("class {class}")))?),
                kind: row.try_get::<String, _>(1)?.into(),
                spec: row.try_get::<String, _>(2)?.into(),
            });
        }
        Ok(all)
    }

    /// What is new since a mark.
    pub(crate) fn since(&self, mark: Mark) -> New {
        let numbered = |at: usize| i64::try_from(at).unwrap_or(i64::MAX)..;
        New {
            terms: numbered(mark.terms)
                .zip(self.terms.values[mark.terms..].to_vec())
                .collect(),
            classes: numbered(mark.classes)
                .zip(self.classes.values[mark.classes..].to_vec())
                .collect(),
            lanes: numbered(mark.lanes)
                .zip(self.lanes.values[mark.lanes..].to_vec())
                .collect(),
        }
    }

    /// How many there are now.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            terms: self.terms.values.len(),
            classes: self.classes.values.len(),
            lanes: self.lanes.values.len(),
        }
    }

    /// The number of some terms.
    pub(crate) fn terms_id(&mut self, terms: Terms) -> TermsId {
        TermsId(self.terms.number(terms).0)
    }

    /// Some terms by their number.
    pub(crate) fn terms(&self, id: TermsId) -> &Terms {
        self.terms.get(id.0).expect("numbers are given out here")
    }

    /// The class of an object by its own terms and the classes of what it names.
    pub(crate) fn class_id(&mut self, own: TermsId, named: &BTreeSet<TermsId>) -> ClassId {
        let mut class = Vec::with_capacity(1 + named.len());
        class.push(own);
        class.extend(named.iter().filter(|terms| **terms != own));
        let is_known = self.classes.numbers.contains_key(&class);
        if !is_known && (class.len() > TERMS || self.classes.values.len() >= CLASSES) {
            let nobody = self.terms_id(nobody());
            class = vec![own, nobody];
        }
        ClassId(self.classes.number(class).0)
    }

    /// The terms of a class, those of the object first.
    pub(crate) fn class(&self, id: ClassId) -> &[TermsId] {
        self.classes.get(id.0).expect("numbers are given out here")
    }

    /// The number of a lane.
    pub(crate) fn lane_id(&mut self, mut lane: Lane) -> LaneId {
        let is_full = |sent: &Sent| sent.lanes >= LANES;
        if !self.lanes.numbers.contains_key(&lane)
            && let Some(sender) = self.sender(lane.class)
            && self.sent.get(&sender).is_some_and(is_full)
        {
            let own = self.class(lane.class)[0];
            let nobody = self.terms_id(nobody());
            lane.class = ClassId(self.classes.number(vec![own, nobody]).0);
        }
        self.add_lane(lane)
    }

    fn add_lane(&mut self, lane: Lane) -> LaneId {
        let kind = Arc::clone(&lane.kind);
        let sender = self.sender(lane.class);
        let (number, is_new) = self.lanes.number(lane);
        if is_new && let Some(sender) = sender {
            let sent = self.sent.entry(sender).or_default();
            sent.lanes += 1;
            sent.types.insert(kind);
        }
        LaneId(number)
    }

    /// From whom came what is of a class.
    fn sender(&self, class: ClassId) -> Option<Organisation> {
        match self.terms(self.class(class)[0]).origin {
            Origin::Received { from, .. } => from,
            Origin::Own => None,
        }
    }

    /// The types of objects that an organisation sent so far.
    pub(crate) fn types_of(&self, sender: Organisation) -> HashSet<Arc<str>> {
        let sent = self.sent.get(&sender);
        sent.map(|sent| sent.types.clone()).unwrap_or_default()
    }

    /// A lane by its number.
    pub(crate) fn lane(&self, id: LaneId) -> Option<&Arc<Lane>> {
        self.lanes.get(id.0)
    }

    /// All lanes.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (LaneId, &Lane)> {
        (0..)
            .map(LaneId)
            .zip(self.lanes.values.iter().map(|lane| &**lane))
    }

    /// The terms of a class as `policy` takes them.
    pub(crate) fn terms_of(&self, class: ClassId) -> Vec<Terms> {
        let terms = self.class(class).iter();
        terms.map(|terms| self.terms(*terms).clone()).collect()
    }

    /// Decides on every class for one recipient.
    pub(crate) fn visible(&self, recipient: &Recipient, context: &PolicyContext) -> Vec<bool> {
        let may = |terms: &Terms| {
            let decision = may_release(std::slice::from_ref(terms), recipient, context);
            matches!(decision, Decision::Release(_))
        };
        let allowed: Vec<_> = self.terms.values.iter().map(|terms| may(terms)).collect();
        let is_visible = |class: &Arc<Vec<TermsId>>| {
            let (own, named) = class.split_first().expect("a class has own terms");
            let may_know = || named.iter().all(|terms| allowed[terms.0 as usize]);
            allowed[own.0 as usize] && (self.terms(*own).came_from(recipient) || may_know())
        };
        self.classes.values.iter().map(is_visible).collect()
    }
}

/// What is not written down yet.
pub(crate) struct New {
    terms: Vec<(i64, Arc<Terms>)>,
    classes: Vec<(i64, Arc<Vec<TermsId>>)>,
    lanes: Vec<(i64, Arc<Lane>)>,
}

impl New {
    /// Writes it down.
    pub(crate) async fn save(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "INSERT INTO terms (id, body) VALUES ($1, $2)";
        for (id, terms) in &self.terms {
            let body = serde_json::to_string(&TermsBody::from(&**terms)).expect("terms are plain data");
            execute(connection, sql, |values| values.int(*id).text(&body)).await?;
        }
        let sql = "INSERT INTO classes (id, terms) VALUES ($1, $2)";
        for (id, class) in &self.classes {
            let text: Vec<_> = class.iter().map(|terms| terms.0.to_string()).collect();
            execute(connection, sql, |values| values.int(*id).text(&text.join(" "))).await?;
        }
        let sql = "INSERT INTO lanes (id, class, type, spec) VALUES ($1, $2, $3, $4)";
        for (id, lane) in &self.lanes {
            execute(connection, sql, |values| {
                values
                    .int(*id)
                    .int(i64::from(lane.class.0))
                    .text(&lane.kind)
                    .text(&lane.spec)
            })
            .await?;
        }
        Ok(())
    }
}

/// Terms under which nobody gets an object.
fn nobody() -> Terms {
    Terms {
        tlp: Some(Tlp::Red),
        origin: Origin::Received {
            originator: None,
            from: None,
        },
        audience: Some(Audience::default()),
    }
}

/// What was there at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    terms: usize,
    classes: usize,
    lanes: usize,
}

/// Terms as they are stored.
#[derive(Debug, Serialize, Deserialize)]
struct TermsBody {
    tlp: Option<String>,
    own: bool,
    originator: Option<Uuid>,
    from: Option<Uuid>,
    audience: Option<AudienceBody>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AudienceBody {
    organisations: Vec<Uuid>,
    groups: Vec<Uuid>,
    persons: Vec<Uuid>,
}

impl From<&Terms> for TermsBody {
    fn from(terms: &Terms) -> Self {
        let (own, originator, from) = match &terms.origin {
            Origin::Own => (true, None, None),
            Origin::Received { originator, from } => (false, *originator, *from),
        };
        Self {
            tlp: terms.tlp.map(|tlp| tlp.as_str().to_owned()),
            own,
            originator: originator.map(|organisation| organisation.0),
            from: from.map(|organisation| organisation.0),
            audience: terms.audience.as_ref().map(|audience| AudienceBody {
                organisations: audience.organisations.iter().map(|one| one.0).collect(),
                groups: audience.groups.iter().map(|one| one.0).collect(),
                persons: audience.persons.iter().map(|one| one.0).collect(),
            }),
        }
    }
}

impl From<TermsBody> for Terms {
    fn from(body: TermsBody) -> Self {
        let origin = if body.own {
            Origin::Own
        } else {
            Origin::Received {
                originator: body.originator.map(Organisation),
                from: body.from.map(Organisation),
            }
        };
        Self {
            // A label that is not known here is one of a later version.
            tlp: body.tlp.map(|tlp| Tlp::from_label(&tlp).unwrap_or(Tlp::Red)),
            origin,
            audience: body.audience.map(|audience| Audience {
                organisations: audience.organisations.into_iter().map(Organisation).collect(),
                groups: audience.groups.into_iter().map(SharingGroup).collect(),
                persons: audience.persons.into_iter().map(Person).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(tlp: Tlp) -> Terms {
        Terms {
            tlp: Some(tlp),
            origin: Origin::Own,
            audience: None,
        }
    }

    #[test]
    fn a_class_is_visible_by_all_of_its_terms() {
        let mut classes = Classes::default();
        let clear = classes.terms_id(terms(Tlp::Clear));
        let green = classes.terms_id(terms(Tlp::Green));
        let open = classes.class_id(clear, &BTreeSet::from([clear]));
        let mixed = classes.class_id(clear, &BTreeSet::from([green]));
        assert_eq!(open, classes.class_id(clear, &BTreeSet::new()));
        let context = PolicyContext::new(Organisation(Uuid::from_u128(1)));
        let visible = classes.visible(&Recipient::ANYBODY, &context);
        assert_eq!(
            (visible[open.0 as usize], visible[mixed.0 as usize]),
            (true, false)
        );
    }

    #[test]
    fn too_many_lanes_of_one_are_for_themselves() {
        let mut classes = Classes::default();
        let sender = Organisation(Uuid::from_u128(7));
        let from = |from: Option<Organisation>, tlp: Tlp| Terms {
            tlp: Some(tlp),
            origin: Origin::Received {
                originator: None,
                from,
            },
            audience: None,
        };
        let own = classes.terms_id(from(Some(sender), Tlp::Clear));
        let open = classes.class_id(own, &BTreeSet::new());
        let lane = |class: ClassId, number: usize| Lane {
            class,
            kind: format!("x-{number}").into(),
            spec: "2.1".into(),
        };
        let lanes: Vec<_> = (0..LANES + 5)
            .map(|number| classes.lane_id(lane(open, number)))
            .collect();
        let context = PolicyContext::new(Organisation(Uuid::from_u128(1)));
        let seen = |recipient: Recipient| {
            let visible = classes.visible(&recipient, &context);
            let is_seen = |id: &&LaneId| visible[classes.lane(**id).unwrap().class.0 as usize];
            lanes.iter().filter(is_seen).count()
        };
        assert_eq!(seen(Recipient::ANYBODY), LANES);
        assert_eq!(seen(Recipient::organisation(sender)), LANES + 5);
        // What is known stays as it is, and others are not held up.
        assert_eq!(classes.lane_id(lane(open, 3)), lanes[3]);
        let other = classes.terms_id(from(None, Tlp::Clear));
        let class = classes.class_id(other, &BTreeSet::new());
        let number = classes.lane_id(lane(class, 1));
        assert_eq!(classes.lane(number).unwrap().class, class);
        assert_eq!(classes.types_of(sender).len(), LANES + 5);
    }

    #[test]
    fn too_many_terms_are_for_nobody() {
        let mut classes = Classes::default();
        let own = classes.terms_id(terms(Tlp::Clear));
        let many = (0..300).map(|number| {
            classes.terms_id(Terms {
                audience: Some(Audience {
                    persons: [Person(Uuid::from_u128(number))].into(),
                    ..Audience::default()
                }),
                ..terms(Tlp::Green)
            })
        });
        let many = many.collect();
        let class = classes.class_id(own, &many);
        let terms = classes.terms_of(class);
        assert_eq!(terms[1].tlp, Some(Tlp::Red));
        assert_eq!(terms.len(), 2);
    }
}
