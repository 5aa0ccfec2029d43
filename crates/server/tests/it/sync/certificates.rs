//! Two nodes that know each other by their certificates, and by nothing else.

use std::sync::Arc;

use perisai_store::{Credential, Fingerprint, NewCertificate};
use tempfile::TempDir;

use super::{Running, pace};
use crate::sample::{id, indicator};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_know_each_other_by_pinned_certificates() {
    let secured = || {
        let folder = Arc::new(TempDir::new().unwrap());
        Running::with_settings(folder, pace(), |settings| settings.plain = false)
    };
    let (one, two) = (secured().await, secured().await);
    one.knows(two.own(), "two", "community").await;
    one.basket("out", &[(two.own(), "r")]).await;
    one.takes(None, "out", None, &[indicator(1, 1)]).await;
    let (pin, ours) = (one.fingerprint.clone().unwrap(), two.fingerprint.clone().unwrap());
    let pinned = pin.clone();
    let ours: Fingerprint = ours.parse().unwrap();
    let https = |node: &Running| format!("https://{}/taxii2/", node.address);
    two.peers_with(&one, "one", |peer| {
        peer.url = https(&one);
        peer.credential = Credential::None;
        peer.fingerprints = vec![pin];
    })
    .await;
    // The certificate is nobody's there yet.
    let state = two.node.sync_now("one").await.unwrap();
    assert!(state.trouble().is_some(), "{state:?}");
    let known = NewCertificate {
        fingerprint: ours,
        organisation: two.own(),
        name: "its node".to_owned(),
        valid_until: None,
    };
    one.node.store().add_certificate(known).await.unwrap();
    assert_eq!(two.syncs("one").await.stored, 1);
    assert_eq!(two.shows(two.own(), &id("indicator", 1)).await.len(), 1);
    // Revoked, it is nobody's again.
    one.node.store().revoke_certificate(ours).await.unwrap();
    assert!(two.node.sync_now("one").await.unwrap().trouble().is_some());
    // A server with another certificate is not believed.
    let other = secured().await;
    other.knows(two.own(), "two", "").await;
    two.peers_with(&other, "other", |peer| {
        peer.url = https(&other);
        peer.credential = Credential::None;
        peer.fingerprints = vec![pinned];
    })
    .await;
    let state = two.node.sync_now("other").await.unwrap();
    assert!(
        state
            .trouble()
            .is_some_and(|trouble| trouble.error.contains("certificate")),
        "{state:?}"
    );
}
