//! Sharing groups.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::Timestamp;
use perisai_model::{Organisation, SharingGroup};
use perisai_store::Group;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Admin;
use super::body::{Asked, Body, Named};
use super::paging::{Page, Part, time};
use super::words::named;
use crate::problem::ProblemBody;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(remove))
        .routes(routes!(add_member, remove_member))
}

/// A group of organisations that share with each other.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupBody {
    /// Which.
    id: Uuid,
    /// Its name, which is unique.
    name: String,
    /// The organisations that are in it.
    members: Vec<Uuid>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl From<Group> for GroupBody {
    fn from(group: Group) -> Self {
        Self {
            id: group.id.0,
            name: group.name,
            members: group.members.iter().map(|one| one.0).collect(),
            created: time(group.created),
        }
    }
}

/// A group that is new here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGroup {
    /// Its UUID, where it has one elsewhere.
    id: Option<Uuid>,
    /// Its name, which is unique.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// List sharing groups
#[utoipa::path(get, path = "/api/groups", tag = "people", params(Part), responses(
    (status = 200, body = Page<GroupBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    _: Admin,
    Shared(state): Shared<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<GroupBody>>, Problem> {
    let limit = part.limit()?;
    let rows = state.node.store().groups(part.after.as_deref(), limit).await?;
    Ok(Json(Page::of(rows, limit, |group| group.name.clone())))
}

/// Make a sharing group
#[utoipa::path(post, path = "/api/groups", tag = "people", request_body = NewGroup, responses(
    (status = 201, body = GroupBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Body(new): Body<NewGroup>,
) -> Result<(StatusCode, Json<GroupBody>), Problem> {
    named(&new.name)?;
    let id = SharingGroup(new.id.unwrap_or_else(Uuid::new_v4));
    let added = state.node.store().add_group(id, &new.name).await?;
    state.made(&caller, "group.add", GroupBody::from(added)).await
}

/// Remove a sharing group
#[utoipa::path(delete, path = "/api/groups/{id}", tag = "people", params(("id" = Uuid, Path,)), responses(
    (status = 204, description = "It is gone"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(id): Named<Uuid>,
) -> Result<StatusCode, Problem> {
    state.node.store().remove_group(SharingGroup(id)).await?;
    state.done(&caller, "group.remove", json!({"id": id})).await
}

/// Put an organisation into a sharing group
#[utoipa::path(put, path = "/api/groups/{id}/members/{organisation}", tag = "people",
    params(("id" = Uuid, Path,), ("organisation" = Uuid, Path,)), responses(
    (status = 204, description = "It is in it"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add_member(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named((id, organisation)): Named<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let added = state
        .node
        .store()
        .add_member(SharingGroup(id), Organisation(organisation));
    added.await?;
    let data = json!({"id": id, "organisation": organisation});
    state.done(&caller, "group.member.add", data).await
}

/// Take an organisation out of a sharing group
#[utoipa::path(delete, path = "/api/groups/{id}/members/{organisation}", tag = "people",
    params(("id" = Uuid, Path,), ("organisation" = Uuid, Path,)), responses(
    (status = 204, description = "It is not in it any more"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn remove_member(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named((id, organisation)): Named<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let removed = state
        .node
        .store()
        .remove_member(SharingGroup(id), Organisation(organisation));
    removed.await?;
    let data = json!({"id": id, "organisation": organisation});
    state.done(&caller, "group.member.remove", data).await
}
