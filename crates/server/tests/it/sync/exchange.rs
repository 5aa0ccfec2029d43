//! Two nodes over time: versions, revocations, deletions, echoes, restarts.

use std::time::Duration;

use perisai_app::{AddPeer, Pace};
use perisai_model::{Organisation, Tlp};
use perisai_store::{Outcome, Removal};
use serde_json::json;
use uuid::Uuid;

use super::{Running, pace};
use crate::client::Ask;
use crate::sample::{id, indicator, marked, observable};

const NOBODY: Organisation = Organisation(Uuid::from_u128(0x4000_8000_0000_0000_0444));

/// Two nodes of one community: each reads the other's `out` into its own `mix`, and takes what comes into its `in`.
async fn pair() -> (Running, Running) {
    let (one, two) = (Running::start().await, Running::start().await);
    for (here, there, name) in [(&one, &two, "two"), (&two, &one, "one")] {
        here.knows(there.own(), name, "community").await;
        here.basket("out", &[(there.own(), "r")]).await;
        here.basket("in", &[(there.own(), "w")]).await;
        here.basket("mix", &[]).await;
    }
    (one, two)
}

fn reads(peer: &mut AddPeer) {
    peer.collections = vec!["out".to_owned()];
    peer.into = Some("mix".to_owned());
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_revocations_travel() {
    let (one, two) = pair().await;
    two.peers_with(&one, "one", reads).await;
    one.takes(None, "out", None, &[indicator(1, 1), observable(2)])
        .await;
    assert_eq!(two.syncs("one").await.stored, 2);
    // Nothing new is nothing stored, and no error.
    assert_eq!(two.syncs("one").await.stored, 2);
    let mut revoked = indicator(1, 3);
    revoked["revoked"] = json!(true);
    one.takes(None, "out", None, &[indicator(1, 2), revoked.clone()])
        .await;
    let state = two.syncs("one").await;
    assert_eq!((state.stored, state.apart, state.refused), (3, 0, 0), "{state:?}");
    assert_eq!(two.shows(two.own(), &id("indicator", 1)).await[0], revoked);
    // What only comes to be shared later comes then.
    one.takes(None, "out", None, &[marked(5, 1, Tlp::Amber)]).await;
    two.syncs("one").await;
    assert!(two.shows(two.own(), &id("indicator", 5)).await.is_empty());
    one.takes(None, "out", None, &[marked(5, 2, Tlp::Green)]).await;
    two.syncs("one").await;
    assert_eq!(two.shows(two.own(), &id("indicator", 5)).await.len(), 1);
}

/// The tombstones in a collection, as we may see it.
async fn tombstones(node: &Running, alias: &str) -> usize {
    let ids = node.ids(alias).await;
    ids.iter()
        .filter(|id| id.starts_with("perisai-tombstone--"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_travels_and_tells_nobody_of_what_they_may_not_know() {
    let (one, two) = pair().await;
    let three = Running::start().await;
    two.peers_with(&one, "one", reads).await;
    two.knows(three.own(), "three", "").await;
    two.node
        .store()
        .grant(
            "mix",
            three.own(),
            perisai_store::Rights {
                read: true,
                write: false,
            },
        )
        .await
        .unwrap();
    three.peers_with(&two, "two", |_| {}).await;
    let all = [
        marked(1, 1, Tlp::Clear),
        marked(2, 1, Tlp::Green),
        marked(3, 1, Tlp::Amber),
    ];
    one.takes(None, "out", None, &all).await;
    one.takes(None, "out", None, &[observable(4)]).await;
    two.syncs("one").await;
    assert_eq!(three.syncs("two").await.stored, 2);
    for number in 1..=3 {
        let removed = one.node.delete(&id("indicator", number), None).await.unwrap();
        assert_eq!(removed, Removal::Removed(1));
    }
    one.node.delete(&id("domain-name", 4), None).await.unwrap();
    assert_eq!(
        one.node.delete(&id("indicator", 1), None).await.unwrap(),
        Removal::Missing
    );
    assert_eq!(tombstones(&one, "out").await, 4);
    let state = two.syncs("one").await;
    // Of the AMBER one it hears nothing.
    assert_eq!(
        (state.deleted, state.apart, tombstones(&two, "mix").await),
        (3, 0, 3),
        "{state:?}"
    );
    let state = three.syncs("two").await;
    assert_eq!(
        (state.deleted, state.apart, state.refused),
        (2, 0, 0),
        "{state:?}"
    );
    for node in [&one, &two, &three] {
        for id in [id("indicator", 1), id("indicator", 2), id("domain-name", 4)] {
            assert!(node.shows(node.own(), &id).await.is_empty(), "{id}");
        }
    }
    // A version that comes later is no longer deleted.
    one.takes(None, "out", None, &[indicator(1, 2)]).await;
    two.syncs("one").await;
    three.syncs("two").await;
    assert_eq!(
        three.shows(three.own(), &id("indicator", 1)).await,
        [indicator(1, 2)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whose_it_is_may_delete() {
    let (one, two) = pair().await;
    let mallory = Running::start().await;
    two.knows(mallory.own(), "mallory", "community").await;
    two.basket("theirs", &[(mallory.own(), "w")]).await;
    two.peers_with(&one, "one", reads).await;
    mallory.knows(two.own(), "two", "").await;
    mallory.basket("out", &[(two.own(), "r")]).await;
    mallory
        .peers_with(&two, "two", |peer| {
            peer.pull = Some(Duration::ZERO);
            peer.push = Some("out".to_owned());
        })
        .await;
    one.takes(None, "out", None, &[indicator(1, 1)]).await;
    two.syncs("one").await;
    // Mallory's node has an object of the same id, deletes it, and tells: by push and by pull.
    mallory.takes(None, "out", None, &[indicator(1, 1)]).await;
    mallory.node.delete(&id("indicator", 1), None).await.unwrap();
    let state = mallory.syncs("two").await;
    assert_eq!(state.not_taken, 1, "{state:?}");
    assert!(
        state.told.iter().any(|line| line.contains("kept apart")),
        "{state:?}"
    );
    two.peers_with(&mallory, "mallory", reads).await;
    let state = two.syncs("mallory").await;
    assert_eq!((state.deleted, state.apart), (0, 1), "{state:?}");
    assert_eq!(two.shows(two.own(), &id("indicator", 1)).await.len(), 1);
    assert_eq!(
        tombstones(&two, "mix").await + tombstones(&two, "theirs").await,
        0
    );
    // Of what nobody here has, there is nothing to tell either.
    mallory.takes(None, "out", None, &[indicator(9, 1)]).await;
    mallory.node.delete(&id("indicator", 9), None).await.unwrap();
    let state = two.syncs("mallory").await;
    assert_eq!(
        (state.deleted, state.apart, state.refused),
        (0, 1, 0),
        "{state:?}"
    );
    assert_eq!(tombstones(&two, "mix").await, 0);
}

/// Who takes back what they sent takes nothing from those who have it from somebody else, in another collection.
#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_ends_nothing_that_another_sent() {
    let (one, two) = pair().await;
    let (partner, mallory) = (NOBODY, Organisation(Uuid::from_u128(0x4000_8000_0000_0000_0666)));
    for (organisation, name) in [(partner, "partner"), (mallory, "mallory")] {
        one.knows(organisation, name, "community").await;
    }
    one.basket("a", &[(partner, "rw"), (two.own(), "r")]).await;
    one.basket("m", &[(mallory, "rw"), (two.own(), "r")]).await;
    two.peers_with(&one, "one", |peer| {
        peer.collections = ["a", "m"].map(str::to_owned).to_vec();
    })
    .await;
    let mut fact = observable(4);
    fact["object_marking_refs"] = json!([Tlp::Green.stix_id()]);
    let both = [marked(1, 1, Tlp::Green), fact];
    one.takes(Some(partner), "a", None, &both).await;
    one.takes(Some(mallory), "m", None, &both).await;
    one.takes(Some(mallory), "m", None, &[marked(2, 1, Tlp::Green)])
        .await;
    two.syncs("one").await;
    let ids = [id("indicator", 1), id("domain-name", 4), id("indicator", 2)];
    for id in &ids {
        assert_eq!(two.shows(two.own(), id).await.len(), 1, "{id}");
        one.node.delete(id, Some(mallory)).await.unwrap();
    }
    assert_eq!((tombstones(&one, "a").await, tombstones(&one, "m").await), (0, 3));
    for _ in 0..2 {
        let state = two.syncs("one").await;
        assert_eq!(state.deleted, 1, "{state:?}");
        let mut left = Vec::new();
        for id in &ids {
            left.push(two.shows(two.own(), id).await.len());
        }
        assert_eq!(left, [1, 1, 0]);
    }
    // What the other takes back, too, is gone there as well.
    for id in &ids[..2] {
        one.node.delete(id, Some(partner)).await.unwrap();
    }
    assert_eq!(two.syncs("one").await.deleted, 3);
    assert!(two.shows(two.own(), &ids[0]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_takes_out_over_taxii_is_deleted_where_it_went() {
    let (one, two) = pair().await;
    let partner = NOBODY;
    one.knows(partner, "partner", "").await;
    one.basket("shared", &[(partner, "rw"), (two.own(), "r")]).await;
    let token = one.token(partner).await;
    two.peers_with(&one, "one", |peer| peer.collections = vec!["shared".to_owned()])
        .await;
    let path = "/taxii2/api/collections/shared/objects/";
    let bearer = format!("Bearer {token}");
    let send = async |method: &'static str, path: &str, body: &[u8]| {
        let mut ask = Ask::post("", path, body);
        ask.method = method;
        ask.headers.retain(|(name, _)| *name != "Authorization");
        ask.headers.push(("Authorization", &bearer));
        ask.send(one.address).await
    };
    let body = json!({"objects": [indicator(1, 1), indicator(1, 2), indicator(2, 1)]}).to_string();
    assert_eq!(send("POST", path, body.as_bytes()).await.status, 202);
    assert_eq!(two.syncs("one").await.stored, 2);
    // One version of two is no deletion; nor is what who runs the node takes out of another's.
    let of = |number| format!("{path}{}/", id("indicator", number));
    let last = format!("{}?match[version]=first", of(1));
    assert_eq!(send("DELETE", &last, b"").await.status, 200);
    let shared = one.node.store().collection("shared").unwrap().number;
    one.node
        .remove(shared, &id("indicator", 2), &[], None)
        .await
        .unwrap();
    assert_eq!(tombstones(&one, "shared").await, 0);
    assert_eq!(send("DELETE", &of(1), b"").await.status, 200);
    assert_eq!(send("DELETE", &of(1), b"").await.status, 404);
    assert_eq!(tombstones(&one, "shared").await, 1);
    let state = two.syncs("one").await;
    assert_eq!((state.deleted, state.apart), (1, 0), "{state:?}");
    assert!(two.shows(two.own(), &id("indicator", 1)).await.is_empty());
    assert_eq!(two.shows(two.own(), &id("indicator", 2)).await.len(), 1);
    // Who sends it again has it again, here and there.
    let body = json!({"objects": [indicator(1, 2)]}).to_string();
    assert_eq!(send("POST", path, body.as_bytes()).await.status, 202);
    two.syncs("one").await;
    assert_eq!(two.shows(two.own(), &id("indicator", 1)).await, [indicator(1, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_back_to_whom_it_came_from() {
    let (one, two) = pair().await;
    let third = NOBODY;
    two.knows(third, "third", "").await;
    two.peers_with(&one, "one", |peer| {
        reads(peer);
        peer.push = Some("mix".to_owned());
        peer.push_to = Some("in".to_owned());
    })
    .await;
    one.takes(None, "out", None, &[indicator(1, 1), indicator(2, 1)])
        .await;
    // A third brought the second one first, and brings one that the first has, too, later on.
    two.takes(Some(third), "mix", None, &[indicator(2, 1), indicator(3, 1)])
        .await;
    two.takes(None, "mix", None, &[indicator(4, 1)]).await;
    let state = two.syncs("one").await;
    assert_eq!(state.sent, 2, "{state:?}");
    let mut ids = one.ids("in").await;
    ids.sort();
    let identity = format!("identity--{}", two.own().0);
    assert_eq!(ids, [identity, id("indicator", 3), id("indicator", 4)]);
    one.takes(None, "out", None, &[indicator(1, 2), indicator(3, 1)])
        .await;
    let state = two.syncs("one").await;
    assert_eq!((state.sent, state.apart, state.refused), (2, 0, 0), "{state:?}");
    assert_eq!(one.ids("in").await.len(), 3);
    // What it pushed to us does not go back to it either: it is of the same organisation.
    one.peers_with(&two, "two", |peer| {
        peer.pull = Some(Duration::ZERO);
        peer.push = Some("out".to_owned());
        peer.push_to = Some("in".to_owned());
    })
    .await;
    one.takes(None, "out", None, &[indicator(7, 1)]).await;
    assert_eq!(one.syncs("two").await.not_taken, 0);
    let new = perisai_store::NewCollection {
        alias: Some("all".to_owned()),
        title: "All".to_owned(),
        query: Some(perisai_store::Query::default()),
        ..Default::default()
    };
    two.node.store().create_collection(new).await.unwrap();
    two.node.remove_peer("one").await.unwrap();
    two.peers_with(&one, "one", |peer| {
        reads(peer);
        peer.push = Some("all".to_owned());
        peer.push_to = Some("in".to_owned());
    })
    .await;
    two.syncs("one").await;
    assert!(!one.ids("in").await.contains(&id("indicator", 7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_costs_nothing() {
    let (one, two) = pair().await;
    let many: Vec<_> = (1..=4_500).map(|number| indicator(number, 1)).collect();
    one.takes(None, "out", None, &many).await;
    let hurried = Pace {
        turn: Duration::ZERO,
        ..pace()
    };
    two.peers_with(&one, "one", |peer| {
        reads(peer);
        peer.push = Some("out".to_owned());
        peer.push_to = Some("in".to_owned());
    })
    .await;
    let ours: Vec<_> = (10_001..=12_500).map(|number| indicator(number, 1)).collect();
    two.takes(None, "out", None, &ours).await;
    let mut two = Running::with(two.stop().await, hurried).await;
    for round in 1..=5_u64 {
        // Each time a page each way, then the node is started anew. A page begins where the last one ended, with what
        // was seen.
        let state = two.syncs("one").await;
        let pulled = (1_000 * round - (round - 1)).min(4_500);
        assert_eq!(
            (state.stored, state.sent),
            (pulled, (1_000 * round).min(2_500)),
            "{state:?}"
        );
        assert_eq!((state.known, state.apart, state.refused), (0, 0, 0), "{state:?}");
        two = Running::with(two.stop().await, hurried).await;
    }
    let state = two.syncs("one").await;
    assert_eq!(
        (state.stored, state.sent, state.known),
        (4_500, 2_500, 0),
        "{state:?}"
    );
    assert_eq!(two.ids("mix").await.len(), 4_500);
    // With our identity.
    assert_eq!(one.ids("in").await.len(), 2_501);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_peer_leaves_what_it_brought_and_from_whom() {
    let (one, two) = pair().await;
    two.peers_with(&one, "one", reads).await;
    one.takes(None, "out", None, &[indicator(1, 1)]).await;
    two.syncs("one").await;
    two.node.remove_peer("one").await.unwrap();
    assert!(two.node.sync_now("one").await.is_err());
    assert_eq!(two.shows(two.own(), &id("indicator", 1)).await.len(), 1);
    assert_eq!(two.node.store().source("one").unwrap().owner(), Some(one.own()));
    // Others cannot take what it brought for theirs.
    let receipts = two.takes(Some(NOBODY), "mix", None, &[indicator(1, 2)]).await;
    assert_eq!(receipts[0].outcome, Outcome::Apart);
    // Added again, it is read from the start, as the same source.
    two.peers_with(&one, "one", reads).await;
    let state = two.syncs("one").await;
    assert_eq!((state.stored, state.known), (0, 1), "{state:?}");
}
