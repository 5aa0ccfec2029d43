//! The audit chain.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use perisai_store::Error;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use crate::problem::ProblemBody;
use crate::stream::streamed;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(export))
        .routes(routes!(verify))
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
    /// The public key with which records are signed: Ed25519, hexadecimal.
    key: String,
}

/// Look whether the audit chain is whole
#[utoipa::path(get, path = "/api/audit/verify", tag = "operation", responses(
    (status = 200, body = VerifiedBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn verify(_: Admin, Shared(state): Shared<State>) -> Result<Json<VerifiedBody>, Problem> {
    let found = state.node.audit().verify().await?;
    let key = state.node.audit().key();
    Ok(Json(VerifiedBody {
        records: found.records,
        fault_count: found.fault_count,
        faults: found.faults.iter().map(ToString::to_string).collect(),
        key: key.iter().map(|byte| format!("{byte:02x}")).collect(),
    }))
}

/// Export the audit chain
///
/// A record a line, as `{"record": …, "signature": "hex"}`: the signature is over the SHA-256 of the record as it stands.
#[utoipa::path(get, path = "/api/audit", tag = "operation", responses(
    (status = 200, body = String, content_type = "application/x-ndjson"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn export(_: Admin, Shared(state): Shared<State>) -> impl IntoResponse {
    let body = streamed(async move |pieces| {
        let mut after = 0;
        while let Some((last, lines)) = state.node.audit().export(after).await? {
            let sent = pieces.send(lines).await;
            sent.map_err(|source| Error::File {
                path: "the answer".into(),
                source,
            })?;
            after = last;
        }
        Ok::<(), Error>(())
    });
    ([(CONTENT_TYPE, "application/x-ndjson")], body)
}
