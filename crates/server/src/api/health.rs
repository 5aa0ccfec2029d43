//! Whether the node lives, and whether it can serve: for whoever watches over it. Nobody has to say who they are, and
//! nobody is told more than that.

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::get;

use crate::State;

pub(crate) fn router() -> Router<State> {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
}

/// Whether the store answers.
async fn ready(Shared(state): Shared<State>) -> (StatusCode, &'static str) {
    match state.node.store().check().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
    }
}
