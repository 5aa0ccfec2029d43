//! From whatever address a user has (of a server, an API root, a collection) to collections.

use serde_json::Value;
use url::Url;

use super::client::{Client, CollectionUrl, folder};
use super::resources::{Collection, Discovery};
use crate::error::{Error, Result};

/// How many API roots of one server are asked.
const MAX_ROOTS: usize = 64;

/// A collection and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its address.
    pub at: CollectionUrl,
    /// What the server says of it.
    pub collection: Collection,
}

impl Client {
    /// The collections that an address leads to, by discovery where it is needed. `wanted` is the id, alias or title of
    /// one; without it, all.
    ///
    /// # Errors
    /// Where the address leads to no TAXII server, or no API root answers. None found is no error.
    pub async fn find(&self, url: &Url, wanted: Option<&str>) -> Result<Vec<Found>> {
        let mut found = self.all(url).await?;
        if let Some(wanted) = wanted {
            found.retain(|found| {
                let collection = &found.collection;
                collection.id == wanted
                    || collection.title == wanted
                    || collection.alias.as_deref() == Some(wanted)
            });
        }
        Ok(found)
    }

    async fn all(&self, url: &Url) -> Result<Vec<Found>> {
        if let Some(at) = CollectionUrl::read(url) {
            let collection = self.collection(&at).await?;
            return Ok(vec![Found { at, collection }]);
        }
        let url = folder(url);
        let well_known = url
            .join("/taxii2/")
            .map_err(|error| Error::setup("address", error))?;
        if url.path() == "/" {
            return match self.lead(&well_known).await {
                // A server may have its only API root at the top.
                Err(Error::NotFound { .. } | Error::Foreign { .. }) => self.lead(&url).await,
                other => other,
            };
        }
        match self.lead(&url).await {
            Err(error @ (Error::NotFound { .. } | Error::Foreign { .. })) if url != well_known => {
                self.lead(&well_known).await.map_err(|_| error)
            }
            other => other,
        }
    }

    /// Where a document leads, by what it says.
    async fn lead(&self, url: &Url) -> Result<Vec<Found>> {
        let document = self.document(url).await?;
        let has = |name| document.get(name).is_some();
        if has("api_roots") || has("default") {
            self.roots(url, &Discovery::read(&document)).await
        } else if document.get("collections").is_some_and(Value::is_array) {
            let root = url.join("..").map_err(|error| Error::setup("address", error))?;
            self.below_root(&root).await
        } else if has("versions") || has("max_content_length") {
            self.below_root(url).await
        } else {
            let reason = "it names neither API roots nor collections";
            Err(Error::foreign(url, "TAXII 2.1", reason))
        }
    }

    async fn roots(&self, base: &Url, discovery: &Discovery) -> Result<Vec<Found>> {
        let mut roots = Vec::new();
        for named in discovery.default.iter().chain(&discovery.api_roots) {
            if let Some(root) = self.transport.resolve(base, named).map(|root| folder(&root))
                && !roots.contains(&root)
                && roots.len() < MAX_ROOTS
            {
                roots.push(root);
            }
        }
        let mut found = Vec::new();
        let mut failed = None;
        let mut answered = false;
        for root in roots {
            match self.below_root(&root).await {
                Ok(more) => {
                    answered = true;
                    found.extend(more);
                }
                Err(error) => {
                    tracing::warn!(%error, "an API root does not answer");
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            Some(error) if !answered => Err(error),
            _ => Ok(found),
        }
    }

    async fn below_root(&self, root: &Url) -> Result<Vec<Found>> {
        let found = |collection: Collection| {
            let at = CollectionUrl::new(root, &collection.id)?;
            Ok(Found { at, collection })
        };
        self.collections(root).await?.into_iter().map(found).collect()
    }
}
