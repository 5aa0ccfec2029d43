//! What became of a delivery (TAXII 2.1, section 4.3), told to the organisation that sent it.

use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use uuid::Uuid;

use super::asked::Known;
use super::delivery::{Detail, Tally};
use super::error::Refused;
use super::{answer, at, time};
use crate::routes::Routes;

pub(super) fn routes() -> Routes {
    const ALLOW: &str = "GET, HEAD, OPTIONS";
    at("/taxii2/api/status/{status}", get(give), ALLOW)
}

/// A status resource (section 4.3.1). A list is there only if it names everyone that it counts, as clients check; of
/// one that is too long the first are in a property of our own.
#[derive(Serialize)]
struct Status<'a> {
    id: Uuid,
    status: &'static str,
    request_timestamp: String,
    total_count: u64,
    success_count: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    successes: &'a [Detail],
    failure_count: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    failures: &'a [Detail],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    x_perisai_first_failures: &'a [Detail],
    pending_count: u64,
}

/// The status of a delivery that is done, and its id.
pub(super) fn write(requested: i64, tally: Tally) -> (Uuid, String) {
    let id = Uuid::new_v4();
    let (taken, failed) = (&tally.taken, &tally.failed);
    let whole = |is_wanted: bool, listed| if is_wanted { listed } else { &[][..] };
    let status = Status {
        id,
        status: "complete",
        request_timestamp: time::write(requested),
        total_count: taken.count + failed.count,
        success_count: taken.count,
        successes: whole(taken.is_whole(), &taken.listed),
        failure_count: failed.count,
        failures: whole(failed.is_whole(), &failed.listed),
        x_perisai_first_failures: whole(!failed.is_whole(), &failed.listed),
        pending_count: 0,
    };
    let body = serde_json::to_string(&status).expect("a status is plain data");
    (id, body)
}

async fn give(known: Known) -> Result<Response, Refused> {
    let Ok(id) = Uuid::try_parse(known.part("status")) else {
        return Err(known.missing().await);
    };
    let store = known.state.node.store();
    match store.status(id, Some(known.organisation)).await? {
        Some(body) => Ok(answer(body.into(), HeaderMap::new())),
        None => Err(known.missing().await),
    }
}
