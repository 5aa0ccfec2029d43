//! The derived tables.

use std::sync::Arc;

use axum::extract::State as Shared;
use perisai_app::Work;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::jobs::{Begun, JobBody, begun};
use crate::State;
use crate::problem::ProblemBody;

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(again))
}

/// Make the derived tables again
///
/// Searches find less until it is done; what partners read is not touched.
#[utoipa::path(post, path = "/api/reindex", tag = "jobs", responses(
    (status = 202, body = JobBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn again(Admin(caller): Admin, Shared(state): Shared<State>) -> Begun {
    let node = Arc::clone(&state.node);
    let job = state
        .node
        .jobs()
        .begin("index".to_owned(), Work::Reindex, |_| async move {
            node.store().reindex().await.map(|()| Work::Reindex)
        });
    let job = begun(job)?;
    state.note(&caller, "reindex", json!({})).await?;
    Ok(job)
}
