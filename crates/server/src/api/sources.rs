//! Sources: from whom something came, how far they are trusted, and taking back what they brought.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use jiff::Timestamp;
use perisai_app::Work;
use perisai_model::Tlp;
use perisai_store::{Ceiling, Grade, Recalled, Source, SourceKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::{Body, Named};
use super::jobs::{Begun, JobBody, begun};
use super::paging::time;
use super::words::tlp;
use super::{Admin, OwnReader};
use crate::problem::ProblemBody;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(change))
        .routes(routes!(recall))
}

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceBody {
    /// Its number here.
    number: i64,
    /// Its name.
    name: String,
    /// How it sends: `own`, `import`, `partner`, `peer` or `feed`.
    #[schema(value_type = String)]
    kind: SourceKind,
    /// Whose it is.
    organisation: Option<Uuid>,
    /// The name of that organisation, where it is known here.
    organisation_name: Option<String>,
    /// How reliable it is, by the Admiralty code: `A` to `F`.
    #[schema(value_type = String)]
    grade: Grade,
    /// The most that may follow from what it says: `store`, `alert` or `block`.
    #[schema(value_type = String)]
    ceiling: Ceiling,
    /// What its objects without a TLP marking are held as; the node's default where nothing is said.
    tlp: Option<&'static str>,
    /// When it was first seen.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl SourceBody {
    async fn of(state: &State, source: &Source) -> Result<Self, Problem> {
        let party = match source.owner() {
            Some(organisation) => state.node.store().organisation(organisation).await?,
            None => None,
        };
        Ok(Self {
            number: source.number,
            name: source.name.clone(),
            kind: source.kind,
            organisation: source.organisation,
            organisation_name: party.map(|party| party.name),
            grade: source.grade,
            ceiling: source.ceiling,
            tlp: source.tlp.map(Tlp::as_str),
            created: time(source.created),
        })
    }
}

/// What is to be otherwise of a source.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedSource {
    /// How reliable it is: `A` to `F`.
    #[schema(value_type = Option<String>, pattern = "^[A-F]$")]
    grade: Option<Grade>,
    /// The most that may follow from what it says: `store`, `alert` or `block`.
    #[schema(value_type = Option<String>, pattern = "^(store|alert|block)$")]
    ceiling: Option<Ceiling>,
    /// What its objects without a TLP marking are held as from now on: a label of TLP, or `default`.
    tlp: Option<String>,
}

/// From when on what a source brought is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecallBody {
    /// What came at this time or later.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// List sources, the oldest first
#[utoipa::path(get, path = "/api/sources", tag = "intelligence", responses(
    (status = 200, body = Vec<SourceBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    _: OwnReader,
    Shared(state): Shared<State>,
) -> Result<Json<Vec<SourceBody>>, Problem> {
    let mut all = Vec::new();
    for source in state.node.store().sources() {
        all.push(SourceBody::of(&state, &source).await?);
    }
    Ok(Json(all))
}

fn source_of(state: &State, number: i64) -> Result<Arc<Source>, Problem> {
    let all = state.node.store().sources();
    let found = all.into_iter().find(|source| source.number == number);
    found.ok_or_else(Problem::not_found)
}

/// Change how far a source is trusted
#[utoipa::path(patch, path = "/api/sources/{number}", tag = "intelligence", params(("number" = i64, Path,)),
    request_body = ChangedSource, responses(
    (status = 200, body = SourceBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(number): Named<i64>,
    Body(changed): Body<ChangedSource>,
) -> Result<Json<SourceBody>, Problem> {
    let mut source = Source::clone(&*source_of(&state, number)?);
    source.grade = changed.grade.unwrap_or(source.grade);
    source.ceiling = changed.ceiling.unwrap_or(source.ceiling);
    if let Some(label) = &changed.tlp {
        source.tlp = match label.as_str() {
            "default" => None,
            label => Some(tlp(label)?),
        };
    }
    let source = state.node.store().change_source(source).await?;
    let changed = SourceBody::of(&state, &source).await?;
    state.changed(&caller, "source.change", changed).await
}

/// Take back what a source brought
///
/// It leaves collections and searches. What another source brought, too, stays as theirs. Peers that bring what is of this
/// source are paused, so that it does not come again by itself.
#[utoipa::path(post, path = "/api/sources/{number}/recall", tag = "intelligence", params(("number" = i64, Path,)),
    request_body = RecallBody, responses(
    (status = 202, body = JobBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn recall(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(number): Named<i64>,
    Body(RecallBody { since }): Body<RecallBody>,
) -> Begun {
    let source = source_of(&state, number)?;
    let (noting, name) = (state.clone(), source.name.clone());
    let paused = state.node.pause_source(number).await?;
    let names = paused.clone();
    let work = move |recalled: Recalled| Work::Recall {
        recalled,
        paused: names.clone(),
    };
    let job = state.node.jobs().begin(name.clone(), work(Recalled::default()), |job| async move {
        let store = noting.node.store();
        let under_way = |recalled: &Recalled| job.is_at(work(recalled.clone()));
        let recalled = store.recall(number, since.as_microsecond(), under_way).await?;
        let data = json!({"source": name, "since": since, "objects": recalled.objects, "versions": recalled.versions, "kept": recalled.kept,
            "touched": recalled.touched, "paused": paused});
        noting.write_down(&caller, "recall", data).await?;
        Ok(work(recalled))
    });
    begun(job)
}
