//! A node: a store, its key, its audit chain, and what it does with partners.

mod backup;
mod deletion;
mod identity;
mod import;
mod intake;
mod jobs;
mod name;
mod outgoing;
mod settings;
mod sightings;
mod sync;
mod withheld;

use std::sync::Arc;

use perisai_store::{Audit, Error, NewSource, NodeKey, Source, SourceKind, Store};

pub use self::backup::{BackupError, restore};
pub use self::deletion::Received;
pub use self::import::ImportOptions;
pub use self::intake::Imported;
pub use self::jobs::{Job, JobState, JobStatus, Jobs, Work};
pub use self::name::check_name;
pub use self::outgoing::Outgoing;
pub use self::settings::{LogFormat, NodeSettings, SettingsError, TlsFiles};
pub use self::sightings::{Seen, SightingsTaken};
use self::sync::Syncing;
pub use self::sync::{AddPeer, ChangePeer, Pace, PeerError};
use self::withheld::Noted;

/// The name of the source of what our own people make.
const OWN: &str = "own";

/// The file that notes where the audit chain ends.
const AUDIT_HEAD: &str = "audit.head";

/// The name of the secret that goes into ids.
const ID_SEED: &str = "id-seed";

/// The name of the secret that cursors of TAXII are signed with.
pub const CURSOR_KEY: &str = "cursor-key";

/// A node.
#[derive(Debug)]
pub struct Node {
    settings: NodeSettings,
    store: Store,
    audit: Audit,
    own: Arc<Source>,
    key: NodeKey,
    /// Goes into the ids of what is made here of lists and rules.
    id_seed: String,
    syncing: Syncing,
    jobs: Jobs,
    withheld: Noted,
}

impl Node {
    /// Opens a node's store, and makes all that is missing.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open(settings: NodeSettings) -> Result<Self, Error> {
        let store = Store::of_node(&settings.data, &settings.location()).await?;
        let key = NodeKey::of_file(&settings.data.join("node.key"))?;
        // Made now: later there may be no room for it.
        store.secret(CURSOR_KEY, &key).await?;
        let id_seed = store.secret(ID_SEED, &key).await?;
        let id_seed = id_seed.iter().map(|byte| format!("{byte:02x}")).collect();
        store.set_default_tlp(settings.default_tlp).await?;
        name_own(&store, &settings.title).await?;
        let audit = Audit::open(&store, key.clone(), settings.data.join(AUDIT_HEAD)).await?;
        let own = NewSource {
            name: OWN.to_owned(),
            kind: SourceKind::Own,
            organisation: Some(store.own()),
            tlp: None,
        };
        let own = store.ensure_source(own).await?;
        let node = Self {
            settings,
            store,
            audit,
            own,
            key,
            id_seed,
            syncing: Syncing::default(),
            jobs: Jobs::default(),
            withheld: Noted::default(),
        };
        node.introduce().await?;
        Ok(node)
    }

    /// What it was told.
    #[must_use]
    pub const fn settings(&self) -> &NodeSettings {
        &self.settings
    }

    /// What it keeps.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What was done.
    #[must_use]
    pub const fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The key with which it signs and seals.
    #[must_use]
    pub const fn key(&self) -> &NodeKey {
        &self.key
    }

    /// What it does for longer than a request lasts.
    #[must_use]
    pub const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// The source of what our own people make.
    #[must_use]
    pub fn own_source(&self) -> &Source {
        &self.own
    }
}

/// Gives the node's own organisation a name, where it has none yet.
async fn name_own(store: &Store, name: &str) -> Result<(), Error> {
    if store.organisation(store.own()).await?.is_some() {
        return Ok(());
    }
    match store.add_organisation(store.own(), name, false, false).await {
        // Another has the name: who runs the node can change that.
        Ok(_) | Err(Error::Exists { .. } | Error::Invalid { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
