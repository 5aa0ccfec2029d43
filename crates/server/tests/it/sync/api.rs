//! Peers over the API: who may do what, and that no credential comes out again.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::Running;
use crate::sample::indicator;

pub(super) const TOKEN: &str = "pk_very_secret_token";

pub(super) async fn ask(
    node: &Running,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    crate::node::provider();
    let client = Client::builder().no_proxy().build().unwrap();
    let mut request = client
        .request(method, format!("http://{}{path}", node.address))
        .bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert!(!text.contains(TOKEN) && !text.contains("hush"), "{text}");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

async fn token(node: &Running, organisation: perisai_model::Organisation, role: &str) -> String {
    let new = perisai_store::NewToken {
        name: role.to_owned(),
        organisation,
        person: None,
        role: role.to_owned(),
        scope: Vec::new(),
        expires: None,
    };
    node.node.store().add_token(new).await.unwrap().secret
}

/// Prometheus sees how it goes with a peer.
async fn is_counted(node: &Running, admin: &str, name: &str) {
    let (status, text) = crate::api::text_of(&node.address, admin, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        format!("perisai_peer_failing{{peer=\"{name}\"}} 0\n"),
        format!("perisai_peer_lag_seconds{{peer=\"{name}\"}} "),
    ] {
        assert!(text.contains(&line), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_added_shown_synced_and_removed() {
    let (node, other) = (Running::start().await, Running::start().await);
    other.knows(node.own(), "node", "").await;
    other.basket("out", &[(node.own(), "r")]).await;
    other.takes(None, "out", None, &[indicator(1, 1)]).await;
    let admin = node.admin.clone().unwrap();
    let analyst = token(&node, node.own(), "analyst").await;
    let elsewhere = perisai_model::Organisation(uuid::Uuid::new_v4());
    node.knows(elsewhere, "elsewhere", "").await;
    let stranger = token(&node, elsewhere, "viewer").await;
    let secret = other.token(node.own()).await;
    let new = json!({"name": "other", "url": other.url(), "token": secret, "collections": ["out"],
        "organisation": other.own().0, "pull_seconds": 3600});
    for (token, expected) in [(&analyst, 403), (&stranger, 403), (&admin, 201), (&admin, 409)] {
        let (status, told) = ask(&node, token, Method::POST, "/api/peers", Some(new.clone())).await;
        assert_eq!(status, expected, "{told}");
        assert!(!told.to_string().contains(&secret), "{told}");
    }
    let (status, told) = ask(&node, &admin, Method::POST, "/api/peers/other/sync", None).await;
    assert_eq!((status, &told["state"]["stored"]), (200, &json!(1)), "{told}");
    for (token, expected) in [(&analyst, 200), (&admin, 200), (&stranger, 403)] {
        let (status, told) = ask(&node, token, Method::GET, "/api/peers/other", None).await;
        assert_eq!(status, expected, "{told}");
        assert!(!told.to_string().contains(&secret), "{told}");
        let (status, _) = ask(&node, token, Method::GET, "/api/peers", None).await;
        assert_eq!(status, expected);
    }
    let (_, told) = ask(&node, &analyst, Method::GET, "/api/peers", None).await;
    let state = &told[0]["state"];
    assert!(
        state["lag_seconds"].as_i64().is_some_and(|lag| lag < 60),
        "{told}"
    );
    assert_eq!(
        (&state["last_error"], &told[0]["source"]),
        (&Value::Null, &json!("other"))
    );
    assert!(
        state["under_way_since"].is_null() && state["last_attempt"].is_string(),
        "{told}"
    );
    is_counted(&node, &admin, "other").await;
    for method in [Method::DELETE, Method::PATCH] {
        let body = Some(json!({"paused": true}));
        assert_eq!(
            ask(&node, &analyst, method, "/api/peers/other", body).await.0,
            403
        );
    }
    let (_, told) = ask(
        &node,
        &admin,
        Method::PATCH,
        "/api/peers/other",
        Some(json!({"paused": true})),
    )
    .await;
    assert_eq!(told["paused"], json!(true));
    assert_eq!(
        ask(&node, &admin, Method::DELETE, "/api/peers/other", None)
            .await
            .0,
        204
    );
    for (method, path) in [
        (Method::GET, "/api/peers/other"),
        (Method::DELETE, "/api/peers/other"),
        (Method::POST, "/api/peers/other/sync"),
    ] {
        assert_eq!(ask(&node, &admin, method, path, None).await.0, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_a_reason() {
    let node = Running::start().await;
    let admin = node.admin.clone().unwrap();
    let check = async |change: Value, expected: u16, reason: &str| {
        let mut new =
            json!({"name": "a", "url": "https://a.example/taxii2/", "token": TOKEN, "paused": true});
        for (name, value) in change.as_object().unwrap() {
            new[name] = value.clone();
        }
        let (status, told) = ask(&node, &admin, Method::POST, "/api/peers", Some(new)).await;
        assert_eq!(status, expected, "{change}: {told}");
        assert!(
            told["detail"].as_str().unwrap_or_default().contains(reason),
            "{change}: {told}"
        );
    };
    check(json!({"url": "ftp://a.example/"}), 422, "https://").await;
    check(json!({"url": "nothing"}), 422, "address").await;
    check(json!({"url": "https://me:hush@a.example/"}), 422, "address").await;
    check(json!({"key": "hush"}), 400, "says who we are").await;
    check(json!({"name": ""}), 422, "name").await;
    check(json!({"name": "own"}), 422, "take another name").await;
    check(json!({"name": "Perisai"}), 422, "our own organisation").await;
    check(json!({"name": uuid::Uuid::new_v4()}), 422, "UUID").await;
    check(json!({"name": ".."}), 422, "no names").await;
    check(json!({"name": "a/b"}), 422, "no `/`").await;
    check(json!({"name": "a\u{1b}[2J"}), 422, "no control characters").await;
    check(json!({"fingerprints": ["12"]}), 422, "64 hexadecimal digits").await;
    check(
        json!({"url": "http://a.example/", "fingerprints": ["a".repeat(64)]}),
        422,
        "certificate",
    )
    .await;
    check(json!({"kind": "feed", "collections": ["a"]}), 422, "TAXII").await;
    check(json!({"push_to": "a"}), 422, "none here is pushed").await;
    check(json!({"push": "nowhere"}), 404, "no collection `nowhere`").await;
    check(
        json!({"tlp": "puce"}),
        400,
        "no label of TLP: that is clear, green, amber",
    )
    .await;
    check(json!({"colour": "puce"}), 400, "unknown field").await;
    check(json!({"kind": "carrier-pigeon"}), 400, "unknown variant").await;
    let check = async |change: Value| {
        let mut new = json!({"name": "a", "url": "https://a.example/taxii2/", "paused": true});
        for (name, value) in change.as_object().unwrap() {
            new[name] = value.clone();
        }
        let (status, told) = ask(&node, &admin, Method::POST, "/api/peers", Some(new)).await;
        assert_eq!(status, 201, "{change}: {told}");
        assert!(!told["url"].as_str().unwrap().contains(['?', '@']), "{told}");
    };
    check(json!({"token": TOKEN})).await;
    check(json!({"name": "b", "url": "https://me:hush@a.example/list?key=hush", "kind": "feed"})).await;
    check(json!({"name": "c", "user": "me", "password": "hush"})).await;
    check(json!({"name": "d", "key": "hush", "kind": "misp"})).await;
    // Not even in the audit chain.
    let path = node.node.settings().data.join("audit.db");
    let wal = node.node.settings().data.join("audit.db-wal");
    for path in [path, wal] {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains(TOKEN) && !text.contains("hush"),
            "{}",
            path.display()
        );
    }
}
