//! What is kept apart: what others sent to change what is not theirs (design.md, invariant 3). For who decides about it.

use axum::Json;
use axum::extract::State as Shared;
use jiff::Timestamp;
use perisai_policy::Released;
use perisai_store::{Apart, ApartFilter, Attempt};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Asked, Named};
use super::paging::{Page, limit, time};
use super::{Reader, is_own};
use crate::outgoing::{Outgoing, record};
use crate::problem::ProblemBody;
use crate::{Action, Caller, Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// For what places are sealed, as those of a search are.
const PLACE: &str = "a place in what is kept apart";

/// Which of it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApartQuery {
    /// From whom: a source, by name.
    source: Option<String>,
    /// An id: its own, or that of the object that it was to change.
    id: Option<String>,
    /// What `next` of the page before said.
    #[param(max_length = 100)]
    after: Option<String>,
    /// How many at most: 1 to 500, 100 where nothing is said. There may be fewer on a page that has a `next`.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Something that is kept apart.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApartBody {
    /// What it is called by here.
    key: String,
    /// Its id.
    id: String,
    /// Its version, as it says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// What it was to be: `version`, `revocation` or `deletion`.
    attempt: &'static str,
    /// The id of the object that it was to change.
    of: String,
    /// From whom it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    received: Timestamp,
    /// How it is held.
    tlp: &'static str,
}

/// The same with what was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApartObject {
    #[serde(flatten)]
    about: ApartBody,
    /// The object, as it came.
    #[schema(value_type = Object)]
    object: Box<RawValue>,
}

/// List what is kept apart, the latest first
///
/// Versions, revocations and deletions of objects by others than whose these are. They count for nothing, and no partner
/// gets them.
#[utoipa::path(get, path = "/api/apart", tag = "intelligence", params(ApartQuery), responses(
    (status = 200, body = Page<ApartBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Reader(caller): Reader,
    Shared(state): Shared<State>,
    Asked(query): Asked<ApartQuery>,
) -> Result<Json<Page<ApartBody>>, Problem> {
    check(&caller, &state)?;
    let store = state.node.store();
    let limit = limit(query.limit)?;
    let before = query.after.as_deref().map(|after| {
        let told = || Problem::bad_request("`after` is not what a page said in `next`");
        state.node.key().open_place(after, PLACE).ok_or_else(told)
    });
    let source = query.source.as_deref().map(|name| {
        let told = || Problem::bad_request(format!("there is no source `{name}`"));
        store.source(name).map(|source| source.number).ok_or_else(told)
    });
    let filter = ApartFilter {
        source: source.transpose()?,
        id: query.id,
    };
    let view = store.view(caller.recipient());
    let page = view.kept_apart(&filter, before.transpose()?, limit).await?;
    let ids = page.entries.iter().map(|entry| &*entry.get().id);
    told(&state, page.entries.first(), ids).await?;
    Ok(Json(Page {
        items: page
            .entries
            .iter()
            .map(|entry| body(&state, entry.get()))
            .collect(),
        next: page.next.map(|place| state.node.key().seal_place(place, PLACE)),
    }))
}

/// Show what is kept apart, as it came
#[utoipa::path(get, path = "/api/apart/{key}", tag = "intelligence", params(("key" = String, Path,)), responses(
    (status = 200, body = ApartObject),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    Reader(caller): Reader,
    Shared(state): Shared<State>,
    Named(key): Named<String>,
) -> Result<Json<ApartObject>, Problem> {
    check(&caller, &state)?;
    let view = state.node.store().view(caller.recipient());
    let seq = state.node.key().open_place(&key, PLACE);
    let found = match seq {
        Some(seq) => view.one_apart(seq).await?,
        None => None,
    };
    let found = found.ok_or_else(Problem::not_found)?;
    let (apart, raw) = found.get();
    told(&state, Some(&found), [&*apart.id]).await?;
    let text = String::from_utf8_lossy(raw).into_owned();
    Ok(Json(ApartObject {
        about: body(&state, apart),
        object: RawValue::from_string(text).map_err(|_| Problem::not_found())?,
    }))
}

/// What is kept apart is for those who work with the node: they are to see what others try.
fn check(caller: &Caller, state: &State) -> Result<(), Problem> {
    let works_here = caller.role.is_some_and(|role| role.may(Action::ApiWrite));
    match is_own(caller, state) && works_here {
        true => Ok(()),
        false => Err(Problem::forbidden(
            "what is kept apart is for admins and analysts of the node's own organisation",
        )),
    }
}

/// Writes down what leaves.
async fn told<'a, T>(
    state: &State,
    first: Option<&Released<T>>,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<(), Problem> {
    if let Some(first) = first {
        record(state, &Outgoing::of_ids(first.recipient(), "api apart", ids)).await?;
    }
    Ok(())
}

fn body(state: &State, apart: &Apart) -> ApartBody {
    let store = state.node.store();
    let sources = store.sources();
    let source = sources.iter().find(|source| source.number == apart.source);
    ApartBody {
        key: state.node.key().seal_place(apart.seq, PLACE),
        id: apart.id.clone(),
        version: apart.version_text.clone(),
        attempt: match apart.attempt {
            Attempt::Version => "version",
            Attempt::Revocation => "revocation",
            Attempt::Deletion => "deletion",
        },
        of: apart.object.clone(),
        source: source.map(|source| source.name.clone()),
        received: time(apart.received),
        tlp: apart.tlp.unwrap_or(store.policy_context().default_tlp).as_str(),
    }
}
