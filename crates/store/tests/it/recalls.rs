//! Recalling what a source brought.

use perisai_model::Tlp;
use perisai_policy::Recipient;
use perisai_store::{Outcome, Search, Store};
use serde_json::Value;

use crate::backend::backends;
use crate::objects::{basket, read};
use crate::sample::{id, indicator, partner, relationship, take};

fn ids(objects: &[Value]) -> Vec<&str> {
    objects
        .iter()
        .filter_map(|object| object["id"].as_str())
        .collect()
}

async fn finds(store: &Store, value: &str) -> usize {
    while store.fold().await.unwrap() {}
    let search = Search {
        value: Some(value.to_owned()),
        limit: 10,
        ..Search::default()
    };
    let view = store.view(Recipient::organisation(store.own()));
    view.search(&search).await.unwrap().entries.len()
}

#[tokio::test]
async fn what_a_source_brought_is_withdrawn_and_what_names_it_is_listed() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let (bad, good) = (
            partner(&store, "bad", Some(1)).await,
            partner(&store, "good", Some(2)).await,
        );
        let clear = Some(Tlp::Clear);
        let into = Some(basket);
        take(&store, bad, into, &[indicator(1, 1, clear)]).await;
        let since = jiff::Timestamp::now().as_microsecond();
        take(
            &store,
            bad,
            into,
            &[
                indicator(2, 1, clear),
                indicator(3, 1, clear),
                indicator(2, 2, clear),
            ],
        )
        .await;
        // Another brings one of them, too, and names one that only the first brought.
        let names = relationship(7, &id("indicator", 2), &id("indicator", 1), Tlp::Clear);
        take(&store, good, into, &[indicator(3, 1, clear), names]).await;

        let recalled = store.recall(bad, since, |_| {}).await.unwrap();
        assert_eq!(
            (
                recalled.objects,
                recalled.versions,
                recalled.kept,
                recalled.touched
            ),
            (1, 2, 1, 1),
            "{}",
            backend.name
        );
        assert_eq!(recalled.touched_ids, [id("relationship", 7)]);
        // What stays as another's is held as that one had it, and enters anew.
        let left = read(&store, basket, None).await;
        assert_eq!(
            ids(&left),
            [id("indicator", 1), id("relationship", 7), id("indicator", 3)]
        );
        assert_eq!(finds(&store, "gate2.example").await, 0);
        assert_eq!(finds(&store, "gate3.example").await, 1);

        // Again, it finds nothing more; what is the other's now is not touched.
        let again = store.recall(bad, since, |_| {}).await.unwrap();
        assert_eq!((again.objects, again.kept), (0, 0));
        // What was recalled gives no right to the id: another may bring it, and it counts.
        let receipts = take(&store, good, into, &[indicator(2, 1, clear)]).await;
        assert_eq!(receipts[0], Outcome::Stored);
        assert_eq!(finds(&store, "gate2.example").await, 1);
        // A recall of the other reaches what became its own.
        let rest = store.recall(good, since, |_| {}).await.unwrap();
        assert_eq!((rest.objects, rest.kept), (3, 0));
        let left = read(&store, basket, None).await;
        assert_eq!(ids(&left), [id("indicator", 1)]);
    }
}
