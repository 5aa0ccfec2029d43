//! Which routes there are. A router cannot be asked, so each is written down where it is made: what walks all of them, as
//! the test of what may leave does, cannot forget one.

use axum::Router;
use axum::http::Method;
use axum::routing::MethodRouter;
use serde_json::Value;

use crate::{State, api, taxii};

/// A method of a path; a part of it in braces stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
}

/// Routes, and what they are.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<State>,
    list: Vec<Route>,
}

impl Routes {
    /// A path with and without a final `/`, and the methods that it is made for, with commas between them.
    pub(crate) fn at(path: &str, methods: MethodRouter<State>, allow: &str) -> Self {
        let with_slash = format!("{path}/");
        let router = Router::new()
            .route(path, methods.clone())
            .route(&with_slash, methods);
        let route = |method: &str| {
            let method = method.trim().parse().expect("a method");
            let path = with_slash.clone();
            Route { method, path }
        };
        let list = allow.split(',').map(route).collect();
        Self { router, list }
    }

    /// Both together.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.list.extend(other.list);
        self
    }

    pub(crate) fn into_router(self) -> Router<State> {
        self.router
    }
}

/// Every route that a node serves.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut all = taxii::resources().list;
    let described: Value = serde_json::from_str(&api::openapi()).expect("a description is JSON");
    let paths = described["paths"].as_object().into_iter().flatten();
    for (path, methods) in paths {
        for method in methods
            .as_object()
            .into_iter()
            .flatten()
            .map(|(method, _)| method)
        {
            let method = method.to_ascii_uppercase();
            all.push(Route {
                method: method.parse().expect("a method"),
                path: path.clone(),
            });
        }
    }
    all.push(Route {
        method: Method::GET,
        path: "/api/openapi.json".to_owned(),
    });
    all
}
