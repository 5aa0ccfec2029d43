//! What servers get wrong while they are read.

use std::io::Write as _;

use perisai_exchange::taxii::{Client, CollectionUrl, Cursor, Note, PullOptions};
use perisai_exchange::{Auth, Error};
use serde_json::{Value, json};

use crate::server::{Asked, Server, Step, answer, impatient, json};

fn collection(server: &Server) -> CollectionUrl {
    CollectionUrl::new(&server.url.join("/api/").unwrap(), "c").unwrap()
}

/// A description of a collection, after which nothing else is asked.
fn fine() -> Vec<Step> {
    json(&json!({"id": "c", "title": "a", "can_read": true}))
}

/// What asking for a collection fails of, when each request is answered with these steps.
async fn error_of(steps: Vec<Step>) -> (Error, usize) {
    let server = Server::start(move |_, _| steps.clone()).await;
    let client = Client::new(&server.url, &impatient()).unwrap();
    let error = client.collection(&collection(&server)).await.unwrap_err();
    (error, server.asked().len())
}

const TITLE: &[u8] = br#"{"title":"No\u001b[2J way","description":"because","http_status":"401"}"#;

/// The error, without the address; and how many requests it took.
async fn check(steps: Vec<Step>, expected: &str, requests: usize) {
    let (error, count) = error_of(steps).await;
    let text = error.to_string();
    let told = text
        .split_once("/api/collections/c/: ")
        .map_or(text.as_str(), |(_, told)| told);
    assert!(told.starts_with(expected), "`{told}`, not `{expected}`");
    assert_eq!(count, requests, "{text}");
    assert_eq!(
        error.is_temporary(),
        requests > 1 || told.contains("wait until"),
        "{text}"
    );
}

#[tokio::test]
async fn what_statuses_say() {
    let title = TITLE;
    check(
        answer(401, &[], title),
        "the server does not accept the credentials: No [2J way: because",
        1,
    )
    .await;
    check(answer(403, &[], b""), "these credentials may not do this", 1).await;
    check(answer(404, &[], b"<html>"), "not found", 1).await;
    check(
        answer(406, &[], title),
        "the server answers 406: No [2J way: because",
        1,
    )
    .await;
    check(
        answer(500, &[], title),
        "the server answers 500: No [2J way: because",
        2,
    )
    .await;
    check(answer(503, &[], b""), "the server answers 503", 2).await;
    check(
        answer(429, &[("Retry-After", "3600")], b""),
        "the server asks to wait until ",
        1,
    )
    .await;
    check(
        answer(503, &[("Retry-After", "Thu, 24 Feb 2222 03:00:00 GMT")], b""),
        "the server asks to wait until ",
        1,
    )
    .await;
}

#[tokio::test]
async fn what_is_no_answer() {
    check(
        answer(200, &[("Content-Type", "text/html")], b"<html>"),
        "this is no TAXII 2.1 answer: no JSON (content type text/html)",
        1,
    )
    .await;
    check(
        answer(200, &[], b"[]"),
        "this is no TAXII 2.1 answer: no JSON object",
        1,
    )
    .await;
    check(
        answer(200, &[], b"{}"),
        "bad answer: a collection without an id",
        1,
    )
    .await;
    check(
        answer(302, &[], b""),
        "redirect refused: it does not say where to",
        1,
    )
    .await;
    check(
        answer(302, &[("Location", "file:///etc/passwd")], b""),
        "redirect refused: it leads to something else",
        1,
    )
    .await;
}

#[tokio::test]
async fn what_leads_inside() {
    // The server is on this machine, and leads to the network around it.
    for place in [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.255.255.1/",
        "https://192.168.0.1:8443/",
        "http://[fd00::1]/",
    ] {
        let (error, count) = error_of(answer(302, &[("Location", place)], b"")).await;
        assert!(matches!(error, Error::Inward { .. }), "{place}: {error}");
        assert!(
            !error.is_temporary() && error.to_string().starts_with(place),
            "{error}"
        );
        assert_eq!(count, 1, "{place}");
    }
    // To itself it may lead, by whichever name.
    let server = Server::start(move |_, asked| match asked.target.as_str() {
        "/api/collections/c/" => {
            let host = asked.header("host").unwrap().replace("127.0.0.1", "localhost");
            answer(302, &[("Location", &format!("http://{host}/there/"))], b"")
        }
        _ => fine(),
    })
    .await;
    let client = Client::new(&server.url, &impatient()).unwrap();
    assert_eq!(client.collection(&collection(&server)).await.unwrap().id, "c");
}

#[tokio::test]
async fn what_drips() {
    let begun = Step::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{\"a\":".to_vec());
    let server = Server::start(move |_, _| vec![begun.clone(), Step::Drip(" ")]).await;
    let mut settings = impatient();
    settings.limits.total = std::time::Duration::from_secs(60);
    settings.limits.speed = 100;
    let client = Client::new(&server.url, &settings).unwrap();
    let start = std::time::Instant::now();
    let error = client.collection(&collection(&server)).await.unwrap_err();
    assert!(matches!(error, Error::TooSlow { .. }), "{error}");
    assert!(
        error.to_string().contains("less than 100 bytes a second"),
        "{error}"
    );
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_does_not_come() {
    check(vec![], "cannot be reached: ", 2).await;
    check(
        vec![Step::Write(b"garbage\r\n\r\n".to_vec())],
        "cannot be reached: ",
        2,
    )
    .await;
    check(vec![Step::Hang], "timed out: 800ms without an answer", 2).await;
    let begun = Step::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{\"a\":".to_vec());
    check(
        vec![begun.clone(), Step::Hang],
        "timed out: 300ms without the rest of the answer",
        2,
    )
    .await;
    check(
        vec![begun.clone(), Step::Drip(" ")],
        "timed out: 900ms without the rest of the answer",
        2,
    )
    .await;
    check(vec![begun], "the answer breaks off after 5 bytes: ", 2).await;
    check(
        answer(200, &[], &vec![b' '; 70_000]),
        "the answer is over the limit of 65536 bytes",
        1,
    )
    .await;
    let (error, count) = error_of(answer(302, &[("Location", "?again")], b"")).await;
    assert!(
        error.to_string().contains("more than 5, one after another"),
        "{error}"
    );
    assert_eq!(count, 6);
}

#[tokio::test]
async fn nobody_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(listener);
    let error = Client::new(&url, &impatient())
        .unwrap()
        .discovery(&url)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { .. }) && error.is_temporary(),
        "{error}"
    );
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    async fn check(steps: Vec<Step>) {
        let server = Server::start(move |count, _| if count == 0 { steps.clone() } else { fine() }).await;
        let client = Client::new(&server.url, &impatient()).unwrap();
        client.collection(&collection(&server)).await.unwrap();
        assert_eq!(server.asked().len(), 2);
    }
    check(answer(503, &[], b"")).await;
    check(answer(429, &[("Retry-After", "0")], b"")).await;
    let dates = [
        ("Date", "Thu, 24 Feb 2022 03:00:00 GMT"),
        ("Retry-After", "Thu, 24 Feb 2022 03:00:00 GMT"),
    ];
    check(answer(429, &dates, b"")).await;
    check(vec![]).await;
}

#[tokio::test]
async fn credentials_stay_with_their_server() {
    let other = Server::start(|_, _| fine()).await;
    let target = other.url.join("/elsewhere").unwrap();
    let home = Server::start(move |_, asked| match asked.target.as_str() {
        "/api/collections/c/" => answer(302, &[("Location", "/moved")], b""),
        "/moved" => answer(307, &[("Location", target.as_str())], b""),
        _ => answer(404, &[], b""),
    })
    .await;
    for (auth, expected) in [
        (Auth::Bearer("t".to_owned()), "Bearer t"),
        (Auth::Key("k".to_owned()), "k"),
        (
            Auth::Basic {
                user: "u".to_owned(),
                password: "p:w".to_owned(),
            },
            "Basic dTpwOnc=",
        ),
    ] {
        let mut settings = impatient();
        settings.auth = auth;
        let client = Client::new(&home.url, &settings).unwrap();
        client.collection(&collection(&home)).await.unwrap();
        let home: Vec<Asked> = home.asked().split_off(home.asked().len() - 2);
        assert!(
            home.iter()
                .all(|asked| asked.header("authorization") == Some(expected)),
            "{home:?}"
        );
    }
    assert_eq!(other.asked().len(), 3);
    assert!(
        other
            .asked()
            .iter()
            .all(|asked| asked.header("authorization").is_none())
    );
    // An API root that is elsewhere is asked without them, too.
    let named = other.url.join("/api/").unwrap();
    let home = Server::start(move |_, _| json(&json!({"title": "a", "api_roots": [named.as_str()]}))).await;
    let mut settings = impatient();
    settings.auth = Auth::Bearer("t".to_owned());
    assert!(
        Client::new(&home.url, &settings)
            .unwrap()
            .find(&home.url, None)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(home.asked()[0].header("authorization"), Some("Bearer t"));
    assert!(other.asked().last().unwrap().header("authorization").is_none());
    // Credentials in the address are used, and not shown.
    let mut url = collection(&home).url().clone();
    url.set_username("us%25er").unwrap();
    url.set_password(Some("p")).unwrap();
    let error = Client::new(&url, &impatient())
        .unwrap()
        .find(&url, None)
        .await
        .unwrap_err();
    assert_eq!(
        home.asked().last().unwrap().header("authorization"),
        Some("Basic dXMlZXI6cA==")
    );
    assert!(!error.to_string().contains("er:p"), "{error}");
}

#[tokio::test]
async fn any_address_leads_to_collections() {
    let server = Server::start(|_, asked| match asked.target.as_str() {
        "/taxii2/" => json(&json!({"title": "a", "default": "/api/", "api_roots": ["/api/", "http://127.0.0.1:1/gone/"]})),
        "/api/" => json(&json!({"title": "b", "versions": "application/taxii+json;version=2.1", "max_content_length": "10"})),
        "/api/collections/" => answer(
            200,
            &[("Content-Type", "text/plain")],
            br#"{"collections":[{"id":"c1","title":"One","can_read":"true","x":1},{"no":"id"},{"id":"c2","alias":"two"}]}"#,
        ),
        "/api/collections/c1/" => json(&json!({"id": "c1", "title": "One"})),
        _ => answer(404, &[], b""),
    })
    .await;
    let check = async |path: &str, wanted: Option<&str>, expected: &[&str]| {
        let url = server.url.join(path).unwrap();
        let found = Client::new(&url, &impatient())
            .unwrap()
            .find(&url, wanted)
            .await
            .unwrap();
        let ids: Vec<String> = found.into_iter().map(|found| found.collection.id).collect();
        assert_eq!(ids, expected, "{path}");
    };
    check("/", None, &["c1", "c2"]).await;
    check("/taxii2", Some("two"), &["c2"]).await;
    check("/api", Some("One"), &["c1"]).await;
    check("/api/", Some("none"), &[]).await;
    check("/api/collections", None, &["c1", "c2"]).await;
    check("/api/collections/c1/objects/?limit=5", None, &["c1"]).await;
    check("/some/page", None, &["c1", "c2"]).await;
}

/// Pulls to the end; ids, broken ones and notes.
async fn pull_all(server: &Server, limit: u32) -> (Vec<String>, usize, Vec<Note>) {
    let client = Client::new(&server.url, &impatient()).unwrap();
    let options = PullOptions {
        limit,
        ..PullOptions::default()
    };
    let (mut ids, mut broken, mut notes) = (Vec::new(), 0, Vec::new());
    let mut cursor = Cursor::default();
    for _ in 0..100 {
        let page = client.pull(&collection(server), &cursor, &options).await.unwrap();
        for raw in &page.objects {
            let object: Value = serde_json::from_str(raw.get()).unwrap();
            ids.push(object["id"].as_str().unwrap().to_owned());
        }
        broken += page.broken.len();
        notes.extend(page.notes);
        cursor = page.cursor;
        if !page.more {
            return (ids, broken, notes);
        }
    }
    panic!("it does not end: {ids:?} {notes:?}");
}

/// A page of a good server with so many objects, from the query.
fn page_of(total: usize, asked: &Asked) -> (Vec<(&'static str, String)>, String) {
    let limit: usize = asked.parameter("limit").unwrap().parse().unwrap();
    let date = |index: usize| format!("2022-02-24T03:00:00.{index:06}Z");
    let begin = match (asked.parameter("next"), asked.parameter("added_after")) {
        (Some(next), _) => next.parse().unwrap(),
        (None, Some(after)) => (0..total).find(|index| date(*index) > after).unwrap_or(total),
        (None, None) => 0,
    };
    let end = (begin + limit).min(total);
    let objects: Vec<Value> = (begin..end)
        .map(|index| json!({"id": format!("o{index}"), "pad": "x".repeat(900)}))
        .collect();
    let body = json!({"objects": objects, "more": end < total, "next": end.to_string()});
    let headers = vec![
        ("X-TAXII-Date-Added-First", date(begin)),
        ("X-TAXII-Date-Added-Last", date(end - 1)),
    ];
    (headers, body.to_string())
}

fn ids(total: usize) -> Vec<String> {
    (0..total).map(|index| format!("o{index}")).collect()
}

#[tokio::test]
async fn too_large_pages_get_smaller() {
    let server = Server::start(|_, asked| {
        let (headers, body) = page_of(150, asked);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        answer(200, &headers, body.as_bytes())
    })
    .await;
    let (found, broken, notes) = pull_all(&server, 100).await;
    assert_eq!((found, broken), (ids(150), 0));
    assert!(
        matches!(&notes[..], [Note::Cut(cut)] if cut.too_much),
        "{notes:?}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_costs_nothing() {
    let server = Server::start(|count, asked| {
        let (headers, body) = page_of(20, asked);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut steps = answer(200, &headers, body.as_bytes());
        if let (1, Step::Write(bytes)) = (count, &mut steps[0]) {
            bytes.truncate(bytes.len() / 2);
        }
        steps
    })
    .await;
    let (found, _, notes) = pull_all(&server, 8).await;
    assert_eq!(found, ids(20));
    assert!(matches!(&notes[..], [Note::Cut(_)]), "{notes:?}");
}

#[tokio::test]
async fn one_bad_object_costs_itself() {
    let server = Server::start(|_, _| {
        let body = br#"{"objects":[{"id":"a"},{"id":"b","x":[1},{"id":5},"c",{"id":"d"}]}"#;
        answer(
            200,
            &[("X-TAXII-Date-Added-Last", "2022-02-24T03:00:00.000000Z")],
            body,
        )
    })
    .await;
    let (found, broken, notes) = pull_all(&server, 8).await;
    assert_eq!(
        (found, broken, notes),
        (vec!["a".to_owned(), "d".to_owned()], 3, vec![])
    );
}

#[tokio::test]
async fn a_page_size_that_is_ignored() {
    let server = Server::start(|_, asked| {
        let mut asked = asked.clone();
        asked.target = asked.target.replace("limit=2", "limit=7");
        let (headers, body) = page_of(20, &asked);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        answer(200, &headers, body.as_bytes())
    })
    .await;
    assert_eq!(pull_all(&server, 2).await, (ids(20), 0, vec![]));
}

#[tokio::test]
async fn packed_answers() {
    let pack = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    };
    let good = pack(br#"{"id":"c","title":"packed"}"#);
    let bomb = pack(&vec![b' '; 20 << 20]);
    let server = Server::start(move |count, asked| {
        assert!(asked.header("accept-encoding").unwrap().contains("gzip"));
        answer(
            200,
            &[("Content-Encoding", "gzip")],
            if count == 0 { &good } else { &bomb },
        )
    })
    .await;
    let client = Client::new(&server.url, &impatient()).unwrap();
    assert_eq!(
        client.collection(&collection(&server)).await.unwrap().title,
        "packed"
    );
    let error = client.collection(&collection(&server)).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 65_536, .. }), "{error}");
}
