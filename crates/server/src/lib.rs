//! What a node speaks over HTTP: TAXII 2.1, its own API, health and metrics. Thin adapters: what is done lives in `app`,
//! what may leave is decided in `policy`.

mod api;
pub mod auth;
mod caller;
mod observe;
mod outgoing;
mod problem;
mod pump;
mod routes;
mod run;
pub mod serve;
mod stream;
mod taxii;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use perisai_app::Node;

pub use api::openapi;
pub use caller::{Action, Caller, Proof, Role, Scope};
pub use observe::Metrics;
pub use outgoing::{Outgoing, record};
pub use problem::{Problem, ProblemBody};
pub use routes::{Route, routes};
pub use run::{Ready, StartError, start, start_quietly};

/// What all routes share.
#[derive(Debug, Clone)]
pub struct State {
    /// The node.
    pub node: Arc<Node>,
    /// What is counted.
    pub metrics: Metrics,
}

impl State {
    /// For a node.
    #[must_use]
    pub fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            metrics: Metrics::default(),
        }
    }
}

/// All routes. Who calls is told by a layer around them, which puts a [`Caller`] into each request.
pub fn router(state: State) -> Router {
    Router::new()
        .merge(api::router())
        .merge(taxii::router())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "the path is known, but not with this method",
            )
        })
        .with_state(state)
}
