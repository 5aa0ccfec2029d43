//! What was seen: a hunt or a sensor says which of the indicators it had from here it saw, how often and when. It says it of
//! indicators, and of nothing else: it cannot bring any.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use perisai_app::{Seen, SightingsTaken};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::OwnSensor;
use super::body::Body;
use crate::problem::ProblemBody;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(add))
}

/// How many there may be in a request.
const MOST: usize = 200;

/// The longest id, and the largest count that STIX knows.
const LONGEST: usize = 200;
const COUNT: u64 = 999_999_999;

/// How far the clock of who saw it may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// An indicator that was seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenBody {
    /// Its id.
    #[schema(max_length = 200)]
    of: String,
    /// How often.
    #[schema(minimum = 1, maximum = 999_999_999)]
    count: u64,
    /// When first; not later than now.
    #[schema(value_type = Option<String>, format = DateTime)]
    first: Option<Timestamp>,
    /// When last; not before that, and not later than now.
    #[schema(value_type = Option<String>, format = DateTime)]
    last: Option<Timestamp>,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenBody {
    /// Sightings that are new.
    stored: u64,
    /// Sightings that were here.
    known: u64,
    /// Ids of which there is no object that the caller may know.
    unknown: Vec<String>,
}

impl From<SightingsTaken> for TakenBody {
    fn from(taken: SightingsTaken) -> Self {
        let SightingsTaken {
            stored,
            known,
            unknown,
        } = taken;
        Self {
            stored,
            known,
            unknown,
        }
    }
}

/// Say what was seen
///
/// Each becomes a STIX sighting of our own, for our own organisation and for the one that the indicator came from: it names no
/// asset. At most 200 at a time; the same again is known.
#[utoipa::path(post, path = "/api/sightings", tag = "intelligence", request_body = Vec<SeenBody>, responses(
    (status = 200, body = TakenBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    OwnSensor(caller): OwnSensor,
    Shared(state): Shared<State>,
    Body(seen): Body<Vec<SeenBody>>,
) -> Result<Json<TakenBody>, Problem> {
    if seen.len() > MOST {
        let told = format!("at most {MOST} sightings at a time");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, told));
    }
    if seen
        .iter()
        .any(|one| one.of.chars().count() > LONGEST || !(1..=COUNT).contains(&one.count))
    {
        let told = format!("an id has at most {LONGEST} characters, a count is 1 to {COUNT}");
        return Err(Problem::bad_request(told));
    }
    let latest = Timestamp::now() + AHEAD;
    for one in &seen {
        let is_ahead = |time: Option<Timestamp>| time.is_some_and(|time| time > latest);
        if is_ahead(one.first) || is_ahead(one.last) {
            return Err(Problem::bad_request(format!(
                "{}: it cannot have been seen yet",
                one.of
            )));
        }
        if one.first.zip(one.last).is_some_and(|(first, last)| last < first) {
            return Err(Problem::bad_request(format!(
                "{}: it was last seen before it was first",
                one.of
            )));
        }
    }
    let all = seen.into_iter().map(|one| Seen {
        of: one.of,
        count: one.count,
        first: one.first,
        last: one.last,
    });
    let view = state.node.store().view(caller.recipient());
    let taken = state.node.take_sightings(&view, all.collect()).await?;
    Ok(Json(taken.into()))
}
