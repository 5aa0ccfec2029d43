//! Tokens, certificates, sessions, people.

use perisai_model::{Organisation, Person, SharingGroup};
use perisai_store::{
    Error, Fingerprint, Issued, Location, NewCertificate, NewToken, NewUser, OrganisationChange, Store,
    UserChange,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use crate::backend::{Backend, backends};
use crate::sample::uuid;

const HOUR: i64 = 3600 * 1_000_000;

fn organisation(number: u128) -> Organisation {
    Organisation(uuid(number))
}

async fn token(store: &Store, organisation: Organisation, person: Option<Person>) -> Result<Issued, Error> {
    let new = NewToken {
        name: "a program".to_owned(),
        organisation,
        person,
        role: "partner".to_owned(),
        scope: vec!["taxii:read".to_owned(), "ingest".to_owned()],
        expires: None,
    };
    store.add_token(new).await
}

fn user(number: u128, of: Organisation) -> NewUser {
    NewUser {
        id: Person(uuid(number)),
        name: format!("user {number}"),
        organisation: of,
        role: "analyst".to_owned(),
        pass_phrase: Some("a hash".to_owned()),
        reads_red: false,
    }
}

/// Changes rows behind the store's back: time cannot be waited for.
async fn sql(backend: &Backend, text: &str) {
    let url = match &backend.location {
        Location::Folder(folder) => format!("sqlite://{}", folder.join("perisai.db").display()),
        Location::Postgres(url) => url.clone(),
    };
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn only_the_whole_token_counts() {
    for backend in backends().await {
        let store = backend.open().await;
        store
            .add_organisation(organisation(1), "One", false, false)
            .await
            .unwrap();
        let issued = token(&store, organisation(1), None).await.unwrap();
        let secret = issued.secret.clone();
        let other = token(&store, organisation(1), None).await.unwrap().secret;
        let mut wrong = vec![
            String::new(),
            "prs_".to_owned(),
            secret.to_uppercase(),
            format!("{secret}0"),
            format!(" {secret}"),
            secret[..secret.len() - 1].to_owned(),
            format!("{}{}", &secret[..17], &other[17..]),
            "prs_000000000000_".to_owned() + &"0".repeat(64),
            "prs_' OR 1=1 --_".to_owned() + &"0".repeat(64),
        ];
        // Each digit counts.
        for at in 4..secret.len() {
            let mut changed = secret.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            wrong.push(String::from_utf8(changed).unwrap());
        }
        for wrong in wrong {
            assert_eq!(
                store.token_of(&wrong).await.unwrap(),
                None,
                "{} {wrong}",
                backend.name
            );
        }
        let found = store.token_of(&secret).await.unwrap();
        assert_eq!(found, Some(issued.token.clone()), "{}", backend.name);
        assert_eq!(secret.len(), 4 + 12 + 1 + 64);
        assert!(
            !format!("{issued:?}").contains(&secret[17..]),
            "a secret is not printed"
        );
    }
}

#[tokio::test]
async fn tokens_end() {
    for backend in backends().await {
        let store = backend.open().await;
        store
            .add_organisation(organisation(1), "One", false, false)
            .await
            .unwrap();
        store.add_user(user(5, organisation(1))).await.unwrap();
        let counts = async |issued: &Issued| store.token_of(&issued.secret).await.unwrap().is_some();
        let (revoked, expired, stays) = (
            token(&store, organisation(1), None).await.unwrap(),
            token(&store, organisation(1), None).await.unwrap(),
            token(&store, organisation(1), Some(Person(uuid(5))))
                .await
                .unwrap(),
        );
        store.revoke_token(&revoked.token.id).await.unwrap();
        let again = store.token(&revoked.token.id).await.unwrap().unwrap().revoked;
        store.revoke_token(&revoked.token.id).await.unwrap();
        assert_eq!(
            store.token(&revoked.token.id).await.unwrap().unwrap().revoked,
            again
        );
        let past = jiff::Timestamp::now().as_microsecond() - 1;
        sql(
            &backend,
            &format!(
                "UPDATE tokens SET expires = {past} WHERE id = '{}'",
                expired.token.id
            ),
        )
        .await;
        assert!(!counts(&revoked).await, "{}", backend.name);
        assert!(!counts(&expired).await);
        assert!(counts(&stays).await);
        // Its use is noted, and not each time.
        let used = async || store.token(&stays.token.id).await.unwrap().unwrap().used;
        store.note_use(&stays.token).await.unwrap();
        let first = used().await;
        assert!(first.is_some());
        store.note_use(&stays.token).await.unwrap();
        assert_eq!(used().await, first, "{}", backend.name);
        sql(&backend, "UPDATE tokens SET used = used - 61000000").await;
        store
            .note_use(&store.token(&stays.token.id).await.unwrap().unwrap())
            .await
            .unwrap();
        assert!(used().await >= first);
        // Lists: of all, of an organisation, of a person; in steps.
        let list = async |of, person, after: Option<&str>, limit| {
            store.tokens(of, person, after, limit).await.unwrap()
        };
        assert_eq!(list(None, None, None, 10).await.len(), 3);
        assert_eq!(list(Some(organisation(2)), None, None, 10).await, []);
        assert_eq!(
            list(None, Some(Person(uuid(5))), None, 10).await[0].id,
            stays.token.id
        );
        let step = list(None, None, None, 2).await;
        let rest = list(None, None, Some(&step[1].id), 2).await;
        assert_eq!((step.len(), rest.len()), (2, 1));
        store.remove_organisation(organisation(1)).await.unwrap();
        assert!(!counts(&stays).await, "{}", backend.name);
        assert_eq!(store.users(None, 10).await.unwrap(), []);
        store
            .add_organisation(organisation(1), "One", false, false)
            .await
            .unwrap();
        assert!(!counts(&stays).await, "tokens do not come back");
    }
}

#[tokio::test]
async fn certificates_rotate_with_overlap() {
    for backend in backends().await {
        let store = backend.open().await;
        for number in [1, 2] {
            let name = format!("Number {number}");
            store
                .add_organisation(organisation(number), &name, false, false)
                .await
                .unwrap();
        }
        let print = |text: &str| Fingerprint::of(text.as_bytes());
        let add = async |text: &str, of, valid_until| {
            let new = NewCertificate {
                fingerprint: print(text),
                organisation: of,
                name: text.to_owned(),
                valid_until,
            };
            store.add_certificate(new).await.map(drop)
        };
        let whose = async |text: &str| {
            let found = store.certificate_of(print(text)).await.unwrap();
            found.map(|certificate| certificate.organisation)
        };
        let now = jiff::Timestamp::now().as_microsecond();
        add("old", organisation(1), Some(now + HOUR)).await.unwrap();
        add("new", organisation(1), None).await.unwrap();
        add("past", organisation(1), Some(now - 1)).await.unwrap();
        add("other", organisation(2), None).await.unwrap();
        for (text, expected) in [
            ("old", Some(organisation(1))),
            ("new", Some(organisation(1))),
            ("past", None),
            ("other", Some(organisation(2))),
            ("unknown", None),
        ] {
            assert_eq!(whose(text).await, expected, "{text} {}", backend.name);
        }
        store.revoke_certificate(print("old")).await.unwrap();
        assert_eq!(
            (whose("old").await, whose("new").await),
            (None, Some(organisation(1)))
        );
        // Neither it nor another's comes to count for someone else.
        for text in ["old", "other"] {
            assert!(
                matches!(add(text, organisation(1), None).await, Err(Error::Exists { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            add("more", organisation(3), None).await,
            Err(Error::Missing { .. })
        ));
        let all = store.certificates(None, None, 3).await.unwrap();
        let rest = store
            .certificates(None, Some(all[2].fingerprint), 3)
            .await
            .unwrap();
        assert_eq!((all.len(), rest.len()), (3, 1));
        store.remove_organisation(organisation(2)).await.unwrap();
        assert_eq!(whose("other").await, None, "{}", backend.name);
    }
}

/// What ends a session.
#[derive(Debug, Clone, Copy)]
enum End {
    Closed,
    Idle,
    Absolute,
    Disabled,
    NewPassPhrase,
    Removed,
    TooMany,
}

#[tokio::test]
async fn sessions_end() {
    for how in [
        End::Closed,
        End::Idle,
        End::Absolute,
        End::Disabled,
        End::NewPassPhrase,
        End::Removed,
        End::TooMany,
    ] {
        for backend in backends().await {
            let store = backend.open().await;
            let person = store.add_user(user(5, store.own())).await.unwrap().id;
            let opened = store.open_session(person).await.unwrap();
            let found = store.session_of(&opened.secret).await.unwrap();
            assert_eq!(found.map(|session| session.user.id), Some(person), "{how:?}");
            assert_eq!(
                store
                    .session_of(&opened.session.digest.to_string())
                    .await
                    .unwrap(),
                None
            );
            let change = |change| store.change_user(person, change);
            match how {
                End::Closed => store.close_session(opened.session.digest).await.unwrap(),
                End::Idle => sql(&backend, &format!("UPDATE sessions SET used = used - {HOUR}")).await,
                End::Absolute => {
                    sql(
                        &backend,
                        &format!("UPDATE sessions SET expires = expires - {}", 12 * HOUR),
                    )
                    .await
                }
                End::Disabled => drop(
                    change(UserChange {
                        is_disabled: Some(true),
                        ..UserChange::default()
                    })
                    .await
                    .unwrap(),
                ),
                End::NewPassPhrase => drop(
                    change(UserChange {
                        pass_phrase: Some("another".to_owned()),
                        ..UserChange::default()
                    })
                    .await
                    .unwrap(),
                ),
                End::Removed => store.remove_user(person).await.unwrap(),
                End::TooMany => {
                    for _ in 0..20 {
                        store.open_session(person).await.unwrap();
                    }
                }
            }
            let found = store.session_of(&opened.secret).await.unwrap();
            assert_eq!(found, None, "{how:?} {}", backend.name);
        }
    }
}

#[tokio::test]
async fn names_and_ids_are_unique_and_plain() {
    for backend in backends().await {
        let store = backend.open().await;
        store
            .add_organisation(organisation(1), "One", false, false)
            .await
            .unwrap();
        let told = |error: Error| error.to_string();
        let add = async |number, name: &str| {
            let added = store
                .add_organisation(organisation(number), name, false, false)
                .await;
            added.map(drop).map_err(told)
        };
        for (number, name, expected) in [
            (
                1,
                "Other",
                format!("there is an organisation `{}` already", uuid(1)),
            ),
            (2, " One ", "there is an organisation `One` already".to_owned()),
            (
                2,
                "",
                "organisation: a name has 1 to 200 bytes and no control characters".to_owned(),
            ),
            (
                2,
                "a\nb",
                "organisation: a name has 1 to 200 bytes and no control characters".to_owned(),
            ),
            (
                2,
                "a\u{202e}b",
                "organisation: a name has 1 to 200 bytes and no control characters".to_owned(),
            ),
            (
                2,
                &"x".repeat(201),
                "organisation: a name has 1 to 200 bytes and no control characters".to_owned(),
            ),
        ] {
            assert_eq!(add(number, name).await, Err(expected), "{} {name}", backend.name);
        }
        assert!(matches!(
            store.remove_organisation(store.own()).await,
            Err(Error::Invalid { .. })
        ));
        let missing =
            |result: Result<(), Error>| assert!(matches!(result, Err(Error::Missing { .. })), "{result:?}");
        missing(store.remove_organisation(organisation(9)).await);
        missing(
            store
                .change_organisation(organisation(9), OrganisationChange::default())
                .await
                .map(drop),
        );
        missing(store.add_user(user(5, organisation(9))).await.map(drop));
        missing(store.add_member(SharingGroup(uuid(1)), organisation(1)).await);
        missing(token(&store, organisation(9), None).await.map(drop));
        missing(store.revoke_token("000000000000").await);
        store.add_user(user(5, organisation(1))).await.unwrap();
        missing(token(&store, store.own(), Some(Person(uuid(5)))).await.map(drop));
        let twice = NewUser {
            id: Person(uuid(6)),
            ..user(5, organisation(1))
        };
        assert!(
            matches!(store.add_user(twice).await, Err(Error::Exists { .. })),
            "{}",
            backend.name
        );
        store.add_group(SharingGroup(uuid(1)), "Group").await.unwrap();
        assert!(store.add_group(SharingGroup(uuid(2)), "Group").await.is_err());
        store
            .add_member(SharingGroup(uuid(1)), organisation(1))
            .await
            .unwrap();
        let groups = store.groups(None, 10).await.unwrap();
        assert_eq!(groups[0].members.len(), 1);
        let names: Vec<_> = store
            .organisations(None, 10)
            .await
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(names, ["One"], "{}", backend.name);
    }
}
