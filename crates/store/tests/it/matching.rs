//! What is stored and matches a collection enters it, whatever comes in between.

use std::time::Duration;

use perisai_model::Tlp;
use perisai_policy::Recipient;
use perisai_store::{NewCollection, PageQuery, Query, Store};
use serde_json::Value;

use crate::backend::{Backend, again, backends};
use crate::objects::read;
use crate::sample::{indicator, partner, take};

/// How many objects are stored before the collection is made: several steps.
const MANY: u128 = 9_000;

/// All that a reader has not got yet, a page at a time: when it entered, and its id.
async fn pull(store: &Store, after: Option<i64>) -> Vec<(i64, String)> {
    let mut query = PageQuery {
        collection: store.collection("all").unwrap().number,
        after,
        limit: 1000,
        ..PageQuery::default()
    };
    let mut came = Vec::new();
    loop {
        let page = store.view(Recipient::ANYBODY).page(&query).await.unwrap();
        let entries = page.entries.iter().map(|entry| entry.get());
        came.extend(entries.map(|entry| (entry.added, entry.id.clone())));
        query.after = came.last().map(|(added, _)| *added).or(query.after);
        if !page.more {
            return came;
        }
    }
}

/// Whether anything is in the collection.
async fn has_some(store: &Store) -> bool {
    let Some(collection) = store.collection("all") else {
        return false;
    };
    let query = PageQuery {
        collection: collection.number,
        limit: 1,
        heads: true,
        ..PageQuery::default()
    };
    let page = store.view(Recipient::ANYBODY).page(&query).await.unwrap();
    !page.entries.is_empty()
}

/// Makes a collection, and goes away in the middle.
async fn make_half(backend: &Backend) {
    let store = again(backend).await;
    let new = NewCollection {
        alias: Some("all".to_owned()),
        query: Some(Query::default()),
        ..NewCollection::default()
    };
    let some_entered = async {
        while !has_some(&store).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = some_entered => {}
        _ = store.create_collection(new) => panic!("all of it entered at once"),
    }
}

/// How it is gone on with.
#[derive(Debug, Clone, Copy)]
enum How {
    Fold,
    CatchUp,
    Keep,
}

async fn go_on(store: &Store, how: How) {
    match how {
        How::Fold => while store.fold().await.unwrap() {},
        How::CatchUp => store.catch_up().await.unwrap(),
        How::Keep => {
            let entered = async {
                while (pull(store, None).await.len() as u128) < MANY {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! {
                () = store.keep_folding() => {},
                done = tokio::time::timeout(Duration::from_secs(60), entered) => done.unwrap(),
            }
        }
    }
}

#[tokio::test]
async fn a_new_collection_is_filled_after_a_kill() {
    for how in [How::Fold, How::CatchUp, How::Keep] {
        for backend in backends().await {
            let store = backend.open().await;
            let source = partner(&store, "a", None).await;
            let objects: Vec<_> = (0..MANY)
                .map(|number| indicator(number, 1, Some(Tlp::Clear)))
                .collect();
            take(&store, source, None, &objects).await;
            drop(store);
            make_half(&backend).await;
            let store = again(&backend).await;
            let mut came = pull(&store, None).await;
            assert!(
                !came.is_empty() && (came.len() as u128) < MANY,
                "{how:?} {}",
                backend.name
            );
            go_on(&store, how).await;
            came.extend(pull(&store, came.last().map(|(added, _)| *added)).await);
            let expected: Vec<_> = objects.iter().map(|one| one["id"].as_str().unwrap()).collect();
            let ids: Vec<_> = came.iter().map(|(_, id)| &**id).collect();
            assert!(ids == expected, "{how:?} {}: {}", backend.name, ids.len());
            // There is an end to it.
            while store.fold().await.unwrap() {}
            assert!(pull(&store, None).await == came, "{how:?} {}", backend.name);
        }
    }
}

async fn collection(store: &Store, alias: &str, query: Option<Query>) -> i64 {
    let new = NewCollection {
        alias: Some(alias.to_owned()),
        query,
        ..NewCollection::default()
    };
    store.create_collection(new).await.unwrap().number
}

fn of_tlp(label: &str) -> Option<Query> {
    Some(Query {
        tlp: vec![label.to_owned()],
        ..Query::default()
    })
}

#[tokio::test]
async fn what_has_no_marking_follows_the_default() {
    let (unmarked, late) = (indicator(1, 1, None), indicator(5, 1, None));
    let (green, amber) = (
        indicator(2, 1, Some(Tlp::Green)),
        indicator(3, 1, Some(Tlp::Amber)),
    );
    let removed = indicator(4, 1, None);
    for backend in backends().await {
        let mut store = backend.open().await;
        store.set_default_tlp(Tlp::Amber).await.unwrap();
        let source = partner(&store, "a", None).await;
        let numbers = [
            collection(&store, "green", of_tlp("green")).await,
            collection(&store, "amber", of_tlp("amber")).await,
            collection(&store, "any", Some(Query::default())).await,
            collection(&store, "basket", None).await,
        ];
        let all = [unmarked.clone(), green.clone(), amber.clone(), removed.clone()];
        take(&store, source, Some(numbers[3]), &all).await;
        for number in [numbers[1], numbers[2]] {
            let id = removed["id"].as_str().unwrap();
            store.remove(number, id, &[], None).await.unwrap();
        }
        let check = async |store: &Store, expected: [&[&Value]; 4]| {
            while store.fold().await.unwrap() {}
            for (number, expected) in numbers.iter().zip(expected) {
                let mut found = read(store, *number, None).await;
                found.sort_unstable_by_key(|one| one["id"].to_string());
                let found: Vec<_> = found.iter().collect();
                assert_eq!(found, expected, "{} {number}", backend.name);
            }
        };
        let rest: [&[&Value]; 2] = [
            &[&unmarked, &green, &amber],
            &[&unmarked, &green, &amber, &removed],
        ];
        check(&store, [&[&green], &[&unmarked, &amber], rest[0], rest[1]]).await;
        let query = PageQuery {
            collection: numbers[0],
            limit: 10,
            ..PageQuery::default()
        };
        let own = Recipient::organisation(store.own());
        let last = store.view(own).page(&query).await.unwrap().entries[0].get().added;
        store.set_default_tlp(Tlp::Green).await.unwrap();
        // The end of the node comes before any of it is done, and more comes after it.
        drop(store);
        store = again(&backend).await;
        take(&store, source, None, std::slice::from_ref(&late)).await;
        let rest: [&[&Value]; 2] = [&[&unmarked, &green, &amber, &late], rest[1]];
        // What was taken out of a collection by hand enters where it never was, and not where it was.
        check(
            &store,
            [&[&unmarked, &green, &removed, &late], &[&amber], rest[0], rest[1]],
        )
        .await;
        // A reader that was there before is given what is new to it.
        let query = PageQuery {
            after: Some(last),
            ..query
        };
        let page = store
            .view(Recipient::organisation(store.own()))
            .page(&query)
            .await;
        assert_eq!(page.unwrap().entries.len(), 3, "{}", backend.name);
        // Changed and changed again, with nothing done in between.
        store.set_default_tlp(Tlp::AmberStrict).await.unwrap();
        store.set_default_tlp(Tlp::Amber).await.unwrap();
        check(
            &store,
            [&[&green], &[&unmarked, &amber, &removed, &late], rest[0], rest[1]],
        )
        .await;
    }
}

#[tokio::test]
async fn another_query_lets_others_enter_and_leave() {
    for backend in backends().await {
        let store = backend.open().await;
        let (a, b) = (partner(&store, "a", None).await, partner(&store, "b", None).await);
        let clear = |number| indicator(number, 1, Some(Tlp::Clear));
        let from = |source: &str| {
            Some(Query {
                sources: vec![source.to_owned()],
                ..Query::default()
            })
        };
        take(&store, a, None, &[clear(1), clear(2)]).await;
        take(&store, b, None, &[clear(3)]).await;
        let number = collection(&store, "all", from("a")).await;
        collection(&store, "other", None).await;
        // What was sent to it and never matched stays.
        take(&store, b, Some(number), &[clear(4)]).await;
        let ids = async |expected: &[u128]| {
            let mut ids: Vec<_> = pull(&store, None).await.into_iter().map(|(_, id)| id).collect();
            ids.sort();
            let mut expected: Vec<_> = expected
                .iter()
                .map(|number| clear(*number)["id"].as_str().unwrap().to_owned())
                .collect();
            expected.sort();
            assert_eq!(ids, expected, "{}", backend.name);
        };
        ids(&[1, 2, 4]).await;
        let change = async |alias: &str, query: Option<Query>| {
            let new = NewCollection {
                alias: Some(alias.to_owned()),
                title: "changed".to_owned(),
                query,
                ..NewCollection::default()
            };
            store.change_collection(number, new).await
        };
        assert_eq!(change("all", from("b")).await.unwrap().title, "changed");
        ids(&[3, 4]).await;
        change("all", Some(Query::default())).await.unwrap();
        ids(&[1, 2, 3, 4]).await;
        take(&store, a, None, &[clear(5)]).await;
        ids(&[1, 2, 3, 4, 5]).await;
        assert!(change("other", None).await.is_err());
        change("all", from("a")).await.unwrap();
        ids(&[1, 2, 5]).await;
        change("all", None).await.unwrap();
        ids(&[]).await;
        let known = store.collection("all").unwrap();
        drop(store);
        let store = again(&backend).await;
        assert_eq!(store.collection("all").unwrap(), known);
    }
}
