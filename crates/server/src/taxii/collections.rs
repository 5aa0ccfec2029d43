//! Collections (TAXII 2.1, sections 5.1 and 5.2).

use axum::response::Response;
use axum::routing::get;
use perisai_store::{Collection, Rights};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::asked::{Asked, Known, rights};
use super::{at, media, plain};
use crate::routes::Routes;

pub(super) fn routes() -> Routes {
    const ALLOW: &str = "GET, HEAD, OPTIONS";
    Routes::default()
        .merge(at("/taxii2/api/collections", get(all), ALLOW))
        .merge(at("/taxii2/api/collections/{collection}", get(one), ALLOW))
}

/// A collection resource (section 5.2.1).
#[derive(Serialize)]
struct Resource<'a> {
    id: Uuid,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'a str>,
    can_read: bool,
    can_write: bool,
    media_types: [String; 2],
}

impl<'a> Resource<'a> {
    fn new(collection: &'a Collection, rights: Rights) -> Self {
        Self {
            id: collection.id,
            title: &collection.title,
            description: collection.description.as_deref(),
            alias: collection.alias.as_deref(),
            can_read: rights.read,
            can_write: rights.write,
            media_types: [media::stix("2.1"), media::stix("2.0")],
        }
    }
}

async fn all(known: Known) -> Response {
    let store = known.state.node.store();
    let collections = store.collections();
    let listed: Vec<_> = collections
        .iter()
        .map(|collection| (collection, rights(store.own(), &known.caller, collection)))
        .filter(|(_, rights)| rights.read || rights.write)
        .map(|(collection, rights)| Resource::new(collection, rights))
        .collect();
    if listed.is_empty() {
        return plain(&json!({}));
    }
    plain(&json!({ "collections": listed }))
}

async fn one(asked: Asked) -> Response {
    plain(&Resource::new(&asked.collection, asked.rights))
}
