//! Whose objects are, and which versions of them count.

use perisai_model::{Organisation, Tlp};
use perisai_policy::Recipient;
use perisai_store::{NewCollection, Outcome, PageQuery, Store, VersionFilter};
use serde_json::{Value, json};

use crate::backend::backends;
use crate::sample::{id, indicator, partner, relationship, take, uuid};

/// A basket, and how to read it as an organisation.
pub(crate) async fn basket(store: &Store) -> i64 {
    let new = NewCollection {
        alias: Some("basket".to_owned()),
        title: "All".to_owned(),
        ..NewCollection::default()
    };
    store.create_collection(new).await.unwrap().number
}

/// What an organisation reads in a collection: `id version`, the number of an id in place of it.
pub(crate) async fn read(store: &Store, collection: i64, organisation: Option<u128>) -> Vec<Value> {
    versions(store, collection, organisation, &[]).await
}

pub(crate) async fn versions(
    store: &Store,
    collection: i64,
    organisation: Option<u128>,
    versions: &[VersionFilter],
) -> Vec<Value> {
    let recipient = match organisation {
        Some(number) => Recipient::organisation(Organisation(uuid(number))),
        None => Recipient::organisation(store.own()),
    };
    let query = PageQuery {
        collection,
        limit: 1000,
        versions: versions.to_vec(),
        ..PageQuery::default()
    };
    let page = store.view(recipient).page(&query).await.unwrap();
    let object = |entry: &perisai_policy::Released<perisai_store::Entry>| {
        serde_json::from_slice(&entry.get().raw).unwrap()
    };
    page.entries.iter().map(object).collect()
}

#[tokio::test]
async fn bytes_come_back_as_they_came() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let source = partner(&store, "a partner", Some(1)).await;
        let raw = br#"{ "type":"indicator" ,"id":"indicator--00000000-0000-4000-8000-000000000001", "x_\u00e9":1.50e3, "spec_version":"2.1",
            "created":"2026-01-01T00:00:00.123456789Z","modified":"2026-01-01T00:00:00.123456789Z","pattern":"[a:b = 1]",
            "pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}"#;
        let delivery = perisai_store::Delivery {
            source,
            collection: Some(basket),
            tlp: Some(Tlp::Clear),
            audience: None,
            objects: vec![raw.to_vec(), b"{}".to_vec(), b"[1".to_vec()],
        };
        let receipts = store.ingest(delivery).await.unwrap();
        assert_eq!(receipts[0].outcome, Outcome::Stored, "{}", backend.name);
        assert_eq!(
            receipts[0].version.as_deref(),
            Some("2026-01-01T00:00:00.123456789Z")
        );
        assert!(matches!(&receipts[1].outcome, Outcome::Refused(why) if why == "no type"));
        assert!(matches!(&receipts[2].outcome, Outcome::Refused(_)));
        let query = PageQuery {
            collection: basket,
            limit: 10,
            ..PageQuery::default()
        };
        let page = store.view(Recipient::ANYBODY).page(&query).await.unwrap();
        assert_eq!(page.entries[0].get().raw, raw);
        assert_eq!((page.entries.len(), page.more), (1, false));
        // It outlasts the process.
        drop(page);
        drop(store);
        let store = reopen(&backend).await;
        let page = store.view(Recipient::ANYBODY).page(&query).await.unwrap();
        assert_eq!(page.entries[0].get().raw, raw);
    }
}

/// Opens a store again, once the last connections of the one before are gone.
pub(crate) async fn reopen(backend: &crate::backend::Backend) -> Store {
    for _ in 0..100 {
        match Store::open(&backend.location).await {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
    backend.open().await
}

#[tokio::test]
async fn only_whose_it_is_may_change_it() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let (owner, other) = (
            partner(&store, "a", Some(1)).await,
            partner(&store, "b", Some(2)).await,
        );
        let clear = Some(Tlp::Clear);
        let into = Some(basket);
        let check = async |source, object: Value, expected: Outcome| {
            let found = take(&store, source, into, std::slice::from_ref(&object)).await;
            assert_eq!(found, [expected], "{}: {object}", backend.name);
        };
        check(owner, indicator(1, 1, clear), Outcome::Stored).await;
        check(owner, indicator(1, 1, clear), Outcome::Known).await;
        check(other, indicator(1, 1, clear), Outcome::Known).await;
        // Another's version, and another's revocation, are kept apart, and once.
        let mut revoked = indicator(1, 3, clear);
        revoked["revoked"] = json!(true);
        check(other, revoked.clone(), Outcome::Apart).await;
        check(other, revoked, Outcome::Apart).await;
        check(other, indicator(1, 1, Some(Tlp::Green)), Outcome::Apart).await;
        assert_eq!(read(&store, basket, None).await, [indicator(1, 1, clear)]);
        check(owner, indicator(1, 2, clear), Outcome::Stored).await;
        assert_eq!(read(&store, basket, None).await, [indicator(1, 2, clear)]);
        let all = versions(&store, basket, None, &[VersionFilter::All]).await;
        assert_eq!(all, [indicator(1, 1, clear), indicator(1, 2, clear)]);
        let first = versions(&store, basket, None, &[VersionFilter::First]).await;
        assert_eq!(first, [indicator(1, 1, clear)]);
        // An older version that comes late is no newer one.
        check(owner, indicator(1, 0, clear), Outcome::Stored).await;
        assert_eq!(read(&store, basket, None).await, [indicator(1, 2, clear)]);
        assert_eq!(store.size().await.unwrap().objects, 5);
    }
}

#[tokio::test]
async fn the_same_in_other_words_is_the_same() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", Some(1)).await;
        let other = partner(&store, "b", Some(2)).await;
        let object = indicator(1, 1, Some(Tlp::Clear));
        take(&store, source, None, std::slice::from_ref(&object)).await;
        let pretty = serde_json::to_vec_pretty(&object).unwrap();
        let delivery = perisai_store::Delivery {
            source: other,
            collection: None,
            tlp: None,
            audience: None,
            objects: vec![pretty],
        };
        let receipts = store.ingest(delivery).await.unwrap();
        assert_eq!(receipts[0].outcome, Outcome::Known, "{}", backend.name);
    }
}

#[tokio::test]
async fn what_names_the_hidden_is_hidden() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let into = Some(basket);
        let source = partner(&store, "a", Some(1)).await;
        let (open, hidden) = (
            indicator(1, 1, Some(Tlp::Clear)),
            indicator(2, 1, Some(Tlp::Amber)),
        );
        let names = relationship(3, &id("indicator", 1), &id("indicator", 2), Tlp::Clear);
        let report = json!({
            "type": "report", "spec_version": "2.1", "id": id("report", 4), "name": "All",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
            "published": "2026-01-01T00:00:00Z", "object_refs": [id("relationship", 3)],
            "object_marking_refs": [Tlp::Clear.stix_id()],
        });
        let in_order = [report.clone(), names.clone(), open.clone(), hidden.clone()];
        // In one delivery, or one by one: what names comes before what is named.
        for object in &in_order {
            take(&store, source, into, std::slice::from_ref(object)).await;
        }
        assert_eq!(
            read(&store, basket, Some(9)).await,
            std::slice::from_ref(&open),
            "{}",
            backend.name
        );
        assert_eq!(read(&store, basket, Some(1)).await.len(), 4);
        // Who made it loosens it: all that named it can be seen, and comes anew.
        let mut query = PageQuery {
            collection: basket,
            limit: 100,
            ..PageQuery::default()
        };
        let before = store.view(Recipient::ANYBODY).page(&query).await.unwrap();
        query.after = before.entries.last().map(|entry| entry.get().added);
        take(&store, source, into, &[indicator(2, 2, Some(Tlp::Clear))]).await;
        let page = store.view(Recipient::ANYBODY).page(&query).await.unwrap();
        let mut found: Vec<_> = page.entries.iter().map(|entry| entry.get().id.clone()).collect();
        found.sort_unstable();
        let expected = [id("indicator", 2), id("relationship", 3), id("report", 4)];
        assert_eq!(found, expected, "{}", backend.name);
    }
}

#[tokio::test]
async fn what_is_here_is_known_after_a_restart() {
    for backend in backends().await {
        let objects: Vec<_> = (0..3_000)
            .map(|number| indicator(number, 1, Some(Tlp::Clear)))
            .collect();
        let store = backend.open().await;
        let source = partner(&store, "a", None).await;
        take(&store, source, None, &objects[..2_500]).await;
        while store.fold().await.unwrap() {}
        drop(store);
        // What the index holds is read again on the way, and may be asked for at any time.
        for pause in [0, 300] {
            let store = crate::backend::again(&backend).await;
            let folding = store.clone();
            let folding = tokio::spawn(async move { folding.keep_folding().await });
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            let outcomes = take(&store, source, None, &objects).await;
            let known = outcomes
                .iter()
                .filter(|outcome| **outcome == Outcome::Known)
                .count();
            let expected = if pause == 0 { 2_500 } else { 3_000 };
            assert_eq!(
                (known, store.size().await.unwrap().objects),
                (expected, 3_000),
                "{}",
                backend.name
            );
            folding.abort();
            let _ = folding.await;
        }
    }
}
