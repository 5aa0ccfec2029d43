//! An independent statement of the rules: who of a small world has a right to an object, set by set.

use std::collections::{BTreeMap, BTreeSet};

use perisai_model::{Audience, Organisation, Person, SharingGroup, Tlp};
use perisai_policy::{Decision, Origin, PolicyContext, Recipient, Terms, may_release, release};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

const ORGANISATIONS: u128 = 6;
const PERSONS: u128 = 4;

/// Everybody there is. Each person may speak for any organisation.
fn world() -> BTreeSet<Recipient> {
    let organisations = (0..ORGANISATIONS).map(|at| Organisation(Uuid::from_u128(at)));
    let persons: Vec<_> = (0..PERSONS).map(|at| Person(Uuid::from_u128(100 + at))).collect();
    let of = |organisation| {
        let people = persons.clone().into_iter();
        let people = people.map(move |person| Recipient::person(organisation, person));
        people.chain([Recipient::organisation(organisation)])
    };
    organisations.flat_map(of).chain([Recipient::ANYBODY]).collect()
}

/// All of some organisations.
fn all_of(organisations: impl IntoIterator<Item = Organisation>) -> BTreeSet<Recipient> {
    let organisations: BTreeSet<_> = organisations.into_iter().collect();
    let mut all = world();
    all.retain(|one| {
        one.organisation
            .is_some_and(|organisation| organisations.contains(&organisation))
    });
    all
}

/// Those whom an audience names.
fn named(audience: &Audience, context: &PolicyContext) -> BTreeSet<Recipient> {
    let mut all = all_of(audience.organisations.iter().copied());
    for group in &audience.groups {
        all.extend(all_of(context.groups.get(group).into_iter().flatten().copied()));
    }
    all.extend(world().into_iter().filter(|one| {
        one.person
            .is_some_and(|person| audience.persons.contains(&person))
    }));
    all
}

/// Those who may have an object of these terms alone.
fn entitled(terms: &Terms, context: &PolicyContext) -> BTreeSet<Recipient> {
    let tlp = terms.tlp.unwrap_or(context.default_tlp);
    let people = |persons: &BTreeSet<Person>, among: BTreeSet<Recipient>| -> BTreeSet<Recipient> {
        let has = |one: &Recipient| one.person.is_some_and(|person| persons.contains(&person));
        among.into_iter().filter(has).collect()
    };
    if tlp == Tlp::Red {
        return match &terms.audience {
            Some(audience) if !audience.persons.is_empty() => people(&audience.persons, world()),
            _ => people(&context.red_readers, all_of([context.own])),
        };
    }
    let insiders = match terms.origin {
        Origin::Own => all_of([context.own]),
        Origin::Received { originator, from } => {
            all_of([Some(context.own), originator, from].into_iter().flatten())
        }
    };
    let outsiders = match (&terms.audience, tlp) {
        (Some(audience), _) => named(audience, context),
        (None, Tlp::Clear) => world(),
        (None, Tlp::Green) => all_of(context.community.iter().chain(&context.clients).copied()),
        (None, Tlp::Amber) => all_of(context.clients.iter().copied()),
        (None, _) => BTreeSet::new(),
    };
    insiders.union(&outsiders).copied().collect()
}

fn organisation() -> impl Strategy<Value = Organisation> {
    (0..ORGANISATIONS).prop_map(|at| Organisation(Uuid::from_u128(at)))
}

fn person() -> impl Strategy<Value = Person> {
    (0..PERSONS).prop_map(|at| Person(Uuid::from_u128(100 + at)))
}

fn group() -> impl Strategy<Value = SharingGroup> {
    (0..3_u128).prop_map(|at| SharingGroup(Uuid::from_u128(200 + at)))
}

fn tlp() -> impl Strategy<Value = Tlp> {
    prop::sample::select(Tlp::ALL.to_vec())
}

prop_compose! {
    fn audience()(
        organisations in btree_set(organisation(), 0..3),
        groups in btree_set(group(), 0..3),
        persons in btree_set(person(), 0..3),
    ) -> Audience {
        Audience { organisations, groups, persons }
    }
}

prop_compose! {
    fn terms()(
        tlp in option::of(tlp()),
        received in option::of((option::of(organisation()), option::of(organisation()))),
        audience in option::of(audience()),
    ) -> Terms {
        let origin = received.map_or(Origin::Own, |(originator, from)| Origin::Received { originator, from });
        Terms { tlp, origin, audience }
    }
}

prop_compose! {
    fn context()(
        own in organisation(),
        clients in btree_set(organisation(), 0..3),
        community in btree_set(organisation(), 0..4),
        groups in btree_map(group(), btree_set(organisation(), 0..4), 0..3),
        red_readers in btree_set(person(), 0..3),
        default_tlp in tlp(),
    ) -> PolicyContext {
        let groups: BTreeMap<_, _> = groups;
        PolicyContext { own, clients, community, groups, red_readers, default_tlp }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_rules_say_what_the_statement_says(all in vec(terms(), 1..4), context in context()) {
        let own = entitled(&all[0], &context);
        // Who sent it knows what it names.
        let sender = match all[0].origin {
            Origin::Received { from, .. } => all_of(from),
            Origin::Own => BTreeSet::new(),
        };
        let named = all[1..].iter().map(|terms| entitled(terms, &context));
        let named = named
            .reduce(|one, other| one.intersection(&other).copied().collect())
            .unwrap_or_else(world);
        let may_know: BTreeSet<_> = named.union(&sender).copied().collect();
        let expected: BTreeSet<_> = own.intersection(&may_know).copied().collect();
        for recipient in world() {
            let decision = may_release(&all, &recipient, &context);
            let may = matches!(decision, Decision::Release(_));
            prop_assert_eq!(may, expected.contains(&recipient), "{:?}: {:?}", recipient, decision);
            let released = release((), &all, &recipient, &context);
            prop_assert_eq!(released.is_ok_and(|it| it.recipient() == recipient), may);
        }
    }

    #[test]
    fn a_stricter_marking_reaches_nobody_new(one in terms(), stricter in tlp(), context in context()) {
        let tlp = Tlp::stricter(Some(one.tlp.unwrap_or(context.default_tlp)), Some(stricter));
        let other = Terms { tlp, ..one.clone() };
        for recipient in world().into_iter().filter(|_| tlp != Some(Tlp::Red)) {
            let may = |terms: &Terms| {
                matches!(may_release(std::slice::from_ref(terms), &recipient, &context), Decision::Release(_))
            };
            prop_assert!(may(&one) || !may(&other), "{:?}", recipient);
        }
    }
}
