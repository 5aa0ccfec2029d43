//! Pages: their order, their ends, and what leads from one to the next.

use serde_json::{Value, json};

use crate::backend::{Backend, backends};
use crate::client::Answer;
use crate::sample::{hour, id, indicator, observable};
use crate::served::{PARTNER, Served, serve, serve_as};

/// A collection of so many indicators, put in by sevens.
async fn filled(backend: &Backend, many: u128) -> (Served, String) {
    let served = serve(backend).await;
    let basket = served.basket("basket", &[(PARTNER, "rw")]).await;
    let objects: Vec<_> = (0..many).map(|number| indicator(number, 1)).collect();
    for step in objects.chunks(7) {
        served.store(PARTNER, "basket", step).await;
    }
    (served, basket)
}

fn ids(objects: &[Value]) -> Vec<&str> {
    objects
        .iter()
        .map(|object| object["id"].as_str().unwrap())
        .collect()
}

/// The times that an answer's headers say.
fn times(answer: &Answer) -> Option<(String, String)> {
    let first = answer.header("x-taxii-date-added-first")?.to_owned();
    let last = answer.header("x-taxii-date-added-last")?.to_owned();
    Some((first, last))
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_in_the_order_of_arrival() {
    for backend in backends().await {
        let (served, basket) = filled(&backend, 50).await;
        let manifest = served.get("partner", &format!("{basket}manifest/")).await;
        let rows = manifest.objects();
        let added: Vec<_> = rows
            .iter()
            .map(|row| row["date_added"].as_str().unwrap())
            .collect();
        assert!(added.is_sorted_by(|one, other| one < other), "strictly ascending");
        assert!(
            added
                .iter()
                .all(|time| time.len() == "2026-01-01T00:00:00.000000Z".len())
        );
        let whole = served.get("partner", &format!("{basket}objects/")).await;
        assert_eq!((whole.objects().len(), &whole.json()["more"]), (50, &Value::Null));
        assert_eq!(ids(&whole.objects()), ids(&rows));
        // The limit may change on the way.
        let (mut found, mut next, mut at) = (Vec::new(), String::new(), 0);
        for limit in [20, 3, 17, 1, 100] {
            let page = served
                .get("partner", &format!("{basket}objects/?limit={limit}{next}"))
                .await;
            let objects = page.objects();
            let end = at + objects.len();
            assert_eq!(
                times(&page),
                Some((added[at].to_owned(), added[end - 1].to_owned()))
            );
            let body = page.json();
            let is_last = end == 50;
            assert_eq!(body["more"] == json!(true), !is_last);
            assert_eq!(body.get("next").is_some(), !is_last);
            next = format!("&next={}", body["next"].as_str().unwrap_or_default());
            (at, found) = (end, [found, objects].concat());
        }
        assert_eq!(found, whole.objects(), "{}", backend.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn added_after_is_strictly_greater() {
    for backend in backends().await {
        let (served, basket) = filled(&backend, 10).await;
        let rows = served
            .get("partner", &format!("{basket}manifest/"))
            .await
            .objects();
        let check = async |after: &str, expected: usize| {
            for resource in ["objects", "manifest"] {
                let path = format!("{basket}{resource}/?added_after={after}");
                let answer = served.get("partner", &path).await;
                assert_eq!(answer.objects().len(), expected, "{path}");
                if expected == 0 {
                    assert_eq!((answer.body.as_slice(), times(&answer)), (&b"{}"[..], None));
                }
            }
        };
        for (at, row) in rows.iter().enumerate() {
            let time = row["date_added"].as_str().unwrap();
            let rest = rows.len() - at - 1;
            check(time, rest).await;
            check(&time.replace('Z', "999Z"), rest).await;
            check(&time.replace('Z', "%2B00:00"), rest).await;
        }
        check("1970-01-01T00:00:00Z", 10).await;
        check("1970-01-01T05:00:00%2B05:00", 10).await;
        check("2100-01-01T00:00:00.000000000Z", 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_outlive_a_restart_and_lead_nowhere_else() {
    for backend in backends().await {
        let (served, basket) = filled(&backend, 9).await;
        let other = served.basket("other", &[(PARTNER, "r")]).await;
        let filter = "match[type]=indicator,malware&added_after=2020-01-01T00:00:00Z";
        let first = served
            .get("partner", &format!("{basket}objects/?limit=4&{filter}"))
            .await;
        let next = first.json()["next"].as_str().unwrap().to_owned();
        drop(served);
        let served = serve(&backend).await;
        let check = async |path: String, expected: u16| {
            let answer = served.get("partner", &path).await;
            assert_eq!(answer.status, expected, "{path}");
            answer
        };
        let rest = check(format!("{basket}objects/?limit=9&{filter}&next={next}"), 200)
            .await
            .objects();
        let whole = served
            .get("partner", &format!("{basket}objects/"))
            .await
            .objects();
        assert_eq!([first.objects(), rest].concat(), whole, "{}", backend.name);
        let same = "added_after=2020-01-01T00:00:00.000Z&match[type]=malware,indicator";
        check(format!("{basket}objects/?{same}&next={next}"), 200).await;
        // One that was made before an object went still leads behind it.
        let gone = format!("{basket}objects/{}/", whole[3]["id"].as_str().unwrap());
        let ask = crate::client::Ask {
            method: "DELETE",
            ..crate::client::Ask::get("partner", &gone)
        };
        assert_eq!(ask.send(served.to).await.status, 200);
        let rest = check(format!("{basket}objects/?{filter}&next={next}"), 200)
            .await
            .objects();
        assert_eq!(rest, whole[4..]);
        for wrong in [
            format!("{basket}objects/?next={next}"),
            format!("{basket}objects/?match[type]=indicator&next={next}"),
            format!("{basket}manifest/?{filter}&next={next}"),
            format!("{other}objects/?{filter}&next={next}"),
            format!("{basket}objects/?{filter}&next={}x", &next[1..]),
            format!("{basket}objects/?{filter}&next="),
            format!("{basket}objects/?{filter}&next=2"),
        ] {
            check(wrong, 400).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_an_object() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[(PARTNER, "rw")]).await;
        for version in [2, 1, 3] {
            served.store(PARTNER, "basket", &[indicator(1, version)]).await;
        }
        served.store(PARTNER, "basket", &[observable(2)]).await;
        let object = format!("{basket}objects/{}/", id("indicator", 1));
        let versions = served.get("partner", &format!("{object}versions/")).await;
        assert_eq!(
            versions.json(),
            json!({ "versions": [hour(2), hour(1), hour(3)] })
        );
        let rows = served
            .get("partner", &format!("{basket}manifest/?match[version]=all"))
            .await
            .objects();
        let added = |at: usize| rows[at]["date_added"].as_str().unwrap().to_owned();
        assert_eq!(times(&versions), Some((added(0), added(2))));
        let page = served.get("partner", &format!("{object}versions/?limit=2")).await;
        let next = page.json()["next"].as_str().unwrap().to_owned();
        assert_eq!(page.json()["versions"], json!([hour(2), hour(1)]));
        let page = served
            .get("partner", &format!("{object}versions/?limit=2&next={next}"))
            .await;
        assert_eq!(page.json(), json!({ "versions": [hour(3)] }));
        // An observable has the time at which it was added.
        let of = format!("{basket}objects/{}/versions/", id("domain-name", 2));
        assert_eq!(
            served.get("partner", &of).await.json(),
            json!({ "versions": [added(3)] })
        );
        let row = json!({
            "id": id("domain-name", 2), "date_added": added(3), "version": added(3),
            "media_type": "application/stix+json;version=2.1",
        });
        assert_eq!(rows[3], row);
        // Objects page, too.
        let page = served
            .get("partner", &format!("{object}?match[version]=all&limit=2"))
            .await;
        assert_eq!(page.objects().len(), 2);
        let next = page.json()["next"].as_str().unwrap().to_owned();
        let page = served
            .get(
                "partner",
                &format!("{object}?match[version]=all&limit=2&next={next}"),
            )
            .await;
        assert_eq!(page.objects(), [indicator(1, 3)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_bounded_in_objects_and_in_bytes() {
    for backend in backends().await {
        let served = serve_as(&backend, |settings| settings.page = 20).await;
        let basket = served.basket("basket", &[(PARTNER, "rw")]).await;
        let objects: Vec<_> = (0..30).map(|number| indicator(number, 1)).collect();
        served.store(PARTNER, "basket", &objects).await;
        let page = served
            .get("partner", &format!("{basket}objects/?limit=5000"))
            .await;
        assert_eq!(page.objects().len(), 20);
        let large = |number| {
            let mut object = indicator(number, 1);
            object["description"] = json!("x".repeat(9 << 20));
            object
        };
        served
            .store(PARTNER, "basket", &[large(100), large(101), indicator(102, 1)])
            .await;
        let (mut next, mut counts, mut found) = (String::new(), Vec::new(), Vec::new());
        loop {
            let page = served
                .get("partner", &format!("{basket}objects/?limit=20{next}"))
                .await;
            counts.push(page.objects().len());
            found.extend(page.objects().iter().map(|object| object["id"].clone()));
            match page.json()["next"].as_str() {
                Some(cursor) => next = format!("&next={cursor}"),
                None => break,
            }
        }
        assert_eq!(counts, [20, 11, 2], "{}", backend.name);
        found.dedup();
        assert_eq!(found.len(), 33);
        let ids = format!("{},{}", id("indicator", 100), id("indicator", 101));
        let page = served
            .get("partner", &format!("{basket}objects/?match[id]={ids}"))
            .await;
        assert_eq!((page.objects().len(), &page.json()["more"]), (1, &json!(true)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_back_as_they_came() {
    let strange = br#"{ "id" : "x-odd--00000000-0000-4000-8000-000000000001","type":"x-odd", "spec_version":"2.1",  "created":"2026-01-01T00:00:00.1234567Z",
        "modified": "2026-01-01T00:00:00.12345678900Z", "x_\u0061": [1.0, 1e-7, 123456789012345678901234567890, "\ud83d\ude00"],
        "extensions":{"extension-definition--x":{"a":null}}, "object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"] }"#;
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[(PARTNER, "rw")]).await;
        let path = format!("{basket}objects/");
        let body = [b" {\"objects\" : [ ".as_slice(), strange, b" ]\n}"].concat();
        let ask = crate::client::Ask::post("partner", &path, &body);
        let status = ask.send(served.to).await.json();
        assert_eq!(status["success_count"], json!(1), "{status}");
        let answer = served.get("partner", &path).await;
        let expected = [b"{\"objects\":[".as_slice(), strange, b"]}"].concat();
        assert_eq!(answer.body, expected, "{}", backend.name);
        let rows = served
            .get("partner", &format!("{basket}manifest/"))
            .await
            .objects();
        assert_eq!(rows[0]["version"], json!("2026-01-01T00:00:00.12345678900Z"));
        let exact = format!("{path}?match[version]=2026-01-01T00:00:00.12345678900Z");
        assert_eq!(served.get("partner", &exact).await.body, expected);
    }
}
