//! One object of a collection: its versions, and their removal (TAXII 2.1, sections 5.5 and 5.7).

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use perisai_store::{PageQuery, Removal, VersionFilter};

use super::asked::Asked;
use super::error::Refused;
use super::filter::{Fields, Filters};
use super::reading::{Resource, read};
use super::{answer, at, body};
use crate::routes::Routes;

pub(super) fn routes() -> Routes {
    const ALLOW: &str = "GET, HEAD, DELETE, OPTIONS";
    let methods = get(give).delete(remove);
    at(
        "/taxii2/api/collections/{collection}/objects/{object}",
        methods,
        ALLOW,
    )
}

async fn give(asked: Asked) -> Result<Response, Refused> {
    let resource = Resource {
        way: "taxii object",
        fields: Fields::OBJECT,
        id: Some(asked.known.part("object")),
        versions: None,
        heads: false,
    };
    let page = read(&asked, &resource).await?;
    let body = body::envelope(page.entries, page.next.as_deref());
    Ok(answer(body, page.headers))
}

/// Removes the versions that are asked for; all where no filter says which: what was removed must not be found again
/// (section 5.7).
async fn remove(asked: Asked) -> Result<Response, Refused> {
    asked.to_write()?;
    let filters = Filters::read(&asked.known.uri, Fields::OBJECT)?;
    let Some(versions) = visible(&asked, filters).await? else {
        return Err(asked.known.missing().await);
    };
    let node = &asked.known.state.node;
    // Who runs the node may take out anything.
    let asks = Some(asked.known.organisation).filter(|organisation| *organisation != node.store().own());
    let removed = node
        .remove(
            asked.collection.number,
            asked.known.part("object"),
            &versions,
            asks,
        )
        .await?;
    match removed {
        Removal::Removed(_) => Ok(answer(Body::empty(), HeaderMap::new())),
        Removal::Missing => Err(asked.known.missing().await),
        Removal::NotTheirs => Err(Refused::Forbidden(
            "only who made an object or first sent it may remove it",
        )),
    }
}

/// Those of the versions that are asked for that the caller may know of; `None` where there are none. What they may
/// not know of must not be told by its removal, either.
async fn visible(asked: &Asked, filters: Filters) -> Result<Option<Vec<VersionFilter>>, Refused> {
    let mut versions = filters.versions;
    if versions.is_empty() {
        versions.push(VersionFilter::All);
    }
    let query = PageQuery {
        collection: asked.collection.number,
        limit: usize::MAX - 1,
        heads: true,
        ids: vec![asked.known.part("object").to_owned()],
        specs: filters.specs,
        versions,
        ..PageQuery::default()
    };
    let page = asked.view()?.page(&query).await?;
    if page.entries.is_empty() {
        return Ok(None);
    }
    let entries = page.entries.iter().map(|entry| entry.get());
    // An observable has no versions: it goes as a whole.
    if entries.clone().any(|entry| entry.version_text.is_none()) {
        return Ok(Some(Vec::new()));
    }
    Ok(Some(
        entries.map(|entry| VersionFilter::At(entry.version)).collect(),
    ))
}
