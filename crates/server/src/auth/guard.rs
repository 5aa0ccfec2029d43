//! The layer itself.

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use perisai_model::{Organisation, Person};

use super::limits::counted;
use super::{Auth, Peer, cookie, peer};
use crate::Problem;
use crate::caller::{Action, Caller};

/// By whom requests are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Address(IpAddr),
    Caller(Organisation, Option<Person>),
}

/// From where a request comes, as handlers need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From {
    pub(crate) address: IpAddr,
    pub(crate) is_tls: bool,
}

/// Where a browser logs in and out, and asks who it is.
pub(crate) const SESSION: &str = "/api/session";

pub(super) async fn guard(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().copied().unwrap_or_default();
    let trusted = &auth.0.settings.trusted_proxies;
    let from = From {
        address: peer::client(&peer, &parts.headers, trusted),
        is_tls: peer::is_tls(&peer, &parts.headers, trusted),
    };
    let is_log_in = parts.uri.path() == SESSION && parts.method == Method::POST;
    let shown = auth.prove(&parts, &peer, is_log_in).await;
    let allowed = shown.and_then(|shown| {
        auth.count(&shown.caller, from.address)?;
        allow(&shown.caller, &parts.method, parts.uri.path())?;
        Ok(shown)
    });
    match allowed {
        Ok(shown) => {
            parts.extensions.insert(shown.caller);
            parts.extensions.insert(from);
            parts.extensions.insert(auth.clone());
            if let Some(session) = shown.session {
                parts.extensions.insert(session);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => refuse(&auth, problem, &parts, from),
    }
}

impl Auth {
    /// Counts a request.
    fn count(&self, caller: &Caller, from: IpAddr) -> Result<(), Problem> {
        let who = match caller.organisation {
            Some(organisation) => Who::Caller(organisation, caller.person),
            None => Who::Address(counted(from)),
        };
        self.0
            .requests
            .take(who, Instant::now())
            .map_err(Problem::too_many)
    }

    /// Counts a proof that failed; gives what to tell.
    pub(crate) fn failed(&self, problem: Problem, from: IpAddr) -> Problem {
        let counted = self.0.failures.take(counted(from), Instant::now());
        counted.err().map_or(problem, Problem::too_many)
    }
}

/// Resources of the API that look at roles and scopes themselves.
const THEMSELVES: [&str; 9] = [
    "/api/certificates",
    "/api/export",
    "/api/groups",
    "/api/openapi.json",
    "/api/organisations",
    "/api/session",
    "/api/sightings",
    "/api/tokens",
    "/api/users",
];

/// What a scope or a role does not allow is refused before any route sees it. What anybody may do is up to each route.
fn allow(caller: &Caller, method: &Method, path: &str) -> Result<(), Problem> {
    let is_under = |root: &str| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let action = match (is_under("/taxii2"), method.is_safe()) {
        _ if caller.role.is_none() || THEMSELVES.iter().any(|root| is_under(root)) => return Ok(()),
        (true, true) => Action::TaxiiRead,
        (true, false) => Action::TaxiiWrite,
        (false, true) if is_under("/api") => Action::ApiRead,
        (false, false) if is_under("/api") => Action::ApiWrite,
        _ => return Ok(()),
    };
    caller.check(action)
}

fn refuse(auth: &Auth, problem: Problem, parts: &Parts, from: From) -> Response {
    let is_unproved = problem.status() == StatusCode::UNAUTHORIZED;
    let problem = if is_unproved {
        auth.failed(problem, from.address)
    } else {
        problem
    };
    let mut response = match parts.uri.path().starts_with("/taxii2") {
        true => problem.into_taxii(),
        false => problem.into_response(),
    };
    if is_unproved && parts.headers.contains_key(COOKIE) {
        let cookie = cookie::clear(from.is_tls);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
