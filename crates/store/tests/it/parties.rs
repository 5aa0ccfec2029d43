//! Who joins sees what was hidden from them, however far they have read; and nobody misses anything meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use perisai_model::{Audience, Organisation, Person, SharingGroup, Tlp};
use perisai_policy::Recipient;
use perisai_store::{Delivery, NewUser, OrganisationChange, PageQuery, Rights, Store, UserChange};

use crate::backend::{Backend, backends};
use crate::objects::{basket, reopen};
use crate::sample::{bytes, indicator, partner, relationship, take, uuid};

const PARTNER: Organisation = Organisation(uuid_const(7));
const OTHER: Organisation = Organisation(uuid_const(8));
const GROUP: SharingGroup = SharingGroup(uuid_const(100));
const PERSON: Person = Person(uuid_const(200));

const fn uuid_const(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x4000_8000_0000_0000_0000 + number)
}

/// Somebody who reads a collection from page to page.
struct Reader {
    recipient: Recipient,
    collection: i64,
    after: Option<i64>,
    has: BTreeSet<String>,
}

impl Reader {
    fn new(recipient: Recipient, collection: i64) -> Self {
        Self {
            recipient,
            collection,
            after: None,
            has: BTreeSet::new(),
        }
    }

    /// Reads on to the end; gives what came.
    async fn pull(&mut self, store: &Store, limit: usize) -> BTreeSet<String> {
        let mut came = BTreeSet::new();
        loop {
            let query = PageQuery {
                collection: self.collection,
                after: self.after,
                limit,
                ..PageQuery::default()
            };
            let page = store.view(self.recipient).page(&query).await.unwrap();
            for entry in &page.entries {
                assert!(self.after.is_none_or(|after| entry.get().added > after));
                self.after = Some(entry.get().added);
                came.insert(entry.get().id.clone());
            }
            if !page.more {
                self.has.extend(came.iter().cloned());
                return came;
            }
        }
    }
}

/// A store with a basket: one object of each kind of terms, several thousand GREEN ones, and who is who.
async fn filled(backend: &Backend) -> (Store, i64) {
    let store = backend.open().await;
    let basket = basket(&store).await;
    for (organisation, name) in [(PARTNER, "Partner"), (OTHER, "Other")] {
        store
            .add_organisation(organisation, name, false, false)
            .await
            .unwrap();
    }
    store
        .add_organisation(store.own(), "Own", false, false)
        .await
        .unwrap();
    store.add_group(GROUP, "A group").await.unwrap();
    let own_person = NewUser {
        id: PERSON,
        name: "anna".to_owned(),
        organisation: store.own(),
        role: "analyst".to_owned(),
        pass_phrase: None,
        reads_red: false,
    };
    store.add_user(own_person).await.unwrap();
    let source = partner(&store, "a", Some(1)).await;
    let many: Vec<_> = (1000..3500)
        .map(|number| indicator(number, 1, Some(Tlp::Green)))
        .collect();
    take(&store, source, Some(basket), &many).await;
    let objects = [
        indicator(1, 1, Some(Tlp::Clear)),
        indicator(2, 1, Some(Tlp::Green)),
        indicator(3, 1, Some(Tlp::Amber)),
        indicator(4, 1, Some(Tlp::AmberStrict)),
        indicator(5, 1, Some(Tlp::Red)),
        relationship(
            6,
            &crate::sample::id("indicator", 2),
            &crate::sample::id("indicator", 3),
            Tlp::Clear,
        ),
    ];
    take(&store, source, Some(basket), &objects).await;
    let delivery = Delivery {
        source,
        collection: Some(basket),
        tlp: None,
        audience: Some(Audience {
            groups: [GROUP].into(),
            ..Audience::default()
        }),
        objects: bytes(&[indicator(7, 1, Some(Tlp::Amber))]),
    };
    store.ingest(delivery).await.unwrap();
    take(&store, source, Some(basket), &[indicator(8, 1, Some(Tlp::Clear))]).await;
    (store, basket)
}

/// How somebody comes to see more.
#[derive(Debug, Clone, Copy)]
enum Join {
    Community,
    Client,
    Group,
    Red,
}

async fn join(store: &Store, how: Join) {
    let change = |change: OrganisationChange| store.change_organisation(PARTNER, change);
    let done = match how {
        Join::Community => change(OrganisationChange {
            in_community: Some(true),
            ..OrganisationChange::default()
        })
        .await
        .map(drop),
        Join::Client => change(OrganisationChange {
            is_client: Some(true),
            ..OrganisationChange::default()
        })
        .await
        .map(drop),
        Join::Group => store.add_member(GROUP, PARTNER).await,
        Join::Red => store
            .change_user(
                PERSON,
                UserChange {
                    reads_red: Some(true),
                    ..UserChange::default()
                },
            )
            .await
            .map(drop),
    };
    done.unwrap();
}

#[tokio::test]
async fn who_joins_gets_what_was_hidden() {
    for (how, expected) in [
        (Join::Community, &["indicator 2"][..]),
        (Join::Client, &["indicator 2", "indicator 3", "relationship 6"]),
        (Join::Group, &["indicator 7"]),
        (Join::Red, &["indicator 5"]),
    ] {
        for backend in backends().await {
            let (store, basket) = filled(&backend).await;
            let joins = match how {
                Join::Red => Recipient::person(store.own(), PERSON),
                _ => Recipient::organisation(PARTNER),
            };
            let mut reader = Reader::new(joins, basket);
            let mut other = Reader::new(Recipient::organisation(OTHER), basket);
            let first = other.pull(&store, 1000).await;
            reader.pull(&store, 1000).await;
            join(&store, how).await;
            let came = reader.pull(&store, 700).await;
            let few = (2..=7).flat_map(|number| {
                ["indicator", "relationship"]
                    .map(|kind| (format!("{kind} {number}"), crate::sample::id(kind, number)))
            });
            let few: Vec<_> = few
                .filter(|(_, id)| came.contains(id))
                .map(|(name, _)| name)
                .collect();
            assert_eq!(few, expected, "{how:?} {}", backend.name);
            let many = came.len() - few.len();
            let green = matches!(how, Join::Community | Join::Client);
            assert_eq!(many, if green { 2500 } else { 0 }, "{how:?}");
            // Nobody else sees anything of it, and nothing comes a third time.
            assert_eq!(other.pull(&store, 1000).await, BTreeSet::new());
            assert_eq!(other.has, first);
            assert_eq!(reader.pull(&store, 1000).await, BTreeSet::new());
            // What is stored says the same after a restart, and positions go on.
            drop(store);
            let store = reopen(&backend).await;
            let source = partner(&store, "a", Some(1)).await;
            take(&store, source, Some(basket), &[indicator(9, 1, Some(Tlp::Clear))]).await;
            assert_eq!(reader.pull(&store, 1000).await.len(), 1, "{how:?}");
            let mut again = Reader::new(joins, basket);
            again.pull(&store, 1000).await;
            assert_eq!(again.has, reader.has, "{how:?} {}", backend.name);
        }
    }
}

#[tokio::test]
async fn who_leaves_sees_no_more() {
    for backend in backends().await {
        let (store, basket) = filled(&backend).await;
        let count = async || {
            let mut reader = Reader::new(Recipient::organisation(PARTNER), basket);
            reader.pull(&store, 1000).await.len()
        };
        assert_eq!(count().await, 2, "{}", backend.name);
        join(&store, Join::Group).await;
        assert_eq!(count().await, 3);
        store.remove_member(GROUP, PARTNER).await.unwrap();
        assert_eq!(count().await, 2);
        join(&store, Join::Group).await;
        store.remove_group(GROUP).await.unwrap();
        assert_eq!(count().await, 2);
        join(&store, Join::Community).await;
        assert_eq!(count().await, 2503);
        store
            .grant(
                "basket",
                PARTNER,
                Rights {
                    read: true,
                    write: true,
                },
            )
            .await
            .unwrap();
        store.remove_organisation(PARTNER).await.unwrap();
        assert_eq!(count().await, 2);
        assert_eq!(
            store.collection("basket").unwrap().rights_of(PARTNER),
            Rights::default()
        );
        // One that comes back may have read before: it is shown what it could not see then.
        let mut reader = Reader::new(Recipient::organisation(PARTNER), basket);
        reader.pull(&store, 1000).await;
        store
            .add_organisation(PARTNER, "Partner", false, true)
            .await
            .unwrap();
        assert_eq!(reader.pull(&store, 1000).await.len(), 2501);
        assert_eq!(
            store.collection("basket").unwrap().rights_of(PARTNER),
            Rights::default()
        );
        // One that is new has read nothing: the others are not made to read all again.
        store
            .add_organisation(Organisation(uuid(50)), "New", true, true)
            .await
            .unwrap();
        assert_eq!(reader.pull(&store, 1000).await.len(), 0, "{}", backend.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_misses_anything_while_much_changes() {
    for backend in backends().await {
        let (store, basket) = filled(&backend).await;
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let recipients = [
            Recipient::ANYBODY,
            Recipient::organisation(PARTNER),
            Recipient::organisation(OTHER),
            Recipient::organisation(store.own()),
        ];
        let read = |recipient| {
            let (store, done) = (store.clone(), done.clone());
            tokio::spawn(async move {
                let mut reader = Reader::new(recipient, basket);
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    reader.pull(&store, 300).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                reader.pull(&store, 300).await;
                reader
            })
        };
        let readers = recipients.map(read);
        for round in 0..12_u128 {
            let change = OrganisationChange {
                in_community: Some(round % 2 == 0),
                is_client: Some(round % 3 == 0),
                name: None,
            };
            let who = if round % 4 < 2 { PARTNER } else { OTHER };
            store.change_organisation(who, change).await.unwrap();
            let source = partner(&store, &format!("source {round}"), Some(300 + round)).await;
            let tlp = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict];
            let objects: Vec<_> = (0..20)
                .map(|number| indicator(10_000 + round * 100 + number, 1, Some(tlp[number as usize % 4])))
                .collect();
            take(&store, source, Some(basket), &objects).await;
        }
        for who in [PARTNER, OTHER] {
            let change = OrganisationChange {
                in_community: Some(true),
                is_client: Some(false),
                name: None,
            };
            store.change_organisation(who, change).await.unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        for reader in readers {
            let reader = reader.await.unwrap();
            let mut fresh = Reader::new(reader.recipient, basket);
            fresh.pull(&store, 1000).await;
            let missed: Vec<_> = fresh.has.difference(&reader.has).collect();
            assert!(
                missed.is_empty(),
                "{} {:?}: {missed:?}",
                backend.name,
                reader.recipient
            );
            assert!(fresh.has.len() >= 2);
        }
    }
}
