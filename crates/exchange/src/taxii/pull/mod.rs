//! Reads a collection page by page, and misses nothing whatever the server gets wrong.
//!
//! A run goes from the position of the cursor to the end of the collection. It begins just *before* the position, since
//! other objects may have the same `date_added`, and drops what was seen. Within a run `next` leads on. The position
//! moves with each page where the server tells dates that rise; else at the end of the run, by its manifest where it
//! tells no dates with the objects.
//!
//! `next` is trusted little. Servers forget it; others (medallion) keep a list that they give away piece by piece under
//! one `next`, so that a page whose answer was lost never comes again. Hence one is sent once, and not after a restart;
//! then the run goes on by date.

mod cursor;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use self::cursor::{Fresh, Key, Run, key, key_of_page};
use super::client::{Client, CollectionUrl, Envelope, Manifest, cut_error};
use super::query::{Matching, Query};
use super::stamp::Stamp;
use crate::error::{Error, Result};
use crate::split::{Broken, Cut};

pub use cursor::Cursor;

/// How many pages without a readable object may follow one another.
const MAX_EMPTY: u32 = 16;
/// How few objects under the `next` of the page before are next to nothing, and how many such pages may follow one another.
/// A server that keeps a list under one `next` gives it away in whole pages; one that makes objects up never ends.
const THIN: usize = 10;
const MAX_THIN: u32 = 256;
/// How often in one call `next` may be forgotten.
const MAX_FORGOTTEN: u32 = 3;
/// How many pages of a manifest are read for dates.
const MAX_MANIFEST: u32 = 1_000;
/// How many broken objects of pages that bring nothing else are told.
const MAX_TOLD: usize = 1_000;

/// What is pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullOptions {
    /// Which objects. Where it changes, a new cursor is needed.
    pub matching: Matching,
    /// How many objects a page should have; at least 1. The server may give less, or more.
    pub limit: u32,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self {
            matching: Matching::default(),
            limit: 1_000,
        }
    }
}

/// What a pull brought.
#[derive(Debug)]
pub struct Page {
    /// Objects that were not seen before, as they came.
    pub objects: Vec<Box<RawValue>>,
    /// What could not be read, with its place in its page.
    pub broken: Vec<Broken>,
    /// How many more could not be read than are told.
    pub untold: u64,
    /// Where to go on. To be kept after the objects are.
    pub cursor: Cursor,
    /// Whether to go on at once.
    pub more: bool,
    /// What the server gets wrong.
    pub notes: Vec<Note>,
}

/// Something that a server gets wrong, and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It says that there is more, and gives the same again: the run ends here.
    Endless,
    /// The answer breaks off; the rest is asked for again, in smaller pages.
    Cut(Cut),
    /// It no longer knows its own `next`: the run goes on by date.
    NextForgotten,
    /// Dates fall from one page to the next: the position moves only at the end of a run.
    Unordered,
    /// It tells no dates with the objects: they are taken from the manifest.
    Undated,
    /// It tells no dates in the manifest either: each run reads all.
    FullPull,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Endless => {
                "the server gives the same page again and again; what comes after it was not reached"
            }
            Self::Cut(cut) => {
                return write!(
                    f,
                    "an answer breaks off after {} bytes: {}",
                    cut.offset, cut.reason
                );
            }
            Self::NextForgotten => "the server forgot where the page before ended; read on by date",
            Self::Unordered => "the server's pages are not in the order of their dates",
            Self::Undated => "the server tells no dates with its objects; taken from the manifest",
            Self::FullPull => "the server tells no dates at all; each pull reads the whole collection",
        })
    }
}

/// What is pulled from: a collection of a server.
pub(crate) trait Source {
    async fn page(&self, query: &Query) -> Result<Envelope>;
    async fn manifest(&self, query: &Query) -> Result<Manifest>;
    /// The error that a cut stands for.
    fn cut(&self, cut: &Cut) -> Error;
    /// The error that something said which cannot be stands for.
    fn wrong(&self, reason: &str) -> Error;
}

struct Remote<'a> {
    client: &'a Client,
    at: &'a CollectionUrl,
}

impl Source for Remote<'_> {
    async fn page(&self, query: &Query) -> Result<Envelope> {
        self.client.objects(self.at, query).await
    }

    async fn manifest(&self, query: &Query) -> Result<Manifest> {
        self.client.manifest(self.at, query).await
    }

    fn cut(&self, cut: &Cut) -> Error {
        cut_error(self.at.url(), cut)
    }

    fn wrong(&self, reason: &str) -> Error {
        Error::bad_answer(self.at.url(), reason)
    }
}

impl Client {
    /// Reads on in a collection: the next page that brings something, or the end. With nothing new it is one request.
    ///
    /// # Errors
    /// Where nothing comes. The cursor that was given is then still good.
    pub async fn pull(&self, at: &CollectionUrl, cursor: &Cursor, options: &PullOptions) -> Result<Page> {
        pull(&Remote { client: self, at }, cursor, options, Timestamp::now()).await
    }
}

async fn pull<S: Source>(source: &S, cursor: &Cursor, options: &PullOptions, now: Timestamp) -> Result<Page> {
    let mut walk = Walk {
        source,
        options,
        now,
        cursor: cursor.clone(),
        visited: HashSet::new(),
        empty: 0,
        forgotten: 0,
        broken: Vec::new(),
        untold: 0,
        notes: Vec::new(),
    };
    loop {
        let query = walk.ask();
        let page = match source.page(&query).await {
            Ok(envelope) => walk.take(&query, envelope).await?,
            Err(error) => {
                walk.failed(&query, error)?;
                None
            }
        };
        if let Some(page) = page {
            return Ok(page);
        }
    }
}

/// One call of pull: as many requests as it takes to have something to give.
struct Walk<'a, S> {
    source: &'a S,
    options: &'a PullOptions,
    now: Timestamp,
    cursor: Cursor,
    /// The pages of this call.
    visited: HashSet<Key>,
    empty: u32,
    forgotten: u32,
    broken: Vec<Broken>,
    untold: u64,
    notes: Vec<Note>,
}

impl<S: Source> Walk<'_, S> {
    fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            tracing::debug!(%note, "pull");
            self.notes.push(note);
        }
    }

    fn move_to(&mut self, position: Option<Stamp>) {
        self.cursor.move_to(position, self.now);
    }

    fn run(&mut self) -> &mut Run {
        let cursor = &mut self.cursor;
        let added_after = cursor.begin(self.now);
        cursor.run.get_or_insert_with(|| Run {
            start: cursor.position,
            added_after,
            next: None,
            fresh: Fresh::default(),
            stateful: None,
            thin: 0,
            bare: false,
            ordered: true,
            dated: true,
            last: None,
            limit: self.options.limit.max(1),
            pages: 0,
            is_ahead: false,
            found: false,
        })
    }

    /// What to ask next.
    fn ask(&mut self) -> Query {
        let overflowed = self.cursor.seen.overflowed;
        let has_position = self.cursor.position.is_some();
        let run = self.run();
        if run.next.is_some() && !run.fresh.spend() {
            // By date it is safe. Where that does not lead on, a `next` will do that a server made to last.
            let by_date = run.dated && run.ordered && has_position && !overflowed;
            if by_date || run.stateful != Some(false) {
                self.by_date();
            }
        }
        let run = self.run();
        Query {
            added_after: run
                .added_after
                .clone()
                .filter(|_| run.next.is_none() || !run.bare),
            limit: Some(run.limit),
            next: run.next.clone(),
            matching: self.options.matching.clone(),
        }
    }

    /// Goes on from the position instead of from `next`.
    fn by_date(&mut self) {
        let added_after = self.cursor.just_before();
        let run = self.run();
        run.next = None;
        run.bare = false;
        run.added_after = added_after;
    }

    /// An answer that is an error: goes on in another way, or gives it to the caller.
    fn failed(&mut self, query: &Query, error: Error) -> Result<()> {
        if is_too_much(&error) {
            return self.shrink(error);
        }
        if query.next.is_none() {
            return Err(error);
        }
        if error.retry_at().is_some() {
            self.run().fresh.renew();
            return Err(error);
        }
        if !error.is_about_the_question() || self.forgotten >= MAX_FORGOTTEN {
            return Err(error);
        }
        self.forgotten += 1;
        if query.added_after.is_some() && !matches!(error, Error::NotFound { .. }) {
            // Some servers take `next` only without the filters that are in it.
            let run = self.run();
            run.bare = true;
            run.fresh.renew();
        } else {
            self.note(Note::NextForgotten);
            self.by_date();
        }
        Ok(())
    }

    /// Asks for smaller pages; the error where they are as small as they get.
    fn shrink(&mut self, error: Error) -> Result<()> {
        let run = self.run();
        if run.limit == 1 {
            return Err(error);
        }
        run.limit = (run.limit / 4).max(1);
        self.by_date();
        Ok(())
    }

    /// A page came. `None` where it brings nothing and there is more.
    async fn take(&mut self, query: &Query, envelope: Envelope) -> Result<Option<Page>> {
        let is_empty = envelope.objects.is_empty() && envelope.broken.is_empty();
        let cut = envelope.cut.clone();
        let (first, last, next) = (envelope.first, envelope.last, envelope.next.clone());
        let more = envelope.more.unwrap_or(next.is_some());
        let (keys, objects) = self.unseen(envelope);
        let run = self.run();
        run.pages = run.pages.saturating_add(1);
        run.found |= !objects.is_empty();
        if let Some(cut) = cut {
            return self.cut(&cut, &keys, objects);
        }
        if query.next.is_some() && next.is_some() {
            let same = query.next == next;
            run.stateful = Some(run.stateful == Some(true) || same);
            let is_thin = same && objects.len() < THIN.min(run.limit as usize);
            run.thin = if is_thin { run.thin + 1 } else { 0 };
            if run.thin > MAX_THIN {
                return Err(self
                    .source
                    .wrong("page after page under the same `next`, and next to nothing in each"));
            }
        }
        if !is_empty {
            self.advance(query, first, last, &keys);
        }
        if !objects.is_empty() {
            self.run().is_ahead = false;
        }
        self.empty = if keys.is_empty() { self.empty + 1 } else { 0 };
        if !more {
            return self.end(objects).await.map(Some);
        }
        let leads_by_date = self.leads_by_date();
        let run = self.run();
        match next {
            Some(next) => {
                run.next = Some(next);
                run.fresh = Fresh::new();
            }
            None if leads_by_date => self.by_date(),
            None => {
                self.note(Note::Endless);
                return self.end(objects).await.map(Some);
            }
        }
        if !objects.is_empty() {
            return Ok(Some(self.page(objects, true)));
        }
        let is_repeated = !keys.is_empty() && !self.visited.insert(key_of_page(&keys));
        if is_repeated || self.empty > MAX_EMPTY {
            return self.repeated(query).await;
        }
        Ok(None)
    }

    /// The same page came again: tries `next` alone, then by date, then gives up.
    async fn repeated(&mut self, query: &Query) -> Result<Option<Page>> {
        let leads_by_date = self.leads_by_date();
        let run = self.run();
        if query.next.is_some() && query.added_after.is_some() && !run.bare {
            run.bare = true;
        } else if leads_by_date {
            self.by_date();
        } else {
            self.note(Note::Endless);
            return self.end(Vec::new()).await.map(Some);
        }
        Ok(None)
    }

    /// Whether going on from the position would ask something else than this run did.
    fn leads_by_date(&mut self) -> bool {
        let added_after = self.cursor.just_before();
        let run = self.run();
        run.dated && run.ordered && added_after != run.added_after
    }

    /// The keys of a page's objects, and those objects that were not seen. One without an id is broken.
    fn unseen(&mut self, envelope: Envelope) -> (Vec<Key>, Vec<Box<RawValue>>) {
        let mut broken = envelope.broken;
        self.untold += envelope.untold;
        let mut keys = Vec::with_capacity(envelope.objects.len());
        let mut here = HashSet::new();
        let mut objects = Vec::new();
        for (index, raw) in (0..).zip(envelope.objects) {
            let key = match serde_json::from_str::<Head<'_>>(raw.get()) {
                Ok(head) => key(&head.id, head.version(), raw.get()),
                Err(error) => {
                    broken.push(Broken {
                        index,
                        offset: 0,
                        reason: format!("is no object of STIX: {error}").into(),
                    });
                    continue;
                }
            };
            keys.push(key);
            if here.insert(key) && !self.cursor.seen.contains(key) {
                objects.push(raw);
            }
        }
        let room = MAX_TOLD.saturating_sub(self.broken.len());
        self.untold += broken.len().saturating_sub(room) as u64;
        broken.truncate(room);
        self.broken.append(&mut broken);
        (keys, objects)
    }

    /// Moves the position over a whole page that is not empty.
    fn advance(&mut self, query: &Query, first: Option<Stamp>, last: Option<Stamp>, keys: &[Key]) {
        let position = self.cursor.position;
        let run = self.run();
        let Some(last) = last else {
            if run.dated {
                run.dated = false;
                let start = run.start;
                self.move_to(start);
                self.note(Note::Undated);
            }
            return self.cursor.seen.add(keys);
        };
        let before = run.last.filter(|_| query.next.is_some());
        let falls = before.is_some_and(|before| first.unwrap_or(last).at < before.at)
            || position.is_some_and(|position| last < position.earliest())
            || first.is_some_and(|first| first.at > last.at);
        run.last = run.last.max(Some(last));
        if falls && run.ordered {
            run.ordered = false;
            let start = run.start;
            self.move_to(start);
            self.note(Note::Unordered);
        }
        let run = self.run();
        if !(run.dated && run.ordered) {
            return self.cursor.seen.add(keys);
        }
        let is_ahead = run.is_ahead;
        // What may come again when it is asked from just before is not forgotten.
        match position {
            _ if is_ahead => self.cursor.seen.add(keys),
            Some(position) if position >= last.earliest() => self.cursor.seen.add(keys),
            _ => self.cursor.seen.replace(keys),
        }
        let last = position.max(Some(last));
        self.move_to(last);
    }

    /// An answer broke off: what was whole is given, and the page is asked for again.
    fn cut(&mut self, cut: &Cut, keys: &[Key], objects: Vec<Box<RawValue>>) -> Result<Option<Page>> {
        self.cursor.seen.add(keys);
        self.run().is_ahead = true;
        self.shrink(self.source.cut(cut))?;
        if objects.is_empty() {
            return Ok(None);
        }
        self.note(Note::Cut(cut.clone()));
        Ok(Some(self.page(objects, true)))
    }

    /// The run is over.
    async fn end(&mut self, objects: Vec<Box<RawValue>>) -> Result<Page> {
        let run = self.run().clone();
        if run.dated {
            self.move_to(self.cursor.position.max(run.last));
        } else {
            let position = self.by_manifest(run.start).await;
            self.move_to(position);
        }
        if !run.found && run.dated && run.pages > 1 && self.notes.is_empty() {
            self.cursor.is_heavy = true;
        }
        self.cursor.run = None;
        Ok(self.page(objects, false))
    }

    fn page(&mut self, objects: Vec<Box<RawValue>>, more: bool) -> Page {
        Page {
            objects,
            broken: std::mem::take(&mut self.broken),
            untold: std::mem::take(&mut self.untold),
            cursor: self.cursor.clone(),
            more,
            notes: std::mem::take(&mut self.notes),
        }
    }

    /// How far all was read, by the dates in the manifest: to the last row before the first one that was not seen.
    /// What stands in the manifest and was not seen came after the objects were read.
    async fn by_manifest(&mut self, start: Option<Stamp>) -> Option<Stamp> {
        let mut query = Query {
            added_after: start.map(Stamp::just_before),
            matching: self.options.matching.clone(),
            limit: Some(self.options.limit.max(1)),
            next: None,
        };
        let mut rows: Vec<(Stamp, bool)> = Vec::new();
        for _ in 0..MAX_MANIFEST {
            let manifest = self.source.manifest(&query).await.ok();
            let Some(manifest) = manifest.filter(|_| !self.cursor.seen.overflowed) else {
                break;
            };
            for row in &manifest.rows {
                let Some(date) = row.date_added else {
                    self.note(Note::FullPull);
                    return start;
                };
                let seen = self.cursor.seen.contains(key(&row.id, Some(&row.version), ""));
                rows.push((date, seen));
            }
            if !manifest.more {
                rows.sort_unstable();
                let read = rows.iter().take_while(|(_, seen)| *seen).last();
                return read.map(|(date, _)| *date).or(start);
            }
            if manifest.next.is_none() || manifest.next == query.next && manifest.rows.is_empty() {
                break;
            }
            query.next = manifest.next;
        }
        self.note(Note::FullPull);
        start
    }
}

/// Whether a smaller page may come through.
fn is_too_much(error: &Error) -> bool {
    match error {
        Error::TooLarge { .. } | Error::CutOff { .. } | Error::TooSlow { .. } => true,
        Error::TimedOut { what, .. } => what.contains("rest"),
        _ => false,
    }
}

/// What of an object is read here.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    modified: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    created: Option<Cow<'a, str>>,
}

impl Head<'_> {
    fn version(&self) -> Option<&str> {
        self.modified.as_deref().or(self.created.as_deref())
    }
}
