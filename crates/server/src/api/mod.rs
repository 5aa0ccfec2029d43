//! The API of the node: JSON, errors as problem documents, described at `/api/openapi.json`. A file a resource.

mod apart;
mod audit;
mod backup;
mod body;
mod certificates;
mod collections;
mod export;
mod groups;
mod health;
mod imports;
mod index;
mod jobs;
mod noting;
mod objects;
mod openapi;
mod organisations;
mod paging;
mod peers;
mod session;
mod sightings;
mod sources;
mod tokens;
mod users;
mod words;

pub(crate) use self::peers::{is_failing, lag_seconds};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use utoipa_axum::router::OpenApiRouter;

use crate::{Action, Caller, Problem, State};

/// All routes.
pub(crate) fn router() -> Router<State> {
    openapi::described(routes())
}

/// The description of all routes: OpenAPI 3.1, as JSON.
#[must_use]
pub fn openapi() -> String {
    openapi::text(routes())
}

fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .merge(apart::router())
        .merge(audit::router())
        .merge(backup::router())
        .merge(certificates::router())
        .merge(collections::router())
        .merge(export::router())
        .merge(groups::router())
        .merge(health::router())
        .merge(imports::router())
        .merge(index::router())
        .merge(jobs::router())
        .merge(objects::router())
        .merge(organisations::router())
        .merge(peers::router())
        .merge(session::router())
        .merge(sightings::router())
        .merge(sources::router())
        .merge(tokens::router())
        .merge(users::router())
}

/// That who calls keeps people and keys; others do not get further.
pub(crate) struct Admin(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = caller(parts);
        caller.check(Action::Administer).map(|()| Self(caller))
    }
}

/// That who calls works with the node: reads what it keeps, as policy allows.
pub(crate) struct Reader(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = caller(parts);
        caller.check(Action::ApiRead).map(|()| Self(caller))
    }
}

/// That who calls is of our own organisation, and reads.
pub(crate) struct OwnReader;

impl FromRequestParts<State> for OwnReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        own(parts, state, &[Action::ApiRead]).map(|_| Self)
    }
}

/// That who calls is of our own organisation, and takes what programs detect with.
pub(crate) struct OwnDetector(pub(crate) Caller);

impl FromRequestParts<State> for OwnDetector {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        own(parts, state, &[Action::Respond, Action::ApiRead]).map(Self)
    }
}

/// That who calls is of our own organisation, and brings what programs saw.
pub(crate) struct OwnSensor(pub(crate) Caller);

impl FromRequestParts<State> for OwnSensor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        own(parts, state, &[Action::Ingest, Action::ApiWrite]).map(Self)
    }
}

/// That who calls is of our own organisation, and writes.
pub(crate) struct OwnWriter(pub(crate) Caller);

impl FromRequestParts<State> for OwnWriter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        own(parts, state, &[Action::ApiWrite]).map(Self)
    }
}

/// Who calls, if they may do one of some things; what is told otherwise is of the first.
fn own(parts: &Parts, state: &State, any: &[Action]) -> Result<Caller, Problem> {
    let caller = caller(parts);
    if !any.iter().any(|action| caller.may(*action)) {
        caller.check(any[0])?;
    }
    match is_own(&caller, state) {
        true => Ok(caller),
        false => Err(Problem::forbidden("this is for the node's own organisation")),
    }
}

/// Whether who calls is of our own organisation.
pub(crate) fn is_own(caller: &Caller, state: &State) -> bool {
    caller.organisation == Some(state.node.store().own())
}

fn caller(parts: &Parts) -> Caller {
    parts.extensions.get::<Caller>().copied().unwrap_or_default()
}
