//! A node: a store and what it does with partners.

use std::time::Duration;

use perisai_store::{Error, Location, Store};

/// What a node is told once, when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// Where it keeps what it knows.
    pub location: Location,
    /// Its name for people, in TAXII's discovery.
    pub title: String,
    /// Whom to write to.
    pub contact: Option<String>,
    /// The longest body that is taken, in bytes.
    pub max_content_length: u64,
    /// How many objects a page has at most.
    pub page: usize,
    /// For how long a sender may say nothing in the middle of a body.
    pub patience: Duration,
}

impl NodeSettings {
    /// What is usual, for a store at a place.
    #[must_use]
    pub fn new(location: Location) -> Self {
        Self {
            location,
            title: "Perisai".to_owned(),
            contact: None,
            max_content_length: 100 << 20,
            page: 1000,
            patience: Duration::from_secs(30),
        }
    }
}

/// A node.
#[derive(Debug)]
pub struct Node {
    settings: NodeSettings,
    store: Store,
}

impl Node {
    /// Opens a node's store.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open(settings: NodeSettings) -> Result<Self, Error> {
        let store = Store::open(&settings.location).await?;
        Ok(Self { settings, store })
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
}
