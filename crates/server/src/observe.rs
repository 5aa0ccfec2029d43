//! What the node tells who watches over it: a line of the log and a number for each request, counts in the format of
//! Prometheus.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as Shared};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tracing::Instrument;
use uuid::Uuid;

use crate::State;
use crate::api::{is_failing, lag_seconds};

/// The number of a request, in its answer and in all lines of the log that are about it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is counted of each request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPeer {
    peer: String,
}

impl OfPeer {
    /// The encoder writes a label as it is; a quotation mark in it would end it.
    fn of(name: &str) -> Self {
        let peer = name
            .replace('\\', r"\\")
            .replace('"', "\\\"")
            .replace('\n', r"\n");
        Self { peer }
    }
}

/// What is counted. Cheap to clone: the clones are one.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: Family<Of, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    objects: Gauge,
    lags: Family<OfPeer, Gauge>,
    failing: Family<OfPeer, Gauge>,
    waiting: Gauge,
    records: Counter<u64, AtomicU64>,
}

/// From a millisecond to half a minute.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

impl Default for Inner {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("perisai");
        let requests = Family::<Of, Counter>::default();
        let seconds = Family::<Route, Histogram, fn() -> Histogram>::new_with_constructor(histogram);
        let (objects, waiting) = (Gauge::default(), Gauge::default());
        let records = Counter::default();
        let (lags, failing) = (Family::<OfPeer, Gauge>::default(), Family::default());
        registry.register(
            "peer_lag_seconds",
            "By how much one side may lag behind the other; nothing where all was never exchanged",
            lags.clone(),
        );
        registry.register(
            "peer_failing",
            "Whether the dealings with a peer do not succeed now",
            failing.clone(),
        );
        registry.register("requests", "Requests that were answered", requests.clone());
        registry.register(
            "request_seconds",
            "How long answers took to begin",
            seconds.clone(),
        );
        registry.register(
            "objects",
            "Versions of objects that were taken in",
            objects.clone(),
        );
        registry.register(
            "index_waiting",
            "Objects that the search index lacks",
            waiting.clone(),
        );
        registry.register(
            "released_objects",
            "Objects that left, to whomever",
            records.clone(),
        );
        Self {
            registry,
            requests,
            seconds,
            objects,
            lags,
            failing,
            waiting,
            records,
        }
    }
}

impl Metrics {
    /// Counts objects that leave.
    pub(crate) fn released(&self, objects: u64) {
        self.0.records.inc_by(objects);
    }

    /// All counts, in the text format of OpenMetrics.
    pub(crate) async fn text(&self, state: &State) -> Result<String, perisai_store::Error> {
        let size = state.node.store().size().await?;
        self.0.objects.set(size.objects);
        self.0
            .waiting
            .set(i64::try_from(size.waiting).unwrap_or(i64::MAX));
        self.look_at_peers(state).await?;
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("a string takes all that is written");
        Ok(text)
    }

    /// How it goes with each peer that there is now.
    async fn look_at_peers(&self, state: &State) -> Result<(), perisai_store::Error> {
        let mut found = Vec::new();
        for peer in state.node.store().peers().await? {
            let (now, _) = state.node.peer_now(&peer).await?;
            let (lag, failing) = (lag_seconds(&peer, &now), is_failing(&peer, &now));
            found.push((OfPeer::of(&peer.name), lag, failing));
        }
        self.0.lags.clear();
        self.0.failing.clear();
        for (of, lag, failing) in found {
            if let Some(lag) = lag {
                self.0.lags.get_or_create(&of).set(lag);
            }
            self.0.failing.get_or_create(&of).set(failing.into());
        }
        Ok(())
    }
}

/// Puts the layer around routes. It is the outermost: what others refuse is seen, too.
pub(crate) fn observed(routes: Router, metrics: &Metrics) -> Router {
    routes.layer(from_fn_with_state(metrics.clone(), observe))
}

async fn observe(Shared(metrics): Shared<Metrics>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = Uuid::new_v4();
    let method = word(request.method());
    // The pattern of the route: what stands in a path would make counts without end.
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", %id);
    async {
        let mut response = next.run(request).await;
        let (status, took) = (response.status().as_u16(), begun.elapsed());
        tracing::info!(method, path, status, ms = took.as_millis(), "answered");
        let of = Of {
            method,
            route: route.clone(),
            status,
        };
        metrics.0.requests.get_or_create(&of).inc();
        let seconds = metrics.0.seconds.get_or_create(&Route { route });
        seconds.observe(took.as_secs_f64());
        let id = HeaderValue::try_from(id.to_string()).expect("a UUID is plain text");
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
    .instrument(span)
    .await
}

/// The method, of those that there are: others' own would make counts without end.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
