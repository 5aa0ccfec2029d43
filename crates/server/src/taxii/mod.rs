//! TAXII 2.1, the server's side: one API root, `api`, with the collections of the node. A file a resource.
//!
//! Whose request it is, [`Caller`](crate::Caller) tells. What they may do with a collection is in `asked`; what they
//! may see of it is decided where it is read, by a [`View`](perisai_store::View) for them.

mod asked;
mod body;
mod collections;
mod cursor;
mod delivery;
mod discovery;
mod error;
mod even;
mod filter;
mod manifest;
mod media;
mod object;
mod objects;
mod reading;
mod status;
mod time;
mod versions;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use axum::{Extension, Router};
use perisai_app::CURSOR_KEY;
use serde::Serialize;
use tokio::sync::OnceCell;

use self::delivery::Gate;
use self::error::Refused;
use crate::State;
use crate::routes::Routes;

/// What all routes of TAXII share.
#[derive(Default)]
struct Shared {
    key: OnceCell<[u8; 32]>,
    gate: Gate,
}

impl Shared {
    /// What cursors are signed with.
    async fn key(&self, state: &State) -> Result<[u8; 32], Refused> {
        let make = || state.node.store().secret(CURSOR_KEY, state.node.key());
        Ok(*self.key.get_or_try_init(make).await?)
    }
}

/// All of TAXII.
pub(crate) fn router() -> Router<State> {
    resources()
        .into_router()
        .route("/taxii2/{*rest}", any(async || Refused::NotFound))
        .layer(from_fn(negotiate))
        .layer(Extension(Arc::new(Shared::default())))
}

/// All its resources.
pub(crate) fn resources() -> Routes {
    Routes::default()
        .merge(discovery::routes())
        .merge(collections::routes())
        .merge(objects::routes())
        .merge(object::routes())
        .merge(versions::routes())
        .merge(manifest::routes())
        .merge(status::routes())
}

/// A resource, and what it says to other methods than its own.
fn at(path: &str, methods: MethodRouter<State>, allow: &'static str) -> Routes {
    let allowed = HeaderValue::from_static(allow);
    let told = allowed.clone();
    let methods = methods
        .options(async move || (StatusCode::NO_CONTENT, [(header::ALLOW, told)]))
        .fallback(async move || Refused::Method { allow: allowed });
    Routes::at(path, methods, allow)
}

/// Refuses who takes no TAXII 2.1.
async fn negotiate(request: Request, next: Next) -> Response {
    if request.method() != Method::OPTIONS && !media::accepts(request.headers()) {
        return Refused::NotAcceptable.into_response();
    }
    next.run(request).await
}

/// A body with headers of its own.
fn answer(body: Body, mut headers: HeaderMap) -> Response {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media::TAXII));
    // What one may see is not for a cache that others share.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    (headers, body).into_response()
}

/// A small body.
fn plain(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => answer(bytes.into(), HeaderMap::new()),
        Err(_) => Refused::Internal("an answer cannot be written").into_response(),
    }
}
