//! Feeds by HTTP, folders of MISP events, MISP servers.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use perisai_exchange::feed::{
    FeedCursor, FeedPage, Fetched, MispCursor, MispFeed, MispPage, MispServer, Validators, fetch,
};
use perisai_store::{PeerState, make_folder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::convert::Came;
use super::register;
use super::round::{End, Failure, Round};

/// By which name the position of a feed is kept: it has only one.
const POSITION: &str = "";

/// How much of a file is looked at to tell a page for people, in bytes.
const HEAD: u64 = 1 << 10;

/// How many events of a folder are fetched before they are stored.
const EVENTS: usize = 100;

/// How many events a MISP server is asked for at a time: one may have hundreds of thousands of attributes.
const EVENTS_A_PAGE: u32 = 20;

/// Whether a file is a page for people, as log-ins and errors are: whatever type it is said to be.
fn is_page(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    Ok(["<!doctype html", "<html"]
        .iter()
        .any(|begin| text.starts_with(begin)))
}

/// The bytes of a document, without a copy of them.
pub(super) fn bytes_of(raw: Box<RawValue>) -> Vec<u8> {
    Box::<str>::from(raw).into_string().into_bytes()
}

impl Round<'_> {
    /// Fetches a file, where it has changed, and takes it in.
    pub(super) async fn fetch_feed(&mut self) -> Result<End, Failure> {
        let url = self.url()?;
        let transport = register::transport(&url, &self.secret, &self.peer.settings, &self.pace)?;
        let known: Validators = self.position().await?;
        let Fetched::Body { body, validators, .. } = fetch(&transport, &url, &known).await? else {
            return Ok(End::Done);
        };
        // What a killed node left there goes when it starts.
        let folder = &self.node.settings().data.join("incoming");
        make_folder(folder)?;
        let here = |error: std::io::Error| Failure::Told(format!("{}: {error}", folder.display()));
        let mut file = tempfile::Builder::new()
            .prefix("feed-")
            .tempfile_in(folder)
            .map_err(here)?;
        body.copy_to(file.as_file_mut()).await?;
        if is_page(file.path()).map_err(here)? {
            return Err(Failure::Told(format!(
                "{}: a page for people came (HTML), and no feed: it may want a log-in",
                self.peer.url
            )));
        }
        let before = self.state.clone();
        self.convert(Came::File(file.path().to_owned())).await?;
        self.fail_if_nothing(&before)?;
        self.keep(&validators).await?;
        Ok(End::Done)
    }

    /// Refuses a feed of which nothing could be read: it is asked for whole again.
    fn fail_if_nothing(&self, before: &PeerState) -> Result<(), Failure> {
        let taken = |state: &PeerState| [state.stored, state.known, state.apart, state.deleted];
        let refused = self.state.refused - before.refused;
        if refused == 0 || taken(&self.state) != taken(before) {
            return Ok(());
        }
        let last = self.state.told.last().map(|line| format!("; {line}"));
        Err(Failure::Told(format!(
            "{}: nothing of it can be read: {refused} refused{}",
            self.peer.url,
            last.unwrap_or_default()
        )))
    }

    /// Takes in the events of a folder that are new or changed.
    pub(super) async fn pull_misp_feed(&mut self) -> Result<End, Failure> {
        let settings = register::settings(&self.secret, &self.peer.settings, &self.pace)?;
        let feed = MispFeed::new(&self.url()?, &settings)?;
        let mut position: FeedCursor = self.position().await?;
        let is_over = self.turn();
        loop {
            let FeedPage {
                events,
                deleted,
                problems,
                cursor,
                more,
            } = feed.pull(&position, EVENTS).await?;
            let documents = events
                .into_iter()
                .map(|event| (event.uuid, bytes_of(event.raw)))
                .collect();
            self.convert(Came::Documents(documents)).await?;
            let lines = problems
                .iter()
                .map(|problem| format!("event {}: {}", problem.event, problem.error));
            self.refuse(problems.len() as u64, lines);
            for event in deleted {
                let line = format!("event {event} is no longer in the feed; what it brought stays here");
                self.state.tell(line);
            }
            if cursor != position {
                self.keep(&cursor).await?;
            }
            position = cursor;
            if let Some(end) = End::of(more, &is_over) {
                return Ok(end);
            }
        }
    }

    /// Takes in the events of a server that were changed.
    pub(super) async fn pull_misp(&mut self) -> Result<End, Failure> {
        let settings = register::settings(&self.secret, &self.peer.settings, &self.pace)?;
        let server = MispServer::new(&self.url()?, &settings)?;
        let mut position: MispCursor = self.position().await?;
        let is_over = self.turn();
        loop {
            let MispPage {
                events,
                broken,
                cursor,
                more,
            } = server.pull(&position, EVENTS_A_PAGE).await?;
            let documents = (1..)
                .zip(events)
                .map(|(number, event)| (format!("event {number}"), bytes_of(event)))
                .collect();
            self.convert(Came::Documents(documents)).await?;
            let lines = broken
                .iter()
                .map(|one| format!("event {}: {}", one.index + 1, one.reason));
            self.refuse(broken.len() as u64, lines);
            if cursor != position {
                self.keep(&cursor).await?;
            }
            position = cursor;
            if let Some(end) = End::of(more, &is_over) {
                return Ok(end);
            }
        }
    }

    /// How far it was read; from the start, where that is not known or was written by another version.
    async fn position<T: DeserializeOwned + Default>(&self) -> Result<T, Failure> {
        let text = self.node.store().peer_cursor(self.peer, POSITION).await?;
        Ok(text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default())
    }

    /// Keeps how far it was read, and what that brought.
    async fn keep(&self, position: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(position).expect("a position is plain data");
        let store = self.node.store();
        store.keep_peer_cursor(self.peer, POSITION, &text).await?;
        store.keep_peer_state(self.peer, &self.state).await?;
        Ok(())
    }
}
