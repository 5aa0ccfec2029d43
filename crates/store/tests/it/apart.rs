//! What is kept apart is listed for our own people, by the rules of what they may know.

use perisai_model::{Organisation, Person, Tlp};
use perisai_policy::{Recipient, Released};
use perisai_store::{Apart, ApartFilter, Attempt, KeptApart, NewUser, Outcome, Store};
use serde_json::{Value, json};

use crate::backend::backends;
use crate::objects::reopen;
use crate::sample::{id, indicator, partner, take, uuid};
use crate::tombstones::buries;

/// All pages of `limit`, by a function that reads one.
async fn all<T>(
    limit: usize,
    read: impl AsyncFn(Option<i64>, usize) -> Result<KeptApart<T>, perisai_store::Error>,
) -> Vec<T> {
    let (mut entries, mut before) = (Vec::new(), None);
    loop {
        let page = read(before, limit).await.unwrap();
        assert!(page.entries.len() == limit || page.next.is_none());
        entries.extend(page.entries);
        before = page.next;
        if before.is_none() {
            return entries;
        }
    }
}

/// What is listed for the node, and for somebody: which object, what was to be done to it, by whom.
async fn check(store: &Store, recipient: Option<Recipient>, expected: &[(u128, Attempt, i64)]) {
    for limit in [1, 2, 100] {
        let entries: Vec<Apart> = match recipient {
            None => all(limit, async |before, limit| store.kept_apart(before, limit).await).await,
            Some(recipient) => {
                let view = store.view(recipient);
                let entries: Vec<Released<Apart>> = all(limit, async |before, limit| {
                    view.kept_apart(&ApartFilter::default(), before, limit).await
                })
                .await;
                entries.iter().map(|entry| entry.get().clone()).collect()
            }
        };
        let found: Vec<_> = entries
            .iter()
            .map(|one| (one.object.clone(), one.attempt, one.source))
            .collect();
        let expected = expected.iter();
        let expected: Vec<_> = expected
            .map(|(number, attempt, source)| (id("indicator", *number), *attempt, *source))
            .collect();
        assert_eq!(found, expected, "{limit} {recipient:?}");
        assert!(entries.is_sorted_by(|one, other| one.seq > other.seq && one.received >= other.received));
    }
}

const ANALYST: Person = Person(uuid::Uuid::from_u128(70));

/// Two objects of one, one of them RED, and what another sent of them. Gives the number of the other, and what was sent.
async fn filled(store: &Store) -> (i64, Vec<Value>) {
    let analyst = NewUser {
        id: ANALYST,
        name: "anna".to_owned(),
        organisation: store.own(),
        role: "analyst".to_owned(),
        pass_phrase: None,
        reads_red: false,
    };
    store.add_user(analyst).await.unwrap();
    let (one, other) = (
        partner(store, "one", Some(1)).await,
        partner(store, "other", Some(2)).await,
    );
    let (clear, red) = (Some(Tlp::Clear), Some(Tlp::Red));
    take(store, one, None, &[indicator(1, 1, clear), indicator(2, 1, red)]).await;
    let mut revoked = indicator(1, 3, clear);
    revoked["revoked"] = json!(true);
    let sent = vec![
        indicator(1, 2, clear),
        revoked,
        buries(&id("indicator", 1), None),
        // Of what is RED here, as if it were not; and of what is not, for few.
        indicator(2, 2, clear),
        buries(&id("indicator", 2), None),
        indicator(1, 1, red),
    ];
    for object in &sent {
        let outcomes = take(store, other, None, std::slice::from_ref(object)).await;
        assert_eq!(outcomes, [Outcome::Apart], "{object}");
    }
    (other, sent)
}

#[tokio::test]
async fn what_is_kept_apart_is_listed() {
    use Attempt::{Deletion, Revocation, Version};
    for backend in backends().await {
        let store = backend.open().await;
        let (other, sent) = filled(&store).await;
        let ours = Recipient::person(store.own(), ANALYST);
        let by = |number, attempt| (number, attempt, other);
        let open = [by(1, Deletion), by(1, Revocation), by(1, Version)];
        let everything = [&[by(1, Version), by(2, Deletion), by(2, Version)], &open[..]].concat();
        let nobodys = [Recipient::ANYBODY, Recipient::organisation(Organisation(uuid(2)))];
        let check_all = async |store: &Store| {
            check(store, None, &everything).await;
            check(store, Some(ours), &open).await;
            for recipient in nobodys {
                check(store, Some(recipient), &[]).await;
            }
        };
        check_all(&store).await;
        // What is asked for.
        let many = async |source, id: Option<String>| {
            let filter = ApartFilter { source, id };
            let found = store.view(ours).kept_apart(&filter, None, 100).await;
            found.unwrap().entries.len()
        };
        assert_eq!(many(Some(other), Some(id("indicator", 1))).await, 3);
        assert_eq!(many(Some(other + 1), None).await, 0);
        assert_eq!(many(None, Some(id("indicator", 2))).await, 0);
        // Its bytes, to whom it is listed.
        let listed = store.kept_apart(None, 100).await.unwrap().entries;
        for (entry, sent) in listed.iter().rev().zip(&sent) {
            let raw = sent.to_string().into_bytes();
            assert_eq!(store.apart_bytes(entry.seq).await.unwrap().as_ref(), Some(&raw));
            let view = store.view(ours);
            let shown = view.one_apart(entry.seq).await.unwrap();
            let is_open = open.contains(&by(1, entry.attempt)) && entry.tlp == Some(Tlp::Clear);
            let is_open = is_open && entry.object == id("indicator", 1);
            let expected = is_open.then(|| (entry.clone(), raw));
            assert_eq!(shown.map(|shown| shown.get().clone()), expected);
            for recipient in nobodys {
                let view = store.view(recipient);
                assert_eq!(view.one_apart(entry.seq).await.unwrap(), None);
            }
        }
        // What counts is none of it.
        let counting = store.view(ours).object(&id("indicator", 1)).await.unwrap();
        assert_eq!(store.apart_bytes(counting[0].get().seq).await.unwrap(), None);
        assert_eq!(
            store.view(ours).one_apart(counting[0].get().seq).await.unwrap(),
            None
        );
        drop(store);
        let store = reopen(&backend).await;
        check_all(&store).await;
    }
}
