//! Whether the node lives, and whether it can serve: for whoever watches over it. Nobody has to say who they are, and
//! nobody is told more than that. Counts are for our own: they tell how much there is.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::OwnReader;
use crate::problem::ProblemBody;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(alive))
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

/// Whether the node lives
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses((status = 200, body = String)))]
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// Whether the store answers
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()), responses(
    (status = 200, body = String), (status = 503, body = String),
))]
pub(crate) async fn ready(Shared(state): Shared<State>) -> (StatusCode, &'static str) {
    match state.node.store().check().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
    }
}

/// Counts, in the text format of OpenMetrics that Prometheus reads
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn metrics(
    _: OwnReader,
    Shared(state): Shared<State>,
) -> Result<impl IntoResponse, Problem> {
    let text = state.metrics.text(&state).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text))
}
