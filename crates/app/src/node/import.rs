//! Taking in files that somebody of ours gives.

use std::path::PathBuf;

use perisai_intel::Options;
use perisai_model::{Audience, Tlp};
use perisai_store::{Delivery, Error, NewSource, SourceKind};
use tokio::runtime::Handle;

use super::Node;
use super::intake::{Imported, Intake, Taking};
use crate::files::Input;
use crate::intel::{unpack_all, unpack_paths};
use crate::stop::Stop;

/// How files are taken in.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The name of the source that they come from; `import` where none is given.
    pub source: Option<String>,
    /// How those objects are held that carry no TLP marking.
    pub tlp: Option<Tlp>,
    /// For whom alone they are.
    pub audience: Option<Audience>,
    /// A collection that they enter, by id or alias.
    pub collection: Option<String>,
    /// What to take of sources that are no STIX.
    pub intel: Options,
    /// What the file is called, where its path says nothing: it was sent.
    pub name: Option<String>,
}

impl Node {
    /// Takes in all files under the paths, until `stop` is set. Blocks; `runtime` is where the store works. `under_way` is
    /// shown what it came to so far.
    ///
    /// # Errors
    /// Where there is no such collection, or the store fails. What was taken in before stays.
    pub fn import(
        &self,
        paths: &[PathBuf],
        options: &ImportOptions,
        stop: &Stop,
        runtime: &Handle,
        under_way: &mut dyn FnMut(&Imported),
    ) -> Result<Imported, Error> {
        let collection = options.collection.as_deref().map(|name| {
            let found = self.store.collection(name);
            found.map(|found| found.number).ok_or_else(|| Error::Missing {
                what: "collection",
                name: name.to_owned(),
            })
        });
        let source = runtime.block_on(self.store.ensure_source(NewSource {
            name: options.source.clone().unwrap_or_else(|| "import".to_owned()),
            kind: SourceKind::Import,
            organisation: None,
            tlp: None,
        }))?;
        let collection = collection.transpose()?;
        let introduction = match collection {
            Some(_) => runtime.block_on(self.introduction(collection))?,
            None => None,
        };
        let mut taking = Taking::new(Intake {
            node: self,
            runtime,
            source: &source,
            head: Delivery {
                source: source.number,
                collection,
                tlp: options.tlp,
                audience: options.audience.clone(),
                objects: Vec::new(),
            },
            identity: self.identity(),
            tlp: options.tlp.or(source.tlp),
            introduction,
            options: options.intel.clone(),
            stop,
            under_way,
        });
        match &options.name {
            Some(name) => unpack_all(named(paths, name), stop, &mut taking),
            None => unpack_paths(paths, stop, &mut taking),
        }
        let (imported, failed) = taking.end();
        failed.map_or(Ok(imported), Err)
    }
}

/// Files under another name than that of their path.
fn named(paths: &[PathBuf], name: &str) -> Vec<Input> {
    let inputs = paths.iter().map(|path| Input::named(path.clone(), name));
    inputs.collect()
}

#[cfg(test)]
mod tests {
    use perisai_policy::Recipient;
    use perisai_store::Search;

    use super::*;
    use crate::node::NodeSettings;

    #[test]
    fn files_of_any_format_are_taken_in_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("intel");
        std::fs::create_dir(&files).unwrap();
        std::fs::write(files.join("list.txt"), "evil.example\n192.0.2.7\nnot a value\n").unwrap();
        let bundle = r#"{"type":"bundle","id":"bundle--1","objects":[
            {"type":"identity","spec_version":"2.1","id":"identity--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11","name":"A",
             "created":"2022-02-24T05:00:00.000Z","modified":"2022-02-24T05:00:00.000Z"}, 7]}"#;
        std::fs::write(files.join("bundle.json"), bundle).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let settings = NodeSettings {
            data: folder.path().join("node"),
            ..NodeSettings::default()
        };
        let node = runtime.block_on(Node::open(settings)).unwrap();
        let options = ImportOptions {
            tlp: Some(Tlp::Green),
            ..ImportOptions::default()
        };
        let import = || {
            let found = node
                .import(
                    std::slice::from_ref(&files),
                    &options,
                    &Stop::default(),
                    runtime.handle(),
                    &mut |_| {},
                )
                .unwrap();
            (found.stored, found.known, found.apart, found.refused)
        };
        assert_eq!(import(), (3, 0, 0, 2));
        assert_eq!(import(), (0, 3, 0, 2));
        let search = Search {
            value: Some("evil.example".to_owned()),
            limit: 10,
            ..Search::default()
        };
        while runtime.block_on(node.store().fold()).unwrap() {}
        let view = node.store().view(Recipient::organisation(node.store().own()));
        let found = runtime.block_on(view.search(&search)).unwrap();
        assert_eq!(found.entries.len(), 1);
        assert_eq!(found.entries[0].get().tlp, Some(Tlp::Green));
    }
}
