//! The description of the API: OpenAPI 3.1.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    audit, certificates, collections, groups, objects, organisations, peers, session, tokens, users,
};
use crate::State;

#[derive(OpenApi)]
#[openapi(
    info(title = "Perisai", description = "The API of a node. TAXII 2.1 is at `/taxii2/`."),
    paths(
        session::who, session::log_in, session::log_out,
        organisations::list, organisations::add, organisations::show, organisations::change, organisations::remove,
        groups::list, groups::add, groups::remove, groups::add_member, groups::remove_member,
        users::list, users::add, users::change, users::remove,
        tokens::list, tokens::add, tokens::revoke,
        certificates::list, certificates::add, certificates::revoke,
        objects::search, objects::show,
        audit::verify,
        peers::list, peers::show, peers::add, peers::change, peers::remove, peers::sync,
        collections::list, collections::show, collections::add, collections::remove, collections::grant,
    ),
    tags(
        (name = "session", description = "Logging in and out, and who one is"),
        (name = "people", description = "Organisations, the groups in which they share, people"),
        (name = "intelligence", description = "What the node keeps, as far as policy lets one see it"),
        (name = "collections", description = "What partners read and write, and who may"),
        (name = "peers", description = "From whom the node fetches, to whom it sends, and how that goes"),
        (name = "audit", description = "What was done"),
        (name = "keys", description = "Tokens of programs, certificates of partners"),
    ),
    security(("bearer" = []), ("basic" = [])),
    modifiers(&Schemes),
)]
struct Api;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        for (name, scheme) in [
            ("bearer", HttpAuthScheme::Bearer),
            ("basic", HttpAuthScheme::Basic),
        ] {
            let http = HttpBuilder::new().scheme(scheme).build();
            components.add_security_scheme(name, SecurityScheme::Http(http));
        }
    }
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    Api::openapi()
        .to_pretty_json()
        .expect("a description is plain data")
});

pub(crate) fn router() -> Router<State> {
    Router::new().route("/api/openapi.json", get(give))
}

async fn give() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str())
}
