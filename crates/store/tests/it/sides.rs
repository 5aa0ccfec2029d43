//! Nobody hides or opens what others sent by sending something under an id that it names, or learns who else has it.

use perisai_model::{Audience, Organisation, Tlp};
use perisai_policy::Recipient;
use perisai_store::{Delivery, Outcome, PageQuery, Removal, Search, Store, VersionFilter};
use serde_json::{Value, json};

use crate::backend::backends;
use crate::objects::{basket, read};
use crate::sample::{bytes, id, import, indicator, outcomes, partner, relationship, take, uuid};

const PARTNER: u128 = 1;
const ATTACKER: u128 = 2;
const READER: u128 = 3;

fn definition(tlp: &str) -> Value {
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", 7),
        "created": "2026-01-01T00:00:00.000Z", "definition_type": "tlp", "definition": {"tlp": tlp},
    })
}

fn domain(number: u128, value: &str, tlp: Option<Tlp>) -> Value {
    let mut object = json!({
        "type": "domain-name", "spec_version": "2.1", "id": id("domain-name", number), "value": value,
    });
    if let Some(tlp) = tlp {
        object["object_marking_refs"] = json!([tlp.stix_id()]);
    }
    object
}

fn identity(number: u128, name: &str, tlp: Option<Tlp>) -> Value {
    let mut object = json!({
        "type": "identity", "spec_version": "2.1", "id": id("identity", number), "name": name,
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
    });
    if let Some(tlp) = tlp {
        object["object_marking_refs"] = json!([tlp.stix_id()]);
    }
    object
}

/// The ids that a reader gets, in their order.
async fn ids(store: &Store, basket: i64, reader: u128) -> Vec<String> {
    let mut all: Vec<_> = read(store, basket, Some(reader))
        .await
        .iter()
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn a_definition_counts_for_what_its_sender_marks() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let ours = import(&store, "ours").await;
        let attacker = partner(&store, "attacker", Some(ATTACKER)).await;
        let mut object = indicator(1, 1, None);
        object["object_marking_refs"] = json!([id("marking-definition", 7)]);
        take(&store, ours, Some(basket), &[object]).await;
        let mut theirs = indicator(2, 1, None);
        theirs["object_marking_refs"] = json!([id("marking-definition", 7)]);
        take(&store, attacker, Some(basket), &[definition("white"), theirs]).await;
        let all = ids(&store, basket, READER).await;
        assert_eq!(all, [id("indicator", 2)], "{}", backend.name);
        // Ours comes after theirs, and counts for what is ours.
        take(&store, ours, None, &[definition("green")]).await;
        assert_eq!(ids(&store, basket, READER).await, all, "{}", backend.name);
        take(&store, ours, None, &[definition("white")]).await;
        assert_eq!(ids(&store, basket, READER).await.len(), 2, "{}", backend.name);
        // After a restart, too.
        let store = {
            drop(store);
            crate::backend::again(&backend).await
        };
        let mut later = indicator(3, 1, None);
        later["object_marking_refs"] = json!([id("marking-definition", 7)]);
        take(&store, ours, Some(basket), &[later]).await;
        assert_eq!(ids(&store, basket, READER).await.len(), 3, "{}", backend.name);
    }
}

#[tokio::test]
async fn an_observable_of_another_hides_nothing() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let ours = import(&store, "ours").await;
        let attacker = partner(&store, "attacker", Some(ATTACKER)).await;
        let clear = Some(Tlp::Clear);
        let all = [
            domain(1, "gate.example", clear),
            indicator(1, 1, clear),
            relationship(1, &id("indicator", 1), &id("domain-name", 1), Tlp::Clear),
        ];
        take(&store, ours, Some(basket), &all).await;
        let red = domain(1, "gate.example", Some(Tlp::Red));
        assert_eq!(
            take(&store, attacker, None, &[red]).await,
            [Outcome::Stored],
            "{}",
            backend.name
        );
        while store.fold().await.unwrap() {}
        assert_eq!(ids(&store, basket, READER).await.len(), 3, "{}", backend.name);
        // What they say first under an id that is not its own does not stand for what we say.
        let squat = domain(2, "other.example", Some(Tlp::Red));
        take(&store, attacker, None, &[squat]).await;
        let right = domain(2, "two.example", clear);
        let receipts = take(&store, ours, Some(basket), &[right]).await;
        assert_eq!(receipts, [Outcome::Stored], "{}", backend.name);
        assert_eq!(ids(&store, basket, READER).await.len(), 4, "{}", backend.name);
    }
}

#[tokio::test]
async fn who_is_named_cannot_be_hidden_beforehand() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let ours = import(&store, "ours").await;
        let (one, attacker) = (
            partner(&store, "one", Some(PARTNER)).await,
            partner(&store, "attacker", Some(ATTACKER)).await,
        );
        let clear = Some(Tlp::Clear);
        // The maker of what comes with it, before that comes.
        take(&store, attacker, None, &[identity(9, "Maker", Some(Tlp::Red))]).await;
        for (number, source) in [(1, ours), (2, one)] {
            let mut object = indicator(number, 1, clear);
            object["created_by_ref"] = json!(id("identity", 9));
            take(
                &store,
                source,
                Some(basket),
                &[identity(9, "Maker", clear), object],
            )
            .await;
            assert!(
                ids(&store, basket, READER)
                    .await
                    .contains(&id("indicator", number)),
                "{}",
                backend.name
            );
        }
        // What ours names and nobody has sent.
        let names = relationship(1, &id("indicator", 1), &id("indicator", 8), Tlp::Clear);
        take(&store, ours, Some(basket), &[names]).await;
        take(&store, attacker, None, &[indicator(8, 1, Some(Tlp::Red))]).await;
        let all = ids(&store, basket, READER).await;
        assert!(all.contains(&id("relationship", 1)), "{}", backend.name);
        // What was here before and is hidden hides what names it, until its sender is recalled.
        let names = relationship(2, &id("indicator", 1), &id("indicator", 8), Tlp::Clear);
        take(&store, ours, Some(basket), &[names]).await;
        let all = ids(&store, basket, READER).await;
        assert!(!all.contains(&id("relationship", 2)), "{}", backend.name);
        store.recall(attacker, 0, |_| {}).await.unwrap();
        let all = ids(&store, basket, READER).await;
        assert!(all.contains(&id("relationship", 2)), "{}", backend.name);
    }
}

#[tokio::test]
async fn who_sends_an_observable_reads_it_whether_others_have_it() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let ours = import(&store, "ours").await;
        let asking = partner(&store, "asking", Some(ATTACKER)).await;
        let hidden = [
            domain(1, "one.example", Some(Tlp::Red)),
            domain(2, "two.example", Some(Tlp::AmberStrict)),
        ];
        take(&store, ours, None, &hidden).await;
        let mut asked: Vec<_> = [(1, "one.example"), (2, "two.example"), (3, "three.example")]
            .into_iter()
            .map(|(number, value)| domain(number, value, Some(Tlp::Clear)))
            .collect();
        for number in 1..=3 {
            let to = id("domain-name", number);
            asked.push(relationship(number, &id("indicator", 99), &to, Tlp::Green));
        }
        let receipts = take(&store, asking, Some(basket), &asked).await;
        assert!(
            receipts.iter().all(|one| *one == Outcome::Stored),
            "{}: {receipts:?}",
            backend.name
        );
        assert_eq!(ids(&store, basket, ATTACKER).await.len(), 6, "{}", backend.name);
        assert_eq!(ids(&store, basket, READER).await.len(), 3, "{}", backend.name);
        // A search finds it once; who deletes it deletes what they sent.
        let found = async || {
            while store.fold().await.unwrap() {}
            let search = Search {
                value: Some("two.example".to_owned()),
                limit: 10,
                ..Search::default()
            };
            let view = store.view(Recipient::organisation(store.own()));
            view.search(&search).await.unwrap().entries.len()
        };
        assert_eq!(found().await, 1, "{}", backend.name);
        let asks = Some(Organisation(uuid(ATTACKER)));
        let removed = store.delete(&id("domain-name", 2), asks).await.unwrap();
        assert_eq!(removed, Removal::Removed(1), "{}", backend.name);
        assert_eq!(found().await, 1, "{}", backend.name);
        let removed = store.delete(&id("domain-name", 2), asks).await.unwrap();
        assert_eq!(removed, Removal::NotTheirs, "{}", backend.name);
    }
}

/// Whoever sends what another brought under stricter terms reads it, as they would if nobody had it; nobody else does by it.
#[tokio::test]
async fn who_sends_an_object_reads_it_whether_others_have_it() {
    for backend in backends().await {
        let store = backend.open().await;
        let name = backend.name;
        let basket = basket(&store).await;
        let one = partner(&store, "one", Some(PARTNER)).await;
        let asking = partner(&store, "asking", Some(ATTACKER)).await;
        let hidden = indicator(1, 1, Some(Tlp::AmberStrict));
        take(&store, one, Some(basket), std::slice::from_ref(&hidden)).await;
        assert!(ids(&store, basket, ATTACKER).await.is_empty(), "{name}");
        for _ in 0..2 {
            let receipts = take(&store, asking, Some(basket), std::slice::from_ref(&hidden)).await;
            assert!(receipts[0].is_success(), "{name}");
            assert_eq!(
                ids(&store, basket, ATTACKER).await,
                [id("indicator", 1)],
                "{name}"
            );
        }
        assert!(ids(&store, basket, READER).await.is_empty(), "{name}");
        // Of a version that several brought there is one, whichever versions are asked for.
        let view = store.view(Recipient::organisation(store.own()));
        assert_eq!(view.object(&id("indicator", 1)).await.unwrap().len(), 1, "{name}");
        for versions in [Vec::new(), vec![VersionFilter::All], vec![VersionFilter::First]] {
            let query = PageQuery {
                collection: basket,
                limit: 10,
                versions,
                ..PageQuery::default()
            };
            assert_eq!(
                view.page(&query).await.unwrap().entries.len(),
                1,
                "{name} {query:?}"
            );
        }
        // Each takes back what they sent.
        let asks = Some(Organisation(uuid(ATTACKER)));
        let removed = store.delete(&id("indicator", 1), asks).await.unwrap();
        assert_eq!(removed, Removal::Removed(1), "{name}");
        assert!(ids(&store, basket, ATTACKER).await.is_empty(), "{name}");
        assert_eq!(ids(&store, basket, PARTNER).await, [id("indicator", 1)], "{name}");
    }
}

/// What is said of an object beside its bytes is not loosened by who sends it again; nobody hides what others bring by
/// sending it first beside something hidden that it names.
#[tokio::test]
async fn a_copy_loosens_nothing_and_hides_nothing() {
    for backend in backends().await {
        let store = backend.open().await;
        let name = backend.name;
        let basket = basket(&store).await;
        let ours = import(&store, "ours").await;
        let one = partner(&store, "one", Some(PARTNER)).await;
        let attacker = partner(&store, "attacker", Some(ATTACKER)).await;
        let deliver = async |source: i64, tlp: Option<Tlp>, audience: Option<Audience>, object: &Value| {
            let delivery = Delivery {
                source,
                collection: Some(basket),
                tlp,
                audience,
                objects: bytes(std::slice::from_ref(object)),
            };
            outcomes(store.ingest(delivery).await.unwrap())
        };
        let only_one = Audience {
            organisations: [Organisation(uuid(PARTNER))].into(),
            ..Audience::default()
        };
        deliver(ours, Some(Tlp::Green), Some(only_one), &indicator(1, 1, None)).await;
        deliver(one, Some(Tlp::Clear), None, &indicator(1, 1, None)).await;
        deliver(ours, Some(Tlp::Red), None, &indicator(2, 1, None)).await;
        deliver(one, Some(Tlp::Clear), None, &indicator(2, 1, None)).await;
        assert!(ids(&store, basket, READER).await.is_empty(), "{name}");
        assert_eq!(ids(&store, basket, PARTNER).await.len(), 2, "{name}");

        let mut object = indicator(3, 1, Some(Tlp::Clear));
        object["created_by_ref"] = json!(id("identity", 9));
        let squat = [identity(9, "Maker", Some(Tlp::Red)), object.clone()];
        take(&store, attacker, Some(basket), &squat).await;
        assert!(ids(&store, basket, READER).await.is_empty(), "{name}");
        take(
            &store,
            ours,
            Some(basket),
            &[identity(9, "Maker", Some(Tlp::Clear)), object],
        )
        .await;
        let all = ids(&store, basket, READER).await;
        assert!(all.contains(&id("indicator", 3)), "{name}: {all:?}");
    }
}

#[tokio::test]
async fn nobody_speaks_for_another() {
    for backend in backends().await {
        let store = backend.open().await;
        let basket = basket(&store).await;
        let (one, attacker) = (
            partner(&store, "one", Some(PARTNER)).await,
            partner(&store, "attacker", Some(ATTACKER)).await,
        );
        let clear = Some(Tlp::Clear);
        let names = |all: Vec<Value>| -> Vec<String> {
            let name = |object: &Value| object["name"].as_str().unwrap().to_owned();
            all.iter().map(name).collect()
        };
        // A partner's identity is theirs, whoever sent it first.
        let forged = identity(PARTNER, "Forged", clear);
        take(&store, attacker, Some(basket), &[forged]).await;
        assert_eq!(names(read(&store, basket, Some(READER)).await), ["Forged"]);
        let mut real = identity(PARTNER, "One", clear);
        real["modified"] = json!("2026-01-01T00:00:01.000Z");
        let receipts = take(&store, one, Some(basket), &[real]).await;
        assert_eq!(receipts, [Outcome::Stored], "{}", backend.name);
        assert_eq!(names(read(&store, basket, Some(READER)).await), ["One"]);
        let mut again = identity(PARTNER, "Forged again", clear);
        again["modified"] = json!("2026-01-01T00:00:02.000Z");
        let receipts = take(&store, attacker, Some(basket), &[again]).await;
        assert_eq!(receipts, [Outcome::Apart], "{}", backend.name);
        // In our name only we speak.
        let mut ours = indicator(1, 1, clear);
        ours["created_by_ref"] = json!(format!("identity--{}", store.own().0));
        for _ in 0..2 {
            let receipts = take(&store, attacker, Some(basket), &[ours.clone()]).await;
            assert_eq!(receipts, [Outcome::Apart], "{}", backend.name);
        }
        let view = store.view(Recipient::organisation(Organisation(uuid(READER))));
        let found = view.object(&id("indicator", 1)).await.unwrap();
        assert!(found.is_empty(), "{}", backend.name);
        let receipts = take(&store, import(&store, "files").await, None, &[ours]).await;
        assert_eq!(receipts, [Outcome::Stored], "{}", backend.name);
    }
}
