//! What a node speaks over HTTP: TAXII 2.1, its own API, health and metrics. Thin adapters: what is done lives in `app`,
//! what may leave is decided in `policy`.

mod caller;
mod outgoing;
mod taxii;

use std::sync::Arc;

use axum::Router;
use perisai_app::Node;

pub use caller::{Caller, Role};
pub use outgoing::{Outgoing, record};

/// What all routes share.
#[derive(Debug, Clone)]
pub struct State {
    /// The node.
    pub node: Arc<Node>,
}

/// All routes. Who calls is told by a layer around them, which puts a [`Caller`] into each request.
pub fn router(state: State) -> Router {
    Router::new().merge(taxii::router()).with_state(state)
}
