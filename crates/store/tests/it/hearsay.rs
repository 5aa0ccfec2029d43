//! Copies that our own people bring tighten how an object is held, and a definition that comes or changes later takes nothing
//! of that back. What other partners say of it counts for nothing.

use perisai_model::{Organisation, Tlp};
use perisai_policy::Recipient;
use perisai_store::{Delivery, Store};
use serde_json::{Value, json};

use crate::backend::backends;
use crate::sample::{bytes, id, import, indicator, partner, uuid};

const MARKING: &str = "marking-definition--00000000-0000-4000-8000-000000000001";

/// The organisation that made the object.
const MAKER: u128 = 3;

/// From this number on it is our own people who bring something.
const OURS: u128 = 100;

/// An object with a marking of its own, made by a maker who is known.
fn object() -> Value {
    let mut object = indicator(1, 1, None);
    object["object_marking_refs"] = json!([MARKING]);
    object["created_by_ref"] = json!(id("identity", MAKER));
    object
}

fn definition(body: &Value) -> Value {
    let mut definition = json!({
        "type": "marking-definition", "spec_version": "2.1", "id": MARKING, "created": "2026-01-01T00:00:00.000Z",
    });
    for (name, value) in body.as_object().unwrap() {
        definition[name] = value.clone();
    }
    definition
}

async fn deliver(store: &Store, (who, tlp, object): (u128, Option<Tlp>, &Value)) {
    let source = match who {
        OURS.. => import(store, &format!("source {who}")).await,
        _ => partner(store, &format!("source {who}"), Some(who)).await,
    };
    let delivery = Delivery {
        source,
        collection: None,
        tlp,
        audience: None,
        objects: bytes(std::slice::from_ref(object)),
    };
    store.ingest(delivery).await.unwrap();
}

async fn held(store: &Store, object: &Value) -> Option<Tlp> {
    let view = store.view(Recipient::organisation(Organisation(uuid(1))));
    let found = view.object(object["id"].as_str().unwrap()).await.unwrap();
    match found.first() {
        Some(found) => found.get().tlp,
        // RED is for the persons whom it names.
        None => Some(Tlp::Red),
    }
}

/// What is delivered, by whom, and how what has no marking is held there; how the object is held in the end.
async fn check(deliveries: &[(u128, Option<Tlp>, &Value)], expected: Option<Tlp>) {
    let red = definition(&json!({"definition_type": "tlp", "definition": {"tlp": "red"}}));
    let statement = definition(&json!({"definition_type": "statement", "definition": {"statement": "Ours"}}));
    // The definition comes first, last, in between, or is changed at the end: it makes no difference.
    for place in 0..=deliveries.len() + 1 {
        for backend in backends().await {
            let mut store = backend.open().await;
            let maker = Organisation(uuid(MAKER));
            store
                .add_organisation(maker, "Maker", false, false)
                .await
                .unwrap();
            let is_changed = place > deliveries.len();
            if is_changed {
                deliver(&store, (1, Some(Tlp::Clear), &red)).await;
            }
            for (at, delivery) in deliveries.iter().enumerate() {
                if at == place {
                    deliver(&store, (1, Some(Tlp::Clear), &statement)).await;
                }
                deliver(&store, *delivery).await;
                while at % 2 == 0 && store.fold().await.unwrap() {}
            }
            if place >= deliveries.len() {
                assert_eq!(held(&store, deliveries[0].2).await, Some(Tlp::Red));
                drop(store);
                store = crate::backend::again(&backend).await;
                deliver(&store, (1, Some(Tlp::Clear), &statement)).await;
            }
            let found = held(&store, deliveries[0].2).await;
            assert_eq!(found, expected, "{} {place}: {deliveries:?}", backend.name);
        }
    }
}

#[tokio::test]
async fn what_copies_say_outlasts_a_definition() {
    let (clear, green, amber) = (Some(Tlp::Clear), Some(Tlp::Green), Some(Tlp::Amber));
    let object = object();
    check(&[(1, clear, &object)], clear).await;
    check(&[(1, clear, &object), (102, amber, &object)], amber).await;
    check(
        &[(1, clear, &object), (102, amber, &object), (104, green, &object)],
        amber,
    )
    .await;
    check(&[(1, amber, &object), (102, clear, &object)], amber).await;
    // Another partner.
    check(&[(1, clear, &object), (2, amber, &object)], clear).await;
    check(&[(1, amber, &object), (2, clear, &object)], amber).await;
    // Nothing said: the default, which is stricter.
    check(
        &[(1, clear, &object), (102, None, &object)],
        Some(Tlp::AmberStrict),
    )
    .await;
    // Who made it may loosen it, and others tighten it again.
    check(&[(1, amber, &object), (MAKER, clear, &object)], clear).await;
    check(
        &[
            (1, amber, &object),
            (MAKER, clear, &object),
            (102, green, &object),
        ],
        green,
    )
    .await;
}
