//! Searches, and the derived tables that they read.

use perisai_model::{Kind, Tlp};
use perisai_policy::Recipient;
use perisai_store::{Search, Store};

use crate::backend::backends;
use crate::sample::{id, indicator, partner, relationship, take};

async fn found(store: &Store, recipient: Recipient, search: Search) -> Vec<String> {
    let search = Search { limit: 100, ..search };
    let found = store.view(recipient).search(&search).await.unwrap();
    found.entries.iter().map(|entry| entry.get().id.clone()).collect()
}

async fn filled(store: &Store) {
    let source = partner(store, "a", Some(1)).await;
    let mut labelled = indicator(2, 1, Some(Tlp::Amber));
    labelled["labels"] = serde_json::json!(["apt-28"]);
    labelled["description"] = serde_json::json!("Бухгалтерія: a loader's second stage");
    let mut old = indicator(3, 1, Some(Tlp::Clear));
    old["valid_until"] = serde_json::json!("2026-01-02T00:00:00Z");
    let objects = [indicator(1, 1, Some(Tlp::Clear)), labelled, old];
    take(store, source, None, &objects).await;
    let other = partner(store, "b", Some(2)).await;
    let names = relationship(4, &id("indicator", 1), &id("malware", 1), Tlp::Clear);
    take(store, other, None, &[names]).await;
}

/// What is found by whom: `kind number`, the latest first.
async fn check(store: &Store, recipient: Recipient, search: Search, expected: &[&str]) {
    let found = found(store, recipient, search.clone()).await;
    let full = |short: &&str| {
        let (kind, number) = short.split_once(' ').unwrap();
        id(kind, number.parse().unwrap())
    };
    let expected: Vec<_> = expected.iter().map(full).collect();
    assert_eq!(found, expected, "{search:?}");
}

fn text(text: &str) -> Search {
    Search {
        text: text.to_owned(),
        ..Search::default()
    }
}

fn value(value: &str) -> Search {
    Search {
        value: Some(value.to_owned()),
        ..Search::default()
    }
}

const ALL: [&str; 4] = ["relationship 4", "indicator 3", "indicator 2", "indicator 1"];

async fn by_words_and_values(store: &Store) {
    let own = Recipient::organisation(store.own());
    let anybody = Recipient::ANYBODY;
    check(store, own, Search::default(), &ALL).await;
    check(
        store,
        anybody,
        Search::default(),
        &["relationship 4", "indicator 3", "indicator 1"],
    )
    .await;
    check(store, own, text("gate"), &ALL[1..]).await;
    check(store, own, text("LOADER бухгалтерія"), &["indicator 2"]).await;
    check(store, anybody, text("loader"), &[]).await;
    check(store, own, text("gate2.example"), &["indicator 2"]).await;
    check(store, own, text("\" OR 1 --"), &[]).await;
    check(store, own, value("gate1.example"), &["indicator 1"]).await;
    check(store, own, value("ate1.example"), &[]).await;
    check(store, anybody, value("gate2.example"), &[]).await;
}

async fn by_what_they_are(store: &Store) {
    let own = Recipient::organisation(store.own());
    let default = Search::default;
    let strings = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let types = strings(&["relationship", "malware"]);
    let cases = [
        (Search { types, ..default() }, &ALL[..1]),
        (
            Search {
                tlp: vec![Tlp::Amber],
                ..default()
            },
            &ALL[2..3],
        ),
        (
            Search {
                tlp: vec![Tlp::Red],
                ..default()
            },
            &[],
        ),
        (
            Search {
                kinds: vec![Kind::Domain],
                ..default()
            },
            &ALL[1..],
        ),
        (
            Search {
                sources: strings(&["b"]),
                ..default()
            },
            &ALL[..1],
        ),
        (
            Search {
                labels: strings(&["apt-28"]),
                ..text("gate")
            },
            &ALL[2..3],
        ),
    ];
    for (search, expected) in cases {
        check(store, own, search, expected).await;
    }
}

async fn by_when_they_count_and_came(store: &Store) {
    let own = Recipient::organisation(store.own());
    let default = Search::default;
    let hour = 3_600_000_000;
    let now = jiff::Timestamp::now().as_microsecond();
    let cases: [(Search, &[&str]); 7] = [
        (
            Search {
                since: Some(now + 1_000 * hour),
                ..default()
            },
            &[],
        ),
        (
            Search {
                since: Some(now),
                until: Some(now - 1_000 * hour),
                ..default()
            },
            &[],
        ),
        (
            Search {
                live: Some(false),
                ..default()
            },
            &ALL[1..2],
        ),
        (
            Search {
                live: Some(true),
                ..text("gate")
            },
            &ALL[2..],
        ),
        (
            Search {
                until: Some(1),
                ..default()
            },
            &[],
        ),
        (
            Search {
                since: Some(now - hour),
                until: Some(now + hour),
                ..default()
            },
            &ALL,
        ),
        (
            Search {
                since: Some(now + hour),
                ..default()
            },
            &[],
        ),
    ];
    for (search, expected) in cases {
        check(store, own, search, expected).await;
    }
}

#[tokio::test]
async fn searches_find_what_the_reader_may_see() {
    for backend in backends().await {
        let store = backend.open().await;
        filled(&store).await;
        while store.fold().await.unwrap() {}
        by_words_and_values(&store).await;
        by_what_they_are(&store).await;
        by_when_they_count_and_came(&store).await;
        // All of it can be made again.
        store.reindex().await.unwrap();
        by_words_and_values(&store).await;
        by_what_they_are(&store).await;
        by_when_they_count_and_came(&store).await;
    }
}

#[tokio::test]
async fn who_does_not_wait_is_told_how_much_waits() {
    for backend in backends().await {
        let store = backend.open().await;
        filled(&store).await;
        let waiting = store.catch_up_within(std::time::Duration::ZERO).await.unwrap();
        assert!(waiting > 0, "{}", backend.name);
        let patience = std::time::Duration::from_secs(60);
        assert_eq!(store.catch_up_within(patience).await.unwrap(), 0);
        assert_eq!(store.waiting(), 0);
    }
}

#[tokio::test]
async fn a_search_finds_the_newest_version() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", Some(1)).await;
        let own = Recipient::organisation(store.own());
        let of_two = async |expected: &[&str]| {
            while store.fold().await.unwrap() {}
            let search = Search {
                limit: 10,
                text: "gate".to_owned(),
                ..Search::default()
            };
            let found = store.view(own).search(&search).await.unwrap();
            let versions: Vec<_> = found
                .entries
                .iter()
                .map(|one| one.get().version_text.clone().unwrap())
                .collect();
            let hours: Vec<_> = versions.iter().map(|text| &text[11..13]).collect();
            assert_eq!(hours, expected, "{}", backend.name);
        };
        take(&store, source, None, &[indicator(1, 2, Some(Tlp::Clear))]).await;
        of_two(&["02"]).await;
        take(
            &store,
            source,
            None,
            &[
                indicator(1, 3, Some(Tlp::Clear)),
                indicator(1, 1, Some(Tlp::Clear)),
            ],
        )
        .await;
        of_two(&["03"]).await;
        take(
            &store,
            source,
            None,
            &[
                indicator(1, 2, Some(Tlp::Clear)),
                indicator(1, 4, Some(Tlp::Green)),
            ],
        )
        .await;
        of_two(&["04"]).await;
    }
}

#[tokio::test]
async fn who_may_not_see_the_newest_version_finds_the_newest_they_may_see() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", Some(1)).await;
        let hours = async |recipient: Recipient| {
            while store.fold().await.unwrap() {}
            let search = Search {
                limit: 10,
                value: Some("gate1.example".to_owned()),
                ..Search::default()
            };
            let found = store.view(recipient).search(&search).await.unwrap();
            let versions = found
                .entries
                .iter()
                .map(|one| one.get().version_text.clone().unwrap());
            versions.map(|text| text[11..13].to_owned()).collect::<Vec<_>>()
        };
        let own = Recipient::organisation(store.own());
        let steps: [(u8, Tlp, &str, &str); 5] = [
            (1, Tlp::Clear, "01", "01"),
            (3, Tlp::Amber, "03", "01"),
            // What comes late, between the two.
            (2, Tlp::Clear, "03", "02"),
            (5, Tlp::Amber, "05", "02"),
            (6, Tlp::Clear, "06", "06"),
        ];
        for (version, tlp, ours, anybodys) in steps {
            take(&store, source, None, &[indicator(1, version, Some(tlp))]).await;
            assert_eq!(hours(own).await, [ours], "{} {version}", backend.name);
            assert_eq!(
                hours(Recipient::ANYBODY).await,
                [anybodys],
                "{} {version}",
                backend.name
            );
        }
        // The same where all is derived at once, and where it is in two deliveries of one step.
        store.reindex().await.unwrap();
        assert_eq!(
            (hours(own).await, hours(Recipient::ANYBODY).await),
            (vec!["06".to_owned()], vec!["06".to_owned()])
        );
        let all = [(1, Tlp::Clear), (2, Tlp::Clear), (3, Tlp::Amber)];
        let all = all.map(|(version, tlp)| {
            let mut object = indicator(1, version, Some(tlp));
            object["id"] = indicator(2, 1, None)["id"].take();
            object
        });
        take(&store, source, None, &all).await;
        // Both objects have the value.
        assert_eq!(hours(own).await, ["03", "06"], "{}", backend.name);
        assert_eq!(hours(Recipient::ANYBODY).await, ["02", "06"], "{}", backend.name);
    }
}

#[tokio::test]
async fn pages_of_a_search() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", Some(1)).await;
        let objects: Vec<_> = (0..1200)
            .map(|number| {
                indicator(
                    number,
                    1,
                    Some(if number % 2 == 0 { Tlp::Clear } else { Tlp::Amber }),
                )
            })
            .collect();
        take(&store, source, None, &objects).await;
        while store.fold().await.unwrap() {}
        let mut search = Search {
            limit: 70,
            text: "gate".to_owned(),
            ..Search::default()
        };
        let mut seen = Vec::new();
        loop {
            let found = store.view(Recipient::ANYBODY).search(&search).await.unwrap();
            seen.extend(found.entries.iter().map(|entry| entry.get().id.clone()));
            search.before = found.next;
            if found.next.is_none() {
                break;
            }
        }
        let expected: Vec<_> = (0..1200)
            .rev()
            .filter(|number| number % 2 == 0)
            .map(|number| id("indicator", number))
            .collect();
        assert_eq!(seen, expected, "{}", backend.name);
    }
}

#[tokio::test]
async fn an_object_of_very_many_values() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", Some(1)).await;
        let values: Vec<_> = (0..60_000)
            .map(|number| format!("'gate{number}.example'"))
            .collect();
        let mut object = indicator(1, 1, Some(Tlp::Clear));
        object["pattern"] = serde_json::json!(format!("[domain-name:value IN ({})]", values.join(",")));
        take(
            &store,
            source,
            None,
            &[object, indicator(70_000, 1, Some(Tlp::Clear))],
        )
        .await;
        while store.fold().await.unwrap() {}
        let own = Recipient::organisation(store.own());
        check(&store, own, value("gate0.example"), &["indicator 1"]).await;
        check(&store, own, value("gate70000.example"), &["indicator 70000"]).await;
    }
}

/// Which objects are taken, by their numbers.
type Takes = fn(u128) -> bool;

/// What is asked beside a value: how each narrows it, and which of the objects it takes.
fn narrowings() -> Vec<(Search, Takes)> {
    let default = Search::default;
    let strings = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    vec![
        (default(), |_| true),
        (
            Search {
                types: strings(&["indicator"]),
                ..default()
            },
            |number| number % 2 == 0,
        ),
        (
            Search {
                live: Some(false),
                ..default()
            },
            |number| number % 3 == 0 && number % 2 == 0,
        ),
        (
            Search {
                sources: strings(&["b", "nobody"]),
                types: strings(&["indicator", "malware"]),
                live: Some(true),
                ..default()
            },
            |number| number % 2 == 0 && number % 3 != 0 && number % 50 == 2,
        ),
        (
            Search {
                sources: strings(&["nobody"]),
                ..default()
            },
            |_| false,
        ),
        (
            Search {
                labels: strings(&["rare"]),
                text: "gate".to_owned(),
                kinds: vec![Kind::Domain],
                since: Some(1),
                tlp: vec![Tlp::Clear],
                ..default()
            },
            |number| number == 40 || number == 640,
        ),
    ]
}

#[tokio::test]
async fn a_value_that_few_or_many_have_is_narrowed() {
    for backend in backends().await {
        let store = backend.open().await;
        let (one, other) = (
            partner(&store, "a", Some(1)).await,
            partner(&store, "b", Some(2)).await,
        );
        // Up to 100 have one value, all the rest the other.
        let object = |number: u128| {
            let value = if number < 100 {
                "few.example"
            } else {
                "many.example"
            };
            if number % 2 == 1 {
                return serde_json::json!({
                    "type": "domain-name", "spec_version": "2.1", "id": id("domain-name", number), "value": value,
                });
            }
            let mut object = indicator(number, 1, Some(Tlp::Clear));
            object["pattern"] = serde_json::json!(format!("[domain-name:value = '{value}']"));
            if number.is_multiple_of(3) {
                object["valid_until"] = serde_json::json!("2026-01-02T00:00:00Z");
            }
            if number == 40 || number == 640 {
                object["labels"] = serde_json::json!(["rare"]);
            }
            object
        };
        for number in 0..1_400 {
            let source = if number % 50 == 2 { other } else { one };
            // The order of arrival is the order of the numbers.
            take(&store, source, None, &[object(number)]).await;
        }
        while store.fold().await.unwrap() {}
        let own = Recipient::organisation(store.own());
        for (narrowed, takes) in narrowings() {
            for (value, range) in [("few.example", 0..100), ("many.example", 100..1_400)] {
                let mut search = Search {
                    value: Some(value.to_owned()),
                    limit: 90,
                    ..narrowed.clone()
                };
                let mut seen = Vec::new();
                loop {
                    let found = store.view(own).search(&search).await.unwrap();
                    seen.extend(found.entries.iter().map(|entry| entry.get().id.clone()));
                    search.before = found.next;
                    if found.next.is_none() {
                        break;
                    }
                }
                let expected = range
                    .filter(|number| takes(*number))
                    .map(|number| object(number)["id"].clone());
                let mut expected: Vec<_> = expected.map(|id| id.as_str().unwrap().to_owned()).collect();
                expected.reverse();
                assert_eq!(seen, expected, "{} {search:?}", backend.name);
            }
        }
    }
}
