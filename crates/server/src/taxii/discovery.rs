//! Discovery and the API root (TAXII 2.1, sections 4.1 and 4.2). Anybody may read them.

use axum::extract;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::{at, media, plain};
use crate::State;
use crate::routes::Routes;

/// The API root. There is one.
const ROOT: &str = "/taxii2/api/";

pub(super) fn routes() -> Routes {
    const ALLOW: &str = "GET, HEAD, OPTIONS";
    Routes::default()
        .merge(at("/taxii2", get(discovery), ALLOW))
        .merge(at("/taxii2/api", get(root), ALLOW))
}

async fn discovery(extract::State(state): extract::State<State>) -> Response {
    let settings = state.node.settings();
    let mut body = json!({ "title": settings.title, "default": ROOT, "api_roots": [ROOT] });
    if let Some(contact) = &settings.contact {
        body["contact"] = json!(contact);
    }
    plain(&body)
}

async fn root(extract::State(state): extract::State<State>) -> Response {
    let settings = state.node.settings();
    plain(&json!({
        "title": settings.title,
        "versions": [media::TAXII],
        "max_content_length": settings.max_content_length,
    }))
}
