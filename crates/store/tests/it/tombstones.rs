//! Who may tell that an object is deleted, and what follows from it.

use perisai_intel::write::{Maker, tombstone};
use perisai_model::{Organisation, Tlp};
use perisai_policy::Recipient;
use perisai_store::{Outcome, Plot, Removal, Store, VersionFilter};
use serde_json::{Value, json};

use crate::backend::backends;
use crate::objects::{basket, read};
use crate::sample::{id, import, indicator, partner, take, uuid};

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
        let last = async |versions: &[VersionFilter]| {
            let asks = Organisation(uuid(1));
            store.is_last(basket, object, versions, asks).await.unwrap()
        };
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
        assert!(!store.knows(object).await.unwrap());
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
        let maker = Organisation(uuid(1));
        store
            .add_organisation(maker, "Maker", false, false)
            .await
            .unwrap();
        let one = partner(&store, "one", Some(1)).await;
        let two = partner(&store, "two", Some(2)).await;
        let mut object = indicator(1, 1, Some(Tlp::Clear));
        object["created_by_ref"] = json!(id("identity", 1));
        take(&store, one, None, std::slice::from_ref(&object)).await;
        let id = &id("indicator", 1);
        store.delete_as(id, one, None).await.unwrap();
        let outcome = take(&store, two, None, std::slice::from_ref(&object)).await;
        assert_eq!(outcome, [Outcome::Known], "{}", backend.name);
        assert_eq!(seen(&store, 2, id).await, 0, "{}", backend.name);
        assert_eq!(take(&store, one, None, &[object]).await, [Outcome::Stored]);
        assert_eq!(seen(&store, 2, id).await, 1, "{}", backend.name);
    }
}

/// Nobody keeps others from having what these bring by sending it first and deleting it.
#[tokio::test(flavor = "multi_thread")]
async fn who_only_sent_an_object_takes_back_what_they_sent() {
    for backend in backends().await {
        let store = backend.open().await;
        let name = backend.name;
        let basket = basket(&store).await;
        store
            .add_organisation(Organisation(uuid(1)), "Attacker", false, false)
            .await
            .unwrap();
        let attacker = partner(&store, "attacker", Some(1)).await;
        let two = partner(&store, "two", Some(2)).await;
        let ours = import(&store, "ours").await;
        let reads = async |number: u128| seen(&store, 3, &id("indicator", number)).await;
        let buried = async |number: u128| {
            let tombstone = buries(&id("indicator", number), None);
            take(&store, attacker, Some(basket), &[tombstone]).await;
            store
                .delete_as(&id("indicator", number), attacker, None)
                .await
                .unwrap()
        };
        // Deleted before others bring it, in the same words and in others; said to be the attacker's own, too.
        let clear = Some(Tlp::Clear);
        let mut forged = indicator(3, 1, clear);
        forged["created_by_ref"] = json!(id("identity", 1));
        take(
            &store,
            attacker,
            Some(basket),
            &[indicator(1, 1, clear), indicator(2, 1, clear), forged],
        )
        .await;
        for number in 1..=3 {
            assert_eq!(buried(number).await, Removal::Removed(1), "{name} {number}");
            assert_eq!(reads(number).await, 0, "{name} {number}");
        }
        let mut reworded = indicator(2, 1, clear);
        reworded["name"] = json!("The right one");
        let receipts = take(
            &store,
            ours,
            Some(basket),
            &[indicator(1, 1, clear), reworded, indicator(3, 1, clear)],
        )
        .await;
        assert_eq!(
            receipts,
            [Outcome::Stored, Outcome::Stored, Outcome::Stored],
            "{name}"
        );
        for number in 1..=3 {
            assert_eq!(reads(number).await, 1, "{name} {number}");
            assert_eq!(buried(number).await, Removal::NotTheirs, "{name} {number}");
        }
        // Deleted after others brought it, too: it stays as theirs, and stands behind the tombstone.
        take(&store, attacker, Some(basket), &[indicator(4, 1, clear)]).await;
        take(&store, two, Some(basket), &[indicator(4, 1, clear)]).await;
        assert_eq!(buried(4).await, Removal::Removed(1), "{name}");
        assert_eq!(reads(4).await, 1, "{name}");
        let all = read(&store, basket, Some(3)).await;
        let place = |wanted: &dyn Fn(&Value) -> bool| all.iter().position(wanted).unwrap();
        let tombstone = place(&|one| one["object_ref"] == json!(id("indicator", 4)));
        assert!(
            tombstone < place(&|one| one["id"] == json!(id("indicator", 4))),
            "{name}"
        );
        let removed = store.delete_as(&id("indicator", 4), two, None).await.unwrap();
        assert_eq!(removed, Removal::Removed(1), "{name}");
        assert_eq!(reads(4).await, 0, "{name}");
        // What was deleted gives no right after a recall, either.
        take(&store, attacker, None, &[indicator(5, 1, clear)]).await;
        store.delete(&id("indicator", 5), None).await.unwrap();
        let receipts = take(&store, two, None, &[indicator(5, 1, clear)]).await;
        assert_eq!(receipts, [Outcome::Known], "{name}");
        store.recall(attacker, 0, |_| {}).await.unwrap();
        take(&store, two, None, &[indicator(5, 1, clear)]).await;
        assert_eq!(reads(5).await, 1, "{name}");
    }
}

/// What a tombstone comes to tells nobody what others have under an id that follows from a value.
#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_of_an_observable_tells_nothing_of_others() {
    for backend in backends().await {
        let store = backend.open().await;
        let (one, two) = (
            partner(&store, "one", Some(1)).await,
            partner(&store, "two", Some(2)).await,
        );
        let observable = json!({
            "type": "domain-name", "spec_version": "2.1", "id": id("domain-name", 1), "value": "gate.example",
        });
        take(
            &store,
            one,
            None,
            &[observable, indicator(1, 1, Some(Tlp::Amber))],
        )
        .await;
        let plot = async |id: &str, source: i64| store.plot(id, source).await.unwrap();
        for number in [1, 2] {
            assert_eq!(plot(&id("domain-name", number), two).await, Plot::Nothing);
        }
        assert_eq!(plot(&id("domain-name", 1), one).await, Plot::Theirs(Vec::new()));
        assert_eq!(plot(&id("indicator", 1), two).await, Plot::Others);
    }
}
