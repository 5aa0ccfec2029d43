//! Changes of people, keys, collections and sources, written down on the audit chain.

use axum::Json;
use axum::http::StatusCode;
use perisai_store::{AuditEvent, Error};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Caller, Problem, Proof, State};

impl State {
    /// Answers with what was made, once that is written down. The body must hold no secret.
    pub(super) async fn made<T: Serialize>(
        &self,
        caller: &Caller,
        event: &'static str,
        body: T,
    ) -> Result<(StatusCode, Json<T>), Problem> {
        let body = self.changed(caller, event, body).await?;
        Ok((StatusCode::CREATED, body))
    }

    /// Answers with what was changed, once that is written down. The body must hold no secret.
    pub(super) async fn changed<T: Serialize>(
        &self,
        caller: &Caller,
        event: &'static str,
        body: T,
    ) -> Result<Json<T>, Problem> {
        self.note(caller, event, json!(&body)).await?;
        Ok(Json(body))
    }

    /// Answers that it is done, once that is written down.
    pub(super) async fn done(
        &self,
        caller: &Caller,
        event: &'static str,
        data: Value,
    ) -> Result<StatusCode, Problem> {
        self.note(caller, event, data).await?;
        Ok(StatusCode::NO_CONTENT)
    }

    /// Writes down what somebody changed. Where that fails, it is told, though the change was made.
    pub(super) async fn note(
        &self,
        caller: &Caller,
        event: &'static str,
        data: Value,
    ) -> Result<(), Problem> {
        Ok(self.write_down(caller, event, data).await?)
    }

    /// The same, for what is no request any more.
    pub(super) async fn write_down(
        &self,
        caller: &Caller,
        event: &'static str,
        data: Value,
    ) -> Result<(), Error> {
        let who = self.name(caller).await?;
        self.node.audit().append(AuditEvent { event, who, data }).await?;
        Ok(())
    }

    /// The name of who calls: of the person, else of the organisation.
    async fn name(&self, caller: &Caller) -> Result<Option<String>, Error> {
        let store = self.node.store();
        if caller.proof == Proof::Socket {
            return Ok(Some("admin.sock".to_owned()));
        }
        if let Some(person) = caller.person {
            return Ok(store.user(person).await?.map(|user| user.name));
        }
        let Some(organisation) = caller.organisation else {
            return Ok(None);
        };
        Ok(store.organisation(organisation).await?.map(|party| party.name))
    }
}
