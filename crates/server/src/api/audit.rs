//! The audit chain.

use axum::extract::State as Shared;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use super::Admin;
use crate::problem::ProblemBody;
use crate::{Problem, State};

pub(crate) fn router() -> Router<State> {
    Router::new().route("/api/audit/verify", get(verify))
}

/// What a look at every record of the audit chain found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifiedBody {
    /// How many records there are.
    records: u64,
    /// How many faults: changes, gaps, cuts.
    fault_count: u64,
    /// The first hundred of them.
    faults: Vec<String>,
}

/// Look whether the audit chain is whole
#[utoipa::path(get, path = "/api/audit/verify", tag = "audit", responses(
    (status = 200, body = VerifiedBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn verify(_: Admin, Shared(state): Shared<State>) -> Result<Json<VerifiedBody>, Problem> {
    let found = state.node.audit().verify().await?;
    Ok(Json(VerifiedBody {
        records: found.records,
        fault_count: found.fault_count,
        faults: found.faults.iter().map(ToString::to_string).collect(),
    }))
}
