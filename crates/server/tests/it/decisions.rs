//! What our own people decide about objects: what is kept apart is shown to them, and they delete.

use perisai_model::{Organisation, Tlp};
use perisai_store::{Delivery, NewSource, SourceKind, Store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::node::{ONE, Served, TWO, Way};
use crate::sample::{bytes, id, indicator, marked};

async fn take(store: &Store, from: Organisation, objects: &[Value]) {
    let kind = match from == store.own() {
        true => SourceKind::Own,
        false => SourceKind::Partner,
    };
    let name = match kind {
        SourceKind::Own => "own".to_owned(),
        _ => from.0.to_string(),
    };
    let source = store.ensure_source(NewSource {
        name,
        kind,
        organisation: Some(from),
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

async fn ask(served: &Served, token: &str, method: Method, path: &str) -> (StatusCode, Value) {
    let request = served.client().request(method, served.url(path));
    let answer = request.bearer_auth(token).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn what_is_kept_apart_is_shown_to_those_who_decide() {
    let served = Served::with_people(Way::default()).await;
    let own = served.store.own();
    take(
        &served.store,
        ONE,
        &[indicator(1, 1), indicator(2, 1), marked(3, 1, Tlp::Red)],
    )
    .await;
    let mut revoked = indicator(2, 2);
    revoked["revoked"] = json!(true);
    let mut secret = marked(3, 2, Tlp::Clear);
    secret["name"] = json!("of what is RED here");
    take(&served.store, TWO, &[indicator(1, 2), revoked, secret]).await;
    let source = TWO.0.to_string();
    let get = async |token: &str, path: &str| ask(&served, token, Method::GET, path).await;
    for role in ["admin", "analyst"] {
        let token = served.token(own, role, &[]).await;
        let (status, page) = get(&token, "/api/apart").await;
        assert_eq!(status, 200, "{page}");
        let gist = |page: &Value| -> Vec<Value> {
            let items = page["items"].as_array().unwrap().iter();
            items.map(|item| json!([item["attempt"], item["of"]])).collect()
        };
        let one = json!(["version", id("indicator", 1)]);
        let two = json!(["revocation", id("indicator", 2)]);
        assert_eq!(gist(&page), [two.clone(), one.clone()]);
        assert_eq!(page["items"][0]["source"], json!(source));
        // By pages, and narrowed.
        let (_, first) = get(&token, "/api/apart?limit=1").await;
        assert_eq!(gist(&first), std::slice::from_ref(&two));
        let next = first["next"].as_str().unwrap();
        let (_, second) = get(&token, &format!("/api/apart?limit=1&after={next}")).await;
        assert_eq!(
            (gist(&second), &second["next"]),
            (vec![one.clone()], &Value::Null)
        );
        let (_, by_id) = get(&token, &format!("/api/apart?id={}", id("indicator", 1))).await;
        assert_eq!(gist(&by_id), [one]);
        let (_, by_source) = get(&token, &format!("/api/apart?source={}", ONE.0)).await;
        assert_eq!(by_source["items"], json!([]));
        let (_, red) = get(&token, &format!("/api/apart?id={}", id("indicator", 3))).await;
        assert_eq!(red["items"], json!([]));
        // As it came.
        let key = page["items"][1]["key"].as_str().unwrap();
        let (status, shown) = get(&token, &format!("/api/apart/{key}")).await;
        assert_eq!((status, &shown["object"]), (StatusCode::OK, &indicator(1, 2)));
        for (path, expected) in [
            ("/api/apart/7", 404),
            ("/api/apart?after=7", 400),
            ("/api/apart?source=nobody", 400),
        ] {
            assert_eq!(get(&token, path).await.0, expected, "{path}");
        }
    }
    for (of, role) in [
        (own, "sensor"),
        (own, "viewer"),
        (ONE, "viewer"),
        (ONE, "partner"),
    ] {
        let token = served.token(of, role, &[]).await;
        for path in ["/api/apart", "/api/apart/7"] {
            assert_eq!(get(&token, path).await.0, 403, "{role} {path}");
        }
    }
}

#[tokio::test]
async fn objects_are_deleted_by_whose_they_are_and_by_who_runs_the_node() {
    let served = Served::with_people(Way::default()).await;
    let own = served.store.own();
    take(&served.store, own, &[indicator(1, 1), indicator(1, 2)]).await;
    take(&served.store, ONE, &[indicator(2, 1), marked(3, 1, Tlp::Red)]).await;
    let admin = served.token(own, "admin", &[]).await;
    let analyst = served.token(own, "analyst", &[]).await;
    let viewer = served.token(own, "viewer", &[]).await;
    let partner = served.token(ONE, "partner", &[]).await;
    let delete = async |token: &str, number: u128| {
        let path = format!("/api/objects/{}", id("indicator", number));
        ask(&served, token, Method::DELETE, &path).await.0
    };
    assert_eq!(delete(&viewer, 1).await, 403);
    assert_eq!(delete(&partner, 2).await, 403);
    assert_eq!(delete(&analyst, 2).await, 403);
    // What they may not know of is not there.
    assert_eq!(delete(&analyst, 3).await, 404);
    assert_eq!(delete(&analyst, 1).await, 204);
    assert_eq!(delete(&analyst, 1).await, 404);
    assert_eq!(delete(&admin, 2).await, 204);
    assert_eq!(delete(&admin, 3).await, 204);
    assert_eq!(delete(&admin, 4).await, 404);
    let log = served.client().get(served.url("/api/audit")).bearer_auth(&admin);
    let log = log.send().await.unwrap().text().await.unwrap();
    for number in [1, 2, 3] {
        let path = format!("/api/objects/{}", id("indicator", number));
        assert_eq!(ask(&served, &admin, Method::GET, &path).await.0, 404);
    }
    assert_eq!(log.matches("object.delete").count(), 3, "{log}");
}
