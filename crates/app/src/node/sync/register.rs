//! Adding a peer, and removing one.

use std::fmt;
use std::time::Duration;

use perisai_exchange::{Auth, Fingerprint, Settings, Transport};
use perisai_model::{Organisation, Tlp};
use perisai_store::{
    Credential, Error, NewPeer, NewSource, Peer, PeerKind, PeerSettings, Secret, Source, SourceKind,
};
use url::Url;
use uuid::Uuid;

use super::Pace;
use crate::node::Node;
use crate::node::name::check_name;

/// A peer that is to be added.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AddPeer {
    /// Its name, which is unique; no UUID.
    pub name: String,
    /// What it speaks; TAXII 2.1 where nothing is said.
    pub kind: Option<PeerKind>,
    /// Its address: of the server, an API root or a collection; of a file or a folder. A user and password in it are
    /// taken out, and kept sealed as what stands behind its `?` is.
    pub url: String,
    /// How we say who we are.
    pub credential: Credential,
    /// The collections there that are pulled; all that may be read where none is named.
    pub collections: Vec<String>,
    /// How often it is pulled; never where it is zero. A minute for TAXII and an hour for all else where nothing is said.
    pub pull: Option<Duration>,
    /// The collection here that what comes enters, by id or alias.
    pub into: Option<String>,
    /// The collection here that is pushed, by id or alias.
    pub push: Option<String>,
    /// The collection there that it is pushed to, by id, alias or title; the only one that may be written to, where
    /// nothing is said.
    pub push_to: Option<String>,
    /// SHA-256 fingerprints of the certificates that alone are believed.
    pub fingerprints: Vec<String>,
    /// Whose it is; where nothing is said, the organisation of the peer's name, which is made if need be.
    pub organisation: Option<Organisation>,
    /// How what carries no TLP marking is held.
    pub tlp: Option<Tlp>,
    /// It is only kept for now.
    pub paused: bool,
}

impl fmt::Debug for AddPeer {
    /// Without the address, in which there may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddPeer")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

/// Why a peer cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// What was said of it does not fit together.
    #[error("{0}")]
    Invalid(String),
    /// It asked not to be asked before.
    #[error("`{name}` asks not to be asked before {until}")]
    NotBefore {
        /// Its name.
        name: String,
        /// When it may be asked again.
        until: jiff::Timestamp,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Node {
    /// Adds a peer, with its source and, where it is new, its organisation.
    ///
    /// # Errors
    /// Where it cannot be used as it is described, its name is taken, or the store fails.
    pub async fn add_peer(&self, new: AddPeer) -> Result<Peer, PeerError> {
        let kind = new.kind.unwrap_or(PeerKind::Taxii);
        check_peer_name(&new.name)?;
        let (url, secret) = address(&new.url, &new.credential)?;
        let settings = PeerSettings {
            pull_seconds: seconds(new.pull.unwrap_or(usual(kind)))?,
            into: self.local(new.into.as_deref())?,
            push: self.local(new.push.as_deref())?,
            collections: new.collections,
            push_to: new.push_to,
            fingerprints: new.fingerprints,
            paused: new.paused,
        };
        check(kind, &url, &secret, &settings)?;
        if self.store.peers().await?.iter().any(|peer| peer.name == new.name) {
            return Err(PeerError::Store(Error::Exists {
                what: "peer",
                name: new.name,
            }));
        }
        let source = self
            .peer_source(&new.name, kind, new.organisation, new.tlp)
            .await?;
        let organisation = source.owner().ok_or_else(|| {
            PeerError::Invalid(format!("the source `{}` is of no organisation", source.name))
        })?;
        let new = NewPeer {
            name: new.name,
            kind,
            url: url.to_string(),
            source: source.number,
            organisation,
            settings,
            secret,
        };
        let peer = self.store.add_peer(new, &self.key).await?;
        self.syncing.tell();
        Ok(peer)
    }

    /// Removes a peer. What it brought stays, and says from whom it is.
    ///
    /// # Errors
    /// Where there is none of that name, or the store fails.
    pub async fn remove_peer(&self, name: &str) -> Result<(), Error> {
        let peer = self.store.peer(name).await?;
        self.store.remove_peer(name).await?;
        self.syncing.forget(&peer);
        Ok(())
    }

    /// The id of a collection here.
    pub(super) fn local(&self, name: Option<&str>) -> Result<Option<Uuid>, Error> {
        let find = |name: &str| {
            let found = self.store.collection(name).map(|found| found.id);
            found.ok_or_else(|| Error::Missing {
                what: "collection",
                name: name.to_owned(),
            })
        };
        name.map(find).transpose()
    }

    /// As which source what a peer brings is kept. That of a peer which was removed is taken up again.
    async fn peer_source(
        &self,
        name: &str,
        kind: PeerKind,
        organisation: Option<Organisation>,
        tlp: Option<Tlp>,
    ) -> Result<Source, PeerError> {
        let source_kind = match kind {
            PeerKind::Taxii | PeerKind::Misp => SourceKind::Peer,
            PeerKind::Feed | PeerKind::MispFeed => SourceKind::Feed,
        };
        if let Some(known) = self.store.source(name) {
            let is_peers = matches!(known.kind, SourceKind::Peer | SourceKind::Feed);
            if !is_peers || organisation.is_some_and(|one| known.owner() != Some(one)) {
                let why = format!("there is a source `{name}` of another already: take another name");
                return Err(PeerError::Invalid(why));
            }
            let mut source = Source::clone(&known);
            (source.kind, source.tlp) = (source_kind, tlp);
            return Ok(Source::clone(&*self.store.change_source(source).await?));
        }
        let new = NewSource {
            name: name.to_owned(),
            kind: source_kind,
            organisation: Some(self.peer_organisation(name, organisation).await?),
            tlp,
        };
        Ok(Source::clone(&*self.store.ensure_source(new).await?))
    }

    async fn peer_organisation(
        &self,
        name: &str,
        organisation: Option<Organisation>,
    ) -> Result<Organisation, PeerError> {
        let own = self.store.own();
        if let Some(named) = organisation {
            if named != own && self.store.organisation(named).await?.is_none() {
                self.store.add_organisation(named, name, false, false).await?;
            }
            return Ok(named);
        }
        match self.store.organisation_named(name).await? {
            Some(found) if found == own => Err(PeerError::Invalid(
                "that is the name of our own organisation: name the organisation, if the peer is ours"
                    .to_owned(),
            )),
            Some(found) => Ok(found),
            None => {
                let new = Organisation(Uuid::new_v4());
                self.store.add_organisation(new, name, false, false).await?;
                Ok(new)
            }
        }
    }
}

fn usual(kind: PeerKind) -> Duration {
    Duration::from_secs(if kind == PeerKind::Taxii { 60 } else { 3600 })
}

/// An interval as it is kept: a part of a second would be never.
pub(super) fn seconds(pull: Duration) -> Result<u64, PeerError> {
    match pull.as_secs() {
        0 if !pull.is_zero() => {
            let why = "a peer is pulled once a second at most";
            Err(PeerError::Invalid(why.to_owned()))
        }
        seconds => Ok(seconds),
    }
}

fn check_peer_name(name: &str) -> Result<(), PeerError> {
    let invalid = |why: &str| Err(PeerError::Invalid(why.to_owned()));
    if let Err(why) = check_name(name) {
        return invalid(why);
    }
    if Uuid::try_parse(name.trim()).is_ok() {
        return invalid("a peer's name is no UUID: those stand for organisations");
    }
    if name.trim() != name || name.is_empty() {
        return invalid("a peer's name has no blanks around it");
    }
    Ok(())
}

/// Whether what is set for a peer fits together.
pub(super) fn check(
    kind: PeerKind,
    url: &Url,
    secret: &Secret,
    settings: &PeerSettings,
) -> Result<(), PeerError> {
    let invalid = |why: &str| Err(PeerError::Invalid(why.to_owned()));
    if kind != PeerKind::Taxii && (!settings.collections.is_empty() || settings.push.is_some()) {
        return invalid("only a TAXII server has collections, and can be pushed to");
    }
    if settings.push_to.is_some() && settings.push.is_none() {
        return invalid("a collection there is pushed to, but none here is pushed");
    }
    if url.scheme() != "https" && !settings.fingerprints.is_empty() {
        return invalid("a fingerprint is that of a certificate: the address has to begin with https://");
    }
    transport(&full(url, secret), secret, settings, &Pace::default())
        .map_err(|error| PeerError::Invalid(error.to_string()))?;
    Ok(())
}

/// The address without what is secret in it, and that.
pub(super) fn address(text: &str, credential: &Credential) -> Result<(Url, Secret), PeerError> {
    let mut url = Url::parse(text.trim()).map_err(|error| PeerError::Invalid(format!("address: {error}")))?;
    let credential = match (
        credential,
        url.password()
            .or(Some(url.username()).filter(|user| !user.is_empty())),
    ) {
        (credential, None) => credential.clone(),
        (Credential::None, Some(_)) => {
            let decoded = |text: &str| {
                let pairs = format!("x={}", text.replace('+', "%2B"));
                let found = url::form_urlencoded::parse(pairs.as_bytes()).next();
                found.map(|(_, value)| value.into_owned()).unwrap_or_default()
            };
            Credential::Basic {
                user: decoded(url.username()),
                password: decoded(url.password().unwrap_or_default()),
            }
        }
        _ => {
            let why = "credentials are given, and others stand in the address".to_owned();
            return Err(PeerError::Invalid(why));
        }
    };
    let query = url.query().map(str::to_owned);
    // Where there is no host there is nothing to take out.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    Ok((url, Secret { credential, query }))
}

/// The address with what is secret in it.
pub(super) fn full(url: &Url, secret: &Secret) -> Url {
    let mut url = url.clone();
    url.set_query(secret.query.as_deref());
    url
}

/// What is set for connections to a peer.
pub(super) fn settings(
    secret: &Secret,
    peer: &PeerSettings,
    pace: &Pace,
) -> perisai_exchange::Result<Settings> {
    let auth = match &secret.credential {
        Credential::None => Auth::None,
        Credential::Basic { user, password } => Auth::Basic {
            user: user.clone(),
            password: password.clone(),
        },
        Credential::Bearer(token) => Auth::Bearer(token.clone()),
        Credential::Key(key) => Auth::Key(key.clone()),
    };
    let pins = peer.fingerprints.iter().map(|text| text.parse::<Fingerprint>());
    Ok(Settings {
        auth,
        pins: pins.collect::<Result<_, _>>()?,
        limits: pace.limits,
        retry: pace.retry,
        ..Settings::default()
    })
}

/// Connections to a peer.
pub(super) fn transport(
    url: &Url,
    secret: &Secret,
    peer: &PeerSettings,
    pace: &Pace,
) -> perisai_exchange::Result<Transport> {
    Transport::new(url, &settings(secret, peer, pace)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_stays_in_an_address() {
        let check = |text: &str, credential: Credential, expected: Option<(&str, Secret)>| {
            let found = address(text, &credential).ok();
            let found = found.as_ref().map(|(url, secret)| (url.as_str(), secret.clone()));
            assert_eq!(found, expected, "{text}");
        };
        let secret = |credential: Credential, query: Option<&str>| Secret {
            credential,
            query: query.map(str::to_owned),
        };
        let token = Credential::Bearer("t".to_owned());
        let basic = Credential::Basic {
            user: "me@a".to_owned(),
            password: "p w+".to_owned(),
        };
        check(
            "https://a.example/taxii2/",
            token.clone(),
            Some(("https://a.example/taxii2/", secret(token.clone(), None))),
        );
        check(
            "https://me%40a:p%20w+@a.example/x?key=7#y",
            Credential::None,
            Some(("https://a.example/x", secret(basic, Some("key=7")))),
        );
        check("https://me:p@a.example/", token, None);
        check("no address", Credential::None, None);
    }
}
