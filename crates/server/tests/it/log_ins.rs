//! Logging in: cookies, other sites, rates, and how long it takes.

use std::time::{Duration, Instant};

use perisai_server::auth::{AuthSettings, Networks, Rate};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::node::{PASS_PHRASE, Served, Way};

async fn log_in(served: &Served, client: &Client, name: &str, pass_phrase: &str, from: &str) -> Response {
    let body = json!({"name": name, "pass_phrase": pass_phrase});
    let request = client.post(served.url("/api/session")).json(&body);
    request.header("x-forwarded-for", from).send().await.unwrap()
}

/// A node behind a proxy on this machine, so that requests can come from anywhere.
fn proxied() -> Way {
    Way {
        settings: AuthSettings {
            trusted_proxies: Networks::read(&["127.0.0.1"]).unwrap(),
            ..AuthSettings::default()
        },
        ..Way::default()
    }
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_and_other_sites() {
    for (tls, expected) in [
        (
            true,
            ("__Host-perisai=", "; Path=/; HttpOnly; SameSite=Strict; Secure"),
        ),
        (false, ("perisai=", "; Path=/; HttpOnly; SameSite=Strict")),
    ] {
        let served = Served::with_people(Way {
            tls,
            ..Way::default()
        })
        .await;
        let answer = log_in(&served, &served.client(), "anna", PASS_PHRASE, "").await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        let rest = cookie.strip_prefix(expected.0).unwrap();
        assert_eq!(&rest[64..], expected.1);
        assert!(
            !answer.text().await.unwrap().contains(&rest[..64]),
            "the secret is in the cookie alone"
        );
    }
}

#[tokio::test]
async fn a_session_from_log_in_to_log_out() {
    let served = Served::with_people(Way {
        tls: true,
        ..Way::default()
    })
    .await;
    let client = served.client();
    let (cookie, csrf) = served.log_in(&client).await;
    let who = async || {
        let request = client.get(served.url("/api/session")).header("cookie", &cookie);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, told) = who().await;
    assert_eq!(
        (status, &told["name"], &told["role"]),
        (200, &json!("anna"), &json!("analyst"))
    );
    assert_eq!(told["csrf"], csrf);
    let log_out = client
        .delete(served.url("/api/session"))
        .header("cookie", &cookie);
    let answer = log_out.header("x-csrf-token", &csrf).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert!(
        answer.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .ends_with("Max-Age=0")
    );
    let (status, _) = who().await;
    assert_eq!(status, 401);
    // A browser that still sends the old cookie can log in again.
    let body = json!({"name": "anna", "pass_phrase": PASS_PHRASE});
    let again = client
        .post(served.url("/api/session"))
        .header("cookie", &cookie)
        .json(&body);
    assert_eq!(again.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let served = Served::with_people(Way::default()).await;
    let client = served.client();
    let (cookie, csrf) = served.log_in(&client).await;
    let here = served.url("");
    let port = served.address.port();
    let near = format!("http://localhost:{}", port ^ 1);
    for (what, csrf, more, expected) in [
        ("as it should be", csrf.as_str(), &[][..], 200),
        ("of this origin", &csrf, &[("origin", here.as_str())], 200),
        (
            "as a browser says it",
            &csrf,
            &[("origin", here.as_str()), ("sec-fetch-site", "same-origin")],
            200,
        ),
        ("without the word", "", &[], 403),
        ("with another word", &csrf[1..], &[], 403),
        ("another site", &csrf, &[("sec-fetch-site", "cross-site")], 403),
        ("a sibling", &csrf, &[("sec-fetch-site", "same-site")], 403),
        (
            "another origin",
            &csrf,
            &[("origin", "https://evil.example")],
            403,
        ),
        ("another port", &csrf, &[("origin", near.as_str())], 403),
        ("no origin", &csrf, &[("origin", "null")], 403),
    ] {
        let mut request = client.post(served.url("/api/who")).header("cookie", &cookie);
        if !csrf.is_empty() {
            request = request.header("x-csrf-token", csrf);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        assert_eq!(request.send().await.unwrap().status(), expected, "{what}");
    }
    // Nobody is logged in as somebody else by another site.
    let body = json!({"name": "anna", "pass_phrase": PASS_PHRASE});
    let request = client.post(served.url("/api/session")).json(&body);
    let answer = request
        .header("origin", "https://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn bodies_are_checked() {
    let served = Served::with_people(Way::default()).await;
    let long = format!("{{\"name\": \"{}\"", "a".repeat(70_000));
    for (kind, body, expected) in [
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "name=anna", 415),
        ("application/json", "{", 400),
        ("application/json", "{\"name\": \"anna\"}", 400),
        (
            "application/json",
            "{\"name\": \"anna\", \"pass_phrase\": \"x\", \"more\": 1}",
            400,
        ),
        (
            "application/json; charset=utf-8",
            "{\"name\": \"anna\", \"pass_phrase\": \"x\"}",
            401,
        ),
        ("application/json", &long, 413),
        ("application/json", &"[".repeat(60_000), 400),
    ] {
        let request = served.client().post(served.url("/api/session"));
        let answer = request
            .header("content-type", kind)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status(),
            expected,
            "{kind} {}",
            &body[..body.len().min(80)]
        );
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn who_guesses_waits_and_nobody_else() {
    let served = Served::with_people(proxied()).await;
    let client = served.client();
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = log_in(&served, &client, "anna", "a guess at it", "192.0.2.1").await;
        if answer.status() == 429 {
            let after: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=3).contains(&after), "{after}");
        }
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    // The right one does not get in from there either; from elsewhere it does.
    assert_eq!(
        log_in(&served, &client, "anna", PASS_PHRASE, "192.0.2.1")
            .await
            .status(),
        429
    );
    assert_eq!(
        log_in(&served, &client, "ANNA", "a guess at it", "192.0.2.1")
            .await
            .status(),
        429
    );
    assert_eq!(
        log_in(&served, &client, "anna", PASS_PHRASE, "192.0.2.2")
            .await
            .status(),
        200
    );
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(
        log_in(&served, &client, "anna", PASS_PHRASE, "192.0.2.1")
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn an_address_that_fails_often_waits() {
    let served = Served::with_people(proxied()).await;
    let client = served.client();
    let mut seen = Vec::new();
    for _ in 0..25 {
        let request = client.get(served.url("/who")).bearer_auth("wrong");
        let answer = request
            .header("x-forwarded-for", "192.0.2.1")
            .send()
            .await
            .unwrap();
        seen.push(answer.status().as_u16());
    }
    assert_eq!((seen[0], seen[19], seen[24]), (401, 401, 429));
    let good = served.token(served.store.own(), "viewer", &[]).await;
    for (from, token, expected) in [("192.0.2.1", good.as_str(), 200), ("192.0.2.2", "wrong", 401)] {
        let request = client.get(served.url("/who")).bearer_auth(token);
        let answer = request.header("x-forwarded-for", from).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{from}");
    }
}

#[tokio::test]
async fn each_caller_has_a_rate() {
    let requests = Rate {
        burst: 5.0,
        per_second: 0.1,
    };
    let settings = AuthSettings {
        requests,
        ..AuthSettings::default()
    };
    let served = Served::with_people(Way {
        settings,
        ..Way::default()
    })
    .await;
    let own = served.store.own();
    let (one, other) = (
        served.token(own, "viewer", &[]).await,
        served.token(crate::node::ONE, "partner", &[]).await,
    );
    let ask = async |token: Option<&str>, from: &str| {
        let mut request = served
            .client()
            .get(served.url("/who"))
            .header("x-forwarded-for", from);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status().as_u16()
    };
    for (token, expected) in [(Some(one.as_str()), 429), (None, 429)] {
        for number in 0..5 {
            // No proxy is trusted, so what it says of the address changes nothing.
            assert_eq!(ask(token, &format!("192.0.2.{number}")).await, 200, "{number}");
        }
        assert_eq!(ask(token, "192.0.2.9").await, expected);
    }
    assert_eq!(ask(Some(&other), "").await, 200);
}

/// The time that a log-in takes must not say whether there is somebody of a name. Coarse: a factor of two is seen.
#[tokio::test]
async fn nobody_takes_as_long_as_somebody() {
    let served = Served::with_people(proxied()).await;
    let client = served.client();
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..9 {
        for (which, name) in ["anna", "nobody"].into_iter().enumerate() {
            let from = format!("198.51.{which}.{round}");
            let start = Instant::now();
            let answer = log_in(&served, &client, name, "a guess at it", &from).await;
            times[which].push(start.elapsed());
            assert_eq!(answer.status(), 401);
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["detail"], "wrong name or pass-phrase");
        }
    }
    let [somebody, nobody] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let (less, more) = (somebody.min(nobody), somebody.max(nobody));
    assert!(more < less * 2, "{somebody:?} {nobody:?}");
}
