//! What must not leave does not: one object of every marking and audience, every route there is, every kind of caller, and
//! not a byte of what is not for them in any answer.

use std::collections::BTreeSet;

use perisai_model::{Audience, Organisation, Person, SharingGroup, Tlp};
use perisai_server::routes;
use perisai_store::{
    Delivery, NewCollection, NewSource, NewToken, NewUser, Query, Rights, SourceKind, Store,
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::node::{ANNA, ONE, Served, TWO, Way};
use crate::sample::id;

/// A stranger, and a member of a sharing group.
const THREE: Organisation = Organisation(Uuid::from_u128(0x4000_8000_0000_0000_0030));
const FOUR: Organisation = Organisation(Uuid::from_u128(0x4000_8000_0000_0000_0040));
const GROUP: SharingGroup = SharingGroup(Uuid::from_u128(0x4000_8000_0000_0000_0050));
/// A person of a partner.
const CLARA: Person = Person(Uuid::from_u128(0x4000_8000_0000_0000_0060));

/// Who there is, as the table below calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// Our own people and programs.
    Own,
    /// One of our people, who takes RED.
    Anna,
    /// Of the community.
    One,
    /// A person of that partner.
    Clara,
    /// A client of ours.
    Two,
    /// Nothing to us.
    Three,
    /// In a sharing group.
    Four,
}
use Who::{Anna, Clara, Four, One, Own, Three, Two};

const ALL: &[Who] = &[Own, Anna, One, Clara, Two, Three, Four];

/// An object that is taken in, and who alone may know of it.
struct Secret {
    object: Value,
    source: Option<Organisation>,
    audience: Option<Audience>,
    known_to: &'static [Who],
}

impl Secret {
    /// The word that stands in it and in no other.
    fn word(number: u128) -> String {
        format!("zq{:08x}", 0x5eed_0000 + number * 7919)
    }
}

fn indicator(number: u128, markings: &[&str]) -> Value {
    let word = Secret::word(number);
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": id("indicator", 7000 + number),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T01:00:00.000Z", "name": word,
        "labels": [format!("label-{word}")], "pattern": format!("[domain-name:value = '{word}.example']"),
        "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
    });
    if !markings.is_empty() {
        object["object_marking_refs"] = json!(markings);
    }
    object
}

fn marked(number: u128, tlp: Tlp) -> Value {
    indicator(number, &[tlp.stix_id()])
}

fn naming(number: u128, named: &Value) -> Value {
    let mut note = marked(number, Tlp::Clear);
    note["type"] = json!("note");
    note["id"] = json!(id("note", 7000 + number));
    note["content"] = note["name"].take();
    note["object_refs"] = json!([named["id"]]);
    for gone in ["name", "pattern", "pattern_type", "valid_from"] {
        note.as_object_mut().unwrap().remove(gone);
    }
    note
}

fn own(object: Value, known_to: &'static [Who]) -> Secret {
    Secret {
        object,
        source: None,
        audience: None,
        known_to,
    }
}

/// One object of every marking and audience. Whoever is named here may know it, and nobody else.
fn secrets() -> Vec<Secret> {
    let purple = id("marking-definition", 7999);
    let statement = id("marking-definition", 7998);
    let mut granular = marked(7, Tlp::Clear);
    granular["granular_markings"] = json!([{"marking_ref": Tlp::Red.stix_id(), "selectors": ["name"]}]);
    let audience = |organisations: &[Organisation], groups: &[SharingGroup], persons: &[Person]| {
        Some(Audience {
            organisations: organisations.iter().copied().collect(),
            groups: groups.iter().copied().collect(),
            persons: persons.iter().copied().collect(),
        })
    };
    let strict = marked(3, Tlp::AmberStrict);
    let for_clara = marked(10, Tlp::Red);
    let mut later = marked(18, Tlp::AmberStrict);
    later["id"] = json!(id("indicator", 7000));
    later["modified"] = json!("2026-02-01T00:00:00.000Z");
    let mut address = json!({
        "type": "ipv4-addr", "spec_version": "2.1", "id": id("ipv4-addr", 7014), "value": "192.0.2.114",
        "object_marking_refs": [Tlp::Red.stix_id()],
    });
    address["x_word"] = json!(Secret::word(14));
    let mut by_one = marked(12, Tlp::Green);
    by_one["created_by_ref"] = json!(format!("identity--{}", ONE.0));
    vec![
        own(marked(0, Tlp::Clear), ALL),
        own(marked(1, Tlp::Green), &[Own, Anna, One, Clara, Two]),
        own(marked(2, Tlp::Amber), &[Own, Anna, Two]),
        own(strict.clone(), &[Own, Anna]),
        own(marked(4, Tlp::Red), &[Anna]),
        own(indicator(5, &[]), &[Own, Anna]),
        own(indicator(6, &[&purple]), &[Anna]),
        own(granular, &[Anna]),
        Secret {
            audience: audience(&[ONE], &[], &[]),
            ..own(marked(8, Tlp::Amber), &[Own, Anna, One, Clara])
        },
        Secret {
            audience: audience(&[], &[GROUP], &[]),
            ..own(marked(9, Tlp::Green), &[Own, Anna, Four])
        },
        Secret {
            audience: audience(&[], &[], &[CLARA]),
            ..own(for_clara.clone(), &[Clara])
        },
        Secret {
            source: Some(THREE),
            ..own(marked(11, Tlp::Amber), &[Own, Anna, Two, Three])
        },
        Secret {
            source: Some(THREE),
            ..own(by_one, &[Own, Anna, One, Clara, Two, Three])
        },
        own(naming(13, &strict), &[Own, Anna]),
        own(address, &[Anna]),
        own(naming(15, &for_clara), &[Clara]),
        own(
            indicator(16, &["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"]),
            ALL,
        ),
        own(indicator(17, &[&statement]), &[Own, Anna]),
        own(later, &[Own, Anna]),
    ]
}

/// Definitions of a TLP label that there is not, and of a statement, which is no TLP.
fn definitions() -> Vec<Value> {
    let common = |number: u128, kind: &str, body: Value| {
        json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", number),
            "created": "2026-01-01T00:00:00.000Z", "definition_type": kind, "definition": body})
    };
    vec![
        common(7999, "tlp", json!({"tlp": "purple"})),
        common(7998, "statement", json!({"statement": "Copyright"})),
    ]
}

/// Somebody who asks.
struct Caller {
    name: &'static str,
    who: Option<Who>,
    token: Option<String>,
    /// By the socket of who runs the node.
    client: Client,
}

impl Caller {
    fn may_know(&self, secret: &Secret) -> bool {
        self.who.is_some_and(|who| secret.known_to.contains(&who))
    }

    fn request(&self, served: &Served, method: &Method, path: &str) -> RequestBuilder {
        let mut request = self.client.request(method.clone(), served.url(path));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if path.starts_with("/taxii2") {
            request = request.header("accept", "application/taxii+json;version=2.1");
        }
        if !method.is_safe() {
            let kind = if path.starts_with("/taxii2") {
                "application/taxii+json;version=2.1"
            } else {
                "application/json"
            };
            request = request.header("content-type", kind).body("{}");
        }
        request
    }
}

struct Set {
    served: Served,
    secrets: Vec<Secret>,
    callers: Vec<Caller>,
    collection: String,
}

async fn take(store: &Store, source: Option<Organisation>, audience: Option<Audience>, objects: &[Value]) {
    let new = match source {
        None => NewSource {
            name: "own".to_owned(),
            kind: SourceKind::Own,
            organisation: Some(store.own()),
            tlp: None,
        },
        Some(organisation) => NewSource {
            name: organisation.0.to_string(),
            kind: SourceKind::Partner,
            organisation: Some(organisation),
            tlp: None,
        },
    };
    let source = store.ensure_source(new).await.unwrap().number;
    let delivery = Delivery {
        source,
        collection: None,
        tlp: None,
        audience,
        objects: objects
            .iter()
            .map(|object| object.to_string().into_bytes())
            .collect(),
    };
    for receipt in store.ingest(delivery).await.unwrap() {
        assert_eq!(
            receipt.outcome,
            perisai_store::Outcome::Stored,
            "{:?}",
            receipt.id
        );
    }
}

async fn set() -> Set {
    let served = Served::with_people(Way::unlimited()).await;
    let store = &served.store;
    for (organisation, name) in [(THREE, "Three"), (FOUR, "Four")] {
        store
            .add_organisation(organisation, name, false, false)
            .await
            .unwrap();
    }
    let change = |is_client, in_community| perisai_store::OrganisationChange {
        is_client: Some(is_client),
        in_community: Some(in_community),
        ..Default::default()
    };
    store.change_organisation(ONE, change(false, true)).await.unwrap();
    store.change_organisation(TWO, change(true, false)).await.unwrap();
    store.add_group(GROUP, "Group").await.unwrap();
    store.add_member(GROUP, FOUR).await.unwrap();
    let reads_red = perisai_store::UserChange {
        reads_red: Some(true),
        ..Default::default()
    };
    store.change_user(ANNA, reads_red).await.unwrap();
    let clara = NewUser {
        id: CLARA,
        name: "clara".to_owned(),
        organisation: ONE,
        role: "viewer".to_owned(),
        pass_phrase: None,
        reads_red: true,
    };
    store.add_user(clara).await.unwrap();
    let new = NewCollection {
        alias: Some("all".to_owned()),
        title: "All".to_owned(),
        query: Some(Query::default()),
        ..NewCollection::default()
    };
    let collection = store.create_collection(new).await.unwrap().id.to_string();
    for organisation in [ONE, TWO, THREE, FOUR] {
        let rights = Rights {
            read: true,
            write: true,
        };
        store.grant("all", organisation, rights).await.unwrap();
    }
    take(store, None, None, &definitions()).await;
    let secrets = secrets();
    for secret in &secrets {
        take(
            store,
            secret.source,
            secret.audience.clone(),
            std::slice::from_ref(&secret.object),
        )
        .await;
    }
    while store.fold().await.unwrap() {}
    let callers = callers(&served).await;
    Set {
        served,
        secrets,
        callers,
        collection,
    }
}

async fn callers(served: &Served) -> Vec<Caller> {
    let own = served.store.own();
    let mut all = vec![Caller {
        name: "anybody",
        who: None,
        token: None,
        client: served.client(),
    }];
    for (name, of, person, role, who) in [
        ("partner one", ONE, None, "partner", One),
        ("viewer of one", ONE, None, "viewer", One),
        ("clara", ONE, Some(CLARA), "viewer", Clara),
        ("client", TWO, None, "partner", Two),
        ("viewer of a client", TWO, None, "viewer", Two),
        ("stranger", THREE, None, "partner", Three),
        ("viewer of a stranger", THREE, None, "viewer", Three),
        ("member", FOUR, None, "viewer", Four),
        ("sensor", own, None, "sensor", Own),
        ("viewer", own, None, "viewer", Own),
        ("analyst", own, None, "analyst", Own),
        ("anna", own, Some(ANNA), "analyst", Anna),
        ("admin", own, None, "admin", Own),
    ] {
        let new = NewToken {
            name: name.to_owned(),
            organisation: of,
            person,
            role: role.to_owned(),
            scope: Vec::new(),
            expires: None,
        };
        let token = served.store.add_token(new).await.unwrap().secret;
        all.push(Caller {
            name,
            who: Some(who),
            token: Some(token),
            client: served.client(),
        });
    }
    let socket = Client::builder()
        .no_proxy()
        .unix_socket(served.data().join("admin.sock"));
    all.push(Caller {
        name: "socket",
        who: Some(Own),
        token: None,
        client: socket.build().unwrap(),
    });
    all
}

impl Set {
    /// What may stand for a part of a path.
    fn parts(&self, path: &str, part: &str) -> Vec<String> {
        let ids = || {
            self.secrets
                .iter()
                .map(|secret| secret.object["id"].as_str().unwrap().to_owned())
        };
        match part {
            "collection" => vec![self.collection.clone(), "all".to_owned(), Uuid::nil().to_string()],
            "object" => ids().collect(),
            "id" if path.starts_with("/api/objects") => ids().collect(),
            "id" if path.starts_with("/api/collections") => vec![self.collection.clone()],
            "id" if path.starts_with("/api/users") => vec![CLARA.0.to_string()],
            "id" if path.starts_with("/api/groups") => vec![GROUP.0.to_string()],
            "id" | "organisation" | "status" => vec![ONE.0.to_string()],
            "number" => vec!["1".to_owned(), "2".to_owned()],
            _ => vec!["0".repeat(64), "x".to_owned()],
        }
    }

    /// All paths that a route stands for here.
    fn paths(&self, route: &str) -> Vec<String> {
        let mut all = vec![String::new()];
        for piece in route.split_inclusive('/') {
            let (name, slash) = piece.strip_suffix('/').map_or((piece, ""), |name| (name, "/"));
            let part = name.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            let stands = part.map_or_else(|| vec![name.to_owned()], |part| self.parts(route, part));
            all = all
                .iter()
                .flat_map(|before| stands.iter().map(move |one| format!("{before}{one}{slash}")))
                .collect();
        }
        all
    }

    /// What may be asked behind a path.
    fn queries(&self, path: &str) -> Vec<String> {
        let words = (0..self.secrets.len() as u128).map(Secret::word);
        match path {
            "/api/objects" => words
                .flat_map(|word| {
                    [
                        format!("?text={word}"),
                        format!("?value={word}.example"),
                        format!("?label=label-{word}"),
                    ]
                })
                .chain(["?tlp=red", "?type=note", "?kind=domain", "?live=true"].map(str::to_owned))
                .collect(),
            "/api/export" => vec!["?collection=all".to_owned(), "?tlp=red".to_owned()],
            _ if path.ends_with("/objects/") || path.ends_with("/manifest/") => [
                "?match[version]=all",
                "?match[type]=note",
                "?added_after=2020-01-01T00:00:00Z&limit=3",
            ]
            .map(str::to_owned)
            .to_vec(),
            _ => Vec::new(),
        }
    }

    /// Asks, and looks for what is not for who asks. Gives the words that were in the answer.
    async fn look(&self, caller: &Caller, method: &Method, path: &str) -> BTreeSet<String> {
        let answer = caller.request(&self.served, method, path).send().await.unwrap();
        let head = format!("{:?}", answer.headers());
        let body = answer.bytes().await.unwrap();
        let text = head + &String::from_utf8_lossy(&body);
        let mut seen = BTreeSet::new();
        for (number, secret) in (0..).zip(&self.secrets) {
            let word = Secret::word(number);
            let id = secret.object["id"].as_str().unwrap();
            // What who asks has said may come back; a later version has the id of the first.
            let is_asked = |text: &str| path.contains(text);
            let shows_id = text.contains(id) && !is_asked(id) && number != 18;
            let shows = text.contains(&word) && !is_asked(&word) || shows_id;
            assert!(
                !shows || caller.may_know(secret),
                "{} must not know of object {number}: {method} {path} says {text}",
                caller.name
            );
            if text.contains(&word) {
                seen.insert(word);
            }
        }
        seen
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_tells_anybody_what_is_not_for_them() {
    let set = set().await;
    let routes = routes();
    assert!(routes.len() > 50, "{}", routes.len());
    for caller in &set.callers {
        let mut seen = BTreeSet::new();
        for route in routes.iter().filter(|route| route.method.is_safe()) {
            // A backup is the whole node, for who holds its files anyway, and packed.
            if route.path == "/api/backup" && caller.name == "socket" {
                continue;
            }
            for path in set.paths(&route.path) {
                seen.extend(set.look(caller, &route.method, &path).await);
                for query in set.queries(&path) {
                    seen.extend(set.look(caller, &route.method, &format!("{path}{query}")).await);
                }
            }
        }
        // The walk sees what may be seen: else it would find nothing wrong in an empty answer.
        let known = (0..)
            .zip(&set.secrets)
            .filter(|(_, secret)| caller.may_know(secret));
        let known: BTreeSet<_> = known.map(|(number, _)| Secret::word(number)).collect();
        assert_eq!(seen, known, "{}", caller.name);
    }
    // Then what changes something, those who run the node last.
    for caller in &set.callers {
        for route in routes.iter().filter(|route| !route.method.is_safe()) {
            for path in set.paths(&route.path) {
                set.look(caller, &route.method, &path).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_for_somebody_holds_what_they_may_have() {
    let set = set().await;
    let admin = set.callers.iter().find(|caller| caller.name == "admin").unwrap();
    for (organisation, who) in [(ONE, One), (TWO, Two), (THREE, Three), (FOUR, Four)] {
        for query in ["", "&collection=all"] {
            let path = format!("/api/export?for={}{query}", organisation.0);
            let answer = admin
                .request(&set.served, &Method::GET, &path)
                .send()
                .await
                .unwrap();
            let text = answer.text().await.unwrap();
            for (number, secret) in (0..).zip(&set.secrets) {
                let expected = secret.known_to.contains(&who);
                // Of an object the newest version that may be known is given.
                let is_there = text.contains(&Secret::word(number));
                assert_eq!(is_there, expected, "{who:?} and object {number} by {path}");
            }
        }
    }
}
