//! Addresses, types, errors, rights: what each resource answers to whom.

use serde_json::{Value, json};

use crate::backend::{backends, sqlite};
use crate::client::{Ask, TAXII};
use crate::sample::{id, indicator};
use crate::served::{OTHER, PARTNER, Served, serve, serve_as};

#[tokio::test(flavor = "multi_thread")]
async fn discovery_and_the_api_root() {
    for backend in backends().await {
        let served = serve_as(&backend, |settings| {
            settings.title = "CERT of the \"interior\"".to_owned();
            settings.contact = Some("cert@interior.example".to_owned());
        })
        .await;
        for path in ["/taxii2/", "/taxii2"] {
            let answer = served.get("", path).await;
            assert_eq!(answer.header("content-type"), Some(TAXII));
            let expected = json!({
                "title": "CERT of the \"interior\"", "contact": "cert@interior.example",
                "default": "/taxii2/api/", "api_roots": ["/taxii2/api/"],
            });
            assert_eq!(answer.json(), expected, "{path}");
        }
        for path in ["/taxii2/api/", "/taxii2/api"] {
            let expected = json!({
                "title": "CERT of the \"interior\"", "versions": [TAXII], "max_content_length": 104_857_600,
            });
            assert_eq!(served.get("", path).await.json(), expected, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_by_right() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let both = served.basket("both", &[(PARTNER, "rw"), (OTHER, "r")]).await;
        served.basket("inbox", &[(PARTNER, "w")]).await;
        served.basket("secret", &[]).await;
        let own = served.node.store().own();
        let check = async |user: &str, expected: &str| {
            let answer = served.get(user, "/taxii2/api/collections/").await.json();
            let listed = answer["collections"].as_array().cloned().unwrap_or_default();
            let right = |one: &Value, name: &str, word: &'static str| {
                if one[name] == json!(true) { word } else { "" }
            };
            let found: Vec<_> = listed
                .iter()
                .map(|one| {
                    let words = [right(one, "can_read", "r"), right(one, "can_write", "w")].concat();
                    format!("{} {words}", one["alias"].as_str().unwrap())
                })
                .collect();
            assert_eq!(found.join(", "), expected, "{user}");
        };
        check("admin", "both rw, inbox rw, secret rw").await;
        check("analyst", "both rw, inbox rw, secret rw").await;
        check("viewer", "both r, inbox r, secret r").await;
        check("sensor", "both r, inbox r, secret r").await;
        check("partner", "both rw, inbox w").await;
        check("other", "both r").await;
        let rights = perisai_store::Rights {
            read: false,
            write: true,
        };
        served.node.store().grant("inbox", own, rights).await.unwrap();
        check("sensor", "both r, inbox rw, secret r").await;
        let one = served.get("other", &both).await.json();
        let expected = json!({
            "id": served.node.store().collection("both").unwrap().id, "title": "All of both", "alias": "both",
            "can_read": true, "can_write": false,
            "media_types": ["application/stix+json;version=2.1", "application/stix+json;version=2.0"],
        });
        assert_eq!(one, expected);
        assert_eq!(
            served.get("other", "/taxii2/api/collections/both").await.json(),
            expected
        );
        let empty = sqlite();
        let none = serve(&empty).await;
        assert_eq!(
            none.get("partner", "/taxii2/api/collections/").await.json(),
            json!({})
        );
    }
}

/// Who gets what: collection, user (`-` is nobody), method, resource, status. `EACH` stands for all that can be read,
/// `READ` for all of it but the collection itself.
const TABLE: &str = "
    own - GET EACH 401
    own partner GET EACH 200
    own other GET EACH 200
    own viewer HEAD EACH 200
    own other OPTIONS EACH 204
    own other PUT EACH 405
    own other PATCH EACH 405
    secret - GET EACH 401
    secret partner GET EACH 404
    secret other HEAD EACH 404
    inbox partner GET READ 403
    inbox other GET EACH 404
    inbox partner GET . 200
    inbox admin GET READ 200
    own - POST objects/ 401
    own other POST objects/ 403
    own viewer POST objects/ 403
    own sensor POST objects/ 403
    own partner POST objects/ 202
    own analyst POST objects/ 202
    inbox partner POST objects/ 202
    inbox other POST objects/ 404
    secret partner POST objects/ 404
    secret admin POST objects/ 202
    inbox partner DELETE OBJECT/ 403
    own - DELETE OBJECT/ 401
    own other DELETE OBJECT/ 403
    own viewer DELETE OBJECT/ 403
    own partner DELETE manifest/ 405
    own partner GET nothing/ 404
    own - GET nothing/ 404
    own partner GET objects/indicator--x/ 404
    own partner GET objects/%ff/ 404
    absent - GET EACH 401
    absent admin GET EACH 404
    absent admin POST objects/ 404
    status - GET x/ 401
    status admin GET x/ 404
    status admin POST x/ 405
";

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_what() {
    let of_object = format!("objects/{}/", id("indicator", 1));
    for backend in backends().await {
        let served = serve(&backend).await;
        let places = [
            (
                "own",
                served.basket("own", &[(PARTNER, "rw"), (OTHER, "r")]).await,
            ),
            ("inbox", served.basket("inbox", &[(PARTNER, "w")]).await),
            ("secret", served.basket("secret", &[]).await),
            (
                "absent",
                "/taxii2/api/collections/5a3e0b1c-0f2d-4c7a-8a3e-4b1f7f1d2c3b/".to_owned(),
            ),
            ("status", "/taxii2/api/status/".to_owned()),
        ];
        served.store(PARTNER, "own", &[indicator(1, 1)]).await;
        served.store(PARTNER, "inbox", &[indicator(1, 1)]).await;
        let reads = [".", "objects/", "manifest/", "OBJECT/", "OBJECT/versions/"];
        for line in TABLE.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<_> = line.split_whitespace().collect();
            let [place, user, method, resource, status] = words[..] else {
                panic!("{line}");
            };
            let place = places.iter().find(|(name, _)| *name == place).unwrap();
            let resources = match resource {
                "EACH" => &reads[..],
                "READ" => &reads[1..],
                _ => &[resource],
            };
            for resource in resources {
                let resource = resource.trim_matches('.').replace("OBJECT/", &of_object);
                let path = format!("{}{resource}", place.1);
                check(
                    &served,
                    user.trim_matches('-'),
                    method,
                    &path,
                    status.parse().unwrap(),
                )
                .await;
            }
        }
    }
}

/// With the final `/` and without.
async fn check(served: &Served, user: &str, method: &str, path: &str, expected: u16) {
    for path in [path, path.trim_end_matches('/')] {
        let ask = Ask {
            method,
            ..Ask::post(user, path, b"{}")
        };
        let answer = ask.send(served.to).await;
        assert_eq!(answer.status, expected, "{user} {method} {path}");
        let kind = (answer.status != 204).then_some(TAXII);
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(answer.header("www-authenticate").is_some(), expected == 401);
        if expected >= 400 && method != "HEAD" {
            is_told(&answer.json(), expected);
        }
    }
}

/// An error says all that it must.
fn is_told(body: &Value, status: u16) {
    assert_eq!(body["http_status"], json!(status.to_string()), "{body}");
    for name in ["title", "description", "error_id"] {
        assert!(!body[name].as_str().unwrap().is_empty(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_and_methods() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let path = served.basket("own", &[]).await + "objects/";
        let check = async |method: &str, headers: &[(&str, &str)], expected: u16, allow: Option<&str>| {
            let ask = Ask {
                method,
                headers: headers.to_vec(),
                ..Ask::post("admin", &path, b"{\"objects\":[]}")
            };
            let answer = ask.send(served.to).await;
            assert_eq!(answer.status, expected, "{method} {headers:?}");
            assert_eq!(answer.header("allow"), allow, "{method}");
        };
        let accept = |kind| [("Accept", kind), ("Content-Type", TAXII)];
        for kind in [TAXII, "application/taxii+json", "*/*", "text/html, */* ; q=0.1"] {
            check("GET", &accept(kind), 200, None).await;
            check("POST", &accept(kind), 202, None).await;
        }
        for kind in [
            "application/json",
            "application/taxii+json;version=2.0",
            "text/html",
        ] {
            check("GET", &accept(kind), 406, None).await;
            check("POST", &accept(kind), 406, None).await;
        }
        for kind in [
            "application/json",
            "application/stix+json;version=2.1",
            "application/taxii+json;version=2.2",
        ] {
            check("POST", &[("Content-Type", kind)], 415, None).await;
        }
        check("POST", &[], 415, None).await;
        check(
            "POST",
            &[("Content-Type", TAXII), ("Content-Encoding", "gzip")],
            415,
            None,
        )
        .await;
        check("POST", &[("Content-Type", "application/taxii+json")], 202, None).await;
        let allow = Some("GET, HEAD, POST, OPTIONS");
        check("DELETE", &[], 405, allow).await;
        check("OPTIONS", &[("Accept", "text/html")], 204, allow).await;
        let head = Ask {
            method: "HEAD",
            ..Ask::get("admin", &path)
        }
        .send(served.to)
        .await;
        assert_eq!((head.header("content-length"), head.body.len()), (Some("2"), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_are_for_who_sent() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let inbox = served.basket("inbox", &[(PARTNER, "w"), (OTHER, "w")]).await;
        let status = served.push("partner", &inbox, &[indicator(1, 1)]).await;
        let path = format!("/taxii2/api/status/{}/", status["id"].as_str().unwrap());
        assert_eq!(served.get("partner", &path).await.json(), status);
        assert_eq!(
            served.get("partner", path.trim_end_matches('/')).await.json(),
            status
        );
        for user in ["other", "admin"] {
            assert_eq!(served.get(user, &path).await.status, 404, "{user}");
        }
    }
}

/// All that is served here, so that no route is without a test of who may ask it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_anything_below_the_root() {
    let backend = sqlite();
    let served: Served = serve(&backend).await;
    let collection = served.basket("own", &[]).await;
    let object = format!("{collection}objects/{}/", id("indicator", 1));
    served.store(PARTNER, "own", &[indicator(1, 1)]).await;
    for path in [
        "/taxii2/api/collections/",
        "/taxii2/api/status/5a3e0b1c-0f2d-4c7a-8a3e-4b1f7f1d2c3b/",
        &collection,
        &format!("{collection}objects/"),
        &format!("{collection}manifest/"),
        &object,
        &format!("{object}versions/"),
    ] {
        let answer = served.get("", path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Basic realm=\"Perisai\", Bearer")
        );
    }
}
