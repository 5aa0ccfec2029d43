//! The API of the node: JSON, errors as problem documents, described at `/api/openapi.json`. A file a resource.

mod body;
mod session;

use axum::Router;

use crate::State;

/// All routes.
pub(crate) fn router() -> Router<State> {
    Router::new().merge(session::router())
}
