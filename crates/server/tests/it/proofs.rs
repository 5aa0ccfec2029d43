//! What shows who calls, and what fails to.

use perisai_model::Organisation;
use perisai_server::auth::first_start;
use perisai_store::{Fingerprint, NewCertificate, NewToken, UserChange};
use reqwest::{Client, Identity, Method};
use serde_json::Value;

use crate::node::{ANNA, ONE, PASS_PHRASE, Served, TWO, Way, told};

/// A header of a request.
type Header<'a> = (&'a str, String);

fn basic(name: &str, word: &str) -> String {
    use base64::Engine;
    let both = format!("{name}:{word}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(both))
}

async fn ask(served: &Served, path: &str, headers: &[Header<'_>]) -> (u16, Option<Organisation>) {
    let mut request = served.client().get(served.url(path));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    told(request.send().await.unwrap()).await
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of proofs")]
async fn each_proof_names_who_calls() {
    let mut way = Way::default();
    way.settings.failures.burst = 1000.0;
    let served = Served::with_people(way).await;
    let own = served.store.own();
    let one = served.token(ONE, "partner", &[]).await;
    let two = served.token(TWO, "partner", &[]).await;
    let (cookie, _) = served.log_in(&served.client()).await;
    let flipped = |token: &str| {
        let last = if token.ends_with('0') { '1' } else { '0' };
        format!("{}{last}", &token[..token.len() - 1])
    };
    let header = |value: String| vec![("authorization", value)];
    let cases: Vec<(&str, Vec<Header<'_>>, u16, Option<Organisation>)> = vec![
        ("nothing", vec![], 200, None),
        ("bearer", header(format!("Bearer {one}")), 200, Some(ONE)),
        (
            "scheme in capitals",
            header(format!("BEARER {one}")),
            200,
            Some(ONE),
        ),
        ("basic, no name", header(basic("", &one)), 200, Some(ONE)),
        ("basic, any name", header(basic("One", &one)), 200, Some(ONE)),
        (
            "name and pass-phrase",
            header(basic("anna", PASS_PHRASE)),
            200,
            Some(own),
        ),
        ("cookie", vec![("cookie", cookie.clone())], 200, Some(own)),
        (
            "cookie among others",
            vec![("cookie", format!("a=b; {cookie}; c=d"))],
            200,
            Some(own),
        ),
        (
            "cookie of another name",
            vec![("cookie", "__Host-perisai=0".to_owned())],
            200,
            None,
        ),
        (
            "token with another digit",
            header(format!("Bearer {}", flipped(&one))),
            401,
            None,
        ),
        (
            "token of nobody",
            header(format!("Bearer prs_000000000000_{}", "0".repeat(64))),
            401,
            None,
        ),
        (
            "half a token",
            header(format!("Bearer {}", &one[..40])),
            401,
            None,
        ),
        ("no token", header("Bearer ".to_owned()), 401, None),
        ("another scheme", header(format!("Digest {one}")), 401, None),
        ("the bare token", header(one.clone()), 401, None),
        (
            "basic that is not base64",
            header("Basic ???".to_owned()),
            401,
            None,
        ),
        (
            "basic without a colon",
            header("Basic YWJj".to_owned()),
            401,
            None,
        ),
        (
            "two",
            vec![
                ("authorization", format!("Bearer {one}")),
                ("authorization", format!("Bearer {one}")),
            ],
            401,
            None,
        ),
        (
            "a long one",
            header(format!("Bearer {}", "a".repeat(5000))),
            401,
            None,
        ),
        (
            "wrong pass-phrase",
            header(basic("anna", "not that at all")),
            401,
            None,
        ),
        (
            "forged cookie",
            vec![("cookie", format!("perisai={}", "0".repeat(64)))],
            401,
            None,
        ),
        (
            "two cookies",
            vec![("cookie", format!("{cookie}; perisai=0"))],
            401,
            None,
        ),
        (
            "token and cookie of others",
            vec![("authorization", format!("Bearer {two}")), ("cookie", cookie)],
            401,
            None,
        ),
    ];
    for (what, headers, status, organisation) in cases {
        for path in ["/who", "/taxii2/who"] {
            assert_eq!(
                ask(&served, path, &headers).await,
                (status, organisation),
                "{what} {path}"
            );
        }
        // Where nothing is, a proof that fails is one that fails, too.
        let expected = if status == 401 { 401 } else { 404 };
        assert_eq!(
            ask(&served, "/nothing/is/here", &headers).await.0,
            expected,
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_proof_that_ended_counts_no_more() {
    let served = Served::with_people(Way::default()).await;
    let own = served.store.own();
    let bearer = async |token: &str| {
        ask(&served, "/who", &[("authorization", format!("Bearer {token}"))])
            .await
            .0
    };
    let (revoked, gone) = (
        served.token(ONE, "partner", &[]).await,
        served.token(TWO, "partner", &[]).await,
    );
    let past = NewToken {
        name: "past".to_owned(),
        organisation: ONE,
        person: None,
        role: "partner".to_owned(),
        scope: Vec::new(),
        expires: Some(1),
    };
    let mine = NewToken {
        organisation: own,
        person: Some(ANNA),
        role: "analyst".to_owned(),
        expires: None,
        ..past.clone()
    };
    let past = served.store.add_token(past).await.unwrap().secret;
    let mine = served.store.add_token(mine).await.unwrap().secret;
    assert_eq!(bearer(&past).await, 401);
    for token in [&revoked, &gone, &mine] {
        assert_eq!(bearer(token).await, 200);
    }
    let (cookie, _) = served.log_in(&served.client()).await;
    served.store.revoke_token(&revoked[4..16]).await.unwrap();
    served.store.remove_organisation(TWO).await.unwrap();
    let disabled = UserChange {
        is_disabled: Some(true),
        ..UserChange::default()
    };
    served.store.change_user(ANNA, disabled).await.unwrap();
    for token in [&revoked, &gone, &mine] {
        assert_eq!(bearer(token).await, 401);
    }
    assert_eq!(ask(&served, "/who", &[("cookie", cookie)]).await.0, 401);
    assert_eq!(
        ask(&served, "/who", &[("authorization", basic("anna", PASS_PHRASE))])
            .await
            .0,
        401
    );
}

#[tokio::test]
async fn roles_and_scopes_bind() {
    let served = Served::with_people(Way::default()).await;
    let own = served.store.own();
    for (of, role, scope, expected) in [
        // TAXII read and write, API read and write.
        (own, "admin", &[][..], [200, 200, 200, 200]),
        (own, "analyst", &[], [200, 200, 200, 200]),
        (ONE, "partner", &[], [200, 200, 403, 403]),
        (own, "sensor", &[], [200, 403, 403, 403]),
        (own, "viewer", &[], [200, 403, 200, 403]),
        (own, "admin", &["taxii:read"], [200, 403, 403, 403]),
        (ONE, "partner", &["taxii:write"], [403, 200, 403, 403]),
        (
            ONE,
            "partner",
            &["api:read", "api:write", "admin"],
            [403, 403, 403, 403],
        ),
        (own, "analyst", &["ingest"], [403, 403, 403, 403]),
        (own, "of another version", &[], [401, 401, 401, 401]),
    ] {
        let token = served.token(of, role, scope).await;
        let mut found = Vec::new();
        for (method, path) in [
            (Method::GET, "/taxii2/who"),
            (Method::POST, "/taxii2/who"),
            (Method::GET, "/api/who"),
            (Method::DELETE, "/api/who"),
        ] {
            let request = served
                .client()
                .request(method, served.url(path))
                .bearer_auth(&token);
            found.push(request.send().await.unwrap().status().as_u16());
        }
        assert_eq!(found, expected, "{role} {scope:?}");
    }
}

#[tokio::test]
async fn a_persons_token_may_what_both_may() {
    let served = Served::with_people(Way::default()).await;
    // Over TAXII and the API, reading and writing; then the tokens of the person. Anna is an analyst.
    for (role, expected) in [
        ("admin", [200, 200, 200, 200, 200]),
        ("analyst", [200, 200, 200, 200, 200]),
        ("viewer", [200, 403, 200, 403, 403]),
        ("sensor", [200, 403, 403, 403, 403]),
    ] {
        let new = NewToken {
            name: role.to_owned(),
            organisation: served.store.own(),
            person: Some(ANNA),
            role: role.to_owned(),
            scope: Vec::new(),
            expires: None,
        };
        let token = served.store.add_token(new).await.unwrap().secret;
        let mut found = Vec::new();
        for (method, path) in [
            (Method::GET, "/taxii2/who"),
            (Method::POST, "/taxii2/who"),
            (Method::GET, "/api/who"),
            (Method::POST, "/api/who"),
            (Method::GET, "/api/tokens"),
        ] {
            let request = served
                .client()
                .request(method, served.url(path))
                .bearer_auth(&token);
            found.push(request.send().await.unwrap().status().as_u16());
        }
        assert_eq!(found, expected, "{role}");
    }
}

#[tokio::test]
async fn a_refusal_says_how_to_do_better_and_nothing_else() {
    let served = Served::with_people(Way::default()).await;
    let get = async |path: &str| {
        let request = served.client().get(served.url(path)).bearer_auth("wrong");
        request.send().await.unwrap()
    };
    for (path, kind) in [
        ("/api/who", "application/problem+json"),
        ("/taxii2/who", "application/taxii+json;version=2.1"),
    ] {
        let answer = get(path).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (401, &kind.parse().unwrap())
        );
        let schemes: Vec<_> = answer
            .headers()
            .get_all("www-authenticate")
            .iter()
            .cloned()
            .collect();
        assert_eq!(
            schemes,
            [
                "Bearer realm=\"Perisai\"",
                "Basic realm=\"Perisai\", charset=\"UTF-8\""
            ]
        );
        let body: Value = answer.json().await.unwrap();
        let status = if path.starts_with("/taxii2") {
            &body["http_status"]
        } else {
            &body["status"]
        };
        assert!(*status == "401" || *status == 401, "{body}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    for tls in [false, true] {
        let served = Served::with_people(Way {
            tls,
            ..Way::default()
        })
        .await;
        for (path, token) in [
            ("/who", ""),
            ("/nothing", ""),
            ("/who", "wrong"),
            ("/api/session", ""),
        ] {
            let mut request = served.client().get(served.url(path));
            if !token.is_empty() {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.unwrap();
            let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
            for (name, expected) in [
                (
                    "content-security-policy",
                    Some("default-src 'none'; frame-ancestors 'none'"),
                ),
                ("x-content-type-options", Some("nosniff")),
                ("referrer-policy", Some("no-referrer")),
                ("cache-control", Some("no-store")),
                ("strict-transport-security", tls.then_some("max-age=15768000")),
                ("server", None),
                ("access-control-allow-origin", None),
            ] {
                assert_eq!(header(name), expected, "{name} {path} {token}");
            }
        }
    }
}

/// A key with a certificate of its own, and its fingerprint.
fn key() -> (Identity, Fingerprint) {
    let made = rcgen::generate_simple_self_signed(vec!["partner.example".to_owned()]).unwrap();
    let pem = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    (
        Identity::from_pem(pem.as_bytes()).unwrap(),
        Fingerprint::of(made.cert.der()),
    )
}

#[tokio::test]
async fn certificates_name_partners() {
    let served = Served::with_people(Way {
        tls: true,
        ..Way::default()
    })
    .await;
    let with = |identity: &Identity| served.builder().identity(identity.clone()).build().unwrap();
    let ask = async |client: &Client, token: Option<&str>| {
        let mut request = client.get(served.url("/who"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        told(request.send().await.unwrap()).await
    };
    let ((old, old_print), (new, new_print), (other, _)) = (key(), key(), key());
    for fingerprint in [old_print, new_print] {
        let certificate = NewCertificate {
            fingerprint,
            organisation: ONE,
            name: "node".to_owned(),
            valid_until: None,
        };
        served.store.add_certificate(certificate).await.unwrap();
    }
    let (old, new) = (with(&old), with(&new));
    let (one, two) = (
        served.token(ONE, "viewer", &[]).await,
        served.token(TWO, "viewer", &[]).await,
    );
    // Both at a time, so that keys rotate with overlap.
    assert_eq!(ask(&old, None).await, (200, Some(ONE)));
    assert_eq!(ask(&new, None).await, (200, Some(ONE)));
    assert_eq!(ask(&new, Some(&one)).await, (200, Some(ONE)));
    assert_eq!(
        ask(&new, Some(&two)).await,
        (401, None),
        "a certificate of one, a token of another"
    );
    assert_eq!(ask(&new, Some("wrong")).await, (401, None));
    assert_eq!(
        ask(&with(&other), None).await,
        (401, None),
        "a certificate that nobody knows"
    );
    assert_eq!(ask(&with(&other), Some(&one)).await, (401, None));
    assert_eq!(ask(&served.client(), None).await, (200, None));
    // On a connection that is open, too.
    served.store.revoke_certificate(old_print).await.unwrap();
    assert_eq!(ask(&old, None).await, (401, None));
    assert_eq!(ask(&new, None).await, (200, Some(ONE)));
    served.store.remove_organisation(ONE).await.unwrap();
    assert_eq!(ask(&new, None).await, (401, None));
}

#[tokio::test]
async fn the_first_start_makes_one_token() {
    let served = Served::start(Way::default()).await;
    let token = first_start(&served.store).await.unwrap().unwrap();
    assert_eq!(first_start(&served.store).await.unwrap(), None);
    let request = served
        .client()
        .get(served.url("/api/session"))
        .bearer_auth(&token);
    let told: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(told["role"], "admin");
    assert_eq!(told["organisation"], served.store.own().0.to_string());
    served.store.revoke_token(&token[4..16]).await.unwrap();
    assert_eq!(first_start(&served.store).await.unwrap(), None, "never another");
}
