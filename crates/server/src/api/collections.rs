//! Collections, and who may read and write them.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use perisai_model::Organisation;
use perisai_store::{Collection, NewCollection, Query, Rights};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::{Body, Named};
use super::{Admin, Reader, is_own, words};
use crate::problem::ProblemBody;
use crate::{Caller, Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(grant))
}

/// A collection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionBody {
    /// Its id in TAXII.
    id: Uuid,
    /// A short name that may stand for the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    /// Its name.
    title: String,
    /// More for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// What enters by itself; where there is none, only what is sent to it. Only our own people see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<QueryBody>,
    /// What other organisations may do with it. Another organisation sees what it may itself.
    rights: Vec<RightsOf>,
}

/// What enters a collection by itself: objects that satisfy every part that is given.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QueryBody {
    /// One of these types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
    /// One of these labels of TLP; what has no marking counts by the node's default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tlp: Vec<String>,
    /// One of these labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
    /// From one of these sources, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
    /// Meant by name for one of these organisations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audience: Vec<Uuid>,
}

/// What an organisation may do with a collection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RightsOf {
    /// Which.
    organisation: Uuid,
    /// Take from it what policy allows.
    read: bool,
    /// Add to it.
    write: bool,
}

/// A collection that is new.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBody {
    /// A short name that may stand for the id: letters, digits, `-` and `_`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    alias: Option<String>,
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// More for people.
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// What enters by itself; where there is none, only what is sent to it.
    query: Option<QueryBody>,
}

/// What changes of a collection; what is not said stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectionChange {
    /// A short name that may stand for the id: letters, digits, `-` and `_`; none where it is empty.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]*$")]
    alias: Option<String>,
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    /// More for people; nothing where it is empty.
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// What enters by itself. What matched the query before and does not match this one leaves.
    query: Option<QueryBody>,
    /// Nothing enters by itself any more, and what did leaves; goes with no `query`.
    #[serde(default)]
    basket: bool,
}

/// What an organisation may do with a collection from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RightsBody {
    /// Take from it what policy allows.
    read: bool,
    /// Add to it.
    write: bool,
}

impl From<&Collection> for CollectionBody {
    fn from(collection: &Collection) -> Self {
        let rights = |(organisation, rights): (&Organisation, &Rights)| RightsOf {
            organisation: organisation.0,
            read: rights.read,
            write: rights.write,
        };
        Self {
            id: collection.id,
            alias: collection.alias.clone(),
            title: collection.title.clone(),
            description: collection.description.clone(),
            query: collection.query.clone().map(Into::into),
            rights: collection.rights.iter().map(rights).collect(),
        }
    }
}

impl CollectionBody {
    /// As somebody may know it: whom else we share with, and from whom we have it, is for our own people.
    fn shown_to(caller: &Caller, state: &State, collection: &Collection) -> Self {
        let mut body = Self::from(collection);
        if !is_own(caller, state) {
            body.query = None;
            body.rights
                .retain(|one| Some(one.organisation) == caller.organisation.map(|own| own.0));
        }
        body
    }
}

impl From<Query> for QueryBody {
    fn from(query: Query) -> Self {
        let Query {
            types,
            tlp,
            labels,
            sources,
            audience,
        } = query;
        Self {
            types,
            tlp,
            labels,
            sources,
            audience,
        }
    }
}

impl TryFrom<QueryBody> for Query {
    type Error = Problem;

    fn try_from(body: QueryBody) -> Result<Self, Problem> {
        let QueryBody {
            types,
            tlp,
            labels,
            sources,
            audience,
        } = body;
        for label in &tlp {
            words::tlp(label)?;
        }
        Ok(Self {
            types,
            tlp,
            labels,
            sources,
            audience,
        })
    }
}

/// List collections
#[utoipa::path(get, path = "/api/collections", tag = "collections", responses(
    (status = 200, body = Vec<CollectionBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(Reader(caller): Reader, Shared(state): Shared<State>) -> Json<Vec<CollectionBody>> {
    let all = state.node.store().collections();
    let known = all.iter().filter(|one| may_know(&caller, &state, one));
    Json(
        known
            .map(|one| CollectionBody::shown_to(&caller, &state, one))
            .collect(),
    )
}

/// Whether one may know that there is a collection: our own people all, others those which they may use.
fn may_know(caller: &Caller, state: &State, collection: &Collection) -> bool {
    let Some(organisation) = caller.organisation else {
        return false;
    };
    let rights = collection.rights_of(organisation);
    is_own(caller, state) || rights.read || rights.write
}

/// Show a collection
#[utoipa::path(get, path = "/api/collections/{id}", tag = "collections", params(("id" = String, Path,)), responses(
    (status = 200, body = CollectionBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    Reader(caller): Reader,
    Shared(state): Shared<State>,
    Named(id): Named<String>,
) -> Result<Json<CollectionBody>, Problem> {
    let found = state.node.store().collection(&id);
    found
        .filter(|one| may_know(&caller, &state, one))
        .map(|one| Json(CollectionBody::shown_to(&caller, &state, &one)))
        .ok_or_else(Problem::not_found)
}

/// Make a collection
///
/// With a query, all that is stored and matches it enters at once.
#[utoipa::path(post, path = "/api/collections", tag = "collections", request_body = NewBody, responses(
    (status = 201, body = CollectionBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Body(new): Body<NewBody>,
) -> Result<(StatusCode, Json<CollectionBody>), Problem> {
    let new = NewCollection {
        alias: new.alias,
        title: new.title,
        description: new.description,
        query: new.query.map(TryInto::try_into).transpose()?,
    };
    check(&new)?;
    let made = state.node.store().create_collection(new).await?;
    state
        .made(&caller, "collection.add", CollectionBody::from(&*made))
        .await
}

/// Change a collection
///
/// With another query, all that is stored and matches it enters at once. Who may use the collection stays.
#[utoipa::path(patch, path = "/api/collections/{id}", tag = "collections", params(("id" = String, Path,)),
    request_body = CollectionChange, responses(
    (status = 200, body = CollectionBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(id): Named<String>,
    Body(change): Body<CollectionChange>,
) -> Result<Json<CollectionBody>, Problem> {
    let store = state.node.store();
    let known = store.collection(&id).ok_or_else(Problem::not_found)?;
    let text = |said: Option<String>, known: &Option<String>| match said {
        Some(said) => Some(said).filter(|said| !said.is_empty()),
        None => known.clone(),
    };
    let query = match (change.query, change.basket) {
        (None, true) => None,
        (None, false) => known.query.clone(),
        (Some(query), false) => Some(query.try_into()?),
        (Some(_), true) => return Err(Problem::bad_request("`basket` and `query` do not go together")),
    };
    let new = NewCollection {
        alias: text(change.alias, &known.alias),
        title: change.title.unwrap_or_else(|| known.title.clone()),
        description: text(change.description, &known.description),
        query,
    };
    check(&new)?;
    let changed = store.change_collection(known.number, new).await?;
    state
        .changed(&caller, "collection.change", CollectionBody::from(&*changed))
        .await
}

fn check(new: &NewCollection) -> Result<(), Problem> {
    if !(1..=200).contains(&new.title.chars().count()) {
        return Err(Problem::bad_request("title has 1 to 200 characters"));
    }
    let description = new.description.as_deref().unwrap_or_default();
    if description.chars().count() > 2000 {
        return Err(Problem::bad_request("description has at most 2,000 characters"));
    }
    if new.alias.as_deref().is_some_and(|alias| !is_alias(alias)) {
        let told = "alias has 1 to 64 letters, digits, - and _, and is no UUID";
        return Err(Problem::bad_request(told));
    }
    Ok(())
}

fn is_alias(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=64).contains(&text.len()) && text.chars().all(is_part) && Uuid::try_parse(text).is_err()
}

/// Remove a collection
///
/// What is in it stays in the store.
#[utoipa::path(delete, path = "/api/collections/{id}", tag = "collections", params(("id" = String, Path,)), responses(
    (status = 204, description = "It is gone"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    state.node.store().remove_collection(&id).await?;
    state.done(&caller, "collection.remove", json!({"id": id})).await
}

/// Say what an organisation may do with a collection
#[utoipa::path(put, path = "/api/collections/{id}/rights/{organisation}", tag = "collections",
    params(("id" = String, Path,), ("organisation" = Uuid, Path,)), request_body = RightsBody, responses(
    (status = 204, description = "It counts from now on"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn grant(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named((id, organisation)): Named<(String, Uuid)>,
    Body(RightsBody { read, write }): Body<RightsBody>,
) -> Result<StatusCode, Problem> {
    let store = state.node.store();
    let organisation = Organisation(organisation);
    if store.organisation(organisation).await?.is_none() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "there is no such organisation",
        ));
    }
    store.grant(&id, organisation, Rights { read, write }).await?;
    let data = json!({"id": id, "organisation": organisation.0, "read": read, "write": write});
    state.done(&caller, "collection.grant", data).await
}
