//! The objects of a collection (TAXII 2.1, sections 5.3 and 5.4).

use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;

use super::asked::Asked;
use super::error::Refused;
use super::filter::Fields;
use super::reading::{Resource, read};
use super::{answer, at, body, delivery};
use crate::routes::Routes;

pub(super) fn routes() -> Routes {
    const ALLOW: &str = "GET, HEAD, POST, OPTIONS";
    let methods = get(give).post(take);
    at("/taxii2/api/collections/{collection}/objects", methods, ALLOW)
}

async fn give(asked: Asked) -> Result<Response, Refused> {
    let resource = Resource {
        way: "taxii objects",
        fields: Fields::ALL,
        id: None,
        versions: None,
        heads: false,
    };
    let page = read(&asked, &resource).await?;
    let body = body::envelope(page.entries, page.next.as_deref());
    Ok(answer(body, page.headers))
}

async fn take(asked: Asked, request: Request) -> Result<Response, Refused> {
    asked.to_write()?;
    delivery::take(&asked, request).await
}
