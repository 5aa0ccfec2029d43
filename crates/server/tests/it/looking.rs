//! Searches over the API: what has just come, and what stands around a value.

use perisai_model::{Organisation, Tlp};
use perisai_store::{Delivery, NewSource, SourceKind, Store};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use crate::node::{Served, Way};
use crate::sample::{bytes, id, marked, observable};

async fn take(store: &Store, objects: &[Value]) {
    let source = store.ensure_source(NewSource {
        name: "a feed".to_owned(),
        kind: SourceKind::Feed,
        organisation: None,
        tlp: None,
    });
    let delivery = Delivery {
        source: source.await.unwrap().number,
        collection: None,
        tlp: None,
        audience: None,
        objects: bytes(objects),
    };
    store.ingest(delivery).await.unwrap();
}

async fn asked(served: &Served, query: &[(&str, &str)]) -> (StatusCode, Value) {
    let own: Organisation = served.store.own();
    let token = served.token(own, "analyst", &[]).await;
    let url = Url::parse_with_params(&served.url("/api/objects"), query).unwrap();
    let asked = served.client().get(url).bearer_auth(token);
    let answer = asked.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn found(served: &Served, query: &[(&str, &str)]) -> Vec<String> {
    let (status, page) = asked(served, query).await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["waiting"], Value::Null, "{page}");
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_just_come_is_found() {
    let served = Served::with_people(Way::default()).await;
    let many: Vec<_> = (1..=6_000).map(|number| marked(number, 1, Tlp::Clear)).collect();
    take(&served.store, &many).await;
    let last = found(&served, &[("value", "gate6000.example")]).await;
    assert_eq!(last, [id("indicator", 6_000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_finds_the_indicators_around_it() {
    let served = Served::with_people(Way::default()).await;
    let looks_for = |number, pattern: &str| {
        let mut object = marked(number, 1, Tlp::Clear);
        object["pattern"] = json!(pattern);
        object
    };
    let objects = [
        looks_for(1, "[ipv4-addr:value = '192.0.2.0/24']"),
        looks_for(2, "[ipv4-addr:value = '192.0.2.77']"),
        looks_for(3, "[domain-name:value = 'evil.example']"),
        looks_for(4, "[domain-name:value = 'notevil.example']"),
        looks_for(5, "[ipv6-addr:value = '2001:db8::/32']"),
        // It was seen, and nobody says that what is below it is meant.
        observable(6),
    ];
    take(&served.store, &objects).await;
    let check = async |value: &str, expected: &[u128]| {
        let found = found(&served, &[("value", value)]).await;
        let expected: Vec<_> = expected.iter().map(|number| id("indicator", *number)).collect();
        assert_eq!(found, expected, "{value}");
    };
    check("192.0.2.77", &[2, 1]).await;
    check("192[.]0.2.78", &[1]).await;
    check("192.0.2.128/25", &[1]).await;
    check("192.0.3.1", &[]).await;
    check("a.b.evil.example", &[3]).await;
    check("hxxp://www.evil.example/x", &[3]).await;
    check("http://192.0.2.77/", &[2, 1]).await;
    check("example", &[]).await;
    check("2001:db8::7", &[5]).await;
    check("www.gate6.example", &[]).await;
    let seen = found(&served, &[("value", "gate6.example")]).await;
    assert_eq!(seen, [id("domain-name", 6)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_are_no_words() {
    let served = Served::with_people(Way::default()).await;
    let (status, told) = asked(&served, &[("text", "!?..")]).await;
    assert_eq!(status, 400, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("no word"), "{told}");
}
