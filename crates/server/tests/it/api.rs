//! The API: people and keys, from end to end.

use perisai_store::Fingerprint;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::node::{ANNA, ONE, PASS_PHRASE, Served, Way};

/// Asks with a token.
async fn ask(
    served: &Served,
    token: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let method: Method = method.parse().unwrap();
    let mut request = served
        .client()
        .request(method, served.url(path))
        .bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

/// What an address says, as it says it.
pub(crate) async fn text_of(address: &std::net::SocketAddr, token: &str, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("http://{address}{path}")).bearer_auth(token);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn started() -> (Served, String) {
    let served = Served::with_people(Way::default()).await;
    let admin = served.token(served.store.own(), "admin", &[]).await;
    (served, admin)
}

/// Every route, with a body that it takes.
fn routes() -> Vec<(&'static str, String, Option<Value>)> {
    let (one, anna) = (ONE.0, ANNA.0);
    let print = Fingerprint::of(b"a certificate");
    vec![
        ("GET", "/api/organisations".to_owned(), None),
        (
            "POST",
            "/api/organisations".to_owned(),
            Some(json!({"name": "Three"})),
        ),
        ("GET", format!("/api/organisations/{one}"), None),
        (
            "PATCH",
            format!("/api/organisations/{one}"),
            Some(json!({"community": true})),
        ),
        ("GET", "/api/groups".to_owned(), None),
        (
            "POST",
            "/api/groups".to_owned(),
            Some(json!({"id": one, "name": "A group"})),
        ),
        ("PUT", format!("/api/groups/{one}/members/{one}"), None),
        ("DELETE", format!("/api/groups/{one}/members/{one}"), None),
        ("DELETE", format!("/api/groups/{one}"), None),
        ("GET", "/api/users".to_owned(), None),
        (
            "POST",
            "/api/users".to_owned(),
            Some(json!({"name": "boris", "role": "viewer"})),
        ),
        (
            "PATCH",
            format!("/api/users/{anna}"),
            Some(json!({"reads_red": true})),
        ),
        ("GET", "/api/tokens".to_owned(), None),
        (
            "POST",
            "/api/tokens".to_owned(),
            Some(json!({"name": "x", "role": "viewer"})),
        ),
        ("GET", "/api/certificates".to_owned(), None),
        (
            "POST",
            "/api/certificates".to_owned(),
            Some(json!({"fingerprint": print.to_string(), "organisation": one, "name": "x"})),
        ),
        ("DELETE", format!("/api/certificates/{print}"), None),
        ("DELETE", format!("/api/users/{anna}"), None),
        ("DELETE", format!("/api/organisations/{one}"), None),
    ]
}

#[tokio::test]
async fn only_who_runs_the_node_keeps_people_and_keys() {
    let (served, admin) = started().await;
    let own = served.store.own();
    for (of, role, scope) in [
        (own, "analyst", &[][..]),
        (own, "sensor", &[]),
        (own, "viewer", &[]),
        (ONE, "partner", &[]),
        (own, "admin", &["api:read", "api:write"]),
    ] {
        let token = served.token(of, role, scope).await;
        for (method, path, body) in routes() {
            let (status, _) = ask(&served, &token, method, &path, body).await;
            assert_eq!(status, 403, "{role} {method} {path}");
        }
    }
    for (method, path, body) in routes() {
        let mut request = served
            .client()
            .request(method.parse().unwrap(), served.url(&path));
        if let Some(body) = body {
            request = request.json(&body);
        }
        assert_eq!(
            request.send().await.unwrap().status(),
            401,
            "anybody {method} {path}"
        );
    }
    for (method, path, body) in routes() {
        let (status, told) = ask(&served, &admin, method, &path, body).await;
        assert!(status.is_success(), "{method} {path} {status} {told}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of what is told")]
async fn what_is_wrong_is_told() {
    let (served, admin) = started().await;
    let one = ONE.0;
    for (method, path, body, expected, detail) in [
        (
            "POST",
            "/api/organisations",
            json!({"name": "One"}),
            409,
            "there is an organisation `One` already",
        ),
        (
            "POST",
            "/api/organisations",
            json!({"name": " "}),
            422,
            "organisation: a name has 1 to 200 bytes",
        ),
        (
            "POST",
            "/api/organisations",
            json!({"name": "x", "admin": true}),
            400,
            "unknown field `admin`",
        ),
        ("POST", "/api/organisations", json!([]), 400, "the body: "),
        (
            "POST",
            "/api/organisations",
            json!({"name": "a/b"}),
            422,
            "no `/`",
        ),
        (
            "PATCH",
            &format!("/api/organisations/{one}"),
            json!({"name": ".."}),
            422,
            "no names",
        ),
        ("POST", "/api/groups", json!({"name": "."}), 422, "no names"),
        (
            "POST",
            "/api/users",
            json!({"name": "a\nb", "role": "viewer"}),
            422,
            "no control characters",
        ),
        (
            "PATCH",
            &format!("/api/organisations/{}", ANNA.0),
            json!({}),
            404,
            "there is no organisation",
        ),
        ("PATCH", "/api/organisations/..%2f", json!({}), 404, ""),
        (
            "GET",
            "/api/organisations?limit=0",
            Value::Null,
            400,
            "limit is 1 to 500",
        ),
        (
            "GET",
            "/api/organisations?limit=501",
            Value::Null,
            400,
            "limit is 1 to 500",
        ),
        (
            "GET",
            "/api/organisations?more=1",
            Value::Null,
            400,
            "unknown field `more`",
        ),
        (
            "GET",
            "/api/certificates?after=x",
            Value::Null,
            400,
            "a fingerprint is a SHA-256",
        ),
        (
            "POST",
            "/api/users",
            json!({"name": "x", "role": "root"}),
            400,
            "unknown variant `root`",
        ),
        (
            "POST",
            "/api/users",
            json!({"name": "x", "role": "admin", "organisation": one}),
            422,
            "only who is of our own",
        ),
        (
            "POST",
            "/api/users",
            json!({"name": "x", "role": "viewer", "pass_phrase": "short"}),
            422,
            "at least 12",
        ),
        (
            "POST",
            "/api/users",
            json!({"name": "x", "role": "viewer", "pass_phrase": "password1234"}),
            422,
            "first",
        ),
        (
            "POST",
            "/api/tokens",
            json!({"name": "x", "role": "admin", "organisation": one}),
            422,
            "only who is of our own",
        ),
        (
            "POST",
            "/api/tokens",
            json!({"name": "x", "role": "viewer", "scope": ["all"]}),
            422,
            "`all` is no word",
        ),
        (
            "POST",
            "/api/tokens",
            json!({"name": "x", "role": "viewer", "expires": "2020-01-01T00:00:00Z"}),
            400,
            "past",
        ),
        (
            "POST",
            "/api/tokens",
            json!({"name": "x", "role": "viewer", "person": one}),
            404,
            "there is no user",
        ),
        (
            "POST",
            "/api/certificates",
            json!({"name": "x", "organisation": one, "fingerprint": "ab"}),
            400,
            "64 hexadecimal",
        ),
        (
            "DELETE",
            &format!("/api/organisations/{}", served.store.own().0),
            Value::Null,
            422,
            "its own",
        ),
        (
            "DELETE",
            "/api/tokens/000000000000",
            Value::Null,
            404,
            "there is no token",
        ),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        let (status, told) = ask(&served, &admin, method, path, body).await;
        assert_eq!(
            (status.as_u16(), &told["status"]),
            (expected, &json!(expected)),
            "{method} {path} {told}"
        );
        assert!(
            told["detail"].as_str().unwrap_or_default().contains(detail),
            "{method} {path} {told}"
        );
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let (served, admin) = started().await;
    for number in 0..25 {
        let body = json!({"name": format!("organisation {number:02}")});
        assert_eq!(
            ask(&served, &admin, "POST", "/api/organisations", Some(body))
                .await
                .0,
            201
        );
    }
    let (mut names, mut path) = (Vec::new(), "/api/organisations?limit=7".to_owned());
    loop {
        let (_, page) = ask(&served, &admin, "GET", &path, None).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 7);
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/organisations?limit=7&after={}", next.replace(' ', "%20"));
    }
    let is_sorted = names.is_sorted_by(|one, other| one < other);
    assert_eq!((names.len(), is_sorted), (28, true), "{names:?}");
}

#[tokio::test]
async fn a_token_from_its_making_to_its_end() {
    let (served, admin) = started().await;
    let wanted = json!({
        "name": "pull", "organisation": ONE.0, "role": "partner", "scope": ["taxii:read"],
        "expires": "2099-01-01T00:00:00Z",
    });
    let (status, issued) = ask(&served, &admin, "POST", "/api/tokens", Some(wanted)).await;
    assert_eq!(
        (status.as_u16(), &issued["token"]["expires"]),
        (201, &json!("2099-01-01T00:00:00Z"))
    );
    let secret = issued["secret"].as_str().unwrap().to_owned();
    let id = issued["token"]["id"].as_str().unwrap().to_owned();
    assert!(secret.starts_with(&format!("prs_{id}_")));
    let (status, who) = ask(&served, &secret, "GET", "/api/session", None).await;
    assert_eq!((status.as_u16(), &who["may"]), (200, &json!(["taxii:read"])));
    assert_eq!(ask(&served, &secret, "GET", "/taxii2/who", None).await.0, 200);
    assert_eq!(ask(&served, &secret, "POST", "/taxii2/who", None).await.0, 403);
    let (_, all) = ask(&served, &admin, "GET", "/api/tokens", None).await;
    assert!(!all.to_string().contains(&secret[17..]), "it is shown once");
    assert_eq!(
        ask(&served, &admin, "DELETE", &format!("/api/tokens/{id}"), None)
            .await
            .0,
        204
    );
    assert_eq!(ask(&served, &secret, "GET", "/api/session", None).await.0, 401);
}

#[tokio::test]
async fn people_see_and_revoke_their_own_tokens_and_no_others() {
    let (served, admin) = started().await;
    let token = async |person: Value, role: &str, scope: &[&str]| {
        let wanted = json!({"name": "x", "role": role, "person": person, "scope": scope});
        let (_, issued) = ask(&served, &admin, "POST", "/api/tokens", Some(wanted)).await;
        let id = issued["token"]["id"].as_str().unwrap().to_owned();
        (id, issued["secret"].as_str().unwrap().to_owned())
    };
    let (mine, secret) = token(json!(ANNA.0), "analyst", &[]).await;
    let (narrow, narrow_secret) = token(json!(ANNA.0), "analyst", &["ingest"]).await;
    let (others, others_secret) = token(Value::Null, "viewer", &[]).await;
    let client = served.client();
    let (cookie, csrf) = served.log_in(&client).await;
    let list = client
        .get(served.url("/api/tokens"))
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    let list: Value = list.json().await.unwrap();
    let mut ids: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let mut expected = [mine.as_str(), narrow.as_str()];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    let revoke = async |id: &str| {
        let request = client
            .delete(served.url(&format!("/api/tokens/{id}")))
            .header("cookie", &cookie);
        request
            .header("x-csrf-token", &csrf)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(revoke(&others).await, 404);
    assert_eq!(revoke("000000000000").await, 404);
    // One that leaked and is narrow does not take the others with it; one that is nobody's own sees none.
    assert_eq!(
        ask(
            &served,
            &narrow_secret,
            "DELETE",
            &format!("/api/tokens/{mine}"),
            None
        )
        .await
        .0,
        403
    );
    assert_eq!(
        ask(&served, &others_secret, "GET", "/api/tokens", None).await.0,
        403
    );
    assert_eq!(revoke(&narrow).await, 204);
    assert_eq!(
        ask(&served, &narrow_secret, "GET", "/api/session", None).await.0,
        401
    );
    assert_eq!(
        ask(&served, &secret, "DELETE", &format!("/api/tokens/{mine}"), None)
            .await
            .0,
        204
    );
    assert_eq!(ask(&served, &secret, "GET", "/api/session", None).await.0, 401);
}

#[tokio::test]
async fn a_persons_token_may_what_the_person_may() {
    let (served, admin) = started().await;
    let wanted = json!({"name": "x", "role": "analyst", "person": ANNA.0});
    let (_, issued) = ask(&served, &admin, "POST", "/api/tokens", Some(wanted.clone())).await;
    let secret = issued["secret"].as_str().unwrap();
    assert_eq!(ask(&served, secret, "POST", "/api/who", None).await.0, 200);
    let path = format!("/api/users/{}", ANNA.0);
    ask(&served, &admin, "PATCH", &path, Some(json!({"role": "viewer"}))).await;
    assert_eq!(ask(&served, secret, "POST", "/api/who", None).await.0, 403);
    // One that could never be used is not made.
    let (status, told) = ask(&served, &admin, "POST", "/api/tokens", Some(wanted)).await;
    assert_eq!(status, 422, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("is viewer"), "{told}");
    // A new pass-phrase counts at once, and the old one no more.
    let new = "another pass-phrase";
    ask(&served, &admin, "PATCH", &path, Some(json!({"pass_phrase": new}))).await;
    for (pass_phrase, expected) in [(PASS_PHRASE, 401), (new, 200)] {
        let body = json!({"name": "anna", "pass_phrase": pass_phrase});
        let answer = served
            .client()
            .post(served.url("/api/session"))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected);
    }
    let (_, users) = ask(&served, &admin, "GET", "/api/users", None).await;
    assert!(!users.to_string().contains("argon2"), "{users}");
    assert_eq!(ask(&served, &admin, "DELETE", &path, None).await.0, 204);
    assert_eq!(ask(&served, secret, "GET", "/api/session", None).await.0, 401);
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let (served, admin) = started().await;
    for (method, path, expected, title) in [
        ("GET", "/", 404, "Not Found"),
        ("GET", "/api/nope", 404, "Not Found"),
        ("GET", "/nothing/at/all", 404, "Not Found"),
        ("DELETE", "/healthz", 405, "Method Not Allowed"),
        ("PATCH", "/api/organisations", 405, "Method Not Allowed"),
    ] {
        for token in [None, Some(&admin)] {
            let mut request = served.client().request(method.parse().unwrap(), served.url(path));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
            let allow = answer.headers().contains_key("allow");
            assert_eq!(
                (status, kind.as_str(), allow),
                (expected, "application/problem+json", expected == 405),
                "{method} {path}"
            );
            let told: Value = answer.json().await.unwrap();
            assert_eq!(
                (&told["title"], &told["status"]),
                (&json!(title), &json!(expected))
            );
        }
    }
    // TAXII has errors of its own.
    let answer = served
        .client()
        .get(served.url("/taxii2/nope/"))
        .bearer_auth(&admin)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.json::<Value>().await.unwrap()["http_status"], "404");
}
