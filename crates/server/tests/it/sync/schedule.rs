//! By themselves: on an interval, and when something came.

use std::time::{Duration, Instant};

use perisai_app::ChangePeer;
use perisai_store::Credential;

use super::{Running, until};
use crate::sample::{id, indicator};

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_pulled_on_their_interval_and_pushed_to_at_once() {
    let (one, two) = (Running::start().await, Running::start().await);
    one.knows(two.own(), "two", "").await;
    two.knows(one.own(), "one", "").await;
    one.basket("out", &[(two.own(), "r")]).await;
    two.basket("in", &[(one.own(), "w")]).await;
    two.peers_with(&one, "one", |peer| {
        peer.paused = false;
        peer.pull = Some(Duration::from_secs(1));
    })
    .await;
    one.takes(None, "out", None, &[indicator(1, 1)]).await;
    until("a pull", async || {
        !two.shows(two.own(), &id("indicator", 1)).await.is_empty()
    })
    .await;
    // An hour between pulls, so that what goes was pushed.
    one.peers_with(&two, "two", |peer| {
        peer.paused = false;
        peer.pull = Some(Duration::ZERO);
        peer.push = Some("out".to_owned());
    })
    .await;
    until("a first push", async || {
        two.ids("in").await.contains(&id("indicator", 1))
    })
    .await;
    let begun = Instant::now();
    one.takes(None, "out", None, &[indicator(2, 1)]).await;
    until("a push", async || {
        two.ids("in").await.contains(&id("indicator", 2))
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let peer = two.node.store().peer("one").await.unwrap();
    let state = two.node.store().peer_state(&peer).await.unwrap();
    assert!(
        state.pull.succeeded.is_some() && state.pull.caught_up.is_some(),
        "{state:?}"
    );
    // Paused, nothing more comes; taken up again, it does.
    two.pauses("one", true).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let third = id("indicator", 3);
    let before = two.node.store().peer_state(&peer).await.unwrap().pull.tried;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let after = two.node.store().peer_state(&peer).await.unwrap().pull.tried;
    assert_eq!(before, after);
    one.node.remove_peer("two").await.unwrap();
    one.takes(None, "out", None, &[indicator(3, 1)]).await;
    two.pauses("one", false).await;
    until("another pull", async || {
        !two.shows(two.own(), &third).await.is_empty()
    })
    .await;
    // What failed is tried at once when it is mended: not after the wait.
    let change = |token: String| ChangePeer {
        credential: Some(Credential::Bearer(token)),
        ..ChangePeer::default()
    };
    let failing = async || {
        let state = two.node.store().peer_state(&peer).await.unwrap();
        state.pull.trouble.map_or(0, |trouble| trouble.failures)
    };
    two.node
        .change_peer("one", change("none of theirs".to_owned()))
        .await
        .unwrap();
    until("a failure", async || failing().await > 0).await;
    let good = one.token(two.own()).await;
    two.node.change_peer("one", change(good)).await.unwrap();
    until("a success", async || failing().await == 0).await;
    // A node stops at once, whatever its peers do.
    let begun = Instant::now();
    two.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_certificates_of_their_own_know_each_other_by_fingerprint() {
    crate::node::provider();
    let folder = std::sync::Arc::new(tempfile::TempDir::new().unwrap());
    let one = Running::with_settings(folder, super::pace(), |settings| settings.plain = false).await;
    let two = Running::start().await;
    one.knows(two.own(), "two", "").await;
    one.basket("out", &[(two.own(), "r")]).await;
    one.takes(None, "out", None, &[indicator(1, 1)]).await;
    let right = one.fingerprint.clone().unwrap();
    let wrong = "0".repeat(64);
    for (name, fingerprints) in [
        ("none", vec![]),
        ("wrong", vec![wrong.clone()]),
        ("right", vec![wrong, right]),
    ] {
        two.peers_with(&one, name, |peer| {
            peer.url = one.url().replace("http://", "https://");
            peer.fingerprints = fingerprints;
        })
        .await;
        let state = two.node.sync_now(name).await.unwrap();
        let trouble = state.trouble().map(|trouble| trouble.error.as_str());
        match name {
            "right" => assert_eq!((trouble, state.stored), (None, 1)),
            _ => assert!(
                trouble.is_some_and(|error| error.contains("no trusted connection")),
                "{trouble:?}"
            ),
        }
    }
}
