//! Sends what was released to a collection, in envelopes that the server takes, and learns what became of each object.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use perisai_policy::{Recipient, Released};
use tokio::time::{Instant, sleep};

use super::client::{Client, CollectionUrl};
use super::query::{Matching, Query};
use super::resources::{Status, StatusDetail};
use crate::error::{Error, Result};

const HEAD: &[u8] = b"{\"objects\":[";
const TAIL: &[u8] = b"]}";
/// How many ids are asked for in one address, which servers cut at 8 KiB.
const IDS_AT_ONCE: usize = 50;
/// How many pages of a manifest answer one such question at most.
const PAGES_AT_ONCE: usize = 20;

/// An object on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its id.
    pub id: String,
    /// Its `modified`, or `created` where it has no other.
    pub version: Option<String>,
    /// The object itself: JSON, as it is kept.
    pub raw: Bytes,
}

/// How it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushOptions {
    /// The longest envelope that the server takes, in bytes, as its API root says.
    pub max_content_length: Option<u64>,
    /// How many objects an envelope has at most.
    pub max_objects: usize,
    /// How long to wait until the server has decided about an envelope.
    pub patience: Duration,
    /// Whether to look up what is refused: some servers refuse what they have.
    pub look_up: bool,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self {
            max_content_length: None,
            max_objects: 1_000,
            patience: Duration::from_secs(60),
            look_up: true,
        }
    }
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The server has it.
    Stored,
    /// The server does not take it, or it was not offered; sending it again is of no use.
    Refused(String),
    /// It may be there or not: it is to be sent again.
    Unknown(String),
}

/// What became of a push.
#[derive(Debug)]
pub struct Pushed {
    /// One for each object, in their order.
    pub fates: Vec<Fate>,
    /// The ids of the server's status resources, one for each envelope that it took.
    pub statuses: Vec<String>,
    /// Why it stopped before its end.
    pub stopped: Option<Error>,
}

impl Client {
    /// Sends objects to a collection of a recipient. Nothing is asked before. What was released to somebody else is not
    /// sent.
    ///
    /// Sending an object that the server has does no harm: whatever is [`Fate::Unknown`] can be sent again.
    pub async fn push(
        &self,
        at: &CollectionUrl,
        recipient: Recipient,
        objects: &[Released<Outgoing>],
        options: &PushOptions,
    ) -> Pushed {
        let mut push = Push {
            client: self,
            at,
            objects,
            options,
            max_bytes: options.max_content_length.unwrap_or(u64::MAX),
            fates: vec![Fate::Unknown("it was not sent".to_owned()); objects.len()],
            statuses: Vec::new(),
        };
        let stopped = push.all(recipient).await.err();
        if options.look_up && stopped.is_none() {
            push.look_up().await;
        }
        Pushed {
            fates: push.fates,
            statuses: push.statuses,
            stopped,
        }
    }
}

struct Push<'a> {
    client: &'a Client,
    at: &'a CollectionUrl,
    objects: &'a [Released<Outgoing>],
    options: &'a PushOptions,
    /// The longest envelope, as far as is known.
    max_bytes: u64,
    fates: Vec<Fate>,
    statuses: Vec<String>,
}

impl Push<'_> {
    async fn all(&mut self, recipient: Recipient) -> Result<()> {
        let mut ready = Vec::new();
        for (index, object) in self.objects.iter().enumerate() {
            if object.recipient() == recipient {
                ready.push(index);
            } else {
                self.fates[index] = Fate::Refused("it was released to somebody else".to_owned());
            }
        }
        let sizes: Vec<u64> = ready.iter().map(|index| self.size(*index)).collect();
        let mut envelopes: VecDeque<Vec<usize>> = envelopes(&sizes, self.max_bytes, self.options.max_objects)
            .into_iter()
            .map(|range| ready[range].to_vec())
            .collect();
        while let Some(envelope) = envelopes.pop_front() {
            let halves = self.one(&envelope).await?;
            for half in halves.into_iter().rev() {
                envelopes.push_front(half);
            }
        }
        Ok(())
    }

    fn size(&self, index: usize) -> u64 {
        self.objects[index].get().raw.len() as u64
    }

    /// Sends one envelope; what is to be sent apart, where the server does not take it whole.
    async fn one(&mut self, indices: &[usize]) -> Result<Vec<Vec<usize>>> {
        let body = self.written(indices);
        if let ([index], true) = (indices, body.len() as u64 > self.max_bytes) {
            let most = self.max_bytes;
            self.fates[*index] = Fate::Refused(format!("the server takes no more than {most} bytes at once"));
            return Ok(Vec::new());
        }
        if body.len() as u64 > self.max_bytes {
            return Ok(halves(indices));
        }
        let sent = body.len() as u64;
        let error = match self.client.add_objects(self.at, body).await {
            Ok(status) => {
                self.decided(indices, status).await;
                return Ok(Vec::new());
            }
            Err(error) => error,
        };
        let is_too_large = matches!(error, Error::RequestTooLarge { .. });
        if is_too_large {
            self.max_bytes = self.max_bytes.min(sent.saturating_sub(1));
        }
        if is_too_large
            || matches!(
                error,
                Error::Server {
                    status: 400 | 422,
                    ..
                }
            )
        {
            if indices.len() > 1 {
                // One that the server cannot read must not fail its neighbours.
                return Ok(halves(indices));
            }
            self.set(indices, |_| Fate::Refused(error.to_string()));
            return Ok(Vec::new());
        }
        self.set(indices, |_| Fate::Unknown(error.to_string()));
        Err(error)
    }

    fn set(&mut self, indices: &[usize], fate: impl Fn(&Outgoing) -> Fate) {
        for index in indices {
            self.fates[*index] = fate(self.objects[*index].get());
        }
    }

    fn written(&self, indices: &[usize]) -> Bytes {
        let length: usize = indices
            .iter()
            .map(|index| self.objects[*index].get().raw.len() + 1)
            .sum();
        let mut body = Vec::with_capacity(HEAD.len() + length + TAIL.len());
        body.extend_from_slice(HEAD);
        for (count, index) in indices.iter().enumerate() {
            if count > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&self.objects[*index].get().raw);
        }
        body.extend_from_slice(TAIL);
        body.into()
    }

    /// The server took the envelope: waits for its decision about each object.
    async fn decided(&mut self, indices: &[usize], status: Option<Status>) {
        let Some(mut status) = status else {
            return self.set(indices, |_| Fate::Unknown("the server gave no status".to_owned()));
        };
        self.statuses.push(status.id.clone());
        let deadline = Instant::now() + self.options.patience;
        let mut count = 0;
        while !status.is_complete && !status.id.is_empty() {
            let wait = self.client.transport.retry().poll(count);
            if Instant::now() + wait > deadline {
                break;
            }
            sleep(wait).await;
            count += 1;
            match self.client.status(self.at.root(), &status.id).await {
                Ok(later) => status = later,
                Err(error) if error.is_temporary() => {}
                Err(error) => {
                    tracing::debug!(%error, "a status was lost");
                    break;
                }
            }
        }
        let fates = Fates::of(&status, indices.len());
        self.set(indices, |object| fates.get(object));
    }

    /// What the server refused although it has it is stored.
    async fn look_up(&mut self) {
        let refused = (0..self.fates.len()).filter(|index| matches!(self.fates[*index], Fate::Refused(_)));
        let refused: Vec<usize> = refused.collect();
        for indices in refused.chunks(IDS_AT_ONCE) {
            let Ok(there) = self.there(indices).await else {
                return;
            };
            for index in indices {
                let object = self.objects[*index].get();
                let is_there = there.get(&object.id).is_some_and(|versions| {
                    let same = |version: &String| same_time(object.version.as_deref(), version);
                    versions.iter().any(same)
                });
                if is_there {
                    self.fates[*index] = Fate::Stored;
                }
            }
        }
    }

    /// The versions that the server has of some objects, by their ids.
    async fn there(&self, indices: &[usize]) -> Result<BTreeMap<String, Vec<String>>> {
        let mut query = Query {
            matching: Matching {
                ids: indices
                    .iter()
                    .map(|index| self.objects[*index].get().id.clone())
                    .collect(),
                versions: vec!["all".to_owned()],
                ..Matching::default()
            },
            // Without it medallion cannot go on to the next page.
            limit: Some(1_000),
            ..Query::default()
        };
        let mut there: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for _ in 0..PAGES_AT_ONCE {
            let manifest = self.client.manifest(self.at, &query).await?;
            for row in manifest.rows {
                there.entry(row.id).or_default().push(row.version);
            }
            if !manifest.more || manifest.next.is_none() {
                break;
            }
            query.next = manifest.next;
        }
        Ok(there)
    }
}

/// Whether two versions are the same time; an object without one has the same id only where it is the same.
fn same_time(ours: Option<&str>, theirs: &str) -> bool {
    let Some(ours) = ours else {
        return true;
    };
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    ours == theirs || time(ours).is_some_and(|ours| time(theirs) == Some(ours))
}

fn halves(indices: &[usize]) -> Vec<Vec<usize>> {
    let (left, right) = indices.split_at(indices.len().div_ceil(2));
    vec![left.to_vec(), right.to_vec()]
}

/// Cuts objects of these sizes into runs that fit an envelope, each as long as it can be. One that does not fit alone
/// stands alone.
fn envelopes(sizes: &[u64], max_bytes: u64, max_objects: usize) -> Vec<Range<usize>> {
    let around = (HEAD.len() + TAIL.len()) as u64;
    let mut found = Vec::new();
    let mut begin = 0;
    let mut bytes = around;
    for (index, size) in sizes.iter().enumerate() {
        let longer = bytes
            .saturating_add(*size)
            .saturating_add(u64::from(index > begin));
        if index > begin && (longer > max_bytes || index - begin >= max_objects.max(1)) {
            found.push(begin..index);
            begin = index;
            bytes = around.saturating_add(*size);
        } else {
            bytes = longer;
        }
    }
    if begin < sizes.len() {
        found.push(begin..sizes.len());
    }
    found
}

/// What a status says of each object.
struct Fates<'a> {
    stored: BTreeMap<&'a str, Vec<&'a StatusDetail>>,
    refused: BTreeMap<&'a str, Vec<&'a StatusDetail>>,
    /// What is true of an object that is not named.
    rest: Fate,
}

impl<'a> Fates<'a> {
    fn of(status: &'a Status, count: usize) -> Self {
        let count = count as u64;
        let failures = status.failures.len() as u64;
        let refused = status.refused.unwrap_or(failures);
        let all_failures_named = failures == refused;
        let is_decided = status.is_complete && status.pending.unwrap_or(0) == 0 && status.pendings.is_empty();
        let stored = status.stored.unwrap_or(count.saturating_sub(refused));
        let rest = if is_decided && all_failures_named && stored + refused == count {
            Fate::Stored
        } else if is_decided && refused == count && stored == 0 {
            Fate::Refused("the server does not say why".to_owned())
        } else if is_decided {
            Fate::Unknown("the server's status does not name it".to_owned())
        } else {
            Fate::Unknown("the server has not decided yet".to_owned())
        };
        let by_id = |details: &'a [StatusDetail]| {
            let mut map: BTreeMap<&str, Vec<&StatusDetail>> = BTreeMap::new();
            for detail in details {
                map.entry(&detail.id).or_default().push(detail);
            }
            map
        };
        Self {
            stored: by_id(&status.successes),
            refused: by_id(&status.failures),
            rest,
        }
    }

    fn get(&self, object: &Outgoing) -> Fate {
        let find = |map: &BTreeMap<&str, Vec<&'a StatusDetail>>| {
            let details = map.get(object.id.as_str())?;
            let fits = |detail: &&&StatusDetail| match (&detail.version, &object.version) {
                (Some(theirs), ours) => same_time(ours.as_deref(), theirs),
                _ => true,
            };
            details.iter().find(fits).copied()
        };
        if let Some(detail) = find(&self.refused) {
            let message = detail.message.clone();
            return Fate::Refused(message.unwrap_or_else(|| "the server does not say why".to_owned()));
        }
        match find(&self.stored) {
            Some(_) => Fate::Stored,
            None => self.rest.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn statuses() {
        let check = |status: Value, expected: [&str; 2]| {
            let status = Status::read(&status);
            let fates = Fates::of(&status, 2);
            let told = |id: &str| {
                let object = Outgoing {
                    id: id.to_owned(),
                    version: Some("2022-02-24T03:00:00.000Z".to_owned()),
                    raw: Bytes::new(),
                };
                match fates.get(&object) {
                    Fate::Stored => "stored".to_owned(),
                    Fate::Refused(why) => format!("refused: {why}"),
                    Fate::Unknown(_) => "unknown".to_owned(),
                }
            };
            assert_eq!([told("a"), told("b")], expected, "{status:?}");
        };
        let failure = json!([{"id": "b", "version": "2022-02-24T03:00:00Z", "message": "no\u{7}pe"}]);
        let other = json!([{"id": "b", "version": "2021-02-24T03:00:00Z", "message": "old"}]);
        check(
            json!({"status": "complete", "success_count": 2, "failure_count": 0}),
            ["stored"; 2],
        );
        check(
            json!({"status": "complete", "success_count": "1", "failures": failure}),
            ["stored", "refused: no pe"],
        );
        check(
            json!({"status": "complete", "failures": failure}),
            ["stored", "refused: no pe"],
        );
        check(
            json!({"status": "complete", "success_count": 1, "failure_count": 1}),
            ["unknown"; 2],
        );
        check(
            json!({"status": "complete", "success_count": 1, "failures": other}),
            ["stored"; 2],
        );
        check(
            json!({"status": "complete", "failure_count": 2}),
            ["refused: the server does not say why"; 2],
        );
        check(json!({"status": "complete", "success_count": 1}), ["unknown"; 2]);
        check(
            json!({"status": "complete", "success_count": 1, "successes": ["a"]}),
            ["stored", "unknown"],
        );
        check(
            json!({"status": "pending", "successes": [{"id": "a"}]}),
            ["stored", "unknown"],
        );
        check(json!({"status": "complete", "pending_count": 1}), ["unknown"; 2]);
        check(json!({}), ["unknown"; 2]);
    }

    proptest! {
        /// Every object is in one envelope, in order; each envelope fits, or holds one object; none could hold more.
        #[test]
        fn envelopes_fit(sizes in proptest::collection::vec(0_u64..50, 0..60), max in 10_u64..120, count in 1_usize..9) {
            let found = envelopes(&sizes, max, count);
            let flat: Vec<usize> = found.iter().cloned().flatten().collect();
            prop_assert_eq!(flat, (0..sizes.len()).collect::<Vec<_>>());
            let long = |range: Range<usize>| 14 + sizes[range.clone()].iter().sum::<u64>() + (range.len() as u64 - 1);
            for range in &found {
                prop_assert!(range.len() == 1 || long(range.clone()) <= max && range.len() <= count);
                if range.end < sizes.len() {
                    prop_assert!(long(range.start..range.end + 1) > max || range.len() == count);
                }
            }
        }
    }
}
