//! Pulling collections of TAXII servers.

use std::time::{Duration, Instant};

use perisai_exchange::taxii::{Client, CollectionUrl, Cursor, Found, Page, PullOptions};
use perisai_model::Place;
use perisai_store::Credential;

use super::feeds::bytes_of;
use super::register;
use super::round::{End, Failure, Round};
use crate::node::intake::{Batch, Imported};

/// For how long it is remembered which collections there are.
const FRESH: Duration = Duration::from_secs(3600);

/// The collections of a server that are pulled.
#[derive(Debug, Clone)]
pub(super) struct Remotes {
    asked: Instant,
    all: Vec<CollectionUrl>,
}

impl Round<'_> {
    /// A client of the peer, with its connections.
    pub(super) fn client(&mut self) -> Result<Client, Failure> {
        if let Some(client) = &self.dealings.client {
            return Ok(client.clone());
        }
        let mut settings = register::settings(&self.secret, &self.peer.settings, &self.pace)?;
        if self.secret.credential == Credential::None {
            // Without a word of who we are, the certificate says it, to a server that asks.
            settings.identity_pem = self.node.settings().certificate_and_key();
        }
        let client = Client::new(&self.url()?, &settings)?;
        self.dealings.client = Some(client.clone());
        Ok(client)
    }

    /// Pulls all of its collections; one that fails does not hold up the others.
    pub(super) async fn pull_taxii(&mut self) -> Result<End, Failure> {
        let client = self.client()?;
        let remotes = self.remotes(&client).await?;
        let is_over = self.turn();
        let mut failed = None;
        let mut end = End::Done;
        for at in &remotes {
            match self.pull_collection(&client, (at, &remotes), &is_over).await {
                Ok(End::Done) => {}
                Ok(End::More) => end = End::More,
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        failed.map_or(Ok(end), Err)
    }

    async fn pull_collection(
        &mut self,
        client: &Client,
        (at, all): (&CollectionUrl, &[CollectionUrl]),
        is_over: &impl Fn() -> bool,
    ) -> Result<End, Failure> {
        let store = self.node.store();
        let remote = at.url().as_str();
        let kept = store.peer_cursor(self.peer, remote).await?;
        // One that another version wrote is begun anew: it costs time, and no object.
        let mut cursor = kept
            .and_then(|text| serde_json::from_str::<Cursor>(&text).ok())
            .unwrap_or_default();
        loop {
            let Page {
                objects,
                broken,
                untold,
                cursor: next,
                more,
                notes,
            } = client.pull(at, &cursor, &PullOptions::default()).await?;
            let brought = !objects.is_empty() || !broken.is_empty();
            let objects = objects.into_iter().map(bytes_of).collect();
            let objects = self.without_empty_graves(client, (at, all), objects).await?;
            self.store_all(objects.into_iter()).await?;
            let lines = broken
                .iter()
                .map(|one| format!("{remote}: object {} {}", one.index + 1, one.reason));
            self.refuse(broken.len() as u64 + untold, lines);
            notes
                .iter()
                .for_each(|note| self.state.tell(format!("{remote}: {note}")));
            if next != cursor {
                let text = serde_json::to_string(&next).expect("a cursor is plain data");
                store.keep_peer_cursor(self.peer, remote, &text).await?;
            }
            if brought {
                store.keep_peer_state(self.peer, &self.state).await?;
            }
            cursor = next;
            if let Some(end) = End::of(more, is_over) {
                return Ok(end);
            }
        }
    }

    /// Stores objects in steps.
    pub(super) async fn store_all(&mut self, objects: impl Iterator<Item = Vec<u8>>) -> Result<(), Failure> {
        let mut batch = Batch::default();
        for object in objects {
            if let Some(enough) = batch.add(object) {
                self.store_some(enough).await?;
            }
        }
        self.store_some(batch.take()).await
    }

    async fn store_some(&mut self, objects: Vec<Vec<u8>>) -> Result<(), Failure> {
        if !objects.is_empty() {
            let delivery = self.delivery(objects)?;
            let received = self.node.receive(delivery).await?;
            let mut imported = Imported::default();
            imported.count(received, &Place::file(&*self.peer.url));
            self.count(imported);
        }
        Ok(())
    }

    /// The collections that are pulled, by discovery where that is not fresh.
    async fn remotes(&mut self, client: &Client) -> Result<Vec<CollectionUrl>, Failure> {
        if let Some(known) = &self.dealings.remotes
            && known.asked.elapsed() < FRESH
        {
            return Ok(known.all.clone());
        }
        let found = client.find(&self.url()?, None).await?;
        let wanted = &self.peer.settings.collections;
        let mut all = Vec::new();
        for name in wanted {
            let one = found.iter().find(|found| is_called(found, name));
            let one = one.ok_or_else(|| missing(&self.peer.url, name))?;
            if !all.contains(&one.at) {
                all.push(one.at.clone());
            }
        }
        if wanted.is_empty() {
            let readable = found.into_iter().filter(|found| found.collection.can_read);
            all.extend(readable.map(|found| found.at));
        }
        if all.is_empty() {
            let why = format!("{}: there is no collection that we may read", self.peer.url);
            return Err(Failure::Told(why));
        }
        let asked = Instant::now();
        self.dealings.remotes = Some(Remotes {
            asked,
            all: all.clone(),
        });
        Ok(all)
    }
}

/// Whether a collection is meant by its id, alias or title.
pub(super) fn is_called(found: &Found, name: &str) -> bool {
    let collection = &found.collection;
    collection.id == name || collection.title == name || collection.alias.as_deref() == Some(name)
}

pub(super) fn missing(url: &(impl AsRef<str> + ?Sized), name: &str) -> Failure {
    let url = url.as_ref();
    Failure::Told(format!("{url}: there is no collection `{name}` that we may know"))
}
