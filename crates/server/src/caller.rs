//! Who calls, and what they may do.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use perisai_model::{Organisation, Person};
use perisai_policy::Recipient;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// What one may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the node: everything.
    Admin,
    /// Works with it: reads and writes intelligence, but keeps no keys and no people.
    Analyst,
    /// Another organisation: what its rights on collections allow.
    Partner,
    /// A program that hunts: takes intelligence, brings sightings.
    Sensor,
    /// Only reads.
    Viewer,
}

/// What is done, as far as roles and scopes tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Reads over TAXII or MISP.
    TaxiiRead,
    /// Writes over TAXII or MISP.
    TaxiiWrite,
    /// Reads over the API.
    ApiRead,
    /// Writes over the API.
    ApiWrite,
    /// Brings events and sightings.
    Ingest,
    /// Takes what others block or detect with.
    Respond,
    /// Keeps people, keys and settings.
    Administer,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::TaxiiRead,
        Self::TaxiiWrite,
        Self::ApiRead,
        Self::ApiWrite,
        Self::Ingest,
        Self::Respond,
        Self::Administer,
    ];

    /// The word that stands for it in the scope of a token.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TaxiiRead => "taxii:read",
            Self::TaxiiWrite => "taxii:write",
            Self::ApiRead => "api:read",
            Self::ApiWrite => "api:write",
            Self::Ingest => "ingest",
            Self::Respond => "respond",
            Self::Administer => "admin",
        }
    }
}

impl Role {
    /// The role of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let all = [
            Self::Admin,
            Self::Analyst,
            Self::Partner,
            Self::Sensor,
            Self::Viewer,
        ];
        all.into_iter().find(|role| role.word() == word)
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Analyst => "analyst",
            Self::Partner => "partner",
            Self::Sensor => "sensor",
            Self::Viewer => "viewer",
        }
    }

    /// Whether it is one of those who work on the node: only our own people and programs have such a role.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Admin | Self::Analyst | Self::Sensor)
    }

    /// Whether it may do all that another may.
    pub(crate) fn covers(self, other: Self) -> bool {
        Action::ALL
            .into_iter()
            .all(|action| self.may(action) || !other.may(action))
    }

    /// Whether it may do something.
    #[must_use]
    pub const fn may(self, action: Action) -> bool {
        match self {
            Self::Admin => true,
            Self::Analyst => !matches!(action, Action::Administer),
            Self::Partner => matches!(action, Action::TaxiiRead | Action::TaxiiWrite),
            Self::Sensor => matches!(action, Action::TaxiiRead | Action::Ingest | Action::Respond),
            Self::Viewer => matches!(action, Action::TaxiiRead | Action::ApiRead),
        }
    }
}

/// To which actions a proof is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope(u8);

impl Scope {
    /// All that the role may.
    pub const ALL: Self = Self(u8::MAX);

    /// The scope of some words: all where there is none. A word that is not known allows nothing.
    #[must_use]
    pub fn of_words<T: AsRef<str>>(words: &[T]) -> Self {
        if words.is_empty() {
            return Self::ALL;
        }
        let has = |action: &Action| words.iter().any(|word| word.as_ref() == action.word());
        Self::of_actions(Action::ALL.into_iter().filter(has))
    }

    fn of_actions(all: impl Iterator<Item = Action>) -> Self {
        Self(all.fold(0, |bits, action| bits | 1 << action as u8))
    }

    /// Narrowed further, to what a role may.
    pub(crate) fn within(self, role: Role) -> Self {
        let allowed = Self::of_actions(Action::ALL.into_iter().filter(|action| role.may(*action)));
        Self(self.0 & allowed.0)
    }

    const fn allows(self, action: Action) -> bool {
        self.0 & (1 << action as u8) != 0
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self::ALL
    }
}

/// How somebody has shown who they are. Single sign-on will be one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Proof {
    /// Not at all.
    #[default]
    None,
    /// By the socket that only who runs the node can open.
    Socket,
    /// By a certificate.
    Certificate,
    /// By a session, which a cookie names.
    Session,
    /// By a token.
    Token,
    /// By name and pass-phrase, with the request itself.
    PassPhrase,
}

/// Who calls, as far as the request has shown it. Without proof it is anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caller {
    /// The organisation; `None` for anybody.
    pub organisation: Option<Organisation>,
    /// The person, where a person logged in or had the token made for themselves.
    pub person: Option<Person>,
    /// What they may do; `None` for anybody.
    pub role: Option<Role>,
    /// To what this proof is narrowed.
    pub scope: Scope,
    /// How they have shown it.
    pub proof: Proof,
}

impl Caller {
    /// As policy sees them.
    #[must_use]
    pub const fn recipient(&self) -> Recipient {
        Recipient {
            organisation: self.organisation,
            person: self.person,
        }
    }

    /// The same with no more than a role may. One who is narrowed so acts by a proof that is not whole.
    pub(crate) fn narrowed(mut self, to: Role) -> Self {
        let Some(role) = self.role.filter(|role| !to.covers(*role)) else {
            return self;
        };
        self.scope = self.scope.within(to);
        if role.covers(to) {
            self.role = Some(to);
        }
        self
    }

    /// Whether they may do something at all. Of which objects is decided by policy, in which collections by rights.
    #[must_use]
    pub const fn may(&self, action: Action) -> bool {
        match self.role {
            Some(role) => role.may(action) && self.scope.allows(action),
            None => false,
        }
    }

    /// Refuses what they may not do.
    ///
    /// # Errors
    /// 401 for anybody, 403 for who is known.
    pub fn check(&self, action: Action) -> Result<(), Problem> {
        if self.may(action) {
            return Ok(());
        }
        if self.role.is_none() {
            return Err(Problem::unauthorized("this needs a token or a log-in"));
        }
        let word = action.word();
        Err(Problem::forbidden(format!(
            "this takes `{word}`, which role and scope do not allow"
        )))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_narrows_a_role_and_never_widens_it() {
        let check = |role: Option<Role>, words: &[&str], expected: &[&str]| {
            let caller = Caller {
                role,
                scope: Scope::of_words(words),
                ..Caller::default()
            };
            let may = Action::ALL.into_iter().filter(|action| caller.may(*action));
            let may: Vec<_> = may.map(Action::word).collect();
            assert_eq!(may, expected, "{role:?} {words:?}");
        };
        let all = Action::ALL.map(Action::word);
        check(None, &[], &[]);
        check(None, &["admin"], &[]);
        check(Some(Role::Admin), &[], &all);
        check(
            Some(Role::Admin),
            &["ingest", "api:read"],
            &["api:read", "ingest"],
        );
        check(Some(Role::Analyst), &[], &all[..6]);
        check(Some(Role::Analyst), &["admin"], &[]);
        check(Some(Role::Partner), &[], &["taxii:read", "taxii:write"]);
        check(Some(Role::Partner), &["taxii:read", "api:write"], &["taxii:read"]);
        check(Some(Role::Sensor), &[], &["taxii:read", "ingest", "respond"]);
        check(Some(Role::Viewer), &[], &["taxii:read", "api:read"]);
        check(Some(Role::Viewer), &["of another version"], &[]);
    }

    #[test]
    fn the_lesser_of_two_roles_counts() {
        let check = |own: Role, narrower: Role, role: Role, expected: &[&str]| {
            let caller = Caller {
                role: Some(own),
                ..Caller::default()
            };
            let caller = caller.narrowed(narrower);
            let may = Action::ALL.into_iter().filter(|action| caller.may(*action));
            let may: Vec<_> = may.map(Action::word).collect();
            assert_eq!(
                (caller.role, may.as_slice()),
                (Some(role), expected),
                "{own:?} {narrower:?}"
            );
        };
        let all = Action::ALL.map(Action::word);
        let viewer = ["taxii:read", "api:read"];
        check(Role::Admin, Role::Viewer, Role::Viewer, &viewer);
        check(Role::Viewer, Role::Admin, Role::Viewer, &viewer);
        check(Role::Admin, Role::Admin, Role::Admin, &all);
        check(Role::Analyst, Role::Admin, Role::Analyst, &all[..6]);
        check(Role::Admin, Role::Analyst, Role::Analyst, &all[..6]);
        // Neither may all that the other may.
        check(Role::Viewer, Role::Sensor, Role::Viewer, &["taxii:read"]);
        check(Role::Partner, Role::Viewer, Role::Partner, &["taxii:read"]);
        // Where nothing is taken away, the scope stays whole.
        let whole = Caller {
            role: Some(Role::Analyst),
            ..Caller::default()
        };
        assert_eq!(whole.narrowed(Role::Admin).scope, Scope::ALL);
        assert_ne!(whole.narrowed(Role::Viewer).scope, Scope::ALL);
    }
}
