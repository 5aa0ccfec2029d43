//! Logging in and out, and who one is.

use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use perisai_store::Session;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::Body;
use crate::auth::{Auth, cookie, guard};
use crate::problem::ProblemBody;
use crate::{Action, Caller, Problem, Role, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(who, log_in, log_out))
}

/// How a person shows who they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    /// Their name.
    #[schema(example = "anna")]
    name: String,
    /// Their pass-phrase.
    #[schema(format = Password)]
    pass_phrase: String,
}

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Who {
    /// The organisation; null for anybody.
    organisation: Option<Uuid>,
    /// The person.
    person: Option<Uuid>,
    /// The person's name, where they are logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The role.
    role: Option<Role>,
    /// What role and scope allow.
    may: Vec<&'static str>,
    /// What requests that change something repeat in `X-CSRF-Token`, where a cookie shows who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
}

impl Who {
    fn of(caller: &Caller, session: Option<&Session>) -> Self {
        let may = Action::ALL.into_iter().filter(|action| caller.may(*action));
        Self {
            organisation: caller.organisation.map(|one| one.0),
            person: caller.person.map(|one| one.0),
            name: session.map(|session| session.user.name.clone()),
            role: caller.role,
            may: may.map(Action::word).collect(),
            csrf: session.map(|session| session.csrf.clone()),
        }
    }
}

/// Who one is
#[utoipa::path(get, path = "/api/session", tag = "session", security(()), responses(
    (status = 200, body = Who),
    (status = "4XX", description = "A proof failed", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn who(caller: Caller, session: Option<Extension<Session>>) -> Json<Who> {
    Json(Who::of(&caller, session.as_deref()))
}

/// Log in
///
/// Sets a cookie that lasts half a day, or an hour where it is not used.
#[utoipa::path(post, path = "/api/session", tag = "session", security(()), request_body = LogIn, responses(
    (status = 200, body = Who, headers(("set-cookie" = String, description = "The session's cookie"))),
    (status = "4XX", description = "Wrong, or too many have failed", body = ProblemBody,
        content_type = "application/problem+json"),
))]
pub(crate) async fn log_in(
    Extension(auth): Extension<Auth>,
    Extension(from): Extension<guard::From>,
    Body(asked): Body<LogIn>,
) -> Result<Response, Problem> {
    let user = auth.log_in(&asked.name, &asked.pass_phrase, from.address).await;
    let user = user.map_err(|problem| match problem.status() {
        StatusCode::UNAUTHORIZED => auth.failed(problem, from.address),
        _ => problem,
    })?;
    let opened = auth.store().open_session(user.id).await?;
    let caller = auth.of_session(&opened.session)?;
    let cookie = cookie::set(&opened.secret, from.is_tls);
    let who = Json(Who::of(&caller, Some(&opened.session)));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), who).into_response())
}

/// Log out
#[utoipa::path(delete, path = "/api/session", tag = "session", security(()), responses(
    (status = 204, description = "Nobody is logged in any more"),
    (status = "4XX", description = "X-CSRF-Token is missing", body = ProblemBody,
        content_type = "application/problem+json"),
))]
pub(crate) async fn log_out(
    Extension(auth): Extension<Auth>,
    Extension(from): Extension<guard::From>,
    session: Option<Extension<Session>>,
) -> Result<Response, Problem> {
    if let Some(Extension(session)) = session {
        auth.store().close_session(session.digest).await?;
    }
    let cookie = cookie::clear(from.is_tls);
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(SET_COOKIE, cookie)])).into_response())
}
