//! What is sent, and what becomes of it.

use perisai_model::Tlp;
use serde_json::{Value, json};

use crate::backend::backends;
use crate::client::Ask;
use crate::sample::{hour, id, indicator, marked, observable};
use crate::served::{OTHER, PARTNER, serve};

/// What a status says, without its id and its times.
fn gist(status: &Value) -> Value {
    assert_eq!(status["status"], "complete");
    assert!(status["request_timestamp"].as_str().unwrap().ends_with('Z'));
    let count = |name: &str| status[name].as_u64().unwrap();
    let parts = ["success_count", "failure_count", "pending_count"].map(count);
    assert_eq!(parts.iter().sum::<u64>(), count("total_count"), "{status}");
    let failures = status["failures"].as_array().cloned().unwrap_or_default();
    assert_eq!(failures.len() as u64, parts[1]);
    json!([parts[0], failures])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_object_fares_for_itself() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[(PARTNER, "rw"), (OTHER, "rw")]).await;
        let mut broken = indicator(2, 1);
        broken["modified"] = json!("yesterday");
        let objects = [
            indicator(1, 1),
            broken,
            observable(3),
            json!({"type": "x-a"}),
            indicator(1, 1),
            json!(7),
            json!({"type": "bundle", "id": "bundle--empty", "objects": []}),
            json!({"type": "MALWARE!", "id": format!("MALWARE!--{}", "x".repeat(5000))}),
            json!({"type": "x-a"}),
        ];
        let status = served.push("partner", &basket, &objects).await;
        let found = gist(&status);
        assert_eq!(found[0], json!(3), "{found}");
        let failure = &found[1][0];
        assert_eq!(
            (&failure["id"], &failure["version"]),
            (&json!(id("indicator", 2)), &json!("yesterday"))
        );
        assert!(
            failure["message"].as_str().unwrap().contains("modified"),
            "{failure}"
        );
        assert_eq!(found[1][1]["id"], json!("object 4"));
        assert_eq!(found[1][1]["message"], json!("no id"));
        // Nothing that was sent is passed over, and each is named as its sender named it.
        assert_eq!(status["total_count"], json!(objects.len()));
        let names: Vec<_> = (2..6).map(|at| found[1][at]["id"].as_str().unwrap()).collect();
        let long = format!("MALWARE!--{}", "x".repeat(246));
        assert_eq!(names, ["bundle--empty", &long, "object 9", "unknown"]);
        let successes: Vec<_> = status["successes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["id"])
            .collect();
        let expected = [id("indicator", 1), id("domain-name", 3), id("indicator", 1)];
        assert_eq!(
            successes,
            expected
                .iter()
                .map(|id| json!(id))
                .collect::<Vec<_>>()
                .iter()
                .collect::<Vec<_>>()
        );
        // What is known is a success; what is another's is kept apart.
        assert_eq!(
            gist(&served.push("other", &basket, &[indicator(1, 1)]).await),
            json!([1, []])
        );
        let apart = json!({
            "id": id("indicator", 1), "version": hour(2),
            "message": "kept apart: only who made it or first sent it may change it",
        });
        assert_eq!(
            gist(&served.push("other", &basket, &[indicator(1, 2)]).await),
            json!([0, [apart]])
        );
        assert_eq!(
            served
                .get("other", &format!("{basket}objects/"))
                .await
                .objects()
                .len(),
            2
        );
        assert_eq!(
            gist(&served.push("partner", &basket, &[indicator(1, 2)]).await),
            json!([1, []])
        );
        assert_eq!(gist(&served.push("partner", &basket, &[]).await), json!([0, []]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_envelope() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let path = served.basket("basket", &[]).await + "objects/";
        let check = async |body: &str, status: u16, expected: &str| {
            let length = body.len().to_string();
            let mut ask = Ask::post("admin", &path, body.as_bytes());
            ask.headers.push(("Content-Length", &length));
            let answer = ask.send(served.to).await;
            assert_eq!(answer.status, status, "{body:.60}");
            let told = match status {
                202 => gist(&answer.json()).to_string(),
                _ => answer.json()["description"].as_str().unwrap().to_owned(),
            };
            assert_eq!(told, expected, "{body:.60}");
        };
        let none = "no envelope of TAXII: ";
        check("", 422, &format!("{none}it is empty")).await;
        check(" \n", 422, &format!("{none}it is empty")).await;
        for body in ["[]", "null", "7", "x", "\u{feff}{}", "[{\"objects\":[]}]"] {
            check(body, 422, &format!("{none}it is no JSON object")).await;
        }
        let bare = indicator(1, 1).to_string();
        for body in [
            &*bare,
            &format!("{bare}\n{bare}"),
            "{\"objects\":7}",
            "{\"a\":1}",
            "{\"objects\":{}}",
        ] {
            check(body, 422, &format!("{none}it has no list of `objects`")).await;
        }
        check(
            "{",
            422,
            &format!("{none}column 2: the text ends inside an object"),
        )
        .await;
        check(
            "{\"objects\":[",
            422,
            &format!("{none}column 13: the text ends inside an array"),
        )
        .await;
        check(
            "{\"objects\":[1]}",
            422,
            &format!("{none}object 1 is not a STIX object: `1`"),
        )
        .await;
        check("{}", 202, "[0,[]]").await;
        check("{\"more\":false,\"objects\":[]}", 202, "[0,[]]").await;
        // Of what breaks off in the middle, what came counts.
        let cut = format!("{{\"objects\":[{bare},{{");
        let path = path.replace("objects/", "objects");
        let answer = Ask::post("admin", &path, cut.as_bytes())
            .send(served.to)
            .await
            .json();
        let found = gist(&answer);
        assert_eq!(
            (&found[0], found[1].as_array().unwrap().len()),
            (&json!(1), 1),
            "{}",
            backend.name
        );
        assert!(
            found[1][0]["message"].as_str().unwrap().contains("the text ends"),
            "{found}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_around_the_objects_does_no_harm() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[]).await;
        let bundle = json!({"type": "bundle", "id": "bundle--1", "objects": [indicator(1, 1)]}).to_string();
        let path = format!("{basket}objects/");
        let answer = Ask::post("admin", &path, bundle.as_bytes()).send(served.to).await;
        assert_eq!(gist(&answer.json()), json!([1, []]));
        let location = answer.header("location").unwrap();
        assert_eq!(served.get("admin", location).await.json(), answer.json());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removal() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[(PARTNER, "rw"), (OTHER, "rw")]).await;
        served.basket("second", &[(PARTNER, "rw")]).await;
        let all = [1, 2, 3].map(|version| indicator(1, version));
        served.store(PARTNER, "basket", &all).await;
        served.store(PARTNER, "second", &all).await;
        served
            .store(PARTNER, "basket", &[observable(2), marked(3, 1, Tlp::Red)])
            .await;
        let check = async |user: &str, object: &str, query: &str, expected: u16| {
            let path = format!("{basket}objects/{object}/?{query}");
            let ask = Ask {
                method: "DELETE",
                ..Ask::get(user, &path)
            };
            let answer = ask.send(served.to).await;
            assert_eq!(answer.status, expected, "{user} {path}");
            assert!(answer.status != 200 || answer.body.is_empty());
        };
        let one = &id("indicator", 1);
        check("other", one, "", 403).await;
        // What one may not see is not there.
        check("other", &id("indicator", 3), "", 404).await;
        check("partner", &id("indicator", 99), "", 404).await;
        check("partner", one, "match[id]=x", 400).await;
        check("partner", one, &format!("match[version]={}", hour(9)), 404).await;
        check("partner", one, "match[spec_version]=2.0", 404).await;
        check("partner", one, "match[version]=last", 200).await;
        let get = async |path: &str| served.get("partner", &format!("{basket}{path}")).await;
        assert_eq!(
            get(&format!("objects/{one}/versions/")).await.json()["versions"],
            json!([hour(1), hour(2)])
        );
        assert_eq!(get(&format!("objects/{one}/")).await.objects(), [indicator(1, 2)]);
        // Without a filter all of it goes.
        check("partner", one, "", 200).await;
        assert_eq!(get(&format!("objects/{one}/")).await.status, 404);
        assert_eq!(get(&format!("objects/{one}/versions/")).await.status, 404);
        check("partner", one, "", 404).await;
        let rows = get("manifest/?match[version]=all").await.objects();
        assert_eq!(rows.len(), 1, "{}", backend.name);
        check("admin", &id("domain-name", 2), "", 200).await;
        assert_eq!(get("objects/").await.body, b"{}");
        let second = served
            .get("partner", "/taxii2/api/collections/second/objects/")
            .await;
        assert_eq!(second.objects(), [indicator(1, 3)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_write_where_they_may() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[(PARTNER, "w")]).await;
        assert_eq!(
            gist(&served.push("partner", &basket, &[indicator(1, 1)]).await),
            json!([1, []])
        );
        let own = served.node.store().own();
        let rights = perisai_store::Rights {
            read: false,
            write: true,
        };
        served.node.store().grant("basket", own, rights).await.unwrap();
        assert_eq!(
            gist(&served.push("sensor", &basket, &[indicator(2, 1)]).await),
            json!([1, []])
        );
        let sources = served.node.store().sources();
        let names: Vec<_> = sources
            .iter()
            .map(|source| (&*source.name, source.owner()))
            .collect();
        let partner = perisai_model::Organisation(crate::sample::uuid(PARTNER));
        let name = partner.0.to_string();
        assert_eq!(names, [("own", Some(own)), (&*name, Some(partner))]);
    }
}
