//! Peers: from whom the node fetches, to whom it sends, and how that goes. Their credentials go in, and never out.

use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::Timestamp;
use perisai_app::{AddPeer, ChangePeer, PeerError};
use perisai_model::Organisation;
use perisai_store::{Credential, Peer, PeerKind, PeerState, Way};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::{Body, Named};
use super::paging::time;
use super::{Admin, OwnReader, words};
use crate::problem::ProblemBody;
use crate::{Problem, State};

/// For how long an answer about a sync waits until that is done.
const PATIENCE: Duration = Duration::from_secs(25);

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(sync))
}

/// What a peer speaks: TAXII 2.1, a file by HTTP, a folder of MISP events, a MISP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KindBody {
    Taxii,
    Feed,
    MispFeed,
    Misp,
}

impl From<KindBody> for PeerKind {
    fn from(kind: KindBody) -> Self {
        match kind {
            KindBody::Taxii => Self::Taxii,
            KindBody::Feed => Self::Feed,
            KindBody::MispFeed => Self::MispFeed,
            KindBody::Misp => Self::Misp,
        }
    }
}

impl From<PeerKind> for KindBody {
    fn from(kind: PeerKind) -> Self {
        match kind {
            PeerKind::Taxii => Self::Taxii,
            PeerKind::Feed => Self::Feed,
            PeerKind::MispFeed => Self::MispFeed,
            PeerKind::Misp => Self::Misp,
        }
    }
}

/// A peer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeerBody {
    /// Its name, which is unique.
    name: String,
    /// What it speaks.
    kind: KindBody,
    /// Its address, without what may be secret in it.
    url: String,
    /// Whose it is.
    organisation: Uuid,
    /// The name of the source of what it brings.
    source: String,
    /// How what carries no TLP marking is held: a label of TLP. By the node's default where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    tlp: Option<String>,
    /// The collections there that are pulled; all that may be read where none is named.
    collections: Vec<String>,
    /// How often it is pulled, in seconds; never where it is 0.
    pull_seconds: u64,
    /// The collection here that what comes enters.
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<Uuid>,
    /// The collection here that is pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<Uuid>,
    /// The collection there that it is pushed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    push_to: Option<String>,
    /// SHA-256 fingerprints of the certificates that alone are believed.
    fingerprints: Vec<String>,
    /// Nothing is done until it is taken up again.
    paused: bool,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// How it goes.
    state: PeerStateBody,
}

/// How the dealings with a peer go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeerStateBody {
    /// Since when a round with it is under way; nothing where none is. What it came to so far is counted below.
    #[schema(value_type = Option<String>, format = DateTime)]
    under_way_since: Option<Timestamp>,
    /// When it was last tried.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_attempt: Option<Timestamp>,
    /// When that last succeeded.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success: Option<Timestamp>,
    /// Why it does not succeed now.
    last_error: Option<String>,
    /// Since when it does not.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// How often it has failed since.
    failures: u32,
    /// Before when it is not tried again, where it fails or asked for that.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt: Option<Timestamp>,
    /// By how many seconds what is here may lag behind the peer, and the peer behind what is here; nothing where all was
    /// never exchanged.
    lag_seconds: Option<i64>,
    /// How many objects came that were new here.
    stored: u64,
    /// How many of these are left after recalls of what it brought.
    here: u64,
    /// How many came that were here.
    known: u64,
    /// How many came that change what is another's, and are kept apart.
    apart: u64,
    /// How many came that could not be kept or read.
    refused: u64,
    /// How many objects were deleted because it told so.
    deleted: u64,
    /// How many objects it took.
    sent: u64,
    /// How many it did not take.
    not_taken: u64,
    /// The last of what is worth a look: objects that were not taken, what the peer gets wrong.
    told: Vec<String>,
}

impl PeerStateBody {
    fn of(peer: &Peer, state: &PeerState, under_way: Option<i64>) -> Self {
        let ways = || ways(peer, state);
        let troubles = || ways().filter_map(|way| way.trouble.as_ref());
        Self {
            under_way_since: under_way.map(time),
            last_attempt: ways().filter_map(|way| way.tried).max().max(under_way).map(time),
            last_success: ways().filter_map(|way| way.succeeded).max().map(time),
            last_error: troubles().next().map(|trouble| trouble.error.clone()),
            failing_since: troubles().map(|trouble| trouble.since).min().map(time),
            failures: troubles().map(|trouble| trouble.failures).max().unwrap_or(0),
            next_attempt: troubles().map(|trouble| trouble.not_before).min().map(time),
            lag_seconds: lag_seconds(peer, state),
            stored: state.stored,
            here: state.stored.saturating_sub(state.withdrawn),
            known: state.known,
            apart: state.apart,
            refused: state.refused,
            deleted: state.deleted,
            sent: state.sent,
            not_taken: state.not_taken,
            told: state.told.clone(),
        }
    }
}

/// The directions in which is dealt with a peer.
fn ways<'a>(peer: &Peer, state: &'a PeerState) -> impl Iterator<Item = &'a Way> + use<'a> {
    let pulls = (peer.settings.pull_seconds > 0).then_some(&state.pull);
    let pushes = peer.settings.push.is_some().then_some(&state.push);
    pulls.into_iter().chain(pushes)
}

/// By how many seconds one side may lag behind the other; `None` where all was never exchanged.
pub(crate) fn lag_seconds(peer: &Peer, state: &PeerState) -> Option<i64> {
    let caught_up: Option<Vec<i64>> = ways(peer, state).map(|way| way.caught_up).collect();
    let since = caught_up?.into_iter().min()?;
    Some(Timestamp::now().as_microsecond().saturating_sub(since) / 1_000_000)
}

/// Whether something with it does not succeed now.
pub(crate) fn is_failing(peer: &Peer, state: &PeerState) -> bool {
    ways(peer, state).any(|way| way.trouble.is_some())
}

/// A peer that is new here. At most one of `token`, `key`, and `user` with `password` is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPeer {
    /// Its name, which is unique; no UUID.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it speaks; TAXII 2.1 where nothing is said.
    kind: Option<KindBody>,
    /// Its address: of the server, an API root or a collection; of a file or a folder.
    url: String,
    /// A token that it knows us by.
    token: Option<String>,
    /// A name that it knows us by.
    user: Option<String>,
    /// The password that belongs to it.
    password: Option<String>,
    /// A key that it knows us by, as MISP gives it.
    key: Option<String>,
    /// The collections there that are pulled, by id, alias or title; all that may be read where none is named.
    #[serde(default)]
    collections: Vec<String>,
    /// How often it is pulled, in seconds; never where it is 0. A minute for TAXII and an hour for all else where nothing
    /// is said.
    pull_seconds: Option<u64>,
    /// The collection here that what comes enters, by id or alias.
    into: Option<String>,
    /// The collection here that is pushed, by id or alias.
    push: Option<String>,
    /// The collection there that it is pushed to, by id, alias or title; the only one that may be written to, where
    /// nothing is said.
    push_to: Option<String>,
    /// SHA-256 fingerprints of certificates: where there are any, only these are believed.
    #[serde(default)]
    fingerprints: Vec<String>,
    /// Whose it is: what it is sent is released to them. Where nothing is said, the organisation of the peer's name,
    /// which is made if need be.
    organisation: Option<Uuid>,
    /// How what carries no TLP marking is held: a label of TLP (`green`).
    tlp: Option<String>,
    /// It is only kept for now.
    #[serde(default)]
    paused: bool,
}

/// What somebody said that a peer knows us by.
struct Known {
    token: Option<String>,
    user: Option<String>,
    password: Option<String>,
    key: Option<String>,
}

impl Known {
    fn credential(self) -> Result<Credential, Problem> {
        match (self.token, self.key, (self.user, self.password)) {
            (None, None, (None, None)) => Ok(Credential::None),
            (Some(token), None, (None, None)) => Ok(Credential::Bearer(token)),
            (None, Some(key), (None, None)) => Ok(Credential::Key(key)),
            (None, None, (Some(user), password)) => Ok(Credential::Basic {
                user,
                password: password.unwrap_or_default(),
            }),
            _ => Err(Problem::bad_request(
                "one of `token`, `key`, and `user` with `password` says who we are",
            )),
        }
    }
}

/// What changes of a peer; what is not said stays. At most one of `token`, `key`, `user` with `password`, and `anonymous`
/// is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeerChange {
    /// Its address. Where that is on another server, what it knows us by is to be said anew.
    url: Option<String>,
    /// A token that it knows us by.
    token: Option<String>,
    /// A name that it knows us by.
    user: Option<String>,
    /// The password that belongs to it.
    password: Option<String>,
    /// A key that it knows us by, as MISP gives it.
    key: Option<String>,
    /// It does not know us.
    #[serde(default)]
    anonymous: bool,
    /// The collections there that are pulled, by id, alias or title; all that may be read where the list is empty.
    collections: Option<Vec<String>>,
    /// How often it is pulled, in seconds; never where it is 0.
    pull_seconds: Option<u64>,
    /// The collection here that what comes enters, by id or alias; none where it is empty.
    into: Option<String>,
    /// The collection here that is pushed, by id or alias; none where it is empty. Another one is pushed from its
    /// beginning.
    push: Option<String>,
    /// The collection there that it is pushed to, by id, alias or title; the only one that may be written to, where it is
    /// empty.
    push_to: Option<String>,
    /// SHA-256 fingerprints of certificates: where there are any, only these are believed.
    fingerprints: Option<Vec<String>>,
    /// Whether nothing is done until it is taken up again.
    paused: Option<bool>,
}

impl From<PeerError> for Problem {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Invalid(why) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, why),
            PeerError::NotBefore { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            PeerError::Store(error) => error.into(),
        }
    }
}

async fn body(node: &State, peer: Peer) -> Result<PeerBody, Problem> {
    let store = node.node.store();
    let (state, under_way) = node.node.peer_now(&peer).await?;
    let state = PeerStateBody::of(&peer, &state, under_way);
    let sources = store.sources();
    let source = sources.iter().find(|source| source.number == peer.source);
    Ok(PeerBody {
        kind: peer.kind.into(),
        organisation: peer.organisation.0,
        source: source.map(|source| source.name.clone()).unwrap_or_default(),
        tlp: source
            .and_then(|source| source.tlp)
            .map(|tlp| tlp.as_str().to_owned()),
        name: peer.name,
        url: peer.url,
        collections: peer.settings.collections,
        pull_seconds: peer.settings.pull_seconds,
        into: peer.settings.into,
        push: peer.settings.push,
        push_to: peer.settings.push_to,
        fingerprints: peer.settings.fingerprints,
        paused: peer.settings.paused,
        created: time(peer.created),
        state,
    })
}

/// List peers
#[utoipa::path(get, path = "/api/peers", tag = "peers", responses(
    (status = 200, body = Vec<PeerBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(_: OwnReader, Shared(state): Shared<State>) -> Result<Json<Vec<PeerBody>>, Problem> {
    let mut all = Vec::new();
    for peer in state.node.store().peers().await? {
        all.push(body(&state, peer).await?);
    }
    Ok(Json(all))
}

/// Show a peer
#[utoipa::path(get, path = "/api/peers/{name}", tag = "peers", params(("name" = String, Path,)), responses(
    (status = 200, body = PeerBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    _: OwnReader,
    Shared(state): Shared<State>,
    Named(name): Named<String>,
) -> Result<Json<PeerBody>, Problem> {
    let peer = state.node.store().peer(&name).await?;
    Ok(Json(body(&state, peer).await?))
}

/// Add a peer
#[utoipa::path(post, path = "/api/peers", tag = "peers", request_body = NewPeer, responses(
    (status = 201, body = PeerBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Body(new): Body<NewPeer>,
) -> Result<(StatusCode, Json<PeerBody>), Problem> {
    let known = Known {
        token: new.token,
        user: new.user,
        password: new.password,
        key: new.key,
    };
    let credential = known.credential()?;
    let tlp = new.tlp.as_deref().map(words::tlp);
    let new = AddPeer {
        name: new.name,
        kind: new.kind.map(Into::into),
        url: new.url,
        credential,
        collections: new.collections,
        pull: new.pull_seconds.map(Duration::from_secs),
        into: new.into,
        push: new.push,
        push_to: new.push_to,
        fingerprints: new.fingerprints,
        organisation: new.organisation.map(Organisation),
        tlp: tlp.transpose()?,
        paused: new.paused,
    };
    let peer = state.node.add_peer(new).await?;
    let made = body(&state, peer).await?;
    state.made(&caller, "peer.add", made).await
}

/// Change a peer: where it is, what it knows us by, what is pulled and pushed, whether it is paused
///
/// How far it was read and sent to stays. It is dealt with at once, also where it failed before.
#[utoipa::path(patch, path = "/api/peers/{name}", tag = "peers", params(("name" = String, Path,)),
    request_body = PeerChange, responses(
    (status = 200, body = PeerBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(name): Named<String>,
    Body(change): Body<PeerChange>,
) -> Result<Json<PeerBody>, Problem> {
    let known = Known {
        token: change.token,
        user: change.user,
        password: change.password,
        key: change.key,
    };
    let credential = match (known.credential()?, change.anonymous) {
        (Credential::None, false) => None,
        (Credential::None, true) => Some(Credential::None),
        (_, true) => {
            return Err(Problem::bad_request(
                "`anonymous` and credentials do not go together",
            ));
        }
        (credential, false) => Some(credential),
    };
    let change = ChangePeer {
        url: change.url,
        credential,
        collections: change.collections,
        pull: change.pull_seconds.map(Duration::from_secs),
        into: change.into,
        push: change.push,
        push_to: change.push_to,
        fingerprints: change.fingerprints,
        paused: change.paused,
    };
    let peer = state.node.change_peer(&name, change).await?;
    let changed = body(&state, peer).await?;
    state.changed(&caller, "peer.change", changed).await
}

/// Remove a peer
#[utoipa::path(delete, path = "/api/peers/{name}", tag = "peers", params(("name" = String, Path,)), responses(
    (status = 204, description = "It is gone; what it brought stays"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    state.node.remove_peer(&name).await?;
    state.done(&caller, "peer.remove", json!({"name": name})).await
}

/// Pull from a peer and push to it now
///
/// Where it is paused, too. Where it asked not to be asked before some time, that is told (409), and nothing is done.
#[utoipa::path(post, path = "/api/peers/{name}/sync", tag = "peers", params(("name" = String, Path,)), responses(
    (status = 200, body = PeerBody, description = "It is done, well or not: see its state"),
    (status = 202, body = PeerBody, description = "It goes on"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn sync(
    _: Admin,
    Shared(state): Shared<State>,
    Named(name): Named<String>,
) -> Result<(StatusCode, Json<PeerBody>), Problem> {
    let peer = state.node.store().peer(&name).await?;
    let status = match timeout(PATIENCE, state.node.sync_now(&name)).await {
        Ok(done) => done.map(|_| StatusCode::OK)?,
        Err(_) => StatusCode::ACCEPTED,
    };
    Ok((status, Json(body(&state, peer).await?)))
}
