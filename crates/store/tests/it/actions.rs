//! What may be done with an indicator (PAP) stands in its bytes and in those of the definitions that it names. Who reads
//! both, as an export and a hunt do, has it; the store derives nothing of it.

use std::collections::BTreeMap;

use perisai_intel::{Options, read};
use perisai_model::{Intel, Pap, Place, Tlp};
use perisai_policy::{Recipient, Released};
use perisai_store::{Entry, NewCollection, PageQuery, Query, Search, Store};
use serde_json::{Value, json};

use crate::backend::backends;
use crate::sample::{indicator, partner, take};

const STRICT: &str = "marking-definition--00000000-0000-4000-8000-000000000001";
const FREE: &str = "marking-definition--00000000-0000-4000-8000-000000000002";
const STATEMENT: &str = "marking-definition--00000000-0000-4000-8000-000000000003";

fn definition(id: &str, kind: &str, body: &Value) -> Value {
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id, "created": "2026-01-01T00:00:00.000Z",
        "definition_type": kind, "definition": body,
    })
}

fn marked(number: u128, labels: &[&str], markings: &[&str]) -> Value {
    let mut object = indicator(number, 1, Some(Tlp::Green));
    object["labels"] = json!(labels);
    let markings: Vec<_> = [Tlp::Green.stix_id()].iter().chain(markings).copied().collect();
    object["object_marking_refs"] = json!(markings);
    object
}

/// What a bundle of some objects says may be done, by the value.
fn may_be_done(entries: &[Released<Entry>]) -> BTreeMap<String, Option<Pap>> {
    let objects: Vec<_> = entries.iter().map(|entry| &*entry.get().raw).collect();
    let head = br#"{"type": "bundle", "id": "bundle--1", "objects": ["#;
    let bundle = [&head[..], &objects.join(&b",\n"[..]), b"]}"].concat();
    let mut intel = Intel::default();
    let place = Place::file("a node");
    read(&place, &mut bundle.as_slice(), &Options::default(), &mut intel).unwrap();
    assert_eq!(intel.problems, []);
    let all = intel.indicators.iter();
    all.map(|one| {
        let context = intel.context(one.context);
        assert_eq!(context.tlp, Some(Tlp::Green));
        (one.value.to_owned(), context.pap)
    })
    .collect()
}

async fn searched(store: &Store, search: Search) -> BTreeMap<String, Option<Pap>> {
    let view = store.view(Recipient::organisation(store.own()));
    let search = Search { limit: 100, ..search };
    may_be_done(&view.search(&search).await.unwrap().entries)
}

#[tokio::test]
async fn what_may_be_done_comes_with_what_is_read() {
    let objects = [
        marked(1, &["PAP:AMBER"], &[]),
        marked(2, &[], &[STRICT, STATEMENT]),
        marked(3, &["pap:clear"], &[FREE]),
        marked(4, &[], &[STATEMENT]),
        // Of two the stricter.
        marked(5, &["PAP:GREEN"], &[STRICT, FREE]),
        definition(STRICT, "PAP", &json!({"pap": "PAP:RED"})),
        definition(FREE, "pap", &json!({"pap": "green"})),
        definition(STATEMENT, "statement", &json!({"statement": "Ours"})),
    ];
    let said = [
        Some(Pap::Amber),
        Some(Pap::Red),
        Some(Pap::Green),
        None,
        Some(Pap::Red),
    ];
    let expected: BTreeMap<_, _> = (1..)
        .zip(said)
        .map(|(number, pap): (u128, _)| (format!("gate{number}.example"), pap))
        .collect();
    let types = ["indicator", "marking-definition"].map(str::to_owned).to_vec();
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", Some(1)).await;
        // The definitions come after what they mark.
        for object in &objects {
            take(&store, source, None, std::slice::from_ref(object)).await;
        }
        let query = Query {
            types: types.clone(),
            ..Query::default()
        };
        let new = NewCollection {
            query: Some(query),
            ..NewCollection::default()
        };
        let collection = store.create_collection(new).await.unwrap().number;
        while store.fold().await.unwrap() {}
        // As an export of all, which a hunt reads.
        let all = Search {
            types: types.clone(),
            ..Search::default()
        };
        assert_eq!(searched(&store, all).await, expected, "{}", backend.name);
        // As a partner reads a collection.
        let query = PageQuery {
            collection,
            limit: 100,
            ..PageQuery::default()
        };
        let page = store
            .view(Recipient::organisation(store.own()))
            .page(&query)
            .await;
        assert_eq!(may_be_done(&page.unwrap().entries), expected, "{}", backend.name);
        // What a label says needs no definition.
        let one = Search {
            value: Some("gate1.example".to_owned()),
            ..Search::default()
        };
        let found = searched(&store, one).await;
        assert_eq!(found["gate1.example"], Some(Pap::Amber), "{}", backend.name);
    }
}
