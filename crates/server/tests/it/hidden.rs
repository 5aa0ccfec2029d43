//! What is hidden leaves no trace: not in what is answered, nor in when.

use std::time::{Duration, Instant};

use perisai_model::Tlp;
use serde_json::Value;

use crate::backend::backends;
use crate::client::{Answer, Ask};
use crate::sample::{id, indicator, marked, observable};
use crate::served::{OTHER, PARTNER, Served, serve, serve_as};

/// Puts in what all may see and, where it is wanted, what others may not: between, before and after, as versions of
/// the same object, too.
async fn fill(served: &Served, with_hidden: bool) {
    let steps: [(bool, Vec<Value>); 7] = [
        (
            true,
            (100..130).map(|number| marked(number, 1, Tlp::Red)).collect(),
        ),
        (false, (0..10).map(|number| indicator(number, 1)).collect()),
        (
            true,
            (130..150).map(|number| marked(number, 1, Tlp::Amber)).collect(),
        ),
        (true, vec![marked(0, 9, Tlp::Red), marked(1, 0, Tlp::AmberStrict)]),
        (false, vec![indicator(2, 2), observable(7)]),
        (false, (10..20).map(|number| indicator(number, 1)).collect()),
        (
            true,
            (150..170).map(|number| marked(number, 1, Tlp::Green)).collect(),
        ),
    ];
    for (is_hidden, objects) in steps {
        if with_hidden || !is_hidden {
            served.store(PARTNER, "basket", &objects).await;
        }
    }
}

/// An answer with what is of the moment taken out: times, cursors, numbers of errors.
fn masked(answer: &Answer, basket: &str) -> String {
    let mut text = format!("{} ", answer.status);
    for (name, value) in &answer.headers {
        let value = match name.as_str() {
            "date" | "x-taxii-date-added-first" | "x-taxii-date-added-last" => "(time)",
            _ => value,
        };
        text += &format!("{name}: {value}\n");
    }
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    mask(&mut body);
    text += &body.to_string().replace(basket, "(collection)");
    text
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), &value) {
                    ("date_added" | "next" | "error_id", _) => *value = "(masked)".into(),
                    // That of an observable is when it was added.
                    ("version", Value::String(text)) if !text.starts_with("2026-01-01") => {
                        *value = "(masked)".into();
                    }
                    _ => mask(value),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(mask),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_of_which_one_hides_something_answer_alike() {
    let (open, full) = (backends().await, backends().await);
    for (open, full) in open.iter().zip(&full) {
        let small = |settings: &mut perisai_app::NodeSettings| settings.page = 4;
        let (open, full) = (serve_as(open, small).await, serve_as(full, small).await);
        let mut baskets = Vec::new();
        for served in [&open, &full] {
            baskets.push(served.basket("basket", &[(OTHER, "rw")]).await);
            fill(served, std::ptr::eq(served, &full)).await;
        }
        let ids = [id("indicator", 0), id("indicator", 100), id("indicator", 555)];
        let mut paths: Vec<String> = [
            "",
            "objects/",
            "manifest/",
            "objects/?limit=20",
            "objects/?match[version]=all",
        ]
        .map(str::to_owned)
        .to_vec();
        for query in [
            "match[version]=first&limit=3",
            "match[type]=indicator",
            "added_after=2020-01-01T00:00:00Z",
        ] {
            paths.extend([format!("objects/?{query}"), format!("manifest/?{query}")]);
        }
        paths.push(format!("objects/?match[id]={}", ids.join(",")));
        for number in [0, 1, 2, 19, 100, 130, 150, 555] {
            let object = format!("objects/{}/", id("indicator", number));
            let all = format!("{object}?match[version]=all");
            paths.extend([
                format!("{object}versions/"),
                format!("objects/?match[id]={}", id("indicator", number)),
                all,
            ]);
            paths.push(object);
        }
        for path in paths {
            let walk = async |served: &Served, basket: &str| {
                let (mut answers, mut next) = (Vec::new(), String::new());
                loop {
                    let mark = if path.contains('?') { '&' } else { '?' };
                    let cursor = if next.is_empty() {
                        String::new()
                    } else {
                        format!("{mark}next={next}")
                    };
                    let answer = served.get("other", &format!("{basket}{path}{cursor}")).await;
                    answers.push(masked(&answer, basket.split('/').nth(4).unwrap()));
                    match serde_json::from_slice::<Value>(&answer.body).unwrap()["next"].as_str() {
                        Some(cursor) => next = cursor.to_owned(),
                        None => break answers,
                    }
                }
            };
            assert_eq!(
                walk(&open, &baskets[0]).await,
                walk(&full, &baskets[1]).await,
                "{path}"
            );
        }
        for number in [100, 555] {
            let path = |basket: &str| format!("{basket}objects/{}/", id("indicator", number));
            let delete = async |served: &Served, basket: &str| {
                let path = path(basket);
                let ask = Ask {
                    method: "DELETE",
                    ..Ask::get("other", &path)
                };
                masked(&ask.send(served.to).await, basket)
            };
            assert_eq!(delete(&open, &baskets[0]).await, delete(&full, &baskets[1]).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_up_what_is_hidden_takes_as_long_as_what_is_not_there() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[(OTHER, "r")]).await;
        let hidden: Vec<_> = (0..50).map(|number| marked(number, 1, Tlp::Red)).collect();
        served.store(PARTNER, "basket", &hidden).await;
        let (mut there, mut absent) = (Vec::new(), Vec::new());
        for number in 0..100 {
            for (times, number) in [(&mut there, number % 50), (&mut absent, 1000 + number)] {
                let path = format!("{basket}objects/{}/", id("indicator", number));
                let started = Instant::now();
                let answer = served.get("other", &path).await;
                times.push(started.elapsed());
                assert_eq!(answer.status, 404);
            }
        }
        there.sort_unstable();
        absent.sort_unstable();
        let least = Duration::from_millis(10);
        assert!(there[0] >= least && absent[0] >= least, "{there:?} {absent:?}");
        // Each median lies among the other's times, away from their ends.
        let overlaps = |one: &[Duration], other: &[Duration]| other[10] <= one[50] && one[50] <= other[89];
        assert!(
            overlaps(&there, &absent) && overlaps(&absent, &there),
            "{}: {there:?} {absent:?}",
            backend.name
        );
    }
}

/// The records of an event on the audit chain: their data.
async fn records(served: &Served, event: &str) -> Vec<Value> {
    let (mut after, mut found) = (0, Vec::new());
    while let Some((last, lines)) = served.node.audit().export(after).await.unwrap() {
        let text = String::from_utf8(lines).unwrap();
        let all = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let all = all.map(|mut line| line["record"].take());
        found.extend(
            all.filter(|one| one["event"] == event)
                .map(|mut one| one["data"].take()),
        );
        after = last;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withheld_is_on_the_audit_chain() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[(PARTNER, "rw"), (OTHER, "r")]).await;
        fill(&served, true).await;
        let path = format!("{basket}objects/");
        for _ in 0..3 {
            assert_eq!(served.get("other", &path).await.status, 200);
        }
        for _ in 0..500 {
            if !records(&served, "withheld").await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Were there more, they would have been written by now.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let found = records(&served, "withheld").await;
        assert_eq!(found.len(), 1, "{found:?}");
        let counts = serde_json::json!({
            "TLP:RED does not reach the recipient": 31,
            "TLP:AMBER+STRICT does not reach the recipient": 1,
            "TLP:AMBER does not reach the recipient": 20,
            "TLP:GREEN does not reach the recipient": 20,
        });
        assert_eq!(found[0]["refused"], counts, "{}", backend.name);
        assert_eq!(
            found[0]["organisation"],
            serde_json::json!(crate::sample::uuid(OTHER))
        );
    }
}
