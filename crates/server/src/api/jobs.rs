//! Jobs: imports, recalls, reindexing.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::Timestamp;
use perisai_app::{JobState, JobStatus, Work};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::Named;
use super::{OwnReader, OwnWriter};
use crate::problem::ProblemBody;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(stop))
}

/// A job as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobBody {
    /// Which.
    id: Uuid,
    /// On what: the name of a file or a source.
    name: String,
    /// How it stands.
    state: JobStateBody,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    began: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How far it is.
    work: WorkBody,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobStateBody {
    /// It is under way.
    Running,
    /// It is done.
    Done,
    /// It ended early.
    Failed,
    /// It was told to end early. What it did stays.
    Stopped,
}

/// What a job is for, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum WorkBody {
    /// A file is taken in.
    Import {
        /// Objects that are new.
        stored: u64,
        /// Objects that were here.
        known: u64,
        /// Objects that change what is another's, kept apart.
        apart: u64,
        /// Objects and entries that could not be taken.
        refused: u64,
        /// Objects that were deleted because tombstones told so.
        deleted: u64,
        /// Entries that are not meant for detection, or of a kind that is not looked for.
        left_out: u64,
        /// The first thousand of what went wrong.
        problems: Vec<String>,
    },
    /// A source is recalled.
    Recall {
        /// Objects of which versions are withdrawn.
        objects: u64,
        /// Versions that are withdrawn.
        versions: u64,
        /// Versions that another source brought, too: they stay.
        kept: u64,
        /// How many other objects name what is withdrawn.
        touched: u64,
        /// The first thousand of them, by id.
        touched_ids: Vec<String>,
        /// The peers, by name, that were paused: they would bring it again.
        paused: Vec<String>,
    },
    /// The derived tables are made again.
    Reindex,
}

impl From<JobStatus> for JobBody {
    fn from(status: JobStatus) -> Self {
        Self {
            id: status.id,
            name: status.name,
            state: match status.state {
                JobState::Running => JobStateBody::Running,
                JobState::Done => JobStateBody::Done,
                JobState::Failed => JobStateBody::Failed,
                JobState::Stopped => JobStateBody::Stopped,
            },
            began: status.began,
            ended: status.ended,
            error: status.error,
            work: status.work.into(),
        }
    }
}

impl From<Work> for WorkBody {
    fn from(work: Work) -> Self {
        match work {
            Work::Import(work) => Self::Import {
                stored: work.stored,
                known: work.known,
                apart: work.apart,
                refused: work.refused,
                deleted: work.deleted,
                left_out: work.left_out,
                problems: work.problems.iter().map(ToString::to_string).collect(),
            },
            Work::Recall { recalled, paused } => Self::Recall {
                objects: recalled.objects,
                versions: recalled.versions,
                kept: recalled.kept,
                touched: recalled.touched,
                touched_ids: recalled.touched_ids,
                paused,
            },
            Work::Reindex => Self::Reindex,
        }
    }
}

/// What a route says that begins a job.
pub(super) type Begun = Result<(StatusCode, Json<JobBody>), Problem>;

/// A job that was begun; too many are under way where there is none.
pub(super) fn begun(status: Option<JobStatus>) -> Begun {
    let status = status.ok_or_else(|| Problem::too_many(5))?;
    Ok((StatusCode::ACCEPTED, Json(status.into())))
}

/// List jobs, the newest first
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", responses(
    (status = 200, body = Vec<JobBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(_: OwnReader, Shared(state): Shared<State>) -> Json<Vec<JobBody>> {
    Json(state.node.jobs().list().into_iter().map(Into::into).collect())
}

/// Show a job
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path,)), responses(
    (status = 200, body = JobBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    _: OwnReader,
    Shared(state): Shared<State>,
    Named(id): Named<Uuid>,
) -> Result<Json<JobBody>, Problem> {
    let found = state.node.jobs().get(id);
    found
        .map(|found| Json(found.into()))
        .ok_or_else(Problem::not_found)
}

/// Tell a job to end early
///
/// What it did stays.
#[utoipa::path(post, path = "/api/jobs/{id}/stop", tag = "jobs", params(("id" = Uuid, Path,)), responses(
    (status = 202, description = "It was told"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn stop(
    _: OwnWriter,
    Shared(state): Shared<State>,
    Named(id): Named<Uuid>,
) -> Result<StatusCode, Problem> {
    match state.node.jobs().stop(id) {
        true => Ok(StatusCode::ACCEPTED),
        false => Err(Problem::not_found()),
    }
}
