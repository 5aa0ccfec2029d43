//! A backup.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::json;
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use crate::problem::ProblemBody;
use crate::stream::streamed;
use crate::{Problem, Proof, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(backup))
}

/// Back up the node
///
/// All that it keeps as it stands at one moment, and its keys: a secret. Only who is on the node's machine gets it, by the
/// socket in the data folder.
#[utoipa::path(get, path = "/api/backup", tag = "operation", responses(
    (status = 200, body = Vec<u8>, content_type = "application/zstd"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn backup(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
) -> Result<impl IntoResponse, Problem> {
    if caller.proof != Proof::Socket {
        return Err(Problem::forbidden(
            "a backup is made on the node's own machine, by `perisai backup`",
        ));
    }
    state.note(&caller, "backup", json!({})).await?;
    let node = Arc::clone(&state.node);
    let body = streamed(async move |pieces| {
        let (sender, mut made) = mpsc::channel(1);
        let making = tokio::spawn(async move { node.backup(sender).await });
        while let Some(piece) = made.recv().await {
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
        drop(made);
        making
            .await
            .unwrap_or_else(|error| Err(perisai_store::Error::Backup(error.to_string())))
    });
    Ok(([(CONTENT_TYPE, "application/zstd")], body))
}
