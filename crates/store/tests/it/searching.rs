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
    let names = relationship(4, &id("indicator", 1), "malware--1", Tlp::Clear);
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
    let cases: [(Search, &[&str]); 5] = [
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
