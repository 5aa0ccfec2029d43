//! Organisations: partners, clients, the community.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::Timestamp;
use perisai_model::Organisation;
use perisai_store::{OrganisationChange, Party};
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
        .routes(routes!(show, change, remove))
}

/// An organisation that is known here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganisationBody {
    /// The UUID of its STIX identity.
    id: Uuid,
    /// Its name, which is unique.
    #[schema(example = "Ministry of Water")]
    name: String,
    /// We serve it, and may warn it under TLP:AMBER.
    client: bool,
    /// TLP:GREEN is shared with it.
    community: bool,
    /// Since when it is known.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl From<Party> for OrganisationBody {
    fn from(party: Party) -> Self {
        Self {
            id: party.id.0,
            name: party.name,
            client: party.is_client,
            community: party.in_community,
            created: time(party.created),
        }
    }
}

/// An organisation that is new here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrganisation {
    /// The UUID of its STIX identity; one is made where it has none.
    id: Option<Uuid>,
    /// Its name, which is unique.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// We serve it, and may warn it under TLP:AMBER.
    #[serde(default)]
    client: bool,
    /// TLP:GREEN is shared with it.
    #[serde(default)]
    community: bool,
}

/// What changes of an organisation; what is not there stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedOrganisation {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Whether we serve it.
    client: Option<bool>,
    /// Whether TLP:GREEN is shared with it.
    community: Option<bool>,
}

/// List organisations
#[utoipa::path(get, path = "/api/organisations", tag = "people", params(Part), responses(
    (status = 200, body = Page<OrganisationBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    _: Admin,
    Shared(state): Shared<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<OrganisationBody>>, Problem> {
    let limit = part.limit()?;
    let rows = state
        .node
        .store()
        .organisations(part.after.as_deref(), limit)
        .await?;
    Ok(Json(Page::of(rows, limit, |party| party.name.clone())))
}

/// Add an organisation
#[utoipa::path(post, path = "/api/organisations", tag = "people", request_body = NewOrganisation, responses(
    (status = 201, body = OrganisationBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Body(new): Body<NewOrganisation>,
) -> Result<(StatusCode, Json<OrganisationBody>), Problem> {
    named(&new.name)?;
    let id = Organisation(new.id.unwrap_or_else(Uuid::new_v4));
    let added = state
        .node
        .store()
        .add_organisation(id, &new.name, new.client, new.community);
    let added = OrganisationBody::from(added.await?);
    state.made(&caller, "organisation.add", added).await
}

/// Show an organisation
#[utoipa::path(get, path = "/api/organisations/{id}", tag = "people", params(("id" = Uuid, Path,)), responses(
    (status = 200, body = OrganisationBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    _: Admin,
    Shared(state): Shared<State>,
    Named(id): Named<Uuid>,
) -> Result<Json<OrganisationBody>, Problem> {
    let found = state.node.store().organisation(Organisation(id)).await?;
    Ok(Json(found.ok_or_else(Problem::not_found)?.into()))
}

/// Change an organisation
///
/// What it may see from then on that it could not see before enters its collections anew.
#[utoipa::path(patch, path = "/api/organisations/{id}", tag = "people", params(("id" = Uuid, Path,)),
    request_body = ChangedOrganisation, responses(
    (status = 200, body = OrganisationBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(id): Named<Uuid>,
    Body(changed): Body<ChangedOrganisation>,
) -> Result<Json<OrganisationBody>, Problem> {
    changed.name.as_deref().map_or(Ok(()), named)?;
    let changed = OrganisationChange {
        name: changed.name,
        is_client: changed.client,
        in_community: changed.community,
    };
    let changed = state.node.store().change_organisation(Organisation(id), changed);
    let changed = OrganisationBody::from(changed.await?);
    state.changed(&caller, "organisation.change", changed).await
}

/// Remove an organisation
///
/// Its people, tokens and certificates count no more from then on. What it sent stays.
#[utoipa::path(delete, path = "/api/organisations/{id}", tag = "people", params(("id" = Uuid, Path,)), responses(
    (status = 204, description = "It is gone"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(id): Named<Uuid>,
) -> Result<StatusCode, Problem> {
    state.node.store().remove_organisation(Organisation(id)).await?;
    state
        .done(&caller, "organisation.remove", json!({"id": id}))
        .await
}
