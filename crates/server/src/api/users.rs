//! People.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use perisai_model::{Organisation, Person};
use perisai_store::{NewUser, User, UserChange};
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
use crate::auth::{Auth, check_pass_phrase};
use crate::problem::ProblemBody;
use crate::{Problem, Role, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserBody {
    /// The UUID of their STIX identity.
    id: Uuid,
    /// The name by which they log in.
    #[schema(example = "anna")]
    name: String,
    /// Whose they are.
    organisation: Uuid,
    /// What they may do: `admin`, `analyst`, `partner`, `sensor` or `viewer`.
    role: String,
    /// They can log in; else they can have tokens only.
    has_pass_phrase: bool,
    /// They take TLP:RED that names nobody.
    reads_red: bool,
    /// Nothing by which they are known counts.
    disabled: bool,
    /// Since when they are known.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            name: user.name,
            organisation: user.organisation.0,
            role: user.role,
            has_pass_phrase: user.pass_phrase.is_some(),
            reads_red: user.reads_red,
            disabled: user.is_disabled,
            created: time(user.created),
        }
    }
}

/// A person who is new here.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// The UUID of their STIX identity; one is made where they have none.
    id: Option<Uuid>,
    /// The name by which they log in.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Whose they are: our own organisation where nothing is said.
    organisation: Option<Uuid>,
    /// What they may do. Only our own people are admins, analysts or sensors.
    role: Role,
    /// Their pass-phrase; without one they can have tokens only.
    #[schema(format = Password, min_length = 12)]
    pass_phrase: Option<String>,
    /// They take TLP:RED that names nobody.
    #[serde(default)]
    reads_red: bool,
}

/// What changes of a person; what is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedPerson {
    /// The name by which they log in.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// What they may do.
    role: Option<Role>,
    /// A new pass-phrase: whoever is logged in as them is no longer.
    #[schema(format = Password, min_length = 12)]
    pass_phrase: Option<String>,
    /// They take TLP:RED that names nobody.
    reads_red: Option<bool>,
    /// Nothing by which they are known counts.
    disabled: Option<bool>,
}

/// Only our own people and programs work on the node.
pub(super) fn check_role(role: Role, of: Organisation, own: Organisation) -> Result<(), Problem> {
    if role.is_own() && of != own {
        let told = format!("only who is of our own organisation can be `{}`", role.word());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, told));
    }
    Ok(())
}

async fn hash(auth: &Auth, pass_phrase: Option<String>) -> Result<Option<String>, Problem> {
    let Some(pass_phrase) = pass_phrase else {
        return Ok(None);
    };
    let weak = check_pass_phrase(&pass_phrase);
    weak.map_err(|weak| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, weak.to_string()))?;
    let hash = auth.pass_phrases().hash(pass_phrase).await;
    hash.map(Some).map_err(|_| Problem::too_many(1))
}

/// List people
#[utoipa::path(get, path = "/api/users", tag = "people", params(Part), responses(
    (status = 200, body = Page<UserBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    _: Admin,
    Shared(state): Shared<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<UserBody>>, Problem> {
    let limit = part.limit()?;
    let rows = state.node.store().users(part.after.as_deref(), limit).await?;
    Ok(Json(Page::of(rows, limit, |user| user.name.clone())))
}

/// Add a person
#[utoipa::path(post, path = "/api/users", tag = "people", request_body = NewPerson, responses(
    (status = 201, body = UserBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Extension(auth): Extension<Auth>,
    Body(new): Body<NewPerson>,
) -> Result<(StatusCode, Json<UserBody>), Problem> {
    named(&new.name)?;
    let store = state.node.store();
    let organisation = new.organisation.map_or(store.own(), Organisation);
    check_role(new.role, organisation, store.own())?;
    let user = NewUser {
        id: Person(new.id.unwrap_or_else(Uuid::new_v4)),
        name: new.name,
        organisation,
        role: new.role.word().to_owned(),
        pass_phrase: hash(&auth, new.pass_phrase).await?,
        reads_red: new.reads_red,
    };
    let added = UserBody::from(store.add_user(user).await?);
    state.made(&caller, "user.add", added).await
}

/// Change a person
#[utoipa::path(patch, path = "/api/users/{id}", tag = "people", params(("id" = Uuid, Path,)),
    request_body = ChangedPerson, responses(
    (status = 200, body = UserBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Extension(auth): Extension<Auth>,
    Named(id): Named<Uuid>,
    Body(changed): Body<ChangedPerson>,
) -> Result<Json<UserBody>, Problem> {
    changed.name.as_deref().map_or(Ok(()), named)?;
    let store = state.node.store();
    if let Some(role) = changed.role {
        let found = store.user(Person(id)).await?.ok_or_else(Problem::not_found)?;
        check_role(role, found.organisation, store.own())?;
    }
    let change = UserChange {
        name: changed.name,
        role: changed.role.map(|role| role.word().to_owned()),
        pass_phrase: hash(&auth, changed.pass_phrase).await?,
        reads_red: changed.reads_red,
        is_disabled: changed.disabled,
    };
    let changed = UserBody::from(store.change_user(Person(id), change).await?);
    state.changed(&caller, "user.change", changed).await
}

/// Remove a person
#[utoipa::path(delete, path = "/api/users/{id}", tag = "people", params(("id" = Uuid, Path,)), responses(
    (status = 204, description = "They are gone"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(id): Named<Uuid>,
) -> Result<StatusCode, Problem> {
    state.node.store().remove_user(Person(id)).await?;
    state.done(&caller, "user.remove", json!({"id": id})).await
}
