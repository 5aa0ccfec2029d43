//! Changing a peer over the API: what is not said stays.

use reqwest::Method;
use serde_json::{Value, json};

use super::Running;
use super::api::{TOKEN, ask};
use crate::sample::{id, indicator};

/// A node, and one that is its peer.
struct Pair {
    node: Running,
    other: Running,
    admin: String,
    /// What the other knows us by.
    secret: String,
}

impl Pair {
    async fn new() -> Self {
        let (node, other) = (Running::start().await, Running::start().await);
        other.knows(node.own(), "node", "").await;
        node.knows(other.own(), "other", "").await;
        other.basket("out", &[(node.own(), "r")]).await;
        other.basket("in", &[(node.own(), "w")]).await;
        let admin = node.admin.clone().unwrap();
        let secret = other.token(node.own()).await;
        let new = json!({"name": "other", "url": other.url(), "token": secret, "collections": ["out"],
            "organisation": other.own().0, "pull_seconds": 3600, "paused": true});
        let (status, told) = ask(&node, &admin, Method::POST, "/api/peers", Some(new)).await;
        assert_eq!(status, 201, "{told}");
        Self {
            node,
            other,
            admin,
            secret,
        }
    }

    async fn change(&self, change: Value, expected: u16, reason: &str) {
        let body = Some(change.clone());
        let (status, told) = ask(&self.node, &self.admin, Method::PATCH, "/api/peers/other", body).await;
        assert_eq!(status, expected, "{change}: {told}");
        assert!(told.to_string().contains(reason), "{change}: {told}");
        assert!(!told.to_string().contains(&self.secret), "{told}");
    }

    async fn sync(&self) -> Value {
        let path = "/api/peers/other/sync";
        let (status, told) = ask(&self.node, &self.admin, Method::POST, path, None).await;
        assert_eq!(status, 200, "{told}");
        told["state"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_token_it_is_read_on() {
    let pair = Pair::new().await;
    pair.other.takes(None, "out", None, &[indicator(1, 1)]).await;
    assert_eq!(pair.sync().await["stored"], 1);
    pair.change(json!({"token": TOKEN}), 200, "other").await;
    assert!(pair.sync().await["last_error"].is_string());
    pair.other.takes(None, "out", None, &[indicator(2, 1)]).await;
    pair.change(json!({"token": pair.secret}), 200, "other").await;
    let state = pair.sync().await;
    let counts = (&state["stored"], &state["known"], &state["last_error"]);
    assert_eq!(counts, (&json!(2), &json!(0), &Value::Null), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_knows_us_by_is_none_of_this_ones() {
    let pair = Pair::new().await;
    let elsewhere = "https://a.example/";
    let check = async |change: Value, status: u16, reason: &str| pair.change(change, status, reason).await;
    check(json!({"url": elsewhere}), 422, "credentials anew").await;
    let both = json!({"url": elsewhere, "anonymous": true, "token": TOKEN});
    check(both, 400, "anonymous").await;
    check(json!({"token": TOKEN, "key": TOKEN}), 400, "says who we are").await;
    check(json!({"into": "nowhere"}), 404, "nowhere").await;
    check(json!({"fingerprints": ["a".repeat(64)]}), 422, "certificate").await;
    check(json!({"push_to": "in"}), 422, "none here is pushed").await;
    check(json!({"colour": "puce"}), 400, "unknown field").await;
    check(json!({}), 200, &pair.other.url()).await;
    check(json!({"url": elsewhere, "token": TOKEN}), 200, elsewhere).await;
    check(json!({"url": elsewhere}), 200, elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_collection_is_pushed_from_its_beginning() {
    let pair = Pair::new().await;
    // What is in the second came first.
    for (number, alias) in [(8, "second"), (9, "first")] {
        pair.node.basket(alias, &[]).await;
        pair.node.takes(None, alias, None, &[indicator(number, 1)]).await;
    }
    let first = json!({"push": "first", "push_to": "in"});
    pair.change(first, 200, "push_to").await;
    assert_eq!(pair.sync().await["sent"], 1);
    pair.change(json!({"push": "second"}), 200, "push_to").await;
    assert_eq!(pair.sync().await["sent"], 2);
    let came = pair.other.ids("in").await;
    for number in [8, 9] {
        assert!(came.contains(&id("indicator", number)), "{came:?}");
    }
    let none = json!({"push": "", "into": "first", "pull_seconds": 0});
    pair.change(none, 200, "\"pull_seconds\":0").await;
    let settings = pair.node.node.store().peer("other").await.unwrap().settings;
    assert_eq!(
        (settings.push, settings.push_to, settings.paused),
        (None, None, true)
    );
}
