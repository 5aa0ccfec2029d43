//! A MISP server by `events/restSearch`, page by page, by the time of the last change.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use url::Url;

use crate::error::{Error, Result};
use crate::split::{Broken, Shape, Split, Splitter};
use crate::transport::{Body, Fingerprint, Request, Settings, Transport};

const JSON: &str = "application/json";
/// How many events one answer may have.
const MAX_ITEMS: usize = 100_000;
/// How many events at the boundary are remembered.
const MAX_SEEN: usize = 10_000;

/// A MISP server. Its key is the credentials: [`Auth::Key`](crate::Auth::Key).
#[derive(Debug, Clone)]
pub struct MispServer {
    transport: Transport,
    base: Url,
}

/// How far the events of a server were read. Kept by the caller, after the events are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MispCursor {
    /// All that was changed before is read, in seconds since 1970.
    since: i64,
    /// The events of that second that were read, by UUID and timestamp.
    seen: BTreeSet<(String, i64)>,
    /// The page that comes next, from 1.
    page: u32,
    /// The latest change of all pages of this run, and the events that have it.
    latest: i64,
    at_latest: BTreeSet<(String, i64)>,
    /// What stands for the page before: a server that does not know pages gives it again.
    last_page: String,
    /// How many events the first page of this run had: the server's own limit may be less than ours.
    first_page: usize,
}

impl Default for MispCursor {
    fn default() -> Self {
        Self {
            since: 0,
            seen: BTreeSet::new(),
            page: 1,
            latest: 0,
            at_latest: BTreeSet::new(),
            last_page: String::new(),
            first_page: 0,
        }
    }
}

/// What a search brought.
#[derive(Debug)]
pub struct MispPage {
    /// The events, each as it came: `{"Event": {…}}`.
    pub events: Vec<Box<RawValue>>,
    /// What could not be read, with its place in the answer.
    pub broken: Vec<Broken>,
    /// Where to go on.
    pub cursor: MispCursor,
    /// Whether to go on at once.
    pub more: bool,
}

impl MispServer {
    /// A server at an address. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub fn new(url: &Url, settings: &Settings) -> Result<Self> {
        let mut base = url.clone();
        base.set_query(None);
        base.set_path(&format!("{}/", url.path().trim_end_matches('/')));
        Ok(Self {
            transport: Transport::new(url, settings)?,
            base,
        })
    }

    /// Fetches the next page of events, attributes and deleted ones included, that were changed since. With nothing new
    /// it is one request.
    ///
    /// An event that changes while the pages of one run are read comes again in the next run. MISP counts pages by
    /// events: where one is deleted from the server in that time, its successor may come only when it changes.
    ///
    /// # Errors
    /// Where no whole answer comes.
    pub async fn pull(&self, cursor: &MispCursor, limit: u32) -> Result<MispPage> {
        let limit = limit.max(1);
        let mut question = json!({
            "returnFormat": "json",
            "page": cursor.page,
            "limit": limit,
            "deleted": [0, 1],
            "includeEventUuid": true,
        });
        if cursor.since > 0 {
            question["timestamp"] = cursor.since.to_string().into();
        }
        let url = self
            .base
            .join("events/restSearch")
            .map_err(|error| Error::setup("address", error))?;
        let request = Request::post(url.clone(), JSON, JSON, Bytes::from(question.to_string()));
        let attempt = || async { read(&url, self.transport.send(&request).await?.body).await };
        let split = self.transport.retry().run(attempt).await?;
        Ok(next_page(&url, cursor, split, limit as usize))
    }
}

async fn read(url: &Url, mut body: Body) -> Result<Split> {
    let mut splitter = Splitter::new(Shape {
        list: "response",
        max_items: MAX_ITEMS,
    });
    while let Some(chunk) = body.chunk().await? {
        splitter.feed(&chunk);
        if splitter.is_done() {
            break;
        }
    }
    if !splitter.is_plausible() {
        return Err(Error::foreign(url, "MISP", "no JSON"));
    }
    let split = splitter.finish(None);
    match &split.cut {
        None => Ok(split),
        Some(cut) => Err(crate::taxii::cut_error(url, cut)),
    }
}

/// What of an event is read here.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "Event")]
    event: EventHead,
}

#[derive(Deserialize)]
struct EventHead {
    uuid: String,
    timestamp: Loose,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(i64),
    Text(String),
}

impl Loose {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// Drops what was seen, and moves the cursor: by a page, or at the last one to the latest change.
fn next_page(url: &Url, cursor: &MispCursor, split: Split, limit: usize) -> MispPage {
    // What is broken counts, too.
    let count = split.items.len() + split.broken.len() + split.untold as usize;
    let mut broken = split.broken;
    let mut next = cursor.clone();
    let mut events = Vec::new();
    let mut digest = Sha256::new();
    for (index, raw) in (0..).zip(split.items) {
        digest.update(raw.get());
        let head = serde_json::from_str::<Head>(raw.get());
        let found = head
            .ok()
            .and_then(|head| Some((head.event.uuid, head.event.timestamp.number()?)));
        let Some((uuid, timestamp)) = found else {
            let reason = "is no event with a UUID and a timestamp".into();
            broken.push(Broken {
                index,
                offset: 0,
                reason,
            });
            continue;
        };
        if timestamp > next.latest {
            next.latest = timestamp;
            next.at_latest.clear();
        }
        let key = (uuid, timestamp);
        let seen = cursor.seen.contains(&key);
        if timestamp == next.latest && next.at_latest.len() < MAX_SEEN {
            next.at_latest.insert(key);
        }
        if !seen {
            events.push(raw);
        }
    }
    let digest = Fingerprint(digest.finalize().into()).to_string();
    let is_last = if cursor.page <= 1 {
        next.first_page = count;
        count == 0 || count < limit && events.is_empty()
    } else {
        count < cursor.first_page
    };
    let is_same = digest == cursor.last_page;
    if is_same && !is_last {
        tracing::warn!(server = %crate::error::shown(url), "the server gives the same page again");
    }
    let more = !is_last && !is_same;
    if more {
        next.page = next.page.saturating_add(1);
        next.last_page = digest;
    } else {
        next = MispCursor {
            since: next.latest.max(cursor.since),
            seen: if next.latest >= cursor.since {
                next.at_latest
            } else {
                next.seen
            },
            ..MispCursor::default()
        };
    }
    MispPage {
        events,
        broken,
        cursor: next,
        more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs over pages of `(uuid, timestamp)`; what came, and where the cursor stands.
    fn check(
        cursor: &MispCursor,
        pages: &[&[(&str, i64)]],
        limit: usize,
        expected: &[&str],
        since: i64,
    ) -> MispCursor {
        let url = "https://a.example/".parse().unwrap();
        let mut cursor = cursor.clone();
        let mut found = Vec::new();
        for (count, page) in pages.iter().enumerate() {
            let raw = |(uuid, timestamp): &(&str, i64)| {
                let event = json!({"Event": {"uuid": uuid, "timestamp": timestamp.to_string()}});
                RawValue::from_string(event.to_string()).unwrap()
            };
            let split = Split {
                items: page.iter().map(raw).collect(),
                ..Split::default()
            };
            let page = next_page(&url, &cursor, split, limit);
            for event in &page.events {
                let head: Head = serde_json::from_str(event.get()).unwrap();
                found.push(head.event.uuid);
            }
            let text = serde_json::to_string(&page.cursor).unwrap();
            cursor = serde_json::from_str(&text).unwrap();
            assert_eq!(page.more, count + 1 < pages.len(), "page {count} of {pages:?}");
        }
        assert_eq!(found, expected, "{pages:?}");
        assert_eq!((cursor.since, cursor.page), (since, 1), "{pages:?}");
        cursor
    }

    #[test]
    fn runs() {
        let new = MispCursor::default();
        check(&new, &[&[]], 2, &[], 0);
        let cursor = check(
            &new,
            &[&[("a", 5), ("b", 9)], &[("c", 7), ("d", 9)], &[]],
            2,
            &["a", "b", "c", "d"],
            9,
        );
        check(&cursor, &[&[("b", 9), ("d", 9)], &[]], 2, &[], 9);
        check(&cursor, &[&[("b", 9), ("e", 9), ("d", 9)], &[]], 5, &["e"], 9);
        check(&cursor, &[&[("b", 9), ("d", 9)]], 5, &[], 9);
        // The server's limit is two, ours five.
        check(
            &new,
            &[&[("a", 5), ("b", 9)], &[("c", 7), ("d", 9)], &[("e", 3)]],
            5,
            &["a", "b", "c", "d", "e"],
            9,
        );
        let cursor = check(&cursor, &[&[("b", 12), ("d", 9)], &[]], 2, &["b"], 12);
        check(&cursor, &[&[]], 2, &[], 12);
        // The same page again and again.
        check(
            &new,
            &[&[("a", 5), ("b", 5)], &[("a", 5), ("b", 5)]],
            2,
            &["a", "b", "a", "b"],
            5,
        );
    }
}
