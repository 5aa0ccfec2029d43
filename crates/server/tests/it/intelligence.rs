//! The API: collections, searches, objects, the audit chain, health.

use perisai_model::Tlp;
use perisai_store::{Delivery, NewSource, SourceKind};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::node::{ONE, Served, TWO, Way};
use crate::sample::{bytes, id, marked};

/// A node with an open object, a GREEN and an AMBER one, and tokens: of who runs it, of an analyst, and of a viewer of a
/// partner.
struct Started {
    served: Served,
    admin: String,
    analyst: String,
    viewer: String,
}

async fn started() -> Started {
    let served = Served::with_people(Way::default()).await;
    let own = served.store.own();
    let source = served.store.ensure_source(NewSource {
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
        objects: bytes(&[
            marked(1, 1, Tlp::Clear),
            marked(2, 1, Tlp::Green),
            marked(3, 1, Tlp::Amber),
        ]),
    };
    served.store.ingest(delivery).await.unwrap();
    while served.store.fold().await.unwrap() {}
    Started {
        admin: served.token(own, "admin", &[]).await,
        analyst: served.token(own, "analyst", &[]).await,
        viewer: served.token(ONE, "viewer", &[]).await,
        served,
    }
}

impl Started {
    async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self
            .served
            .client()
            .request(method, self.served.url(path))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    async fn get(&self, token: &str, path: &str) -> (StatusCode, Value) {
        self.ask(token, Method::GET, path, None).await
    }

    /// The ids that a search finds.
    async fn found(&self, token: &str, query: &str) -> Vec<String> {
        let (status, found) = self.get(token, &format!("/api/objects?{query}")).await;
        assert_eq!(status, 200, "{query}: {found}");
        let items = found["items"].as_array().unwrap().iter();
        let ids = items.map(|item| item["id"].as_str().unwrap().to_owned());
        // Who we are is there from the start.
        ids.filter(|id| !id.starts_with("identity--")).collect()
    }
}

#[tokio::test]
async fn collections_are_made_and_granted() {
    let started = started().await;
    let new = json!({"alias": "green", "title": "Green", "query": {"tlp": ["green"]}});
    let post = |token, body| started.ask(token, Method::POST, "/api/collections", Some(body));
    assert_eq!(post(&started.analyst, new.clone()).await.0, 403);
    let (status, made) = post(&started.admin, new.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(post(&started.admin, new).await.0, 409);
    for wrong in [
        json!({"title": ""}),
        json!({"title": "x", "alias": "a b"}),
        json!({"title": "x", "query": {"tlp": ["blue"]}}),
        json!({"title": "x", "colour": "blue"}),
    ] {
        assert_eq!(post(&started.admin, wrong.clone()).await.0, 400, "{wrong}");
    }
    let path = "/api/collections/green";
    assert_eq!(started.get(&started.analyst, path).await, (StatusCode::OK, made));
    // A partner knows of it once it may use it.
    assert_eq!(started.get(&started.viewer, path).await.0, 404);
    assert_eq!(
        started.get(&started.viewer, "/api/collections").await.1,
        json!([])
    );
    let rights = |organisation: uuid::Uuid| format!("{path}/rights/{organisation}");
    let read = Some(json!({"read": true, "write": false}));
    let granted = started
        .ask(&started.admin, Method::PUT, &rights(ONE.0), read.clone())
        .await;
    assert_eq!(granted.0, 204);
    let nobody = started
        .ask(&started.admin, Method::PUT, &rights(uuid::Uuid::nil()), read)
        .await;
    assert_eq!(nobody.0, 404);
    assert_eq!(started.get(&started.viewer, path).await.0, 200);
    let of_two = started.served.token(TWO, "viewer", &[]).await;
    assert_eq!(started.get(&of_two, path).await.0, 404);
    // Whom else we share with, and by what, is for our own people.
    let write = Some(json!({"read": true, "write": true}));
    let granted = started
        .ask(&started.admin, Method::PUT, &rights(TWO.0), write)
        .await;
    assert_eq!(granted.0, 204);
    let right = |of: uuid::Uuid, write: bool| json!({"organisation": of, "read": true, "write": write});
    let (one, two) = (right(ONE.0, false), right(TWO.0, true));
    let query = json!({"tlp": ["green"]});
    for (token, query, rights) in [
        (&started.analyst, &query, vec![&one, &two]),
        (&started.viewer, &Value::Null, vec![&one]),
        (&of_two, &Value::Null, vec![&two]),
    ] {
        let shown = started.get(token, path).await.1;
        assert_eq!((&shown["query"], &shown["rights"]), (query, &json!(rights)));
        assert_eq!(started.get(token, "/api/collections").await.1, json!([shown]));
    }
    assert_eq!(
        started.ask(&started.admin, Method::DELETE, path, None).await.0,
        204
    );
    assert_eq!(started.get(&started.admin, path).await.0, 404);
}

#[tokio::test]
async fn a_search_finds_what_one_may_see() {
    let started = started().await;
    let [one, two, three] = [1, 2, 3].map(|number| id("indicator", number));
    let cases = [
        ("", vec![&three, &two, &one]),
        ("type=malware,indicator&tlp=amber,green", vec![&three, &two]),
        ("source=a%20feed&live=true&limit=1", vec![&three]),
        ("source=another", vec![]),
        ("since=2020-01-01T00:00:00Z&until=2021-01-01T00:00:00Z", vec![]),
        ("kind=domain", vec![&three, &two, &one]),
    ];
    for (query, expected) in cases {
        let found = started.found(&started.analyst, query).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    assert_eq!(
        started.found(&started.viewer, "").await,
        std::slice::from_ref(&one)
    );
    for (wrong, told) in [
        ("kind=nothing", "`nothing` is no kind: there are ipv4, ipv6, "),
        (
            "tlp=blue",
            "`blue` is no label of TLP: that is clear, green, amber, amber+strict or red",
        ),
        ("limit=0", "limit is"),
        ("since=now", ""),
        ("colour=blue", "colour"),
    ] {
        let (status, problem) = started
            .get(&started.analyst, &format!("/api/objects?{wrong}"))
            .await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 400 && detail.contains(told), "{wrong}: {detail}");
    }
    let (status, shown) = started.get(&started.viewer, &format!("/api/objects/{one}")).await;
    assert_eq!(status, 200);
    assert_eq!(shown[0]["object"], marked(1, 1, Tlp::Clear));
    // What is hidden is not told from what is not there.
    let hidden = started
        .get(&started.viewer, &format!("/api/objects/{three}"))
        .await;
    let missing = started
        .get(&started.viewer, &format!("/api/objects/{}", id("indicator", 9)))
        .await;
    assert_eq!(hidden.0, 404);
    assert_eq!(hidden, missing);
}

#[tokio::test]
async fn the_chain_tells_of_each_answer() {
    let started = started().await;
    started.found(&started.analyst, "").await;
    started.found(&started.viewer, "").await;
    let (status, verified) = started.get(&started.admin, "/api/audit/verify").await;
    assert_eq!(status, 200);
    let key = verified["key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 64);
    assert_eq!(
        verified,
        json!({"records": 2, "fault_count": 0, "faults": [], "key": key})
    );
    assert_eq!(started.get(&started.analyst, "/api/audit/verify").await.0, 403);
}

#[tokio::test]
async fn health_needs_no_proof() {
    let started = started().await;
    for path in ["/healthz", "/readyz"] {
        let answer = started
            .served
            .client()
            .get(started.served.url(path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn imports_come_from_sources_of_imports() {
    let started = started().await;
    started
        .served
        .store
        .ensure_source(NewSource {
            name: ONE.0.to_string(),
            kind: SourceKind::Partner,
            organisation: Some(ONE),
            tlp: None,
        })
        .await
        .unwrap();
    let import = async |source: &str| {
        let path = format!("/api/imports?name=list.txt&source={source}");
        let request = started
            .served
            .client()
            .post(started.served.url(&path))
            .bearer_auth(&started.analyst);
        let answer = request.body("evil.example\n").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for (source, expected) in [
        ("own", 400),
        ("a%20feed", 400),
        (&ONE.0.to_string(), 400),
        (&TWO.0.to_string(), 400),
        ("a%2fb", 400),
        ("import", 202),
        ("a%20colleague", 202),
        ("a%20colleague", 202),
    ] {
        let (status, told) = import(source).await;
        assert_eq!(status, expected, "{source}: {told}");
    }
    // A partner that sends is known by the name of its organisation.
    let (_, sources) = started.get(&started.analyst, "/api/sources").await;
    let all = sources.as_array().unwrap();
    let found = all.iter().find(|one| one["name"] == json!(ONE.0)).unwrap();
    assert_eq!(found["organisation_name"], "One");
}

#[tokio::test]
async fn what_was_seen_was_seen_before_now() {
    let started = started().await;
    let of = id("indicator", 1);
    let now = jiff::Timestamp::now();
    let at = |minutes: i64| (now + jiff::SignedDuration::from_mins(minutes)).to_string();
    for (first, last, expected) in [
        (Some(at(-60)), Some(at(-30)), 200),
        (Some(at(-60)), Some(at(-60)), 200),
        (None, None, 200),
        (Some(at(60)), None, 400),
        (None, Some(at(60)), 400),
        (Some(at(-30)), Some(at(-60)), 400),
    ] {
        let seen = json!([{"of": of, "count": 1, "first": first, "last": last}]);
        let path = "/api/sightings";
        let (status, told) = started
            .ask(&started.analyst, Method::POST, path, Some(seen.clone()))
            .await;
        assert_eq!(status.as_u16(), expected, "{seen}: {told}");
    }
}
