//! Pushing a collection to a TAXII server: what policy releases to the peer's organisation, but for what came from there.

use bytes::Bytes;
use perisai_exchange::taxii::{Client, CollectionUrl, Fate, Outgoing as Sent, PushOptions};
use perisai_policy::{Recipient, Released};
use perisai_store::{Entry, PageQuery};

use super::pull::{is_called, missing};
use super::round::{End, Failure, Round};
use crate::node::Outgoing;

/// How many objects are sent together.
const BATCH: usize = 1_000;

/// How many bytes of them, at most, but for a single one.
const BYTES: usize = 8 << 20;

/// How often an object is sent whose fate the other side does not tell.
const TRIES: u32 = 3;

/// Where a peer takes what it is sent.
#[derive(Debug, Clone)]
pub(super) struct Target {
    at: CollectionUrl,
    max_content_length: Option<u64>,
}

/// An object of a page: where it stands, and its place among what is sent, unless it stays here.
struct Place {
    position: i64,
    sent: Option<usize>,
}

impl Round<'_> {
    /// Sends what is new, page by page.
    pub(super) async fn push(&mut self) -> Result<End, Failure> {
        let store = self.node.store();
        let id = self
            .peer
            .settings
            .push
            .map(|id| id.to_string())
            .unwrap_or_default();
        let collection = store
            .collection(&id)
            .ok_or_else(|| Failure::Told("the collection that is pushed is gone".to_owned()))?;
        let recipient = Recipient::organisation(self.peer.organisation);
        let pushed = Some((collection.id, self.peer.settings.push_to.clone()));
        if self.state.pushed != pushed {
            self.state.pushed = pushed;
            (self.state.pushed_through, self.state.push_tries) = (0, 0);
        }
        let is_over = self.turn();
        loop {
            let query = PageQuery {
                collection: collection.number,
                after: Some(self.state.pushed_through).filter(|through| *through > 0),
                limit: BATCH,
                bytes: Some(BYTES),
                ..PageQuery::default()
            };
            let page = store.view(recipient).page(&query).await?;
            if page.entries.is_empty() {
                return Ok(End::Done);
            }
            self.send(recipient, page.entries).await?;
            if !page.more {
                return Ok(End::Done);
            }
            if is_over() {
                return Ok(End::More);
            }
        }
    }

    /// Sends a page, and moves the position over what was decided.
    async fn send(&mut self, recipient: Recipient, entries: Vec<Released<Entry>>) -> Result<(), Failure> {
        let store = self.node.store();
        let seqs: Vec<_> = entries.iter().map(|entry| entry.get().seq).collect();
        let theirs = store.brought_by(&seqs, &self.their_sources()).await?;
        let mut objects = self.introduction(recipient).await?;
        let ahead = objects.len();
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let position = entry.get().added;
            // What was deleted while the page was read has no bytes.
            let stays = theirs.contains(&entry.get().seq) || entry.get().raw.is_empty();
            places.push(Place {
                position,
                sent: (!stays).then_some(objects.len()),
            });
            if !stays {
                objects.push(outgoing(entry));
            }
        }
        let mut fates = Vec::new();
        let mut stopped = None;
        if objects.len() > ahead {
            let client = self.client()?;
            let target = self.target(&client).await?;
            let ids = objects.iter().map(|object| &*object.get().id);
            let leaves = Outgoing::of_ids(recipient, "taxii push", ids);
            self.node.record(&leaves).await?;
            let options = PushOptions {
                max_content_length: target.max_content_length,
                ..PushOptions::default()
            };
            let pushed = client.push(&target.at, recipient, &objects, &options).await;
            (fates, stopped) = (pushed.fates, pushed.stopped);
        }
        let undecided = self.decide(&places, &fates, &objects, stopped.is_some());
        store.keep_peer_state(self.peer, &self.state).await?;
        self.shown.show(&self.state);
        match (stopped, undecided) {
            (Some(error), _) => Err(error.into()),
            (None, Some(why)) => Err(Failure::Told(why)),
            (None, None) => Ok(()),
        }
    }

    /// Moves the position up to the first object whose fate is not known; why it is not, where it was not yet sent often
    /// enough to be given up.
    fn decide(
        &mut self,
        places: &[Place],
        fates: &[Fate],
        objects: &[Released<Sent>],
        is_stopped: bool,
    ) -> Option<String> {
        let state = &mut self.state;
        let gives_up = !is_stopped && state.push_tries + 1 >= TRIES;
        for place in places {
            let told = place.sent.map(|at| (&fates[at], &objects[at].get().id));
            match told {
                None => {}
                Some((Fate::Stored, _)) => state.sent += 1,
                Some((Fate::Unknown(why), id)) if !gives_up => {
                    if !is_stopped {
                        state.push_tries += 1;
                    }
                    return Some(format!(
                        "{id} was sent, and what became of it is not known: {why}"
                    ));
                }
                Some((Fate::Refused(why) | Fate::Unknown(why), id)) => {
                    state.not_taken += 1;
                    state.tell(format!("{id} was sent, and not taken: {why}"));
                }
            }
            state.pushed_through = place.position;
        }
        state.push_tries = 0;
        None
    }

    /// The sources by which the peer's organisation sends: what is from there does not go back.
    fn their_sources(&self) -> Vec<i64> {
        let store = self.node.store();
        let is_own = self.peer.organisation == store.own();
        let sources = store.sources().into_iter().filter(|source| {
            source.number == self.peer.source || !is_own && source.owner() == Some(self.peer.organisation)
        });
        sources.map(|source| source.number).collect()
    }

    /// Our identity, before the first object that goes out: what we make names it.
    async fn introduction(&self, recipient: Recipient) -> Result<Vec<Released<Sent>>, Failure> {
        if self.state.pushed_through > 0 {
            return Ok(Vec::new());
        }
        let view = self.node.store().view(recipient);
        let versions = view.object(&self.node.identity()).await?;
        Ok(versions.into_iter().take(1).map(outgoing).collect())
    }

    /// Where it is pushed to.
    async fn target(&mut self, client: &Client) -> Result<Target, Failure> {
        if let Some(known) = &self.dealings.target {
            return Ok(known.clone());
        }
        let found = client.find(&self.url()?, None).await?;
        let url = &self.peer.url;
        let at = match &self.peer.settings.push_to {
            Some(name) => {
                let one = found.iter().find(|found| is_called(found, name));
                let one = one.ok_or_else(|| missing(url, name))?;
                if !one.collection.can_write {
                    let why = format!("{url}: we may not write to the collection `{name}`");
                    return Err(Failure::Told(why));
                }
                one.at.clone()
            }
            None => {
                let mut all = found.iter().filter(|found| found.collection.can_write);
                match (all.next(), all.next()) {
                    (Some(one), None) => one.at.clone(),
                    (None, _) => {
                        return Err(Failure::Told(format!(
                            "{url}: there is no collection to write to"
                        )));
                    }
                    _ => {
                        let why = "there are several collections to write to: name one";
                        return Err(Failure::Told(format!("{url}: {why}")));
                    }
                }
            }
        };
        // A server that does not say how much it takes is asked by sending it.
        let root = client.api_root(at.root()).await.ok();
        let target = Target {
            at,
            max_content_length: root.and_then(|root| root.max_content_length),
        };
        self.dealings.target = Some(target.clone());
        Ok(target)
    }
}

fn outgoing(entry: Released<Entry>) -> Released<Sent> {
    entry.map(|entry| Sent {
        id: entry.id,
        version: entry.version_text,
        raw: Bytes::from(entry.raw),
    })
}
