//! Tokens. Who runs the node makes them; people see and revoke their own.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::Timestamp;
use perisai_model::{Organisation, Person};
use perisai_store::{NewToken, Token};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Admin;
use super::body::{Asked, Body, Named};
use super::paging::{Page, future, limit, time};
use super::users::check_role;
use crate::problem::ProblemBody;
use crate::{Action, Caller, Problem, Proof, Role, Scope, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(revoke))
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenBody {
    /// Which: twelve hexadecimal digits, which stand in the token, too.
    #[schema(example = "0123456789ab")]
    id: String,
    /// What it is for.
    name: String,
    /// Whose it is.
    organisation: Uuid,
    /// The person who has it for themselves.
    person: Option<Uuid>,
    /// What it may do. A person's token never more than the person may.
    role: String,
    /// To what it is narrowed; all that the role may where it is empty.
    scope: Vec<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// From when on it does not count.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
    /// When it was last used, give or take a minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    used: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked: Option<Timestamp>,
}

impl From<Token> for TokenBody {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            organisation: token.organisation.0,
            person: token.person.map(|one| one.0),
            role: token.role,
            scope: token.scope,
            created: time(token.created),
            expires: token.expires.map(time),
            used: token.used.map(time),
            revoked: token.revoked.map(time),
        }
    }
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedBody {
    /// What is kept of it.
    token: TokenBody,
    /// The whole. It is shown this once.
    secret: String,
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedToken {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Whose it is: that of the person, else our own organisation's, where nothing is said.
    organisation: Option<Uuid>,
    /// The person who has it for themselves, of that organisation.
    person: Option<Uuid>,
    /// What it may do: no more than the person. Only what is our own can be admin, analyst or sensor.
    role: Role,
    /// To what it is narrowed: `taxii:read taxii:write api:read api:write ingest respond admin`.
    #[serde(default)]
    scope: Vec<String>,
    /// From when on it does not count.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
}

/// Which tokens.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those of an organisation.
    organisation: Option<Uuid>,
    /// Only those of a person.
    person: Option<Uuid>,
    /// What `next` of the page before said.
    after: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The person whose tokens a caller may see; `None` for all. A narrowed token is for what it is narrowed to.
fn whose(caller: &Caller) -> Result<Option<Person>, Problem> {
    if caller.may(Action::Administer) {
        return Ok(None);
    }
    let is_whole = caller.proof != Proof::Token || caller.scope == Scope::ALL;
    match caller.person.filter(|_| is_whole) {
        Some(person) => Ok(Some(person)),
        None => caller.check(Action::Administer).map(|()| None),
    }
}

/// List tokens
///
/// Who runs the node sees all, people see their own.
#[utoipa::path(get, path = "/api/tokens", tag = "keys", params(Which), responses(
    (status = 200, body = Page<TokenBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    caller: Caller,
    Shared(state): Shared<State>,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<TokenBody>>, Problem> {
    let person = whose(&caller)?.or(which.person.map(Person));
    let limit = limit(which.limit)?;
    let organisation = which.organisation.map(Organisation);
    let rows = state
        .node
        .store()
        .tokens(organisation, person, which.after.as_deref(), limit);
    Ok(Json(Page::of(rows.await?, limit, |token| token.id.clone())))
}

/// Make a token
#[utoipa::path(post, path = "/api/tokens", tag = "keys", request_body = WantedToken, responses(
    (status = 201, body = IssuedBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Body(wanted): Body<WantedToken>,
) -> Result<(StatusCode, Json<IssuedBody>), Problem> {
    let store = state.node.store();
    let person =
        match wanted.person {
            Some(person) => Some(store.user(Person(person)).await?.ok_or_else(|| {
                Problem::new(StatusCode::NOT_FOUND, format!("there is no user `{person}`"))
            })?),
            None => None,
        };
    let theirs = person.as_ref().map_or(store.own(), |person| person.organisation);
    let organisation = wanted.organisation.map_or(theirs, Organisation);
    check_role(wanted.role, organisation, store.own())?;
    if let Some(person) = &person
        && !Role::of_word(&person.role).is_some_and(|role| role.covers(wanted.role))
    {
        let told = format!(
            "`{}` is {}: a token of theirs may no more",
            person.name, person.role
        );
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, told));
    }
    let is_known = |word: &String| Action::ALL.iter().any(|action| action.word() == word);
    if let Some(unknown) = wanted.scope.iter().find(|word| !is_known(word)) {
        let told = format!("`{unknown}` is no word of a scope");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, told));
    }
    let new = NewToken {
        name: wanted.name,
        organisation,
        person: wanted.person.map(Person),
        role: wanted.role.word().to_owned(),
        scope: wanted.scope,
        expires: future(wanted.expires)?,
    };
    let issued = store.add_token(new).await?;
    state
        .note(&caller, "token.add", json!(TokenBody::from(issued.token.clone())))
        .await?;
    let issued = IssuedBody {
        token: issued.token.into(),
        secret: issued.secret,
    };
    Ok((StatusCode::CREATED, Json(issued)))
}

/// Revoke a token
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "keys", params(("id" = String, Path,)), responses(
    (status = 204, description = "It counts no more"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke(
    caller: Caller,
    Shared(state): Shared<State>,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    let store = state.node.store();
    if let Some(person) = whose(&caller)? {
        let found = store.token(&id).await?;
        // Another's is not told from none.
        found
            .filter(|token| token.person == Some(person))
            .ok_or_else(Problem::not_found)?;
    }
    store.revoke_token(&id).await?;
    state.done(&caller, "token.revoke", json!({"id": id})).await
}
