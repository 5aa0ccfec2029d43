//! What goes to whom: by pull and by push, by marking, audience and who one is.

use std::collections::BTreeSet;

use perisai_model::{Audience, Organisation, Tlp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Running;
use crate::sample::{hour, id, marked, uuid};

const THIRD: Organisation = Organisation(Uuid::from_u128(0x4000_8000_0000_0000_0333));

fn unmarked(number: u128) -> Value {
    let mut object = marked(number, 1, Tlp::Clear);
    object.as_object_mut().unwrap().remove("object_marking_refs");
    object
}

/// An object of each kind of terms, of ours and of a third's; some for `named` only.
async fn fill(node: &Running, named: Organisation) {
    let audience = |one: Organisation| {
        Some(Audience {
            organisations: [one].into(),
            ..Audience::default()
        })
    };
    let all = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
    let by_tlp: Vec<_> = (1..)
        .zip(all)
        .map(|(number, tlp)| marked(number, 1, tlp))
        .collect();
    node.takes(None, "out", None, &by_tlp).await;
    node.takes(None, "out", None, &[unmarked(6)]).await;
    node.takes(None, "out", audience(named), &[marked(7, 1, Tlp::Amber)])
        .await;
    node.takes(None, "out", audience(THIRD), &[marked(8, 1, Tlp::Clear)])
        .await;
    node.takes(
        Some(THIRD),
        "out",
        None,
        &[marked(9, 1, Tlp::Amber), marked(10, 1, Tlp::Green)],
    )
    .await;
    // Open, but it names what is not.
    let names = json!({
        "type": "relationship", "spec_version": "2.1", "id": id("relationship", 11), "created": hour(0),
        "modified": hour(0), "relationship_type": "related-to", "source_ref": id("indicator", 1),
        "target_ref": id("indicator", 3), "object_marking_refs": [Tlp::Clear.stix_id()],
    });
    node.takes(None, "out", None, &[names]).await;
}

/// The numbers of the objects that a node has.
async fn has(node: &Running) -> BTreeSet<u128> {
    let mut found = BTreeSet::new();
    for number in 1..=10 {
        if !node.shows(node.own(), &id("indicator", number)).await.is_empty() {
            found.insert(number);
        }
    }
    if !node.shows(node.own(), &id("relationship", 11)).await.is_empty() {
        found.insert(11);
    }
    found
}

/// What is to us what the words say gets these, whether it pulls or is pushed to.
async fn check(what: &str, expected: &[u128]) {
    let expected: BTreeSet<_> = expected.iter().copied().collect();
    let (ours, theirs) = (Running::start().await, Running::start().await);
    ours.knows(theirs.own(), "Theirs", what).await;
    ours.knows(THIRD, "Third", "").await;
    ours.basket("out", &[(theirs.own(), "r")]).await;
    fill(&ours, theirs.own()).await;
    theirs.peers_with(&ours, "ours", |_| {}).await;
    theirs.syncs("ours").await;
    assert_eq!(has(&theirs).await, expected, "{what}: pulled");
    // The same by push, to another node of theirs.
    let (ours, theirs) = (ours, Running::start().await);
    ours.knows(theirs.own(), "Theirs too", what).await;
    theirs.basket("in", &[(ours.own(), "w")]).await;
    theirs.knows(ours.own(), "Ours", "").await;
    let named = ours.shows(ours.own(), &id("indicator", 7)).await;
    assert_eq!(named.len(), 1);
    ours.peers_with(&theirs, "theirs", |peer| {
        peer.pull = Some(std::time::Duration::ZERO);
        peer.push = Some("out".to_owned());
    })
    .await;
    let state = ours.syncs("theirs").await;
    // What names the first node is not for the second.
    let pushed: BTreeSet<_> = expected.iter().copied().filter(|number| *number != 7).collect();
    assert_eq!(has(&theirs).await, pushed, "{what}: pushed");
    // Our identity goes first.
    assert_eq!((state.sent, state.not_taken), (pushed.len() as u64, 0));
    let identity = format!("identity--{}", ours.own().0);
    assert_eq!(theirs.shows(theirs.own(), &identity).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_what_is_open_or_names_it() {
    check("", &[1, 7]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_community_gets_green() {
    check("community", &[1, 2, 7, 10]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_amber() {
    check("client", &[1, 2, 3, 7, 9, 10, 11]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_under_a_marking_goes_on_under_it() {
    let (first, second, third) = (
        Running::start().await,
        Running::start().await,
        Running::start().await,
    );
    first.knows(second.own(), "Second", "community").await;
    first.basket("out", &[(second.own(), "r")]).await;
    second.knows(third.own(), "Third", "community").await;
    second.knows(first.own(), "First", "").await;
    second.basket("mix", &[(third.own(), "r")]).await;
    let to_second = Audience {
        organisations: [second.own()].into(),
        ..Audience::default()
    };
    let objects = [marked(1, 1, Tlp::Clear), marked(2, 1, Tlp::Green)];
    first.takes(None, "out", None, &objects).await;
    let amber = [marked(3, 1, Tlp::Amber), marked(4, 1, Tlp::AmberStrict)];
    first.takes(None, "out", Some(to_second), &amber).await;
    second
        .peers_with(&first, "first", |peer| peer.into = Some("mix".to_owned()))
        .await;
    let state = second.syncs("first").await;
    assert_eq!((state.stored, state.apart, state.refused), (4, 0, 0), "{state:?}");
    third.peers_with(&second, "second", |_| {}).await;
    third.syncs("second").await;
    assert_eq!(has(&second).await, BTreeSet::from([1, 2, 3, 4]));
    assert_eq!(has(&third).await, BTreeSet::from([1, 2]));
    // From whom it is, says its source.
    let source = second.node.store().source("first").unwrap();
    assert_eq!(source.owner(), Some(first.own()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_leaves_unmarked_is_held_as_was_said() {
    let (first, second, third) = (
        Running::start().await,
        Running::start().await,
        Running::start().await,
    );
    first.knows(second.own(), "Second", "client").await;
    first.basket("out", &[(second.own(), "r")]).await;
    second.knows(third.own(), "Third", "").await;
    second.basket("mix", &[(third.own(), "r")]).await;
    let audience = Some(Audience {
        organisations: [second.own()].into(),
        ..Audience::default()
    });
    first.takes(None, "out", audience, &[unmarked(6)]).await;
    second
        .peers_with(&first, "first", |peer| {
            peer.into = Some("mix".to_owned());
            peer.tlp = Some(Tlp::Clear);
        })
        .await;
    second.syncs("first").await;
    third.peers_with(&second, "second", |_| {}).await;
    third.syncs("second").await;
    assert_eq!(has(&third).await, BTreeSet::from([6]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_indicator_of_ours_reaches_a_partner_with_whom_it_is_of() {
    let (ours, theirs) = (Running::start().await, Running::start().await);
    ours.knows(theirs.own(), "Theirs", "community").await;
    ours.basket("out", &[(theirs.own(), "r")]).await;
    let file = tempfile::tempdir().unwrap();
    let list = file.path().join("list.txt");
    std::fs::write(&list, "evil.example\n").unwrap();
    let (node, runtime) = (
        std::sync::Arc::clone(&ours.node),
        tokio::runtime::Handle::current(),
    );
    let options = perisai_app::ImportOptions {
        tlp: Some(Tlp::Green),
        collection: Some("out".to_owned()),
        ..Default::default()
    };
    let done = tokio::task::spawn_blocking(move || {
        let stop = perisai_app::Stop::default();
        node.import(&[list], &options, &stop, &runtime, &mut |_| {})
            .unwrap()
    });
    assert_eq!(done.await.unwrap().stored, 1);
    theirs.peers_with(&ours, "ours", |_| {}).await;
    assert_eq!(theirs.syncs("ours").await.stored, 2);
    let mine = ours.ids("out").await;
    let mine = mine.iter().find(|id| id.starts_with("indicator--")).unwrap();
    let came = theirs.shows(theirs.own(), mine).await;
    let identity = format!("identity--{}", ours.own().0);
    assert_eq!(came[0]["created_by_ref"], json!(identity));
    // Who only reads it there finds who we are, which anybody may know.
    assert_eq!(theirs.shows(theirs.own(), &identity).await.len(), 1);
    let said = ours.shows(Organisation(uuid(1)), &identity).await;
    assert_eq!(
        (&said[0]["name"], &said[0]["object_marking_refs"]),
        (&json!("Perisai"), &json!([Tlp::Clear.stix_id()]))
    );
}
