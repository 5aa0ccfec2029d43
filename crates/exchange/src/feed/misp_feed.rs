//! A folder of MISP events on a web server: `manifest.json`, and a file for each event (the format of MISP's feed
//! generator).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::http::{Fetched, Validators, fetch};
use crate::error::{Error, Result};
use crate::transport::{Settings, Transport};

/// The longest manifest, in bytes: some 300,000 events.
const MAX_MANIFEST: u64 = 256 << 20;
/// How much is held at once, in bytes; the event that passes it is the last.
const MAX_BYTES: usize = 256 << 20;
/// After how many events that cannot be fetched a look ends.
const MAX_PROBLEMS: usize = 1_000;

/// A feed folder.
#[derive(Debug, Clone)]
pub struct MispFeed {
    transport: Transport,
    folder: Url,
}

/// Which events of a feed were fetched. Kept by the caller, after the events are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCursor {
    /// The timestamp of each event that was fetched, by its UUID.
    seen: BTreeMap<String, i64>,
    /// Of the manifest, where all that it names was fetched.
    manifest: Validators,
}

/// What a look at a feed brought.
#[derive(Debug)]
pub struct FeedPage {
    /// Events that are new or changed.
    pub events: Vec<FeedEvent>,
    /// The UUIDs of events that are no longer there.
    pub deleted: Vec<String>,
    /// Events that could not be fetched. They are tried again the next time.
    pub problems: Vec<FeedProblem>,
    /// Where to go on.
    pub cursor: FeedCursor,
    /// Whether more events are new or changed than were asked for.
    pub more: bool,
}

/// An event of a feed.
#[derive(Debug)]
pub struct FeedEvent {
    /// Its UUID, from the manifest.
    pub uuid: String,
    /// When it was changed, in seconds since 1970.
    pub timestamp: i64,
    /// Its file, as it came.
    pub raw: Box<RawValue>,
}

/// An event that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedProblem {
    /// Its name in the manifest, clipped.
    pub event: String,
    /// Why.
    pub error: Error,
}

impl MispFeed {
    /// A feed at an address, of its folder or of its manifest.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub fn new(url: &Url, settings: &Settings) -> Result<Self> {
        let transport = Transport::new(url, settings)?;
        let mut folder = url.clone();
        let path = url.path().trim_end_matches("manifest.json").trim_end_matches('/');
        folder.set_path(&format!("{path}/"));
        Ok(Self { transport, folder })
    }

    /// Fetches events that are new or changed since, oldest first and at most so many. With nothing new it is one
    /// request.
    ///
    /// # Errors
    /// Where the manifest cannot be read, or the server ends to answer before any event came.
    pub async fn pull(&self, cursor: &FeedCursor, max_events: usize) -> Result<FeedPage> {
        let mut page = FeedPage {
            events: Vec::new(),
            deleted: Vec::new(),
            problems: Vec::new(),
            cursor: cursor.clone(),
            more: false,
        };
        let manifest = self.folder_file("manifest.json")?;
        let (named, validators) = match fetch(&self.transport, &manifest, &cursor.manifest).await? {
            Fetched::NotModified => return Ok(page),
            Fetched::Body {
                mut body, validators, ..
            } => {
                body.limit_to(MAX_MANIFEST);
                (
                    read_manifest(&manifest, &body.bytes().await?, &mut page.problems)?,
                    validators,
                )
            }
        };
        page.cursor.manifest = Validators::default();
        let seen = &mut page.cursor.seen;
        seen.retain(|uuid, _| {
            let stays = named.contains_key(uuid);
            if !stays {
                page.deleted.push(uuid.clone());
            }
            stays
        });
        let mut wanted: Vec<(i64, String)> = named
            .into_iter()
            .filter(|(uuid, timestamp)| seen.get(uuid) != Some(timestamp))
            .map(|(uuid, timestamp)| (timestamp, uuid))
            .collect();
        wanted.sort();
        self.take(wanted, max_events, &mut page).await?;
        if !page.more && page.problems.is_empty() {
            page.cursor.manifest = validators;
        }
        // Where nothing can be fetched, going on at once would try the same again.
        page.more &= !page.events.is_empty();
        Ok(page)
    }

    /// Fetches events until there are enough.
    async fn take(&self, wanted: Vec<(i64, String)>, max_events: usize, page: &mut FeedPage) -> Result<()> {
        let mut bytes = 0;
        for (timestamp, uuid) in wanted {
            if page.events.len() >= max_events || bytes > MAX_BYTES || page.problems.len() >= MAX_PROBLEMS {
                page.more = true;
                break;
            }
            match self.event(&uuid).await {
                Ok(raw) => {
                    bytes += raw.get().len();
                    page.cursor.seen.insert(uuid.clone(), timestamp);
                    page.events.push(FeedEvent { uuid, timestamp, raw });
                }
                // The server itself is out of reach: no use to try each of the others.
                Err(error) if error.is_temporary() => {
                    if page.events.is_empty() && page.deleted.is_empty() {
                        return Err(error);
                    }
                    page.problems.push(FeedProblem { event: uuid, error });
                    break;
                }
                Err(error) => page.problems.push(FeedProblem { event: uuid, error }),
            }
        }
        Ok(())
    }

    async fn event(&self, uuid: &str) -> Result<Box<RawValue>> {
        let url = self.folder_file(&format!("{uuid}.json"))?;
        let fetched = fetch(&self.transport, &url, &Validators::default()).await?;
        let Fetched::Body { body, .. } = fetched else {
            return Err(Error::bad_answer(&url, "no body"));
        };
        let bytes = body.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| Error::foreign(&url, "MISP", error))
    }

    fn folder_file(&self, name: &str) -> Result<Url> {
        let mut url = self
            .folder
            .join(name)
            .map_err(|error| Error::setup("address", error))?;
        // A key of the feed may be in the query.
        url.set_query(self.folder.query());
        Ok(url)
    }
}

/// The events that a manifest names, each with its timestamp. A name that is no UUID is a problem, and is not fetched:
/// it could lead anywhere.
fn read_manifest(url: &Url, bytes: &[u8], problems: &mut Vec<FeedProblem>) -> Result<BTreeMap<String, i64>> {
    let document: BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(bytes).map_err(|error| Error::foreign(url, "MISP", error))?;
    let mut named = BTreeMap::new();
    for (uuid, entry) in document {
        let reason = match (is_uuid(&uuid), timestamp(&entry)) {
            (true, Some(timestamp)) => {
                named.insert(uuid, timestamp);
                continue;
            }
            (true, None) => "the manifest names no timestamp of it",
            (false, _) => "the manifest names it, and it is no UUID",
        };
        if problems.len() < 100 {
            problems.push(FeedProblem {
                event: crate::error::clean(&uuid),
                error: Error::bad_answer(url, reason),
            });
        }
    }
    Ok(named)
}

fn timestamp(entry: &RawValue) -> Option<i64> {
    let entry: Value = serde_json::from_str(entry.get()).ok()?;
    match entry.get("timestamp")? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests() {
        let check = |text: &str, expected: Option<(usize, usize)>| {
            let mut problems = Vec::new();
            let url = "https://a.example/manifest.json".parse().unwrap();
            let found = read_manifest(&url, text.as_bytes(), &mut problems).ok();
            assert_eq!(
                found.map(|named| (named.len(), problems.len())),
                expected,
                "{text}"
            );
        };
        let uuid = "5b7a2c1e-0000-4000-8000-00000000000A";
        check("{}", Some((0, 0)));
        check(
            &format!(r#"{{"{uuid}":{{"timestamp":"1645671600"}}}}"#),
            Some((1, 0)),
        );
        check(
            &format!(r#"{{"{uuid}":{{"timestamp":1645671600,"x":[1]}}}}"#),
            Some((1, 0)),
        );
        check(&format!(r#"{{"{uuid}":{{"timestamp":"soon"}}}}"#), Some((0, 1)));
        check(
            &format!(r#"{{"{uuid}":5,"../../etc/passwd":{{"timestamp":1}}}}"#),
            Some((0, 2)),
        );
        check("[]", None);
        check("<html>", None);
    }
}
