//! The API of the node: JSON, errors as problem documents, described at `/api/openapi.json`. A file a resource.

mod audit;
mod body;
mod certificates;
mod collections;
mod groups;
mod health;
mod objects;
mod openapi;
mod organisations;
mod paging;
mod peers;
mod session;
mod tokens;
mod users;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::{Action, Caller, Problem, State};

/// All routes.
pub(crate) fn router() -> Router<State> {
    Router::new()
        .merge(audit::router())
        .merge(certificates::router())
        .merge(collections::router())
        .merge(groups::router())
        .merge(health::router())
        .merge(objects::router())
        .merge(openapi::router())
        .merge(organisations::router())
        .merge(peers::router())
        .merge(session::router())
        .merge(tokens::router())
        .merge(users::router())
}

/// That who calls keeps people and keys; others do not get further.
pub(crate) struct Admin;

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().copied().unwrap_or_default();
        caller.check(Action::Administer).map(|()| Self)
    }
}

/// That who calls works with the node: reads what it keeps, as policy allows.
pub(crate) struct Reader(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().copied().unwrap_or_default();
        caller.check(Action::ApiRead).map(|()| Self(caller))
    }
}
