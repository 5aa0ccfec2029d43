//! Collections: queries, positions, pages.

use perisai_model::{Organisation, Tlp};
use perisai_policy::Recipient;
use perisai_store::{NewCollection, PageQuery, Query, Rights};

use crate::backend::backends;
use crate::objects::{basket, read};
use crate::sample::{indicator, partner, relationship, take, uuid};

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
                number if number % 4 == 0 => relationship(number, "malware--1", "malware--2", Tlp::Clear),
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
