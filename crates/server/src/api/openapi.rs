//! The description of the API: OpenAPI 3.1, made of the routes themselves.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::State;

#[derive(OpenApi)]
#[openapi(
    info(title = "Perisai", description = "The API of a node. TAXII 2.1 is at `/taxii2/`."),
    tags(
        (name = "session", description = "Logging in and out, and who one is"),
        (name = "people", description = "Organisations, the groups in which they share, people"),
        (name = "keys", description = "Tokens of programs, certificates of partners"),
        (name = "intelligence", description = "What the node keeps, as far as policy lets one see it"),
        (name = "collections", description = "What partners read and write, and who may"),
        (name = "peers", description = "From whom the node fetches, to whom it sends, and how that goes"),
        (name = "jobs", description = "What lasts longer than a request"),
        (name = "operation", description = "Whether the node lives; its audit chain, its backup"),
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

/// Routes with their description, which is served beside them.
pub(super) fn described(routes: OpenApiRouter<State>) -> Router<State> {
    let (router, text) = split(routes);
    let text = Bytes::from(text);
    let give = async move || ([(CONTENT_TYPE, "application/json")], text);
    router.route("/api/openapi.json", get(give))
}

/// The description alone, as JSON.
pub(super) fn text(routes: OpenApiRouter<State>) -> String {
    split(routes).1
}

fn split(routes: OpenApiRouter<State>) -> (Router<State>, String) {
    let (router, api) = OpenApiRouter::with_openapi(Api::openapi())
        .merge(routes)
        .split_for_parts();
    let text = api.to_pretty_json().expect("a description is plain data");
    (router, text)
}
