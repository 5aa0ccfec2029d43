//! Who may tell that an object is deleted, and what follows from it.

use perisai_intel::write::{Maker, tombstone};
use perisai_model::{Organisation, Tlp};
use perisai_policy::Recipient;
use perisai_store::{Outcome, Removal, Store, VersionFilter};
use serde_json::Value;

use crate::backend::backends;
use crate::objects::basket;
use crate::sample::{id, indicator, partner, take, uuid};

pub(crate) fn buries(object: &str, version: Option<&str>) -> Value {
    let by = Maker {
        identity: None,
        source: None,
        created: "2026-02-01T00:00:00Z".parse().unwrap(),
        modified: "2026-02-01T00:00:00Z".parse().unwrap(),
    };
    let raw = tombstone(object, version, &[Tlp::Clear.stix_id().to_owned()], &by).unwrap();
    serde_json::from_slice(&raw).unwrap()
}

async fn seen(store: &Store, organisation: u128, id: &str) -> usize {
    let view = store.view(Recipient::organisation(Organisation(uuid(organisation))));
    view.object(id).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_counts_from_whose_the_object_is() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let one = partner(&store, "one", Some(1)).await;
        let two = partner(&store, "two", Some(2)).await;
        let object = &id("indicator", 1);
        let told = buries(object, Some("2026-01-01T01:00:00.000Z"));
        let tomb = &told["id"].as_str().unwrap().to_owned();
        // Of what is not here nobody can tell.
        assert_eq!(
            take(&store, one, Some(basket), std::slice::from_ref(&told)).await,
            [Outcome::Apart]
        );
        let green = indicator(1, 1, Some(Tlp::Green));
        take(&store, one, Some(basket), &[green]).await;
        assert_eq!(
            take(&store, two, Some(basket), std::slice::from_ref(&told)).await,
            [Outcome::Apart]
        );
        assert_eq!(seen(&store, 1, tomb).await, 0, "{}", backend.name);
        assert_eq!(
            store.delete_as(object, two, None).await.unwrap(),
            Removal::NotTheirs
        );
        let last = async |versions: &[VersionFilter]| store.is_last(basket, object, versions).await.unwrap();
        assert!(last(&[]).await && last(&[VersionFilter::Last]).await);
        let grave = store.grave(object, Organisation(uuid(1))).await.unwrap().unwrap();
        assert_eq!(
            (grave.source, grave.tlp, &*grave.collections),
            (one, Some(Tlp::Green), &[basket][..])
        );
        assert_eq!(grave.version.as_deref(), Some("2026-01-01T01:00:00.000Z"));
        assert_eq!(store.grave(object, Organisation(uuid(2))).await.unwrap(), None);
        assert_eq!(take(&store, one, Some(basket), &[told]).await, [Outcome::Stored]);
        // Whoever may not know the object does not hear of its end, before it and after.
        assert_eq!((seen(&store, 1, tomb).await, seen(&store, 2, tomb).await), (1, 0));
        let at = |text: &str| Some(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let newer = store
            .delete_as(object, one, at("2026-01-01T00:30:00Z"))
            .await
            .unwrap();
        assert_eq!(newer, Removal::Missing);
        let gone = store
            .delete_as(object, one, at("2026-01-01T01:00:00Z"))
            .await
            .unwrap();
        assert_eq!(gone, Removal::Removed(1));
        assert_eq!(seen(&store, 1, object).await, 0);
        assert_eq!((seen(&store, 1, tomb).await, seen(&store, 2, tomb).await), (1, 0));
        assert!(store.knows(object).await.unwrap());
        assert_eq!(
            store.delete_as(object, one, None).await.unwrap(),
            Removal::Missing
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_comes_back_from_its_owner_only() {
    for backend in backends().await {
        let store = backend.open().await;
        let one = partner(&store, "one", Some(1)).await;
        let two = partner(&store, "two", Some(2)).await;
        let object = indicator(1, 1, Some(Tlp::Clear));
        take(&store, one, None, std::slice::from_ref(&object)).await;
        let id = &id("indicator", 1);
        store.delete_as(id, one, None).await.unwrap();
        take(&store, two, None, std::slice::from_ref(&object)).await;
        assert_eq!(seen(&store, 2, id).await, 0, "{}", backend.name);
        assert_eq!(take(&store, one, None, &[object]).await, [Outcome::Stored]);
        assert_eq!(seen(&store, 2, id).await, 1, "{}", backend.name);
    }
}
