//! What all resources have in common that give objects, or tell of them: a page, where the next one starts, and the
//! times between which its objects were added.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use perisai_policy::Released;
use perisai_store::{Entry, Page, PageQuery, VersionFilter, View};

use super::asked::Asked;
use super::cursor::{self, Scope};
use super::error::Refused;
use super::filter::{Fields, Filters};
use super::{even, time};
use crate::outgoing::{Outgoing, record};

const FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// How many bytes of objects a page has, unless its only object is larger.
const BYTES: usize = 16 << 20;

/// What a resource gives.
pub(super) struct Resource<'a> {
    /// In the record of what leaves.
    pub(super) way: &'static str,
    pub(super) fields: Fields,
    /// The object that it is about.
    pub(super) id: Option<&'a str>,
    /// The versions that it gives where no filter may say so.
    pub(super) versions: Option<VersionFilter>,
    /// Objects are told of, not given.
    pub(super) heads: bool,
}

/// A page for a client.
pub(super) struct Reading {
    pub(super) entries: Vec<Released<Entry>>,
    /// A cursor for what is behind it.
    pub(super) next: Option<String>,
    /// The times of its first and its last object.
    pub(super) headers: HeaderMap,
}

/// Reads a page, and records that it leaves.
pub(super) async fn read(asked: &Asked, resource: &Resource<'_>) -> Result<Reading, Refused> {
    let view = asked.view()?;
    let filters = Filters::read(&asked.known.uri, resource.fields)?;
    let (key, name) = (
        asked.known.shared.key(&asked.known.state).await?,
        scope_name(resource),
    );
    let scope = Scope {
        resource: &name,
        collection: asked.collection.number,
        filters: filters.digest(),
    };
    let behind = filters
        .next
        .as_deref()
        .map(|next| cursor::read(&key, &scope, next));
    let behind = behind.transpose()?;
    let query = query(asked, resource, &filters, behind);
    let Page { mut entries, more } = view.page(&query).await?;
    let node = &asked.known.state.node;
    node.note_withheld(view.clone(), Arc::clone(&asked.collection));
    // What was deleted while the page was read has no bytes.
    entries.retain(|entry| query.heads || !entry.get().raw.is_empty());
    if entries.is_empty() && resource.id.is_some() && !exists(&view, &query).await? {
        return Err(asked.known.missing().await);
    }
    if entries.is_empty() || !query.ids.is_empty() {
        even::out(asked.known.started).await;
    }
    if !entries.is_empty() {
        let ids = entries.iter().map(|entry| &*entry.get().id);
        let outgoing = Outgoing::of_ids(*view.recipient(), resource.way, ids);
        record(&asked.known.state, &outgoing).await?;
    }
    let last = entries.last().filter(|_| more).map(|entry| entry.get().added);
    Ok(Reading {
        next: last.map(|position| cursor::write(&key, &scope, position)),
        headers: headers(&entries),
        entries,
    })
}

fn scope_name(resource: &Resource<'_>) -> String {
    format!("{} {}", resource.way, resource.id.unwrap_or_default())
}

fn query(asked: &Asked, resource: &Resource<'_>, filters: &Filters, behind: Option<i64>) -> PageQuery {
    let most = asked.known.state.node.settings().page.max(1);
    PageQuery {
        collection: asked.collection.number,
        after: filters.added_after.max(behind),
        limit: filters.limit.unwrap_or(most).min(most),
        bytes: Some(BYTES),
        heads: resource.heads,
        ids: resource
            .id
            .map_or_else(|| filters.ids.clone(), |id| vec![id.to_owned()]),
        types: filters.types.clone(),
        specs: filters.specs.clone(),
        versions: resource
            .versions
            .map_or_else(|| filters.versions.clone(), |version| vec![version]),
    }
}

/// Whether the reader may see any version of an object in the collection, whatever else was asked.
async fn exists(view: &View, query: &PageQuery) -> Result<bool, Refused> {
    let any = PageQuery {
        collection: query.collection,
        limit: 1,
        heads: true,
        ids: query.ids.clone(),
        versions: vec![VersionFilter::All],
        ..PageQuery::default()
    };
    Ok(!view.page(&any).await?.entries.is_empty())
}

fn headers(entries: &[Released<Entry>]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let ends = [(FIRST, entries.first()), (LAST, entries.last())];
    for (name, entry) in ends {
        if let Some(entry) = entry {
            let time = HeaderValue::try_from(time::write(entry.get().added));
            headers.insert(name, time.expect("a time is plain text"));
        }
    }
    headers
}

/// The version of an object, as it says it; else when it was added (section 3.4.1).
pub(super) fn version(entry: &Entry) -> String {
    match &entry.version_text {
        Some(text) if time::read(text) == Some(entry.version) => text.clone(),
        Some(_) => time::write(entry.version),
        None => time::write(entry.added),
    }
}
