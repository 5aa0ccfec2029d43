//! Pushing to servers that get it wrong.

use std::time::Duration;

use bytes::Bytes;
use perisai_exchange::taxii::{
    Client, CollectionUrl, Cursor, Fate, Outgoing, PullOptions, PushOptions, Pushed,
};
use perisai_model::{Organisation, Tlp};
use perisai_policy::{Origin, PolicyContext, Recipient, Released, Terms, release};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Asked, Server, Step, answer, impatient, json};

pub(crate) fn partner() -> Recipient {
    Recipient::organisation(Organisation(Uuid::from_u128(2)))
}

/// An object that was released to somebody.
pub(crate) fn released(object: &Value, recipient: &Recipient) -> Released<Outgoing> {
    let terms = [Terms {
        tlp: Some(Tlp::Clear),
        origin: Origin::Own,
        audience: None,
    }];
    let version = object.get("modified").and_then(Value::as_str);
    let outgoing = Outgoing {
        id: object["id"].as_str().unwrap().to_owned(),
        version: version.map(str::to_owned),
        raw: Bytes::from(object.to_string()),
    };
    let context = PolicyContext::new(Organisation(Uuid::from_u128(1)));
    release(outgoing, &terms, recipient, &context).unwrap()
}

fn object(index: usize) -> Value {
    json!({"id": format!("tool--{index}"), "modified": "2022-02-24T03:00:00.000Z", "name": "x".repeat(index)})
}

async fn push(server: &Server, count: usize, options: &PushOptions) -> Pushed {
    let objects: Vec<_> = (0..count)
        .map(|index| released(&object(index), &partner()))
        .collect();
    let at = CollectionUrl::new(&server.url.join("/api/").unwrap(), "c").unwrap();
    let client = Client::new(&server.url, &impatient()).unwrap();
    client.push(&at, partner(), &objects, options).await
}

/// The ids in an envelope.
fn sent(asked: &Asked) -> Vec<String> {
    let envelope: Value = serde_json::from_slice(&asked.body).unwrap();
    let objects = envelope["objects"].as_array().unwrap();
    objects
        .iter()
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect()
}

fn stored(asked: &Asked) -> Vec<Step> {
    let count = sent(asked).len();
    let status =
        json!({"id": "s", "status": "complete", "total_count": count, "success_count": count.to_string()});
    answer(202, &[], status.to_string().as_bytes())
}

fn options() -> PushOptions {
    PushOptions {
        patience: Duration::from_millis(400),
        look_up: false,
        ..PushOptions::default()
    }
}

#[tokio::test]
async fn envelopes_fit_the_server() {
    let server = Server::start(|_, asked| {
        assert!(asked.body.len() <= 400 && sent(asked).len() <= 3, "{asked:?}");
        assert_eq!(
            asked.header("content-type"),
            Some("application/taxii+json;version=2.1")
        );
        assert_eq!(asked.header("accept"), Some("application/taxii+json;version=2.1"));
        stored(asked)
    })
    .await;
    let options = PushOptions {
        max_content_length: Some(400),
        max_objects: 3,
        ..options()
    };
    let pushed = push(&server, 20, &options).await;
    assert!(
        pushed.stopped.is_none() && pushed.fates.iter().all(|fate| *fate == Fate::Stored),
        "{pushed:?}"
    );
    let ids: Vec<String> = server.asked().iter().flat_map(sent).collect();
    assert_eq!(
        ids,
        (0..20).map(|index| format!("tool--{index}")).collect::<Vec<_>>()
    );
    assert_eq!(pushed.statuses.len(), server.asked().len());
    assert!(server.asked().iter().all(|asked| asked.method == "POST"));
}

#[tokio::test]
async fn too_large_envelopes_are_halved() {
    let server = Server::start(|_, asked| {
        if asked.body.len() > 300 {
            answer(413, &[], b"")
        } else {
            stored(asked)
        }
    })
    .await;
    let pushed = push(&server, 20, &options()).await;
    assert!(
        pushed.fates.iter().all(|fate| *fate == Fate::Stored),
        "{pushed:?}"
    );
    // One that is too large alone is refused, and its neighbours are not.
    let server = Server::start(|_, asked| {
        if asked.body.len() > 95 {
            answer(413, &[], b"")
        } else {
            stored(asked)
        }
    })
    .await;
    let pushed = push(&server, 20, &options()).await;
    assert!(
        matches!(&pushed.fates[19], Fate::Refused(why) if why.contains("takes no")),
        "{pushed:?}"
    );
    assert_eq!(pushed.fates[0], Fate::Stored);
}

#[tokio::test]
async fn one_that_the_server_cannot_read_fails_alone() {
    let server = Server::start(|_, asked| {
        if sent(asked).contains(&"tool--7".to_owned()) {
            return answer(422, &[], br#"{"title":"Bad","description":"object"}"#);
        }
        stored(asked)
    })
    .await;
    let pushed = push(&server, 20, &options()).await;
    for (index, fate) in pushed.fates.iter().enumerate() {
        match (index, fate) {
            (7, Fate::Refused(why)) => assert!(why.ends_with("422: Bad: object"), "{why}"),
            (_, fate) => assert_eq!((*fate == Fate::Stored, index == 7), (true, false), "{index}"),
        }
    }
}

#[tokio::test]
async fn statuses_are_followed() {
    // Pending twice, then decided.
    let server = Server::start(|count, asked| match (asked.method.as_str(), count) {
        ("POST", _) => answer(202, &[], br#"{"id":"s/1","status":"pending","pending_count":2}"#),
        (_, 1) => answer(503, &[], b""),
        (_, 2 | 3) => json(&json!({"id": "s/1", "status": "pending", "pending_count": 2})),
        _ => json(
            &json!({"id": "s/1", "status": "complete", "success_count": 1, "failure_count": 1,
            "failures": [{"id": "tool--1", "version": "2022-02-24T03:00:00Z", "message": "not \u{1b}here"}]}),
        ),
    })
    .await;
    let pushed = push(&server, 2, &options()).await;
    assert_eq!(pushed.fates, [Fate::Stored, Fate::Refused("not here".to_owned())]);
    assert_eq!(server.asked()[1].target, "/api/status/s%2F1/");
    // Never decided, lost, or not given at all: to be sent again.
    for steps in [
        json(&json!({"id": "s", "status": "pending"})),
        answer(404, &[], b""),
    ] {
        let server = Server::start(move |_, asked| match asked.method.as_str() {
            "POST" => answer(
                202,
                &[],
                br#"{"id":"s","status":"pending","successes":[{"id":"tool--0"}]}"#,
            ),
            _ => steps.clone(),
        })
        .await;
        let pushed = push(&server, 2, &options()).await;
        assert!(matches!(&pushed.fates[1], Fate::Unknown(_)), "{pushed:?}");
    }
    let server = Server::start(|_, _| answer(200, &[], b"thanks")).await;
    let pushed = push(&server, 2, &options()).await;
    assert!(
        pushed.fates.iter().all(|fate| matches!(fate, Fate::Unknown(_))),
        "{pushed:?}"
    );
}

#[tokio::test]
async fn a_push_that_stops_says_what_is_open() {
    let check = async |steps: Vec<Step>| {
        let server =
            Server::start(move |count, asked| if count == 0 { stored(asked) } else { steps.clone() }).await;
        let options = PushOptions {
            max_objects: 2,
            ..options()
        };
        let pushed = push(&server, 6, &options).await;
        let open: Vec<bool> = pushed
            .fates
            .iter()
            .map(|fate| matches!(fate, Fate::Unknown(_)))
            .collect();
        assert_eq!(open, [false, false, true, true, true, true], "{pushed:?}");
        assert!(pushed.stopped.is_some());
    };
    check(vec![Step::Hang]).await;
    check(answer(401, &[], b"")).await;
    check(answer(500, &[], b"")).await;
    check(answer(429, &[("Retry-After", "600")], b"")).await;
    // What is sent to one server goes to no other.
    check(answer(307, &[("Location", "http://127.0.0.1:9/")], b"")).await;
    check(answer(302, &[("Location", "/other")], b"")).await;
}

#[tokio::test]
async fn what_was_released_to_another_stays_here() {
    let server = Server::start(|_, asked| stored(asked)).await;
    let at = CollectionUrl::new(&server.url, "c").unwrap();
    let objects = [
        released(&object(0), &Recipient::ANYBODY),
        released(&object(1), &partner()),
    ];
    let client = Client::new(&server.url, &impatient()).unwrap();
    let pushed = client.push(&at, partner(), &objects, &options()).await;
    assert!(
        matches!(&pushed.fates[..], [Fate::Refused(_), Fate::Stored]),
        "{pushed:?}"
    );
    assert_eq!(
        server.asked().iter().flat_map(sent).collect::<Vec<_>>(),
        ["tool--1"]
    );
}

/// Every call can be awaited in a task of a runtime with several threads.
#[tokio::test(flavor = "multi_thread")]
async fn calls_move_between_threads() {
    let server = Server::start(|_, asked| {
        if asked.method == "POST" {
            stored(asked)
        } else {
            json(&json!({}))
        }
    })
    .await;
    let url = server.url.clone();
    let task = tokio::spawn(async move {
        let client = Client::new(&url, &impatient()).unwrap();
        let at = CollectionUrl::new(&url, "c").unwrap();
        let objects = [released(&object(0), &partner())];
        let pushed = client.push(&at, partner(), &objects, &options()).await;
        let page = client
            .pull(&at, &Cursor::default(), &PullOptions::default())
            .await
            .unwrap();
        let found = client.find(&url, None).await;
        (pushed.fates, page.objects.len(), found.is_err())
    });
    assert_eq!(task.await.unwrap(), (vec![Fate::Stored], 0, true));
}
