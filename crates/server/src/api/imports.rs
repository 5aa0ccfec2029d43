//! Taking in files of any format: STIX, MISP, lists, rules, packed or not.

use std::sync::Arc;

use axum::body::Body as Sent;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use perisai_app::{ImportOptions, Imported, IntelOptions, Work, check_name};
use perisai_model::{Audience, Organisation, Person, SharingGroup};
use perisai_store::SourceKind;
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Handle;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::Asked;
use super::jobs::{Begun, JobBody, begun};
use super::{OwnWriter, words};
use crate::problem::ProblemBody;
use crate::upload::spool;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(add))
}

/// How a file is taken in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// What the file is called: its ending may tell what it is.
    #[param(min_length = 1, max_length = 1000)]
    name: String,
    /// The name of the source that it comes from: one of imports, or a new one; `import` where nothing is said.
    #[param(min_length = 1, max_length = 200)]
    source: Option<String>,
    /// How objects are held that carry no TLP marking.
    tlp: Option<String>,
    /// For whom alone it is: organisations, by id. With persons and sharing groups, for all of them together.
    organisations: Option<String>,
    /// For whom alone it is: the members of sharing groups, by id.
    groups: Option<String>,
    /// For whom alone it is: people, by id. TLP:RED is for nobody else.
    persons: Option<String>,
    /// A collection that all of it enters, by id or alias.
    collection: Option<String>,
    /// Whether what partners only observed is taken, too.
    #[serde(default)]
    observed: bool,
}

/// Take in a file of any format
///
/// The body is the file as it is, packed or not. It is read once it is here whole; the job says how far that is.
#[utoipa::path(post, path = "/api/imports", tag = "intelligence", params(ImportQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 202, body = JobBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    OwnWriter(caller): OwnWriter,
    Shared(state): Shared<State>,
    Asked(query): Asked<ImportQuery>,
    body: Sent,
) -> Begun {
    let options = query.read(&state)?;
    let file = spool(&state, body).await?;
    let name = query.name.clone();
    let noting = state.clone();
    let runtime = Handle::current();
    let job = state.node.jobs().begin(query.name, Work::Import(Imported::default()), |job| async move {
        let node = Arc::clone(&noting.node);
        let source = options.source.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut under_way = |imported: &Imported| job.is_at(Work::Import(imported.clone()));
            let path = [file.path().to_owned()];
            node.import(&path, &options, job.stop(), &runtime, &mut under_way)
        });
        let imported = reading
            .await
            .map_err(|error| perisai_store::Error::Damaged(format!("the import ended early: {error}")))??;
        let data = json!({"file": name, "source": source, "stored": imported.stored, "known": imported.known,
            "apart": imported.apart, "refused": imported.refused, "deleted": imported.deleted});
        noting.write_down(&caller, "import", data).await?;
        Ok(Work::Import(imported))
    });
    begun(job)
}

impl ImportQuery {
    fn read(&self, state: &State) -> Result<ImportOptions, Problem> {
        let is_text = |text: &str, most: usize| {
            (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        if !is_text(&self.name, 1000) {
            return Err(Problem::bad_request("name has 1 to 1,000 characters"));
        }
        if self.source.as_deref().is_some_and(|source| !is_text(source, 200)) {
            return Err(Problem::bad_request("source has 1 to 200 characters"));
        }
        self.check_source(state)?;
        let tlp = self.tlp.as_deref().map(words::tlp);
        if let Some(collection) = &self.collection
            && state.node.store().collection(collection).is_none()
        {
            return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such collection"));
        }
        let audience = Audience {
            organisations: ids(self.organisations.as_deref())?.map(Organisation).collect(),
            groups: ids(self.groups.as_deref())?.map(SharingGroup).collect(),
            persons: ids(self.persons.as_deref())?.map(Person).collect(),
        };
        Ok(ImportOptions {
            audience: (audience != Audience::default()).then_some(audience),
            source: self.source.clone(),
            tlp: tlp.transpose()?,
            collection: self.collection.clone(),
            intel: IntelOptions {
                observed: self.observed,
                ..IntelOptions::default()
            },
            name: Some(self.name.clone()),
        })
    }
}

impl ImportQuery {
    /// Refuses a source that is not for imports: what is imported says nothing in the name of a partner, a feed, or ourselves.
    fn check_source(&self, state: &State) -> Result<(), Problem> {
        let Some(name) = self.source.as_deref() else {
            return Ok(());
        };
        check_name(name).map_err(|why| Problem::bad_request(format!("source: {why}")))?;
        let is_other = match state.node.store().source(name) {
            Some(known) => known.kind != SourceKind::Import,
            // These stand for ourselves, and for organisations that send.
            None => name == "own" || Uuid::try_parse(name).is_ok(),
        };
        if is_other {
            let told = format!("`{name}` is no source of imports: name another, or one that is new");
            return Err(Problem::bad_request(told));
        }
        Ok(())
    }
}

/// UUIDs with commas between them.
fn ids(list: Option<&str>) -> Result<impl Iterator<Item = Uuid>, Problem> {
    let words = list
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let read =
        |word: &str| Uuid::try_parse(word).map_err(|_| Problem::bad_request(format!("`{word}` is no UUID")));
    Ok(words.map(read).collect::<Result<Vec<_>, _>>()?.into_iter())
}
