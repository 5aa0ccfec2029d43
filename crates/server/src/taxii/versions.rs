//! The versions of an object (TAXII 2.1, section 5.8).

use axum::response::Response;
use axum::routing::get;
use perisai_store::VersionFilter;
use serde_json::json;

use super::asked::Asked;
use super::error::Refused;
use super::filter::Fields;
use super::reading::{Resource, read, version};
use super::{answer, at};
use crate::routes::Routes;

pub(super) fn routes() -> Routes {
    const ALLOW: &str = "GET, HEAD, OPTIONS";
    let path = "/taxii2/api/collections/{collection}/objects/{object}/versions";
    at(path, get(give), ALLOW)
}

async fn give(asked: Asked) -> Result<Response, Refused> {
    let resource = Resource {
        way: "taxii versions",
        fields: Fields::VERSIONS,
        id: Some(asked.known.part("object")),
        versions: Some(VersionFilter::All),
        heads: true,
    };
    let page = read(&asked, &resource).await?;
    let mut body = json!({});
    if !page.entries.is_empty() {
        let versions: Vec<_> = page.entries.iter().map(|entry| version(entry.get())).collect();
        body["versions"] = json!(versions);
    }
    if let Some(next) = page.next {
        body["more"] = json!(true);
        body["next"] = json!(next);
    }
    Ok(answer(body.to_string().into(), page.headers))
}
