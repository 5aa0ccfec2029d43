//! What a request shows of who calls.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perisai_store::{Fingerprint, Session, Token, User};

use super::{Auth, Peer, cookie, peer};
use crate::Problem;
use crate::caller::{Caller, Proof, Role, Scope};

/// What a request shows, all of it checked.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) caller: Caller,
    pub(super) session: Option<Session>,
}

/// The longest `Authorization`, in bytes.
const LONGEST: usize = 4096;

/// What `Authorization` holds.
enum Credentials {
    Token(String),
    PassPhrase { name: String, pass_phrase: String },
}

impl Auth {
    /// Who calls, by all that a request shows. A log-in may replace a session that has ended, so its cookie is not looked
    /// at.
    pub(super) async fn prove(&self, parts: &Parts, peer: &Peer, is_log_in: bool) -> Result<Shown, Problem> {
        let mut all = Vec::new();
        if let Some(credentials) = credentials(&parts.headers)? {
            all.push(self.by_header(credentials, parts, peer).await?);
        }
        let trusted = &self.0.settings.trusted_proxies;
        let is_tls = peer::is_tls(peer, &parts.headers, trusted);
        let mut session = None;
        if let Some(secret) = cookie::read(&parts.headers, is_tls).filter(|_| !is_log_in) {
            let found = self.store().session_of(secret?).await?;
            let found = found.ok_or_else(|| Problem::unauthorized("the session has ended: log in again"))?;
            all.push(self.of_session(&found)?);
            session = Some(found);
        }
        if let Some(fingerprint) = peer.certificate {
            all.push(self.by_certificate(fingerprint).await?);
        }
        if peer.is_admin {
            all.push(Caller {
                organisation: Some(self.store().own()),
                role: Some(Role::Admin),
                proof: Proof::Socket,
                ..Caller::default()
            });
        }
        let caller = agree(&all)?;
        if caller.role.is_some() || is_log_in {
            cookie::check_site(parts)?;
        }
        if let Some(session) = session.as_ref().filter(|_| caller.proof == Proof::Session) {
            cookie::check_csrf(parts, session)?;
            self.keep(session.clone());
        }
        Ok(Shown { caller, session })
    }

    async fn by_header(
        &self,
        credentials: Credentials,
        parts: &Parts,
        peer: &Peer,
    ) -> Result<Caller, Problem> {
        match credentials {
            Credentials::Token(secret) => {
                let token = self.store().token_of(&secret).await?;
                let token = token.ok_or_else(|| Problem::unauthorized("the token does not count"))?;
                let caller = self.of_token(&token).await?;
                self.note(token);
                Ok(caller)
            }
            Credentials::PassPhrase { name, pass_phrase } => {
                let from = peer::client(peer, &parts.headers, &self.0.settings.trusted_proxies);
                let user = self.log_in(&name, &pass_phrase, from).await?;
                of_user(&user, Proof::PassPhrase)
            }
        }
    }

    /// A person's token never allows more than the person may now, nor more than it was made for.
    async fn of_token(&self, token: &Token) -> Result<Caller, Problem> {
        let made_for = role(&token.role)?;
        let mut caller = Caller {
            organisation: Some(token.organisation),
            person: token.person,
            role: Some(made_for),
            scope: Scope::of_words(&token.scope),
            proof: Proof::Token,
        };
        if let Some(person) = token.person {
            let user = self.store().user(person).await?;
            let user = user.filter(|user| !user.is_disabled && user.organisation == token.organisation);
            let user = user.ok_or_else(|| Problem::unauthorized("the token does not count"))?;
            caller.role = Some(role(&user.role)?);
            caller = caller.narrowed(made_for);
        }
        Ok(caller)
    }

    async fn by_certificate(&self, fingerprint: Fingerprint) -> Result<Caller, Problem> {
        let found = self.store().certificate_of(fingerprint).await?;
        let found =
            found.ok_or_else(|| Problem::unauthorized("the certificate is not one that counts here"))?;
        Ok(Caller {
            organisation: Some(found.organisation),
            role: Some(Role::Partner),
            proof: Proof::Certificate,
            ..Caller::default()
        })
    }

    /// Who calls by a session.
    pub(crate) fn of_session(&self, session: &Session) -> Result<Caller, Problem> {
        of_user(&session.user, Proof::Session)
    }

    /// Notes the use of a token. The request does not wait for it: whoever writes may be at it for long.
    fn note(&self, token: Token) {
        let store = self.store().clone();
        self.0
            .noting
            .run(token.id.clone(), async move { store.note_use(&token).await });
    }

    fn keep(&self, session: Session) {
        let store = self.store().clone();
        let key = session.digest.to_string();
        self.0
            .noting
            .run(key, async move { store.keep_session(&session).await });
    }
}

/// Whether all that was shown is of one organisation and one person; the first of it counts.
fn agree(all: &[Caller]) -> Result<Caller, Problem> {
    let Some(first) = all.first() else {
        return Ok(Caller::default());
    };
    let is_one = all.iter().all(|other| {
        let is_person =
            |one: &Caller| one.person.is_none() || other.person.is_none() || one.person == other.person;
        other.organisation == first.organisation && all.iter().all(is_person)
    });
    if is_one {
        return Ok(*first);
    }
    Err(Problem::unauthorized(
        "what this request shows is of different callers",
    ))
}

fn of_user(user: &User, proof: Proof) -> Result<Caller, Problem> {
    Ok(Caller {
        organisation: Some(user.organisation),
        person: Some(user.id),
        role: Some(role(&user.role)?),
        scope: Scope::ALL,
        proof,
    })
}

/// A role that is stored. One of a later version is nothing that counts here.
fn role(word: &str) -> Result<Role, Problem> {
    Role::of_word(word).ok_or_else(|| Problem::unauthorized("the role is not known here"))
}

/// Reads `Authorization`. One that cannot be read is a proof that failed.
fn credentials(headers: &HeaderMap) -> Result<Option<Credentials>, Problem> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    let wrong = || Problem::unauthorized("Authorization is neither a Bearer token nor Basic");
    if all.next().is_some() || value.len() > LONGEST {
        return Err(wrong());
    }
    let text = value.to_str().map_err(|_| wrong())?;
    let (scheme, rest) = text.split_once(' ').ok_or_else(wrong)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(Credentials::Token(rest.to_owned())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let decoded = STANDARD.decode(rest).map_err(|_| wrong())?;
    let decoded = String::from_utf8(decoded).map_err(|_| wrong())?;
    let (name, word) = decoded.split_once(':').ok_or_else(wrong)?;
    Ok(Some(if word.starts_with("prs_") {
        Credentials::Token(word.to_owned())
    } else {
        Credentials::PassPhrase {
            name: name.to_owned(),
            pass_phrase: word.to_owned(),
        }
    }))
}
