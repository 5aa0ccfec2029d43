//! The API of the node: JSON, errors as problem documents, described at `/api/openapi.json`. A file a resource.

mod body;
mod certificates;
mod groups;
mod openapi;
mod organisations;
mod paging;
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
        .merge(certificates::router())
        .merge(groups::router())
        .merge(openapi::router())
        .merge(organisations::router())
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
