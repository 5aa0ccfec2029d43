//! Changing a peer: how far it was read and sent to stays.

use std::fmt;
use std::time::Duration;

use perisai_store::{Credential, Error, Peer, PeerSettings, Secret};
use url::Url;

use super::register::{PeerError, address, check, seconds};
use crate::node::Node;

/// What is to be otherwise of a peer; what is not said stays as it is. An empty name is none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ChangePeer {
    /// Its address, as of one that is added. What it knows us by does not go to another server: that is said anew.
    pub url: Option<String>,
    /// How we say who we are.
    pub credential: Option<Credential>,
    /// The collections there that are pulled; all that may be read where none is named.
    pub collections: Option<Vec<String>>,
    /// How often it is pulled; never where it is zero.
    pub pull: Option<Duration>,
    /// The collection here that what comes enters, by id or alias.
    pub into: Option<String>,
    /// The collection here that is pushed, by id or alias. Another one is pushed from its beginning.
    pub push: Option<String>,
    /// The collection there that it is pushed to.
    pub push_to: Option<String>,
    /// SHA-256 fingerprints of the certificates that alone are believed.
    pub fingerprints: Option<Vec<String>>,
    /// Nothing is done until it is taken up again.
    pub paused: Option<bool>,
}

impl fmt::Debug for ChangePeer {
    /// Without the address, in which there may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangePeer").finish_non_exhaustive()
    }
}

impl Node {
    /// Changes a peer, and deals with it at once, unless it asked to be left alone or is paused.
    ///
    /// # Errors
    /// Where it cannot be used as it would be, there is none of that name, or the store fails. Then nothing is changed.
    pub async fn change_peer(&self, name: &str, change: ChangePeer) -> Result<Peer, PeerError> {
        let mut peer = self.store.peer(name).await?;
        if change
            == (ChangePeer {
                paused: change.paused,
                ..ChangePeer::default()
            })
        {
            peer.settings.paused = change.paused.unwrap_or(peer.settings.paused);
            return self.keep_changed(peer, None).await;
        }
        let known = self.store.peer_secret(&peer, &self.key).await;
        let (url, secret) = moved(&peer, known, change.url.as_deref(), change.credential.as_ref())?;
        self.set(&mut peer.settings, change)?;
        check(peer.kind, &url, &secret, &peer.settings)?;
        peer.url = url.to_string();
        self.keep_changed(peer, Some(secret)).await
    }

    fn set(&self, settings: &mut PeerSettings, change: ChangePeer) -> Result<(), PeerError> {
        if let Some(pull) = change.pull {
            settings.pull_seconds = seconds(pull)?;
        }
        if let Some(into) = change.into {
            settings.into = self.local(Some(&*into).filter(|name| !name.is_empty()))?;
        }
        if let Some(push) = change.push {
            settings.push = self.local(Some(&*push).filter(|name| !name.is_empty()))?;
            if settings.push.is_none() {
                settings.push_to = None;
            }
        }
        if let Some(push_to) = change.push_to {
            settings.push_to = Some(push_to).filter(|name| !name.is_empty());
        }
        settings.collections = change.collections.unwrap_or_else(|| settings.collections.clone());
        settings.fingerprints = change
            .fingerprints
            .unwrap_or_else(|| settings.fingerprints.clone());
        settings.paused = change.paused.unwrap_or(settings.paused);
        Ok(())
    }

    async fn keep_changed(&self, peer: Peer, secret: Option<Secret>) -> Result<Peer, PeerError> {
        self.store.change_peer(&peer, secret.as_ref(), &self.key).await?;
        self.syncing.tell();
        Ok(peer)
    }

    /// Stops all dealings with the peers whose source one is: what is taken back must not come again by itself. Gives the
    /// names of those that were not paused.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn pause_source(&self, source: i64) -> Result<Vec<String>, Error> {
        let all = self.store.peers().await?;
        let bring = all
            .into_iter()
            .filter(|peer| peer.source == source && !peer.settings.paused);
        let mut names = Vec::new();
        for mut peer in bring {
            peer.settings.paused = true;
            self.store.change_peer(&peer, None, &self.key).await?;
            names.push(peer.name);
        }
        self.syncing.tell();
        Ok(names)
    }
}

/// Where a peer is from now on, and what is secret of it. `known` is what was; it may be sealed with another key.
fn moved(
    peer: &Peer,
    known: Result<Secret, Error>,
    url: Option<&str>,
    credential: Option<&Credential>,
) -> Result<(Url, Secret), PeerError> {
    let old = Url::parse(&peer.url).map_err(|error| PeerError::Invalid(format!("address: {error}")))?;
    let Some(url) = url else {
        return Ok((
            old,
            match credential {
                None => known?,
                Some(credential) => Secret {
                    credential: credential.clone(),
                    query: known.ok().and_then(|known| known.query),
                },
            },
        ));
    };
    let (url, mut secret) = address(url, credential.unwrap_or(&Credential::None))?;
    if credential.is_none() && secret.credential == Credential::None {
        let known = known?;
        // A step up to TLS on another port is another server, too: nobody here can tell.
        if known.credential != Credential::None && old.origin() != url.origin() {
            let why = "what the old server knows us by does not go to another: say the credentials anew";
            return Err(PeerError::Invalid(why.to_owned()));
        }
        secret.credential = known.credential;
    }
    Ok((url, secret))
}
