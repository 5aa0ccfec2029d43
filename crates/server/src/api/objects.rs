//! What the node keeps: searches, and objects with their versions.

use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::Timestamp;
use perisai_model::Kind;
use perisai_policy::Released;
use perisai_store::{Entry, Removal, Search};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Asked, Named};
use super::paging::{limit, time};
use super::{OwnWriter, Reader, is_own, words};
use crate::outgoing::{Outgoing, record};
use crate::problem::ProblemBody;
use crate::{Action, Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(show, delete))
}

/// For so long a search waits until what came is in the index.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is looked for: an object is found where it satisfies every part that is given. Where several may stand in a part,
/// commas are between them, and one is enough.
#[derive(Debug, Default, PartialEq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words, all of which it has.
    pub(super) text: Option<String>,
    /// A value that it has: an address, a domain, a hash, defanged or not. Indicators are found as a hunt would match them:
    /// of the nets around an address, the domains above a name, the host of a URL.
    pub(super) value: Option<String>,
    /// Types.
    #[serde(rename = "type")]
    pub(super) types: Option<String>,
    /// Kinds of observables.
    pub(super) kind: Option<String>,
    /// Labels of TLP; what has no marking counts by the node's default.
    pub(super) tlp: Option<String>,
    /// Sources, by name.
    pub(super) source: Option<String>,
    /// Labels.
    pub(super) label: Option<String>,
    /// It came at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) since: Option<Timestamp>,
    /// It came before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) until: Option<Timestamp>,
    /// Whether it counts now: neither revoked nor past its `valid_until`.
    pub(super) live: Option<bool>,
    /// What `next` of the page before said.
    #[param(max_length = 100)]
    pub(super) after: Option<String>,
    /// How many at most: 1 to 500, 100 where nothing is said.
    #[param(minimum = 1, maximum = 500)]
    pub(super) limit: Option<usize>,
}

/// For what places are sealed: how many objects lie between two of them is nobody's business.
const PLACE: &str = "a place in a search";

/// A version of an object.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObjectBody {
    /// Its id.
    id: String,
    /// Its version, as it says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// From whom it came first; told to our own people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    received: Timestamp,
    /// How it is held.
    tlp: &'static str,
    /// The object, as it came.
    #[schema(value_type = Object)]
    object: Box<RawValue>,
}

/// A page of what was found, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundBody {
    /// The objects.
    items: Vec<ObjectBody>,
    /// What to ask for in `after` where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// About how many objects came that could not be looked through yet: in a moment more may be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<u64>,
}

/// Search for objects
#[utoipa::path(get, path = "/api/objects", tag = "intelligence", params(SearchQuery), responses(
    (status = 200, body = FoundBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn search(
    Reader(caller): Reader,
    Shared(state): Shared<State>,
    Asked(query): Asked<SearchQuery>,
) -> Result<Json<FoundBody>, Problem> {
    if query.source.is_some() && !is_own(&caller, &state) {
        return Err(Problem::forbidden("sources are for the node's own organisation"));
    }
    let before = query.after.as_deref().map(|after| {
        let told = || Problem::bad_request("`after` is not what a page said in `next`");
        state.node.key().open_place(after, PLACE).ok_or_else(told)
    });
    let search = Search {
        before: before.transpose()?,
        ..query.read()?
    };
    // Who has just brought something wants to find it.
    let waiting = state.node.store().catch_up_within(PATIENCE).await;
    let waiting = waiting.unwrap_or_else(|error| {
        // What is indexed is found all the same.
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "the search index lags behind");
        state.node.store().waiting()
    });
    let view = state.node.store().view(caller.recipient());
    let found = view.search(&search).await?;
    let items = give(&state, "api search", &found.entries).await?;
    Ok(Json(FoundBody {
        items,
        next: found.next.map(|place| state.node.key().seal_place(place, PLACE)),
        waiting: Some(waiting).filter(|waiting| *waiting > 0),
    }))
}

/// Show an object, with all its versions, the newest first
#[utoipa::path(get, path = "/api/objects/{id}", tag = "intelligence", params(("id" = String, Path,)), responses(
    (status = 200, body = Vec<ObjectBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    Reader(caller): Reader,
    Shared(state): Shared<State>,
    Named(id): Named<String>,
) -> Result<Json<Vec<ObjectBody>>, Problem> {
    let view = state.node.store().view(caller.recipient());
    let entries = view.object(&id).await?;
    if entries.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(Json(give(&state, "api object", &entries).await?))
}

/// Delete an object with all its versions
///
/// Who runs the node may delete any; others of our own organisation what is ours. Those who have what is ours are told by a
/// tombstone in its collections.
#[utoipa::path(delete, path = "/api/objects/{id}", tag = "intelligence", params(("id" = String, Path,)), responses(
    (status = 204, description = "It is deleted"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(
    OwnWriter(caller): OwnWriter,
    Shared(state): Shared<State>,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    let asks = match caller.may(Action::Administer) {
        true => None,
        false => Some(state.node.store().own()),
    };
    // Nobody learns by a removal of what they may not know.
    let view = state.node.store().view(caller.recipient());
    if asks.is_some() && view.object(&id).await?.is_empty() {
        return Err(Problem::not_found());
    }
    match state.node.delete(&id, asks).await? {
        Removal::Removed(versions) => {
            let data = json!({"id": id, "versions": versions});
            state.done(&caller, "object.delete", data).await
        }
        Removal::Missing => Err(Problem::not_found()),
        Removal::NotTheirs => Err(Problem::forbidden(
            "it is another's: only who runs the node may delete it",
        )),
    }
}

/// Writes down what leaves, and lets it.
async fn give(
    state: &State,
    way: &'static str,
    entries: &[Released<Entry>],
) -> Result<Vec<ObjectBody>, Problem> {
    let Some(first) = entries.first() else {
        return Ok(Vec::new());
    };
    let ids = entries.iter().map(|entry| &*entry.get().id);
    record(state, &Outgoing::of_ids(first.recipient(), way, ids)).await?;
    let is_own = first.recipient().organisation == Some(state.node.store().own());
    let sources = match is_own {
        true => state.node.store().sources(),
        false => Vec::new(),
    };
    let default = state.node.store().policy_context().default_tlp;
    let body = |entry: &Released<Entry>| {
        let entry = entry.get();
        let source = sources.iter().find(|source| source.number == entry.source);
        let text = String::from_utf8_lossy(&entry.raw).into_owned();
        Some(ObjectBody {
            id: entry.id.clone(),
            version: entry.version_text.clone(),
            source: source.map(|source| source.name.clone()),
            received: time(entry.received),
            tlp: entry.tlp.unwrap_or(default).as_str(),
            object: RawValue::from_string(text).ok()?,
        })
    };
    Ok(entries.iter().filter_map(body).collect())
}

impl SearchQuery {
    pub(super) fn read(self) -> Result<Search, Problem> {
        let text = self.text.unwrap_or_default();
        if !text.is_empty() && !Search::has_words(&text) {
            return Err(Problem::bad_request(
                "`text` has no word, which is of letters and digits; a value is asked for by `value`",
            ));
        }
        let (value, around) = match self.value {
            None => (None, Vec::new()),
            Some(text) => match perisai_values::recognise(&text) {
                Some((kind, value)) => (Some(value.to_string()), perisai_values::around(kind, &value)),
                None => (Some(text), Vec::new()),
            },
        };
        Ok(Search {
            text,
            value,
            around,
            types: split(self.types),
            kinds: parsed(self.kind, kind)?,
            tlp: parsed(self.tlp, words::tlp)?,
            sources: split(self.source),
            labels: split(self.label),
            since: self.since.map(Timestamp::as_microsecond),
            until: self.until.map(Timestamp::as_microsecond),
            live: self.live,
            before: None,
            limit: limit(self.limit)?,
        })
    }
}

fn split(list: Option<String>) -> Vec<String> {
    let list = list.unwrap_or_default();
    let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn parsed<T>(list: Option<String>, parse: impl Fn(&str) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    split(list).iter().map(|word| parse(word)).collect()
}

fn kind(word: &str) -> Result<Kind, Problem> {
    let told = |_| {
        let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        Problem::bad_request(format!("`{word}` is no kind: there are {}", known.join(", ")))
    };
    word.parse().map_err(told)
}
