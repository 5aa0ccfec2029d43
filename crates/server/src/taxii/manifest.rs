//! What stands in a collection, without the objects themselves: a row for each version (TAXII 2.1, section 5.6).

use axum::response::Response;
use axum::routing::get;
use perisai_store::Entry;
use serde::Serialize;

use super::asked::Asked;
use super::error::Refused;
use super::filter::Fields;
use super::reading::{Resource, read, version};
use super::{answer, at, media, time};
use crate::routes::Routes;

pub(super) fn routes() -> Routes {
    const ALLOW: &str = "GET, HEAD, OPTIONS";
    at("/taxii2/api/collections/{collection}/manifest", get(give), ALLOW)
}

/// A manifest resource (section 5.6.1).
#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    date_added: String,
    version: String,
    media_type: String,
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            id: &entry.id,
            date_added: time::write(entry.added),
            version: version(entry),
            media_type: media::stix(&entry.spec),
        }
    }
}

async fn give(asked: Asked) -> Result<Response, Refused> {
    let resource = Resource {
        way: "taxii manifest",
        fields: Fields::ALL,
        id: None,
        versions: None,
        heads: true,
    };
    let page = read(&asked, &resource).await?;
    let manifest = Manifest {
        more: page.next.is_some(),
        next: page.next.as_deref(),
        objects: page.entries.iter().map(|entry| Row::of(entry.get())).collect(),
    };
    let body =
        serde_json::to_vec(&manifest).map_err(|_| Refused::Internal("a manifest cannot be written"))?;
    Ok(answer(body.into(), page.headers))
}
