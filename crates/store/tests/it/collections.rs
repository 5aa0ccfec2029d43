//! Collections: queries, positions, pages.

use perisai_model::{Organisation, Tlp};
use perisai_policy::Recipient;
use perisai_store::{NewCollection, NodeKey, PageQuery, Query, Rights, VersionFilter};
use serde_json::json;

use crate::backend::backends;
use crate::objects::{basket, read};
use crate::sample::{id, indicator, partner, relationship, take, uuid};

#[tokio::test]
async fn pages_lose_nothing_and_repeat_nothing() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let source = partner(&store, "a", None).await;
        // Every third is hidden, every fourth of another type.
        let objects: Vec<_> = (0..300)
            .map(|number| match number {
                number if number % 3 == 0 => indicator(number, 1, Some(Tlp::Red)),
                number if number % 4 == 0 => {
                    relationship(number, &id("malware", 1), &id("malware", 2), Tlp::Clear)
                }
                number => indicator(number, 1, Some(Tlp::Clear)),
            })
            .collect();
        for step in objects.chunks(70) {
            take(&store, source, Some(basket), step).await;
        }
        let view = store.view(Recipient::ANYBODY);
        let mut query = PageQuery {
            collection: basket,
            limit: 17,
            ..PageQuery::default()
        };
        let mut found = Vec::new();
        loop {
            let page = view.page(&query).await.unwrap();
            assert!(page.entries.len() == 17 || !page.more);
            found.extend(
                page.entries
                    .iter()
                    .map(|entry| (entry.get().added, entry.get().raw.clone())),
            );
            if !page.more {
                break;
            }
            query.after = found.last().map(|(added, _)| *added);
        }
        let expected: Vec<_> = objects
            .iter()
            .enumerate()
            .filter(|(number, _)| number % 3 != 0)
            .map(|(_, object)| object.to_string().into_bytes())
            .collect();
        let raw: Vec<_> = found.iter().map(|(_, raw)| raw.clone()).collect();
        assert_eq!(raw, expected, "{}", backend.name);
        assert!(found.is_sorted_by(|(one, _), (other, _)| one < other));
        let only = PageQuery {
            types: vec!["relationship".to_owned()],
            after: None,
            limit: 1000,
            ..query
        };
        assert_eq!(view.page(&only).await.unwrap().entries.len(), 50);
    }
}

#[tokio::test]
async fn queries_take_what_comes_and_what_is_there() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", None).await;
        take(
            &store,
            source,
            None,
            &[
                indicator(1, 1, Some(Tlp::Green)),
                indicator(2, 1, Some(Tlp::Clear)),
            ],
        )
        .await;
        let new = NewCollection {
            title: "Green indicators of a".to_owned(),
            query: Some(Query {
                types: vec!["indicator".to_owned()],
                tlp: vec!["green".to_owned()],
                sources: vec!["a".to_owned()],
                ..Query::default()
            }),
            ..NewCollection::default()
        };
        let green = store.create_collection(new).await.unwrap().number;
        assert_eq!(
            read(&store, green, None).await,
            [indicator(1, 1, Some(Tlp::Green))],
            "{}",
            backend.name
        );
        let other = partner(&store, "b", None).await;
        take(&store, other, None, &[indicator(3, 1, Some(Tlp::Green))]).await;
        take(&store, source, None, &[indicator(4, 1, Some(Tlp::Green))]).await;
        let expected = [
            indicator(1, 1, Some(Tlp::Green)),
            indicator(4, 1, Some(Tlp::Green)),
        ];
        assert_eq!(read(&store, green, None).await, expected);
        // A newer version that no longer matches leaves the older one where it was.
        take(&store, source, None, &[indicator(4, 2, Some(Tlp::Clear))]).await;
        assert_eq!(read(&store, green, None).await, expected);
    }
}

#[tokio::test]
async fn of_what_was_here_before_the_last_version_counts() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", None).await;
        let clear = |number, version| indicator(number, version, Some(Tlp::Clear));
        let send = async |objects: &[serde_json::Value]| {
            take(&store, source, None, objects).await;
        };
        send(&[clear(1, 1), clear(2, 1)]).await;
        // Some are in the index, and some are not yet.
        while store.fold().await.unwrap() {}
        send(&[clear(1, 2), clear(3, 1), clear(3, 2), clear(4, 1)]).await;
        let new = NewCollection {
            title: "All".to_owned(),
            query: Some(Query::default()),
            ..NewCollection::default()
        };
        let all = store.create_collection(new).await.unwrap().number;
        let expected = [clear(2, 1), clear(1, 2), clear(3, 2), clear(4, 1)];
        assert_eq!(read(&store, all, None).await, expected, "{}", backend.name);
        send(&[clear(2, 2), clear(4, 2)]).await;
        let expected = [clear(1, 2), clear(3, 2), clear(2, 2), clear(4, 2)];
        assert_eq!(read(&store, all, None).await, expected, "{}", backend.name);
    }
}

#[tokio::test]
async fn rights_and_removal() {
    for backend in backends().await {
        let store = backend.open().await;
        let number = basket(&store).await;
        let organisation = Organisation(uuid(7));
        let rights = Rights {
            read: true,
            write: false,
        };
        store.grant("basket", organisation, rights).await.unwrap();
        drop(store);
        let store = crate::objects::reopen(&backend).await;
        let found = store.collection("basket").unwrap();
        assert_eq!((found.number, found.rights_of(organisation)), (number, rights));
        assert_eq!(found.rights_of(Organisation(uuid(8))), Rights::default());
        let again = NewCollection {
            alias: Some("basket".to_owned()),
            ..NewCollection::default()
        };
        let error = store.create_collection(again).await.unwrap_err();
        assert_eq!(error.to_string(), "there is a collection `basket` already");
        store.remove_collection("basket").await.unwrap();
        assert!(store.collection("basket").is_none());
        let error = store.remove_collection("basket").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no collection `basket`",
            "{}",
            backend.name
        );
    }
}

#[tokio::test]
async fn what_is_known_enters_where_it_is_sent() {
    for backend in backends().await {
        let store = backend.open().await;
        let first = basket(&store).await;
        let new = NewCollection {
            title: "Second".to_owned(),
            ..NewCollection::default()
        };
        let second = store.create_collection(new).await.unwrap().number;
        let (one, other) = (
            partner(&store, "a", Some(1)).await,
            partner(&store, "b", Some(2)).await,
        );
        let objects = [
            indicator(1, 1, Some(Tlp::Clear)),
            indicator(1, 2, Some(Tlp::Clear)),
        ];
        take(&store, one, Some(first), &objects).await;
        assert_eq!(read(&store, second, None).await.len(), 0);
        // The same again, and a copy from another; twice in one delivery, too.
        for _ in 0..2 {
            take(&store, one, Some(second), &objects[..1]).await;
            take(
                &store,
                other,
                Some(second),
                &[objects[1].clone(), objects[1].clone()],
            )
            .await;
        }
        let all = PageQuery {
            collection: second,
            limit: 10,
            versions: vec![VersionFilter::All],
            ..PageQuery::default()
        };
        let page = store.view(Recipient::ANYBODY).page(&all).await.unwrap();
        assert_eq!(page.entries.len(), 2, "{}", backend.name);
        assert_eq!(read(&store, second, None).await, [objects[1].clone()]);
        assert_eq!(read(&store, first, None).await, [objects[1].clone()]);
        // What was removed enters anew when it is sent again.
        let id = objects[0]["id"].as_str().unwrap();
        store.remove(second, id, &[], None).await.unwrap();
        take(&store, one, Some(second), &objects).await;
        assert_eq!(read(&store, second, None).await, [objects[1].clone()]);
    }
}

#[tokio::test]
async fn pages_of_few_bytes_and_of_none() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let source = partner(&store, "a", None).await;
        let objects: Vec<_> = (0..10)
            .map(|number| indicator(number, 1, Some(Tlp::Clear)))
            .collect();
        take(&store, source, Some(basket), &objects).await;
        let size = objects[0].to_string().len();
        let check = async |bytes: usize, expected: usize| {
            let mut query = PageQuery {
                collection: basket,
                limit: 100,
                bytes: Some(bytes),
                ..PageQuery::default()
            };
            let view = store.view(Recipient::ANYBODY);
            let page = view.page(&query).await.unwrap();
            assert_eq!(
                (page.entries.len(), page.more),
                (expected, expected < 10),
                "{bytes}"
            );
            query.ids = objects
                .iter()
                .map(|object| object["id"].as_str().unwrap().to_owned())
                .collect();
            let page = view.page(&query).await.unwrap();
            assert_eq!(
                (page.entries.len(), page.more),
                (expected, expected < 10),
                "{bytes}"
            );
            query.heads = true;
            let page = view.page(&query).await.unwrap();
            assert_eq!((page.entries.len(), page.more), (10, false));
            assert!(page.entries.iter().all(|entry| entry.get().raw.is_empty()));
        };
        for (bytes, expected) in [
            (0, 1),
            (size, 1),
            (size * 2, 2),
            (size * 3 + 1, 3),
            (size * 10, 10),
        ] {
            check(bytes, expected).await;
        }
    }
}

#[tokio::test]
async fn secrets_stay_the_same() {
    for backend in backends().await {
        let store = backend.open().await;
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str| NodeKey::of_file(&folder.path().join(name)).unwrap();
        let (key, other) = (key("node.key"), key("other.key"));
        let secret = store.secret("cursor-key", &key).await.unwrap();
        assert_ne!(store.secret("other", &key).await.unwrap(), secret);
        drop(store);
        let store = crate::objects::reopen(&backend).await;
        assert_eq!(
            store.secret("cursor-key", &key).await.unwrap(),
            secret,
            "{}",
            backend.name
        );
        let error = store.secret("cursor-key", &other).await.unwrap_err();
        assert!(error.to_string().contains("another node's"), "{error}");
    }
}

/// Of ATT&CK, the identity has the marking that it made.
#[tokio::test]
async fn a_marking_that_comes_after_who_made_it_loosens() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let source = partner(&store, "a", None).await;
        let (maker, marking) = (id("identity", 1), id("marking-definition", 1));
        let identity = json!({
            "type": "identity", "id": maker, "created": "2017-06-01T00:00:00.000Z", "name": "Maker",
            "identity_class": "organization",
            "modified": "2017-06-01T00:00:00.000Z", "object_marking_refs": [marking],
        });
        let definition = json!({
            "type": "marking-definition", "id": marking, "created": "2017-06-01T00:00:00.000Z",
            "created_by_ref": maker, "definition_type": "statement", "definition": {"statement": "Copyright"},
        });
        let marked = |number: u128| {
            let mut object = indicator(number, 1, Some(Tlp::Clear));
            object["created_by_ref"] = json!(maker);
            object["object_marking_refs"] = json!([Tlp::Clear.stix_id(), marking]);
            object
        };
        let all = PageQuery {
            collection: basket,
            limit: 10,
            types: vec!["indicator".to_owned()],
            ..PageQuery::default()
        };
        let steps = [
            (vec![marked(1), identity, marked(2)], 0),
            (vec![definition], 2),
            (vec![marked(3)], 3),
        ];
        for (step, expected) in steps {
            take(&store, source, Some(basket), &step).await;
            let page = store.view(Recipient::ANYBODY).page(&all).await.unwrap();
            assert_eq!(page.entries.len(), expected, "{}", backend.name);
        }
    }
}
