//! Peers: what is kept of them, and what of that stays secret.

use perisai_model::{Organisation, Tlp};
use perisai_store::{
    Credential, Location, NewPeer, NodeKey, PeerKind, PeerSettings, PeerState, Secret, Store, Trouble, Way,
};

use crate::backend::backends;
use crate::sample::{indicator, partner, take, uuid};

const TOKEN: &str = "pk_live_do_not_tell";

fn key(folder: &tempfile::TempDir, name: &str) -> NodeKey {
    NodeKey::of_file(&folder.path().join(name)).unwrap()
}

async fn added(
    store: &Store,
    name: &str,
    key: &NodeKey,
) -> Result<perisai_store::Peer, perisai_store::Error> {
    let new = NewPeer {
        name: name.to_owned(),
        kind: PeerKind::Taxii,
        url: "https://a.example/taxii2/".to_owned(),
        source: partner(store, "a source", Some(1)).await,
        organisation: Organisation(uuid(1)),
        settings: PeerSettings {
            collections: vec!["all".to_owned()],
            pull_seconds: 60,
            push_to: Some("inbox".to_owned()),
            ..PeerSettings::default()
        },
        secret: Secret {
            credential: Credential::Bearer(TOKEN.to_owned()),
            query: Some("key=2".to_owned()),
        },
    };
    store.add_peer(new, key).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_kept_with_its_state_and_cursors_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let key = key(&folder, "node.key");
    for backend in backends().await {
        let store = backend.open().await;
        let peer = added(&store, "a", &key).await.unwrap();
        let again = added(&store, "a", &key).await.unwrap_err().to_string();
        assert_eq!(again, "there is a peer `a` already", "{}", backend.name);
        assert!(added(&store, " \n", &key).await.is_err());
        assert_eq!(store.peer_state(&peer).await.unwrap(), PeerState::default());
        let mut state = PeerState {
            stored: 7,
            pushed_through: 1_700_000_000_000_000,
            push: Way {
                trouble: Some(Trouble {
                    error: "no".to_owned(),
                    failures: 3,
                    ..Trouble::default()
                }),
                ..Way::default()
            },
            ..PeerState::default()
        };
        for number in 0..30 {
            state.tell(format!("line {number}"));
        }
        state.tell("line 29".to_owned());
        assert_eq!((state.told.len(), &*state.told[0]), (20, "line 10"));
        for _ in 0..2 {
            store.keep_peer_state(&peer, &state).await.unwrap();
            store.keep_peer_cursor(&peer, "c", "{\"a\":1}").await.unwrap();
        }
        drop(store);
        let store = reopened(&backend.location).await;
        let found = store.peers().await.unwrap();
        assert_eq!(found, std::slice::from_ref(&peer));
        assert_eq!(store.peer_state(&peer).await.unwrap(), state);
        assert_eq!(
            store.peer_cursor(&peer, "c").await.unwrap().as_deref(),
            Some("{\"a\":1}")
        );
        assert_eq!(store.peer_cursor(&peer, "d").await.unwrap(), None);
        let mut changed = peer.clone();
        changed.settings.paused = true;
        store.change_peer(&changed, None, &key).await.unwrap();
        assert_eq!(store.peer("a").await.unwrap(), changed);
        // Elsewhere, it is read on where collections have ids; what is under way for the old address notes nothing.
        changed.url = "https://b.example/taxii2/".to_owned();
        let secret = Secret::default();
        store.change_peer(&changed, Some(&secret), &key).await.unwrap();
        assert_eq!(store.peer("a").await.unwrap(), changed);
        assert_eq!(store.peer_secret(&changed, &key).await.unwrap(), secret);
        store.keep_peer_cursor(&peer, "c", "{\"a\":2}").await.unwrap();
        assert_eq!(
            store.peer_cursor(&changed, "c").await.unwrap().as_deref(),
            Some("{\"a\":1}")
        );
        store.remove_peer("a").await.unwrap();
        assert!(store.remove_peer("a").await.is_err());
        // What was under way when it was removed leaves nothing behind for the next one of that name.
        store.keep_peer_state(&peer, &state).await.unwrap();
        store.keep_peer_cursor(&peer, "c", "{}").await.unwrap();
        let next = added(&store, "a", &key).await.unwrap();
        assert_ne!(next.id, peer.id);
        assert_eq!(store.peer_state(&next).await.unwrap(), PeerState::default());
        assert_eq!(store.peer_cursor(&next, "c").await.unwrap(), None);
        assert!(store.source("a source").is_some());
    }
}

async fn reopened(location: &Location) -> Store {
    for _ in 0..100 {
        if let Ok(store) = Store::open(location).await {
            return store;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Store::open(location).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, other) = (key(&folder, "node.key"), key(&folder, "other.key"));
    for backend in backends().await {
        let store = backend.open().await;
        let peer = added(&store, "a", &mine).await.unwrap();
        let secret = store.peer_secret(&peer, &mine).await.unwrap();
        assert_eq!(secret.credential, Credential::Bearer(TOKEN.to_owned()));
        // A key that was read again is the same.
        let read_again = key(&folder, "node.key");
        assert_eq!(store.peer_secret(&peer, &read_again).await.unwrap(), secret);
        let told = [
            format!("{secret:?} {peer:?} {mine:?}"),
            store.peer_secret(&peer, &other).await.unwrap_err().to_string(),
        ];
        for text in &told {
            assert!(!text.contains(TOKEN) && !text.contains("key=2"), "{text}");
        }
        // Where somebody changes the address in the database, the secret does not go there.
        let mut elsewhere = peer.clone();
        elsewhere.url = "https://b.example/taxii2/".to_owned();
        assert!(store.peer_secret(&elsewhere, &mine).await.is_err());
        drop(store);
        if let Location::Folder(folder) = &backend.location {
            for name in ["perisai.db", "perisai.db-wal"] {
                let path = folder.join(name);
                // The log goes when all is written and closed.
                let Ok(bytes) = std::fs::read(&path) else {
                    assert_ne!(name, "perisai.db");
                    continue;
                };
                let found = bytes
                    .windows(TOKEN.len())
                    .any(|window| window == TOKEN.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_from_whom_also_as_a_copy() {
    for backend in backends().await {
        let store = backend.open().await;
        let one = partner(&store, "one", Some(1)).await;
        let two = partner(&store, "two", Some(2)).await;
        let all = [1, 2, 3].map(|number| indicator(number, 1, Some(Tlp::Clear)));
        take(&store, one, None, &all[..2]).await;
        take(&store, two, None, &all[1..]).await;
        let check = async |sources: &[i64], expected: &[i64]| {
            let mut found: Vec<_> = store
                .brought_by(&[1, 2, 3, 99], sources)
                .await
                .unwrap()
                .into_iter()
                .collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{}", backend.name);
        };
        check(&[one], &[1, 2]).await;
        check(&[two], &[2, 3]).await;
        check(&[one, two], &[1, 2, 3]).await;
        check(&[], &[]).await;
        // What two brought under their own terms each is one object.
        let amber = [indicator(4, 1, Some(Tlp::Amber))];
        take(&store, one, None, &amber).await;
        take(&store, two, None, &amber).await;
        for source in [one, two] {
            let found = store.brought_by(&[4, 5], &[source]).await.unwrap();
            assert_eq!(found.len(), 2, "{}", backend.name);
        }
    }
}
