//! Every call of TAXII 2.1, one at a time. Pulling and pushing are made of these.

use bytes::Bytes;
use reqwest::{Method, header};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::resources::{ApiRoot, Collection, Discovery, ManifestRow, Status};
use super::{Query, Stamp};
use crate::error::{Error, Result};
use crate::split::{Broken, Cut, Shape, Split, Splitter};
use crate::transport::{Answer, Request, Settings, Transport};

/// What is asked for and sent (section 1.6.8.1).
pub(super) const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// The longest document that is no list of objects, in bytes. A status names every object that was sent.
const MAX_DOCUMENT: u64 = 32 << 20;
/// How many elements one answer may have.
const MAX_ITEMS: usize = 1_000_000;

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) transport: Transport,
}

/// The address of a collection: `…/{api-root}/collections/{id}/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CollectionUrl {
    root: Url,
    url: Url,
}

/// A page of objects (section 3.7).
#[derive(Debug, Default)]
pub struct Envelope {
    /// The objects, as they came.
    pub objects: Vec<Box<RawValue>>,
    /// Those that cannot be read.
    pub broken: Vec<Broken>,
    /// How many more cannot be read than are told.
    pub untold: u64,
    /// Whether the server says that there is more.
    pub more: Option<bool>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// `X-TAXII-Date-Added-First`.
    pub first: Option<Stamp>,
    /// `X-TAXII-Date-Added-Last`.
    pub last: Option<Stamp>,
    /// Where the answer breaks off.
    pub cut: Option<Cut>,
}

/// A page of a manifest (section 5.3).
#[derive(Debug, Default)]
pub struct Manifest {
    /// A row for each version of an object.
    pub rows: Vec<ManifestRow>,
    /// Whether there is more.
    pub more: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A page of the versions of an object (section 5.8).
#[derive(Debug, Default)]
pub struct Versions {
    /// The versions, as they came.
    pub versions: Vec<String>,
    /// Whether there is more.
    pub more: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl CollectionUrl {
    /// A collection of an API root.
    ///
    /// # Errors
    /// Where the address cannot have a path.
    pub fn new(root: &Url, id: &str) -> Result<Self> {
        let root = folder(root);
        let mut url = root.clone();
        url.path_segments_mut()
            .map_err(|()| Error::setup("address", "it has no path"))?
            .pop_if_empty()
            .extend(["collections", id, ""]);
        Ok(Self { root, url })
    }

    /// Reads the address of a collection, or of something in it; `None` where it is another one.
    pub fn read(url: &Url) -> Option<Self> {
        let segments: Vec<&str> = url.path_segments()?.collect();
        let place = segments.iter().rposition(|segment| *segment == "collections")?;
        let id = segments.get(place + 1).filter(|id| !id.is_empty())?;
        let mut root = folder(url);
        root.set_path(&format!("/{}/", segments[..place].join("/")).replace("//", "/"));
        let mut this = root.clone();
        this.set_path(&format!("{}collections/{id}/", root.path()));
        Some(Self { root, url: this })
    }

    /// The address itself; it ends in `/`.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The API root's; it ends in `/`.
    pub fn root(&self) -> &Url {
        &self.root
    }

    fn below(&self, segments: &[&str]) -> Url {
        below(&self.url, segments)
    }
}

impl Client {
    /// A client of the server that an address belongs to: of the server, an API root or a collection. Nothing is sent
    /// yet.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub fn new(url: &Url, settings: &Settings) -> Result<Self> {
        Ok(Self {
            transport: Transport::new(url, settings)?,
        })
    }

    /// What a server says of itself (section 4.1).
    ///
    /// # Errors
    /// Where no such answer comes.
    pub async fn discovery(&self, url: &Url) -> Result<Discovery> {
        Ok(Discovery::read(&self.document(&folder(url)).await?))
    }

    /// An API root (section 4.2).
    ///
    /// # Errors
    /// Where no such answer comes.
    pub async fn api_root(&self, root: &Url) -> Result<ApiRoot> {
        Ok(ApiRoot::read(&self.document(&folder(root)).await?))
    }

    /// The collections of an API root (section 5.1). One that cannot be read is left out.
    ///
    /// # Errors
    /// Where no such answer comes.
    pub async fn collections(&self, root: &Url) -> Result<Vec<Collection>> {
        let document = self.document(&below(root, &["collections"])).await?;
        let list = document.get("collections").and_then(Value::as_array);
        Ok(list.into_iter().flatten().filter_map(Collection::read).collect())
    }

    /// A collection (section 5.2).
    ///
    /// # Errors
    /// Where no such answer comes.
    pub async fn collection(&self, at: &CollectionUrl) -> Result<Collection> {
        let document = self.document(&at.url).await?;
        Collection::read(&document).ok_or_else(|| Error::bad_answer(&at.url, "a collection without an id"))
    }

    /// A page of the objects of a collection (section 5.4). A question that names a `next` is not repeated after a
    /// failure, unless the server asked for that: some forget a page once they have given it.
    ///
    /// # Errors
    /// Where no object comes. Where some do before the answer breaks off, the envelope says so.
    pub async fn objects(&self, at: &CollectionUrl, query: &Query) -> Result<Envelope> {
        self.envelope(query.on(at.below(&["objects"])), query).await
    }

    /// The versions of an object that a query asks for; without one, the last (section 5.6).
    ///
    /// # Errors
    /// As [`objects`](Self::objects).
    pub async fn object(&self, at: &CollectionUrl, id: &str, query: &Query) -> Result<Envelope> {
        self.envelope(query.on(at.below(&["objects", id])), query).await
    }

    /// Which versions of an object there are (section 5.8).
    ///
    /// # Errors
    /// Where no such answer comes.
    pub async fn versions(&self, at: &CollectionUrl, id: &str, query: &Query) -> Result<Versions> {
        let url = query.on(at.below(&["objects", id, "versions"]));
        let split = self.list(&url, "versions").await?;
        let version = |raw: Box<RawValue>| serde_json::from_str(raw.get()).ok();
        Ok(Versions {
            versions: split.items.into_iter().filter_map(version).collect(),
            more: split.more.unwrap_or(split.next.is_some()),
            next: split.next,
        })
    }

    /// What a collection holds, without the objects (section 5.3). A row that cannot be read is left out.
    ///
    /// # Errors
    /// Where no such answer comes, or not all of it.
    pub async fn manifest(&self, at: &CollectionUrl, query: &Query) -> Result<Manifest> {
        let split = self.list(&query.on(at.below(&["manifest"])), "objects").await?;
        let row = |raw: Box<RawValue>| ManifestRow::read(&serde_json::from_str(raw.get()).ok()?);
        Ok(Manifest {
            rows: split.items.into_iter().filter_map(row).collect(),
            more: split.more.unwrap_or(split.next.is_some()),
            next: split.next,
        })
    }

    /// Sends an envelope of objects (section 5.5). The caller answers for what is in it: use [`push`](Self::push).
    ///
    /// # Errors
    /// Where the server does not take it. `Ok(None)`: it took it, and does not say what became of it.
    pub(super) async fn add_objects(&self, at: &CollectionUrl, envelope: Bytes) -> Result<Option<Status>> {
        let mut request = Request::post(at.below(&["objects"]), MEDIA_TYPE, MEDIA_TYPE, envelope);
        request.limit = Some(MAX_DOCUMENT);
        let (_, _, body) = self.transport.whole(&request).await?;
        let document: Option<Value> = serde_json::from_slice(&body).ok();
        Ok(document
            .filter(Value::is_object)
            .map(|document| Status::read(&document)))
    }

    /// What became of what was sent (section 4.3).
    ///
    /// # Errors
    /// Where no such answer comes.
    pub async fn status(&self, root: &Url, id: &str) -> Result<Status> {
        Ok(Status::read(&self.document(&below(root, &["status", id])).await?))
    }

    /// Deletes an object, or the versions of it that a query names (section 5.7).
    ///
    /// # Errors
    /// Where the server does not do it.
    pub async fn delete(&self, at: &CollectionUrl, id: &str, query: &Query) -> Result<()> {
        let mut request = Request::get(query.on(at.below(&["objects", id])), MEDIA_TYPE);
        request.method = Method::DELETE;
        request.limit = Some(MAX_DOCUMENT);
        self.transport.whole(&request).await.map(drop)
    }

    pub(super) async fn document(&self, url: &Url) -> Result<Value> {
        let mut request = Request::get(url.clone(), MEDIA_TYPE);
        request.limit = Some(MAX_DOCUMENT);
        let (_, headers, body) = self.transport.whole(&request).await?;
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
        match serde_json::from_slice(body) {
            Ok(document @ Value::Object(_)) => Ok(document),
            Ok(_) => Err(foreign(url, "no JSON object")),
            Err(_) => {
                let kind = headers.get(header::CONTENT_TYPE);
                let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("unknown");
                Err(foreign(url, &format!("no JSON (content type {kind})")))
            }
        }
    }

    async fn envelope(&self, url: Url, query: &Query) -> Result<Envelope> {
        let request = Request::get(url, MEDIA_TYPE);
        let may_repeat = |error: &Error| query.next.is_none() || error.retry_at().is_some();
        let attempt = || async {
            let answer = self.transport.send(&request).await?;
            let date = |name| answer.header(name).and_then(Stamp::read);
            let (first, last) = (date("x-taxii-date-added-first"), date("x-taxii-date-added-last"));
            let split = read_list(&request.url, answer, "objects", false).await?;
            Ok(Envelope {
                objects: split.items,
                broken: split.broken,
                untold: split.untold,
                more: split.more,
                next: split.next,
                first,
                last,
                cut: split.cut,
            })
        };
        self.transport.retry().run_if(may_repeat, attempt).await
    }

    async fn list(&self, url: &Url, list: &'static str) -> Result<Split> {
        let request = Request::get(url.clone(), MEDIA_TYPE);
        let attempt = || async { read_list(url, self.transport.send(&request).await?, list, true).await };
        self.transport.retry().run(attempt).await
    }
}

/// Reads an answer while it comes. Where it breaks off, an error, unless there are elements and not all are needed.
async fn read_list(url: &Url, answer: Answer, list: &'static str, whole: bool) -> Result<Split> {
    let kind = answer.header("content-type").unwrap_or("unknown").to_owned();
    let mut body = answer.body;
    let mut splitter = Splitter::new(Shape {
        list,
        max_items: MAX_ITEMS,
    });
    let mut failed = None;
    while !splitter.is_done() {
        match body.chunk().await {
            Ok(Some(chunk)) => splitter.feed(&chunk),
            Ok(None) => break,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let is_plausible = splitter.is_plausible();
    let reason = failed.as_ref().map(ToString::to_string);
    let mut split = splitter.finish(reason.as_deref());
    let too_large = matches!(failed, Some(Error::TooLarge { .. }));
    if let Some(cut) = &mut split.cut {
        cut.too_much |= too_large;
    }
    match (&split.cut, failed) {
        (None, _) => Ok(split),
        (_, None) if !is_plausible => Err(foreign(url, &format!("no JSON (content type {kind})"))),
        (Some(_), Some(error)) if whole || split.items.is_empty() => Err(error),
        (Some(cut), None) if whole || split.items.is_empty() => Err(cut_error(url, cut)),
        (Some(_), _) => Ok(split),
    }
}

pub(crate) fn cut_error(url: &Url, cut: &Cut) -> Error {
    let url = crate::error::shown(url);
    if cut.too_much {
        return Error::TooLarge {
            url,
            limit: cut.offset,
            unit: "bytes",
        };
    }
    Error::CutOff {
        url,
        after: cut.offset,
        reason: cut.reason.clone(),
    }
}

fn foreign(url: &Url, reason: &str) -> Error {
    Error::foreign(url, "TAXII 2.1", reason)
}

/// An address as a folder: it ends in `/`, and has neither a query nor a fragment.
pub(super) fn folder(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// What stands below a folder. A segment is escaped, and never leads up: `.` and `..` are left out.
fn below(url: &Url, segments: &[&str]) -> Url {
    let mut url = folder(url);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments).push("");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collection_addresses() {
        let check = |url: &str, expected: Option<(&str, &str)>| {
            let found = CollectionUrl::read(&url.parse().unwrap());
            let found = found.as_ref().map(|at| (at.root().as_str(), at.url().as_str()));
            assert_eq!(found, expected, "{url}");
        };
        let usual = Some(("https://a.example/r/", "https://a.example/r/collections/91/"));
        check("https://a.example/r/collections/91/", usual);
        check("https://a.example/r/collections/91", usual);
        check("https://a.example/r/collections/91/objects/?limit=1", usual);
        check("https://a.example/r/collections/", None);
        check("https://a.example/r/", None);
        check(
            "https://a.example/collections/x/manifest/",
            Some(("https://a.example/", "https://a.example/collections/x/")),
        );
    }

    #[test]
    fn ids_stay_in_their_segment() {
        let check = |id: &str, expected: &str| {
            let at = CollectionUrl::new(&"https://a.example/r".parse().unwrap(), "c").unwrap();
            assert_eq!(at.below(&["objects", id]).path(), expected, "{id}");
        };
        check("indicator--1", "/r/collections/c/objects/indicator--1/");
        check("a/../b?c#d", "/r/collections/c/objects/a%2F..%2Fb%3Fc%23d/");
        check("..", "/r/collections/c/objects/");
    }
}
