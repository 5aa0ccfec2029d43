//! Each rule by a case.

use std::collections::{BTreeMap, BTreeSet};

use perisai_model::{Audience, Organisation, Person, SharingGroup, Tlp};
use perisai_policy::{Decision, Origin, PolicyContext, Reason, Recipient, Refusal, Terms, may_release};
use uuid::Uuid;

const US: Organisation = Organisation(Uuid::from_u128(1));
const CLIENT: Organisation = Organisation(Uuid::from_u128(2));
const FRIEND: Organisation = Organisation(Uuid::from_u128(3));
const SENDER: Organisation = Organisation(Uuid::from_u128(4));
const MAKER: Organisation = Organisation(Uuid::from_u128(5));
const STRANGER: Organisation = Organisation(Uuid::from_u128(6));
const ANN: Person = Person(Uuid::from_u128(11));
const BOB: Person = Person(Uuid::from_u128(12));
const GROUP: SharingGroup = SharingGroup(Uuid::from_u128(21));

fn context() -> PolicyContext {
    PolicyContext {
        clients: BTreeSet::from([CLIENT]),
        community: BTreeSet::from([FRIEND, SENDER]),
        groups: BTreeMap::from([(GROUP, BTreeSet::from([STRANGER]))]),
        red_readers: BTreeSet::from([ANN]),
        ..PolicyContext::new(US)
    }
}

fn received(tlp: impl Into<Option<Tlp>>, audience: Option<Audience>) -> Terms {
    let origin = Origin::Received {
        originator: Some(MAKER),
        from: Some(SENDER),
    };
    Terms {
        tlp: tlp.into(),
        origin,
        audience,
    }
}

fn of(organisation: Organisation) -> Recipient {
    Recipient::organisation(organisation)
}

#[track_caller]
fn check(terms: &Terms, recipient: Recipient, expected: Result<Reason, Refusal>) {
    let expected = match expected {
        Ok(reason) => Decision::Release(reason),
        Err(refusal) => Decision::Withhold(refusal),
    };
    assert_eq!(
        may_release(std::slice::from_ref(terms), &recipient, &context()),
        expected
    );
}

#[test]
fn by_marking() {
    let clear = received(Tlp::Clear, None);
    check(&clear, Recipient::ANYBODY, Ok(Reason::Open));
    check(&clear, of(STRANGER), Ok(Reason::Open));
    let green = received(Tlp::Green, None);
    check(&green, Recipient::ANYBODY, Err(Refusal::Tlp(Tlp::Green)));
    check(&green, of(FRIEND), Ok(Reason::Community));
    check(&green, of(STRANGER), Err(Refusal::Tlp(Tlp::Green)));
    check(&green, of(CLIENT), Ok(Reason::Client));
    let amber = received(Tlp::Amber, None);
    check(&amber, of(US), Ok(Reason::Own));
    check(&amber, of(CLIENT), Ok(Reason::Client));
    check(&amber, of(SENDER), Ok(Reason::Theirs));
    check(&amber, of(MAKER), Ok(Reason::Theirs));
    check(&amber, of(FRIEND), Err(Refusal::Tlp(Tlp::Amber)));
    let strict = received(Tlp::AmberStrict, None);
    check(&strict, of(US), Ok(Reason::Own));
    check(&strict, of(CLIENT), Err(Refusal::Tlp(Tlp::AmberStrict)));
    check(&strict, of(MAKER), Ok(Reason::Theirs));
    // Without a marking the node's default.
    check(
        &received(None, None),
        of(CLIENT),
        Err(Refusal::Tlp(Tlp::AmberStrict)),
    );
}

#[test]
fn an_audience_narrows_and_names() {
    let group = Audience {
        groups: BTreeSet::from([GROUP]),
        ..Audience::default()
    };
    for tlp in [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict] {
        let terms = received(tlp, Some(group.clone()));
        let reason = if tlp == Tlp::Clear {
            Reason::Open
        } else {
            Reason::Named
        };
        check(&terms, of(STRANGER), Ok(reason));
        check(&terms, of(FRIEND), Err(Refusal::Audience));
        check(&terms, of(CLIENT), Err(Refusal::Audience));
        check(&terms, Recipient::ANYBODY, Err(Refusal::Audience));
        check(&terms, of(US), Ok(Reason::Own));
    }
    // An empty one is for nobody else, not for all.
    check(
        &received(Tlp::Clear, Some(Audience::default())),
        of(FRIEND),
        Err(Refusal::Audience),
    );
}

#[test]
fn red_is_for_persons() {
    let bob = Audience {
        organisations: BTreeSet::from([FRIEND, US]),
        persons: BTreeSet::from([BOB]),
        ..Audience::default()
    };
    let no = Err(Refusal::Tlp(Tlp::Red));
    let named = received(Tlp::Red, Some(bob));
    check(&named, of(US), no);
    check(&named, of(FRIEND), no);
    check(&named, Recipient::person(US, ANN), no);
    check(&named, Recipient::person(FRIEND, BOB), Ok(Reason::Named));
    let nameless = received(Tlp::Red, None);
    check(&nameless, Recipient::person(US, ANN), Ok(Reason::RedReader));
    check(&nameless, Recipient::person(FRIEND, ANN), no);
    check(&nameless, Recipient::person(US, BOB), no);
    check(&nameless, of(MAKER), no);
}

#[test]
fn what_an_object_names_is_not_given_away() {
    let (clear, red) = (received(Tlp::Clear, None), received(Tlp::Red, None));
    let decide = |terms: &[Terms]| may_release(terms, &of(FRIEND), &context());
    assert_eq!(
        decide(&[clear.clone(), red.clone()]),
        Decision::Withhold(Refusal::Reference)
    );
    assert_eq!(
        decide(&[red, clear.clone()]),
        Decision::Withhold(Refusal::Tlp(Tlp::Red))
    );
    assert_eq!(decide(&[clear.clone(), clear]), Decision::Release(Reason::Open));
    assert_eq!(decide(&[]), Decision::Withhold(Refusal::NoTerms));
}
