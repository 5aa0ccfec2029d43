//! What feeds and MISP bring, taken in: what is made of it is in the name of whose feed it is.

use std::path::PathBuf;
use std::sync::Arc;

use perisai_intel::Options;
use perisai_intel::write::{self, Identity};
use perisai_model::{Place, Problem, Timestamp};
use perisai_store::Source;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::round::{Failure, Round};
use crate::files::Input;
use crate::intel::{Takes as _, unpack_all};
use crate::node::intake::{Imported, Intake, Taking};
use crate::stop::Stop;

/// What came.
pub(super) enum Came {
    /// A file, which may be packed.
    File(PathBuf),
    /// Documents in memory, each with a name.
    Documents(Vec<(String, Vec<u8>)>),
}

/// Ends a conversion whose round was dropped.
struct EndOnDrop(Stop);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Round<'_> {
    /// Takes in what came.
    pub(super) async fn convert(&mut self, came: Came) -> Result<(), Failure> {
        let source = self.source()?;
        let identity = format!("identity--{}", self.peer.organisation.0);
        let introduction = match self.introduce(&source).await? {
            Some(identity) => Some(self.delivery(vec![identity])?),
            None => None,
        };
        let head = self.delivery(Vec::new())?;
        let node = Arc::clone(self.node);
        let (stop, runtime) = (Stop::default(), Handle::current());
        let _end = EndOnDrop(stop.clone());
        let name = self.peer.url.clone();
        let (shown, before) = (Arc::clone(&self.shown), self.state.clone());
        let work = move || {
            let mut under_way = |imported: &Imported| {
                let mut state = before.clone();
                state.stored += imported.stored;
                state.known += imported.known;
                state.apart += imported.apart;
                state.refused += imported.refused;
                state.deleted += imported.deleted;
                shown.show(&state);
            };
            let mut taking = Taking::new(Intake {
                node: &node,
                runtime: &runtime,
                source: &source,
                head,
                identity,
                tlp: source.tlp,
                introduction,
                options: Options::default(),
                stop: &stop,
                under_way: &mut under_way,
            });
            match came {
                Came::File(path) => unpack_all(vec![Input::named(path, &name)], &stop, &mut taking),
                Came::Documents(all) => {
                    for (name, bytes) in all {
                        let place = Place::file(name);
                        if let Err(error) = taking.take(&place, &mut bytes.as_slice()) {
                            taking.problem(Problem::new(place, error.to_string()));
                        }
                    }
                }
            }
            taking.end()
        };
        let (imported, failed) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Failure::Told(format!("reading what came ended early: {error}")))?;
        self.count(imported);
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The identity of whose feed it is, where nobody has sent one: what is made in its name names it. It may go where
    /// the rest may go.
    async fn introduce(&self, source: &Source) -> Result<Option<Vec<u8>>, Failure> {
        let store = self.node.store();
        let organisation = self.peer.organisation;
        let id = format!("identity--{}", organisation.0);
        if organisation == store.own() || store.knows(&id).await? {
            return Ok(None);
        }
        let party = store.organisation(organisation).await?;
        let name = party.map_or_else(|| self.peer.name.clone(), |party| party.name);
        let created = Timestamp::from_microsecond(source.created).unwrap_or(Timestamp::UNIX_EPOCH);
        let written = write::identity(&Identity {
            id: &id,
            name: &name,
            class: "organization",
            description: None,
            sectors: &[],
            contact: None,
            created,
            modified: created,
        });
        let Ok(mut object) = serde_json::from_slice::<Value>(&written.unwrap_or_default()) else {
            return Ok(None);
        };
        if let Some(tlp) = source.tlp {
            object["object_marking_refs"] = json!([tlp.stix_id()]);
        }
        Ok(Some(object.to_string().into_bytes()))
    }
}
