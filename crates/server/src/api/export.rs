//! What the node keeps, as a file for somebody: what policy lets them have, and nothing else.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use jiff::Timestamp;
use perisai_model::Organisation;
use perisai_policy::{Recipient, Released};
use perisai_store::{Entry, Error, PageQuery, Search, View};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::OwnDetector;
use super::body::Asked;
use super::objects::SearchQuery;
use crate::outgoing::{Outgoing, record};
use crate::problem::ProblemBody;
use crate::stream::{Pieces, streamed};
use crate::{Problem, State};

/// How many objects are read, written down and sent together.
const STEP: usize = 500;

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(export))
}

/// For whom, and what. Without a collection, all that is found.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// The organisation that it is for, by id: our own where nothing is said. It gets what policy lets it have.
    #[serde(rename = "for")]
    recipient: Option<Uuid>,
    /// A collection, by id or alias: all that is in it. Nothing else can then be asked.
    collection: Option<String>,
    /// Types.
    #[serde(rename = "type")]
    types: Option<String>,
    /// Kinds of observables.
    kind: Option<String>,
    /// Labels of TLP; what has no marking counts by the node's default.
    tlp: Option<String>,
    /// Sources, by name.
    source: Option<String>,
    /// Labels.
    label: Option<String>,
    /// It came at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// It came before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Whether it counts now: neither revoked nor past its `valid_until`.
    live: Option<bool>,
}

impl ExportQuery {
    fn read(self, state: &State) -> Result<From, Problem> {
        let search = SearchQuery {
            types: self.types,
            kind: self.kind,
            tlp: self.tlp,
            source: self.source,
            label: self.label,
            since: self.since,
            until: self.until,
            live: self.live,
            limit: Some(STEP),
            ..SearchQuery::default()
        };
        let Some(name) = self.collection else {
            return search.read().map(|search| From::Search(Box::new(search)));
        };
        if search
            != (SearchQuery {
                limit: Some(STEP),
                ..SearchQuery::default()
            })
        {
            return Err(Problem::bad_request("a collection is exported as a whole"));
        }
        let found = state.node.store().collection(&name);
        let found = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such collection"));
        Ok(From::Collection(found?.number))
    }
}

/// Where the objects come from.
enum From {
    Collection(i64),
    Search(Box<Search>),
}

/// Export objects as a STIX bundle
///
/// Each object goes whole or not at all, and only where its marking, its audience, and those of all that it names let the
/// organisation have it. Of each object the newest version is given.
#[utoipa::path(get, path = "/api/export", tag = "intelligence", params(ExportQuery), responses(
    (status = 200, body = Object, content_type = "application/stix+json;version=2.1"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn export(
    OwnDetector(caller): OwnDetector,
    Shared(state): Shared<State>,
    Asked(asked): Asked<ExportQuery>,
) -> Result<impl IntoResponse, Problem> {
    let recipient = match asked.recipient.map(Organisation) {
        Some(organisation) => {
            let known = state.node.store().organisation(organisation).await?;
            known.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such organisation"))?;
            Recipient::organisation(organisation)
        }
        None => caller.recipient(),
    };
    let from = asked.read(&state)?;
    // A file is to hold all that there is.
    state.node.store().catch_up().await?;
    let view = state.node.store().view(recipient);
    let body = streamed(async move |pieces| write(&state, &view, from, pieces).await);
    Ok(([(CONTENT_TYPE, "application/stix+json;version=2.1")], body))
}

async fn write(state: &State, view: &View, mut from: From, pieces: Pieces) -> Result<(), Error> {
    let gone = |source| Error::File {
        path: "the answer".into(),
        source,
    };
    let begin = format!(
        "{{\"type\":\"bundle\",\"id\":\"bundle--{}\",\"objects\":[\n",
        Uuid::new_v4()
    );
    pieces.send(begin).await.map_err(gone)?;
    let mut before: &[u8] = b"";
    let mut after = None;
    loop {
        let (step, next) = from.read(view, after).await?;
        let ids = step.iter().map(|entry| &*entry.get().id);
        record(state, &Outgoing::of_ids(*view.recipient(), "export", ids)).await?;
        let mut text = Vec::new();
        for entry in step {
            text.extend_from_slice(before);
            text.extend_from_slice(&entry.get().raw);
            before = b",\n";
        }
        pieces.send(text).await.map_err(gone)?;
        if next.is_none() {
            break;
        }
        after = next;
    }
    pieces.send("\n]}\n").await.map_err(gone)
}

impl From {
    /// The objects of a step, and where the next begins, if there is one.
    async fn read(
        &mut self,
        view: &View,
        after: Option<i64>,
    ) -> Result<(Vec<Released<Entry>>, Option<i64>), Error> {
        match self {
            Self::Collection(collection) => {
                let query = PageQuery {
                    collection: *collection,
                    after,
                    limit: STEP,
                    ..PageQuery::default()
                };
                let page = view.page(&query).await?;
                let last = page.entries.last().map(|entry| entry.get().added);
                Ok((page.entries, last.filter(|_| page.more)))
            }
            Self::Search(search) => {
                search.before = after;
                let found = view.search(search).await?;
                Ok((found.entries, found.next))
            }
        }
    }
}
